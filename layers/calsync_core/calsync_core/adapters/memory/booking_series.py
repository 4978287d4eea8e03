"""Series of bookings in memory: the occurrences that a rule yields, as the bundled booking system makes them."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from calsync_core.adapters.memory.items import shifted
from calsync_core.domain.appointments import AllDay, Booking, When
from calsync_core.domain.errors import AppointmentRejectedError
from calsync_core.domain.ids import BookingId
from calsync_core.domain.recurrence import Inexpressible, Recurrence
from calsync_core.domain.rrules import parse_rule
from calsync_core.domain.values import replace

HORIZON = timedelta(days=1100)  # of an endless series


def repeating(series: Booking, rule: str) -> Recurrence | Inexpressible:
    """How the connector tells it."""
    try:
        return parse_rule(rule, series.when, series.time_zone)
    except AppointmentRejectedError as error:
        return Inexpressible(error.code)


def occurrences_of(series: Booking, rule: str) -> Iterator[Booking]:
    """Every occurrence as an ordinary booking, by python-dateutil alone; a rule that is none yields the first."""
    for when in _times(series, rule):
        original = _original(when, series.time_zone)
        if original in series.exdates:
            continue
        occurrence_id = BookingId(f"{series.id}_{original.astimezone(UTC):%Y%m%dT%H%M%SZ}")
        yield replace(
            series, id=occurrence_id, when=when, is_series_master=False, original_start_at=original, recurrence=None,
            exdates=(),
        )  # fmt: skip


def moved_along(occurrence: Booking, old: Booking, new: Booking) -> datetime | None:
    """The place of an occurrence that was changed by itself, after the whole series got another start."""
    tz, original = ZoneInfo(new.time_zone), occurrence.original_start_at
    if original is None:
        return None
    before, after = (_original(one.when, one.time_zone).astimezone(tz).replace(tzinfo=None) for one in (old, new))
    wall = original.astimezone(tz).replace(tzinfo=None) + (after - before)
    return wall.replace(tzinfo=tz).astimezone(UTC)


def _times(series: Booking, rule: str) -> Iterator[When]:
    tz, when = ZoneInfo(series.time_zone), series.when
    first = _original(when, series.time_zone).astimezone(tz).replace(tzinfo=None)
    name, _, until = rule.rpartition("UNTIL=")
    text = rule
    if until.endswith("Z"):  # dateutil wants the wall time that it repeats
        instant = datetime.strptime(until, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        text = f"{name}UNTIL={instant.astimezone(tz):%Y%m%dT%H%M%S}"
    try:
        walls: Any = rrulestr(text, dtstart=first)
    except (ValueError, TypeError, KeyError, IndexError):
        walls = [first]
    for wall in takewhile(lambda one: one - first < HORIZON, walls):
        later = shifted(when, wall.date() - first.date(), series.time_zone)
        yield later if wall.time() == first.time() else _at(later, wall.time(), tz)


def _at(when: When, clock: time, tz: ZoneInfo) -> When:
    """A rule by the hour leaves the first one's wall time."""
    if isinstance(when, AllDay):
        return when
    start = when.start_at.astimezone(tz).replace(hour=clock.hour, minute=clock.minute, fold=0).astimezone(UTC)
    return replace(when, start_at=start, end_at=start + (when.end_at - when.start_at))


def _original(when: When, zone: str) -> datetime:
    return when.interval(zone)[0]
