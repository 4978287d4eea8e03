"""The copies that other resources have of bookings in a calendar of ours: whether they block depends on whether the
booking is ours too, and their own feed says nothing when only that changes (R33, R34)."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from calsync_core.domain.appointments import AllDay, Booking, Entry, Mark
from calsync_core.domain.errors import AppointmentGoneError, ProviderUnavailableError
from calsync_core.domain.ids import BookingId, LinkRef, MailboxId, ResourceId
from calsync_core.domain.links import Intent, Link, Origin, booking_ref, entry_ref, occurrence_ref
from calsync_core.domain.values import replace, value
from calsync_core.engine.observe import Missing, Read
from calsync_core.usecases.read_span import bookings_in
from calsync_core.usecases.sync.read_calendar import takes_place
from calsync_core.usecases.sync.read_own_series import day_of, series_ref
from calsync_core.usecases.sync.sync_run import SyncRun


@value(frozen=True, slots=True)
class Told:
    """What was learnt of one booking. `takes_place`: it is there, and it is this resource's too."""

    ref: LinkRef
    series: LinkRef | None
    resource_ids: tuple[ResourceId, ...]
    original_start_at: datetime | None
    time_zone: str
    takes_place: bool


def told_of(run: SyncRun, read: Read) -> Told | None:
    """Of a booking that has come, changed or left; of one that is gone the link knows the rest."""
    booking, link = read.host, read.link
    if isinstance(booking, Booking):
        if booking.is_series_master:
            return None  # a series takes no time: its occurrences do
        is_ours = takes_place(booking, run.resource)
        if is_ours and link is not None and link.host.version == booking.version:
            return None
        series = booking_ref(BookingId(booking.series_id)) if booking.series_id else None
        return Told(
            booking_ref(booking.id), series, booking.resource_ids, booking.original_start_at, booking.time_zone, is_ours
        )  # fmt: skip
    is_gone = booking is Missing.GONE and (link is None or (link.origin is Origin.HOST and not link.pattern))
    if not is_gone:
        return None
    series = series_ref(link) if link is not None and link.series_id else None
    place = link.original_start_at if link is not None else None
    return Told(read.ref, series, (), place, run.scope.resource.time_zone, takes_place=False)


def read_shared_copies(run: SyncRun, bookings: Iterable[Told]) -> list[Read]:
    """Those that do not stand here as they should. Raises what the provider and the stores raise."""
    of_other: dict[ResourceId, list[Told]] = {}
    for booking in bookings:
        for other in _sharers(run, booking):
            of_other.setdefault(other, []).append(booking)
    return [read for other, theirs in of_other.items() for read in _read_copies_of(run, other, theirs)]


def _sharers(run: SyncRun, booking: Told) -> list[ResourceId]:
    """Who else may have a copy here: the booking's other resources, and those of the same mailbox that it has left and
    that may not remove theirs (their direction is closed)."""
    return [other for other in dict.fromkeys((*booking.resource_ids, *own_mailbox(run))) if other != run.resource]


def own_mailbox(run: SyncRun) -> tuple[ResourceId, ...]:
    """The resources that use the mailbox of this one, itself among them."""
    if run.own_mailbox is None:
        connection = run.ports.stores.connections.get(run.account, run.state.mailbox) if run.state.mailbox else None
        run.own_mailbox = connection.resources if connection is not None else ()
    return run.own_mailbox


def neighbours(run: SyncRun) -> list[ResourceId]:
    """The other resources whose copies may stand in a calendar of ours."""
    connections = run.ports.stores.connections
    others = {mailbox for mailbox, _ in run.state.calendars if mailbox != run.state.mailbox}
    told = [connections.get(run.account, mailbox) for mailbox in sorted(others)]
    users = [*own_mailbox(run), *(one for connection in told if connection for one in connection.resources)]
    return [one for one in dict.fromkeys(users) if one != run.resource]


def read_given_away(run: SyncRun, refs: set[LinkRef]) -> list[Read]:
    """Of bookings that left us, and that nobody has a link of, those that are others' now: in a closed direction they
    may be dates of a series that another resource wrote and does not know one by one (yet). Nothing follows from the
    rest. P12: a series may leave with hundreds of dates, so the others' windows are read, and no booking by itself."""
    if not refs or run.scope.settings.writes_calendar:
        return []
    theirs = (booking for other in neighbours(run) for booking in _bookings_of(run, other))
    found = {ref: booking for booking in theirs if (ref := booking_ref(booking.id)) in refs}
    return [Read(ref, None, booking) for ref, booking in found.items()]


def _bookings_of(run: SyncRun, other: ResourceId) -> Iterable[Booking]:
    """None where the booking system has dropped the other one: our run must not wait for that."""
    try:
        yield from bookings_in(run.host, other, run.scope.window)
    except ProviderUnavailableError as error:
        if error.code != "host_resource_unknown":
            raise


