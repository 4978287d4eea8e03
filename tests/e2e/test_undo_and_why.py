"""Undo of what a check deleted or moved, from the console, and "why isn't it here?", on the deployed stack."""

import re
from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from local.journey import wait_for
from tests.e2e.clinic import Clinic, Worker, until

pytestmark = pytest.mark.e2e
_CLOCK = [f"{8 + number // 2:02}:{30 * (number % 2):02}" for number in range(9)]
HALF_HOURS = list(pairwise(_CLOCK))
THERE = {"undo_there_again", "in_step"}
SPANS = [f"{start}-{end}" for start, end in HALF_HOURS]


@pytest.fixture(scope="module")
def worker(clinic: Clinic) -> Worker:
    return clinic.hire("Ulla Undo")


def _runs(worker: Worker) -> list[dict[str, Any]]:
    return list(worker.call("GET", "/runs")["items"])


def _run_that(worker: Worker, did: str, count: int) -> dict[str, Any]:
    return wait_for(
        f"a check that says {did}",
        lambda: next((one for one in _runs(worker) if one["counts"].get(did) == count), None),
    )


def _undone(worker: Worker, run: str) -> bool:
    return next(one["undone"] for one in _runs(worker) if one["id"] == run) is not None


def test_a_mass_deletion_is_undone_from_the_console(clinic: Clinic, worker: Worker) -> None:
    """The admin closes a direction for everything there is, sees that it was a mistake, opens it and presses Undo.

    The opened direction is also read in full at once (R105): where that is faster, the undo finds copies there again.
    """
    days: list[date] = [clinic.day() for _ in range(3)]
    for day in days:
        for start, end in HALF_HOURS:
            worker.book(day, start, end)
    for day in days:
        worker.wait_events(day, *SPANS)
    worker.call("PUT", "/settings", {"settings": {"direction": "from_calendar"}, "scope": "window"})
    for day in days:
        worker.wait_events(day)
    worker.call("PUT", "/settings", {"settings": {"direction": None}})
    run = _run_that(worker, "copy_deleted", 24)

    listed = clinic.admin.open(f"/resources/{worker.id}/runs")
    assert "24 removed from the calendar" in listed.html
    outcomes = worker.call("GET", f"/runs/{run['id']}")["outcomes"]
    assert {one["code"] for one in outcomes} <= {"undo_copy_again", "undo_there_again"}
    assert sum(one["count"] for one in outcomes) == 24
    looked_at = clinic.admin.open(f"/resources/{worker.id}/runs/{run['id']}")
    clinic.admin.browser.send(looked_at.form(action="/undo"))

    for day in days:
        worker.wait_events(day, *SPANS)
    until("the undo", lambda: _undone(worker, run["id"]), wanted=True)
    assert worker.conflicts() == []

    worker.call("POST", f"/runs/{run['id']}/undo")
    until("its repetition", lambda: worker.log_codes().count("undo_done"), 2)
    for day in days:
        worker.wait_events(day, *SPANS)
    left = [line["cause"] for line in worker.log() if line["code"] == "undo_left"]
    assert len(left) >= 24, "the second undo finds everything there"
    assert set(left) == {"undo_there_again"}


