"""A person changes how our copy of a booking series repeats (R134, R135): one decision about the series."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from calsync_core.adapters.memory.exchange_calendar import MemoryExchangeCalendarProvider
from calsync_core.adapters.memory.exchange_mailbox import MemoryExchangeMailboxServer
from calsync_core.domain.appointments import Entry, Kind
from calsync_core.domain.conflicts import REPEATS_OTHERWISE, Conflict, ConflictKind, ConflictStatus, Resolution
from calsync_core.domain.ids import BookingId, EntryId, MailboxId, ResourceId
from calsync_core.domain.recurrence import Pattern, Recurrence, Weekday
from calsync_core.usecases.resolve_conflict import ConflictPorts, Decision, offered, resolve_conflict

from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at
from tests.unit.usecases.test_series import ANNA, assert_quiet, book, booked, links, masters, shown

Change = Callable[[Recurrence], Recurrence | None]

CHANGES: dict[str, Change] = {
    "every two weeks": lambda said: replace(said, interval=2),
    "another day as well": lambda said: replace(
        said, days=(*said.days, Weekday.FRIDAY if Weekday.FRIDAY not in said.days else Weekday.TUESDAY)
    ),
    "daily": lambda said: Recurrence(Pattern.DAILY, said.start, said.zone, count=5),
    "monthly": lambda said: Recurrence(
        Pattern.ABSOLUTE_MONTHLY, said.start, said.zone, day_of_month=said.start.day, count=4
    ),
    "fewer": lambda said: replace(said, count=2),
    "more": lambda said: replace(said, count=9),
    "until a day": lambda said: replace(said, count=None, end=said.start + timedelta(days=16)),
    "no end": lambda said: replace(said, count=None),
    "never again": lambda _said: None,
}


def at_exchange() -> Clinic:
    clinic = a_clinic()
    mailbox = MailboxId("mbx-anna")
    clinic.servers[mailbox] = MemoryExchangeMailboxServer(clinic.clock.now)
    clinic.connect("anna", mailbox)
    clinic.providers[mailbox] = MemoryExchangeCalendarProvider(clinic.servers[mailbox], clinic._fault)
    clinic.settle()
    return clinic


def at_microsoft() -> Clinic:
    clinic = a_clinic()
    clinic.connect()
    clinic.settle()
    return clinic


@pytest.fixture(params=[at_microsoft, at_exchange], ids=["graph", "exchange"])
def clinic(request: pytest.FixtureRequest) -> Clinic:
    found: Clinic = request.param()
    return found


def a_lively_course(clinic: Clinic) -> BookingId:
    """One date moved, one cancelled."""
    series = book(clinic)
    dates = clinic.system.occurrences(series)
    clinic.system.move_booking_by_clinic(dates[1].id, at(10, 15))
    clinic.system.cancel(dates[2].id)
    clinic.settle()
    assert shown(clinic) == booked(clinic, series)
    return series


def change(clinic: Clinic, how: Change, cause: str = "notification") -> None:
    (master,) = masters(clinic)
    said = clinic.mailbox().items[master.id].recurrence
    assert said is not None
    clinic.mailbox().change_pattern(master.id, how(said))
    clinic.run(cause=cause)


def conflicts(clinic: Clinic) -> list[Conflict]:
    found = clinic.stores.conflicts.of_resource(ACCOUNT, ANNA)
    return [one for one in found if one.status is ConflictStatus.OPEN]


def keep(clinic: Clinic, conflict: Conflict) -> None:
    stores = clinic.stores
    ports = ConflictPorts(
        conflicts=stores.conflicts, resources=stores.resources, links=stores.links, settings=stores.settings,
        log=stores.log, host=clinic.host, queue=clinic.queue, clock=clinic.clock, due=stores.due,
    )  # fmt: skip
    resolve_conflict(ports, ACCOUNT, conflict.id, Decision(Resolution.KEEP_BOOKING, "admin"))


@pytest.mark.rule("R134")
@pytest.mark.parametrize("cause", ["notification", "full"])
@pytest.mark.parametrize("how", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize(("moved", "deleted"), [("apply", "flag"), ("restore", "restore"), ("apply", "cancel_booking")])
def test_the_rule_of_the_booking_system_is_written_again(
    clinic: Clinic, how: Change, cause: str, moved: str, deleted: str
) -> None:
    clinic.settings(edits__moved_in_calendar=moved, edits__deleted_in_calendar=deleted)
    series = a_lively_course(clinic)
    dates = booked(clinic, series)

    change(clinic, how, cause)

    assert shown(clinic) == dates
    assert booked(clinic, series) == dates
    assert clinic.system.told == []
    assert conflicts(clinic) == []
    assert len(masters(clinic)) == 1
    assert clinic.blocks() == []
    assert_quiet(clinic)


@pytest.mark.rule("R134")
@pytest.mark.parametrize("how", CHANGES.values(), ids=CHANGES)
def test_where_moves_are_shown_one_conflict_shows_it_until_somebody_decides(clinic: Clinic, how: Change) -> None:
    clinic.settings(edits__moved_in_calendar="flag", edits__deleted_in_calendar="cancel_booking")
    series = a_lively_course(clinic)
    dates = booked(clinic, series)

    change(clinic, how)
    clinic.settle()
    clinic.run(cause="full")

    (conflict,) = conflicts(clinic)
    assert (conflict.kind, conflict.code) == (ConflictKind.MOVED, REPEATS_OTHERWISE)
    assert offered(conflict) == (Resolution.KEEP_BOOKING, Resolution.LEAVE_BOTH)
    assert shown(clinic) != dates
    assert booked(clinic, series) == dates
    assert_quiet(clinic)

    keep(clinic, conflict)
    clinic.settle()
    assert shown(clinic) == booked(clinic, series) == dates
    assert conflicts(clinic) == []
    assert_quiet(clinic)


@pytest.mark.rule("R134")
@pytest.mark.rule("R62")
def test_the_conflict_ends_by_itself_where_the_person_takes_it_back(clinic: Clinic) -> None:
    clinic.settings(edits__moved_in_calendar="flag")
    series = a_lively_course(clinic)
    change(clinic, CHANGES["every two weeks"])
    assert len(conflicts(clinic)) == 1

    change(clinic, lambda said: replace(said, interval=1))

    assert conflicts(clinic) == []
    assert shown(clinic) == booked(clinic, series)
    assert_quiet(clinic)


@pytest.mark.rule("R134")
def test_what_the_clinic_changes_afterwards_is_written_as_it_is(clinic: Clinic) -> None:
    clinic.settings(edits__moved_in_calendar="flag")
    series = a_lively_course(clinic)
    change(clinic, CHANGES["every two weeks"])
    assert len(conflicts(clinic)) == 1

    clinic.system.move_booking_by_clinic(series, at(2, 11))
    clinic.settle()

    assert conflicts(clinic) == []
    assert shown(clinic) == booked(clinic, series)
    assert_quiet(clinic)


@pytest.mark.rule("R88")
@pytest.mark.rule("R134")
def test_a_series_moved_and_made_to_repeat_otherwise_is_asked_for_its_time_alone(clinic: Clinic) -> None:
    series = book(clinic)
    (master,) = masters(clinic)

    clinic.mailbox().move_series(master.id, at(2, 13), 3, every_days=2)
    clinic.settle()

    assert [one for one, _ in clinic.system.told] == [series]
    assert clinic.system.bookings[series].when == at(2, 13)
    assert len(shown(clinic)) == 6
    assert shown(clinic) == booked(clinic, series)
    assert_quiet(clinic)


@pytest.mark.rule("R88")
def test_a_series_that_was_only_moved_is_not_written_again(clinic: Clinic) -> None:
    series = book(clinic)
    (master,) = masters(clinic)
    writes = len(clinic.mailbox().writes)

    clinic.mailbox().move_series(master.id, at(2, 13), 6)
    clinic.settle()

    assert clinic.system.bookings[series].when == at(2, 13)
    assert len(clinic.mailbox().writes) == writes
    assert shown(clinic) == booked(clinic, series)
    assert_quiet(clinic)


@pytest.mark.rule("R135")
@pytest.mark.parametrize(
    "words",
    [
        lambda said: replace(said, count=None, end=said.start + timedelta(days=37)),
        lambda said: replace(said, first_day_of_week=Weekday.SUNDAY),
        lambda said: Recurrence(Pattern.DAILY, said.start, "Europe/Vienna", 7, count=6),
    ],
    ids=["a day instead of a number", "another first day of the week", "every seven days in Vienna"],
)
def test_other_words_for_the_same_are_no_change(clinic: Clinic, words: Change) -> None:
    series = book(clinic)
    (master,) = masters(clinic)
    item = clinic.mailbox().items[master.id]
    item.entry = replace(item.entry, recurrence=words(item.entry.recurrence))
    clinic.mailbox().touch(master.id)
    writes = len(clinic.mailbox().writes)

    clinic.run(cause="full")

    assert len(clinic.mailbox().writes) == writes
    assert shown(clinic) == booked(clinic, series)
    assert_quiet(clinic)


@pytest.mark.rule("R135")
def test_what_a_server_makes_of_our_rule_is_what_we_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server whose words nobody understood in full must not be written to for ever."""
    clinic = at_exchange()
    server = clinic.mailbox()
    looked_up = server.entry

    def told(entry_id: EntryId) -> Entry | None:
        found = looked_up(entry_id)
        if found is None or found.recurrence is None:
            return found
        return replace(found, recurrence=replace(found.recurrence, zone="Asia/Tokyo"))

    monkeypatch.setattr(server, "entry", told)
    series = book(clinic)
    writes = len(server.writes)

    server.touch(masters(clinic)[0].id)
    clinic.run()
    clinic.run(cause="full")

    assert len(server.writes) == writes
    assert shown(clinic) == booked(clinic, series)


