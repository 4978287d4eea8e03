"""Recurrence and zones by themselves."""

from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.clock import Clock
from sandbox.recurrence import Recurrence, dates, dates_between
from sandbox.zones import UnknownZoneError, Wall, to_utc, to_wall, windows_name, windows_zones, zone_info

_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
recurrences = st.builds(
    Recurrence,
    type=st.sampled_from(["daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly", "relativeYearly"]),
    start_date=st.dates(date(2005, 1, 1), date(2025, 1, 1)),
    interval=st.integers(1, 6),
    days_of_week=st.lists(st.sampled_from(_DAYS), min_size=1, unique=True).map(tuple),
    first_day_of_week=st.sampled_from(_DAYS),
    day_of_month=st.integers(1, 31),
    month=st.integers(1, 12),
    index=st.sampled_from(["first", "second", "third", "fourth", "last"]),
    range_type=st.sampled_from(["noEnd", "endDate", "numbered"]),
    end_date=st.just(date(2027, 6, 30)),
    count=st.integers(1, 40),
)


@given(recurrences, st.dates(date(2000, 1, 1), date(2028, 1, 1)), st.integers(0, 400))
def test_reading_from_the_middle_of_a_series_gives_what_reading_from_its_start_does(
    recurrence: Recurrence, first: date, length: int
) -> None:
    last = first + timedelta(days=length)

    found = dates_between(recurrence, first, last)

    assert found == [day for day in takewhile(lambda day: day <= last, dates(recurrence)) if day >= first]


def test_every_windows_zone_leads_to_a_zone_of_this_machine() -> None:
    assert {zone_info(name).key for name in windows_zones()} <= available_timezones()
    assert windows_name("Europe/Paris") == "Romance Standard Time"
    assert windows_name("romance standard time") == "Romance Standard Time"


@pytest.mark.parametrize("name", ["", "Moon Standard Time", "../etc/passwd", "tzone://Microsoft/Custom", "x" * 300])
def test_names_that_are_no_zones_are_told_as_such(name: str) -> None:
    with pytest.raises(UnknownZoneError):
        zone_info(name)


def test_wall_time_and_instants() -> None:
    summer = Wall(datetime(2026, 7, 1, 9), "Romance Standard Time")  # noqa: DTZ001 - wall time beside its zone
    skipped = Wall(datetime(2026, 3, 29, 2, 30), "Europe/Paris")  # noqa: DTZ001 - does not exist on that clock
    assert to_utc(summer) == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert to_wall(to_utc(summer), "Romance Standard Time") == summer
    assert to_utc(skipped) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_the_clock_moves_and_runs_on() -> None:
    clock = Clock()
    clock.set(datetime(2030, 1, 1, tzinfo=UTC))
    clock.advance(timedelta(hours=1))
    assert timedelta(0) <= clock.now() - datetime(2030, 1, 1, 1, tzinfo=UTC) < timedelta(seconds=5)
    with pytest.raises(ValueError, match="aware"):
        clock.set(datetime(2030, 1, 1))  # noqa: DTZ001 - naive on purpose
