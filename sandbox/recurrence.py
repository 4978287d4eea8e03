"""Recurrence as Microsoft says it (six patterns, three ranges), expanded to dates with python-dateutil.

Only dates are computed here: an occurrence starts at its series' wall time on that date, in the series' zone,
so that daylight saving moves the instant and not the clock time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Literal

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule

Day = Literal["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
PatternType = Literal["daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly", "relativeYearly"]
RangeType = Literal["endDate", "noEnd", "numbered"]
WeekIndex = Literal["first", "second", "third", "fourth", "last"]

MAX_NUMBERED = 999
_WEEKDAY = {
    "monday": 0,
    "tuesday": 1,
    "wednesday": 2,
    "thursday": 3,
    "friday": 4,
    "saturday": 5,
    "sunday": 6,
}
_FREQUENCY = {
    "daily": DAILY,
    "weekly": WEEKLY,
    "absoluteMonthly": MONTHLY,
    "relativeMonthly": MONTHLY,
    "absoluteYearly": YEARLY,
    "relativeYearly": YEARLY,
}
_POSITION = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_LAST_YEAR = 2199  # "no end" has to end somewhere; no window of the service reaches so far


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Pattern and range of a series. Fields that the pattern type does not use keep their zero value."""

    type: PatternType
    start_date: date
    interval: int = 1
    days_of_week: tuple[Day, ...] = ()
    first_day_of_week: Day = "sunday"
    day_of_month: int = 0
    month: int = 0
    index: WeekIndex = "first"
    range_type: RangeType = "noEnd"
    end_date: date | None = None
    count: int = 0
    zone: str | None = None
    """The zone of the range as the client gave it; None means the zone of the appointment's start."""

    def pattern(self) -> tuple[object, ...]:
        """All that decides which days can be occurrences, without where the series ends."""
        return (
            self.type,
            self.interval,
            self.days_of_week,
            self.first_day_of_week,
            self.day_of_month,
            self.month,
            self.index,
            self.start_date,
        )


def _month_day(recurrence: Recurrence) -> dict[str, object]:
    """Day 29, 30 or 31 falls on the last day of a month that is too short for it."""
    day = recurrence.day_of_month
    if day <= 28:
        return {"bymonthday": day}
    return {"bymonthday": tuple(range(28, day + 1)), "bysetpos": -1}


def _rule(recurrence: Recurrence, begin: date | None = None) -> rrule:
    days = tuple(_WEEKDAY[day] for day in recurrence.days_of_week)
    options: dict[str, object] = {
        "dtstart": datetime.combine(begin or recurrence.start_date, time()),
        "interval": recurrence.interval,
        "wkst": _WEEKDAY[recurrence.first_day_of_week],
    }
    match recurrence.type:
        case "weekly":
            options["byweekday"] = days
        case "absoluteMonthly":
            options |= _month_day(recurrence)
        case "relativeMonthly":
            options |= {"byweekday": days, "bysetpos": _POSITION[recurrence.index]}
        case "absoluteYearly":
            options |= {"bymonth": recurrence.month} | _month_day(recurrence)
        case "relativeYearly":
            options |= {
                "bymonth": recurrence.month,
                "byweekday": days,
                "bysetpos": _POSITION[recurrence.index],
            }
        case "daily":
            pass
    if recurrence.range_type == "numbered":
        options["count"] = recurrence.count
    elif recurrence.range_type == "endDate" and recurrence.end_date is not None:
        options["until"] = datetime.combine(recurrence.end_date, time())
    else:
        options["until"] = datetime(_LAST_YEAR, 12, 31)  # noqa: DTZ001 - dates only, no zone here
    return rrule(_FREQUENCY[recurrence.type], **options)  # type: ignore[arg-type]


def dates(recurrence: Recurrence) -> Iterator[date]:
    """All days on which the series has an occurrence, in order, exceptions and deletions not regarded."""
    return (at.date() for at in _rule(recurrence))


def dates_between(recurrence: Recurrence, first: date, last: date) -> list[date]:
    """The days of occurrences from first to last, both included."""
    if recurrence.range_type == "numbered":
        return [day for day in _numbered(recurrence) if first <= day <= last]
    rule = _rule(recurrence, begin=_begin_near(recurrence, first))
    days = takewhile(lambda day: day <= last, (at.date() for at in rule))
    return [day for day in days if day >= first]


@lru_cache(maxsize=512)
def _numbered(recurrence: Recurrence) -> tuple[date, ...]:
    return tuple(dates(recurrence))


def _begin_near(recurrence: Recurrence, first: date) -> date:
    """A day from which the pattern goes on in step, shortly before `first`: a series may be decades old."""
    start, interval = recurrence.start_date, recurrence.interval
    if recurrence.type in ("daily", "weekly"):
        step = interval * (7 if recurrence.type == "weekly" else 1)
        periods = (first - start).days // step - 1
        return start + timedelta(days=step * periods) if periods > 0 else start
    if recurrence.type.endswith("Monthly"):
        months = (first.year - start.year) * 12 + first.month - start.month
        periods = months // interval - 1
        if periods <= 0:
            return start
        year, month = divmod(start.year * 12 + start.month - 1 + periods * interval, 12)
        return date(year, month + 1, 1)
    periods = (first.year - start.year) // interval - 1
    return date(start.year + periods * interval, 1, 1) if periods > 0 else start


def first_date(recurrence: Recurrence) -> date | None:
    """The day of the first occurrence; None when the pattern never meets its range."""
    return next(dates(recurrence), None)


def occurs_on(recurrence: Recurrence, day: date) -> bool:
    """Whether the pattern has an occurrence on that day."""
    return bool(dates_between(recurrence, day, day))
