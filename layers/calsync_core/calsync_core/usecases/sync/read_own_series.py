"""Series of ours in a calendar: the feed tells of the series and its occurrences, the links know whose they are."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from zoneinfo import ZoneInfo

from calsync_core.domain.appointments import AllDay, Booking, BookingStatus, Entry
from calsync_core.domain.ids import BookingId, CalendarId, EntryId, LinkRef
from calsync_core.domain.links import Intent, Link, Origin, booking_ref
from calsync_core.domain.values import replace, value
from calsync_core.engine.observe import Missing, Read, calendar_moved_on
from calsync_core.ports.calendar import CalendarProvider
from calsync_core.ports.stores import CursorRow
from calsync_core.usecases.read_span import bookings_in
from calsync_core.usecases.sync.sync_run import EVERYTHING, OwnDates, SyncRun


@value(frozen=True, slots=True)
class OwnParts:
    """What the feed said about one series of ours. `absent` seem to be gone; `followers` need no look now, because the
    series itself is dealt with first (R88). `has_strays`: it shows dates that no link knows."""

    present: tuple[tuple[Link, Entry], ...] = ()
    absent: frozenset[LinkRef] = frozenset()
    followers: frozenset[LinkRef] = frozenset()
    has_strays: bool = False

    @property
    def has_moved(self) -> bool:
        return any(calendar_moved_on(link, entry) for link, entry in self.present)


def series_in_calendar(run: SyncRun, links: Iterable[Link]) -> set[EntryId]:
    """The calendar's ids of the series that these occurrences belong to."""
    parts = [link for link in links if link.series_id is not None]
    found = {EntryId(link.series_id) for link in parts if link.origin is Origin.CALENDAR and link.series_id}
    series = {series_ref(link) for link in parts if link.origin is Origin.HOST}
    masters = run.ports.stores.links.get(run.account, run.resource, sorted(series)) if series else {}
    return found | {link.entry_id for link in masters.values() if link.entry_id is not None}


def series_ref(part: Link) -> LinkRef:
    """The link of the series that an occurrence of a booking series belongs to."""
    return booking_ref(BookingId(part.series_id or ""))


def own_series(run: SyncRun, calendar: CalendarId, ids: Iterable[EntryId]) -> dict[EntryId, Link]:
    """Which of these series in the calendar are ours, with their links."""
    return {entry_id: link for entry_id, link in links_at(run, calendar, ids).items() if link.pattern}


def links_at(run: SyncRun, calendar: CalendarId, ids: Iterable[EntryId]) -> dict[EntryId, Link]:
    wanted = list(dict.fromkeys(ids))
    return run.ports.stores.links.by_entries(run.account, run.resource, calendar, wanted) if wanted else {}


def follows(series: Link, master: Entry | None) -> bool:
    """Whether the occurrences follow their series without a look: it is dealt with first, while it is in dispute."""
    is_first = series.intent is Intent.ALIGN or series.is_disputed
    return is_first or (master is not None and calendar_moved_on(series, master))


def stands_alone(part: Link) -> bool:
    """A date that stands as a single entry: what becomes of its series in the calendar says nothing about it."""
    return part.entry_id is not None and part.original_start_at is None


def read_own_parts(
    run: SyncRun, series: Link, master: Entry | None, parts: Iterable[Entry], row: CursorRow, *, is_complete: bool
) -> OwnParts:
    """`parts` are occurrences as the calendar shows them; `is_complete`: all of them in the window."""
    links = run.ports.stores.links.parts(run.account, run.resource, series.booking_id or "")
    if follows(series, master):
        if series.intent is Intent.ALIGN:
            run.unaligned.add(series.ref)
        return OwnParts(followers=frozenset(link.ref for link in links if not stands_alone(link)))
    by_id = {link.entry_id: link for link in links if link.entry_id is not None}
    by_place = {link.original_start_at: link for link in links if link.entry_id is not None}
    present: list[tuple[Link, Entry]] = []
    strays: list[Entry] = []
    for entry in parts:
        link = by_id.get(entry.id) or by_place.get(entry.original_start_at)
        if link is not None:
            present.append((link, entry))
        else:
            strays.append(entry)
    absent = _absent(run, links, {link.ref for link, _ in present}, row) if is_complete else frozenset()
    return OwnParts(tuple(present), absent, has_strays=is_complete and bool(strays))


def _absent(run: SyncRun, links: Iterable[Link], present: set[LinkRef], row: CursorRow) -> frozenset[LinkRef]:
    zone, window = run.scope.resource.time_zone, row.window
    return frozenset(
        link.ref
        for link in links
        if link.entry_id is not None
        and link.ref not in present
        and (window.holds(link.when, zone) or link.start_at >= window.end_at)
    )


def share_days(run: SyncRun, row: CursorRow, reads: list[Read]) -> list[Read]:
    """R34, for each occurrence by itself: of a booking series that another resource wrote into this calendar some dates
    may be ours too."""
    series_of = {read.ref: series_id for read in reads if (series_id := _shown_series(run, read)) is not None}
    if not series_of:
        return reads
    own = _own_dates(run, row)
    theirs = _written_for(run, row, [read.calendar.id for read in reads if isinstance(read.calendar, Entry)])
    return [replace(read, is_shared_booking=True) if _is_own_date(read, series_of, own, theirs) else read
            for read in reads]  # fmt: skip


