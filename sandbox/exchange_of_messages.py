"""One HTTP exchange as the fault rules and the request log see it: the request read whole, the answer collected."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SEEN = "sandbox.seen"
"""Set in the scope of a request that the log has noted: inner applications do not note it again."""

FAULTED = "sandbox.faulted"
"""The same for the fault rules."""

CUT = "sandbox.cut"
"""In the scope's extensions: a function that cuts the connection without an answer."""


@dataclass
class Answer:
    """A collected answer: nothing of it has been sent yet."""

    messages: list[Message] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The status line's number; 500 when the application never began."""
        starts = [m["status"] for m in self.messages if m["type"] == "http.response.start"]
        return int(starts[0]) if starts else 500

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Header names in lower case."""
        for message in self.messages:
            if message["type"] == "http.response.start":
                return [(k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in message.get("headers", [])]
        return []

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(m.get("body", b"") for m in self.messages if m["type"] == "http.response.body")

    async def send(self, message: Message) -> None:
        """Collect instead of sending."""
        self.messages.append(message)


async def read_body(receive: Receive) -> bytes:
    """Read a request's body to its end."""
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    return b"".join(parts)


def replay(body: bytes, receive: Receive) -> Receive:
    """A receive channel that gives a body that was read before, and then what really comes."""
    is_given = False

    async def again() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def collect(app: ASGIApp, scope: Scope, body: bytes, receive: Receive) -> Answer:
    """Let the application answer and keep the answer back."""
    answer = Answer()
    await app(scope, replay(body, receive), answer.send)
    return answer


def with_connection(app: ASGIApp) -> ASGIApp:
    """The outermost application under uvicorn: lets inner ones cut the connection.

    ASGI has no word for it; uvicorn's `send` is a method of the object that holds the transport.
    """

    async def outermost(scope: Scope, receive: Receive, send: Send) -> None:
        transport: Any = getattr(getattr(send, "__self__", None), "transport", None)
        if scope["type"] == "http" and transport is not None:
            cut: Callable[[], None] = transport.abort
            scope.setdefault("extensions", {})[CUT] = cut
        await app(scope, receive, send)

    return outermost
