"""Free slots: working hours in wall time, grid, buffers, daylight saving."""

from datetime import UTC, datetime, time, timedelta
from itertools import islice

from calsync_core.domain.ids import ResourceId
from calsync_core.domain.resources import Owner, Resource, ResourceKind, WorkingRange
from calsync_core.usecases.find_free_slot import Interval, free_slots

HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def _resource(*hours: WorkingRange, zone: str = "Europe/Berlin") -> Resource:
    owner = Owner("p", "Anna", "a@clinic.example")
    return Resource(ResourceId("anna"), "Anna", "a@clinic.example", ResourceKind.STAFF, zone, "en", owner, hours)


def _first(
    resource: Resource, taken: list[Interval], not_before: datetime, count: int = 1, **more: timedelta
) -> list[datetime]:
    granularity = more.pop("granularity", QUARTER)
    slots = free_slots(resource, taken, not_before, HOUR, granularity=granularity, **more)
    return [start for start, _ in islice(slots, count)]


def test_always_open_without_working_hours_starts_on_the_grid() -> None:
    assert _first(_resource(), [], MONDAY + timedelta(minutes=7), 2) == [MONDAY + QUARTER, MONDAY + 2 * QUARTER]


def test_a_grid_of_one_minute_still_offers_quarters() -> None:
    found = _first(_resource(), [], MONDAY + timedelta(minutes=7), granularity=timedelta(minutes=1))

    assert found == [MONDAY + QUARTER]


def test_taken_time_is_jumped_over_and_touching_is_free() -> None:
    taken = [(MONDAY, MONDAY + HOUR), (MONDAY + 1.5 * HOUR, MONDAY + 2 * HOUR)]

    assert _first(_resource(), taken, MONDAY) == [MONDAY + 2 * HOUR]


def test_buffers_must_be_free_and_inside_the_hours() -> None:
    resource = _resource(WorkingRange(0, time(9), time(12)))
    nine = MONDAY + 8 * HOUR  # Berlin is an hour ahead in November
    taken = [(nine + 0.5 * HOUR, nine + HOUR)]

    assert _first(resource, taken, MONDAY, before=QUARTER, after=QUARTER) == [nine + 1.25 * HOUR]


def test_hours_are_wall_time_across_the_change_of_clocks() -> None:
    resource = _resource(*(WorkingRange(day, time(9), time(10)) for day in range(7)))
    saturday = datetime(2026, 3, 28, 12, tzinfo=UTC)  # clocks go forward in the night to Sunday

    assert _first(resource, [], saturday - 12 * HOUR, 2) == [
        datetime(2026, 3, 28, 8, tzinfo=UTC),
        datetime(2026, 3, 29, 7, tzinfo=UTC),
    ]


def test_the_grid_is_wall_time_where_the_zone_is_odd() -> None:
    found = _first(_resource(zone="Asia/Kathmandu"), [], MONDAY + timedelta(minutes=1), granularity=HOUR)

    assert found == [MONDAY + QUARTER]  # UTC+05:45


def test_midnight_as_closing_time_means_the_end_of_the_day() -> None:
    resource = _resource(WorkingRange(0, time(22), time(0)))

    assert _first(resource, [], MONDAY, 3) == [
        MONDAY + 21 * HOUR,
        MONDAY + 21 * HOUR + QUARTER,
        MONDAY + 21 * HOUR + 2 * QUARTER,
    ]


def test_nothing_is_offered_when_four_weeks_are_full_or_closed() -> None:
    full = [(MONDAY - HOUR, MONDAY + timedelta(days=40))]

    assert _first(_resource(WorkingRange(0, time(9), time(10))), full, MONDAY) == []
    assert _first(_resource(WorkingRange(0, time(9), time(9, 30))), [], MONDAY) == []
