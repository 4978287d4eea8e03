"""Subscriptions on the real process: what is refused, the handshake, expiry, renewal, lifecycle."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.notifications.subscription import Subscription
from tests.sandbox.openapi_slice import DESCRIPTION
from tests.sandbox.small_microsoft import Microsoft, check_log, in_process
from tests.sandbox.walks import CLIENT_ID, SCOPES, SECRET
from tests.sandbox.webhook_endpoint import Endpoint, endpoint

BERT = "bert@clinic.example"


@pytest.fixture
def hook(microsoft: Microsoft) -> Iterator[Endpoint]:
    with endpoint() as found:
        yield found
    if DESCRIPTION.exists():
        check_log(microsoft)


@pytest.fixture
def anna(microsoft: Microsoft) -> httpx.Client:
    """Graph as Anna."""
    return microsoft.graph(microsoft.tokens_of("anna@clinic.example")["access_token"])


def in_days(days: float, now: datetime | None = None) -> str:
    at = (now or datetime.now(UTC)) + timedelta(days=days)
    return at.isoformat().replace("+00:00", "Z")


def wish(hook: Endpoint, **changes: Any) -> dict[str, Any]:
    """A good subscription request; None takes a property away."""
    asked: dict[str, Any] = {
        "changeType": "created,updated,deleted",
        "notificationUrl": hook.url("/hooks/1"),
        "lifecycleNotificationUrl": hook.url("/hooks/1/lifecycle"),
        "resource": "me/events",
        "expirationDateTime": in_days(6),
        "clientState": "the-state",
    }
    return {name: value for name, value in (asked | changes).items() if value is not None}


def subscribe(graph: httpx.Client, hook: Endpoint, **changes: Any) -> httpx.Response:
    return graph.post("/v1.0/subscriptions", json=wish(hook, **changes))


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def expires(answer: httpx.Response) -> datetime:
    return datetime.fromisoformat(answer.json()["expirationDateTime"])


def test_both_addresses_prove_themselves_before_the_201(anna: httpx.Client, hook: Endpoint) -> None:
    made = subscribe(anna, hook)

    assert made.status_code == 201
    assert sorted(hook.handshakes) == ["/hooks/1", "/hooks/1/lifecycle"]
    assert made.json()["clientState"] == "the-state"
    assert made.json()["latestSupportedTlsVersion"] == "v1_2"


def test_equal_addresses_are_proved_twice(anna: httpx.Client, hook: Endpoint) -> None:
    subscribe(anna, hook, lifecycleNotificationUrl=hook.url("/hooks/1"))

    assert hook.handshakes == ["/hooks/1", "/hooks/1"]


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ({"handshake_status": 202}, "HTTP status code is 'Accepted'."),
        ({"handshake_status": 403}, "HTTP status code is 'Forbidden'."),
        ({"handshake_type": "application/json"}, "must respond with 200 OK"),
        ({"handshake_prefix": '"'}, "must respond with 200 OK"),
    ],
)
def test_a_handshake_that_is_not_exact_refuses_the_subscription(
    anna: httpx.Client, hook: Endpoint, behaviour: dict[str, Any], message: str
) -> None:
    for name, value in behaviour.items():
        setattr(hook, name, value)

    refused = subscribe(anna, hook)

    assert error(refused) == (400, "ValidationError")
    assert message in refused.json()["error"]["message"]
    assert anna.get("/v1.0/subscriptions").json()["value"] == []


@pytest.mark.slow
def test_a_handshake_longer_than_ten_seconds_is_a_timeout(anna: httpx.Client, hook: Endpoint) -> None:
    hook.handshake_delay = 10.5

    refused = anna.post("/v1.0/subscriptions", json=wish(hook), timeout=20)

    assert refused.json()["error"]["message"] == "Subscription validation request timed out."


def test_an_endpoint_that_is_not_there_refuses_the_subscription(anna: httpx.Client, hook: Endpoint) -> None:
    refused = subscribe(anna, hook, notificationUrl="http://localhost:9/hooks")

    assert error(refused) == (400, "ValidationError")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"expirationDateTime": "2026-11-28T00:00:00"}, 400, "InvalidRequest"),
        ({"expirationDateTime": in_days(7.1)}, 400, "ExtensionError"),
        ({"expirationDateTime": in_days(-1)}, 400, "InvalidRequest"),
        ({"expirationDateTime": None}, 400, "InvalidRequest"),
        ({"changeType": "created,moved"}, 400, "InvalidRequest"),
        ({"changeType": None}, 400, "InvalidRequest"),
        ({"notificationUrl": "http://example.com/hook"}, 400, "InvalidRequest"),
        ({"notificationUrl": None}, 400, "InvalidRequest"),
        ({"lifecycleNotificationUrl": "ftp://localhost/x"}, 400, "InvalidRequest"),
        ({"clientState": "x" * 129}, 400, "InvalidRequest"),
        ({"latestSupportedTlsVersion": "v9"}, 400, "InvalidRequest"),
        ({"notificationURL": "x"}, 400, "InvalidRequest"),
        ({"vapidPublicKey": "x"}, 400, "InvalidRequest"),
        ({"resource": "me/messages"}, 400, "ExtensionError"),
        ({"resource": "me/calendars/invented/events"}, 400, "ExtensionError"),
        ({"resource": f"users/{BERT}/events"}, 403, "ExtensionError"),
        ({"resource": "users/nobody@clinic.example/events"}, 404, "ExtensionError"),
        ({"includeResourceData": True}, 501, "NotImplemented"),
    ],
)
def test_a_wrong_wish_is_refused_before_any_handshake(
    anna: httpx.Client, hook: Endpoint, changes: dict[str, Any], status: int, code: str
) -> None:
    refused = subscribe(anna, hook, **changes)

    assert error(refused) == (status, code)
    assert hook.handshakes == []


def test_the_longest_life_is_10080_minutes_and_the_shortest_45(anna: httpx.Client, hook: Endpoint) -> None:
    longest = subscribe(anna, hook, expirationDateTime=in_days(7))
    shortest = subscribe(anna, hook, changeType="created", expirationDateTime=in_days(1 / 1440))

    assert expires(longest) > datetime.now(UTC) + timedelta(minutes=10_078)
    assert timedelta(minutes=44) < expires(shortest) - datetime.now(UTC) <= timedelta(minutes=45)


def test_one_of_each_kind_and_a_second_calendar_by_its_id(anna: httpx.Client, hook: Endpoint) -> None:
    family = next(c for c in anna.get("/v1.0/me/calendars").json()["value"] if c["name"] == "Family")

    first = subscribe(anna, hook)
    second = subscribe(anna, hook)
    other = subscribe(anna, hook, resource=f"me/calendars/{family['id']}/events")
    by_id = subscribe(anna, hook, resource="/users/anna@clinic.example/events", changeType="deleted")

    assert first.status_code == other.status_code == by_id.status_code == 201
    assert second.status_code == 409


def test_a_shared_calendar_cannot_be_subscribed(microsoft: Microsoft, hook: Endpoint) -> None:
    sharing = {"person": BERT, "role": "write"}
    microsoft.control("POST", "/people/anna@clinic.example/calendars/Family/share", sharing)
    scope = f"{SCOPES} Calendars.ReadWrite.Shared"
    bert = microsoft.graph(microsoft.tokens_of(BERT, scope=scope)["access_token"])
    shared = next(c for c in bert.get("/v1.0/me/calendars").json()["value"] if c["name"] == "Family")

    assert error(subscribe(bert, hook, resource=f"me/calendars/{shared['id']}/events")) == (403, "ExtensionError")
    assert error(subscribe(bert, hook, resource="users/anna@clinic.example/events")) == (403, "ExtensionError")


def test_an_app_of_its_own_right_may_subscribe_to_any_mailbox_of_its_tenant(
    microsoft: Microsoft, hook: Endpoint
) -> None:
    microsoft.control("PUT", f"/tenants/clinic.example/grants/{CLIENT_ID}", {"roles": ["Calendars.ReadWrite"]})
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": SECRET}
    form["scope"] = "https://graph.microsoft.com/.default"
    token = microsoft.machine.post("/clinic.example/oauth2/v2.0/token", data=form).json()["access_token"]
    graph = microsoft.graph(token)

    assert subscribe(graph, hook, resource="users/room1@clinic.example/events").status_code == 201
    assert subscribe(graph, hook, resource="me/events").status_code == 400
    assert subscribe(graph, hook, resource="users/tom@strict.example/events").status_code == 404


def test_reading_without_the_right_scope_or_a_mailbox_is_refused(microsoft: Microsoft, hook: Endpoint) -> None:
    graph = microsoft.graph(microsoft.tokens_of("anna@clinic.example", scope="openid User.Read")["access_token"])
    no_scope = subscribe(graph, hook)
    graph = microsoft.graph(microsoft.tokens_of("anna@clinic.example")["access_token"])
    microsoft.control("PATCH", "/people/anna@clinic.example", {"mailbox_state": "no_rest"})

    no_mailbox = subscribe(graph, hook)

    assert error(no_scope) == (403, "ExtensionError")
    assert "Status Code: NotFound; Reason: REST API is not yet supported" in no_mailbox.json()["error"]["message"]


def test_the_thousand_and_first_subscription_of_a_mailbox_is_refused(tmp_path: Path) -> None:
    sandbox, microsoft = in_process(tmp_path)
    tokens = microsoft.tokens_of("anna@clinic.example")
    mailbox = sandbox.world.mailboxes.by_address("anna@clinic.example")
    assert mailbox is not None
    one = Subscription(
        id="0",
        client_id="another-app",
        tenant_id=mailbox.tenant_id,
        creator_oid=None,
        mailbox_oid=mailbox.oid,
        calendar_id=mailbox.default.folder_id,
        resource="me/events",
        change_types=["created"],
        notification_url="http://localhost:9/hook",
        lifecycle_url=None,
        client_state=None,
        tls_version="v1_2",
        is_immutable=False,
        created_at=sandbox.now(),
        renewed_at=sandbox.now(),
        expires_at=sandbox.now() + timedelta(days=5),
    )
    sandbox.subscriptions.kept = {str(n): replace(one, id=str(n)) for n in range(1000)}

    refused = subscribe(microsoft.graph(tokens["access_token"]), Endpoint(port=9))

    assert error(refused) == (403, "ExtensionError")
    assert "limit of 1000" in refused.json()["error"]["message"]


def test_a_subscription_is_renewed_read_and_deleted(anna: httpx.Client, hook: Endpoint) -> None:
    made = subscribe(anna, hook, expirationDateTime=in_days(1)).json()
    address = f"/v1.0/subscriptions/{made['id']}"

    renewed = anna.patch(address, json={"expirationDateTime": in_days(5)})
    read = anna.get(address)
    fixed = anna.patch(address, json={"resource": "me/calendars/x/events"})
    lifecycle = anna.patch(address, json={"lifecycleNotificationUrl": hook.url()})
    deleted = anna.delete(address)

    assert expires(renewed) > datetime.now(UTC) + timedelta(days=4)
    assert read.json()["clientState"] is None
    assert fixed.status_code == lifecycle.status_code == 400
    assert deleted.status_code == 204
    assert error(anna.patch(address, json={"expirationDateTime": in_days(5)})) == (404, "ResourceNotFound")


def test_what_somebody_else_made_is_not_there(microsoft: Microsoft, anna: httpx.Client, hook: Endpoint) -> None:
    made = subscribe(anna, hook).json()

    bert = microsoft.graph(microsoft.tokens_of(BERT)["access_token"])

    assert bert.get(f"/v1.0/subscriptions/{made['id']}").status_code == 404
    assert bert.get("/v1.0/subscriptions").json()["value"] == []


def test_a_subscription_expires_on_the_sandbox_clock(microsoft: Microsoft, anna: httpx.Client, hook: Endpoint) -> None:
    token = anna.headers["Authorization"]
    made = subscribe(anna, hook, expirationDateTime=in_days(1 / 24)).json()
    microsoft.advance(minutes=55)

    before = anna.get(f"/v1.0/subscriptions/{made['id']}")
    microsoft.advance(minutes=6)
    fresh = microsoft.graph(microsoft.tokens_of("anna@clinic.example")["access_token"])
    after = fresh.get(f"/v1.0/subscriptions/{made['id']}")

    assert token
    assert (before.status_code, after.status_code) == (200, 404)


def test_reauthorization_is_asked_before_the_end_and_renewing_answers_it(
    microsoft: Microsoft, anna: httpx.Client, hook: Endpoint
) -> None:
    made = subscribe(anna, hook, expirationDateTime=in_days(1)).json()
    microsoft.advance(hours=23, minutes=30)

    told = hook.wait_for(1)[0]
    graph = microsoft.graph(microsoft.tokens_of("anna@clinic.example")["access_token"])
    now = datetime.fromisoformat(microsoft.control("GET", "/clock")["now"])
    renewed = graph.patch(f"/v1.0/subscriptions/{made['id']}", json={"expirationDateTime": in_days(1, now)})

    assert (told["lifecycleEvent"], told["subscriptionId"]) == ("reauthorizationRequired", made["id"])
    assert told["clientState"] == "the-state"
    assert "resourceData" not in told
    assert hook.arrivals[0].path == "/hooks/1/lifecycle"
    assert renewed.status_code == 200
    assert len(hook.items) == 1


def test_lifecycle_events_on_demand_and_what_is_lost_in_a_pause(
    microsoft: Microsoft, anna: httpx.Client, hook: Endpoint
) -> None:
    made = subscribe(anna, hook).json()
    path = f"/subscriptions/{made['id']}/lifecycle"

    microsoft.control("POST", path, {"event": "missed"})
    microsoft.control("POST", path, {"event": "reauthorizationRequired", "pauses": True})
    event = {"subject": "unheard", "start": {"dateTime": "2026-12-01T10:00:00", "timeZone": "UTC"}}
    event["end"] = {"dateTime": "2026-12-01T11:00:00", "timeZone": "UTC"}
    anna.post("/v1.0/me/events", json=event)
    renewed = anna.post(f"/v1.0/subscriptions/{made['id']}/reauthorize")
    anna.post("/v1.0/me/events", json=event | {"subject": "heard"})
    microsoft.control("POST", path, {"event": "subscriptionRemoved"})

    items = hook.wait_for(4)
    told = sorted(i.get("lifecycleEvent") or i["changeType"] for i in items)
    assert told == ["created", "missed", "reauthorizationRequired", "subscriptionRemoved"]
    assert renewed.status_code == 200
    assert anna.get(f"/v1.0/subscriptions/{made['id']}").status_code == 404
