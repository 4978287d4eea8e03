"""A series of bookings -> one real series in the calendar, and each of its occurrences in its place there.

The series comes first: its link with the intent, the series in the calendar, then the note that its occurrences must be
brought in line (Intent.ALIGN), which stays until they are. Each occurrence is found by its day in the series' zone and
linked like any other booking; what deviates is changed, what the booking system does not have is left out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import TypeGuard
from zoneinfo import ZoneInfo

from calsync_core.domain.appointments import Booking, BookingStatus, Entry
from calsync_core.domain.errors import AppointmentGoneError
from calsync_core.domain.ids import BookingId, EntryId, LinkRef
from calsync_core.domain.links import Agreed, Intent, Link, Origin, booking_ref
from calsync_core.domain.recurrence import Inexpressible, Recurrence
from calsync_core.domain.rrules import days_of
from calsync_core.domain.synclog import Reason, Way
from calsync_core.domain.values import replace
from calsync_core.domain.windows import Window
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import DeleteCopy
from calsync_core.engine.observe import Missing, Read, calendar_moved_on, observe
from calsync_core.engine.plan import plan
from calsync_core.usecases.read_span import bookings_in
from calsync_core.usecases.sync.apply_plan import apply_plan
from calsync_core.usecases.sync.find_elsewhere import elsewhere, found_again, renumbered
from calsync_core.usecases.sync.finish_round import apply_shared_copies
from calsync_core.usecases.sync.read_calendar import read_booking
from calsync_core.usecases.sync.read_host import written_before
from calsync_core.usecases.sync.read_own_series import day_of, stands_alone
from calsync_core.usecases.sync.sync_run import EVERYTHING, SyncRun
from calsync_core.usecases.sync.watch_conflicts import note_reads

LONGEST_VIEW = timedelta(days=1800)  # graph.md 3.11: a view spans at most 1825 days
_DAY, _MONTH = timedelta(days=1), timedelta(days=31)


@dataclass(slots=True)
class _Places:
    """The occurrences of one series as the calendar shows them, by their day. `taken`: a booking stands there; `spare`:
    its booking stands elsewhere, as a single entry. `owners`: whose links know the places now."""

    master: EntryId
    zone: str
    by_day: dict[date, Entry]
    owners: dict[EntryId, LinkRef] = field(default_factory=dict)
    taken: set[date] = field(default_factory=set)
    spare: set[date] = field(default_factory=set)

    def day(self, booking: Booking) -> date:
        start = booking.original_start_at or booking.when.interval(self.zone)[0]
        return start.astimezone(ZoneInfo(self.zone)).date()


def join_series(run: SyncRun, reads: list[Read], leaving: set[LinkRef], *, is_full: bool) -> list[Read]:
    """Reads of the booking system's page, those of series with their place in the calendar; writes the series.

    `leaving`: links whose booking is gone; a series that is gone itself is added, so that it is counted with them.
    """
    groups: dict[str, list[Read]] = {series_id: [] for series_id in _series_left(run, leaving)}
    joined: list[Read] = []
    for read in reads:
        booking = read.host
        if not isinstance(booking, Booking) or booking.series_id is None:
            joined.append(read)
            continue
        group = groups.setdefault(booking.series_id, [])
        if not booking.is_series_master:
            group.append(read)
    for series_id, parts in groups.items():
        joined += _join(run, BookingId(series_id), parts, leaving, is_full=is_full)
    return joined


def align_waiting(run: SyncRun) -> None:
    """Bring in line the occurrences of every series that this run wrote, or found written and not in line; and leave
    out what a person's change of a series has brought back into it."""
    waiting, run.unaligned = run.unaligned, set()
    for ref in sorted(waiting):
        _align(run, ref, ())
    strayed, run.strayed = run.strayed, set()
    if strayed:
        _clear_strays_of(run, run.ports.stores.links.get(run.account, run.resource, sorted(strayed)).values())


