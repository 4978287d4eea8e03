"""A run that hangs while it makes a copy at a server without transaction ids, and is overtaken: the copy that nobody's
row knows is taken back (R31)."""

from collections.abc import Callable

import pytest
from calsync_core.adapters.memory.exchange_calendar import MemoryExchangeCalendarProvider
from calsync_core.adapters.memory.exchange_mailbox import MemoryExchangeMailboxServer
from calsync_core.domain.ids import BookingId, MailboxId

from tests.small_clinic import Clinic, a_clinic, at

MAILBOX = MailboxId("mbx-anna")


@pytest.fixture
def clinic() -> Clinic:
    clinic = a_clinic()
    clinic.servers[MAILBOX] = MemoryExchangeMailboxServer(clinic.clock.now)
    clinic.connect()
    clinic.providers[MAILBOX] = MemoryExchangeCalendarProvider(clinic.servers[MAILBOX], clinic._fault)
    clinic.settle()
    return clinic


def _hang_in_create(clinic: Clinic, meanwhile: Callable[[], None]) -> None:
    """The next create waits longer than the lease; another run does its work first."""

    def fault(operation: str, phase: str) -> None:
        if (operation, phase) == ("create", "before"):
            clinic.fault = lambda _operation, _phase: None
            clinic.clock.advance(clinic.ports.lease_for * 2)
            meanwhile()
            clinic.run()

    clinic.fault = fault


@pytest.mark.rule("R31")
@pytest.mark.prop("P4")
def test_the_other_run_wrote_it_too(clinic: Clinic) -> None:
    clinic.system.book(["anna"], at(2, 9))
    _hang_in_create(clinic, lambda: None)
    clinic.run()
    clinic.settle()

    assert [one.when for one in clinic.copies()] == [at(2, 9)]
    assert clinic.blocks() == []


@pytest.mark.rule("R31")
@pytest.mark.prop("P4")
def test_the_booking_went_meanwhile(clinic: Clinic) -> None:
    booking: BookingId = clinic.system.book(["anna"], at(2, 9))
    _hang_in_create(clinic, lambda: clinic.system.cancel(booking))
    clinic.run()
    clinic.settle()

    assert clinic.copies() == []
    assert clinic.blocks() == []
