"""One signed-in session at one Exchange server: questions out, response messages in, refusals as our errors.

Nothing waits here: a busy server's back-off becomes ProviderThrottledError, and the state machine waits. A refused
password ends the session: it is not sent a second time.
"""

import re
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from threading import Lock
from typing import Protocol
from urllib.parse import urlsplit

from calsync_core.adapters.exchange.errors import EwsRefusedError, Refusal, to_error
from calsync_core.adapters.exchange.soap import Element, Header, body_of, envelope, messages
from calsync_core.adapters.exchange.transport import Answer
from calsync_core.adapters.exchange.versions import Speech
from calsync_core.domain.errors import (
    CalsyncError,
    ConnectionBrokenError,
    ConsentRevokedError,
    InputError,
    ProviderUnavailableError,
)
from calsync_core.ports.exchange import ExchangeLogin

IDLE_SECONDS = 30.0
"""A connection that was quiet for longer may be dead (a frozen function, a load balancer): it is opened anew, so that
a write never has to be called uncertain because of that."""

MICROSOFT_365_HOSTS = (".office365.com", ".office.com", ".outlook.com", ".office365.us", ".partner.outlook.cn")


class Post(Protocol):
    """What the client needs of a connection."""

    url: str

    def post(self, content: bytes, headers: dict[str, str]) -> Answer: ...

    def close(self) -> None: ...


class EwsClient:
    """`on_refused_password` is told once, so that nobody tries it again. Safe to share between threads."""

    def __init__(
        self,
        connection: Post,
        login: ExchangeLogin,
        *,
        on_refused_password: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.login = login
        self.speech = Speech.of(login.server)
        self._connection = connection
        self._clock = clock
        self._on_refused_password = on_refused_password
        self._refused: CalsyncError | None = None
        self._used_at: float | None = None
        self._lock = Lock()
        self._headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "Accept": "text/xml",
            "X-AnchorMailbox": login.target,
        }
        acting_as = login.target if login.access == "impersonation" else None
        self._header = Header(self.speech.api_version, acting_as)

    def ask(self, operation: str, body: str) -> list[Element]:
        """The response messages of a question, which may be asked again after a cut connection.

        Raises EwsRefusedError for a fault, and CalsyncErrors for all that is wrong with the connection.
        """
        return messages(self._call(operation, body, is_repeatable=True), operation)

    def tell(self, operation: str, body: str) -> list[Element]:
        """The same for a write: after a cut connection nobody knows, so it is never repeated here."""
        return messages(self._call(operation, body, is_repeatable=False), operation)

    def ask_whole(self, operation: str, body: str) -> Element:
        """The response element of a question whose answer has no response messages (GetUserAvailability)."""
        return self._call(operation, body, is_repeatable=True)

    def close(self) -> None:
        self._connection.close()

    def _call(self, operation: str, body: str, *, is_repeatable: bool) -> Element:
        content = envelope(self._header, body)
        with self._lock:
            if self._refused is not None:
                raise self._refused
            if self._used_at is not None and self._clock() - self._used_at > IDLE_SECONDS:
                self._connection.close()
            try:
                answer = self._sent(operation, content)
            except ProviderUnavailableError as error:
                self._connection.close()
                if error.code != "connection_cut" or not is_repeatable:
                    raise
                answer = self._sent(operation, content)
            finally:
                self._used_at = self._clock()
        return self._read(answer)

    def _sent(self, operation: str, content: bytes) -> Answer:
        headers = {**self._headers, "client-request-id": str(uuid.uuid4())}
        if operation:
            namespace = "http://schemas.microsoft.com/exchange/services/2006/messages"
            headers["SOAPAction"] = f'"{namespace}/{operation}"'
        try:
            answer = self._connection.post(content, headers)
        except InputError as error:  # the stored name leads somewhere else by now
            raise ConnectionBrokenError(error.code, **error.detail) from None
        if answer.status == 401:
            self._refused = ConsentRevokedError(_of_401(answer))
            self._connection.close()
            self._on_refused_password()
            raise self._refused
        return answer

    def _read(self, answer: Answer) -> Element:
        """The response element. An HTML page, a redirect and half an answer are errors, never an empty answer."""
        if answer.status in {301, 302, 303, 307, 308}:
            raise moved(answer)
        if answer.status in {200, 500} and _is_xml(answer):
            try:
                return body_of(answer.content, answer.status)
            except EwsRefusedError as refused:
                if refused.code or answer.status == 200:
                    raise
        if answer.status == 200:
            raise ProviderUnavailableError("answer_unreadable", kind="content_type")
        raise to_error(Refusal(answer.headers.get("x-caserrorcode", ""), answer.status, (), retry_after(answer)))


def moved(answer: Answer) -> CalsyncError:
    """No redirect is followed. One to Microsoft 365 says where the mailbox went."""
    host = (urlsplit(answer.headers.get("location", "")).hostname or "").lower()
    if is_microsoft_365(host):
        return ConnectionBrokenError("microsoft365")
    return ProviderUnavailableError("answer_unreadable", kind="redirect")


def is_microsoft_365(host: str) -> bool:
    return f".{host.lower().rstrip('.')}".endswith(MICROSOFT_365_HOSTS)


def retry_after(answer: Answer) -> timedelta | None:
    seconds = answer.headers.get("retry-after", "").strip()
    return timedelta(seconds=float(seconds)) if re.fullmatch(r"\d{1,6}(\.\d{1,9})?", seconds) else None


def _of_401(answer: Answer) -> str:
    """Some front ends say in the body of a 401 that the account is locked; that is a sign, not a text for people."""
    return "account_locked" if b"currently locked out" in answer.content[:65536] else "password_wrong"


def _is_xml(answer: Answer) -> bool:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in {"text/xml", "application/xml", "application/soap+xml"}