def clear_strays(run: SyncRun) -> None:
    """R83, at the end of the booking system's full round: dates left the series before the window reached them, so that
    no page told of them."""
    _clear_strays_of(run, run.ports.stores.links.all(run.account, run.resource))


def _clear_strays_of(run: SyncRun, links: Iterable[Link]) -> None:
    """Dates that a series shows in the calendar, that no link knows and the booking system does not have."""
    if not run.scope.settings.writes_calendar:
        return
    told: list[Booking] | None = None
    for series in links:
        if not series.pattern or series.entry_id is None or series.intent is not None or series.booking_id is None:
            continue
        if series.is_disputed:
            continue  # R88, R134: it stands as the person put it until somebody decides
        booking = read_booking(run, series.booking_id)
        if not isinstance(booking, Booking) or run.resource not in booking.resource_ids:
            continue  # its own read says what becomes of it
        if _has_changed(booking, series, run):  # without a date in the window no page names it
            _catch_up(run, series, booking, ())
            continue
        told = list(bookings_in(run.host, run.resource, run.scope.window)) if told is None else told
        _clear_strays_in(run, series, booking, told)


def _clear_strays_in(run: SyncRun, series: Link, booking: Booking, told: list[Booking]) -> None:
    reads = _all_parts(run, booking.id, (), told)
    places = _places(run, series, booking, reads)
    if places is None:
        return
    for read in reads:
        if isinstance(read.host, Booking):
            is_single = read.link is not None and stands_alone(read.link)
            (places.spare if is_single else places.taken).add(places.day(read.host))
    places.taken.update(day for day, entry in places.by_day.items() if entry.id in places.owners)
    _leave_out(run, series, booking, places, has_all=bool(told))


# --- the series ---------------------------------------------------------------------------------------------------


def _series_left(run: SyncRun, leaving: set[LinkRef]) -> list[str]:
    if not leaving:
        return []
    links = run.ports.stores.links.get(run.account, run.resource, sorted(leaving))
    return sorted({link.series_id for link in links.values() if link.series_id and link.origin is Origin.HOST})


def _join(run: SyncRun, series_id: BookingId, parts: list[Read], leaving: set[LinkRef], *, is_full: bool) -> list[Read]:
    ref = booking_ref(series_id)
    series = run.ports.stores.links.get(run.account, run.resource, [ref]).get(ref)
    if series is None and (not parts or not run.scope.settings.writes_calendar):
        return parts
    if series is not None and not _must_look(run, series, parts, is_full=is_full):
        return parts
    booking = read_booking(run, series_id)
    if series is not None and booking is Missing.GONE:
        leaving.add(ref)
        return _fresh(run, parts)
    series, master = _written(run, ref, series, booking, parts)
    if series is None:
        fresh = _fresh(run, parts)
        return [_single(run, read) for read in fresh + waiting_parts(run, series_id, {read.ref for read in fresh})]
    if series.entry_id is None:
        return []  # R87: a person decides about the whole series
    if series.intent is not Intent.ALIGN and isinstance(master, Entry) and calendar_moved_on(series, master):
        return []  # R88: so it is with a move of the whole series that was not agreed on; the occurrences follow it
    if series.intent is Intent.ALIGN:
        run.unaligned.discard(ref)
        _align(run, ref, parts, booking)
        return []
    places = _places(run, series, booking, parts)
    return _placed(run, _fresh(run, parts), places) if places is not None else []


def _must_look(run: SyncRun, series: Link, parts: list[Read], *, is_full: bool) -> bool:
    """A page that repeats what is agreed on costs nothing; the weekly check looks at each series once."""
    if is_full or series.intent is not None or series.settings_version < run.scope.reproject_below or not parts:
        return True
    return any(
        read.link is None
        or read.link.intent is not None
        or not isinstance(read.host, Booking)
        or read.host.version != read.link.host.version
        for read in parts
    )


