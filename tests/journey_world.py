"""The journeys of people on memory ports: a clinic, Microsoft's sign-in, browsers that keep cookies."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from calsync_core.adapters.memory.booking_system import MemoryBookingSystem
from calsync_core.adapters.memory.calendar import MemoryCalendarProvider
from calsync_core.adapters.memory.exchange import MemoryExchange, MemoryExchangeAccess
from calsync_core.adapters.memory.host import MemoryHost
from calsync_core.adapters.memory.mailbox import MemoryMailboxServer
from calsync_core.adapters.memory.outward import FixedClock, MemoryMailer, MemoryQueue, PlainSealer, SeededIds
from calsync_core.adapters.memory.stores import memory_stores
from calsync_core.domain.connections import MailboxIdentity, ProviderKind
from calsync_core.domain.errors import AdminApprovalError, CalsyncError, SignInRefusedError
from calsync_core.domain.ids import AccountId, MailboxId, ResourceId
from calsync_core.domain.resources import Owner, Resource, ResourceKind, ResourceState
from calsync_core.ports.calendar import Account
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.outward import Mail
from calsync_core.ports.signin import Begun, SignedIn
from calsync_core.usecases.agree_to_privacy import agree_to_privacy
from calsync_core.usecases.invite_resource import Invited, InviteResource, invite_resource
from calsync_core.usecases.open_mailbox import MailboxOpener, OpenedLogins
from calsync_core.web.mails import TemplateMailWriter
from calsync_core.web.public.routes import mail_link_routes, redirect_routes
from calsync_core.web.public.site import Site
from calsync_core.web.render import Pages
from calsync_core.web.routing import web_handler

PUBLIC_URL = "https://calsync.example"
LOGIN_URL = "https://login.example"
ACCOUNT = AccountId("main")
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ANNA = ResourceId("anna")
BEN = ResourceId("ben")
ROOM = ResourceId("room-4")


@dataclass
class Person:
    """Somebody with a Microsoft account. `refusal` is what finishing the sign-in runs into."""

    address: str
    subject: str
    server: MemoryMailboxServer
    directory: str = "tenant-1"
    refusal: CalsyncError | None = None
    unusable: CalsyncError | None = None


class FakeSignIn:
    """Microsoft's sign-in: the code of the callback names the person."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.begun: list[dict[str, str]] = []
        self.refuses_to_begin: CalsyncError | None = None
        self.login_url = LOGIN_URL

    def begin(self, *, state: str, redirect_uri: str, login_hint: str, prompt: str = "select_account") -> Begun:
        if self.refuses_to_begin:
            raise self.refuses_to_begin
        query = {"state": state, "redirect_uri": redirect_uri, "login_hint": login_hint}
        self.begun.append(query)
        return Begun(f"{self.login_url}/authorize?{urlencode(query)}", json.dumps({"state": state}).encode())

    def finish(self, flow: bytes, answer: Mapping[str, str]) -> SignedIn:
        if json.loads(flow)["state"] != answer.get("state"):
            raise SignInRefusedError("token_invalid")
        if answer.get("error") == "access_denied":
            raise SignInRefusedError("declined")
        if answer.get("error") == "admin_consent_required":
            raise AdminApprovalError
        person = self.people[answer["code"]]
        if person.refusal:
            raise person.refusal
        identity = MailboxIdentity(ProviderKind.OFFICE365, person.directory, person.subject)
        cache = json.dumps({"person": answer["code"]}).encode()
        return SignedIn(identity, person.address, person.address, cache, (person.address,))

    def admin_consent_url(self, *, state: str, redirect_uri: str, directory: str = "organizations") -> str:
        query = {"state": state, "redirect_uri": redirect_uri}
        return f"{self.login_url}/{directory}/adminconsent?{urlencode(query)}"


class _Mailbox(MemoryCalendarProvider):
    def __init__(self, person: Person) -> None:
        super().__init__(person.server)
        self._person = person

    def account(self) -> Account:
        if self._person.unusable:
            raise self._person.unusable
        return super().account()


