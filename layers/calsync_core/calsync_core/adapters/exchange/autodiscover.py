"""Where an address's mailbox lives: Autodiscover, SOAP first and POX after it, at the usual places.

The answer decides where a password goes, so: https alone (no redirect by plain http, no DNS record that names another
host), every host through the address guard and a trusted certificate, the password only to hosts of the address's own
domain, once per host, and never after it was refused. A redirect to another address or host is followed only to ask
there without a password; Microsoft 365 is recognised and refused (ews.md sections 1, 6 and 8).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import etree
from requests.auth import AuthBase

from calsync_core.adapters.exchange.client import is_microsoft_365
from calsync_core.adapters.exchange.schemes import Scheme, schemes_of
from calsync_core.adapters.exchange.soap import Element, parse, text
from calsync_core.adapters.exchange.transport import Answer, Connection, sign_in_of
from calsync_core.domain.errors import (
    ConnectionBrokenError,
    InputError,
    ProviderUnavailableError,
    SignInRefusedError,
)

_XML = {"Content-Type": "text/xml; charset=utf-8"}
_SETTINGS = ("ExternalEwsUrl", "InternalEwsUrl", "EwsSupportedSchemas")
_SOAP_ACTION = "http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings"
_OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook"
Open = Callable[[str, AuthBase | None], Connection]


@dataclass(frozen=True, slots=True)
class _Found:
    """What an answer says: an address of web services, or another mail address, or another place to ask."""

    ews_url: str = ""
    is_microsoft_365: bool = False


class Autodiscover:
    """`open_` makes a guarded connection to a URL. `known` is a server (host, with its port) that had the password
    before: it is asked first, and with it."""

    def __init__(self, open_: Open, known: str = "") -> None:
        self._open = open_
        self._known = known.lower()

    def ews_url(self, address: str, login: str, password: str) -> str:
        """Raises ConnectionBrokenError: server_not_found, certificate_untrusted; SignInRefusedError: password_wrong,
        microsoft365."""
        domain = address.rpartition("@")[2].strip().lower()
        untrusted: ConnectionBrokenError | None = None
        for url, ask in self._places(domain, address):
            try:
                found = self._asked(url, ask, domain, login, password)
            except ConnectionBrokenError as error:
                untrusted = untrusted or error
                continue
            except (ProviderUnavailableError, InputError):
                continue  # nobody there, or a place that we do not go to
            if found is None:
                continue
            if found.is_microsoft_365:
                raise SignInRefusedError("microsoft365")
            if found.ews_url:
                return found.ews_url
        raise untrusted or ConnectionBrokenError("server_not_found")

    def _places(self, domain: str, address: str) -> Iterator[tuple[str, "_Question"]]:
        for host in filter(None, (self._known, f"autodiscover.{domain}", domain)):
            yield f"https://{host}/autodiscover/autodiscover.svc", _by_soap(address, host)
            yield f"https://{host}/autodiscover/autodiscover.xml", _by_pox(address)

    def _asked(self, url: str, question: "_Question", domain: str, login: str, password: str) -> _Found | None:
        """First without a password; then with it, once, and only at the address's own domain."""
        plain = self._open(url, None)
        try:
            answer = plain.post(question.content, question.headers)
        finally:
            plain.close()
        if answer.status in {301, 302, 303, 307, 308}:
            return _redirected(answer)
        if answer.status == 401:
            answer = self._signed_in(url, question, schemes_of(answer), login, password, domain) or answer
        return question.read(answer) if answer.status == 200 else None

    def _signed_in(
        self, url: str, question: "_Question", schemes: list[Scheme], login: str, password: str, domain: str
    ) -> Answer | None:
        """None when nothing may be sent. Raises SignInRefusedError("password_wrong"): other hosts are not tried."""
        host, is_known = (urlsplit(url).hostname or "").lower(), urlsplit(url).netloc.lower() == self._known
        if not schemes or not (is_known or host == domain or host.endswith(f".{domain}")):
            return None
        connection = self._open(url, sign_in_of(schemes[0], login, password))
        try:
            answer = connection.post(question.content, question.headers)
        finally:
            connection.close()
        if answer.status == 401:
            raise SignInRefusedError("password_wrong")
        if answer.status in {301, 302, 303, 307, 308} and _redirected(answer).is_microsoft_365:
            raise SignInRefusedError("microsoft365")
        return answer


