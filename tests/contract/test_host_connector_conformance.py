"""Host Connector v1, checked from outside: docs/hosts/connector-v1.md sections 1 to 3, by address and key alone.

    CALSYNC_HOST_URL=https://host.example CALSYNC_HOST_KEY=... CALSYNC_HOST_RESOURCE=<id> pytest <this file>

Without these variables it runs against the bundled booking system. The resource should be one for tests, open on
weekdays from 08:00 to 18:00 UTC. A system without `POST /bookings` also names a booking of that resource that may be
moved about: CALSYNC_HOST_BOOKING=<id>; without one the tests that need a booking are skipped, and say so.
"""

import json
import os
import re
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from calsync_core.hosts.reference.app import build_app
from calsync_core.keys import host_key

from tests.reference_host import SETTINGS, Calsync, Door, moto_table, served

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
REFUSALS = {"slot_taken", "outside_hours", "locked", "granularity", "not_found", "forbidden", "version_mismatch"}
# A Monday far away, so that no real booking is in the way.
MONDAY = datetime(2031, 3, 3, tzinfo=UTC)


class Host:
    """A booking system, and one of its resources."""

    def __init__(self, url: str, key: str, resource_id: str) -> None:
        self.url = url.rstrip("/")
        self.resource_id = resource_id
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {key}"

    def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        return self.session.request(method, self.url + path, json=body, timeout=20, **options)

    def window(self, start: datetime, end: datetime, kind: str = "bookings") -> list[dict[str, Any]]:
        """All pages of a window."""
        found: list[dict[str, Any]] = []
        query = {"resource_id": self.resource_id, "from": text(start), "to": text(end)}
        while True:
            page = self("GET", f"/{kind}", params=query).json()
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            query["cursor"] = page["next_cursor"]

    def changes(self, cursor: str) -> tuple[dict[str, dict[str, Any]], str]:
        """All there is behind a cursor, by id, and where the feed stands then."""
        found: dict[str, dict[str, Any]] = {}
        while True:
            page = self("GET", "/changes", params={"resource_id": self.resource_id, "cursor": cursor}).json()
            found |= {item["id"]: item for item in page["items"]}
            cursor = page["cursor"]
            if not page["more"]:
                return found, cursor

    def cursor(self) -> str:
        page = self("GET", "/changes", params={"resource_id": self.resource_id}).json()
        assert page["items"] == []
        return str(page["cursor"])


