"""The store: no double booking, windows and feeds that miss nothing, no scans."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from calsync_core.hosts.reference.api import System
from calsync_core.hosts.reference.app import build_system
from calsync_core.hosts.reference.desk import Terms
from calsync_core.hosts.reference.errors import BusyError, CursorExpiredError, RefusalError
from calsync_core.hosts.reference.messages import BlockContent, BookingChange, parse
from calsync_core.hosts.reference.retry import retried
from calsync_core.hosts.reference.series import occurrence_id
from calsync_core.hosts.reference.table import ConditionFailedError, Table

from tests.reference_host import SETTINGS, Calsync, Clock, booked, new_booking

DAY = datetime(2026, 11, 23, tzinfo=UTC)


def cursor_of(system: System) -> str:
    return str(system.changes.read("anna", None, system.clock())["cursor"])


def all_at_once(tasks: list[Callable[[], Any]]) -> list[str]:
    """What each came to: the type of its result or error."""

    def run(task: Callable[[], Any]) -> str:
        try:
            task()
        except (RefusalError, BusyError) as error:
            return error.code
        return "booked"

    with ThreadPoolExecutor(len(tasks)) as pool:
        return sorted(pool.map(run, tasks))


class TestConcurrency:
    def test_of_simultaneous_bookings_of_one_time_one_is_made(self, client: Any, system: System, clock: Clock) -> None:
        systems = [build_system(SETTINGS, client, post=Calsync(), clock=clock) for _ in range(8)]

        # Overlapping, but none equal to another.
        made = [f"2026-11-23T{9 + number // 4:02}:{number % 4 * 15:02}:00+01:00" for number in range(8)]
        outcomes = all_at_once(
            [
                lambda one=one, start=start: one.desk.book(new_booking(start, "2026-11-23T12:00:00+01:00"))
                for one, start in zip(systems, made, strict=True)
            ]
        )

        assert outcomes == ["booked"] + ["slot_taken"] * 7
        assert len(list(system.calendars.bookings("anna", DAY, DAY + timedelta(days=1)))) == 1

    def test_neighbours_all_find_their_place_and_the_feed_has_no_gap(
        self, client: Any, system: System, clock: Clock
    ) -> None:
        cursor = cursor_of(system)
        starts = [("09:00", "09:30"), ("09:30", "10:00"), ("10:00", "10:30"), ("10:30", "11:00")]

        outcomes = all_at_once(
            [
                lambda span=span: build_system(SETTINGS, client, post=Calsync(), clock=clock).desk.book(
                    new_booking(*span)
                )
                for span in starts
            ]
        )

        assert outcomes == ["booked"] * 4
        assert len(system.changes.read("anna", cursor, clock())["items"]) == 4

    def test_two_people_in_one_room_at_once(self, client: Any, system: System, clock: Clock) -> None:
        """The room is the second resource of one booking and the only one of the other."""
        one, other = (build_system(SETTINGS, client, post=Calsync(), clock=clock) for _ in range(2))

        outcomes = all_at_once(
            [
                lambda: one.desk.book(new_booking("09:00", "10:00", resource_ids=["anna", "room4"])),
                lambda: other.desk.book(new_booking("09:30", "10:30", resource_ids=["room4"])),
            ]
        )

        assert outcomes == ["booked", "slot_taken"]

    def test_two_changes_of_one_booking_do_not_lose_one_another(
        self, client: Any, system: System, clock: Clock
    ) -> None:
        booking = booked(system, "09:00", "10:00")
        changes = ['{"title": "New title"}', '{"location": "Room 9"}', '{"start": "2026-11-23T08:30:00Z"}']

        def change(body: str) -> Callable[[], Any]:
            own = build_system(SETTINGS, client, post=Calsync(), clock=clock)
            return lambda: own.desk.change(booking.id, parse(BookingChange, body), Terms())

        all_at_once([change(body) for body in changes])

        after = system.calendars.find(booking.id).booking
        assert (after.title, after.location, after.start.minute, after.version) == ("New title", "Room 9", 30, "4")

    @pytest.mark.parametrize("many", [False, True], ids=["one by its id", "several, as the feed reads them"])
    def test_a_date_that_leaves_its_series_while_it_is_looked_up_is_found(
        self, client: Any, system: System, clock: Clock, many: bool
    ) -> None:
        """It was neither a row of its own (first read) nor a date of its series (second read): not found, and whoever
        asked took it for cancelled."""
        series = booked(system, "2026-11-30T09:00:00Z", "2026-11-30T10:00:00Z", series={"rrule": "FREQ=DAILY;COUNT=2"})
        date = occurrence_id(series.id, datetime(2026, 12, 1, 9, tzinfo=UTC))

        class RacedClient:
            """Somebody changes the date right after the first read."""

            def __init__(self) -> None:
                self.changes = [parse(BookingChange, '{"title": "Another title"}')]

            def __getattr__(self, name: str) -> Any:
                def call(**arguments: Any) -> Any:
                    answer = getattr(client, name)(**arguments)
                    while self.changes:
                        system.desk.change(date, self.changes.pop(), Terms())
                    return answer

                return call

        calendars = build_system(SETTINGS, RacedClient(), post=Calsync(), clock=clock).calendars

        found = calendars.find_many([date])[date] if many else calendars.find(date).booking

        assert found.title == "Another title"

    def test_rivals_that_never_give_way_end_in_busy(self) -> None:
        waits: list[float] = []

        def lose() -> None:
            raise ConditionFailedError

        with pytest.raises(BusyError):
            retried(lose, waits.append)

        assert 1 < len(waits) <= 10
        assert sum(waits) < 5

    def test_a_throttled_table_is_an_error_and_no_race(self, client: Any, system: System) -> None:
        class Throttled:
            def transact_write_items(self, **_: Any) -> None:
                reasons = [{"Code": "None"}, {"Code": "ThrottlingError"}]
                answer = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
                raise ClientError(answer, "TransactWriteItems")  # type: ignore[arg-type]

        with pytest.raises(ClientError):
            Table(Throttled(), "t", "main").commit([])  # type: ignore[arg-type]


class TestWindows:
    def test_paging_shows_each_once_in_order(self, system: System) -> None:
        for number in range(12):
            booked(
                system,
                f"2026-11-23T{9 + number // 2:02}:{number % 2 * 30:02}:00Z",
                f"2026-11-23T{9 + number // 2:02}:{number % 2 * 30 + 25:02}:00Z",
                resource_ids=["room4"],
            )
        booked(system, "2026-11-24T00:00:00Z", "2026-11-29T00:00:00Z", resource_ids=["room4"])
        week = (DAY, DAY + timedelta(days=7))
        whole = list(system.calendars.bookings("room4", *week))

        paged = []
        after = None
        while page := next(system.calendars.bookings("room4", *week, after=after), None):
            paged.append(page)
            after = (page.start, page.id)

        assert paged == whole
        assert len(whole) == 13
        assert [booking.start for booking in whole] == sorted(booking.start for booking in whole)

    def test_windows_and_feeds_are_read_without_scans_and_consistently(self, client: Any, system: System) -> None:
        booked(system, "09:00", "10:00", resource_ids=["anna", "room4"])
        cursor = cursor_of(system)
        client.calls.clear()

        list(system.calendars.bookings("anna", DAY, DAY + timedelta(days=7)))
        list(system.calendars.blocks("anna", DAY, DAY + timedelta(days=7)))
        system.changes.read("anna", cursor, system.clock())

        assert client.calls == ["query"] * 5 + ["get_item"]

    def test_moving_between_short_and_long_leaves_nothing_behind(self, system: System) -> None:
        booking = booked(system, "2026-11-23T09:00:00Z", "2026-11-23T10:00:00Z", resource_ids=["room4"])
        for end in ("2026-11-28T10:00:00Z", "2026-11-23T11:00:00Z"):
            system.desk.change(booking.id, parse(BookingChange, json.dumps({"end": end})), Terms())

        found = list(system.calendars.bookings("room4", DAY, DAY + timedelta(days=30)))

        assert [one.end for one in found] == [datetime(2026, 11, 23, 11, tzinfo=UTC)]

    def test_a_block_may_change_its_resource(self, system: System) -> None:
        for resource_id in ("anna", "room4"):
            origin = {"system": "calsync", "ref": "blk-1"}
            body = {"resource_id": resource_id, "start": "2026-11-23T09:00:00Z", "end": "2026-11-23T10:00:00Z"}
            system.blocks.put("blk-1", parse(BlockContent, json.dumps(body | {"origin": origin})))

        assert list(system.calendars.blocks("anna", DAY, DAY + timedelta(days=1))) == []
        assert [block.id for block in system.calendars.blocks("room4", DAY, DAY + timedelta(days=1))] == ["blk-1"]


class TestFeed:
    def test_a_booking_that_leaves_is_a_tombstone_there_and_news_here(self, system: System) -> None:
        booking = booked(system, "09:00", "10:00")
        anna, room = cursor_of(system), system.changes.read("room4", None, system.clock())["cursor"]

        system.desk.change(booking.id, parse(BookingChange, '{"resource_ids": ["room4"]}'), Terms())

        left = system.changes.read("anna", anna, system.clock())["items"]
        came = system.changes.read("room4", room, system.clock())["items"]
        assert left == [{"type": "tombstone", "id": booking.id, "booking": None}]
        assert [(item["type"], item["booking"]["resource_ids"]) for item in came] == [("upsert", ["room4"])]

    def test_long_feeds_come_in_pages_and_end(self, system: System) -> None:
        booking = booked(system, "09:00", "10:00")
        cursor = cursor_of(system)
        for number in range(130):
            system.desk.change(booking.id, parse(BookingChange, json.dumps({"title": str(number)})), Terms())

        first = system.changes.read("anna", cursor, system.clock())
        second = system.changes.read("anna", first["cursor"], system.clock())

        assert first["more"] is True
        assert second["more"] is False
        assert [item["booking"]["title"] for page in (first, second) for item in page["items"]] == ["129", "129"]
        assert system.changes.read("anna", second["cursor"], system.clock())["items"] == []

    def test_changes_older_than_thirty_days_are_expired_even_before_ttl_runs(
        self, system: System, clock: Clock
    ) -> None:
        cursor = cursor_of(system)
        booked(system, "09:00", "10:00")

        clock.pass_time(timedelta(days=29))
        assert len(system.changes.read("anna", cursor, clock())["items"]) == 1
        clock.pass_time(timedelta(days=1))
        with pytest.raises(CursorExpiredError):
            system.changes.read("anna", cursor, clock())

    def test_deleted_feed_items_expire_the_cursor(self, client: Any, system: System) -> None:
        cursor = cursor_of(system)
        booked(system, "09:00", "10:00")
        booked(system, "10:00", "11:00")
        Table(client, SETTINGS.table_name, "main").remove("CAL#anna", f"FEED#{1:012}")

        with pytest.raises(CursorExpiredError):
            system.changes.read("anna", cursor, system.clock())

    def test_an_idle_cursor_never_expires(self, system: System, clock: Clock) -> None:
        cursor = cursor_of(system)
        clock.pass_time(timedelta(days=400))

        assert system.changes.read("anna", cursor, clock())["items"] == []

    def test_cursors_of_other_feeds_and_of_the_future_are_expired(
        self, client: Any, system: System, clock: Clock
    ) -> None:
        """After a restore the numbers start again below what calsync has seen."""
        other = system.changes.read("room4", None, clock())["cursor"]
        with pytest.raises(CursorExpiredError):
            system.changes.read("anna", other, clock())

        booked(system, "09:00", "10:00")
        ahead = cursor_of(system)
        table = Table(client, SETTINGS.table_name, "main")
        state = table.get("CAL#anna", "STATE") or {}
        table.commit(
            [table.put("CAL#anna", "STATE", {"entity": "host_calendar", "feed": str(state["feed"]), "seq": 0})]
        )
        with pytest.raises(CursorExpiredError):
            system.changes.read("anna", ahead, clock())


def test_all_state_lies_under_the_accounts_own_keys(client: Any, system: System) -> None:
    """Nothing of calsync's share of the table is touched, and each item names its entity and version."""
    booked(system, "09:00", "10:00", series={"rrule": "FREQ=WEEKLY;COUNT=3"})
    origin = {"system": "calsync", "ref": "blk-1"}
    body = {"resource_id": "anna", "start": "2026-11-23T09:00:00Z", "end": "2026-11-23T10:00:00Z", "origin": origin}
    system.blocks.put("blk-1", parse(BlockContent, json.dumps(body)))

    items = client.scan(TableName=SETTINGS.table_name)["Items"]

    assert len(items) > 8
    assert all(item["PK"]["S"].startswith("HOST#main#") for item in items)
    assert all(item["entity"]["S"].startswith("host_") and item["v"]["N"] == "1" for item in items)


def test_accounts_do_not_see_one_another(client: Any, system: System, clock: Clock) -> None:
    from dataclasses import replace

    booking = booked(system, "09:00", "10:00")
    other = build_system(replace(SETTINGS, account="other"), client, post=Calsync(), clock=clock)

    assert other.register.list_after("", 10) == []
    assert other.calendars.find_many([booking.id]) == {}
