"""One resource with its mailbox, booking system and stores, put together for a row; parts can be swapped for others."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from calsync_core.adapters.memory.booking_system import MemoryBookingSystem
from calsync_core.adapters.memory.calendar import MemoryCalendarProvider
from calsync_core.adapters.memory.host import MemoryHost
from calsync_core.adapters.memory.mailbox import DEFAULT, MemoryMailboxServer
from calsync_core.adapters.memory.outward import FixedClock, MemoryQueue, SeededIds
from calsync_core.adapters.memory.stores import memory_stores
from calsync_core.domain.connections import Connection, MailboxIdentity, ProviderKind
from calsync_core.domain.ids import AccountId, CalendarId, MailboxId, ResourceId, RunId
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.ports.calendar import CalendarProvider
from calsync_core.ports.host import HostPlatform
from calsync_core.ports.outward import Clock
from calsync_core.ports.stores import Stores
from calsync_core.usecases.sync.sync_resource import Outcome, Result, Work, sync_resource
from calsync_core.usecases.sync.sync_run import SyncPorts

from bench.work import NOW

ACCOUNT, RESOURCE, MAILBOX = AccountId("main"), ResourceId("anna"), MailboxId("mbx-anna")
INSTALLATION = "bench"


@dataclass
class Clinic:
    """`system` is the clinic's side, `server` the person's; `calls` of `host` and `provider` count."""

    clock: FixedClock
    system: MemoryBookingSystem
    host: MemoryHost
    server: MemoryMailboxServer
    provider: MemoryCalendarProvider
    queue: MemoryQueue
    stores: Stores
    ports: SyncPorts
    runs: int = field(default=0)

    def work(self, cause: str = "notification", round_: int = 0) -> Outcome:
        """One step of the machine."""
        self.runs += 1
        return sync_resource(Work(ACCOUNT, RESOURCE, cause, RunId(f"run-{self.runs}"), round_), self.ports)

    def run(self, cause: str = "sweep") -> Outcome:
        """A wish and its machine, until there is nothing left to do."""
        self.stores.leases.wish(ACCOUNT, RESOURCE)
        while True:
            outcome = self.work(cause)
            if outcome.result is not Result.AGAIN:
                return outcome


def clinic(page_size: int = 1000, stores: Stores | None = None) -> Clinic:
    """A clinic in memory with one resource, ready for its first import."""
    clock, queue = FixedClock(NOW), MemoryQueue()
    system = MemoryBookingSystem(clock.now, page_size)
    server = MemoryMailboxServer(clock.now, page_size=page_size)
    host, provider = MemoryHost(system), MemoryCalendarProvider(server)
    stores = stores or memory_stores()
    ports = ports_of(stores, lambda: host, lambda: provider, clock, queue)
    admit(stores, system, clock, DEFAULT)
    return Clinic(clock, system, host, server, provider, queue, stores, ports)


def ports_of(
    stores: Stores,
    host: Callable[[], HostPlatform],
    provider: Callable[[], CalendarProvider],
    clock: Clock,
    queue: MemoryQueue,
    lanes: int = 1,
) -> SyncPorts:
    return SyncPorts(
        stores, lambda _account: host(), lambda _account, _mailbox: provider(), clock, SeededIds(), queue,
        installation=INSTALLATION, public_url="https://calsync.example", lanes=lanes, work_for=timedelta(seconds=50),
    )  # fmt: skip


def admit(stores: Stores, system: MemoryBookingSystem, clock: Clock, calendar: CalendarId) -> None:
    """The resource, its connection, and the state in which an import begins."""
    system.add_resource(RESOURCE)
    resource = system.resources[RESOURCE]
    identity = MailboxIdentity(ProviderKind.OFFICE365, "tenant", MAILBOX)
    owner = resource.owner
    stores.connections.save(Connection(MAILBOX, ACCOUNT, identity, owner.email, owner.name, owner.id, (RESOURCE,)))
    state = ResourceState(ACCOUNT, resource, mailbox=MAILBOX, primary=calendar)
    stores.resources.save(state.moved_to(Status.IMPORTING, clock.now()))
