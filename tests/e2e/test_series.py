"""A series of bookings is one series in Outlook, whose dates change one by one on either side."""

from datetime import timedelta
from typing import Any

import pytest

from tests.e2e.clinic import Clinic, Worker, until

pytestmark = pytest.mark.e2e

Json = dict[str, Any]


@pytest.fixture(scope="module")
def worker(clinic: Clinic) -> Worker:
    return clinic.hire("Salome Wirth")


def test_a_weekly_course_is_one_series_and_each_date_lives_by_itself(clinic: Clinic, worker: Worker) -> None:
    days = clinic.weekly(weekday=1, count=4)
    first = days[0]
    mails = len(clinic.control.call("GET", "/outbox")["mails"])

    series = worker.book(first, "13:00", "13:45", series={"rrule": "FREQ=WEEKLY;COUNT=4"})["id"]
    copies = [worker.wait_copy(day, "13:00", "13:45") for day in days]
    masters = {copy["seriesMasterId"] for copy in copies}
    assert len(masters) == 1
    assert {copy["type"] for copy in copies} == {"occurrence"}
    assert all("Petra Sommer" in copy["subject"] + copy["bodyPreview"] for copy in copies)
    found = clinic.host.call(
        "GET", f"/bookings?resource_id={worker.id}&from={first}T00:00:00Z&to={days[-1]}T23:59:59Z"
    )["items"]
    dates: list[Json] = sorted((one for one in found if one["series"]), key=lambda one: str(one["start"]))
    assert len(dates) == 4

    # the clinic moves one date
    worker.rebook(dates[1]["id"], days[1], "15:00", "15:45")
    moved = worker.wait_copy(days[1], "15:00", "15:45")
    assert moved["type"] == "exception"
    assert moved["seriesMasterId"] in masters

    # and cancels one
    worker.cancel_booking(dates[2]["id"])
    worker.wait_events(days[2])

    # the person moves one: the booking system is asked for that one
    worker.mailbox.move(worker.wait_copy(days[3], "13:00", "13:45")["id"], days[3], "10:00", "10:45")
    until("the date at the clinic", lambda: worker.booking(dates[3]["id"]), ("10:00", "10:45", "confirmed"))
    assert worker.booking(dates[0]["id"]) == ("13:00", "13:45", "confirmed")
    worker.wait_copy(days[0], "13:00", "13:45")
    worker.wait_copy(days[1], "15:00", "15:45")
    worker.wait_copy(days[3], "10:00", "10:45")
    worker.wait_events(days[2])
    assert [worker.blocks(day) for day in days] == [[], [], [], []]
    assert worker.conflicts() == []

    # all of it is cancelled
    worker.cancel_booking(series)
    for day in days:
        worker.wait_events(day)
    assert len(clinic.control.call("GET", "/outbox")["mails"]) == mails


def test_a_course_gets_another_time_and_keeps_what_was_moved(clinic: Clinic, worker: Worker) -> None:
    days = clinic.weekly(weekday=3, count=3)
    first = days[0]
    series = worker.book(first, "09:00", "09:45", series={"rrule": "FREQ=WEEKLY;COUNT=3"})["id"]
    masters = {worker.wait_copy(day, "09:00", "09:45")["seriesMasterId"] for day in days}

    worker.rebook(series, first, "14:00", "14:45")

    copies = [worker.wait_copy(day, "14:00", "14:45") for day in days]
    assert {copy["seriesMasterId"] for copy in copies} == masters
    worker.cancel_booking(series)
    for day in days:
        worker.wait_events(day)


def test_what_calendars_cannot_say_stands_there_date_by_date(clinic: Clinic, worker: Worker) -> None:
    monday = clinic.day(weekday=0)
    days = [monday, monday + timedelta(days=1), monday + timedelta(days=3)]
    rule = f"FREQ=DAILY;BYMONTHDAY={','.join(str(day.day) for day in days)};COUNT=3"

    series = worker.book(monday, "10:00", "10:30", series={"rrule": rule})["id"]

    copies = [worker.wait_copy(day, "10:00", "10:30") for day in days]
    assert {copy["type"] for copy in copies} == {"singleInstance"}
    worker.wait_log("series_as_singles")
    worker.cancel_booking(series)
    for day in days:
        worker.wait_events(day)


def test_how_a_course_repeats_is_the_clinics_whatever_the_person_makes_of_it(clinic: Clinic, worker: Worker) -> None:
    days = clinic.weekly(weekday=2, count=4)
    first, last = days[0], days[-1]
    series = worker.book(first, "11:00", "11:45", series={"rrule": "FREQ=WEEKLY;COUNT=4"})["id"]
    master = {worker.wait_copy(day, "11:00", "11:45")["seriesMasterId"] for day in days}.pop()
    found = clinic.host.call("GET", f"/bookings?resource_id={worker.id}&from={first}T00:00:00Z&to={last}T23:59:59Z")[
        "items"
    ]
    dates = sorted((one for one in found if one["id"].startswith(f"{series}_")), key=lambda one: str(one["start"]))
    worker.rebook(dates[1]["id"], days[1], "14:00", "14:45")
    worker.wait_copy(days[1], "14:00", "14:45")
    worker.cancel_booking(dates[2]["id"])
    worker.wait_events(days[2])

    said = worker.mailbox.repeats(master)
    for pattern, bounds in (
        ({"interval": 2}, {}),
        ({"daysOfWeek": ["wednesday", "thursday"]}, {}),
        ({}, {"numberOfOccurrences": 1}),
        ({}, {"type": "noEnd"}),
    ):
        changed = {"pattern": {**said["pattern"], **pattern}, "range": {**said["range"], **bounds}}
        worker.mailbox.change(master, recurrence=changed)

        until("the clinic's rule", lambda: worker.mailbox.repeats(master), said)
        worker.wait_copy(days[0], "11:00", "11:45")
        worker.wait_copy(days[1], "14:00", "14:45")
        worker.wait_events(days[2])
        worker.wait_copy(days[3], "11:00", "11:45")
        worker.wait_events(first + timedelta(days=1))
        worker.wait_events(last + timedelta(weeks=1))

    assert [worker.booking(one["id"])[2] for one in dates] == ["confirmed", "confirmed", "cancelled", "confirmed"]
    assert worker.booking(series)[2] == "confirmed"
    assert worker.conflicts() == []
    assert worker.log_codes().count("booking_cancelled") == 0
    worker.cancel_booking(series)
    for day in days:
        worker.wait_events(day)
