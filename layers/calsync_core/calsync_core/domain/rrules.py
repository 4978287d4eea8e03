"""RRULE (RFC 5545) -> Recurrence, and a Recurrence's days. Expanding is python-dateutil's work.

Only what Graph and Exchange can both say becomes a Recurrence. The rest is `Inexpressible`: it is written as single
entries. A text that is no rule at all raises.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule, rrulestr

from calsync_core.domain.appointments import AllDay, When
from calsync_core.domain.errors import AppointmentRejectedError
from calsync_core.domain.recurrence import (
    EVERY_DAY,
    LAST_YEAR,
    MAX_COUNT,
    MAX_INTERVAL,
    WEEKDAYS,
    WEEKEND,
    Inexpressible,
    Pattern,
    Recurrence,
    Weekday,
    WeekIndex,
)
from calsync_core.domain.values import replace

_MAX_TEXT = 1000
_LONGEST_COUNT = 20_000  # more is nobody's series; 50 years of days
_PARTS = frozenset(
    {
        *("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYSETPOS", "BYMONTH", "BYMONTHDAY", "BYYEARDAY"),
        *("BYWEEKNO", "BYDAY", "BYHOUR", "BYMINUTE", "BYSECOND"),
    }
)
_DAYS = dict(zip(("MO", "TU", "WE", "TH", "FR", "SA", "SU"), Weekday, strict=True))
_INDEX = {1: WeekIndex.FIRST, 2: WeekIndex.SECOND, 3: WeekIndex.THIRD, 4: WeekIndex.FOURTH, -1: WeekIndex.LAST}
_POSITION = {index: position for position, index in _INDEX.items()}
_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_SHORTEST_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FREQUENCY: dict[Pattern, Any] = {
    Pattern.DAILY: DAILY,
    Pattern.WEEKLY: WEEKLY,
    Pattern.ABSOLUTE_MONTHLY: MONTHLY,
    Pattern.RELATIVE_MONTHLY: MONTHLY,
    Pattern.ABSOLUTE_YEARLY: YEARLY,
    Pattern.RELATIVE_YEARLY: YEARLY,
}


class _CannotSayError(Exception):
    """Inside this module only: becomes an `Inexpressible`."""


def parse_rule(text: str, when: When, zone: str) -> Recurrence | Inexpressible:
    """What a series that begins with `when` repeats like; `zone` (IANA) is the one whose wall time repeats.

    Raises:
        AppointmentRejectedError: rrule_invalid - no rule, or one that never has an occurrence.
    """
    lines = [line.removeprefix("RRULE:") for line in text.strip().upper().splitlines() if line.strip()]
    if len(lines) > 1:
        return Inexpressible("several_rules")  # RDATE, EXRULE, a second RRULE
    parts = _parts(lines[0] if lines else "")
    _check(parts)
    first = _wall(when, zone)
    try:
        said = replace(_said(parts, first.date(), zone), **_range(parts, first, zone))
    except _CannotSayError as reason:
        return Inexpressible(str(reason))
    return _settled(said)


def days_of(recurrence: Recurrence) -> Iterator[date]:
    """All days with an occurrence, in order; may be nearly endless."""
    return (at.date() for at in _rule(recurrence))


def _parts(line: str) -> dict[str, str]:
    if len(line) > _MAX_TEXT or not re.fullmatch(r"[A-Z]+=[A-Z0-9,+:-]+(;[A-Z]+=[A-Z0-9,+:-]+)*;?", line):
        raise AppointmentRejectedError("rrule_invalid")
    pairs = [part.split("=", 1) for part in line.strip(";").split(";")]
    parts = dict(pairs)
    if len(parts) != len(pairs) or not parts.keys() <= _PARTS or "FREQ" not in parts:
        raise AppointmentRejectedError("rrule_invalid")
    return parts


def _check(parts: dict[str, str]) -> None:
    """What dateutil would take, though RFC 5545 does not, or would search for without end."""
    if "COUNT" in parts and "UNTIL" in parts:
        raise AppointmentRejectedError("rrule_invalid")
    if not all(1 <= _number(parts.get(name, "1")) <= _LONGEST_COUNT for name in ("COUNT", "INTERVAL")):
        raise AppointmentRejectedError("rrule_invalid")
    for name, most in (("BYMONTHDAY", 31), ("BYMONTH", 12), ("BYSETPOS", 366), ("BYYEARDAY", 366), ("BYWEEKNO", 53)):
        if not all(1 <= abs(number) <= most for number in _numbers(parts.get(name, "1"))):
            raise AppointmentRejectedError("rrule_invalid")
    try:
        rrulestr(";".join(f"{name}={value}" for name, value in parts.items() if name != "UNTIL"))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise AppointmentRejectedError("rrule_invalid") from error


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise AppointmentRejectedError("rrule_invalid") from error


def _numbers(text: str) -> list[int]:
    return [_number(part) for part in text.split(",")]


def _wall(when: When, zone: str) -> datetime:
    if isinstance(when, AllDay):
        return datetime.combine(when.start, time.min)
    return when.start_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


# --- pattern ------------------------------------------------------------------------------------------------------


def _said(parts: dict[str, str], first: date, zone: str) -> Recurrence:
    """The pattern; the range is still open. Raises _CannotSayError."""
    if odd := parts.keys() & {"BYHOUR", "BYMINUTE", "BYSECOND", "BYYEARDAY", "BYWEEKNO"}:
        raise _CannotSayError(min(odd).lower())
    interval = _number(parts.get("INTERVAL", "1"))
    if interval > MAX_INTERVAL:
        raise _CannotSayError("interval")
    base = Recurrence(Pattern.DAILY, first, zone, interval)
    match parts["FREQ"]:
        case "DAILY":
            return _daily(parts, base)
        case "WEEKLY":
            return _weekly(parts, base)
        case "MONTHLY":
            return _monthly(parts, base)
        case "YEARLY":
            return _yearly(parts, base)
    raise _CannotSayError("freq")


def _daily(parts: dict[str, str], base: Recurrence) -> Recurrence:
    _refuse(parts, "BYMONTH", "BYMONTHDAY", "BYSETPOS")
    if "BYDAY" not in parts:
        return base
    if base.interval > 1:
        raise _CannotSayError("byday")
    return replace(base, pattern=Pattern.WEEKLY, days=_plain_days(parts))


def _weekly(parts: dict[str, str], base: Recurrence) -> Recurrence:
    _refuse(parts, "BYMONTH", "BYMONTHDAY", "BYSETPOS")
    days = _plain_days(parts) if "BYDAY" in parts else (EVERY_DAY[base.start.weekday()],)
    return replace(base, pattern=Pattern.WEEKLY, days=days, first_day_of_week=_DAYS[parts.get("WKST", "MO")])


def _monthly(parts: dict[str, str], base: Recurrence) -> Recurrence:
    _refuse(parts, "BYMONTH")
    if "BYDAY" in parts:
        return replace(base, pattern=Pattern.RELATIVE_MONTHLY, **_relative(parts))
    return replace(base, pattern=Pattern.ABSOLUTE_MONTHLY, day_of_month=_month_day(parts, base.start, 0))


def _yearly(parts: dict[str, str], base: Recurrence) -> Recurrence:
    if "BYMONTH" not in parts and parts.keys() & {"BYDAY", "BYMONTHDAY", "BYSETPOS"}:
        raise _CannotSayError("bymonth")  # of the whole year, or of every month
    months = _numbers(parts.get("BYMONTH", str(base.start.month)))
    if len(months) > 1:
        raise _CannotSayError("bymonth")
    base = replace(base, month=months[0])
    if "BYDAY" in parts:
        return replace(base, pattern=Pattern.RELATIVE_YEARLY, **_relative(parts))
    return replace(base, pattern=Pattern.ABSOLUTE_YEARLY, day_of_month=_month_day(parts, base.start, months[0]))


def _refuse(parts: dict[str, str], *names: str) -> None:
    for name in names:
        if name in parts:
            raise _CannotSayError(name.lower())


def _plain_days(parts: dict[str, str]) -> tuple[Weekday, ...]:
    named = set(parts["BYDAY"].split(","))
    if not named <= _DAYS.keys():
        raise _CannotSayError("byday")  # +2MO and its like mean nothing by the week
    return tuple(day for name, day in _DAYS.items() if name in named)


def _relative(parts: dict[str, str]) -> dict[str, Any]:
    """One day with a number, or a set of days with BYSETPOS."""
    _refuse(parts, "BYMONTHDAY")
    numbered = [re.fullmatch(r"([+-]?\d+)?(MO|TU|WE|TH|FR|SA|SU)", day) for day in parts["BYDAY"].split(",")]
    if len(numbered) == 1 and numbered[0] and numbered[0][1] and "BYSETPOS" not in parts:
        return {"days": (_DAYS[numbered[0][2]],), "index": _index(int(numbered[0][1]))}
    positions = _numbers(parts.get("BYSETPOS", "0"))
    days = _plain_days(parts)
    if len(positions) != 1 or (len(days) > 1 and days not in (WEEKDAYS, WEEKEND, EVERY_DAY)):
        raise _CannotSayError("bysetpos")
    return {"days": days, "index": _index(positions[0])}


def _index(position: int) -> WeekIndex:
    if position not in _INDEX:
        raise _CannotSayError("bysetpos")
    return _INDEX[position]


def _month_day(parts: dict[str, str], first: date, month: int) -> int:
    """A calendar moves day 29 to 31 to the end of a shorter month, a rule leaves such a month out: only "the last
    day" means the same in both. `month` 0 = any."""
    longest, shortest = (_LONGEST_MONTH[month - 1], _SHORTEST_MONTH[month - 1]) if month else (31, 28)
    days = _numbers(parts["BYMONTHDAY"]) if "BYMONTHDAY" in parts else [first.day]
    if "BYSETPOS" in parts:
        if parts["BYSETPOS"] == "-1" and sorted(days) == list(range(28, max(days) + 1)):
            return min(max(days), longest)
        raise _CannotSayError("bysetpos")
    if days == [-1]:
        return longest
    if len(days) != 1 or not 1 <= days[0] <= shortest:
        raise _CannotSayError("bymonthday")
    return days[0]