@dataclass(frozen=True, slots=True)
class _Question:
    content: bytes
    headers: dict[str, str]
    read: Callable[[Answer], _Found | None]


def _by_soap(address: str, host: str) -> _Question:
    namespace = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
    settings = "".join(f"<a:Setting>{name}</a:Setting>" for name in _SETTINGS)
    content = (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="{namespace}" '
        'xmlns:w="http://www.w3.org/2005/08/addressing"><s:Header>'
        f"<a:RequestedServerVersion>Exchange2010</a:RequestedServerVersion><w:Action>{_SOAP_ACTION}</w:Action>"
        f"<w:To>https://{host}/autodiscover/autodiscover.svc</w:To></s:Header>"
        f"<s:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>{text(address)}</a:Mailbox>"
        f"</a:User></a:Users><a:RequestedSettings>{settings}</a:RequestedSettings></a:Request>"
        "</a:GetUserSettingsRequestMessage></s:Body></s:Envelope>"
    )
    return _Question(content.encode(), {**_XML, "SOAPAction": f'"{_SOAP_ACTION}"'}, _read_soap)


def _by_pox(address: str) -> _Question:
    content = (
        f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{_OUTLOOK}/requestschema/2006"><Request>'
        f"<EMailAddress>{text(address)}</EMailAddress>"
        f"<AcceptableResponseSchema>{_OUTLOOK}/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>"
    )
    return _Question(content.encode(), _XML, _read_pox)


def _read_soap(answer: Answer) -> _Found | None:
    """External before internal; an error for the user, or a redirect to another address, leads nowhere here."""
    named: dict[str, str] = {}
    target = ""
    for element in parse(answer.content).iter(etree.Element):
        name = _local(element)
        if name == "UserSetting":
            parts = {_local(one): (one.text or "").strip() for one in element}
            named[parts.get("Name", "")] = parts.get("Value", "")
        elif name == "RedirectTarget":
            target = (element.text or "").strip()
    if _is_cloud_address(target):
        return _Found(is_microsoft_365=True)
    return _of_url(named.get("ExternalEwsUrl") or named.get("InternalEwsUrl") or "")


def _read_pox(answer: Answer) -> _Found | None:
    """The outer protocols (EXPR, WEB) before the inner ones (EXCH)."""
    found: dict[str, str] = {}
    for element in parse(answer.content).iter(etree.Element):
        name, value = _local(element), (element.text or "").strip()
        if name in {"RedirectAddr", "RedirectUrl"} and _is_cloud_address(value):
            return _Found(is_microsoft_365=True)
        if name == "Protocol":
            parts = {_local(one): (one.text or "").strip() for one in element}
            url = parts.get("EwsUrl") or parts.get("ASUrl") or ""
            if url:
                found.setdefault(parts.get("Type") or element.get("Type") or "", url)
    for kind in ("EXPR", "WEB", "EXHTTP", "EXCH"):
        if kind in found:
            return _of_url(found[kind])
    return None


def _of_url(url: str) -> _Found | None:
    host = urlsplit(url).hostname or ""
    if not host:
        return None
    return _Found(is_microsoft_365=True) if is_microsoft_365(host) else _Found(ews_url=url)


def _redirected(answer: Answer) -> _Found:
    """Nobody is followed; but where it leads tells of Microsoft 365."""
    return _Found(is_microsoft_365=is_microsoft_365(urlsplit(answer.headers.get("location", "")).hostname or ""))


def _is_cloud_address(target: str) -> bool:
    """`someone@tenant.mail.onmicrosoft.com`, or a URL at Microsoft 365."""
    host = target.rpartition("@")[2] if "@" in target else urlsplit(target).hostname or ""
    return is_microsoft_365(host) or f".{host.lower()}".endswith(".onmicrosoft.com")


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
