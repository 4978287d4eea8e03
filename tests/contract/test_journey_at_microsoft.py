"""The journey's pages with the real sign-in and the real Graph adapter, over HTTP at the Microsoft sandbox."""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from calsync_core.adapters.graph.access import GraphAccess
from calsync_core.adapters.graph.auth import GraphSignIn
from calsync_core.domain.ids import ResourceId
from calsync_core.domain.resources import InvitationState, Status

from tests.contract.microsoft import REDIRECT, Microsoft, Person, walk
from tests.journey_world import ACCOUNT, Browser, JourneyWorld

NINA = ResourceId("nina")


class World(JourneyWorld):
    """`JourneyWorld` with Microsoft behind it instead of a stand-in."""

    def __init__(self, microsoft: Microsoft, person: Person, invited: str = "") -> None:
        super().__init__()
        app = microsoft.app()
        self.ports = replace(
            self.ports,
            sign_in=GraphSignIn(app),
            calendars=GraphAccess(app, microsoft.graph, self.stores.credentials),
            redirect_uri=REDIRECT,
        )
        self.rewire()
        self.person = person
        self.add_resource(NINA, "Nina Roth", invited or person.email)

    def start(self) -> Browser:
        return self.browser().get(f"/i/{self.invite(NINA).token}").press("Continue to Microsoft")

    def go(self, browser: Browser, **more: str) -> Browser:
        """Through Microsoft's own pages, and back with what they answer."""
        answer = walk(browser.left_to, self.person.email, **more)
        return browser.get(f"/oauth/callback?{urlencode(answer)}")


def test_a_person_connects(microsoft: Microsoft) -> None:
    person = microsoft.add_person(calendars=[{"name": "Family & friends"}])
    world = World(microsoft, person)

    browser = world.go(world.start())
    assert browser.path.endswith("/calendars")
    assert "Family &amp; friends" in browser.text
    browser.submit("/calendars", primary=person.calendar(), conflicts=person.calendar("Family & friends"))

    state = world.state(NINA)
    assert state.status is Status.IMPORTING
    assert state.primary == person.calendar()
    assert [one for _, one in state.conflict_calendars] == [person.calendar("Family & friends")]
    assert state.mailbox is not None
    shown = world.ports.calendars.of_mailbox(ACCOUNT, state.mailbox).account()
    assert shown.address.lower() == person.email


def test_a_personal_account_connects(microsoft: Microsoft) -> None:
    person = microsoft.add_person(email="nina.roth.journey@outlook.com")
    world = World(microsoft, person)
    browser = world.go(world.start())
    browser.submit("/calendars", primary=person.calendar())
    assert world.state(NINA).status is Status.IMPORTING


def test_cancel(microsoft: Microsoft) -> None:
    tenant = microsoft.control("POST", "/tenants", {"name": "Other", "domains": ["other-journey.example"]})
    person = microsoft.add_person(email="p@other-journey.example", tenant=tenant["id"])
    world = World(microsoft, person)
    browser = world.go(world.start(), consent="cancel")
    assert "You pressed Cancel at Microsoft" in browser.text
    assert not world.stores.connections.of_account(ACCOUNT)


@pytest.mark.complaint(27)
def test_need_admin_approval_then_approved(microsoft: Microsoft) -> None:
    wanted = {"name": "Strict", "domains": ["strict-journey.example"], "consent_policy": "admin"}
    tenant = microsoft.control("POST", "/tenants", wanted)
    person = microsoft.add_person(email="p@strict-journey.example", tenant=tenant["id"])
    admin = microsoft.add_person(email="it@strict-journey.example", tenant=tenant["id"], is_admin=True)
    world = World(microsoft, person)
    browser = world.go(world.start())
    assert "Your IT has to allow calsync first" in browser.text
    assert world.state(NINA).invitation is InvitationState.STUCK_AT_MICROSOFT
    address = re.search(r"https?://\S+/adminconsent\?[^\s<]+", browser.text.replace("&amp;", "&"))
    assert address

    answer = walk(address[0], admin.email)
    approved = world.browser().get(f"/oauth/callback?{urlencode(answer)}")
    assert "Approved, thank you" in approved.text

    token_path = re.search(r'href="(/i/[\w-]+)"', browser.text)
    assert token_path
    browser = world.go(browser.get(token_path[1]).press("Continue to Microsoft"))
    browser.submit("/calendars", primary=person.calendar())
    assert world.state(NINA).status is Status.IMPORTING


@pytest.mark.parametrize("mailbox_state", ["no_rest", "unlicensed", "no_mailbox", "missing"])
def test_signed_in_but_no_mailbox_to_serve(microsoft: Microsoft, mailbox_state: str) -> None:
    person = microsoft.add_person(mailbox_state=mailbox_state)
    world = World(microsoft, person)
    browser = world.go(world.start())
    assert browser.status == 409
    assert "Reference: mailbox_" in browser.text
    assert world.last_mail("not_connected")
    assert not world.stores.connections.of_account(ACCOUNT)


@pytest.mark.complaint(32)
def test_another_account_than_invited_is_asked_about(microsoft: Microsoft) -> None:
    person = microsoft.add_person()
    world = World(microsoft, person, invited="nina@clinic.example")
    browser = world.go(world.start())
    assert browser.path.endswith("/account")
    browser.press("Use this account")
    browser.submit("/calendars", primary=person.calendar())
    assert world.state(NINA).status is Status.IMPORTING


def test_a_code_that_is_redeemed_twice_connects_once(microsoft: Microsoft) -> None:
    person = microsoft.add_person()
    world = World(microsoft, person)
    browser = world.start()
    answer: dict[str, Any] = walk(browser.left_to, person.email)
    browser.get(f"/oauth/callback?{urlencode(answer)}")
    assert browser.path.endswith("/calendars")
    browser.get(f"/oauth/callback?{urlencode(answer)}")
    assert browser.status == 403
