"""What is promised before an undo: true for every deed of a run of any size, read with few calls, and then kept."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from calsync_core.domain.appointments import Busy
from calsync_core.domain.ids import ResourceId
from calsync_core.domain.journal import Deed, Did, row_of
from calsync_core.usecases import preview_undo as module
from calsync_core.usecases.preview_undo import Preview, preview_undo
from calsync_core.usecases.sync.undo_run import ask_undo, counts_of, journalled_runs

from tests.look_ports import look_ports
from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at

ANNA = ResourceId("anna")
pytestmark = pytest.mark.rule("R113", "R115")


def _clinic(bookings: int = 0, entries: int = 0) -> Clinic:
    clinic = a_clinic()
    clinic.connect()
    for number in range(bookings):
        clinic.system.book(["anna"], at(3 + number // 16, 8 + number % 16 / 2, 0.5))
    for number in range(entries):
        clinic.mailbox().create_entry(at(100 + number // 16, 8 + number % 16 / 2, 0.5))
    clinic.run(cause="import")
    return clinic


def _close_and_open_again(clinic: Clinic) -> None:
    clinic.settings(direction="from_calendar")
    state = clinic.stores.resources.get(ACCOUNT, ANNA)
    assert state is not None
    clinic.stores.resources.save(replace(state, reproject_below=99, remove_below=99))
    clinic.run(cause="full")
    clinic.settings(direction="two_way")


def _last_run(clinic: Clinic) -> str:
    return journalled_runs(clinic.stores.log, ACCOUNT, ANNA)[0].run


def _preview(clinic: Clinic, run: str) -> Preview:
    return preview_undo(look_ports(clinic), ACCOUNT, ANNA, run)


def _numbers(preview: Preview) -> dict[tuple[str, bool], int]:
    return {(one.code, one.will_do): len(one.judged) for one in preview.outcomes}


def _calls(clinic: Clinic) -> Counter[str]:
    asked: Counter[str] = Counter()

    def note(operation: str, phase: str) -> None:
        asked[operation] += phase == "before"

    clinic.fault = note
    return asked


def test_four_hundred_deletions_are_all_looked_at_with_few_questions_and_the_undo_does_what_was_said() -> None:
    clinic = _clinic(bookings=400)
    bookings = list(clinic.system.bookings)
    _close_and_open_again(clinic)
    run = _last_run(clinic)
    for booking in bookings[:7]:
        clinic.system.remove_booking(booking)
    for booking in bookings[7:12]:
        clinic.system.cancel(booking)
    asked = _calls(clinic)

    preview = _preview(clinic, run)

    assert counts_of(preview.run) == ((Did.COPY_DELETED, 400),)
    assert _numbers(preview) == {
        ("undo_copy_again", True): 388, ("undo_booking_gone", False): 7, ("undo_booking_cancelled", False): 5,
    }  # fmt: skip
    assert (preview.will_do, preview.unlooked, preview.may_do) == (388, (), True)
    times = [one.deed.was.interval("UTC")[0] for one in preview.judged]
    assert times == sorted(times)
    assert sum(asked.values()) <= 40, asked
    assert clinic.copies() == []

    clinic.fault = lambda _operation, _phase: None
    ask_undo(look_ports(clinic), ACCOUNT, ANNA, run, "A. Braun")
    clinic.settle()

    assert len(clinic.copies()) == 388
    left = Counter(
        line.code for line in clinic.stores.log.of_resource(ACCOUNT, ANNA, 2000) if line.reason.value == "undo_left"
    )
    assert left == {"undo_booking_gone": 7, "undo_booking_cancelled": 5}
    assert _numbers(_preview(clinic, run)) == {
        ("undo_there_again", False): 388, ("undo_booking_gone", False): 7, ("undo_booking_cancelled", False): 5,
    }  # fmt: skip


def test_freed_times_are_looked_at_in_batches_and_the_undo_does_what_was_said() -> None:
    clinic = _clinic(entries=120)
    entries = sorted(entry.id for entry in clinic.mailbox().shown())
    clinic.settings(direction="to_calendar")
    state = clinic.stores.resources.get(ACCOUNT, ANNA)
    assert state is not None
    clinic.stores.resources.save(replace(state, reproject_below=99, remove_below=99))
    clinic.run(cause="full")
    clinic.settings(direction="two_way")
    run = _last_run(clinic)
    assert clinic.blocks() == []
    for entry in entries[:3]:
        clinic.mailbox().set_busy(entry, Busy.FREE)
    for entry in entries[3:5]:
        clinic.mailbox().delete_entry(entry)
    asked = _calls(clinic)

    preview = _preview(clinic, run)

    assert _numbers(preview) == {
        ("undo_block_again", True): 115, ("entry_free", False): 3, ("undo_entry_gone", False): 2,
    }  # fmt: skip
    assert sum(asked.values()) <= 10, asked
    clinic.fault = lambda _operation, _phase: None
    ask_undo(look_ports(clinic), ACCOUNT, ANNA, run, "A. Braun")
    clinic.settle()
    assert len(clinic.blocks()) == 115


def test_moves_on_both_sides_are_told_apart() -> None:
    clinic = _clinic(bookings=6)
    bookings = list(clinic.system.bookings)
    copies = sorted(clinic.copies(), key=lambda copy: repr(copy.when))
    for number, copy in enumerate(copies):
        clinic.mailbox().move_entry(copy.id, at(50, 8 + number))
    clinic.run()
    run = _last_run(clinic)
    clinic.settle()
    clinic.system.move_booking_by_clinic(bookings[0], at(60, 8))
    clinic.system.cancel(bookings[1])
    clinic.system.remove_booking(bookings[2])

    preview = _preview(clinic, run)

    assert _numbers(preview) == {
        ("undo_booking_back", True): 3, ("undo_changed_since", False): 1, ("undo_booking_cancelled", False): 1,
        ("undo_booking_gone", False): 1,
    }  # fmt: skip


def _journal(clinic: Clinic, *kinds: tuple[Did, int]) -> str:
    """A run that did so many things to bookings that nobody has any more."""
    deeds = [
        Deed(did, f"b-{did.value}-{number}", clinic.clock.now(), at(3 + number, 8), booking=f"{did.value}-{number}")  # type: ignore[arg-type]
        for did, count in kinds
        for number in range(count)
    ]
    for first in range(0, len(deeds), 700):
        rows = [row_of(deed) for deed in deeds[first : first + 700]]
        clinic.stores.log.journal(ACCOUNT, ANNA, "huge", rows)
    return "huge"


def test_what_is_too_much_to_look_at_is_counted_exactly_and_promised_nothing() -> None:
    clinic = _clinic()
    run = _journal(clinic, (Did.COPY_DELETED, 900), (Did.BOOKING_MOVED, 800))

    preview = _preview(clinic, run)

    assert len(preview.judged) == module.MOST
    assert preview.count_unlooked == 700
    looked_at = Counter(one.deed.did for one in preview.judged)
    assert {did: looked_at[did] + dict(preview.unlooked).get(did, 0) for did in looked_at} == {
        Did.COPY_DELETED: 900, Did.BOOKING_MOVED: 800,
    }  # fmt: skip
    assert (preview.will_do, preview.may_do) == (0, True)


def test_a_side_that_answers_slowly_costs_no_more_than_patience() -> None:
    clinic = _clinic()
    run = _journal(clinic, (Did.COPY_DELETED, 400))

    def slow(operation: str, phase: str) -> None:
        if operation == "bookings" and phase == "before":
            clinic.clock.advance(timedelta(seconds=6))

    clinic.fault = slow

    preview = _preview(clinic, run)

    assert (len(preview.judged), preview.unlooked) == (100, ((Did.COPY_DELETED, 300),))


def test_copies_that_followed_are_nothing_to_undo() -> None:
    clinic = _clinic(bookings=1)
    clinic.system.move_booking_by_clinic(next(iter(clinic.system.bookings)), at(3, 15))
    clinic.settle()

    preview = _preview(clinic, _last_run(clinic))

    assert _numbers(preview) == {("undo_follows", False): 1}
    assert not preview.may_do
