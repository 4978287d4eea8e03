"""The Exchange pages in a real Chromium: the form of the journey, and the console's server and report pages."""

from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import pytest
from calsync_core.domain.apps import CalendarKind
from calsync_core.domain.resources import Status

from tests.console_world import World
from tests.journey_world import ANNA, JourneyWorld
from tests.pages.page_server import answering
from tests.pages.test_public_pages_in_chromium import address, check, chromium, page, pytestmark  # noqa: F401

ADDRESS, PASSWORD, HOST = "anna@clinic.example", "Trotzdem-gut-77", "mail.clinic.example"


@pytest.fixture
def world() -> JourneyWorld:
    world = JourneyWorld()
    world.exchange.add_server(HOST, domain="clinic.example").add(ADDRESS, PASSWORD)
    return world


def sign_in(page: Any, password: str = PASSWORD) -> None:  # noqa: F811
    page.get_by_label("Password").fill(password)
    if page.get_by_role("checkbox").count():  # who agreed before is not asked again
        page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Connect").click()


def test_the_whole_journey(world: JourneyWorld, page: Any, address: str) -> None:  # noqa: F811
    page.goto(f"{address}/i/{world.invite(kind=CalendarKind.EXCHANGE).token}")
    page.get_by_role("link", name="Continue").click()
    assert page.get_by_label("E-mail").input_value() == ADDRESS

    sign_in(page, "falsch")
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("Password").input_value() == ""
    assert page.get_by_label("User name").is_visible()
    sign_in(page)
    page.wait_for_url("**/calendars")
    page.get_by_role("button", name="Connect").click()
    page.wait_for_url("**/progress")

    assert world.state(ANNA).status is Status.IMPORTING


@pytest.mark.parametrize("page", [True], ids=["scripts"], indirect=True)  # axe is a script
def test_the_form_in_all_its_states(world: JourneyWorld, page: Any, address: str) -> None:  # noqa: F811
    path = f"/i/{world.invite(kind=CalendarKind.EXCHANGE).token}/exchange"
    check(page, address, [path])
    world.exchange.autodiscover.clear()
    page.goto(f"{address}{path}")
    sign_in(page)
    page.get_by_label("Server name").wait_for()
    check_here(page)
    world.exchange.autodiscover["clinic.example"] = "outlook.office365.com"
    page.goto(f"{address}{path}")
    sign_in(page)
    page.get_by_role("button", name="Continue to Microsoft").wait_for()
    check_here(page)


def check_here(page: Any) -> None:  # noqa: F811
    """The answer to a press has no address of its own."""
    from axe_playwright_python.sync_playwright import Axe

    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page)
        assert not found.response["violations"], found.generate_report()
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.fixture
def console() -> World:
    world = World()
    world.add_resource()
    world.connect()
    world.exchange.add_server(HOST, domain="clinic.example").add("probe@clinic.example", PASSWORD)
    return world


@pytest.mark.parametrize("page", [True], ids=["scripts"], indirect=True)
def test_the_consoles_pages(console: World, page: Any) -> None:  # noqa: F811
    browser = console.browser()
    with answering(lambda event: console.handler(event, None)) as base:
        host = urlsplit(base)
        cookies = SimpleCookie("; ".join(f"{name}={value}" for name, value in browser.cookies.items()))
        page.context.add_cookies(
            [
                {"name": name, "value": morsel.value, "url": f"https://{host.hostname}:{host.port}", "secure": True}
                for name, morsel in cookies.items()
            ]
        )
        servers = "/console/connections/servers"
        check_pages(page, base, ["/console/connections", f"{servers}/new", "/console/resources/anna/exchange"])
        page.goto(f"{base}{servers}/new")
        page.get_by_label("Title").fill("Head office")
        page.get_by_label("Server name or address of the web services").fill(HOST)
        page.get_by_role("button", name="Save").click()
        page.get_by_role("heading", name="Head office").wait_for()
        check_here(page)
        page.get_by_label("E-mail", exact=True).fill("probe@clinic.example")
        page.locator("#test_password").fill(PASSWORD)
        page.get_by_role("button", name="Test now").click()
        page.get_by_role("heading", name="Connection test").wait_for()
        check_here(page)
        assert PASSWORD not in page.content()


def check_pages(page: Any, base: str, paths: list[str]) -> None:  # noqa: F811
    for path in paths:
        page.goto(f"{base}{path}")
        assert page.get_by_role("heading", level=1).count() == 1, page.content()
        check_here(page)
