"""The request log: every exchange with the sandbox, for assertions and for validation against the description.

Secrets never get in: no Authorization or Cookie header, and the values of passwords, codes and tokens are
replaced, in forms, in queries and in the token endpoint's answers.
"""

import json
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.exchange_of_messages import SEEN, Answer, read_body, replay

KEPT = 20_000
KEPT_BYTES = 100_000_000
BODY_LIMIT = 1_000_000
_HIDDEN_HEADERS = {"authorization", "cookie", "set-cookie", "proxy-authorization"}
_SECRET_NAMES = "client_secret|client_assertion|password|code|code_verifier|refresh_token|access_token|id_token"
_FORM_SECRETS = re.compile(rf"(^|[&?#])({_SECRET_NAMES})=[^&#]*")
_JSON_SECRETS = re.compile(rf'"({_SECRET_NAMES})"\s*:\s*"[^"]*"')


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer as they were; `as_json` hides what is secret. Status 0: the connection was cut."""

    id: int
    at: datetime
    server: str
    method: str
    path: str
    query: str
    mailbox: str
    status: int
    milliseconds: float
    request_headers: dict[str, str]
    request_body: bytes
    response_headers: dict[str, str]
    response_body: bytes
    is_batch_part: bool

    @property
    def size(self) -> int:
        """Bytes that the bodies take."""
        return len(self.request_body) + len(self.response_body)

    def as_json(self) -> dict[str, Any]:
        """The exchange for a reader: bodies as JSON values or text, secrets replaced."""
        return {
            "id": self.id,
            "at": self.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "server": self.server,
            "method": self.method,
            "path": self.path,
            "query": _hidden(self.query),
            "mailbox": self.mailbox,
            "status": self.status,
            "milliseconds": self.milliseconds,
            "request_headers": _shown(self.request_headers),
            "request_body": _readable(self.request_body, self.request_headers.get("content-type", "")),
            "response_headers": _shown(self.response_headers),
            "response_body": _readable(self.response_body, self.response_headers.get("content-type", "")),
            "is_batch_part": self.is_batch_part,
        }


class RequestLog:
    """The last exchanges, oldest first; ids rise for ever."""

    def __init__(self, now: Callable[[], datetime], mailbox_of: Callable[[Scope], str]) -> None:
        self._now = now
        self._mailbox_of = mailbox_of
        self._kept: deque[Exchange] = deque()
        self._bytes = 0
        self._next_id = 1

    def since(self, last_id: int, path: str = "", limit: int = 1000) -> list[dict[str, Any]]:
        """Exchanges after an id, oldest first, those whose path fits the pattern."""
        pattern = re.compile(path)
        fitting = (e for e in self._kept if e.id > last_id and pattern.search(e.path))
        return [exchange.as_json() for _, exchange in zip(range(limit), fitting, strict=False)]

    @property
    def last_id(self) -> int:
        """The id of the newest exchange; 0 before the first."""
        return self._next_id - 1

    def clear(self) -> None:
        """Forget all exchanges; ids go on."""
        self._kept.clear()
        self._bytes = 0

    def around(self, app: ASGIApp, server: str, *, is_inner: bool = False) -> ASGIApp:
        """Put the log around an application; the inner one sees only the parts of a batch."""

        async def logged(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope.get(SEEN):
                await app(scope, receive, send)
                return
            scope[SEEN] = True
            began = time.perf_counter()
            body = await read_body(receive)
            answer = Answer()

            async def note_and_send(message: Message) -> None:
                await answer.send(message)
                await send(message)

            try:
                await app(scope, replay(body, receive), note_and_send)
            finally:
                self._note(scope, server, body, answer, (time.perf_counter() - began) * 1000, is_inner)

        return logged

    def _note(
        self, scope: Scope, server: str, body: bytes, answer: Answer, milliseconds: float, is_inner: bool
    ) -> None:
        requested = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        # Parsing waits until somebody reads the log: thousands of pages of an import never are.
        exchange = Exchange(
            id=self._next_id,
            at=self._now(),
            server=server,
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            mailbox=self._mailbox_of(scope),
            status=answer.status if answer.messages else 0,
            milliseconds=round(milliseconds, 2),
            request_headers=_without_secrets(requested),
            request_body=body[:BODY_LIMIT],
            response_headers=_without_secrets(dict(answer.headers)),
            response_body=answer.body[:BODY_LIMIT],
            is_batch_part=is_inner,
        )
        self._next_id += 1
        self._kept.append(exchange)
        self._bytes += exchange.size
        while len(self._kept) > KEPT or self._bytes > KEPT_BYTES:
            self._bytes -= self._kept.popleft().size


def _without_secrets(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in _HIDDEN_HEADERS}


def _hidden(text: str) -> str:
    return _FORM_SECRETS.sub(r"\1\2=(hidden)", text)


def _shown(headers: dict[str, str]) -> dict[str, str]:
    return headers | ({"location": _hidden(headers["location"])} if "location" in headers else {})


def _readable(body: bytes, content_type: str) -> Any:
    """A body as JSON value where it is JSON, else as text; HTML pages are not shown."""
    if not body or "text/html" in content_type:
        return None
    text = body.decode("utf-8", errors="replace")
    if "json" in content_type:
        try:
            return json.loads(_JSON_SECRETS.sub(r'"\1": "(hidden)"', text))
        except ValueError:
            return text  # a broken body is what a test may want to see
    return _hidden(text)
