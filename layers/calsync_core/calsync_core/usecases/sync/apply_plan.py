"""Carry out actions, one outcome each; a bad appointment never stops the rest.

Order inside an action: intent row, remote write, result row. A crash between any two of them is found again by the
mark (copies) or by the block's own ref (blocks), because the cursor moves last.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial

from calsync_core.domain.appointments import Booking, Copy, Entry, When
from calsync_core.domain.conflicts import ACCEPTED_OUTSIDE, ConflictKind, kind_of_refusal
from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    LeaseLostError,
    LinkChangedError,
    RefusedError,
    VersionChangedError,
)
from calsync_core.domain.ids import LinkRef, short_hash
from calsync_core.domain.journal import span
from calsync_core.domain.links import CANCEL, Agreed, Attempt, Intent, Link, Origin, Refused, wish_of
from calsync_core.domain.synclog import Reason, Way
from calsync_core.domain.working_hours import is_working_time
from calsync_core.engine import fingerprint, guards
from calsync_core.engine.actions import (
    Action,
    AdoptCopy,
    Agree,
    CancelBooking,
    CreateCopy,
    DeleteBlock,
    DeleteCopy,
    DropLink,
    Leave,
    MoveBooking,
    OpenConflict,
    PutBlock,
    Skip,
    UpdateCopy,
)
from calsync_core.engine.deeds import deeds_of
from calsync_core.engine.marks import uid_hash
from calsync_core.engine.observe import Missing, Read, observe
from calsync_core.engine.plan import plan
from calsync_core.engine.project import project_booking
from calsync_core.ports.calendar import CalendarProvider
from calsync_core.ports.outward import Wish
from calsync_core.usecases.sync.read_calendar import read_booking
from calsync_core.usecases.sync.read_host import written_before
from calsync_core.usecases.sync.series_parts import detach_parts
from calsync_core.usecases.sync.sync_run import EVERYTHING, SyncRun
from calsync_core.usecases.sync.watch_conflicts import SET_ASIDE, open_conflict, settle_gone

REPLANS = 3
OCCURRENCE_CROSSING = "occurrence_crossing"
"""What every provider says of an occurrence that would come to the day of its neighbour, or past it."""

BULK = 8


def apply_plan(run: SyncRun, actions: list[Action]) -> None:
    """Raises only what stops the whole run: the provider, the booking system or the store does not answer."""
    if run.foreseen is not None:
        run.foreseen.extend(actions)
        return
    if not actions:
        return
    run.journal(deeds_of(actions, run.ports.clock.now()))
    creates = [action for action in actions if isinstance(action, CreateCopy)]
    blocks = [action for action in actions if isinstance(action, PutBlock) and action.is_new]
    for action in actions:
        if not isinstance(action, CreateCopy) and not (isinstance(action, PutBlock) and action.is_new):
            _apply(run, action)
    _put_new_blocks(run, blocks)
    _in_lanes(run, [partial(_apply, run, action) for action in creates])


def _in_lanes(run: SyncRun, jobs: list[Callable[[], None]]) -> None:
    """Up to `lanes` writes at once into one mailbox; the first failure that stops the run is raised after all ended."""
    if run.ports.lanes <= 1 or len(jobs) <= 1:
        for job in jobs:
            job()
        return
    with ThreadPoolExecutor(run.ports.lanes) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()


def _apply(run: SyncRun, action: Action) -> None:
    for _ in range(REPLANS):
        run.check_lease()
        try:
            _do(run, action)
        except (VersionChangedError, AppointmentGoneError, LinkChangedError):
            again = _look_again(run, action)
            if again is None:
                return
            action = again
            run.journal(deeds_of([again], run.ports.clock.now()))
        except AppointmentRejectedError as error:
            if error.code == OCCURRENCE_CROSSING and isinstance(action, UpdateCopy | AdoptCopy):
                action = _taken_out(run, action)
                continue
            _quarantine(run, action, error.code)
            return
        else:
            return
    run.log(Reason.ENTRY_SKIPPED, ref=_ref(action), code="kept_changing", is_problem=True)
    _revisit(run, action)


def _do(run: SyncRun, action: Action) -> None:  # noqa: C901 - one line per kind of action
    match action:
        case CreateCopy():
            _create_copy(run, action)
        case AdoptCopy():
            _adopt_copy(run, action)
        case UpdateCopy():
            _update_copy(run, action)
        case DeleteCopy():
            _delete_copy(run, action)
        case PutBlock():
            _put_block(run, action)
        case DeleteBlock():
            _delete_block(run, action)
        case MoveBooking():
            _move_booking(run, action)
        case CancelBooking():
            _cancel_booking(run, action)
        case Agree():
            _store(run, action.link, has_agreed=action.is_proof)
        case DropLink():
            if action.link.pattern:
                _scatter(run, action.link)
            _forget(run, action.link)
            run.log(Reason.LINK_DROPPED, rule=action.rule, ref=action.link.ref)
        case OpenConflict():
            _open_conflict(run, action)
        case Skip():
            if action.is_noteworthy:
                run.log(action.reason, rule=action.rule, ref=action.ref, code=action.code)
        case Leave():
            run.ports.stores.links.set_leaving(run.account, run.resource, REVISIT, [action.link.ref])


def _open_conflict(run: SyncRun, action: OpenConflict) -> None:
    """The conflict first: a row that knows its copy is gone is not looked at again."""
    link = action.link
    open_conflict(run, link, action.kind, action.booking_when, action.calendar_when, action.code, action.rule)
    if link.entry_id is None and link.pattern:
        detach_parts(run, link, None)
    if link.entry_id is None or not link.is_disputed:
        run.touched[link.ref] = run.ports.stores.links.put(run.account, replace(link, is_disputed=True))


REVISIT = "revisit"
"""The feed name of links that wait for another look at both sides: people's decisions, writes that kept failing."""


