"""Reads of both sides against the link: what changed, by group, and what is not known.

`changed` = the version differs and a fingerprint of our fields differs. `gone` = a look-up of that very id said so.
A side that was not read counts as unchanged, because a version guards every write to it; one that could not be read is
`unknown`.
"""

from enum import Enum, StrEnum

from calsync_core.domain.appointments import Block, Booking, BookingStatus, Copy, Entry, Timed
from calsync_core.domain.ids import AccountId, CalendarId, LinkRef, ResourceId
from calsync_core.domain.links import Link, Origin
from calsync_core.domain.recurrence import Recurrence
from calsync_core.domain.resources import Resource
from calsync_core.domain.settings import SyncSettings
from calsync_core.domain.values import replace, value
from calsync_core.domain.windows import Window
from calsync_core.engine import fingerprint
from calsync_core.engine.project import NotBlocking, project_booking, project_entry


class Missing(Enum):
    """Why there is no appointment in a read."""

    GONE = "gone"
    UNKNOWN = "unknown"
    NOT_READ = "not_read"


class Side(StrEnum):
    """Where one side of a link stands."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    GONE = "gone"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@value(frozen=True, slots=True)
class Scope:
    """What holds for the whole run. `reproject_below`: links projected under an older settings version count as
    changed at the host (settings applied to the whole window). `removes_closed`: the admin chose that what a closed
    direction had written goes."""

    account: AccountId
    installation: str
    resource: Resource
    settings: SyncSettings
    settings_version: int
    window: Window
    primary: CalendarId
    reproject_below: int = 0
    removes_closed: bool = False


@value(frozen=True, slots=True)
class Read:
    """What was read for one link. `entry_is_whole` says that the entry came from a look-up with all its content;
    `is_shared_booking`: the entry is the copy of a booking that belongs to this resource too; `is_single`: no series in
    the calendar has a place for this occurrence of a booking series."""

    ref: LinkRef
    link: Link | None
    host: Booking | Block | Missing = Missing.NOT_READ
    calendar: Entry | Missing = Missing.NOT_READ
    entry_is_whole: bool = False
    is_shared_booking: bool = False
    is_single: bool = False


@value(frozen=True, slots=True)
class Observation:
    """One link with both sides judged; `copy` or `block` is the projection, where the origin was read. Which group of
    fields has changed is asked of bookings and their copies alone."""

    read: Read
    origin: Origin
    host: Side
    calendar: Side
    host_time_changed: bool = False
    host_rest_changed: bool = False
    calendar_time_changed: bool = False
    calendar_rest_changed: bool = False
    calendar_pattern_changed: bool = False
    copy: Copy | None = None
    block: Block | NotBlocking | None = None


def observe(reads: list[Read], scope: Scope) -> list[Observation]:
    """Judge each read; order is kept."""
    return [_observe_one(read, scope) for read in reads]


def calendar_moved_on(link: Link, entry: Entry) -> bool:
    """Whether a feed entry says more than our own echo; cheap, decides which bookings must be read."""
    if entry.version == link.calendar.version and link.series_id is None:
        return False  # the version of an occurrence is its series' own, and may not tell of a change (graph.md 3.4)
    if entry.is_cancelled or fingerprint.time_of(entry.when) != link.calendar.time:
        return True
    return repeats_otherwise(link, entry)


def repeats_otherwise(link: Link, entry: Entry) -> bool:
    """R134, R135: somebody made a series of ours repeat in another way than the calendar said it when we wrote it. What
    the entry does not tell is no change."""
    if not (link.pattern and link.calendar.repeats):
        return False
    return fingerprint.repeats_of(entry) not in ("", link.calendar.repeats)


def _observe_one(read: Read, scope: Scope) -> Observation:
    if isinstance(read.calendar, Entry) and read.calendar.problem is not None:
        read = replace(read, calendar=Missing.UNKNOWN)  # R120
    origin = read.link.origin if read.link else Origin.HOST if isinstance(read.host, Booking) else Origin.CALENDAR
    return _host_born(read, scope) if origin is Origin.HOST else _calendar_born(read, scope)


def _host_born(read: Read, scope: Scope) -> Observation:
    link, booking, entry = read.link, read.host, read.calendar
    host, host_time, host_rest, copy = Side.UNCHANGED, False, False, None
    if isinstance(booking, Booking):
        if _has_left(booking, scope.resource.id):
            host = Side.GONE
        elif link is None or not link.host.time:
            host, copy = Side.CHANGED, project_booking(booking, scope.settings, scope.resource)
        elif booking.version != link.host.version or link.settings_version < scope.reproject_below:
            copy = project_booking(booking, scope.settings, scope.resource)
            host_time = fingerprint.time_of(copy.when) != link.host.time
            host_rest = fingerprint.asked_of_copy(copy) != link.host.rest
            host_time |= _repeats_differently(copy, link)
            host = Side.CHANGED if host_time or host_rest else Side.UNCHANGED
    elif booking is Missing.GONE:
        host = Side.GONE
    elif booking is Missing.UNKNOWN:
        host = Side.UNKNOWN
    calendar, calendar_time, calendar_rest, repeats = _copy_side(link, entry, is_whole=read.entry_is_whole)
    must_project = calendar is not Side.UNCHANGED or (link is not None and link.decision is not None)
    must_project |= isinstance(booking, Booking) and _cannot_be_said(booking, link)
    if copy is None and isinstance(booking, Booking) and host is Side.UNCHANGED and must_project:
        copy = project_booking(booking, scope.settings, scope.resource)
    return Observation(
        read, Origin.HOST, host, calendar, host_time, host_rest, calendar_time, calendar_rest, repeats, copy=copy
    )


def _cannot_be_said(booking: Booking, link: Link | None) -> bool:
    """Written as a series, and its rule is one that calendars cannot say now (R82)."""
    return link is not None and bool(link.pattern) and not isinstance(booking.recurrence, Recurrence)


def _repeats_differently(copy: Copy, link: Link) -> bool:
    repeats = copy.recurrence
    return bool(link.pattern) and repeats is not None and fingerprint.pattern_of(repeats) != link.pattern


def _has_left(booking: Booking, resource: ResourceId) -> bool:
    return booking.status is BookingStatus.CANCELLED or resource not in booking.resource_ids


def _copy_side(link: Link | None, entry: Entry | Missing, *, is_whole: bool) -> tuple[Side, bool, bool, bool]:
    """And what has changed: the time, the rest, how a series repeats."""
    if isinstance(entry, Entry):
        if link is None or not link.calendar.time:
            return Side.CHANGED, True, True, False  # found by its mark; what it looks like was never agreed on
        if entry.version == link.calendar.version and link.series_id is None:
            return Side.UNCHANGED, False, False, False
        time = fingerprint.time_of(entry.when) != link.calendar.time
        rest = is_whole and fingerprint.rest_of_entry(entry) != link.calendar.rest
        repeats = repeats_otherwise(link, entry)
        return (Side.CHANGED if time or rest or repeats else Side.UNCHANGED), time, rest, repeats
    side = Side.UNCHANGED if link and link.entry_id else Side.ABSENT
    if entry is Missing.GONE:
        side = Side.GONE
    elif entry is Missing.UNKNOWN:
        side = Side.UNKNOWN
    return side, False, False, False


def _calendar_born(read: Read, scope: Scope) -> Observation:
    link, entry = read.link, read.calendar
    calendar, block = Side.UNCHANGED, None
    if isinstance(entry, Entry):
        is_known = link is not None and bool(link.calendar.time)
        must_project = link is not None and (link.settings_version < scope.reproject_below or not link.host.version)
        is_right = link is None or is_placed(link, scope.resource.time_zone)
        is_same = link is not None and is_known and is_right and entry.version == link.calendar.version
        if is_same and not must_project and _block_side(read) is Side.UNCHANGED:
            return Observation(read, Origin.CALENDAR, Side.UNCHANGED, Side.UNCHANGED)
        time_only = _is_time_only(entry, link, scope)
        judged = entry if entry.calendar_id != scope.primary or not time_only else without_text(entry)
        ref = link.block_ref if link is not None else read.ref
        block = project_entry(judged, scope.settings, scope.resource, ref, time_only=time_only)
        if link is None or isinstance(block, NotBlocking):
            calendar = Side.CHANGED
        else:
            is_same = is_right and fingerprint.time_of(block.when) == link.calendar.time
            is_same &= fingerprint.rest_of_block(block) == link.calendar.rest
            calendar = Side.UNCHANGED if is_same else Side.CHANGED
    elif entry is Missing.GONE:
        calendar = Side.GONE
    elif entry is Missing.UNKNOWN:
        calendar = Side.UNKNOWN
    return Observation(read, Origin.CALENDAR, _block_side(read), calendar, block=block)


def is_placed(link: Link, zone: str) -> bool:
    """Whether the row has the instants of its days, which another zone of the resource, or new rules of it, move."""
    return isinstance(link.when, Timed) or link.start_at == link.when.interval(zone)[0]


def _is_time_only(entry: Entry, link: Link | None, scope: Scope) -> bool:
    if entry.calendar_id != scope.primary:
        return True  # conflict calendars give their time, never a text
    if link is not None and link.booking_id is not None:
        return True  # the feed carries no marks: the link remembers that it was a copy of ours
    mark = entry.mark
    return mark is not None and mark.installation == scope.installation and mark.account == scope.account


def without_text(entry: Entry) -> Entry:
    """The copy of a booking: filters by text are about the person's own entries, a booking always takes its time."""
    if entry.title is None and entry.notes is None and entry.location is None and not entry.categories:
        return entry
    return replace(entry, title=None, notes=None, location=None, categories=())


def _block_side(read: Read) -> Side:
    if read.link is None or not read.link.host.version:
        return Side.ABSENT
    if isinstance(read.host, Block):
        same = fingerprint.time_of(read.host.when) == read.link.host.time
        return Side.UNCHANGED if same else Side.CHANGED
    if read.host is Missing.GONE:
        return Side.GONE
    return Side.UNKNOWN if read.host is Missing.UNKNOWN else Side.UNCHANGED
