"""What was set aside is listed with its reason, comes back by itself with a new version, or when a person asks."""

from collections.abc import Callable

import pytest
from calsync_core.domain.errors import AppointmentRejectedError, NotFoundError, ProviderUnavailableError
from calsync_core.domain.ids import ResourceId
from calsync_core.usecases.sync.watch_conflicts import SET_ASIDE
from calsync_core.usecases.try_again import TryPorts, set_aside, try_again

from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at

ANNA = ResourceId("anna")


def _clinic() -> Clinic:
    clinic = a_clinic()
    clinic.connect()
    clinic.run(cause="import")
    return clinic


def _ports(clinic: Clinic) -> TryPorts:
    return TryPorts(clinic.stores.links, clinic.stores.log, clinic.queue, clinic.clock)


def _refuse(operation: str) -> Callable[[str, str], None]:
    def fault(asked: str, phase: str) -> None:
        if asked == operation and phase == "before":
            raise AppointmentRejectedError("request_refused")

    return fault


def _waiting(clinic: Clinic) -> list[tuple[object, str]]:
    return [(one.link.when, one.code) for one in set_aside(_ports(clinic), ACCOUNT, ANNA)]


def _nothing(operation: str, phase: str) -> None:
    """No fault any more."""


def _new_booking(clinic: Clinic) -> None:
    clinic.system.book(["anna"], at(3, 10))


def _moved_booking(clinic: Clinic) -> None:
    _new_booking(clinic)
    clinic.run()
    clinic.system.move_booking_by_clinic(next(iter(clinic.system.bookings)), at(3, 12))


def _new_entry(clinic: Clinic) -> None:
    clinic.mailbox().create_entry(at(3, 10))


def _moved_entry(clinic: Clinic) -> None:
    _new_entry(clinic)
    clinic.run()
    clinic.mailbox().move_entry(clinic.mailbox().shown()[0].id, at(3, 12))


@pytest.mark.rule("R118")
@pytest.mark.parametrize(
    ("edit", "operation"),
    [(_new_booking, "create"), (_moved_booking, "update"), (_new_entry, "put_block"), (_moved_entry, "put_block")],
)
def test_another_try_writes_what_was_refused(edit: Callable[[Clinic], None], operation: str) -> None:
    clinic = _clinic()
    wanted = at(3, 12) if edit in (_moved_booking, _moved_entry) else at(3, 10)
    edit(clinic)
    clinic.fault = _refuse(operation)
    clinic.run()
    clinic.fault = _nothing
    clinic.run(cause="full")
    assert [code for _, code in _waiting(clinic)] == ["request_refused"]

    assert try_again(_ports(clinic), ACCOUNT, ANNA, None, "A. Braun") == 1
    clinic.settle()

    shown = [entry.when for entry in clinic.copies()] + [block.when for block in clinic.blocks()]
    assert shown == [wanted]
    assert _waiting(clinic) == []
    assert clinic.conflicts() == []


@pytest.mark.rule("R52", "R118")
def test_a_try_that_is_refused_again_is_set_aside_again() -> None:
    clinic = _clinic()
    _new_booking(clinic)
    clinic.fault = _refuse("create")
    clinic.run()

    [waiting] = set_aside(_ports(clinic), ACCOUNT, ANNA)
    try_again(_ports(clinic), ACCOUNT, ANNA, waiting.link.ref, "A. Braun")
    clinic.settle()

    assert _waiting(clinic) == [(at(3, 10), "request_refused")]


@pytest.mark.rule("R52")
def test_a_new_version_of_the_origin_is_a_way_out_too() -> None:
    clinic = _clinic()
    _new_booking(clinic)
    clinic.fault = _refuse("create")
    clinic.run()
    clinic.fault = _nothing

    clinic.system.retitle(next(iter(clinic.system.bookings)), "Shorter")
    clinic.run()

    assert len(clinic.copies()) == 1
    assert _waiting(clinic) == []
    clinic.run(cause="full")
    assert clinic.stores.links.leaving(ACCOUNT, ANNA, SET_ASIDE) == [], "the list is kept short"


@pytest.mark.rule("R52")
def test_what_vanished_at_its_origin_is_not_kept_by_a_quarantine() -> None:
    """Story: a copy was set aside, its booking was removed, and the copy stood in the calendar for ever."""
    clinic = _clinic()
    _moved_booking(clinic)
    clinic.fault = _refuse("update")
    clinic.run()
    clinic.fault = _nothing

    clinic.system.remove_booking(next(iter(clinic.system.bookings)))
    clinic.run()

    assert clinic.copies() == []
    assert _waiting(clinic) == []


@pytest.mark.rule("R52", "R118")
def test_the_write_budget_of_an_entry_ends_a_fight_with_another_program() -> None:
    clinic = _clinic()
    clinic.settings(edits__moved_in_calendar="restore")
    _new_booking(clinic)
    clinic.run()
    for number in range(8):
        clinic.mailbox().move_entry(clinic.copies()[0].id, at(3, 11 + number))
        clinic.run()
    assert [code for _, code in _waiting(clinic)] == ["write_budget"]
    assert [entry.when for entry in clinic.copies()] != [at(3, 10)]

    try_again(_ports(clinic), ACCOUNT, ANNA, None, "A. Braun")
    clinic.settle()

    assert [entry.when for entry in clinic.copies()] == [at(3, 10)]
    assert _waiting(clinic) == []


def test_only_what_waits_can_be_tried_again() -> None:
    clinic = _clinic()
    _new_booking(clinic)
    clinic.run()
    [link] = clinic.stores.links.all(ACCOUNT, ANNA)

    for ref in (link.ref, "nobody", "x" * 500):
        with pytest.raises(NotFoundError, match="not_quarantined"):
            try_again(_ports(clinic), ACCOUNT, ANNA, ref, "A. Braun")
    assert try_again(_ports(clinic), ACCOUNT, ANNA, None, "A. Braun") == 0
    assert clinic.queue.wishes == []


def test_a_write_that_was_cut_off_on_its_way_out_of_the_window_is_taken_up() -> None:
    """Story: an entry was blocked, moved far ahead, and the new block's write was cut; its row said the new time
    already, no feed spoke of it any more, and the old block stood for ever. Found by the random lives (seed 735)."""
    clinic = _clinic()
    entry = clinic.mailbox().create_entry(at(3, 10))

    def cut(phase: str) -> Callable[[str, str], None]:
        def fault(operation: str, when: str) -> None:
            if (operation, when) == ("put_block", phase):
                raise ProviderUnavailableError("cut")

        return fault

    clinic.fault = cut("after")
    clinic.run()
    clinic.mailbox().move_entry(entry, at(900, 10))
    clinic.mailbox().expire_cursors()
    clinic.fault = cut("before")
    clinic.run()
    clinic.fault = _nothing
    clinic.run()

    assert [block.when for block in clinic.blocks()] == [at(900, 10)]
