"""What happens in the booking system stands in the calendar within seconds."""

import pytest

from tests.e2e.clinic import Clinic, Worker, until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def worker(clinic: Clinic) -> Worker:
    return clinic.hire("Pia Blum")


@pytest.fixture(scope="module")
def colleague(clinic: Clinic) -> Worker:
    return clinic.hire("Quentin Roy")


def test_a_booking_is_written_moved_and_cancelled(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    booking = worker.book(day, "13:00", "13:45")["id"]
    copy = worker.wait_copy(day, "13:00", "13:45")
    assert "Consultation" in copy["subject"]
    assert "Petra Sommer" in copy["subject"] + copy["bodyPreview"]
    assert (copy["showAs"], copy["sensitivity"], copy["attendees"]) == ("busy", "normal", [])
    assert copy["isOnlineMeeting"] is False
    worker.rebook(booking, day, "14:00", "14:30")
    assert worker.wait_copy(day, "14:00", "14:30")["id"] == copy["id"]
    worker.cancel_booking(booking)
    worker.wait_events(day)
    assert worker.blocks(day) == []  # its own copy never came back as busy time


def test_a_booking_moved_to_another_day_moves_its_one_copy(clinic: Clinic, worker: Worker) -> None:
    first, second = clinic.day(), clinic.day()
    booking = worker.book(first, "13:00", "13:45")["id"]
    copy = worker.wait_copy(first, "13:00", "13:45")
    worker.rebook(booking, second, "09:00", "09:45")
    assert worker.wait_copy(second, "09:00", "09:45")["id"] == copy["id"]
    worker.wait_events(first)


@pytest.mark.complaint(16)
def test_nobody_is_mailed_for_a_copy(clinic: Clinic, worker: Worker) -> None:
    """The customer's address stands in the booking; Outlook must not write to it, nor to anybody."""
    before = len(clinic.control.call("GET", "/outbox")["mails"])
    day = clinic.day()
    booking = worker.book(day, "13:00", "13:45")["id"]
    worker.wait_copy(day, "13:00", "13:45")
    worker.rebook(booking, day, "15:00", "15:45")
    worker.wait_copy(day, "15:00", "15:45")
    worker.cancel_booking(booking)
    worker.wait_events(day)
    assert len(clinic.control.call("GET", "/outbox")["mails"]) == before


@pytest.mark.complaint(31)
def test_a_booking_handed_to_a_colleague_changes_calendars(clinic: Clinic, worker: Worker, colleague: Worker) -> None:
    day = clinic.day()
    booking = worker.book(day, "10:00", "10:45")["id"]
    worker.wait_copy(day, "10:00", "10:45")
    clinic.host.call("PATCH", f"/bookings/{booking}", {"resource_ids": [colleague.id]})
    colleague.wait_copy(day, "10:00", "10:45")
    worker.wait_events(day)
    assert colleague.blocks(day) == worker.blocks(day) == []


def test_a_booking_of_two_stands_in_both_calendars_and_blocks_neither(
    clinic: Clinic, worker: Worker, colleague: Worker
) -> None:
    """Moved in one person's Outlook, it moves at the host and in the other calendar."""
    day = clinic.day()
    booking = worker.book(day, "10:00", "10:45", colleague.id)["id"]
    mine = worker.wait_copy(day, "10:00", "10:45")
    theirs = colleague.wait_copy(day, "10:00", "10:45")
    worker.mailbox.move(mine["id"], day, "11:00", "11:45")
    until("the booking", lambda: worker.booking(booking), ("11:00", "11:45", "confirmed"))
    assert colleague.wait_copy(day, "11:00", "11:45")["id"] == theirs["id"]
    assert worker.blocks(day) == colleague.blocks(day) == []
    assert worker.conflicts() == colleague.conflicts() == []
    worker.cancel_booking(booking)
    worker.wait_events(day)
    colleague.wait_events(day)


def test_what_the_calendar_shows_follows_the_settings(clinic: Clinic, worker: Worker) -> None:
    """Anonymous is a blocker: time only, also for what stands there already."""
    day = clinic.day()
    worker.book(day, "13:00", "13:45", notes={"format": "text", "value": "Knee, left"})
    copy = worker.wait_copy(day, "13:00", "13:45")
    assert "Petra" in str(copy)
    worker.set(to_calendar__privacy="anonymous", to_calendar__sensitivity="private")

    def words() -> bool:
        shown = str(worker.mailbox.events(day))
        return any(word in shown for word in ("Petra", "Knee", "Consultation", "First visit"))

    until("words of the booking in the calendar", words, wanted=False)
    later = clinic.day()
    worker.book(later, "09:00", "09:45")
    new = worker.wait_copy(later, "09:00", "09:45")
    assert "Petra" not in str(new)
    assert new["sensitivity"] == "private"
    worker.set(to_calendar__privacy=None, to_calendar__sensitivity=None)
