"""The delivery of notifications by the real process: what they say, retries, slow endpoints, faults on demand."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.sandbox.openapi_slice import DESCRIPTION, load_slice
from tests.sandbox.small_microsoft import Microsoft, check_log
from tests.sandbox.webhook_endpoint import Endpoint, endpoint


@pytest.fixture
def hook(microsoft: Microsoft) -> Iterator[Endpoint]:
    with endpoint() as found:
        yield found
    if DESCRIPTION.exists():
        check_log(microsoft)


NOTIFICATIONS = {"$ref": "#/components/schemas/microsoft.graph.changeNotificationCollection"}


class Subscribed:
    """Anna's default calendar with a subscription at the endpoint."""

    def __init__(self, microsoft: Microsoft, graph: httpx.Client, hook: Endpoint, subscription_id: str) -> None:
        self.id = subscription_id
        self.microsoft = microsoft
        self.graph = graph
        self.hook = hook

    def create(self, subject: str = "x") -> dict[str, Any]:
        body = {"subject": subject, "start": {"dateTime": "2026-12-01T10:00:00", "timeZone": "UTC"}}
        body["end"] = {"dateTime": "2026-12-01T11:00:00", "timeZone": "UTC"}
        answer = self.graph.post("/v1.0/me/events", json=body)
        assert answer.status_code == 201
        return dict(answer.json())

    def settings(self, **changes: Any) -> None:
        self.microsoft.control("PATCH", "/delivery", changes)

    def records(self) -> list[dict[str, Any]]:
        """Of this subscription; those of other tests may still be tried, at endpoints that are gone."""
        told = self.microsoft.control("GET", "/delivery/records?since=0")["records"]
        return [record for record in told if self.id in record["subscription_ids"]]

    def wait_records(self, count: int, seconds: float = 5) -> list[dict[str, Any]]:
        until = time.monotonic() + seconds
        while len(self.records()) < count and time.monotonic() < until:
            time.sleep(0.03)
        assert len(self.records()) >= count
        return self.records()


Subscribe = Callable[..., Subscribed]


