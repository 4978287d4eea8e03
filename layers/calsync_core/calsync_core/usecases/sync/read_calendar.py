"""One page of a calendar's change feed -> reads for the engine. Look-ups happen here, decisions do not.

The feed is a hint (graph.md section 4): a removed id may live outside the window, an occurrence comes without its
content, a deleted occurrence may not be reported at all, and no entry carries its mark.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from calsync_core.domain.appointments import Booking, BookingStatus, Entry, Kind, Mark
from calsync_core.domain.errors import AppointmentGoneError, AppointmentRejectedError
from calsync_core.domain.ids import BookingId, CalendarId, EntryId, LinkRef, ResourceId
from calsync_core.domain.links import (
    Agreed,
    Intent,
    Link,
    Origin,
    booking_ref,
    entry_ref,
    occurrence_ref,
    series_prefix,
)
from calsync_core.domain.values import replace, value
from calsync_core.engine import fingerprint
from calsync_core.engine.marks import KnownMarks, is_another, is_late, is_pasted, is_renumbered
from calsync_core.engine.observe import Missing, Read, calendar_moved_on
from calsync_core.ports.calendar import CalendarPage, CalendarProvider
from calsync_core.ports.stores import CursorRow
from calsync_core.usecases.sync.find_elsewhere import renumbered, renumbered_parts, standing_copies
from calsync_core.usecases.sync.read_own_series import (
    follows,
    links_at,
    own_series,
    read_own_parts,
    series_in_calendar,
    share_days,
    stands_alone,
)
from calsync_core.usecases.sync.set_aside import set_aside_entries
from calsync_core.usecases.sync.sync_run import SyncRun


@dataclass(slots=True)
class PageReads:
    """`leaving` are links whose entry seems to be gone; they are looked up when the round is complete. `elsewhere` are
    copies of ours that no link knows, in another calendar than the primary one (R143)."""

    reads: list[Read] = field(default_factory=list)
    leaving: set[LinkRef] = field(default_factory=set)
    seen: set[LinkRef] = field(default_factory=set)
    elsewhere: list[Entry] = field(default_factory=list)


@value(frozen=True, slots=True)
class Feed:
    """One chosen calendar. `known` holds all our marks of the mailbox while a full round is read, else None."""

    calendar_id: CalendarId
    provider: CalendarProvider
    known: KnownMarks | None = None


def read_calendar_page(run: SyncRun, feed: Feed, row: CursorRow, page: CalendarPage) -> PageReads:
    """Turn a page into reads. Raises what the provider and the stores raise; nothing is written but notes of what is to
    be looked up."""
    found = PageReads()
    if not row.is_full and not page.entries and not page.removed:
        return found  # nothing has changed, as nearly always
    removed = set(page.removed)
    latest = {entry.id: entry for entry in page.entries if entry.id not in removed}
    entries = {entry.id: entry for entry in _readable(run, feed, latest.values(), found)}
    singles = [entry for entry in entries.values() if entry.kind is Kind.SINGLE]
    series = {_series_of(entry) for entry in latest.values() if entry.kind is not Kind.SINGLE}
    series |= _trace_removed(run, feed, page.removed, found)
    known = links_at(run, feed.calendar_id, sorted(series))
    own = {entry_id: link for entry_id, link in known.items() if link.pattern}
    # A person's single entry that repeats since: each of its dates has a block of its own.
    found.leaving |= {one.ref for one in known.values() if one.origin is Origin.CALENDAR and one.series_id is None}
    for link in own.values():
        _read_series_of_ours(run, feed, row, link, entries, found)
    foreign = _foreign_series(run, feed, series - own.keys(), found)
    if row.is_full:
        _read_series_from_page(run, feed, row, entries, foreign, found)
    else:
        _read_series_anew(run, feed, row, foreign, found)
    _read_singles(run, feed, row, [one for one in singles if one.id not in own], found)
    found.reads.extend(_own_bookings(run, feed, found.reads))
    found.seen.update(read.ref for read in found.reads)
    found.leaving -= found.seen
    return found


def _readable(run: SyncRun, feed: Feed, entries: Iterable[Entry], found: PageReads) -> list[Entry]:
    """R120: one entry that cannot be read is set aside, and what we know of it is kept."""
    readable, unknown = set_aside_entries(run, feed.calendar_id, entries)
    found.reads.extend(unknown)
    found.seen.update(read.ref for read in unknown)
    return readable


def read_known_series(run: SyncRun, feed: Feed, row: CursorRow, series: Iterable[EntryId]) -> PageReads:
    """A bell rang and the feed stays silent: a deleted occurrence may not be reported at all (graph.md section 4)."""
    found, wanted = PageReads(), list(series)
    own = own_series(run, feed.calendar_id, wanted)
    for link in own.values():
        _read_series_of_ours(run, feed, row, link, {}, found)
    foreign = _foreign_series(run, feed, set(wanted) - own.keys(), found)
    _read_series_anew(run, feed, row, foreign, found)
    return found


def _read_series_of_ours(
    run: SyncRun, feed: Feed, row: CursorRow, link: Link, entries: Mapping[EntryId, Entry], found: PageReads
) -> None:
    """R86: its occurrences are copies of bookings like any other; each is known by its own link. The series comes
    first: where it was moved (R88) or repeats otherwise (R134), nothing else is asked of them."""
    master = _master(run, feed, row, link, entries.get(link.entry_id) if link.entry_id else None)
    parts: Iterable[Entry] = [entry for entry in entries.values() if entry.series_id == link.entry_id]
    is_whole = link.entry_id is not None and not row.is_full
    if is_whole and master is None:
        found.leaving.add(link.ref)
        return
    if is_whole and link.entry_id is not None and not follows(link, master):
        try:
            parts = feed.provider.occurrences(feed.calendar_id, link.entry_id, row.window, run.content)
        except AppointmentGoneError:
            found.leaving.add(link.ref)
            return
        parts = _readable(run, feed, parts, found)
    own = read_own_parts(run, link, master, parts, row, is_complete=not row.is_full)
    if master is None and link.entry_id is not None and own.has_moved:
        # Told on another page (Exchange), and perhaps before the person moved the whole series: it is asked once more.
        master = feed.provider.entries(feed.calendar_id, [link.entry_id], run.content)[link.entry_id]
        own = read_own_parts(run, link, master, parts, row, is_complete=False)
    if master is not None:
        found.reads.append(_read_linked(run, link, master))
    if own.has_strays:
        run.strayed.add(link.ref)
    found.reads.extend(_read_linked(run, part, entry) for part, entry in own.present)
    found.leaving |= own.absent
    found.seen |= own.followers | {link.ref}
    found.leaving -= found.seen


def _master(run: SyncRun, feed: Feed, row: CursorRow, link: Link, told: Entry | None) -> Entry | None:
    """The series itself, as the feed told it or by a look-up: where the feed was silent about it, or told a new version
    of it and not how it repeats (Exchange). None in a full round that has not told it (yet)."""
    if link.entry_id is None:
        return told
    is_telling = told is not None and (told.version == link.calendar.version or fingerprint.repeats_of(told) != "")
    if is_telling or (told is None and row.is_full):
        return told
    return feed.provider.entries(feed.calendar_id, [link.entry_id], run.content)[link.entry_id]


def _foreign_series(run: SyncRun, feed: Feed, series: set[EntryId], found: PageReads) -> dict[EntryId, Mark | None]:
    """Series that are not (yet) ours to write, with the mark that they carry."""
    foreign: dict[EntryId, Mark | None] = {}
    for series_id in sorted(series):
        prefix = series_prefix(run.resource, feed.calendar_id, series_id)
        known = run.ports.stores.links.series(run.account, run.resource, prefix) if feed.known is None else []
        if known and not any(link.booking_id for link in known):
            foreign[series_id] = None  # a person's own, known for long
            continue
        if feed.known is not None and series_id not in feed.known.marks:
            foreign[series_id] = None
            continue
        master = feed.provider.entries(feed.calendar_id, [series_id], run.content)[series_id]
        if master is None:
            foreign[series_id] = None
            continue
        read = _read_new(run, feed, master, found)
        if found.elsewhere and found.elsewhere[-1] is master:
            continue  # R143: its occurrences take no time that their bookings do not take
        if read.ref == entry_ref(run.resource, feed.calendar_id, series_id):
            foreign[series_id] = master.mark
        elif read.link is None or not _waits_for(run, read.link, master):
            found.reads.append(read)  # R32
            moved = renumbered_parts(run, feed.provider, read.link, master)
            found.reads.extend(_read_linked(run, part, entry) for part, entry in moved)
    return foreign


def _waits_for(run: SyncRun, series: Link, master: Entry) -> bool:
    """Whether it is the one that was about to be created, which the booking system's feed brings in. R122: where the
    table was restored the row may be older than the series, and nobody would look for another mark."""
    return series.intent is Intent.CREATE and master.mark == run.mark(series)


def _series_of(entry: Entry) -> EntryId:
    return entry.series_id or entry.id


def _trace_removed(run: SyncRun, feed: Feed, removed: Iterable[EntryId], found: PageReads) -> set[EntryId]:
    """Removed ids that we know: singles wait for their look-up, parts of a series have the whole series read."""
    ids = list(dict.fromkeys(removed))
    if not ids:
        return set()
    links = run.ports.stores.links
    known = links.by_entries(run.account, run.resource, feed.calendar_id, ids)
    series: set[EntryId] = set()
    for entry_id in ids:
        link = known.get(entry_id)
        if link is None:
            if links.series(run.account, run.resource, series_prefix(run.resource, feed.calendar_id, entry_id)):
                series.add(entry_id)
        elif link.series_id is not None and link.origin is Origin.HOST:
            masters = series_in_calendar(run, [link])
            series |= masters
            if not masters or stands_alone(link):
                found.leaving.add(link.ref)
        elif link.series_id is not None:
            series.add(EntryId(link.series_id))
        elif link.pattern:
            series.add(entry_id)  # gone, or there without any occurrence left
        else:
            found.leaving.add(link.ref)
    return series


def _read_series_from_page(
    run: SyncRun,
    feed: Feed,
    row: CursorRow,
    entries: Mapping[EntryId, Entry],
    foreign: Mapping[EntryId, Mark | None],
    found: PageReads,
) -> None:
    """A full round brings every occurrence of the window, sparse; the content stands in the master."""
    parts = [
        entry
        for entry in entries.values()
        if entry.kind in (Kind.OCCURRENCE, Kind.EXCEPTION) and _series_of(entry) in foreign
    ]
    masters = {entry.id: entry for entry in entries.values() if entry.kind is Kind.MASTER}
    missing = {part.series_id for part in parts if part.is_sparse and part.series_id} - masters.keys()
    if missing:
        looked_up = feed.provider.entries(feed.calendar_id, sorted(missing), run.content)
        masters.update({entry.id: entry for entry in looked_up.values() if entry is not None})
    filled = [part for part in (_filled(part, masters) for part in parts) if part is not None]
    whole = _readable(run, feed, filled, found)
    refs = {entry.id: _occurrence_ref(run, feed, entry) for entry in whole}
    links = run.ports.stores.links.get(run.account, run.resource, list(dict.fromkeys(refs.values())))
    reads = [
        Read(refs[entry.id], links.get(refs[entry.id]), calendar=_with_mark(entry, foreign[_series_of(entry)]))
        for entry in whole
    ]
    found.reads.extend(share_days(run, row, reads))


def _with_mark(entry: Entry, mark: Mark | None) -> Entry:
    return entry if entry.mark == mark else replace(entry, mark=mark)


def _filled(part: Entry, masters: Mapping[EntryId, Entry]) -> Entry | None:
    if not part.is_sparse:
        return part
    master = masters.get(part.series_id) if part.series_id else None
    if master is None:
        return None  # the master vanished while the round was read: the feed will say so
    return replace(
        master, id=part.id, version=part.version or master.version, when=part.when, kind=part.kind,
        series_id=part.series_id, original_start_at=part.original_start_at, is_sparse=False,
    )  # fmt: skip


def _occurrence_ref(run: SyncRun, feed: Feed, entry: Entry) -> LinkRef:
    original = entry.original_start_at or entry.when.interval("UTC")[0]
    return occurrence_ref(run.resource, feed.calendar_id, _series_of(entry), original)


def _read_series_anew(
    run: SyncRun, feed: Feed, row: CursorRow, foreign: Mapping[EntryId, Mark | None], found: PageReads
) -> None:
    """After any change of a series its whole set in the window is read: a deleted occurrence has no tombstone. Whose
    bookings they are is asked once for all series: the answer costs a read of the booking system's whole window."""
    reads: list[Read] = []
    for series_id in sorted(foreign):
        reads += _dates_of(run, feed, row, series_id, foreign[series_id], found)
    found.reads.extend(share_days(run, row, reads))


