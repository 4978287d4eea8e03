"""Whether a time lies inside the working hours of a resource, as the booking system gave them."""

from datetime import time, timedelta
from zoneinfo import ZoneInfo

from calsync_core.domain.appointments import AllDay, Timed, When
from calsync_core.domain.resources import Resource


def is_working_time(resource: Resource, when: When) -> bool:
    """True at any time for a resource without hours. Whole days need a working day on each of their dates."""
    if not resource.working_hours:
        return True
    if isinstance(when, AllDay):
        days = {one.weekday for one in resource.working_hours}
        return all((when.start + timedelta(days=number)).weekday() in days for number in range(_length(when)))
    return _is_inside(resource, when)


def _length(when: AllDay) -> int:
    return min((when.end - when.start).days, 7)  # a week holds every weekday


def _is_inside(resource: Resource, when: Timed) -> bool:
    zone = ZoneInfo(resource.time_zone)
    start, end = when.start_at.astimezone(zone), when.end_at.astimezone(zone)
    if end.date() == start.date():
        until = end.time()
    elif end.time() == time.min and end.date() == start.date() + timedelta(days=1):
        until = time.max  # until midnight
    else:
        return False
    return any(
        one.weekday == start.weekday() and one.start <= start.time() and (until <= one.end or _is_midnight(one.end))
        for one in resource.working_hours
    )


def _is_midnight(end: time) -> bool:
    """24:00 has no `time`: it is written as midnight or as the last moment of the day."""
    return end == time.min or end >= time(23, 59, 59)
