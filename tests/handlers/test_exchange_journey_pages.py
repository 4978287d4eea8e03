"""The Exchange journey as a browser without scripts goes it: two fields, one try, and nothing of the password left."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from calsync_core.domain.apps import AppRule, CalendarKind
from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.errors import ConnectionBrokenError, ConsentRevokedError, ProviderUnavailableError
from calsync_core.domain.ids import ServerId
from calsync_core.domain.resources import Status
from calsync_core.domain.servers import KnownServer
from calsync_core.usecases.tell_result import tell_reauth_required
from calsync_core.usecases.withdraw_invitation import withdraw_invitation
from calsync_core.web.links import manage_path

from tests.journey_world import ACCOUNT, ANNA, BEN, LOGIN_URL, Browser, JourneyWorld

ADDRESS, PASSWORD = "anna@clinic.example", "Trotzdem-gut-77"
HOST = "mail.clinic.example"


@pytest.fixture
def world() -> JourneyWorld:
    """An Exchange server that Autodiscover finds, with Anna's and Ben's mailboxes."""
    world = JourneyWorld()
    server = world.exchange.add_server(HOST, domain="clinic.example")
    server.add(ADDRESS, PASSWORD)
    server.add("ben@clinic.example", "Bens-Wort-1")
    return world


def opened(world: JourneyWorld, kind: CalendarKind = CalendarKind.EXCHANGE) -> Browser:
    """The password page, reached from the mail."""
    token = world.invite(kind=kind).token
    browser = world.browser().get(f"/i/{token}")
    link = re.search(r'href="(/i/[^"]*/exchange)"', browser.text)
    assert link, browser.text
    return browser.get(link[1])


def sign_in(browser: Browser, password: str = PASSWORD, address: str = ADDRESS, **more: str) -> Browser:
    return browser.submit("/exchange", **{"address": address, "password": password, "agree": "yes", **more})


def connect(world: JourneyWorld) -> Browser:
    browser = sign_in(opened(world))
    primary = re.search(r'name="primary" value="([^"]*)"', browser.text)
    assert primary, browser.text
    return browser.submit("/calendars", primary=primary[1])


def fields(browser: Browser) -> set[str]:
    return set(re.findall(r'<(?:input|select)[^>]* name="([^"]*)"', browser.text)) - {"csrf"}


def everywhere(world: JourneyWorld) -> str:
    """All that is stored, queued and mailed but the sealed sign-ins."""
    stores = world.stores
    journeys = {name: value for name, value in vars(stores.journeys).items() if name not in {"_lock", "_grants"}}
    rows = [journeys, stores.connections.of_account(ACCOUNT), stores.log.of_resource(ACCOUNT, ANNA), world.state()]
    rows += [stores.servers.of_account(ACCOUNT), vars(stores.attempts), world.queue.wishes, world.mailer.sent]
    return repr(rows)


# -- the way through ----------------------------------------------------------------------------------------------


def test_two_fields_and_the_calendars_are_next(world: JourneyWorld) -> None:
    browser = opened(world)
    assert fields(browser) == {"address", "password", "agree"}
    assert f'value="{ADDRESS}"' in browser.text

    sign_in(browser)

    assert browser.path.endswith("/calendars"), browser.text
    assert f"Signed in as {ADDRESS}" in browser.text
    browser.submit("/calendars", primary="calendar-1")
    assert browser.path.endswith("/progress")
    state = world.state()
    assert state.status is Status.IMPORTING
    assert [wish.cause for wish in world.queue.wishes] == ["import"]
    assert state.mailbox is not None
    connection = world.stores.connections.get(ACCOUNT, state.mailbox)
    assert connection is not None
    assert (connection.identity.provider, connection.identity.directory, connection.identity.subject) == (
        ProviderKind.EXCHANGE,
        HOST,
        ADDRESS,
    )
    assert world.ports.calendars.of_mailbox(ACCOUNT, connection.id).calendars()


def test_the_agreement_is_recorded_and_nothing_is_tried_without_it(world: JourneyWorld) -> None:
    browser = opened(world)
    before = world.stores.journeys.agreements(ACCOUNT)

    browser.submit("/exchange", address=ADDRESS, password=PASSWORD)
    assert browser.status == 422
    assert world.exchange.servers[HOST].passwords_seen == []
    assert world.stores.journeys.agreements(ACCOUNT) == before

    sign_in(browser)
    new = [row for row in world.stores.journeys.agreements(ACCOUNT) if row not in before]
    assert [(row.who, row.role, row.resource, row.text_version) for row in new] == [
        (ADDRESS, "resource", ANNA, "2026-11")
    ]


def test_the_password_is_nowhere_but_sealed(world: JourneyWorld) -> None:
    browser = opened(world)
    pages = [sign_in(browser, "Falsch-und-geheim").text]
    pages.append(sign_in(browser).text)
    pages.append(browser.submit("/calendars", primary="calendar-1").text)

    for secret in (PASSWORD, "Falsch-und-geheim"):
        assert not [page for page in pages if secret in page]
        assert secret not in everywhere(world)
        assert secret not in browser.path + repr(browser.headers)


def test_looking_twenty_times_changes_nothing(world: JourneyWorld) -> None:
    token = world.invite(kind=CalendarKind.EXCHANGE).token
    before = everywhere(world)
    for _ in range(20):
        assert world.browser().get(f"/i/{token}/exchange").status == 200
    assert everywhere(world) == before
    assert world.exchange.servers[HOST].passwords_seen == []


def test_the_form_needs_the_token_of_this_browser(world: JourneyWorld) -> None:
    token = world.invite(kind=CalendarKind.EXCHANGE).token
    mallory = world.browser().get(f"/i/{token}/exchange")
    foreign = re.search(r'name="csrf" value="([^"]*)"', mallory.text)
    assert foreign
    anna = world.browser().get(f"/i/{token}/exchange")
    anna.post(f"/i/{token}/exchange", csrf=foreign[1], address=ADDRESS, password=PASSWORD, agree="yes")
    assert anna.status == 403
    assert world.exchange.servers[HOST].passwords_seen == []


def test_a_person_who_may_choose_sees_both_ways(world: JourneyWorld) -> None:
    browser = opened(world, CalendarKind.ANY)
    assert sign_in(browser).path.endswith("/calendars")

    again = world.browser().get(f"/i/{world.invite(BEN, kind=CalendarKind.ANY).token}").press("Continue to Microsoft")
    assert again.left_to.startswith(LOGIN_URL)


@pytest.mark.parametrize("end", ["withdrawn", "expired", "used"])
def test_a_link_that_has_ended_takes_no_password(world: JourneyWorld, end: str) -> None:
    browser = opened(world)
    page = browser.text
    if end == "withdrawn":
        withdraw_invitation(world.ports, ACCOUNT, ANNA)
    elif end == "expired":
        world.clock.advance(timedelta(days=15))
    else:
        sign_in(browser).submit("/calendars", primary="calendar-1")
        world.exchange.servers[HOST].passwords_seen.clear()
    browser.text = page

    sign_in(browser)

    assert browser.status == 410
    assert world.exchange.servers[HOST].passwords_seen == []


# -- servers and user names ----------------------------------------------------------------------------------------


def test_server_and_user_name_are_asked_for_only_when_they_cannot_be_found(world: JourneyWorld) -> None:
    world.exchange.autodiscover.clear()
    world.exchange.servers[HOST].add("eva@clinic.example", "Evas-Wort-9", login="CLINIC\\eva")
    browser = sign_in(opened(world))
    assert browser.status == 422
    assert "No Exchange server was found" in browser.text
    assert {"server_name", "login"} <= fields(browser)

    sign_in(browser, "Evas-Wort-9", "eva@clinic.example", server_name=HOST, login="CLINIC\\eva")

    assert browser.path.endswith("/account"), browser.text  # another address than the invited one is asked about
    assert world.exchange.servers[HOST].passwords_seen[-1] == ("CLINIC\\eva", "Evas-Wort-9")


def known(world: JourneyWorld, id_: str, address: str, *domains: str) -> KnownServer:
    return world.stores.servers.save(KnownServer(ServerId(id_), ACCOUNT, id_.title(), address, domains))


def test_the_one_server_that_is_known_is_used_and_remembers_what_it_speaks(world: JourneyWorld) -> None:
    world.exchange.autodiscover.clear()
    known(world, "main", HOST)

    sign_in(opened(world)).submit("/calendars", primary="calendar-1")

    server = world.stores.servers.get(ACCOUNT, ServerId("main"))
    assert server is not None
    assert (server.api_version, server.build, server.auth) == ("Exchange2016", "15.2.1544.4", "ntlm")
    assert [one.server for one in world.stores.connections.of_account(ACCOUNT)] == ["main"]


def test_of_several_servers_the_mail_domain_decides(world: JourneyWorld) -> None:
    north = world.exchange.add_server("north.example")
    known(world, "north", "north.example", "north.example")
    known(world, "main", HOST, "clinic.example")

    assert sign_in(opened(world)).path.endswith("/calendars")
    assert north.passwords_seen == []


def test_where_nobody_can_know_the_person_chooses_before_any_password_is_sent(world: JourneyWorld) -> None:
    north = world.exchange.add_server("north.example")
    known(world, "north", "north.example")
    known(world, "main", HOST)

    browser = sign_in(opened(world))
    assert browser.status == 422
    assert "We do not know which of your servers it is" in browser.text
    assert north.passwords_seen == world.exchange.servers[HOST].passwords_seen == []

    sign_in(browser, server="main")
    assert browser.path.endswith("/calendars")
    assert north.passwords_seen == []


def test_the_certificate_of_the_companys_own_authority_is_used(world: JourneyWorld) -> None:
    world.exchange.servers[HOST].ca_pem = "our own"
    assert "certificate is not trusted" in sign_in(opened(world)).text
    world.stores.servers.save(replace(known(world, "main", HOST), ca_pem="our own"))
    assert sign_in(opened_again(world)).path.endswith("/calendars")


def opened_again(world: JourneyWorld) -> Browser:
    world.clock.advance(timedelta(hours=2))
    return opened(world)


# -- Microsoft 365 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["anna@outlook.com", "anna@clinic.onmicrosoft.com", "ANNA@HOTMAIL.COM"])
def test_a_microsoft_address_is_led_to_microsoft_and_its_password_tried_nowhere(
    world: JourneyWorld, address: str
) -> None:
    browser = sign_in(opened(world), address=address)
    assert browser.status == 403
    assert "This mailbox is in Microsoft 365" in browser.text
    assert world.exchange.servers[HOST].passwords_seen == []

    browser.press("Continue to Microsoft")
    assert browser.left_to.startswith(LOGIN_URL)


def test_a_domain_that_lives_at_microsoft_is_led_there_too(world: JourneyWorld) -> None:
    world.exchange.autodiscover["clinic.example"] = "outlook.office365.com"
    browser = sign_in(opened(world))
    assert "This mailbox is in Microsoft 365" in browser.text
    browser.press("Continue to Microsoft").come_back(code="anna").submit("/calendars", primary="calendar-1")
    assert world.state().status is Status.IMPORTING


# -- wrong passwords ------------------------------------------------------------------------------------------------


def test_three_wrong_passwords_stop_for_15_minutes(world: JourneyWorld) -> None:
    browser = opened(world)
    for _ in range(3):
        sign_in(browser, "falsch")
        assert "Exchange does not accept this sign-in" in browser.text
    seen = len(world.exchange.servers[HOST].passwords_seen)

    sign_in(browser)
    assert browser.status == 429
    assert "Three passwords were wrong" in browser.text
    assert len(world.exchange.servers[HOST].passwords_seen) == seen

    world.clock.advance(timedelta(minutes=15))
    assert sign_in(browser).path.endswith("/calendars")


def test_another_address_does_not_get_around_the_stop(world: JourneyWorld) -> None:
    browser = opened(world)
    for number in range(3):
        sign_in(browser, "falsch", f"guess{number}@clinic.example")
    assert sign_in(browser).status == 429


def test_another_invitation_does_not_get_around_the_stop(world: JourneyWorld) -> None:
    browser = opened(world)
    for _ in range(3):
        sign_in(browser, "falsch")
    token = world.invite(BEN, kind=CalendarKind.EXCHANGE).token
    assert sign_in(world.browser().get(f"/i/{token}/exchange")).status == 429


@pytest.mark.parametrize(
    "refusal", [ProviderUnavailableError("timed_out"), ConnectionBrokenError("web_services_off")], ids=lambda e: e.code
)
def test_what_says_nothing_about_the_password_is_not_counted(world: JourneyWorld, refusal: Any) -> None:
    browser = opened(world)
    world.exchange.servers[HOST].refusal = refusal
    for _ in range(5):
        assert sign_in(browser).status in {409, 503}
    world.exchange.servers[HOST].refusal = None
    assert sign_in(browser).path.endswith("/calendars")


def test_a_wrong_password_shows_the_field_for_the_user_name(world: JourneyWorld) -> None:
    browser = sign_in(opened(world), "falsch")
    assert "login" in fields(browser)
    assert "server_name" not in fields(browser)


# -- a password that was changed -------------------------------------------------------------------------------------


def change_password(world: JourneyWorld, password: str = "Neues-Wort-88") -> None:
    world.exchange.servers[HOST].mailboxes[ADDRESS].password = password


def note_expired(world: JourneyWorld) -> None:
    """What the run does with the refusal."""
    state = world.state().moved_to(Status.REAUTH_REQUIRED, world.clock.now(), reason="password_wrong")
    world.stores.resources.save(state)


def test_the_first_refusal_is_the_last_try(world: JourneyWorld) -> None:
    connect(world)
    change_password(world)
    mailbox = world.state().mailbox
    assert mailbox is not None
    world.exchange.servers[HOST].passwords_seen.clear()

    for _ in range(5):  # runs, checks, renewals: each opens the mailbox anew
        provider = world.ports.calendars.of_mailbox(ACCOUNT, mailbox)
        for _again in range(2):
            with pytest.raises(ConsentRevokedError) as refused:
                provider.calendars()
            assert refused.value.code == "password_wrong"

    assert len(world.exchange.servers[HOST].passwords_seen) == 1
    assert not world.exchange.servers[HOST].mailboxes[ADDRESS].is_locked
    connection = world.stores.connections.get(ACCOUNT, mailbox)
    assert connection is not None
    assert (connection.is_broken, connection.broken_code) == (True, "password_wrong")


def test_the_new_password_lets_everything_go_on(world: JourneyWorld) -> None:
    connect(world)
    change_password(world)
    mailbox = world.state().mailbox
    assert mailbox is not None
    with pytest.raises(ConsentRevokedError):
        world.ports.calendars.of_mailbox(ACCOUNT, mailbox).calendars()
    note_expired(world)
    world.queue.take_all()

    manage = manage_path(world.link_key, ACCOUNT, ANNA, world.clock.now(), timedelta(days=90))
    browser = world.browser().get(manage).press("Sign in again")
    assert fields(browser) == {"address", "password"}  # agreed before
    sign_in(browser, "Neues-Wort-88")

    assert browser.path.endswith("/progress")
    assert world.state().status is Status.IMPORTING
    assert [wish.cause for wish in world.queue.take_all()] == ["full"]
    assert world.ports.calendars.of_mailbox(ACCOUNT, mailbox).calendars()


def test_another_mailbox_is_not_put_in_its_place(world: JourneyWorld) -> None:
    connect(world)
    note_expired(world)
    manage = manage_path(world.link_key, ACCOUNT, ANNA, world.clock.now(), timedelta(days=90))
    browser = world.browser().get(f"{manage}/exchange")
    sign_in(browser, "Bens-Wort-1", "ben@clinic.example")
    assert browser.status == 403
    assert world.state().status is Status.REAUTH_REQUIRED


def test_an_old_run_does_not_break_the_new_password(world: JourneyWorld) -> None:
    """A call that was under way with the old password fails after the new one was saved."""
    connect(world)
    mailbox = world.state().mailbox
    assert mailbox is not None
    old = world.ports.calendars.of_mailbox(ACCOUNT, mailbox)
    old.calendars()
    change_password(world)
    stored = world.stores.credentials.load(ACCOUNT, mailbox)
    assert stored is not None
    new = stored[0].replace(PASSWORD.encode(), b"Neues-Wort-88")
    world.stores.credentials.save(ACCOUNT, mailbox, new, stored[1])

    with pytest.raises(ConsentRevokedError):
        old.calendars()

    assert world.ports.calendars.of_mailbox(ACCOUNT, mailbox).calendars()


# -- one mailbox, one owner; apps ------------------------------------------------------------------------------------


def test_a_mailbox_of_somebody_else_is_refused_by_name_of_the_way_out(world: JourneyWorld) -> None:
    connect(world)
    token = world.invite(BEN, kind=CalendarKind.EXCHANGE).token
    browser = sign_in(world.browser().get(f"/i/{token}/exchange"))
    assert browser.status == 409
    assert "There are two ways on" in browser.text


@pytest.mark.parametrize(("rule", "text"), [(AppRule.OFF, "switched off"), (AppRule.CODE, "needs an access code")])
def test_what_an_account_may_not_use_is_said_before_a_password_is_sent(
    world: JourneyWorld, rule: AppRule, text: str
) -> None:
    browser = opened(world)
    apps = world.stores.apps.get(ACCOUNT)
    world.stores.apps.save(replace(apps, rules=((ProviderKind.EXCHANGE, rule),)))

    sign_in(browser)

    assert browser.status == 403
    assert text in browser.text
    assert world.exchange.servers[HOST].passwords_seen == []


def test_a_mail_for_exchange_says_nothing_of_microsofts_approval(world: JourneyWorld) -> None:
    world.invite(kind=CalendarKind.EXCHANGE)
    assert "Need admin approval" not in world.last_mail("invitation").text + world.last_mail("invitation").html
    world.invite(BEN)
    assert "Need admin approval" in world.last_mail("invitation").text


def test_a_second_mail_is_for_the_same_kind(world: JourneyWorld) -> None:
    world.invite(kind=CalendarKind.EXCHANGE)
    world.clock.advance(timedelta(hours=2))
    assert world.invite().invitation.kind is CalendarKind.EXCHANGE


def test_an_invitation_for_microsoft_asks_nobody_for_a_password(world: JourneyWorld) -> None:
    token = world.invite(kind=CalendarKind.OFFICE365).token
    browser = world.browser().get(f"/i/{token}/exchange")
    assert browser.path == f"/i/{token}"
    csrf = re.search(r'name="csrf" value="([^"]*)"', browser.text)
    assert csrf
    browser.post(f"/i/{token}/exchange", csrf=csrf[1], address=ADDRESS, password=PASSWORD, agree="yes")
    assert world.exchange.servers[HOST].passwords_seen == []


def test_who_renews_is_asked_where_the_mailbox_was_found(world: JourneyWorld) -> None:
    """Autodiscover may answer with another name of the same server later; the mailbox is still the same."""
    connect(world)
    change_password(world)
    note_expired(world)
    other = world.exchange.add_server("other-name.example", domain="clinic.example")
    manage = manage_path(world.link_key, ACCOUNT, ANNA, world.clock.now(), timedelta(days=90))
    browser = sign_in(world.browser().get(f"{manage}/exchange"), "Neues-Wort-88")
    assert browser.path.endswith("/progress")
    assert other.passwords_seen == []


def test_the_mail_about_a_changed_password_leads_to_the_page_for_the_new_one(world: JourneyWorld) -> None:
    connect(world)
    note_expired(world)
    tell_reauth_required(world.ports, ACCOUNT, ANNA, "password_wrong")

    mail = world.last_mail("sign_in_expired")
    link = re.search(r"https://calsync.example(/m/\S+/exchange)", mail.text)
    assert link
    browser = world.browser().get(link[1])
    assert browser.status == 200
    assert "Your Exchange sign-in" in browser.text


def test_a_typed_name_of_a_known_server_means_that_server(world: JourneyWorld) -> None:
    world.exchange.servers[HOST].ca_pem = "our own"
    world.stores.servers.save(replace(known(world, "main", HOST), ca_pem="our own"))
    known(world, "north", "north.example")
    browser = sign_in(opened(world))
    assert browser.status == 422

    assert sign_in(browser, server_name=f"https://{HOST}/owa").path.endswith("/calendars")