def _dates_of(
    run: SyncRun, feed: Feed, row: CursorRow, series_id: EntryId, mark: Mark | None, found: PageReads
) -> list[Read]:
    prefix = series_prefix(run.resource, feed.calendar_id, series_id)
    known = {link.ref: link for link in run.ports.stores.links.series(run.account, run.resource, prefix)}
    try:
        parts = feed.provider.occurrences(feed.calendar_id, series_id, row.window, run.content)
    except AppointmentGoneError:
        parts = []
    present = {_occurrence_ref(run, feed, entry): entry for entry in _readable(run, feed, parts, found)}
    absent = {ref: link for ref, link in known.items() if ref not in present and ref not in found.seen}
    zone, window = run.scope.resource.time_zone, row.window
    found.leaving |= {  # R121: an occurrence that was moved beyond the window is followed by its id
        ref for ref, link in absent.items() if window.holds(link.when, zone) or link.start_at >= window.end_at
    }
    return [Read(ref, known.get(ref), calendar=_with_mark(entry, mark)) for ref, entry in present.items()]


def _read_singles(run: SyncRun, feed: Feed, row: CursorRow, singles: list[Entry], found: PageReads) -> None:
    ids = [entry.id for entry in singles]
    linked = run.ports.stores.links.by_entries(run.account, run.resource, feed.calendar_id, ids) if ids else {}
    for entry in singles:
        link = linked.get(entry.id)
        if link is not None and link.pattern:  # R134: it repeats no more
            _read_series_of_ours(run, feed, row, link, {entry.id: entry}, found)
        elif link is not None:
            found.reads.append(_read_linked(run, link, entry))
    new = [one for one in singles if one.id not in linked]
    if not row.is_full or row.page == 0 or row.feed != feed.calendar_id:  # a full round that goes on judges itself
        found.leaving |= _note_dates(run, feed, new)
    new = _readable(run, feed, _with_marks(run, feed, new), found)
    found.reads.extend(_read_new(run, feed, entry, found) for entry in new)


