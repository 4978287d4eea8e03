"""Recurrence -> patternedRecurrence (graph.md 3.9). Pure; only what a pattern needs is sent."""

from typing import Any
from zoneinfo import ZoneInfo

from calsync_core.domain.appointments import AllDay, When
from calsync_core.domain.recurrence import Pattern, Recurrence

_ABSOLUTE = {Pattern.ABSOLUTE_MONTHLY, Pattern.ABSOLUTE_YEARLY}
_RELATIVE = {Pattern.RELATIVE_MONTHLY, Pattern.RELATIVE_YEARLY}
_YEARLY = {Pattern.ABSOLUTE_YEARLY, Pattern.RELATIVE_YEARLY}


def to_patterned(recurrence: Recurrence) -> dict[str, Any]:
    pattern: dict[str, Any] = {"type": recurrence.pattern.value, "interval": recurrence.interval}
    if recurrence.pattern is Pattern.WEEKLY:
        pattern["firstDayOfWeek"] = recurrence.first_day_of_week.value
    if recurrence.days:
        pattern["daysOfWeek"] = [day.value for day in recurrence.days]
    if recurrence.pattern in _RELATIVE:
        pattern["index"] = recurrence.index.value
    if recurrence.pattern in _ABSOLUTE:
        pattern["dayOfMonth"] = recurrence.day_of_month
    if recurrence.pattern in _YEARLY:
        pattern["month"] = recurrence.month
    return {"pattern": pattern, "range": _range(recurrence)}


def to_series_times(when: When, recurrence: Recurrence) -> dict[str, Any]:
    """The first occurrence as wall time in the zone that repeats: in UTC a series would shift with daylight saving."""
    if isinstance(when, AllDay):
        start, end = f"{when.start.isoformat()}T00:00:00", f"{when.end.isoformat()}T00:00:00"
    else:
        wall = when.start_at.astimezone(ZoneInfo(recurrence.zone)).replace(tzinfo=None)
        start = wall.isoformat(timespec="seconds")
        # by length, not by the end's own wall time: an appointment over a change of clocks keeps its length elsewhere
        end = (wall + (when.end_at - when.start_at)).isoformat(timespec="seconds")
    return {
        "isAllDay": isinstance(when, AllDay),
        "start": {"dateTime": start, "timeZone": recurrence.zone},
        "end": {"dateTime": end, "timeZone": recurrence.zone},
    }


def _range(recurrence: Recurrence) -> dict[str, Any]:
    found: dict[str, Any] = {"startDate": recurrence.start.isoformat(), "recurrenceTimeZone": recurrence.zone}
    if recurrence.count is not None:
        return {"type": "numbered", "numberOfOccurrences": recurrence.count, **found}
    if recurrence.end is not None:
        return {"type": "endDate", "endDate": recurrence.end.isoformat(), **found}
    return {"type": "noEnd", **found}
