"""The Exchange service over HTTP: /EWS/Exchange.asmx from sign-in to answer."""

import importlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

import sandbox.exchange as package
from sandbox.connections import connection_of
from sandbox.exchange import dispatch
from sandbox.exchange.access import Access
from sandbox.exchange.directory import AuthMethod, ExchangeServer, ExchangeState
from sandbox.exchange.dispatch import OPERATIONS, Call
from sandbox.exchange.errors import SoapFaultError
from sandbox.exchange.notifications.push import Notifications
from sandbox.exchange.sign_in import RefusedError, SignIns
from sandbox.exchange.xml import Element, UnreadableError, read, write
from sandbox.notifications.webhooks import Webhooks
from sandbox.people import Directory, Person
from sandbox.world import World

XML = "text/xml; charset=utf-8"

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
        self, world: World, directory: Directory, state: ExchangeState, webhooks: Webhooks, base_url: str
    ) -> None:
        self.world = world
        self.directory = directory
        self.state = state
        self.now = world.clock.now
        self.base_url = base_url
        self.sign_ins = SignIns(directory, state)
        self.access = Access(world.mailboxes, directory, state)
        self.notifications = Notifications(world, self.access, state.notifications, webhooks)
        load_operations()

    def routes(self) -> list[BaseRoute]:
        """The addresses of the service; IIS does not mind upper and lower case."""
        return [
            Route(path, self._ews, methods=["GET", "POST"])
            for path in ("/EWS/Exchange.asmx", "/ews/exchange.asmx", "/ews/Exchange.asmx", "/EWS/exchange.asmx")
        ]

    def reset(self) -> None:
        """Empty everything: the one default server stays."""
        fresh = ExchangeState()
        self.state.servers, self.state.accounts = fresh.servers, fresh.accounts
        self.notifications.reset()

    def urls(self, server: ExchangeServer) -> dict[str, str]:
        """Where a server is reached: on its own port, else by its host names, else on the shared address."""
        base = self.base_url
        if server.port:
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
        return self.state.server_at(request.url.hostname or "", request.url.port)

    def authenticate(self, request: Request, server: ExchangeServer, methods: list[AuthMethod]) -> Person:
        """Who asks. Raises RefusedError."""
        header = request.headers.get("authorization", "")
        connection = connection_of(request.scope)
        person = self.sign_ins.who(server, methods, header, connection, self.now())
        request.scope[MAILBOX] = person.email
        return person

    async def _ews(self, request: Request) -> Response:
        server = self.server_of(request)
        try:
            person = self.authenticate(request, server, server.ews_auth)
        except RefusedError as refusal:
            return refused(server, server.ews_auth, refusal)
        if request.method == "GET":
            return RedirectResponse("/EWS/Services.wsdl", 302)
        body = await request.body()
        try:
            content = self.answer(request, server, person, body)
        except SoapFaultError as fault:
            return Response(write(dispatch.fault_envelope(server, fault)), fault.status, media_type=XML)
        except UnreadableError:
            return Response(b"", 400)
        return Response(write(content), 200, media_type=XML)

    def answer(self, request: Request, server: ExchangeServer, person: Person, body: bytes) -> Element:
        """The envelope that answers one request. Raises SoapFaultError or UnreadableError."""
        envelope = dispatch.open_envelope(read(body))
        version = dispatch.requested_version(envelope, server)
        chosen = OPERATIONS.get(envelope.operation.removesuffix("Request")) or OPERATIONS.get(envelope.operation)
        if chosen is None:
            raise SoapFaultError("ErrorInvalidRequest")
        zone, definition = dispatch.zone_of(envelope)
        call = Call(
            world=self.world,
            server=server,
            access=self.access,
            person=person,
            acting=dispatch.impersonated(envelope, self.access, server, person),
            version=version,
            zone=zone,
            zone_definition=definition,
            operation=chosen,
            base_url=f"{request.url.scheme}://{request.url.netloc}",
            exchange=self,
        )
        self.world.mailboxes.run_due()
        return dispatch.answer_envelope(server, version, dispatch.run(call, envelope.request))


def refused(server: ExchangeServer, methods: list[AuthMethod], refusal: RefusedError) -> Response:
    """A 401 that names the methods of the directory, or the next step of a handshake. Why is never said."""
    response = Response(b"", 401)
    if refusal.challenge:
        response.headers.append("WWW-Authenticate", refusal.challenge)
        return response
    for method in methods:
        words = f'Basic realm="{server.computer.lower()}.{server.dns_domain}"' if method == "Basic" else method
        response.headers.append("WWW-Authenticate", words)
    return response
