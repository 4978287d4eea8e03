"""Autodiscover by plain XML (autodiscover.xml), since Exchange 2007."""

from datetime import datetime
from typing import Any

from lxml import etree

from sandbox.exchange.autodiscover.found import Found
from sandbox.exchange.directory import ExchangeServer
from sandbox.exchange.xml import Element

_REQUEST = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
_OUTER = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
_INNER = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"


class InvalidRequestError(Exception):
    """The request is none of this schema (600) or asks for another answer (601)."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


def read_request(root: Element) -> str:
    """The address that is asked for. Raises InvalidRequestError."""
    request = root.find(f"{{{_REQUEST}}}Request")
    if root.tag != f"{{{_REQUEST}}}Autodiscover" or request is None:
        raise InvalidRequestError(600, "Invalid Request")
    wanted = (request.findtext(f"{{{_REQUEST}}}AcceptableResponseSchema") or "").strip()
    if wanted != _INNER:
        raise InvalidRequestError(601, "Provider is not available")
    address = (request.findtext(f"{{{_REQUEST}}}EMailAddress") or "").strip()
    if "@" not in address:
        raise InvalidRequestError(600, "Invalid Request")
    return address


def answer(server: ExchangeServer, found: Found, now: datetime, ews: str) -> Element:
    """The document about one address."""
    if found.outcome == "unknown":
        return error(now, 500, "The email address can't be found.")
    account: list[Element] = [_i("AccountType", "email")]
    user = []
    if found.outcome == "redirect_address":
        account += [_i("Action", "redirectAddr"), _i("RedirectAddr", found.target)]
    elif found.outcome == "redirect_url":
        pox = found.target.replace("autodiscover.svc", "autodiscover.xml")
        account += [_i("Action", "redirectUrl"), _i("RedirectUrl", pox)]
    else:
        account += [_i("Action", "settings"), *_protocols(server, found.settings, ews)]
        settings = found.settings
        user = [
            _i("DisplayName", settings["UserDisplayName"]),
            _i("LegacyDN", settings["UserDN"]),
            _i("AutoDiscoverSMTPAddress", settings["AutoDiscoverSMTPAddress"]),
            _i("DeploymentId", settings["UserDeploymentId"]),
        ]
    return _document(_i("Response", _i("User", *user), _i("Account", *account)))


def _protocols(server: ExchangeServer, settings: dict[str, str], ews: str) -> list[Element]:
    build = server.build
    internal = settings["InternalEwsUrl"]
    version = f"{(build.major << 26) | (build.minor << 20) | 0x8000 | build.major_build:X}"
    inside = [
        _i("Type", "EXCH"),
        _i("Server", settings["InternalMailboxServer"]),
        _i("ServerVersion", version),
        _i("AuthPackage", "Ntlm"),
        _i("ASUrl", internal),
        _i("EwsUrl", internal),
        _i("OOFUrl", internal),
    ]
    found = [_i("Protocol", *inside)]
    if server.has_external_url:
        outside = [
            _i("Type", "EXPR"),
            _i("Server", settings["ExternalMailboxServer"]),
            _i("SSL", "On"),
            _i("AuthPackage", "Ntlm" if "NTLM" in server.ews_auth else "Basic"),
            _i("ASUrl", ews),
            _i("EwsUrl", ews),
            _i("OOFUrl", ews),
        ]
        found.append(_i("Protocol", *outside))
    return found


def error(now: datetime, code: int, words: str) -> Element:
    """The document for a request that failed."""
    made = etree.Element(f"{{{_OUTER}}}Autodiscover", nsmap={None: _OUTER})
    response = etree.SubElement(made, f"{{{_OUTER}}}Response")
    inside = etree.SubElement(response, f"{{{_OUTER}}}Error", Time=f"{now:%H:%M:%S.%f}0", Id="2477272013")
    for name, text in (("ErrorCode", str(code)), ("Message", words), ("DebugData", "")):
        etree.SubElement(inside, f"{{{_OUTER}}}{name}").text = text or None
    return made


def _document(response: Element) -> Element:
    made = etree.Element(f"{{{_OUTER}}}Autodiscover", nsmap={None: _OUTER})
    made.append(response)
    return made


def _i(name: str, *children: Any) -> Element:
    made = etree.Element(f"{{{_INNER}}}{name}", nsmap={None: _INNER})
    for child in children:
        if isinstance(child, str):
            made.text = child
        else:
            made.append(child)
    return made
