"""What follows when other calendars were chosen: blocks of calendars that are no longer checked go, copies move to the
new primary calendar, and blocks of a calendar whose role changed show what its new role allows.

Done before the feeds of the new choice are read. A copy is written to the new calendar first and deleted in the old one
after; the row keeps the old place until both are done, so that a crash in between neither loses nor doubles it.
"""

from contextlib import suppress
from datetime import date

from calsync_core.domain.appointments import AllDay, Block, BlockKind, Booking, Entry
from calsync_core.domain.conflicts import ConflictKind
from calsync_core.domain.errors import AppointmentGoneError, AppointmentRejectedError, LinkChangedError
from calsync_core.domain.ids import CalendarId, EntryId, LinkRef, ResourceId
from calsync_core.domain.journal import Deed, Did
from calsync_core.domain.links import Agreed, Intent, Link, Origin
from calsync_core.domain.resources import Status
from calsync_core.domain.synclog import Reason, Way
from calsync_core.domain.values import replace
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import DeleteBlock
from calsync_core.engine.marks import is_renumbered, uid_hash
from calsync_core.engine.observe import Missing, Read, observe
from calsync_core.engine.plan import plan
from calsync_core.engine.project import project_booking
from calsync_core.ports.stores import HOST_FEED
from calsync_core.usecases.sync.apply_plan import apply_plan
from calsync_core.usecases.sync.expect_news import expect_copy
from calsync_core.usecases.sync.read_calendar import read_booking
from calsync_core.usecases.sync.series_parts import detach_parts
from calsync_core.usecases.sync.sync_run import EVERYTHING, SyncRun
from calsync_core.usecases.sync.watch_conflicts import open_conflict, watch_conflicts
from calsync_core.usecases.sync.write_copies import take_back
from calsync_core.usecases.sync.write_series import align_waiting

NO_FEED = (HOST_FEED, "near:")
_SOME_TIME = AllDay(date(2026, 1, 1), date(2026, 1, 2))
_TIME_ONLY = {
    fingerprint.rest_of_block(Block(LinkRef(""), ResourceId(""), _SOME_TIME, "UTC", kind)) for kind in BlockKind
}  # fmt: skip
"""What a blocker says beside its time, in each of its kinds."""


def leave_calendars(run: SyncRun) -> bool:
    """True when nothing stands in a calendar that was given up; False when time was up before."""
    chosen = {calendar for _, calendar in run.state.calendars}
    stale = [feed for feed in run.rows if not feed.startswith(NO_FEED) and feed not in chosen]
    is_new_choice = run.state.status is Status.IMPORTING and not run.state.progress.near_done
    if not stale and not is_new_choice and not run.scope.reproject_below:
        return True
    for link in run.ports.stores.links.all(run.account, run.resource):
        if run.is_time_up:
            return False
        _leave(run, link, chosen)
    align_waiting(run)  # after the single entries of their occurrences came along, which keep those
    watch_conflicts(run)
    run.flush()
    for feed in stale:
        run.forget_cursor(feed)
    return True


def _leave(run: SyncRun, link: Link, chosen: set[CalendarId]) -> None:
    if link.is_left_behind:
        return  # R133: the mailbox moved, and follow_mailbox takes it along
    if link.series_id is not None and link.original_start_at is not None and link.origin is Origin.HOST:
        return  # its place is in the series, and goes with it
    if link.origin is Origin.HOST:
        if (link.calendar_id != run.scope.primary or is_under_way(link)) and run.scope.settings.writes_calendar:
            with suppress(LinkChangedError):  # another run was here first
                move_copy(run, link)
    elif link.calendar_id not in chosen:
        apply_plan(run, [DeleteBlock("R37", link)])
    elif _shows_too_much_or_too_little(run, link):
        _judge_anew(run, link)


def is_under_way(link: Link) -> bool:
    """A move that was begun and not brought to its end: the row leads to the old place still."""
    is_head = link.origin is Origin.HOST and link.original_start_at is None and not link.is_left_behind
    return is_head and link.intent is Intent.CREATE and link.entry_id is not None


