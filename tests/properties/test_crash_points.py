"""P6, exhaustively: each scenario is stopped at every single remote call and store operation, before and after it. The
next runs repair it without help, and the end is the same as without the crash."""

from collections.abc import Callable
from typing import Any

import pytest
from calsync_core.domain.appointments import Booking, Kind
from calsync_core.domain.conflicts import ConflictStatus
from calsync_core.domain.ids import ResourceId
from calsync_core.usecases.sync import undo_run
from calsync_core.usecases.sync.undo_run import journalled_runs

from tests.properties.faults import CrashError
from tests.properties.invariants import quiet_time
from tests.properties.life import Life
from tests.properties.looking import RESOURCES
from tests.small_clinic import ACCOUNT, at

Edit = Callable[[Life], None]


def _entry(life: Life, day: int, hour: float, **more: Any) -> None:
    life.create_entry("anna", day, hour, **more)


def _first_booking(life: Life, **change: Any) -> None:
    booking = next(iter(life.clinic.system.bookings))
    life.clinic.system.change_booking(booking, **change)


def _move_copy(life: Life) -> None:
    copy = next(entry for entry in life.shown("anna") if entry.mark)
    life.server("anna").move_entry(copy.id, at(3, 12))


def _delete_copy(life: Life) -> None:
    copy = next(entry for entry in life.shown("anna") if entry.mark)
    life.server("anna").delete_entry(copy.id)


def _change_both(life: Life) -> None:
    _move_copy(life)
    _first_booking(life, when=at(3, 15))


def _delete_occurrence(life: Life) -> None:
    life.change_occurrence("anna", 1, "delete", 0)


def _a_course(life: Life) -> None:
    life.book_series(["anna"], 2, 9, "FREQ=WEEKLY;COUNT=4")


def _course(life: Life) -> Booking:
    return next(one for one in life.clinic.system.bookings.values() if one.is_series_master)


def _dates(life: Life) -> list[Booking]:
    return life.clinic.system.occurrences(_course(life).id)


def _a_lively_course(life: Life) -> None:
    """One date moved, one cancelled."""
    _a_course(life)
    life.clinic.system.move_booking_by_clinic(_dates(life)[1].id, at(10, 15))
    life.clinic.system.cancel(_dates(life)[2].id)


def _move_date_in_outlook(life: Life) -> None:
    master = next(one for one in life.server("anna").items.values() if one.entry.kind is Kind.MASTER)
    original = _dates(life)[1].original_start_at
    assert original is not None
    life.server("anna").move_occurrence(master.entry.id, original, at(10, 14))


def _delete_course_in_outlook(life: Life) -> None:
    master = next(one for one in life.server("anna").items.values() if one.entry.kind is Kind.MASTER)
    life.server("anna").delete_entry(master.entry.id)


def _move_course_in_outlook(life: Life) -> None:
    master = next(one for one in life.server("anna").items.values() if one.entry.kind is Kind.MASTER)
    life.server("anna").move_series(master.entry.id, at(2, 13), 4)


def _repeats_otherwise(how: str) -> Edit:
    """The person changes how it repeats (tests/properties/repeats.py)."""
    return lambda life: life.change_pattern("anna", 0, how)


def _import_pages(life: Life) -> None:
    for hour in range(8, 15):
        _entry(life, 2, hour)
        life.book(["anna"], 5, hour)


def _a_booking(life: Life) -> None:
    life.book(["anna"], 3, 10)


def _an_entry(life: Life) -> None:
    _entry(life, 2, 10)


def _overlap(life: Life) -> None:
    _a_booking(life)
    _entry(life, 3, 10.5)


def _free_the_entry(life: Life) -> None:
    entry = next(entry for entry in life.shown("anna") if entry.mark is None)
    life.server("anna").delete_entry(entry.id)


def _much(life: Life) -> None:
    for hour in (8, 9, 10):
        life.book(["anna"], 3, hour)
        _entry(life, 2, hour, busy="tentative")
    life.book_series(["anna"], 2, 9, "FREQ=WEEKLY;COUNT=2")


