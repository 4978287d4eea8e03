"""Copies that were kept on leaving, or whose rows are lost, where the resource has another primary calendar now."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from calsync_core.adapters.memory.exchange_calendar import MemoryExchangeCalendarProvider
from calsync_core.adapters.memory.exchange_mailbox import MemoryExchangeMailboxServer
from calsync_core.adapters.memory.mailbox import DEFAULT
from calsync_core.domain.appointments import Mark
from calsync_core.domain.ids import BookingId, CalendarId, MailboxId, ResourceId
from calsync_core.domain.links import Link, booking_ref
from calsync_core.domain.resources import Progress, Status
from calsync_core.domain.values import replace
from calsync_core.usecases.sync.sync_resource import Result

from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at

RESOURCE = ResourceId("anna")
DATES = [at(7, 9), at(14, 9), at(21, 9)]


def _visits(clinic: Clinic) -> None:
    for day in (7, 14, 21):
        clinic.system.book(["anna"], at(day, 9), "Visit")


def _series(clinic: Clinic) -> None:
    clinic.system.book_series(["anna"], at(7, 9), "FREQ=WEEKLY;COUNT=3")


def _series_that_calendars_cannot_say(clinic: Clinic) -> None:
    clinic.system.book_series(["anna"], at(7, 9), "FREQ=WEEKLY;BYMONTH=11,12;COUNT=3")


def _left(book: Callable[[Clinic], None] = _visits, *, at_exchange: bool = False) -> tuple[Clinic, CalendarId]:
    """Its copies stand in a calendar beside, which was the primary one."""
    clinic = a_clinic()
    if at_exchange:
        mailbox = MailboxId("mbx-anna")
        clinic.servers[mailbox] = MemoryExchangeMailboxServer(clinic.clock.now)
        clinic.providers[mailbox] = MemoryExchangeCalendarProvider(clinic.servers[mailbox], clinic._fault)
    clinic.connect()
    beside = clinic.mailbox().add_calendar("Beside")
    _choose(clinic, primary=beside)
    book(clinic)
    clinic.settle()
    assert len(clinic.mailbox().shown(beside)) == len(clinic.system.bookings) - _masters(clinic)
    return clinic, beside


def _masters(clinic: Clinic) -> int:
    return sum(one.is_series_master for one in clinic.system.bookings.values())


def _choose(clinic: Clinic, **chosen: object) -> None:
    clinic.stores.resources.save(replace(_state(clinic), **chosen))


def _state(clinic: Clinic):
    state = clinic.stores.resources.get(ACCOUNT, RESOURCE)
    assert state is not None
    return state


def _lose_rows(clinic: Clinic) -> None:
    for link in list(clinic.stores.links.all(ACCOUNT, RESOURCE)):
        clinic.stores.links.delete(ACCOUNT, link)
    clinic.stores.cursors.forget(ACCOUNT, RESOURCE)


def _come_back(clinic: Clinic, *checked: CalendarId) -> None:
    """The rows of the earlier connection are gone, and it has the usual calendar now."""
    _lose_rows(clinic)
    state = _state(clinic)
    new = state.moved_to(Status.REAUTH_REQUIRED, clinic.clock.now()).moved_to(Status.IMPORTING, clinic.clock.now())
    conflicts = tuple((state.mailbox, calendar) for calendar in checked)
    clinic.stores.resources.save(
        replace(new, primary=DEFAULT, conflict_calendars=conflicts, progress=Progress(), attempt=state.attempt + 1)
    )  # fmt: skip


def _times(appointments: object) -> list:
    return sorted((one.when for one in appointments), key=lambda when: when.start_at)  # type: ignore[attr-defined]


def _link(clinic: Clinic, booking: str) -> Link:
    ref = booking_ref(BookingId(booking))
    return clinic.stores.links.get(ACCOUNT, RESOURCE, [ref])[ref]


def _rules(clinic: Clinic) -> list[str | None]:
    return [line.rule for line in clinic.stores.log.of_resource(ACCOUNT, RESOURCE, 1000)]


def _assert_quiet(clinic: Clinic) -> None:
    writes, links = len(clinic.mailbox().writes), list(clinic.stores.links.all(ACCOUNT, RESOURCE))
    clinic.run(cause="full")
    assert len(clinic.mailbox().writes) == writes
    assert {one.ref for one in links} == {one.ref for one in clinic.stores.links.all(ACCOUNT, RESOURCE)}


@pytest.mark.rule("R143", "R36", "R82")
@pytest.mark.prop("P4")
@pytest.mark.parametrize("at_exchange", [False, True])
@pytest.mark.parametrize("is_checked", [False, True])
@pytest.mark.parametrize("book", [_visits, _series, _series_that_calendars_cannot_say])
def test_what_was_left_in_another_calendar_moves_to_the_one_that_is_chosen_now(
    book: Callable[[Clinic], None], is_checked: bool, at_exchange: bool
) -> None:
    """Story: each booking was written a second time, and a block lay over it where the old calendar is checked."""
    clinic, beside = _left(book, at_exchange=at_exchange)

    _come_back(clinic, *([beside] if is_checked else []))
    clinic.settle()

    assert clinic.mailbox().shown(beside) == []
    assert _times(clinic.mailbox().shown(DEFAULT)) == DATES
    assert clinic.blocks() == clinic.conflicts() == []
    assert "R143" in _rules(clinic)
    assert {"R1", "R80"}.isdisjoint(_rules(clinic)[: _rules(clinic).index("R143")])
    _assert_quiet(clinic)


@pytest.mark.rule("R143", "R85")
def test_a_date_that_stood_alone_keeps_standing_alone() -> None:
    clinic, beside = _left(_series)
    dates = sorted((one for one in clinic.system.bookings.values() if not one.is_series_master), key=lambda one: one.id)
    clinic.system.move_booking_by_clinic(dates[0].id, at(17, 9))  # past its neighbour
    clinic.settle()

    _come_back(clinic, beside)
    clinic.settle()

    assert clinic.mailbox().shown(beside) == []
    assert _times(clinic.mailbox().shown(DEFAULT)) == [at(14, 9), at(17, 9), at(21, 9)]
    assert clinic.blocks() == []


@pytest.mark.rule("R143", "R82")
def test_a_series_that_calendars_cannot_say_any_more_goes_and_its_dates_are_written() -> None:
    clinic, beside = _left(_series)
    series = next(one for one in clinic.system.bookings.values() if one.is_series_master)
    _come_back(clinic, beside)
    clinic.system.change_rule(series.id, "FREQ=WEEKLY;BYMONTH=11,12;COUNT=3")

    clinic.settle()

    assert clinic.mailbox().shown(beside) == []
    assert _times(clinic.mailbox().shown(DEFAULT)) == DATES


@pytest.mark.rule("R143", "R33")
@pytest.mark.parametrize("change", ["cancel", "remove_booking"])
def test_the_copy_of_a_booking_that_is_gone_is_left_alone_and_blocks(change: str) -> None:
    clinic, beside = _left()
    _come_back(clinic, beside)
    gone = next(one for one in clinic.system.bookings.values() if one.when == at(7, 9))
    getattr(clinic.system, change)(gone.id)

    clinic.settle()

    assert _times(clinic.mailbox().shown(beside)) == [at(7, 9)]
    assert _times(clinic.mailbox().shown(DEFAULT)) == [at(14, 9), at(21, 9)]
    assert [(block.when, block.title) for block in clinic.blocks()] == [(at(7, 9), None)]


@pytest.mark.rule("R143", "R35")
@pytest.mark.parametrize("days", [0, 2])
def test_what_a_person_pasted_stays_and_blocks(days: int) -> None:
    clinic, beside = _left()
    copy = clinic.mailbox().shown(beside)[0]
    clinic.clock.advance(timedelta(days=days, minutes=30))
    pasted = clinic.mailbox().copy_entry(copy.id, at(9, 15))

    _come_back(clinic, beside)
    clinic.settle()

    assert [one.id for one in clinic.mailbox().shown(beside)] == [pasted]
    assert _times(clinic.mailbox().shown(DEFAULT)) == DATES
    assert [block.when for block in clinic.blocks()] == [at(9, 15)]


@pytest.mark.rule("R143", "R53")
@pytest.mark.parametrize("book", [_visits, _series])
def test_a_copy_with_guests_is_adopted_where_it_is_and_stays_there(book: Callable[[Clinic], None]) -> None:
    clinic, beside = _left(book)
    copy = next(one for one in clinic.mailbox().items.values() if one.entry.mark is not None)
    clinic.mailbox().change_entry(copy.entry.id, has_attendees=True)

    _come_back(clinic, beside)
    clinic.settle()
    clinic.run(cause="full")

    assert _times([*clinic.mailbox().shown(beside), *clinic.mailbox().shown(DEFAULT)]) == DATES
    assert _link(clinic, copy.entry.mark.booking).entry_id == copy.entry.id
    assert clinic.blocks() == []
    assert {one.code for one in clinic.conflicts()} == {"has_attendees"}
    assert clinic.mailbox().outbox == []
    _assert_quiet(clinic)


@pytest.mark.rule("R143", "R40")
def test_while_the_direction_is_closed_it_stays_and_takes_no_second_time() -> None:
    clinic, beside = _left()
    clinic.settings(direction="from_calendar")

    _come_back(clinic, beside)
    clinic.settle()
    assert _times(clinic.mailbox().shown(beside)) == DATES
    assert clinic.blocks() == []

    clinic.settings(direction="two_way")
    clinic.run(cause="full")
    assert clinic.mailbox().shown(beside) == []
    assert _times(clinic.mailbox().shown(DEFAULT)) == DATES


@pytest.mark.rule("R143", "R34")
@pytest.mark.parametrize("book", [_visits, _series])
def test_where_it_was_held_to_be_a_strangers_its_block_goes(book: Callable[[Clinic], None]) -> None:
    clinic, beside = _left(book)
    clinic.settings(direction="from_calendar")
    for booking in list(clinic.system.bookings):
        clinic.system.reassign(booking, [])
    _come_back(clinic, beside)
    clinic.settle()
    assert _times(clinic.blocks()) == DATES

    for booking in list(clinic.system.bookings):
        clinic.system.reassign(booking, ["anna"])
    clinic.settings(direction="two_way")
    clinic.run(cause="full")
    clinic.settle()

    assert clinic.mailbox().shown(beside) == clinic.blocks() == []
    assert _times(clinic.mailbox().shown(DEFAULT)) == DATES


@pytest.mark.rule("R143", "R42")
@pytest.mark.parametrize("book", [_visits, _series])
def test_what_lies_behind_the_window_stays_as_it_was(book: Callable[[Clinic], None]) -> None:
    clinic, beside = _left(book)
    writes, asked = len(clinic.mailbox().writes), []
    clinic.clock.advance(timedelta(days=200))
    clinic.fault = lambda operation, phase: (
        asked.append(operation) if (operation, phase) == ("booking", "before") else None
    )

    _come_back(clinic, beside)
    clinic.settle()

    assert len(clinic.mailbox().writes) == writes
    assert not asked or book is _series, "at every full check"
    assert _times(clinic.mailbox().shown(beside)) == DATES


@pytest.mark.rule("R143")
def test_a_series_of_which_a_date_was_moved_into_the_window_lies_ahead() -> None:
    clinic, beside = _left(_series)
    clinic.clock.advance(timedelta(days=200))
    last = max((one for one in clinic.system.bookings.values() if not one.is_series_master), key=lambda one: one.id)
    clinic.system.move_booking_by_clinic(last.id, at(203, 9))

    _come_back(clinic, beside)
    clinic.settle()

    assert clinic.mailbox().shown(beside) == []
    assert at(203, 9) in _times(clinic.mailbox().shown(DEFAULT))


@pytest.mark.rule("R143", "R122")
@pytest.mark.parametrize("cause", ["sweep", "full"])
def test_where_the_table_was_restored_a_later_copy_in_another_calendar_is_found(cause: str) -> None:
    """The restored rows know the copies of the usual calendar, and the state that it is the primary one."""
    clinic, beside = _left()
    rows = list(clinic.stores.links.all(ACCOUNT, RESOURCE))
    _lose_rows(clinic)
    for row in rows:
        lost = clinic.mailbox().new_id()
        clinic.stores.links.put(ACCOUNT, replace(row, entry_id=lost, calendar_id=DEFAULT, generation=0, row=0))
    _choose(clinic, primary=DEFAULT, conflict_calendars=((_state(clinic).mailbox, beside),))

    clinic.run(cause=cause)
    clinic.settle()

    assert clinic.mailbox().shown(beside) == clinic.blocks() == clinic.conflicts() == []
    assert _times(clinic.mailbox().shown(DEFAULT)) == DATES


@pytest.mark.rule("R143")
def test_what_a_page_of_a_checked_calendar_tells_of_is_adopted_as_well() -> None:
    """No full round: the restored cursors tell what is newer than the table."""
    clinic, beside = _left(lambda _clinic: None)
    _choose(clinic, primary=DEFAULT, conflict_calendars=((_state(clinic).mailbox, beside),))
    clinic.settle()
    booking = clinic.system.book(["anna"], at(7, 9), "Visit")
    mark = Mark("test", ACCOUNT, RESOURCE, booking, 1, "")
    clinic.mailbox().create_entry(at(7, 9), calendar_id=beside, mark=mark)

    clinic.run()

    assert clinic.mailbox().shown(beside) == clinic.blocks() == []
    assert _link(clinic, booking).calendar_id == DEFAULT
    assert [one.mark.generation for one in clinic.copies()] == [2]


@pytest.mark.rule("R143")
def test_in_the_mailbox_of_somebody_else_it_is_an_entry_like_any_other() -> None:
    clinic = a_clinic()
    clinic.connect()
    clinic.connect("bert")
    clinic.system.book(["anna"], at(7, 9), "Visit")
    theirs = clinic.mailbox("bert").add_calendar("Shared")
    mark = Mark("test", ACCOUNT, RESOURCE, next(iter(clinic.system.bookings)), 1, "")
    kept = clinic.mailbox("bert").create_entry(at(8, 9), calendar_id=theirs, mark=mark)
    _choose(clinic, conflict_calendars=((MailboxId("mbx-bert"), theirs),))

    clinic.settle("anna")

    assert [one.id for one in clinic.mailbox("bert").shown(theirs)] == [kept]
    assert [block.when for block in clinic.blocks()] == [at(8, 9)]


@pytest.mark.rule("R143")
def test_many_take_several_calls_of_work() -> None:
    clinic, beside = _left()
    _come_back(clinic, beside)
    clinic.fault = lambda operation, phase: (
        clinic.clock.advance(timedelta(seconds=30)) if (operation, phase) == ("create", "after") else None
    )

    shown = []
    while clinic.work(cause="import").result is Result.AGAIN:
        shown.append(len(clinic.mailbox().shown(beside)))
        assert len(shown) < 20

    assert shown[0] == 1
    assert clinic.mailbox().shown(beside) == []
    assert _times(clinic.mailbox().shown(DEFAULT)) == DATES


@pytest.mark.rule("R143")
def test_a_first_import_asks_for_nothing_more() -> None:
    """Nothing was left anywhere: all marks of the mailbox are read once in each round, as ever."""
    clinic = a_clinic()
    clinic.connect()
    _visits(clinic)
    reads: list[str] = []
    clinic.fault = lambda operation, phase: reads.append(operation) if phase == "before" else None

    clinic.run(cause="import")

    assert reads.count("marked") == 2, "the next days, and the whole window"
    assert not {"booking", "find_mark", "entries"} & set(reads)
