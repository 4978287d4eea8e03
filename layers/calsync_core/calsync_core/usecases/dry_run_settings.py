"""What a change of settings would do to both sides, in numbers and examples, by the run itself without its writes.

Both sides of every connected resource are read as the full round after the change would read them, and planned by the
same code under the new settings; nothing is written, no cursor moves. Where a side cannot be read in time its resource
is counted as unread, and the estimate out of the links (`preview_settings`) stands for it.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import fields
from datetime import timedelta
from enum import StrEnum
from typing import Any, cast

from calsync_core.domain.appointments import Booking, Copy, When
from calsync_core.domain.errors import CalsyncError, InputError
from calsync_core.domain.ids import AccountId, CalendarId, EntryId, LinkRef, MailboxId, ResourceId
from calsync_core.domain.links import Link
from calsync_core.domain.settings import SyncSettings
from calsync_core.domain.values import replace, value
from calsync_core.domain.windows import Window
from calsync_core.engine.actions import (
    Action,
    AdoptCopy,
    CancelBooking,
    CreateCopy,
    DeleteBlock,
    DeleteCopy,
    MoveBooking,
    PutBlock,
    UpdateCopy,
)
from calsync_core.engine.marks import KnownMarks
from calsync_core.engine.observe import Read, observe
from calsync_core.engine.plan import plan
from calsync_core.engine.project import project_booking
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.stores import HOST_FEED, CursorRow, LinkStore, ResourceStore
from calsync_core.usecases.change_settings import Change, SettingsPorts, planned_change, rewrites_window, wants_run
from calsync_core.usecases.preview_settings import Affected, Effect, preview_settings, shows_more_of_entries
from calsync_core.usecases.sync.apply_plan import apply_plan
from calsync_core.usecases.sync.finish_round import (
    apply_shared_copies,
    finish_calendar_round,
    finish_host_round,
    noted_leaving,
)
from calsync_core.usecases.sync.open_run import open_look
from calsync_core.usecases.sync.read_calendar import Feed, read_calendar_page
from calsync_core.usecases.sync.read_host import read_host_page
from calsync_core.usecases.sync.sync_run import SyncRun, readable
from calsync_core.usecases.sync.write_copies import is_up_to_date
from calsync_core.usecases.sync.write_series import join_series

MAX_EXAMPLES = 5
PATIENCE = timedelta(seconds=15)
AT_ONCE = 8
_NO_EFFECT = ("edits.", "conflicts.", "availability.", "on_disconnect")


class Done(StrEnum):
    """What would happen to one entry or block; the words for people stand beside the page."""

    COPY_ADDED = "copy_added"
    COPY_REWRITTEN = "copy_rewritten"
    COPY_REMOVED = "copy_removed"
    BLOCK_ADDED = "block_added"
    BLOCK_REWRITTEN = "block_rewritten"
    BLOCK_REMOVED = "block_removed"
    BOOKING_ASKED = "booking_asked"


@value(frozen=True, slots=True)
class Counts:
    """Of links, each counted once; `untouched` have one and stay as they are. A series counts by its dates inside the
    window, as people see them, not once more for itself."""

    copy_added: int = 0
    copy_rewritten: int = 0
    copy_removed: int = 0
    block_added: int = 0
    block_rewritten: int = 0
    block_removed: int = 0
    booking_asked: int = 0
    untouched: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        names = [one.name for one in fields(Counts)]
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def writes(self) -> int:
        return sum(getattr(self, done.value) for done in Done)


@value(frozen=True, slots=True)
class Example:
    """One of them. Titles of bookings are the business's own; the title of an entry is given only where it stands in
    the booking system already. `changed` names what differs of a copy."""

    done: Done
    when: When
    before: str | None = None
    after: str | None = None
    changed: tuple[str, ...] = ()


@value(frozen=True, slots=True)
class DryRun:
    """`estimate` counts the links that the change concerns, were it applied to everything; `counts` is what the first
    run after it does with the chosen scope. `unread` resources could not be read now, `waiting` ones do not sync at
    present and follow later; neither is in `counts`. `more_time`: the window grows."""

    estimate: Effect
    counts: Counts = Counts()
    examples: tuple[Example, ...] = ()
    unread: int = 0
    waiting: int = 0
    more_time: bool = False


def dry_run_settings(
    journeys: JourneyPorts, ports: SettingsPorts, account: AccountId, resource: ResourceId | None, change: Change
) -> DryRun:
    """Reads only. Raises InputError and NotFoundError as saving the change would."""
    planned = planned_change(ports, account, resource, change)
    estimate = preview_settings(ports.links, planned.affected, planned.left_alone, planned.names)
    at_work = [one for one in planned.affected if _reads_now(one, change)]
    found = DryRun(
        estimate,
        waiting=sum(1 for one in planned.affected if not one.state.may_sync),
        more_time=any(_grows(one) for one in planned.affected),
    )
    version = planned.stored.version + 1
    for one, answer in _asked(journeys, [one for one in at_work if one.state.may_sync], change, version):
        if answer is None:
            found = replace(found, unread=found.unread + 1)
            continue
        counts, examples = _counted(one, answer[0], answer[1])
        found = replace(found, counts=found.counts + counts, examples=(*found.examples, *examples)[:MAX_EXAMPLES])
    return found


def _reads_now(one: Affected, change: Change) -> bool:
    if not one.after.active or all(key.startswith(_NO_EFFECT) for key in one.keys):
        return False
    return wants_run(one, change.scope)


def _grows(one: Affected) -> bool:
    old, new = one.before.window, one.after.window
    return new.weeks_ahead > old.weeks_ahead or new.weeks_back > old.weeks_back


_Answer = tuple[list[Action], set[LinkRef]] | None


def _asked(
    journeys: JourneyPorts, affected: Sequence[Affected], change: Change, version: int
) -> Iterable[tuple[Affected, _Answer]]:
    """Several at once, within the patience of a person who waits for a page."""
    if not affected:
        return
    pool = ThreadPoolExecutor(max_workers=min(AT_ONCE, len(affected)))
    running: list[tuple[Affected, Future[_Answer]]] = [
        (one, pool.submit(_look, journeys, one, change, version)) for one in affected
    ]
    wait([future for _, future in running], timeout=PATIENCE.total_seconds())
    pool.shutdown(wait=False, cancel_futures=True)  # a straggler ends with its own time-out, its answer is not used
    for one, future in running:
        yield one, future.result() if future.done() and not future.cancelled() else None


def _look(journeys: JourneyPorts, one: Affected, change: Change, version: int) -> _Answer:
    """The actions of the run that the change would wish; None where a side does not answer."""
    try:
        run = open_look(journeys, one.state.account, one.state.resource.id)
        seen: set[LinkRef] = set()
        known = _prepare(run, one, change, version)
        for mailbox, calendar in _calendars(run):
            _look_at_calendar(run, mailbox, calendar, seen)
        _look_at_host(run, seen)
    except InputError:
        return [], set()  # disconnected meanwhile
    except CalsyncError:
        return None
    return run.foreseen or [], seen & known


def _prepare(run: SyncRun, one: Affected, change: Change, version: int) -> set[LinkRef]:
    """The run as it will be under the new settings, with stores that nobody can write to. Gives the links of what
    people see on the other side, as far as they are read from then on."""
    now, after = run.ports.clock.now(), one.after
    below = run.scope.settings_version + version + 1 if rewrites_window(one, change.scope) else 0
    run.scope = replace(
        run.scope, settings=after, settings_version=max(run.scope.settings_version + 1, below), reproject_below=below,
        removes_closed=bool(below) and change.scope == "window",
        window=Window.around(now, after.window.weeks_back, after.window.weeks_ahead),
    )  # fmt: skip
    run.content, run.foreseen = readable(after), []
    stores, looked_at = run.ports.stores, _ReadLinks(run.ports.stores.links)
    links, resources = cast("LinkStore", looked_at), cast("ResourceStore", _ReadResources())
    run.ports = replace(run.ports, stores=replace(stores, links=links, resources=resources))
    return looked_at.shown


def _calendars(run: SyncRun) -> tuple[tuple[MailboxId, CalendarId], ...]:
    reads_all = run.scope.settings.writes_host or run.scope.reproject_below
    return run.state.calendars if reads_all else run.state.calendars[:1]


def _look_at_calendar(run: SyncRun, mailbox: MailboxId, calendar: CalendarId, seen: set[LinkRef]) -> None:
    provider = run.calendar(mailbox)
    row = CursorRow(calendar, None, run.scope.window, opened_at=run.ports.clock.now())
    feed = Feed(calendar, provider, KnownMarks.of(provider.marked(run.ports.installation)))
    leaving: set[LinkRef] = set()
    met: set[LinkRef] = set()
    while True:
        page = provider.changes(calendar, row.cursor, row.window, run.content)
        found = read_calendar_page(run, feed, row, page)
        _plan(run, found.reads)
        leaving |= found.leaving
        met |= found.seen
        if page.is_last:
            break
        row = replace(row, cursor=page.next_cursor, page=row.page + 1)
    finish_calendar_round(run, provider, row, (leaving - met) | noted_leaving(run, row), frozenset(met))
    seen |= met


def _look_at_host(run: SyncRun, seen: set[LinkRef]) -> None:
    row = CursorRow(HOST_FEED, None, run.scope.window, opened_at=run.ports.clock.now())
    met: set[LinkRef] = set()
    leaving: set[LinkRef] = set()
    while True:
        page = read_host_page(run, row)
        apply_shared_copies(run, page.found.reads)
        reads = join_series(run, page.found.reads, page.found.leaving, is_full=True)
        apply_plan(run, plan(observe(reads, run.scope), run.scope))
        met |= page.found.seen
        leaving |= page.found.leaving
        if page.is_last:
            break
        row = replace(row, cursor=page.cursor, page=row.page + 1)
    finish_host_round(run, row, leaving - met, frozenset(met))
    seen |= met


def _plan(run: SyncRun, reads: list[Read]) -> None:
    apply_shared_copies(run, reads)
    apply_plan(run, plan(observe(reads, run.scope), run.scope))


class _ReadLinks:
    """The link store of a look: reads go through, notes of a round end here, and a write is a bug."""

    _READS = frozenset({"parts", "overlapping", "all", "leaving"})
    _NOTES = frozenset({"set_leaving", "clear_leaving", "note_seen", "forget_seen"})

    def __init__(self, links: LinkStore) -> None:
        self._links = links
        self.shown: set[LinkRef] = set()

    def get(self, *of: Any) -> dict[LinkRef, Link]:
        found = self._links.get(*of)
        self._note(found.values())
        return found

    def by_entries(self, *of: Any) -> dict[EntryId, Link]:
        found = self._links.by_entries(*of)
        self._note(found.values())
        return found

    def series(self, *of: Any) -> list[Link]:
        found = self._links.series(*of)
        self._note(found)
        return found

    def _note(self, found: Iterable[Link]) -> None:
        self.shown |= {link.ref for link in found if link.entry_id is not None and not link.pattern}

    def seen(self, *_of: object) -> set[LinkRef]:
        return set()

    def __getattr__(self, name: str) -> Any:
        if name in self._READS:
            return getattr(self._links, name)
        if name in self._NOTES:
            return lambda *_of: None
        raise AttributeError(f"a look never calls {name}")


class _ReadResources:
    """A stop-line that would be reached changes no state here."""

    def save(self, state: Any) -> Any:
        return state


# --- numbers and examples -----------------------------------------------------------------------------------------


def _counted(one: Affected, actions: Iterable[Action], seen: set[LinkRef]) -> tuple[Counts, list[Example]]:
    last: dict[LinkRef, tuple[Done, Action]] = {}
    for action in actions:
        done = _done(action)
        if done is not None and not action.link.pattern:  # type: ignore[union-attr]
            last[action.link.ref] = done, action  # type: ignore[union-attr]
    numbers = {done.value: sum(1 for other, _ in last.values() if other is done) for done in Done}
    untouched = len({ref for ref in seen if ref not in last})
    examples = [_example(one, done, action) for done, action in last.values()]
    return Counts(**numbers, untouched=untouched), _varied(examples)


def _done(action: Action) -> Done | None:
    match action:
        case CreateCopy():
            return Done.COPY_ADDED
        case AdoptCopy(entry=entry, copy=copy):
            return None if is_up_to_date(entry, copy) else Done.COPY_REWRITTEN
        case UpdateCopy():
            return Done.COPY_REWRITTEN
        case DeleteCopy():
            return Done.COPY_REMOVED
        case PutBlock():
            return Done.BLOCK_ADDED if action.is_new else Done.BLOCK_REWRITTEN
        case DeleteBlock():
            return Done.BLOCK_REMOVED
        case MoveBooking() | CancelBooking():
            return Done.BOOKING_ASKED
        case _:
            return None


def _varied(examples: list[Example]) -> list[Example]:
    """One of each kind first, then more of them."""
    firsts = list({one.done: one for one in reversed(examples)}.values())
    return [*firsts, *(one for one in examples if one not in firsts)][:MAX_EXAMPLES]


def _example(one: Affected, done: Done, action: Action) -> Example:
    match action:
        case UpdateCopy(booking=booking, copy=copy) | AdoptCopy(booking=booking, copy=copy):
            old = project_booking(booking, one.before, one.state.resource)
            return Example(done, booking.when, old.title, copy.title, _differences(old, copy))
        case CreateCopy(booking=booking, copy=copy):
            return Example(done, booking.when, after=copy.title)
        case PutBlock(block=block):
            title = None if shows_more_of_entries(one.before, one.after) else block.title
            return Example(done, block.when, after=title)
        case MoveBooking(booking=booking) | CancelBooking(booking=booking):
            return Example(done, booking.when, before=_title(booking, one.before, one))
        case _:
            return Example(done, action.link.when)  # type: ignore[union-attr]


def _title(booking: Booking, settings: SyncSettings, one: Affected) -> str:
    return project_booking(booking, settings, one.state.resource).title


def _differences(old: Copy, new: Copy) -> tuple[str, ...]:
    names = ("title", "when", "notes", "location", "busy", "is_private", "reminder", "time_zone")
    return tuple(name for name in names if getattr(old, name) != getattr(new, name))
