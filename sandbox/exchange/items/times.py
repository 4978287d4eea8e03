"""xs:dateTime and time zones of items, both ways.

A value with an offset is taken literally; without one it is the time of StartTimeZone, else of the TimeZoneContext,
else UTC. Answers are always in UTC with Z. Source: "Time zones and EWS in Exchange".
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from lxml import etree

from sandbox.exchange.errors import EwsError, SchemaError
from sandbox.exchange.time_zones import definition
from sandbox.exchange.xml import Element, T, find, local, t
from sandbox.zones import UnknownZoneError, Wall, to_wall, windows_name, windows_zones, zone_info

CUSTOM = "tzone://Microsoft/Custom"
"""The Id of a zone that the server knows by its rules only."""

_TIME = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})?")
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2})?")
_DURATION = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?")


@dataclass(frozen=True, slots=True)
class Given:
    """A time as a client wrote it; `offset` None: on the clock of a zone that stands elsewhere."""

    at: datetime
    offset: timedelta | None

    def instant(self, zone: str) -> datetime:
        """The instant, when a time without offset is one of that zone."""
        if self.offset is not None:
            return self.at.replace(tzinfo=UTC) - self.offset
        return self.at.replace(tzinfo=zone_info(zone)).astimezone(UTC)


def read_time(words: str) -> Given:
    """Read an xs:dateTime. Raises EwsError."""
    match = _TIME.fullmatch(words.strip())
    if match is None:
        raise EwsError("ErrorInvalidValueForProperty")
    year, month, day, hour, minute, second, _, offset = match.groups()
    try:
        at = datetime(  # noqa: DTZ001 - the offset is returned beside it
            int(year), int(month), int(day), int(hour), int(minute), int(second)
        )
    except ValueError as error:
        raise EwsError("ErrorInvalidValueForProperty") from error
    if not 1601 <= at.year <= 4500:
        raise EwsError("ErrorCalendarOutOfRange")
    return Given(at, _offset(offset))


def _offset(words: str | None) -> timedelta | None:
    if words is None:
        return None
    if words == "Z":
        return timedelta()
    sign = -1 if words[0] == "-" else 1
    return sign * timedelta(hours=int(words[1:3]), minutes=int(words[4:6]))


def read_date(words: str) -> date:
    """Read an xs:date; a zone behind it says nothing about the day. Raises EwsError."""
    match = _DATE.fullmatch(words.strip())
    if match is None:
        raise EwsError("ErrorCalendarInvalidRecurrence")
    try:
        return date.fromisoformat(match.group(1))
    except ValueError as error:
        raise EwsError("ErrorCalendarInvalidRecurrence") from error


def show_instant(at: datetime) -> str:
    """An instant in UTC, whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at.year >= 1000 else "0001-01-01T00:00:00Z"


def show_date(day: date, zone: str) -> str:
    """A date with the offset that its zone has then, as Exchange writes the bounds of a series."""
    at = datetime.combine(day, time(), zone_info(zone))
    offset = at.utcoffset() or timedelta()
    if not offset:
        return f"{day.isoformat()}Z"
    minutes = int(offset.total_seconds() // 60)
    return f"{day.isoformat()}{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def show_duration(length: timedelta) -> str:
    """An xs:duration as Exchange writes it: PT1H, P1DT30M."""
    minutes = int(length.total_seconds() // 60)
    days, rest = divmod(minutes, 1440)
    hours, left = divmod(rest, 60)
    inside = f"{f'{hours}H' if hours else ''}{f'{left}M' if left else ''}"
    return f"P{f'{days}D' if days else ''}{f'T{inside}' if inside or not days else ''}".replace("PT", "PT", 1) + (
        "0S" if not days and not inside else ""
    )


def read_duration(words: str) -> timedelta | None:
    """Read an xs:duration of days and less; None when it is none."""
    match = _DURATION.fullmatch(words.strip())
    if match is None:
        return None
    sign, days, hours, minutes, seconds = match.groups()
    length = timedelta(
        days=int(days or 0), hours=int(hours or 0), minutes=int(minutes or 0), seconds=float(seconds or 0)
    )
    return -length if sign else length


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone that a client named; `label` is what it will read again, when the server knows it by rules only."""

    name: str
    label: str | None = None


def read_zone(one: Element) -> Zone:
    """Read a StartTimeZone, EndTimeZone or TimeZoneDefinition. Raises EwsError."""
    name = one.get("Id") or ""
    try:
        windows = windows_name(name) if name else ""
    except UnknownZoneError:
        windows = ""
    if windows:
        return Zone(windows)
    period = find(one, "Periods", "Period")
    if period is None:
        raise EwsError("ErrorCalendarInvalidTimeZone")
    periods = find(one, "Periods")
    biases = [_bias(p.get("Bias") or "") for p in periods if local(p) == "Period"] if periods is not None else []
    return Zone(_zone_of_offsets(biases), CUSTOM)


def _bias(words: str) -> timedelta:
    bias = read_duration(words)
    if bias is None:
        raise EwsError("ErrorCalendarInvalidTimeZone")
    return -bias


def read_meeting_zone(one: Element) -> Zone:
    """Read the MeetingTimeZone of 2007: by name, else by its offsets. Raises EwsError."""
    if one.get("Id") is not None:  # exchangelib writes it as if it were a zone of 2010
        raise SchemaError("The 'Id' attribute is not declared.", one.sourceline or 1)
    name = one.get("TimeZoneName") or ""
    try:
        if name:
            return Zone(windows_name(name))
    except UnknownZoneError:
        pass
    base = find(one, "BaseOffset")
    if base is None:
        raise EwsError("ErrorCalendarInvalidTimeZone")
    standard = _bias(base.text or "")
    offsets = []
    for part in ("Standard", "Daylight"):
        words = find(one, part, "Offset")
        offsets.append(standard - (read_duration(words.text or "") or timedelta()) if words is not None else standard)
    return Zone(_zone_of_offsets(offsets), CUSTOM)


@lru_cache(maxsize=256)
def _offsets_of(zone: str) -> frozenset[timedelta]:
    info = zone_info(zone)
    months = (datetime(2026, month, 1, tzinfo=info) for month in range(1, 13))
    return frozenset(at.utcoffset() or timedelta() for at in months)


def _zone_of_offsets(offsets: list[timedelta]) -> str:
    """A zone with the same offsets over the year. Raises EwsError."""
    wanted = frozenset(offsets)
    for zone in windows_zones():
        if _offsets_of(zone) == wanted:
            return zone
    raise EwsError("ErrorCalendarInvalidTimeZone")


@lru_cache(maxsize=256)
def _definition(zone: str, year: int) -> bytes:
    return bytes(etree.tostring(definition(zone, year, is_full=True)))


def show_zone(element: str, wall: Wall, label: str | None) -> Element:
    """StartTimeZone or EndTimeZone with its rules."""
    try:
        windows = windows_name(wall.zone)
    except UnknownZoneError:
        windows = "UTC"
    full = etree.fromstring(_definition(windows, wall.at.year))
    shown = t(element, list(full), Id=label or windows, Name=label or full.get("Name"))
    assert shown.tag == f"{{{T}}}{element}"
    return shown


def floor_day(at: datetime, zone: str) -> Wall:
    """Midnight at or before an instant."""
    wall = to_wall(at, zone)
    return Wall(datetime.combine(wall.at.date(), time()), zone)


def ceil_day(at: datetime, zone: str) -> Wall:
    """Midnight at or after an instant."""
    floor = floor_day(at, zone)
    wall = to_wall(at, zone)
    return floor if wall.at == floor.at else Wall(floor.at + timedelta(days=1), zone)
