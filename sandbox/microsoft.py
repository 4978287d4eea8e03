"""One Microsoft on this machine: builds its parts and wires them, keeps its state. Who serves it: app.py."""

import asyncio
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Scope

from sandbox import persistence
from sandbox.entra import Entra
from sandbox.entra.scopes import GRAPH_RESOURCE
from sandbox.exchange.directory import ExchangeState
from sandbox.exchange.service import Exchange
from sandbox.faults import Faults
from sandbox.graph import CanonicalPaths, graph_routes, unknown_path
from sandbox.inboxes import Inboxes
from sandbox.listeners import OwnPorts
from sandbox.notifications.delivery import Deliveries, DeliverySettings
from sandbox.notifications.webhooks import Webhooks
from sandbox.people import Directory
from sandbox.profiles import profile_routes
from sandbox.request_log import RequestLog
from sandbox.subscriptions import Subscriptions
from sandbox.tls import ca_file
from sandbox.tokens import Tokens, TokenState
from sandbox.world import Settings, World, new_world


@dataclass(frozen=True)
class Addresses:
    """Where the sandbox listens; none of them ends in a slash."""

    https_port: int
    http_port: int
    smtp_port: int

    @property
    def login(self) -> str:
        return f"https://localhost:{self.https_port}"

    @property
    def people(self) -> str:
        return f"http://localhost:{self.http_port}"

    @property
    def graph_origins(self) -> tuple[str, ...]:
        """The resources that mean Graph in a scope: Microsoft's own name, and this one as a national cloud."""
        return (GRAPH_RESOURCE, self.login, f"https://127.0.0.1:{self.https_port}")

    def as_json(self, folder: Path) -> dict[str, Any]:
        """The line that is printed when everything listens."""
        return {
            "login": self.login,
            "graph": f"{self.login}/v1.0",
            "ews": f"{self.login}/EWS/Exchange.asmx",
            "ca_file": str(ca_file(folder)),
            "outlook_url": f"{self.people}/outlook",
            "mail_url": f"{self.people}/outlook/mail",
            "control_url": f"{self.people}/control",
            "smtp": {"host": "127.0.0.1", "port": self.smtp_port},
        }