def _note_dates(run: SyncRun, feed: Feed, singles: Iterable[Entry]) -> set[LinkRef]:
    """Of a person's own series that repeats no more, and stands as a single entry under its id. Noted at once: when the
    entry has a link of its own nothing leads to them any more."""
    links = run.ports.stores.links
    prefixes = [series_prefix(run.resource, feed.calendar_id, entry.id) for entry in singles]
    dates = {link.ref for prefix in prefixes for link in links.series(run.account, run.resource, prefix)}
    if dates and run.foreseen is None:
        links.set_leaving(run.account, run.resource, feed.calendar_id, sorted(dates))
    return dates


def _read_linked(run: SyncRun, link: Link, entry: Entry) -> Read:
    if link.origin is Origin.CALENDAR or not (link.is_disputed or calendar_moved_on(link, entry)):
        return Read(link.ref, link, calendar=entry)
    return Read(link.ref, link, read_booking(run, link.booking_id), entry)


def read_booking(run: SyncRun, booking_id: BookingId | None) -> Booking | Missing:
    """The booking as it stands now, or that it is gone for certain."""
    if booking_id is None:
        return Missing.GONE
    try:
        return run.host.booking(booking_id)
    except AppointmentGoneError:
        return Missing.GONE
    except AppointmentRejectedError:
        return Missing.UNKNOWN  # R120