# --- copies in the calendar ---------------------------------------------------------------------------------------


def _create_copy(run: SyncRun, action: CreateCopy) -> None:
    links, is_again = run.ports.stores.links, action.reason is Reason.COPY_RESTORED
    if is_again:  # its tombstone is used up, and the new row has no pointer: after a crash only this leads back to it
        links.set_leaving(run.account, run.resource, REVISIT, [action.link.ref])
    row = links.put(run.account, run.named(action.link))
    if row.pattern and row.generation > 1:
        detach_parts(run, row, Intent.CREATE)
    try:
        entry = run.primary.create(row.calendar_id, action.copy, run.mark(row), run.transaction_id(row))
    except AppointmentRejectedError as error:
        if error.code != "transaction_used":
            raise
        # It had been written, its answer was lost, and the person has deleted it since: the next one is a new copy.
        _create_copy(run, replace(action, link=replace(row, generation=row.generation + 1, mark_id="")))
        return
    try:
        _store(run, _agreed(run, row, entry, action))
    except LinkChangedError:
        take_back(run, row, entry)
        raise
    if is_again:
        links.clear_leaving(run.account, run.resource, REVISIT, [row.ref])
    run.log(action.reason, Way.TO_CALENDAR, rule=action.rule, ref=row.ref)


def take_back(run: SyncRun, row: Link, made: Entry) -> None:
    """R31: this run hung, and another one overtook it, which wrote the same copy or let the booking go. A transaction
    id makes the two copies one entry; where there is none (Exchange), what nobody knows of but this call goes again,
    unless the row still waits for what its mark finds."""
    stored = run.ports.stores.links.get(run.account, run.resource, [row.ref]).get(row.ref)
    is_found_by_mark = stored is not None and stored.entry_id is None and run.mark(stored) == run.mark(row)
    if is_found_by_mark or (stored is not None and stored.entry_id == made.id):
        return
    with suppress(AppointmentGoneError):
        run.primary.delete(row.calendar_id, made.id, None)


