"""The Exchange service over HTTP: /EWS/Exchange.asmx from sign-in to answer."""

import asyncio
import fnmatch
import importlib
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

import sandbox.exchange as package
from sandbox.connections import connection_of
from sandbox.exchange import dispatch
from sandbox.exchange.access import Access
from sandbox.exchange.autodiscover.routes import Autodiscover
from sandbox.exchange.budget import Budgets
from sandbox.exchange.directory import AuthMethod, ExchangeServer, ExchangeState
from sandbox.exchange.dispatch import OPERATIONS, Call
from sandbox.exchange.errors import SoapFaultError
from sandbox.exchange.fault_answers import refuse
from sandbox.exchange.http import XML, caseless, refused
from sandbox.exchange.notifications.push import Notifications
from sandbox.exchange.schema import Schema
from sandbox.exchange.sign_in import RefusedError, SignIns
from sandbox.exchange.xml import SOAP, Element, UnreadableError, local, read, write
from sandbox.faults import EwsFault, FaultAction, Faults
from sandbox.notifications.webhooks import Webhooks
from sandbox.people import Directory, Person
from sandbox.world import World

SPOILED = "x-sandbox-fault"
"""Header of an answer that a fault rule made: it need not fit the schema."""

MAILBOX = "sandbox.mailbox"
"""Set in the scope of a request once its sender is known."""


def load_operations() -> None:
    """Import the modules below this package that have operations, so that they register themselves."""
    root = Path(package.__file__ or "").parent
    for file in sorted(root.rglob("*.py")):
        if "\n@operation(" in file.read_text(encoding="utf-8"):
            place = ".".join(file.relative_to(root).with_suffix("").parts)
            importlib.import_module(f"{package.__name__}.{place}")


