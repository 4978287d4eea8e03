"""One connection to one Exchange server: to a checked address, over verified TLS, with caps on size and time.

exchangelib's own connections are not used: their HTTP adapter, their time-outs and their cache of sign-ins belong to
the whole process, they ask names anew for every connection and read answers without a limit (docs/decisions).
The authentication on top is the one exchangelib uses: requests_ntlm and Basic.
"""

import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from threading import Lock
from typing import Any

import certifi
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.util.connection import create_connection

from calsync_core.adapters.exchange.addresses import AddressGuard, Place
from calsync_core.domain.errors import (
    ConnectionBrokenError,
    ProviderUnavailableError,
)
from calsync_core.ports.exchange import Auth

LARGEST_ANSWER = 16 * 1024 * 1024
LONGEST_SECONDS = 30.0
CONNECT_SECONDS = 10.0
AGENT = "calsync/1"
"""Administrators allow and block programs by this name (EwsAllowList)."""

_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Header names are lower case; of several equal ones the values stand in `challenges`."""

    status: int
    headers: dict[str, str]
    content: bytes
    challenges: tuple[str, ...] = ()


class Connection:
    """Requests go one after the other: an NTLM sign-in belongs to one TCP connection.

    `sign_in` None sends no credentials at all. Safe to share between threads.
    """

    def __init__(
        self, url: str, guard: AddressGuard, ca_pem: str | None = None, sign_in: AuthBase | None = None
    ) -> None:
        self.url = url
        self._guard = guard
        self._ca_pem = ca_pem
        self._sign_in = sign_in or _Nobody()
        self._session: requests.Session | None = None
        self._lock = Lock()
        self.place: Place | None = None

    def post(self, content: bytes, headers: dict[str, str]) -> Answer:
        return self._request("POST", content, headers)

    def get(self, headers: dict[str, str] | None = None) -> Answer:
        return self._request("GET", b"", headers or {})

    def close(self) -> None:
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None

    def _request(self, method: str, content: bytes, headers: dict[str, str]) -> Answer:
        """Raises InputError("server_address"), ConnectionBrokenError("certificate_untrusted"),
        ProviderUnavailableError (name_not_found, connection_cut, timed_out, answer_too_large)."""
        with self._lock:
            session = self._opened()
            try:
                with session.request(
                    method,
                    self.url,
                    data=content or None,
                    headers=headers,
                    timeout=(CONNECT_SECONDS, LONGEST_SECONDS),
                    allow_redirects=False,
                    stream=True,
                ) as answer:
                    return _whole(answer)
            except requests.exceptions.SSLError as error:
                raise _of_tls(error) from None
            except requests.Timeout:
                raise ProviderUnavailableError("timed_out") from None
            except (requests.RequestException, HTTPError, OSError) as error:
                raise ProviderUnavailableError("connection_cut", kind=type(error).__name__) from None

    def _opened(self) -> requests.Session:
        if self._session is None:
            self.place = self._guard.place(self.url)
            session = requests.Session()
            session.trust_env = False  # no proxy, no .netrc, no other authorities from the environment
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            session.headers["User-Agent"] = AGENT
            session.headers["Accept-Encoding"] = "identity"  # what arrives is what is counted
            session.auth = self._sign_in
            session.mount("https://", _PinnedAdapter(self.place, self._ca_pem))
            session.mount("http://", _NoPlainText())
            self._session = session
        return self._session


def sign_in_of(auth: Auth, login: str, password: str) -> AuthBase:
    """exchangelib's way with names: an e-mail as NTLM login goes without a domain."""
    if auth == "basic":
        return HTTPBasicAuth(login.encode(), password.encode())
    from requests_ntlm import HttpNtlmAuth

    sign_in: AuthBase = HttpNtlmAuth(login if "\\" in login else f"\\{login}", password)
    return sign_in


def tls_context(ca_pem: str | None = None) -> ssl.SSLContext:
    """Public authorities, and the operator's own beside them. Raises ConnectionBrokenError for a PEM that is none."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_pem:
        try:
            context.load_verify_locations(cadata=ca_pem)
        except (ssl.SSLError, ValueError):
            raise ConnectionBrokenError("certificate_untrusted", kind="own_authority") from None
    return context


def certificate_of(place: Place, ca_pem: str | None = None) -> str:
    """Shake hands and say until when the certificate is valid. Raises what a request would raise."""
    context = tls_context(ca_pem)
    error: Exception | None = None
    for address in place.addresses[:4]:
        try:
            with (
                socket.create_connection((address, place.port), CONNECT_SECONDS) as plain,
                context.wrap_socket(plain, server_hostname=place.host) as secure,
            ):
                ends = (secure.getpeercert() or {}).get("notAfter")
                return f"{secure.version()}, {ends}"
        except ssl.SSLCertVerificationError as untrusted:
            raise ConnectionBrokenError("certificate_untrusted", kind=str(untrusted.verify_code)) from None
        except TimeoutError as caught:
            error = ProviderUnavailableError("timed_out", kind=type(caught).__name__)
        except OSError as caught:
            error = ProviderUnavailableError("connection_cut", kind=type(caught).__name__)
    raise error or ProviderUnavailableError("connection_cut")


class _Nobody(AuthBase):
    """Keeps requests from looking for credentials elsewhere."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _NoPlainText(HTTPAdapter):
    def send(self, *_args: Any, **_more: Any) -> requests.Response:
        raise requests.exceptions.InvalidSchema("http")