def _taken_out(run: SyncRun, action: UpdateCopy | AdoptCopy) -> CreateCopy:
    """R85: an occurrence cannot come to the day of its neighbour: it leaves the series and is written as a single
    entry. The row knows first, so that the person is never held to have deleted it."""
    links = run.ports.stores.links
    stored = links.get(run.account, run.resource, [action.link.ref]).get(action.link.ref, action.link)
    entry_id = action.entry.id if isinstance(action, AdoptCopy) else stored.entry_id
    links.set_leaving(run.account, run.resource, REVISIT, [stored.ref])  # after a crash only this leads back to it
    row = links.put(
        run.account,
        replace(
            stored, calendar_id=action.link.calendar_id, intent=Intent.CREATE, entry_id=None, entry_uid=None,
            original_start_at=None, attempt=None,
            calendar=Agreed(), host=Agreed(), generation=stored.generation + 1, mark_id="",
        ),
    )  # fmt: skip
    if entry_id is not None:
        with suppress(AppointmentGoneError):
            run.primary.delete(row.calendar_id, entry_id, None)
    return CreateCopy("R85", row, action.booking, action.copy)


def is_up_to_date(entry: Entry, copy: Copy) -> bool:
    """Whether an entry that is adopted shows its booking already. The pattern of a series cannot be compared."""
    is_there = fingerprint.time_of(entry.when) == fingerprint.time_of(copy.when) and copy.recurrence is None
    return is_there and fingerprint.rest_of_entry(entry) == fingerprint.rest_of_copy(copy)


def _adopt_copy(run: SyncRun, action: AdoptCopy) -> None:
    entry = (
        action.entry
        if action.is_read
        else run.primary.entries(action.link.calendar_id, [action.entry.id], EVERYTHING)[action.entry.id]
    )
    if entry is None:
        raise AppointmentGoneError
    if not is_up_to_date(entry, action.copy):
        if entry.has_attendees:
            raise AppointmentRejectedError("has_attendees")  # R53
        # Occurrences share their series' version, which each write to one of them changes.
        version = None if action.link.series_id is not None else entry.version
        entry = run.primary.update(action.link.calendar_id, entry.id, action.copy, version)
    _store(run, _agreed(run, action.link, entry, action))
    run.log(Reason.COPY_ADOPTED, Way.TO_CALENDAR, rule=action.rule, ref=action.link.ref)


def _update_copy(run: SyncRun, action: UpdateCopy) -> None:
    link = action.link
    if link.entry_id is None:
        raise AppointmentGoneError
    is_new_origin = action.booking.version != link.host.version or link.settings_version < run.scope.reproject_below
    link = guards.new_origin(link) if is_new_origin else guards.spend(link, run.ports.clock.now())
    if link.is_quarantined:
        _store(run, link, has_agreed=False)
        run.log(
            Reason.ENTRY_QUARANTINED, Way.TO_CALENDAR, rule="R52", ref=link.ref, code="write_budget", is_problem=True
        )
        return
    time, rest = fingerprint.time_of(action.copy.when), fingerprint.rest_of_copy(action.copy)
    if not action.is_text_only:
        link = run.ports.stores.links.put(run.account, replace(link, attempt=Attempt(Origin.CALENDAR, time, rest)))
    if action.copy.recurrence is not None and not action.is_text_only:
        link = run.ports.stores.links.put(run.account, replace(link, intent=Intent.ALIGN))
    if _is_rewritten(action.copy):
        detach_parts(run, link, Intent.CREATE)
    entry = run.primary.update(link.calendar_id, action.link.entry_id, action.copy, action.entry_version)  # type: ignore[arg-type]
    if action.is_text_only:
        _store(run, _text_agreed(run, link, entry, action.copy), has_agreed=False)
    else:
        _store(run, _agreed(run, link, entry, action))
    run.log(action.reason, Way.TO_CALENDAR, rule=action.rule, ref=link.ref)


def _text_agreed(run: SyncRun, link: Link, entry: Entry, copy: Copy) -> Link:
    """R100. Version and time of the copy stay as last agreed on, so that what is open about its time stays open."""
    return replace(
        link, settings_version=run.scope.settings_version,
        host=replace(link.host, rest=fingerprint.asked_of_copy(copy)),
        calendar=replace(link.calendar, rest=fingerprint.rest_of_entry(entry)),
    )  # fmt: skip


