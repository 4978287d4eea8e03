"""What the booking system is asked for on behalf of the person: to move a booking, or to cancel one."""

from calsync_core.domain.appointments import Booking, Copy, Entry, When
from calsync_core.domain.conflicts import ACCEPTED_OUTSIDE, ConflictKind, kind_of_refusal
from calsync_core.domain.errors import (
    RefusedError,
)
from calsync_core.domain.ids import short_hash
from calsync_core.domain.journal import span
from calsync_core.domain.links import CANCEL, Agreed, Attempt, Intent, Link, Origin, Refused, wish_of
from calsync_core.domain.synclog import Reason, Way
from calsync_core.domain.values import replace
from calsync_core.domain.working_hours import is_working_time
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import (
    CancelBooking,
    MoveBooking,
    UpdateCopy,
)
from calsync_core.engine.deeds import deeds_of
from calsync_core.engine.plan_changes import repeats_alike
from calsync_core.engine.project import project_booking
from calsync_core.ports.outward import Wish
from calsync_core.usecases.sync.keep_links import forget_link, store_link
from calsync_core.usecases.sync.series_parts import detach_parts
from calsync_core.usecases.sync.sync_run import SyncRun
from calsync_core.usecases.sync.watch_conflicts import open_conflict
from calsync_core.usecases.sync.write_copies import update_copy


def move_booking(run: SyncRun, action: MoveBooking) -> None:
    attempt = Attempt(Origin.HOST, fingerprint.time_of(action.when), action.link.host.rest)
    link = run.ports.stores.links.put(run.account, replace(action.link, attempt=attempt))
    key = short_hash(link.ref, action.entry.version, attempt.time)
    try:
        moved = run.host.move_booking(action.booking, action.when, idempotency_key=key, tell_customer=_tell(run))
    except RefusedError as error:
        run.log(
            Reason.HOST_REFUSED, Way.FROM_CALENDAR, rule=action.rule, ref=link.ref, code=error.code, is_problem=True
        )
        run.journal_refused(deeds_of([action], run.ports.clock.now()))
        _note_refusal(run, link, action, error.code, action.when)
        return
    if moved.when != action.when:  # it rounds: what stands there now can be moved back
        rounded = replace(action, when=moved.when)
        run.journal(deeds_of([rounded], run.ports.clock.now()))
    copy = project_booking(moved, run.scope.settings, run.scope.resource)
    if not action.entry.has_attendees and not _is_where_it_was_put(copy, action.entry):
        # R88: agreed on is the time, and not how the person made it repeat: our rule is written.
        update_copy(run, UpdateCopy("R88", link, moved, copy, action.entry.version))
    else:
        row = store_link(run, _moved_along(run, link, moved, copy, action))
        if row.is_disputed:
            open_conflict(run, row, ConflictKind.NOT_WRITABLE, moved.when, action.when, "has_attendees", "R53")
    run.log(Reason.BOOKING_MOVED, Way.FROM_CALENDAR, rule=action.rule, ref=link.ref, was=span(action.booking.when))
    _note_odd_hours(run, action, moved)
    _wake_others(run, action)


def _is_where_it_was_put(copy: Copy, entry: Entry) -> bool:
    """Whether a series needs no write of ours; a single copy is left as it stands."""
    is_there = fingerprint.time_of(copy.when) == fingerprint.time_of(entry.when) and repeats_alike(copy, entry)
    return copy.recurrence is None or is_there


