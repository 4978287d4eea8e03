"""Fault rules on the real process: what is matched, what the client sees, what has happened all the same."""

from typing import Any

import httpx
import pytest

from sandbox.fault_shapes import FAULT_SHAPES
from tests.sandbox.small_microsoft import Microsoft

EVENT = {
    "subject": "x",
    "start": {"dateTime": "2026-12-01T10:00:00", "timeZone": "UTC"},
    "end": {"dateTime": "2026-12-01T11:00:00", "timeZone": "UTC"},
}


@pytest.fixture
def anna(microsoft: Microsoft) -> httpx.Client:
    return microsoft.graph(microsoft.tokens_of("anna@clinic.example")["access_token"])


def rule(microsoft: Microsoft, action: dict[str, Any], match: dict[str, Any] | None = None, **more: Any) -> str:
    body = {"match": match or {"path": "/me/events"}, "action": action, **more}
    return str(microsoft.control("POST", "/faults", body)["id"])


def subjects(graph: httpx.Client) -> list[str]:
    return [e["subject"] for e in graph.get("/v1.0/me/events?$top=50").json()["value"]]


def statuses(graph: httpx.Client, count: int, path: str = "/v1.0/me/events") -> list[int]:
    return [graph.get(path).status_code for _ in range(count)]


def test_cut_before_has_no_effect_and_cut_after_has(microsoft: Microsoft, anna: httpx.Client) -> None:
    rule(microsoft, {"close": "before"}, {"method": "POST", "path": "/me/events$"}, times=1)
    with pytest.raises(httpx.TransportError):
        anna.post("/v1.0/me/events", json=EVENT | {"subject": "before"})
    rule(microsoft, {"close": "after"}, {"method": "POST", "path": "/me/events$"}, times=1)
    with pytest.raises(httpx.TransportError):
        anna.post("/v1.0/me/events", json=EVENT | {"subject": "after"})

    assert subjects(anna) == ["after"]
    cut = [e for e in microsoft.control("GET", "/log")["entries"] if e["method"] == "POST" and e["status"] == 0]
    assert len(cut) == 2


def test_a_truncated_answer_breaks_in_the_middle(microsoft: Microsoft, anna: httpx.Client) -> None:
    rule(microsoft, {"truncate": 20}, {"method": "POST"}, times=1)

    with pytest.raises(httpx.RemoteProtocolError, match="20"):
        anna.post("/v1.0/me/events", json=EVENT | {"subject": "half told"})

    assert subjects(anna) == ["half told"]


def test_an_answer_may_lose_its_body(microsoft: Microsoft, anna: httpx.Client) -> None:
    rule(microsoft, {"empty_body": True}, times=1)
    rule(microsoft, {"shape": "unavailable_empty"}, times=1)

    empty, unavailable = anna.get("/v1.0/me/events"), anna.get("/v1.0/me/events")

    assert (empty.status_code, empty.content) == (200, b"")
    assert (unavailable.status_code, unavailable.content) == (503, b"")


@pytest.mark.parametrize("shape", sorted(FAULT_SHAPES))
def test_every_shape_is_answered_as_graph_would(microsoft: Microsoft, anna: httpx.Client, shape: str) -> None:
    rule(microsoft, {"shape": shape}, times=1)

    answer = anna.get("/v1.0/me/events", headers={"client-request-id": "mine"})

    wanted = FAULT_SHAPES[shape]
    assert answer.status_code == wanted.status
    assert answer.headers["client-request-id"] == "mine"
    assert answer.headers.get("retry-after", "") == wanted.retry_after
    if wanted.code:
        error = answer.json()["error"]
        assert (error["code"], error["innerError"]["client-request-id"]) == (wanted.code, "mine")


