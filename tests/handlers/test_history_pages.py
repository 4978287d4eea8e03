"""The console's pages about the past and its reasons: undo, "why isn't it here?", set aside, ended conflicts."""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from calsync_core.domain.appointments import Busy, Customer
from calsync_core.domain.conflicts import Conflict, ConflictKind, ConflictStatus, Resolution
from calsync_core.domain.errors import AppointmentRejectedError, ProviderUnavailableError
from calsync_core.domain.ids import ConflictId, LinkRef, ResourceId
from calsync_core.domain.resources import Status

from tests.console_world import MAIN, NOW, OTHER, Browser, World
from tests.handlers.test_console_pages import _Outline
from tests.living_world import living_clinic
from tests.small_clinic import Clinic, at

BASE = "/console/resources/anna"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def clinic(world: World) -> Clinic:
    clinic = living_clinic(world)
    clinic.system.book(["anna"], at(3, 10), service_name="Massage", customer=Customer("M. Muster"))
    clinic.settle()
    clinic.mailbox().move_entry(clinic.copies()[0].id, at(3, 12))
    clinic.settle()
    return clinic


@pytest.fixture
def browser(world: World, clinic: Clinic) -> Browser:
    return world.browser()


def _body(answer: dict[str, Any], status: int = 200) -> str:
    assert answer["statusCode"] == status, answer["body"]
    return str(answer["body"])


def _text(answer: dict[str, Any], status: int = 200) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", _body(answer, status)).split())


def _run_page(browser: Browser) -> str:
    found = re.search(r'href="(/console/resources/anna/runs/[^"]+)"', _body(browser.get(f"{BASE}/runs")))
    assert found
    return found.group(1)


def _why(browser: Browser, **question: str) -> str:
    return _text(browser.get(f"{BASE}/why?{urlencode(question)}"))


def _reject(operation: str) -> Any:
    def fault(asked: str, phase: str) -> None:
        if asked == operation and phase == "before":
            raise AppointmentRejectedError("request_refused")

    return fault


@pytest.mark.parametrize("page", ["runs", "run", "why", "why?day=2026-11-26&time=12:30", "why?asked=1", ""])
def test_pages_are_labelled_and_carry_nothing_inline(clinic: Clinic, browser: Browser, page: str) -> None:
    clinic.system.book(["anna"], at(5, 10))
    clinic.fault = _reject("create")
    clinic.settle()
    clinic.fault = lambda _operation, _phase: None
    address = _run_page(browser) if page == "run" else f"{BASE}/{page}".rstrip("/")
    outline, answer = _Outline(), browser.get(address)

    outline.feed(str(answer["body"]))

    assert outline.headings == 1
    assert outline.inline == []
    assert outline.tables == outline.captions
    assert len(outline.ids) == len(set(outline.ids)), "ids are unique"
    for field in outline.fields:
        assert field["inside"] or field.get("id") in outline.labelled or "aria-label" in field, field
    text = " ".join(re.sub(r"<[^>]+>", " ", str(answer["body"])).split()).lower()
    for word in ("delta", "token", "webhook", "tenant", "subscription", "mutation", "lambda", "dynamodb", "cursor"):
        assert word not in text


def test_a_check_is_looked_at_and_undone_by_one_press(world: World, clinic: Clinic, browser: Browser) -> None:
    assert "1 moved in the booking system" in _text(browser.get(f"{BASE}/runs"))
    page = _run_page(browser)
    text = _text(browser.get(page))
    assert "Thu 26 Nov 2026, 11:00-12:00 → Thu 26 Nov 2026, 13:00-14:00" in text
    assert "The booking system is asked to move the booking back" in text
    assert world.queue.wishes == [], "looking is not doing"

    pressed = browser.post(f"{page}/undo")
    assert (pressed["statusCode"], pressed["headers"]["location"]) == (303, f"{BASE}/runs?done=undoing")
    assert "is being undone" in _text(browser.get(f"{BASE}/runs?done=undoing"))
    clinic.settle()

    assert [one.when for one in clinic.system.bookings.values()] == [at(3, 10)]
    assert "undone by A. Braun" in _text(browser.get(f"{BASE}/runs"))
    assert "It stands as before already" in _text(browser.get(page))


def test_an_undo_without_the_forms_token_or_by_another_account_does_nothing(
    world: World, clinic: Clinic, browser: Browser
) -> None:
    page = _run_page(browser)

    assert browser.post(f"{page}/undo", csrf="forged")["statusCode"] == 403
    assert world.browser(OTHER).post(f"{page}/undo")["statusCode"] == 404
    assert world.browser(OTHER).get(page)["statusCode"] == 404
    assert world.browser(OTHER).get(f"{BASE}/why?title=x")["statusCode"] == 404
    assert world.browser(role="viewer").post(f"{page}/undo")["statusCode"] == 403

    assert world.state().undoing == ()
    assert world.queue.wishes == []


