"""A web server on loopback that answers as it is told: for what a real Exchange would never send, and a bad one would.

It speaks TLS with a certificate of its own authority, counts requests and keeps what came with them.
"""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import trustme

Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


@dataclass
class Came:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Stub:
    """`answer` may be changed between requests. `ca_pem` is what a client must trust."""

    port: int
    ca_pem: str
    answer: Answer
    came: list[Came] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/EWS/Exchange.asmx"

    @property
    def allowed(self) -> tuple[str, ...]:
        return (f"127.0.0.0/8:{self.port}", f"[::1]:{self.port}")


def xml(body: bytes | str, status: int = 200, **headers: str) -> Answer:
    """A whole answer, by default of Exchange's type."""
    content = body.encode() if isinstance(body, str) else body

    def send(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
        handler.send_response(status)
        named = {"Content-Type": "text/xml; charset=utf-8", "Content-Length": str(len(content))}
        for name, value in (named | {key.replace("_", "-"): text for key, text in headers.items()}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return send


@contextmanager
def running_stub(answer: Answer, *, name: str = "localhost") -> Iterator[Stub]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            stub.came.append(Came(self.path, {key.lower(): text for key, text in self.headers.items()}, body))
            try:
                stub.answer(self, body)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                self.close_connection = True

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: Any) -> None:
            """Silent."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that goes away is what these tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    stub = Stub(server.server_address[1], authority.cert_pem.bytes().decode(), answer)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
