"""A dry run says in numbers what a change of settings would do, does nothing, and the change then does just that."""

from collections import Counter
from datetime import date
from typing import Any

import pytest

from tests.e2e.clinic import Clinic, Worker, until

pytestmark = pytest.mark.e2e

Json = dict[str, Any]
SIDES = tuple[dict[str, Json], dict[str, Json]]
CHANGE = {"to_calendar.privacy": "anonymous", "from_calendar.tentative": "ignore", "from_calendar.free": "block"}
NOTHING = {
    "copies_added": 0, "copies_rewritten": 0, "copies_removed": 0,
    "blocks_added": 0, "blocks_rewritten": 0, "blocks_removed": 0, "bookings_asked": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def worker(clinic: Clinic) -> Worker:
    return clinic.hire("Dora Trial")


def _both_sides(worker: Worker, *days: date) -> SIDES:
    """What stands in the calendar and at the booking system, by id; of an event all that a person sees of it."""
    seen = ("subject", "bodyPreview", "start", "end", "showAs", "sensitivity", "location", "createdDateTime")
    events = {str(one["id"]): {name: one[name] for name in seen} for day in days for one in worker.mailbox.events(day)}
    return events, {str(one["id"]): one for day in days for one in worker.blocks(day)}


def _difference(before: dict[str, Json], after: dict[str, Json]) -> tuple[int, int, int]:
    """Added, rewritten, removed."""
    both = before.keys() & after.keys()
    return len(after.keys() - both), sum(before[one] != after[one] for one in both), len(before.keys() - both)


def test_the_change_does_what_its_dry_run_said_and_the_dry_run_did_nothing(clinic: Clinic, worker: Worker) -> None:
    first, second, third = clinic.day(), clinic.day(), clinic.day()
    for start, end in (("08:00", "08:45"), ("10:00", "10:45"), ("12:00", "12:45")):
        worker.book(first, start, end)
    mailbox = worker.mailbox
    mailbox.create(second, "08:00", "09:00", "Perhaps the dentist", showAs="tentative")
    mailbox.create(second, "10:00", "11:00", "Perhaps the bank", showAs="tentative")
    mailbox.create(second, "12:00", "13:00", "Birthday of a friend", showAs="free")
    mailbox.create(second, "14:00", "15:00", "Dentist", showAs="busy")
    worker.wait_events(first, "08:00-08:45", "10:00-10:45", "12:00-12:45")
    worker.wait_blocks(second, "08:00-09:00 tentative", "10:00-11:00 tentative", "14:00-15:00 busy")
    until("the log", lambda: _written(worker), Counter(copy_created=3, block_written=3))
    before, settings = _both_sides(worker, first, second), worker.call("GET", "/settings")

    said = worker.call("POST", "/settings/dry-run", {"settings": CHANGE, "scope": "window"})

    assert said["now"] == NOTHING | {"copies_rewritten": 3, "blocks_added": 1, "blocks_removed": 2, "untouched": 1}
    assert (said["unread"], said["waiting"], said["stricter"], said["wider"]) == (0, 0, True, False)
    assert {one["what"] for one in said["examples"]} == {"copy_rewritten", "block_added", "block_removed"}
    rewritten = next(one for one in said["examples"] if one["what"] == "copy_rewritten")
    assert ("Petra Sommer" in rewritten["before"], rewritten["after"]) == (True, "Busy")
    assert "entist" not in str(said)
    assert "Birthday" not in str(said)
    mailbox.create(third, "08:00", "09:00", "Dentist again")  # nothing that it left behind makes a later run do it
    worker.wait_blocks(third, "08:00-09:00 busy")
    until("the log of that", lambda: _written(worker), Counter(copy_created=3, block_written=4))
    assert _both_sides(worker, first, second) == before
    assert worker.call("GET", "/settings") == settings

    worker.call("PUT", "/settings", {"settings": CHANGE, "scope": "window"})

    now = said["now"]
    copies = now["copies_added"], now["copies_rewritten"], now["copies_removed"]
    until("the copies", lambda: _difference(before[0], _both_sides(worker, first, second)[0]), copies)
    blocks = now["blocks_added"], now["blocks_rewritten"], now["blocks_removed"]
    until("the blocks", lambda: _difference(before[1], _both_sides(worker, first, second)[1]), blocks)
    worker.wait_blocks(second, "12:00-13:00 busy", "14:00-15:00 busy")
    assert {one["subject"] for one in worker.mailbox.events(first)} == {"Busy"}
    done = Counter(copy_created=3, copy_updated=copies[1], block_written=4 + blocks[0], block_deleted=blocks[2])
    until("the log of the change", lambda: _written(worker), done)
    again = worker.call("POST", "/settings/dry-run", {"settings": CHANGE, "scope": "window"})
    assert again["now"] == NOTHING | {"untouched": 0}  # it changes nobody's settings any more


def test_for_future_changes_only_nothing_is_foreseen_and_nothing_happens_until_something_changes(
    clinic: Clinic, worker: Worker
) -> None:
    day = clinic.day()
    booking = worker.book(day, "08:00", "08:45")["id"]
    worker.book(day, "10:00", "10:45")
    worker.wait_events(day, "08:00-08:45", "10:00-10:45")
    before = [event["showAs"] for event in worker.mailbox.events(day)]
    change = {"to_calendar.show_as": "oof"}

    said = worker.call("POST", "/settings/dry-run", {"settings": change, "scope": "future"})
    worker.call("PUT", "/settings", {"settings": change, "scope": "future"})
    worker.wait_run()

    assert {name: number for name, number in said["now"].items() if name != "untouched"} == NOTHING
    assert said["examples"] == []
    worker.rebook(booking, day, "08:15", "09:00")
    worker.wait_events(day, "08:15-09:00", "10:00-10:45")
    until("the one that changed", lambda: [one["showAs"] for one in worker.mailbox.events(day)], ["oof", "busy"])
    assert before == ["busy", "busy"]


def _written(worker: Worker) -> Counter[str]:
    """What was written so far, by the log."""
    return Counter(code for code in worker.log_codes() if code.startswith(("copy_", "block_")))
