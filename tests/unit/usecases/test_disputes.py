"""What an open conflict is about is judged by both sides, whichever of them a feed tells of (R17): one side alone never
proves that they agree again."""

import pytest
from calsync_core.domain.conflicts import ConflictKind
from calsync_core.domain.ids import ResourceId

from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at


@pytest.fixture
def clinic() -> Clinic:
    clinic = a_clinic()
    clinic.connect()
    clinic.settle()
    return clinic


def open_kinds(clinic: Clinic) -> list[ConflictKind]:
    return [one.kind for one in clinic.conflicts()]


@pytest.mark.rule("R11")
@pytest.mark.rule("R17")
@pytest.mark.rule("R62")
def test_a_copy_put_back_where_it_was_follows_the_booking_that_was_moved_meanwhile(clinic: Clinic) -> None:
    booking = clinic.system.book(["anna"], at(2, 9))
    clinic.settle()
    (copy,) = clinic.copies()
    clinic.mailbox().move_entry(copy.id, at(2, 13))
    clinic.system.move_booking_by_clinic(booking, at(2, 15))
    clinic.settle()
    assert open_kinds(clinic) == [ConflictKind.CHANGED_ON_BOTH]

    clinic.mailbox().move_entry(copy.id, at(2, 9))
    clinic.settle()

    assert [one.when for one in clinic.copies()] == [at(2, 15)]
    assert open_kinds(clinic) == []


@pytest.mark.rule("R53")
@pytest.mark.rule("R62")
@pytest.mark.parametrize("what", ["touched", "moved and put back"])
def test_a_copy_with_guests_stays_in_dispute_however_it_changes(clinic: Clinic, what: str) -> None:
    booking = clinic.system.book(["anna"], at(2, 9))
    clinic.settle()
    (copy,) = clinic.copies()
    clinic.mailbox().change_entry(copy.id, has_attendees=True)
    clinic.settle()
    clinic.system.cancel(booking)
    clinic.settle()
    assert open_kinds(clinic) == [ConflictKind.NOT_WRITABLE]

    clinic.mailbox().touch(copy.id)
    if what != "touched":
        clinic.mailbox().move_entry(copy.id, at(3, 9))
        clinic.settle()
        clinic.mailbox().move_entry(copy.id, at(2, 9))
    clinic.settle()

    assert open_kinds(clinic) == [ConflictKind.NOT_WRITABLE]
    clinic.mailbox().delete_entry(copy.id)
    clinic.settle()
    assert open_kinds(clinic) == []


@pytest.mark.rule("R5")
@pytest.mark.rule("R62")
def test_a_flagged_copy_put_back_ends_its_conflict(clinic: Clinic) -> None:
    clinic.settings(edits__moved_in_calendar="flag")
    clinic.system.book(["anna"], at(2, 9))
    clinic.settle()
    (copy,) = clinic.copies()
    clinic.mailbox().move_entry(copy.id, at(2, 13))
    clinic.settle()
    assert open_kinds(clinic) == [ConflictKind.MOVED]

    clinic.mailbox().move_entry(copy.id, at(2, 9))
    clinic.settle()

    assert open_kinds(clinic) == []
    assert [one.when for one in clinic.copies()] == [at(2, 9)]


@pytest.mark.rule("R11")
@pytest.mark.bad_input(18)
@pytest.mark.bad_input(23)
def test_what_a_person_does_while_our_write_is_under_way_is_never_overwritten(clinic: Clinic) -> None:
    """Our write meets another version than the one that was read: both sides are read again, and nothing is lost."""
    booking = clinic.system.book(["anna"], at(2, 9))
    clinic.settle()
    (copy,) = clinic.copies()
    waiting = [lambda: clinic.mailbox().move_entry(copy.id, at(2, 13))]

    def meanwhile(operation: str, phase: str) -> None:
        if (operation, phase) == ("update", "before") and waiting:
            waiting.pop()()

    clinic.fault = meanwhile
    clinic.system.move_booking_by_clinic(booking, at(2, 15))
    clinic.settle()

    assert not waiting
    assert [one.when for one in clinic.copies()] == [at(2, 13)]
    assert clinic.system.bookings[booking].when == at(2, 15)
    (conflict,) = clinic.conflicts()
    assert (conflict.kind, conflict.booking_when, conflict.calendar_when) == (
        ConflictKind.CHANGED_ON_BOTH, at(2, 15), at(2, 13),
    )  # fmt: skip
    lines = clinic.stores.log.of_resource(ACCOUNT, ResourceId("anna"), 50)
    assert [line.rule for line in lines if line.rule == "R11"] == ["R11"]
