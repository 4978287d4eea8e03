"""Instants, dates and zones: reading what was sent, and the days of a zone.

Inside the booking system every instant is an aware UTC datetime of whole seconds.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2120, 1, 1, tzinfo=UTC)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def read_instant(text: object) -> datetime:
    """An RFC 3339 instant with offset as UTC, cut to whole seconds.

    Raises:
        ValueError: not a string, no offset, no real time, or before 1990 or after 2119.
    """
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        raise ValueError("must be an instant with offset, such as 2026-11-23T09:00:00Z")
    try:
        instant = datetime.fromisoformat(text.upper()).astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError) as error:
        raise ValueError("is not a real time") from error
    if not EARLIEST <= instant < LATEST:
        raise ValueError("must be between 1990 and 2119")
    return instant


def read_moment(value: object) -> datetime | date:
    """An instant, or a plain date as all-day entries may use it.

    Raises:
        ValueError: neither.
    """
    if isinstance(value, str) and _DATE.fullmatch(value):
        day = date.fromisoformat(value)
        if not EARLIEST.date() <= day < LATEST.date():
            raise ValueError("must be between 1990 and 2119")
        return day
    return read_instant(value)


def write_instant(instant: datetime) -> str:
    """The one form of instants in answers and keys; it sorts as text."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every IANA zone we know."""
    return frozenset(available_timezones()) - {"localtime", "posixrules", "Factory"}


def read_zone(name: str) -> str:
    """The name, if it is an IANA zone.

    Raises:
        ValueError: no such zone.
    """
    # The set is asked first because ZoneInfo opens files named by its argument.
    if name not in zone_names():
        raise ValueError("must be an IANA time zone such as Europe/Berlin")
    return name


def start_of_day(day: date, zone: str) -> datetime:
    """The instant at which a date begins in a zone. A skipped midnight is the moment of the clock change."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def is_midnight(instant: datetime, zone: str) -> bool:
    """Whether the instant begins a date in the zone."""
    return instant == start_of_day(instant.astimezone(ZoneInfo(zone)).date(), zone)


def at_wall_time(day: date, minutes: int, zone: str) -> datetime:
    """The instant of a wall time, given in minutes after midnight (1440 = the next midnight)."""
    if minutes >= 24 * 60:
        return start_of_day(day + timedelta(days=1), zone)
    wall = datetime.combine(day, time(minutes // 60, minutes % 60), ZoneInfo(zone))
    return wall.astimezone(UTC)


def resolve(moment: datetime | date, zone: str) -> datetime:
    """The instant of an instant, or of the midnight that begins a date in the zone."""
    return moment if isinstance(moment, datetime) else start_of_day(moment, zone)


def overlaps(start: datetime, end: datetime, other_start: datetime, other_end: datetime) -> bool:
    """Whether two half-open spans share time; touching is not overlapping."""
    return start < other_end and other_start < end
