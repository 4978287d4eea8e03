"""Where a booking could go: inside the working hours, beside everything that the links know. Pure, no I/O.

The booking system has the last word: it knows bookings of other resources and rules that calsync does not.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from calsync_core.domain.appointments import overlap
from calsync_core.domain.resources import Resource, WorkingRange

HORIZON = timedelta(days=28)
_STEP_WHEN_ANY_MINUTE = timedelta(minutes=15)  # a grid of one minute would offer 09:01; people book by the quarter

Interval = tuple[datetime, datetime]


def free_slots(
    resource: Resource,
    taken: Sequence[Interval],
    not_before: datetime,
    duration: timedelta,
    *,
    granularity: timedelta,
    before: timedelta = timedelta(0),
    after: timedelta = timedelta(0),
) -> Iterator[Interval]:
    """Free [start, end) in UTC, soonest first, up to four weeks ahead, starts on the grid of the resource's wall time.

    `before` and `after` are buffers that must be free and inside the working hours as well.
    """
    step = granularity if granularity > timedelta(minutes=1) else _STEP_WHEN_ANY_MINUTE
    zone = ZoneInfo(resource.time_zone)
    busy = sorted(taken)
    last = not_before + HORIZON
    for opens_at, closes_at in _open_hours(resource.working_hours, zone, not_before, last):
        start = _on_grid(max(opens_at + before, not_before), zone, step)
        while start + duration + after <= closes_at:
            needed = (start - before, start + duration + after)
            blocking = [one for one in busy if overlap(one, needed)]
            if not blocking:
                yield start, start + duration
            start = _on_grid(max([start + step, *(end + before for _, end in blocking)]), zone, step)


def _open_hours(
    hours: tuple[WorkingRange, ...], zone: ZoneInfo, not_before: datetime, last: datetime
) -> Iterator[Interval]:
    """Open spans in order; without working hours it is always open."""
    if not hours:
        yield not_before, last
        return
    day = not_before.astimezone(zone).date() - timedelta(days=1)  # a range may reach over midnight UTC
    while day <= last.astimezone(zone).date():
        for one in sorted(hours, key=lambda item: item.start):
            if one.weekday == day.weekday():
                span = _instant(day, one.start, zone), _closing(day, one.end, zone)
                if span[1] > not_before:
                    yield span
        day += timedelta(days=1)


def _closing(day: date, end: time, zone: ZoneInfo) -> datetime:
    """24:00 has no `time`: it is written as midnight or as the last moment of the day."""
    if end == time.min or end >= time(23, 59, 59):
        return _instant(day + timedelta(days=1), time.min, zone)
    return _instant(day, end, zone)


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)


def _on_grid(at: datetime, zone: ZoneInfo, step: timedelta) -> datetime:
    """The first instant not before `at` whose wall time is a multiple of `step` after midnight."""
    local = at.astimezone(zone)
    since = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    rest = since % step
    return at if not rest else at + (step - rest)
