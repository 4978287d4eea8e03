"""Anna's mailbox moved from the Exchange server to Microsoft 365: the same link leads to Microsoft, and it goes on."""

import re
from dataclasses import replace
from datetime import timedelta

from calsync_core.domain.connections import MOVED, ProviderKind
from calsync_core.domain.ids import MailboxId
from calsync_core.domain.resources import Status
from calsync_core.usecases.tell_result import tell_reauth_required
from calsync_core.web.links import manage_path

from tests.handlers.test_exchange_journey_pages import ADDRESS, HOST, PASSWORD, connect
from tests.journey_world import ACCOUNT, ANNA, Browser, JourneyWorld


def moved() -> tuple[JourneyWorld, MailboxId, Browser]:
    """Connected by password; then moved, noticed and told. The browser stands at the manage page."""
    world = JourneyWorld()
    world.exchange.add_server(HOST, domain="clinic.example").add(ADDRESS, PASSWORD)
    connect(world)
    state = world.state()
    assert state.mailbox is not None
    old = world.stores.connections.get(ACCOUNT, state.mailbox)
    assert old is not None
    world.stores.connections.save(replace(old, is_broken=True, broken_code=MOVED))
    world.stores.resources.save(state.moved_to(Status.REAUTH_REQUIRED, world.clock.now(), reason=MOVED))
    assert tell_reauth_required(world.ports, ACCOUNT, ANNA, MOVED)
    manage = manage_path(world.link_key, ACCOUNT, ANNA, world.clock.now(), timedelta(days=90))
    return world, state.mailbox, world.browser().get(manage)


def test_the_mail_says_that_it_moved_and_names_the_way() -> None:
    world, _, _ = moved()
    assert "moved to Microsoft 365" in world.mailer.sent[-1].text


def test_the_same_person_signs_in_at_microsoft_and_it_is_an_office_365_connection() -> None:
    world, old, browser = moved()
    browser.press("Sign in again").come_back(code="anna")
    assert browser.path.endswith("/calendars"), browser.text
    browser.submit("/calendars", primary="calendar-1")

    state = world.state()
    assert (state.status, state.mailbox != old) == (Status.IMPORTING, True)
    assert state.mailbox is not None
    connection = world.stores.connections.get(ACCOUNT, state.mailbox)
    assert connection is not None
    assert connection.identity.provider is ProviderKind.OFFICE365
    assert world.stores.connections.get(ACCOUNT, old) is None
    assert world.stores.credentials.load(ACCOUNT, old) is None, "the password is gone"


def test_another_account_must_be_confirmed_first() -> None:
    world, old, browser = moved()
    browser.press("Sign in again").come_back(code="ben")
    assert browser.path.endswith("/account"), browser.text
    assert world.stores.connections.get(ACCOUNT, old) is not None
    assert re.search(r"ben@clinic\.example", browser.text)


def test_a_password_elsewhere_does_not_bring_it_back() -> None:
    """Whoever only lost the password goes on signing in by password, never at Microsoft."""
    world, old, _ = moved()
    connection = world.stores.connections.get(ACCOUNT, old)
    assert connection is not None
    world.stores.connections.save(replace(connection, broken_code="password_wrong"))
    manage = manage_path(world.link_key, ACCOUNT, ANNA, world.clock.now(), timedelta(days=90))
    assert world.browser().get(manage).press("Sign in again").path.endswith("/exchange")