def _is_rewritten(copy: Copy) -> bool:
    """The times of a whole series: its occurrences must be brought in line afterwards."""
    return copy.recurrence is not None and not copy.keeps_times


def _agreed(run: SyncRun, link: Link, entry: Entry, action: CreateCopy | AdoptCopy | UpdateCopy) -> Link:
    start, end = action.booking.when.interval(run.scope.resource.time_zone)
    time, repeats, intent = fingerprint.time_of(action.copy.when), action.copy.recurrence, None
    if link.pattern:
        end = start
    if repeats is not None:
        intent = Intent.ALIGN if _is_rewritten(action.copy) or link.intent is Intent.ALIGN else None
        link = replace(link, pattern=fingerprint.pattern_of(repeats))
    if intent is Intent.ALIGN:
        run.unaligned.add(link.ref)
    return replace(
        link, intent=intent, attempt=None, settings_version=run.scope.settings_version,
        entry_id=entry.id, entry_uid=uid_hash(entry) or link.entry_uid,
        when=action.booking.when, start_at=start, end_at=end, decision=None, has_attendees=entry.has_attendees,
        is_disputed=False,
        host=Agreed(action.booking.version, time, fingerprint.asked_of_copy(action.copy)),
        calendar=_agreed_there(entry, action.copy),
    )  # fmt: skip


def _agreed_there(entry: Entry, copy: Copy) -> Agreed:
    """What was written may be read back by a call of its own (Exchange): where a person was faster, the other time is
    his move, which nobody has agreed to, and no version of ours."""
    time, rest = fingerprint.time_of(entry.when), fingerprint.rest_of_entry(entry)
    wanted = time if copy.keeps_times else fingerprint.time_of(copy.when)
    return Agreed(entry.version if time == wanted else "", wanted, rest)


def _delete_copy(run: SyncRun, action: DeleteCopy) -> None:
    link = action.link
    if link.entry_id is not None:
        with suppress(AppointmentGoneError):  # gone is what we wanted
            run.primary.delete(link.calendar_id, link.entry_id, action.entry_version or None)
    if link.pattern:
        _scatter(run, link)
    _forget(run, link)
    code = "edited_copy" if action.had_changed else None
    run.log(Reason.COPY_DELETED, Way.TO_CALENDAR, rule=action.rule, ref=link.ref, code=code, was=span(link.when))


def _scatter(run: SyncRun, series: Link) -> None:
    """The series is gone from the calendar: those of its occurrences that stay with the resource become single entries
    (R82), and no feed need tell of them."""
    refs = detach_parts(run, series, Intent.CREATE)
    if refs:
        run.ports.stores.links.set_leaving(run.account, run.resource, REVISIT, refs)
        run.ports.queue.wish(Wish(run.account, run.resource, "host"))


# --- blocks at the booking system ---------------------------------------------------------------------------------


def _put_new_blocks(run: SyncRun, actions: list[PutBlock]) -> None:
    """Many at once on an import: intent rows in batches, the blocks in lanes and as many in a call as the booking
    system takes, results in batches."""
    if len(actions) < BULK:
        for action in actions:
            _apply(run, action)
        return
    links = run.ports.stores.links
    run.check_lease()
    rows = links.put_many(run.account, [action.link for action in actions])
    results: list[Link] = []

    def put(part: list[tuple[Link, PutBlock]]) -> None:
        outcomes = run.host.put_blocks([action.block for _, action in part])
        for (row, action), outcome in zip(part, outcomes, strict=True):
            if isinstance(outcome, AppointmentRejectedError):
                _quarantine(run, replace(action, link=row), outcome.code)
                continue
            results.append(_block_agreed(row, action, outcome))
            run.log(action.reason, Way.FROM_CALENDAR, rule=action.rule, ref=row.ref)

    pairs, most = list(zip(rows, actions, strict=True)), run.host.blocks_a_call()
    _in_lanes(run, [partial(put, pairs[start : start + most]) for start in range(0, len(pairs), most)])
    _check_overtaken(run, results)
    for link in links.put_many(run.account, results):
        run.touched[link.ref] = link


