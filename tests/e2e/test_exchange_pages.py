"""A person of the clinic's own Exchange server with a real browser: mail, two fields, calendars, connected."""

from typing import Any

import pytest

from local.journey import wait_for
from tests.e2e.clinic import PATIENCE, Clinic
from tests.e2e.exchange import ExchangeWorker
from tests.e2e.test_pages import DESK, PHONE, Look, chromium, enter_console, look, pytestmark  # noqa: F401


def test_a_person_of_exchange_connects_on_the_phone(clinic: Clinic, chromium: Any, look: Look) -> None:  # noqa: F811
    worker = ExchangeWorker.newcomer(clinic, "Gerda Schön", address="gerda.schoen", calendars=[{"name": "Choir"}])
    console = chromium.new_context(viewport=DESK)
    page = console.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    enter_console(page, clinic)
    page.goto(f"{clinic.admin.url}/invite?resource={worker.id}")
    page.get_by_label("Kind of calendar").select_option(label="Exchange server of our own")
    look(page, "exchange-invite")
    page.get_by_role("button", name="Send invitation").click()
    page.get_by_role("status").first.wait_for()
    page.goto(f"{clinic.admin.url}/connections")
    page.get_by_role("link", name="Exchange of the clinic").click()
    look(page, "exchange-server")
    console.close()

    worker.person.invitation_link()
    context = chromium.new_context(viewport=PHONE)
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(f"{clinic.cloud.microsoft.outlook_url}/{worker.email}/mail")
    page.get_by_role("link", name="connect your calendar").first.click()
    page.frame_locator("iframe").get_by_role("link", name="Connect my calendar").click()
    page.get_by_role("heading", name="Connect your calendar").wait_for()
    look(page, "exchange-landing")
    page.get_by_role("link", name="Continue").click()
    look(page, "exchange-two-fields")
    assert page.get_by_label("E-mail").input_value() == worker.email
    page.get_by_role("checkbox").check()
    page.get_by_label("Password").fill("Nicht-mein-Wort-1")
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("Password").input_value() == ""
    look(page, "exchange-wrong-password")
    page.get_by_label("Password").fill(worker.person.password)
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("heading", name="Choose your calendars").wait_for()
    look(page, "exchange-calendars")
    page.get_by_role("checkbox", name="Choir").check()
    page.get_by_role("button", name="Connect").click()
    page.wait_for_url("**/progress")
    page.get_by_role("heading", name="Connected", exact=True).wait_for()
    look(page, "exchange-connected")
    assert worker.read()["calendars"] == 2

    page.goto(wait_for("the result mail", lambda: worker.link_in_mail("/m/", "is connected")))
    look(page, "exchange-manage")
    context.close()


@pytest.mark.parametrize("password_fits", [True, False], ids=["passes", "fails"])
def test_the_admin_tests_the_server_before_anybody_is_invited(
    clinic: Clinic,
    chromium: Any,  # noqa: F811
    look: Look,  # noqa: F811
    password_fits: bool,
) -> None:
    worker = ExchangeWorker.newcomer(clinic, "Hanno Brink")
    password = worker.person.password if password_fits else "Nicht-mein-Wort-1"
    context = chromium.new_context(viewport=DESK)
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    enter_console(page, clinic)
    page.goto(f"{clinic.admin.url}/connections")
    page.get_by_role("link", name="Exchange of the clinic").click()
    page.get_by_label("E-mail", exact=True).fill(worker.email)
    page.locator("#test_password").fill(password)
    page.get_by_role("button", name="Test now").click()
    page.get_by_role("heading", name="Connection test").wait_for()
    look(page, f"exchange-report-{'passes' if password_fits else 'fails'}")
    assert ("Exchange does not accept this sign-in" in page.content()) is not password_fits
    assert password not in page.content()
    context.close()
