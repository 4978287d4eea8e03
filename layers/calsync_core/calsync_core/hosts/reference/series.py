"""Series: which occurrences a rule yields. The wall time in the series' zone is what repeats."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from dateutil.rrule import rrule, rrulestr

MAX_OCCURRENCES = 366
_HORIZON_YEARS = 10
_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"}
_OCCURRENCE_ID = re.compile(r"(.+)_(\d{8}T\d{6}Z)", re.ASCII)


class Occurrence(NamedTuple):
    """One date of a series. `start` is where the rule puts it, which is its original start."""

    start: datetime
    end: datetime


def occurrence_id(series_id: str, original_start: datetime) -> str:
    """The id under which an occurrence is a booking; it stays when the occurrence is moved."""
    return f"{series_id}_{original_start.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def split_occurrence_id(booking_id: str) -> tuple[str, datetime] | None:
    """Series id and original start, if the id has the form of an occurrence's."""
    found = _OCCURRENCE_ID.fullmatch(booking_id)
    if not found:
        return None
    try:
        original_start = datetime.strptime(found[2], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return found[1], original_start


def shifted(start: datetime, before: datetime, after: datetime, zone: str) -> datetime:
    """A start of a series whose first one was moved from `before` to `after`, by wall time in its zone."""
    tz = ZoneInfo(zone)
    by = after.astimezone(tz).replace(tzinfo=None) - before.astimezone(tz).replace(tzinfo=None)
    return (start.astimezone(tz).replace(tzinfo=None) + by).replace(tzinfo=tz).astimezone(UTC)


def check_rule(rule: str) -> str:
    """The rule, if it says by itself where it ends and repeats by day or longer.

    Raises:
        ValueError: anything else; the text names the cause.
    """
    parts = _parts(rule)
    if unknown := set(parts) - _PARTS:
        raise ValueError(f"{min(unknown)} is not supported in a series")
    if parts.get("FREQ") not in {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}:
        raise ValueError("FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY")
    if ("COUNT" in parts) == ("UNTIL" in parts):
        raise ValueError("must end by either COUNT or UNTIL")
    for number in ("COUNT", "INTERVAL"):
        if number in parts and not (
            parts[number].isascii() and parts[number].isdigit() and 1 <= int(parts[number]) <= 999
        ):
            raise ValueError(f"{number} must be a number from 1 to 999")
    _build(rule, datetime(2026, 1, 1), "UTC")  # noqa: DTZ001 - dateutil works on wall times here
    return rule


def _parts(rule: str) -> dict[str, str]:
    if len(rule) > 500 or not re.fullmatch(r"[A-Z]+=[A-Z0-9,+-]+(;[A-Z]+=[A-Z0-9,+-]+)*", rule):
        raise ValueError("must be an RRULE such as FREQ=WEEKLY;COUNT=10")
    pairs = [part.split("=", 1) for part in rule.split(";")]
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("names a part twice")
    return dict(pairs)


def _build(rule: str, wall_start: datetime, zone: str) -> tuple[Iterator[datetime], int]:
    """The wall starts in order, and the greatest number of them.

    dateutil gets a bound in time but no COUNT: a rule that never fits (30 February) would run to the year 9999.
    """
    parts = _parts(rule)
    count = int(parts.pop("COUNT", MAX_OCCURRENCES + 1))
    until = wall_start + relativedelta(years=_HORIZON_YEARS)
    if "UNTIL" in parts:
        until = min(until, _read_until(parts.pop("UNTIL"), zone))
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    try:
        parsed: Any = rrulestr(text, dtstart=wall_start)
        bounded: rrule = parsed.replace(until=until)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise ValueError("is not an RRULE we can read") from error
    return iter(bounded), count


def _read_until(text: str, zone: str) -> datetime:
    try:
        if len(text) == 8:
            return datetime.strptime(text, "%Y%m%d") + timedelta(days=1, seconds=-1)  # noqa: DTZ007
        if text.endswith("Z"):
            instant = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        return datetime.strptime(text, "%Y%m%dT%H%M%S")  # noqa: DTZ007
    except (ValueError, OverflowError) as error:
        raise ValueError("UNTIL must be a date or an instant such as 20261231T225959Z") from error


@lru_cache(maxsize=512)
def expand(
    rule: str, start: datetime, end: datetime, zone: str, all_day: bool, exdates: tuple[datetime, ...]
) -> tuple[Occurrence, ...]:
    """Every occurrence of the series whose first one is [start, end), without the left-out starts.

    Raises:
        ValueError: the first one does not fit the rule, or it yields none, too many, or some after ten years.
    """
    tz = ZoneInfo(zone)
    wall_start = start.astimezone(tz).replace(tzinfo=None)
    wall_end = end.astimezone(tz).replace(tzinfo=None)
    starts, count = _build(rule, wall_start, zone)
    walls = list(islice(starts, min(count, MAX_OCCURRENCES + 1)))
    if not walls or walls[0] != wall_start:
        raise ValueError("the start must be the first date of the series")
    if len(walls) > MAX_OCCURRENCES:
        raise ValueError(f"a series has at most {MAX_OCCURRENCES} occurrences")
    if "COUNT" in _parts(rule) and len(walls) < count:
        raise ValueError(f"a series ends within {_HORIZON_YEARS} years")
    found = []
    for wall in walls:
        occurs_at = wall.replace(tzinfo=tz).astimezone(UTC)
        # Timed occurrences keep their length; whole days keep their dates, 23 or 25 hours when clocks change.
        ends_at = (
            (wall + (wall_end - wall_start)).replace(tzinfo=tz).astimezone(UTC)
            if all_day
            else occurs_at + (end - start)
        )
        if occurs_at not in exdates:
            found.append(Occurrence(occurs_at, ends_at))
    return tuple(found)