def _with_marks(run: SyncRun, feed: Feed, entries: list[Entry]) -> list[Entry]:
    """Each entry with its mark, if any; a full round has asked for all marks at once."""
    if feed.known is not None:
        marks = feed.known.marks
        return [replace(entry, mark=marks.get(entry.id), is_mark_known=True) for entry in entries]
    unknown = [entry.id for entry in entries if not entry.is_mark_known]
    looked_up = feed.provider.entries(feed.calendar_id, unknown, run.content) if unknown else {}
    whole = [entry if entry.is_mark_known else looked_up.get(entry.id) for entry in entries]
    return [entry for entry in whole if entry is not None]


def _read_new(run: SyncRun, feed: Feed, entry: Entry, found: PageReads) -> Read:
    foreign = Read(entry_ref(run.resource, feed.calendar_id, entry.id), None, calendar=entry)
    mark = entry.mark
    if mark is None or mark.installation != run.scope.installation or mark.account != run.account:
        return foreign  # R123: what another installation wrote is an entry like any other
    if mark.resource != run.resource:
        return replace(foreign, is_shared_booking=_is_shared(run, feed, entry, mark))
    return _read_own(run, feed, entry, mark, found) or foreign


def _own_bookings(run: SyncRun, feed: Feed, reads: list[Read]) -> list[Read]:
    """The copy of a booking that is ours too does not block (R34). Whether it still is ours the booking system tells by
    the id alone, so our own link must exist from now on: the booking is dealt with at once. A copy of our own may stand
    on a page that is still to come, after a reconnect (R32) or when the table was restored (R122)."""
    told = {read.ref for read in reads}
    shared = [read.calendar.mark for read in reads if read.is_shared_booking and isinstance(read.calendar, Entry)]
    theirs = [mark for mark in shared if mark is not None and mark.resource != run.resource]
    bookings = {ref: mark.booking for mark in theirs if (ref := booking_ref(mark.booking)) not in told}
    known = run.ports.stores.links.get(run.account, run.resource, list(bookings)) if bookings else {}
    new = [Read(ref, None, read_booking(run, booking)) for ref, booking in bookings.items() if ref not in known]
    new = [read for read in new if isinstance(read.host, Booking) and read.host.series_id is None]
    known_here = feed.known if feed.calendar_id == run.scope.primary else None
    standing = standing_copies(run, known_here, {bookings[read.ref] for read in new}) if new else {}
    return [replace(read, calendar=standing.get(bookings[read.ref], read.calendar)) for read in new]


