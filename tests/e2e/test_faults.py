"""What goes wrong at Microsoft, on the way and inside, and what follows: no double, no loss, no "free" for unknown."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from local.cloud import LocalCloud
from local.journey import wait_for
from tests.e2e.clinic import Clinic, Worker, until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def worker(clinic: Clinic) -> Worker:
    return clinic.hire("Fanny Fault")


@pytest.fixture(autouse=True)
def no_faults_stay(clinic: Clinic) -> Iterator[None]:
    yield
    clinic.control.call("DELETE", "/faults")
    clinic.control.call("PATCH", "/delivery", {"lose_next": 0, "loss_probability": 0, "is_held": False})


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
    time.sleep(1)  # a double would come now
    worker.wait_events(day, "09:00-10:00")


def test_reading_that_fails_deletes_nothing_and_goes_on(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    event = worker.mailbox.create(day, "09:00", "10:00", "Kept")["id"]
    worker.wait_blocks(day, "09:00-10:00 busy")
    fault(clinic, worker, {"shape": "unavailable_empty"}, times=3, method="GET", path="delta")

    worker.mailbox.move(event, day, "11:00", "12:00")

    worker.wait_blocks(day, "11:00-12:00 busy", seconds=120)


def test_a_change_feed_that_forgot_us_is_read_anew(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    worker.mailbox.create(day, "09:00", "10:00", "Kept")
    worker.wait_blocks(day, "09:00-10:00 busy")
    fault(clinic, worker, {"shape": "sync_state"}, method="GET", path="deltatoken")

    worker.mailbox.create(day, "13:00", "14:00", "New")

    worker.wait_blocks(day, "09:00-10:00 busy", "13:00-14:00 busy")


def test_lost_notifications_are_healed_by_asking(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    clinic.control.call("PATCH", "/delivery", {"loss_probability": 1})
    worker.mailbox.create(day, "09:00", "10:00", "Unheard")
    until("silence", lambda: clinic.control.call("GET", "/delivery")["is_idle"], wanted=True)
    assert worker.blocks(day) == []

    worker.call("POST", "/sync")

    worker.wait_blocks(day, "09:00-10:00 busy")


def test_doubled_and_shuffled_notifications_change_nothing(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    clinic.control.call("PATCH", "/delivery", {"duplicates": 5, "is_shuffled": True})
    event = worker.mailbox.create(day, "09:00", "10:00", "Often")["id"]
    worker.mailbox.move(event, day, "10:00", "11:00")
    worker.wait_blocks(day, "10:00-11:00 busy")
    clinic.control.call("PATCH", "/delivery", {"duplicates": 0, "is_shuffled": False})


def test_a_removed_subscription_is_made_again(clinic: Clinic) -> None:
    worker = clinic.hire("Susi Subscription")
    standing = clinic.control.call("GET", "/subscriptions")
    before = {one["id"] for one in standing}
    newest = standing[-1]["id"]
    clinic.control.call("POST", f"/subscriptions/{newest}/lifecycle", {"event": "subscriptionRemoved"})

    def new_one() -> bool:
        return bool({one["id"] for one in clinic.control.call("GET", "/subscriptions")} - before)

    wait_for("a new subscription", new_one, 150)
    day = clinic.day()
    worker.mailbox.create(day, "09:00", "10:00", "Heard again")
    worker.wait_blocks(day, "09:00-10:00 busy")


def test_a_revoked_consent_asks_the_person_and_nobody_else(clinic: Clinic) -> None:
    worker = clinic.hire("Rita Revoked")
    day = clinic.day()
    worker.mailbox.create(day, "09:00", "10:00", "Kept")
    worker.wait_blocks(day, "09:00-10:00 busy")
    clinic.control.call("POST", f"/people/{worker.email}/revoke", {"access_tokens": True})

    worker.call("POST", "/sync")

    worker.wait_state("reauth_required")
    wait_for("the mail", lambda: [one for one in worker.person.mails() if "sign in again" in one["subject"]], 60)
    worker.wait_blocks(day, "09:00-10:00 busy")
    intervals = worker.availability(day)["intervals"]
    assert {one["status"] for one in intervals} == {"unknown"}, intervals


def test_a_server_error_at_sign_in_is_no_lost_consent(clinic: Clinic) -> None:
    worker = clinic.hire("Sven Server")
    clinic.control.call("POST", f"/people/{worker.email}/revoke", {"access_tokens": True, "client_id": "nobody"})
    fault(clinic, worker, {"status": 500}, times=2, method="GET", path="delta")
    day = clinic.day()

    worker.mailbox.create(day, "09:00", "10:00", "Later")

    worker.wait_blocks(day, "09:00-10:00 busy", seconds=120)
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
    answer = requests.post(f"{cloud.machine_url}/hooks/graph/nobody-knows-this", data=body, timeout=30)
    assert answer.status_code in wanted
    assert answer.text in ("", "{}") or answer.status_code == 413
    echo = requests.post(
        f"{cloud.machine_url}/hooks/graph/nobody-knows-this", params={"validationToken": "<b>token</b>"}, timeout=30
    )
    assert echo.headers["Content-Type"].startswith("text/plain")
    assert echo.text == "<b>token</b>"
    assert echo.headers["X-Content-Type-Options"] == "nosniff"


def test_ten_runs_at_once_while_entries_change_make_no_double(clinic: Clinic) -> None:
    worker = clinic.hire("Tina Ten")
    days = [clinic.day() for _ in range(4)]
    with ThreadPoolExecutor(5) as pool:
        wishes = [pool.submit(lambda: clinic.api.ask("POST", f"/resources/{worker.id}/sync")) for _ in range(10)]
        for number, day in enumerate(days):
            event = worker.mailbox.create(day, "09:00", "10:00", f"Entry {number}")["id"]
            worker.book(day, "13:00", "14:00")
            worker.mailbox.move(event, day, "10:00", "11:00")
        for wish in wishes:
            wish.result()
    for day in days:
        worker.wait_blocks(day, "10:00-11:00 busy")
        worker.wait_events(day, "10:00-11:00", "13:00-14:00")


def test_a_killed_holder_of_the_lease_is_picked_up(clinic: Clinic, cloud: LocalCloud) -> None:
    """The worker process dies in the middle of a run; the lease runs out, and the due item brings the resource back."""
    worker = clinic.hire("Karl Killed")
    day = clinic.day()
    fault(clinic, worker, {"delay": 4}, method="GET", path="delta")
    worker.mailbox.create(day, "09:00", "10:00", "After the crash")
    time.sleep(2)  # the run waits for Graph now
    killed = [pid for pid in _sync_job_workers(cloud) if _kill(pid)]
    assert killed, "no worker of sync_job was found"

    worker.wait_blocks(day, "09:00-10:00 busy", seconds=240)


def _sync_job_workers(cloud: LocalCloud) -> list[int]:
    """Processes below the emulator that serve the function of this stack, found by what stands in /proc."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            environment = (folder / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        is_ours = f"GATEWAY_PORT={cloud.ports.aws}" in environment or str(cloud.layout.root) in environment
        if is_ours and "SyncJob" in environment and "AWS_LAMBDA_FUNCTION_NAME" in environment:
            found.append(int(folder.name))
    return found


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return False
    return True
