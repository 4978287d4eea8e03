"""The control API: who exists, clock, settings, log, reset; and that it is strict about what it is told."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sandbox.small_microsoft import Microsoft
from tests.sandbox.walks import CLIENT_ID, SECRET

ANNA = "/people/anna@clinic.example"


def test_the_index_names_all_addresses(small: Microsoft) -> None:
    index = small.control("GET", "")

    assert index["addresses"]["graph"] == "https://localhost:8443/v1.0"
    assert index["addresses"]["control_url"] == "http://localhost:8080/control"
    assert index["people"] == 8


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/people", {"email": "x@clinic.example", "display_name": "X", "shoe_size": 43}, 422),
        ("/people", {"email": "no address", "display_name": "X"}, 422),
        ("/people", {"email": "x@clinic.example", "display_name": "X", "sign_in_block": 12345}, 422),
        ("/people", {"email": "x@nowhere.example", "display_name": "X"}, 400),
        ("/people", {"email": "ANNA@clinic.example", "display_name": "X"}, 400),
        ("/people", {"email": "x@clinic.example", "display_name": "X", "time_zone": "Mars/Base"}, 400),
        ("/people/nobody@clinic.example/revoke", {}, 404),
        ("/tenants", {"name": "Second", "domains": ["clinic.example"]}, 400),
        ("/apps", {"name": "A", "home_tenant": "clinic.example", "scopes": ["Calendars.Everything"]}, 400),
        ("/apps", {"name": "A", "home_tenant": "clinic.example", "client_id": CLIENT_ID}, 400),
        ("/faults", {"action": {}}, 422),
        ("/faults", {"action": {"shape": "no such shape"}}, 422),
        ("/faults", {"match": {"path": "("}, "action": {"status": 500}}, 422),
        ("/clock", {"set": "2026-01-01T00:00:00"}, 422),
        ("/subscriptions/none/lifecycle", {"event": "missed"}, 404),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(small: Microsoft, path: str, body: Any, status: int) -> None:
    assert small.control("POST", path, body, status)["error"]


def test_a_failed_person_leaves_nothing_behind(small: Microsoft) -> None:
    person = {"email": "x@clinic.example", "display_name": "X", "aliases": ["anna@clinic.example"]}

    small.control("POST", "/people", person, 400)

    small.control("GET", "/people/x@clinic.example", status=404)
    small.control("POST", "/people", person | {"aliases": []})


def test_a_person_brings_mailbox_calendars_and_attributes(small: Microsoft) -> None:
    made = small.control(
        "POST",
        "/people",
        {
            "email": "Max@Clinic.example",
            "display_name": "Max",
            "time_zone": "America/New_York",
            "calendars": [{"name": "Holidays", "is_read_only": True}],
            "mailbox_state": "unlicensed",
        },
    )

    assert made["email"] == "max@clinic.example"
    assert made["time_zone"] == "Eastern Standard Time"
    assert [(c["name"], c["is_default"], c["can_edit"]) for c in made["calendars"]] == [
        ("Calendar", True, True),
        ("Holidays", False, False),
    ]


def test_mailbox_states_show_in_graph(small: Microsoft) -> None:
    graph = small.graph(small.tokens_of("anna@clinic.example")["access_token"])

    codes = []
    for state in ("no_rest", "unlicensed", "no_mailbox", "missing", "enabled"):
        small.control("PATCH", ANNA, {"mailbox_state": state})
        answer = graph.get("/v1.0/me/calendars")
        codes.append(answer.json().get("error", {}).get("code", answer.status_code))

    assert codes == [
        "MailboxNotEnabledForRESTAPI",
        "ErrorNonExistentMailbox",
        "ErrorMissingEmailAddress",
        "ErrorInvalidUser",
        200,
    ]


def test_a_shared_calendar_stands_in_the_other_list_too(small: Microsoft) -> None:
    small.control("POST", f"{ANNA}/calendars/default/share", {"person": "bert@clinic.example", "role": "read"})

    graph = small.graph(small.tokens_of("bert@clinic.example")["access_token"])
    listed = graph.get("/v1.0/me/calendars").json()["value"]

    assert [(c["name"], c["canEdit"]) for c in listed] == [("Calendar", True), ("Dr Anna Abel", False)]
    small.control("POST", f"{ANNA}/calendars/nothing/share", {"person": "bert@clinic.example"}, 404)


def test_a_deleted_person_is_gone_from_everything(small: Microsoft) -> None:
    tokens = small.tokens_of("anna@clinic.example")

    small.control("DELETE", ANNA)

    assert small.graph(tokens["access_token"]).get("/v1.0/me/calendars").status_code == 404
    form = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "client_secret": SECRET}
    refused = small.machine.post("/common/oauth2/v2.0/token", data=form | {"refresh_token": tokens["refresh_token"]})
    assert refused.json()["error_codes"] == [50034]


def test_the_clock_moves_and_comes_back(small: Microsoft) -> None:
    def now() -> datetime:
        return datetime.fromisoformat(small.control("GET", "/clock")["now"])

    small.control("POST", "/clock", {"set": "2030-01-01T00:00:00Z"})
    there = now()
    small.control("POST", "/clock", {"real": True, "advance_seconds": -60})

    assert there.year == 2030
    assert -62 < (now() - datetime.now(UTC)).total_seconds() < -58


def test_settings_are_checked_and_count_at_once(small: Microsoft) -> None:
    changed = small.control("PATCH", "/settings", {"delta_lag": 1.5, "key_rotation_seconds": None})

    assert (changed["delta_lag"], changed["key_rotation_seconds"]) == (1.5, None)
    small.control("PATCH", "/settings", {"no_such_setting": 1}, 400)
    small.control("PATCH", "/settings", {"delta_deleted_occurrence": "sometimes"}, 422)
    small.control("PATCH", "/delivery", {"no_such_setting": 1}, 422)


def test_the_log_has_requests_and_answers_but_no_secrets(small: Microsoft) -> None:
    since = small.control("GET", "/log")["last_id"]
    tokens = small.tokens_of("anna@clinic.example")
    small.graph(tokens["access_token"]).get("/v1.0/me/calendars?$top=1")

    found = small.control("GET", f"/log?since={since}")
    entries = found["entries"]
    last = entries[-1]
    text = str(entries)

    assert (last["method"], last["path"], last["query"], last["status"]) == ("GET", "/v1.0/me/calendars", "$top=1", 200)
    assert last["mailbox"] == "anna@clinic.example"
    assert last["response_body"]["value"][0]["name"] == "Calendar"
    assert last["id"] == found["last_id"]
    for secret in (tokens["access_token"], tokens["refresh_token"], tokens["id_token"], SECRET, "Demo-2026!"):
        assert secret not in text
    assert small.control("GET", "/log?path=oauth2/v2.0/token")["entries"][-1]["path"] == "/common/oauth2/v2.0/token"


def test_the_outbox_holds_what_microsoft_would_have_sent(small: Microsoft) -> None:
    graph = small.graph(small.tokens_of("anna@clinic.example")["access_token"])
    body = {
        "subject": "with a guest",
        "start": {"dateTime": "2026-12-01T10:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-12-01T11:00:00", "timeZone": "UTC"},
        "attendees": [{"emailAddress": {"address": "guest@elsewhere.example"}, "type": "required"}],
    }

    graph.post("/v1.0/me/events", json=body | {"attendees": []})
    without = small.control("GET", "/outbox")
    graph.post("/v1.0/me/events", json=body)
    sent = small.control("GET", f"/outbox?since={without['last_id']}")["mails"]

    assert without["mails"] == []
    assert [(m["kind"], m["to"][0]["address"]) for m in sent] == [("invitation", "guest@elsewhere.example")]


def test_a_reset_empties_everything_and_keeps_the_apps_if_wanted(small: Microsoft) -> None:
    small.control("POST", "/reset", {"keep_apps": True})

    assert small.control("GET", "/people") == []
    assert [a["client_id"] for a in small.control("GET", "/apps")] == [CLIENT_ID]
    assert "Clinic" in [t["name"] for t in small.control("GET", "/tenants")]
    small.control("POST", "/reset", {})
    assert small.control("GET", "/apps") == []


def test_people_live_under_http_and_machines_under_https_only(small: Microsoft) -> None:
    assert small.people.get("/v1.0/me").status_code == 404
    assert small.people.post("/common/oauth2/v2.0/token").status_code == 404
    assert small.machine.get("/control").status_code == 404
    assert small.machine.get("/outlook").status_code == 404