def move_copy(run: SyncRun, link: Link) -> None:
    """R36. The generation of the new copy is stored before it is written: its mark finds it again."""
    booking = read_booking(run, link.booking_id)
    if isinstance(booking, Missing) or link.booking_id is None:
        _call_back_new(run, link)
        return  # the booking system's feed tells, and the copy is deleted where it is
    if link.entry_id is None:
        link = run.ports.stores.links.put(run.account, _found_unfinished(run, link))
        if link.entry_id is None:
            return
    old = _old_copy(run, link, link.entry_id)
    if old is not None and old.has_attendees:
        _leave_to_guests(run, link, booking, old)
        return
    entry_id = old.id if old is not None else link.entry_id
    link = replace(link, entry_id=entry_id)
    row = _row_of_new(run, link, entry_id)
    if row is None:
        return
    copy = project_booking(booking, run.scope.settings, run.scope.resource)
    mark = run.mark(row)
    found = [one for one in run.primary.find_mark(mark) if one.calendar_id == run.scope.primary]
    run.check_lease()
    try:
        if found:  # of a run that ended here; the booking may have changed since
            entry = run.primary.update(run.scope.primary, found[0].id, copy, None)
        else:
            row = run.ports.stores.links.put(run.account, run.named(row))
            expect_copy(run, row)
            entry = run.primary.create(run.scope.primary, copy, run.mark(row), run.transaction_id(row))
    except AppointmentRejectedError as error:
        if error.code == "transaction_used":
            # Written by a run that ended here, and deleted by the person since: the next one is a new copy.
            again = replace(row, generation=row.generation + 1, mark_id="")
            move_copy(run, run.ports.stores.links.put(run.account, again))
        return  # it stays where it is; the next change of the booking finds it not writable and says so
    now = run.ports.clock.now()
    run.journal(
        [Deed(Did.COPY_MOVED, link.ref, now, link.when, booking.when, link.calendar_id, link.entry_id, link.booking_id)]
    )
    with suppress(AppointmentGoneError):
        run.primary.delete(link.calendar_id, entry_id, None)
    start, end = booking.when.interval(run.scope.resource.time_zone)
    moved = replace(
        row, calendar_id=run.scope.primary, entry_id=entry.id, entry_uid=uid_hash(entry), intent=None,
        when=booking.when, start_at=start, end_at=end,
        host=Agreed(booking.version, fingerprint.time_of(copy.when), fingerprint.asked_of_copy(copy)),
        calendar=Agreed("", fingerprint.time_of(copy.when), fingerprint.rest_of_copy(copy)),
    )  # fmt: skip
    if copy.recurrence is not None:
        detach_parts(run, row, Intent.CREATE)
        said = fingerprint.pattern_of(entry.recurrence or copy.recurrence)  # R135: in the calendar's own words
        calendar = replace(moved.calendar, repeats=said)
        pattern = fingerprint.pattern_of(copy.recurrence)
        moved = replace(moved, end_at=start, intent=Intent.ALIGN, pattern=pattern, calendar=calendar)
        run.unaligned.add(link.ref)
    _store_moved(run, moved, None if found else entry)
    run.log(Reason.COPY_CREATED, Way.TO_CALENDAR, rule="R36", ref=link.ref, code="calendar_changed")


def _store_moved(run: SyncRun, moved: Link, made: Entry | None) -> None:
    """`made`: the new copy, where this run has just written it. Raises LinkChangedError: another run was here first."""
    try:
        run.touched[moved.ref] = run.ports.stores.links.put(run.account, moved)
    except LinkChangedError:
        if made is not None:
            take_back(run, moved, made)
        raise


