"""The marker words of test_privacy_canaries.py, searched on every page of the console and in every answer of /v1.

The admin and the booking system may know who is booked for what; of a calendar they see times, and of a booking no more
than a title names: its service, its customer.
"""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from calsync_core.web.api.app import api_handler
from calsync_core.web.api.frame import ApiFrame

from tests.console_world import PUBLIC, MemoryCalendars, World
from tests.function_world import FunctionWorld, forget_handlers
from tests.small_clinic import at
from tests.unit.usecases.test_privacy_canaries import BOOKING, CALENDAR, OTHER, PRIVATE, Life, canary, found

NAMED_BY_TITLES = {"b-title", "b-service", "b-customer"}
LED_TO = {"b-url"}  # "Open booking" leads into the booking system


@pytest.fixture
def life(monkeypatch: pytest.MonkeyPatch) -> Iterator[Life]:
    forget_handlers()
    life = Life(FunctionWorld(monkeypatch))
    life.live()
    yield life
    forget_handlers()


def console_of(life: Life) -> World:
    """The console and the API over the stores, the clock and both sides of this clinic."""
    clinic, world = life.clinic, World()
    world.clock, world.stores, world.queue, world.host = clinic.clock, clinic.stores, clinic.queue, clinic.host
    world.ports = replace(
        world.ports, stores=clinic.stores, clock=clinic.clock, queue=clinic.queue, host=clinic.host,
        calendars=MemoryCalendars(clinic.providers), mailer=life.world.mailer, installation=clinic.ports.installation,
    )  # fmt: skip
    world.frame = replace(world.frame, stores=clinic.stores, clock=clinic.clock)
    world.parts = replace(world.parts, frame=world.frame, ports=world.ports)
    world.rebuild()
    world.api_handler = api_handler(ApiFrame(world.ports), world.events, PUBLIC)
    return world


def pages(world: World) -> dict[str, str]:
    browser = world.browser()
    one = "/console/resources/anna"
    addresses = ["/console", "/console/export.csv", "/console/settings", "/console/conflicts", "/console/log",
                 "/console/log.csv", "/console/connections", one, f"{one}/settings", f"{one}/runs",
                 f"{one}/disconnect", f"{one}/why?day=2026-11-24&time=13:30",
                 f"{one}/why?day=2026-11-24", "/console/log?problems=1"]  # fmt: skip
    found = {address: browser.get(address) for address in addresses}
    check = {"action": "check", "scope": "window", "version": "0"}
    for name, form in {
        "stricter": {"set.to_calendar.privacy": "anonymous"},
        "wider": {"set.from_calendar.privacy": "full", "set.from_calendar.free": "block"},
        "filter": {"set.from_calendar.all_day": "ignore", "set.from_calendar.tentative": "ignore"},
        "narrower": {"set.direction": "to_calendar"},
    }.items():
        found[f"check {name}"] = browser.post("/console/settings", {**check, **form})
        found[f"check {name} of anna"] = browser.post(f"{one}/settings", {**check, **form})
    wrong = {address: answer["statusCode"] for address, answer in found.items() if answer["statusCode"] != 200}
    assert not wrong
    return {address: str(answer["body"]) for address, answer in found.items()}


def answers(world: World) -> dict[str, str]:
    span = "from=2026-11-23T00:00:00Z&to=2026-12-10T00:00:00Z"
    one = "/v1/resources/anna"
    asked = [
        ("GET", "/v1/resources", None), ("GET", one, None), ("GET", f"{one}/availability?{span}", None),
        ("GET", f"{one}/log?limit=200", None), ("GET", "/v1/conflicts?limit=200", None), ("GET", "/v1/settings", None),
        ("GET", f"{one}/settings", None), ("GET", f"{one}/runs", None), ("GET", f"{one}/set-aside", None),
        ("GET", "/v1/connections", None), ("GET", f"{one}/why?at=2026-11-24T13:30:00Z", None),
        ("GET", f"{one}/why?at=2026-11-24T09:30:00Z", None),
        ("POST", f"{one}/check", {"start": "2026-11-24T09:00:00Z", "end": "2026-11-24T10:00:00Z"}),
        ("POST", "/v1/settings/dry-run", {"settings": {"from_calendar.privacy": "full"}, "scope": "window"}),
        ("POST", f"{one}/settings/dry-run", {"settings": {"from_calendar.free": "block"}, "scope": "window"}),
        ("POST", f"{one}/settings/dry-run", {"settings": {"direction": "to_calendar"}, "scope": "window"}),
    ]  # fmt: skip
    found = {f"{method} {url}": world.api(method, url, body) for method, url, body in asked}
    assert not {url: status for url, (status, _) in found.items() if status != 200}
    return {url: json.dumps(body) for url, (_, body) in found.items()}


@pytest.mark.prop("P8")
@pytest.mark.parametrize("is_open", [False, True], ids=["anonymous", "full details"])
def test_no_page_and_no_answer_shows_a_word_of_a_calendar(life: Life, is_open: bool) -> None:
    if is_open:
        life.change(from_calendar__privacy="full", to_calendar__privacy="full")
    world = console_of(life)

    for place, text in {**pages(world), **answers(world)}.items():
        assert not found(text, PRIVATE + OTHER), place
        assert not found(text, CALENDAR) or is_open, place
        assert found(text, BOOKING) <= NAMED_BY_TITLES | LED_TO, place


def test_a_dry_run_in_the_api_names_bookings_by_title_alone(life: Life) -> None:
    world = console_of(life)

    body = {"settings": {"to_calendar.privacy": "anonymous"}, "scope": "future"}
    status, said = world.api("POST", "/v1/resources/anna/settings/dry-run", body)

    assert status == 200
    assert said["stricter"]
    assert said["now"]["copies_rewritten"] > 3
    assert 0 < len(said["examples"]) <= 5
    assert canary("b-service") in json.dumps(said)
    assert found(json.dumps(said), BOOKING) <= NAMED_BY_TITLES
    assert said["examples"][0]["time"]["start"] >= at(0, 0).start_at.date().isoformat()


def test_a_key_that_may_only_read_sees_no_examples(life: Life) -> None:
    world = console_of(life)

    status, _ = world.api("POST", "/v1/settings/dry-run", {"settings": {}}, key=world.api_key(scope="read"))

    assert status == 403