def _undo_all(key: str, closed: str, opened: str) -> Edit:
    """A setting took away everything there is, was a mistake and is taken back, and somebody undoes that run at once:
    a direction that is opened again is read in full anyway."""

    def undo(life: Life) -> None:
        life.change_settings("anna", {key: closed}, "window")
        life.clinic.settle(*RESOURCES)
        life.change_settings("anna", {key: opened}, "future")
        assert not (life.clinic.blocks("anna") and life.copies("anna")), "one side was taken away"
        largest = max(journalled_runs(life.stores.log, ACCOUNT, ResourceId("anna")), key=lambda run: len(run.deeds))
        assert len(largest.deeds) >= 3
        life.undo("anna", journalled_runs(life.stores.log, ACCOUNT, ResourceId("anna")).index(largest))

    return undo


def _both(*edits: Edit) -> Edit:
    def all_of_them(life: Life) -> None:
        for edit in edits:
            edit(life)

    return all_of_them


def _visits_and_a_course_beside(life: Life) -> None:
    """They stand in another calendar than the one that is chosen now, and no row knows them any more."""
    life.choose_primary("bert", True)
    life.book(["bert"], 3, 9)
    life.book_series(["bert"], 2, 11, "FREQ=WEEKLY;COUNT=2")
    life.clinic.system.move_booking_by_clinic(_dates(life)[0].id, at(17, 15))  # past its neighbour: a single entry
    life.clinic.settle(*RESOURCES)
    life.disconnect("bert", remove=False)
    life.clinic.run("bert")


def _come_back(life: Life) -> None:
    life.reconnect("bert")


def _open_a_direction(life: Life) -> None:
    """He came back while nothing might be written, and now it may be."""
    life.change_settings("bert", {"direction": "from_calendar"}, "future")
    life.reconnect("bert")
    life.clinic.settle(*RESOURCES)
    life.change_settings("bert", {"direction": "two_way"}, "future")


