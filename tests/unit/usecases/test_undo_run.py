"""Undo of a run: what is shown first, what comes back, what is left alone and why; twice, and after a crash."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from calsync_core.domain.appointments import Busy
from calsync_core.domain.errors import InputError, NotFoundError
from calsync_core.domain.ids import ResourceId
from calsync_core.domain.journal import Did
from calsync_core.domain.resources import Status
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.usecases.preview_undo import preview_undo
from calsync_core.usecases.sync.undo_run import ask_undo, counts_of, journalled_runs

from tests.look_ports import look_ports
from tests.properties.faults import CrashError, Faults, watched
from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at

ANNA = ResourceId("anna")


def _clinic(bookings: int = 1, entries: int = 0) -> Clinic:
    clinic = a_clinic()
    clinic.connect()
    for number in range(bookings):
        clinic.system.book(["anna"], at(3 + number // 8, 8 + number % 8))
    for number in range(entries):
        clinic.mailbox().create_entry(at(20 + number // 8, 8 + number % 8))
    clinic.run(cause="import")
    return clinic


def _last_run(clinic: Clinic) -> str:
    return journalled_runs(clinic.stores.log, ACCOUNT, ANNA)[0].run


def _codes(ports: JourneyPorts, run: str) -> list[str]:
    return [one.code for one in preview_undo(ports, ACCOUNT, ANNA, run).judged]


def _undo(clinic: Clinic, run: str) -> None:
    ask_undo(look_ports(clinic), ACCOUNT, ANNA, run, "A. Braun")
    clinic.settle()


def _lines(clinic: Clinic, reason: str) -> list[str | None]:
    lines = clinic.stores.log.of_resource(ACCOUNT, ANNA, 1000)
    return [line.code for line in lines if line.reason.value == reason]


def _close_and_open_again(clinic: Clinic) -> None:
    """The admin closed the direction for everything, and saw that it was a mistake."""
    clinic.settings(direction="from_calendar")
    state = clinic.stores.resources.get(ACCOUNT, ANNA)
    assert state is not None
    clinic.stores.resources.save(replace(state, reproject_below=99, remove_below=99))
    clinic.run(cause="full")
    clinic.settings(direction="two_way")


@pytest.mark.rule("R113")
def test_a_mass_deletion_is_undone_as_a_whole() -> None:
    clinic = _clinic(bookings=40)
    before = sorted((repr(entry.when), entry.title) for entry in clinic.copies())
    _close_and_open_again(clinic)
    assert clinic.copies() == []
    [run] = journalled_runs(clinic.stores.log, ACCOUNT, ANNA)
    assert counts_of(run) == ((Did.COPY_DELETED, 40),)

    preview = preview_undo(look_ports(clinic), ACCOUNT, ANNA, run.run)
    assert {one.code for one in preview.judged} == {"undo_copy_again"}
    assert (preview.will_do, len(preview.judged), preview.unlooked) == (40, 40, ())
    assert clinic.copies() == [], "a preview writes nothing"
    _undo(clinic, run.run)

    assert sorted((repr(entry.when), entry.title) for entry in clinic.copies()) == before
    undone = next(one for one in journalled_runs(clinic.stores.log, ACCOUNT, ANNA) if one.run == run.run)
    assert undone.undone is not None
    assert undone.undone.by == "A. Braun"


@pytest.mark.rule("R43", "R113")
def test_copies_that_the_server_touched_go_with_their_direction_and_come_back() -> None:
    """Story: Exchange gave every copy a new version some seconds after it was written; closing the direction for the
    whole window asked to delete the old version for ever and deleted nothing."""
    clinic = _clinic(bookings=3)
    clinic.mailbox().rotate_created()
    for entry in clinic.copies():
        clinic.mailbox().touch(entry.id)

    _close_and_open_again(clinic)
    assert clinic.copies() == []
    _undo(clinic, _last_run(clinic))

    assert len(clinic.copies()) == 3


@pytest.mark.prop("P7")
@pytest.mark.rule("R113")
def test_undoing_twice_is_harmless() -> None:
    clinic = _clinic(bookings=3)
    _close_and_open_again(clinic)
    run = _last_run(clinic)
    _undo(clinic, run)
    copies = clinic.copies()

    assert _codes(look_ports(clinic), run) == ["undo_there_again"] * 3
    _undo(clinic, run)

    assert clinic.copies() == copies
    assert _lines(clinic, "undo_left") == ["undo_there_again"] * 3


@pytest.mark.rule("R113", "R115")
def test_a_block_comes_back_if_its_entry_still_blocks() -> None:
    clinic = _clinic(bookings=0, entries=3)
    busy, free, gone = sorted(entry.id for entry in clinic.mailbox().shown())
    for entry in (busy, free, gone):
        clinic.mailbox().set_busy(entry, Busy.FREE)
    clinic.run()
    run = _last_run(clinic)
    assert clinic.blocks() == []
    clinic.mailbox().delete_entry(gone)
    clinic.mailbox().set_busy(busy, Busy.BUSY)

    codes = _codes(look_ports(clinic), run)
    ask_undo(look_ports(clinic), ACCOUNT, ANNA, run, "A. Braun")
    clinic.settle()

    assert sorted(codes) == ["entry_free", "undo_block_again", "undo_entry_gone"]
    assert len(clinic.blocks()) == 1
    assert sorted(code or "" for code in _lines(clinic, "undo_left")) == ["entry_free", "undo_entry_gone"]


@pytest.mark.rule("R114")
def test_a_moved_booking_goes_back_and_its_copy_with_it() -> None:
    clinic = _clinic()
    booking = next(iter(clinic.system.bookings))
    clinic.mailbox().move_entry(clinic.copies()[0].id, at(3, 15))
    clinic.settle()
    assert clinic.system.bookings[booking].when == at(3, 15)

    _undo(clinic, _last_run(clinic))

    assert clinic.system.bookings[booking].when == at(3, 8)
    assert [entry.when for entry in clinic.copies()] == [at(3, 8)]
    assert clinic.conflicts() == []


@pytest.mark.rule("R115")
def test_a_booking_that_was_moved_again_since_stays_where_it_is() -> None:
    clinic = _clinic()
    booking = next(iter(clinic.system.bookings))
    clinic.mailbox().move_entry(clinic.copies()[0].id, at(3, 15))
    clinic.settle()
    run = _last_run(clinic)
    clinic.system.move_booking_by_clinic(booking, at(3, 12))
    clinic.settle()

    assert _codes(look_ports(clinic), run) == ["undo_changed_since"]
    _undo(clinic, run)

    assert clinic.system.bookings[booking].when == at(3, 12)
    assert _lines(clinic, "undo_left") == ["undo_changed_since"]


@pytest.mark.rule("R115")
def test_a_booking_system_that_will_not_have_it_back_leaves_it_where_it_is() -> None:
    clinic = _clinic()
    booking = next(iter(clinic.system.bookings))
    clinic.mailbox().move_entry(clinic.copies()[0].id, at(3, 15))
    clinic.settle()
    run = _last_run(clinic)
    clinic.system.book(["anna"], at(3, 8))
    clinic.settle()

    _undo(clinic, run)

    assert clinic.system.bookings[booking].when == at(3, 15)
    assert _lines(clinic, "undo_left") == ["slot_taken"]


@pytest.mark.rule("R115")
def test_cancelled_and_vanished_bookings_are_named_and_not_made_up() -> None:
    clinic = _clinic(bookings=2)
    clinic.settings(edits__deleted_in_calendar="cancel_booking")
    first, second = list(clinic.system.bookings)
    for entry in clinic.copies():
        clinic.mailbox().delete_entry(entry.id)
    clinic.settle()
    run = _last_run(clinic)
    clinic.system.remove_booking(second)

    _undo(clinic, run)

    assert clinic.system.bookings[first].status.value == "cancelled"
    assert sorted(code or "" for code in _lines(clinic, "undo_left")) == ["undo_booking_cancelled", "undo_booking_gone"]
    assert clinic.copies() == []


@pytest.mark.rule("R115")
def test_a_direction_that_is_still_closed_is_the_reason() -> None:
    clinic = _clinic()
    _close_and_open_again(clinic)
    clinic.settings(direction="from_calendar")

    assert _codes(look_ports(clinic), _last_run(clinic)) == ["direction"]
    _undo(clinic, _last_run(clinic))

    assert clinic.copies() == []
    assert _lines(clinic, "undo_left") == ["direction"]


@pytest.mark.rule("R115")
def test_a_copy_follows_its_booking_and_is_not_moved_alone() -> None:
    clinic = _clinic()
    clinic.system.move_booking_by_clinic(next(iter(clinic.system.bookings)), at(3, 15))
    clinic.settle()
    run = _last_run(clinic)

    assert _codes(look_ports(clinic), run) == ["undo_follows"]
    _undo(clinic, run)

    assert [entry.when for entry in clinic.copies()] == [at(3, 15)]


def test_an_undo_can_be_undone() -> None:
    clinic = _clinic()
    booking = next(iter(clinic.system.bookings))
    clinic.mailbox().move_entry(clinic.copies()[0].id, at(3, 15))
    clinic.settle()
    first = _last_run(clinic)
    _undo(clinic, first)
    [undoing] = [
        one.run
        for one in journalled_runs(clinic.stores.log, ACCOUNT, ANNA)
        if one.run != first and any(deed.did is Did.BOOKING_MOVED for deed in one.deeds)
    ]

    _undo(clinic, undoing)

    assert clinic.system.bookings[booking].when == at(3, 15)


def test_nothing_is_undone_for_unknown_runs_and_disconnected_resources() -> None:
    clinic = _clinic()
    _close_and_open_again(clinic)
    ports = look_ports(clinic)
    with pytest.raises(NotFoundError, match="run_unknown"):
        preview_undo(ports, ACCOUNT, ANNA, "run-of-nobody")
    with pytest.raises(NotFoundError, match="run_unknown"):
        ask_undo(ports, ACCOUNT, ANNA, "x" * 500, "A. Braun")

    state = clinic.stores.resources.get(ACCOUNT, ANNA)
    assert state is not None
    clinic.stores.resources.save(state.moved_to(Status.PAUSED, clinic.clock.now()))
    with pytest.raises(InputError, match="paused"):
        ask_undo(ports, ACCOUNT, ANNA, _last_run(clinic), "A. Braun")


def test_a_deletion_is_written_down_before_it_is_done() -> None:
    """Story: a run crashed between deleting and its journal, and what it had deleted could not be undone."""
    clinic = _clinic(bookings=3)
    seen: list[int] = []

    def crash(operation: str, phase: str) -> None:
        if operation == "delete" and phase == "after":
            seen.append(1)
            raise CrashError(operation)

    clinic.fault = crash
    with pytest.raises(CrashError):
        _close_and_open_again(clinic)

    [run] = journalled_runs(clinic.stores.log, ACCOUNT, ANNA)
    assert seen == [1]
    assert {deed.did for deed in run.deeds} == {Did.COPY_DELETED}


def _moved(clinic: Clinic) -> None:
    clinic.mailbox().move_entry(clinic.copies()[0].id, at(3, 15))
    clinic.settle()


def _freed(clinic: Clinic) -> None:
    entry = next(entry for entry in clinic.mailbox().shown() if entry.mark is None)
    clinic.mailbox().set_busy(entry.id, Busy.FREE)
    clinic.settle()
    clinic.mailbox().set_busy(entry.id, Busy.BUSY)


def _end(clinic: Clinic) -> object:
    copies = sorted((repr(entry.when), entry.title) for entry in clinic.copies())
    blocks = sorted(repr(block.when) for block in clinic.blocks())
    bookings = sorted((one.id, repr(one.when)) for one in clinic.system.bookings.values())
    return copies, blocks, bookings, [one.kind for one in clinic.conflicts()]


@pytest.mark.prop("P6")
@pytest.mark.parametrize("deed", [_close_and_open_again, _moved, _freed], ids=["copies deleted", "moved", "freed"])
def test_a_crash_at_any_step_of_an_undo_ends_as_without_it(deed: Callable[[Clinic], None]) -> None:
    def until(step: int) -> tuple[Clinic, int, bool]:
        clinic = _clinic(bookings=2, entries=1)
        deed(clinic)
        run = _last_run(clinic)
        faults = Faults()
        clinic.fault = faults
        plain = clinic.ports
        clinic.ports = replace(plain, stores=watched(clinic.stores, faults))
        ask_undo(look_ports(clinic), ACCOUNT, ANNA, run, "A. Braun")
        faults.crash_at(step)
        has_crashed = False
        try:
            clinic.run()
        except CrashError:
            has_crashed = True
        steps = faults.steps
        faults.stop()
        clinic.ports = plain
        clinic.clock.advance(clinic.ports.lease_for * 2)
        clinic.settle()
        clinic.run(cause="full")
        return clinic, steps, has_crashed

    whole, steps, _ = until(1_000_000)
    wanted = _end(whole)

    for step in range(1, steps + 1):
        clinic, _, has_crashed = until(step)
        assert has_crashed
        assert _end(clinic) == wanted, f"crash at step {step} of {steps}"


@pytest.mark.rule("R113")
def test_what_the_booking_system_refused_is_no_deed() -> None:
    """Story: three moves were refused, and the page offered to undo three moves."""
    clinic = _clinic(bookings=2)
    clinic.settings(edits__deleted_in_calendar="cancel_booking")
    first, second = sorted(clinic.copies(), key=lambda copy: repr(copy.when))
    clinic.mailbox().move_entry(first.id, second.when)
    clinic.settle()

    assert _lines(clinic, "host_refused") == ["slot_taken"]
    assert journalled_runs(clinic.stores.log, ACCOUNT, ANNA) == []

    clinic.mailbox().move_entry(first.id, at(3, 15))
    clinic.settle()
    [run] = journalled_runs(clinic.stores.log, ACCOUNT, ANNA)
    assert [(deed.did, deed.was, deed.to) for deed in run.deeds] == [(Did.BOOKING_MOVED, at(3, 8), at(3, 15))]