def test_rules_count_what_they_match(microsoft: Microsoft, anna: httpx.Client) -> None:
    rule(microsoft, {"status": 500}, nth=2)
    second = statuses(anna, 3)
    microsoft.control("DELETE", "/faults")
    rule(microsoft, {"status": 502}, skip=1, times=2)
    between = statuses(anna, 4)

    assert second == [200, 500, 200]
    assert between == [200, 502, 502, 200]
    assert microsoft.control("GET", "/faults")[0] | {"id": ""} == microsoft.control("GET", "/faults")[0] | {
        "id": "",
        "seen": 4,
        "fired": 2,
    }


def test_rules_mean_a_mailbox_a_body_a_method(microsoft: Microsoft, anna: httpx.Client) -> None:
    rule(microsoft, {"status": 500}, {"mailbox": "bert@clinic.example"})
    rule(microsoft, {"status": 502}, {"body": '"subject": ?"bad"', "method": "post"})

    good = anna.post("/v1.0/me/events", json=EVENT)
    bad = anna.post("/v1.0/me/events", json=EVENT | {"subject": "bad"})
    bert = microsoft.graph(microsoft.tokens_of("bert@clinic.example")["access_token"])

    assert (good.status_code, bad.status_code) == (201, 502)
    assert bert.get("/v1.0/me/calendars").status_code == 500


def test_by_probability_some_are_hit(microsoft: Microsoft, anna: httpx.Client) -> None:
    rule(microsoft, {"status": 503}, probability=0.5)

    seen = statuses(anna, 40)

    assert 5 < seen.count(503) < 35


def test_a_delay_comes_before_everything_else(microsoft: Microsoft, anna: httpx.Client) -> None:
    rule(microsoft, {"delay": 0.3})

    answer = anna.get("/v1.0/me/events")

    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.3


def test_parts_of_a_batch_are_requests_of_their_own(microsoft: Microsoft, anna: httpx.Client) -> None:
    rule(microsoft, {"shape": "throttled"}, {"path": "/me/calendars$"}, times=1)
    parts = [{"id": n, "method": "GET", "url": url} for n, url in (("1", "/me/calendars"), ("2", "/me/events"))]

    batch = anna.post("/v1.0/$batch", json={"requests": parts})

    answers = {r["id"]: r for r in batch.json()["responses"]}
    assert (batch.status_code, answers["1"]["status"], answers["2"]["status"]) == (200, 429, 200)
    assert answers["1"]["headers"]["Retry-After"] == "2.128"
    noted = [e for e in microsoft.control("GET", "/log")["entries"] if e["is_batch_part"]]
    assert sorted(e["path"] for e in noted) == ["/v1.0/me/calendars", "/v1.0/me/events"]


def test_a_cut_part_of_a_batch_is_a_504(microsoft: Microsoft, anna: httpx.Client) -> None:
    rule(microsoft, {"close": "after"}, {"method": "POST", "path": "/me/events$"}, times=1)
    part = {"id": "1", "method": "POST", "url": "/me/events", "body": EVENT}
    part["headers"] = {"Content-Type": "application/json"}

    batch = anna.post("/v1.0/$batch", json={"requests": [part]})

    assert batch.json()["responses"][0]["status"] == 504
    assert subjects(anna) == ["x"]


def test_the_token_endpoint_is_not_spared(microsoft: Microsoft) -> None:
    rule(microsoft, {"status": 503, "body": "<html>busy</html>"}, {"path": "/oauth2/v2.0/token"}, times=1)

    answer = microsoft.machine.post("/common/oauth2/v2.0/token", data={"grant_type": "refresh_token"})

    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html")


def test_the_control_api_is_spared_and_rules_go_away(microsoft: Microsoft, anna: httpx.Client) -> None:
    first = rule(microsoft, {"status": 500}, {"path": ".*"})

    assert anna.get("/v1.0/me").status_code == 500
    microsoft.control("DELETE", f"/faults/{first}")
    assert anna.get("/v1.0/me").status_code == 200
    microsoft.control("DELETE", f"/faults/{first}", status=404)
