"""What the booking system refuses, and what it must not."""

import json
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest
from calsync_core.hosts.reference.api import System
from calsync_core.hosts.reference.desk import Terms
from calsync_core.hosts.reference.errors import HostError, InvalidInputError, NotFoundError, RefusalError
from calsync_core.hosts.reference.instants import at_wall_time, read_instant, start_of_day
from calsync_core.hosts.reference.messages import BlockContent, BookingChange, ResourceChange, parse
from calsync_core.hosts.reference.working_hours import WorkingHours, is_within

from tests.reference_host import booked, new_booking

BERLIN = "Europe/Berlin"


def code_of(system: System, start: str, end: str, **fields: Any) -> str:
    with pytest.raises(HostError) as refused:
        system.desk.book(new_booking(start, end, **fields))
    return refused.value.code


def block(system: System, ref: str, start: str, end: str, **fields: Any) -> None:
    body = {"resource_id": "anna", "start": start, "end": end, "origin": {"system": "calsync", "ref": ref}} | fields
    system.blocks.put(ref, parse(BlockContent, json.dumps(body)))


class TestTakenTime:
    def test_overlapping_bookings_are_refused_by_name_of_the_other(self, system: System) -> None:
        first = booked(system, "09:00", "10:00")

        with pytest.raises(RefusalError) as refused:
            system.desk.book(new_booking("09:55", "10:30"))

        assert refused.value.code == "slot_taken"
        assert refused.value.conflicting_ids == [first.id]

    @pytest.mark.parametrize(("start", "end"), [("09:00", "10:00"), ("09:15", "09:30"), ("08:30", "17:00")])
    def test_every_way_to_overlap_counts(self, system: System, start: str, end: str) -> None:
        booked(system, "09:00", "10:00", resource_ids=["room4"])

        assert code_of(system, start, end, resource_ids=["room4"]) == "slot_taken"

    def test_touching_is_free(self, system: System) -> None:
        booked(system, "09:00", "10:00")
        booked(system, "10:00", "11:00")

        assert booked(system, "11:00", "11:05").version == "1"

    def test_each_resource_of_a_booking_must_be_free(self, system: System) -> None:
        booked(system, "09:00", "10:00", resource_ids=["room4"])

        assert code_of(system, "09:30", "10:30", resource_ids=["anna", "room4"]) == "slot_taken"
        booked(system, "09:30", "10:30", resource_ids=["anna"])

    @pytest.mark.parametrize("kind", ["busy", "tentative", "oof"])
    def test_blocks_of_every_kind_take_the_time(self, system: System, kind: str) -> None:
        block(system, "blk-1", "2026-11-23T09:00:00+01:00", "2026-11-23T10:00:00+01:00", kind=kind)

        assert code_of(system, "09:30", "10:30") == "slot_taken"

    def test_a_block_of_ten_years_is_still_in_the_way(self, system: System) -> None:
        block(system, "blk-1", "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z")

        assert code_of(system, "09:30", "10:30") == "slot_taken"

    def test_cancelled_bookings_and_deleted_blocks_free_the_time(self, system: System) -> None:
        first = booked(system, "09:00", "10:00")
        block(system, "blk-1", "2026-11-23T10:00:00+01:00", "2026-11-23T11:00:00+01:00")
        system.desk.cancel(first.id, Terms())
        system.blocks.delete("blk-1")

        booked(system, "09:00", "11:00")

    def test_buffers_take_time_on_both_sides(self, system: System) -> None:
        booked(system, "10:00", "11:00", buffers={"before_min": 15, "after_min": 30})

        assert code_of(system, "09:00", "09:50") == "slot_taken"
        assert code_of(system, "11:25", "12:00") == "slot_taken"
        booked(system, "09:00", "09:45")
        booked(system, "11:30", "12:00")
        assert code_of(system, "12:05", "13:00", buffers={"before_min": 10, "after_min": 0}) == "slot_taken"

    def test_a_long_booking_is_seen_from_its_middle(self, system: System) -> None:
        booked(system, "2026-11-20T00:00:00+01:00", "2026-11-30T00:00:00+01:00", resource_ids=["room4"])

        assert code_of(system, "09:00", "10:00", resource_ids=["room4"]) == "slot_taken"

    def test_moving_within_its_own_time_is_free(self, system: System) -> None:
        booking = booked(system, "09:00", "10:00")

        moved = system.desk.change(booking.id, parse(BookingChange, '{"end": "2026-11-23T09:30:00Z"}'), Terms())

        assert moved.body["end"] == "2026-11-23T09:30:00Z"

    def test_a_change_of_text_is_never_refused_for_time(self, system: System) -> None:
        booking = booked(system, "09:00", "10:00")
        block(system, "blk-1", "2026-11-23T09:00:00+01:00", "2026-11-23T10:00:00+01:00")
        system.register.change("anna", parse(ResourceChange, '{"active": false, "working_hours": {}}'))

        answer = system.desk.change(
            booking.id, parse(BookingChange, '{"title": "Other", "start": "2026-11-23T08:00:00Z"}'), Terms()
        )

        assert answer.body["title"] == "Other"

    def test_on_the_longer_day_the_doubled_hour_has_room_for_two(self, system: System) -> None:
        # 2026-10-25 in Berlin: 02:30 comes twice, at +02:00 and at +01:00.
        booked(system, "2026-10-25T02:30:00+02:00", "2026-10-25T02:45:00+02:00", resource_ids=["room4"])
        second = ("2026-10-25T02:30:00+01:00", "2026-10-25T02:45:00+01:00")

        booked(system, *second, resource_ids=["room4"])
        assert code_of(system, *second, resource_ids=["room4"]) == "slot_taken"


