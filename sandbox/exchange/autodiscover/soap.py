"""Autodiscover by SOAP (autodiscover.svc): GetUserSettings, since Exchange 2010."""

from typing import Any

from lxml import etree

from sandbox.exchange.autodiscover.found import Found
from sandbox.exchange.directory import ExchangeServer
from sandbox.exchange.xml import SOAP, XSI, Element

A = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
WSA = "http://www.w3.org/2005/08/addressing"
MAX_USERS = 100
_CODES = {"settings": "NoError", "redirect_address": "RedirectAddress", "redirect_url": "RedirectUrl"}
_KNOWN = frozenset(
    {
        "UserDisplayName",
        "UserDN",
        "UserDeploymentId",
        "AutoDiscoverSMTPAddress",
        "InternalMailboxServer",
        "MailboxVersion",
        "CasVersion",
        "EwsSupportedSchemas",
        "InternalEwsUrl",
        "ExternalEwsUrl",
        "ExternalMailboxServer",
        "ExternalMailboxServerRequiresSSL",
        "ExternalMailboxServerAuthenticationMethods",
        "EwsPartnerUrl",
    }
)


class InvalidRequestError(Exception):
    """The request names no user or asks for too many."""


def read_request(root: Element) -> tuple[list[str], list[str]]:
    """Addresses and names of settings. Raises InvalidRequestError."""
    request = root.find(f"{{{SOAP}}}Body/{{{A}}}GetUserSettingsRequestMessage/{{{A}}}Request")
    if request is None:
        raise InvalidRequestError("the message is no GetUserSettings request")
    users = [(one.text or "").strip() for one in request.iterfind(f"{{{A}}}Users/{{{A}}}User/{{{A}}}Mailbox")]
    names = [(one.text or "").strip() for one in request.iterfind(f"{{{A}}}RequestedSettings/{{{A}}}Setting")]
    if not users or len(users) > MAX_USERS or not names:
        raise InvalidRequestError("at least one user and one setting, at most a hundred users")
    return users, names


def answer(server: ExchangeServer, users: list[Found], names: list[str]) -> Element:
    """The envelope with one UserResponse for each user."""
    parts = [_user(found, names) for found in users]
    return _envelope(server, "NoError", "", _a("UserResponses", *parts))


def invalid(server: ExchangeServer, words: str) -> Element:
    """The envelope for a request that cannot be understood."""
    return _envelope(server, "InvalidRequest", words, None)


def _user(found: Found, names: list[str]) -> Element:
    if found.outcome == "unknown":
        return _response("InvalidUser", f"Invalid user: '{found.address}'", None, [], [])
    if found.outcome != "settings":
        return _response(_CODES[found.outcome], "Redirection.", found.target, [], [])
    errors, settings = [], []
    for name in names:
        if name in found.settings:
            setting = _a("UserSetting", _a("Name", name), _a("Value", found.settings[name]))
            setting.set(f"{{{XSI}}}type", "StringSetting")
            settings.append(setting)
        else:
            code = "SettingIsNotAvailable" if name in _KNOWN else "InvalidSetting"
            words = f"Requested setting, '{name}', was not found."
            errors.append(
                _a("UserSettingError", _a("ErrorCode", code), _a("ErrorMessage", words), _a("SettingName", name))
            )
    return _response("NoError", "No error.", None, errors, settings)


def _response(code: str, words: str, target: str | None, errors: list[Element], settings: list[Element]) -> Element:
    redirect = _a("RedirectTarget", target or "")
    if target is None:
        redirect.set(f"{{{XSI}}}nil", "true")
    return _a(
        "UserResponse",
        _a("ErrorCode", code),
        _a("ErrorMessage", words),
        redirect,
        _a("UserSettingErrors", *errors),
        _a("UserSettings", *settings),
    )


def _envelope(server: ExchangeServer, code: str, words: str, content: Element | None) -> Element:
    build = server.build
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"s": SOAP, "a": WSA})
    header = etree.SubElement(envelope, f"{{{SOAP}}}Header")
    action = etree.SubElement(header, f"{{{WSA}}}Action")
    action.set(f"{{{SOAP}}}mustUnderstand", "1")
    action.text = f"{A}/Autodiscover/GetUserSettingsResponse"
    version = etree.SubElement(header, f"{{{A}}}ServerVersionInfo", nsmap={"h": A})
    numbers: dict[str, Any] = {
        "MajorVersion": build.major,
        "MinorVersion": build.minor,
        "MajorBuildNumber": build.major_build,
        "MinorBuildNumber": build.minor_build,
        "Version": build.shown,
    }
    for name, value in numbers.items():
        etree.SubElement(version, f"{{{A}}}{name}").text = str(value)
    response = _a("Response", _a("ErrorCode", code), _a("ErrorMessage", words))
    if content is not None:
        response.append(content)
    etree.SubElement(envelope, f"{{{SOAP}}}Body").append(_a("GetUserSettingsResponseMessage", response))
    return envelope


def _a(name: str, *children: Any) -> Element:
    made = etree.Element(f"{{{A}}}{name}", nsmap={None: A, "i": XSI})
    for child in children:
        if isinstance(child, str):
            made.text = child
        else:
            made.append(child)
    return made
