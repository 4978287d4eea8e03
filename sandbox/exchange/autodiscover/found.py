"""What Autodiscover knows of an address: its settings, or where else to ask."""

from dataclasses import dataclass, field
from typing import Literal

from sandbox.exchange.access import Access
from sandbox.exchange.directory import ExchangeServer
from sandbox.exchange.versions import BUILDS, Version
from sandbox.people import Person

Outcome = Literal["settings", "redirect_address", "redirect_url", "unknown"]


@dataclass(frozen=True, slots=True)
class Found:
    """One answer. `target` is the address or URL of a redirection."""

    outcome: Outcome
    address: str
    target: str = ""
    settings: dict[str, str] = field(default_factory=dict)


def look_up(access: Access, server: ExchangeServer, address: str, urls: dict[str, dict[str, str]]) -> Found:
    """What one server answers about an address. `urls`: server name -> its addresses (service.py:urls)."""
    mailbox = access.mailboxes.by_address(address)
    person = access.directory.people.get(mailbox.oid) if mailbox else None
    account = access.state.accounts.get(person.id) if person else None
    if mailbox is None or person is None or account is None:
        return Found("unknown", address)
    if account.location == "moved":
        tenant = server.dns_domain.partition(".")[0]
        return Found("redirect_address", address, account.cloud_address or f"{account.login}@{tenant}.cloud.example")
    if account.server != server.name:
        return Found("redirect_url", address, urls[account.server]["autodiscover_soap"])
    return Found("settings", address, settings=_settings(server, person, mailbox.address, urls[server.name]["ews"]))


def _settings(server: ExchangeServer, person: Person, address: str, ews: str) -> dict[str, str]:
    computer = f"{server.computer}.{server.dns_domain}"
    build = server.build
    known = [v.name.replace("EXCHANGE", "Exchange") for v in Version if v <= BUILDS[server.release].newest]
    settings = {
        "UserDisplayName": person.display_name,
        "UserDN": f"/o={server.netbios_domain}/ou=Exchange Administrative Group/cn=Recipients/cn={person.id}",
        "UserDeploymentId": person.tenant_id,
        "AutoDiscoverSMTPAddress": address,
        "InternalMailboxServer": computer,
        "MailboxVersion": f"{build.major}.{build.minor}.{build.major_build}.{build.minor_build}",
        "CasVersion": f"{build.major:02d}.{build.minor:02d}.{build.major_build:04d}.{build.minor_build:03d}",
        "EwsSupportedSchemas": ", ".join(n for n in known if n.startswith("Exchange")),
        "InternalEwsUrl": f"https://{computer.lower()}/EWS/Exchange.asmx",
        "ExternalEwsUrl": ews,
        "ExternalMailboxServer": ews.split("/")[2],
        "ExternalMailboxServerRequiresSSL": "True",
        "ExternalMailboxServerAuthenticationMethods": ", ".join(server.ews_auth),
        "EwsPartnerUrl": ews,
    }
    if not server.has_external_url:
        for name in ("ExternalEwsUrl", "EwsPartnerUrl", "ExternalMailboxServer"):
            settings.pop(name)
    return settings
