"""Where both cannot be true: what it is about, both versions, and the ways to end it."""

from datetime import datetime
from enum import StrEnum

from calsync_core.domain.appointments import When
from calsync_core.domain.ids import AccountId, BookingId, ConflictId, EntryId, LinkRef, ResourceId, short_hash
from calsync_core.domain.values import value


class ConflictKind(StrEnum):
    SAME_TIME = "same_time"
    OUTSIDE_HOURS = "outside_hours"  # a booking moved outside working hours
    REFUSED = "refused"  # the booking system refused a move
    CHANGED_ON_BOTH = "changed_on_both"
    MOVED = "moved"  # moved in the calendar, and the setting says: show it
    COPY_DELETED = "copy_deleted"  # deleted in the calendar, and the setting says: show it
    NOT_WRITABLE = "not_writable"


ACCEPTED_OUTSIDE = "accepted_outside_hours"
"""The code of a booking that the booking system let go where the resource does not work."""

REPEATS_OTHERWISE = "repeats_otherwise"
"""The code of a series that a person made repeat in another way: the booking system is not asked for that (R134)."""


def kind_of_refusal(code: str) -> ConflictKind:
    """A refused move outside working hours has a kind of its own."""
    return ConflictKind.OUTSIDE_HOURS if code == "outside_hours" else ConflictKind.REFUSED


class Resolution(StrEnum):
    KEEP_BOOKING = "keep_booking"
    TAKE_CALENDAR = "take_calendar"
    NEXT_FREE = "next_free"
    LEAVE_BOTH = "leave_both"


class ConflictStatus(StrEnum):
    OPEN = "open"
    LEFT = "left"  # leave both, until `left_until_at`
    SETTLED = "settled"  # closed by itself
    RESOLVED = "resolved"  # ended by a person


@value(frozen=True, slots=True)
class Conflict:
    """One unordered pair booking - other side. Titles are read live for those who may see them, never stored here.

    `booking_when` and `calendar_when` are both versions of the time; `revision` grows with each change so that a link
    in a mail dies when the conflict changes. `code` says why a side refused. `ended_at`, `ended_by` and `resolution`
    say how it ended, and for one that was left when and by whom that was chosen.
    """

    id: ConflictId
    account: AccountId
    resource_id: ResourceId
    kind: ConflictKind
    booking_ref: LinkRef
    booking_id: BookingId | None
    other_ref: LinkRef | None
    entry_id: EntryId | None
    booking_when: When | None
    calendar_when: When | None
    opened_at: datetime
    code: str | None = None
    status: ConflictStatus = ConflictStatus.OPEN
    left_until_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    resolution: Resolution | None = None
    revision: int = 1


def conflict_id(resource: ResourceId, kind: ConflictKind, first: LinkRef, second: LinkRef | None) -> ConflictId:
    """The same pair and kind is the same conflict, whichever side was read first."""
    pair = sorted([first, second or ""])
    return ConflictId(short_hash(resource, kind.value, *pair))
