"""Two resources on one mailbox, and a series of one of them: which of its dates block for the other is told by whose
bookings they are, also while the one that wrote the series has not got to its dates (R33, R34)."""

import pytest
from calsync_core.domain.appointments import Block
from calsync_core.domain.ids import BookingId

from tests.properties.faults import CrashError
from tests.small_clinic import Clinic, a_clinic, at


@pytest.fixture
def clinic() -> Clinic:
    clinic = a_clinic()
    clinic.connect("anna", "mbx-anna")
    clinic.connect("north", "mbx-anna")
    clinic.settle()
    return clinic


def _write_series_and_die(clinic: Clinic, *resources: str) -> BookingId:
    """The series stands in the calendar, and the run that wrote it knows none of its dates."""
    series = clinic.system.book_series(list(resources), at(2, 9), "FREQ=WEEKLY;COUNT=4")

    def fault(operation: str, phase: str) -> None:
        if (operation, phase) == ("occurrences", "before"):
            raise CrashError(operation)

    clinic.fault = fault
    with pytest.raises(CrashError):
        clinic.run("north")
    clinic.fault = lambda _operation, _phase: None
    clinic.clock.advance(clinic.ports.lease_for * 2)
    return series


def _days(blocks: list[Block]) -> list[int]:
    return sorted((block.when.interval("UTC")[0] - at(2, 9).start_at).days // 7 for block in blocks)


@pytest.mark.rule("R34")
def test_a_date_that_becomes_ours_too_blocks_no_more_before_the_other_knows_its_copy(clinic: Clinic) -> None:
    series = _write_series_and_die(clinic, "north")
    clinic.run("anna")
    assert _days(clinic.blocks("anna")) == [0, 1, 2, 3]

    clinic.system.reassign(clinic.system.occurrences(series)[1].id, ["anna", "north"])
    clinic.run("anna")

    assert _days(clinic.blocks("anna")) == [0, 2, 3]
    clinic.settle()
    assert _days(clinic.blocks("anna")) == [0, 2, 3]


@pytest.mark.rule("R33")
def test_a_date_that_leaves_us_blocks_at_once_before_the_other_knows_its_copy(clinic: Clinic) -> None:
    series = _write_series_and_die(clinic, "anna", "north")
    clinic.run("anna")
    assert clinic.blocks("anna") == []

    clinic.system.reassign(clinic.system.occurrences(series)[1].id, ["north"])
    clinic.run("anna")

    assert _days(clinic.blocks("anna")) == [1]
    clinic.settle()
    assert _days(clinic.blocks("anna")) == [1]


@pytest.mark.rule("R34")
def test_what_becomes_ours_alone_blocks_no_more_where_its_copy_may_not_go(clinic: Clinic) -> None:
    booking = clinic.system.book(["north"], at(3, 9))
    clinic.run("north")
    clinic.run("anna")
    assert len(clinic.blocks("anna")) == 1
    clinic.settings(direction="from_calendar")  # the copy stays, and is nobody's to edit

    clinic.system.reassign(booking, ["anna"])
    clinic.settle()

    assert clinic.blocks("anna") == []
    assert len(clinic.copies("north")) == 1


def test_however_many_series_a_page_tells_of_the_booking_system_is_asked_once_whose_they_are(clinic: Clinic) -> None:
    for day in range(2, 6):
        clinic.system.book_series(["north"], at(day, 9), "FREQ=WEEKLY;COUNT=4")
    clinic.run("north")
    asked = clinic.host.calls["bookings"]

    clinic.run("anna")

    assert len(clinic.blocks("anna")) == 16
    assert clinic.host.calls["bookings"] - asked == 1
