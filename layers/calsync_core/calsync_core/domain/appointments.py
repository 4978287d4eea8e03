"""Appointments of both sides in calsync's own neutral form.

Timed appointments are aware UTC instants, half open [start_at, end_at). All-day ones are dates, end exclusive,
and become instants only together with a zone (design.md section 5). Nothing here knows JSON, SOAP or a store.
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from calsync_core.domain.ids import AccountId, BookingId, CalendarId, EntryId, LinkRef, ResourceId
from calsync_core.domain.recurrence import Inexpressible, Recurrence
from calsync_core.domain.values import value


@value(frozen=True, slots=True)
class Timed:
    """Two instants in UTC; a zero length is allowed on the wire of both sides, an inverted pair is not."""

    start_at: datetime
    end_at: datetime

    def interval(self, zone: str) -> tuple[datetime, datetime]:  # noqa: ARG002 - same shape as AllDay
        return self.start_at, self.end_at


@value(frozen=True, slots=True)
class AllDay:
    """Whole days as dates, `end` exclusive; floating: the zone that counts is the resource's."""

    start: date
    end: date

    def interval(self, zone: str) -> tuple[datetime, datetime]:
        tz = ZoneInfo(zone)
        start = datetime.combine(self.start, time.min, tz).astimezone(UTC)
        end = datetime.combine(self.end, time.min, tz).astimezone(UTC)
        return start, end


When = Timed | AllDay


def overlap(first: tuple[datetime, datetime], second: tuple[datetime, datetime]) -> bool:
    """The one half-open test that both sides use (complaint 5: duplicates at the window's edge)."""
    return first[0] < second[1] and second[0] < first[1]


class Busy(StrEnum):
    """How a calendar shows the time; Graph's showAs in neutral words."""

    FREE = "free"
    TENTATIVE = "tentative"
    BUSY = "busy"
    OOF = "oof"
    WORKING_ELSEWHERE = "working_elsewhere"
    UNKNOWN = "unknown"


class Response(StrEnum):
    """The owner's answer to an invitation."""

    NONE = "none"
    ORGANIZER = "organizer"
    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"
    NOT_RESPONDED = "not_responded"


class Kind(StrEnum):
    SINGLE = "single"
    OCCURRENCE = "occurrence"
    EXCEPTION = "exception"
    MASTER = "master"


@value(frozen=True, slots=True)
class Notes:
    """`html` notes are untrusted; whoever shows them cleans them first."""

    text: str
    is_html: bool = False


@value(frozen=True, slots=True)
class Mark:
    """What calsync writes on its own copies so that a lost link can be found again (design.md, Adopt before create).

    `own` is new for each copy that is made (engine/marks.py), empty in marks of earlier versions.
    """

    installation: str
    account: AccountId
    resource: ResourceId
    booking: BookingId
    generation: int
    own: str = ""

    def encode(self) -> str:
        parts = ["1", self.installation, self.account, self.resource, self.booking, str(self.generation)]
        return "|".join([*parts, self.own] if self.own else parts)

    @classmethod
    def decode(cls, value: str) -> "Mark | None":
        """None for anything that is not a mark of ours; a damaged mark is a foreign entry."""
        parts = value.split("|")
        if len(parts) not in {6, 7} or parts[0] != "1" or not (parts[5].isascii() and parts[5].isdecimal()):
            return None
        own = parts[6] if len(parts) == 7 else ""
        return cls(parts[1], AccountId(parts[2]), ResourceId(parts[3]), BookingId(parts[4]), int(parts[5]), own)

    @property
    def written_at(self) -> datetime | None:
        """When its copy was first to be written, to the minute; None for marks without an own id."""
        try:
            return datetime.fromtimestamp(int(self.own.partition("-")[0], 16) * 60, UTC)
        except (ValueError, OverflowError, OSError):
            return None


