"""The stored pair of an origin and its copy, with what both sides last agreed on."""

from dataclasses import field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from calsync_core.domain.appointments import When
from calsync_core.domain.ids import BookingId, CalendarId, EntryId, LinkRef, ResourceId, short_hash
from calsync_core.domain.values import replace, value


class Origin(StrEnum):
    HOST = "host"
    CALENDAR = "calendar"


class Intent(StrEnum):
    """What was about to be done when the row was written; a run that finds one looks before it acts."""

    CREATE = "create"
    ALIGN = "align"
    """Only on the link of a series: it was written, and its occurrences must be brought in line with their bookings."""


@value(frozen=True, slots=True)
class Agreed:
    """One side as it stood when both sides agreed: the server's version, and fingerprints of our fields by group.

    `repeats` is how the calendar itself said the rule that we wrote into a series; "" where it was not told."""

    version: str = ""
    time: str = ""
    rest: str = ""
    repeats: str = ""


@value(frozen=True, slots=True)
class Attempt:
    """What a write of ours was about to bring about on one side, as fingerprints, until its answer is known."""

    side: Origin
    time: str
    rest: str
    repeats: str = ""


@value(frozen=True, slots=True)
class Refused:
    """What the booking system said no to: why, and `wish`, what it was asked of which version of the booking."""

    code: str
    wish: str


_LEFT_BEHIND = "left-behind:"

CANCEL = "cancel"
"""What is asked when the copy was deleted: no time."""


def wish_of(booking_version: str, time: str) -> str:
    """The same wish for the same version of a booking. `time` is the fingerprint of the time wished for, or CANCEL."""
    return f"{booking_version}|{time}"


@value(frozen=True, slots=True)
class Link:
    """One pair. `host` and `calendar` hold what was last agreed; `when` is the agreed time of the origin.

    `booking_id` on a calendar-born link: the entry is another resource's (or a person's) copy of that booking.
    `entry_id` is None until the calendar's id is known. `generation` counts how often the copy was made anew: each has
    a transactionId of its own (graph.md 3.5). `settings_version` is the one it was projected under. `row` is the
    version of the stored row (0 = not stored yet). `decision` is the side that a person let win; the next run obeys
    and clears it. `series_id` of a host-born link is the id of the booking series it belongs to, of a calendar-born
    one that of the series in the calendar; `original_start_at` is its place in the calendar's series. `pattern` makes
    a link the link of a whole series: the fingerprint of how it repeats; such a link takes no time. `attempt` tells
    our own write, whose answer was lost, from a change by somebody else. `has_attendees`: the person invited others to
    the copy, so a write of ours would mail them. `refused` is what the booking system said no to last, as long as the
    two sides differ because of it (R110). `is_disputed`: a conflict about this very link was opened, and since then no
    look at both sides found them in agreement. `mark_id` is the own id of the copy's mark, `entry_uid` a hash of the
    calendar's own id of the copy: both tell the copy from a person's copy of it (engine/marks.py). `writes` and
    `writes_since` feed the write budget. `entry_uid` of an entry tells which one it was when its mailbox has moved;
    `kept_block` is then the ref under which its block stays (R133).
    """

    ref: LinkRef
    resource_id: ResourceId
    origin: Origin
    calendar_id: CalendarId
    when: When
    start_at: datetime
    end_at: datetime
    booking_id: BookingId | None = None
    entry_id: EntryId | None = None
    series_id: str | None = None
    original_start_at: datetime | None = None
    host: Agreed = field(default_factory=Agreed)
    calendar: Agreed = field(default_factory=Agreed)
    generation: int = 1
    mark_id: str = ""
    entry_uid: str | None = None
    intent: Intent | None = None
    attempt: Attempt | None = None
    settings_version: int = 0
    decision: Origin | None = None
    has_attendees: bool = False
    refused: Refused | None = None
    is_disputed: bool = False
    is_quarantined: bool = False
    writes: int = 0
    writes_since: datetime | None = None
    pattern: str = ""
    kept_block: LinkRef | None = None
    row: int = 0

    @property
    def block_ref(self) -> LinkRef:
        """Under which the block of a calendar-born link stands at the booking system."""
        return self.kept_block or self.ref

    @property
    def is_left_behind(self) -> bool:
        """The mailbox was moved, and the appointment was not met again yet: its ids are those of the old server."""
        return self.calendar_id.startswith(_LEFT_BEHIND)

    def left_behind(self) -> "Link":
        """Out of the way of the new mailbox, whose calendars may bear the same ids."""
        return replace(self, calendar_id=CalendarId(f"{_LEFT_BEHIND}{self.calendar_id}"))

    def with_row(self, row: int) -> "Link":
        return replace(self, row=row)


def booking_ref(booking_id: BookingId) -> LinkRef:
    """The link of a booking; found by key, without an index."""
    return LinkRef(f"b-{short_hash(booking_id)}")


def entry_ref(resource: ResourceId, calendar_id: CalendarId, entry_id: EntryId) -> LinkRef:
    """The link of a single calendar-born entry. Two resources may share a calendar, and each has a block of its own."""
    return LinkRef(f"e-{short_hash(resource, calendar_id, entry_id)}")


def series_prefix(resource: ResourceId, calendar_id: CalendarId, series_id: EntryId) -> str:
    """All links of one series begin with it: one query finds them."""
    return f"s-{short_hash(resource, calendar_id, series_id)}-"


@lru_cache(maxsize=4096)
def occurrence_ref(
    resource: ResourceId, calendar_id: CalendarId, series_id: EntryId, original_start_at: datetime
) -> LinkRef:
    """The link of one occurrence: (series, original start). It survives the occurrence being moved."""
    return LinkRef(f"{series_prefix(resource, calendar_id, series_id)}{original_start_at:%Y%m%dT%H%M%S}")
