"""A person changes the copy of a booking in Outlook: the booking system is asked, and people decide what it refuses."""

import pytest

from local.journey import wait_for
from tests.e2e.clinic import PATIENCE, Clinic, Worker, until
from tests.e2e.outlook import at, clock_of

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def worker(clinic: Clinic) -> Worker:
    return clinic.hire("Rosa Lund")


@pytest.mark.complaint(13)
def test_a_moved_copy_moves_the_booking(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    booking = worker.book(day, "09:00", "09:45")["id"]
    copy = worker.wait_copy(day, "09:00", "09:45")
    worker.mailbox.move(copy["id"], day, "11:00", "11:45")
    until("the booking", lambda: worker.booking(booking), ("11:00", "11:45", "confirmed"))
    worker.wait_log("booking_moved")
    # Being moved from here is no reason to write to the calendar again.
    assert worker.wait_copy(day, "11:00", "11:45")["id"] == copy["id"]
    assert worker.conflicts() == []


def test_a_move_onto_a_taken_time_is_a_conflict_that_the_calendar_cannot_win(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    booking = worker.book(day, "09:00", "09:45")["id"]
    worker.book(day, "14:00", "15:00")
    copy = worker.wait_events(day, "09:00-09:45", "14:00-15:00")[0]
    worker.mailbox.move(copy["id"], day, "14:15", "15:00")
    conflict = worker.wait_conflict("refused")
    assert conflict["code"] == "slot_taken"
    assert clock_of(conflict["booking_time"]["start"]) == "09:00"  # both versions are kept
    assert clock_of(conflict["calendar_time"]["start"]) == "14:15"
    assert worker.booking(booking) == ("09:00", "09:45", "confirmed")
    path = f"/conflicts/{conflict['id']}/resolution"
    assert clinic.api.refused("POST", path, {"resolution": "take_calendar"}) == (409, "slot_taken")
    assert clinic.api.refused("POST", path, {"resolution": "keep_booking", "revision": 99}) == (409, "conflict_changed")
    clinic.api.call("POST", path, {"resolution": "keep_booking", "revision": conflict["revision"]})
    worker.wait_events(day, "09:00-09:45", "14:00-15:00")
    worker.wait_ended(conflict)
    assert clinic.api.refused("POST", path, {"resolution": "keep_booking"}) == (409, "conflict_ended")


def test_a_move_out_of_working_hours_is_a_conflict_and_its_mail_leads_to_the_choice(clinic: Clinic) -> None:
    """The page preselects nothing: mail robots press buttons. One mail a day, hence somebody of its own."""
    worker = clinic.hire("Rolf Lund")
    day = clinic.day()
    booking = worker.book(day, "09:00", "09:45")["id"]
    copy = worker.wait_copy(day, "09:00", "09:45")
    worker.mailbox.move(copy["id"], day, "21:00", "21:45")
    conflict = worker.wait_conflict("outside_hours")
    link = wait_for("a mail about the conflict", lambda: worker.link_in_mail("/c/", "outside"), PATIENCE)
    page = clinic.stranger().open(link)
    assert (page.status, page.form(having="resolution").fields.get("resolution")) == (200, None)
    robot = clinic.stranger()
    assert robot.send(robot.open(link).form(having="resolution")).status == 422
    assert worker.booking(booking) == ("09:00", "09:45", "confirmed")
    person = clinic.stranger()
    done = person.send(person.open(link).form(having="resolution"), resolution="next_free")
    assert "This is settled" in done.html
    moved = clinic.host.call("GET", f"/bookings/{booking}")
    assert (moved["status"], moved["start"] > at(day, "21:00")) == ("confirmed", True)  # the next day's first time
    worker.wait_ended(conflict)
    assert "This is settled" in person.open(link).html


@pytest.mark.complaint(13)
def test_a_deleted_copy_waits_for_a_decision_and_can_be_written_again(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    booking = worker.book(day, "09:00", "09:45")["id"]
    worker.mailbox.delete(worker.wait_copy(day, "09:00", "09:45")["id"])
    conflict = worker.wait_conflict("copy_deleted")
    assert worker.booking(booking)[2] == "confirmed"
    page = clinic.admin.open("/conflicts")
    form = page.form(action=conflict["id"])
    assert set(form.choices["resolution"]) == {"keep_booking", "take_calendar", "leave_both"}
    clinic.admin.browser.send(form, resolution="keep_booking")
    worker.wait_copy(day, "09:00", "09:45")
    worker.wait_ended(conflict)


def test_a_deleted_copy_can_mean_that_the_booking_is_cancelled(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    booking = worker.book(day, "09:00", "09:45")["id"]
    worker.mailbox.delete(worker.wait_copy(day, "09:00", "09:45")["id"])
    conflict = worker.wait_conflict("copy_deleted")
    clinic.api.call("POST", f"/conflicts/{conflict['id']}/resolution", {"resolution": "take_calendar"})
    until("the booking", lambda: worker.booking(booking)[2], "cancelled")
    worker.wait_ended(conflict)
    worker.wait_events(day)


def test_deleted_copies_follow_the_setting(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    booking = worker.book(day, "09:00", "09:45")["id"]
    copy = worker.wait_copy(day, "09:00", "09:45")
    worker.set(edits__deleted_in_calendar="restore")
    worker.mailbox.delete(copy["id"])
    wait_for("the copy again", lambda: [one for one in worker.mailbox.events(day) if one["id"] != copy["id"]])
    restored = worker.wait_copy(day, "09:00", "09:45")
    worker.set(edits__deleted_in_calendar="cancel_booking")
    worker.mailbox.delete(restored["id"])
    until("the booking", lambda: worker.booking(booking)[2], "cancelled")
    worker.set(edits__deleted_in_calendar=None)


def test_moved_copies_follow_the_setting(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    booking = worker.book(day, "09:00", "09:45")["id"]
    copy = worker.wait_copy(day, "09:00", "09:45")
    worker.set(edits__moved_in_calendar="restore")
    worker.mailbox.move(copy["id"], day, "12:00", "12:45")
    worker.wait_log("copy_restored")
    worker.wait_copy(day, "09:00", "09:45")
    worker.set(edits__moved_in_calendar="flag")
    worker.mailbox.move(copy["id"], day, "12:00", "12:45")
    conflict = worker.wait_conflict("moved")
    clinic.api.call("POST", f"/conflicts/{conflict['id']}/resolution", {"resolution": "take_calendar"})
    until("the booking", lambda: worker.booking(booking), ("12:00", "12:45", "confirmed"))
    worker.wait_ended(conflict)
    worker.set(edits__moved_in_calendar=None)


def test_changed_on_both_sides_at_once_keeps_both_versions(clinic: Clinic, worker: Worker) -> None:
    """While the connection is paused both are moved; after it neither has won."""
    day = clinic.day()
    booking = worker.book(day, "09:00", "09:45")["id"]
    copy = worker.wait_copy(day, "09:00", "09:45")
    worker.pause()
    worker.rebook(booking, day, "11:00", "11:45")
    worker.mailbox.move(copy["id"], day, "14:00", "14:45")
    worker.call("POST", "/resume")
    conflict = worker.wait_conflict("changed_on_both")
    assert clock_of(conflict["booking_time"]["start"]) == "11:00"
    assert clock_of(conflict["calendar_time"]["start"]) == "14:00"
    assert worker.booking(booking)[0] == "11:00"
    worker.wait_copy(day, "14:00", "14:45")
    clinic.api.call("POST", f"/conflicts/{conflict['id']}/resolution", {"resolution": "take_calendar"})
    until("the booking", lambda: worker.booking(booking), ("14:00", "14:45", "confirmed"))
    worker.wait_copy(day, "14:00", "14:45")
    worker.wait_ended(conflict)


def test_an_overlap_closes_itself_when_the_entry_is_moved_away(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    booking = worker.book(day, "09:00", "10:00")["id"]
    worker.wait_copy(day, "09:00", "10:00")
    event = worker.mailbox.create(day, "09:30", "10:30", "Dentist")["id"]
    conflict = worker.wait_conflict("same_time")
    assert worker.booking(booking) == ("09:00", "10:00", "confirmed")
    assert conflict["booking_id"] == booking
    assert worker.read()["open_conflicts"] == len(worker.conflicts())
    worker.mailbox.move(event, day, "10:00", "11:00")  # touching is not overlapping
    worker.wait_ended(conflict)
    worker.wait_log("conflict_settled")
    worker.mailbox.move(event, day, "09:00", "09:15")
    conflict = worker.wait_conflict("same_time")
    worker.rebook(booking, day, "13:00", "14:00")  # the other way to end it
    worker.wait_ended(conflict)


def test_an_overlap_can_be_left_until_a_day(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    worker.book(day, "09:00", "10:00")
    worker.wait_copy(day, "09:00", "10:00")
    worker.mailbox.create(day, "09:30", "10:30", "Dentist")
    conflict = worker.wait_conflict("same_time")
    path = f"/conflicts/{conflict['id']}/resolution"
    refused = clinic.api.refused("POST", path, {"resolution": "leave_both", "until": "2020-01-01T00:00:00Z"})
    assert refused == (422, "until_out_of_range")
    assert clinic.api.refused("POST", path, {"resolution": "take_calendar"}) == (422, "resolution_not_offered")
    left = clinic.api.call("POST", path, {"resolution": "leave_both", "until": at(day, "23:00")})
    assert left["status"] == "left"
    worker.wait_ended(conflict)