class Exchange:
    """All Exchange servers of the sandbox; `state` is what survives a restart."""

    def __init__(
        self,
        world: World,
        directory: Directory,
        state: ExchangeState,
        webhooks: Webhooks,
        faults: Faults,
        base_url: str,
    ) -> None:
        self.world = world
        self.directory = directory
        self.state = state
        self.now = world.clock.now
        self.base_url = base_url
        self.faults = faults
        self.schema: Schema | None = None
        """Set when the process was given Microsoft's files."""
        self._budgets = Budgets()
        self.sign_ins = SignIns(directory, state)
        self.access = Access(world.mailboxes, directory, state)
        self.notifications = Notifications(world, self.access, state.notifications, webhooks)
        self.autodiscover = Autodiscover(self)
        self._running: Counter[str] = Counter()
        load_operations()

    def routes(self) -> list[BaseRoute]:
        """What is served over TLS."""
        return [
            caseless(Route("/EWS/Exchange.asmx", self._ews, methods=["GET", "POST"])),
            *self.autodiscover.routes(),
        ]

    def reset(self) -> None:
        """Empty everything: the one default server stays."""
        fresh = ExchangeState()
        self.state.servers, self.state.accounts = fresh.servers, fresh.accounts
        self.notifications.reset()
        self._budgets.clear()

    def urls(self, server: ExchangeServer, shared: str = "") -> dict[str, str]:
        """Where a server is reached: on its own port, else by its host names, else at the shared address."""
        base = shared or self.base_url
        if server.has_own_port:
            base = f"https://localhost:{server.port}"
        elif server.hosts:
            base = f"https://{server.hosts[0]}:{self.base_url.rpartition(':')[2]}"
        return {
            "ews": f"{base}/EWS/Exchange.asmx",
            "autodiscover_soap": f"{base}/autodiscover/autodiscover.svc",
            "autodiscover_pox": f"{base}/autodiscover/autodiscover.xml",
        }

    def forget(self, person_id: str) -> None:
        """A person is gone."""
        self.state.accounts.pop(person_id, None)

    def mailbox_of(self, scope: Scope) -> str:
        """For the log and fault rules: who signed in, or before that the mailbox that the client says it wants."""
        if MAILBOX in scope:
            return str(scope[MAILBOX])
        headers = {k.lower(): v for k, v in scope["headers"]}
        return str(headers.get(b"x-anchormailbox", b"").decode("latin-1").lower())

    def server_of(self, request: Request) -> ExchangeServer:
        """Which server a request means."""
        _, port = request.scope.get("server") or ("", None)
        return self.state.server_at(request.url.hostname or "", port)

    def authenticate(self, request: Request, server: ExchangeServer, methods: list[AuthMethod]) -> Person:
        """Who asks. Raises RefusedError."""
        header = request.headers.get("authorization", "")
        connection = connection_of(request.scope)
        person = self.sign_ins.who(server, methods, header, connection, self.now())
        request.scope[MAILBOX] = person.email
        return person

    async def _ews(self, request: Request) -> Response:
        server = self.server_of(request)
        answer = await self._answered(request, server)
        drawn = uuid.UUID(int=self.world.random.getrandbits(128), version=4)
        answer.headers.update({"request-id": str(drawn), "X-FEServer": server.computer, "Cache-Control": "private"})
        return answer

    async def _answered(self, request: Request, server: ExchangeServer) -> Response:
        if not server.is_ews_on:
            return Response(b"", 404)
        try:
            person = self.authenticate(request, server, server.ews_auth)
        except RefusedError as refusal:
            return refused(server, server.ews_auth, refusal)
        if not self._is_let_in(request, server, person):
            return Response(b"", 403)
        if request.method == "GET":
            return RedirectResponse("/EWS/Services.wsdl", 302)
        body = await request.body()
        try:
            name = operation_name(read(body))
        except UnreadableError:
            return _fault(server, SoapFaultError("ErrorInvalidRequest"))
        action = self.faults.choose(request.method, request.url.path, person.email, body.decode(errors="replace"), name)
        if action is None:
            return await self.respond(request, server, person, body)
        return Spoiled(self, action, request, server, person, body)

    async def respond(
        self, request: Request, server: ExchangeServer, person: Person, body: bytes, fault: EwsFault | None = None
    ) -> Response:
        """The answer to a request whose sender is known and may use EWS; `fault` is an error on demand."""
        try:
            with self._one_connection(server, person):
                await asyncio.sleep(self.world.settings.service_time.total_seconds())
                content = self._answer(request, server, person, body, fault)
        except SoapFaultError as refusal:
            return _fault(server, refusal)
        return Response(write(content), 200, {SPOILED: "ews"} if fault else None, media_type=XML)

    def _is_let_in(self, request: Request, server: ExchangeServer, person: Person) -> bool:
        account = self.state.accounts.get(person.id)
        agent = request.headers.get("user-agent", "")
        patterns = server.allowed_user_agents
        return (account is None or account.is_ews_enabled) and (
            not patterns or any(fnmatch.fnmatch(agent, pattern) for pattern in patterns)
        )

    @contextmanager
    def _one_connection(self, server: ExchangeServer, person: Person) -> Iterator[None]:
        """Count a request for as long as the block runs. Raises SoapFaultError over EwsMaxConcurrency."""
        if server.limits.is_enforced and self._running[person.id] >= server.limits.max_concurrency:
            raise SoapFaultError("ErrorExceededConnectionCount")
        if server.limits.is_enforced:
            self._budgets.spend(person.id, server.limits.requests_per_minute, self.now())
        self._running[person.id] += 1
        try:
            yield
        finally:
            self._running[person.id] -= 1

    def _answer(
        self, request: Request, server: ExchangeServer, person: Person, body: bytes, fault: EwsFault | None
    ) -> Element:
        """The envelope that answers one request. Raises SoapFaultError."""
        envelope = dispatch.open_envelope(read(body))
        version = dispatch.requested_version(envelope, server)
        chosen = OPERATIONS.get(operation_name(envelope.request))
        if chosen is None:
            raise SoapFaultError("ErrorInvalidRequest")
        call = Call(
            world=self.world,
            server=server,
            access=self.access,
            person=person,
            acting=dispatch.impersonated(envelope, self.access, server, person),
            version=version,
            zone=dispatch.zone_of(envelope),
            operation=chosen,
            base_url=f"{request.url.scheme}://{request.url.netloc}",
            exchange=self,
        )
        self.world.mailboxes.run_due()
        if fault is None or fault.takes_effect:
            if self.schema is not None:
                self.schema.check(envelope.request)
            content = dispatch.run(call, envelope.request)
        if fault is not None:
            content = refuse(fault, chosen.name, envelope.request)
        return dispatch.answer_envelope(server, version, content)


class Spoiled(Response):
    """The answer to a request that a fault rule means: what the rule says happens to it while it is sent."""

    def __init__(
        self,
        exchange: Exchange,
        action: FaultAction,
        request: Request,
        server: ExchangeServer,
        person: Person,
        body: bytes,
    ) -> None:
        super().__init__()
        self._exchange = exchange
        self._action = action
        self._asked = (request, server, person, body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, or cut the connection."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            answer = await self._exchange.respond(*self._asked, self._action.ews)
            await answer(scope, receive, send)

        await self._exchange.faults.act(self._action, app, scope, self._asked[3], receive, send)


def operation_name(element: Element) -> str:
    """The operation that a request's element, or an envelope around it, stands for; "" for none."""
    body = element.find(f"{{{SOAP}}}Body")
    inside = element if body is None else body[0] if len(body) else None
    name = local(inside) if inside is not None else ""
    short = name.removesuffix("Request")
    return short if short in OPERATIONS else name


def _fault(server: ExchangeServer, refusal: SoapFaultError) -> Response:
    return Response(write(dispatch.fault_envelope(server, refusal)), refusal.status, media_type=XML)
