"""What a person does in Outlook stands in the booking system within seconds, as time and nothing else."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from local.cloud import LocalCloud
from tests.e2e.clinic import Clinic, Worker

pytestmark = pytest.mark.e2e
SECRET = "Oncology-4711"  # stands in no block, log, page or mail of anybody


@pytest.fixture(scope="module")
def worker(clinic: Clinic) -> Worker:
    return clinic.hire("Olga Berg", conflict_calendars=("Rowing club",))


@pytest.mark.complaint(12)
def test_an_event_is_blocked_moved_and_freed(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    event = worker.mailbox.create(day, "09:00", "10:00", SECRET)["id"]
    worker.wait_blocks(day, "09:00-10:00 busy")
    worker.mailbox.move(event, day, "11:00", "12:30")
    worker.wait_blocks(day, "11:00-12:30 busy")
    worker.mailbox.change(event, showAs="free")
    worker.wait_blocks(day)
    worker.mailbox.change(event, showAs="oof")
    worker.wait_blocks(day, "11:00-12:30 oof")
    worker.mailbox.change(event, sensitivity="private", subject=SECRET + " private")
    worker.mailbox.move(event, day, "11:00", "12:00")
    worker.wait_blocks(day, "11:00-12:00 oof")
    worker.mailbox.delete(event)
    worker.wait_blocks(day)


def test_a_moved_event_leaves_one_block_on_the_new_day(clinic: Clinic, worker: Worker) -> None:
    first, second = clinic.day(), clinic.day()
    event = worker.mailbox.create(first, "09:00", "10:00", SECRET)["id"]
    worker.wait_blocks(first, "09:00-10:00 busy")
    worker.mailbox.move(event, second, "14:00", "15:00")
    worker.wait_blocks(second, "14:00-15:00 busy")
    worker.wait_blocks(first)


@pytest.mark.complaint(15)
def test_a_meeting_that_is_cancelled_frees_the_time(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    guest = {"emailAddress": {"address": "guest@clinic.example", "name": "A guest"}, "type": "required"}
    event = worker.mailbox.create(day, "13:00", "14:00", SECRET, attendees=[guest])["id"]
    worker.wait_blocks(day, "13:00-14:00 busy")
    worker.mailbox.cancel(event)
    worker.wait_blocks(day)


@pytest.mark.complaint(11)
def test_a_whole_day_out_of_office_is_blocked_as_dates(clinic: Clinic, worker: Worker) -> None:
    """Free whole days (birthdays) are not; the dates are those of the resource's zone."""
    day = clinic.day()
    bounds = {
        "start": {"dateTime": f"{day}T00:00:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": f"{day + timedelta(days=1)}T00:00:00", "timeZone": "Europe/Berlin"},
    }
    path = f"/users/{worker.email}/calendar/events"
    for subject, shown in (("Birthday " + SECRET, "free"), ("Fair " + SECRET, "oof")):
        body = {"subject": subject, "isAllDay": True, "showAs": shown, **bounds}
        clinic.outlook.call("POST", path, body)
    worker.wait_blocks(day, f"{_midnight(day)} oof")
    assert [one["all_day"] for one in worker.blocks(day)] == [True]


def _midnight(day: date) -> str:
    """In winter Berlin's day begins at 23:00 UTC, in summer at 22:00."""
    start = datetime.combine(day, time(), ZoneInfo("Europe/Berlin")).astimezone(UTC)
    return f"{start:%H:%M}-{start:%H:%M}"


@pytest.mark.complaint(8)
def test_a_series_with_an_exception_and_a_left_out_occurrence(clinic: Clinic, worker: Worker) -> None:
    monday = clinic.day(weekday=0)
    days = [monday + timedelta(days=number) for number in range(4)]
    series = worker.mailbox.create_series(days[0], "08:00", "08:30", SECRET, occurrences=4)["id"]
    for day in days:
        worker.wait_blocks(day, "08:00-08:30 busy")
    occurrences = worker.mailbox.occurrences(series, days[0], days[-1])
    worker.mailbox.move(occurrences[1]["id"], days[1], "16:00", "17:00")
    worker.mailbox.delete(occurrences[2]["id"])
    worker.wait_blocks(days[1], "16:00-17:00 busy")
    worker.wait_blocks(days[2])
    worker.wait_blocks(days[0], "08:00-08:30 busy")
    worker.mailbox.delete(series)
    for day in days:
        worker.wait_blocks(day)


def test_a_conflict_calendar_blocks_time_and_is_never_written(clinic: Clinic, worker: Worker) -> None:
    day = clinic.day()
    club = worker.mailbox.calendar_id("Rowing club")
    event = worker.mailbox.create(day, "10:00", "11:00", SECRET, calendar=club)["id"]
    worker.wait_blocks(day, "10:00-11:00 busy")
    booking = worker.book(day, "13:00", "14:00")["id"]
    worker.wait_copy(day, "13:00", "14:00")
    assert [one["subject"] for one in worker.mailbox.events(day, club)] == [SECRET]
    worker.cancel_booking(booking)
    worker.mailbox.delete(event)
    worker.wait_blocks(day)
    worker.wait_events(day)


def test_no_title_gets_out_of_the_calendar(clinic: Clinic, cloud: LocalCloud, worker: Worker) -> None:
    """After all of the above: not in blocks, in the log, on pages, in mails, in what the functions wrote."""
    day = clinic.day()
    place = {"displayName": f"Ward {SECRET}"}
    worker.mailbox.create(
        day, "09:00", "10:00", SECRET, location=place, body={"contentType": "text", "content": SECRET}
    )
    worker.mailbox.create(day, "11:00", "12:00", SECRET, sensitivity="private")
    worker.wait_blocks(day, "09:00-10:00 busy", "11:00-12:00 busy")
    shown = {
        "blocks": str(worker.blocks(day)),
        "log": str(worker.log()),
        "availability": str(worker.availability(day)),
        "resource page": clinic.admin.open(f"/resources/{worker.id}").html,
        "log page": clinic.admin.open("/log").html,
        "overview": clinic.admin.open().html,
        "mails": str([clinic.control.call("GET", f"/mail/{number}") for number in clinic.mail_ids()]),
    }
    for name in ("sync_job", "start_sync", "graph_webhook", "reference_host"):
        shown[f"log of {name}"] = "\n".join(cloud.function_log(name))
    assert [name for name, text in shown.items() if "Oncology" in text] == []
    assert {one["title"] for one in worker.blocks(day)} == {None}
