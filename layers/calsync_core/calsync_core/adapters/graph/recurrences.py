"""Recurrence <-> patternedRecurrence (graph.md 3.9). Pure; only what a pattern needs is sent, and all fields come back,
those that it does not use with zero values of their own."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from calsync_core.adapters.graph.wire import ZoneOf
from calsync_core.domain.appointments import AllDay, When
from calsync_core.domain.recurrence import (
    EVERY_DAY,
    LAST_YEAR,
    LONGEST_READ,
    Pattern,
    Recurrence,
    Weekday,
    WeekIndex,
)
from calsync_core.domain.zones import iana_name

_Words = TypeVar("_Words", bound=StrEnum)
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


def read_patterned(event: Mapping[str, Any], zone: ZoneOf) -> Recurrence | None:
    """How a series repeats; None where it does not say, or in words that nobody knows. `zone` is the mailbox's, for a
    series whose own zone has no name."""
    said = event.get("recurrence")
    try:
        return _read(said, event, zone) if said else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _read(said: Mapping[str, Any], event: Mapping[str, Any], zone: ZoneOf) -> Recurrence | None:
    pattern, range_ = said["pattern"], said["range"]
    kind = _word(Pattern, pattern["type"])
    days = {_word(Weekday, day) for day in pattern.get("daysOfWeek") or ()}
    names = (range_.get("recurrenceTimeZone"), event.get("originalStartTimeZone"))
    known = (iana_name(name) for name in names if name)
    found = Recurrence(
        kind,
        date.fromisoformat(range_["startDate"]),
        next((name for name in known if name), None) or zone(),
        int(pattern["interval"]),
        tuple(day for day in EVERY_DAY if day in days) if kind is Pattern.WEEKLY or kind in _RELATIVE else (),
        _word(Weekday, pattern.get("firstDayOfWeek") or "sunday"),
        int(pattern["dayOfMonth"]) if kind in _ABSOLUTE else 0,
        int(pattern["month"]) if kind in _YEARLY else 0,
        _word(WeekIndex, pattern.get("index") or "first") if kind in _RELATIVE else WeekIndex.FIRST,
    )
    return _ended(found, range_) if _can_be(found) else None


def _word(words: type[_Words], text: str) -> _Words:
    """Raises ValueError."""
    return next((one for one in words if one.value.casefold() == text.casefold()), None) or words(text)


def _can_be(said: Recurrence) -> bool:
    """Whether there is a day that it can mean; a search for others would not end."""
    has_days = bool(said.days) or not (said.pattern is Pattern.WEEKLY or said.pattern in _RELATIVE)
    has_day_of_month = 1 <= said.day_of_month <= 31 or said.pattern not in _ABSOLUTE
    has_month = 1 <= said.month <= 12 or said.pattern not in _YEARLY
    return has_days and has_day_of_month and has_month and 1 <= said.interval <= LONGEST_READ


def _ended(said: Recurrence, range_: Mapping[str, Any]) -> Recurrence | None:
    match range_["type"].casefold():
        case "numbered":
            count = int(range_["numberOfOccurrences"])
            return replace(said, count=count) if 1 <= count <= LONGEST_READ else None
        case "enddate":
            end = date.fromisoformat(range_["endDate"])
            return replace(said, end=end if end.year <= LAST_YEAR else None)
        case "noend":
            return said
    return None
