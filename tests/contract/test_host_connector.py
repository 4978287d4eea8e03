"""The connector keeps the contract against the bundled booking system, over HTTP, and is strict with every other."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from calsync_core.adapters.hosts.client import HostClient
from calsync_core.adapters.hosts.connector import ConnectorHost
from calsync_core.adapters.hosts.documents import from_when
from calsync_core.domain.appointments import AllDay, Notes, When
from calsync_core.domain.errors import (
    AppointmentRejectedError,
    InstallationError,
    ProviderThrottledError,
    ProviderUnavailableError,
    RefusedError,
)
from calsync_core.domain.ids import BookingId, ResourceId
from calsync_core.domain.windows import Window
from calsync_core.hosts.reference.app import build_app
from calsync_core.keys import host_key

from tests.contract.host_contract import ANNA, WINDOW, HostContract, HostSide, at, block
from tests.reference_host import SETTINGS, Calsync, Door, moto_table, served

KEY = host_key(SETTINGS.root_key, SETTINGS.account)


class ConnectorSide:
    """The clinic books through the same API, as the week page does."""

    def __init__(self, url: str) -> None:
        self.client = HostClient(url, KEY)
        self.host = ConnectorHost(self.client)
        days = ("mon", "tue", "wed", "thu", "fri")
        hours = {"weekly": [{"day": day, "start": "09:00", "end": "17:00"} for day in days]}
        zone = {"time_zone": "Europe/Berlin"}
        anna = {"id": "anna", "name": "Dr Anna Weber", "kind": "staff", "working_hours": hours, **zone}
        room = {"id": "room4", "name": "Room 4", "kind": "room", **zone}
        for resource in (anna, room):
            self.client.call("POST", "/resources", body=resource)

    def book(self, when: When, resources: tuple[str, ...] = ("anna",), **fields: Any) -> BookingId:
        body: dict[str, Any] = {
            "resource_ids": list(resources),
            "all_day": isinstance(when, AllDay),
            "title": fields.get("title", "Consultation"),
            **from_when(when),
        }
        if "customer" in fields:
            who = fields["customer"]
            body["customer"] = {"name": who.name, "email": who.email, "phone": who.phone}
        if "notes" in fields:
            body["notes"] = {"format": "text", "value": fields["notes"].text}
        if "buffer_after" in fields:
            minutes = fields["buffer_after"] // timedelta(minutes=1)
            body["buffers"] = {"before_min": 0, "after_min": minutes}
        body |= {name: fields[name] for name in ("service_name", "location") if name in fields}
        return BookingId(self.client.call("POST", "/bookings", body=body)["id"])

    def move(self, booking_id: BookingId, when: When) -> None:
        self.client.call("PATCH", f"/bookings/{booking_id}", body=from_when(when))

    def cancel(self, booking_id: BookingId) -> None:
        self.client.call("POST", f"/bookings/{booking_id}/cancel", body={})

    def reassign(self, booking_id: BookingId, resources: tuple[str, ...]) -> None:
        self.client.call("PATCH", f"/bookings/{booking_id}", body={"resource_ids": list(resources)})


@pytest.fixture
def url() -> Iterator[str]:
    with moto_table() as client, served(lambda: build_app(SETTINGS, client, Door(), post=Calsync())) as address:
        yield f"{address}/host"


class TestConnector(HostContract):
    @pytest.fixture
    def side(self, url: str) -> HostSide:
        return ConnectorSide(url)

    def test_a_foreign_key_is_our_own_set_up(self, url: str) -> None:
        with pytest.raises(InstallationError, match="host_unauthorised"):
            ConnectorHost(HostClient(url, "wrong")).resources()

    def test_a_name_below_localhost_is_this_machine(self, url: str) -> None:
        named = url.replace("127.0.0.1", "abc123.execute-api.localhost")
        assert ConnectorHost(HostClient(named, KEY)).capabilities().may_move


class Scripted:
    """A booking system that answers what the test says, in turn; the last answer stays."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    def say(self, status: int, body: Any = None, /, **headers: str) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        self.answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, raw))