class TestGrid:
    @pytest.mark.parametrize("start", ["2026-11-23T09:07:00+01:00", "2026-11-23T09:05:30+01:00"])
    def test_off_the_grid_is_refused(self, system: System, start: str) -> None:
        assert code_of(system, start, "10:00") == "granularity"

    def test_an_end_off_the_grid_too(self, system: System) -> None:
        assert code_of(system, "09:00", "2026-11-23T09:59:00+01:00") == "granularity"

    def test_the_grid_is_the_wall_clocks(self, system: System) -> None:
        booked(
            system,
            "2026-11-23T09:15:00+05:45",
            "2026-11-23T09:30:00+05:45",
            resource_ids=["room4"],
            time_zone="Asia/Kathmandu",
        )


class TestHours:
    @pytest.mark.parametrize(("start", "end"), [("08:55", "09:30"), ("16:30", "17:05"), ("07:00", "08:00")])
    def test_outside_is_refused(self, system: System, start: str, end: str) -> None:
        assert code_of(system, start, end) == "outside_hours"

    def test_the_edges_belong_to_the_day(self, system: System) -> None:
        booked(system, "09:00", "09:30")
        booked(system, "16:30", "17:00")

    def test_a_weekend_is_outside_whatever_the_hour(self, system: System) -> None:
        assert code_of(system, "2026-11-22T10:00:00+01:00", "2026-11-22T11:00:00+01:00") == "outside_hours"

    def test_hours_follow_the_wall_over_a_clock_change(self, system: System) -> None:
        # The Mondays around 2026-10-25: 09:00 in Berlin is 07:00Z before and 08:00Z after.
        booked(system, "2026-10-19T07:00:00Z", "2026-10-19T07:30:00Z")
        booked(system, "2026-10-26T08:00:00Z", "2026-10-26T08:30:00Z")
        assert code_of(system, "2026-10-26T07:00:00Z", "2026-10-26T07:30:00Z") == "outside_hours"

    def test_an_inactive_resource_takes_nothing(self, system: System) -> None:
        system.register.change("anna", parse(ResourceChange, '{"active": false}'))

        assert code_of(system, "09:00", "10:00") == "forbidden"

    def test_a_lunch_break_splits_the_day(self) -> None:
        hours = _hours({"mon": [("09:00", "12:00"), ("13:00", "17:00")]})

        assert _is_open(hours, "09:00", "12:00")
        assert not _is_open(hours, "11:00", "14:00")
        assert not _is_open(hours, "12:00", "13:00")

    def test_stretches_that_touch_are_one_also_over_midnight(self) -> None:
        hours = _hours({"mon": [("09:00", "12:00"), ("12:00", "24:00")], "tue": [("00:00", "02:00")]})

        assert _is_open(hours, "11:00", "13:00")
        assert is_within(hours, BERLIN, _wall(23, 22), _wall(24, 2), all_day=False)
        assert not is_within(hours, BERLIN, _wall(23, 22), _wall(24, 3), all_day=False)

    def test_a_date_of_its_own_replaces_the_weekday(self) -> None:
        weekly = [{"day": "mon", "start": "09:00", "end": "17:00"}]
        closed = {"date": "2026-11-23", "ranges": []}
        short = {"date": "2026-11-30", "ranges": [{"start": "12:00", "end": "13:00"}]}
        hours = WorkingHours.model_validate_json(json.dumps({"weekly": weekly, "exceptions": [closed, short]}))

        assert not _is_open(hours, "09:00", "10:00")
        assert is_within(hours, BERLIN, _wall(30, 12), _wall(30, 13), all_day=False)
        assert not is_within(hours, BERLIN, _wall(30, 9), _wall(30, 10), all_day=False)

    def test_all_day_needs_some_work_on_every_date(self, system: System) -> None:
        booked(system, "2026-11-23", "2026-11-25", all_day=True)

        assert code_of(system, "2026-11-27", "2026-11-29", all_day=True) == "outside_hours"

    def test_hours_that_run_backwards_are_no_hours(self) -> None:
        with pytest.raises(ValueError, match="must end after it starts"):
            _hours({"mon": [("17:00", "09:00")]})


