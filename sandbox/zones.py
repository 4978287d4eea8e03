"""Windows and IANA time zone names, and wall time to instants and back (table: data/windows_zones.json)."""

import json
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class UnknownZoneError(ValueError):
    """The mailbox server does not know this time zone name."""


class Wall(NamedTuple):
    """A time on the clock of a zone: naive local time plus the zone's name as it was given."""

    at: datetime
    zone: str


_TABLE = json.loads(files("sandbox").joinpath("data/windows_zones.json").read_text(encoding="utf-8"))
_WINDOWS: dict[str, str] = _TABLE["windows_to_iana"]
_BY_FOLDED: dict[str, str] = {name.casefold(): iana for name, iana in {**_WINDOWS, **_TABLE["special_names"]}.items()}
_TO_WINDOWS: dict[str, str] = _TABLE["iana_to_windows"]


@lru_cache(maxsize=2048)
def zone_info(name: str) -> ZoneInfo:
    """Return the zone of a Windows or IANA name; Windows names are read in any case.

    Raises UnknownZoneError.
    """
    iana = _BY_FOLDED.get(name.casefold(), name)
    try:
        return ZoneInfo(iana)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZoneError(name) from error


@lru_cache(maxsize=2048)
def windows_name(name: str) -> str:
    """Return the Windows name of a zone given by either kind of name.

    An IANA zone without a Windows name keeps its own. Raises UnknownZoneError.
    """
    if name in _WINDOWS:
        return name
    key = zone_info(name).key
    if key == "Etc/UTC":
        return "UTC"
    for windows in _WINDOWS:
        if windows.casefold() == name.casefold():
            return windows
    return _TO_WINDOWS.get(key, key)


def windows_zones() -> list[str]:
    """All Windows names that the mailbox server knows."""
    return list(_WINDOWS)


def iana_zones() -> list[str]:
    """All IANA names that have a Windows counterpart."""
    return list(_TO_WINDOWS)


def to_utc(wall: Wall) -> datetime:
    """Return the instant of a wall time; a time skipped by DST is read with the offset before the jump."""
    return wall.at.replace(tzinfo=zone_info(wall.zone)).astimezone(UTC)


def to_wall(instant: datetime, zone: str) -> Wall:
    """Return an aware instant as wall time in that zone."""
    return Wall(instant.astimezone(zone_info(zone)).replace(tzinfo=None, fold=0), zone)