class Sandbox:
    """One Microsoft on this machine. Loads its state from the folder when there is some."""

    def __init__(self, addresses: Addresses, state_folder: Path, seed: int | None = None) -> None:
        self.addresses = addresses
        self.state_folder = state_folder
        stored = persistence.load(state_folder) or {}
        self.world: World = _world_from(stored) if stored else new_world(seed)
        self.directory: Directory = stored.get("directory") or Directory()
        self.inboxes: Inboxes = stored.get("inboxes") or Inboxes()
        random = Random(seed)
        self.tokens = Tokens(self.now, self.directory, stored.get("tokens"), random)
        self.entra = Entra(self.now, self.directory, self.tokens, addresses.people, addresses.graph_origins)
        self.webhooks = Webhooks(ssl.create_default_context(cafile=str(ca_file(state_folder))))
        self.faults = Faults(self.now, random, self.mailbox_of)
        exchange_state = stored.get("exchange") or ExchangeState()
        self.exchange = Exchange(
            self.world, self.directory, exchange_state, self.webhooks, self.faults, addresses.login
        )
        self.deliveries = Deliveries(self.now, random, self.webhooks)
        self.subscriptions = Subscriptions(self.world, self.deliveries, self.webhooks)
        if stored:
            self.subscriptions.kept = stored["subscriptions"]
            self.deliveries.settings = DeliverySettings.model_validate(stored["delivery"])
            self.deliveries.restore(stored["pending"])
        self.log = RequestLog(self.now, self.mailbox_of)
        self.world.verifier = self.tokens
        self.own_ports: OwnPorts | None = None
        """Set by the process that listens; without sockets there are none."""
        self.control_calls = 0
        self._saved = self._fingerprint()
        self._build_graph()

    def now(self) -> datetime:
        """The sandbox's time."""
        return self.world.clock.now()

    def has_inbox(self, address: str) -> bool:
        """Whether mail to an address is welcome: a person's, or an alias of a mailbox."""
        return bool(self.directory.people_called(address)) or self.world.mailboxes.by_address(address) is not None

    def mailbox_of(self, scope: Scope) -> str:
        """The address of the mailbox that a request is about; empty when it is about none."""
        path = str(scope["path"])
        headers = {k.lower(): v for k, v in scope["headers"]}
        token = self.tokens.access_token(headers.get(b"authorization", b"").decode("latin-1").partition(" ")[2])
        if path.lower().startswith(("/ews/", "/autodiscover/")):
            return self.exchange.mailbox_of(scope)
        if not path.startswith("/v1.0/"):
            return ""
        parts = path.split("/")
        named = parts[3] if len(parts) > 3 and parts[2] == "users" else (token.person_id if token else None)
        person = self.directory.people.get(named or "") or self.directory.person_called(named or "")
        return person.email if person else ""

    def _build_graph(self) -> None:
        mine = [*self.subscriptions.routes(), *profile_routes(self.world, self.directory)]
        routes = [*mine, *graph_routes(self.world), unknown_path(self.world)]
        graph = CanonicalPaths(Starlette(routes=[Mount("/v1.0", routes=routes)]))
        self.world.graph_app = self.log.around(self.faults.around(graph), "graph", is_inner=True)

    def save(self) -> None:
        """Write everything that must survive a restart."""
        self._saved = self._fingerprint()
        persistence.save(
            self.state_folder,
            {
                "mailboxes": self.world.mailboxes,
                "settings": self.world.settings,
                "delta_chains": self.world.delta_chains,
                "directory": self.directory,
                "exchange": self.exchange.state,
                "tokens": self.tokens.state,
                "inboxes": self.inboxes,
                "subscriptions": self.subscriptions.kept,
                "delivery": self.deliveries.settings.model_dump(),
                "pending": self.deliveries.pending,
            },
        )

    async def save_now_and_then(self, seconds: float) -> None:
        """Save until cancelled, when something happened; never for more than a twentieth of the time; 0: never."""
        loop = asyncio.get_running_loop()
        pause = seconds
        while True:
            await asyncio.sleep(pause or 3600)
            if not seconds or self._fingerprint() == self._saved:
                continue
            began = loop.time()
            self.save()
            pause = max(seconds, 20 * (loop.time() - began))

    def _fingerprint(self) -> tuple[object, ...]:
        """Moves with every request and every mail: whoever changes the state does it by one of them."""
        return (self.log.last_id, self.inboxes.next_id, self.control_calls)

    def reset(self, *, keep_apps: bool) -> None:
        """Empty everything but the addresses, the certificate authority and, if wanted, the apps."""
        apps = self.directory.apps if keep_apps else {}
        tenants = {t for t in self.directory.tenants if any(a.home_tenant_id == t for a in apps.values())}
        kept = {i: t for i, t in self.directory.tenants.items() if i in tenants}
        self.directory.people.clear()
        self.directory.tenants = kept
        self.directory.apps = dict(apps)
        self.directory.__post_init__()
        self.tokens.use(TokenState(self.tokens.state.key_pem))
        self.entra.sign_ins.clear()
        self.entra.sessions.clear()
        self.exchange.reset()
        self.inboxes.__dict__.update(Inboxes(next_id=self.inboxes.next_id).__dict__)
        self.subscriptions.kept.clear()
        self.deliveries.pending.clear()
        self.deliveries.settings = DeliverySettings()
        self.deliveries.endpoints.clear()
        self.faults.rules.clear()
        self.log.clear()
        for mailbox in list(self.world.mailboxes):
            self.world.mailboxes.remove(mailbox)
        self.world.mailboxes.outbox.clear()
        self.world.delta_chains.clear()
        self.world.settings.__dict__.update(Settings().__dict__)
        self.world.clock.advance(-self.world.clock.offset)


def _world_from(stored: dict[str, Any]) -> World:
    """The shared half of a stored state; clock and chance are those that the mailboxes were saved with."""
    mailboxes, settings = stored["mailboxes"], stored["settings"]
    mailboxes.rotation_seconds = lambda: settings.key_rotation_seconds
    return World(
        clock=mailboxes.clock,
        random=mailboxes.random,
        mailboxes=mailboxes,
        settings=settings,
        delta_chains=stored["delta_chains"],
    )
