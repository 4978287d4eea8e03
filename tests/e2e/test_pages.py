"""People with a real browser on the deployed stack: from the mail in Outlook to connected, and the admin's console.

Screenshots of every page go to the temporary folder of the run (`--basetemp` says which), for eyes.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cloud import ADMIN_EMAIL
from local.journey import wait_for
from tests.e2e.clinic import PATIENCE, Clinic, Worker

CHROMIUM = shutil.which("chromium") or ""
SWITCHES = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
]
SERIOUS = {"serious", "critical"}
PHONE = {"width": 320, "height": 700}
DESK = {"width": 1280, "height": 900}
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium here (apt install chromium)"),
]
Look = Callable[[Any, str], None]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> Look:
    """Judge the page as it stands and keep a picture of it."""
    from axe_playwright_python.sync_playwright import Axe

    folder: Path = tmp_path_factory.mktemp("screenshots")

    def judge(page: Any, name: str) -> None:
        page.wait_for_load_state()
        page.screenshot(path=folder / f"{name}.png", full_page=True)
        found = Axe().run(page)
        bad = [one for one in found.response["violations"] if one["impact"] in SERIOUS]
        assert not bad, f"{name}: {found.generate_report()}"
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} is {wide} px wider than the window"

    return judge


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no_scripts"])
def test_a_person_connects_on_the_phone(clinic: Clinic, chromium: Any, look: Look, has_scripts: bool) -> None:
    worker = clinic.newcomer("Anna Schön", address="anna.schoen", calendars=[{"name": "Family"}])
    worker.call("POST", "/invitation", {})
    worker.person.invitation_link()
    context = chromium.new_context(java_script_enabled=has_scripts, viewport=PHONE)
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    see: Look = look if has_scripts else (lambda _page, _name: None)

    page.goto(f"{clinic.cloud.microsoft.outlook_url}/{worker.email}/mail")
    page.get_by_role("link", name=re.compile("connect your calendar")).first.click()
    see(page, "outlook-mail")
    page.frame_locator("iframe").get_by_role("link", name="Connect my calendar").click()
    page.get_by_role("heading", name="Connect your calendar").wait_for()
    see(page, "landing")
    page.get_by_role("button", name="Continue to Microsoft").click()
    sign_in(page, worker)
    page.get_by_role("heading", name="Choose your calendars").wait_for()
    see(page, "calendars")
    page.get_by_role("checkbox", name="Family").check()
    page.get_by_role("button", name="Connect").click()
    page.wait_for_url("**/progress")
    if has_scripts:
        page.get_by_role("heading", name="Connected", exact=True).wait_for()
    else:
        worker.wait_state("connected")
        if page.get_by_role("link", name="Look again").count():
            page.get_by_role("link", name="Look again").click()
        page.get_by_role("heading", name="Connected", exact=True).wait_for()
    see(page, "connected")
    assert worker.read()["calendars"] == 2

    link = wait_for("the result mail", lambda: worker.link_in_mail("/m/", "is connected"))
    page.goto(link)
    see(page, "manage")
    page.locator("summary", has_text=re.compile("^Disconnect")).click()
    page.get_by_role("link", name="Disconnect...").click()
    see(page, "disconnect")
    context.close()


def sign_in(page: Any, worker: Worker) -> None:
    """Microsoft's own pages, whatever they ask."""
    page.locator("input[name=password]").wait_for()
    offered = page.locator(f'input[name=username][value="{worker.email}"]')
    if offered.count():
        offered.check()
    else:
        page.locator("input[name=username][value=other]").check()
        page.locator("input[name=other_username]").fill(worker.email)
    page.locator("input[name=password]").fill(worker.person.password)
    page.locator("form:has(input[name=password]) button").first.click()
    page.locator("button[name=answer][value=accept]").click()


def test_the_pages_that_say_no(clinic: Clinic, chromium: Any, look: Look) -> None:
    worker = clinic.newcomer("Bea Lang")
    link = clinic.link(worker.id)
    context = chromium.new_context(viewport=PHONE)
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    for name, path in (
        ("for-it", f"{link}/it"),
        ("not-me", f"{link}/not-me"),
        ("help", re.sub(r"/i/.*", "/i/help", link)),
        ("unknown-link", re.sub(r"/i/.*", f"/i/{'A' * 43}", link)),
        ("forged-state", re.sub(r"/i/.*", f"/oauth/callback?state={'A' * 43}&code=1", link)),
    ):
        page.goto(path)
        look(page, name)
    context.close()


def test_the_administrator_signs_in_invites_and_changes_a_setting(clinic: Clinic, chromium: Any, look: Look) -> None:
    connected, newcomer = clinic.hire("Cleo Adam"), clinic.newcomer("Dora Benz")
    day = clinic.day()
    connected.book(day, "09:00", "10:00")
    connected.wait_copy(day, "09:00", "10:00")
    connected.mailbox.create(day, "09:30", "10:30", "Dentist")
    connected.wait_conflict("same_time")
    context = chromium.new_context(viewport=DESK)
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    enter_console(page, clinic)
    look(page, "overview")

    page.goto(f"{clinic.admin.url}/invite?resource={newcomer.id}")
    look(page, "invite")
    page.get_by_role("textbox").fill("See you soon")
    page.get_by_role("button", name="Send invitation").click()
    page.get_by_role("status").first.wait_for()
    assert "See you soon" in wait_for("the mail", lambda: newcomer.person.mails("connect your"))[0]["text"]

    page.goto(f"{clinic.admin.url}/resources/{connected.id}/settings")
    look(page, "settings")
    page.locator('select[name$="to_calendar.privacy"]').select_option("anonymous")
    page.get_by_role("button", name="Check effect").click()
    effect = page.get_by_role("status", name="Effect")
    effect.wait_for()
    assert "1 entry in a calendar is rewritten" in effect.inner_text()
    look(page, "settings-effect")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**done=**")
    wait_for(
        "a copy without words",
        lambda: (
            "Petra" not in str(connected.mailbox.events(day))
            and "Consultation" not in str(connected.mailbox.events(day))
        ),
        PATIENCE,
    )

    for name, path in (
        ("resource", f"/resources/{connected.id}"),
        ("conflicts", "/conflicts"),
        ("log", f"/log?resource={connected.id}"),
        ("settings-everyone", "/settings"),
        ("connections", "/connections"),
        ("disconnecting", f"/resources/{connected.id}/disconnect"),
    ):
        page.goto(f"{clinic.admin.url}{path}")
        look(page, name)
    context.close()


def test_the_console_fits_a_phone(clinic: Clinic, chromium: Any, look: Look) -> None:
    context = chromium.new_context(viewport=PHONE)
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    enter_console(page, clinic)
    for name, path in (("overview", ""), ("conflicts", "/conflicts"), ("settings", "/settings"), ("log", "/log")):
        page.goto(f"{clinic.admin.url}{path}")
        look(page, f"phone-{name}")
    page.goto(clinic.admin.url.replace("/console", "/bookings"))
    look(page, "phone-bookings")
    context.close()


def enter_console(page: Any, clinic: Clinic) -> None:
    """By the sign-in page of Cognito."""
    page.goto(clinic.admin.url)
    page.locator("input[name=username]:visible").first.fill(ADMIN_EMAIL)
    page.locator("input[name=password]:visible").first.fill(clinic.cloud.state.password)
    page.locator("button:visible, input[type=submit]:visible").first.click()
    page.wait_for_url("**/console*")
