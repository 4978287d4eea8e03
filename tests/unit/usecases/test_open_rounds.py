"""A round that was cut off is gone on with by the next run, whatever happened in between (R142)."""

import pytest
from calsync_core.adapters.memory.exchange_calendar import MemoryExchangeCalendarProvider
from calsync_core.adapters.memory.exchange_mailbox import MemoryExchangeMailboxServer
from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.domain.ids import MailboxId
from calsync_core.usecases.sync.sync_resource import Result

from tests.small_clinic import Clinic, a_clinic, at

MAILBOX = MailboxId("mbx-anna")


@pytest.fixture(params=["microsoft 365", "exchange"])
def clinic(request: pytest.FixtureRequest) -> Clinic:
    clinic = a_clinic(page_size=1)
    if request.param == "exchange":
        clinic.servers[MAILBOX] = MemoryExchangeMailboxServer(clinic.clock.now)
    clinic.connect()
    clinic.servers[MAILBOX].page_size = 1
    if request.param == "exchange":
        clinic.providers[MAILBOX] = MemoryExchangeCalendarProvider(clinic.servers[MAILBOX], clinic._fault)
    return clinic


def _cut_off(clinic: Clinic, feed: str) -> None:
    """A full check that reads two pages of this feed and no more."""
    pages = 0

    def fault(operation: str, phase: str) -> None:
        nonlocal pages
        pages += (operation, phase) == (feed, "before")
        if pages > 2:
            clinic.fault = lambda _operation, _phase: None
            raise ProviderUnavailableError("down")

    clinic.fault = fault
    assert clinic.run(cause="full").result is Result.WAIT


@pytest.mark.rule("R142")
@pytest.mark.prop("P1")
def test_an_entry_of_a_page_that_was_read_is_deleted_before_the_round_goes_on(clinic: Clinic) -> None:
    entries = [clinic.mailbox().create_entry(at(day, 9)) for day in (2, 3, 4)]
    clinic.settle()
    assert len(clinic.blocks()) == 3
    _cut_off(clinic, "changes")
    clinic.mailbox().delete_entry(entries[0])
    clinic.mailbox().delete_entry(entries[2])

    clinic.run()

    assert [block.when for block in clinic.blocks()] == [at(3, 9)]


@pytest.mark.rule("R142")
@pytest.mark.prop("P1")
def test_a_booking_of_a_page_that_was_read_is_cancelled_before_the_round_goes_on(clinic: Clinic) -> None:
    bookings = [clinic.system.book(["anna"], at(day, 9)) for day in (2, 3, 4)]
    clinic.settle()
    assert len(clinic.copies()) == 3
    _cut_off(clinic, "bookings")
    clinic.system.cancel(bookings[0])
    clinic.system.cancel(bookings[2])

    clinic.run()

    assert [copy.when for copy in clinic.copies()] == [at(3, 9)]


@pytest.mark.rule("R142")
@pytest.mark.prop("P12")
def test_a_round_that_nothing_cut_off_is_not_read_on(clinic: Clinic) -> None:
    clinic.mailbox().create_entry(at(2, 9))
    clinic.settle()
    calls = clinic.providers[MAILBOX].calls
    clinic.run()
    calls.clear()

    clinic.run()

    assert calls["changes"] == 1