@pytest.mark.rule("R53")
@pytest.mark.rule("R134")
def test_a_series_to_which_others_are_invited_is_left_alone(clinic: Clinic) -> None:
    book(clinic)
    (master,) = masters(clinic)
    clinic.mailbox().change_entry(master.id, has_attendees=True)
    clinic.settle()

    change(clinic, CHANGES["every two weeks"])

    assert [one.code for one in conflicts(clinic)] == ["has_attendees"]
    assert clinic.mailbox().outbox == []
    assert_quiet(clinic)


@pytest.mark.rule("R134")
def test_a_closed_direction_changes_nothing(clinic: Clinic) -> None:
    book(clinic)
    clinic.settings(direction="from_calendar")
    writes = len(clinic.mailbox().writes)

    change(clinic, CHANGES["fewer"])
    clinic.settle()

    assert len(clinic.mailbox().writes) == writes
    assert conflicts(clinic) == []


@pytest.mark.rule("R134")
@pytest.mark.rule("R50")
def test_a_year_of_dates_that_vanish_by_a_shorter_end_stops_no_line(clinic: Clinic) -> None:
    clinic.settings(edits__deleted_in_calendar="cancel_booking")
    series = book(clinic, "FREQ=WEEKLY;COUNT=50")

    change(clinic, lambda said: replace(said, count=1))

    state = clinic.stores.resources.get(ACCOUNT, ResourceId("anna"))
    assert state is not None
    assert state.degraded is None
    assert len(shown(clinic)) == 50
    assert shown(clinic) == booked(clinic, series)
    assert len(links(clinic)) == 51
    assert_quiet(clinic)