class TestShape:
    @pytest.mark.parametrize(
        ("start", "end", "fields"),
        [
            ("10:00", "09:00", {}),
            ("10:00", "10:00", {}),
            ("2026-11-23", "2026-11-24", {}),
            ("2026-11-23T10:00:00Z", "2027-03-23T10:00:00Z", {}),
            ("2026-11-23T10:00:00Z", "2026-11-24T10:00:00Z", {"all_day": True}),
            ("09:00", "10:00", {"resource_ids": ["anna", "anna"]}),
            ("09:00", "10:00", {"id": "ser_1_20261123T090000Z"}),
            (
                "09:00",
                "10:00",
                {"custom_fields": {str(n): "ä" * 500 for n in range(50)}, "notes": {"value": "ö" * 32_000}},
            ),
        ],
    )
    def test_what_is_no_booking_is_invalid(self, system: System, start: str, end: str, fields: dict[str, Any]) -> None:
        assert code_of(system, start, end, **fields) == "invalid"

    def test_all_day_is_midnight_to_midnight_where_it_is(self, system: System) -> None:
        # The day on which Berlin puts its clocks back has 25 hours.
        booking = booked(system, "2026-10-25", "2026-10-26", all_day=True, resource_ids=["room4"])

        assert (booking.end - booking.start).total_seconds() == 25 * 3600
        assert booking.shown()["start"] == "2026-10-24T22:00:00Z"

    def test_unknown_resources_are_told(self, system: System) -> None:
        with pytest.raises(NotFoundError):
            system.desk.book(new_booking("09:00", "10:00", resource_ids=["anna", "nobody"]))

    def test_control_characters_are_dropped_and_the_rest_is_kept(self, system: System) -> None:
        booking = booked(system, "09:00", "10:00", title="a\x00b\x1b[31m\u202eכן 🎈=cmd()")

        assert booking.title == "ab[31m\u202eכן 🎈=cmd()"

    def test_a_cancelled_booking_is_locked(self, system: System) -> None:
        booking = booked(system, "09:00", "10:00")
        system.desk.cancel(booking.id, Terms())

        with pytest.raises(RefusalError, match="cancelled"):
            system.desk.change(booking.id, parse(BookingChange, '{"title": "x"}'), Terms())

    def test_a_booking_cannot_become_a_series(self, system: System) -> None:
        booking = booked(system, "09:00", "10:00")

        with pytest.raises(InvalidInputError):
            system.desk.change(booking.id, parse(BookingChange, '{"series": {"rrule": "FREQ=DAILY;COUNT=2"}}'), Terms())


class TestInstants:
    @pytest.mark.parametrize(
        "text",
        [
            "2026-11-23T09:00:00",
            "2026-11-23 09:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "",
            "now",
            5,
            None,
            "2026-11-23T25:00:00Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "２０２６-11-23T09:00:00Z",
            "20261123T090000Z",
        ],
    )
    def test_only_real_instants_with_offset_are_read(self, text: object) -> None:
        with pytest.raises(ValueError, match=r"must be|is not a real"):
            read_instant(text)

    def test_offsets_fractions_and_small_letters_are_read(self) -> None:
        assert read_instant("2038-01-19t03:14:08.999z") == datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)
        assert read_instant("2026-11-23T09:00:00+05:45") == datetime(2026, 11, 23, 3, 15, tzinfo=UTC)

    def test_days_add_up_over_clock_changes(self) -> None:
        days = [start_of_day(date(2026, 10, day), BERLIN) for day in (24, 25, 26)]

        assert [(end - start).total_seconds() / 3600 for start, end in pairwise(days)] == [24, 25]
        assert at_wall_time(date(2026, 10, 25), 24 * 60, BERLIN) == days[2]


def _hours(week: dict[str, list[tuple[str, str]]]) -> WorkingHours:
    ranges = [{"day": day, "start": start, "end": end} for day, found in week.items() for start, end in found]
    return WorkingHours.model_validate({"weekly": tuple(ranges)})


def _wall(day: int, hour: int) -> datetime:
    return at_wall_time(date(2026, 11, day), hour * 60, BERLIN)


def _is_open(hours: WorkingHours, start: str, end: str) -> bool:
    return is_within(hours, BERLIN, _wall(23, int(start[:2])), _wall(23, int(end[:2])), all_day=False)