# --- range --------------------------------------------------------------------------------------------------------


def _range(parts: dict[str, str], first: datetime, zone: str) -> dict[str, Any]:
    if "COUNT" in parts:
        return {"count": _number(parts["COUNT"])}
    if "UNTIL" not in parts:
        return {}
    until = _until(parts["UNTIL"], zone)
    last = until.date() if until.time() >= first.time() else until.date() - timedelta(days=1)
    return {"end": last}


def _until(text: str, zone: str) -> datetime:
    """As wall time; a date means that whole day."""
    try:
        if len(text) == 8:
            return datetime.combine(datetime.strptime(text, "%Y%m%d"), time.max)  # noqa: DTZ007 - a date
        if text.endswith("Z"):
            instant = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        return datetime.strptime(text, "%Y%m%dT%H%M%S")  # noqa: DTZ007 - wall time of the series
    except (ValueError, OverflowError) as error:
        raise AppointmentRejectedError("rrule_invalid") from error


def _settled(said: Recurrence) -> Recurrence | Inexpressible:
    """The first day must be an occurrence; a count beyond what can be said becomes the day it ends on."""
    if said.end is not None and said.end < said.start:
        raise AppointmentRejectedError("rrule_invalid")
    if next(days_of(said), None) != said.start:
        return Inexpressible("start_off_pattern")
    if said.count is not None and said.count > MAX_COUNT:
        *_, last = islice(days_of(said), said.count)
        return replace(said, count=None, end=last)
    return said


