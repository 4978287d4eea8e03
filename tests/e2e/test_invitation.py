"""From the mail to the connected calendar, as people walk it; and every door that must stay shut."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from local.browser import Page
from local.cloud import LocalCloud
from local.journey import wait_for
from tests.e2e.clinic import PATIENCE, Clinic, Worker, until
from tests.e2e.inside import age_invitation

pytestmark = pytest.mark.e2e


def invited(clinic: Clinic, name: str, **facts: object) -> Worker:
    """A newcomer with an invitation in the inbox."""
    worker = clinic.newcomer(name, **facts)
    worker.call("POST", "/invitation", {})
    worker.person.invitation_link()
    return worker


def heading(page: Page) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.html, re.DOTALL)
    return re.sub(r"<[^>]+>", "", found.group(1)).strip() if found else ""


def invitation_state(worker: Worker) -> tuple[str, str | None]:
    status = worker.read()["status"]
    return status["state"], status["invitation"]


def wait_delivered(worker: Worker) -> None:
    until("the mail's fate", lambda: invitation_state(worker), ("awaiting_confirmation", "delivered"))


def test_from_the_invitation_to_connected(clinic: Clinic) -> None:
    """Entries and bookings that were there before stand on both sides when the result mail comes."""
    worker = clinic.newcomer("Ida Frost", calendars=[{"name": "Clinic"}, {"name": "Family"}])
    near, far = clinic.day(), clinic.day()
    for day in (near, far):
        worker.book(day, "09:00", "09:45")
        worker.mailbox.create(day, "12:00", "13:00", "Lunch")
    family = worker.mailbox.calendar_id("Family")
    worker.mailbox.create(near, "15:00", "16:00", "School", calendar=family)
    assert clinic.admin.invite(worker.id, message="Until Friday, please").status == 200
    mail = wait_for("the invitation", lambda: worker.person.mails("connect your calendar"))[0]
    assert "Until Friday, please" in mail["text"]
    wait_delivered(worker)
    worker.wait_log("invited")

    page = worker.person.sign_in(worker.person.go_to_microsoft(worker.person.invitation_link()))
    assert heading(page) == "Choose your calendars"
    chosen = worker.mailbox.calendar_id("Clinic")
    main = worker.mailbox.calendar_id("Calendar")
    page = worker.person.choose(page, primary=chosen, conflicts=[main, family])
    assert page.url.endswith("/progress")
    assert heading(page) in {"Connected, now copying", "Connected"}
    wait_for("the page to say so", lambda: heading(worker.person.browser.open(page.url)) == "Connected", PATIENCE)
    worker.wait_state("connected")
    assert worker.read()["calendars"] == 3
    worker.wait_blocks(near, "12:00-13:00 busy", "15:00-16:00 busy")
    worker.wait_blocks(far, "12:00-13:00 busy")
    for day in (near, far):
        assert len(worker.mailbox.events(day, chosen)) == 1
    worker.wait_events(near, "12:00-13:00")  # nothing was written to the calendar that is only read
    wait_for("the result mail", lambda: worker.person.mails("Your calendar is connected"))
    link = worker.link_in_mail("/m/", "is connected")
    assert link is not None
    assert "Connected" in clinic.stranger().open(link).html


@pytest.mark.bad_input(35)
def test_looking_at_the_page_changes_nothing(clinic: Clinic) -> None:
    """Mail scanners open every link, more than once."""
    worker = invited(clinic, "Jan Stein")
    wait_delivered(worker)
    link, before = worker.person.invitation_link(), worker.log()
    for _ in range(20):
        page = clinic.stranger().open(link)
        assert (page.status, heading(page)) == (200, "Connect your calendar")
    assert invitation_state(worker) == ("awaiting_confirmation", "delivered")
    assert worker.log() == before
    worker.person.go_to_microsoft(link)
    assert invitation_state(worker) == ("awaiting_confirmation", "opened")


def test_an_address_that_refuses_mail_shows_at_once(clinic: Clinic) -> None:
    worker = clinic.newcomer("Kim Noor")
    clinic.control.call("PATCH", "/mail/policy", {"refused_addresses": [worker.email]})
    try:
        worker.call("POST", "/invitation", {})
        until("the bounce", lambda: invitation_state(worker), ("awaiting_confirmation", "bounced"))
    finally:
        clinic.control.call("PATCH", "/mail/policy", {"refused_addresses": []})
    status = worker.read()["status"]
    assert (status["label"], status["next_actor"]) == ("Mail not delivered", "admin")
    assert "Mail not delivered" in clinic.admin.open(f"/resources/{worker.id}").html
    assert "Kim Noor" in clinic.admin.open("?status=not_delivered").html


def test_a_person_who_presses_cancel_can_try_again_or_say_no(clinic: Clinic) -> None:
    worker = invited(clinic, "Lea Wolf")
    link = worker.person.invitation_link()
    page = worker.person.sign_in(worker.person.go_to_microsoft(link), answer="cancel")
    assert heading(page) == "You pressed Cancel at Microsoft"
    assert invitation_state(worker)[0] == "awaiting_confirmation"
    refuse = worker.person.browser.open(next(one for one in page.links if one.endswith("/not-me")))
    form = refuse.form(having="why")
    assert form.fields.get("why") is None
    assert worker.person.browser.send(form).status == 422  # robots press buttons
    done = worker.person.browser.send(form, why="not_wanted")
    assert heading(done) == "Thank you, noted"
    assert invitation_state(worker) == ("awaiting_confirmation", "declined")
    assert clinic.stranger().open(link).status == 410


def test_another_account_than_the_invited_one_is_asked_about(clinic: Clinic) -> None:
    worker = invited(clinic, "Max Kurz")
    other = clinic.move_in("Max Privat")
    page = worker.person.sign_in(worker.person.go_to_microsoft(worker.person.invitation_link()), email=other)
    assert heading(page) == "Is this the right account?"
    assert worker.email in page.html
    assert other in page.html
    calendars = page.url.replace("/account", "/calendars")
    assert heading(worker.person.browser.open(calendars)) == heading(page)  # no way around the question
    again = worker.person.browser.send(page.form(action="/sign-in"))  # the one way: back to Microsoft
    assert clinic.cloud.microsoft.outlook_url.split("/outlook")[0] in again.url
    page = worker.person.browser.send(page.form(action="/account"))  # the other: yes, this one
    assert heading(page) == "Choose your calendars"
    worker.person.choose(page)
    worker.wait_state("connected")
    day = clinic.day()
    clinic.outlook.mailbox(other).create(day, "09:00", "10:00", "Hers")
    worker.wait_blocks(day, "09:00-10:00 busy")


@pytest.mark.complaint(27)
def test_it_has_to_approve_first(clinic: Clinic) -> None:
    """The page has a text for IT; after the approval the same link works."""
    town = f"strict{next(clinic.numbers)}.example"
    clinic.control.call("POST", "/tenants", {"name": "Strict", "domains": [town], "consent_policy": "admin"})
    worker = invited(clinic, "Nils Amt", domain=town)
    admin = clinic.move_in("Iris Tech", domain=town, is_admin=True)
    link, browser = worker.person.invitation_link(), worker.person.browser
    page = worker.person.go_to_microsoft(link)
    page = browser.send(page.form(having="username"), username=worker.email, password=worker.person.password)
    assert page.form(action="/approval")
    page = browser.send(page.form(action="/approval"), answer="back")
    assert heading(page) == "Your IT has to allow calsync first"
    assert invitation_state(worker) == ("awaiting_confirmation", "stuck_at_microsoft")
    assert worker.read()["status"]["next_actor"] == "it"
    address = re.search(r"https?://[^\s<]+adminconsent[^\s<]+", page.html)
    assert address is not None
    tech = clinic.person(admin)
    approved = tech.sign_in(tech.browser.open(address.group(0).replace("&amp;", "&")))
    assert approved.status == 200, approved.html[:500]
    page = worker.person.go_to_microsoft(link)
    if "microsoft" not in page.url and not page.url.endswith("/calendars"):
        page = worker.person.sign_in(page)
    assert heading(page) == "Choose your calendars"


@pytest.mark.bad_input(35)
def test_links_that_are_used_withdrawn_replaced_unknown_or_expired_say_which(clinic: Clinic, cloud: LocalCloud) -> None:
    worker = invited(clinic, "Ole Brandt")
    first = worker.person.invitation_link()
    newer = clinic.link(worker.id)
    page = clinic.stranger().open(first)
    assert (page.status, heading(page)) == (410, "There is a newer link")
    worker.person.connect(newer)
    worker.wait_state("connected")
    browser = clinic.stranger()
    page = browser.open(newer)
    assert (page.status, heading(page)) == (410, "This calendar is already connected")
    before = len(worker.person.mails())
    assert heading(browser.send(page.form(action="/manage-link"))) == "Look into your mailbox"
    wait_for("the mail with the link", lambda: len(worker.person.mails()) > before)
    assert worker.read()["status"]["state"] == "connected"

    other = invited(clinic, "Pola Reck")
    link = other.person.invitation_link()
    clinic.admin.browser.send(clinic.admin.open(f"/resources/{other.id}").form(action="/withdraw"))
    page = clinic.stranger().open(link)
    assert (page.status, heading(page)) == (410, "This invitation was withdrawn")

    page = clinic.stranger().open(f"{cloud.public_url}/i/{'A' * 43}")
    assert (page.status, heading(page)) == (404, "This link does not lead anywhere")

    third = invited(clinic, "Rita Fall")
    link = third.person.invitation_link()
    wait_delivered(third)
    age_invitation(cloud, third.id)
    browser = clinic.stranger()
    page = browser.open(link)
    assert (page.status, heading(page)) == (410, "This link has expired")
    assert heading(browser.send(page.form(action="/new"))) == "Look into your mailbox"


@pytest.mark.bad_input(36)
def test_a_state_that_is_forged_replayed_or_from_another_browser_is_refused(clinic: Clinic, cloud: LocalCloud) -> None:
    worker = invited(clinic, "Sven Holt")
    link = worker.person.invitation_link()
    callback = f"{cloud.public_url}/oauth/callback"
    page = clinic.stranger().open(f"{callback}?state={'B' * 43}&code=1.AAA")
    assert (page.status, heading(page)) == (403, "This sign-in is no longer under way")
    assert clinic.stranger().open(f"{callback}?state=a.b.c&code=1.AAA").status == 403
    assert clinic.stranger().open(callback).status == 403

    came_back = worker.person.sign_in(worker.person.go_to_microsoft(link), answer="cancel").url
    assert parse_qs(urlsplit(came_back).query)["state"]
    page = worker.person.browser.open(came_back)
    assert (page.status, heading(page)) == (403, "This sign-in is no longer under way")

    at_microsoft = worker.person.go_to_microsoft(link)
    thief = clinic.person(worker.email)  # knows the password even, but sits at another browser
    page = thief.sign_in(thief.browser.open(at_microsoft.url))
    assert (page.status, heading(page)) == (403, "This sign-in was started in another browser")
    assert invitation_state(worker)[0] == "awaiting_confirmation"
    assert worker.read()["calendars"] == 0
    page = worker.person.connect(link)  # and the right browser still can
    assert page.url.endswith("/progress")


def test_forms_need_their_own_page(clinic: Clinic, cloud: LocalCloud) -> None:
    """A form without the token of this browser's page is refused and changes nothing."""
    worker = invited(clinic, "Toni Mark")
    form = clinic.stranger().open(worker.person.invitation_link()).form(action="/continue")
    page = clinic.stranger().send(form)
    assert (page.status, heading(page)) == (403, "This form is no longer valid")
    wait_delivered(worker)


def test_invitations_by_the_api_keep_the_rules(clinic: Clinic) -> None:
    worker = invited(clinic, "Una Dahl")
    path = f"/resources/{worker.id}/invitation"
    assert clinic.api.refused("POST", path, {}) == (429, "invited_recently")
    wrong = {"agree_to_privacy_version": "99"}
    assert clinic.api.refused("POST", path, wrong) == (422, "agreement_missing")
    assert clinic.api.refused("POST", "/resources/nobody/invitation", {}) == (404, "resource_unknown")
