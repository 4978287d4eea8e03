"""A neutral recurrence in exchangelib's words. EWS knows no yearly interval: several years are so many months."""

from typing import Any

from exchangelib.ewsdatetime import EWSDate
from exchangelib.recurrence import (
    AbsoluteMonthlyPattern,
    AbsoluteYearlyPattern,
    DailyPattern,
    RelativeMonthlyPattern,
    RelativeYearlyPattern,
    WeeklyPattern,
)
from exchangelib.recurrence import Recurrence as ExchangeRecurrence

from calsync_core.domain.errors import AppointmentRejectedError
from calsync_core.domain.recurrence import EVERY_DAY, WEEKDAYS, WEEKEND, Pattern, Recurrence, Weekday

_DAYS = {day: day.value.capitalize() for day in Weekday}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_GROUPS = {frozenset(WEEKDAYS): "Weekday", frozenset(WEEKEND): "WeekendDay", frozenset(EVERY_DAY): "Day"}


def to_recurrence(recurrence: Recurrence) -> ExchangeRecurrence:
    """Raises AppointmentRejectedError("entry_rejected") for what Exchange cannot say."""
    span: dict[str, Any] = {"start": _date(recurrence.start.toordinal())}
    if recurrence.count is not None:
        span["number"] = recurrence.count
    elif recurrence.end is not None:
        span["end"] = _date(recurrence.end.toordinal())
    return ExchangeRecurrence(pattern=_pattern(recurrence), **span)


def _pattern(recurrence: Recurrence) -> Any:
    interval, days = recurrence.interval, recurrence.days
    if recurrence.pattern is Pattern.DAILY:
        return DailyPattern(interval=interval)
    if recurrence.pattern is Pattern.WEEKLY:
        first = _DAYS[recurrence.first_day_of_week]
        return WeeklyPattern(interval=interval, weekdays=[_DAYS[day] for day in days], first_day_of_week=first)
    if recurrence.pattern is Pattern.ABSOLUTE_MONTHLY:
        return AbsoluteMonthlyPattern(interval=interval, day_of_month=recurrence.day_of_month)
    if recurrence.pattern is Pattern.RELATIVE_MONTHLY:
        return _relative_monthly(recurrence, interval)
    if interval > 1:
        if recurrence.pattern is Pattern.ABSOLUTE_YEARLY:
            return AbsoluteMonthlyPattern(interval=12 * interval, day_of_month=recurrence.day_of_month)
        return _relative_monthly(recurrence, 12 * interval)
    month = _MONTHS[recurrence.month - 1]
    if recurrence.pattern is Pattern.ABSOLUTE_YEARLY:
        return AbsoluteYearlyPattern(month=month, day_of_month=recurrence.day_of_month)
    return RelativeYearlyPattern(month=month, weekday=_weekday(days), week_number=recurrence.index.value.capitalize())


def _relative_monthly(recurrence: Recurrence, interval: int) -> RelativeMonthlyPattern:
    number = recurrence.index.value.capitalize()
    return RelativeMonthlyPattern(interval=interval, weekday=_weekday(recurrence.days), week_number=number)


def _weekday(days: tuple[Weekday, ...]) -> str:
    if len(days) == 1:
        return _DAYS[days[0]]
    if frozenset(days) not in _GROUPS:
        raise AppointmentRejectedError("entry_rejected", field="days")
    return _GROUPS[frozenset(days)]


def _date(ordinal: int) -> EWSDate:
    return EWSDate.fromordinal(ordinal)
