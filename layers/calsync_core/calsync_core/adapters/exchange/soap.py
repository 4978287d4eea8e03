"""SOAP envelopes: ours are written as text, the server's are read strictly and never trusted.

Strictly means: no document type (so no entities), UTF-8 only, well-formed to the last byte, at most 16 MB and so many
tags, an Envelope with a Body. lxml's recovering parser, which exchangelib uses, takes half an answer for a whole one
(trust.md section 3); here half an answer is ProviderUnavailableError.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from calsync_core.adapters.exchange.errors import EwsRefusedError, Refusal
from calsync_core.domain.errors import ProviderUnavailableError

Element: TypeAlias = Any
"""lxml ships no types."""
S = "{http://schemas.xmlsoap.org/soap/envelope/}"
M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
E = "{http://schemas.microsoft.com/exchange/services/2006/errors}"
_NAMESPACES = (
    'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" '
    'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"'
)
MOST_TAGS = 400_000
"""A page of 512 items has some 40,000; a tree of millions of empty elements would fill the memory of a Lambda."""

_REFERENCE = re.compile(rb"&#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));")
_CONTROLS = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")

text = escape
attribute = quoteattr


@dataclass(frozen=True, slots=True)
class Header:
    """What stands above every request. `acting_as` is the mailbox that a service account acts for."""

    version: str
    acting_as: str | None = None


def envelope(header: Header, body: str) -> bytes:
    parts = [f'<t:RequestServerVersion Version="{header.version}"/>']
    if header.acting_as:
        sid = (
            f"<t:ConnectingSID><t:PrimarySmtpAddress>{text(header.acting_as)}</t:PrimarySmtpAddress></t:ConnectingSID>"
        )
        parts.append(f"<t:ExchangeImpersonation>{sid}</t:ExchangeImpersonation>")
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope {_NAMESPACES}>'
        f"<s:Header>{''.join(parts)}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def parse(content: bytes) -> Element:
    """The root of a whole, plain XML document. Raises ProviderUnavailableError("answer_unreadable")."""
    body = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not body.startswith(b"<") or b"<!DOCTYPE" in body[:4096] or b"\x00" in body[:256]:
        raise _unreadable("prolog")
    if body.count(b"<") > MOST_TAGS:
        raise _unreadable("tags")
    try:
        root = _strictly(body)
    except (etree.XMLSyntaxError, ValueError):
        root = _once_fit(body)
    information = root.getroottree().docinfo
    if information.internalDTD is not None or (information.encoding or "UTF-8").upper() not in {"UTF-8", "US-ASCII"}:
        raise _unreadable("prolog")
    return root


def _strictly(body: bytes) -> Element:
    """Raises XMLSyntaxError, ValueError."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    return etree.fromstring(body, parser)


def _once_fit(body: bytes) -> Element:
    """Exchange sends control characters of subjects and bodies as they are (`CASEBR&#x1A;S`,
    OfficeDev/ews-java-api#233): no XML, and one such entry would end every run. Without them it must be whole as ever.
    """
    cleaned = _CONTROLS.sub(b"", _REFERENCE.sub(_fit_reference, body))
    if cleaned == body:
        raise _unreadable("xml")
    try:
        return _strictly(cleaned)
    except (etree.XMLSyntaxError, ValueError):
        raise _unreadable("xml") from None


def _fit_reference(found: re.Match[bytes]) -> bytes:
    """As domain.texts.fit has it: what is no character goes, half a surrogate pair becomes U+FFFD."""
    code = int(found[1], 16) if found[1] else int(found[2])
    if 0xD800 <= code <= 0xDFFF:
        return b"&#xFFFD;"
    is_control = code < 0x20 and code not in {0x09, 0x0A, 0x0D}
    return b"" if is_control or code in {0xFFFE, 0xFFFF} or code > 0x10FFFF else found[0]


def body_of(content: bytes, status: int = 200) -> Element:
    """The first element of the Body. Raises EwsRefusedError for a fault, ProviderUnavailableError."""
    root = parse(content)
    body = root.find(f"{S}Body")
    if root.tag != f"{S}Envelope" or body is None or len(body) == 0:
        raise _unreadable("envelope")
    first: Element = body[0]
    if first.tag == f"{S}Fault":
        raise EwsRefusedError(_of_fault(first, status))
    return first


def build_of(content: bytes) -> tuple[str, str]:
    """Build ("15.2.1544.4") and schema version of the ServerVersionInfo header; empty where there is none."""
    root = parse(content)
    info = root.find(f"{S}Header/{T}ServerVersionInfo")
    if info is None:
        return "", ""
    names = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")
    numbers = [info.get(name) or "" for name in names]
    is_whole = all(one.isdecimal() and len(one) < 8 for one in numbers)
    return ".".join(numbers) if is_whole else "", info.get("Version") or ""


def messages(response: Element, operation: str) -> list[Element]:
    """The response messages of an answer, successes and failures. Raises ProviderUnavailableError."""
    found = response.find(f"{M}ResponseMessages")
    if response.tag != f"{M}{operation}Response" or found is None or len(found) == 0:
        raise _unreadable("operation")
    return list(found)


def refusal_of(message: Element) -> Refusal | None:
    """None for a success (or a warning, whose part that came is whole)."""
    kind = message.get("ResponseClass")
    code = message.findtext(f"{M}ResponseCode") or ""
    if kind in {"Success", "Warning"}:
        return None
    if kind != "Error" or not code:
        raise _unreadable("response_class")
    return Refusal(code, 200, tuple(_values(message.find(f"{M}MessageXml"))))


def checked(message: Element) -> Element:
    """The message itself. Raises EwsRefusedError when it failed."""
    refusal = refusal_of(message)
    if refusal is not None:
        raise EwsRefusedError(refusal)
    return message


def _of_fault(fault: Element, status: int) -> Refusal:
    detail = fault.find("detail")
    code = detail.findtext(f"{E}ResponseCode") if detail is not None else None
    if not code:  # servers that are not Exchange put it into the fault code
        code = (fault.findtext("faultcode") or "").rpartition(":")[2].strip()
        code = code if code.startswith("Error") else ""
    values = tuple(_values(detail.find(f"{T}MessageXml"))) if detail is not None else ()
    return Refusal(code.strip() or "", max(status, 500) if status == 200 and not code else status, values)


def _values(message_xml: Element | None) -> Iterator[tuple[str, str]]:
    for one in message_xml if message_xml is not None else ():
        name = one.get("Name") or etree.QName(one).localname
        yield name, (one.text or "").strip()


def _unreadable(kind: str) -> ProviderUnavailableError:
    return ProviderUnavailableError("answer_unreadable", kind=kind)
