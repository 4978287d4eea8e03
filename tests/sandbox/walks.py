"""Walks through the sandbox's sign-in pages as a script does it: read the form, post it, follow to the answer."""

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx

REDIRECT = "https://calsync.example/oauth/microsoft"
SECRET = "the-secret"
CLIENT_ID = "11111111-2222-4333-8444-555555555555"
SCOPES = "openid profile offline_access User.Read Calendars.ReadWrite MailboxSettings.Read"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123456789"
PASSWORD = "Demo-2026!"


def challenge(verifier: str = VERIFIER) -> str:
    """The S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


@dataclass
class Page:
    """One page or redirect of the sign-in."""

    answer: httpx.Response

    @property
    def heading(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.answer.text, re.DOTALL)
        return found[1] if found else ""

    @property
    def error(self) -> int:
        """The AADSTS code that the page shows; 0 when it shows none."""
        found = re.search(r'id="error" data-code="(\d+)"', self.answer.text)
        return int(found[1]) if found else 0

    @property
    def location(self) -> str:
        return self.answer.headers.get("location", "")

    @property
    def parameters(self) -> dict[str, str]:
        """What came to the redirect address, by query, fragment or form post."""
        if self.location:
            parts = urlsplit(self.location)
            return dict(parse_qsl(parts.query or parts.fragment))
        names = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', self.answer.text)
        return {name: value for name, value in names if 'id="answer"' in self.answer.text}

    @property
    def refused(self) -> tuple[str, int]:
        """OAuth error and AADSTS number of a refusal at the redirect address."""
        asked = self.parameters
        number = re.match(r"AADSTS(\d+)", asked.get("error_description", ""))
        return asked.get("error", ""), int(number[1]) if number else 0


class Browser:
    """One browser at the pages' address; cookies stay."""

    def __init__(self, client: httpx.Client, people_url: str) -> None:
        self.client = client
        self.people_url = people_url
        self.page: Page | None = None

    def open(self, path: str, **query: str) -> Page:
        """GET a page of the sign-in."""
        target = f"{self.people_url}{path}?{urlencode(query)}" if query else f"{self.people_url}{path}"
        self.page = Page(self.client.get(target, follow_redirects=False))
        return self.page

    def authorize(self, tenant: str = "common", **changes: Any) -> Page:
        """Open the authorize address with a good request; None takes a parameter away."""
        query: dict[str, Any] = {
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT,
            "response_type": "code",
            "response_mode": "query",
            "scope": SCOPES,
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": challenge(),
            "code_challenge_method": "S256",
            "client_info": "1",
        }
        wanted = {name: value for name, value in (query | changes).items() if value is not None}
        return self.open(f"/{tenant}/oauth2/v2.0/authorize", **wanted)

    def post(self, form: str = "", **fields: str) -> Page:
        """Post the page's form, or the one whose action ends in `form`."""
        assert self.page is not None
        text = self.page.answer.text
        actions = re.findall(r'<form method="post" action="([^"]+)"', text)
        action = next(a for a in actions if a.endswith(form))
        ctx = re.search(r'name="ctx" value="([^"]+)"', text)
        assert ctx is not None
        target = urljoin(str(self.page.answer.url), action)
        self.page = Page(self.client.post(target, data={"ctx": ctx[1], **fields}, follow_redirects=False))
        return self.page

    def sign_in(self, email: str, password: str = PASSWORD) -> Page:
        """Fill in the account page."""
        return self.post("/login", username=email, password=password)

    def accept(self) -> Page:
        """Press Accept on the consent page."""
        return self.post("/consent", answer="accept")

    def code_for(self, email: str, tenant: str = "common", **changes: Any) -> str:
        """Walk until the app gets its code."""
        page = self.authorize(tenant, **changes)
        if not page.location:
            page = self.sign_in(email)
        if not page.location:
            page = self.accept()
        assert "code" in page.parameters, page.parameters or page.heading
        return page.parameters["code"]


def redeem(machine: httpx.Client, code: str, tenant: str = "common", **changes: Any) -> httpx.Response:
    """Redeem a code at the token endpoint; None takes a parameter away."""
    form: dict[str, Any] = {
        "grant_type": "authorization_code",
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "redirect_uri": REDIRECT,
        "code": code,
        "code_verifier": VERIFIER,
    }
    wanted = {name: value for name, value in (form | changes).items() if value is not None}
    return machine.post(f"/{tenant}/oauth2/v2.0/token", data=wanted)


def refresh(machine: httpx.Client, token: str, tenant: str = "common", **changes: Any) -> httpx.Response:
    """Use a refresh token."""
    form = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "client_secret": SECRET, "refresh_token": token}
    return machine.post(f"/{tenant}/oauth2/v2.0/token", data=form | changes)


def code_of(answer: httpx.Response) -> int:
    """The AADSTS number of a refusal of the token endpoint."""
    codes = answer.json()["error_codes"]
    assert answer.json()["error_description"].startswith(f"AADSTS{codes[0]}: ")
    return int(codes[0])