# name -> (what stands when it begins, what happens then, cause of the run, settings)
SCENARIOS: dict[str, tuple[Edit, Edit, str, dict[str, str]]] = {
    "a booking is made": (lambda life: None, _a_booking, "host", {}),
    "an entry is made": (lambda life: None, _an_entry, "notification", {}),
    "a booking is moved": (_a_booking, lambda life: _first_booking(life, when=at(4, 9)), "host", {}),
    "a booking is cancelled": (_a_booking, lambda life: life.change_booking(0, "cancel"), "host", {}),
    "a booking is removed": (_a_booking, lambda life: life.change_booking(0, "remove"), "host", {}),
    "an entry is moved": (_an_entry, lambda life: life.move_entry("anna", 0, 6, 9), "notification", {}),
    "an entry is deleted": (_an_entry, lambda life: life.delete_entry("anna", 0), "notification", {}),
    "an entry becomes free": (_an_entry, lambda life: life.change_busy("anna", 0, "free"), "notification", {}),
    "a copy is moved": (_a_booking, _move_copy, "notification", {}),
    "a copy is moved, restored": (_a_booking, _move_copy, "notification", {"edits.moved_in_calendar": "restore"}),
    "a copy is moved, flagged": (_a_booking, _move_copy, "notification", {"edits.moved_in_calendar": "flag"}),
    "a copy is deleted, flagged": (_a_booking, _delete_copy, "notification", {}),
    "a copy is deleted, restored": (_a_booking, _delete_copy, "notification", {"edits.deleted_in_calendar": "restore"}),
    "a copy is deleted, booking cancelled": (
        _a_booking,
        _delete_copy,
        "notification",
        {"edits.deleted_in_calendar": "cancel_booking"},
    ),
    "both changed": (_a_booking, _change_both, "notification", {}),
    "a series is made": (lambda life: None, lambda life: life.create_series("anna", 2, 9, 4), "notification", {}),
    "an occurrence is deleted": (
        lambda life: life.create_series("anna", 2, 9, 3),
        _delete_occurrence,
        "notification",
        {},
    ),
    "a course is booked": (lambda life: None, _a_lively_course, "host", {}),
    "a date is moved": (
        _a_course,
        lambda life: life.clinic.system.move_booking_by_clinic(_dates(life)[1].id, at(10, 15)),
        "host",
        {},
    ),
    "a date is moved past its neighbour": (
        _a_course,
        lambda life: life.clinic.system.move_booking_by_clinic(_dates(life)[1].id, at(17, 15)),
        "host",
        {},
    ),
    "a date is cancelled": (_a_course, lambda life: life.clinic.system.cancel(_dates(life)[1].id), "host", {}),
    "a date is moved in Outlook": (_a_course, _move_date_in_outlook, "notification", {}),
    "a course gets another time": (
        _a_lively_course,
        lambda life: life.clinic.system.move_booking_by_clinic(_course(life).id, at(2, 11)),
        "host",
        {},
    ),
    "a course gets another rule": (
        _a_lively_course,
        lambda life: life.clinic.system.change_rule(_course(life).id, "FREQ=WEEKLY;INTERVAL=2;COUNT=3"),
        "host",
        {},
    ),
    "a course gets a rule without words": (
        _a_lively_course,
        lambda life: life.clinic.system.change_rule(_course(life).id, "FREQ=WEEKLY;BYMONTH=11,12;COUNT=3"),
        "host",
        {},
    ),
    "a course is cancelled": (
        _a_lively_course,
        lambda life: life.clinic.system.cancel(_course(life).id),
        "host",
        {},
    ),
    "a course is deleted in Outlook": (_a_lively_course, _delete_course_in_outlook, "notification", {}),
    "a course is deleted in Outlook, restored": (
        _a_lively_course,
        _delete_course_in_outlook,
        "notification",
        {"edits.deleted_in_calendar": "restore"},
    ),
    "a course is moved in Outlook": (_a_lively_course, _move_course_in_outlook, "notification", {}),
    "a course is moved in Outlook, restored": (
        _a_lively_course,
        _move_course_in_outlook,
        "notification",
        {"edits.moved_in_calendar": "restore"},
    ),
    "a course repeats otherwise": (
        _a_lively_course,
        _repeats_otherwise("every other"),
        "notification",
        {"edits.deleted_in_calendar": "cancel_booking"},
    ),
    "a course becomes shorter": (
        _a_lively_course,
        _repeats_otherwise("fewer"),
        "full",
        {"edits.deleted_in_calendar": "cancel_booking"},
    ),
    "a course repeats no more": (
        _a_lively_course,
        _repeats_otherwise("once"),
        "notification",
        {"edits.deleted_in_calendar": "cancel_booking"},
    ),
    "a course repeats otherwise, flagged": (
        _a_lively_course,
        _repeats_otherwise("more days"),
        "notification",
        {"edits.moved_in_calendar": "flag", "edits.deleted_in_calendar": "cancel_booking"},
    ),
    "an own series repeats no more": (
        lambda life: life.create_series("anna", 2, 9, 3),
        _repeats_otherwise("once"),
        "notification",
        {},
    ),
    "handed to the other location": (_a_booking, lambda life: life.reassign(0, ["anna-north"]), "host", {}),
    "staff and room share": (_a_booking, lambda life: life.reassign(0, ["anna", "bert"]), "host", {}),
    "import with pages": (lambda life: None, _import_pages, "import", {}),
    "cursor expired": (
        _both(_an_entry, _a_booking),
        _both(lambda life: life.expire_cursors("anna"), _an_entry),
        "sweep",
        {},
    ),
    "host cursor expired": (_a_booking, _both(lambda life: life.expire_host_cursors(), _a_booking), "sweep", {}),
    "a conflict opens": (_a_booking, lambda life: _entry(life, 3, 10.5), "notification", {}),
    "a conflict closes": (_overlap, _free_the_entry, "notification", {}),
    "a conflict is decided": (
        _both(_a_booking),
        _both(_change_both, lambda life: life.run("anna"), lambda life: life.decide(0, 1)),
        "button",
        {},
    ),
    "disconnect with copies": (_overlap, lambda life: life.disconnect("anna", True), "button", {}),
    "privacy tightened": (
        _both(_a_booking, _an_entry),
        lambda life: life.change_settings("anna", {"to_calendar.privacy": "anonymous"}, "future"),
        "full",
        {},
    ),
    "direction closed for the whole window": (
        _both(_a_booking, _an_entry),
        lambda life: life.change_settings("anna", {"direction": "from_calendar"}, "window"),
        "full",
        {},
    ),
    "a conflict calendar is left": (
        lambda life: life.create_entry("home", 3, 9),
        lambda life: life.choose_conflict_calendars("anna", False),
        "import",
        {},
    ),
    "a block is removed by the clinic": (_an_entry, lambda life: life.touch_block(0, 1, True), "full", {}),
    "a run that took all copies away is undone": (
        _much,
        _undo_all("direction", "from_calendar", "two_way"),
        "button",
        {},
    ),
    "a run that took all blocks away is undone": (
        _much,
        _undo_all("from_calendar.tentative", "ignore", "block"),
        "button",
        {},
    ),
    "a full check finds nothing": (_overlap, lambda life: None, "full", {}),
    "copies are found in another calendar": (_visits_and_a_course_beside, _come_back, "import", {}),
    "copies are found in another calendar when a direction opens": (
        _visits_and_a_course_beside,
        _open_a_direction,
        "full",
        {},
    ),
}
OF_BERT = tuple(name for name in SCENARIOS if name.startswith("copies are found"))