@pytest.fixture
def subscribed(microsoft: Microsoft, hook: Endpoint) -> Subscribe:
    def make(email: str = "anna@clinic.example", *, host: str = "localhost", **headers: str) -> Subscribed:
        graph = microsoft.graph(microsoft.tokens_of(email)["access_token"])
        expires = (datetime.now(UTC) + timedelta(days=5)).isoformat().replace("+00:00", "Z")
        body = {
            "changeType": "created,updated,deleted",
            "notificationUrl": hook.url("/hooks/1?tag=7", host),
            "resource": "me/events",
            "expirationDateTime": expires,
            "clientState": "the-state",
        }
        answer = graph.post("/v1.0/subscriptions", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        microsoft.control("PATCH", "/settings", {"key_rotation_seconds": None})
        made = Subscribed(microsoft, graph, hook, answer.json()["id"])
        made.settings(delay=0)
        return made

    return make


def test_a_notification_names_the_entry_and_echoes_the_client_state(subscribed: Subscribe) -> None:
    anna = subscribed()

    event = anna.create()
    anna.graph.patch(f"/v1.0/me/events/{event['id']}", json={"subject": "y"})
    anna.graph.delete(f"/v1.0/me/events/{event['id']}")

    items = anna.hook.wait_for(3)
    first = next(i for i in items if i["changeType"] == "created")
    assert sorted(i["changeType"] for i in items) == ["created", "deleted", "updated"]
    assert {i["clientState"] for i in items} == {"the-state"}
    assert first["resourceData"]["id"] == event["id"]
    assert first["resourceData"]["@odata.etag"] == event["@odata.etag"]
    assert first["resource"].startswith("Users/")
    assert anna.hook.arrivals[0].path == "/hooks/1?tag=7"
    if DESCRIPTION.exists():
        for arrival in anna.hook.arrivals:
            load_slice()._fit(NOTIFICATIONS, arrival.body, "a delivery")


def test_a_create_is_told_again_when_the_change_key_rotates(subscribed: Subscribe) -> None:
    anna = subscribed()
    anna.microsoft.control("PATCH", "/settings", {"key_rotation_seconds": 0.1})

    anna.create()

    assert [i["changeType"] for i in anna.hook.wait_for(2)] == ["created", "updated"]


def test_ids_are_of_the_kind_that_the_creation_asked_for(subscribed: Subscribe) -> None:
    prefer = 'IdType="ImmutableId"'
    anna = subscribed(Prefer=prefer)

    ordinary = anna.create()
    immutable = anna.graph.get(f"/v1.0/me/events/{ordinary['id']}", headers={"Prefer": prefer}).json()

    assert anna.hook.wait_for(1)[0]["resourceData"]["id"] == immutable["id"] != ordinary["id"]


def test_other_calendars_are_not_told_by_the_default_one(subscribed: Subscribe) -> None:
    anna = subscribed()
    family = next(c for c in anna.graph.get("/v1.0/me/calendars").json()["value"] if c["name"] == "Family")
    body = {"subject": "f", "start": {"dateTime": "2026-12-01T10:00:00", "timeZone": "UTC"}}
    body["end"] = {"dateTime": "2026-12-01T11:00:00", "timeZone": "UTC"}

    anna.graph.post(f"/v1.0/me/calendars/{family['id']}/events", json=body)
    seen = anna.create()

    time.sleep(0.3)
    assert [i["resourceData"]["id"] for i in anna.hook.items] == [seen["id"]]


def test_a_personal_account_is_told_with_a_zero_tenant(subscribed: Subscribe) -> None:
    paul = subscribed("paul@outlook.com")

    paul.create()

    assert paul.hook.wait_for(1)[0]["tenantId"] == "00000000-0000-0000-0000-000000000000"


def test_names_below_localhost_are_reached_with_their_own_host_header(subscribed: Subscribe) -> None:
    anna = subscribed(host="abc123.execute-api.localhost")

    anna.create()

    anna.hook.wait_for(1)
    assert anna.hook.arrivals[0].host == f"abc123.execute-api.localhost:{anna.hook.port}"


def test_a_failed_delivery_comes_again_with_growing_pauses(subscribed: Subscribe) -> None:
    anna = subscribed()
    anna.settings(first_retry=0.1)
    anna.hook.statuses = [500, 503, 403]

    anna.create()

    records = anna.wait_records(4)
    assert [r["outcome"] for r in records] == ["failed", "failed", "failed", "delivered"]
    assert [r["attempt"] for r in records] == [1, 2, 3, 4]
    times = [a.at for a in anna.hook.arrivals]
    assert times[3] - times[2] > times[2] - times[1] > times[1] - times[0]


def test_a_first_answer_must_come_in_time_and_later_ones_have_longer(subscribed: Subscribe) -> None:
    anna = subscribed()
    anna.settings(first_timeout=0.2, later_timeout=2, first_retry=0.1)
    anna.hook.delay = 0.5

    anna.create()

    first, second = anna.wait_records(2)[:2]
    assert (first["outcome"], first["status"], second["outcome"]) == ("failed", 0, "delivered")


def test_retries_end_after_four_hours_of_the_sandbox_clock(subscribed: Subscribe) -> None:
    anna = subscribed()
    anna.settings(first_retry=60)
    anna.hook.status = 500

    anna.create()
    for _ in range(9):
        anna.wait_records(1)
        count = len(anna.records())
        if anna.records()[-1]["outcome"] == "gave_up":
            break
        anna.microsoft.advance(hours=2)
        anna.wait_records(count + 1)

    assert anna.records()[-1]["outcome"] == "gave_up"
    assert anna.records()[-1]["attempt"] < 6


def test_an_endpoint_that_is_slow_too_often_waits_ten_minutes(subscribed: Subscribe) -> None:
    anna = subscribed()
    anna.settings(first_timeout=0.2, first_retry=600)
    for _ in range(9):
        anna.create()
    anna.hook.wait_for(9)
    anna.hook.delay = 0.4
    anna.create()
    anna.create()
    anna.wait_records(11)
    anna.hook.delay = 0
    seen = len(anna.hook.items)

    anna.create("delayed")
    time.sleep(0.4)
    state = anna.microsoft.control("GET", "/delivery")
    not_yet = len(anna.hook.items)
    anna.microsoft.advance(minutes=10, seconds=1)

    assert state["endpoints"][f"localhost:{anna.hook.port}"] == "slow"
    assert not_yet == seen
    assert len(anna.hook.wait_for(seen + 1)) > seen


@pytest.mark.parametrize(("is_punished", "state"), [(True, "drop"), (False, "normal")])
def test_an_endpoint_that_is_late_too_often_is_dropped_unless_spared(
    subscribed: Subscribe, is_punished: bool, state: str
) -> None:
    anna = subscribed()
    anna.settings(first_timeout=0.1, later_timeout=0.1, first_retry=0.05, punishes_slow_endpoints=is_punished)
    anna.hook.delay = 0.3
    for _ in range(10):
        anna.create()
    anna.wait_records(10)

    assert anna.microsoft.control("GET", "/delivery")["endpoints"][f"localhost:{anna.hook.port}"] == state


def test_a_dropped_endpoint_hears_nothing_and_what_is_told_meanwhile_is_gone(subscribed: Subscribe) -> None:
    anna = subscribed()
    anna.settings(forced_states={f"localhost:{anna.hook.port}": "drop"})

    anna.create("unheard")
    anna.settings(forced_states={})
    heard = anna.create("heard")

    items = anna.hook.wait_for(1)
    assert [i["resourceData"]["id"] for i in items] == [heard["id"]]
    assert [r["outcome"] for r in anna.wait_records(2)] == ["dropped", "delivered"]


def test_notifications_get_lost_doubled_and_joined_on_demand(subscribed: Subscribe) -> None:
    anna = subscribed()

    anna.settings(lose_next=1)
    anna.create("lost")
    anna.settings(duplicates=2)
    anna.create("three times")
    three = anna.hook.wait_for(3)
    anna.settings(duplicates=0, batch_window=0.4)
    for n in range(4):
        anna.create(f"joined {n}")
    anna.hook.wait_for(7)

    assert len({i["resourceData"]["id"] for i in three}) == 1
    assert len(anna.hook.arrivals[-1].items) == 4
    assert anna.records()[0]["outcome"] == "lost"


def test_notifications_can_be_held_and_come_out_of_order(subscribed: Subscribe) -> None:
    anna = subscribed()
    anna.settings(is_held=True, is_shuffled=True)
    made = [anna.create(f"n{n}")["id"] for n in range(12)]
    time.sleep(0.2)
    held = len(anna.hook.items)

    anna.settings(is_held=False)
    told = [i["resourceData"]["id"] for i in anna.hook.wait_for(12)]

    assert held == 0
    assert sorted(told) == sorted(made)
    assert told != made


def test_one_deleted_occurrence_is_told_as_an_update_of_its_series(subscribed: Subscribe) -> None:
    anna = subscribed()
    body = {
        "subject": "daily",
        "start": {"dateTime": "2026-12-01T10:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-12-01T11:00:00", "timeZone": "UTC"},
        "recurrence": {
            "pattern": {"type": "daily", "interval": 1},
            "range": {"type": "numbered", "startDate": "2026-12-01", "numberOfOccurrences": 5},
        },
    }
    series = anna.graph.post("/v1.0/me/events", json=body).json()
    window = "startDateTime=2026-12-01T00:00:00Z&endDateTime=2026-12-08T00:00:00Z"
    days = anna.graph.get(f"/v1.0/me/events/{series['id']}/instances?{window}").json()["value"]

    anna.graph.delete(f"/v1.0/me/events/{days[1]['id']}")

    items = anna.hook.wait_for(2)
    # Two POSTs: which one the endpoint hears first is nobody's promise (graph.md 8.3).
    assert sorted(i["changeType"] for i in items) == ["created", "updated"]
    assert {i["resourceData"]["id"] for i in items} == {series["id"]}