def _check_overtaken(run: SyncRun, rows: list[Link]) -> None:
    """Right after blocks were written or deleted. Raises LeaseLostError."""
    try:
        run.check_lease()
    except LeaseLostError:
        for row in rows:
            _write_again(run, row)
        raise


def _write_again(run: SyncRun, row: Link) -> Link | None:
    """R31: this run hung, and another one overtook it. Blocks carry no version: what we wrote may have overwritten what
    the other knew better, so its row says that the block must be written, whatever becomes of this run. The row as it
    stands; without one the block goes."""
    links = run.ports.stores.links
    stored = links.get(run.account, run.resource, [row.ref]).get(row.ref)
    if stored is None:
        run.host.delete_block(row.block_ref)
    elif stored.intent is None:
        links.set_leaving(run.account, run.resource, REVISIT, [row.ref])
        with suppress(LinkChangedError):  # somebody writes this very row now, and after us
            stored = _intend(run, stored)
    return stored


def _put_block(run: SyncRun, action: PutBlock) -> None:
    row = _intend(run, action.link)
    version = run.host.put_block(action.block)
    _check_overtaken(run, [row])
    _store(run, _block_agreed(row, action, version))
    run.log(action.reason, Way.FROM_CALENDAR, rule=action.rule, ref=row.ref)


def _intend(run: SyncRun, link: Link) -> Link:
    """Before a block is touched, its row says that it must be written: after a crash nothing else would tell so, once
    the entry is again what it was."""
    return run.ports.stores.links.put(run.account, replace(link, host=Agreed(), intent=Intent.CREATE))


def _block_agreed(row: Link, action: PutBlock, version: str) -> Link:
    host = Agreed(version, fingerprint.time_of(action.block.when), fingerprint.rest_of_block(action.block))
    return replace(row, host=host, intent=None)


def _delete_block(run: SyncRun, action: DeleteBlock) -> None:
    row = _intend(run, action.link)
    run.host.delete_block(row.block_ref)
    _check_overtaken(run, [row])
    _forget(run, row)
    run.log(Reason.BLOCK_DELETED, Way.FROM_CALENDAR, rule=action.rule, ref=action.link.ref, code=action.filtered)


# --- asking the booking system ------------------------------------------------------------------------------------


def _move_booking(run: SyncRun, action: MoveBooking) -> None:
    attempt = Attempt(Origin.HOST, fingerprint.time_of(action.when), action.link.host.rest)
    link = run.ports.stores.links.put(run.account, replace(action.link, attempt=attempt))
    key = short_hash(link.ref, action.entry.version, attempt.time)
    try:
        moved = run.host.move_booking(action.booking, action.when, idempotency_key=key, tell_customer=_tell(run))
    except RefusedError as error:
        run.log(
            Reason.HOST_REFUSED, Way.FROM_CALENDAR, rule=action.rule, ref=link.ref, code=error.code, is_problem=True
        )
        _note_refusal(run, link, action, error.code, action.when)
        return
    if moved.when != action.when:  # it rounds: what stands there now can be moved back
        rounded = replace(action, when=moved.when)
        run.journal(deeds_of([rounded], run.ports.clock.now()))
    copy = project_booking(moved, run.scope.settings, run.scope.resource)
    if copy.recurrence is not None and not action.entry.has_attendees:
        # R88: agreed on is the time. How the person made it repeat, an entry does not tell: our rule is written.
        _update_copy(run, UpdateCopy("R88", link, moved, copy, action.entry.version))
    else:
        _store(run, _moved_along(run, link, moved, copy, action))
    run.log(Reason.BOOKING_MOVED, Way.FROM_CALENDAR, rule=action.rule, ref=link.ref, was=span(action.booking.when))
    _note_odd_hours(run, action, moved)
    _wake_others(run, action)


