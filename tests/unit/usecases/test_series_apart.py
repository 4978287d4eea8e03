"""Occurrences that stand apart from their series, and series that a person changed as a whole: none stands twice, and
the booking system's rule is what the calendar shows (R82, R85, R88)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from calsync_core.adapters.memory.mailbox import DEFAULT
from calsync_core.domain.appointments import BookingStatus, Busy, Copy, Entry, Kind, Mark, When
from calsync_core.domain.conflicts import ConflictKind
from calsync_core.domain.ids import BookingId, CalendarId, MailboxId, ResourceId
from calsync_core.domain.links import Agreed, Intent, booking_ref
from calsync_core.domain.resources import Progress, Status

from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at

ANNA = ResourceId("anna")
WEEKLY = "FREQ=WEEKLY;COUNT=6"
WORK = CalendarId("calendar-2")


@pytest.fixture
def clinic() -> Clinic:
    clinic = a_clinic()
    clinic.connect()
    clinic.mailbox().add_calendar("Work")
    clinic.settle()
    return clinic


def book(clinic: Clinic, rule: str = WEEKLY) -> BookingId:
    series = clinic.system.book_series(["anna"], at(2, 9), rule)
    clinic.settle()
    return series


def shown(clinic: Clinic, calendar: CalendarId = DEFAULT) -> list[When]:
    return sorted((entry.when for entry in clinic.mailbox().shown(calendar)), key=lambda when: when.interval("UTC"))


def booked(clinic: Clinic, series: BookingId) -> list[When]:
    live = [one for one in clinic.system.occurrences(series) if one.status is not BookingStatus.CANCELLED]
    return sorted((one.when for one in live), key=lambda when: when.interval("UTC"))


def master(clinic: Clinic) -> Entry:
    items = clinic.mailbox().items.values()
    (found,) = [item.entry for item in items if item.entry.kind is Kind.MASTER and not item.is_gone]
    return found


def choose(clinic: Clinic, calendar: CalendarId) -> None:
    """As the choice page does."""
    state = clinic.stores.resources.get(ACCOUNT, ANNA)
    assert state is not None
    importing = state.moved_to(Status.IMPORTING, clinic.clock.now())
    clinic.stores.resources.save(replace(importing, primary=calendar, progress=Progress()))


def assert_quiet(clinic: Clinic) -> None:
    before = len(clinic.mailbox().writes)
    clinic.settle()
    clinic.run(cause="full")
    assert len(clinic.mailbox().writes) == before


def _begin_alone(clinic: Clinic, booking_id: BookingId) -> None:
    """A run wrote the occurrence as a single entry, because its series had no place for it then, and died."""
    link = clinic.stores.links.get(ACCOUNT, ANNA, [booking_ref(booking_id)])[booking_ref(booking_id)]
    row = replace(
        link, intent=Intent.CREATE, entry_id=None, original_start_at=None, mark_id="1-own", host=Agreed(),
        calendar=Agreed(),
    )  # fmt: skip
    clinic.stores.links.put(ACCOUNT, row)
    mark = Mark("test", ACCOUNT, ANNA, booking_id, row.generation, row.mark_id)
    copy = Copy(link.when, "Europe/Berlin", "Course", None, None, Busy.BUSY, False, None)
    clinic.providers[MailboxId("mbx-anna")].create(DEFAULT, copy, mark, "transaction")


@pytest.mark.rule("R82")
@pytest.mark.rule("R36")
@pytest.mark.prop("P4")
@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_single_entry_of_a_run_that_died_is_found_although_its_series_has_a_place_for_it(
    clinic: Clinic, is_cancelled: bool
) -> None:
    series = book(clinic)
    second = clinic.system.occurrences(series)[1]
    _begin_alone(clinic, second.id)

    if is_cancelled:
        clinic.system.cancel(second.id)
    choose(clinic, WORK)
    clinic.settle()

    assert shown(clinic, WORK) == booked(clinic, series)
    assert shown(clinic) == []
    assert_quiet(clinic)


@pytest.mark.rule("R85")
def test_the_place_of_a_date_that_stands_alone_stays_empty_behind_the_window_too(clinic: Clinic) -> None:
    series = book(clinic)
    second = clinic.system.occurrences(series)[1]
    clinic.system.move_booking_by_clinic(second.id, at(17, 15))
    clinic.settle()
    clinic.clock.advance(timedelta(days=32))
    clinic.settle()

    clinic.system.change_rule(series, "FREQ=WEEKLY;COUNT=8")
    clinic.settle()

    assert shown(clinic) == booked(clinic, series)
    assert_quiet(clinic)


@pytest.mark.rule("R88")
@pytest.mark.parametrize("setting", ["apply", "restore"])
@pytest.mark.parametrize(("count", "every_days"), [(6, 1), (3, 14), (9, 7)])
def test_a_series_moved_with_another_pattern_repeats_as_booked(
    clinic: Clinic, setting: str, count: int, every_days: int
) -> None:
    clinic.settings(edits__moved_in_calendar=setting)
    series = book(clinic)

    clinic.mailbox().move_series(master(clinic).id, at(2, 13), count, every_days)
    clinic.settle()

    assert clinic.system.bookings[series].when == at(2, 13 if setting == "apply" else 9)
    assert shown(clinic) == booked(clinic, series)
    assert {entry.series_id for entry in clinic.mailbox().shown()} == {master(clinic).id}
    assert clinic.conflicts() == []
    assert_quiet(clinic)


@pytest.mark.rule("R82")
@pytest.mark.parametrize("setting", ["apply", "restore", "flag"])
@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_series_that_cannot_be_said_any_more_goes_whatever_a_person_did_to_it(
    clinic: Clinic, setting: str, is_deleted: bool
) -> None:
    clinic.settings(edits__moved_in_calendar=setting, edits__deleted_in_calendar="restore")
    series = book(clinic)

    if is_deleted:
        clinic.mailbox().delete_entry(master(clinic).id)
    else:
        clinic.mailbox().move_series(master(clinic).id, at(3, 13), 4)
    clinic.system.change_rule(series, "FREQ=WEEKLY;BYMONTH=11,12;COUNT=3")
    clinic.settle()

    assert shown(clinic) == booked(clinic, series)
    assert {entry.kind for entry in clinic.mailbox().shown()} == {Kind.SINGLE}
    assert clinic.conflicts() == []
    assert_quiet(clinic)


@pytest.mark.rule("R40")
@pytest.mark.rule("R82")
def test_a_closed_direction_keeps_the_series_that_cannot_be_said_any_more(clinic: Clinic) -> None:
    series = book(clinic)
    before = shown(clinic)
    clinic.settings(direction="from_calendar")

    clinic.system.change_rule(series, "FREQ=WEEKLY;BYMONTH=11,12;COUNT=3")
    clinic.settle()

    assert shown(clinic) == before


@pytest.mark.rule("R53")
@pytest.mark.rule("R82")
def test_a_series_with_guests_that_cannot_be_said_any_more_mails_nobody(clinic: Clinic) -> None:
    series = book(clinic)
    clinic.mailbox().change_entry(master(clinic).id, has_attendees=True)

    clinic.system.change_rule(series, "FREQ=WEEKLY;BYMONTH=11,12;COUNT=3")
    clinic.settle()

    assert clinic.mailbox().outbox == []
    assert master(clinic).has_attendees
    assert {one.kind for one in clinic.conflicts()} == {ConflictKind.NOT_WRITABLE}


@pytest.mark.rule("R83")
@pytest.mark.rule("R86")
@pytest.mark.parametrize(("count", "every_days"), [(6, 1), (3, 14), (4, 7), (9, 7)])
def test_another_pattern_under_the_same_first_date_is_put_right_by_the_weekly_check(
    clinic: Clinic, count: int, every_days: int
) -> None:
    clinic.settings(edits__deleted_in_calendar="restore")
    series = book(clinic)

    clinic.mailbox().move_series(master(clinic).id, at(2, 9), count, every_days)
    clinic.settle()
    assert set(booked(clinic, series)) <= set(shown(clinic))
    clinic.run(cause="full")

    assert shown(clinic) == booked(clinic, series)
    assert clinic.system.told == []
    assert_quiet(clinic)
