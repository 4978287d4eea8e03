"""The public pages in a real Chromium: content policy obeyed, at 320 px, by keyboard, with and without scripts."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from calsync_core.domain.connections import Calendar
from calsync_core.domain.ids import CalendarId
from calsync_core.domain.resources import Progress, Status
from calsync_core.web.links import manage_path

from tests.journey_world import ACCOUNT, ANNA, JourneyWorld
from tests.pages.page_server import served

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def world() -> JourneyWorld:
    world = JourneyWorld()
    server = world.sign_in.people["anna"].server
    for name in ("Family", "A calendar with a very long name that somebody gave it in a hurry"):
        one = CalendarId(name[:6])
        server.calendars[one] = Calendar(one, name, is_default=False, may_write=True)
    return world


@pytest.fixture
def address(world: JourneyWorld) -> Iterator[str]:
    with served(world) as url:
        yield url


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def page(request: pytest.FixtureRequest, chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(java_script_enabled=request.param, viewport={"width": 320, "height": 700})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_default_timeout(8000)
    yield page
    # A page of ours that answers 4xx is logged by Chromium too; what must never stand there is the content policy.
    assert not [one for one in complaints if "Failed to load resource" not in one]
    context.close()


def at_microsoft(world: JourneyWorld, page: Any, address: str) -> str:
    """Press Continue; gives the state that Microsoft was handed."""
    page.goto(f"{address}/i/{world.invite().token}")
    page.get_by_role("button", name="Continue to Microsoft").click()
    page.get_by_role("heading", name="Microsoft").wait_for()
    return world.sign_in.begun[-1]["state"]


def test_the_whole_journey(world: JourneyWorld, page: Any, address: str) -> None:
    state = at_microsoft(world, page, address)
    page.goto(f"{address}/oauth/callback?state={state}&code=anna")
    assert page.get_by_role("radio", name="Calendar your main calendar").is_checked()
    page.get_by_role("checkbox", name="Family").check()
    page.get_by_role("button", name="Connect").click()
    page.wait_for_url("**/progress")
    assert page.get_by_role("heading", name="Connected, now copying").is_visible()
    assert [one for _, one in world.state().conflict_calendars] == ["Family"]


def test_by_keyboard_alone(world: JourneyWorld, page: Any, address: str) -> None:
    page.goto(f"{address}/i/{world.invite().token}")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.locator("button.main:focus-visible").count():
            break
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Microsoft").wait_for()
    page.goto(f"{address}/oauth/callback?state={world.sign_in.begun[-1]['state']}&code=anna")
    page.locator("input[name=primary]").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/progress")
    assert world.state().primary != "calendar-1"


def test_the_progress_moves_by_itself_with_scripts_and_by_reloading_without(
    world: JourneyWorld, page: Any, address: str, request: pytest.FixtureRequest
) -> None:
    has_scripts = request.node.callspec.params["page"]
    state = at_microsoft(world, page, address)
    page.goto(f"{address}/oauth/callback?state={state}&code=anna")
    page.get_by_role("button", name="Connect").click()
    page.wait_for_url("**/progress")
    done = replace(world.state().moved_to(Status.CONNECTED, world.clock.now()), last_sync_at=world.clock.now())
    world.stores.resources.save(done)
    if not has_scripts:
        page.get_by_role("link", name="Look again").click()
    page.get_by_role("heading", name="Connected", exact=True).wait_for(timeout=8000)


@pytest.mark.parametrize("page", [True], ids=["scripts"], indirect=True)  # axe is a script
def test_nothing_scrolls_sideways_and_everything_can_be_hit(world: JourneyWorld, page: Any, address: str) -> None:
    link = manage_path(world.link_key, ACCOUNT, ANNA, world.clock.now(), timedelta(days=1))
    token = world.invite().token
    state = at_microsoft_again(world, page, address, token)
    paths = [f"/i/{token}", f"/i/{token}/it", f"/i/{token}/not-me", "/i/help", "/i/unknown"]
    paths += [f"/oauth/callback?state={state}&code=anna"]
    check(page, address, paths)
    page.goto(f"{address}{link}/calendars")
    page.get_by_role("button", name="Connect").click()
    page.wait_for_url("**/progress")
    world.stores.resources.save(replace(world.state(), progress=Progress(near_done=True, done=4200, expected=13000)))
    check(page, address, [f"{link}/progress", link, f"{link}/disconnect"])


def at_microsoft_again(world: JourneyWorld, page: Any, address: str, token: str) -> str:
    page.goto(f"{address}/i/{token}")
    page.get_by_role("button", name="Continue to Microsoft").click()
    page.get_by_role("heading", name="Microsoft").wait_for()
    return world.sign_in.begun[-1]["state"]


def check(page: Any, address: str, paths: list[str]) -> None:
    for path in paths:
        page.goto(f"{address}{path}")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page)
            assert not found.response["violations"], f"{path} {scheme}: {found.generate_report()}"
        for width in (320, 1280):
            page.set_viewport_size({"width": width, "height": 700})
            box = page.locator("main").bounding_box()
            assert box["width"] <= width, path
            for target in page.locator("main button, main .button, main summary, main label.pick").all():
                place = target.bounding_box()
                if place is None or not target.is_visible():
                    continue
                assert place["height"] >= 43.5, f"{path}: {target.inner_text()}"
                assert place["x"] >= 0, path
                assert place["x"] + place["width"] <= width + 0.5, f"{path}: {target.inner_text()}"
        page.set_viewport_size({"width": 320, "height": 700})
