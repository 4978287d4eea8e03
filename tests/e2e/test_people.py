"""Who connects, how, and who is refused."""

import secrets

import pytest

from tests.e2e.clinic import Clinic, Worker

pytestmark = pytest.mark.e2e


def test_one_person_in_two_locations_is_blocked_in_both(clinic: Clinic) -> None:
    """One mailbox, two resources of the same owner: each location's bookings block the other, as time only."""
    email = clinic.move_in("Carla Two")
    owner = {"id": f"owner-{email}", "name": "Carla Two", "email": email}
    centre = Worker(clinic, clinic.add_resource("Carla (Centre)", email, owner=owner), email)
    harbour = Worker(clinic, clinic.add_resource("Carla (Harbour)", email, owner=owner), email)
    centre.connect()
    harbour.connect()
    day = clinic.day()

    booking = centre.book(day, "09:00", "10:00")
    centre.wait_copy(day, "09:00", "10:00")

    harbour.wait_blocks(day, "09:00-10:00 busy")
    assert harbour.blocks(day)[0].get("title") is None
    centre.wait_blocks(day)
    centre.cancel_booking(booking["id"])
    harbour.wait_blocks(day)
    centre.wait_events(day)


def test_another_owner_cannot_take_a_mailbox_over(clinic: Clinic) -> None:
    worker = clinic.hire("Frieda First")
    email = clinic.move_in("Second Owner")
    other = Worker(clinic, clinic.add_resource("Second Owner", email), email)

    page = other.person.go_to_microsoft(clinic.link(other.id))
    page = other.person.sign_in(page, email=worker.email)
    if any("primary" in form.choices for form in page.forms):
        page = other.person.choose(page)

    assert "already" in page.html
    assert other.read()["status"]["state"] == "awaiting_confirmation"
    assert worker.read()["status"]["state"] == "connected"


def test_a_room_is_connected_by_its_custodian_and_polled(clinic: Clinic) -> None:
    """Push is refused for shared calendars: the status says that it is asked every few minutes."""
    custodian = clinic.move_in("Erik Key")
    room = clinic.move_in("Room Nine", kind="room", password=None)
    clinic.control.call("POST", f"/people/{room}/calendars/default/share", {"person": custodian, "role": "write"})
    owner = {"id": f"owner-{custodian}", "name": "Erik Key", "email": custodian}
    resource = clinic.add_resource("Room Nine", room, kind="room", owner=owner)
    person = clinic.person(custodian)
    page = person.sign_in(person.go_to_microsoft(clinic.link(resource)))
    shared = next(
        value for form in page.forms for value in form.choices.get("primary", []) if value in page.html
        and "Room Nine" in page.html[page.html.index(value) : page.html.index(value) + 400]
    )  # fmt: skip
    person.choose(page, primary=shared, conflicts=[])
    worker = Worker(clinic, resource, room)
    worker.wait_state("connected")
    day = clinic.day()

    worker.book(day, "10:00", "11:00")

    worker.wait_copy(day, "10:00", "11:00")
    assert "minutes" in clinic.admin.open(f"/resources/{resource}").html


def test_a_personal_account_connects(clinic: Clinic) -> None:
    email = clinic.move_in("Dana Private", domain="outlook.com")
    dana = Worker(clinic, clinic.add_resource("Dana Private", email), email)
    dana.connect()
    day = clinic.day()

    dana.book(day, "15:00", "16:00")

    # An app with rights of its own never sees a personal mailbox: the log and the live check tell.
    dana.wait_log("copy_created")
    answer = dana.call("POST", "/check", {"start": f"{day}T15:00:00Z", "end": f"{day}T16:00:00Z"})
    assert answer["result"] in ("free", "busy"), answer


@pytest.mark.parametrize("state", ["no_rest", "unlicensed", "no_mailbox"])
@pytest.mark.complaint(28)
def test_a_sign_in_without_a_usable_mailbox_stores_nothing(clinic: Clinic, state: str) -> None:
    worker = clinic.newcomer(f"Nobox {secrets.token_hex(2)}", mailbox_state=state)

    page = worker.person.sign_in(worker.person.go_to_microsoft(clinic.link(worker.id)))

    assert page.status in (403, 409, 422), page.html[:500]
    assert not any("primary" in form.choices for form in page.forms)
    assert worker.read()["status"]["state"] == "awaiting_confirmation"
    clinic.control.call("PATCH", f"/people/{worker.email}", {"mailbox_state": "enabled"})
    worker.connect()


def test_an_administrator_connects_his_own_calendar_without_a_mail(clinic: Clinic) -> None:
    worker = clinic.newcomer("Boss Himself")
    before = clinic.mail_ids()
    browser = clinic.admin.browser
    page = clinic.admin.open(f"/resources/{worker.id}")
    page = browser.send(page.form(action="/connect"))
    page = browser.send(page.form(having="username"), username=worker.email, password=worker.person.password)
    if any("answer" in form.choices for form in page.forms):
        page = browser.send(page.form(having="answer"), answer="accept")
    browser.send(page.form(having="primary"))

    worker.wait_state("connected")

    invitations = [one for one in clinic.mail_ids() if one not in before]
    subjects = [clinic.control.call("GET", f"/mail/{number}")["subject"] for number in invitations]
    assert not [one for one in subjects if "connect your calendar" in one]
