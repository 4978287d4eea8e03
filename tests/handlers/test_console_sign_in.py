"""The sign-in of the console: the whole round trip in a browser, and what must not get in."""

from dataclasses import replace
from datetime import timedelta

import pytest
from calsync_core.domain.errors import ProviderUnavailableError

from tests.console_world import ISSUER, MAIN, PUBLIC, Browser, World, first_admin, query_of


def _start(browser: Browser, destination: str = "console") -> dict[str, str]:
    answer = browser.get(f"/signin?next={destination}")
    assert answer["statusCode"] == 303
    return query_of(answer["headers"]["location"])


def _finish(browser: Browser, state: str, code: str = "code-1") -> dict[str, object]:
    return browser.get(f"/signin/callback?state={state}&code={code}")


def test_first_admin_is_bound_once_by_a_verified_address() -> None:
    world = World()
    browser = Browser(world)
    asked = _start(browser)
    world.issuer.codes["code-1"] = first_admin()

    answer = _finish(browser, asked["state"])

    assert (answer["statusCode"], answer["headers"]["location"]) == (303, "/console")
    assert asked["redirect_uri"] == f"{PUBLIC}/signin/callback"
    assert browser.is_signed_in
    assert browser.get("/console")["statusCode"] == 200
    member = world.stores.access.member(ISSUER, "sub-1")
    assert member is not None
    assert (member.account, member.role) == (MAIN, "admin")


def test_signing_in_takes_over_who_there_is_and_a_silent_booking_system_keeps_nobody_out() -> None:
    world = World()
    world.system.add_resource("anna")
    browser = Browser(world)
    asked = _start(browser)
    world.issuer.codes["code-1"] = first_admin()

    _finish(browser, asked["state"])

    assert world.state().resource.name == "Anna"

    def fault(_operation: str, _phase: str) -> None:
        raise ProviderUnavailableError

    world.host.fault = fault
    asked = _start(browser)
    world.issuer.codes["code-2"] = first_admin()
    assert _finish(browser, asked["state"], "code-2")["statusCode"] == 303


def test_an_address_never_identifies_after_the_first_admin_is_bound() -> None:
    world = World()
    first = Browser(world)
    asked = _start(first)
    world.issuer.codes["code-1"] = first_admin()
    _finish(first, asked["state"])
    stranger = Browser(world)
    asked = _start(stranger)
    world.issuer.codes["code-2"] = replace(first_admin(), subject="sub-2")

    answer = _finish(stranger, asked["state"], "code-2")

    assert answer["statusCode"] == 403
    assert not stranger.is_signed_in


@pytest.mark.parametrize(
    "identity",
    [replace(first_admin(), is_email_verified=False), replace(first_admin(), email="other@clinic.example")],
    ids=["not verified", "another address"],
)
def test_nobody_else_becomes_the_first_admin(identity: object) -> None:
    world = World()
    browser = Browser(world)
    asked = _start(browser)
    world.issuer.codes["code-1"] = identity  # type: ignore[assignment]

    assert _finish(browser, asked["state"])["statusCode"] == 403
    assert not browser.is_signed_in


def test_bookings_is_the_only_other_destination() -> None:
    world = World()
    browser = Browser(world)
    asked = _start(browser, "bookings")
    world.issuer.codes["code-1"] = first_admin()

    assert _finish(browser, asked["state"])["headers"]["location"] == "/bookings"  # type: ignore[index]


def test_a_state_works_once() -> None:
    world = World()
    browser = Browser(world)
    asked = _start(browser)
    world.issuer.codes["code-1"] = first_admin()
    _finish(browser, asked["state"])
    world.issuer.codes["code-1"] = first_admin()

    assert _finish(browser, asked["state"])["statusCode"] == 403


def test_a_state_of_another_browser_is_refused_and_used_up() -> None:
    world = World()
    victim, attacker = Browser(world), Browser(world)
    asked = _start(attacker)
    _start(victim)
    world.issuer.codes["code-1"] = first_admin()

    assert _finish(victim, asked["state"])["statusCode"] == 403
    assert not victim.is_signed_in
    assert _finish(attacker, asked["state"])["statusCode"] == 403


def test_a_state_is_good_for_ten_minutes() -> None:
    world = World()
    browser = Browser(world)
    asked = _start(browser)
    world.issuer.codes["code-1"] = first_admin()
    world.clock.advance(timedelta(minutes=10))

    assert _finish(browser, asked["state"])["statusCode"] == 403


def test_cancelling_at_the_issuer_leaves_nothing_behind() -> None:
    world = World()
    browser = Browser(world)
    asked = _start(browser)

    answer = browser.get(f"/signin/callback?state={asked['state']}&error=access_denied")

    assert answer["statusCode"] == 403
    assert "cancelled" in answer["body"]


def test_sign_out_ends_our_session_and_leads_to_the_issuer() -> None:
    world = World()
    browser = world.browser()

    answer = browser.post("/signin/out")

    assert answer["statusCode"] == 200
    assert f"{ISSUER}/logout" in answer["body"]
    assert not browser.is_signed_in
    assert browser.get("/console")["statusCode"] == 303


def test_a_session_ends_after_its_time() -> None:
    world = World()
    browser = world.browser()
    world.clock.advance(timedelta(hours=2))

    assert browser.get("/console")["headers"]["location"] == "/signin?next=console"
