"""Who a mailbox belongs to, and which zone its owner works in. Neither is needed to sync: no answer is an answer."""

import base64
from dataclasses import dataclass

from calsync_core.adapters.exchange.client import EwsClient
from calsync_core.adapters.exchange.errors import EwsRefusedError
from calsync_core.adapters.exchange.folders import distinguished
from calsync_core.adapters.exchange.soap import Element, M, T, checked, text
from calsync_core.domain.errors import ProviderThrottledError, ProviderUnavailableError
from calsync_core.domain.zones import iana_name


@dataclass(frozen=True, slots=True)
class Named:
    """A person as the directory shows him; `address` is the primary one, lower case."""

    address: str
    display_name: str


def resolve_name(client: EwsClient, address: str) -> Named:
    """The directory's name and primary address; where it says nothing, the address that was asked for."""
    body = (
        '<m:ResolveNames ReturnFullContactData="false" SearchScope="ActiveDirectory">'
        f"<m:UnresolvedEntry>{text(address)}</m:UnresolvedEntry></m:ResolveNames>"
    )
    unknown = Named(address.lower(), address)
    try:
        message = client.ask("ResolveNames", body)[0]
        resolutions = message.find(f"{M}ResolutionSet")
    except EwsRefusedError:
        return unknown
    found = [_named(one) for one in resolutions.iter(f"{T}Mailbox")] if resolutions is not None else []
    people = [one for one in found if one is not None]
    exact = [one for one in people if one.address == address.lower()]
    if exact:
        return exact[0]
    return people[0] if len(people) == 1 else unknown  # an alias leads to one person; several are no answer


def mailbox_zone(client: EwsClient, owner: str | None) -> str | None:
    """The IANA name of the zone in Outlook on the web's options; None where there are none, or for 2007."""
    if not client.speech.has_zones:
        return None
    body = (
        '<m:GetUserConfiguration><m:UserConfigurationName Name="OWA.UserOptions">'
        f"{distinguished('root', owner)}</m:UserConfigurationName>"
        "<m:UserConfigurationProperties>Dictionary</m:UserConfigurationProperties></m:GetUserConfiguration>"
    )
    try:
        message = checked(client.ask("GetUserConfiguration", body)[0])
    except ProviderThrottledError:
        raise
    except (EwsRefusedError, ProviderUnavailableError):  # a server that does not know the question
        return None
    for entry in message.iter(f"{T}DictionaryEntry"):
        if _value(entry.find(f"{T}DictionaryKey")) == "timezone":
            return iana_name(_value(entry.find(f"{T}DictionaryValue")))
    return None


def _named(mailbox: Element) -> Named | None:
    address = (mailbox.findtext(f"{T}EmailAddress") or "").strip()
    if "@" not in address:
        return None
    return Named(address.lower(), (mailbox.findtext(f"{T}Name") or address).strip())


def _value(part: Element | None) -> str:
    """A dictionary's text value; some servers pack it in base64."""
    if part is None:
        return ""
    value = (part.findtext(f"{T}Value") or "").strip()
    if part.findtext(f"{T}Type") == "ByteArray":
        try:
            return base64.b64decode(value, validate=True).decode("utf-16-le")
        except ValueError:
            return ""
    return value
