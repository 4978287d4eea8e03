"""How a series repeats, in the words that Graph and Exchange share. Data only; RRULE text stands in rrules.py.

A series repeats a wall time: the instants follow from `zone`, so that daylight saving moves the instant and not the
clock. Each day has at most one occurrence; (series, day in `zone`) is therefore an occurrence's identity for good.
"""

from datetime import date
from enum import StrEnum

from calsync_core.domain.values import value


class Pattern(StrEnum):
    """The six patterns of both providers; the values are Graph's names."""

    DAILY = "daily"
    WEEKLY = "weekly"
    ABSOLUTE_MONTHLY = "absoluteMonthly"
    RELATIVE_MONTHLY = "relativeMonthly"
    ABSOLUTE_YEARLY = "absoluteYearly"
    RELATIVE_YEARLY = "relativeYearly"


class Weekday(StrEnum):
    """In ISO order: `list(Weekday)[date.weekday()]` is the day of a date."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class WeekIndex(StrEnum):
    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    FOURTH = "fourth"
    LAST = "last"


WEEKDAYS = tuple(Weekday)[:5]
WEEKEND = tuple(Weekday)[5:]
EVERY_DAY = tuple(Weekday)
MAX_COUNT = 999  # graph.md 3.9: most occurrences of a numbered range
MAX_INTERVAL = 99  # what Outlook takes; Exchange refuses more
LONGEST_READ = 9_999  # occurrences or periods; more is no series that anybody means, and would only cost time
LAST_YEAR = 2199  # a series that ends later (Exchange writes the year 4500) does not end


@value(frozen=True, slots=True)
class Recurrence:
    """Pattern and range of a series; what a pattern does not use keeps its default.

    `start`: the day of the first occurrence in `zone` (IANA). `days`: several only with WEEKLY; a relative pattern has
    one day, or exactly WEEKDAYS, WEEKEND or EVERY_DAY (the four things that Exchange can say as well), and means the
    `index`-th of them in the month. `day_of_month` 29, 30 and 31 fall on the last day of a shorter month.
    A yearly pattern may have an interval: where that cannot be said (EWS), it is the monthly one with 12 times it.
    The range ends by `count`, or by the day `end` (included), or never; at most one of them is set.
    """

    pattern: Pattern
    start: date
    zone: str
    interval: int = 1
    days: tuple[Weekday, ...] = ()
    first_day_of_week: Weekday = Weekday.MONDAY
    day_of_month: int = 0
    month: int = 0
    index: WeekIndex = WeekIndex.FIRST
    end: date | None = None
    count: int | None = None


@value(frozen=True, slots=True)
class Inexpressible:
    """A rule that is right, but that no calendar can say as one series; `reason` is a code for the log."""

    reason: str
