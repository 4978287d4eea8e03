"""One page of the booking system's feed, or of a full read of the window -> reads for the engine."""

import json
from datetime import datetime, timedelta

from calsync_core.domain.appointments import Booking, Entry
from calsync_core.domain.ids import BookingId, LinkRef
from calsync_core.domain.links import Intent, Link, booking_ref
from calsync_core.domain.values import replace, value
from calsync_core.domain.windows import Window
from calsync_core.engine.observe import Missing, Read
from calsync_core.ports.stores import CursorRow
from calsync_core.usecases.read_span import bookings_in
from calsync_core.usecases.sync.read_calendar import PageReads, read_booking
from calsync_core.usecases.sync.read_shared_copies import neighbours
from calsync_core.usecases.sync.set_aside import set_aside_bookings
from calsync_core.usecases.sync.sync_run import EVERYTHING, SyncRun

FEW = 20
"""How many bookings are asked for one by one."""


@value(frozen=True, slots=True)
class HostPage:
    """What was read and where the feed stands; `cursor` goes into the cursor row as it is."""

    found: PageReads
    cursor: str
    is_last: bool
    count: int


def read_host_page(run: SyncRun, row: CursorRow) -> HostPage:
    """Raises CursorExpiredError when the feed no longer knows the cursor."""
    return _read_window(run, row) if row.is_full else _read_changes(run, row)


def _read_changes(run: SyncRun, row: CursorRow) -> HostPage:
    changes = run.host.changes(run.resource, row.cursor)
    found = PageReads(_reads(run, changes.bookings) + set_aside_bookings(run, changes.unreadable))
    gone = [booking_ref(booking_id) for booking_id in changes.gone]
    links = run.ports.stores.links.get(run.account, run.resource, gone) if gone else {}
    found.leaving |= links.keys() - {read.ref for read in found.reads}
    # It came and went between two looks, or its direction is closed: the copies that others have of it may block now.
    unknown = {ref: booking_id for ref, booking_id in zip(gone, changes.gone, strict=True) if ref not in links}
    others = neighbours(run) if unknown else []
    shown = {ref for one in others for ref in run.ports.stores.links.get(run.account, one, list(unknown))}
    found.reads += [Read(ref, None, read_booking(run, unknown[ref])) for ref in sorted(shown)]
    if others and not run.scope.settings.writes_calendar:
        found.leaving |= unknown.keys() - shown  # `read_given_away`, at the end of the round
    count = len(changes.bookings) + len(changes.unreadable) + len(gone)
    return HostPage(found, changes.next_cursor, changes.is_last, count)


def take_position(run: SyncRun, row: CursorRow) -> None:
    """R34: whose the dates of others' series are is asked while a first import reads the calendars; what changes from
    then on the feed must tell, because no link of ours is there yet that a full round could miss. Stored at once, for
    the calls of *work* that go on with it. Raises CursorExpiredError."""
    run.host_position = run.host.changes(run.resource, None).next_cursor
    cursor = json.dumps({"feed": run.host_position})
    run.ports.stores.cursors.store(run.lease, replace(row, cursor=cursor, stored_at=run.ports.clock.now()))


def _position(run: SyncRun) -> str:
    """Each is good for one round: what begins later may begin later."""
    taken, run.host_position = run.host_position, None
    return taken if taken is not None else run.host.changes(run.resource, None).next_cursor


def _read_window(run: SyncRun, row: CursorRow) -> HostPage:
    """The feed's position is taken before the first page is read, and used once the last one was handled."""
    place = json.loads(row.cursor) if row.cursor else {"feed": _position(run)}
    page = run.host.bookings(run.resource, row.window, place.get("page"))
    found = PageReads(_reads(run, page.bookings) + set_aside_bookings(run, page.unreadable))
    found.seen.update(read.ref for read in found.reads)
    if page.next_cursor is None:
        return HostPage(found, place["feed"], is_last=True, count=len(page.bookings))
    cursor = json.dumps({"feed": place["feed"], "page": page.next_cursor})
    return HostPage(found, cursor, is_last=False, count=len(page.bookings))


def _reads(run: SyncRun, bookings: tuple[Booking, ...]) -> list[Read]:
    latest = {booking_ref(booking.id): booking for booking in bookings}
    links = run.ports.stores.links.get(run.account, run.resource, list(latest)) if latest else {}
    return [_read(run, ref, links.get(ref), booking) for ref, booking in latest.items()]


def _read(run: SyncRun, ref: LinkRef, link: Link | None, booking: Booking) -> Read:
    if booking.series_id is not None:
        return Read(ref, link, booking, entry_is_whole=True)  # its place in the calendar: write_series.py
    return Read(ref, link, booking, written_before(run, link), entry_is_whole=True)


def list_many(run: SyncRun, links: list[Link]) -> dict[BookingId, Booking]:
    """Of bookings beyond the window those of a year with many of them, as a window that was made smaller leaves them: a
    list of what is there costs less than to ask for each. Which of the others are still there their ids tell."""
    years: dict[int, list[datetime]] = {}
    for link in links:
        years.setdefault(link.start_at.year, []).append(link.start_at)
    found: dict[BookingId, Booking] = {}
    for starts in (starts for starts in years.values() if len(starts) > FEW):
        span = Window(min(starts), max(starts) + timedelta(minutes=1))
        found |= {one.id: one for one in bookings_in(run.host, run.resource, span)}
    return found


def written_before(run: SyncRun, link: Link | None) -> Entry | Missing:
    """An intent without a result: the create may have taken effect, and the mark tells."""
    if link is None or link.entry_id is not None or link.intent is not Intent.CREATE or link.booking_id is None:
        return Missing.NOT_READ
    mark = run.mark(link)
    for entry in run.primary.find_mark(mark):
        whole = run.primary.entries(link.calendar_id, [entry.id], EVERYTHING)[entry.id]
        if whole is not None:
            return replace(whole, mark=mark, is_mark_known=True)
    return Missing.NOT_READ
