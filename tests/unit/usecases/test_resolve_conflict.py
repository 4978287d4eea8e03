"""Ending a conflict: what each way writes, and what stays as it is when it cannot be done."""

from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta

import pytest
from calsync_core.domain.appointments import Block, BlockKind, Timed
from calsync_core.domain.conflicts import Conflict, ConflictKind, ConflictStatus, Resolution
from calsync_core.domain.errors import ConcurrentChangeError, InputError, ProviderUnavailableError, RefusedError
from calsync_core.domain.ids import CalendarId, ConflictId, EntryId, LinkRef, ResourceId
from calsync_core.domain.links import Agreed, Link, Origin, booking_ref
from calsync_core.domain.resources import WorkingRange
from calsync_core.ports.outward import Wish
from calsync_core.usecases.reopen_conflict import reopen_conflict
from calsync_core.usecases.resolve_conflict import Decision, offered, resolve_conflict
from calsync_core.usecases.sync.keep_links import REVISIT

from tests.console_world import MAIN, NOW, World

HOUR = timedelta(hours=1)
NINE = NOW + HOUR  # Monday 10:00 in Berlin
ANNA = ResourceId("anna")


def _world() -> World:
    world = World()
    world.system.granularity_minutes = 15
    hours = tuple(WorkingRange(day, time(9), time(17)) for day in range(5))
    world.add_resource(working_hours=hours)
    world.connect()
    return world


def _conflict(world: World, kind: ConflictKind, *, calendar_when: Timed | None = None) -> Conflict:
    """A booking 10:00-11:00 in Berlin with its copy, and for SAME_TIME an entry 10:30-11:30 beside it."""
    when = Timed(NINE, NINE + HOUR)
    booking = world.system.book([ANNA], when)
    link = world.stores.links.put(
        MAIN,
        Link(booking_ref(booking), ANNA, Origin.HOST, CalendarId("cal"), when, when.start_at, when.end_at,
             booking_id=booking, entry_id=EntryId("copy"), host=Agreed("1", "t", "r")),
    )  # fmt: skip
    start = NINE + HOUR / 2
    entry = world.stores.links.put(
        MAIN,
        Link(LinkRef("e-1"), ANNA, Origin.CALENDAR, CalendarId("cal"), Timed(start, start + HOUR), start, start + HOUR,
             entry_id=EntryId("own"), host=Agreed("1", "t", "r")),
    )  # fmt: skip
    is_pair = kind is ConflictKind.SAME_TIME
    conflict = Conflict(
        ConflictId("c"), MAIN, ANNA, kind, link.ref, booking, entry.ref if is_pair else None,
        EntryId("own") if is_pair else EntryId("copy"), when, calendar_when or Timed(start, start + HOUR), NOW,
    )  # fmt: skip
    world.stores.conflicts.save(conflict)
    return conflict


def _decide(world: World, resolution: Resolution, **more: object) -> Conflict:
    decision = Decision(resolution, "A. Braun", **more)  # type: ignore[arg-type]
    return resolve_conflict(world.parts.conflicts, MAIN, ConflictId("c"), decision)


def _link(world: World, conflict: Conflict) -> Link:
    return world.stores.links.get(MAIN, ANNA, [conflict.booking_ref])[conflict.booking_ref]


@pytest.mark.parametrize(
    ("resolution", "side"), [(Resolution.KEEP_BOOKING, Origin.HOST), (Resolution.TAKE_CALENDAR, Origin.CALENDAR)]
)
def test_a_decision_is_noted_on_the_link_and_looked_at_by_the_next_run(resolution: Resolution, side: Origin) -> None:
    world = _world()
    conflict = _conflict(world, ConflictKind.MOVED)

    ended = _decide(world, resolution)

    assert _link(world, conflict).decision is side
    assert world.stores.links.leaving(MAIN, ANNA, REVISIT) == [conflict.booking_ref]
    assert (ended.status, ended.ended_by, ended.revision) == (ConflictStatus.RESOLVED, "A. Braun", 2)
    assert world.queue.wishes == [Wish(MAIN, ANNA, "button")]
    assert world.stores.log.of_resource(MAIN, ANNA)[0].detail[1] == ("resolution", resolution.value)
    assert world.system.bookings[conflict.booking_id].when == conflict.booking_when  # type: ignore[index]


