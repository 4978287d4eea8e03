"""The scripts' browser reads forms as a browser would send them, and keeps Secure cookies on loopback."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qsl

import pytest
from calsync_core.web.multipart import multipart_pairs

from local.browser import Browser, PageError

PAGE = """<form method="post" action="/send"><input type="hidden" name="csrf" value="t1">
<input name="name" value="Anna"><input type="checkbox" name="agree" value="yes">
<input type="radio" name="kind" value="a"><input type="radio" name="kind" value="b" checked>
<select name="zone"><option value="x">x</option><option value="y" selected>y</option></select>
<textarea name="note">kept</textarea><button name="answer" value="accept">OK</button>
<input name="off" value="1" disabled></form>"""

UPLOAD = """<form method="post" action="/send" enctype="multipart/form-data"><input name="title">
<input name="ca_file" type="file"></form>"""


class Site(BaseHTTPRequestHandler):
    seen: ClassVar[list[tuple[str, dict[str, str], str]]] = []

    def _answer(self, status: int, body: str, **extra: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **extra}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body.encode())

    def do_GET(self) -> None:
        if self.path == "/":
            self._answer(200, PAGE, Set_Cookie="__Host-s=1; Secure; HttpOnly; Path=/; SameSite=Lax")
        elif self.path == "/upload":
            self._answer(200, UPLOAD)
        elif self.path == "/loop":
            self._answer(302, "", Location="/loop")
        else:
            self._answer(200, f"cookie={self.headers.get('Cookie')}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        kind = self.headers["Content-Type"]
        pairs = parse_qsl(body) if "urlencoded" in kind else multipart_pairs(kind, body.encode())
        self.seen.append((self.path, dict(pairs), self.headers.get("Cookie", "")))
        self._answer(303, "", Location="/done")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def site() -> Iterator[str]:
    Site.seen = []
    server = HTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://any.localhost:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_form_is_sent_as_it_stands_with_what_the_person_entered(site: str) -> None:
    browser = Browser()
    page = browser.send(browser.open(f"{site}/").form(having="csrf"), name="Ben", answer="accept")

    (path, fields, _) = Site.seen[0]
    assert path == "/send"
    assert fields == {"csrf": "t1", "name": "Ben", "kind": "b", "zone": "y", "note": "kept", "answer": "accept"}
    assert (page.url, page.status) == (f"{site}/done", 200)


def test_a_file_is_uploaded_beside_the_fields(site: str, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\n")
    browser = Browser()

    browser.upload(browser.open(f"{site}/upload").form(having="ca_file"), {"ca_file": file}, title="Zürich")

    assert Site.seen[0][1] == {"title": "Zürich", "ca_file": "-----BEGIN CERTIFICATE-----\n"}


def test_secure_cookies_go_back_over_http_as_chromium_does_on_localhost(site: str) -> None:
    browser = Browser()
    browser.open(f"{site}/")

    assert "cookie=__Host-s=1" in browser.open(f"{site}/done").html


def test_a_missing_form_and_an_endless_redirect_are_errors(site: str) -> None:
    browser = Browser()
    with pytest.raises(PageError, match="no form"):
        browser.open(f"{site}/").form(having="password")
    with pytest.raises(PageError, match="too many redirects"):
        browser.open(f"{site}/loop")