def _moved_along(run: SyncRun, link: Link, moved: Booking, copy: Copy, action: MoveBooking) -> Link:
    """The row of a booking that follows its copy, which is left as it stands."""
    is_same = fingerprint.time_of(copy.when) == fingerprint.time_of(action.entry.when)
    is_same &= fingerprint.asked_of_copy(copy) == link.host.rest
    # A host that rounds gives another time than asked for, buffers count in another way since, or the clinic changed
    # something else: its version stays unknown here, and what was agreed on is what the copy shows, so that it follows.
    shown = fingerprint.time_of(action.entry.when)
    host = Agreed(moved.version if is_same else link.host.version, shown, link.host.rest)
    start, end = moved.when.interval(run.scope.resource.time_zone)
    is_otherwise = bool(link.pattern) and not repeats_alike(copy, action.entry)
    repeats = fingerprint.repeats_of(action.entry) if link.pattern and not is_otherwise else ""
    version = "" if is_otherwise else action.entry.version  # nobody has agreed to what it is now
    calendar = Agreed(version, shown, link.calendar.rest, repeats or link.calendar.repeats)
    has_guests = action.entry.has_attendees
    row = replace(
        link, host=host, calendar=calendar, when=moved.when, start_at=start, end_at=end, has_attendees=has_guests
    )  # fmt: skip
    if link.pattern:
        row = _series_moved(run, row, copy, is_otherwise=is_otherwise)
    return replace(row, attempt=None, decision=None, is_disputed=is_otherwise)


def _note_odd_hours(run: SyncRun, action: MoveBooking, moved: Booking) -> None:
    """R111. Not where a person has just decided so."""
    if action.link.decision is None and not is_working_time(run.scope.resource, moved.when):
        link = run.touched.get(action.link.ref) or action.link
        open_conflict(
            run, link, ConflictKind.OUTSIDE_HOURS, moved.when, action.when, ACCEPTED_OUTSIDE, "R111"
        )  # fmt: skip


def _series_moved(run: SyncRun, row: Link, copy: Copy, *, is_otherwise: bool) -> Link:
    """R88: the person moved the whole series, to which others are invited, and the booking system went along: each
    occurrence finds its new place. `is_otherwise` (R134): it repeats as our rule does not, which we may not write
    (R53); the occurrences wait for that."""
    detach_parts(run, row, Intent.CREATE)
    repeats = copy.recurrence
    pattern = fingerprint.pattern_of(repeats) if repeats is not None and row.host.version else row.pattern
    row = replace(row, end_at=row.start_at, pattern=pattern)
    if is_otherwise:
        return row
    run.unaligned.add(row.ref)
    return replace(row, intent=Intent.ALIGN)


def cancel_booking(run: SyncRun, action: CancelBooking) -> None:
    key = short_hash(action.link.ref, "cancel", str(action.link.generation))
    try:
        run.host.cancel_booking(action.booking, idempotency_key=key, tell_customer=_tell(run))
    except RefusedError as error:
        run.log(
            Reason.HOST_REFUSED, Way.FROM_CALENDAR, rule=action.rule, ref=action.link.ref, code=error.code,
            is_problem=True,
        )  # fmt: skip
        run.journal_refused(deeds_of([action], run.ports.clock.now()))
        _note_refusal(run, action.link, action, error.code, None)
        return
    if action.link.pattern:
        detach_parts(run, action.link, None)
    forget_link(run, action.link)
    run.log(Reason.BOOKING_CANCELLED, Way.FROM_CALENDAR, rule=action.rule, ref=action.link.ref)
    _wake_others(run, action)


def _note_refusal(run: SyncRun, link: Link, action: MoveBooking | CancelBooking, code: str, when: When | None) -> None:
    """R61. What was refused is kept on the link, so that it is not asked again (R110); then the conflict: after a crash
    in between the next look opens it."""
    wish = wish_of(action.booking.version, fingerprint.time_of(when) if when else CANCEL)
    row = replace(link, attempt=None, decision=None, refused=Refused(code, wish), is_disputed=True)
    store_link(run, row, has_agreed=False)
    open_conflict(run, row, kind_of_refusal(code), action.booking.when, when, code, "R61")


def _wake_others(run: SyncRun, action: MoveBooking | CancelBooking) -> None:
    """All resources of a booking are wished a run: staff and room keep saying the same."""
    for resource in action.booking.resource_ids:
        if resource != run.resource:
            run.ports.queue.wish(Wish(run.account, resource, "host"))


def _tell(run: SyncRun) -> bool | None:
    return {"host_decides": None, "yes": True, "no": False}[run.scope.settings.edits.tell_customer]