def test_a_moved_booking_goes_back_and_one_that_moved_on_does_not(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    first, second = (worker.book(day, start, end)["id"] for start, end in (("09:00", "09:45"), ("12:00", "12:45")))
    copies = worker.wait_events(day, "09:00-09:45", "12:00-12:45")
    worker.mailbox.move(copies[0]["id"], day, "10:00", "10:45")
    until("the first booking", lambda: worker.booking(first)[0], "10:00")
    worker.mailbox.move(copies[1]["id"], day, "13:00", "13:45")
    until("the second booking", lambda: worker.booking(second)[0], "13:00")
    wait_for("both moves", lambda: worker.log_codes().count("booking_moved") >= 2)
    worker.rebook(second, day, "15:00", "15:45")
    worker.wait_events(day, "10:00-10:45", "15:00-15:45")

    moved = [one for one in _runs(worker) if "booking_moved" in one["counts"]]
    for run in moved:
        worker.call("POST", f"/runs/{run['id']}/undo")

    until("the first booking", lambda: worker.booking(first)[0], "09:00")
    worker.wait_events(day, "09:00-09:45", "15:00-15:45")
    wait_for("the reason", lambda: "undo_changed_since" in [line["cause"] for line in worker.log()])
    assert worker.booking(second)[0] == "15:00"


def test_one_check_that_moved_and_freed_on_both_sides_is_undone_by_one_press(clinic: Clinic, worker: Worker) -> None:
    """While it is paused the person moves two copies, the clinic moves two bookings, and the admin has tentative
    entries left alone in the whole window. The check after the pause does all of that; it is undone as it was said."""
    day, entries_day = clinic.day(), clinic.day()
    times = ("08:00", "09:00", "10:00", "11:00")
    bookings = [worker.book(day, start, f"{start[:2]}:30")["id"] for start in times]
    for start in ("08:00", "09:00"):
        worker.mailbox.create(entries_day, start, f"{start[:2]}:30", "Perhaps", showAs="tentative")
    spans = [f"{start}-{start[:2]}:30" for start in times]
    copies = worker.wait_events(day, *spans)
    blocks = ("08:00-08:30 tentative", "09:00-09:30 tentative")
    worker.wait_blocks(entries_day, *blocks)
    known = {run["id"] for run in _runs(worker)}

    worker.call("POST", "/pause", {})
    for copy, start in zip(copies[:2], ("13:00", "14:00"), strict=True):
        worker.mailbox.move(copy["id"], day, start, f"{start[:2]}:30")
    for booking, start in zip(bookings[2:], ("12:00", "15:00"), strict=True):
        worker.rebook(booking, day, start, f"{start[:2]}:30")
    worker.call("PUT", "/settings", {"settings": {"from_calendar.tentative": "ignore"}, "scope": "window"})
    worker.call("POST", "/resume")
    worker.wait_events(day, "12:00-12:30", "13:00-13:30", "14:00-14:30", "15:00-15:30")
    worker.wait_blocks(entries_day)
    until("the clinic's side", lambda: [worker.booking(one)[0] for one in bookings[:2]], ["13:00", "14:00"])
    worker.call("PUT", "/settings", {"settings": {"from_calendar.tentative": None}})  # future only: nothing comes back

    did = {"booking_moved": 2, "block_deleted": 2, "copy_moved": 2}
    [run] = [one for one in _runs(worker) if one["id"] not in known]
    assert run["counts"] == did
    preview = worker.call("GET", f"/runs/{run['id']}")
    outcomes = {one["code"]: one["count"] for one in preview["outcomes"]}
    assert (outcomes.pop("undo_booking_back"), outcomes.pop("undo_follows")) == (2, 2)
    # A full check that was still under way from the first change may put the blocks back before the undo does.
    assert sum(outcomes.values()) == 2
    assert set(outcomes) <= {"undo_block_again", *THERE}
    page = clinic.admin.open(f"/resources/{worker.id}/runs/{run['id']}")
    lines = len(worker.log())
    clinic.admin.browser.send(page.form(action="/undo"))

    until("the undo", lambda: _undone(worker, run["id"]), wanted=True)
    until("the bookings", lambda: [worker.booking(one)[0] for one in bookings], ["08:00", "09:00", "12:00", "15:00"])
    worker.wait_events(day, "08:00-08:30", "09:00-09:30", "12:00-12:30", "15:00-15:30")
    worker.wait_blocks(entries_day, *blocks)
    assert worker.conflicts() == []
    log = worker.log()
    left = [line["cause"] for line in log[: len(log) - lines] if line["code"] == "undo_left"]
    assert [code for code in left if code not in THERE] == ["undo_follows"] * 2
    seen = {one["code"] for one in worker.call("GET", f"/runs/{run['id']}")["outcomes"]}
    assert seen == {"undo_there_again", "undo_follows"}


def test_why_is_answered_by_the_rule_that_decided(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    worker.mailbox.create(day, "09:00", "10:00", "Seminar to be ignored", showAs="free")
    worker.mailbox.create(day, "11:00", "12:00", "Oncologist", sensitivity="private")
    booking = worker.book(day, "14:00", "15:00")["id"]
    worker.wait_blocks(day, "11:00-12:00 busy")
    worker.wait_events(day, "09:00-10:00", "11:00-12:00", "14:00-15:00")

    free = worker.call("GET", "/why", **{"from": f"{day}T09:00:00Z", "to": f"{day}T10:00:00Z"})["items"]
    private = worker.call("GET", "/why", at=f"{day}T11:30:00Z")["items"]
    booked = worker.call("GET", "/why", booking_id=booking)["items"]

    assert [(one["rule"], one["code"], one["title"]) for one in free] == [("R21", "entry_free", None)]
    assert [(one["code"], one["title"]) for one in private] == [("in_step", None)]
    assert private[0]["last_to_booking_system"]["code"] == "block_written"
    assert [(one["code"], one["last_to_calendar"]["code"]) for one in booked] == [("in_step", "copy_created")]
    page = clinic.admin.open(f"/resources/{worker.id}/why")
    answer = clinic.admin.browser.send(page.form(having="day"), day=day.isoformat())
    text = " ".join(re.sub(r"<[^>]+>", " ", answer.html).split())
    assert "It is shown as free in the calendar." in text
    assert "3 appointments" in text
    assert "Oncologist" not in text
    assert "Seminar" not in text