def _moved_along(run: SyncRun, link: Link, moved: Booking, copy: Copy, action: MoveBooking) -> Link:
    """The row of a booking that follows its copy, which is left as it stands."""
    is_same = fingerprint.time_of(copy.when) == fingerprint.time_of(action.entry.when)
    is_same &= fingerprint.asked_of_copy(copy) == link.host.rest
    # A host that rounds gives another time than asked for, buffers count in another way since, or the clinic changed
    # something else: its version stays unknown here, and what was agreed on is what the copy shows, so that it follows.
    shown = fingerprint.time_of(action.entry.when)
    host = Agreed(moved.version if is_same else link.host.version, shown, link.host.rest)
    start, end = moved.when.interval(run.scope.resource.time_zone)
    calendar = Agreed(action.entry.version, shown, link.calendar.rest)
    has_guests = action.entry.has_attendees
    row = replace(
        link, host=host, calendar=calendar, when=moved.when, start_at=start, end_at=end, has_attendees=has_guests
    )  # fmt: skip
    if link.pattern:
        row = _series_moved(run, row, copy)
    return replace(row, attempt=None, decision=None, is_disputed=False)


def _note_odd_hours(run: SyncRun, action: MoveBooking, moved: Booking) -> None:
    """R111. Not where a person has just decided so."""
    if action.link.decision is None and not is_working_time(run.scope.resource, moved.when):
        link = run.touched.get(action.link.ref) or action.link
        open_conflict(
            run, link, ConflictKind.OUTSIDE_HOURS, moved.when, action.when, ACCEPTED_OUTSIDE, "R111"
        )  # fmt: skip


def _series_moved(run: SyncRun, row: Link, copy: Copy) -> Link:
    """R88: the person moved the whole series, to which others are invited, and the booking system went along: each
    occurrence finds its new place."""
    detach_parts(run, row, Intent.CREATE)
    run.unaligned.add(row.ref)
    repeats = copy.recurrence
    pattern = fingerprint.pattern_of(repeats) if repeats is not None and row.host.version else row.pattern
    return replace(row, end_at=row.start_at, intent=Intent.ALIGN, pattern=pattern)


def _cancel_booking(run: SyncRun, action: CancelBooking) -> None:
    key = short_hash(action.link.ref, "cancel", str(action.link.generation))
    try:
        run.host.cancel_booking(action.booking, idempotency_key=key, tell_customer=_tell(run))
    except RefusedError as error:
        run.log(
            Reason.HOST_REFUSED, Way.FROM_CALENDAR, rule=action.rule, ref=action.link.ref, code=error.code,
            is_problem=True,
        )  # fmt: skip
        _note_refusal(run, action.link, action, error.code, None)
        return
    if action.link.pattern:
        detach_parts(run, action.link, None)
    _forget(run, action.link)
    run.log(Reason.BOOKING_CANCELLED, Way.FROM_CALENDAR, rule=action.rule, ref=action.link.ref)
    _wake_others(run, action)


def _note_refusal(run: SyncRun, link: Link, action: MoveBooking | CancelBooking, code: str, when: When | None) -> None:
    """R61. What was refused is kept on the link, so that it is not asked again (R110); then the conflict: after a crash
    in between the next look opens it."""
    wish = wish_of(action.booking.version, fingerprint.time_of(when) if when else CANCEL)
    row = replace(link, attempt=None, decision=None, refused=Refused(code, wish), is_disputed=True)
    _store(run, row, has_agreed=False)
    open_conflict(run, row, kind_of_refusal(code), action.booking.when, when, code, "R61")


def _wake_others(run: SyncRun, action: MoveBooking | CancelBooking) -> None:
    """All resources of a booking are wished a run: staff and room keep saying the same."""
    for resource in action.booking.resource_ids:
        if resource != run.resource:
            run.ports.queue.wish(Wish(run.account, resource, "host"))


def _tell(run: SyncRun) -> bool | None:
    return {"host_decides": None, "yes": True, "no": False}[run.scope.settings.edits.tell_customer]


# --- when it does not go as planned -------------------------------------------------------------------------------


