"""patternedRecurrence, both ways. Source: recurrencePattern and recurrenceRange resource types."""

from datetime import date
from typing import Any, get_args

from sandbox.graph import errors
from sandbox.recurrence import MAX_NUMBERED, Day, PatternType, RangeType, Recurrence, WeekIndex
from sandbox.zones import UnknownZoneError, Wall, windows_name, zone_info

_TYPES: tuple[str, ...] = get_args(PatternType)
_RANGES: tuple[str, ...] = get_args(RangeType)
_DAYS: tuple[str, ...] = get_args(Day)
_INDEXES: tuple[str, ...] = get_args(WeekIndex)
_NO_DATE = "0001-01-01"
_NEEDS_DAYS = ("weekly", "relativeMonthly", "relativeYearly")
_NEEDS_DAY_OF_MONTH = ("absoluteMonthly", "absoluteYearly")
_NEEDS_MONTH = ("absoluteYearly", "relativeYearly")


def show_recurrence(recurrence: Recurrence, start: Wall) -> dict[str, Any]:
    """Return a recurrence as Graph shows it: all fields, unused ones with their zero value."""
    return {
        "pattern": {
            "type": recurrence.type,
            "interval": recurrence.interval,
            "month": recurrence.month,
            "dayOfMonth": recurrence.day_of_month,
            "daysOfWeek": list(recurrence.days_of_week),
            "firstDayOfWeek": recurrence.first_day_of_week,
            "index": recurrence.index,
        },
        "range": {
            "type": recurrence.range_type,
            "startDate": recurrence.start_date.isoformat(),
            "endDate": recurrence.end_date.isoformat() if recurrence.end_date else _NO_DATE,
            "recurrenceTimeZone": windows_name(recurrence.zone or start.zone),
            "numberOfOccurrences": recurrence.count,
        },
    }


def read_recurrence(value: Any) -> Recurrence:
    """Read a recurrence; fields that the type does not use are checked and dropped. Raises GraphError 400."""
    pattern, range_ = _part(value, "pattern"), _part(value, "range")
    type_ = _one_of(pattern.get("type"), _TYPES)
    range_type = _one_of(range_.get("type"), _RANGES)
    days = _days(pattern.get("daysOfWeek"))
    day_of_month = _number(pattern.get("dayOfMonth", 0), 0, 31)
    month = _number(pattern.get("month", 0), 0, 12)
    index = _one_of(pattern.get("index") or "first", _INDEXES)
    first_day = _one_of(pattern.get("firstDayOfWeek") or "sunday", _DAYS)
    _require(type_ not in _NEEDS_DAYS or bool(days))
    _require(type_ not in _NEEDS_DAY_OF_MONTH or day_of_month > 0)
    _require(type_ not in _NEEDS_MONTH or month > 0)
    start_date = _date(range_.get("startDate"))
    end_date = _date(range_.get("endDate") or _NO_DATE)
    count = _number(range_.get("numberOfOccurrences") or 0, 0, 2**31 - 1)
    _require(range_type != "endDate" or end_date >= start_date)
    _require(range_type != "numbered" or 0 < count <= MAX_NUMBERED)
    return Recurrence(
        type=type_,  # type: ignore[arg-type]
        start_date=start_date,
        interval=_number(pattern.get("interval"), 1, 999),
        days_of_week=days if type_ in _NEEDS_DAYS else (),
        first_day_of_week=first_day,  # type: ignore[arg-type]
        day_of_month=day_of_month if type_ in _NEEDS_DAY_OF_MONTH else 0,
        month=month if type_ in _NEEDS_MONTH else 0,
        index=index if type_.startswith("relative") else "first",  # type: ignore[arg-type]
        range_type=range_type,  # type: ignore[arg-type]
        end_date=end_date if range_type == "endDate" else None,
        count=count if range_type == "numbered" else 0,
        zone=_zone(range_.get("recurrenceTimeZone")),
    )


def _part(value: Any, name: str) -> dict[str, Any]:
    part = value.get(name) if isinstance(value, dict) else None
    if not isinstance(part, dict):
        raise errors.property_failed()
    return part


def _require(holds: bool) -> None:
    if not holds:
        raise errors.property_failed()


def _one_of(value: Any, allowed: tuple[str, ...]) -> str:
    for name in allowed:
        if isinstance(value, str) and value.casefold() == name.casefold():
            return name
    raise errors.property_failed()


def _days(value: Any) -> tuple[Day, ...]:
    _require(value is None or isinstance(value, list))
    days = {_one_of(day, _DAYS) for day in value or []}
    return tuple(day for day in get_args(Day) if day in days)


def _number(value: Any, least: int, most: int) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise errors.property_failed()
    return value


def _date(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise errors.property_failed() from error


def _zone(value: Any) -> str | None:
    if value in (None, ""):
        return None
    try:
        zone_info(value)
    except (UnknownZoneError, AttributeError) as error:
        raise errors.unknown_zone(str(value)) from error
    return str(value)
