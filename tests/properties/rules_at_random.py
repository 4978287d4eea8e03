"""Random RRULEs, starts and zones for the oracle tests; python-dateutil says what is right."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from calsync_core.domain.appointments import Timed
from calsync_core.domain.recurrence import EVERY_DAY, WEEKDAYS, WEEKEND, Pattern, Recurrence, WeekIndex
from calsync_core.domain.rrules import days_of
from dateutil.rrule import rrulestr
from hypothesis import strategies as st

ZONES = (
    *("Europe/Berlin", "America/New_York", "Australia/Sydney", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"),
    *("America/St_Johns", "America/Santiago", "Africa/Casablanca", "Asia/Tehran", "Pacific/Chatham", "Europe/London"),
)
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
POSITIONS = (1, 2, 3, 4, -1)
SETS = ("MO,TU,WE,TH,FR", "SA,SU", "MO,TU,WE,TH,FR,SA,SU")

COUNTS: Counter[str] = Counter()
"""What the oracle was asked by this process: the summary of a test run says how much was compared."""

zones = st.sampled_from(ZONES)
walls = st.builds(
    datetime.combine,
    st.dates(date(2024, 1, 1), date(2029, 12, 31)),
    st.builds(time, st.integers(0, 23), st.sampled_from((0, 15, 30, 45))),
)


@st.composite
def rules(draw: st.DrawFn) -> str:
    """What people book: every pattern that calendars know, and some that they do not."""
    freq = draw(st.sampled_from(("DAILY", "WEEKLY", "WEEKLY", "MONTHLY", "MONTHLY", "YEARLY")))
    parts = [f"FREQ={freq}"]
    if draw(st.booleans()):
        parts.append(f"INTERVAL={draw(st.integers(1, 5))}")
    if freq == "WEEKLY" and draw(st.booleans()):
        days = draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=4, unique=True))
        parts.append("BYDAY=" + ",".join(days))
        parts.append(f"WKST={draw(st.sampled_from(DAYS))}")
    if freq == "YEARLY" and draw(st.booleans()):
        parts.append(f"BYMONTH={draw(st.integers(1, 12))}")
    if freq in ("MONTHLY", "YEARLY"):
        parts += draw(st.sampled_from((_plain, _by_day, _numbered, _set, _last)))(draw)
    parts.append(draw(st.one_of(st.integers(1, 40).map("COUNT={}".format), _untils, st.just("INTERVAL"))))
    return ";".join(part for part in parts if part != "INTERVAL")


_untils = st.dates(date(2030, 1, 1), date(2033, 12, 31)).map("UNTIL={:%Y%m%dT235959}".format)


def _plain(_draw: st.DrawFn) -> list[str]:
    return []


def _by_day(draw: st.DrawFn) -> list[str]:
    return [f"BYMONTHDAY={draw(st.sampled_from((*range(1, 32), -1)))}"]


def _numbered(draw: st.DrawFn) -> list[str]:
    return [f"BYDAY={draw(st.sampled_from(POSITIONS))}{draw(st.sampled_from(DAYS))}"]


def _set(draw: st.DrawFn) -> list[str]:
    return [f"BYDAY={draw(st.sampled_from(SETS))}", f"BYSETPOS={draw(st.sampled_from(POSITIONS))}"]


def _last(draw: st.DrawFn) -> list[str]:
    days = ",".join(str(day) for day in range(28, draw(st.integers(29, 31)) + 1))
    return [f"BYMONTHDAY={days}", "BYSETPOS=-1"]


def oracle(rule: str, wall: datetime, zone: str, most: int = 60, within: timedelta = timedelta(days=1000)) -> list:
    """The starts of the occurrences in UTC, by python-dateutil on wall times; the instants by the zone's own rules."""
    found: Any = rrulestr(rule, dtstart=wall)
    near = takewhile(lambda one: one - wall <= within, found)
    starts = [one.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for one in islice(near, most)]
    COUNTS.update(rules=1, dates=len(starts))
    return starts


def first_start(rule: str, wall: datetime) -> datetime | None:
    """The rule's own first occurrence on or after a day: series begin there."""
    bounded: Any = rrulestr(rule.partition(";COUNT")[0].partition(";UNTIL")[0], dtstart=wall)
    return next(iter(takewhile(lambda one: one - wall < timedelta(days=4000), bounded)), None)


def appointment(wall: datetime, zone: str) -> Timed:
    start = wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return Timed(start, start + timedelta(minutes=45))


@st.composite
def said_rules(draw: st.DrawFn, first: date) -> Recurrence:
    """Everything that Graph's grammar can say (and Exchange's with it), from its first date on or after a day."""
    kind = draw(st.sampled_from(list(Pattern)))
    groups = st.sampled_from((WEEKDAYS, WEEKEND, EVERY_DAY, *((day,) for day in EVERY_DAY)))
    chosen = st.lists(st.sampled_from(EVERY_DAY), min_size=1, max_size=4, unique=True)
    is_relative = kind in (Pattern.RELATIVE_MONTHLY, Pattern.RELATIVE_YEARLY)
    is_absolute = kind in (Pattern.ABSOLUTE_MONTHLY, Pattern.ABSOLUTE_YEARLY)
    is_weekly = kind is Pattern.WEEKLY
    said = Recurrence(
        kind,
        first,
        draw(zones),
        draw(st.integers(1, 5)),
        draw(groups) if is_relative else tuple(sorted(draw(chosen), key=EVERY_DAY.index)) if is_weekly else (),
        draw(st.sampled_from(EVERY_DAY)) if is_weekly else EVERY_DAY[0],
        draw(st.integers(1, 31)) if is_absolute else 0,
        draw(st.integers(1, 12)) if kind in (Pattern.ABSOLUTE_YEARLY, Pattern.RELATIVE_YEARLY) else 0,
        draw(st.sampled_from(WeekIndex)) if is_relative else WeekIndex.FIRST,
    )
    said = replace(said, start=next(days_of(said)))
    end = draw(st.sampled_from(("never", "count", "day")))
    if end == "count":
        return replace(said, count=draw(st.integers(1, 60)))
    return said if end == "never" else replace(said, end=said.start + timedelta(days=draw(st.integers(0, 900))))
