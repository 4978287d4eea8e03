"""The journeys as a browser without scripts goes them, and as scanners, robots and strangers try to."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from calsync_core.domain.appointments import Timed
from calsync_core.domain.conflicts import Conflict, ConflictKind, ConflictStatus
from calsync_core.domain.connections import Calendar
from calsync_core.domain.errors import InstallationError, MailboxUnusableError
from calsync_core.domain.ids import BookingId, CalendarId, ConflictId, LinkRef
from calsync_core.domain.resources import InvitationState, Progress, Status
from calsync_core.usecases.connect_own_calendar import ConnectOwnCalendar, connect_own_calendar
from calsync_core.usecases.withdraw_invitation import withdraw_invitation
from calsync_core.web.links import conflict_path, manage_path

from tests.journey_world import ACCOUNT, ANNA, BEN, LOGIN_URL, NOW, PUBLIC_URL, ROOM, Browser, JourneyWorld


def manage(world: JourneyWorld) -> str:
    return manage_path(world.link_key, ACCOUNT, ANNA, world.clock.now(), timedelta(days=90))


def connected(world: JourneyWorld) -> Browser:
    browser = world.connect()
    state = world.state()
    done = replace(state.moved_to(Status.CONNECTED, world.clock.now()), last_sync_at=world.clock.now())
    world.stores.resources.save(done)
    world.queue.take_all()
    return browser


def everything_stored(world: JourneyWorld) -> str:
    journeys = vars(world.stores.journeys)
    return repr((world.state(), {name: value for name, value in journeys.items() if name != "_lock"}))


# -- from the mail to the choice ----------------------------------------------------------------------------------


def test_a_person_connects_without_scripts() -> None:
    world = JourneyWorld()
    browser = world.browser()
    link = re.search(r"https://\S+/i/\S+", (world.invite(), world.last_mail("invitation"))[1].text)
    assert link

    browser.get(link[0])
    assert "For: Dr Anna Weber" in browser.text
    assert "only “Busy”" in browser.text
    browser.press("Continue to Microsoft")
    assert browser.left_to.startswith(LOGIN_URL)
    browser.come_back(code="anna")
    assert "Signed in as anna@clinic.example" in browser.text
    browser.submit("/calendars", primary="calendar-1")

    assert browser.path.endswith("/progress")
    assert "Connected, now copying" in browser.text
    assert world.state().status is Status.IMPORTING


def test_a_scanner_that_opens_the_link_20_times_changes_nothing() -> None:
    world = JourneyWorld()
    token = world.invite().token
    before = everything_stored(world)
    for _ in range(20):
        for path in ("", "/not-me", "/it"):
            assert world.browser().get(f"/i/{token}{path}").status == 200
    assert everything_stored(world) == before


def test_a_robot_that_presses_every_button_leaves_the_link_usable() -> None:
    """Mail robots run scripts and press buttons; none of them can sign in or choose."""
    world = JourneyWorld()
    token = world.invite().token
    for path in ("", "/not-me", "/it"):
        robot = world.browser().get(f"/i/{token}{path}")
        for form in re.findall(r"<form.*?</form>", robot.text, re.DOTALL):
            action = re.search(r'action="([^"]*)"', form)
            assert action
            robot.post(action[1], **dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form)))
    assert world.state().invitation is InvitationState.OPENED

    browser = world.browser().get(f"/i/{token}").press("Continue to Microsoft").come_back(code="anna")
    browser.submit("/calendars", primary="calendar-1")
    assert world.state().status is Status.IMPORTING


def test_continue_needs_the_token_of_this_browser() -> None:
    world = JourneyWorld()
    token = world.invite().token
    mallory = world.browser().get(f"/i/{token}")
    field = re.search(r'name="csrf" value="([^"]*)"', mallory.text)
    assert field
    anna = world.browser().get(f"/i/{token}")
    anna.post(f"/i/{token}/continue", csrf=field[1])
    assert anna.status == 403
    assert not world.sign_in.begun


def test_the_page_that_leads_to_the_sign_in_allows_that_and_nothing_more() -> None:
    world = JourneyWorld()
    policy = world.browser().get(f"/i/{world.invite().token}").headers["content-security-policy"]
    assert "form-action 'self' https:" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "form-action 'self';" in world.browser().get("/i/help").headers["content-security-policy"]


def test_a_stack_without_microsoft_says_what_is_missing() -> None:
    world = JourneyWorld()
    world.sign_in.refuses_to_begin = InstallationError("entra_missing")
    browser = world.browser().get(f"/i/{world.invite().token}").press("Continue to Microsoft")
    assert browser.status == 503
    assert "The connection to Microsoft is not set up yet" in browser.text
    assert world.state().invitation is InvitationState.SENT


# -- links that lead nowhere (any more) ---------------------------------------------------------------------------


def test_an_unknown_link_gives_no_hint_and_the_same_page_as_any_other() -> None:
    world = JourneyWorld()
    world.invite()
    pages = set()
    for token in ("A" * 43, "short", "a.b", "é", "x" * 3000):
        browser = world.browser().get(f"/i/{token}")
        assert browser.status == 404
        assert token not in browser.text
        pages.add(re.sub(r'value="[^"]*"', "", browser.text))
    assert len(pages) == 1
    assert "<form" not in pages.pop()


def test_an_expired_link_sends_a_new_one_to_the_invited_address_only() -> None:
    world = JourneyWorld()
    token = world.invite().token
    world.clock.advance(timedelta(days=15))
    browser = world.browser().get(f"/i/{token}")
    assert browser.status == 410
    assert "This link has expired" in browser.text

    browser.press("Send me a new one")

    assert "Look into your mailbox" in browser.text
    assert "anna@" not in browser.text
    assert world.mailer.sent[-1].to == "anna@clinic.example"
    new = re.search(r"/i/([\w-]+)", world.mailer.sent[-1].text)
    assert new
    assert world.browser().get(f"/i/{new[1]}").status == 200


@pytest.mark.parametrize("path", ["", "/it", "/not-me"])
def test_a_withdrawn_link_says_so_and_offers_no_button(path: str) -> None:
    world = JourneyWorld()
    token = world.invite().token
    withdraw_invitation(world.ports, ACCOUNT, ANNA)
    browser = world.browser().get(f"/i/{token}{path}")
    assert browser.status == 410
    assert "This invitation was withdrawn" in browser.text
    assert "<form" not in browser.text


def test_a_replaced_link_points_to_the_newest_mail() -> None:
    world = JourneyWorld()
    token = world.invite().token
    world.clock.advance(timedelta(hours=2))
    world.invite()
    browser = world.browser().get(f"/i/{token}")
    assert "There is a newer link" in browser.text


def test_a_used_link_leads_to_manage_by_mail() -> None:
    world = JourneyWorld()
    world.connect()
    link = re.search(r"/i/[\w-]+", world.last_mail("invitation").text)
    assert link
    browser = world.browser().get(link[0])
    assert "This calendar is already connected" in browser.text
    browser.press("Mail me the link")
    assert world.mailer.sent[-1].kind == "new_link"
    address = re.search(r"https://\S+/m/\S+", world.mailer.sent[-1].text)
    assert address
    assert world.browser().get(address[0]).status == 200


def test_saying_no_needs_a_choice_of_ones_own() -> None:
    world = JourneyWorld()
    token = world.invite().token
    browser = world.browser().get(f"/i/{token}/not-me")
    browser.press("Tell City Clinic")
    assert browser.status == 422
    assert world.state().invitation is InvitationState.SENT
    browser.press("Tell City Clinic", why="not_me")
    assert "Thank you, noted" in browser.text
    assert world.state().invitation is InvitationState.DECLINED
    assert world.browser().get(f"/i/{token}").status == 410


# -- what Microsoft answers ---------------------------------------------------------------------------------------


def at_microsoft(world: JourneyWorld) -> Browser:
    return world.browser().get(f"/i/{world.invite().token}").press("Continue to Microsoft")


def test_cancel_at_microsoft_offers_both_ways_on() -> None:
    world = JourneyWorld()
    browser = at_microsoft(world).come_back(error="access_denied", error_description="AADSTS65004: <script>")
    assert browser.status == 403
    assert "You pressed Cancel at Microsoft" in browser.text
    assert "AADSTS" not in browser.text
    assert re.search(r'href="/i/[\w-]+"', browser.text)
    assert re.search(r'href="/i/[\w-]+/not-me"', browser.text)


def test_need_admin_approval_gives_a_text_for_it_with_a_link_that_works_without_a_cookie() -> None:
    world = JourneyWorld()
    browser = at_microsoft(world).come_back(error="admin_consent_required")
    assert "Your IT has to allow calsync first" in browser.text
    assert world.state().invitation is InvitationState.STUCK_AT_MICROSOFT
    address = re.search(rf"{LOGIN_URL}/organizations/adminconsent\?[^\s<]+", browser.text.replace("&amp;", "&"))
    assert address
    state = parse_qs(urlsplit(address[0]).query)["state"][0]

    approved = world.browser().get(f"/oauth/callback?admin_consent=True&tenant=any&state={state}")
    assert "Approved, thank you" in approved.text
    refused = world.browser().get(f"/oauth/admin?error=permission_denied&state={state}")
    assert "Not approved" in refused.text
    assert not world.stores.connections.of_account(ACCOUNT)


def test_another_account_shows_both_addresses_and_a_choice() -> None:
    world = JourneyWorld()
    world.add_person("private", "anna@outlook.example")
    browser = at_microsoft(world).come_back(code="private")
    assert browser.path.endswith("/account")
    assert "anna@outlook.example" in browser.text
    assert "anna@clinic.example" in browser.text
    skipped = browser.path.replace("/account", "/calendars")
    assert browser.get(skipped).path.endswith("/account")
    browser.press("Use this account")
    assert browser.path.endswith("/calendars")
    browser.submit("/calendars", primary="calendar-1")
    assert world.state().status is Status.IMPORTING


def test_another_account_may_be_left_for_the_right_one() -> None:
    world = JourneyWorld()
    world.add_person("private", "anna@outlook.example")
    browser = at_microsoft(world).come_back(code="private").press("Sign in as")
    assert browser.left_to.startswith(LOGIN_URL)
    browser.come_back(code="anna")
    assert browser.path.endswith("/calendars")


@pytest.mark.parametrize("code", ["mailbox_guest", "mailbox_new", "mailbox_on_premises_or_unlicensed"])
def test_a_mailbox_that_cannot_be_served_is_named(code: str) -> None:
    world = JourneyWorld()
    world.sign_in.people["anna"].unusable = MailboxUnusableError(code)
    browser = at_microsoft(world).come_back(code="anna")
    assert browser.status == 409
    assert f"Reference: {code}" in browser.text
    assert world.last_mail("not_connected").to == "anna@clinic.example"


def test_a_taken_mailbox_is_refused_with_both_ways_out() -> None:
    world = JourneyWorld()
    world.connect()
    browser = world.browser().get(f"/i/{world.invite(BEN).token}").press("Continue to Microsoft")
    browser.come_back(code="anna")
    assert browser.status == 409
    assert "Share the calendar" in browser.text
    assert "Move the connection" in browser.text
    assert "Anna" not in browser.text  # whose it is stays unsaid
    assert world.state(BEN).mailbox is None


def test_a_callback_in_another_browser_is_refused() -> None:
    world = JourneyWorld()
    anna = at_microsoft(world)
    state = parse_qs(urlsplit(anna.left_to).query)["state"][0]
    for cookies in ({}, {"__Host-calsync-visit": "m" * 43}):
        mallory = world.browser()
        mallory.cookies = cookies
        mallory.get(f"/oauth/callback?state={state}&code=anna")
        assert mallory.status == 403
        assert not world.stores.connections.of_account(ACCOUNT)


def test_the_choice_of_one_browser_cannot_be_made_in_another() -> None:
    world = JourneyWorld()
    anna = at_microsoft(world).come_back(code="anna")
    stranger = world.browser().get(anna.path)
    assert stranger.status == 403
    assert "Calendar" not in stranger.text.split("<main")[1].split("</main>")[0].replace("Your calendar", "")


def test_a_grant_for_one_resource_is_no_grant_for_another() -> None:
    world = JourneyWorld()
    anna = at_microsoft(world).come_back(code="anna")
    foreign = manage_path(world.link_key, ACCOUNT, BEN, world.clock.now(), timedelta(days=1))
    assert anna.get(f"{foreign}/calendars").status == 403


def test_a_wrong_choice_shows_the_form_again_with_what_was_chosen() -> None:
    world = JourneyWorld()
    server = world.sign_in.people["anna"].server
    for name in ("c1", "c2"):
        server.calendars[CalendarId(name)] = Calendar(CalendarId(name), f"<{name}>", is_default=False, may_write=False)
    browser = at_microsoft(world).come_back(code="anna")
    assert "&lt;c1&gt;" in browser.text
    browser.submit("/calendars", primary="c1", conflicts="c2")
    assert browser.status == 422
    assert 'role="alert"' in browser.text
    assert re.search(r'name="conflicts" value="c2" checked', browser.text)
    assert world.state().status is Status.AWAITING


def test_pressing_connect_twice_leads_to_the_progress() -> None:
    world = JourneyWorld()
    browser = at_microsoft(world).come_back(code="anna")
    form = re.search(r"<form.*?</form>", browser.text, re.DOTALL)
    assert form
    action, token = browser.path, re.search(r'name="csrf" value="([^"]*)"', form[0])
    assert token
    for _ in range(2):
        browser.post(action, csrf=token[1], primary="calendar-1")
        assert browser.path.endswith("/progress")
    assert world.state().attempt == 1


# -- progress -----------------------------------------------------------------------------------------------------


def poll(browser: Browser) -> str | None:
    found = re.search(r'hx-get="([^"]*)" hx-trigger="load delay:(\d+)s"', browser.text)
    return found and f"{found[2]} {found[1]}"


def test_the_progress_polls_ever_more_slowly_and_stops_by_itself() -> None:
    world = JourneyWorld()
    browser = world.connect()
    waits = {}
    path = browser.path
    for number in (0, 19, 20, 79, 80, 5000):
        browser.get(f"{path}?n={number}", {"hx-request": "true"})
        waits[number] = (poll(browser) or " ").split()[0]
        assert len(browser.text) < 1200
        assert "<html" not in browser.text
    assert waits == {0: "3", 19: "3", 20: "10", 79: "10", 80: "30", 5000: "30"}

    state = world.state()
    world.stores.resources.save(replace(state, progress=Progress(near_done=True, done=420, expected=1300)))
    browser.get(path)
    assert "The next 14 days are in." in browser.text
    assert "420 of about 1300" in browser.text
    assert 'value="32"' in browser.text

    world.stores.resources.save(world.state().moved_to(Status.CONNECTED, NOW))
    browser.get(f"{path}?n=x&n=-1", {"hx-request": "true"})
    assert "Connected" in browser.text
    assert poll(browser) is None


def test_an_import_that_lost_access_says_so() -> None:
    world = JourneyWorld()
    browser = world.connect()
    world.stores.resources.save(world.state().moved_to(Status.REAUTH_REQUIRED, NOW, reason="auth_expired"))
    browser.get(browser.path)
    assert "Microsoft no longer lets us in" in browser.text
    assert poll(browser) is None


# -- manage -------------------------------------------------------------------------------------------------------


def test_manage_shows_how_it_stands_but_no_calendar_names() -> None:
    world = JourneyWorld()
    server = world.sign_in.people["anna"].server
    server.calendars[CalendarId("c1")] = Calendar(CalendarId("c1"), "Secret club", is_default=False, may_write=True)
    connected(world)
    browser = world.browser().get(manage(world))
    assert "Connected" in browser.text
    assert "anna@clinic.example" in browser.text
    assert "Secret club" not in browser.text


def test_pause_and_resume() -> None:
    world = JourneyWorld()
    connected(world)
    browser = world.browser().get(manage(world))
    browser.press("Pause", until="2026-11-23")
    assert world.state().paused_until_at is not None
    assert world.state().paused_until_at.isoformat() == "2026-11-22T23:00:00+00:00"  # midnight in Berlin
    assert "until 23 November 2026" in browser.text
    browser.press("Go on now")
    assert world.state().status is Status.CONNECTED
    browser.press("Pause", until="yesterday")
    assert browser.status == 422


def test_disconnect_names_numbers_and_needs_a_choice_and_a_tick() -> None:
    world = JourneyWorld()
    connected(world)
    browser = world.browser().get(f"{manage(world)}/disconnect")
    assert "0 bookings in your calendar" in browser.text
    fields: dict[str, str]
    for fields in ({}, {"copies": "remove"}, {"sure": "yes"}, {"copies": "all", "sure": "yes"}):
        browser.press("Disconnect", **fields)
        assert browser.status == 422
        assert world.state().status is Status.CONNECTED
    browser.press("Disconnect", copies="remove", sure="yes")
    assert world.state().status is Status.DISCONNECTED
    assert world.state().mailbox is None  # nothing was left to do
    assert "Disconnected" in browser.text
    assert world.last_mail("notice").to == "anna@clinic.example"


def test_other_calendars_are_chosen_after_a_sign_in() -> None:
    world = JourneyWorld()
    server = world.sign_in.people["anna"].server
    server.calendars[CalendarId("c1")] = Calendar(CalendarId("c1"), "Practice", is_default=False, may_write=True)
    connected(world)
    browser = world.browser().get(manage(world)).press("Continue to Microsoft").come_back(code="anna")
    assert re.search(r'value="calendar-1" checked', browser.text)
    browser.submit("/calendars", primary="c1")
    assert world.state().primary == "c1"


def test_a_forms_address_asked_for_by_a_browser_leads_to_the_page_of_the_form() -> None:
    world = JourneyWorld()
    token = world.invite().token
    browser = world.browser().get(f"/i/{token}/continue")
    assert (browser.status, browser.path) == (200, f"/i/{token}")
    assert world.sign_in.begun == []


def test_a_room_is_offered_its_own_calendar_before_that_of_its_custodian() -> None:
    world = JourneyWorld()
    server = world.sign_in.people["anna"].server
    server.calendars[CalendarId("room")] = Calendar(
        CalendarId("room"),
        "Room 4",
        is_default=False,
        may_write=True,
        is_shared=True,
        owner_address="Room4@clinic.example",
    )
    browser = world.browser().get(f"/i/{world.invite(ROOM).token}").press("Continue to Microsoft")
    browser.come_back(code="anna")
    assert re.search(r'name="primary" value="room" checked', browser.text)
    assert not re.search(r'value="calendar-1" checked', browser.text)


def test_signing_in_again_from_the_mail() -> None:
    world = JourneyWorld()
    connected(world)
    world.stores.resources.save(world.state().moved_to(Status.REAUTH_REQUIRED, NOW, reason="auth_expired"))
    browser = world.browser().get(manage(world))
    assert "Until you sign in again" in browser.text
    browser.press("Sign in again").come_back(code="anna")
    assert world.state().status is Status.CONNECTED
    assert browser.path.endswith("/progress")


def test_an_expired_manage_link_is_renewed_by_mail_once_an_hour() -> None:
    world = JourneyWorld()
    connected(world)
    old = manage(world)
    world.clock.advance(timedelta(days=91))
    browser = world.browser().get(old)
    assert browser.status == 410
    assert "<form" in browser.text
    assert "Connected" not in browser.text
    for _ in range(3):
        world.browser().get(old).press("Send me a new one")
    assert [mail.kind for mail in world.mailer.sent].count("new_link") == 1


@pytest.mark.parametrize("path", ["", "/progress", "/disconnect", "/calendars", "/account"])
def test_a_forged_manage_link_opens_nothing(path: str) -> None:
    world = JourneyWorld()
    connected(world)
    link = manage(world)
    forged = link[:-4] + ("AAAA" if not link.endswith("AAAA") else "BBBB")
    assert world.browser().get(f"{forged}{path}").status == 404


@pytest.mark.parametrize(
    "path", ["/pause", "/resume", "/sign-in", "/disconnect", "/new-link", "/account", "/calendars"]
)
def test_no_form_works_without_its_token(path: str) -> None:
    world = JourneyWorld()
    connected(world)
    before = world.state()
    browser = world.browser().get(manage(world))
    browser.post(f"{manage(world)}{path}", copies="remove", sure="yes")
    assert browser.status == 403
    assert world.state() == before


def test_who_was_told_why_it_failed_tries_again_from_that_mail() -> None:
    world = JourneyWorld()
    anna = world.sign_in.people["anna"]
    anna.unusable = MailboxUnusableError("mailbox_new")
    at_microsoft(world).come_back(code="anna")
    link = re.search(r"https://\S+/m/\S+", world.last_mail("not_connected").text)
    assert link
    anna.unusable = None

    browser = world.browser().get(link[0]).press("Continue to Microsoft").come_back(code="anna")
    browser.submit("/calendars", primary="calendar-1")

    assert world.state().status is Status.IMPORTING


def test_an_admin_who_signed_in_with_the_wrong_account_may_choose_the_right_one() -> None:
    world = JourneyWorld()
    world.add_person("private", "admin@outlook.example")
    browser = world.browser().get("/i/help")
    command = ConnectOwnCalendar(ACCOUNT, ANNA, "issuer#admin", browser.cookies["__Host-calsync-visit"], "/console")
    browser.left_to = connect_own_calendar(world.ports, command)
    browser.come_back(code="private").press("Sign in as").come_back(code="anna")
    browser.submit("/calendars", primary="calendar-1")
    assert world.state().status is Status.IMPORTING


def test_a_manage_link_does_not_outlive_a_withdrawn_invitation() -> None:
    world = JourneyWorld()
    world.invite()
    browser = world.browser().get(manage(world))
    form = re.search(r'name="csrf" value="([^"]*)"', browser.text)
    assert form
    withdraw_invitation(world.ports, ACCOUNT, ANNA)
    browser.post(f"{manage(world)}/sign-in", csrf=form[1])
    assert browser.status == 410
    assert not world.sign_in.begun
    assert "ask City Clinic for an invitation" in browser.get(manage(world)).text


# -- conflicts ----------------------------------------------------------------------------------------------------


def a_conflict(world: JourneyWorld, **more: Any) -> Conflict:
    when = Timed(NOW + timedelta(days=1), NOW + timedelta(days=1, hours=1))
    conflict = Conflict(
        ConflictId("c-1"), ACCOUNT, ANNA, ConflictKind.SAME_TIME, LinkRef("b-1"), BookingId("b1"), LinkRef("e-1"), None,
        when, when, NOW, **more,
    )  # fmt: skip
    world.stores.conflicts.save(conflict)
    return conflict


def test_a_conflict_link_needs_a_choice_and_dies_when_the_conflict_changes() -> None:
    world = JourneyWorld()
    connected(world)
    conflict = a_conflict(world)
    path = conflict_path(world.link_key, ACCOUNT, conflict.id, conflict.revision, NOW)
    browser = world.browser().get(path)
    assert "Two entries at the same time" in browser.text
    assert not re.search(r"type=\"radio\"[^>]*checked", browser.text)
    browser.press("Do this")
    assert browser.status == 422

    world.stores.conflicts.save(replace(conflict, revision=2))
    browser.press("Do this", resolution="keep_booking")
    assert "This has changed since the mail was sent" in browser.text
    stored = world.stores.conflicts.get(ACCOUNT, conflict.id)
    assert stored is not None
    assert stored.status is ConflictStatus.OPEN


def test_a_conflict_is_ended_from_its_link() -> None:
    world = JourneyWorld()
    connected(world)
    conflict = a_conflict(world)
    browser = world.browser().get(conflict_path(world.link_key, ACCOUNT, conflict.id, conflict.revision, NOW))
    browser.press("Do this", resolution="leave_both", until="2026-11-28")
    stored = world.stores.conflicts.get(ACCOUNT, conflict.id)
    assert stored is not None
    assert (stored.status, stored.ended_by) == (ConflictStatus.LEFT, "Dr Anna Weber")
    assert "This is settled" in browser.text


def test_a_day_that_cannot_be_is_said_and_the_choice_stays() -> None:
    world = JourneyWorld()
    connected(world)
    conflict = a_conflict(world)
    browser = world.browser().get(conflict_path(world.link_key, ACCOUNT, conflict.id, conflict.revision, NOW))

    browser.press("Do this", resolution="leave_both", until="2020-01-01")

    assert browser.status == 422
    assert "Choose a day between tomorrow and a year from now" in browser.text
    assert re.findall(r'value="(\w+)" required checked', browser.text) == ["leave_both"]
    assert 'name="until" value="2020-01-01"' in browser.text


def test_the_manage_page_lists_all_that_waits_the_next_first() -> None:
    """Story: a mail told of the first of seven conflicts, and of the other six nothing ever did."""
    world = JourneyWorld()
    connected(world)
    conflict = a_conflict(world)
    for number in (3, 2):
        when = Timed(NOW + timedelta(days=number), NOW + timedelta(days=number, hours=1))
        one = replace(conflict, id=ConflictId(f"c-{number}"), kind=ConflictKind.COPY_DELETED, booking_when=when,
                      calendar_when=None)  # fmt: skip
        world.stores.conflicts.save(one)
    world.stores.conflicts.save(replace(conflict, id=ConflictId("c-9"), status=ConflictStatus.SETTLED))

    browser = world.browser().get(manage(world))

    assert "3 conflicts wait for your decision" in browser.text
    listed = re.findall(r'<li><a href="(/c/[^"]+)">([^<]+)</a><br>([^<]+)</li>', browser.text)
    assert [kind for _, _, kind in listed] == ["Two entries at the same time"] + ["Deleted in the calendar"] * 2
    assert [when.split()[1] for _, when, _ in listed] == ["21", "22", "23"]
    page = world.browser().get(listed[1][0])
    assert "Write it into the calendar again" in page.text
    assert "<dt>Calendar</dt><dd>not there any more</dd>" in page.text
    page.press("Do this", resolution="leave_both", until="2026-11-28")
    assert sorted(one.id for one in world.stores.conflicts.open(ACCOUNT)) == ["c-1", "c-3"]


def test_all_links_on_all_pages_stay_on_our_host() -> None:
    world = JourneyWorld()
    token = world.invite().token
    texts = [
        world.browser().get(path).text for path in (f"/i/{token}", f"/i/{token}/it", f"/i/{token}/not-me", "/i/help")
    ]
    connected(world_two := JourneyWorld())
    texts += [world_two.browser().get(f"{manage(world_two)}{path}").text for path in ("", "/progress", "/disconnect")]
    for text in texts:
        for target in re.findall(r'(?:href|src|action|hx-get)="([^"]*)"', text):
            assert target.startswith("/") or target == "#main" or target == "https://clinic.example/privacy", target
        assert PUBLIC_URL not in re.sub(r"<pre.*?</pre>", "", text, flags=re.DOTALL)
