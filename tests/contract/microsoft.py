"""The Microsoft sandbox as a process of its own, its control API, and people who sign in there by their pages."""

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
from calsync_core.adapters.graph.auth import EntraApp, GraphSignIn
from calsync_core.adapters.graph.calendar import GraphCalendarProvider
from calsync_core.adapters.graph.client import GraphClient, Patience, new_session
from calsync_core.adapters.graph.tokens import MailboxTokens, PassingCache
from calsync_core.ports.signin import SignedIn

ROOT = Path(__file__).parents[2]
REDIRECT = "http://localhost:9/oauth/microsoft"
PASSWORD = "Winter-2026!"
SCOPES = ["Calendars.ReadWrite", "MailboxSettings.Read", "User.Read", "offline_access", "openid", "profile"]


@dataclass
class Microsoft:
    """One running sandbox with one tenant and one registered app."""

    addresses: dict[str, Any]
    client_id: str = ""
    secret: str = "secret-of-the-app"
    tenant: str = ""
    http: requests.Session = field(default_factory=requests.Session)

    @property
    def graph(self) -> str:
        return str(self.addresses["graph"])

    @property
    def ca_file(self) -> str:
        return str(self.addresses["ca_file"])

    def control(self, method: str, path: str, body: Any = None, /, **query: Any) -> Any:
        answer = self.http.request(
            method, f"{self.addresses['control_url']}{path}", json=body, params=query, timeout=30
        )
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def settings(self, **values: Any) -> None:
        self.control("PATCH", "/settings", values)

    def fault(self, **rule: Any) -> None:
        self.control("POST", "/faults", rule)

    def app(self, **changes: Any) -> EntraApp:
        values = {"login_url": self.addresses["login"], "client_id": self.client_id, "verify": self.ca_file}
        return EntraApp(**{**values, "secret": lambda: self.secret, **changes})

    def add_person(self, **more: Any) -> "Person":
        email = f"p{uuid.uuid4().hex[:10]}@clinic.example"
        wanted = {"email": email, "display_name": "Dr Test", "password": PASSWORD, "time_zone": "Europe/Berlin", **more}
        shown = self.control("POST", "/people", wanted)
        return Person(self, wanted["email"], shown)

    def log(self, since: int = 0, path: str = "") -> list[dict[str, Any]]:
        return self.control("GET", "/log", since=since, path=path, limit=20000)["entries"]

    def log_id(self) -> int:
        return self.control("GET", "/log", limit=0)["last_id"]


@dataclass
class Person:
    """Somebody with a mailbox. `rest` acts as him in Outlook, through the ordinary Graph API."""

    microsoft: Microsoft
    email: str
    shown: dict[str, Any]
    signed_in: SignedIn | None = None

    def calendar(self, name: str | None = None) -> str:
        shown = self.microsoft.control("GET", f"/people/{self.email}")
        return next(one["id"] for one in shown["calendars"] if (one["name"] == name if name else one["is_default"]))

    def sign_in(self) -> SignedIn:
        if self.signed_in is None:
            door = GraphSignIn(self.microsoft.app())
            begun = door.begin(state="s" * 43, redirect_uri=REDIRECT, login_hint=self.email)
            self.signed_in = door.finish(begun.flow, walk(begun.url, self.email))
        return self.signed_in

    def tokens(self, app: EntraApp | None = None) -> MailboxTokens:
        return MailboxTokens(app or self.microsoft.app(), PassingCache(self.sign_in().cache))

    def client(self, **options: Any) -> GraphClient:
        tokens = self.tokens()
        session = new_session(self.microsoft.ca_file)
        patient = Patience(attempts=3)
        return GraphClient(self.microsoft.graph, tokens, session=session, **{"patience": patient, **options})

    def provider(self, **options: Any) -> GraphCalendarProvider:
        tokens = self.tokens()
        return GraphCalendarProvider(self.client(**options), tokens.identity)

    def rest(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = {"Authorization": f"Bearer {self.tokens()()}", "Prefer": 'IdType="ImmutableId"', **headers}
        url = f"{self.microsoft.graph}{path}"
        answer = self.microsoft.http.request(
            method, url, json=body, headers=sent, verify=self.microsoft.ca_file, timeout=30
        )
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


def walk(url: str, email: str, password: str = PASSWORD, consent: str = "accept") -> dict[str, str]:
    """Go through the sign-in pages as a browser does; gives the query of the redirect to the app."""
    browser = requests.Session()
    answer = browser.get(url, allow_redirects=False, timeout=30)
    for _ in range(12):
        if answer.is_redirect:
            target = urljoin(answer.url, answer.headers["Location"])
            if target.startswith(REDIRECT):
                return dict(parse_qsl(urlsplit(target).query))
            answer = browser.get(target, allow_redirects=False, timeout=30)
            continue
        page = answer.text
        form = re.search(r'<form[^>]*action="([^"]+)"', page)
        context = re.search(r'name="ctx" value="([^"]+)"', page)
        assert form is not None, f"no form: {answer.status_code} {page[:800]}"
        assert context is not None, f"no form: {answer.status_code} {page[:800]}"
        action = urljoin(answer.url, unescape(form[1]))
        fields = {"ctx": unescape(context[1])}
        if action.endswith("/login"):
            fields |= {"username": email, "password": password}
        elif action.endswith("/mfa"):
            fields |= {"answer": "approve"}
        elif action.endswith("/consent"):
            fields |= {"answer": consent}
        elif action.endswith("/approval"):
            fields |= {"answer": "back"}
        answer = browser.post(action, data=fields, allow_redirects=False, timeout=30)
    raise AssertionError("the sign-in pages did not end")


@contextmanager
def running_microsoft(folder: Path) -> Iterator[Microsoft]:
    """Start the sandbox on free ports, register tenant and app, and stop it at the end."""
    # these win over verify= in requests, and so in msal
    taken = {name: os.environ.pop(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if name in os.environ}
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "sandbox", "--state-dir", str(folder), "--seed", "7", "--ready-file", str(ready)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while not ready.exists():
            assert process.poll() is None, "the sandbox ended"
            assert time.monotonic() < until, "the sandbox did not start"
            time.sleep(0.05)
        microsoft = Microsoft(json.loads(ready.read_text()))
        tenant = microsoft.control("POST", "/tenants", {"name": "Clinic", "domains": ["clinic.example"]})
        wanted = {
            "name": "calsync",
            "home_tenant": "clinic.example",
            "redirect_uris": [REDIRECT],
            "secrets": [{"value": microsoft.secret}],
            "scopes": SCOPES,
        }
        app = microsoft.control("POST", "/apps", wanted)
        microsoft.client_id, microsoft.tenant = app["client_id"], tenant["id"]
        grant = {"scopes": SCOPES}
        microsoft.control("PUT", f"/tenants/{microsoft.tenant}/grants/{microsoft.client_id}", grant)
        yield microsoft
    finally:
        os.environ.update(taken)
        process.terminate()
        process.wait(timeout=20)
