"""An endpoint on this machine that answers the handshake and keeps what is posted to it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass
class Receiver:
    url: str
    posted: list[tuple[str, bytes]] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    sleepy: set[str] = field(default_factory=set)
    """Paths whose next handshake is missed."""


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            token = parse_qs(parts.query).get("validationToken")
            if token is None:
                receiver.posted.append((parts.path, body))
                receiver.arrived.set()
            is_missed = token is not None and parts.path in receiver.sleepy
            receiver.sleepy.discard(parts.path)
            self.send_response(503 if is_missed else 200 if token else 202)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write(token[0].encode() if token else b"")

        def log_message(self, *_: object) -> None:
            """Tests read what was posted, not logs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
