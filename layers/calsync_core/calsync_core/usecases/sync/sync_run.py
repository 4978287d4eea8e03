"""One run of one resource: the ports it may use, and what it knows and collects while it holds the lease."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from calsync_core.domain.appointments import Mark, When
from calsync_core.domain.conflicts import Conflict
from calsync_core.domain.errors import LeaseLostError
from calsync_core.domain.ids import AccountId, BookingId, LinkRef, MailboxId, ResourceId, RunId, short_hash
from calsync_core.domain.journal import Deed, not_done_row, row_of, span
from calsync_core.domain.links import Link
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.settings import SyncSettings
from calsync_core.domain.synclog import LogEntry, Reason, Way
from calsync_core.domain.values import replace, value
from calsync_core.engine.actions import Action, link_of, when_of
from calsync_core.engine.marks import KnownMarks, mark_id_for
from calsync_core.engine.observe import Scope
from calsync_core.ports.calendar import CalendarProvider, Content
from calsync_core.ports.host import HostPlatform
from calsync_core.ports.outward import Clock, Ids, Queue
from calsync_core.ports.stores import CursorRow, Lease, Stores

EVERYTHING = Content(title=True, notes=True, private=True)
"""For look-ups of our own copies: we wrote them, so there is nothing in them that we may not read."""


def readable(settings: SyncSettings) -> Content:
    """What of calendar entries may be read at all: what the settings show, and what their filters look at."""
    if not settings.writes_host:
        return Content()
    rules = settings.from_calendar
    is_full = rules.privacy == "full"
    return Content(
        title=is_full and rules.title,
        notes=is_full and rules.notes,
        private=is_full and rules.private == "full",
        subject=bool(rules.exclude.subjects),
        categories=bool(rules.exclude.categories),
        html=is_full and rules.notes and settings.notes_format == "html",
    )


@dataclass(slots=True)
class OwnDates:
    """The bookings of this resource in any series, as they stood in one round of a calendar: their ids, and the days on
    which they stand in their series, each in the zone of its booking."""

    round: int
    ids: set[BookingId] = field(default_factory=set)
    days: dict[BookingId, set[tuple[str, date]]] = field(default_factory=dict)


@value(frozen=True, slots=True)
class SyncPorts:
    """What a run may use. `installation` is written into marks. `lanes` bounds parallel writes to one mailbox (a fourth
    stays free for live changes, design.md section 8). `work_for` bounds one *work* call, `lease_for` must exceed the
    function's time-out."""

    stores: Stores
    host: Callable[[AccountId], HostPlatform]
    provider: Callable[[AccountId, MailboxId], CalendarProvider]
    clock: Clock
    ids: Ids
    queue: Queue
    installation: str
    public_url: str
    poll_minutes: int = 15
    lanes: int = 3
    work_for: timedelta = timedelta(seconds=50)
    lease_for: timedelta = timedelta(seconds=120)
    on_conflict: Callable[[Conflict], None] | None = None
    on_stop: Callable[[ResourceState], None] | None = None


