"""dateTimeTimeZone and DateTimeOffset, both ways; seven fractional digits as Graph writes them."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sandbox.graph import errors
from sandbox.zones import UnknownZoneError, Wall, to_wall, zone_info

_ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
MIDNIGHT = time()


def read_iso(text: str) -> tuple[datetime, timedelta | None]:
    """Read ISO 8601 with any number of fractional digits: naive time and its offset, None when none is given.

    Raises ValueError.
    """
    match = _ISO.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    micro = int((fraction or "0").ljust(7, "0")[:6])
    at = datetime(  # noqa: DTZ001 - the offset is returned beside it
        int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), micro
    )
    if offset is None:
        return at, None
    if offset in "Zz":
        return at, timedelta()
    sign = -1 if offset[0] == "-" else 1
    digits = offset[1:].replace(":", "")
    return at, sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))


def read_instant(text: str) -> datetime:
    """Read an instant; without an offset it is UTC. Raises ValueError."""
    at, offset = read_iso(text)
    return at.replace(tzinfo=UTC) - (offset or timedelta())


def read_wall(value: Any) -> Wall:
    """Read a dateTimeTimeZone. Raises GraphError 400."""
    if not isinstance(value, dict) or not isinstance(value.get("dateTime"), str):
        raise errors.property_failed()
    zone = value.get("timeZone") or "UTC"
    try:
        zone_info(zone)
    except (UnknownZoneError, AttributeError) as error:
        raise errors.unknown_zone(str(zone)) from error
    try:
        at, offset = read_iso(value["dateTime"])
        if offset is not None:
            return to_wall(at.replace(tzinfo=UTC) - offset, zone)
    except (ValueError, OverflowError) as error:
        raise errors.property_failed() from error
    return Wall(at, zone)


def _seven(at: datetime) -> str:
    text = at.isoformat()
    return f"{text}0" if at.microsecond else f"{text}.0000000"


def show_wall(at: datetime, wall: Wall, zone: str, *, is_all_day: bool) -> dict[str, str]:
    """Return an instant as dateTimeTimeZone in the asked zone.

    All-day times are floating dates: midnight stays midnight in whatever zone is asked for. Only the odd starts
    that old clients leave behind are converted.
    """
    if is_all_day and wall.at.time() == MIDNIGHT:
        return {"dateTime": _seven(wall.at), "timeZone": zone}
    if zone == "UTC":
        return {"dateTime": _seven(at.replace(tzinfo=None)), "timeZone": zone}
    return {"dateTime": _seven(to_wall(at, zone).at), "timeZone": zone}


def show_instant(at: datetime) -> str:
    """Return an instant as DateTimeOffset with seven digits and Z."""
    return _seven(at.replace(tzinfo=None)) + "Z"


def show_short_instant(at: datetime) -> str:
    """Return an instant as DateTimeOffset with whole seconds and Z."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at.year >= 1000 else "0001-01-01T00:00:00Z"