def _is_shared(run: SyncRun, feed: Feed, entry: Entry, mark: Mark) -> bool:
    """The copy that another resource has (or had) of a booking that is ours too; not a person's copy of it. Where the
    mailbox was moved all ids are new, and the other's row does not know it yet."""
    ref = booking_ref(mark.booking)
    link = run.ports.stores.links.get(run.account, mark.resource, [ref]).get(ref)
    if link is not None and link.entry_id not in (None, entry.id) and is_another(link, entry, mark):
        return False
    if link is not None and link.entry_id is None and link.entry_uid and is_pasted(link, entry, mark):
        return False  # R35, also when the original is gone
    if link is None and (_blocks_for(run, mark.resource, entry) or _is_pasted_here(feed, entry, mark)):
        return False  # R35, also when the row of the original is gone
    return takes_place(read_booking(run, mark.booking), run.resource)


def _blocks_for(run: SyncRun, other: ResourceId, entry: Entry) -> bool:
    """Whether the resource that the mark names had both before it, and took this entry for a person's copy."""
    links = run.ports.stores.links.by_entries(run.account, other, entry.calendar_id, [entry.id])
    return any(link.origin is Origin.CALENDAR for link in links.values())


def takes_place(booking: Booking | Missing, resource: ResourceId) -> bool:
    """Whether it is there, and this resource's."""
    if not isinstance(booking, Booking) or booking.status is BookingStatus.CANCELLED:
        return False
    return resource in booking.resource_ids


def _read_own(run: SyncRun, feed: Feed, entry: Entry, mark: Mark, found: PageReads) -> Read | None:
    """Our own copy without a pointer: found again (adopt), or a person's copy of it (a new foreign entry)."""
    ref = booking_ref(mark.booking)
    link = run.ports.stores.links.get(run.account, run.resource, [ref]).get(ref)
    if link is None or (link.entry_id is None and link.entry_uid is None) or mark.generation > link.generation:
        if _is_pasted_here(feed, entry, mark):
            return None  # R35: nothing but its age tells it from the copy that it was made of
    elif link.entry_id != entry.id and is_pasted(link, entry, mark):
        return None  # R35
    if link is not None and link.entry_id is not None and link.entry_id != entry.id:
        twin = feed.provider.entries(link.calendar_id, [link.entry_id], run.content)[link.entry_id]
        if twin is not None:
            return None  # R35: the mark belongs to the one that the link knows
        if is_renumbered(link, entry, mark):  # R122: the mailbox was moved
            return _read_linked(run, renumbered(link, entry), entry)
        link = replace(link, entry_id=None, calendar=Agreed())  # R122: the table was restored and is behind
    booking = read_booking(run, mark.booking)
    is_known, is_ours = link is not None and link.intent is not None, takes_place(booking, run.resource)
    if not is_known and not is_ours:
        return None  # no link, no deletion: it stays, and blocks as time only
    if is_ours and entry.calendar_id != run.scope.primary:
        return _read_elsewhere(run, entry, found)
    return Read(ref, link, booking, entry)


def _read_elsewhere(run: SyncRun, entry: Entry, found: PageReads) -> Read | None:
    """R143: it is brought to the primary calendar, and until then takes no time that its booking does not take (R34).
    In the mailbox of somebody else it is an entry like any other."""
    if (run.state.mailbox, entry.calendar_id) not in run.state.calendars:
        return None
    found.elsewhere.append(entry)
    return Read(entry_ref(run.resource, entry.calendar_id, entry.id), None, calendar=entry, is_shared_booking=True)


def _is_pasted_here(feed: Feed, entry: Entry, mark: Mark) -> bool:
    if feed.known is not None:
        return entry.id in feed.known.pasted
    return is_late(entry) or entry.id in KnownMarks.of(feed.provider.find_mark(mark)).pasted
