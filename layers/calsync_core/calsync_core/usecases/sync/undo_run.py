"""Undo what one run deleted and moved: wished for by a person, carried out by a run under the lease.

Each deed is judged (judge_undo.py) on fresh reads, and only what still stands as the run left it is touched:
R113 a copy is written again from its booking, a block from its entry; R114 a booking goes back if it stands where we
put it; R115 for everything else a line says why not. So undoing twice does nothing, and a crash between any two steps
is repaired by the next run.
"""

from collections import Counter

from calsync_core.domain.appointments import Booking
from calsync_core.domain.errors import (
    AppointmentGoneError,
    NotFoundError,
    RefusedError,
    VersionChangedError,
)
from calsync_core.domain.ids import LONGEST_ID, AccountId, LinkRef, ResourceId, short_hash
from calsync_core.domain.journal import Deed, Did, JournalledRun, Undone, journalled_run, span, undone_row
from calsync_core.domain.links import Link
from calsync_core.domain.resources import ResourceState, Undoing
from calsync_core.domain.synclog import LogEntry, Reason, Way
from calsync_core.domain.values import replace
from calsync_core.engine import fingerprint
from calsync_core.engine.observe import observe
from calsync_core.engine.plan import plan
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.outward import Wish
from calsync_core.ports.stores import LogStore
from calsync_core.usecases.change_state import change_state
from calsync_core.usecases.sync.apply_plan import apply_plan
from calsync_core.usecases.sync.judge_undo import Judged, judge
from calsync_core.usecases.sync.open_run import check_open
from calsync_core.usecases.sync.read_both import read_both
from calsync_core.usecases.sync.sync_run import SyncRun
from calsync_core.usecases.sync.watch_conflicts import note_reads, watch_conflicts

AT_ONCE = 20
"""Deeds between two notes of how far an undo came."""

_TELL = {"host_decides": None, "yes": True, "no": False}


def journalled_runs(log: LogStore, account: AccountId, resource: ResourceId) -> list[JournalledRun]:
    """Of the last 30 days, newest first; only runs that deleted or moved something."""
    found = (journalled_run(run, rows) for run, rows in log.journals(account, resource).items())
    return sorted((one for one in found if one is not None), key=lambda one: (one.at, one.run), reverse=True)


def counts_of(run: JournalledRun) -> tuple[tuple[Did, int], ...]:
    counted = Counter(deed.did for deed in run.deeds)
    return tuple((did, counted[did]) for did in Did if counted[did])


def ask_undo(ports: JourneyPorts, account: AccountId, resource: ResourceId, run: str, by: str) -> None:
    """The next run carries it out. Asking twice is asking once. Raises NotFoundError("run_unknown"), InputError as
    `check_open`."""
    journalled(ports, account, resource, run)

    def note(state: ResourceState) -> ResourceState | None:
        check_open(state)
        is_asked = any(one.run == run for one in state.undoing)
        return None if is_asked else replace(state, undoing=(*state.undoing, Undoing(run, by)))

    change_state(ports.stores.resources, account, resource, note)
    detail = (("by", by), ("run", run))
    ports.stores.log.add([LogEntry(account, resource, ports.clock.now(), Reason.UNDO_ASKED, detail=detail)])
    ports.queue.wish(Wish(account, resource, "button"))


def journalled(ports: JourneyPorts, account: AccountId, resource: ResourceId, run: str) -> JournalledRun:
    """Raises NotFoundError("run_unknown")."""
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
        run.log(
            Reason.UNDO_LEFT, rule="R115", ref=deed.ref, code=judged.code, undone_run=wish.run, did=deed.did.value,
            when=span(deed.was),
        )  # fmt: skip


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
            was=span(booking.when), when=span(deed.was),
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


def _link(run: SyncRun, ref: LinkRef) -> Link | None:
    return run.ports.stores.links.get(run.account, run.resource, [ref]).get(ref)
