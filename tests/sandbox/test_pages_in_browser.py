"""The pages in a real Chromium with scripts switched off, as a person uses them."""

import re
import shutil
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.sandbox.small_microsoft import Microsoft
from tests.sandbox.walks import CLIENT_ID, PASSWORD, REDIRECT, SCOPES
from tests.sandbox.webhook_endpoint import endpoint

SERIOUS = {"serious", "critical"}
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (apt install chromium)"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        switches = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*switches, "--disable-sync"])
        yield browser
        browser.close()


@pytest.fixture
def browser_pages(chromium: Browser) -> Iterator[Page]:
    """A page in a fresh browser profile, without scripts."""
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1300, "height": 860})
    yield context.new_page()
    context.close()


def test_a_link_in_a_mail_opens_in_the_whole_window(microsoft: Microsoft, browser_pages: Page) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "Connect", "no-reply@clinic.example", "anna@clinic.example"
    target = microsoft.addresses["outlook_url"] + "/mail?from=the-link"
    mail.set_content(f"open {target}")
    mail.add_alternative(f'<p>Hello</p><p><a href="{target}">Connect your calendar</a></p>', subtype="html")
    with smtplib.SMTP("127.0.0.1", microsoft.addresses["smtp"]["port"]) as server:
        server.send_message(mail)

    browser_pages.goto(microsoft.addresses["outlook_url"])
    browser_pages.get_by_role("link", name="Mail 1").click()
    browser_pages.get_by_role("link", name=re.compile("Connect")).click()
    browser_pages.frame_locator("iframe").get_by_role("link", name="Connect your calendar").click()

    expect(browser_pages).to_have_url(target)
    expect(browser_pages.get_by_role("heading", name="All mail")).to_be_visible()


def test_an_appointment_is_made_moved_and_deleted_with_the_mouse(microsoft: Microsoft, browser_pages: Page) -> None:
    page = browser_pages
    page.goto(f"{microsoft.addresses['outlook_url']}/anna@clinic.example/calendar?day=2026-12-01")
    page.get_by_role("link", name="New appointment on 2026-12-02 at 09:00").click()
    page.get_by_label("Title").fill("by hand")
    page.get_by_role("button", name="Create").click()
    block = page.get_by_role("link", name=re.compile("by hand"))
    expect(block).to_contain_text("by hand")
    page.get_by_label("Time").first.fill("14:00")
    page.get_by_label("Time").nth(1).fill("15:00")
    page.get_by_label("Show as").select_option("Away")
    page.get_by_role("button", name="Save").click()

    graph = microsoft.graph(microsoft.tokens_of("anna@clinic.example")["access_token"])
    event = graph.get("/v1.0/me/events").json()["value"][0]
    page.get_by_role("button", name="Delete").click()

    assert (event["subject"], event["showAs"]) == ("by hand", "oof")
    assert event["start"]["dateTime"] == "2026-12-02T13:00:00.0000000"
    assert graph.get("/v1.0/me/events").json()["value"] == []
    expect(page.get_by_role("link", name=re.compile("by hand"))).to_have_count(0)


def test_a_person_signs_in_and_lands_at_the_app(microsoft: Microsoft, browser_pages: Page) -> None:
    page = browser_pages
    with endpoint() as app:
        redirect = app.url("/oauth/microsoft")
        microsoft.control("PATCH", f"/apps/{CLIENT_ID}", {"redirect_uris": [redirect]})
        people_url = microsoft.addresses["control_url"].removesuffix("/control")
        query = f"client_id={CLIENT_ID}&redirect_uri={redirect}&response_type=code&state=s&scope={SCOPES}"
        page.goto(f"{people_url}/common/oauth2/v2.0/authorize?{query}&login_hint=anna@clinic.example")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("incorrect")
        page.get_by_text("Use another account").click()
        page.get_by_label("Bert Braun").check()
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Permissions requested")).to_be_visible()
        with page.expect_request(re.compile(r"/oauth/microsoft\?code=")) as landed:
            page.get_by_role("button", name="Accept").click(no_wait_after=True)

    assert "state=s" in landed.value.url


def test_the_pages_have_no_serious_accessibility_faults(microsoft: Microsoft, chromium: Browser) -> None:
    page = chromium.new_page()
    people_url = microsoft.addresses["control_url"].removesuffix("/control")
    query = f"client_id={CLIENT_ID}&redirect_uri={REDIRECT}&response_type=code&scope={SCOPES}"
    faults = {}
    for path in (
        "/outlook",
        "/outlook/mail",
        "/outlook/anna@clinic.example/mail",
        "/outlook/anna@clinic.example/calendar",
        f"/common/oauth2/v2.0/authorize?{query}",
        f"/organizations/adminconsent?client_id={CLIENT_ID}&redirect_uri={REDIRECT}",
    ):
        page.goto(people_url + path)
        found = Axe().run(page).response["violations"]
        faults |= {(path, v["id"]): v["nodes"][0]["html"][:200] for v in found if v["impact"] in SERIOUS}
    page.close()

    assert faults == {}