def _row_of_new(run: SyncRun, link: Link, entry_id: EntryId) -> Link | None:
    """The row under which the new copy is written; None where it already stands there."""
    if link.intent is not Intent.CREATE:
        row = replace(link, intent=Intent.CREATE, generation=link.generation + 1, mark_id="")
        return run.ports.stores.links.put(run.account, run.named(row))
    _call_back(run, link)
    if link.calendar_id == run.scope.primary and _stands(run, link, entry_id):
        run.ports.stores.links.put(run.account, replace(link, intent=None))
        return None
    return link


def _found_unfinished(run: SyncRun, link: Link) -> Link:
    """A row without an entry belongs to the new choice, unless its create took effect in the old one and was cut off:
    then its copy moves like any other."""
    found = run.primary.find_mark(run.mark(link)) if link.intent is Intent.CREATE else []
    if found and found[0].calendar_id != run.scope.primary:
        return replace(link, calendar_id=found[0].calendar_id, entry_id=found[0].id, intent=None)
    return replace(link, calendar_id=run.scope.primary)


def _call_back_new(run: SyncRun, link: Link) -> None:
    """A move was cut off after its new copy was written, and its booking is gone since: no row would lead to it."""
    if link.intent is not Intent.CREATE or link.entry_id is None or link.booking_id is None:
        return
    for entry in run.primary.find_mark(run.mark(link)):
        if entry.id != link.entry_id and not entry.has_attendees:
            with suppress(AppointmentGoneError):
                run.primary.delete(entry.calendar_id, entry.id, None)


def _call_back(run: SyncRun, link: Link) -> None:
    """A move was cut off, and calendars were chosen anew since: what it wrote to the choice in between goes."""
    for entry in run.primary.find_mark(run.mark(link)):
        if entry.calendar_id != run.scope.primary and not entry.has_attendees:
            with suppress(AppointmentGoneError):
                run.primary.delete(entry.calendar_id, entry.id, None)


def _stands(run: SyncRun, link: Link, entry_id: EntryId) -> bool:
    return run.primary.entries(link.calendar_id, [entry_id], run.content)[entry_id] is not None


def _leave_to_guests(run: SyncRun, link: Link, booking: Booking, copy: Entry) -> None:
    """R53: to delete it would mail those whom the person invited; it stays where it is, and a conflict says so."""
    open_conflict(
        run, link, ConflictKind.NOT_WRITABLE, booking.when, copy.when, "has_attendees", "R53"
    )  # fmt: skip
    row = replace(link, has_attendees=True, is_disputed=True)
    if row != link:
        run.touched[link.ref] = run.ports.stores.links.put(run.account, row)


def _old_copy(run: SyncRun, link: Link, entry_id: EntryId) -> Entry | None:
    """R122: where the mailbox was moved the mark finds it under its new id; its calendar may be read no more."""
    known = run.primary.entries(link.calendar_id, [entry_id], EVERYTHING)[entry_id]
    if known is not None or link.intent is Intent.CREATE:
        return known
    mark = run.mark(link)
    found = [one for one in run.primary.find_mark(mark) if one.calendar_id == link.calendar_id]
    return next((one for one in found if is_renumbered(link, one, mark)), None)


def _shows_too_much_or_too_little(run: SyncRun, link: Link) -> bool:
    """A checked calendar gives its time only; the primary one may give more."""
    is_blank = link.calendar.rest in _TIME_ONLY
    if link.calendar_id != run.scope.primary:
        return not is_blank
    return is_blank and run.scope.settings.from_calendar.privacy == "full"


def _judge_anew(run: SyncRun, link: Link) -> None:
    mailbox = next(mailbox for mailbox, calendar in run.state.calendars if calendar == link.calendar_id)
    if link.entry_id is None:
        return
    entry = run.calendar(mailbox).entries(link.calendar_id, [link.entry_id], run.content)[link.entry_id]
    if entry is None:
        return  # its feed tells
    scope = replace(run.scope, reproject_below=run.scope.settings_version + 1)
    apply_plan(run, plan(observe([Read(link.ref, link, calendar=entry)], scope), scope))