def _is_own_date(
    read: Read, series_of: dict[LinkRef, BookingId], own: OwnDates, theirs: dict[EntryId, BookingId]
) -> bool:
    """By the booking that the other resource wrote there; where that is not known (yet), by the day."""
    if read.ref not in series_of or not isinstance(read.calendar, Entry):
        return False
    written = theirs.get(read.calendar.id)
    if written or read.calendar.original_start_at is None:
        return written in own.ids
    return any(day_of(read.calendar, zone) == day for zone, day in own.days.get(series_of[read.ref], ()))


def _written_for(run: SyncRun, row: CursorRow, ids: list[EntryId]) -> dict[EntryId, BookingId]:
    """Which bookings the occurrences stand for, by the links of the other resources that use this calendar."""
    calendar = CalendarId(row.feed)
    mailbox = next((mailbox for mailbox, chosen in run.state.calendars if chosen == calendar), run.state.mailbox)
    connection = run.ports.stores.connections.get(run.account, mailbox) if mailbox else None
    found: dict[EntryId, BookingId] = {}
    for other in connection.resources if connection is not None else ():
        if other != run.resource:
            links = run.ports.stores.links.by_entries(run.account, other, calendar, ids)
            found |= {
                entry_id: link.booking_id
                for entry_id, link in links.items()
                if link.origin is Origin.HOST and link.booking_id is not None
            }
    return found


def _shown_series(run: SyncRun, read: Read) -> BookingId | None:
    """Which booking series of another resource an occurrence in the calendar shows."""
    entry, link = read.calendar, read.link
    if not isinstance(entry, Entry) or entry.series_id is None:
        return None
    mark = entry.mark
    if mark is None:
        return link.booking_id if link is not None else None
    is_theirs = mark.installation == run.scope.installation and mark.account == run.account
    return mark.booking if is_theirs and mark.resource != run.resource else None


def _own_dates(run: SyncRun, row: CursorRow) -> OwnDates:
    """P12: the pages of a full round tell of the same series again and again, and each answer costs a read of the
    booking system's whole window; what changes meanwhile its feed tells."""
    told = run.own_dates.get(row.feed)
    if row.is_full and told is not None and told.round == row.round:
        return told
    own = run.own_dates[row.feed] = OwnDates(row.round)
    for booking in bookings_in(run.host, run.resource, row.window):
        if booking.series_id and booking.original_start_at and booking.status is not BookingStatus.CANCELLED:
            day = booking.original_start_at.astimezone(ZoneInfo(booking.time_zone)).date()
            own.days.setdefault(BookingId(booking.series_id), set()).add((booking.time_zone, day))
            own.ids.add(booking.id)
    return own


def day_of(entry: Entry, zone: str) -> date:
    """The day of its series for which an occurrence stands. All-day places are dates already: midnight UTC of the day
    (adapters)."""
    start = entry.original_start_at or entry.when.interval(zone)[0]
    is_date = isinstance(entry.when, AllDay) and start.hour == start.minute == start.second == 0
    return start.date() if is_date else start.astimezone(ZoneInfo(zone)).date()


def one_for_all(
    run: SyncRun,
    provider: CalendarProvider,
    reads: list[Read],
    booking_of: Callable[[BookingId | None], Booking | Missing],
) -> list[Read]:
    """R87, R88, R134: before an occurrence counts as deleted its series is asked. Where that is gone as a whole, or was
    moved, or repeats otherwise, its one read stands for those of its occurrences."""
    gone = [read for read in reads if _is_gone_part(read)]
    if not gone:
        return reads
    refs = sorted({series_ref(read.link) for read in gone if read.link is not None})
    series = run.ports.stores.links.get(run.account, run.resource, refs)
    known = {read.ref: read for read in reads}
    whole: dict[LinkRef, Read] = {}
    for ref, link in series.items():
        if link.entry_id is None or link.intent is Intent.ALIGN:
            whole[ref] = known.get(ref) or Read(ref, link)
            run.unaligned |= {ref} if link.entry_id is not None else set()
            continue
        master = known[ref].calendar if ref in known else _as_it_stands(provider, link)
        if master is Missing.GONE or (isinstance(master, Entry) and follows(link, master)):
            read = Read(ref, link, booking_of(link.booking_id), master, entry_is_whole=True)
            whole[ref] = known.get(ref) or read
    kept = [read for read in reads if not (_is_gone_part(read) and _is_stood_for(read, whole))]
    return kept + [read for ref, read in whole.items() if ref not in known and read.calendar is not Missing.NOT_READ]


def _is_stood_for(read: Read, whole: Mapping[LinkRef, Read]) -> bool:
    """A date that stood by itself was deleted by itself, whatever became of its series."""
    return read.link is not None and series_ref(read.link) in whole and not stands_alone(read.link)


def _is_gone_part(read: Read) -> bool:
    link = read.link
    return read.calendar is Missing.GONE and link is not None and link.origin is Origin.HOST and bool(link.series_id)


def _as_it_stands(provider: CalendarProvider, series: Link) -> Entry | Missing:
    if series.entry_id is None:
        return Missing.GONE
    return provider.entries(series.calendar_id, [series.entry_id], EVERYTHING)[series.entry_id] or Missing.GONE