def _written(
    run: SyncRun, ref: LinkRef, series: Link | None, booking: Booking | Missing, parts: list[Read]
) -> tuple[Link | None, Entry | Missing]:
    """The link of the series in the calendar, None where its occurrences are to be single entries; and the series as it
    stood there before."""
    master: Entry | Missing = Missing.NOT_READ
    if series is None and not _begins(run, booking, parts):
        return None, master
    if series is not None and series.is_quarantined and series.entry_id is None:
        return None, master  # the calendar refused it: R82
    if series is not None and series.entry_id is not None:
        found = run.primary.entries(series.calendar_id, [series.entry_id], EVERYTHING)
        master = found[series.entry_id] or Missing.GONE
    elif series is not None:
        master = written_before(run, series)
    read = Read(ref, series, booking, master, entry_is_whole=True)
    moved = elsewhere(run, [series]) if series is not None and master is Missing.GONE else {}
    read = found_again(read, moved[ref]) if ref in moved else read  # R122
    master = read.calendar
    note_reads(run, [read])
    apply_plan(run, plan(observe([read], run.scope), run.scope))
    written = run.ports.stores.links.get(run.account, run.resource, [ref]).get(ref)
    if written is None and isinstance(booking, Booking) and isinstance(booking.recurrence, Inexpressible):
        _note_singles(run, booking, [])  # its rule was changed into one that no calendar can say
    return written, master


def _begins(run: SyncRun, booking: Booking | Missing, parts: list[Read]) -> bool:
    """Whether there is a series to write: one that can be said, ours, with something of it in the window."""
    if not isinstance(booking, Booking) or run.resource not in booking.resource_ids:
        return False
    if booking.status is BookingStatus.CANCELLED or not booking.is_series_master:
        return False
    if not isinstance(booking.recurrence, Recurrence):
        _note_singles(run, booking, parts)
        return False
    zone = run.scope.resource.time_zone
    return any(
        isinstance(read.host, Booking)
        and read.host.status is not BookingStatus.CANCELLED
        and run.scope.window.holds(read.host.when, zone)
        for read in parts
    )


def _note_singles(run: SyncRun, booking: Booking, parts: list[Read]) -> None:
    """R82, said once: as long as none of its occurrences is linked."""
    if any(read.link is not None for read in parts):
        return
    reason = booking.recurrence.reason if isinstance(booking.recurrence, Inexpressible) else "no_rule"
    run.log(
        Reason.SERIES_AS_SINGLES, Way.TO_CALENDAR, rule="R82", ref=booking_ref(booking.id), code=reason,
        is_problem=reason == "rrule_invalid",
    )  # fmt: skip


# --- its occurrences ----------------------------------------------------------------------------------------------


def _align(run: SyncRun, ref: LinkRef, parts: Iterable[Read], known: Booking | Missing | None = None) -> None:
    """All occurrences of the window, whether the feed told of them or not; then the series' own intent is over."""
    links = run.ports.stores.links
    series = links.get(run.account, run.resource, [ref]).get(ref)
    if series is None or series.entry_id is None or series.intent is not Intent.ALIGN or series.booking_id is None:
        return
    booking = known if known is not None else read_booking(run, series.booking_id)
    # It changed once more, and no page need tell of its occurrences; asked first, because they are not read in vain.
    if _has_changed(booking, series, run):
        _catch_up(run, series, booking, parts)
        return
    reads = _all_parts(run, series.booking_id, parts)
    if not reads:  # none of them is ours any more, and no tombstone at the booking system need lead to the series
        booking = read_booking(run, series.booking_id)
    if not isinstance(booking, Booking) or run.resource not in booking.resource_ids:
        apply_plan(run, plan(observe([Read(ref, series, booking)], run.scope), run.scope))
        return
    if _has_changed(booking, series, run):
        return  # in this very moment: its feed tells
    alone = _starts_of_singles(run, series.booking_id, {read.ref for read in reads})
    places = _places(run, series, booking, reads, alone)
    if places is None:
        return
    apply_shared_copies(run, reads)
    placed = [_with_text_of(series, read) for read in _placed(run, reads, places)]
    note_reads(run, placed)
    apply_plan(run, plan(observe(placed, run.scope), run.scope))
    _leave_out(run, series, booking, places, has_all=True)
    series = links.get(run.account, run.resource, [ref]).get(ref)
    if series is not None and series.intent is Intent.ALIGN and series.entry_id == places.master:
        links.put(run.account, replace(series, intent=None))