def _read_copies_of(run: SyncRun, other: ResourceId, bookings: list[Told]) -> list[Read]:
    refs = {ref for booking in bookings for ref in (booking.ref, booking.series) if ref}
    links = run.ports.stores.links.get(run.account, other, sorted(refs))
    unknown = {series_ref(link) for link in links.values() if link.series_id} - refs
    if unknown:  # of dates that are gone, and were not ours
        links |= run.ports.stores.links.get(run.account, other, sorted(unknown))
    state = run.ports.stores.resources.get(run.account, other) if links else None
    if state is None or state.mailbox is None:
        return []
    here = {
        ref: _with_entry(run, state.mailbox, other, link)
        for ref, link in links.items()
        if (state.mailbox, link.calendar_id) in run.state.calendars
    }
    reads: list[Read] = []
    by_day: dict[LinkRef, list[Entry]] = {}
    for booking in bookings:
        link = here.get(booking.ref)
        of_series = series_ref(link) if link is not None and link.series_id else LinkRef("")
        series = here.get(booking.series or of_series)
        if link is not None:
            read = _by_its_link(run, state.mailbox, link, series, booking)
        elif series is not None:
            if series.ref not in by_day:
                by_day[series.ref] = _occurrences(run, state.mailbox, series)
            read = _by_its_day(run, series, by_day[series.ref], booking)
        else:
            read = None
        if read is not None:
            reads.append(read)
    return reads


def _with_entry(run: SyncRun, mailbox: MailboxId, other: ResourceId, link: Link) -> Link:
    """A create of the other's whose answer was lost may stand here, and have been read, before the other finds it."""
    if link.entry_id is not None or link.intent is not Intent.CREATE or link.booking_id is None:
        return link
    mark = Mark(run.scope.installation, run.account, other, link.booking_id, link.generation, link.mark_id)
    found = [one for one in run.calendar(mailbox).find_mark(mark) if one.calendar_id == link.calendar_id]
    return replace(link, entry_id=found[0].id) if found else link


def _by_its_link(run: SyncRun, mailbox: MailboxId, link: Link, series: Link | None, booking: Told) -> Read | None:
    if link.entry_id is None or link.pattern:
        return None  # a series takes no time
    ref = entry_ref(run.resource, link.calendar_id, link.entry_id)
    if link.original_start_at is not None:
        if series is None or series.entry_id is None:
            return None  # its place goes with its series, whose own change the calendar's feed tells
        ref = occurrence_ref(run.resource, link.calendar_id, series.entry_id, link.original_start_at)
    own = run.ports.stores.links.get(run.account, run.resource, [ref]).get(ref)
    if _stands_as_it_should(own, booking):
        return None
    entry = run.calendar(mailbox).entries(link.calendar_id, [link.entry_id], run.content)[link.entry_id]
    return _read(run, ref, own, entry, link, booking) if entry is not None else None


def _occurrences(run: SyncRun, mailbox: MailboxId, series: Link) -> list[Entry]:
    if series.entry_id is None:
        return []
    try:
        return run.calendar(mailbox).occurrences(series.calendar_id, series.entry_id, run.scope.window, run.content)
    except AppointmentGoneError:
        return []


def _by_its_day(run: SyncRun, series: Link, occurrences: list[Entry], booking: Told) -> Read | None:
    """The other has written the series, and does not know (yet) which of its places stands for this booking."""
    if series.entry_id is None or booking.original_start_at is None:
        return None
    entry = next((one for one in occurrences if _is_its_place(one, booking)), None)
    if entry is None or entry.original_start_at is None:
        return None
    ref = occurrence_ref(run.resource, series.calendar_id, series.entry_id, entry.original_start_at)
    own = run.ports.stores.links.get(run.account, run.resource, [ref]).get(ref)
    return None if _stands_as_it_should(own, booking) else _read(run, ref, own, entry, series, booking)


def _is_its_place(entry: Entry, booking: Told) -> bool:
    """To the minute: a day may have seen another booking of the series, before its rule was changed."""
    start = booking.original_start_at
    if start is None or not isinstance(entry.when, AllDay):
        return entry.original_start_at == start
    return day_of(entry, booking.time_zone) == start.astimezone(ZoneInfo(booking.time_zone)).date()


def _stands_as_it_should(own: Link | None, booking: Told) -> bool:
    """`own`: the link of its block here. A copy of what is ours too has none, any other one has a written one."""
    return own is None if booking.takes_place else own is not None and own.intent is None


def _read(run: SyncRun, ref: LinkRef, own: Link | None, entry: Entry, link: Link, booking: Told) -> Read:
    if entry.series_id is not None:  # an occurrence need not show its series' mark
        series_id = BookingId(link.series_id or link.booking_id or "")
        mark = Mark(run.scope.installation, run.account, link.resource_id, series_id, link.generation)
        entry = replace(entry, mark=mark)
    return Read(ref, own, calendar=entry, is_shared_booking=booking.takes_place)