@dataclass(slots=True)
class SyncRun:
    """Mutable company of one *work* call; never stored, never shared between calls.

    With a list in `foreseen` nothing is done: the actions are noted there (a dry run). `own_mailbox`: the resources
    that use the mailbox of this one, read when they are asked for. `unaligned`, `strayed`: series whose dates are to be
    brought in line, and that show dates which nobody knows. `times`: when the appointments are that lines of
    the log are about. `rows`: where each feed stood when the call began.
    """

    ports: SyncPorts
    lease: Lease
    state: ResourceState
    scope: Scope
    content: Content
    run: RunId
    until: datetime
    host: HostPlatform
    rows: dict[str, CursorRow] = field(default_factory=dict)
    lines: list[LogEntry] = field(default_factory=list)
    times: dict[LinkRef, When] = field(default_factory=dict)
    touched: dict[LinkRef, Link | None] = field(default_factory=dict)
    agreed: set[LinkRef] = field(default_factory=set)
    unaligned: set[LinkRef] = field(default_factory=set)
    strayed: set[LinkRef] = field(default_factory=set)
    expecting: set[LinkRef] = field(default_factory=set)
    revisiting: set[LinkRef] = field(default_factory=set)
    foreseen: list[Action] | None = None
    own_mailbox: tuple[ResourceId, ...] | None = None
    own_dates: dict[str, OwnDates] = field(default_factory=dict)
    host_position: str | None = None
    seen_changes: int = 0
    is_first_round: bool = False
    lease_until: datetime | None = None
    marks: KnownMarks | None = None  # all of the mailbox, once a full round of this call has read them
    account: AccountId = field(init=False)
    resource: ResourceId = field(init=False)

    def __post_init__(self) -> None:
        self.account, self.resource = self.lease.account, self.lease.resource

    @property
    def is_time_up(self) -> bool:
        return self.ports.clock.now() >= self.until

    def check_lease(self) -> None:
        """Before each write: whoever was asleep longer than his lease stops at once. Raises LeaseLostError."""
        if self.lease_until is not None and self.ports.clock.now() >= self.lease_until:
            raise LeaseLostError(resource=self.resource, lease=self.lease.number)

    def calendar(self, mailbox: MailboxId) -> CalendarProvider:
        return self.ports.provider(self.account, mailbox)

    def mark(self, link: Link) -> Mark:
        """What the copy of this link carries, in its present generation; only links of bookings have one."""
        if link.booking_id is None:
            raise AssertionError("only bookings have copies with a mark")
        scope = self.scope
        return Mark(scope.installation, self.account, self.resource, link.booking_id, link.generation, link.mark_id)

    def named(self, link: Link) -> Link:
        """The row of a copy about to be made: its mark gets an own id."""
        own = mark_id_for(link.mark_id, self.ports.clock.now(), self.ports.ids.short())
        return replace(link, mark_id=own)

    def transaction_id(self, link: Link) -> str:
        """The same for every try to create the same copy. The attempt belongs to it: rows of an earlier connection are
        gone, but the mailbox remembers their transactions."""
        return short_hash(self.account, self.resource, link.ref, str(link.generation), str(self.state.attempt))

    @property
    def primary(self) -> CalendarProvider:
        if self.state.mailbox is None:
            raise AssertionError("a resource without a mailbox is never run")
        return self.calendar(self.state.mailbox)

    def log(
        self, reason: Reason, way: Way = Way.NONE, *, rule: str | None = None, ref: LinkRef | None = None,
        code: str | None = None, is_problem: bool = False, **detail: str,
    ) -> None:  # fmt: skip
        now = self.ports.clock.now()
        if ref in self.times:
            detail.setdefault("when", span(self.times[ref]))
        self.lines.append(
            LogEntry(
                self.account,
                self.resource,
                now,
                reason,
                way,
                rule,
                ref,
                self.run,
                code,
                tuple(sorted(detail.items())),
                is_problem,
            )
        )

    def note_times(self, actions: Iterable[Action]) -> None:
        """So that each line about them says which appointment it is about."""
        for action in actions:
            link, when = link_of(action), when_of(action)
            if link is not None and when is not None:
                self.times[link.ref] = when

    def journal(self, deeds: Sequence[Deed]) -> None:
        """Before they are done, so that a crash in between hides nothing from an undo (R113)."""
        if deeds:
            self.ports.stores.log.journal(self.account, self.resource, self.run, [row_of(deed) for deed in deeds])

    def forget_cursor(self, feed: str) -> None:
        self.ports.stores.cursors.forget(self.account, self.resource, feed)
        self.rows.pop(feed, None)

    def journal_refused(self, deeds: Sequence[Deed]) -> None:
        """They were written down and not done: the list of what a run did must not name them."""
        if deeds:
            rows = [not_done_row(deed) for deed in deeds]
            self.ports.stores.log.journal(self.account, self.resource, self.run, rows)

    def flush(self) -> None:
        """The log, after the links and before the cursor."""
        if self.lines:
            self.ports.stores.log.add(self.lines)
            self.lines = []
        self.times = {}