@dataclass
class FakeAccess:
    world: "JourneyWorld"
    opened: dict[str, _Mailbox] = field(default_factory=dict)

    def of_grant(self, account: AccountId, cache: bytes) -> _Mailbox:
        return self._open(json.loads(cache)["person"])

    def of_mailbox(self, account: AccountId, mailbox: MailboxId) -> _Mailbox:
        stored = self.world.stores.credentials.load(account, mailbox)
        assert stored is not None, "a mailbox without tokens was opened"
        return self._open(json.loads(stored[0])["person"])

    def _open(self, name: str) -> _Mailbox:
        return self.opened.setdefault(name, _Mailbox(self.world.sign_in.people[name]))


class JourneyWorld:
    def __init__(self) -> None:
        self.clock = FixedClock(NOW)
        self.public_url = PUBLIC_URL
        self.stores = memory_stores(PlainSealer())
        self.mailer, self.queue = MemoryMailer(), MemoryQueue()
        self.system = MemoryBookingSystem(self.clock.now)
        self.sign_in = FakeSignIn()
        self.exchange, self.logins = MemoryExchange(), OpenedLogins()
        self.access = FakeAccess(self)
        self.link_key, self.csrf_key = b"l" * 32, b"c" * 32
        self.ports = JourneyPorts(
            stores=self.stores,
            mailer=self.mailer,
            writer=TemplateMailWriter(PUBLIC_URL, "City Clinic", self.link_key),
            clock=self.clock,
            queue=self.queue,
            ids=SeededIds(1),
            sealer=PlainSealer(),
            sign_in=self.sign_in,
            exchange=self.exchange,
            calendars=MailboxOpener(
                self.stores,
                self.clock,
                self.access,
                lambda: MemoryExchangeAccess(self.exchange, self.logins),
                self.logins,
            ),
            host=MemoryHost(self.system),
            redirect_uri=f"{PUBLIC_URL}/oauth/callback",
            text_version="2026-11",
        )
        self.rewire()
        self._fill()

    def rewire(self) -> None:
        """The pages over the ports as they are now."""
        self.site = Site(
            Pages(self.public_url, "City Clinic", privacy_url="https://clinic.example/privacy"),
            self.ports,
            self.link_key,
            self.csrf_key,
        )
        self.invitation_function = web_handler(mail_link_routes(self.site), self.site.on_error)
        self.oauth_function = web_handler(redirect_routes(self.site), self.site.on_error)

    def _fill(self) -> None:
        self.add_resource(ANNA, "Dr Anna Weber", "anna@clinic.example")
        self.add_resource(BEN, "Ben Lang", "ben@clinic.example")
        custodian = Owner("p-anna", "Dr Anna Weber", "anna@clinic.example")
        self.add_resource(ROOM, "Room 4", "room4@clinic.example", ResourceKind.ROOM, custodian)
        self.add_person("anna", "anna@clinic.example")
        self.add_person("ben", "ben@clinic.example")
        agree_to_privacy(self.stores.journeys, self.clock, ACCOUNT, "issuer#admin", "2026-11")

    def add_resource(
        self,
        resource: ResourceId,
        name: str,
        email: str,
        kind: ResourceKind = ResourceKind.STAFF,
        owner: Owner | None = None,
    ) -> ResourceState:
        who = owner or Owner(f"p-{resource}", name, email)
        row = Resource(resource, name, email, kind, "Europe/Berlin", "en", who)
        self.system.resources[resource] = row
        return self.stores.resources.save(ResourceState(ACCOUNT, row))

    def add_person(self, name: str, address: str) -> Person:
        person = self.sign_in.people[name] = Person(address, f"oid-{name}", MemoryMailboxServer(self.clock.now))
        return person

    def state(self, resource: ResourceId = ANNA) -> ResourceState:
        state = self.stores.resources.get(ACCOUNT, resource)
        assert state is not None
        return state

    def invite(self, resource: ResourceId = ANNA, **more: Any) -> Invited:
        return invite_resource(self.ports, InviteResource(ACCOUNT, resource, "A. Braun", **more))

    def browser(self) -> "Browser":
        return Browser(self)

    def last_mail(self, kind: str) -> Mail:
        return next(mail for mail in reversed(self.mailer.sent) if mail.kind == kind)

    def connect(self, resource: ResourceId = ANNA, person: str = "anna", browser: "Browser | None" = None) -> "Browser":
        """The whole journey as a person goes it."""
        browser = browser or self.browser()
        token = self.invite(resource).token
        browser.get(f"/i/{token}")
        browser.press("Continue to Microsoft")
        browser.come_back(code=person)
        if browser.path.endswith("/account"):
            browser.press("Use ")
        browser.submit("/calendars", primary="calendar-1")
        return browser


