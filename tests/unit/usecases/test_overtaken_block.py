"""A run that hangs while it writes or deletes a block, and is overtaken: what the other run knew better stands at the
end, without a full check (R31). Blocks carry no version."""

from collections.abc import Callable

import pytest
from calsync_core.domain.appointments import Busy

from tests.small_clinic import Clinic, a_clinic, at


@pytest.fixture
def clinic() -> Clinic:
    clinic = a_clinic()
    clinic.connect()
    clinic.settle()
    return clinic


def _hang(clinic: Clinic, operation: str, meanwhile: Callable[[], None]) -> None:
    """The next such call waits longer than the lease; another run does its work first."""

    def fault(named: str, phase: str) -> None:
        if (named, phase) == (operation, "before"):
            clinic.fault = lambda _operation, _phase: None
            clinic.clock.advance(clinic.ports.lease_for * 2)
            meanwhile()
            clinic.run()

    clinic.fault = fault


@pytest.mark.rule("R31")
@pytest.mark.prop("P1")
@pytest.mark.parametrize("more", [0, 9], ids=["one by one", "in bulk"])
def test_the_entry_was_moved_meanwhile(clinic: Clinic, more: int) -> None:
    server = clinic.mailbox()
    entry = server.create_entry(at(2, 9))
    for number in range(more):
        server.create_entry(at(3 + number, 9))
    _hang(clinic, "put_block", lambda: server.move_entry(entry, at(2, 15)))
    clinic.run()
    clinic.settle()

    assert min(block.when.start_at for block in clinic.blocks()) == at(2, 15).start_at
    assert len(clinic.blocks()) == 1 + more


@pytest.mark.rule("R31")
@pytest.mark.prop("P1")
@pytest.mark.parametrize("more", [0, 9], ids=["one by one", "in bulk"])
def test_the_entry_went_meanwhile(clinic: Clinic, more: int) -> None:
    server = clinic.mailbox()
    entry = server.create_entry(at(2, 9))
    for number in range(more):
        server.create_entry(at(3 + number, 9))
    _hang(clinic, "put_block", lambda: server.delete_entry(entry))
    clinic.run()
    clinic.settle()

    assert len(clinic.blocks()) == more


@pytest.mark.rule("R31")
@pytest.mark.prop("P1")
def test_the_entry_takes_time_again_while_its_block_is_deleted(clinic: Clinic) -> None:
    server = clinic.mailbox()
    entry = server.create_entry(at(2, 9))
    clinic.settle()
    server.set_busy(entry, Busy.FREE)
    _hang(clinic, "delete_block", lambda: server.set_busy(entry, Busy.BUSY))
    clinic.run()
    clinic.settle()

    assert [block.when for block in clinic.blocks()] == [at(2, 9)]


@pytest.mark.rule("R31")
@pytest.mark.prop("P1")
def test_the_entry_is_moved_back_while_its_block_is_moved(clinic: Clinic) -> None:
    """The other run finds nothing to do: entry, row and block say the same."""
    server = clinic.mailbox()
    entry = server.create_entry(at(2, 9))
    clinic.settle()
    server.move_entry(entry, at(2, 15))
    _hang(clinic, "put_block", lambda: server.move_entry(entry, at(2, 9)))
    clinic.run()
    clinic.settle()

    assert [block.when for block in clinic.blocks()] == [at(2, 9)]
