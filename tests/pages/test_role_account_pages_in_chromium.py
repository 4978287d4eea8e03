"""Role accounts in a real Chromium: both kinds entered, tested and shown, with and without scripts; axe, 320 px."""

from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import pytest
from calsync_core.adapters.memory.role_access import LOGIN_URL
from calsync_core.domain.free_busy import BusyTimes

from tests.console_world import NOW, World
from tests.pages.page_server import answering
from tests.pages.test_exchange_pages_in_chromium import check_here, check_pages
from tests.pages.test_public_pages_in_chromium import chromium, page, pytestmark  # noqa: F401

HOST, SECRET, LENA = "mail.clinic.example", "Geheim-Wort-77", "lena@clinic.example"
ROLES, SERVERS = "/console/connections/role-accounts", "/console/connections/servers"


@pytest.fixture
def console() -> World:
    world = World()
    world.exchange.add_server(HOST).add("svc@clinic.example", SECRET)
    for service in (world.role_access.exchange, world.role_access.office365):
        service.key, service.schedules[LENA] = SECRET, BusyTimes()
    return world


@pytest.mark.parametrize("page", [True], ids=["scripts"], indirect=True)
def test_role_accounts_are_entered_tested_and_listed(console: World, page: Any) -> None:  # noqa: F811
    with answering(lambda event: console.handler(event, None)) as base:
        sign_in(console, page, base)
        check_pages(page, base, [f"{ROLES}/new?kind=exchange", f"{ROLES}/new?kind=office365"])
        in_cloud(page, base)
        examine(page, console)
        page.goto(f"{base}{SERVERS}/new")
        page.get_by_label("Title").fill("Head office")
        page.get_by_label("Server name or address of the web services").fill(HOST)
        page.get_by_role("button", name="Save").click()
        on_prem(page, base)
        examine(page, console)
        page.goto(f"{base}/console/connections")
        assert page.locator("#role-accounts + p + .scroll tbody tr").count() == 2
        check_here(page)


@pytest.mark.parametrize("page", [True], ids=["scripts"], indirect=True)
def test_a_refusal_leads_to_its_field_and_an_ending_key_is_told(console: World, page: Any) -> None:  # noqa: F811
    with answering(lambda event: console.handler(event, None)) as base:
        sign_in(console, page, base)
        in_cloud(page, base, endpoint="https://evil.example/x")
        check_here(page)
        assert page.locator("#token_endpoint").get_attribute("aria-invalid") == "true"
        assert SECRET not in page.content()
        in_cloud(page, base)
        console.clock.advance(timedelta(days=95))
        sign_in(console, page, base)
        page.goto(f"{base}/console/connections")
        page.get_by_text("The key of the role account expires soon").wait_for()
        page.get_by_role("link", name="Cloud").click()
        page.get_by_text("It ends in 3 days.").wait_for()
        check_here(page)


@pytest.mark.parametrize("page", [False], ids=["no scripts"], indirect=True)
def test_nothing_hangs_on_scripts(console: World, page: Any) -> None:  # noqa: F811
    with answering(lambda event: console.handler(event, None)) as base:
        sign_in(console, page, base)
        in_cloud(page, base)
        page.get_by_label("Address to try it on").fill(LENA)
        page.get_by_role("button", name="Test now").click()
        page.get_by_text("Answers for its mail domains").wait_for()


def sign_in(world: World, page: Any, base: str) -> None:  # noqa: F811
    host = urlsplit(base)
    cookies = SimpleCookie("; ".join(f"{name}={value}" for name, value in world.browser().cookies.items()))
    page.context.add_cookies(
        [
            {"name": name, "value": morsel.value, "url": f"https://{host.hostname}:{host.port}", "secure": True}
            for name, morsel in cookies.items()
        ]
    )


def in_cloud(page: Any, base: str, endpoint: str = f"{LOGIN_URL}/clinic.example/oauth2/v2.0/token") -> None:  # noqa: F811
    page.goto(f"{base}{ROLES}/new?kind=office365")
    page.get_by_label("Title").fill("Cloud")
    page.get_by_label("Mail domains").fill("clinic.example")
    page.get_by_label("Token endpoint").fill(endpoint)
    page.get_by_label("Application (client) ID").fill("0c0f8f39-1f0c-4a0f-9a36-5c0f3f3b2f11")
    page.get_by_label("Mailbox through which it asks").fill("office@clinic.example")
    page.get_by_label("Value").fill(SECRET)
    page.get_by_label("Expires on").fill(f"{NOW + timedelta(days=99):%Y-%m-%d}")
    page.get_by_role("button", name="Save").click()


def on_prem(page: Any, base: str) -> None:  # noqa: F811
    page.goto(f"{base}{ROLES}/new?kind=exchange")
    page.get_by_label("Title").fill("Everybody")
    page.get_by_label("Mail domains").fill("lab.example, clinic.test")
    page.get_by_label("E-mail of the account").fill("svc@clinic.example")
    page.locator("#password").fill(SECRET)
    page.get_by_role("button", name="Save").click()


def examine(page: Any, world: World) -> None:  # noqa: F811
    page.get_by_text("The role account was saved").wait_for()
    check_here(page)
    domain = page.get_by_label("Mail domains").input_value().split()[0]
    address = f"lena@{domain}"
    for service in (world.role_access.exchange, world.role_access.office365):
        service.schedules[address] = BusyTimes()
    page.get_by_label("Address to try it on").fill(address)
    page.get_by_role("button", name="Test now").click()
    page.get_by_role("heading", name="Connection test").wait_for()
    page.get_by_text("Answers for its mail domains").wait_for()
    check_here(page)
    assert SECRET not in page.content()
