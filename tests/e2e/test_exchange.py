"""The clinic's own Exchange server: the journey with two fields, both directions, and passwords that do not fit."""

import re
from collections.abc import Iterator

import pytest

from local.browser import Page
from local.cloud import LocalCloud
from local.journey import wait_for
from tests.e2e.clinic import Clinic, until
from tests.e2e.exchange import ExchangeWorker, trusting
from tests.e2e.test_invitation import heading

pytestmark = pytest.mark.e2e
WRONG = "Nicht-mein-Wort-1"


@pytest.fixture(autouse=True, scope="module")
def _authority(cloud: LocalCloud) -> Iterator[None]:
    with trusting(cloud.microsoft.ca_file):
        yield


@pytest.fixture(scope="module")
def worker(clinic: Clinic) -> ExchangeWorker:
    return ExchangeWorker.hire_on_premises(clinic, "Xaver Rauch")


def alert(page: Page) -> str:
    """What the page says went wrong."""
    found = re.search(r'id="wrong"[^>]*>(.*?)</div>', page.html, re.DOTALL)
    return re.sub(r"<[^>]+>", "", found.group(1)).strip() if found else ""


def test_from_the_invitation_to_connected(clinic: Clinic) -> None:
    """An admin chooses Exchange, the person gives e-mail and password; what was there before stands on both sides."""
    worker = ExchangeWorker.newcomer(clinic, "Yannick Bode", calendars=[{"name": "Choir"}])
    day = clinic.day()
    worker.book(day, "09:00", "09:45")
    worker.mailbox.create(day, "12:00", "13:00", "Lunch")
    assert clinic.admin.invite(worker.id, kind="exchange").status == 200
    link = worker.person.invitation_link()

    page = worker.person.browser.open(link)
    assert heading(page) == "Connect your calendar"
    page = worker.ask_password(link)
    form = page.form(having="password")
    assert heading(page) == "Your Exchange sign-in"
    assert set(form.fields) | set(form.choices) == {"csrf", "address", "password", "agree"}
    assert form.fields["address"] == [worker.email]
    page = worker.enter(page)
    assert heading(page) == "Choose your calendars"
    assert "Choir" in page.html
    page = worker.choose_calendars(page)
    assert page.url.endswith("/progress")
    worker.wait_state("connected")

    worker.wait_blocks(day, "12:00-13:00 busy")
    worker.wait_events(day, "09:00-09:45", "12:00-13:00")
    link = wait_for("the result mail", lambda: worker.link_in_mail("/m/", "is connected"))
    shown = clinic.stranger().open(link).html
    assert "Connected" in shown
    assert worker.person.password not in shown + str(worker.log())


def test_a_booking_is_written_moved_and_cancelled(clinic: Clinic, worker: ExchangeWorker) -> None:
    before = len(clinic.control.call("GET", "/outbox")["mails"])
    day = clinic.day()
    booking = worker.book(day, "13:00", "13:45")["id"]
    copy = worker.wait_copy(day, "13:00", "13:45")
    assert "Consultation" in copy["subject"]
    assert "Petra Sommer" in copy["subject"] + copy["body"]
    assert (copy["showAs"], copy["attendees"]) == ("busy", [])
    worker.rebook(booking, day, "14:00", "14:30")
    assert worker.wait_copy(day, "14:00", "14:30")["id"] == copy["id"]
    worker.cancel_booking(booking)
    worker.wait_events(day)
    assert worker.blocks(day) == []  # its own copy never came back as busy time
    assert len(clinic.control.call("GET", "/outbox")["mails"]) == before


def test_an_entry_blocks_and_its_deletion_frees(clinic: Clinic, worker: ExchangeWorker) -> None:
    """The server says so by push; nobody asks for a sync."""
    day = clinic.day()
    subscriptions = clinic.control.call("GET", "/exchange/subscriptions")
    assert [one["mailbox"] for one in subscriptions].count(worker.email) == 1
    entry = worker.mailbox.create(day, "09:00", "10:00", "Dentist")
    worker.wait_blocks(day, "09:00-10:00 busy")
    assert "Dentist" not in str(worker.blocks(day))
    worker.mailbox.delete(entry)
    worker.wait_blocks(day)


def test_a_copy_moved_by_the_person_moves_the_booking(clinic: Clinic, worker: ExchangeWorker) -> None:
    day = clinic.day()
    booking = worker.book(day, "13:00", "13:45")["id"]
    copy = worker.wait_copy(day, "13:00", "13:45")
    worker.mailbox.move(copy["id"], day, "15:00", "15:45")
    until("the booking", lambda: worker.booking(booking), ("15:00", "15:45", "confirmed"))
    assert worker.conflicts() == []


def test_a_weekly_course_is_one_series_and_each_date_lives_by_itself(clinic: Clinic, worker: ExchangeWorker) -> None:
    days = clinic.weekly(weekday=1, count=4)
    series = worker.book(days[0], "11:00", "11:45", series={"rrule": "FREQ=WEEKLY;COUNT=4"})["id"]
    copies = [worker.wait_copy(day, "11:00", "11:45") for day in days]
    assert {copy["type"] for copy in copies} == {"Occurrence"}
    assert len({copy["uid"] for copy in copies}) == 1
    query = f"resource_id={worker.id}&from={days[0]}T00:00:00Z&to={days[-1]}T23:59:59Z"
    found = clinic.host.call("GET", f"/bookings?{query}")["items"]
    dates = sorted((one for one in found if one["series"]), key=lambda one: str(one["start"]))

    worker.rebook(dates[1]["id"], days[1], "15:00", "15:45")  # the clinic moves one date
    assert worker.wait_copy(days[1], "15:00", "15:45")["type"] == "Exception"
    worker.cancel_booking(dates[2]["id"])  # and cancels one
    worker.wait_events(days[2])
    worker.mailbox.move(worker.wait_copy(days[3], "11:00", "11:45")["id"], days[3], "10:00", "10:45")  # the person
    until("the date at the clinic", lambda: worker.booking(dates[3]["id"]), ("10:00", "10:45", "confirmed"))
    worker.wait_copy(days[0], "11:00", "11:45")
    assert [worker.blocks(day) for day in days] == [[], [], [], []]
    assert worker.conflicts() == []

    worker.cancel_booking(series)
    for day in days:
        worker.wait_events(day)


