"""What a mailbox at an Exchange server does otherwise than one at Microsoft 365, one story each. The random lives have
both kinds (simulation.py); these were found by them."""

from collections.abc import Callable

import pytest
from calsync_core.adapters.memory.mailbox import DEFAULT

from tests.properties.faults import CrashError
from tests.properties.invariants import quiet_time
from tests.properties.life import Life
from tests.properties.looking import BESIDE, MAILBOX_OF
from tests.small_clinic import at

Edit = Callable[[], None]


def _life(**opening: str) -> Life:
    life = Life(exchange=("anna", "bert", "home"), **opening)  # type: ignore[arg-type]
    life.clinic.settle()
    return life


def _once(life: Life, operation: str, phase: str, edit: Edit) -> None:
    """At the first such call this happens meanwhile."""
    waiting = [edit]

    def hook(named: str, at_phase: str) -> None:
        if (named, at_phase) == (operation, phase) and waiting:
            waiting.pop()()

    life.clinic.fault = hook


def _crash() -> None:
    raise CrashError


def _copies(life: Life, who: str) -> list:
    return [entry for entry in life.shown(who) if entry.mark is not None]


@pytest.mark.rule("R31")
@pytest.mark.prop("P4")
def test_a_run_that_hung_before_its_create_and_was_overtaken_takes_its_copy_back() -> None:
    """Exchange has no transaction ids: both creates take effect."""
    life = _life()
    life.book(["bert"], 3, 10)

    def overtake() -> None:
        life.clinic.clock.advance(life.clinic.ports.lease_for * 2)
        life.clinic.run("bert")

    _once(life, "create", "before", overtake)
    life.clinic.run("bert")

    assert [write.operation for write in life.server("bert").writes] == ["create", "create", "delete"]
    assert len(_copies(life, "bert")) == 1
    quiet_time(life)


@pytest.mark.bad_input(16)
@pytest.mark.bad_input(17)
@pytest.mark.prop("P4")
@pytest.mark.rule("R30")
def test_a_create_whose_answer_was_lost_is_found_by_its_mark() -> None:
    life = _life()
    life.book(["bert"], 3, 10)

    _once(life, "create", "after", _crash)
    with pytest.raises(CrashError):
        life.clinic.run("bert")
    life.time_passes(1)
    life.clinic.run("bert")

    assert [write.operation for write in life.server("bert").writes] == ["create"]
    quiet_time(life)


@pytest.mark.prop("P1")
@pytest.mark.rule("R3")
@pytest.mark.parametrize("is_moved_along", [False, True])
def test_a_move_between_our_write_and_its_reading_back_is_the_persons(is_moved_along: bool) -> None:
    """A new copy, or one that is written anew into another primary calendar. The answer shows the person's time."""
    life = _life(moved="apply")
    life.book(["bert"], 3, 10)
    if is_moved_along:
        life.clinic.run("bert")
        life.choose_primary("bert", beside=True)

    def move() -> None:
        where = BESIDE if is_moved_along else DEFAULT
        written = next(one for one in _copies(life, "bert") if one.calendar_id == where)
        life.server("bert").move_entry(written.id, at(3, 14))

    _once(life, "create", "after", move)
    life.clinic.run("bert")
    quiet_time(life)

    (booking,) = life.clinic.system.bookings.values()
    assert booking.when == at(3, 14)
    assert [entry.when for entry in _copies(life, "bert")] == [at(3, 14)]


@pytest.mark.prop("P1")
def test_an_entry_that_changes_folders_is_a_new_one_there() -> None:
    life = _life()
    life.create_entry("bert", 3, 10)
    life.clinic.run("bert")
    (before,) = life.shown("bert")

    life.move_to_other_calendar("bert", 0, beside=True)

    (after,) = life.shown("bert")
    assert after.id != before.id
    quiet_time(life)
    assert len(life.clinic.blocks("bert")) == 1


@pytest.mark.prop("P1")
@pytest.mark.rule("R140")
@pytest.mark.parametrize(("deleted", "end"), [("flag", (0, 1)), ("restore", (1, 0)), ("cancel_booking", (0, 0))])
def test_a_copy_that_goes_before_it_was_read_once_is_asked_for_by_its_id(deleted: str, end: tuple[int, int]) -> None:
    """The feed tells nothing of what came and went between two looks."""
    life = _life(deleted=deleted)
    life.book(["bert"], 3, 10)
    life.clinic.run("bert")
    life.delete_entry("bert", 0)

    life.clinic.settle("bert")

    assert (len(_copies(life, "bert")), len(life.clinic.conflicts())) == end
    quiet_time(life)


@pytest.mark.prop("P12")
@pytest.mark.rule("R140")
def test_a_copy_that_the_feed_shows_is_asked_for_no_more() -> None:
    life = _life()
    life.book(["bert"], 3, 10)
    life.clinic.run("bert")
    calls = life.clinic.providers[MAILBOX_OF["bert"]].calls
    before = calls["entries"]

    life.clinic.run("bert")
    life.clinic.run("bert")

    assert calls["entries"] == before


@pytest.mark.prop("P1")
@pytest.mark.rule("R140")
def test_an_entry_that_came_and_went_around_a_run_that_was_cut_off_frees_its_time() -> None:
    life = _life()
    life.create_entry("bert", 3, 10)
    _once(life, "put_block", "after", _crash)
    with pytest.raises(CrashError):
        life.clinic.run("bert")
    life.time_passes(1)
    life.delete_entry("bert", 0)

    life.clinic.settle("bert")

    assert life.clinic.blocks("bert") == []
    quiet_time(life)


@pytest.mark.prop("P4")
@pytest.mark.rule("R140")
def test_a_copy_that_is_written_again_while_it_is_asked_for_is_expected_again() -> None:
    """Deleted twice, each time before the feed had shown it."""
    life = _life(deleted="restore")
    life.book(["bert"], 3, 10)
    life.clinic.run("bert")
    life.delete_entry("bert", 0)
    life.clinic.run("bert")
    life.delete_entry("bert", 0)

    life.clinic.run("bert")

    assert len(_copies(life, "bert")) == 1
    quiet_time(life)


@pytest.mark.prop("P1")
@pytest.mark.rule("R33")
@pytest.mark.parametrize("exchange", [(), ("anna",)], ids=["Microsoft 365", "Exchange"])
def test_a_neighbours_copy_whose_create_was_cut_off_stops_to_block_when_the_booking_becomes_mine_too(
    exchange: tuple[str, ...],
) -> None:
    """The neighbour of the mailbox finds its copy again without a write, so no feed tells of it."""
    life = Life(exchange=exchange)
    life.clinic.settle()
    life.book(["anna"], 2, 10)
    _once(life, "create", "after", _crash)
    with pytest.raises(CrashError):
        life.clinic.run("anna")
    life.clinic.run("anna-north")
    assert len(life.clinic.blocks("anna-north")) == 1

    life.time_passes(1)
    life.reassign(0, ["anna-north", "anna"])
    life.clinic.run("anna-north")

    assert life.clinic.blocks("anna-north") == []
    quiet_time(life)