def a_persons_series(clinic: Clinic) -> EntryId:
    series = clinic.mailbox().create_series(at(2, 9), 4)
    clinic.settle()
    assert len(clinic.blocks()) == 4
    return series


@pytest.mark.rule("R26")
def test_a_persons_own_series_that_repeats_no_more_blocks_once(clinic: Clinic) -> None:
    series = a_persons_series(clinic)

    clinic.mailbox().change_pattern(series, None)
    clinic.settle()

    assert [block.when for block in clinic.blocks()] == [at(2, 9)]
    assert_quiet(clinic)


@pytest.mark.rule("R26")
def test_a_persons_entry_that_repeats_now_blocks_on_each_of_its_dates(clinic: Clinic) -> None:
    series = a_persons_series(clinic)
    said = clinic.mailbox().items[series].entry.recurrence
    clinic.mailbox().change_pattern(series, None)
    clinic.settle()

    clinic.mailbox().change_pattern(series, said)
    clinic.settle()

    assert len(clinic.blocks()) == 4
    assert {block.ref[:2] for block in clinic.blocks()} == {"s-"}
    assert_quiet(clinic)


@pytest.mark.rule("R134")
def test_what_it_costs_to_know_how_a_series_repeats(clinic: Clinic) -> None:
    """Microsoft's feed tells it; at Exchange only a look-up does, which is made where the series has a new version."""
    series = book(clinic)
    provider = clinic.providers[MailboxId("mbx-anna")]
    look_up = {"entries": 1} if isinstance(provider, MemoryExchangeCalendarProvider) else {}

    def asked(cause: str = "sweep") -> dict[str, int]:
        before = Counter(provider.calls)
        clinic.run(cause=cause)
        return dict(provider.calls - before)

    assert asked("host").keys() <= {"changes", "occurrences"}  # our own echo
    assert asked() == {"changes": 1}
    clinic.mailbox().retitle(masters(clinic)[0].id, "Renamed")
    assert asked() == {"changes": 1, "occurrences": 1} | look_up

    clinic.mailbox().change_pattern(masters(clinic)[0].id, None)
    assert asked() == {"changes": 1, "update": 1, "occurrences": 1} | look_up  # here it reads back what was written
    assert shown(clinic) == booked(clinic, series)


