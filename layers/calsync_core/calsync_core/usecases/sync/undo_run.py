"""Undo what one run deleted and moved: first shown, then wished for, then carried out by a run under the lease.

Each deed is judged on fresh reads by the engine's own plan, and only what still stands as the run left it is touched:
R113 a copy is written again from its booking, a block from its entry; R114 a booking goes back if it stands where we
put it; R115 for everything else a line says why not. So undoing twice does nothing, and a crash between any two steps
is repaired by the next run.
"""

from collections import Counter
from dataclasses import dataclass, replace

from calsync_core.domain.appointments import Booking, BookingStatus
from calsync_core.domain.errors import (
    AppointmentGoneError,
    NotFoundError,
    RefusedError,
    VersionChangedError,
)
from calsync_core.domain.ids import LONGEST_ID, AccountId, LinkRef, ResourceId, short_hash
from calsync_core.domain.journal import Deed, Did, JournalledRun, Undone, journalled_run, span, undone_row
from calsync_core.domain.links import Intent, Link
from calsync_core.domain.resources import ResourceState, Undoing
from calsync_core.domain.synclog import LogEntry, Reason, Way
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import Action, AdoptCopy, CreateCopy, PutBlock, Quiet, Skip
from calsync_core.engine.observe import Read, observe
from calsync_core.engine.plan import decide, plan
from calsync_core.engine.project import NotBlocking
from calsync_core.ports.calendar import CalendarPage
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.outward import Wish
from calsync_core.ports.stores import CursorRow, LogStore
from calsync_core.usecases.change_state import change_state
from calsync_core.usecases.sync.apply_plan import apply_plan
from calsync_core.usecases.sync.open_run import check_open, open_look
from calsync_core.usecases.sync.read_both import read_both
from calsync_core.usecases.sync.read_calendar import Feed, read_booking, read_calendar_page
from calsync_core.usecases.sync.read_host import written_before
from calsync_core.usecases.sync.sync_run import SyncRun
from calsync_core.usecases.sync.watch_conflicts import note_reads, watch_conflicts

SHOWN = 20
"""Deeds that a preview looks at live; the rest is counted only, because each costs a question to both sides."""

AT_ONCE = 20
"""Deeds between two notes of how far an undo came."""