class Browser:
    """Keeps cookies, follows our own redirects, presses buttons by their text. It never runs scripts."""

    def __init__(self, world: JourneyWorld) -> None:
        self.world = world
        self.cookies: dict[str, str] = {}
        self.status = 0
        self.text = ""
        self.headers: dict[str, str] = {}
        self.path = ""
        self.left_to = ""

    def get(self, address: str, headers: dict[str, str] | None = None) -> "Browser":
        return self._ask("GET", address, headers=headers)

    def post(self, address: str, /, follow: bool = True, **fields: str) -> "Browser":
        return self._ask("POST", address, fields, follow=follow)

    def press(self, label: str, **more: str) -> "Browser":
        """Send the form whose button begins with the label, with its hidden fields."""
        for form in re.findall(r"<form.*?</form>", self.text, re.DOTALL):
            if re.search(rf"<button[^>]*>\s*{re.escape(label)}", form):
                action = re.search(r'action="([^"]*)"', form)
                assert action
                return self.post(action[1], **{**_hidden(form), **more})
        raise AssertionError(f"no button {label!r} on {self.path}")

    def submit(self, end_of_action: str, **fields: str) -> "Browser":
        for form in re.findall(r"<form.*?</form>", self.text, re.DOTALL):
            action = re.search(r'action="([^"]*)"', form)
            if action and action[1].endswith(end_of_action):
                return self.post(action[1], **{**_hidden(form), **fields})
        raise AssertionError(f"no form {end_of_action!r} on {self.path}")

    def come_back(self, **answer: str) -> "Browser":
        """From the provider's page, where the last redirect led, with its state."""
        state = parse_qs(urlsplit(self.left_to).query)["state"][0]
        return self.get(f"/oauth/callback?{urlencode({'state': state, **answer})}")

    def _ask(
        self,
        method: str,
        address: str,
        fields: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        *,
        follow: bool = True,
    ) -> "Browser":
        parts = urlsplit(address)
        event: dict[str, Any] = {
            "version": "2.0",
            "rawPath": parts.path,
            "rawQueryString": parts.query,
            "headers": {"host": "calsync.example", **(headers or {})},
            "requestContext": {"http": {"method": method, "path": parts.path}},
        }
        if self.cookies:
            event["headers"]["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if fields is not None:
            event["headers"]["content-type"] = "application/x-www-form-urlencoded"
            event["body"] = base64.b64encode(urlencode(fields, doseq=True).encode()).decode()
            event["isBase64Encoded"] = True
        is_oauth = parts.path.startswith("/oauth")
        function = self.world.oauth_function if is_oauth else self.world.invitation_function
        answer = function(event, None)
        return self._take(parts.path, answer, follow=follow)

    def _take(self, path: str, answer: dict[str, Any], *, follow: bool) -> "Browser":
        self.path, self.status, self.text = path, answer["statusCode"], answer["body"]
        self.headers = answer["headers"]
        for cookie in answer.get("cookies", []):
            name, _, rest = cookie.partition("=")
            self.cookies[name] = rest.split(";")[0]
        target = self.headers.get("location", "")
        if target.startswith(("http://", "https://")):
            self.left_to = target
        elif target and follow:
            return self.get(target)
        return self


def _hidden(form: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form))
