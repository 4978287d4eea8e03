"""Time zones as Exchange writes them: a bias and two yearly rules. From our zones to rules, and rules to wall times.

What does NOT belong here: names of zones (zones.py of the sandbox).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from sandbox.exchange.errors import SoapFaultError
from sandbox.exchange.xml import Element, find, t, text
from sandbox.zones import zone_info

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MINUTE = timedelta(minutes=1)
LAST = 5
"""DayOrder of the last such day of a month."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When an offset begins each year: the `order`th weekday (Monday is 0) of a month, at a wall time before it."""

    month: int
    order: int
    weekday: int
    at: time
    offset: timedelta
    """East of UTC, from then on."""

    def in_year(self, year: int) -> datetime:
        """The wall time of a year, on the clock that ran until then."""
        first = date(year, self.month, 1)
        day = first + timedelta(days=(self.weekday - first.weekday()) % 7 + 7 * (self.order - 1))
        while day.month != self.month:
            day -= timedelta(days=7)
        return datetime.combine(day, self.at)


@dataclass(frozen=True, slots=True)
class ZoneRules:
    """A standard offset and, where there is summer time, the two rules."""

    standard: timedelta
    to_standard: Rule | None = None
    to_daylight: Rule | None = None

    def wall(self, instant: datetime) -> datetime:
        """An aware instant as naive wall time."""
        utc = instant.replace(tzinfo=None) - (instant.utcoffset() or timedelta())
        return utc + self._offset_at(utc)

    def instant(self, wall: datetime) -> datetime:
        """A naive wall time as naive UTC; of two meanings the earlier, what was skipped by the offset before."""
        guesses = {wall - offset for offset in self._offsets()}
        fitting = sorted(utc for utc in guesses if utc + self._offset_at(utc) == wall)
        return fitting[0] if fitting else wall - min(self._offsets())

    def _offsets(self) -> list[timedelta]:
        return [self.standard] + ([self.to_daylight.offset] if self.to_daylight else [])

    def _offset_at(self, utc: datetime) -> timedelta:
        if self.to_standard is None or self.to_daylight is None:
            return self.standard
        year = (utc + self.standard).year
        begins = self.to_daylight.in_year(year) - self.standard
        ends = self.to_standard.in_year(year) - self.to_daylight.offset
        is_summer = begins <= utc < ends if begins < ends else not ends <= utc < begins
        return self.to_daylight.offset if is_summer else self.standard


@lru_cache(maxsize=512)
def rules_of(zone: str, year: int) -> ZoneRules:
    """The rules of a zone in a year. Raises UnknownZoneError."""
    changes = _changes(zone, year)
    offsets = sorted({offset for _, offset in changes})
    if len(changes) != 2 or len(offsets) != 2:
        at_start = datetime(year, 1, 1, tzinfo=zone_info(zone)).utcoffset() or timedelta()
        return ZoneRules(at_start)
    rules = {offset: _rule(zone, year, wall, offset) for wall, offset in changes}
    return ZoneRules(offsets[0], to_standard=rules[offsets[0]], to_daylight=rules[offsets[1]])


def _changes(zone: str, year: int) -> list[tuple[datetime, timedelta]]:
    """Changes of the offset in a year: wall time on the clock before, offset afterwards."""
    info = zone_info(zone)

    def offset(utc: datetime) -> timedelta:
        return utc.replace(tzinfo=UTC).astimezone(info).utcoffset() or timedelta()

    found = []
    day = datetime.combine(date(year, 1, 1), time())
    while day.year == year:
        following = day + timedelta(days=1)
        before, after = offset(day), offset(following)
        if before != after:
            low, high = day, following
            while high - low > _MINUTE:
                middle = low + ((high - low) // 2 // _MINUTE) * _MINUTE
                low, high = (low, middle) if offset(middle) != before else (middle, high)
            found.append((high + before, after))
        day = following
    return found


def _rule(zone: str, year: int, wall: datetime, offset: timedelta) -> Rule:
    """The rule behind one change; whether it means the last such day shows in the years after."""
    is_last = (wall + timedelta(days=7)).month != wall.month
    order = (wall.day - 1) // 7 + 1
    if is_last and order == 4:
        later = [w for y in range(year + 1, year + 7) for w, o in _changes(zone, y) if o == offset]
        is_last = all((w + timedelta(days=7)).month != w.month for w in later)
    return Rule(wall.month, LAST if is_last else order, wall.weekday(), wall.time(), offset)


def read_rules(zone: Element) -> ZoneRules:
    """The rules of a request's TimeZone (SerializableTimeZone). Raises SoapFaultError."""
    try:
        bias = int(text(zone, "Bias") or "")
        standard = -timedelta(minutes=bias + int(text(zone, "StandardTime", "Bias") or "0"))
        daylight = -timedelta(minutes=bias + int(text(zone, "DaylightTime", "Bias") or "0"))
        to_standard = _read_rule(find(zone, "StandardTime"), standard)
        to_daylight = _read_rule(find(zone, "DaylightTime"), daylight)
    except (ValueError, KeyError) as wrong:
        raise SoapFaultError("ErrorTimeZone", "The time zone of the request is not valid.") from wrong
    if to_standard is None or to_daylight is None or standard == daylight:
        return ZoneRules(standard)
    return ZoneRules(standard, to_standard, to_daylight)


def _read_rule(part: Element | None, offset: timedelta) -> Rule | None:
    month = int(text(part, "Month") or "0")
    if part is None or month == 0:
        return None
    weekday = DAYS.index(text(part, "DayOfWeek") or "")
    order = int(text(part, "DayOrder") or "0")
    if not (1 <= order <= LAST and 1 <= month <= 12):
        raise ValueError("no such day")
    return Rule(month, order, weekday, time.fromisoformat(text(part, "Time") or ""), offset)


def show_rules(rules: ZoneRules) -> Element:
    """A zone as SerializableTimeZone."""
    bias = -int(rules.standard.total_seconds() // 60)
    return t(
        "TimeZone",
        t("Bias", bias),
        _show_rule("StandardTime", rules.to_standard, rules.standard),
        _show_rule("DaylightTime", rules.to_daylight, rules.standard),
    )


def _show_rule(name: str, rule: Rule | None, standard: timedelta) -> Element:
    if rule is None:
        parts: list[tuple[str, object]] = [("Bias", 0), ("Time", "00:00:00"), ("DayOrder", 0), ("Month", 0)]
        return t(name, [t(n, v) for n, v in parts], t("DayOfWeek", "Sunday"))
    bias = -int((rule.offset - standard).total_seconds() // 60)
    return t(
        name,
        t("Bias", bias),
        t("Time", rule.at.isoformat("seconds")),
        t("DayOrder", rule.order),
        t("Month", rule.month),
        t("DayOfWeek", DAYS[rule.weekday]),
    )
