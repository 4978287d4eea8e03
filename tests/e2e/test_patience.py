"""What heals by the clock. Both stories began before the first test (patience.py), so little is left to wait for."""

import pytest

from tests.e2e.clinic import PATIENCE, Clinic
from tests.e2e.patience import Stories

pytestmark = pytest.mark.e2e
LEASE_AND_SWEEP = 120 + 2 * 60 + PATIENCE  # seconds: the lease, two sweeps of a minute, the run
WHEEL = 5 * 60 + 2 * 60 + PATIENCE


def test_a_killed_holder_of_the_lease_is_picked_up(clinic: Clinic, stories: Stories) -> None:
    """No close, no answer, no message left: the lease itself is the due item."""
    worker = stories.killed
    worker.wait_blocks(stories.killed_day, "09:00-10:00 busy", seconds=LEASE_AND_SWEEP)
    assert worker.read()["status"]["state"] == "connected"
    day = clinic.day()
    worker.mailbox.create(day, "11:00", "12:00", "Life goes on")
    worker.wait_blocks(day, "11:00-12:00 busy")


def test_a_calendar_without_push_is_asked_every_five_minutes(clinic: Clinic, stories: Stories) -> None:
    """Nobody announced this entry: Graph refuses subscriptions on shared calendars, and the page says so."""
    room = stories.room
    assert not [one for one in clinic.control.call("GET", "/subscriptions") if one["mailbox"] == room.email]
    room.wait_blocks(stories.room_day, "09:00-10:00 busy", seconds=WHEEL)
    assert "push_refused" in [line["cause"] for line in room.log()]
    assert "minutes" in clinic.admin.open(f"/resources/{room.id}").html