def test_a_run_that_nobody_knows_and_a_calendar_that_is_not_connected(world: World, browser: Browser) -> None:
    assert "Nothing is kept of this check" in _text(browser.get(f"{BASE}/runs/none"), 404)
    assert "Nothing is kept of this check" in _text(browser.post(f"{BASE}/runs/none/undo"), 404)
    page = _run_page(browser)
    world.stores.resources.save(world.state().moved_to(Status.PAUSED, NOW))

    answer = browser.post(f"{page}/undo")

    assert "Paused" in _text(answer, 422)
    assert world.state().undoing == ()


def test_why_by_time_title_and_number(clinic: Clinic, browser: Browser) -> None:
    clinic.mailbox().create_entry(at(4, 9), "Dentist", busy=Busy.FREE)
    clinic.settle()
    booking = next(iter(clinic.system.bookings))

    by_time = _why(browser, day="2026-11-26", time="13:30")
    assert "“Massage - M. Muster”, Thu 26 Nov 2026, 13:00-14:00 Both sides say the same." in by_time
    assert "Rule R2" in by_time
    assert "Booking moved in the booking system R3" in by_time
    assert "“Massage - M. Muster”" in _why(browser, title="muster")
    assert "“Massage - M. Muster”" in _why(browser, booking=booking)
    free = _why(browser, day="2026-11-27")
    assert "Calendar entry, Fri 27 Nov 2026, 10:00-11:00 It is shown as free in the calendar." in free
    assert "Rule R21" in free
    assert "Dentist" not in free


def test_why_asks_before_it_answers_and_says_what_it_could_not_read(clinic: Clinic, browser: Browser) -> None:
    assert "appointment" not in _text(browser.get(f"{BASE}/why"))
    assert "Nothing was asked for" in _text(browser.get(f"{BASE}/why?asked=1"), 422)
    assert "This is no day and time" in _text(browser.get(f"{BASE}/why?time=10:00"), 422)
    assert "Nothing was found on either side" in _why(browser, title="nobody")

    def down(operation: str, phase: str) -> None:
        if operation in ("changes", "entries"):
            raise ProviderUnavailableError

    clinic.fault = down
    text = _why(browser, day="2026-11-26", time="13:30")
    assert "One side could not be read: The other side does not answer at the moment" in text
    assert "Not known at the moment" in text


def test_why_shows_a_private_title_to_nobody(clinic: Clinic, browser: Browser) -> None:
    clinic.settings(from_calendar__privacy="full", from_calendar__private="full")
    clinic.mailbox().create_entry(at(4, 9), "Oncologist", is_private=True)
    clinic.settle()

    assert "Oncologist" not in _why(browser, day="2026-11-27")
    assert "Nothing was found on either side" in _why(browser, title="Oncologist")


def test_what_was_set_aside_is_tried_again_by_a_press(clinic: Clinic, browser: Browser) -> None:
    clinic.system.book(["anna"], at(5, 10))
    clinic.fault = _reject("create")
    clinic.settle()
    clinic.fault = lambda _operation, _phase: None
    page = _body(browser.get(BASE))
    reference = re.search(r'name="reference" value="([^"]+)"', page)
    assert reference
    assert "Set aside 1" in _text(browser.get(BASE))

    assert browser.post(f"{BASE}/try-again", {"reference": "nobody"})["statusCode"] == 404
    pressed = browser.post(f"{BASE}/try-again", {"reference": reference.group(1)})
    assert pressed["headers"]["location"] == f"{BASE}?done=trying"
    clinic.settle()

    assert "Set aside" not in _text(browser.get(BASE))
    assert len(clinic.copies()) == 2


def test_ended_conflicts_can_be_looked_at_with_how_they_ended(world: World, browser: Browser) -> None:
    def conflict(name: str, **fields: Any) -> None:
        new = Conflict(ConflictId(name), MAIN, ResourceId("anna"), ConflictKind.MOVED, LinkRef(f"b-{name}"), None, None,
                       None, at(3, 10), at(3, 12), NOW)  # fmt: skip
        world.stores.conflicts.save(replace(new, **fields))

    conflict("open")
    conflict("settled", status=ConflictStatus.SETTLED, ended_at=NOW)
    conflict("resolved", status=ConflictStatus.RESOLVED, ended_at=NOW, ended_by="B. Kurz",
             resolution=Resolution.TAKE_CALENDAR)  # fmt: skip
    conflict("left", status=ConflictStatus.LEFT, ended_at=NOW, ended_by="A. Braun", left_until_at=at(9, 0).start_at,
             resolution=Resolution.LEAVE_BOTH)  # fmt: skip

    text = _text(browser.get("/console/conflicts?show=ended"))

    assert "ended or left alone, of the last 90 days: 3" in text
    assert "Settled by itself · Mon 23 Nov 2026, 09:00" in text
    assert "Take the calendar's time, by B. Kurz" in text.replace("&#39;", "'")
    assert "Leave both until 2 December 2026, by A. Braun" in text
    forms = re.findall(r'action="/console/conflicts/(\w+)"', _body(browser.get("/console/conflicts?show=ended")))
    assert forms == ["left"], "only what is left alone can still be ended"
    assert "open 1" in _text(browser.get("/console/conflicts"))


