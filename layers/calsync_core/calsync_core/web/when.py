"""Times of appointments as people read them, in the resource's zone."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from calsync_core.domain.appointments import AllDay, When


def shown_when(when: When | None, zone: str) -> str:
    """ "Tue 24 Nov 2026, 10:00-10:30"; whole days as days, the last one included; "" for none."""
    if when is None:
        return ""
    if isinstance(when, AllDay):
        last = when.end - timedelta(days=1)
        first = f"{when.start:%a %-d %b %Y}"
        return first if last <= when.start else f"{first} - {last:%a %-d %b %Y}"
    tz = ZoneInfo(zone)
    start, end = when.start_at.astimezone(tz), when.end_at.astimezone(tz)
    until = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%a %-d %b, %H:%M}"
    return f"{start:%a %-d %b %Y, %H:%M}-{until}"
