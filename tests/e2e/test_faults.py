"""What goes wrong at Microsoft, on the way and inside, and what follows: no double, no loss, no "free" for unknown."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local.cloud import LocalCloud
from local.journey import wait_for
from tests.e2e.clinic import PATIENCE, Clinic, Worker, until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def worker(clinic: Clinic) -> Worker:
    return clinic.hire("Fanny Fault")


@pytest.fixture(autouse=True)
def no_faults_stay(clinic: Clinic) -> Iterator[None]:
    yield
    clinic.control.call("DELETE", "/faults")
    clinic.control.call("PATCH", "/delivery", {"loss_probability": 0, "duplicates": 0, "is_shuffled": False})


def fault(clinic: Clinic, worker: Worker, action: dict[str, Any], times: int = 1, **match: str) -> None:
    clinic.control.call(
        "POST", "/faults", {"match": {"mailbox": worker.email, **match}, "times": times, "action": action}
    )


@pytest.mark.parametrize(
    "action",
    [
        {"shape": "throttled", "retry_after": "1.5"},
        {"status": 503, "empty_body": True},
        {"close": "before"},
        {"close": "after"},
    ],
    ids=["throttled", "empty_503", "cut_before", "cut_after_the_write"],
)
def test_a_write_that_fails_is_tried_again_without_a_double(
    clinic: Clinic, worker: Worker, action: dict[str, Any]
) -> None:
    day = clinic.day()
    fault(clinic, worker, action, method="POST", path="/events")

    worker.book(day, "09:00", "10:00")

    worker.wait_events(day, "09:00-10:00")
    # A double would stand there as soon as what came after it does.
    later = worker.book(day, "13:00", "14:00")["id"]
    worker.wait_events(day, "09:00-10:00", "13:00-14:00")
    worker.cancel_booking(later)
    worker.wait_events(day, "09:00-10:00")


def test_reading_that_fails_deletes_nothing_and_goes_on(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    event = worker.mailbox.create(day, "09:00", "10:00", "Kept")["id"]
    worker.wait_blocks(day, "09:00-10:00 busy")
    fault(clinic, worker, {"shape": "unavailable_empty"}, times=3, method="GET", path="delta")

    worker.mailbox.move(event, day, "11:00", "12:00")

    worker.wait_blocks(day, "11:00-12:00 busy", seconds=2 * PATIENCE)


@pytest.mark.complaint(23)
def test_a_change_feed_that_forgot_us_is_read_anew(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    worker.mailbox.create(day, "09:00", "10:00", "Kept")
    worker.wait_blocks(day, "09:00-10:00 busy")
    fault(clinic, worker, {"shape": "sync_state"}, method="GET", path="deltatoken")

    worker.mailbox.create(day, "13:00", "14:00", "New")

    worker.wait_blocks(day, "09:00-10:00 busy", "13:00-14:00 busy")


def test_lost_notifications_are_healed_by_asking(clinic: Clinic) -> None:
    """Somebody new, because a run that a notification started looks again after a while and would find it too."""
    worker = clinic.hire("Lotte Lost")
    day = clinic.day()
    worker.wait_quiet()
    clinic.control.call("PATCH", "/delivery", {"loss_probability": 1})
    worker.mailbox.create(day, "09:00", "10:00", "Unheard")
    until("silence", lambda: clinic.control.call("GET", "/delivery")["is_idle"], wanted=True)
    assert worker.blocks(day) == []

    worker.call("POST", "/sync")

    worker.wait_blocks(day, "09:00-10:00 busy")


@pytest.mark.prop("P11")
@pytest.mark.prop("P7")
def test_doubled_and_shuffled_notifications_change_nothing(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    clinic.control.call("PATCH", "/delivery", {"duplicates": 5, "is_shuffled": True})
    event = worker.mailbox.create(day, "09:00", "10:00", "Often")["id"]
    worker.mailbox.move(event, day, "10:00", "11:00")
    worker.wait_blocks(day, "10:00-11:00 busy")


@pytest.mark.complaint(22)
def test_a_removed_subscription_is_made_again(clinic: Clinic) -> None:
    worker = clinic.hire("Susi Subscription")

    def mine() -> set[str]:
        standing = clinic.control.call("GET", "/subscriptions")
        return {str(one["id"]) for one in standing if one["mailbox"] == worker.email}

    (before,) = mine()
    clinic.control.call("POST", f"/subscriptions/{before}/lifecycle", {"event": "subscriptionRemoved"})
    wait_for("a new subscription", lambda: mine() - {before}, 300)
    day = clinic.day()
    worker.mailbox.create(day, "09:00", "10:00", "Heard again")
    worker.wait_blocks(day, "09:00-10:00 busy")


@pytest.mark.complaint(2)
def test_a_revoked_consent_asks_the_person_and_nobody_else(clinic: Clinic) -> None:
    worker = clinic.hire("Rita Revoked")
    day = clinic.day()
    worker.mailbox.create(day, "09:00", "10:00", "Kept")
    worker.wait_blocks(day, "09:00-10:00 busy")
    clinic.control.call("POST", f"/people/{worker.email}/revoke", {"access_tokens": True})

    # The next check may have found out by itself.
    assert clinic.api.ask("POST", f"/resources/{worker.id}/sync").status_code in (202, 422)

    worker.wait_state("reauth_required")
    wait_for("the mail", lambda: [one for one in worker.person.mails() if "sign in again" in one["subject"]], PATIENCE)
    worker.wait_blocks(day, "09:00-10:00 busy")
    intervals = worker.availability(day)["intervals"]
    assert {one["status"] for one in intervals} == {"unknown"}, intervals


@pytest.mark.complaint(3)
def test_a_server_error_at_sign_in_is_no_lost_consent(clinic: Clinic) -> None:
    worker = clinic.hire("Sven Server")
    clinic.control.call("POST", f"/people/{worker.email}/revoke", {"access_tokens": True, "client_id": "nobody"})
    fault(clinic, worker, {"status": 500}, times=2, method="GET", path="delta")
    day = clinic.day()

    worker.mailbox.create(day, "09:00", "10:00", "Later")

    worker.wait_blocks(day, "09:00-10:00 busy", seconds=2 * PATIENCE)
    assert worker.read()["status"]["state"] == "connected"


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ('{"value": [{"subscriptionId": "x", "clientState": "wrong"}]}', {202}),
        ("not json", {202}),
        ('{"value": 1}', {202}),
        ('{"value": ["' + "x" * 300_000 + '"]}', {202, 413}),
    ],
    ids=["wrong_secret", "not_json", "no_list", "oversized"],
)
def test_forged_notifications_are_answered_and_forgotten(cloud: LocalCloud, body: str, wanted: set[int]) -> None:
    answer = requests.post(f"{cloud.machine_url}/hooks/graph/nobody-knows-this", data=body, timeout=60)
    assert answer.status_code in wanted
    assert answer.text in ("", "{}") or answer.status_code == 413
    echo = requests.post(
        f"{cloud.machine_url}/hooks/graph/nobody-knows-this", params={"validationToken": "<b>token</b>"}, timeout=60
    )
    assert echo.headers["Content-Type"].startswith("text/plain")
    assert echo.text == "<b>token</b>"
    assert echo.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.prop("P4")
@pytest.mark.prop("P7")
def test_ten_runs_at_once_while_entries_change_make_no_double(clinic: Clinic) -> None:
    """A notification comes ten times, and each copy asks for a run of its own: one lease, one copy, one block."""
    worker = clinic.hire("Tina Ten")
    days = [clinic.day() for _ in range(4)]
    clinic.control.call("PATCH", "/delivery", {"duplicates": 9})
    before = clinic.control.call("GET", "/delivery/records")["last_id"]
    for number, day in enumerate(days):
        event = worker.mailbox.create(day, "09:00", "10:00", f"Entry {number}")["id"]
        worker.book(day, "13:00", "14:00")
        clinic.control.call("PATCH", "/delivery", {"duplicates": 0})
        worker.mailbox.move(event, day, "10:00", "11:00")
    until("silence", lambda: clinic.control.call("GET", "/delivery")["is_idle"], wanted=True)
    sent = clinic.control.call("GET", "/delivery/records", since=before)["records"]
    assert len(sent) >= 10
    for day in days:
        worker.wait_blocks(day, "10:00-11:00 busy")
        worker.wait_events(day, "10:00-11:00", "13:00-14:00")
    until("the log", lambda: worker.log_codes().count("copy_created"), 4)
    assert "run_failed" not in worker.log_codes()


@pytest.mark.complaint(1)
def test_a_calendar_that_cannot_be_read_is_unknown_and_loses_nothing(clinic: Clinic) -> None:
    worker = clinic.hire("Uwe Unread")
    day = clinic.day()
    worker.mailbox.create(day, "09:00", "10:00", "Kept")
    worker.book(day, "13:00", "14:00")
    worker.wait_blocks(day, "09:00-10:00 busy")
    worker.wait_events(day, "09:00-10:00", "13:00-14:00")
    match = {"mailbox": worker.email, "method": "GET"}
    clinic.control.call("POST", "/faults", {"match": match, "action": {"status": 503, "empty_body": True}})
    morning = {"start": f"{day}T15:00:00Z", "end": f"{day}T16:00:00Z"}
    assert worker.call("POST", "/check", morning)["result"] == "unknown"
    worker.call("POST", "/sync")
    worker.wait_blocks(day, "09:00-10:00 busy")
    assert worker.read()["status"]["state"] == "connected"
    clinic.control.call("DELETE", "/faults")
    assert worker.call("POST", "/check", morning)["result"] == "free"
    worker.wait_events(day, "09:00-10:00", "13:00-14:00")


def test_one_bad_entry_is_set_aside_with_its_reason_and_the_rest_goes_on(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    match = {"mailbox": worker.email, "method": "POST", "path": "/events", "body": "Unwritable"}
    clinic.control.call("POST", "/faults", {"match": match, "action": {"shape": "validation"}})
    bad = worker.book(day, "09:00", "10:00", service_name="Unwritable")["id"]
    worker.book(day, "13:00", "14:00")
    worker.wait_events(day, "13:00-14:00")
    conflict = worker.wait_conflict("not_writable")
    assert conflict["booking_id"] == bad
    worker.wait_log("entry_quarantined")
    clinic.control.call("DELETE", "/faults")
    clinic.api.call("POST", f"/conflicts/{conflict['id']}/resolution", {"resolution": "keep_booking"})
    worker.wait_events(day, "09:00-10:00", "13:00-14:00")
    worker.wait_ended(conflict)
