"""Time through a whole run: clock changes, zones of every kind, odd all-day entries (issue 3, point 2). How single
values are read stands in tests/unit/adapters/test_graph_mapping.py and test_bad_input.py, grids in test_grids.py."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from calsync_core.adapters.graph.mapping import to_event, to_readable
from calsync_core.domain.appointments import AllDay, Copy, Timed, When
from calsync_core.domain.ids import CalendarId, ResourceId
from calsync_core.ports.calendar import Content

from tests.small_clinic import ACCOUNT, NOW, Clinic, a_clinic

ANNA = ResourceId("anna")
ZONES = [
    *("Europe/Berlin", "America/New_York", "America/Los_Angeles", "Australia/Sydney", "America/Santiago"),
    *("Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Kiritimati", "UTC"),
]


def _clinic(zone: str) -> Clinic:
    clinic = a_clinic()
    clinic.connect()
    clinic.system.resources[ANNA] = replace(clinic.system.resources[ANNA], time_zone=zone)
    state = clinic.stores.resources.get(ACCOUNT, ANNA)
    clinic.stores.resources.save(replace(state, resource=replace(state.resource, time_zone=zone)))
    clinic.mailbox().zone = zone
    return clinic


def wall(zone: str, day: date, hour: int, minute: int = 0, *, fold: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, fold=fold, tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.bad_input(30)
@pytest.mark.parametrize("zone", ZONES)
def test_whole_days_are_dates_on_both_ways_in_every_zone(zone: str) -> None:
    """Also over the days on which clocks change, and where midnight does not exist (Santiago)."""
    clinic = _clinic(zone)
    days = [AllDay(first, first + timedelta(days=length)) for first in _changes(zone) for length in (1, 3)]
    for day in days:
        clinic.mailbox().create_entry(day)
        clinic.system.book(["anna"], day, "Holiday")
    clinic.settle()
    assert sorted(str(block.when) for block in clinic.blocks()) == sorted(map(str, days))
    assert sorted(str(copy.when) for copy in clinic.copies()) == sorted(map(str, days))
    before = dict(clinic.system.block_versions), len(clinic.mailbox().writes)
    clinic.run(cause="full")
    assert (dict(clinic.system.block_versions), len(clinic.mailbox().writes)) == before


def _changes(zone: str) -> list[date]:
    """The next days on which the clocks of a zone change, and an ordinary one."""
    found = [date(2026, 12, 1)]
    tz = ZoneInfo(zone)
    for number in range(360):
        day = NOW.date() + timedelta(days=number)
        noons = [datetime(one.year, one.month, one.day, 12, tzinfo=tz) for one in (day - timedelta(days=1), day)]
        if noons[0].utcoffset() != noons[1].utcoffset():
            found.append(day)
    return found


@pytest.mark.bad_input(30)
@pytest.mark.parametrize(
    ("zone", "day", "hour", "minute", "fold"),
    [
        ("Europe/Berlin", date(2027, 3, 28), 2, 30, 0),  # does not exist
        ("Europe/Berlin", date(2027, 10, 31), 2, 30, 0),  # the first of two
        ("Europe/Berlin", date(2027, 10, 31), 2, 30, 1),  # the second
        ("Australia/Lord_Howe", date(2027, 4, 4), 1, 45, 1),  # half an hour of change
        ("Australia/Sydney", date(2027, 4, 4), 2, 30, 1),
        ("America/New_York", date(2027, 3, 14), 2, 30, 0),
    ],
)
def test_an_hour_that_clocks_leave_out_or_repeat_is_one_instant_on_both_sides(
    zone: str, day: date, hour: int, minute: int, fold: int
) -> None:
    clinic = _clinic(zone)
    start = wall(zone, day, hour, minute, fold=fold)
    entry, booking = Timed(start, start + timedelta(minutes=30)), Timed(start, start + timedelta(minutes=45))
    clinic.mailbox().create_entry(entry)
    clinic.system.book(["anna"], booking, "Visit")
    clinic.settle()
    assert [block.when for block in clinic.blocks()] == [entry]
    assert [copy.when for copy in clinic.copies()] == [booking]


@pytest.mark.parametrize(
    "when",
    [
        # Midnight to midnight of another zone, and an end at 23:59, not said to be all-day: they are what they are.
        Timed(datetime(2026, 12, 1, 5, tzinfo=UTC), datetime(2026, 12, 2, 5, tzinfo=UTC)),
        Timed(datetime(2026, 11, 30, 23, tzinfo=UTC), datetime(2026, 12, 1, 22, 59, tzinfo=UTC)),
    ],
)
def test_odd_spans_that_are_not_said_to_be_all_day_block_what_they_say(when: When) -> None:
    clinic = _clinic("Europe/Berlin")
    clinic.mailbox().create_entry(when)
    clinic.settle()
    assert [block.when for block in clinic.blocks()] == [when]


@pytest.mark.bad_input(30)
@pytest.mark.parametrize(
    ("made_in", "start", "end", "first", "last"),
    [
        ("Pacific Standard Time", "2026-12-01T08:00:00", "2026-12-02T08:00:00", 1, 2),
        ("Pacific/Auckland", "2026-11-30T11:00:00", "2026-12-01T11:00:00", 1, 2),
        ("Hawaiian Standard Time", "2026-12-01T10:00:00", "2026-12-03T10:00:00", 1, 3),
        ("Asia/Kolkata", "2026-11-30T18:30:00", "2026-12-01T18:30:00", 1, 2),
        ("tzone://Microsoft/Custom", "2026-11-30T23:00:00", "2026-12-01T22:59:00", 1, 2),
        (None, "2026-11-30T23:00:00", "2026-12-01T23:00:00", 1, 2),
    ],
)
def test_midnights_of_the_zone_that_an_all_day_entry_was_made_in_are_its_dates(
    made_in: str | None, start: str, end: str, first: int, last: int
) -> None:
    entry = to_readable(
        {
            "id": "x", "isAllDay": True, "showAs": "busy", "originalStartTimeZone": made_in,
            "start": {"dateTime": start, "timeZone": "UTC"}, "end": {"dateTime": end, "timeZone": "UTC"},
        },
        CalendarId("c"), lambda: "Europe/Berlin", Content(),
    )  # fmt: skip
    assert entry is not None
    assert entry.when == AllDay(date(2026, 12, first), date(2026, 12, last))


@pytest.mark.parametrize("zone", ZONES)
def test_a_whole_day_is_written_as_midnights_of_one_zone(zone: str) -> None:
    sent = to_event(Copy(AllDay(date(2027, 3, 28), date(2027, 3, 29)), zone, "Holiday"))
    assert sent["isAllDay"] is True
    assert sent["start"] == {"dateTime": "2027-03-28T00:00:00", "timeZone": zone}
    assert sent["end"] == {"dateTime": "2027-03-29T00:00:00", "timeZone": zone}


@pytest.mark.rule("R2", "R25")
def test_another_zone_of_the_resource_moves_the_instants_of_whole_days_with_the_full_check() -> None:
    """Also other rules of the same zone. Days stay days: the copy stands as it is, the block is said again, because the
    booking system knows it by instants, and the rows learn them for overlaps and availability."""
    clinic = _clinic("Europe/Berlin")
    blocked, booked = AllDay(date(2026, 12, 1), date(2026, 12, 2)), AllDay(date(2026, 12, 3), date(2026, 12, 4))
    clinic.mailbox().create_entry(blocked)
    clinic.system.book(["anna"], booked, "Holiday")
    clinic.settle()
    (ref,), writes = clinic.system.blocks, len(clinic.mailbox().writes)
    said = clinic.system.block_versions[ref]
    zone = "Asia/Kolkata"
    clinic.system.resources[ANNA] = replace(clinic.system.resources[ANNA], time_zone=zone)
    state = clinic.stores.resources.get(ACCOUNT, ANNA)
    clinic.stores.resources.save(replace(state, resource=replace(state.resource, time_zone=zone)))
    for _ in range(2):
        clinic.run(cause="full")
        rows = {link.when: (link.start_at, link.end_at) for link in clinic.stores.links.all(ACCOUNT, ANNA)}
        assert rows == {day: day.interval(zone) for day in (blocked, booked)}
        assert (clinic.system.block_versions[ref] > said, len(clinic.mailbox().writes)) == (True, writes)
    said = clinic.system.block_versions[ref]
    clinic.run(cause="full")
    assert clinic.system.block_versions[ref] == said, "and then all is quiet"