AT_EXCHANGE = (
    "a booking is made", "a booking is moved", "a booking is cancelled", "a copy is moved",
    "a copy is deleted, restored", "a course is booked", "a date is moved", "import with pages", "cursor expired",
    "an entry is deleted", "a run that took all copies away is undone", "a course repeats otherwise",
    "a course becomes shorter", "a course repeats otherwise, flagged", *OF_BERT,
)  # fmt: skip
"""What is written and read otherwise at an Exchange server (memory/exchange_calendar.py)."""


def _at_the_crash(name: str, exchange: tuple[str, ...] = ()) -> tuple[Life, str]:
    before, edit, cause, settings = SCENARIOS[name]
    life = Life(page_size=3, exchange=exchange)
    if settings:
        life.change_settings(None, settings, "future")
    is_import = cause == "import" and name.startswith("import")
    before(life)
    if not is_import and name not in OF_BERT:
        life.clinic.settle(*RESOURCES)
    edit(life)
    return life, cause


def _crash(life: Life, cause: str, step: int, who: str = "anna") -> bool:
    """True when the run came that far."""
    life.faults.crash_at(step)
    try:
        life.clinic.run(who, cause)
    except CrashError:
        return True
    finally:
        life.faults.stop()
    return False


def _end(life: Life) -> object:
    copies = sorted(
        (e.mark.booking, e.mark.resource, repr(e.when), e.title) for p in ("anna", "bert") for e in life.copies(p)
    )
    blocks = sorted(
        (one.resource_id, repr(one.when), one.kind.value, one.title or "") for one in life.clinic.system.blocks.values()
    )
    bookings = sorted((one.id, one.status.value, repr(one.when)) for one in life.clinic.system.bookings.values())
    conflicts = sorted(
        (one.kind.value, one.booking_id or "", repr(one.booking_when), repr(one.calendar_when), one.status.value)
        for who in RESOURCES
        for one in life.stores.conflicts.of_resource(ACCOUNT, ResourceId(who))
        if one.status is not ConflictStatus.SETTLED
    )
    return copies, blocks, bookings, conflicts


@pytest.fixture(autouse=True)
def _short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """An undo notes how far it came after every two deeds, so that some crashes fall between two notes."""
    monkeypatch.setattr(undo_run, "AT_ONCE", 2)


@pytest.mark.rule("R113")
@pytest.mark.parametrize("name", [name for name in SCENARIOS if name.endswith("is undone")])
def test_without_a_crash_everything_that_was_taken_away_stands_again(name: str) -> None:
    untouched = Life(page_size=3)
    _much(untouched)
    untouched.clinic.settle(*RESOURCES)
    life, cause = _at_the_crash(name)

    life.clinic.run("anna", cause)
    life.clinic.settle(*RESOURCES)

    assert _end(life) == _end(untouched)


@pytest.mark.bad_input(17)
@pytest.mark.bad_input(39)
@pytest.mark.prop("P6")
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.complaint(4)
def test_a_crash_at_any_step_ends_as_without_it(name: str) -> None:
    _check_every_step(name)


@pytest.mark.prop("P6")
@pytest.mark.parametrize("name", AT_EXCHANGE)
def test_so_does_one_while_writing_to_exchange(name: str) -> None:
    _check_every_step(name, ("bert",) if name in OF_BERT else ("anna",))


def _check_every_step(name: str, exchange: tuple[str, ...] = ()) -> None:
    who = "bert" if name in OF_BERT else "anna"
    life, cause = _at_the_crash(name, exchange)
    assert not _crash(life, cause, 1_000_000, who)
    steps = life.faults.steps
    quiet_time(life)
    wanted = _end(life)

    for step in range(1, steps + 1):
        life, cause = _at_the_crash(name, exchange)
        assert _crash(life, cause, step, who), f"step {step} of {steps} was not reached"
        life.time_passes(0.1)
        quiet_time(life)
        assert _end(life) == wanted, f"{name}: crash at step {step} of {steps}"