_TELL = {"host_decides": None, "yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Judged:
    """One deed and what an undo would do about it now. `code` has a text in the wording catalogue: what will be done,
    or why nothing is."""

    deed: Deed
    code: str
    action: Action | None = None
    booking: Booking | None = None

    @property
    def will_do(self) -> bool:
        return self.action is not None or self.booking is not None


@dataclass(frozen=True, slots=True)
class Preview:
    """`judged` are the first deeds, looked at live; `counts` all of them, by what was done."""

    run: JournalledRun
    judged: tuple[Judged, ...]
    counts: tuple[tuple[Did, int], ...]
    is_asked: bool

    @property
    def unlooked(self) -> int:
        return len(self.run.deeds) - len(self.judged)


def journalled_runs(log: LogStore, account: AccountId, resource: ResourceId) -> list[JournalledRun]:
    """Of the last 30 days, newest first; only runs that deleted or moved something."""
    found = (journalled_run(run, rows) for run, rows in log.journals(account, resource).items())
    return sorted((one for one in found if one is not None), key=lambda one: (one.at, one.run), reverse=True)


def counts_of(run: JournalledRun) -> tuple[tuple[Did, int], ...]:
    counted = Counter(deed.did for deed in run.deeds)
    return tuple((did, counted[did]) for did in Did if counted[did])


def preview_undo(ports: JourneyPorts, account: AccountId, resource: ResourceId, run: str) -> Preview:
    """Reads only. Raises NotFoundError("run_unknown"), InputError as `check_open`, and what the two sides raise."""
    found = _run(ports, account, resource, run)
    look = open_look(ports, account, resource)
    judged = tuple(judge(look, deed) for deed in found.deeds[:SHOWN])
    is_asked = any(one.run == run for one in look.state.undoing)
    return Preview(found, judged, counts_of(found), is_asked)


def ask_undo(ports: JourneyPorts, account: AccountId, resource: ResourceId, run: str, by: str) -> None:
    """The next run carries it out. Asking twice is asking once. Raises as `preview_undo`."""
    _run(ports, account, resource, run)

    def note(state: ResourceState) -> ResourceState | None:
        check_open(state)
        is_asked = any(one.run == run for one in state.undoing)
        return None if is_asked else replace(state, undoing=(*state.undoing, Undoing(run, by)))

    change_state(ports.stores.resources, account, resource, note)
    detail = (("by", by), ("run", run))
    ports.stores.log.add([LogEntry(account, resource, ports.clock.now(), Reason.UNDO_ASKED, detail=detail)])
    ports.queue.wish(Wish(account, resource, "button"))


def _run(ports: JourneyPorts, account: AccountId, resource: ResourceId, run: str) -> JournalledRun:
    rows = ports.stores.log.journalled(account, resource, run) if 0 < len(run) <= LONGEST_ID else []
    found = journalled_run(run, rows)
    if found is None:
        raise NotFoundError("run_unknown")
    return found


# --- under the lease ----------------------------------------------------------------------------------------------


def carry_out_undo(run: SyncRun) -> bool:
    """All that persons wished for; False when time was up first. Each pass repeats what the last one did not note."""
    while run.state.undoing:
        wish = run.state.undoing[0]
        found = journalled_run(wish.run, run.ports.stores.log.journalled(run.account, run.resource, wish.run))
        deeds = found.deeds if found else ()
        for number in range(wish.next, len(deeds), AT_ONCE):
            if run.is_time_up:
                return False
            for deed in deeds[number : number + AT_ONCE]:
                _undo(run, wish, deed)
            watch_conflicts(run)
            run.flush()
            wish = replace(wish, next=number + AT_ONCE)
            _save(run, (wish, *run.state.undoing[1:]))
        _finish(run, wish, len(deeds))
    return True


def _finish(run: SyncRun, wish: Undoing, count: int) -> None:
    """The mark beside the deeds, the line, and only then the wish goes."""
    undone = Undone(run.ports.clock.now(), wish.by)
    run.ports.stores.log.journal(run.account, run.resource, wish.run, [undone_row(undone)])
    run.log(Reason.UNDO_DONE, rule="R113", by=wish.by, run=wish.run, count=str(count))
    run.flush()
    _save(run, run.state.undoing[1:])


def _save(run: SyncRun, undoing: tuple[Undoing, ...]) -> None:
    run.state = run.ports.stores.resources.save(replace(run.state, undoing=undoing))


def _undo(run: SyncRun, wish: Undoing, deed: Deed) -> None:
    judged = judge(run, deed)
    if judged.action is not None:
        apply_plan(run, [judged.action])
    elif judged.booking is not None:
        judged = _move_back(run, wish, judged, judged.booking)
    if judged.code == "undo_there_again":  # perhaps by an undo that died before it looked for conflicts
        run.touched.setdefault(deed.ref, _link(run, deed.ref))
    if not judged.will_do:
        run.log(Reason.UNDO_LEFT, rule="R115", ref=deed.ref, code=judged.code, undone_run=wish.run, did=deed.did.value)


def _move_back(run: SyncRun, wish: Undoing, judged: Judged, booking: Booking) -> Judged:
    """R114. The copy follows by the ordinary rules; a crash in between finds the booking back, and lets it follow."""
    deed = judged.deed
    if booking.when != deed.was:
        back = replace(deed, at=run.ports.clock.now(), was=booking.when, to=deed.was, rule="R114")
        run.journal([back])
        key = short_hash("undo", wish.run, deed.ref, booking.version, fingerprint.time_of(deed.was))
        tell = _TELL[run.scope.settings.edits.tell_customer]
        try:
            run.host.move_booking(booking, deed.was, idempotency_key=key, tell_customer=tell)
        except RefusedError as error:
            return Judged(deed, error.code)
        except (VersionChangedError, AppointmentGoneError):
            return Judged(deed, "undo_changed_since")
        run.log(
            Reason.BOOKING_MOVED, Way.FROM_CALENDAR, rule="R114", ref=deed.ref, undone_run=wish.run,
            was=span(booking.when),
        )  # fmt: skip
        for other in booking.resource_ids:
            if other != run.resource:
                run.ports.queue.wish(Wish(run.account, other, "host"))
    link = _link(run, deed.ref)
    if link is not None:
        reads = [read_both(run, link)]
        note_reads(run, reads)
        apply_plan(run, plan(observe(reads, run.scope), run.scope))
    return judged


# --- what would be done -------------------------------------------------------------------------------------------


def judge(run: SyncRun, deed: Deed) -> Judged:
    """On fresh reads of both sides; writes nothing."""
    match deed.did:
        case Did.COPY_DELETED | Did.BOOKING_CANCELLED:
            return _judge_copy(run, deed)
        case Did.BLOCK_DELETED:
            return _judge_block(run, deed)
        case Did.BOOKING_MOVED:
            return _judge_move(run, deed)
        case Did.COPY_MOVED | Did.BLOCK_MOVED:
            return Judged(deed, "undo_follows")


def _judge_copy(run: SyncRun, deed: Deed) -> Judged:
    booking = read_booking(run, deed.booking)
    if not isinstance(booking, Booking):
        return Judged(deed, "undo_booking_gone")
    if booking.status is BookingStatus.CANCELLED:
        return Judged(deed, "undo_booking_cancelled")
    if run.resource not in booking.resource_ids:
        return Judged(deed, "undo_booking_elsewhere")
    link = _link(run, deed.ref)
    is_cut_off = link is not None and link.entry_id is None and link.intent is Intent.CREATE
    if link is not None and not is_cut_off:
        return Judged(deed, "undo_there_again" if link.entry_id else "undo_changed_since")
    # A row without a copy is an undo that died in between: no feed speaks of it, so the mark is asked (R30, R31).
    read = Read(deed.ref, link, booking, written_before(run, link))
    return _planned(run, deed, read, "undo_copy_again")


def _judge_block(run: SyncRun, deed: Deed) -> Judged:
    link = _link(run, deed.ref)
    if link is not None and link.host.version:
        return Judged(deed, "undo_there_again")
    mailbox = next((mailbox for mailbox, calendar in run.state.calendars if calendar == deed.calendar), None)
    if mailbox is None or deed.entry is None:
        return Judged(deed, "undo_calendar_left")
    provider = run.calendar(mailbox)
    entry = provider.entries(deed.calendar, [deed.entry], run.content)[deed.entry]
    if entry is None:
        return Judged(deed, "undo_entry_gone")
    row = CursorRow(deed.calendar, None, run.scope.window, is_full=False)
    page = CalendarPage((entry,), (), next_cursor="", is_last=True)
    found = read_calendar_page(run, Feed(deed.calendar, provider), row, page)
    read = next((read for read in found.reads if read.ref == deed.ref), None)
    return _planned(run, deed, read, "undo_block_again") if read else Judged(deed, "undo_changed_since")


def _judge_move(run: SyncRun, deed: Deed) -> Judged:
    booking = read_booking(run, deed.booking)
    if not isinstance(booking, Booking):
        return Judged(deed, "undo_booking_gone")
    if booking.status is BookingStatus.CANCELLED:
        return Judged(deed, "undo_booking_cancelled")
    if not run.scope.settings.writes_host:
        return Judged(deed, "direction")
    if booking.when == deed.was:
        link = _link(run, deed.ref)
        is_apart = link is not None and link.host.version != booking.version
        return Judged(deed, "undo_there_again", booking=booking if is_apart else None)
    if booking.when != deed.to:
        return Judged(deed, "undo_changed_since")
    return Judged(deed, "undo_booking_back", booking=booking)


def _planned(run: SyncRun, deed: Deed, read: Read, code: str) -> Judged:
    """The engine decides, under the settings as they are now."""
    [seen] = observe([read], run.scope)
    action = decide(seen, run.scope)
    if isinstance(action, CreateCopy | AdoptCopy | PutBlock):
        return Judged(deed, code, action)
    return Judged(deed, reason_of(action))


def reason_of(action: Action | None) -> str:
    """The code of the rule that wants nothing done, as the wording catalogue has it."""
    if not isinstance(action, Skip | Quiet) or not action.code:
        return "undo_changed_since"
    return f"entry_{action.code}" if action.code in set(NotBlocking) else action.code


def _link(run: SyncRun, ref: LinkRef) -> Link | None:
    return run.ports.stores.links.get(run.account, run.resource, [ref]).get(ref)