def test_a_time_that_the_booking_system_will_not_have_is_refused_at_once() -> None:
    world = _world()
    evening = Timed(NINE + 8 * HOUR, NINE + 9 * HOUR)
    conflict = _conflict(world, ConflictKind.OUTSIDE_HOURS, calendar_when=evening)

    with pytest.raises(RefusedError, match="outside_hours"):
        _decide(world, Resolution.TAKE_CALENDAR)

    assert world.stores.conflicts.get(MAIN, conflict.id) == conflict
    assert _link(world, conflict).decision is None
    assert world.queue.wishes == []


def test_an_accepted_overlap_stays_accepted_and_moves_nothing() -> None:
    world = _world()
    conflict = _conflict(world, ConflictKind.SAME_TIME)

    ended = _decide(world, Resolution.KEEP_BOOKING)

    assert (ended.status, ended.left_until_at) == (ConflictStatus.LEFT, None)
    assert _link(world, conflict).decision is None
    assert world.queue.wishes == []


def test_the_next_free_slot_is_beside_every_block_and_inside_working_hours() -> None:
    world = _world()
    conflict = _conflict(world, ConflictKind.SAME_TIME)

    ended = _decide(world, Resolution.NEXT_FREE)

    moved = world.system.bookings[conflict.booking_id]  # type: ignore[index]
    assert moved.when == Timed(NINE + 1.5 * HOUR, NINE + 2.5 * HOUR)  # 11:30 in Berlin, where the entry ends
    assert ended.status is ConflictStatus.RESOLVED
    assert world.queue.wishes == [Wish(MAIN, ANNA, "button")]


def test_a_slot_that_the_booking_system_refuses_is_passed_over() -> None:
    world = _world()
    conflict = _conflict(world, ConflictKind.SAME_TIME)
    other = Timed(NINE + 1.5 * HOUR, NINE + 2 * HOUR)
    world.system.write_block(Block(LinkRef("unknown-to-calsync"), ANNA, other, "UTC", BlockKind.BUSY))

    _decide(world, Resolution.NEXT_FREE)

    assert world.system.bookings[conflict.booking_id].when == Timed(NINE + 2 * HOUR, NINE + 3 * HOUR)  # type: ignore[index]


def test_a_move_that_is_refused_for_another_reason_leaves_all_as_it_was() -> None:
    world = _world()
    conflict = _conflict(world, ConflictKind.SAME_TIME)
    world.host.offered = replace(world.host.offered, may_move=False)

    with pytest.raises(RefusedError, match="not_supported"):
        _decide(world, Resolution.NEXT_FREE)

    assert world.stores.conflicts.get(MAIN, conflict.id) == conflict
    assert world.queue.wishes == []


def test_from_where_it_was_moved_to_the_next_free_slot_is_sought() -> None:
    world = _world()
    evening = Timed(NINE + 8 * HOUR, NINE + 9 * HOUR)  # 18:00 in Berlin, after closing
    conflict = _conflict(world, ConflictKind.OUTSIDE_HOURS, calendar_when=evening)

    _decide(world, Resolution.NEXT_FREE)

    assert world.system.bookings[conflict.booking_id].when == Timed(NINE + 23 * HOUR, NINE + 24 * HOUR)  # type: ignore[index]
    assert _link(world, conflict).decision is Origin.HOST  # the copy follows the booking, not the person's move


def test_a_booking_that_somebody_moved_meanwhile_is_not_moved_again() -> None:
    world = _world()
    conflict = _conflict(world, ConflictKind.SAME_TIME)
    elsewhere = Timed(NINE + 5 * HOUR, NINE + 6 * HOUR)
    world.system.move_booking_by_clinic(conflict.booking_id, elsewhere)  # type: ignore[arg-type]

    with pytest.raises(ConcurrentChangeError, match="conflict_changed"):
        _decide(world, Resolution.NEXT_FREE)

    assert world.system.bookings[conflict.booking_id].when == elsewhere  # type: ignore[index]


