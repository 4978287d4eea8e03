"""What a change of settings does to what exists already: a test per row of the list in design section 4."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from calsync_core.domain.appointments import Busy, Customer, Notes, Timed
from calsync_core.domain.errors import RefusedError
from calsync_core.domain.ids import CalendarId, ResourceId
from calsync_core.domain.resources import ResourceState
from calsync_core.usecases.change_settings import Change
from calsync_core.usecases.look_up_availability import AvailabilityPorts, look_up_availability

from tests.settings_clinic import save
from tests.small_clinic import ACCOUNT, NOW, Clinic, a_clinic, at

ANNA = ResourceId("anna")
QUARTER = timedelta(minutes=15)


@pytest.fixture
def clinic() -> Clinic:
    """One booking and one entry, in step."""
    clinic = a_clinic()
    clinic.connect("anna")
    clinic.system.book(
        ["anna"], at(2, 9), service_name="Massage", customer=Customer("Jo Smith"), notes=Notes("allergic"),
    )  # fmt: skip
    clinic.mailbox().create_entry(at(3, 9), "Dentist")
    clinic.settle()
    clinic.settle()
    return clinic


def change(clinic: Clinic, scope: str = "future", **values: Any) -> None:
    save(clinic, Change({key.replace("__", "."): value for key, value in values.items()}, scope=scope))  # type: ignore[arg-type]
    clinic.settle()


def state(clinic: Clinic) -> ResourceState:
    found = clinic.stores.resources.get(ACCOUNT, ANNA)
    assert found is not None
    return found


def title(clinic: Clinic) -> str | None:
    (copy,) = clinic.copies()
    return copy.title


# --- direction --------------------------------------------------------------------------------------------------------


def test_a_narrowed_direction_keeps_its_copies_and_never_edits_them_again(clinic: Clinic) -> None:
    change(clinic, direction="from_calendar")
    (booking,) = clinic.system.bookings
    clinic.system.move_booking_by_clinic(booking, at(2, 14))
    clinic.settle()

    (copy,) = clinic.copies()
    assert copy.when == at(2, 9)


def test_for_the_whole_window_they_are_removed(clinic: Clinic) -> None:
    change(clinic, "window", direction="from_calendar")
    assert clinic.copies() == []
    assert len(clinic.blocks()) == 1

    change(clinic, "window", direction="to_calendar")
    assert len(clinic.copies()) == 1
    assert clinic.blocks() == []


def test_stricter_privacy_of_one_way_removes_nothing_of_the_other_that_is_closed(clinic: Clinic) -> None:
    change(clinic, direction="from_calendar")
    change(clinic, to_calendar__privacy="anonymous")

    assert title(clinic) == "Massage - Jo Smith", "never edited while it is closed"
    change(clinic, direction="two_way")
    assert title(clinic) == "Busy"


@pytest.mark.rule("R105")
def test_a_direction_opened_for_the_future_finds_what_came_meanwhile(clinic: Clinic) -> None:
    change(clinic, direction="to_calendar")
    clinic.mailbox().create_entry(at(4, 9), "New")
    clinic.settle()
    assert len(clinic.blocks()) == 1

    change(clinic, direction="two_way")
    assert len(clinic.blocks()) == 2

    change(clinic, direction="from_calendar")
    clinic.system.book(["anna"], at(5, 9))
    clinic.settle()
    change(clinic, direction="two_way")
    assert len(clinic.copies()) == 2


# --- privacy ----------------------------------------------------------------------------------------------------------


def test_stricter_privacy_rewrites_the_window_though_only_the_future_was_asked_for(clinic: Clinic) -> None:
    change(clinic, to_calendar__privacy="anonymous")

    assert title(clinic) == "Busy"


@pytest.mark.rule("R100")
@pytest.mark.parametrize("kind", ["moved", "refused", "changed_on_both"])
def test_also_the_copy_in_an_open_conflict_which_stays_open(clinic: Clinic, kind: str) -> None:
    (booking,) = clinic.system.bookings
    (copy,) = clinic.copies()
    if kind == "refused":
        clinic.system.book(["anna"], at(4, 9))
        clinic.settle()
    if kind == "moved":
        clinic.settings(edits__moved_in_calendar="flag")
    clinic.mailbox().move_entry(copy.id, at(4, 9))
    if kind == "changed_on_both":
        clinic.system.move_booking_by_clinic(booking, at(6, 9))
    clinic.settle()
    assert [one.kind.value for one in clinic.conflicts() if one.kind.value != "same_time"] == [kind]

    change(clinic, to_calendar__privacy="anonymous")

    found = clinic.mailbox().entry(copy.id)
    assert found is not None
    assert (found.title, found.notes, found.when) == ("Busy", None, at(4, 9)), "its time stays as the person left it"
    assert [one.kind.value for one in clinic.conflicts() if one.kind.value != "same_time"] == [kind]


@pytest.mark.rule("R100")
def test_a_move_that_nobody_asked_for_yet_is_still_asked_for(clinic: Clinic) -> None:
    (copy,) = clinic.copies()
    clinic.mailbox().move_entry(copy.id, at(4, 9))

    change(clinic, to_calendar__privacy="anonymous")
    clinic.settle()

    (booking,) = clinic.system.bookings.values()
    assert booking.when == at(4, 9)
    assert title(clinic) == "Busy"


def test_wider_privacy_is_for_what_changes_from_then_on(clinic: Clinic) -> None:
    change(clinic, to_calendar__privacy="anonymous")
    change(clinic, "window", to_calendar__privacy="full")
    assert title(clinic) == "Busy"

    (booking,) = clinic.system.bookings
    clinic.system.move_booking_by_clinic(booking, at(2, 14))
    clinic.settle()
    assert title(clinic) == "Massage - Jo Smith"


# --- window -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R105")
def test_a_larger_window_is_read_at_once_and_a_smaller_one_keeps_its_links(clinic: Clinic) -> None:
    change(clinic, window__weeks_ahead=4)
    clinic.system.book(["anna"], at(50, 9))
    clinic.mailbox().create_entry(at(51, 9))
    clinic.settle()
    assert (len(clinic.copies()), len(clinic.blocks())) == (1, 1)

    change(clinic, window__weeks_ahead=10)
    assert (len(clinic.copies()), len(clinic.blocks())) == (2, 2)

    change(clinic, window__weeks_ahead=4)
    assert (len(clinic.copies()), len(clinic.blocks())) == (2, 2)


# --- as chosen --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "shows"),
    [
        ({"to_calendar__show_as": "tentative"}, lambda one: one.busy is Busy.TENTATIVE),
        ({"to_calendar__alarm": True}, lambda one: one.reminder == QUARTER),
        ({"to_calendar__title": "{customer}: {service}"}, lambda one: one.title == "Jo Smith: Massage"),
    ],
)
def test_how_copies_look_follows_as_chosen(clinic: Clinic, values: dict, shows: Any) -> None:
    change(clinic, **values)
    assert not shows(clinic.copies()[0])
    assert clinic.stores.resources.get(ACCOUNT, ANNA) is not None

    clinic.run("anna", "full")
    assert not shows(clinic.copies()[0]), "a full check never writes anew by itself"

    change(clinic, "window", **{**values, "edits__tell_customer": "yes"})
    assert shows(clinic.copies()[0])


@pytest.mark.rule("R102")
def test_buffers_follow_as_chosen_and_moves_come_back_right_in_both_ways(clinic: Clinic) -> None:
    booking = clinic.system.book(["anna"], at(6, 9), buffer_before=QUARTER, buffer_after=QUARTER)
    clinic.settle()
    (copy,) = [one for one in clinic.copies() if one.mark.booking == booking]
    assert copy.when == Timed(at(6, 9).start_at - QUARTER, at(6, 9).end_at + QUARTER)

    change(clinic, to_calendar__buffers="only_service")
    clinic.mailbox().move_entry(
        copy.id, Timed(at(7, 9).start_at - QUARTER, at(7, 9).end_at + QUARTER)
    )  # still as it was written before
    clinic.settle()
    clinic.settle()

    assert clinic.system.bookings[booking].when == at(7, 9)
    (copy,) = [one for one in clinic.copies() if one.mark.booking == booking]
    assert copy.when == at(7, 9), "and now it is written the new way"
    clinic.mailbox().move_entry(copy.id, at(8, 9))
    clinic.settle()
    assert clinic.system.bookings[booking].when == at(8, 9)


@pytest.mark.complaint(31)
@pytest.mark.rule("R101", "R104")
@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"from_calendar__exclude": {"subjects": ["dent"]}}, "excluded_subject"),
        ({"from_calendar__exclude": {"categories": ["Red"]}}, "excluded_category"),
        ({"from_calendar__tentative": "ignore"}, "tentative"),
    ],
)
def test_a_filter_frees_the_time_as_chosen_and_counts_as_no_deletion(clinic: Clinic, values: dict, code: str) -> None:
    for number in range(40):
        clinic.mailbox().create_entry(at(10 + number, 9), "Dentist", categories=("Red",), busy=Busy.TENTATIVE)
    clinic.settle()
    assert len(clinic.blocks()) == 41

    change(clinic, **values)
    assert len(clinic.blocks()) == 41, "for the future: nothing is judged anew"
    change(clinic, "window", **{**values, "edits__tell_customer": "yes"})

    assert len(clinic.blocks()) in (0, 1)
    assert state(clinic).degraded is None, "forty at once are no mass deletion"
    lines = clinic.stores.log.of_resource(ACCOUNT, ANNA, 200)
    assert len([line for line in lines if (line.rule, line.code) == ("R27", code)]) >= 40
    assert len(clinic.mailbox().shown()) == 42, "the entries themselves are the person's"


@pytest.mark.rule("R104")
def test_a_booking_that_is_moved_in_the_calendar_and_an_entry_that_is_excluded_may_overlap(clinic: Clinic) -> None:
    change(clinic, "window", from_calendar__exclude={"subjects": ["dentist"]})
    clinic.system.book(["anna"], at(3, 9))
    clinic.settle()

    assert clinic.conflicts() == []


# --- calendars, inactive ----------------------------------------------------------------------------------------------


@pytest.mark.rule("R36", "R37")
def test_another_primary_calendar_gets_the_copies_and_a_removed_one_loses_its_blocks(clinic: Clinic) -> None:
    beside = clinic.mailbox().add_calendar("Beside")
    clinic.mailbox().create_entry(at(6, 9), "Gym", calendar_id=beside)
    now = state(clinic)
    clinic.stores.resources.save(replace(now, conflict_calendars=((now.mailbox, beside),)))  # type: ignore[arg-type]
    clinic.run("anna", "full")
    clinic.settle()
    assert len(clinic.blocks()) == 2

    clinic.stores.resources.save(replace(state(clinic), conflict_calendars=()))
    clinic.run("anna", "full")
    assert len(clinic.blocks()) == 1

    clinic.stores.resources.save(replace(state(clinic), primary=CalendarId(beside)))
    clinic.run("anna", "full")
    (moved,) = [one for one in clinic.mailbox().shown(beside) if one.mark is not None]
    assert moved.title == "Massage - Jo Smith"
    assert clinic.copies() == []


def test_while_inactive_nothing_is_read_and_availability_says_how_old_it_is(clinic: Clinic) -> None:
    change(clinic, active=False)
    calls = clinic.providers[state(clinic).mailbox].calls.copy()  # type: ignore[index]
    clinic.mailbox().create_entry(at(4, 9))
    clinic.clock.advance(timedelta(hours=30))
    clinic.settle()

    assert clinic.providers[state(clinic).mailbox].calls == calls  # type: ignore[index]
    stores = clinic.stores
    ports = AvailabilityPorts(stores.resources, stores.cursors, stores.links, stores.settings, clinic.clock)
    answer = look_up_availability(ports, ACCOUNT, ANNA, NOW, NOW + timedelta(days=7))
    assert not answer.is_known
    assert answer.sources[0].as_of is not None

    change(clinic, active=True)
    assert len(clinic.blocks()) == 2


def test_in_one_direction_a_refusal_of_the_other_side_cannot_happen(clinic: Clinic) -> None:
    """`apply` acts as `restore`: the sending side is never written."""
    change(clinic, direction="to_calendar")

    def fault(operation: str, _phase: str) -> None:
        if operation in {"move_booking", "cancel_booking", "put_block"}:
            raise RefusedError("must_not_be_asked")

    clinic.fault = fault
    (copy,) = clinic.copies()
    clinic.mailbox().move_entry(copy.id, at(5, 9))
    clinic.settle()

    (copy,) = clinic.copies()
    assert copy.when == at(2, 9)