def _has_changed(booking: Booking | Missing, series: Link, run: SyncRun) -> TypeGuard[Booking]:
    if not isinstance(booking, Booking) or run.resource not in booking.resource_ids:
        return False
    return booking.version != series.host.version


def _catch_up(run: SyncRun, series: Link, booking: Booking, parts: Iterable[Read]) -> None:
    if _is_brought_along(run, series, booking):
        _align(run, series.ref, parts, booking)


def _is_brought_along(run: SyncRun, series: Link, booking: Booking) -> bool:
    """Whether the series itself stands as its booking says now, and its occurrences can follow."""
    master: Entry | Missing = Missing.NOT_READ
    if series.entry_id is not None:
        found = run.primary.entries(series.calendar_id, [series.entry_id], EVERYTHING)
        master = found[series.entry_id] or Missing.GONE
    read = Read(series.ref, series, booking, master, entry_is_whole=True)
    apply_plan(run, plan(observe([read], run.scope), run.scope))
    written = run.ports.stores.links.get(run.account, run.resource, [series.ref]).get(series.ref)
    return written is not None and written.host.version == booking.version


def _with_text_of(series: Link, read: Read) -> Read:
    """An occurrence that shows the text that we wrote to its series was not changed by a person; where its booking says
    something else, that is written."""
    link, entry = read.link, read.calendar
    if link is None or not isinstance(entry, Entry) or entry.id != link.entry_id or entry.series_id is None:
        return read
    shown = fingerprint.rest_of_entry(entry)
    if shown != series.calendar.rest or shown == link.calendar.rest:
        return read
    host = replace(link.host, version="", rest=series.host.rest)
    return replace(read, link=replace(link, host=host, calendar=replace(link.calendar, rest=shown)))


def _all_parts(
    run: SyncRun, series_id: BookingId, parts: Iterable[Read], told: Iterable[Booking] | None = None
) -> list[Read]:
    """Every occurrence in the window as it stands in the booking system now, and those that wait for their place.

    `told`: the bookings of the window, where they were read already.
    """
    bookings = {read.ref: read.host for read in parts if isinstance(read.host, Booking)}
    told = bookings_in(run.host, run.resource, run.scope.window) if told is None else told
    found = [one for one in told if one.series_id == series_id and not one.is_series_master]
    bookings.update({booking_ref(one.id): one for one in found})
    waiting = waiting_parts(run, series_id, set(bookings))
    bookings.update({read.ref: read.host for read in waiting if isinstance(read.host, Booking)})
    stored = run.ports.stores.links.get(run.account, run.resource, list(bookings))
    return [Read(ref, stored.get(ref), one, entry_is_whole=True) for ref, one in bookings.items()]


def _starts_of_singles(run: SyncRun, series_id: BookingId, but: set[LinkRef]) -> list[datetime]:
    """Where those occurrences belong in the series that stand outside the window as single entries: nothing tells of
    them, and with their place filled they would stand in the calendar twice."""
    parts = run.ports.stores.links.parts(run.account, run.resource, series_id)
    alone = [link for link in parts if link.entry_id and link.original_start_at is None and link.ref not in but]
    bookings = [read_booking(run, link.booking_id) for link in alone]
    return [one.original_start_at for one in bookings if isinstance(one, Booking) and one.original_start_at]


