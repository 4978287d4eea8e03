"""A console and its API over memory ports, with an identity provider that signs in whoever the test names."""

import base64
import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from calsync_core.adapters.hosts.events import verify_event
from calsync_core.adapters.memory.booking_system import MemoryBookingSystem
from calsync_core.adapters.memory.exchange import MemoryExchange
from calsync_core.adapters.memory.host import MemoryHost
from calsync_core.adapters.memory.outward import FixedClock, MemoryMailer, MemoryQueue, PlainSealer, SeededIds
from calsync_core.adapters.memory.role_access import MemoryRoleAccess
from calsync_core.adapters.memory.stores import memory_stores
from calsync_core.domain.connections import Connection, MailboxIdentity, ProviderKind
from calsync_core.domain.errors import ProviderUnavailableError, SignInRefusedError
from calsync_core.domain.ids import AccountId, CalendarId, MailboxId, ResourceId
from calsync_core.domain.resources import Resource, ResourceState, Status
from calsync_core.keys import host_events_secret
from calsync_core.ports.calendar import CalendarProvider
from calsync_core.ports.host import Capabilities
from calsync_core.ports.identity import Identity
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.mails import Draft
from calsync_core.ports.outward import Mail
from calsync_core.ports.signin import Begun, SignedIn
from calsync_core.usecases.manage_api_keys import create_api_key
from calsync_core.usecases.open_mailbox import OpenedLogins
from calsync_core.usecases.receive_host_event import HostEvent
from calsync_core.usecases.refresh_resources import Refreshed, refresh_resources
from calsync_core.usecases.sign_in_member import SignInPorts
from calsync_core.web.api.app import api_handler
from calsync_core.web.api.frame import ApiFrame
from calsync_core.web.console.app import console_handler
from calsync_core.web.console.frame import Frame
from calsync_core.web.console.parts import ConsoleParts, Deployment
from calsync_core.web.console.signin import SignInPages
from calsync_core.web.hooks import HostEvents
from calsync_core.web.render import Pages
from calsync_core.web.request import Request
from calsync_core.web.session import COOKIE, Session, session_cookie

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
MAIN, OTHER = AccountId("main"), AccountId("other")
ISSUER = "https://issuer.example"
PUBLIC = "https://calsync.example"
ROOT_KEY = "r" * 64


@dataclass
class FakeIssuer:
    """Gives the identity that the test put under a code; the nonce and PKCE pair must be those of the start."""

    codes: dict[str, Identity] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)

    def sign_in_url(self, *, redirect_uri: str, state: str, nonce: str, challenge: str) -> str:
        self.asked = {"redirect_uri": redirect_uri, "state": state, "nonce": nonce, "challenge": challenge}
        return f"{ISSUER}/authorize?{urlencode(self.asked)}"

    def redeem(self, *, code: str, redirect_uri: str, verifier: str, nonce: str) -> Identity:
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        wanted = (self.asked["challenge"], self.asked["nonce"], self.asked["redirect_uri"])
        if code not in self.codes or wanted != (digest, nonce, redirect_uri):
            raise SignInRefusedError("code_refused")
        return self.codes.pop(code)

    def sign_out_url(self, return_to: str) -> str | None:
        return f"{ISSUER}/logout?{urlencode({'to': return_to})}"


class FakeSignIn:
    """Microsoft's sign-in page, never visited in these tests."""

    def begin(self, *, state: str, redirect_uri: str, login_hint: str, prompt: str = "select_account") -> Begun:
        return Begun(f"https://login.example/authorize?state={state}", b"flow")

    def finish(self, flow: bytes, answer: Any) -> SignedIn:
        raise AssertionError("not in these tests")

    def admin_consent_url(self, *, state: str, redirect_uri: str, directory: str = "organizations") -> str:
        return "https://login.example/adminconsent"


