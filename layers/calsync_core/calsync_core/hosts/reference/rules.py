"""What a booking system refuses: the grid, the working hours, the resource's state, and taken time."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from calsync_core.hosts.reference.calendars import Calendars
from calsync_core.hosts.reference.documents import Block, Booking, Resource
from calsync_core.hosts.reference.errors import InvalidInputError, RefusalError
from calsync_core.hosts.reference.instants import is_midnight, overlaps
from calsync_core.hosts.reference.messages import checked_span
from calsync_core.hosts.reference.working_hours import is_within

LONGEST_DAYS = 31
MAX_SHOWN_CONFLICTS = 20
_LARGEST_BUFFER = timedelta(minutes=240)


def check_shape(booking: Booking) -> None:
    """Refuse what no resource's state could make right.

    Raises:
        InvalidInputError: runs backwards, too long, an all-day booking off midnight, too much text.
    """
    checked_span(booking.start, booking.end, longest_days=LONGEST_DAYS)
    if booking.all_day:
        for field, moment in (("start", booking.start), ("end", booking.end)):
            if not is_midnight(moment, booking.time_zone):
                raise InvalidInputError((field, "must be a midnight of time_zone for an all-day booking"))
    if len(set(booking.resource_ids)) != len(booking.resource_ids):
        raise InvalidInputError(("resource_ids", "names a resource twice"))
    # A series' text comes again with every occurrence of a feed page, so it must be shorter.
    largest = 8_000 if booking.is_series else 96_000
    if len(booking.model_dump_json().encode()) > largest:
        raise InvalidInputError(("", f"the whole booking must stay under {largest // 1000} KB"))


def check_times(dates: Iterable[Booking], resources: Mapping[str, Resource], granularity_minutes: int) -> None:
    """Refuse times the resources do not offer.

    Raises:
        RefusalError: `forbidden`, `granularity`, `outside_hours`.
    """
    for booking in dates:
        if not booking.all_day and not _is_on_grid(booking, granularity_minutes):
            raise RefusalError("granularity", message=f"Times must be on a grid of {granularity_minutes} minutes.")
        for resource_id in booking.resource_ids:
            resource = resources[resource_id]
            if not resource.active:
                raise RefusalError("forbidden", message=f"{resource.name} does not take bookings.")
            hours, zone = resource.working_hours, resource.time_zone
            if not is_within(hours, zone, booking.start, booking.end, all_day=booking.all_day):
                raise RefusalError("outside_hours", message=f"{resource.name} does not work at that time.")


def _is_on_grid(booking: Booking, granularity_minutes: int) -> bool:
    # By the wall, because there are zones at half and quarter hours.
    walls = [moment.astimezone(ZoneInfo(booking.time_zone)) for moment in (booking.start, booking.end)]
    return all(wall.second == 0 and (wall.hour * 60 + wall.minute) % granularity_minutes == 0 for wall in walls)


def check_free(dates: list[Booking], own_ids: set[str], calendars: Calendars) -> None:
    """Refuse time that a booking or block of one of the resources takes already; buffers count.

    `own_ids` are the bookings that the dates replace. The dates are also checked against each other.

    Raises:
        RefusalError: `slot_taken`, with the ids in the way.
        InvalidInputError: a series whose dates overlap one another.
    """
    wanted = sorted(occupied(booking) for booking in dates)
    for (_, end), (next_start, _) in pairwise(wanted):
        if next_start < end:
            raise InvalidInputError(("series.rrule", "the dates of the series overlap one another"))
    if not wanted:
        return
    first, last = wanted[0][0], max(end for _, end in wanted)
    conflicting: set[str] = set()
    for resource_id in {resource_id for booking in dates for resource_id in booking.resource_ids}:
        taken: list[Booking | Block] = [
            booking
            for booking in calendars.bookings(resource_id, first - _LARGEST_BUFFER, last + _LARGEST_BUFFER)
            if booking.status != "cancelled" and booking.id not in own_ids
        ]
        taken += calendars.blocks(resource_id, first, last)
        conflicting |= {entry.id for entry in taken if _meets(occupied(entry), wanted)}
    if conflicting:
        raise RefusalError("slot_taken", sorted(conflicting)[:MAX_SHOWN_CONFLICTS])


def occupied(entry: Booking | Block) -> tuple[datetime, datetime]:
    """The time an entry takes, buffers included."""
    if isinstance(entry, Block):
        return entry.start, entry.end
    before, after = timedelta(minutes=entry.buffers.before_min), timedelta(minutes=entry.buffers.after_min)
    return entry.start - before, entry.end + after


def _meets(span: tuple[datetime, datetime], wanted: list[tuple[datetime, datetime]]) -> bool:
    return any(overlaps(*span, *other) for other in wanted)
