"""The public pages over plain HTTP on loopback, as API Gateway would hand them to the functions."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from calsync_core.domain.errors import NotFoundError
from calsync_core.web.static_files import static_file

from tests.journey_world import JourneyWorld


@contextmanager
def answering(function: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[str]:
    """The address under which one function stands, with the static files beside it."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            event = {
                "rawPath": parts.path,
                "rawQueryString": parts.query,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "body": body,
                "requestContext": {"http": {"method": self.command, "path": parts.path}},
            }
            is_static = parts.path.startswith("/static/")
            answer = _static(parts.path) if is_static else function(event)
            self.send_response(answer["statusCode"])
            for name, value in answer["headers"].items():
                if name != "strict-transport-security":  # over http it would only confuse
                    self.send_header(name, value)
            for cookie in answer.get("cookies", []):
                self.send_header("set-cookie", cookie)
            self.end_headers()
            self.wfile.write(answer["body"].encode())

        do_GET = do_POST = _answer  # noqa: N815 - names of the standard library

        def log_message(self, *_: object) -> None:
            """Nothing: the tests look at the answers."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def served(world: JourneyWorld) -> Iterator[str]:
    """The address under which the world's pages stand."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            parts = urlsplit(self.path)
            if parts.path.startswith("/static/"):
                answer = _static(parts.path)
            elif parts.path.startswith("/microsoft/"):
                answer = {
                    "statusCode": 200,
                    "headers": {"content-type": "text/html"},
                    "body": "<h1>Microsoft</h1>",
                }
            else:
                answer = self._page(parts.path, parts.query)
            self.send_response(answer["statusCode"])
            for name, value in answer["headers"].items():
                if name != "strict-transport-security":  # over http it would only confuse
                    self.send_header(name, value)
            for cookie in answer.get("cookies", []):
                self.send_header("set-cookie", cookie)
            self.end_headers()
            self.wfile.write(answer["body"].encode())

        do_GET = do_POST = _answer  # noqa: N815 - names of the standard library

        def _page(self, path: str, query: str) -> dict[str, Any]:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            event = {
                "rawPath": path,
                "rawQueryString": query,
                "headers": dict(self.headers),
                "body": body,
                "requestContext": {"http": {"method": self.command, "path": path}},
            }
            function = world.oauth_function if path.startswith("/oauth") else world.invitation_function
            return function(event, None)

        def log_message(self, *_: object) -> None:
            """Nothing: the tests look at the answers."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    # Another origin than ours, as the real sign-in is: the browser checks that our forms may lead there.
    world.sign_in.login_url = f"http://127.0.0.1:{port}/microsoft"
    world.public_url = f"http://localhost:{port}"
    world.rewire()
    try:
        yield world.public_url
    finally:
        server.shutdown()
        server.server_close()


def _static(path: str) -> dict[str, Any]:
    try:
        return static_file(path.removeprefix("/static/")).as_gateway()
    except NotFoundError:
        return {"statusCode": 404, "headers": {}, "body": ""}