def test_the_connection_test_passes_and_tells_no_secret(clinic: Clinic, worker: ExchangeWorker) -> None:
    connections = clinic.api.call("GET", "/connections", limit="200")["items"]
    mine = next(one for one in connections if one["address"] == worker.email)
    assert (mine["provider"], mine["works"], mine["resources"]) == ("exchange", True, [worker.id])
    answer = clinic.api.ask("POST", f"/connections/{mine['id']}/test")
    report = answer.json()
    assert report["result"] == "ok", report
    assert [part["name"] for part in report["parts"]] == ["General connection", "Send and receive data"]
    assert all(part["steps"] for part in report["parts"])
    assert worker.person.password not in answer.text


def test_three_wrong_passwords_stop_before_the_directory_locks(clinic: Clinic) -> None:
    worker = ExchangeWorker.newcomer(clinic, "Zita Horn")
    page = worker.ask_password(worker.invite())
    for _ in range(3):
        page = worker.enter(page, WRONG)
        assert "Exchange does not accept this sign-in" in alert(page)
        assert WRONG not in page.html
    page = worker.enter(page)  # the right one, too late
    assert (page.status, "Three passwords were wrong" in alert(page)) == (429, True)
    account = worker.account_at_exchange()
    assert len(account["wrong_passwords"]) == 3
    assert account["locked_until"] is None
    assert worker.read()["status"]["state"] == "awaiting_confirmation"


def test_a_changed_password_costs_one_try_and_one_mail_and_the_new_one_goes_on(clinic: Clinic) -> None:
    worker = ExchangeWorker.hire_on_premises(clinic, "Adele Kunz")
    day, new = clinic.day(), "Sommer-2027!x"
    worker.mailbox.create(day, "16:00", "17:00", "Made before the change")
    clinic.control.call("PATCH", f"/people/{worker.email}", {"password": new})
    worker.book(day, "10:00", "10:45")
    worker.wait_state("reauth_required")
    link = wait_for("the mail", lambda: worker.link_in_mail("/m/", "sign in again"))
    worker.book(day, "12:00", "12:45")  # what the booking system wishes makes nobody try the old one again
    until("events of the booking system", lambda: clinic.host.call("POST", "/events/deliver")["waiting"], 0)
    assert worker.availability(day)["known"] is False
    account = worker.account_at_exchange()
    assert len(account["wrong_passwords"]) == 1
    assert account["locked_until"] is None

    worker.use_password(new)
    browser = worker.person.browser
    page = browser.open(link)
    if not any("password" in form.fields for form in page.forms):
        page = browser.send(page.form(action="/sign-in"))
    assert heading(page) == "Your Exchange sign-in"
    page = worker.enter(page)
    assert page.url.endswith("/progress")
    worker.wait_state("connected")
    worker.wait_events(day, "10:00-10:45", "12:00-12:45", "16:00-17:00")
    worker.wait_blocks(day, "16:00-17:00 busy")
    assert len(worker.person.mails("sign in again")) == 1


def test_a_microsoft_365_address_is_shown_the_way_to_microsoft(clinic: Clinic) -> None:
    """Its password is sent nowhere; the same link goes on at Microsoft."""
    worker = clinic.newcomer("Bruno Falk", domain="outlook.com")
    link = str(worker.call("POST", "/invitation", {"send": False, "calendar": "any"})["link"])
    browser = worker.person.browser
    page = browser.open(link)
    page = browser.open(next(one for one in page.links if one.endswith("/exchange")))
    page = browser.send(page.form(having="password"), password=WRONG, agree="yes")
    assert "This mailbox is in Microsoft 365" in alert(page)
    page = browser.send(page.form(action="/continue"))
    worker.person.choose(worker.person.sign_in(page))
    worker.wait_state("connected")


def test_a_server_of_an_unknown_authority_is_not_talked_to(clinic: Clinic, cloud: LocalCloud) -> None:
    """Without the uploaded certificate the check says so, before a password is sent."""
    worker = ExchangeWorker.newcomer(clinic, "Carina Moll")
    form = clinic.admin.open("/connections/servers/new").form(having="address")
    page = clinic.admin.browser.send(form, title="Without authority", address=cloud.microsoft.ews)
    try:
        page = clinic.admin.browser.send(
            page.form(having="test_address"), test_address=worker.email, test_password=WRONG
        )
        assert "certificate" in page.html
        assert "The last test did not pass" in clinic.admin.open(_path(page)).html
        assert worker.account_at_exchange()["wrong_passwords"] == []
    finally:
        clinic.admin.browser.send(clinic.admin.open(_path(page)).form(action="/remove"))
    assert "Without authority" not in clinic.admin.open("/connections").html


def _path(page: Page) -> str:
    found = re.search(r"/connections/servers/[\w-]+", page.url)
    assert found is not None, page.url
    return found.group(0)
