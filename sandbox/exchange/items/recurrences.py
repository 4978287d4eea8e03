"""Recurrence of a series, both ways. Source: RecurrenceType of the schema; six patterns, three ranges."""

from datetime import date
from typing import get_args

from sandbox.exchange.errors import EwsError
from sandbox.exchange.items.times import read_date, show_date
from sandbox.exchange.xml import Element, local, t, text
from sandbox.recurrence import MAX_NUMBERED, Day, PatternType, Recurrence, WeekIndex, dates
from sandbox.zones import Wall

_DAYS: tuple[Day, ...] = get_args(Day)
_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
_GROUPS: dict[str, tuple[Day, ...]] = {
    "Day": _DAYS,
    "Weekday": ("monday", "tuesday", "wednesday", "thursday", "friday"),
    "WeekendDay": ("sunday", "saturday"),
}
_TYPES: dict[str, PatternType] = {
    "DailyRecurrence": "daily",
    "WeeklyRecurrence": "weekly",
    "AbsoluteMonthlyRecurrence": "absoluteMonthly",
    "RelativeMonthlyRecurrence": "relativeMonthly",
    "AbsoluteYearlyRecurrence": "absoluteYearly",
    "RelativeYearlyRecurrence": "relativeYearly",
}
_NAMES = {type_: name for name, type_ in _TYPES.items()}
_INDEXES: tuple[WeekIndex, ...] = get_args(WeekIndex)


def read_recurrence(one: Element) -> Recurrence:
    """Read a Recurrence. Raises EwsError."""
    if len(one) != 2:
        raise EwsError("ErrorCalendarInvalidRecurrence")
    pattern, range_ = one
    type_ = _TYPES.get(local(pattern))
    if type_ is None:
        raise EwsError("ErrorCalendarInvalidRecurrence")
    start_date = read_date(text(range_, "StartDate") or "")
    kind = local(range_)
    end_date = count = None
    if kind == "EndDateRecurrence":
        end_date = read_date(text(range_, "EndDate") or "")
        if end_date < start_date:
            raise EwsError("ErrorCalendarEndDateIsEarlierThanStartDate")
    elif kind == "NumberedRecurrence":
        count = _whole(text(range_, "NumberOfOccurrences"), 1, MAX_NUMBERED)
    elif kind != "NoEndRecurrence":
        raise EwsError("ErrorCalendarInvalidRecurrence")
    return Recurrence(
        type=type_,
        start_date=start_date,
        interval=1 if type_.endswith("Yearly") else _whole(text(pattern, "Interval"), 1, 999),
        days_of_week=_days(text(pattern, "DaysOfWeek"), type_),
        first_day_of_week=_day(text(pattern, "FirstDayOfWeek") or "Sunday"),
        day_of_month=_whole(text(pattern, "DayOfMonth"), 1, 31) if type_.startswith("absolute") else 0,
        month=_month(text(pattern, "Month")) if type_.endswith("Yearly") else 0,
        index=_index(text(pattern, "DayOfWeekIndex")) if type_.startswith("relative") else "first",
        range_type="endDate" if end_date else "numbered" if count else "noEnd",
        end_date=end_date,
        count=count or 0,
    )


def _whole(words: str | None, least: int, most: int) -> int:
    try:
        number = int(words or "")
    except ValueError as error:
        raise EwsError("ErrorCalendarInvalidRecurrence") from error
    if not least <= number <= most:
        raise EwsError("ErrorCalendarInvalidRecurrence")
    return number


def _day(name: str) -> Day:
    day = name.lower()
    if day not in _DAYS:
        raise EwsError("ErrorCalendarInvalidRecurrence")
    return day


def _days(words: str | None, type_: PatternType) -> tuple[Day, ...]:
    if type_ != "weekly" and not type_.startswith("relative"):
        return ()
    names = (words or "").split()
    if type_ == "weekly" and any(name in _GROUPS for name in names):
        raise EwsError("ErrorCalendarInvalidDayForWeeklyRecurrence")
    if not names or (type_ != "weekly" and len(names) > 1):
        raise EwsError("ErrorCalendarInvalidRecurrence")
    if names[0] in _GROUPS:
        return _GROUPS[names[0]]
    chosen = {_day(name) for name in names}
    return tuple(day for day in _DAYS if day in chosen)


def _month(name: str | None) -> int:
    if name not in _MONTHS:
        raise EwsError("ErrorCalendarInvalidRecurrence")
    return _MONTHS.index(name) + 1


def _index(name: str | None) -> WeekIndex:
    index = (name or "").lower()
    if index not in _INDEXES:
        raise EwsError("ErrorCalendarInvalidRecurrence")
    return index


def show_recurrence(recurrence: Recurrence, start: Wall) -> Element:
    """Return a recurrence as EWS shows it."""
    return t("Recurrence", _show_pattern(recurrence), _show_range(recurrence, start.zone))


def _show_days(days: tuple[Day, ...]) -> str:
    for name, group in _GROUPS.items():
        if set(days) == set(group):
            return name
    return " ".join(day.capitalize() for day in days)


def _show_pattern(recurrence: Recurrence) -> Element:
    type_ = recurrence.type
    interval = None if type_.endswith("Yearly") else t("Interval", recurrence.interval)
    month = t("Month", _MONTHS[recurrence.month - 1]) if recurrence.month else None
    days = index = day_of_month = first = None
    if type_ == "weekly":
        days = t("DaysOfWeek", " ".join(day.capitalize() for day in recurrence.days_of_week))
        first = t("FirstDayOfWeek", recurrence.first_day_of_week.capitalize())
    elif type_.startswith("relative"):
        days = t("DaysOfWeek", _show_days(recurrence.days_of_week))
        index = t("DayOfWeekIndex", recurrence.index.capitalize())
    elif type_.startswith("absolute"):
        day_of_month = t("DayOfMonth", recurrence.day_of_month)
    return t(_NAMES[type_], interval, days, first, index, day_of_month, month)


def _show_range(recurrence: Recurrence, zone: str) -> Element:
    start = t("StartDate", show_date(recurrence.start_date, zone))
    if recurrence.range_type == "endDate" and recurrence.end_date is not None:
        return t("EndDateRecurrence", start, t("EndDate", show_date(recurrence.end_date, zone)))
    if recurrence.range_type == "numbered":
        return t("NumberedRecurrence", start, t("NumberOfOccurrences", recurrence.count))
    return t("NoEndRecurrence", start)


def day_of_instance(recurrence: Recurrence, index: int) -> date | None:
    """The day of the occurrence with that number, the first being 1; None beyond the series' end."""
    if index < 1:
        return None
    for number, day in enumerate(dates(recurrence), 1):
        if number == index:
            return day
    return None
