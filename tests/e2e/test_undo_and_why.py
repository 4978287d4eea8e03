"""Undo of what a check deleted or moved, from the console, and "why isn't it here?", on the deployed stack.

What a setting took away comes back by itself when a direction is opened (R105), or in a full check that is still under
way when the setting is taken back. Where a story needs the undo to do it, Microsoft tells of no changes meanwhile
(`no_news`): a run carries out what people ask for before it reads the feeds, and nothing depends on which is faster.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from local.browser import Page
from local.journey import wait_for
from tests.e2e.clinic import Clinic, Worker, until

pytestmark = pytest.mark.e2e
_CLOCK = [f"{8 + number // 2:02}:{30 * (number % 2):02}" for number in range(9)]
HALF_HOURS = list(pairwise(_CLOCK))
SPANS = [f"{start}-{end}" for start, end in HALF_HOURS]


@pytest.fixture(scope="module")
def worker(clinic: Clinic) -> Worker:
    return clinic.hire("Ulla Undo")


@contextmanager
def no_news(worker: Worker) -> Iterator[None]:
    """Microsoft does not say what changed in that mailbox; all else it answers and does."""
    match = {"mailbox": worker.email, "method": "GET", "path": "/delta"}
    action = {"shape": "throttled", "retry_after": "5"}  # too long to be waited for in place, soon over afterwards
    rule = worker.clinic.control.call("POST", "/faults", {"match": match, "action": action})
    try:
        yield
    finally:
        worker.clinic.control.call("DELETE", f"/faults/{rule['id']}")


def _runs(worker: Worker) -> list[dict[str, Any]]:
    return list(worker.call("GET", "/runs")["items"])


def _run_that(worker: Worker, did: str, count: int) -> dict[str, Any]:
    return wait_for(
        f"a check that says {did}",
        lambda: next((one for one in _runs(worker) if one["counts"].get(did) == count), None),
    )


def _undone(worker: Worker, run: str) -> bool:
    """And nobody waits for it any more: asking meanwhile would be asking once."""
    shown = next(one for one in _runs(worker) if one["id"] == run)
    return shown["undone"] is not None and not shown["undo_asked"]


def _outcomes(worker: Worker, run: str) -> dict[tuple[str, str, bool], int]:
    """What an undo would do now: how often, by what was done, why or how it is undone, and whether it is."""
    shown = worker.call("GET", f"/runs/{run}")
    assert shown["not_looked_at"] == 0
    return {(one["did"], one["code"], one["will_do"]): one["count"] for one in shown["outcomes"]}


def _left(worker: Worker, run: str) -> list[str]:
    """Why undoing that run left something as it was, a line each; the line `undo_done` is written after them."""
    of_run = [line for line in worker.log() if line["detail"].get("undone_run") == run]
    return [line["cause"] for line in of_run if line["code"] == "undo_left"]


def _words(page: Page) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.html).split())


def test_a_mass_deletion_is_undone_from_the_console(clinic: Clinic, worker: Worker) -> None:
    """The admin closes a direction for everything there is, sees that it was a mistake, opens it and presses Undo.

    An opened direction is read in full (R105), which would bring the copies back too, were it faster: here it waits.
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
    run = _run_that(worker, "copy_deleted", 24)
    listed = clinic.admin.open(f"/resources/{worker.id}/runs")
    assert "24 removed from the calendar" in listed.html

    with no_news(worker):
        worker.call("PUT", "/settings", {"settings": {"direction": None}})
        until("the preview", lambda: _outcomes(worker, run["id"]), {("copy_deleted", "undo_copy_again", True): 24})
        looked_at = clinic.admin.open(f"/resources/{worker.id}/runs/{run['id']}")
        assert "24 will be undone" in looked_at.html
        assert "The booking is written into the calendar again" in looked_at.html
        for day in days:
            worker.wait_events(day)  # looking is not doing
        clinic.admin.browser.send(looked_at.form(action="/undo"))
        until("the undo", lambda: _undone(worker, run["id"]), wanted=True)

    for day in days:
        worker.wait_events(day, *SPANS)
    assert worker.conflicts() == []
    assert _left(worker, run["id"]) == []

    worker.call("POST", f"/runs/{run['id']}/undo")
    until("its repetition", lambda: worker.log_codes().count("undo_done"), 2)
    for day in days:
        worker.wait_events(day, *SPANS)
    assert _left(worker, run["id"]) == ["undo_there_again"] * 24


