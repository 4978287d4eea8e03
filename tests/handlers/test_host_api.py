"""/v1 as a booking system sees it: answers, problems with stable codes, pages by cursor, signed events."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from calsync_core.domain.appointments import Timed
from calsync_core.domain.conflicts import Conflict, ConflictKind, ConflictStatus
from calsync_core.domain.ids import BookingId, ConflictId, LinkRef, ResourceId
from calsync_core.domain.resources import Status
from calsync_core.keys import derive
from calsync_core.ports.outward import Wish
from standardwebhooks.webhooks import Webhook

from tests.console_world import MAIN, NOW, ROOT_KEY, World


@pytest.fixture
def world() -> World:
    world = World()
    world.add_resource()
    world.connect()
    return world


def test_resource_with_its_status(world: World) -> None:
    status, body = world.api("GET", "/v1/resources/anna")

    assert status == 200
    assert body["status"] == {
        "state": "connected", "label": "Connected", "invitation": None, "degraded": None,
        "since": "2026-11-23T08:00:00Z", "next_actor": "nobody", "percent": None,
    }  # fmt: skip
    assert (body["id"], body["calendars"], body["last_sync"]) == ("anna", 1, "2026-11-23T08:00:00Z")


def test_pages_by_cursor_give_everyone_once(world: World) -> None:
    for name in ("ben", "cem", "dora"):
        world.add_resource(name)
    key, seen, cursor = world.api_key(), [], ""

    while True:
        _, body = world.api("GET", f"/v1/resources?limit=2{cursor}", key=key)
        seen += [one["id"] for one in body["items"]]
        if body["next_cursor"] is None:
            break
        cursor = f"&cursor={body['next_cursor']}"

    assert seen == ["anna", "ben", "cem", "dora"]


@pytest.mark.parametrize(
    ("query", "code"),
    [("cursor=%3C", "cursor_unknown"), ("cursor=YWJj", "cursor_unknown"), ("limit=0", "input_invalid"),
     ("limit=abc", "input_invalid"), ("limit=201", "input_invalid")],
)  # fmt: skip
def test_bad_places_in_a_list(world: World, query: str, code: str) -> None:
    status, body = world.api("GET", f"/v1/resources?{query}")

    assert (status, body["code"]) == (422, code)


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("from=2026-11-23T09:00:00Z", "instant_unreadable", "to"),
        ("from=2026-11-23T09:00:00&to=2026-11-23T10:00:00Z", "instant_unreadable", "from"),
        ("from=tomorrow&to=2026-11-23T10:00:00Z", "instant_unreadable", "from"),
        ("from=2026-11-23T10:00:00Z&to=2026-11-23T10:00:00Z", "span_inverted", "to"),
        ("from=2026-11-23T10:00:00Z&to=2027-11-23T10:00:00Z", "span_too_long", "to"),
    ],
)
def test_bad_spans(world: World, query: str, code: str, field: str) -> None:
    status, body = world.api("GET", f"/v1/resources/anna/availability?{query}")

    assert (status, body["code"], body["field"]) == (422, code, field)


def test_availability_of_a_calendar_that_was_never_read_is_unknown(world: World) -> None:
    url = "/v1/resources/anna/availability?from=2026-11-23T10:00:00%2B01:00&to=2026-11-23T10:00:00Z"

    status, body = world.api("GET", url)

    assert status == 200
    assert not body["known"]
    assert body["intervals"] == [{"start": "2026-11-23T09:00:00Z", "end": "2026-11-23T10:00:00Z", "status": "unknown"}]
    assert body["sources"][0]["reason"] == "unread"


@pytest.mark.parametrize(
    ("settings", "code", "field"),
    [
        ({"window.weeks_ahead": 157}, "setting_out_of_range", "window.weeks_ahead"),
        ({"window.weeks_ahead": "many"}, "setting_out_of_range", "window.weeks_ahead"),
        ({"direction": "sideways"}, "setting_out_of_range", "direction"),
        ({"to_calendar.title": "{shoe_size}"}, "setting_title_field_unknown", "to_calendar.title"),
        ({"colour": "red"}, "setting_unknown", "colour"),
        ({"colour": None}, "setting_unknown", "colour"),
        ({"to_calendar.fields": ["customer", "passport"]}, "setting_out_of_range", "to_calendar.fields"),
    ],
)
@pytest.mark.parametrize("url", ["/v1/settings", "/v1/resources/anna/settings"])
def test_settings_that_cannot_be(world: World, url: str, settings: dict[str, object], code: str, field: str) -> None:
    status, body = world.api("PUT", url, {"settings": settings})

    assert (status, body["code"], body["field"]) == (422, code, field)
    assert world.stores.settings.account(MAIN).values == {}
    assert world.stores.settings.resource(MAIN, ResourceId("anna")).values == {}


def test_settings_show_where_a_value_comes_from(world: World) -> None:
    world.api("PUT", "/v1/settings", {"settings": {"window.weeks_ahead": 30, "direction": "to_calendar"}})

    status, body = world.api("PUT", "/v1/resources/anna/settings", {"settings": {"window.weeks_ahead": 26}})

    assert status == 200
    shown = body["settings"]
    assert shown["window.weeks_ahead"] == {"value": 26, "source": "resource"}
    assert shown["direction"] == {"value": "to_calendar", "source": "account"}
    assert shown["window.weeks_back"] == {"value": 2, "source": "built_in"}


def test_null_gives_a_setting_back_to_the_default(world: World) -> None:
    world.api("PUT", "/v1/resources/anna/settings", {"settings": {"window.weeks_ahead": 26}})

    _, body = world.api("PUT", "/v1/resources/anna/settings", {"settings": {"window.weeks_ahead": None}})

    assert body["settings"]["window.weeks_ahead"] == {"value": 52, "source": "built_in"}


def test_values_are_stored_as_the_model_has_them(world: World) -> None:
    world.api("PUT", "/v1/settings", {"settings": {"window.weeks_ahead": "26", "window.weeks_back": 3.0}})

    stored = world.stores.settings.account(MAIN).values
    assert stored == {"window.weeks_ahead": 26, "window.weeks_back": 3}
    assert {type(value) for value in stored.values()} == {int}


def test_ids_that_no_store_could_hold_name_nothing(world: World) -> None:
    long = "x" * 3000

    assert world.api("GET", f"/v1/resources/{long}")[1]["code"] == "resource_unknown"
    assert world.api("POST", f"/v1/conflicts/{long}/resolution", {"resolution": "keep_booking"})[0] == 404
    text, headers = _signed({**EVENT, "resource_ids": [long, "anna"]})
    assert world.api("POST", "/hooks/host/main", text, key="", headers=headers)[0] == 202
    assert world.queue.wishes == [Wish(MAIN, ResourceId("anna"), "host")]


def test_settings_with_an_old_version_are_refused(world: World) -> None:
    world.api("PUT", "/v1/settings", {"settings": {"window.weeks_back": 3}})

    status, body = world.api("PUT", "/v1/settings", {"settings": {"window.weeks_back": 4}, "version": 0})

    assert (status, body["code"]) == (409, "changed_meanwhile")
    assert world.stores.settings.account(MAIN).values == {"window.weeks_back": 3}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "body_unreadable"),
        ("[1]", 400, "body_unreadable"),
        ('{"settings": {"\\ud800": 1}}', 400, "body_unreadable"),
        ('{"settings": {"window.weeks_back": NaN}}', 422, "setting_out_of_range"),
        ("[" * 100_000, 400, "body_unreadable"),
        ({"settings": {}, "color": 1}, 422, "field_unknown"),
        ({}, 422, "input_invalid"),
        ({"settings": {}, "scope": "past"}, 422, "input_invalid"),
    ],
)
def test_bodies_that_cannot_be_read(world: World, body: object, status: int, code: str) -> None:
    answered, problem = world.api("PUT", "/v1/settings", body)

    assert (answered, problem["code"]) == (status, code)


def test_body_that_is_too_large(world: World) -> None:
    status, body = world.api("PUT", "/v1/settings", " " * (256 * 1024 + 1))

    assert (status, body["code"]) == (413, "body_too_large")


def test_sync_is_wished_once_a_minute(world: World) -> None:
    key = world.api_key()

    first = world.api("POST", "/v1/resources/anna/sync", key=key)
    second = world.api("POST", "/v1/resources/anna/sync", key=key)
    world.clock.advance(timedelta(minutes=1))
    third = world.api("POST", "/v1/resources/anna/sync", key=key)

    assert (first[0], second[0], second[1]["code"], third[0]) == (202, 429, "too_soon", 202)
    assert world.queue.wishes == [Wish(MAIN, ResourceId("anna"), "button")] * 2


def test_pause_and_resume(world: World) -> None:
    paused = world.api("POST", "/v1/resources/anna/pause", {"until": "2026-11-25T08:00:00Z"})
    assert (paused[0], paused[1]["status"]["state"]) == (200, "paused")

    resumed = world.api("POST", "/v1/resources/anna/resume")
    assert (resumed[0], resumed[1]["status"]["state"]) == (200, "connected")

    again = world.api("POST", "/v1/resources/anna/resume")
    assert (again[0], again[1]["code"]) == (422, "not_paused")


def test_disconnect_needs_to_know_what_becomes_of_copies(world: World) -> None:
    assert world.api("POST", "/v1/resources/anna/disconnect", {})[1]["field"] == "copies"

    status, body = world.api("POST", "/v1/resources/anna/disconnect", {"copies": "keep_copies"})

    assert (status, body["status"]["state"]) == (200, "disconnected")
    assert world.state().status is Status.DISCONNECTED


def test_invitation_needs_the_agreement_once(world: World) -> None:
    world.add_resource("ben")
    key = world.api_key()

    refused = world.api("POST", "/v1/resources/ben/invitation", {}, key=key)
    wrong = world.api("POST", "/v1/resources/ben/invitation", {"agree_to_privacy_version": "0"}, key=key)
    sent = world.api("POST", "/v1/resources/ben/invitation", {"agree_to_privacy_version": "1"}, key=key)

    assert (refused[0], refused[1]["code"]) == (422, "agreement_missing")
    assert wrong[1]["code"] == "agreement_missing"
    assert (sent[0], sent[1]["address"], sent[1]["link"]) == (201, "ben@clinic.example", None)
    assert [mail.to for mail in world.mailer.sent] == ["ben@clinic.example"]


def test_invitation_without_a_mail_gives_the_link(world: World) -> None:
    world.add_resource("ben")

    status, body = world.api("POST", "/v1/resources/ben/invitation", {"agree_to_privacy_version": "1", "send": False})

    assert status == 201
    assert body["link"].startswith("https://calsync.example/i/")
    assert world.mailer.sent == []


def _conflict(world: World, **fields: object) -> Conflict:
    conflict = Conflict(
        ConflictId("c-1"), MAIN, ResourceId("anna"), ConflictKind.SAME_TIME, LinkRef("b-1"), BookingId("b"),
        LinkRef("e-1"), None, Timed(NOW, NOW + timedelta(hours=1)), Timed(NOW, NOW + timedelta(hours=2)), NOW,
    )  # fmt: skip
    conflict = replace(conflict, **fields)  # type: ignore[arg-type]
    world.stores.conflicts.save(conflict)
    return conflict


def test_conflicts_and_leaving_both(world: World) -> None:
    _conflict(world)
    key = world.api_key()

    _, listed = world.api("GET", "/v1/conflicts?resource_id=anna", key=key)
    status, ended = world.api(
        "POST", "/v1/conflicts/c-1/resolution",
        {"resolution": "leave_both", "revision": 1, "until": "2026-11-30T08:00:00Z"}, key=key,
    )  # fmt: skip

    assert [one["resolutions"] for one in listed["items"]] == [["keep_booking", "next_free", "leave_both"]]
    assert (status, ended["status"], ended["until"], ended["revision"]) == (200, "left", "2026-11-30T08:00:00Z", 2)
    assert world.api("GET", "/v1/conflicts", key=key)[1]["items"] == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"resolution": "take_calendar"}, 422, "resolution_not_offered"),
        ({"resolution": "leave_both"}, 422, "until_out_of_range"),
        ({"resolution": "leave_both", "until": "2026-11-23T08:00:00Z"}, 422, "until_out_of_range"),
        ({"resolution": "leave_both", "until": "2028-11-23T08:00:00Z"}, 422, "until_out_of_range"),
        ({"resolution": "keep_booking", "revision": 9}, 409, "conflict_changed"),
        ({"resolution": "shrug"}, 422, "input_invalid"),
    ],
)
def test_ends_that_cannot_be(world: World, body: dict[str, object], status: int, code: str) -> None:
    before = _conflict(world)

    answered, problem = world.api("POST", "/v1/conflicts/c-1/resolution", body)

    assert (answered, problem["code"]) == (status, code)
    assert world.stores.conflicts.get(MAIN, before.id) == before


def test_an_ended_conflict_stays_ended(world: World) -> None:
    _conflict(world, status=ConflictStatus.SETTLED)

    status, body = world.api("POST", "/v1/conflicts/c-1/resolution", {"resolution": "keep_booking"})

    assert (status, body["code"]) == (409, "conflict_ended")


def test_log_holds_codes_and_text(world: World) -> None:
    key = world.api_key()
    world.api("POST", "/v1/resources/anna/pause", key=key)

    status, body = world.api("GET", "/v1/resources/anna/log", key=key)

    assert status == 200
    assert (body["items"][0]["code"], body["items"][0]["cause"]) == ("status_changed", "paused")


# --- signed events ---------------------------------------------------------------------------------------------------


def _signed(
    body: dict[str, object], account: str = "main", sent_at: datetime | None = None
) -> tuple[str, dict[str, str]]:
    secret = base64.b64encode(derive(ROOT_KEY, f"host-events:{account}")).decode()
    at = sent_at or datetime.now(UTC)
    text = json.dumps(body)
    signature = Webhook(secret).sign("msg_1", at, text)
    return text, {
        "content-type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


EVENT = {"id": "evt_1", "type": "booking.upserted", "subject_id": "bkg_1", "resource_ids": ["anna", "anna", "nobody"]}


def test_a_signed_event_wishes_one_run_per_resource_that_is_connected(world: World) -> None:
    text, headers = _signed(EVENT)

    status, _ = world.api("POST", "/hooks/host/main", text, key="", headers=headers)
    again, _ = world.api("POST", "/hooks/host/main", text, key="", headers=headers)

    assert (status, again) == (202, 202)
    assert world.queue.wishes == [Wish(MAIN, ResourceId("anna"), "host")] * 2


def test_an_event_that_another_account_signed_is_refused(world: World) -> None:
    text, headers = _signed(EVENT, account="other")

    status, body = world.api("POST", "/hooks/host/main", text, key="", headers=headers)

    assert (status, body["code"]) == (401, "event_refused")
    assert world.queue.wishes == []


def test_an_old_event_and_a_changed_body_are_refused(world: World) -> None:
    old, headers = _signed(EVENT, sent_at=datetime.now(UTC) - timedelta(minutes=10))
    assert world.api("POST", "/hooks/host/main", old, key="", headers=headers)[0] == 401

    text, headers = _signed(EVENT)
    assert world.api("POST", "/hooks/host/main", text + " ", key="", headers=headers)[0] == 401
    assert world.queue.wishes == []


def test_a_resource_event_takes_over_who_there_is(world: World) -> None:
    world.system.add_resource("ben")
    text, headers = _signed({**EVENT, "type": "resource.upserted", "resource_ids": ["ben"]})

    assert world.api("POST", "/hooks/host/main", text, key="", headers=headers)[0] == 202
    assert world.state("ben").status is Status.NOT_INVITED


def test_a_resource_that_is_switched_off_pauses_and_comes_back(world: World) -> None:
    anna = world.system.resources[ResourceId("anna")]
    event = {**EVENT, "type": "resource.upserted", "resource_ids": ["anna"]}
    world.system.resources[anna.id] = replace(anna, is_active=False)
    text, headers = _signed(event)
    world.api("POST", "/hooks/host/main", text, key="", headers=headers)
    assert (world.state().status, world.state().paused_by) == (Status.PAUSED, "host")

    world.system.resources[anna.id] = anna
    text, headers = _signed(event)
    world.api("POST", "/hooks/host/main", text, key="", headers=headers)

    assert world.state().status is Status.CONNECTED
    assert world.queue.wishes == [Wish(MAIN, ResourceId("anna"), "full")]


@pytest.mark.parametrize("body", [{"type": 1}, {**EVENT, "resource_ids": ["x"] * 51}])
def test_a_signed_body_that_is_no_event(world: World, body: dict[str, object]) -> None:
    text, headers = _signed(body)

    status, problem = world.api("POST", "/hooks/host/main", text, key="", headers=headers)

    assert (status, problem["code"]) == (422, "malformed")
