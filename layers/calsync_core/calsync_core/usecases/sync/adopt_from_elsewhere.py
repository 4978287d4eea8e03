"""R143: copies of ours that no link knows, in another calendar of the mailbox than the primary one.

A resource that left and kept its copies, or whose table was lost, comes back with another primary calendar: such a copy
is adopted where it stands and moves to the primary calendar as when another one is chosen (R36). All marks of the
mailbox are read once in a full round anyway; where nothing was left elsewhere this asks for nothing.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

from calsync_core.domain.appointments import Booking, Entry, Kind, Mark, When
from calsync_core.domain.errors import LinkChangedError
from calsync_core.domain.ids import BookingId
from calsync_core.domain.links import Intent, Link, Origin, booking_ref, series_prefix
from calsync_core.domain.recurrence import Recurrence
from calsync_core.domain.rrules import days_of
from calsync_core.domain.synclog import Reason, Way
from calsync_core.engine.actions import DeleteBlock, DeleteCopy
from calsync_core.engine.marks import KnownMarks, left_elsewhere
from calsync_core.engine.plan_booking import row_as_found
from calsync_core.engine.project import project_booking
from calsync_core.ports.stores import CursorRow
from calsync_core.usecases.read_span import bookings_in
from calsync_core.usecases.sync.apply_plan import apply_plan
from calsync_core.usecases.sync.keep_links import revisit, revisited
from calsync_core.usecases.sync.leave_calendars import is_under_way, move_copy
from calsync_core.usecases.sync.read_calendar import read_booking, takes_place
from calsync_core.usecases.sync.sync_run import SyncRun
from calsync_core.usecases.sync.write_series import align_waiting


def adopt_from_elsewhere(run: SyncRun, row: CursorRow, marked: Iterable[Entry], known: KnownMarks) -> bool:
    """Before the first page of a full round; `marked`: every entry of the mailbox with our mark. False when time was up
    before the end: the round is stored as open, so that the next call, or the run after a crash, goes on here."""
    owner = Mark(run.scope.installation, run.account, run.resource, BookingId(""), 0)
    left = left_elsewhere(marked, known, owner, run.scope.primary)
    waiting = _not_known(run, [entry for entry in left if _may_lie_ahead(run, entry)])
    if not waiting:
        return True
    run.ports.stores.cursors.store(run.lease, row)
    for entry, link in waiting:
        _adopt(run, entry, link)
        if run.is_time_up:
            break
    align_waiting(run)
    return not run.is_time_up


def adopt_met(run: SyncRun, entries: Sequence[Entry]) -> None:
    """Those that a page of a checked calendar tells of; the page is read again where this is cut off, and brings series
    in line at its end."""
    for entry, link in _not_known(run, entries) if entries else ():
        _adopt(run, entry, link)


def _not_known(run: SyncRun, entries: Iterable[Entry]) -> list[tuple[Entry, Link | None]]:
    """Those that no link knows, with the row that is to know them, if any. Single entries come first: one that belongs
    to a series keeps its place in it from being filled."""
    entries = sorted(entries, key=lambda entry: entry.kind is Kind.MASTER)
    by_ref = {booking_ref(entry.mark.booking): entry for entry in entries if entry.mark is not None}
    if not by_ref or not run.scope.settings.writes_calendar:
        return []  # R40
    links = run.ports.stores.links.get(run.account, run.resource, list(by_ref))
    return [(entry, links.get(ref)) for ref, entry in by_ref.items() if _is_free(run, entry, links.get(ref))]


def _is_free(run: SyncRun, entry: Entry, link: Link | None) -> bool:
    if link is None or entry.mark is None:
        return True
    if link.entry_id == entry.id:
        return is_under_way(link)  # a move of this very copy was cut off
    if link.entry_id is None:  # one that is gone by a person's wish stays away (R7)
        return link.intent is Intent.CREATE and (entry.mark == run.mark(link) or _is_newer(entry.mark, link))
    return _is_newer(entry.mark, link) and not _stands(run, link)


def _is_newer(mark: Mark, link: Link) -> bool:
    """R122: the table was restored and is behind the mailbox."""
    return mark.generation > link.generation


def _stands(run: SyncRun, link: Link) -> bool:
    if link.entry_id is None:
        return False
    return run.primary.entries(link.calendar_id, [link.entry_id], run.content)[link.entry_id] is not None


def _adopt(run: SyncRun, entry: Entry, link: Link | None) -> None:
    with suppress(LinkChangedError):  # another run was here first
        _adopt_one(run, entry, link)


def _adopt_one(run: SyncRun, entry: Entry, link: Link | None) -> None:
    """The note comes first: after a crash it leads to a row that is on its way."""
    booking = read_booking(run, entry.mark.booking if entry.mark else None)
    if not isinstance(booking, Booking) or not takes_place(booking, run.resource) or not _lies_ahead(run, booking):
        return  # no link, no deletion
    if link is not None and is_under_way(link):
        move_copy(run, link)
        return
    copy = project_booking(booking, run.scope.settings, run.scope.resource)
    row = row_as_found(link, booking, copy, entry, run.scope)
    _free_its_time(run, entry)
    if booking.is_series_master and copy.recurrence is None:  # its rule was changed since: its dates are written alone
        apply_plan(run, [] if entry.has_attendees else [DeleteCopy("R82", row, "")])
        return
    revisit(run, row.ref)
    run.log(Reason.COPY_ADOPTED, Way.TO_CALENDAR, rule="R143", ref=row.ref)
    move_copy(run, row)
    revisited(run, row.ref)


def _may_lie_ahead(run: SyncRun, entry: Entry) -> bool:
    """What lies behind the window stays as it was, and nobody asks about it at every full check."""
    return entry.kind is Kind.MASTER or _ends_inside(run, entry.when)


def _ends_inside(run: SyncRun, when: When) -> bool:
    return when.interval(run.scope.resource.time_zone)[1] > run.scope.window.start_at


def _lies_ahead(run: SyncRun, booking: Booking) -> bool:
    """A series lies ahead with any of its dates."""
    begin = run.scope.window.start_at
    if not booking.is_series_master:
        return _ends_inside(run, booking.when)
    repeats = booking.recurrence
    if isinstance(repeats, Recurrence) and _goes_on_after(repeats, begin):
        return True
    told = bookings_in(run.host, run.resource, run.scope.window)  # one of its dates may have been moved
    return any(one.series_id == booking.id and not one.is_series_master for one in told)


def _goes_on_after(repeats: Recurrence, begin: datetime) -> bool:
    first = begin.astimezone(ZoneInfo(repeats.zone)).date()
    return any(day >= first for day in days_of(repeats))


def _free_its_time(run: SyncRun, entry: Entry) -> None:
    """R34: it was held to be a stranger's. Its blocks go before its row is written, which has the same pointer."""
    links = run.ports.stores.links
    if entry.kind is Kind.MASTER:
        known = links.series(run.account, run.resource, series_prefix(run.resource, entry.calendar_id, entry.id))
    else:
        known = list(links.by_entries(run.account, run.resource, entry.calendar_id, [entry.id]).values())
    blocks = [link for link in known if link.origin is Origin.CALENDAR] if run.scope.settings.writes_host else []
    apply_plan(run, [DeleteBlock("R34", link) for link in blocks])