# --- expanding ----------------------------------------------------------------------------------------------------


def _rule(recurrence: Recurrence) -> rrule:
    byweekday = tuple(EVERY_DAY.index(day) for day in recurrence.days)
    options: dict[str, Any] = {
        "dtstart": datetime.combine(recurrence.start, time.min),
        "interval": recurrence.interval,
        "wkst": EVERY_DAY.index(recurrence.first_day_of_week),
    }
    match recurrence.pattern:
        case Pattern.WEEKLY:
            options["byweekday"] = byweekday
        case Pattern.ABSOLUTE_MONTHLY:
            options |= _by_month_day(recurrence)
        case Pattern.RELATIVE_MONTHLY:
            options |= {"byweekday": byweekday, "bysetpos": _POSITION[recurrence.index]}
        case Pattern.ABSOLUTE_YEARLY:
            options |= {"bymonth": recurrence.month, **_by_month_day(recurrence)}
        case Pattern.RELATIVE_YEARLY:
            options |= {"bymonth": recurrence.month, "byweekday": byweekday, "bysetpos": _POSITION[recurrence.index]}
        case Pattern.DAILY:
            pass
    if recurrence.count is not None:
        options["count"] = recurrence.count
    else:
        options["until"] = datetime.combine(recurrence.end or date(LAST_YEAR, 12, 31), time.min)
    return rrule(_FREQUENCY[recurrence.pattern], **options)


def _by_month_day(recurrence: Recurrence) -> dict[str, Any]:
    day = recurrence.day_of_month
    return {"bymonthday": day} if day <= 28 else {"bymonthday": tuple(range(28, day + 1)), "bysetpos": -1}
