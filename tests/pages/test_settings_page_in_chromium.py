"""The settings and their dry run in a real Chromium: axe, narrow screens, with and without scripts."""

from typing import Any

import pytest
from calsync_core.domain.appointments import Busy, Customer
from calsync_core.domain.ids import ResourceId

from tests.console_world import MAIN, World
from tests.living_world import living_clinic
from tests.pages.page_server import answering
from tests.pages.test_exchange_pages_in_chromium import check_here, check_pages
from tests.pages.test_history_pages_in_chromium import _signed_in
from tests.pages.test_public_pages_in_chromium import chromium, page, pytestmark  # noqa: F401
from tests.small_clinic import Clinic, at

ALL, ONE = "/console/settings", "/console/resources/anna/settings"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def clinic(world: World) -> Clinic:
    clinic = living_clinic(world)
    clinic.system.book(["anna"], at(3, 10), service_name="Massage", customer=Customer("Jo Smith"))
    clinic.mailbox().create_entry(at(4, 9), busy=Busy.TENTATIVE)
    clinic.settle()
    clinic.settle()
    return clinic


@pytest.mark.parametrize("page", [True], ids=["scripts"], indirect=True)  # axe is a script
def test_both_pages_with_and_without_an_effect(world: World, clinic: Clinic, page: Any) -> None:  # noqa: F811
    with answering(lambda event: world.handler(event, None)) as base:
        _signed_in(world, page, base)
        check_pages(page, base, [ALL, ONE])
        page.goto(base + ALL)
        page.get_by_label("Title of the entry").fill("{customer} ({service})")
        page.get_by_label("also everything in the window").check()
        page.get_by_role("button", name="Check effect").click()
        page.get_by_role("heading", name="What happens at once").wait_for()
        check_here(page)
        page.get_by_label("Title of the entry").fill("{shoe size}")
        page.get_by_role("button", name="Check effect").click()
        page.get_by_text("The title names something that is no detail of a booking").wait_for()
        check_here(page)
    assert world.stores.settings.account(MAIN).values == {}


def test_a_dry_run_then_saving_it(world: World, clinic: Clinic, page: Any) -> None:  # noqa: F811
    with answering(lambda event: world.handler(event, None)) as base:
        _signed_in(world, page, base)
        page.goto(base + ONE)
        page.get_by_label("Title of the entry").fill("{customer} ({service})")
        page.get_by_label("with one of these texts in the title, one a line").fill("lunch\nwalk")
        page.get_by_label("also everything in the window").check()
        page.get_by_role("button", name="Check effect").click()
        page.get_by_text("1 entry in a calendar is rewritten").wait_for()
        assert page.get_by_text("“Massage - Jo Smith” → “Jo Smith (Massage)”").count() == 1
        assert page.get_by_text("It looks like this: “M. Muster (Massage)”.").count() == 1
        assert [one.title for one in clinic.copies()] == ["Massage - Jo Smith"]

        page.get_by_role("button", name="Save").click()
        page.get_by_text("Changed here").first.wait_for()
    clinic.settle()
    assert [one.title for one in clinic.copies()] == ["Jo Smith (Massage)"]


def test_going_back_to_a_default_is_shown_first_and_enter_never_does_it(
    world: World,
    clinic: Clinic,
    page: Any,  # noqa: F811
) -> None:
    def own() -> Any:
        return world.stores.settings.resource(MAIN, ResourceId("anna")).values

    with answering(lambda event: world.handler(event, None)) as base:
        _signed_in(world, page, base)
        page.goto(base + ONE)
        page.get_by_label("Weeks ahead").fill("26")
        page.get_by_label("Weeks ahead").press("Enter")
        page.get_by_text("Weeks ahead: 52 → 26").wait_for()
        page.get_by_role("button", name="Save").click()
        page.get_by_role("button", name="Use default again").first.wait_for()
        assert own() == {"window.weeks_ahead": 26}

        page.get_by_label("Weeks back").fill("3")
        page.get_by_label("Weeks back").press("Enter")
        page.get_by_text("Weeks back: 2 → 3").wait_for()
        assert page.get_by_text("Weeks ahead: 26 → 52").count() == 0
        page.locator(".setting", has=page.get_by_label("Weeks ahead")).get_by_role("button").click()
        page.get_by_text("Weeks ahead: 26 → 52").wait_for()
        assert page.get_by_text("Weeks back: 2 → 3").count() == 1, "what was entered before stays"
        assert own() == {"window.weeks_ahead": 26}
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Saved.").wait_for()
    assert own() == {"window.weeks_back": 3}