@pytest.fixture
def scripted() -> Iterator[tuple[Scripted, ConnectorHost]]:
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            script.asked.append((self.command, self.path, dict(self.headers.items()), body))
            status, headers, raw = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = answer  # noqa: N815 - the base's names

        def log_message(self, *_: object) -> None:
            """Tests read answers, not logs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    slept: list[float] = []
    client = HostClient(f"http://127.0.0.1:{server.server_port}/host", "key", sleep=slept.append)
    yield script, ConnectorHost(client)
    server.shutdown()
    server.server_close()


BOOKING = {
    "id": "bkg_1", "version": "3", "status": "confirmed", "resource_ids": ["anna"], "time_zone": "Europe/Berlin",
    "start": "2026-12-07T09:00:00Z", "end": "2026-12-07T10:00:00Z", "a_new_field": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": ""}, {"status": "maybe"}, {"start": "2026-12-07T09:00:00"}, {"start": "soon"}, {"time_zone": "Mars"},
        {"end": "2026-12-07T08:00:00Z"}, {"resource_ids": "anna"}, {"customer": "Max"}, {"title": 7},
    ],
)  # fmt: skip
def test_a_booking_that_does_not_fit_the_contract_hurts_itself_alone(scripted: Any, wrong: dict[str, Any]) -> None:
    script, host = scripted
    script.say(200, {**BOOKING, **wrong})
    with pytest.raises(ProviderUnavailableError if "id" in wrong else AppointmentRejectedError, match="unreadable"):
        host.booking(BookingId("bkg_1"))
    script.answers = []
    script.say(200, {"items": [{**BOOKING, **wrong}, {**BOOKING, "id": "bkg_2"}], "next_cursor": None})
    page = host.bookings(ResourceId("anna"), Window.around(datetime(2026, 12, 1, tzinfo=UTC), 1, 4))
    assert [one.id for one in page.bookings] == ["bkg_2"]
    assert [(one.id, one.code) for one in page.unreadable] == [(wrong.get("id", "bkg_1") or None, "booking_unreadable")]
    script.answers = []
    upserts = [{"type": "upsert", "booking": {**BOOKING, **one}} for one in (wrong, {"id": "bkg_2"})]
    script.say(200, {"items": upserts, "cursor": "c2", "more": False})
    changes = host.changes(ResourceId("anna"), "c1")
    assert ([one.id for one in changes.bookings], len(changes.unreadable)) == (["bkg_2"], 1)


@pytest.mark.complaint(30)
@pytest.mark.parametrize(
    "item",
    [
        {"type": "moved", "id": "bkg_1", "booking": BOOKING}, {"type": "upsert", "booking": None, "id": "bkg_1"},
        {"id": "bkg_1"}, {"type": 7, "booking": {"id": "bkg_1"}}, {"type": "tombstone", "booking": {"id": "bkg_1"}},
        {"type": "tombstone", "id": 5}, {"type": ["upsert"], "id": None},
    ],
)  # fmt: skip
def test_an_item_of_the_feed_that_nobody_understands_hurts_itself_alone(scripted: Any, item: dict[str, Any]) -> None:
    script, host = scripted
    good = [{"type": "upsert", "booking": {**BOOKING, "id": "bkg_2"}}, {"type": "tombstone", "id": "bkg_3"}]
    script.say(200, {"items": [item, *good], "cursor": "c2", "more": False})
    changes = host.changes(ANNA, "c1")
    assert ([one.id for one in changes.bookings], changes.gone, changes.next_cursor) == (["bkg_2"], ("bkg_3",), "c2")
    (bad,) = changes.unreadable
    named = "bkg_1" in json.dumps(item)
    assert (bad.id, bad.code, bad.field) == ("bkg_1" if named else None, "booking_unreadable", "items.type")


def test_a_block_of_ours_that_came_back_strange_is_no_block_and_the_others_are_listed(scripted: Any) -> None:
    """It is missing, so the full check puts it back (R24)."""
    script, host = scripted
    good = {
        "resource_id": "anna", "start": "2026-12-07T09:00:00Z", "end": "2026-12-07T10:00:00Z", "kind": "busy",
        "origin": {"system": "calsync", "ref": "blk_2"},
    }  # fmt: skip
    strange = [{**good, "kind": "holiday"}, {**good, "start": "soon"}, {**good, "origin": {"system": "calsync"}}]
    script.say(200, {"items": [{"id": "anna", "name": "Anna", "kind": "staff", "time_zone": "UTC"}]})
    script.say(200, {"items": [*strange, good], "next_cursor": None})
    assert [one.ref for one in host.blocks(ANNA, WINDOW)] == ["blk_2"]


def test_a_resource_of_tomorrow_is_read_and_one_that_is_none_hurts_no_block_of_another(scripted: Any) -> None:
    script, host = scripted
    anna = {"id": "anna", "name": "Anna", "kind": "staff", "time_zone": "Europe/Berlin"}
    script.say(200, {"items": [anna, {**anna, "id": "drone", "kind": "drone"}], "next_cursor": None})
    assert [one.kind.value for one in host.resources()] == ["staff", "equipment"]

    fresh, script.answers = ConnectorHost(host._client), []
    script.say(200, {"items": [{**anna, "id": "x", "time_zone": "Mars"}, anna], "next_cursor": None})
    day = {"start": "2026-12-06T23:00:00Z", "end": "2026-12-07T23:00:00Z", "all_day": True, "kind": "busy"}
    listed = {**day, "resource_id": "anna", "origin": {"system": "calsync", "ref": "blk_1"}}
    script.say(200, {"items": [listed], "next_cursor": None})
    (shown,) = fresh.blocks(ANNA, WINDOW)
    assert shown.when == AllDay(date(2026, 12, 7), date(2026, 12, 8))


def test_unknown_fields_are_ignored_and_missing_versions_made_from_the_content(scripted: Any) -> None:
    script, host = scripted
    without = {name: value for name, value in BOOKING.items() if name != "version"}
    script.say(200, BOOKING)
    script.say(200, without)
    script.say(200, {**without, "updated_at": "2026-12-01T00:00:00Z"})
    script.say(200, {**without, "title": "Other"})

    versions = [host.booking(BookingId("bkg_1")).version for _ in range(4)]

    assert versions[0] == "3"
    assert versions[1] == versions[2] != versions[3]


def test_a_made_up_version_is_never_sent_back(scripted: Any) -> None:
    script, host = scripted
    script.say(200, {name: value for name, value in BOOKING.items() if name != "version"})
    booking = host.booking(BookingId("bkg_1"))
    host.move_booking(booking, at(11), idempotency_key="k-1", tell_customer=True)
    _, path, headers, body = script.asked[-1]
    assert path == "/host/bookings/bkg_1"
    assert "If-Match" not in headers
    assert headers["Idempotency-Key"] == "k-1"
    assert json.loads(body) == {"start": "2026-12-07T11:00:00Z", "end": "2026-12-07T12:00:00Z", "notify": True}


def test_short_waits_are_done_here_and_long_ones_are_not(scripted: Any) -> None:
    script, host = scripted
    script.say(503, {"code": "busy"}, Retry_After="1")
    script.say(200, BOOKING)
    assert host.booking(BookingId("bkg_1")).id == "bkg_1"

    script.answers = []
    script.say(429, {"code": "slow_down"}, Retry_After="90.5")
    with pytest.raises(ProviderThrottledError) as caught:
        host.booking(BookingId("bkg_1"))
    assert caught.value.retry_after == timedelta(seconds=90.5)


@pytest.mark.prop("P15")
@pytest.mark.parametrize(("status", "body"), [(200, b'{"id": "bk'), (200, b""), (500, b"<html>"), (302, b"")])
def test_half_an_answer_is_no_answer(scripted: Any, status: int, body: bytes) -> None:
    script, host = scripted
    script.say(status, body, Location="https://elsewhere.example/")
    with pytest.raises(ProviderUnavailableError):
        host.booking(BookingId("bkg_1"))


def test_a_feed_without_a_cursor_is_no_answer(scripted: Any) -> None:
    script, host = scripted
    script.say(200, {"items": [], "more": False})
    with pytest.raises(ProviderUnavailableError):
        host.changes(ANNA, None)


def test_the_code_of_a_refusal_is_kept_only_when_it_looks_like_one(scripted: Any) -> None:
    script, host = scripted
    script.say(200, BOOKING)
    booking = host.booking(BookingId("bkg_1"))
    script.answers = []
    script.say(409, {"code": "Dr Weber <script>", "message": "private"})
    with pytest.raises(RefusedError) as caught:
        host.move_booking(booking, at(11), idempotency_key="k-1")
    assert "Weber" not in str(caught.value)
    assert "private" not in str(caught.value)


def test_a_block_is_sent_as_the_contract_says(scripted: Any) -> None:
    script, host = scripted
    script.say(200, {"html_notes": True})
    script.say(200, {"version": "7"})
    assert host.put_block(block("blk/1", at(9), notes=Notes("<b>x</b>", is_html=True))) == "7"
    method, path, headers, body = script.asked[-1]
    assert (method, path) == ("PUT", "/host/blocks/blk%2F1")
    assert headers["Authorization"] == "Bearer key"
    assert json.loads(body) == {
        "resource_id": "anna", "start": "2026-12-07T09:00:00Z", "end": "2026-12-07T10:00:00Z", "all_day": False,
        "kind": "busy", "title": None, "notes": {"format": "html", "value": "<b>x</b>"},
        "origin": {"system": "calsync", "ref": "blk/1", "connection_id": None},
    }  # fmt: skip


def test_a_booking_system_without_html_gets_the_text(scripted: Any) -> None:
    script, host = scripted
    script.say(200, {})
    script.say(200, {"version": "7"})
    host.put_block(block("blk/1", at(9), notes=Notes("<p>bring <b>keys</b></p>", is_html=True)))
    assert json.loads(script.asked[-1][3])["notes"] == {"format": "text", "value": "bring keys"}


@pytest.mark.bad_input(11)
@pytest.mark.parametrize("circle", [["same"], ["one", "other"]])
def test_endless_pages_end(scripted: Any, circle: list[str]) -> None:
    script, host = scripted
    for cursor in circle * 3:
        script.say(200, {"items": [], "next_cursor": cursor})
    with pytest.raises(ProviderUnavailableError):
        host.blocks(ANNA, WINDOW)
    assert len(script.asked) <= len(circle) + 2


# -- many blocks in a call ----------------------------------------------------------------------------------------

FEW = [block(f"blk-{number}", at(8 + number)) for number in range(3)]


def _asked(script: Scripted) -> list[str]:
    return [f"{method} {path.removeprefix('/host')}" for method, path, _, _ in script.asked]


def _items(*statuses: int) -> dict[str, Any]:
    return {
        "items": [
            {"ref": one.ref, "status": status, "block": {"version": "7"} if status < 300 else None,
             "problem": {"code": "not_found"} if status == 404 else None}
            for one, status in zip(FEW, statuses, strict=True)
        ]
    }  # fmt: skip


def test_a_system_that_takes_many_is_asked_once_what_it_can_and_once_per_part(scripted: Any) -> None:
    script, host = scripted
    script.say(200, {"block_batch": 2})
    script.say(200, {"items": _items(201, 200, 200)["items"][:2]})
    script.say(200, {"version": "9"})

    assert host.put_blocks(FEW) == ["7", "7", "9"]

    assert _asked(script) == ["GET /capabilities", "PUT /blocks", "PUT /blocks/blk-2"]


def test_a_system_that_does_not_offer_it_gets_one_by_one(scripted: Any) -> None:
    script, host = scripted
    script.say(200, {"connector": 1})
    script.say(200, {"version": "1"})
    script.say(409, {"code": "slot_taken"})
    script.say(200, {"version": "3"})

    outcomes = host.put_blocks(FEW)

    assert _asked(script)[1:] == [f"PUT /blocks/blk-{number}" for number in range(3)]
    assert (outcomes[0], outcomes[2]) == ("1", "3")
    assert isinstance(outcomes[1], AppointmentRejectedError)


def test_one_that_is_refused_in_a_call_hurts_itself_alone(scripted: Any) -> None:
    script, host = scripted
    script.say(200, {"block_batch": 50})
    script.say(200, _items(201, 404, 201))

    outcomes = host.put_blocks(FEW)

    assert (outcomes[0], outcomes[2]) == ("7", "7")
    assert isinstance(outcomes[1], AppointmentRejectedError)
    assert outcomes[1].code == "block_refused"
    assert len(script.asked) == 2


@pytest.mark.parametrize("status", [404, 405, 413, 422])
def test_a_call_that_is_refused_as_a_whole_is_made_one_by_one(scripted: Any, status: int) -> None:
    script, host = scripted
    script.say(200, {"block_batch": 50})
    script.say(status, {"code": "no"})
    script.say(200, {"version": "1"})

    assert host.put_blocks(FEW) == ["1", "1", "1"]

    assert _asked(script)[1:] == ["PUT /blocks", *(f"PUT /blocks/blk-{number}" for number in range(3))]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({}, ProviderUnavailableError), ({"items": _items(200, 200, 200)["items"][:2]}, ProviderUnavailableError),
        ({"items": _items(200, 200, 200)["items"][::-1]}, ProviderUnavailableError),
        ({"items": [1, 2, 3]}, ProviderUnavailableError), (_items(200, 503, 200), ProviderThrottledError),
        (_items(200, 500, 200), ProviderUnavailableError), (_items(200, 401, 200), InstallationError),
    ],
)  # fmt: skip
def test_an_answer_that_says_not_what_became_of_each_stops_the_run(scripted: Any, answer: Any, error: type) -> None:
    script, host = scripted
    script.say(200, {"block_batch": 50})
    script.say(200, answer)

    with pytest.raises(error):
        host.put_blocks(FEW)


def test_a_call_holds_no_more_than_a_body_may(scripted: Any) -> None:
    script, host = scripted
    script.say(200, {"block_batch": 50})
    large = [replace(one, notes=Notes("x" * 60_000)) for one in FEW]
    script.say(200, {"version": "1"})

    assert host.put_blocks(large) == ["1", "1", "1"]

    assert _asked(script)[1:] == [f"PUT /blocks/blk-{number}" for number in range(3)]
    assert max(len(body) for _, _, _, body in script.asked) < 128 * 1024