class _PinnedAdapter(HTTPAdapter):
    """One connection at a time, to the checked address; bodies are read with a limit, those of refusals too."""

    def __init__(self, place: Place, ca_pem: str | None) -> None:
        self._place = place
        self._context = tls_context(ca_pem)
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0, pool_block=False)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **more)
        place = self._place

        class PinnedConnection(HTTPSConnection):
            def _new_conn(self) -> Any:
                return _connected(place, self)

        class PinnedPool(HTTPSConnectionPool):
            ConnectionCls = PinnedConnection

        self.poolmanager.pool_classes_by_scheme = {"https": PinnedPool}

    def build_connection_pool_key_attributes(
        self,
        request: requests.PreparedRequest,
        verify: Any,  # noqa: ARG002 - the base's shape
        cert: Any = None,  # noqa: ARG002
    ) -> Any:
        """The context has the authorities already; nothing may add to them or switch verification off."""
        host, _ = super().build_connection_pool_key_attributes(request, True, None)
        return host, {"cert_reqs": "CERT_REQUIRED"}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Done by the context."""

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        """requests_ntlm reads the bodies of 401s itself: the limits must stand below it."""
        response = super().send(request, *args, **more)
        raw, until = response.raw, time.monotonic() + LONGEST_SECONDS

        setattr(raw, "stream", lambda *_args, **_more: _bounded(raw, until))  # noqa: B010 - an instance's own method
        return response


def _connected(place: Place, connection: HTTPSConnection) -> Any:
    error: OSError | None = None
    for address in place.addresses[:4]:
        try:
            return create_connection(
                (address, place.port), connection.timeout, socket_options=connection.socket_options
            )
        except TimeoutError as caught:
            raise ConnectTimeoutError(connection, "the server did not answer") from caught
        except OSError as caught:
            error = caught
    raise NewConnectionError(connection, "no address of the server answered") from error


def _bounded(raw: Any, until: float) -> Iterator[bytes]:
    """What is there, as it comes: a server that sends a byte a second ends with the time limit."""
    size = 0
    while True:
        piece: bytes = raw.read1(_PIECE)
        if not piece:
            return
        size += len(piece)
        if size > LARGEST_ANSWER:
            raise ProviderUnavailableError("answer_too_large")
        if time.monotonic() > until:
            raise ProviderUnavailableError("timed_out")
        yield piece


def _whole(answer: requests.Response) -> Answer:
    content = b"".join(answer.raw.stream(_PIECE)) if not answer._content_consumed else answer.content  # type: ignore[attr-defined]
    headers = {name.lower(): str(value) for name, value in answer.headers.items()}
    if headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
        raise ProviderUnavailableError("answer_unreadable", kind="encoding")
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) != len(content):
        raise ProviderUnavailableError("connection_cut", kind="length")
    challenges = tuple(answer.raw.headers.getlist("WWW-Authenticate")) if hasattr(answer.raw, "headers") else ()
    return Answer(answer.status_code, headers, content, challenges)


def _of_tls(error: requests.exceptions.SSLError) -> Exception:
    """A certificate that does not fit stays so until somebody acts; a cut handshake is a cut connection."""
    cause: BaseException | None = error
    for _ in range(8):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ConnectionBrokenError("certificate_untrusted", kind=str(cause.verify_code))
        reason = getattr(cause, "reason", None)
        cause = (
            reason if isinstance(reason, BaseException) else (cause.__cause__ or cause.__context__) if cause else None
        )
        if cause is None:
            break
    for argument in error.args:
        inner = getattr(argument, "reason", None)
        while isinstance(inner, BaseException):
            if isinstance(inner, ssl.SSLCertVerificationError):
                return ConnectionBrokenError("certificate_untrusted", kind=str(inner.verify_code))
            inner = inner.args[0] if inner.args and isinstance(inner.args[0], BaseException) else inner.__cause__
    return ProviderUnavailableError("connection_cut", kind="tls")