def _places(
    run: SyncRun, series: Link, booking: Booking | Missing, reads: Iterable[Read], alone: Sequence[datetime] = ()
) -> _Places | None:
    """None when the person has just deleted the series: the calendar's feed tells, and it is one decision (R87).

    `alone`: places that stay empty, because their occurrences are single entries.
    """
    repeats = booking.recurrence if isinstance(booking, Booking) else None
    zone = repeats.zone if isinstance(repeats, Recurrence) else run.scope.resource.time_zone
    if series.entry_id is None:
        raise AssertionError("a series without an entry has no places")
    starts = [one for one in (_original(read) for read in reads) if one is not None]
    starts += booking.exdates if isinstance(booking, Booking) else ()
    view = _view(run.scope.window, [*starts, *alone])
    try:
        found = run.primary.occurrences(series.calendar_id, series.entry_id, view, EVERYTHING)
    except AppointmentGoneError:
        return None
    known = run.ports.stores.links.by_entries(run.account, run.resource, series.calendar_id, [one.id for one in found])
    owners = {entry_id: link.ref for entry_id, link in known.items()}
    spare = {one.astimezone(ZoneInfo(zone)).date() for one in alone}
    return _Places(series.entry_id, zone, {day_of(entry, zone): entry for entry in found}, owners, spare=spare)


def _original(read: Read) -> datetime | None:
    return read.host.original_start_at if isinstance(read.host, Booking) else None


def _view(window: Window, starts: list[datetime]) -> Window:
    """The window, widened to where its bookings once stood in the series, and to where a person may have moved them: an
    occurrence does not pass its neighbours."""
    start = min([window.start_at - _MONTH, *(one - _DAY for one in starts)])
    end = max([window.end_at + _MONTH, *(one + 2 * _DAY for one in starts)])
    return Window(max(start, window.end_at - LONGEST_VIEW), min(end, window.start_at + LONGEST_VIEW))


def _placed(run: SyncRun, reads: list[Read], places: _Places) -> list[Read]:
    """Each read with its entry: the place in the series, a single entry of its own, or none."""
    singles = [
        read.link.entry_id
        for read in reads
        if read.link is not None
        and read.link.entry_id is not None
        and read.link.calendar_id == run.scope.primary
        and not _is_place(read, places)
    ]
    looked_up = run.primary.entries(run.scope.primary, singles, EVERYTHING) if singles else {}
    reads = _under_new_ids(run, reads, looked_up)
    # Two bookings of one series may claim a day: the one that the series puts there has it.
    ordered = sorted(reads, key=lambda read: not _stands_there(read, places))
    return [_placed_one(run, read, places, looked_up) for read in ordered]


def _under_new_ids(run: SyncRun, reads: list[Read], looked_up: dict[EntryId, Entry | None]) -> list[Read]:
    """R122: a single entry that its id does not find may stand under another one, on a page that is still to come; a
    place in the series must not be taken for it."""
    links = [read.link for read in reads if read.link is not None and stands_alone(read.link)]
    gone = [link for link in links if link.entry_id in looked_up and looked_up[link.entry_id] is None]
    found = elsewhere(run, gone) if gone else {}
    new = {link.ref: renumbered(link, entry) for link in gone if (entry := found.get(link.ref)) is not None}
    looked_up.update({entry.id: entry for entry in found.values() if entry is not None})
    return [replace(read, link=new.get(read.ref, read.link)) for read in reads] if new else reads


def _stands_there(read: Read, places: _Places) -> bool:
    entry = places.by_day.get(places.day(read.host)) if isinstance(read.host, Booking) else None
    return entry is not None and _original(read) == entry.original_start_at


def _is_place(read: Read, places: _Places) -> bool:
    entry = places.by_day.get(places.day(read.host)) if isinstance(read.host, Booking) else None
    return entry is not None and read.link is not None and read.link.entry_id == entry.id