def text(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def at(hour: float, day: int = 0) -> str:
    return text(MONDAY + timedelta(days=day, hours=hour))


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    url = os.environ.get("CALSYNC_HOST_URL")
    if url:
        yield Host(url, os.environ["CALSYNC_HOST_KEY"], os.environ["CALSYNC_HOST_RESOURCE"])
        return
    with moto_table() as client, served(lambda: build_app(SETTINGS, client, Door(), post=Calsync())) as address:
        host = Host(f"{address}/host", host_key(SETTINGS.root_key, SETTINGS.account), "anna")
        for resource_id in ("anna", "max"):
            resource = {"id": resource_id, "name": resource_id, "kind": "staff", "time_zone": "Europe/Berlin"}
            assert host("POST", "/resources", resource).status_code == 201
        yield host


@pytest.fixture(scope="module")
def capabilities(host: Host) -> dict[str, Any]:
    found: dict[str, Any] = host("GET", "/capabilities").json()
    return found


@pytest.fixture
def block(host: Host) -> Iterator[Callable[..., requests.Response]]:
    """Puts blocks, and takes them away afterwards."""
    refs: set[str] = set()

    def put(ref: str, start: str, end: str, **fields: Any) -> requests.Response:
        refs.add(ref)
        origin = {"system": "calsync", "ref": ref, "connection_id": "mbx_1"}
        body = {"resource_id": host.resource_id, "start": start, "end": end, "all_day": False, "kind": "busy"}
        return host("PUT", f"/blocks/{ref}", body | {"origin": origin} | fields)

    yield put
    for ref in refs:
        host("DELETE", f"/blocks/{ref}")


@pytest.fixture
def book(host: Host) -> Iterator[Callable[..., dict[str, Any]]]:
    """Makes a booking, or moves the one that the operator has named; both are out of the way afterwards."""
    made: list[str] = []

    def make(start: str, end: str) -> dict[str, Any]:
        body = {"resource_ids": [host.resource_id], "start": start, "end": end, "title": "Conformance"}
        answer = host("POST", "/bookings", body)
        if answer.status_code == 201:
            made.append(answer.json()["id"])
        elif answer.status_code in {404, 405} and "CALSYNC_HOST_BOOKING" in os.environ:
            path = f"/bookings/{os.environ['CALSYNC_HOST_BOOKING']}"
            answer = host("PATCH", path, {"start": start, "end": end})
        elif answer.status_code in {404, 405}:
            pytest.skip("no POST /bookings here, and CALSYNC_HOST_BOOKING names none to move")
        assert answer.status_code in {200, 201}, answer.text
        booking: dict[str, Any] = answer.json()
        return booking

    yield make
    for booking_id in made:
        host("POST", f"/bookings/{booking_id}/cancel", {})


def assert_problem(answer: requests.Response, status: int, *codes: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem: dict[str, Any] = answer.json()
    assert problem["code"] in codes
    assert problem["message"]
    return problem


class TestKey:
    @pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer ", "Basic YTpi", "Bearer käse"])
    def test_nothing_is_answered_without_the_right_key(self, host: Host, header: str | None) -> None:
        headers = {"Authorization": header.encode()} if header else {}

        answer = requests.get(host.url + "/resources", headers=headers, timeout=20)

        assert_problem(answer, 401, "unauthorized")

    def test_a_key_in_the_query_is_no_key(self, host: Host) -> None:
        key = str(host.session.headers["Authorization"]).removeprefix("Bearer ")

        assert requests.get(host.url + "/resources", params={"key": key}, timeout=20).status_code == 401


class TestDiscovery:
    def test_capabilities_say_what_is_offered(self, capabilities: dict[str, Any]) -> None:
        assert capabilities["blocks"] is True
        assert capabilities["booking_write"] in {"none", "time_only", "full"}
        for flag in ("change_feed", "versions", "webhooks", "series", "html_notes", "dry_run", "notify_control"):
            assert isinstance(capabilities[flag], bool)
        assert capabilities["granularity_min"] >= 1
        assert capabilities["max_window_days"] >= 7 * 60

    def test_the_resource_is_listed_with_all_that_calsync_needs(self, host: Host) -> None:
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = host("GET", "/resources", params={"cursor": cursor} if cursor else {}).json()
            found += page["items"]
            cursor = page["next_cursor"]

        resource = next(item for item in found if item["id"] == host.resource_id)
        assert resource["kind"] in {"staff", "room", "equipment"}
        assert resource["active"] is True
        assert resource["name"]
        assert resource["time_zone"]
        assert {"email", "version", "external_id"} <= resource.keys()
        assert len({item["id"] for item in found}) == len(found)


class TestBlocks:
    def test_put_twice_is_one_block_of_one_version(self, host: Host, block: Callable[..., requests.Response]) -> None:
        first = block("conf-1", at(9), at(10))
        second = block("conf-1", at(9), at(10))

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json()["version"] == second.json()["version"]
        listed = [item["id"] for item in host.window(MONDAY, MONDAY + timedelta(days=1), "blocks")]
        assert listed == ["conf-1"]

    def test_another_content_is_another_version(self, host: Host, block: Callable[..., requests.Response]) -> None:
        first = block("conf-1", at(9), at(10)).json()
        second = block("conf-1", at(9.5), at(10.5), kind="oof", title="Away").json()

        assert second["version"] != first["version"]
        assert (second["start"], second["end"], second["kind"]) == (at(9.5), at(10.5), "oof")

    def test_many_at_once_are_judged_each_by_itself(
        self, host: Host, block: Callable[..., requests.Response], capabilities: dict[str, Any]
    ) -> None:  # fmt: skip
        if capabilities.get("block_batch", 0) < 3:
            pytest.skip("block_batch is not offered")
        stands = block("conf-1", at(9), at(10)).json()
        block("conf-2", at(11), at(12))
        assert host("DELETE", "/blocks/conf-2").status_code == 204
        origin = {"system": "calsync", "connection_id": "mbx_1"}
        common = {"resource_id": host.resource_id, "all_day": False, "kind": "busy"}
        spans = {"conf-2": (at(11), at(12)), "conf-bad": (at(14), at(13)), "conf-1": (at(9), at(10))}
        sent = [
            {"ref": ref, "start": start, "end": end, "origin": origin | {"ref": ref}} | common
            for ref, (start, end) in spans.items()
        ]

        answer = host("PUT", "/blocks", {"blocks": sent})

        assert answer.status_code == 200, answer.text
        items = answer.json()["items"]
        assert [(item["ref"], item["status"]) for item in items] == [
            ("conf-2", 201),
            ("conf-bad", 422),
            ("conf-1", 200),
        ]
        assert items[1]["problem"]["code"] == "invalid"
        assert items[2]["block"]["version"] == stands["version"]
        listed = {item["id"] for item in host.window(MONDAY, MONDAY + timedelta(days=1), "blocks")}
        assert listed == {"conf-1", "conf-2"}

    def test_a_batch_that_is_none_is_refused_as_a_whole(self, host: Host, capabilities: dict[str, Any]) -> None:
        if capabilities.get("block_batch", 0) < 3:
            pytest.skip("block_batch is not offered")
        one = {"ref": "conf-1", "resource_id": host.resource_id}
        for blocks in ([], [one, one], [{"resource_id": host.resource_id}], [one | {"ref": "a/b"}], {}):
            assert_problem(host("PUT", "/blocks", {"blocks": blocks}), 422, "invalid")

    def test_deleting_is_final_and_may_be_repeated(self, host: Host, block: Callable[..., requests.Response]) -> None:
        block("conf-1", at(9), at(10))

        assert host("DELETE", "/blocks/conf-1").status_code == 204
        assert host("DELETE", "/blocks/conf-1").status_code == 404
        assert host.window(MONDAY, MONDAY + timedelta(days=1), "blocks") == []

    def test_a_block_is_never_refused_for_overlap(
        self, host: Host, book: Callable[..., Any], block: Callable[..., requests.Response]
    ) -> None:
        book(at(9), at(10))

        assert block("conf-1", at(9), at(10)).status_code == 201
        assert block("conf-2", at(9.25), at(9.75)).status_code == 201

    def test_long_and_all_day_blocks_are_found_in_a_small_window(
        self, host: Host, block: Callable[..., requests.Response]
    ) -> None:
        block("conf-long", text(MONDAY - timedelta(days=400)), text(MONDAY + timedelta(days=400)), kind="oof")
        whole_day = block("conf-day", "2031-03-03", "2031-03-04", all_day=True).json()

        listed = {
            item["id"] for item in host.window(MONDAY + timedelta(hours=9), MONDAY + timedelta(hours=10), "blocks")
        }

        assert listed == {"conf-long", "conf-day"}
        assert whole_day["all_day"] is True
        assert INSTANT.fullmatch(whole_day["start"])

    def test_an_unknown_resource_or_a_span_backwards_is_refused(
        self, host: Host, block: Callable[..., requests.Response]
    ) -> None:
        assert_problem(block("conf-1", at(9), at(10), resource_id="nobody-at-all"), 404, "not_found")
        assert_problem(block("conf-1", at(10), at(9)), 422, "invalid")
        assert_problem(block("conf-1", at(10), at(10)), 422, "invalid")


class TestWindow:
    def test_windows_are_half_open(self, host: Host, book: Callable[..., Any]) -> None:
        booking = book(at(9), at(10))

        def is_in(start: float, end: float) -> bool:
            found = host.window(MONDAY + timedelta(hours=start), MONDAY + timedelta(hours=end))
            return booking["id"] in {item["id"] for item in found}

        assert not is_in(8, 9)
        assert is_in(8, 9.25)
        assert is_in(9.25, 9.5)
        assert is_in(9.75, 11)
        assert not is_in(10, 11)

    def test_instants_are_utc_and_fields_are_complete(self, host: Host, book: Callable[..., Any]) -> None:
        made = book("2031-03-03T10:00:00+01:00", "2031-03-03T11:00:00+01:00")

        listed = next(item for item in host.window(MONDAY, MONDAY + timedelta(days=1)) if item["id"] == made["id"])

        assert (listed["start"], listed["end"]) == (at(9), at(10))
        assert INSTANT.fullmatch(listed["updated_at"])
        assert listed["status"] in {"confirmed", "tentative"}
        assert host.resource_id in listed["resource_ids"]
        expected = {"version", "time_zone", "all_day", "title", "service_name", "customer", "notes", "location", "url"}
        assert expected | {"private", "buffers", "series", "custom_fields", "origin"} <= listed.keys()
        assert host("GET", f"/bookings/{made['id']}").json() == listed

    @pytest.mark.parametrize(
        "query",
        [
            {},
            {"from": "2031-03-03T00:00:00Z"},
            {"from": "2031-03-04T00:00:00Z", "to": "2031-03-03T00:00:00Z"},
            {"from": "2031-03-03T00:00:00", "to": "2031-03-04T00:00:00"},
            {"from": "yesterday", "to": "today"},
            {"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T00:00:00Z"},
            {"from": "2031-03-03T00:00:00Z", "to": "2031-03-04T00:00:00Z", "cursor": "no such cursor"},
        ],
    )
    def test_a_wrong_window_is_told(self, host: Host, query: dict[str, str]) -> None:
        assert_problem(host("GET", "/bookings", params={"resource_id": host.resource_id} | query), 422, "invalid")

    def test_unknown_things_are_not_found(self, host: Host) -> None:
        window = {"from": at(9), "to": at(10)}
        unknown = host("GET", "/bookings", params={"resource_id": "nobody-at-all"} | window)

        assert_problem(unknown, 404, "not_found")
        assert_problem(host("GET", "/bookings/no-such-booking"), 404, "not_found")
        assert_problem(host("PATCH", "/bookings/no-such-booking", {"title": "x"}), 404, "not_found")


class TestMoving:
    @pytest.fixture(autouse=True)
    def _writable(self, capabilities: dict[str, Any]) -> None:
        if capabilities["booking_write"] == "none":
            pytest.skip("this booking system cannot be asked to move bookings")

    def test_a_move_is_a_new_version_and_keeps_the_rest(self, host: Host, book: Callable[..., Any]) -> None:
        before = book(at(9), at(10))
        path = f"/bookings/{before['id']}"

        moved = host("PATCH", path, {"start": at(11), "end": at(12)}, headers={"If-Match": f'"{before["version"]}"'})

        assert moved.status_code == 200, moved.text
        after = moved.json()
        assert (after["start"], after["end"]) == (at(11), at(12))
        assert after["version"] != before["version"]
        same = before.keys() - {"start", "end", "version", "updated_at"}
        assert {name: after[name] for name in same} == {name: before[name] for name in same}
        assert host("GET", path).json() == after

    def test_a_dry_run_answers_like_a_move_and_changes_nothing(
        self, host: Host, book: Callable[..., Any], block: Callable[..., Any], capabilities: dict[str, Any]
    ) -> None:
        if not capabilities["dry_run"]:
            pytest.skip("no dry_run here")
        before = book(at(9), at(10))
        block("conf-1", at(13), at(14))
        path = f"/bookings/{before['id']}"

        free = host("PATCH", path, {"start": at(11), "end": at(12)}, params={"dry_run": 1})
        taken = host("PATCH", path, {"start": at(13), "end": at(14)}, params={"dry_run": 1})

        assert free.json()["start"] == at(11)
        assert_problem(taken, 409, "slot_taken")
        assert host("GET", path).json() == before

    def test_a_stale_version_is_refused(self, host: Host, book: Callable[..., Any]) -> None:
        before = book(at(9), at(10))
        path = f"/bookings/{before['id']}"
        host("PATCH", path, {"start": at(11), "end": at(12)})

        late = host("PATCH", path, {"start": at(14), "end": at(15)}, headers={"If-Match": before["version"]})

        assert_problem(late, 412, "version_mismatch")
        assert host("GET", path).json()["start"] == at(11)

    def test_taken_time_is_refused_with_what_is_in_the_way(
        self, host: Host, book: Callable[..., Any], block: Callable[..., Any]
    ) -> None:
        booking = book(at(9), at(10))
        block("conf-1", at(11), at(12))

        refused = host("PATCH", f"/bookings/{booking['id']}", {"start": at(11.5), "end": at(12.5)})

        problem = assert_problem(refused, 409, "slot_taken")
        assert problem["conflicting_ids"] == ["conf-1"]
        assert host("GET", f"/bookings/{booking['id']}").json() == booking

    def test_touching_a_block_is_free(self, host: Host, book: Callable[..., Any], block: Callable[..., Any]) -> None:
        booking = book(at(9), at(10))
        block("conf-1", at(11), at(12))

        for start, end in ((at(10), at(11)), (at(12), at(13))):
            assert host("PATCH", f"/bookings/{booking['id']}", {"start": start, "end": end}).status_code == 200

    def test_the_same_key_has_one_effect_and_one_answer(self, host: Host, book: Callable[..., Any]) -> None:
        before = book(at(9), at(10))
        path, key = f"/bookings/{before['id']}", str(uuid.uuid4())
        headers = {"Idempotency-Key": key, "If-Match": before["version"]}
        body = {"start": at(11), "end": at(12)}

        first = host("PATCH", path, body, headers=headers)
        again = host("PATCH", path, body, headers=headers)
        other = host("PATCH", path, {"start": at(14), "end": at(15)}, headers=headers)

        assert first.status_code == again.status_code == 200
        assert first.json() == again.json()
        assert other.status_code in {409, 422}
        assert host("GET", path).json() == first.json()

    @pytest.mark.parametrize(
        "body",
        [
            {"start": "2031-03-03T12:00:00Z", "end": "2031-03-03T11:00:00Z"},
            {"start": "2031-03-03T11:00:00"},
            {"start": None},
            {"no_such_field": 1},
            {"start": 1772532000},
            {"end": "2031-02-30T11:00:00Z"},
        ],
    )
    def test_a_wrong_change_is_told_and_changes_nothing(
        self, host: Host, book: Callable[..., Any], body: dict[str, Any]
    ) -> None:
        booking = book(at(9), at(10))

        problem = assert_problem(host("PATCH", f"/bookings/{booking['id']}", body), 422, "invalid")

        assert problem["errors"][0]["field"]
        assert host("GET", f"/bookings/{booking['id']}").json() == booking

    @pytest.mark.parametrize("raw", [b"{", b"[]", b'"text"', b"\xff\xfe", b'{"title": "\\ud800"}'])
    def test_what_is_no_json_object_is_malformed(self, host: Host, book: Callable[..., Any], raw: bytes) -> None:
        booking = book(at(9), at(10))

        answer = host("PATCH", f"/bookings/{booking['id']}", data=raw)

        assert_problem(answer, 400, "malformed")

    def test_a_huge_body_is_refused(self, host: Host, book: Callable[..., Any]) -> None:
        booking = book(at(9), at(10))

        answer = host("PATCH", f"/bookings/{booking['id']}", data=json.dumps({"title": "x" * 1_000_000}))

        assert_problem(answer, 413, "body_too_large")

    def test_cancelling_is_final_and_may_be_repeated(self, host: Host, book: Callable[..., Any]) -> None:
        if "CALSYNC_HOST_BOOKING" in os.environ:
            pytest.skip("would use up the named booking")
        booking = book(at(9), at(10))
        path = f"/bookings/{booking['id']}"

        first, again = host("POST", f"{path}/cancel", {}), host("POST", f"{path}/cancel", {})

        assert first.status_code == again.status_code == 200
        assert first.json()["status"] == "cancelled"
        assert first.json() == again.json()
        assert_problem(host("PATCH", path, {"start": at(11), "end": at(12)}), 409, "locked")
        book(at(9), at(10))

    def test_rivals_for_one_time_have_one_winner(self, host: Host, book: Callable[..., Any]) -> None:
        if "CALSYNC_HOST_BOOKING" in os.environ:
            pytest.skip("needs several bookings")
        rivals = [
            book(
                at(9 + number / 2),
                at(9.5 + number / 2),
            )
            for number in range(4)
        ]

        def move(booking: dict[str, Any]) -> int:
            headers = dict(host.session.headers)
            body = {"start": at(9, 1), "end": at(10, 1)}
            answer = requests.patch(f"{host.url}/bookings/{booking['id']}", json=body, headers=headers, timeout=30)
            return answer.status_code

        with ThreadPoolExecutor(4) as pool:
            statuses = sorted(pool.map(move, rivals))

        assert statuses == [200, 409, 409, 409]


class TestChanges:
    @pytest.fixture(autouse=True)
    def _offered(self, capabilities: dict[str, Any]) -> None:
        if not capabilities["change_feed"]:
            pytest.skip("no change feed here")

    def test_the_feed_tells_what_changed_since_in_its_present_state(self, host: Host, book: Callable[..., Any]) -> None:
        cursor = host.cursor()
        booking = book(at(9), at(10))
        host("PATCH", f"/bookings/{booking['id']}", {"start": at(11), "end": at(12)})

        found, end = host.changes(cursor)

        assert found[booking["id"]]["type"] == "upsert"
        assert found[booking["id"]]["booking"] == host("GET", f"/bookings/{booking['id']}").json()
        assert host.changes(end)[0] == {}
        assert host.changes(cursor)[0] == found

    def test_blocks_are_no_changes_of_bookings(self, host: Host, block: Callable[..., Any]) -> None:
        cursor = host.cursor()
        block("conf-1", at(9), at(10))

        assert host.changes(cursor)[0] == {}

    def test_refusals_and_dry_runs_are_no_changes(
        self, host: Host, book: Callable[..., Any], block: Callable[..., Any]
    ) -> None:
        booking = book(at(9), at(10))
        block("conf-1", at(11), at(12))
        cursor = host.cursor()

        host("PATCH", f"/bookings/{booking['id']}", {"start": at(11), "end": at(12)})
        host("PATCH", f"/bookings/{booking['id']}", {"start": at(14), "end": at(15)}, params={"dry_run": 1})

        assert host.changes(cursor)[0] == {}

    def test_a_cursor_of_nobody_is_refused(self, host: Host) -> None:
        query = {"resource_id": host.resource_id, "cursor": "never-given-out"}

        assert host("GET", "/changes", params=query).status_code in {410, 422}

    def test_a_booking_that_leaves_the_resource_is_a_tombstone(self, host: Host, book: Callable[..., Any]) -> None:
        others = [item["id"] for item in host("GET", "/resources").json()["items"] if item["id"] != host.resource_id]
        if not others or "CALSYNC_HOST_BOOKING" in os.environ:
            pytest.skip("needs a second resource and a booking of its own")
        booking = book(at(9), at(10))
        cursor = host.cursor()

        left = host("PATCH", f"/bookings/{booking['id']}", {"resource_ids": [others[0]]})

        assert left.status_code == 200, left.text
        assert host.changes(cursor)[0][booking["id"]]["type"] == "tombstone"
        assert booking["id"] not in {item["id"] for item in host.window(MONDAY, MONDAY + timedelta(days=1))}


def test_refusals_come_with_known_codes_only(host: Host, book: Callable[..., Any]) -> None:
    """Whatever the cause, calsync must know the code: here the odd minute and the middle of the night."""
    booking = book(at(9), at(10))
    for start, end in (("2031-03-03T09:07:13Z", "2031-03-03T09:51:13Z"), (at(1), at(2)), (at(9, 5), at(10, 5))):
        answer = host("PATCH", f"/bookings/{booking['id']}", {"start": start, "end": end}, params={"dry_run": 1})
        assert answer.status_code == 200 or answer.json()["code"] in REFUSALS
