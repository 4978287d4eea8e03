"""A clinic in memory: one or more resources, their mailboxes, the booking system, the stores and the ports of a run.

Use-case and property tests drive it; nothing here decides anything.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from calsync_core.adapters.memory.booking_system import MemoryBookingSystem
from calsync_core.adapters.memory.calendar import MemoryCalendarProvider
from calsync_core.adapters.memory.host import MemoryHost
from calsync_core.adapters.memory.mailbox import DEFAULT, MemoryMailboxServer
from calsync_core.adapters.memory.outward import FixedClock, MemoryQueue, SeededIds
from calsync_core.adapters.memory.stores import memory_stores
from calsync_core.domain.appointments import Timed
from calsync_core.domain.connections import Connection, MailboxIdentity, ProviderKind
from calsync_core.domain.ids import AccountId, MailboxId, ResourceId, RunId
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.domain.settings import Overrides
from calsync_core.ports.stores import StoredSettings, Stores
from calsync_core.usecases.sync.sync_resource import Outcome, Result, Work, sync_resource
from calsync_core.usecases.sync.sync_run import SyncPorts

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0)
ACCOUNT = AccountId("main")
Fault = Callable[[str, str], None]


def no_fault(operation: str, phase: str) -> None:
    """The default: nothing goes wrong."""


def at(day: int, hour: float, hours: float = 1) -> Timed:
    """A timed appointment, counted in days and hours from the clinic's first midnight, UTC."""
    start = MIDNIGHT + timedelta(days=day, hours=hour)
    return Timed(start, start + timedelta(hours=hours))


@dataclass
class Clinic:
    """`mailbox(resource)` is the person's side, `system` the clinic's; `run()` is start_sync and the machine."""

    clock: FixedClock
    system: MemoryBookingSystem
    host: MemoryHost
    stores: Stores
    queue: MemoryQueue
    ports: SyncPorts
    servers: dict[MailboxId, MemoryMailboxServer] = field(default_factory=dict)
    providers: dict[MailboxId, MemoryCalendarProvider] = field(default_factory=dict)
    fault: Fault = no_fault
    runs: int = 0

    def mailbox(self, resource: str = "anna") -> MemoryMailboxServer:
        state = self.stores.resources.get(ACCOUNT, ResourceId(resource))
        assert state is not None
        assert state.mailbox is not None
        return self.servers[state.mailbox]

    def connect(self, resource: str = "anna", mailbox: str | None = None) -> ResourceId:
        """A resource with a mailbox of its own (or a shared one), ready for its first import."""
        resource_id = self.system.add_resource(resource)
        mailbox_id = MailboxId(mailbox or f"mbx-{resource}")
        if mailbox_id not in self.servers:
            self.servers[mailbox_id] = MemoryMailboxServer(self.clock.now)
            self.providers[mailbox_id] = MemoryCalendarProvider(self.servers[mailbox_id], self._fault)
            identity = MailboxIdentity(ProviderKind.OFFICE365, "tenant", mailbox_id)
            owner = self.system.resources[resource_id].owner
            self.stores.connections.save(
                Connection(mailbox_id, ACCOUNT, identity, owner.email, owner.name, owner.id, (resource_id,))
            )
        connection = self.stores.connections.get(ACCOUNT, mailbox_id)
        if connection is not None and resource_id not in connection.resources:
            self.stores.connections.save(replace(connection, resources=(*connection.resources, resource_id)))
        state = ResourceState(ACCOUNT, self.system.resources[resource_id], mailbox=mailbox_id, primary=DEFAULT)
        self.stores.resources.save(state.moved_to(Status.IMPORTING, self.clock.now()))
        return resource_id

    def _fault(self, operation: str, phase: str) -> None:
        self.fault(operation, phase)

    def settings(self, **values: object) -> None:
        """`edits__moved_in_calendar="flag"` sets `edits.moved_in_calendar` for everyone."""
        stored = self.stores.settings.account(ACCOUNT)
        new: Overrides = {key.replace("__", "."): value for key, value in values.items()}
        self.stores.settings.save_account(ACCOUNT, replace(stored, values={**stored.values, **new}))

    def work(self, resource: str = "anna", cause: str = "notification", round_: int = 0) -> Outcome:
        self.runs += 1
        return sync_resource(Work(ACCOUNT, ResourceId(resource), cause, RunId(f"run-{self.runs}"), round_), self.ports)

    def run(self, resource: str = "anna", cause: str = "sweep") -> Outcome:
        """A wish and its machine: *work* until it is done."""
        self.stores.leases.wish(ACCOUNT, ResourceId(resource))
        for _ in range(50):
            outcome = self.work(resource, cause)
            if outcome.result is not Result.AGAIN:
                return outcome
        raise AssertionError("the run never ends")

    def settle(self, *resources: str) -> None:
        """Runs of everybody until nobody is wished a run any more."""
        names = resources or tuple(self.system.resources)
        for name in names:
            self.run(name)
        for _ in range(20):
            wishes = self.queue.take_all()
            if not wishes:
                return
            for wish in wishes:
                self.run(wish.resource)
        raise AssertionError("wishes never end")

    def copies(self, resource: str = "anna") -> list:
        return [entry for entry in self.mailbox(resource).shown() if entry.mark is not None]

    def blocks(self, resource: str = "anna") -> list:
        return [block for block in self.system.blocks.values() if block.resource_id == resource]

    def conflicts(self) -> list:
        return self.stores.conflicts.open(ACCOUNT)


def a_clinic(page_size: int = 50) -> Clinic:
    """An empty clinic; call `connect` for each resource."""
    clock, queue, stores = FixedClock(NOW), MemoryQueue(), memory_stores()
    system = MemoryBookingSystem(clock.now, page_size)
    clinic: Clinic

    def host_fault(operation: str, phase: str) -> None:
        clinic.fault(operation, phase)

    host = MemoryHost(system, host_fault)
    ports = SyncPorts(
        stores, lambda _account: host, lambda _account, mailbox: clinic.providers[mailbox], clock, SeededIds(), queue,
        installation="test", public_url="https://calsync.example", lanes=1,
    )  # fmt: skip
    clinic = Clinic(clock, system, host, stores, queue, ports)
    return clinic


__all__ = ["ACCOUNT", "NOW", "Clinic", "StoredSettings", "a_clinic", "at"]
