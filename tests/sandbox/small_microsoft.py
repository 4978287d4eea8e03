"""A small Microsoft for tests: inside the test's process, or as a real process with TLS and real ports."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from sandbox.app import machine_app, people_app
from sandbox.microsoft import Addresses, Sandbox
from tests.sandbox.openapi_slice import load_slice
from tests.sandbox.walks import CLIENT_ID, PASSWORD, REDIRECT, SCOPES, SECRET, Browser, redeem

ROOT = Path(__file__).parents[2]
EWS_SCHEMA = ROOT.parent / "shared" / "reference" / "ews-xsd" / "exchange-se-15.2.2562.17"
"""Microsoft's files, where they are at hand: the sandbox then refuses what a real server refuses."""
PEOPLE: list[dict[str, Any]] = [
    {"email": "anna@clinic.example", "display_name": "Dr Anna Abel", "calendars": [{"name": "Family"}]},
    {"email": "bert@clinic.example", "display_name": "Bert Braun"},
    {"email": "ina@clinic.example", "display_name": "Ina Admin", "is_admin": True},
    {"email": "room1@clinic.example", "display_name": "Room 1", "kind": "room", "password": None},
    {"email": "tom@strict.example", "display_name": "Tom Streng"},
    {"email": "gerd@strict.example", "display_name": "Gerd Chef", "is_admin": True},
    {"email": "eva@ask.example", "display_name": "Eva Frage"},
    {"email": "paul@outlook.com", "display_name": "Paul Privat"},
]


@dataclass
class Microsoft:
    """Clients of one sandbox. `machine` speaks TLS to sign-in and Graph, `people` http to the pages."""

    machine: httpx.Client
    people: httpx.Client
    addresses: dict[str, Any]

    def control(self, method: str, path: str, body: Any = None, status: int | None = None) -> Any:
        """Call the control API and check that it went well (or ended with that status)."""
        answer = self.people.request(method, f"/control{path}", json=body)
        assert answer.status_code == status if status else answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def browser(self) -> Browser:
        """A browser with cookies of its own."""
        people_url = str(self.people.base_url).rstrip("/")
        self.people.cookies.clear()
        return Browser(self.people, people_url)

    def tokens_of(self, email: str, tenant: str = "common", **changes: Any) -> dict[str, Any]:
        """Sign a person in and redeem the code."""
        answer = redeem(self.machine, self.browser().code_for(email, tenant, **changes), tenant)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def graph(self, access_token: str) -> httpx.Client:
        """A client of Graph with that token; the same connection settings as `machine`."""
        self.machine.headers["Authorization"] = f"Bearer {access_token}"
        return self.machine

    def advance(self, **by: float) -> None:
        """Move the sandbox's clock on."""
        from datetime import timedelta

        self.control("POST", "/clock", {"advance_seconds": timedelta(**by).total_seconds()})


def fill(microsoft: Microsoft) -> None:
    """Three tenants of different policy, one app, some people."""
    microsoft.control("POST", "/reset", {})
    microsoft.machine.headers.pop("Authorization", None)
    microsoft.people.cookies.clear()
    for name, domain, policy in (
        ("Clinic", "clinic.example", "user"),
        ("Strict", "strict.example", "admin"),
        ("Ask", "ask.example", "admin_request"),
    ):
        microsoft.control("POST", "/tenants", {"name": name, "domains": [domain], "consent_policy": policy})
    microsoft.control(
        "POST",
        "/apps",
        {
            "client_id": CLIENT_ID,
            "name": "calsync",
            "home_tenant": "clinic.example",
            "redirect_uris": [REDIRECT],
            "secrets": [{"value": SECRET}],
            "scopes": SCOPES.split(),
            "roles": ["Calendars.ReadWrite", "User.Read.All"],
        },
    )
    for person in PEOPLE:
        microsoft.control("POST", "/people", {"password": PASSWORD, "time_zone": "Europe/Berlin", **person})


class InProcess(httpx.BaseTransport):
    """Calls an application without sockets, from tests that are not asynchronous."""

    def __init__(self, app: ASGIApp) -> None:
        self._transport = httpx.ASGITransport(app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        content = request.read()

        async def call() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport) as client:
                return await client.request(request.method, request.url, headers=request.headers, content=content)

        answer = asyncio.run(call())
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def in_process(folder: Path) -> tuple[Sandbox, Microsoft]:
    """A sandbox without sockets: fast, but nothing is delivered and no connection can be cut."""
    sandbox = Sandbox(Addresses(8443, 8080, 8025), folder, seed=1)
    machine = httpx.Client(transport=InProcess(machine_app(sandbox)), base_url="https://localhost:8443")
    people = httpx.Client(transport=InProcess(people_app(sandbox)), base_url="http://localhost:8080")
    microsoft = Microsoft(machine, people, sandbox.addresses.as_json(folder))
    fill(microsoft)
    return sandbox, microsoft


@dataclass
class Running:
    """The sandbox as a process."""

    process: subprocess.Popen[str]
    addresses: dict[str, Any]

    def stop(self) -> int:
        """End it as the launcher does, and return its exit code."""
        self.process.terminate()
        return self.process.wait(15)


def start(folder: Path, *more: str) -> Running:
    """Start `python -m sandbox` and wait for its line."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items() if name not in CA_VARIABLES}
    strict = ["--ews-schema", str(EWS_SCHEMA)] if EWS_SCHEMA.exists() else []
    command = [sys.executable, "-m", "sandbox", "--state-dir", str(folder), "--ready-file", str(ready), *strict, *more]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE)
    for _ in range(400):
        if ready.exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    assert ready.exists(), f"the sandbox did not start (exit code {process.poll()})"
    return Running(process, json.loads(ready.read_text()))


CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""They beat `verify=` in requests, and so would hide the sandbox's own authority."""


def check_log(microsoft: Microsoft) -> None:
    """Hold every exchange with Graph in the request log against Microsoft's own description."""
    judge = load_slice()
    for exchange in microsoft.control("GET", "/log?path=^/v1.0/")["entries"]:
        path = exchange["path"].removeprefix("/v1.0")
        if exchange["status"] == 0 or not judge.knows(exchange["method"], path):
            continue
        answer, asked = exchange["response_body"], exchange["request_body"]
        # O365 says "false" where the description wants false, and the real service takes it.
        is_strict = not exchange["request_headers"].get("user-agent", "").startswith("python-requests")
        judge.check(exchange["method"], path, exchange["status"], answer, asked, is_good_request=is_strict)


@contextmanager
def clients(running: Running) -> Iterator[Microsoft]:
    """Clients of a running sandbox as it is."""
    addresses = running.addresses
    people_url = addresses["control_url"].removesuffix("/control")
    trusted = ssl.create_default_context(cafile=addresses["ca_file"])
    with (
        httpx.Client(base_url=addresses["login"], verify=trusted, trust_env=False) as machine,
        httpx.Client(base_url=people_url, trust_env=False) as people,
    ):
        yield Microsoft(machine, people, addresses)


def connect(running: Running) -> Iterator[Microsoft]:
    """Clients of a running sandbox, emptied and filled with people."""
    with clients(running) as microsoft:
        fill(microsoft)
        yield microsoft
