"""exchangelib as a client of the sandbox, and plain SOAP for what no client would send."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.sax.saxutils import escape

import httpx
from exchangelib import BASIC, DELEGATE, NTLM, Account, Configuration, Credentials, FailFast
from exchangelib.account import Account as AccountType
from exchangelib.protocol import BaseProtocol, close_connections
from exchangelib.version import Build, Version
from lxml import etree
from requests.adapters import HTTPAdapter

from tests.sandbox.small_microsoft import Microsoft
from tests.sandbox.walks import PASSWORD

__all__ = ["BASIC", "DELEGATE", "NTLM", "account", "call", "envelope", "trusting"]

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
M = "http://schemas.microsoft.com/exchange/services/2006/messages"
T = "http://schemas.microsoft.com/exchange/services/2006/types"
NAMES = {"s": SOAP, "m": M, "t": T, "e": "http://schemas.microsoft.com/exchange/services/2006/errors"}


@contextmanager
def trusting(ca_file: str) -> Iterator[None]:
    """Let exchangelib trust one authority; its adapter class is process-wide."""

    class OwnAuthority(HTTPAdapter):
        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            super().cert_verify(conn, url, ca_file, cert)

    before = BaseProtocol.HTTP_ADAPTER_CLS
    BaseProtocol.HTTP_ADAPTER_CLS = OwnAuthority
    try:
        yield
    finally:
        close_connections()
        BaseProtocol.HTTP_ADAPTER_CLS = before


def account(microsoft: Microsoft, address: str, login: str = "", password: str = PASSWORD, **more: Any) -> AccountType:
    """An exchangelib account with all hints, so that its first request is the first one that counts."""
    hints: dict[str, Any] = {"auth_type": BASIC, "version": Version(Build(15, 2))} | more.pop("hints", {})
    config = Configuration(
        service_endpoint=more.pop("url", microsoft.addresses["ews"]),
        credentials=Credentials(login or address, password),
        retry_policy=FailFast(),
        max_connections=1,
        **hints,
    )
    return Account(
        primary_smtp_address=address,
        config=config,
        autodiscover=False,
        access_type=more.pop("access_type", DELEGATE),
        **more,
    )


def envelope(body: str, version: str | None = "Exchange2016", header: str = "") -> str:
    """A request; prefixes m and t are declared."""
    wanted = f'<t:RequestServerVersion Version="{escape(version)}"/>' if version else ""
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}" xmlns:m="{M}" xmlns:t="{T}">'
        f"<s:Header>{wanted}{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )


def call(
    microsoft: Microsoft, login: str, body: str, version: str | None = "Exchange2016", header: str = "", **more: Any
) -> httpx.Response:
    """Send one request with Basic sign-in."""
    return microsoft.machine.post(
        more.pop("url", "/EWS/Exchange.asmx"),
        content=envelope(body, version, header),
        auth=(login, more.pop("password", PASSWORD)),
        headers={"Content-Type": "text/xml; charset=utf-8"},
        **more,
    )


def found(answer: httpx.Response, path: str) -> list[Any]:
    """What an XPath with the prefixes s, m, t, e finds in an answer."""
    result: list[Any] = etree.fromstring(answer.content).xpath(path, namespaces=NAMES)
    return result


def code_of(answer: httpx.Response) -> str:
    """The first response code, of a message or of a fault."""
    codes = found(answer, "//m:ResponseCode/text() | //e:ResponseCode/text()")
    return str(codes[0]) if codes else ""


def trusted(microsoft: Microsoft) -> ssl.SSLContext:
    """A client context that trusts the sandbox."""
    return ssl.create_default_context(cafile=microsoft.addresses["ca_file"])
