"""Working hours: weekly wall times of a resource's zone, and dates that differ."""

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from calsync_core.hosts.reference.fields import Document
from calsync_core.hosts.reference.instants import at_wall_time

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def minutes_of(wall_time: str) -> int:
    """Minutes after midnight of HH:MM; 24:00 is the end of the day.

    Raises:
        ValueError: not a time of day.
    """
    found = re.fullmatch(r"(\d\d):(\d\d)", wall_time, re.ASCII)
    minutes = int(found[1]) * 60 + int(found[2]) if found else -1
    if not found or int(found[2]) > 59 or not 0 <= minutes <= 24 * 60:
        raise ValueError("must be a time of day such as 09:00")
    return minutes


def _checked(wall_time: str) -> str:
    minutes_of(wall_time)
    return wall_time


WallTime = Annotated[str, AfterValidator(_checked)]


class Range(Document):
    """One stretch of a working day."""

    start: WallTime
    end: WallTime

    @model_validator(mode="after")
    def _runs_forward(self) -> "Range":
        if minutes_of(self.start) >= minutes_of(self.end):
            raise ValueError("must end after it starts; work past midnight is two ranges")
        return self


class WeeklyRange(Range):
    """A stretch that returns every week."""

    day: Day


class DayException(Document):
    """A date with hours of its own; without ranges the resource does not work."""

    date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    ranges: tuple[Range, ...] = Field(default=(), max_length=12)

    @model_validator(mode="after")
    def _is_a_date(self) -> "DayException":
        date.fromisoformat(self.date)
        return self


class WorkingHours(Document):
    """When a resource takes bookings."""

    weekly: tuple[WeeklyRange, ...] = Field(default=(), max_length=70)
    exceptions: tuple[DayException, ...] = Field(default=(), max_length=400)

    def ranges_on(self, day: date) -> list[tuple[int, int]]:
        """The working stretches of a date, in minutes after midnight, sorted."""
        for exception in self.exceptions:
            if exception.date == day.isoformat():
                found: tuple[Range, ...] = exception.ranges
                break
        else:
            found = tuple(stretch for stretch in self.weekly if stretch.day == DAYS[day.weekday()])
        return sorted((minutes_of(stretch.start), minutes_of(stretch.end)) for stretch in found)


def is_within(hours: WorkingHours | None, zone: str, start: datetime, end: datetime, *, all_day: bool) -> bool:
    """Whether [start, end) lies inside the working hours; no working hours means always.

    Stretches that touch count as one, also over midnight. An all-day span only needs some work on each of its dates.
    """
    if hours is None:
        return True
    tz = ZoneInfo(zone)
    first, last = start.astimezone(tz).date(), (end - timedelta(seconds=1)).astimezone(tz).date()
    dates = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    if all_day:
        return all(hours.ranges_on(day) for day in dates)
    reached = start
    for day in dates:
        for opens, closes in hours.ranges_on(day):
            opens_at, closes_at = at_wall_time(day, opens, zone), at_wall_time(day, closes, zone)
            if opens_at <= reached < closes_at:
                reached = closes_at
    return reached >= end
