"""Every payload of events/reference_host through the real handler, as the others are in tests/handlers."""

import json
from pathlib import Path
from typing import Any

import pytest
from calsync_core.hosts.reference.app import build_app

from tests.reference_host import SETTINGS, Calsync, Clock, Door, Web

EVENTS = Path(__file__).parents[3] / "events" / "reference_host"
EXPECTED = {
    "list_resources": (200, None),
    "list_resources_without_key": (401, "unauthorized"),
    "book": (201, None),
    "book_outside_hours": (409, "outside_hours"),
    "put_block": (201, None),
    "delete_unknown_block": (404, "not_found"),
    "broken_base64": (400, "malformed"),
    "unknown_address": (404, "no_such_address"),
    "week_page": (200, None),
    "week_page_signed_out": (303, None),
    "book_by_form_without_token": (403, None),
}


def test_each_payload_has_its_expectation() -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == set(EXPECTED)


@pytest.mark.parametrize("case", EXPECTED)
def test_payload(case: str, client: Any, web: Web, clock: Clock, calsync: Calsync) -> None:
    handle = build_app(SETTINGS, client, Door(), post=calsync, clock=clock)

    answer = handle(json.loads((EVENTS / f"{case}.json").read_text()), None)

    status, code = EXPECTED[case]
    assert answer["statusCode"] == status
    assert code is None or json.loads(answer["body"])["code"] == code
