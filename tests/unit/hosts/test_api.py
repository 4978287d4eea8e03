"""What the API of the bundled booking system adds to the connector; the rest is in the conformance suite."""

import json
from itertools import count
from typing import Any

import pytest
from calsync_core.hosts.reference.api import System

from tests.reference_host import Web, booked

BOOKING = {"resource_ids": ["anna"], "start": "2026-11-23T09:00:00+01:00", "end": "2026-11-23T09:30:00+01:00"}
BLOCK = {"resource_id": "anna", "start": "2026-11-23T09:00:00Z", "end": "2026-11-23T10:00:00Z"}


def pages(web: Web, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    address = path
    for _ in count():
        page = web("GET", address).json
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        address = f"{path}{'&' if '?' in path else '?'}cursor={page['next_cursor']}"
    raise AssertionError


class TestLists:
    def test_resources_of_any_number_come_in_pages(self, web: Web, system: System) -> None:
        for number in range(205):
            body = {"id": f"x{number}", "name": "X" * (1 + number % 7), "kind": "room", "time_zone": "UTC"}
            assert web("POST", "/host/resources", body).status == 201

        found = [resource["id"] for resource in pages(web, "/host/resources")]

        assert len(found) == len(set(found)) == 207

    @pytest.mark.parametrize("prefix", ["b", "bb", "bbb", "bbbb"])
    def test_cursors_work_whatever_the_length_of_ids(self, web: Web, prefix: str) -> None:
        """A cursor whose base64 needed no padding was refused as not ours."""
        for number in range(201):
            ref = f"{prefix}{number:03}"
            block = BLOCK | {"origin": {"system": "calsync", "ref": ref}}
            assert web("PUT", f"/host/blocks/{ref}", block).status == 201

        window = "resource_id=anna&from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z"
        found = pages(web, f"/host/blocks?{window}")

        assert [block["id"] for block in found] == [f"{prefix}{number:03}" for number in range(201)]

    def test_an_unknown_parameter_is_told(self, web: Web) -> None:
        answer = web("GET", "/host/resources?page=2")

        assert (answer.status, answer.json["errors"][0]["field"]) == (422, "page")

    def test_a_parameter_given_twice_is_told(self, web: Web) -> None:
        assert web("GET", "/host/changes?resource_id=anna&resource_id=room4").json["code"] == "invalid"


class TestBookings:
    def test_a_repeated_post_makes_one_booking(self, web: Web) -> None:
        first = web("POST", "/host/bookings", BOOKING, Idempotency_Key="form-1")
        again = web("POST", "/host/bookings", BOOKING, Idempotency_Key="form-1")
        other = web("POST", "/host/bookings", BOOKING | {"title": "x"}, Idempotency_Key="form-1")

        assert (first.status, again.status, first.json) == (201, 201, again.json)
        assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")

    def test_a_key_belongs_to_its_path(self, web: Web) -> None:
        made = web("POST", "/host/bookings", BOOKING, Idempotency_Key="k").json

        cancelled = web("POST", f"/host/bookings/{made['id']}/cancel", Idempotency_Key="k")

        assert cancelled.json["status"] == "cancelled"

    def test_refusals_are_not_remembered(self, web: Web, system: System) -> None:
        other = booked(system, "09:00", "10:00")
        refused = web("POST", "/host/bookings", BOOKING, Idempotency_Key="k")
        web("POST", f"/host/bookings/{other.id}/cancel")

        assert refused.json["conflicting_ids"] == [other.id]
        assert web("POST", "/host/bookings", BOOKING, Idempotency_Key="k").status == 201

    def test_an_id_of_the_owners_choice_is_used_once(self, web: Web) -> None:
        assert web("POST", "/host/bookings", BOOKING | {"id": "visit-1"}).json["id"] == "visit-1"
        later = {"start": "2026-11-23T11:00:00Z", "end": "2026-11-23T11:30:00Z"}
        assert web("POST", "/host/bookings", BOOKING | {"id": "visit-1"} | later).json["code"] == "already_exists"

    @pytest.mark.parametrize(
        "bad",
        [
            {"resource_ids": []},
            {"resource_ids": ["anna/../x"]},
            {"status": "cancelled"},
            {"title": "x" * 1001},
            {"customer": {"name": "A", "email": "no address"}},
            {"url": "javascript:alert(1)"},
            {"time_zone": "../etc/passwd"},
            {"time_zone": "Mars/Olympus"},
            {"custom_fields": {"a": {"b": 1}}},
            {"custom_fields": {str(n): "" for n in range(51)}},
            {"buffers": {"before_min": -1}},
            {"private": "yes"},
            {"series": {"rrule": "FREQ=DAILY"}},
            {"version": "7"},
        ],
    )
    def test_input_is_read_strictly(self, web: Web, bad: dict[str, Any]) -> None:
        answer = web("POST", "/host/bookings", BOOKING | bad)

        assert (answer.status, answer.json["code"]) == (422, "invalid")
        assert "passwd" not in answer.text

    def test_numbers_that_are_none_are_refused(self, web: Web) -> None:
        raw = json.dumps(BOOKING)[:-1] + ', "custom_fields": '

        assert web("POST", "/host/bookings", raw + '{"a": NaN}}').status in {400, 422}
        assert web("POST", "/host/bookings", raw + '{"a": 1e999}}').status in {400, 422}

    @pytest.mark.parametrize("body", [b"\xff", b"=" * 200_000])
    def test_bodies_that_are_not_text_or_too_large_are_answered(self, web: Web, body: bytes) -> None:
        headers = {"authorization": f"Bearer {web.key}"}

        answer = web.send("POST", "/host/bookings", body.decode("latin-1"), headers, is_base64=True)

        assert answer.status in {400, 413}

    def test_the_key_may_carry_its_padding(self, web: Web) -> None:
        for key in (web.key, web.key + "="):
            assert web.send("GET", "/host/capabilities", None, {"authorization": f"Bearer {key}"}).status == 200
        assert web.send("GET", "/host/capabilities", None, {"authorization": "Bearer ="}).status == 401


class TestResources:
    def test_what_was_sent_comes_back_and_the_rest_stays(self, web: Web) -> None:
        owner = {"id": "p1", "name": "Anna Weber", "email": "anna@clinic.example"}
        before = web("GET", "/host/resources/anna").json

        answer = web("PATCH", "/host/resources/anna", {"owner": owner, "locale": "de"}, If_Match='"1"')

        news = {"owner": owner, "locale": "de", "version": "2"}
        assert answer.json == before | news
        assert web("GET", "/host/resources/anna").json == answer.json
        assert answer.headers["etag"] == '"2"'

    def test_a_stale_version_and_a_taken_id_are_refused(self, web: Web) -> None:
        web("PATCH", "/host/resources/anna", {"name": "A"})

        assert web("PATCH", "/host/resources/anna", {"name": "B"}, If_Match='"1"').json["code"] == "version_mismatch"
        new = {"id": "anna", "name": "C", "kind": "staff", "time_zone": "UTC"}
        assert web("POST", "/host/resources", new).json["code"] == "already_exists"

    @pytest.mark.parametrize(
        "bad",
        [
            {"name": None},
            {"kind": "robot"},
            {"time_zone": "CET+1"},
            {"working_hours": {"weekly": [{"day": "mon", "start": "9", "end": "17:00"}]}},
            {"working_hours": {"weekly": [{"day": "mon", "start": "09:00", "end": "24:30"}]}},
            {"working_hours": {"exceptions": [{"date": "2026-02-30"}]}},
            {"id": "other"},
        ],
    )
    def test_wrong_fields_are_told(self, web: Web, bad: dict[str, Any]) -> None:
        assert web("PATCH", "/host/resources/anna", bad).json["code"] == "invalid"