def _placed_one(  # noqa: C901 - the ways in which an occurrence can stand in a calendar, one by one
    run: SyncRun, read: Read, places: _Places, looked_up: dict[EntryId, Entry | None]
) -> Read:
    booking, link = read.host, read.link
    if not isinstance(booking, Booking):
        return read
    day = places.day(booking)
    if link is not None and link.entry_id is not None and link.calendar_id != run.scope.primary:
        places.spare.add(day)
        return read  # a single entry that has yet to move to the new calendar
    entry = places.by_day.get(day)
    if entry is not None and (day in places.taken or places.owners.get(entry.id, read.ref) != read.ref):
        entry = None
    if link is not None and link.entry_id is not None:
        single = looked_up.get(link.entry_id)
        if single is not None and single.series_id is None:
            places.spare.add(day)
            return replace(read, calendar=single)
    elif link is not None and link.intent is Intent.CREATE and link.mark_id:  # begun as a single entry, and cut off
        written = written_before(run, link)
        if isinstance(written, Entry) and written.series_id is None:
            places.spare.add(day)
            return replace(read, calendar=written)
    if link is not None and link.entry_id is None and link.intent is None and link.original_start_at is None:
        places.spare.add(day)  # it stood by itself, and the person deleted it: its place must not stand for it (R7)
        return read
    if entry is not None and link is None and _has_left_window(run, booking, entry):
        places.spare.add(day)  # it will get no link, and its place must not stand for it
        return read
    if entry is not None:
        places.taken.add(day)
        if link is not None and link.entry_id not in (None, entry.id):  # its entry is gone, and here is its place
            link = replace(link, entry_id=None, intent=Intent.CREATE, calendar=Agreed(), host=Agreed())
        return replace(read, link=link, calendar=entry)
    if link is not None and link.entry_id is not None:
        return replace(read, calendar=Missing.GONE)
    return replace(read, is_single=True)


def _has_left_window(run: SyncRun, booking: Booking, place: Entry) -> bool:
    window, zone = run.scope.window, run.scope.resource.time_zone
    return window.holds(place.when, zone) and not window.holds(booking.when, zone)


def _leave_out(run: SyncRun, series: Link, booking: Booking, places: _Places, *, has_all: bool) -> None:
    """R83: days that the rule puts into the calendar and that the booking system does not have. `has_all`: its
    answer is believed to be whole; else only its own rule and its list of left-out starts are."""
    tz = ZoneInfo(places.zone)
    exdays = {one.astimezone(tz).date() for one in booking.exdates}
    strays = sorted(places.by_day.keys() - places.taken)
    unruled = _days_beside_the_rule(booking, strays)
    for day in strays:
        entry = places.by_day[day]
        is_missing = (has_all or day in unruled) and _is_inside(run, entry, places.zone)
        if is_missing or day in exdays | places.spare:
            row = replace(series, ref=LinkRef(f"{series.ref}-{day:%Y%m%d}"), pattern="", entry_id=entry.id, row=0)
            apply_plan(run, [DeleteCopy("R83", replace(row, when=entry.when, intent=None), "")])


def _days_beside_the_rule(booking: Booking, days: Sequence[date]) -> set[date]:
    """Those that the booking system's series cannot mean: its rule was changed, and the calendar shows them still."""
    if not days or not isinstance(booking.recurrence, Recurrence):
        return set()
    last = days[-1]
    said: Iterable[date] = takewhile(lambda day: day <= last, days_of(booking.recurrence))
    return set(days).difference(said)


def _is_inside(run: SyncRun, entry: Entry, zone: str) -> bool:
    start, end = entry.when.interval(zone)
    return run.scope.window.start_at <= start and end <= run.scope.window.end_at


def _fresh(run: SyncRun, reads: list[Read]) -> list[Read]:
    """With the links as they are after the series was written."""
    links = run.ports.stores.links.get(run.account, run.resource, [read.ref for read in reads]) if reads else {}
    return [replace(read, link=links.get(read.ref)) for read in reads]


def waiting_parts(run: SyncRun, series_id: str, but: set[LinkRef]) -> list[Read]:
    """Occurrences that had a place in a series that is no more; the feed need not tell of them."""
    parts = run.ports.stores.links.parts(run.account, run.resource, series_id)
    waiting = [link for link in parts if link.intent is Intent.CREATE and link.entry_id is None and link.ref not in but]
    return [
        Read(link.ref, link, read_booking(run, link.booking_id), is_single=True, entry_is_whole=True)
        for link in waiting
    ]


def _single(run: SyncRun, read: Read) -> Read:
    return replace(read, is_single=True, calendar=written_before(run, read.link))