@value(frozen=True, slots=True)
class Entry:
    """One appointment as it stands in a calendar.

    `id` is the provider's immutable id. `series_id` and `original_start_at` (UTC) are set on occurrences and
    exceptions. `is_sparse` says that the feed gave id, series and times only (graph.md section 4): the rest must come
    from the master. `mark` is None when there is none; `is_mark_known` is False when the read could not carry it.
    `title`, `notes`, `location` and `categories` are None or empty when they were not asked for or are private (privacy
    by construction).
    `busy_by_status` etc. are decided by the engine, never here. `created_at` orders clones of one mark. `uid` is the
    calendar's own id of the appointment (iCalUId): a move of the mailbox keeps it, copy and paste does not. `problem`
    is the code of why the entry cannot be read: then only ids and version are true, and nothing is decided by it.
    `recurrence` is how a series repeats, in the calendar's own words; None also where the read could not tell it.
    """

    id: EntryId
    calendar_id: CalendarId
    version: str
    when: When
    kind: Kind = Kind.SINGLE
    series_id: EntryId | None = None
    original_start_at: datetime | None = None
    busy: Busy = Busy.BUSY
    is_private: bool = False
    response: Response = Response.NONE
    is_cancelled: bool = False
    title: str | None = None
    notes: Notes | None = None
    location: str | None = None
    reminder: timedelta | None = None
    has_attendees: bool = False
    mark: Mark | None = None
    is_mark_known: bool = False
    is_sparse: bool = False
    created_at: datetime | None = None
    uid: str | None = None
    problem: str | None = None
    categories: tuple[str, ...] = ()
    recurrence: Recurrence | None = None


class BookingStatus(StrEnum):
    CONFIRMED = "confirmed"
    TENTATIVE = "tentative"
    CANCELLED = "cancelled"


@value(frozen=True, slots=True)
class Customer:
    name: str
    email: str | None = None
    phone: str | None = None


@value(frozen=True, slots=True)
class Booking:
    """One appointment as it stands in the booking system (field.md section 6.2).

    An occurrence has `series_id` and `original_start_at` (where the rule puts it). The series itself is a booking whose
    time is that of the first occurrence, with `is_series_master`, `recurrence` and the left-out starts `exdates`.
    """

    id: BookingId
    version: str
    status: BookingStatus
    resource_ids: tuple[ResourceId, ...]
    when: When
    time_zone: str
    title: str = ""
    service_name: str | None = None
    customer: Customer | None = None
    notes: Notes | None = None
    location: str | None = None
    url: str | None = None
    is_private: bool = False
    buffer_before: timedelta = timedelta(0)
    buffer_after: timedelta = timedelta(0)
    series_id: str | None = None
    is_series_master: bool = False
    custom_fields: tuple[tuple[str, str], ...] = ()
    updated_at: datetime | None = None
    original_start_at: datetime | None = None
    recurrence: Recurrence | Inexpressible | None = None
    exdates: tuple[datetime, ...] = ()


class BlockKind(StrEnum):
    BUSY = "busy"
    TENTATIVE = "tentative"
    OOF = "oof"


@value(frozen=True, slots=True)
class Block:
    """The copy of a calendar entry at the booking system; without title and notes it is a blocker."""

    ref: LinkRef
    resource_id: ResourceId
    when: When
    time_zone: str
    kind: BlockKind = BlockKind.BUSY
    title: str | None = None
    notes: Notes | None = None


@value(frozen=True, slots=True)
class Copy:
    """The copy of a booking as it must look in the calendar. It has no attendees: nobody is ever mailed.

    `reminder` None means "no alarm" and is sent explicitly (graph.md 3.2). With a `recurrence` the copy is a real
    series: `when` is its first occurrence, and the wall time that repeats is that of `recurrence.zone`. `keeps_times`
    asks `update` to write the rest alone: a series whose times are written loses its exceptions (graph.md 3.10).
    """

    when: When
    time_zone: str
    title: str
    notes: Notes | None = None
    location: str | None = None
    busy: Busy = Busy.BUSY
    is_private: bool = False
    reminder: timedelta | None = None
    recurrence: Recurrence | None = None
    keeps_times: bool = False
