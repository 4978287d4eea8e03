"""Series: which dates they yield, and how they live as bookings."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from calsync_core.hosts.reference.api import System
from calsync_core.hosts.reference.desk import Terms
from calsync_core.hosts.reference.documents import Booking
from calsync_core.hosts.reference.errors import InvalidInputError, RefusalError
from calsync_core.hosts.reference.messages import BookingChange, parse
from calsync_core.hosts.reference.series import check_rule, expand, occurrence_id, split_occurrence_id

from tests.reference_host import booked, new_booking

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
WEEKLY = {"rrule": "FREQ=WEEKLY;COUNT=4"}


def dates(rule: str, start: str, end: str, zone: str = "Europe/Berlin", **options: Any) -> list[str]:
    first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
    found = expand(rule, first, last, zone, options.get("all_day", False), options.get("exdates", ()))
    return [f"{occurrence.start:%m-%dT%H:%M}" for occurrence in found]


def window(system: System, weeks: int = 8) -> list[Booking]:
    return list(system.calendars.bookings("anna", MONDAY, MONDAY + timedelta(weeks=weeks)))


def change(system: System, booking_id: str, body: str) -> dict[str, Any]:
    return system.desk.change(booking_id, parse(BookingChange, body), Terms()).body


class TestDates:
    def test_the_wall_time_repeats_not_the_instant(self) -> None:
        found = dates("FREQ=WEEKLY;COUNT=3", "2026-10-19T09:00:00+02:00", "2026-10-19T10:00:00+02:00")

        assert found == ["10-19T07:00", "10-26T08:00", "11-02T08:00"]

    def test_whole_days_keep_their_dates_over_a_clock_change(self) -> None:
        start, end = datetime(2026, 10, 23, 22, tzinfo=UTC), datetime(2026, 10, 24, 22, tzinfo=UTC)

        found = expand("FREQ=DAILY;COUNT=3", start, end, "Europe/Berlin", True, ())

        assert [(one.end - one.start).total_seconds() / 3600 for one in found] == [24, 25, 24]

    @pytest.mark.parametrize("until", ["20261214", "20261214T080000Z", "20261214T090000"])
    def test_until_includes_its_last_date(self, until: str) -> None:
        found = dates(f"FREQ=WEEKLY;UNTIL={until}", "2026-11-30T09:00:00+01:00", "2026-11-30T10:00:00+01:00")

        assert found == ["11-30T08:00", "12-07T08:00", "12-14T08:00"]

    def test_the_fifth_monday_comes_when_there_is_one(self) -> None:
        rule = "FREQ=MONTHLY;BYDAY=5MO;COUNT=3"

        assert dates(rule, "2026-11-30T09:00:00+01:00", "2026-11-30T10:00:00+01:00") == [
            "11-30T08:00",
            "03-29T07:00",
            "05-31T07:00",
        ]

    def test_left_out_dates_still_count(self) -> None:
        exdates = (datetime(2026, 11, 30, 8, tzinfo=UTC),)
        found = dates("FREQ=WEEKLY;COUNT=3", "2026-11-23T09:00:00+01:00", "2026-11-23T10:00:00+01:00", exdates=exdates)

        assert found == ["11-23T08:00", "12-07T08:00"]

    @pytest.mark.parametrize(
        "rule",
        [
            "FREQ=WEEKLY",
            "FREQ=HOURLY;COUNT=3",
            "FREQ=WEEKLY;COUNT=3;UNTIL=20270101",
            "COUNT=3",
            "",
            "FREQ=WEEKLY;COUNT=0",
            "FREQ=WEEKLY;COUNT=1;BYHOUR=3",
            "FREQ=WEEKLY;COUNT=x",
            "FREQ=WEEKLY;FREQ=DAILY;COUNT=1",
            "RRULE:FREQ=DAILY;COUNT=2",
            "FREQ=WEEKLY;UNTIL=soon",
            "FREQ=WEEKLY;COUNT=2;BYDAY=XX",
            "FREQ=WEEKLY;COUNT=2;INTERVAL=0",
            "FREQ=DAILY;COUNT=2\nX",
        ],
    )
    def test_rules_that_do_not_end_or_cannot_be_read_are_refused(self, rule: str) -> None:
        with pytest.raises(ValueError, match=r"must|twice|supported|RRULE"):
            check_rule(rule)

    @pytest.mark.parametrize(
        "rule", ["FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=2", "FREQ=DAILY;COUNT=400", "FREQ=YEARLY;COUNT=20"]
    )
    def test_rules_without_dates_or_with_too_many_are_refused_at_once(self, rule: str) -> None:
        with pytest.raises(ValueError, match=r"first date|at most|ends within"):
            dates(check_rule(rule), "2026-11-23T09:00:00+01:00", "2026-11-23T10:00:00+01:00")

    def test_ids_of_occurrences_lead_back(self) -> None:
        start = datetime(2026, 11, 23, 8, tzinfo=UTC)

        assert split_occurrence_id(occurrence_id("ser_1", start)) == ("ser_1", start)
        assert split_occurrence_id("ser_1_20269999T080000Z") is None
        assert split_occurrence_id("bkg_1") is None


class TestLife:
    def test_a_window_holds_its_dates_as_bookings(self, system: System) -> None:
        series = booked(system, "09:00", "10:00", series=WEEKLY)

        found = window(system)

        assert [f"{booking.start:%m-%d}" for booking in found] == ["11-23", "11-30", "12-07", "12-14"]
        assert len({booking.id for booking in found}) == 4
        assert all(booking.series and booking.series.original_start == booking.start for booking in found)
        assert all(system.calendars.find(booking.id).booking == booking for booking in found)
        assert series.is_series
        assert series.id not in {booking.id for booking in found}

    def test_one_taken_date_refuses_the_whole(self, system: System) -> None:
        other = booked(system, "2026-12-07T09:30:00+01:00", "2026-12-07T10:30:00+01:00")

        with pytest.raises(RefusalError) as refused:
            system.desk.book(new_booking("09:00", "10:00", series=WEEKLY))

        assert refused.value.conflicting_ids == [other.id]
        assert window(system) == [other]

    def test_its_dates_take_the_time(self, system: System) -> None:
        booked(system, "09:00", "10:00", series=WEEKLY)

        with pytest.raises(RefusalError) as refused:
            system.desk.book(new_booking("2026-12-14T09:30:00+01:00", "2026-12-14T11:00:00+01:00"))

        assert refused.value.conflicting_ids[0].endswith("_20261214T080000Z")

    def test_dates_that_overlap_one_another_are_refused(self, system: System) -> None:
        fields: dict[str, Any] = {"resource_ids": ["room4"], "series": {"rrule": "FREQ=DAILY;COUNT=3"}}
        with pytest.raises(InvalidInputError):
            system.desk.book(new_booking("2026-11-23T09:00:00Z", "2026-11-24T10:00:00Z", **fields))

    def test_a_moved_date_keeps_its_id_and_its_series(self, system: System) -> None:
        booked(system, "09:00", "10:00", series=WEEKLY)
        second = window(system)[1]

        moved = change(system, second.id, '{"start": "2026-12-01T12:00:00Z", "end": "2026-12-01T13:00:00Z"}')

        found = {booking.id: booking for booking in window(system)}
        assert len(found) == 4
        assert moved["id"] == second.id
        assert moved["version"] != second.version
        assert moved["series"]["original_start"] == "2026-11-30T08:00:00Z"
        assert found[second.id].start == datetime(2026, 12, 1, 12, tzinfo=UTC)
        booked(system, "2026-11-30T09:00:00+01:00", "2026-11-30T10:00:00+01:00")

    def test_the_other_dates_do_not_change_when_one_does(self, system: System) -> None:
        booked(system, "09:00", "10:00", series=WEEKLY)
        before = window(system)
        cursor = system.changes.read("anna", None, system.clock())["cursor"]

        change(system, before[1].id, '{"title": "Only this one"}')

        after = window(system)
        assert [booking for booking in after if booking.id != before[1].id] == [before[0], *before[2:]]
        told = system.changes.read("anna", cursor, system.clock())["items"]
        assert [item["id"] for item in told] == [before[1].id]

    def test_a_cancelled_date_is_free_and_stays_cancelled(self, system: System) -> None:
        booked(system, "09:00", "10:00", series=WEEKLY)
        second = window(system)[1]

        system.desk.cancel(second.id, Terms())
        system.desk.cancel(second.id, Terms())

        assert [booking.status for booking in window(system)] == ["confirmed", "cancelled", "confirmed", "confirmed"]
        booked(system, "2026-11-30T09:00:00+01:00", "2026-11-30T10:00:00+01:00")

    def test_a_change_of_the_series_leaves_moved_dates_alone(self, system: System) -> None:
        series = booked(system, "09:00", "10:00", series=WEEKLY)
        second = window(system)[1]
        change(system, second.id, '{"title": "Moved", "start": "2026-11-30T12:00:00Z", "end": "2026-11-30T13:00:00Z"}')

        change(system, series.id, '{"title": "All"}')

        assert [booking.title for booking in window(system)] == ["All", "Moved", "All", "All"]

    def test_a_moved_series_gives_tombstones_for_its_old_dates(self, system: System) -> None:
        series = booked(system, "09:00", "10:00", series=WEEKLY)
        before = {booking.id for booking in window(system)}
        cursor = system.changes.read("anna", None, system.clock())["cursor"]

        change(system, series.id, '{"start": "2026-11-23T10:00:00Z", "end": "2026-11-23T11:00:00Z"}')

        told = system.changes.read("anna", cursor, system.clock())["items"]
        assert {item["id"] for item in told if item["type"] == "tombstone"} == before
        upserted = {item["id"] for item in told if item["type"] == "upsert"}
        assert upserted == {booking.id for booking in window(system)}
        assert {booking.start.hour for booking in window(system)} == {10}

    def test_a_shorter_rule_and_left_out_dates_remove_dates(self, system: System) -> None:
        series = booked(system, "09:00", "10:00", series=WEEKLY)

        change(system, series.id, '{"series": {"rrule": "FREQ=WEEKLY;COUNT=3", "exdates": ["2026-11-30T08:00:00Z"]}}')

        assert [f"{booking.start:%m-%d}" for booking in window(system)] == ["11-23", "12-07"]

    def test_cancelling_the_series_cancels_moved_dates_too(self, system: System) -> None:
        series = booked(system, "09:00", "10:00", series=WEEKLY)
        change(system, window(system)[1].id, '{"start": "2026-12-01T12:00:00Z", "end": "2026-12-01T13:00:00Z"}')

        system.desk.cancel(series.id, Terms())

        assert {booking.status for booking in window(system)} == {"cancelled"}
        assert len(window(system)) == 4

    def test_a_series_ends_up_out_of_windows_behind_it(self, system: System) -> None:
        booked(system, "09:00", "10:00", series=WEEKLY)

        later = list(system.calendars.bookings("anna", MONDAY + timedelta(weeks=4), MONDAY + timedelta(weeks=8)))

        assert later == []


def test_what_was_moved_or_left_out_stays_so_when_the_whole_series_is_moved(system: System) -> None:
    """A date that had become a booking of its own stood twice after the series got another time."""
    left_out = "2026-12-07T09:00:00Z"
    repeats = {**WEEKLY, "exdates": [left_out]}
    series_id = booked(system, "2026-11-30T09:00:00Z", "2026-11-30T10:00:00Z", series=repeats).id
    moved = occurrence_id(series_id, datetime(2026, 12, 14, 9, tzinfo=UTC))
    change(system, moved, '{"start": "2026-12-15T14:00:00Z", "end": "2026-12-15T15:00:00Z"}')

    change(system, series_id, '{"start": "2026-11-30T11:00:00Z", "end": "2026-11-30T12:00:00Z"}')

    starts = [f"{one.start:%m-%dT%H}" for one in window(system)]
    assert starts == ["11-30T11", "12-15T14", "12-21T11"]
