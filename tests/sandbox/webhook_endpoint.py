"""A webhook endpoint for tests: keeps what arrives, answers as told."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Arrival:
    """One POST that arrived."""

    path: str
    host: str
    body: dict[str, Any]
    at: float

    @property
    def items(self) -> list[dict[str, Any]]:
        return list(self.body.get("value", []))


@dataclass
class Endpoint:
    """What a subscriber would run. The fields say how it behaves."""

    port: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    handshakes: list[str] = field(default_factory=list)
    handshake_status: int = 200
    handshake_type: str = "text/plain"
    handshake_prefix: str = ""
    handshake_delay: float = 0
    status: int = 202
    statuses: list[int] = field(default_factory=list)
    """Answers of the next POSTs, before `status` counts."""
    delay: float = 0

    def url(self, path: str = "/hook", host: str = "localhost") -> str:
        return f"http://{host}:{self.port}{path}"

    @property
    def items(self) -> list[dict[str, Any]]:
        """All notifications that arrived, in order."""
        return [item for arrival in list(self.arrivals) for item in arrival.items]

    def wait_for(self, count: int, seconds: float = 5) -> list[dict[str, Any]]:
        """Wait until so many notifications have arrived."""
        until = time.monotonic() + seconds
        while len(self.items) < count and time.monotonic() < until:
            time.sleep(0.02)
        assert len(self.items) >= count, f"{len(self.items)} of {count} notifications arrived"
        return self.items


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Run an endpoint on a free port of this machine."""
    kept = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            token = parse_qs(urlsplit(self.path).query).get("validationToken")
            if token:
                kept.handshakes.append(self.path.split("?")[0])
                time.sleep(kept.handshake_delay)
                self._answer(kept.handshake_status, (kept.handshake_prefix + token[0]).encode(), kept.handshake_type)
                return
            kept.arrivals.append(Arrival(self.path, self.headers["Host"], json.loads(raw), time.monotonic()))
            time.sleep(kept.delay)
            self._answer(kept.statuses.pop(0) if kept.statuses else kept.status, b"", "text/plain")

        def _answer(self, status: int, body: bytes, content_type: str) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                return  # the sender gave up waiting, which is what a slow endpoint is for

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
