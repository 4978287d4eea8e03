"""Series of the booking system in the calendar: one real series, its occurrences bookings like any other (R80-R89)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from calsync_core.domain.appointments import AllDay, BookingStatus, Entry, Kind, Timed, When
from calsync_core.domain.conflicts import ConflictKind, ConflictStatus
from calsync_core.domain.ids import BookingId, ResourceId
from calsync_core.domain.links import Link
from calsync_core.domain.recurrence import Pattern, Recurrence, Weekday

from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at

ANNA = ResourceId("anna")
WEEKLY = "FREQ=WEEKLY;COUNT=6"


@pytest.fixture
def clinic() -> Clinic:
    clinic = a_clinic()
    clinic.connect()
    clinic.settle()
    return clinic


def book(clinic: Clinic, rule: str = WEEKLY, when: When | None = None, **fields: object) -> BookingId:
    series = clinic.system.book_series(["anna"], when or at(2, 9), rule, **fields)
    clinic.settle()
    return series


def masters(clinic: Clinic) -> list[Entry]:
    items = clinic.mailbox().items.values()
    return [item.entry for item in items if item.entry.kind is Kind.MASTER and not item.is_gone]


def shown(clinic: Clinic) -> list[When]:
    return sorted((entry.when for entry in clinic.mailbox().shown()), key=lambda when: when.interval("UTC"))


def booked(clinic: Clinic, series: BookingId) -> list[When]:
    live = [one for one in clinic.system.occurrences(series) if one.status is not BookingStatus.CANCELLED]
    return sorted((one.when for one in live), key=lambda when: when.interval("UTC"))


def links(clinic: Clinic) -> list[Link]:
    return list(clinic.stores.links.all(ACCOUNT, ANNA))


def open_conflicts(clinic: Clinic) -> list[ConflictKind]:
    found = clinic.stores.conflicts.of_resource(ACCOUNT, ANNA)
    return [one.kind for one in found if one.status is ConflictStatus.OPEN]


def assert_quiet(clinic: Clinic) -> None:
    """Another run, and a full check, write nothing on either side."""
    before = len(clinic.mailbox().writes), clinic.system.seq, len(clinic.mailbox().outbox)
    clinic.settle()
    clinic.run(cause="full")
    assert (len(clinic.mailbox().writes), clinic.system.seq, len(clinic.mailbox().outbox)) == before


@pytest.mark.rule("R80")
@pytest.mark.complaint(8)
def test_a_series_of_bookings_is_one_series_in_the_calendar(clinic: Clinic) -> None:
    series = book(clinic)

    (master,) = masters(clinic)
    item = clinic.mailbox().items[master.id]
    assert item.recurrence == Recurrence(
        Pattern.WEEKLY, at(2, 9).start_at.date(), "Europe/Berlin", days=(list(Weekday)[at(2, 9).start_at.weekday()],),
        count=6,
    )  # fmt: skip
    assert master.mark is not None
    assert master.mark.booking == series
    assert [write.operation for write in clinic.mailbox().writes] == ["create"]
    assert shown(clinic) == booked(clinic, series)
    assert_quiet(clinic)


@pytest.mark.rule("R81")
def test_every_occurrence_has_a_link_of_its_own(clinic: Clinic) -> None:
    series = book(clinic)

    parts = clinic.stores.links.parts(ACCOUNT, ANNA, series)

    assert {link.booking_id for link in parts} == {one.id for one in clinic.system.occurrences(series)}
    assert {link.entry_id for link in parts} == {entry.id for entry in clinic.mailbox().shown()}
    assert [link.pattern != "" for link in links(clinic)].count(True) == 1


@pytest.mark.rule("R81")
@pytest.mark.complaint(9)
def test_one_occurrence_moved_by_the_clinic_is_one_moved(clinic: Clinic) -> None:
    series = book(clinic)
    second = clinic.system.occurrences(series)[1]

    clinic.system.move_booking_by_clinic(second.id, at(10, 15))
    clinic.settle()

    assert at(10, 15) in shown(clinic)
    assert shown(clinic) == booked(clinic, series)
    assert len(masters(clinic)) == 1
    assert_quiet(clinic)


@pytest.mark.rule("R83")
def test_a_cancelled_occurrence_is_left_out(clinic: Clinic) -> None:
    series = book(clinic)

    clinic.system.cancel(clinic.system.occurrences(series)[2].id)
    clinic.settle()

    assert len(shown(clinic)) == 5
    assert shown(clinic) == booked(clinic, series)
    assert len(masters(clinic)) == 1
    assert_quiet(clinic)


@pytest.mark.rule("R83")
def test_left_out_starts_of_a_new_series_are_left_out_in_the_calendar(clinic: Clinic) -> None:
    left_out = at(9, 9).start_at
    series = book(clinic, exdates=(left_out,))

    assert left_out not in {when.interval("UTC")[0] for when in shown(clinic)}
    assert len(shown(clinic)) == 5
    assert shown(clinic) == booked(clinic, series)
    assert_quiet(clinic)


@pytest.mark.rule("R83")
def test_a_series_that_was_changed_before_it_came_is_written_as_it_is(clinic: Clinic) -> None:
    series = clinic.system.book_series(["anna"], at(2, 9), WEEKLY)
    first, second, third = clinic.system.occurrences(series)[:3]
    clinic.system.cancel(first.id)
    clinic.system.move_booking_by_clinic(second.id, at(10, 16))
    clinic.system.remove_booking(third.id)
    clinic.settle()

    assert shown(clinic) == booked(clinic, series)
    assert len(masters(clinic)) == 1
    assert_quiet(clinic)


@pytest.mark.rule("R86")
def test_the_person_moving_one_occurrence_asks_the_booking_system_for_that_one(clinic: Clinic) -> None:
    series = book(clinic)
    (master,) = masters(clinic)
    second = clinic.system.occurrences(series)[1]

    clinic.mailbox().move_occurrence(master.id, second.original_start_at, at(10, 14))
    clinic.settle()

    assert clinic.system.bookings[second.id].when == at(10, 14)
    assert shown(clinic) == booked(clinic, series)
    assert [one for one, _ in clinic.system.told] == [second.id]
    assert_quiet(clinic)


@pytest.mark.rule("R86")
@pytest.mark.parametrize("is_announced", [True, False])
def test_the_person_deleting_one_occurrence_is_one_decision(clinic: Clinic, is_announced: bool) -> None:
    clinic.mailbox().announces_removed_occurrences = is_announced
    series = book(clinic)
    (master,) = masters(clinic)
    second = clinic.system.occurrences(series)[1]

    clinic.mailbox().delete_occurrence(master.id, second.original_start_at)
    clinic.settle()
    clinic.run(cause="full")

    assert open_conflicts(clinic) == [ConflictKind.COPY_DELETED]
    assert len(shown(clinic)) == 5
    assert_quiet(clinic)


@pytest.mark.rule("R84")
def test_an_echo_of_the_series_writes_nothing_not_even_rows(clinic: Clinic) -> None:
    series = book(clinic)
    (master,) = masters(clinic)
    rows = {link.ref: link.row for link in clinic.stores.links.parts(ACCOUNT, ANNA, series)}

    clinic.mailbox().touch(master.id)
    clinic.settle()

    assert {link.ref: link.row for link in clinic.stores.links.parts(ACCOUNT, ANNA, series)} == rows
    assert_quiet(clinic)


@pytest.mark.rule("R84")
def test_a_new_title_keeps_the_exceptions(clinic: Clinic) -> None:
    series = book(clinic)
    second = clinic.system.occurrences(series)[1]
    clinic.system.move_booking_by_clinic(second.id, at(10, 15))
    clinic.settle()

    clinic.system.retitle(series, "Physiotherapy")
    clinic.settle()

    assert shown(clinic) == booked(clinic, series)
    assert at(10, 15) in shown(clinic)
    titles = {entry.when: entry.title for entry in clinic.mailbox().shown()}
    assert titles.pop(at(10, 15)) == "Therapy"
    assert set(titles.values()) == {"Physiotherapy"}
    assert clinic.mailbox().items[masters(clinic)[0].id].pattern == 0
    assert_quiet(clinic)


@pytest.mark.rule("R85")
def test_an_occurrence_moved_past_its_neighbour_becomes_a_single_entry(clinic: Clinic) -> None:
    series = book(clinic)
    second = clinic.system.occurrences(series)[1]

    clinic.system.move_booking_by_clinic(second.id, at(17, 15))
    clinic.settle()

    assert shown(clinic) == booked(clinic, series)
    assert len(masters(clinic)) == 1
    assert_quiet(clinic)
    clinic.system.move_booking_by_clinic(second.id, at(18, 15))
    clinic.settle()
    assert shown(clinic) == booked(clinic, series)
    clinic.system.cancel(second.id)
    clinic.settle()
    assert shown(clinic) == booked(clinic, series)
    assert_quiet(clinic)


def _retimed(clinic: Clinic, series: BookingId) -> None:
    clinic.system.move_booking_by_clinic(series, at(2, 11))


def _every_other(clinic: Clinic, series: BookingId) -> None:
    clinic.system.change_rule(series, "FREQ=WEEKLY;INTERVAL=2;COUNT=4")


def _shorter(clinic: Clinic, series: BookingId) -> None:
    clinic.system.change_rule(series, "FREQ=WEEKLY;COUNT=4")


def _longer(clinic: Clinic, series: BookingId) -> None:
    clinic.system.change_rule(series, "FREQ=WEEKLY;COUNT=9")


def _another_day(clinic: Clinic, series: BookingId) -> None:
    clinic.system.move_booking_by_clinic(series, at(3, 9))


@pytest.mark.rule("R80")
@pytest.mark.parametrize("change", [_retimed, _every_other, _shorter, _longer, _another_day])
def test_another_pattern_or_time_keeps_one_series_without_doubles(
    clinic: Clinic, change: Callable[[Clinic, BookingId], None]
) -> None:
    series = book(clinic)
    moved, cancelled = clinic.system.occurrences(series)[1:3]
    clinic.system.move_booking_by_clinic(moved.id, at(10, 15))
    clinic.system.cancel(cancelled.id)
    clinic.settle()

    change(clinic, series)
    clinic.settle()

    assert shown(clinic) == booked(clinic, series)
    assert len(masters(clinic)) == 1
    assert clinic.system.told == []
    assert_quiet(clinic)


@pytest.mark.rule("R80")
def test_this_and_following_is_a_shorter_series_and_a_new_one(clinic: Clinic) -> None:
    series = book(clinic)

    clinic.system.change_rule(series, "FREQ=WEEKLY;COUNT=3")
    other = clinic.system.book_series(["anna"], at(23, 10), "FREQ=WEEKLY;COUNT=3")
    clinic.settle()

    assert len(masters(clinic)) == 2
    assert shown(clinic) == sorted(
        booked(clinic, series) + booked(clinic, other), key=lambda when: when.interval("UTC")
    )
    assert_quiet(clinic)


@pytest.mark.rule("R82")
@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("FREQ=MONTHLY;BYMONTHDAY=1,15;COUNT=4", "start_off_pattern"),
        ("FREQ=WEEKLY;BYDAY=MO;BYHOUR=9,14;COUNT=4", "byhour"),
        ("FREQ=NONSENSE", "rrule_invalid"),
    ],
)
def test_what_calendars_cannot_say_is_single_entries(clinic: Clinic, rule: str, code: str) -> None:
    series = book(clinic, rule)

    assert masters(clinic) == []
    assert shown(clinic) == booked(clinic, series)
    marks = {entry.mark.booking for entry in clinic.mailbox().shown() if entry.mark}
    assert marks == {one.id for one in clinic.system.occurrences(series)}
    lines = [line for line in clinic.stores.log.of_resource(ACCOUNT, ANNA) if line.reason == "series_as_singles"]
    assert [(line.rule, line.is_problem) for line in lines] == [("R82", code == "rrule_invalid")]
    assert_quiet(clinic)


@pytest.mark.rule("R82")
def test_a_rule_changed_into_one_that_cannot_be_said_becomes_single_entries_and_back(clinic: Clinic) -> None:
    series = book(clinic)

    clinic.system.change_rule(series, "FREQ=WEEKLY;BYMONTH=11,12;COUNT=5")
    clinic.settle()
    assert masters(clinic) == []
    assert shown(clinic) == booked(clinic, series)
    assert_quiet(clinic)


@pytest.mark.rule("R80")
def test_an_endless_series_is_written_once_and_linked_as_the_window_moves(clinic: Clinic) -> None:
    clinic.settings(window__weeks_ahead=4)
    series = book(clinic, "FREQ=WEEKLY")
    before = len(clinic.stores.links.parts(ACCOUNT, ANNA, series))

    for _ in range(3):
        clinic.clock.advance(timedelta(days=9))
        clinic.settle()

    assert len(clinic.stores.links.parts(ACCOUNT, ANNA, series)) > before
    assert [write.operation for write in clinic.mailbox().writes] == ["create"]
    assert_quiet(clinic)


@pytest.mark.rule("R89")
@pytest.mark.parametrize("is_removed", [False, True])
def test_a_whole_series_cancelled_by_the_clinic_goes_in_one_write_and_stops_no_line(
    clinic: Clinic, is_removed: bool
) -> None:
    series = book(clinic, "FREQ=WEEKLY;COUNT=52")
    assert len(shown(clinic)) == 52
    if is_removed:
        for one in clinic.system.occurrences(series):
            clinic.system.remove_booking(one.id)
        clinic.system.remove_booking(series)
    else:
        clinic.system.cancel(series)
    clinic.settle()

    assert shown(clinic) == []
    assert links(clinic) == []
    assert [write.operation for write in clinic.mailbox().writes] == ["create", "delete"]
    state = clinic.stores.resources.get(ACCOUNT, ANNA)
    assert state is not None
    assert state.degraded is None
    assert_quiet(clinic)


@pytest.mark.rule("R87")
@pytest.mark.parametrize("cause", ["sweep", "full"])
def test_the_person_deleting_the_whole_series_is_one_decision(clinic: Clinic, cause: str) -> None:
    book(clinic, "FREQ=WEEKLY;COUNT=30")
    (master,) = masters(clinic)

    clinic.mailbox().delete_entry(master.id)
    clinic.run(cause=cause)
    clinic.settle()

    assert open_conflicts(clinic) == [ConflictKind.COPY_DELETED]
    assert shown(clinic) == []
    assert_quiet(clinic)


@pytest.mark.rule("R87")
def test_a_deleted_series_comes_back_whole_where_it_is_restored(clinic: Clinic) -> None:
    clinic.settings(edits__deleted_in_calendar="restore")
    series = book(clinic)
    moved = clinic.system.occurrences(series)[1]
    clinic.system.move_booking_by_clinic(moved.id, at(10, 15))
    clinic.settle()
    (master,) = masters(clinic)

    clinic.mailbox().delete_entry(master.id)
    clinic.settle()

    assert len(masters(clinic)) == 1
    assert shown(clinic) == booked(clinic, series)
    assert_quiet(clinic)


@pytest.mark.rule("R87")
def test_a_deleted_series_cancels_all_its_bookings_where_that_is_wished(clinic: Clinic) -> None:
    clinic.settings(edits__deleted_in_calendar="cancel_booking")
    series = book(clinic)
    (master,) = masters(clinic)

    clinic.mailbox().delete_entry(master.id)
    clinic.settle()

    assert booked(clinic, series) == []
    assert shown(clinic) == []
    assert links(clinic) == []
    assert_quiet(clinic)


@pytest.mark.rule("R88")
def test_the_person_moving_the_whole_series_asks_for_the_series(clinic: Clinic) -> None:
    series = book(clinic)
    (master,) = masters(clinic)

    clinic.mailbox().move_series(master.id, at(2, 13), 6)
    clinic.settle()

    assert [one for one, _ in clinic.system.told] == [series]
    assert clinic.system.bookings[series].when == at(2, 13)
    assert shown(clinic) == booked(clinic, series)
    assert_quiet(clinic)


@pytest.mark.rule("R88")
def test_where_calendars_may_not_move_bookings_the_whole_series_goes_back(clinic: Clinic) -> None:
    clinic.settings(edits__moved_in_calendar="restore")
    series = book(clinic)
    (master,) = masters(clinic)

    clinic.mailbox().move_series(master.id, at(2, 13), 6)
    clinic.settle()

    assert clinic.system.told == []
    assert shown(clinic) == booked(clinic, series)
    assert_quiet(clinic)


@pytest.mark.rule("R88")
def test_a_refused_move_of_the_whole_series_is_one_conflict(clinic: Clinic) -> None:
    series = book(clinic)
    clinic.system.book(["anna"], at(9, 13))
    clinic.settle()
    (master,) = masters(clinic)

    clinic.mailbox().move_series(master.id, at(2, 13), 6)
    clinic.settle()

    assert open_conflicts(clinic) == [ConflictKind.REFUSED]
    assert clinic.system.bookings[series].when == at(2, 9)
    assert_quiet(clinic)


@pytest.mark.rule("R80")
def test_all_day_series_are_dates(clinic: Clinic) -> None:
    first = at(2, 9).start_at.date()
    series = book(clinic, "FREQ=WEEKLY;COUNT=3", AllDay(first, first + timedelta(days=1)))

    assert shown(clinic) == booked(clinic, series)
    assert all(isinstance(when, AllDay) for when in shown(clinic))
    clinic.system.move_booking_by_clinic(clinic.system.occurrences(series)[1].id, at(10, 9))
    clinic.settle()
    assert len([when for when in shown(clinic) if isinstance(when, Timed)]) == 1
    assert_quiet(clinic)


@pytest.mark.rule("R80")
def test_staff_and_room_have_a_series_each(clinic: Clinic) -> None:
    clinic.connect("room4")
    clinic.settle()
    series = clinic.system.book_series(["anna", "room4"], at(2, 9), WEEKLY)
    clinic.settle()

    for resource in ("anna", "room4"):
        server = clinic.mailbox(resource)
        assert [item.entry.kind for item in server.items.values()] == [Kind.MASTER]
        assert len(server.shown()) == 6
    second = clinic.system.occurrences(series)[1]
    (master,) = masters(clinic)
    clinic.mailbox().move_occurrence(master.id, second.original_start_at, at(10, 14))
    clinic.settle()
    assert at(10, 14) in [entry.when for entry in clinic.mailbox("room4").shown()]
    assert_quiet(clinic)


@pytest.mark.rule("R34")
def test_two_resources_on_one_mailbox_do_not_block_each_other_by_their_shared_series() -> None:
    clinic = a_clinic()
    clinic.connect("anna", "mbx")
    clinic.connect("anna2", "mbx")
    clinic.settle()
    clinic.system.book_series(["anna", "anna2"], at(2, 9), WEEKLY)
    clinic.settle()

    assert clinic.blocks() == []
    assert clinic.blocks("anna2") == []


@pytest.mark.rule("R33")
def test_another_resources_series_on_the_same_mailbox_blocks_as_time_only() -> None:
    clinic = a_clinic()
    clinic.connect("anna", "mbx")
    clinic.connect("anna2", "mbx")
    clinic.settings(from_calendar__privacy="full")
    clinic.settle()
    clinic.system.book_series(["anna"], at(2, 9), WEEKLY)
    clinic.settle()

    assert clinic.blocks("anna") == []
    blocks = clinic.blocks("anna2")
    assert [block.when for block in blocks] == shown(clinic)
    assert {(block.title, block.notes) for block in blocks} == {(None, None)}


@pytest.mark.rule("R32")
def test_after_a_reconnect_the_series_is_adopted_not_doubled(clinic: Clinic) -> None:
    series = book(clinic)
    for link in links(clinic):
        clinic.stores.links.delete(ACCOUNT, link)
    clinic.run(cause="full")
    clinic.settle()

    assert len(masters(clinic)) == 1
    assert shown(clinic) == booked(clinic, series)
    assert len(clinic.stores.links.parts(ACCOUNT, ANNA, series)) == 6
    assert_quiet(clinic)


@pytest.mark.rule("R35")
def test_a_persons_copy_of_our_series_is_a_foreign_one(clinic: Clinic) -> None:
    series = book(clinic)
    (master,) = masters(clinic)
    pasted = clinic.mailbox().copy_entry(master.id)
    clinic.mailbox().items[pasted].repeat(dict(clinic.mailbox().items[master.id].plan))
    clinic.mailbox().touch(pasted)
    clinic.settle()

    assert len(masters(clinic)) == 2
    assert len(clinic.blocks()) == 6
    assert {block.title for block in clinic.blocks()} == {None}
    clinic.system.cancel(series)
    clinic.settle()
    assert [one.id for one in masters(clinic)] == [pasted]


@pytest.mark.rule("R40")
def test_a_closed_direction_gets_no_series(clinic: Clinic) -> None:
    clinic.settings(direction="from_calendar")
    book(clinic)

    assert clinic.mailbox().writes == []
