"""Two resources on one mailbox, and a series of one of them: which of its dates block for the other is told by whose
bookings they are, also while the one that wrote the series has not got to its dates (R33, R34)."""

import pytest
from calsync_core.domain.appointments import Block
from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.domain.ids import BookingId, ResourceId
from calsync_core.domain.windows import Window
from calsync_core.ports.host import BookingPage
from calsync_core.usecases.sync.sync_resource import Result

from tests.properties.faults import CrashError
from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at


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


@pytest.mark.rule("R33")
def test_dates_that_leave_us_in_a_closed_direction_block_whichever_page_told_of_them(clinic: Clinic) -> None:
    """Nobody has links of them: what an earlier call read of the feed is noted for the end of its round."""
    series = _write_series_and_die(clinic, "anna", "north")
    clinic.settings(direction="from_calendar")
    clinic.run("anna")
    assert clinic.blocks("anna") == []
    clinic.system.page_size = 1
    for number in (1, 2):
        clinic.system.reassign(clinic.system.occurrences(series)[number].id, ["north"])
    changes = 0

    def fault(operation: str, phase: str) -> None:
        nonlocal changes
        changes += (operation, phase) == ("changes", "before")
        if changes == 3:  # one of the calendar, one page of the booking system's feed
            raise CrashError(operation)

    clinic.fault = fault
    with pytest.raises(CrashError):
        clinic.run("anna")
    assert clinic.blocks("anna") == []
    assert len(clinic.stores.links.leaving(ACCOUNT, ResourceId("anna"), "host")) == 1
    clinic.fault = lambda _operation, _phase: None
    clinic.clock.advance(clinic.ports.lease_for * 2)

    clinic.run("anna")

    assert _days(clinic.blocks("anna")) == [1, 2]
    assert clinic.stores.links.leaving(ACCOUNT, ResourceId("anna"), "host") == []


@pytest.mark.prop("P12")
@pytest.mark.parametrize("is_alone", [True, False])
def test_however_many_dates_leave_a_closed_direction_none_is_asked_for_by_itself(is_alone: bool) -> None:
    clinic = a_clinic()
    clinic.connect("anna", "mbx-anna")
    if not is_alone:
        clinic.connect("north", "mbx-anna")
    clinic.settings(direction="from_calendar")
    clinic.settle()
    series = clinic.system.book_series(["anna"], at(2, 9), "FREQ=WEEKLY")
    clinic.settle()
    clinic.system.change_rule(series, "FREQ=WEEKLY;COUNT=2")
    before = clinic.host.calls.copy()

    clinic.run("anna")

    used = clinic.host.calls - before
    assert used["changes"] > 1, "more than a page of dates is gone"
    assert used["booking"] == 0
    assert used["bookings"] == (0 if is_alone else 1)


def test_a_resource_that_the_booking_system_has_dropped_keeps_no_neighbour_waiting(clinic: Clinic) -> None:
    clinic.settings(direction="from_calendar")
    booking = clinic.system.book(["anna"], at(3, 9))
    clinic.settle()
    asked, listed = list[ResourceId](), clinic.host.bookings

    def bookings(resource: ResourceId, window: Window, cursor: str | None = None) -> BookingPage:
        asked.append(resource)
        if resource == "north":
            raise ProviderUnavailableError("host_resource_unknown")
        return listed(resource, window, cursor)

    clinic.host.bookings = bookings  # type: ignore[method-assign]
    clinic.system.remove_booking(booking)

    assert clinic.run("anna").result is Result.DONE
    assert asked == ["north"]


def test_however_many_series_a_page_tells_of_the_booking_system_is_asked_once_whose_they_are(clinic: Clinic) -> None:
    for day in range(2, 6):
        clinic.system.book_series(["north"], at(day, 9), "FREQ=WEEKLY;COUNT=4")
    clinic.run("north")
    asked = clinic.host.calls["bookings"]

    clinic.run("anna")

    assert len(clinic.blocks("anna")) == 16
    assert clinic.host.calls["bookings"] - asked == 1
