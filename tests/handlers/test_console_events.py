"""Every payload of events/console and events/host_api through the real handlers over memory ports."""

import json
from pathlib import Path

import pytest

from tests.console_world import ISSUER, World

EVENTS = Path(__file__).parents[2] / "events"
CONSOLE = {
    "overview_signed_out": (303, "/signin?next=console"),
    "front_page": (303, "/console"),
    "style_sheet": (200, None),
    "sign_in_page": (200, None),
    "sign_in_start": (303, ISSUER),
    "sign_in_foreign_destination": (422, None),
    "sign_in_callback_unknown_state": (403, None),
    "overview_forged_session": (303, "/signin?next=console"),
    "create_key_signed_out": (401, None),
    "unknown_page": (404, None),
}
HOST_API = {
    "list_resources_without_key": (401, "key_missing"),
    "list_resources_wrong_key": (401, "key_unknown"),
    "unknown_address": (404, "page_unknown"),
    "host_event_unsigned": (401, "event_refused"),
    "host_event_wrong_signature": (401, "event_refused"),
    "host_event_broken_base64": (400, "body_unreadable"),
    "free_busy_wrong_key": (401, "key_unknown"),
}


def _event(function: str, case: str) -> dict[str, object]:
    return json.loads((EVENTS / function / f"{case}.json").read_text())


def test_each_payload_has_its_expectation() -> None:
    assert {path.stem for path in (EVENTS / "console").glob("*.json")} == set(CONSOLE)
    assert {path.stem for path in (EVENTS / "host_api").glob("*.json")} == set(HOST_API)


@pytest.mark.parametrize("case", CONSOLE)
def test_console_answers(case: str) -> None:
    answer = World().handler(_event("console", case), None)

    status, target = CONSOLE[case]
    assert answer["statusCode"] == status
    assert answer["headers"].get("location", "").startswith(target or "")
    assert "content-security-policy" in answer["headers"]


@pytest.mark.parametrize("case", HOST_API)
def test_host_api_answers_with_a_stable_code(case: str) -> None:
    world = World()

    answer = world.api_handler(_event("host_api", case), None)

    status, code = HOST_API[case]
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (status, code)
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert world.queue.wishes == []