@pytest.mark.rule("R85")
@pytest.mark.rule("R134")
def test_a_date_that_stands_by_itself_is_deleted_by_itself(clinic: Clinic) -> None:
    """While its series repeats otherwise the other dates follow that; this one is no part of it."""
    series = book(clinic)
    second = clinic.system.occurrences(series)[1]
    clinic.system.move_booking_by_clinic(second.id, at(17, 15))  # past its neighbour
    clinic.settle()
    (single,) = [one for one in clinic.mailbox().shown() if one.kind is Kind.SINGLE]
    others = [when for when in booked(clinic, series) if when != at(17, 15)]

    clinic.mailbox().delete_entry(single.id)
    change(clinic, CHANGES["never again"])
    clinic.settle()

    assert [(one.kind, one.booking_id) for one in conflicts(clinic)] == [(ConflictKind.COPY_DELETED, second.id)]
    assert shown(clinic) == others
    assert_quiet(clinic)


@pytest.mark.rule("R134")
@pytest.mark.parametrize("how", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("moment", [("create", "after"), ("entries", "before")], ids=["written", "read back"])
def test_a_new_series_that_the_person_changes_before_it_was_read_back(
    clinic: Clinic, how: Change, moment: tuple[str, str]
) -> None:
    """At Exchange the answer to what was written is a call of its own (ews.md section 3)."""
    fault = clinic.fault
    is_made = False

    def change_it(operation: str, phase: str) -> None:
        nonlocal is_made
        is_made = is_made or (operation, phase) == ("create", "after")
        if is_made and (operation, phase) == moment:
            clinic.fault = fault
            (master,) = masters(clinic)
            said = clinic.mailbox().items[master.id].recurrence
            assert said is not None
            clinic.mailbox().change_pattern(master.id, how(said))

    clinic.fault = change_it
    series = book(clinic)
    clinic.settle()
    clinic.run(cause="full")

    assert clinic.fault is fault, "nobody changed anything"
    assert shown(clinic) == booked(clinic, series)
    assert len(masters(clinic)) == 1
    assert clinic.system.told == []
    assert conflicts(clinic) == []
    assert clinic.blocks() == []
    assert_quiet(clinic)
