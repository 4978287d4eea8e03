"""A listener for Exchange's push posts: keeps what arrives, answers OK, Unsubscribe or badly, as told."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from exchangelib.services import SendNotification

ANSWER = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Body><m:SendNotificationResult>'
    "<m:SubscriptionStatus>{}</m:SubscriptionStatus></m:SendNotificationResult></s:Body></s:Envelope>"
)


@dataclass
class Post:
    """One post that arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def events(self) -> list[Any]:
        """What exchangelib reads from it."""
        return [event for notice in SendNotification(protocol=None).parse(self.body) for event in notice.events]

    @property
    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


@dataclass
class Listener:
    """What a subscriber would run; `answers` are for the next posts, then `answer` counts."""

    port: int = 0
    posts: list[Post] = field(default_factory=list)
    answer: str | int = "OK"
    answers: list[str | int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/push/secret"

    def wait_for(self, count: int, seconds: float = 10) -> list[Post]:
        """Wait until so many posts have arrived."""
        until = time.monotonic() + seconds
        while len(self.posts) < count and time.monotonic() < until:
            time.sleep(0.02)
        assert len(self.posts) >= count, f"{len(self.posts)} of {count} posts arrived"
        return self.posts


@contextmanager
def listener() -> Iterator[Listener]:
    """Run a listener on a free port of this machine."""
    kept = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            answer = kept.answers.pop(0) if kept.answers else kept.answer
            kept.posts.append(Post(self.path, {k.lower(): v for k, v in self.headers.items()}, raw))
            body = ANSWER.format(answer).encode() if isinstance(answer, str) else b"<html>no</html>"
            self.send_response(200 if isinstance(answer, str) else answer)
            self.send_header("Content-Type", "text/xml; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
