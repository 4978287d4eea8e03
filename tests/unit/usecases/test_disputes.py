"""What an open conflict is about is judged by both sides, whichever of them a feed tells of (R17): one side alone never
proves that they agree again."""

import pytest
from calsync_core.domain.conflicts import ConflictKind

from tests.small_clinic import Clinic, a_clinic, at


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