@pytest.mark.rule("R105")
def test_what_came_back_by_itself_is_not_written_twice(clinic: Clinic) -> None:
    """The same mistake, but the opened direction is faster than the admin: the page says that nothing is left to undo,
    and who asks all the same changes nothing."""
    worker, day, spans = clinic.hire("Ursel Early"), clinic.day(), SPANS[:3]
    for start, end in HALF_HOURS[:3]:
        worker.book(day, start, end)
    worker.wait_events(day, *spans)
    worker.call("PUT", "/settings", {"settings": {"direction": "from_calendar"}, "scope": "window"})
    worker.wait_events(day)
    worker.call("PUT", "/settings", {"settings": {"direction": None}})
    copies = worker.wait_events(day, *spans)

    run = _run_that(worker, "copy_deleted", 3)
    until("the preview", lambda: _outcomes(worker, run["id"]), {("copy_deleted", "undo_there_again", False): 3})
    text = _words(clinic.admin.open(f"/resources/{worker.id}/runs/{run['id']}"))
    assert "3 stay It stands as before already." in text
    assert "There is nothing in it that could be undone now." in text
    assert "Undo this check" not in text
    worker.call("POST", f"/runs/{run['id']}/undo")
    until("the undo", lambda: _undone(worker, run["id"]), wanted=True)
    assert _left(worker, run["id"]) == ["undo_there_again"] * 3
    assert [one["id"] for one in worker.wait_events(day, *spans)] == [one["id"] for one in copies]


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

    worker.pause()
    for copy, start in zip(copies[:2], ("13:00", "14:00"), strict=True):
        worker.mailbox.move(copy["id"], day, start, f"{start[:2]}:30")
    for booking, start in zip(bookings[2:], ("12:00", "15:00"), strict=True):
        worker.rebook(booking, day, start, f"{start[:2]}:30")
    worker.call("PUT", "/settings", {"settings": {"from_calendar.tentative": "ignore"}, "scope": "window"})
    worker.call("POST", "/resume")
    worker.wait_events(day, "12:00-12:30", "13:00-13:30", "14:00-14:30", "15:00-15:30")
    worker.wait_blocks(entries_day)
    until("the clinic's side", lambda: [worker.booking(one)[0] for one in bookings[:2]], ["13:00", "14:00"])
    [run] = [one for one in _runs(worker) if one["id"] not in known]
    assert run["counts"] == {"booking_moved": 2, "block_deleted": 2, "copy_moved": 2}

    with no_news(worker):
        worker.call("PUT", "/settings", {"settings": {"from_calendar.tentative": None}})  # for what comes
        said = {
            ("booking_moved", "undo_booking_back", True): 2,
            ("block_deleted", "undo_block_again", True): 2,
            ("copy_moved", "undo_follows", False): 2,
        }
        until("the preview", lambda: _outcomes(worker, run["id"]), said)
        page = clinic.admin.open(f"/resources/{worker.id}/runs/{run['id']}")
        clinic.admin.browser.send(page.form(action="/undo"))
        until("the undo", lambda: _undone(worker, run["id"]), wanted=True)

    assert [worker.booking(one)[0] for one in bookings] == ["08:00", "09:00", "12:00", "15:00"]
    worker.wait_events(day, "08:00-08:30", "09:00-09:30", "12:00-12:30", "15:00-15:30")
    worker.wait_blocks(entries_day, *blocks)
    assert worker.conflicts() == []
    assert _left(worker, run["id"]) == ["undo_follows"] * 2
    assert _outcomes(worker, run["id"]) == {
        ("booking_moved", "undo_there_again", False): 2,
        ("block_deleted", "undo_there_again", False): 2,
        ("copy_moved", "undo_follows", False): 2,
    }


def _told(worker: Worker, side: str, **question: str) -> list[dict[str, Any]]:
    """The answers to such a question, once the log knows what was last done to that side."""
    items = list(worker.call("GET", "/why", **question)["items"])
    return items if any(one[f"last_to_{side}"] for one in items) else []


def test_why_is_answered_by_the_rule_that_decided(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    worker.mailbox.create(day, "09:00", "10:00", "Seminar to be ignored", showAs="free")
    worker.mailbox.create(day, "11:00", "12:00", "Oncologist", sensitivity="private")
    booking = worker.book(day, "14:00", "15:00")["id"]
    worker.wait_blocks(day, "11:00-12:00 busy")
    worker.wait_events(day, "09:00-10:00", "11:00-12:00", "14:00-15:00")

    # A round writes its log after what the lines tell of.
    private = wait_for("what was last done there", lambda: _told(worker, "booking_system", at=f"{day}T11:30:00Z"))
    booked = wait_for("what was last done here", lambda: _told(worker, "calendar", booking_id=booking))
    free = worker.call("GET", "/why", **{"from": f"{day}T09:00:00Z", "to": f"{day}T10:00:00Z"})["items"]

    assert [(one["rule"], one["code"], one["title"]) for one in free] == [("R21", "entry_free", None)]
    assert [(one["code"], one["title"]) for one in private] == [("in_step", None)]
    assert private[0]["last_to_booking_system"]["code"] == "block_written"
    assert [(one["code"], one["last_to_calendar"]["code"]) for one in booked] == [("in_step", "copy_created")]
    page = clinic.admin.open(f"/resources/{worker.id}/why")
    answer = clinic.admin.browser.send(page.form(having="day"), day=day.isoformat())
    text = _words(answer)
    assert "It is shown as free in the calendar." in text
    assert "3 appointments" in text
    assert "Oncologist" not in text
    assert "Seminar" not in text