def _look_again(run: SyncRun, action: Action) -> Action | None:
    """Read both sides anew and plan once more; None when there is nothing left to do."""
    old = _link(action)
    if old is None:
        return None
    is_block = isinstance(action, PutBlock | DeleteBlock)
    if is_block:
        link = _write_again(run, old)
    else:
        link = run.ports.stores.links.get(run.account, run.resource, [old.ref]).get(old.ref)
    if link is None and isinstance(action, AdoptCopy) and old.series_id is not None:
        # It went while we looked: written as a single entry, or nothing would lead to this booking any more.
        return CreateCopy("R82", replace(old, original_start_at=None), action.booking, action.copy)
    read = read_both(run, link) if link is not None else None
    if read is not None and is_block and isinstance(read.calendar, Entry):
        read = replace(read, host=Missing.GONE)
    actions = plan(observe([read], run.scope), run.scope, is_final=True) if read else []
    return actions[0] if actions else None


def read_both(run: SyncRun, link: Link) -> Read:
    """Both sides of a link by look-up, whole; what a moved mailbox has left behind can be read nowhere yet."""
    calendar: Entry | Missing = Missing.NOT_READ
    if link.is_left_behind:
        calendar = Missing.UNKNOWN
    elif link.entry_id is not None:
        content = EVERYTHING if link.origin is Origin.HOST else run.content
        provider = _provider_of(run, link)
        calendar = provider.entries(link.calendar_id, [link.entry_id], content)[link.entry_id] or Missing.GONE
    if link.origin is Origin.CALENDAR:
        return Read(link.ref, link, calendar=calendar)
    calendar = written_before(run, link) if calendar is Missing.NOT_READ else calendar
    return Read(link.ref, link, read_booking(run, link.booking_id), calendar, entry_is_whole=True)


def _provider_of(run: SyncRun, link: Link) -> CalendarProvider:
    mailbox = next((mailbox for mailbox, calendar in run.state.calendars if calendar == link.calendar_id), None)
    return run.calendar(mailbox) if mailbox is not None else run.primary


def _quarantine(run: SyncRun, action: Action, code: str) -> None:
    """One bad appointment: noted with its reason under the version that was refused; tried again when that changes."""
    link = _link(action)
    if link is None:
        return
    booking = getattr(action, "booking", None)
    host = replace(link.host, version=booking.version) if booking is not None else link.host
    stored = run.ports.stores.links.get(run.account, run.resource, [link.ref]).get(link.ref)
    row = stored.row if stored else 0
    is_disputed = link.origin is Origin.HOST
    _store(run, replace(link, is_quarantined=True, is_disputed=is_disputed, host=host, row=row), has_agreed=False)
    way = Way.TO_CALENDAR if link.origin is Origin.HOST else Way.FROM_CALENDAR
    run.log(Reason.ENTRY_QUARANTINED, way, rule="R52", ref=link.ref, code=code, is_problem=True)
    if link.origin is Origin.HOST:
        open_conflict(run, link, ConflictKind.NOT_WRITABLE, link.when, None, code, "R61")


def _revisit(run: SyncRun, action: Action) -> None:
    link = _link(action)
    if link is not None:
        run.ports.stores.links.set_leaving(run.account, run.resource, REVISIT, [link.ref])


def _store(run: SyncRun, link: Link, *, has_agreed: bool = True) -> Link:
    """`has_agreed`: both sides are known to say the same now, so conflicts about this very link are over."""
    link = replace(link, refused=None) if has_agreed and link.refused else link
    if link.is_quarantined:  # so that the pages find it without reading every link
        run.ports.stores.links.set_leaving(run.account, run.resource, SET_ASIDE, [link.ref])
    stored = run.ports.stores.links.put(run.account, link)
    run.touched[link.ref] = stored
    if has_agreed:
        run.agreed.add(link.ref)
    return stored


def _forget(run: SyncRun, link: Link) -> None:
    settle_gone(run, link.ref)
    run.ports.stores.links.delete(run.account, link)
    run.touched.pop(link.ref, None)
    run.agreed.discard(link.ref)


def _link(action: Action) -> Link | None:
    return getattr(action, "link", None)


def _ref(action: Action) -> LinkRef | None:
    link = _link(action)
    return link.ref if link is not None else None
