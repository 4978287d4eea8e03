"""Undo, "why isn't it here?", set aside and ended conflicts in a real Chromium: axe, narrow screens, keyboard."""

from dataclasses import replace
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import pytest
from calsync_core.domain.appointments import Busy
from calsync_core.domain.errors import AppointmentRejectedError

from tests.console_world import World
from tests.living_world import living_clinic
from tests.pages.page_server import answering
from tests.pages.test_exchange_pages_in_chromium import check_here, check_pages
from tests.pages.test_public_pages_in_chromium import chromium, page, pytestmark  # noqa: F401
from tests.small_clinic import Clinic, at

BASE = "/console/resources/anna"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def clinic(world: World) -> Clinic:
    """A booking that was moved, an entry that is free, and a booking that was set aside."""
    clinic = living_clinic(world)
    clinic.system.book(["anna"], at(3, 10))
    clinic.settle()
    clinic.mailbox().move_entry(clinic.copies()[0].id, at(3, 12))
    clinic.mailbox().create_entry(at(4, 9), busy=Busy.FREE)
    clinic.settle()
    clinic.system.book(["anna"], at(5, 10))

    def refuse(operation: str, phase: str) -> None:
        if operation == "create" and phase == "before":
            raise AppointmentRejectedError("request_refused")

    clinic.fault = refuse
    clinic.settle()
    clinic.fault = lambda _operation, _phase: None
    return clinic


def _signed_in(world: World, page: Any, base: str) -> None:  # noqa: F811
    host = urlsplit(base)
    cookies = SimpleCookie("; ".join(f"{name}={value}" for name, value in world.browser().cookies.items()))
    page.context.add_cookies(
        [
            {"name": name, "value": morsel.value, "url": f"https://{host.hostname}:{host.port}", "secure": True}
            for name, morsel in cookies.items()
        ]
    )


@pytest.mark.parametrize("page", [True], ids=["scripts"], indirect=True)  # axe is a script
def test_the_pages_of_the_past(world: World, clinic: Clinic, page: Any) -> None:  # noqa: F811
    with answering(lambda event: world.handler(event, None)) as base:
        _signed_in(world, page, base)
        check_pages(page, base, [
            BASE, f"{BASE}/runs", f"{BASE}/why", f"{BASE}/why?day=2026-11-26", f"{BASE}/why?asked=1",
            "/console/conflicts", "/console/conflicts?show=ended", "/console/log",
        ])  # fmt: skip
        page.goto(f"{base}{BASE}/runs")
        page.get_by_role("link", name="Undo").click()
        page.get_by_role("heading", name="What undoing it would do now").wait_for()
        check_here(page)
        page.get_by_role("button", name="Undo this check").click()
        page.get_by_text("It is being undone").wait_for()
        check_here(page)
    clinic.settle()
    assert at(3, 10) in [one.when for one in clinic.system.bookings.values()]


def test_a_question_by_keyboard_alone(world: World, clinic: Clinic, page: Any) -> None:  # noqa: F811
    with answering(lambda event: world.handler(event, None)) as base:
        _signed_in(world, page, base)
        page.goto(f"{base}{BASE}/why")
        page.get_by_label("Part of its title").focus()
        page.keyboard.type("consultation")
        page.keyboard.press("Enter")

        page.get_by_role("heading", name="2 appointments").wait_for()
        assert page.get_by_text("Both sides say the same.").count() == 1
        assert page.get_by_text("One entry was set aside.").count() == 1


@pytest.mark.parametrize("page", [True], ids=["scripts"], indirect=True)
def test_a_large_run_in_numbers_and_many_conflicts_at_once(world: World, page: Any) -> None:  # noqa: F811
    """A run of 400 deeds, and the conflicts of 30 copies that a person deleted, on a narrow screen."""
    clinic = living_clinic(world)
    for number in range(400):
        clinic.system.book(["anna"], at(3 + number // 16, 8 + number % 16 / 2, 0.5))
    clinic.settle()
    clinic.settings(direction="from_calendar")
    world.stores.resources.save(replace(world.state(), reproject_below=99, remove_below=99))
    clinic.run(cause="full")
    clinic.settings(direction="two_way")
    with answering(lambda event: world.handler(event, None)) as base:
        _signed_in(world, page, base)
        page.goto(f"{base}{BASE}/runs")
        page.get_by_role("link", name="Undo").click()
        page.get_by_text("400 will be undone").wait_for()
        assert page.get_by_text("and 300 more").is_hidden()
        page.get_by_text("Which").click()
        page.get_by_text("and 300 more").wait_for()
        check_here(page)
        page.get_by_role("button", name="Undo this check").click()
        page.get_by_text("It is being undone").wait_for()
        clinic.settle()
        assert len(clinic.copies()) == 400

        for number, copy in enumerate(clinic.copies()[:30]):
            clinic.mailbox().delete_entry(copy.id)
            if number % 10 == 9:  # few at a time, so that no stop-line asks
                clinic.settle()
        page.goto(f"{base}/console/conflicts")
        check_here(page)
        page.get_by_text("Settle 30 at once").click()
        check_here(page)
        together = page.locator("details.sheet")
        together.get_by_label("Write it into the calendar again").check()
        together.get_by_role("button", name="Do this for all 30").click()
        page.get_by_text("Your decision is being carried out").wait_for()
    clinic.settle()
    assert len(clinic.copies()) == 400