def _close_a_direction_for_everything(world: World, clinic: Clinic) -> None:
    clinic.settings(direction="from_calendar")
    world.stores.resources.save(replace(world.state(), reproject_below=99, remove_below=99))
    clinic.run(cause="full")
    clinic.settings(direction="two_way")


@pytest.mark.rule("R113", "R115")
def test_a_run_of_four_hundred_says_in_numbers_what_undoing_it_would_do(world: World) -> None:
    clinic = living_clinic(world)
    bookings = [clinic.system.book(["anna"], at(3 + number // 16, 8 + number % 16 / 2, 0.5)) for number in range(400)]
    clinic.settle()
    _close_a_direction_for_everything(world, clinic)
    for booking in bookings[:9]:
        clinic.system.cancel(booking)
    browser = world.browser()

    page = _run_page(browser)
    text = _text(browser.get(page))

    assert "400 removed from the calendar" in text
    assert "391 will be undone The booking is written into the calendar again." in text
    assert "9 stay The booking is cancelled in the booking system. A cancellation cannot be taken back" in text
    assert "and 291 more" in text, "a hundred times of each are listed"
    assert "not looked at" not in text
    preview = world.api("GET", page.replace("/console", "/v1"))[1]
    assert [(one["code"], one["will_do"], one["count"]) for one in preview["outcomes"]] == [
        ("undo_copy_again", True, 391), ("undo_booking_cancelled", False, 9),
    ]  # fmt: skip
    assert (len(preview["steps"]), preview["not_looked_at"], preview["not_looked_at_by_kind"]) == (400, 0, {})


@pytest.mark.rule("R115")
def test_what_cannot_be_undone_offers_no_button(clinic: Clinic, browser: Browser) -> None:
    page = _run_page(browser)
    assert f'action="{page}/undo"' in _body(browser.get(page))
    clinic.system.cancel(next(iter(clinic.system.bookings)))

    looked_at = browser.get(page)

    assert "There is nothing in it that could be undone now." in _text(looked_at)
    assert f'action="{page}/undo"' not in _body(looked_at)


def test_the_log_says_which_appointment_each_line_is_about(clinic: Clinic, browser: Browser) -> None:
    clinic.mailbox().delete_entry(clinic.copies()[0].id)
    clinic.settle()

    answer = browser.get("/console/log?resource=anna")
    log, page = _text(answer), _text(browser.get(BASE))

    assert "Booking moved in the booking system Details" in log
    link = '<a href="/console/resources/anna/why?day=2026-11-26" title="Why?">Thu 26 Nov 2026, 13:00-14:00</a>'
    assert link in _body(answer)
    assert "A conflict was opened Deleted in the calendar Details The booking stands in the booking system" in log
    assert "Was at Thu 26 Nov 2026, 11:00-12:00" in log
    assert "Booking moved in the booking system: Thu 26 Nov 2026, 13:00-14:00" in page
    export = _body(browser.get("/console/log.csv?resource=anna"))
    assert '"Booking moved in the booking system";"2026-11-26T12:00:00Z/2026-11-26T13:00:00Z";"R3";' in export


def test_a_change_of_settings_says_in_the_log_which_and_by_whom(world: World, browser: Browser) -> None:
    browser.post("/console/settings", {"set.window.weeks_ahead": "26", "action": "save", "version": "0"})

    assert "Settings changed Weeks ahead, A. Braun Details" in _text(browser.get("/console/log"))


@pytest.mark.rule("R50")
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("flag", "25 bookings stay in the booking system and become conflicts"),
        ("cancel_booking", "25 bookings are cancelled in the booking system. This cannot be undone from here."),
    ],
)
def test_a_stop_line_says_what_waits_and_what_confirming_it_does(world: World, setting: str, said: str) -> None:
    clinic = living_clinic(world)
    clinic.settings(edits__deleted_in_calendar=setting)
    for number in range(25):
        clinic.system.book(["anna"], at(3 + number // 8, 8 + number % 8))
    clinic.settle()
    for copy in clinic.copies():
        clinic.mailbox().delete_entry(copy.id)
    clinic.run()

    page = _text(world.browser().get(BASE))

    assert (
        "Waiting: 25 bookings that are gone from the calendar Show the next of them Thu 26 Nov 2026, 09:00-10:00"
        in page
    )
    assert "0 blocked" not in page
    assert f"It was on purpose... {said}" in page
    assert clinic.conflicts() == []