@dataclass
class MemoryCalendars:
    """CalendarAccess over providers that a test names by mailbox."""

    providers: dict[str, CalendarProvider] = field(default_factory=dict)

    def of_grant(self, account: AccountId, cache: bytes) -> CalendarProvider:
        raise AssertionError("not in these tests")

    def of_mailbox(self, account: AccountId, mailbox: str) -> CalendarProvider:
        if mailbox not in self.providers:
            raise ProviderUnavailableError("timed_out")
        return self.providers[mailbox]


class PlainWriter:
    def write(self, draft: Draft) -> Mail:
        return Mail(draft.to, draft.kind.value, "text", "<p>html</p>", draft.kind.value)


class World:
    """Everything behind the console and the API, two accounts in one set of stores."""

    def __init__(self) -> None:
        self.clock = FixedClock(NOW)
        self.ids = SeededIds(7)
        self.system = MemoryBookingSystem(self.clock.now)
        self.host = MemoryHost(self.system, capabilities=Capabilities(lists_blocks=True, granularity_minutes=15))
        self.queue = MemoryQueue()
        self.mailer = MemoryMailer()
        self.stores = memory_stores()
        self.issuer = FakeIssuer()
        self.calendars = MemoryCalendars()
        self.exchange, self.logins = MemoryExchange(), OpenedLogins()
        self.role_access = MemoryRoleAccess()
        self.ports = JourneyPorts(
            stores=self.stores,
            mailer=self.mailer,
            writer=PlainWriter(),
            clock=self.clock,
            queue=self.queue,
            ids=self.ids,
            sealer=PlainSealer(),
            sign_in=FakeSignIn(),
            exchange=self.exchange,
            calendars=self.calendars,
            host=self.host,
            redirect_uri=f"{PUBLIC}/oauth/callback",
            text_version="1",
            installation="test",
            role_accounts=self.role_access,
        )
        self.frame = Frame(
            pages=Pages(public_url=PUBLIC, business="City Clinic"),
            stores=self.stores,
            clock=self.clock,
            session_key=b"s" * 32,
            csrf_key=b"c" * 32,
            zone="Europe/Berlin",
            locale="en",
        )
        self.parts = ConsoleParts(
            frame=self.frame,
            ports=self.ports,
            deployment=Deployment(
                public_url=PUBLIC,
                has_entra_client=True,
                has_entra_secret=True,
                entra_client_id="client-1",
                mail_sender="calendar@clinic.example",
                privacy_url="https://clinic.example/privacy",
                privacy_version="1",
                host_url=f"{PUBLIC}/host",
                redirect_uri=f"{PUBLIC}/oauth/callback",
            ),
            link_key=b"l" * 32,
        )
        self.sign_in_ports = SignInPorts(
            provider=self.issuer,
            journeys=self.stores.journeys,
            access=self.stores.access,
            sealer=PlainSealer(),
            clock=self.clock,
            ids=self.ids,
            account=MAIN,
            first_admin_email="Admin@Clinic.example",
        )
        self.rebuild()
        self.events = HostEvents(self.stores.resources, self.queue, _verify, self._refresh)
        self.api_handler = api_handler(ApiFrame(self.ports), self.events, PUBLIC)

    def rebuild(self) -> None:
        """After a test replaced `parts`."""
        self.handler = console_handler(
            self.parts, SignInPages(self.frame, self.sign_in_ports, PUBLIC, self.parts.refresh)
        )

    def add_resource(self, resource_id: str = "anna", **fields: object) -> Resource:
        """In the booking system and, refreshed, in calsync."""
        self.system.add_resource(resource_id, **fields)
        refresh_resources(self.host, self.stores.resources, self.stores.log, self.clock, MAIN)
        return self.system.resources[resource_id]  # type: ignore[index]

    def connect(self, resource_id: str = "anna", **fields: object) -> ResourceState:
        """As after a finished import: one mailbox of its own, one calendar, read this minute."""
        mailbox = MailboxId(f"mbx-{resource_id}")
        identity = MailboxIdentity(ProviderKind.OFFICE365, "tenant", resource_id)
        self.stores.connections.save(
            Connection(mailbox, MAIN, identity, f"{resource_id}@clinic.example", resource_id, f"p-{resource_id}",
                       (ResourceId(resource_id),))
        )  # fmt: skip
        state = self.stores.resources.get(MAIN, ResourceId(resource_id))
        assert state is not None
        connected = replace(
            state, status=Status.CONNECTED, mailbox=mailbox, primary=CalendarId("cal"), since_at=NOW, last_sync_at=NOW
        )
        return self.stores.resources.save(replace(connected, **fields))  # type: ignore[arg-type]

    def state(self, resource_id: str = "anna", account: AccountId = MAIN) -> ResourceState:
        state = self.stores.resources.get(account, ResourceId(resource_id))
        assert state is not None
        return state

    def api_key(self, account: AccountId = MAIN, scope: str = "write") -> str:
        made = create_api_key(self.stores.access, self.clock, self.ids, account, name="test", scope=scope)
        return made.secret

    def api(
        self, method: str, url: str, body: Any = None, *, key: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and decoded body; with a fresh key that may write, unless the test gives another ("" for none)."""
        secret = self.api_key() if key is None else key
        sent = {**({"authorization": f"Bearer {secret}"} if secret else {}), **(headers or {})}
        raw = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        answer = self.api_handler(http_event(method, url, body=raw, headers=sent), None)
        return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None

    def _refresh(self, account: AccountId) -> Refreshed:
        return refresh_resources(self.host, self.stores.resources, self.stores.log, self.clock, account)

    def browser(self, account: AccountId = MAIN, role: str = "admin") -> "Browser":
        """Signed in by a cookie that our own key signed."""
        session = Session(ISSUER, "sub-1", account, role, "A. Braun", self.clock.now() + timedelta(hours=1))
        cookie = session_cookie(self.frame.session_key, session, self.clock.now())
        browser = Browser(self)
        browser.take_cookies([cookie])
        return browser


def _verify(account: AccountId, headers: Mapping[str, str], body: bytes) -> HostEvent:
    signed = verify_event(host_events_secret(ROOT_KEY, account), headers, body)
    return HostEvent(signed.type, signed.resource_ids)


@dataclass
class Browser:
    """Sends events as an HTTP API does and keeps cookies."""

    world: World
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, url: str, **headers: str) -> dict[str, Any]:
        return self._send(http_event("GET", url, self.cookies, headers=headers))

    def post(
        self, url: str, fields: dict[str, str | list[str]] | None = None, *, csrf: str | None = None
    ) -> dict[str, Any]:
        """With the token of this session, unless the test gives another."""
        request = Request("POST", "/", cookies=self.cookies)
        token = self.world.frame.token(request) if csrf is None else csrf
        body = urlencode({**(fields or {}), "csrf": token}, doseq=True)
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return self._send(http_event("POST", url, self.cookies, body, headers=kind))

    def take_cookies(self, values: list[str]) -> None:
        for value in values:
            name, _, rest = value.partition("=")
            content = rest.split(";", 1)[0]
            if content:
                self.cookies[name] = content
            else:
                self.cookies.pop(name, None)

    @property
    def is_signed_in(self) -> bool:
        return COOKIE in self.cookies

    def _send(self, event: dict[str, Any]) -> dict[str, Any]:
        answer = self.world.handler(event, None)
        self.take_cookies(answer.get("cookies", []))
        return answer


_request_ids = itertools.count(1)


def http_event(
    method: str, url: str, cookies: dict[str, str] | None = None, body: str = "", headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """An API Gateway event, payload format 2.0."""
    parts = urlsplit(url)
    cookie_header = (
        {"cookie": "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())} if cookies else {}
    )
    return {
        "version": "2.0",
        "rawPath": parts.path,
        "rawQueryString": parts.query,
        "headers": {**(headers or {}), **cookie_header},
        "requestContext": {"http": {"method": method, "path": parts.path}, "requestId": str(next(_request_ids))},
        "body": body,
        "isBase64Encoded": False,
    }


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def first_admin() -> Identity:
    return Identity(ISSUER, "sub-1", "admin@clinic.example", is_email_verified=True, name="A. Braun")
