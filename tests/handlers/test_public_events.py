"""Every payload of events/invitation, oauth_callback and mail_feedback through the real handlers on memory ports."""

import json
from pathlib import Path
from typing import Any

import pytest
from calsync_core.domain.resources import InvitationState
from calsync_core.mail_news import mail_news_handler

from tests.journey_world import ACCOUNT, ANNA, JourneyWorld

EVENTS = Path(__file__).parents[2] / "events"
PAGES = {
    "invitation": {
        "unknown_link": (404, "This link does not lead anywhere"),
        "unknown_link_head": (404, ""),
        "help": (200, "Help"),
        "unknown_page": (404, "This page does not exist"),
        "wrong_method": (405, ""),
        "continue_without_token": (403, "This form is no longer valid"),
        "continue_without_cookie": (403, "This form is no longer valid"),
        "forged_manage_link": (404, "This link does not lead anywhere"),
        "forged_conflict_link": (404, "This link does not lead anywhere"),
        "broken_base64": (400, "What was sent could not be read"),
    },
    "oauth_callback": {
        "no_state": (403, "This sign-in is no longer under way"),
        "unknown_state": (403, "This sign-in is no longer under way"),
        "access_denied_unknown_state": (403, "This sign-in is no longer under way"),
        "forged_approval": (403, "This sign-in is no longer under way"),
        "post": (405, ""),
        "unknown_page": (404, "This page does not exist"),
    },
}
MAIL = {
    "delivery": InvitationState.DELIVERED,
    "permanent_bounce": InvitationState.BOUNCED,
    "transient_bounce": InvitationState.SENT,
    "complaint": InvitationState.COMPLAINED,
    "older_notification_form": InvitationState.DELIVERED,
    "send": InvitationState.SENT,
    "unreadable": InvitationState.SENT,
    "foreign_message": InvitationState.SENT,
    "two_at_once": InvitationState.BOUNCED,
}
CASES = [(function, case) for function, cases in PAGES.items() for case in cases]


def payload(function: str, case: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / function / f"{case}.json").read_text())
    return event


@pytest.mark.parametrize(("function", "cases"), [*PAGES.items(), ("mail_feedback", MAIL)])
def test_each_payload_has_its_expectation(function: str, cases: dict[str, object]) -> None:
    assert {path.stem for path in (EVENTS / function).glob("*.json")} == set(cases)


@pytest.mark.parametrize(("function", "case"), CASES)
def test_pages_answer(function: str, case: str) -> None:
    world = JourneyWorld()
    handler = world.invitation_function if function == "invitation" else world.oauth_function

    answer = handler(payload(function, case), None)

    status, title = PAGES[function][case]
    assert answer["statusCode"] == status
    assert title in answer["body"]
    headers = answer["headers"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"


def test_a_large_form_is_refused() -> None:
    event = payload("invitation", "continue_without_token")
    event.update(body="x" * 300_000, isBase64Encoded=False)
    assert JourneyWorld().invitation_function(event, None)["statusCode"] == 413


def test_a_bug_answers_500_and_nothing_of_it_is_shown_or_logged(capsys: pytest.CaptureFixture[str]) -> None:
    world = JourneyWorld()

    def broken(*_: object) -> None:
        raise RuntimeError("secret-title-of-an-entry")

    world.stores.journeys.invitation = broken  # type: ignore[method-assign,assignment]
    answer = world.invitation_function(payload("invitation", "unknown_link"), None)
    assert answer["statusCode"] == 500
    assert "We could not complete this" in answer["body"]
    written = capsys.readouterr()
    assert "secret-title" not in answer["body"] + written.out + written.err
    assert "A" * 43 not in written.out + written.err  # the link's token


@pytest.mark.parametrize("case", MAIL)
def test_mail_events_change_the_state(case: str) -> None:
    world = JourneyWorld()
    world.invite()

    mail_news_handler(world.stores, world.clock)(payload("mail_feedback", case), None)

    assert world.state().invitation is MAIL[case]


@pytest.mark.prop("P7")
def test_a_mail_event_that_comes_twice_is_logged_but_changes_nothing() -> None:
    world = JourneyWorld()
    world.invite()
    handler = mail_news_handler(world.stores, world.clock)
    handler(payload("mail_feedback", "delivery"), None)
    before = world.state()
    handler(payload("mail_feedback", "delivery"), None)
    assert world.state() == before
    assert world.stores.log.of_resource(ACCOUNT, ANNA)
