"""Sessions that several mailboxes or accounts share carry nothing from one to the next."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from calsync_core.adapters.graph.client import GraphClient
from calsync_core.adapters.hosts.client import HostClient


@pytest.fixture
def seen() -> Iterator[tuple[str, list[dict[str, str]]]]:
    headers: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers.append({name.lower(): value for name, value in self.headers.items()})
            body = json.dumps({"value": []}).encode()
            self.send_response(200)
            self.send_header("Set-Cookie", "who=anna; Path=/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests read headers, not logs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1.0", headers
    server.shutdown()
    server.server_close()


def of_graph(url: str) -> None:
    GraphClient(url, lambda _: "our-token").get("/me")


def of_host(url: str) -> None:
    HostClient(url, "our-token").call("GET", "/me")


@pytest.mark.parametrize("call", [of_graph, of_host])
def test_neither_cookies_nor_a_netrc_get_between_us_and_the_service(
    call: Callable[[str], None], seen: tuple[str, list[dict[str, str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    url, headers = seen

    call(url)
    call(url)

    assert [one["authorization"] for one in headers] == ["Bearer our-token"] * 2
    assert not any("cookie" in one for one in headers)


def test_cookies_of_one_client_stay_out_of_its_next_call(seen: tuple[str, list[dict[str, str]]]) -> None:
    url, headers = seen
    client = GraphClient(url, lambda _: "our-token")
    client.get("/me")
    client.get("/me")
    assert not any("cookie" in one for one in headers)