@pytest.mark.prop("P7")
def test_a_crash_after_the_move_is_noticed_by_the_second_press() -> None:
    world = _world()
    conflict = _conflict(world, ConflictKind.SAME_TIME)
    moved_to = Timed(NINE + 1.5 * HOUR, NINE + 2.5 * HOUR)
    world.host.fault = _after("move_booking", ProviderUnavailableError())
    with pytest.raises(ProviderUnavailableError):
        _decide(world, Resolution.NEXT_FREE)
    world.host.fault = _after("", None)

    with pytest.raises(ConcurrentChangeError):
        _decide(world, Resolution.NEXT_FREE)

    assert world.system.bookings[conflict.booking_id].when == moved_to  # type: ignore[index]


def _after(operation: str, error: Exception | None) -> Callable[[str, str], None]:
    def fault(called: str, phase: str) -> None:
        if error is not None and (called, phase) == (operation, "after"):
            raise error

    return fault


@pytest.mark.parametrize(("wish", "told"), [("host_decides", None), ("yes", True), ("no", False)])
def test_the_customer_is_told_as_the_setting_says(wish: str, told: bool | None) -> None:
    world = _world()
    conflict = _conflict(world, ConflictKind.SAME_TIME)
    stored = world.stores.settings.account(MAIN)
    world.stores.settings.save_account(MAIN, replace(stored, values={"edits.tell_customer": wish}))

    _decide(world, Resolution.NEXT_FREE)

    assert world.system.told == [(conflict.booking_id, told)]


@pytest.mark.parametrize("kind", ConflictKind)
def test_only_offered_ways_are_accepted(kind: ConflictKind) -> None:
    for resolution in set(Resolution) - set(offered(Conflict(
        ConflictId("x"), MAIN, ANNA, kind, LinkRef("b"), None, None, None, None, None, NOW
    ))):  # fmt: skip
        world = _world()
        conflict = _conflict(world, kind)

        with pytest.raises(InputError, match="resolution_not_offered"):
            _decide(world, resolution, until_at=NOW + HOUR)

        assert world.stores.conflicts.get(MAIN, conflict.id) == conflict


def test_a_conflict_without_its_link_has_changed() -> None:
    world = _world()
    conflict = _conflict(world, ConflictKind.MOVED)
    world.stores.links.delete(MAIN, _link(world, conflict))

    with pytest.raises(ConcurrentChangeError, match="conflict_changed"):
        _decide(world, Resolution.KEEP_BOOKING)


# --- left until a day ------------------------------------------------------------------------------------------------


def _reopen(world: World) -> bool:
    stores = world.stores
    return reopen_conflict(stores.conflicts, stores.due, stores.log, world.clock, MAIN, ConflictId("c"))


def test_what_was_left_until_a_day_is_open_again_on_that_day() -> None:
    world = _world()
    _conflict(world, ConflictKind.SAME_TIME)
    _decide(world, Resolution.LEAVE_BOTH, until_at=NOW + 24 * HOUR)
    assert world.stores.conflicts.open(MAIN) == []
    assert not _reopen(world), "not yet"

    world.clock.advance(timedelta(days=1))
    due = world.stores.due.due(world.clock.now())

    assert [(one.kind, one.subject) for one in due] == [("conflict", "c")]
    assert _reopen(world)
    opened = world.stores.conflicts.open(MAIN)[0]
    assert (opened.status, opened.left_until_at, opened.revision) == (ConflictStatus.OPEN, None, 3)
    assert world.stores.due.due(world.clock.now()) == []


def test_what_ended_meanwhile_stays_ended() -> None:
    world = _world()
    _conflict(world, ConflictKind.SAME_TIME)
    left = _decide(world, Resolution.LEAVE_BOTH, until_at=NOW + 24 * HOUR)
    settled = replace(left, status=ConflictStatus.SETTLED, revision=3)
    world.stores.conflicts.save(settled)
    world.clock.advance(timedelta(days=1))

    assert not _reopen(world)
    assert world.stores.conflicts.get(MAIN, settled.id) == settled
    assert world.stores.due.due(world.clock.now()) == []
