"""What every HostPlatform must do, in memory as over HTTP. test_host_*.py subclass it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

import pytest
from calsync_core.domain.appointments import (
    AllDay,
    Block,
    BlockKind,
    Booking,
    BookingStatus,
    Customer,
    Notes,
    Timed,
    When,
)
from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    CursorExpiredError,
    RefusedError,
    VersionChangedError,
)
from calsync_core.domain.ids import BookingId, LinkRef, ResourceId
from calsync_core.domain.windows import Window
from calsync_core.ports.host import HostPlatform

ANNA, ROOM = ResourceId("anna"), ResourceId("room4")
MONDAY = datetime(2026, 12, 7, tzinfo=UTC)
WINDOW = Window(MONDAY - timedelta(weeks=1), MONDAY + timedelta(weeks=4))


def at(hour: int, day: int = 0, minutes: int = 60) -> Timed:
    """UTC; Anna works from 08:00 to 16:00 UTC (09 to 17 in Berlin), Monday to Friday."""
    start = MONDAY + timedelta(days=day, hours=hour)
    return Timed(start, start + timedelta(minutes=minutes))


def block(ref: str, when: When, **fields: Any) -> Block:
    return Block(LinkRef(ref), ANNA, when, "Europe/Berlin", **fields)


class HostSide(Protocol):
    host: HostPlatform

    def book(self, when: When, resources: tuple[str, ...] = ("anna",), **fields: Any) -> BookingId: ...
    def move(self, booking_id: BookingId, when: When) -> None: ...
    def cancel(self, booking_id: BookingId) -> None: ...
    def reassign(self, booking_id: BookingId, resources: tuple[str, ...]) -> None: ...


def all_bookings(host: HostPlatform, resource: ResourceId = ANNA) -> list[Booking]:
    page = host.bookings(resource, WINDOW)
    found = list(page.bookings)
    while page.next_cursor is not None:
        page = host.bookings(resource, WINDOW, page.next_cursor)
        found += page.bookings
    return found


def changes_since(host: HostPlatform, cursor: str) -> tuple[dict[BookingId, Booking], set[BookingId], str]:
    found: dict[BookingId, Booking] = {}
    gone: set[BookingId] = set()
    while True:
        page = host.changes(ANNA, cursor)
        found |= {one.id: one for one in page.bookings}
        gone |= set(page.gone)
        cursor = page.next_cursor
        if page.is_last:
            return found, gone, cursor


class HostContract:
    @pytest.fixture
    def side(self) -> HostSide:
        raise NotImplementedError

    def test_says_what_it_can_and_whom_it_has(self, side: HostSide) -> None:
        able = side.host.capabilities()
        found = {one.id: one for one in side.host.resources()}

        assert able.may_move
        assert able.may_cancel
        assert able.has_change_feed
        assert able.lists_blocks
        assert found[ANNA].time_zone == "Europe/Berlin"
        assert {one.weekday for one in found[ANNA].working_hours} == {0, 1, 2, 3, 4}
        assert found[ROOM].working_hours == ()
        assert found[ANNA].owner.id

    def test_bookings_of_a_window_are_half_open(self, side: HostSide) -> None:
        inside = {side.book(at(9, day)) for day in range(5)}
        outside = side.book(at(9, 35))
        found = {one.id for one in all_bookings(side.host)}
        narrow = side.host.bookings(ANNA, Window(at(10).start_at, at(9, 1).start_at))

        assert found == inside
        assert outside not in found
        assert narrow.bookings == ()

    def test_a_booking_is_read_in_full(self, side: HostSide) -> None:
        fields = {
            "title": "First consultation",
            "service_name": "Consultation",
            "customer": Customer("M. Muster", "m@example.org", "+49 30 1"),
            "notes": Notes("Prefers mornings"),
            "location": "Room 4",
            "buffer_after": timedelta(minutes=15),
        }
        booking_id = side.book(at(9), ("anna", "room4"), **fields)
        booking = side.host.booking(booking_id)

        assert booking.when == at(9)
        assert booking.resource_ids == (ANNA, ROOM)
        assert booking.status is BookingStatus.CONFIRMED
        assert {name: getattr(booking, name) for name in fields} == fields
        assert [one.id for one in all_bookings(side.host, ROOM)] == [booking_id]

    def test_all_day_bookings_are_dates(self, side: HostSide) -> None:
        when = AllDay(date(2026, 12, 8), date(2026, 12, 10))
        assert side.host.booking(side.book(when)).when == when

    def test_the_feed_starts_now_and_tells_each_change(self, side: HostSide) -> None:
        before = side.book(at(8))
        start = side.host.changes(ANNA, None)
        assert start.bookings == ()
        assert start.is_last

        new, moved, cancelled = side.book(at(9)), side.book(at(11)), side.book(at(13))
        side.move(moved, at(12))
        side.cancel(cancelled)
        found, gone, cursor = changes_since(side.host, start.next_cursor)

        assert before not in found
        assert set(found) == {new, moved, cancelled}
        assert found[moved].when == at(12)
        assert found[cancelled].status is BookingStatus.CANCELLED
        assert gone == set()
        assert changes_since(side.host, cursor)[0] == {}
        assert set(changes_since(side.host, start.next_cursor)[0]) == {new, moved, cancelled}

    def test_a_booking_that_leaves_the_resource_is_gone_for_it(self, side: HostSide) -> None:
        booking_id = side.book(at(9), ("anna", "room4"))
        cursor = side.host.changes(ANNA, None).next_cursor
        side.reassign(booking_id, ("room4",))

        found, gone, _ = changes_since(side.host, cursor)
        assert (found, gone) == ({}, {booking_id})
        assert side.host.booking(booking_id).resource_ids == (ROOM,)

    def test_a_cursor_of_another_feed_is_an_expired_one(self, side: HostSide) -> None:
        cursor = side.host.changes(ROOM, None).next_cursor
        with pytest.raises(CursorExpiredError):
            side.host.changes(ANNA, cursor)

    def test_an_unknown_booking_is_gone(self, side: HostSide) -> None:
        with pytest.raises(AppointmentGoneError):
            side.host.booking(BookingId("nobody-made-this"))

    # -- asking for another time --------------------------------------------------------------------------------

    def test_a_booking_is_moved(self, side: HostSide) -> None:
        booking = side.host.booking(side.book(at(9)))
        moved = side.host.move_booking(booking, at(11), idempotency_key="k-1")
        assert moved.when == at(11)
        assert moved.version != booking.version
        assert side.host.booking(booking.id) == moved

    def test_a_dry_run_changes_nothing(self, side: HostSide) -> None:
        booking = side.host.booking(side.book(at(9)))
        would = side.host.move_booking(booking, at(11), idempotency_key="k-1", dry_run=True)
        assert would.when == at(11)
        assert side.host.booking(booking.id) == booking

    def test_the_same_wish_again_has_no_second_effect(self, side: HostSide) -> None:
        booking = side.host.booking(side.book(at(9)))
        moved = side.host.move_booking(booking, at(11), idempotency_key="k-1")
        again = side.host.move_booking(booking, at(11), idempotency_key="k-1")
        assert again == moved
        assert side.host.booking(booking.id).version == moved.version

    def test_an_old_version_is_refused(self, side: HostSide) -> None:
        booking = side.host.booking(side.book(at(9)))
        side.move(booking.id, at(10))
        with pytest.raises(VersionChangedError):
            side.host.move_booking(booking, at(11), idempotency_key="k-1")
        with pytest.raises(VersionChangedError):
            side.host.cancel_booking(booking, idempotency_key="k-2")
        assert side.host.booking(booking.id).when == at(10)

    @pytest.mark.parametrize(
        ("wanted", "code"), [(at(13), "slot_taken"), (at(4), "outside_hours"), (at(9, day=5), "outside_hours")]
    )
    def test_a_refusal_says_why_and_changes_nothing(self, side: HostSide, wanted: Timed, code: str) -> None:
        booking = side.host.booking(side.book(at(9)))
        side.book(at(13))
        with pytest.raises(RefusedError, match=code):
            side.host.move_booking(booking, wanted, idempotency_key="k-1")
        assert side.host.booking(booking.id) == booking
        moved = side.host.move_booking(booking, at(11), idempotency_key="k-1")  # refusals are not remembered
        assert moved.when == at(11)

    def test_a_block_takes_the_time(self, side: HostSide) -> None:
        booking = side.host.booking(side.book(at(9)))
        side.host.put_block(block("blk-1", at(11)))
        with pytest.raises(RefusedError, match="slot_taken"):
            side.host.move_booking(booking, at(11), idempotency_key="k-1")

    def test_a_booking_is_cancelled_once(self, side: HostSide) -> None:
        booking = side.host.booking(side.book(at(9)))
        cancelled = side.host.cancel_booking(booking, idempotency_key="k-1")
        again = side.host.cancel_booking(booking, idempotency_key="k-1")
        assert cancelled.status is BookingStatus.CANCELLED
        assert again.status is BookingStatus.CANCELLED
        assert side.host.booking(booking.id).status is BookingStatus.CANCELLED
        with pytest.raises(RefusedError, match="locked"):
            side.host.move_booking(side.host.booking(booking.id), at(11), idempotency_key="k-2")

    # -- blocks -------------------------------------------------------------------------------------------------

    def test_a_block_is_a_fact_and_is_never_refused(self, side: HostSide) -> None:
        side.book(at(9))
        side.host.put_block(block("blk-1", at(9)))
        side.host.put_block(block("blk-2", at(2, day=6)))
        assert {one.ref for one in side.host.blocks(ANNA, WINDOW)} == {"blk-1", "blk-2"}

    def test_a_block_reads_as_it_was_written(self, side: HostSide) -> None:
        named = block("blk-1", at(9), kind=BlockKind.OOF, title="Lunch", notes=Notes("with Max"))
        whole_day = block("blk-2", AllDay(date(2026, 12, 9), date(2026, 12, 10)), kind=BlockKind.TENTATIVE)
        for one in (named, whole_day):
            side.host.put_block(one)
        assert {one.ref: one for one in side.host.blocks(ANNA, WINDOW)} == {"blk-1": named, "blk-2": whole_day}

    def test_a_block_is_overwritten_by_its_ref(self, side: HostSide) -> None:
        first = block("blk-1", at(9), title="Lunch")
        version = side.host.put_block(first)
        assert side.host.put_block(first) == version
        moved = replace(first, when=at(11), title=None)
        assert side.host.put_block(moved) != version
        assert side.host.blocks(ANNA, WINDOW) == [moved]

    def test_many_blocks_at_once_are_judged_each_by_itself(self, side: HostSide) -> None:
        assert side.host.blocks_a_call() > 1
        good = [block(f"blk-{number}", at(8 + number % 8, day=number // 8)) for number in range(60)]
        bad = replace(block("blk-bad", at(9)), resource_id=ResourceId("nobody"))

        outcomes = side.host.put_blocks([*good[:30], bad, *good[30:]])

        assert isinstance(outcomes.pop(30), AppointmentRejectedError)
        assert all(isinstance(version, str) and version for version in outcomes)
        assert {one.ref: one for one in side.host.blocks(ANNA, WINDOW)} == {one.ref: one for one in good}

    def test_many_blocks_again_write_only_what_is_different(self, side: HostSide) -> None:
        first = [block(f"blk-{number}", at(8 + number)) for number in range(5)]
        versions = side.host.put_blocks(first)
        moved = [replace(first[0], when=at(8, day=1)), *first[1:]]

        again = side.host.put_blocks(moved)

        assert again[0] != versions[0]
        assert again[1:] == versions[1:]
        assert {one.ref: one.when for one in side.host.blocks(ANNA, WINDOW)} == {one.ref: one.when for one in moved}
        assert side.host.put_blocks([]) == []

    def test_a_block_is_deleted_and_twice_is_no_error(self, side: HostSide) -> None:
        side.host.put_block(block("blk-1", at(9)))
        side.host.delete_block(LinkRef("blk-1"))
        side.host.delete_block(LinkRef("blk-1"))
        assert side.host.blocks(ANNA, WINDOW) == []

    def test_a_block_without_a_length_is_rejected(self, side: HostSide) -> None:
        """Neither system takes it, so calsync writes none (R21)."""
        with pytest.raises(AppointmentRejectedError):
            side.host.put_block(block("blk-1", Timed(at(9).start_at, at(9).start_at)))

    def test_a_block_with_too_many_words_is_rejected(self, side: HostSide) -> None:
        with pytest.raises(AppointmentRejectedError):
            side.host.put_block(block("blk-1", at(9), title="x" * 1001))

    def test_a_block_of_nobody_is_rejected(self, side: HostSide) -> None:
        with pytest.raises(AppointmentRejectedError):
            side.host.put_block(replace(block("blk-1", at(9)), resource_id=ResourceId("nobody")))
