"""t:Recurrence of a series -> Recurrence, pure. Writing it stands in recurrence.py, which loads exchangelib."""

from datetime import date

from calsync_core.adapters.exchange.soap import Element, T
from calsync_core.domain.recurrence import (
    EVERY_DAY,
    LAST_YEAR,
    LONGEST_READ,
    WEEKDAYS,
    WEEKEND,
    Pattern,
    Recurrence,
    Weekday,
    WeekIndex,
)

_PATTERNS = {
    f"{T}DailyRecurrence": Pattern.DAILY,
    f"{T}WeeklyRecurrence": Pattern.WEEKLY,
    f"{T}AbsoluteMonthlyRecurrence": Pattern.ABSOLUTE_MONTHLY,
    f"{T}RelativeMonthlyRecurrence": Pattern.RELATIVE_MONTHLY,
    f"{T}AbsoluteYearlyRecurrence": Pattern.ABSOLUTE_YEARLY,
    f"{T}RelativeYearlyRecurrence": Pattern.RELATIVE_YEARLY,
}
_GROUPS = {"Day": EVERY_DAY, "Weekday": WEEKDAYS, "WeekendDay": WEEKEND}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def read_recurrence(said: Element, zone: str) -> Recurrence | None:
    """How a series repeats in `zone`; None where it says so in words that nobody knows."""
    try:
        return _read(said, zone)
    except ValueError:
        return None


def _read(said: Element, zone: str) -> Recurrence | None:
    if len(said) != 2 or said[0].tag not in _PATTERNS:
        return None
    pattern, range_, kind = said[0], said[1], _PATTERNS[said[0].tag]
    is_by_days = kind in {Pattern.WEEKLY, Pattern.RELATIVE_MONTHLY, Pattern.RELATIVE_YEARLY}
    is_relative = is_by_days and kind is not Pattern.WEEKLY
    is_absolute = kind in {Pattern.ABSOLUTE_MONTHLY, Pattern.ABSOLUTE_YEARLY}
    is_yearly = kind in {Pattern.ABSOLUTE_YEARLY, Pattern.RELATIVE_YEARLY}
    end, count = _end(range_)
    return Recurrence(
        kind,
        _date(_text(range_, "StartDate")),
        zone,
        1 if is_yearly else _number(_text(pattern, "Interval"), LONGEST_READ),
        _days(_text(pattern, "DaysOfWeek")) if is_by_days else (),
        Weekday((pattern.findtext(f"{T}FirstDayOfWeek") or "Sunday").lower()),
        _number(_text(pattern, "DayOfMonth"), 31) if is_absolute else 0,
        _MONTHS.index(_text(pattern, "Month")) + 1 if is_yearly else 0,
        WeekIndex(_text(pattern, "DayOfWeekIndex").lower()) if is_relative else WeekIndex.FIRST,
        end,
        count,
    )


def _end(range_: Element) -> tuple[date | None, int | None]:
    if range_.tag == f"{T}NumberedRecurrence":
        return None, _number(_text(range_, "NumberOfOccurrences"), LONGEST_READ)
    if range_.tag == f"{T}EndDateRecurrence":
        end = _date(_text(range_, "EndDate"))
        return end if end.year <= LAST_YEAR else None, None
    if range_.tag == f"{T}NoEndRecurrence":
        return None, None
    raise ValueError(range_.tag)


def _text(part: Element, name: str) -> str:
    return (part.findtext(f"{T}{name}") or "").strip()


def _date(text: str) -> date:
    """An xs:date, which may carry an offset that says nothing: it is a day of the series' zone."""
    return date.fromisoformat(text[:10])


def _number(text: str, most: int) -> int:
    number = int(text)
    if not 1 <= number <= most:
        raise ValueError(text)
    return number


def _days(text: str) -> tuple[Weekday, ...]:
    named = {day for name in text.split() for day in _GROUPS.get(name) or (Weekday(name.lower()),)}
    if not named:
        raise ValueError(text)
    return tuple(day for day in EVERY_DAY if day in named)
