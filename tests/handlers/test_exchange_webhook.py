"""Every payload of events/exchange_webhook through the real handler on memory ports: who may ring, and what follows."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from calsync_core.domain.connections import Subscription
from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.domain.ids import ResourceId
from calsync_core.ports.outward import Wish
from calsync_core.usecases.receive_exchange_post import LOST_AT
from calsync_core.web.posts import LONGEST_BODY
from lxml import etree

from tests.function_world import PATH, FunctionWorld, cases, forget_handlers, handler, hash_of, payload
from tests.sandbox.ews_schema import schema
from tests.small_clinic import ACCOUNT, NOW

SUBSCRIPTION = "FwBleGNoMDEuY2xpbmljLmV4YW1wbGUQAAAAm1bXW2Ds2kuN0p3Qy6k0Tg=="
HEARTBEAT = timedelta(minutes=30)
CHANGE = Wish(ACCOUNT, ResourceId("anna"), "notification")
RENEW = Wish(ACCOUNT, ResourceId("anna"), "lifecycle", f"mbx-anna/{hash_of(PATH)}")
# case -> status, word of the answer, wishes, counted as refused, noted as heard
POSTS: dict[str, tuple[int, str, list[Wish], int, object]] = {
    "status": (200, "OK", [], 0, NOW),
    "change": (200, "OK", [CHANGE], 0, NOW),
    "change_base64": (200, "OK", [CHANGE], 0, NOW),
    "many_changes": (200, "OK", [CHANGE], 0, NOW),
    "unheard_of_event": (200, "OK", [CHANGE], 0, NOW),
    "lost": (200, "Unsubscribe", [RENEW], 0, LOST_AT),
    "lost_without_id": (200, "Unsubscribe", [RENEW], 0, LOST_AT),
    "lost_of_another": (200, "Unsubscribe", [], 1, None),
    "wrong_subscription": (200, "Unsubscribe", [], 1, None),
    "unknown_path": (200, "Unsubscribe", [], 1, None),
    "id_missing": (400, "", [], 1, None),
    "document_type": (400, "", [], 1, None),
    "entity_bomb": (400, "", [], 1, None),
    "external_entity": (400, "", [], 1, None),
    "cut": (400, "", [], 1, None),
    "not_soap": (400, "", [], 1, None),
    "other_operation": (400, "", [], 1, None),
    "json": (400, "", [], 1, None),
    "empty_body": (400, "", [], 1, None),
    "broken_base64": (413, "", [], 0, None),
}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[FunctionWorld]:
    forget_handlers()
    world = FunctionWorld(monkeypatch)
    row = subscribed(world)
    world.clinic.stores.connections.save_subscription(
        replace(row, subscription_id=SUBSCRIPTION, heartbeat=HEARTBEAT, secret_hash="")
    )
    yield world
    forget_handlers()


def subscribed(world: FunctionWorld) -> Subscription:
    row = world.clinic.stores.connections.subscription(hash_of(PATH))
    assert row is not None
    return row


def word(body: str) -> str:
    if not body:
        return ""
    found = etree.fromstring(body.encode()).findtext(".//{*}SendNotificationResult/{*}SubscriptionStatus")
    return str(found)


def test_each_payload_has_its_expectation() -> None:
    assert cases("exchange_webhook") == set(POSTS)


@pytest.mark.parametrize("case", POSTS)
def test_a_post_is_answered_noted_and_queued(
    world: FunctionWorld, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = world.call("exchange_webhook", case)

    status, said, wishes, refused, heard_at = POSTS[case]
    assert (answer["statusCode"], word(answer["body"])) == (status, said)
    assert answer["headers"]["content-type"] == "text/xml; charset=utf-8"
    assert world.clinic.queue.take_all() == wishes
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["NotificationRefused"] for line in lines] == ([refused] if refused else [])
    assert subscribed(world).heard_at == heard_at


@pytest.mark.parametrize("case", ["status", "unknown_path"])
def test_the_answers_are_what_the_schema_asks_for(world: FunctionWorld, case: str) -> None:
    wanted = schema()  # skips where Microsoft's files are missing
    root = etree.fromstring(world.call("exchange_webhook", case)["body"].encode())
    (result,) = root.find("{*}Body")
    wanted.assertValid(etree.ElementTree(result))


def test_a_bell_rings_for_every_resource_that_uses_the_calendar(world: FunctionWorld) -> None:
    row = replace(subscribed(world), resources=(ResourceId("anna"), ResourceId("ben")))
    world.clinic.stores.connections.save_subscription(row)
    world.call("exchange_webhook", "change")
    assert world.clinic.queue.take_all() == [CHANGE, replace(CHANGE, resource=ResourceId("ben"))]


def test_many_posts_are_one_note_until_half_a_heartbeat_is_over(
    world: FunctionWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[object] = []
    connections = world.clinic.stores.connections
    real = connections.note_heard
    monkeypatch.setattr(connections, "note_heard", lambda *given: (noted.append(given), real(*given)))
    for minutes in (0, 1, 14, 15, 29):
        world.clinic.clock.move_to(NOW + timedelta(minutes=minutes))
        world.call("exchange_webhook", "change")
    assert [at for _, at in noted] == [NOW, NOW + timedelta(minutes=15)]


def test_the_first_post_comes_while_our_subscribe_still_waits(world: FunctionWorld) -> None:
    connections = world.clinic.stores.connections
    making = replace(subscribed(world), subscription_id="")
    connections.save_subscription(making)
    assert word(world.call("exchange_webhook", "status")["body"]) == "OK"
    connections.save_subscription(replace(making, subscription_id=SUBSCRIPTION))
    assert subscribed(world).heard_at == NOW, "saving the id must not forget that the server was heard"


def test_a_subscription_that_is_over_is_ended_by_the_answer(world: FunctionWorld) -> None:
    world.clinic.stores.connections.delete_subscription(hash_of(PATH))
    assert word(world.call("exchange_webhook", "change")["body"]) == "Unsubscribe"
    assert not world.clinic.queue.take_all()


@pytest.mark.parametrize("case", ["change", "change_base64"])
def test_a_body_over_the_limit_is_refused_unread(world: FunctionWorld, case: str) -> None:
    event = payload("exchange_webhook", case)
    event["body"] = "QUJD" * (LONGEST_BODY // 2)
    assert handler("exchange_webhook")(event, None)["statusCode"] == 413
    assert not world.clinic.queue.take_all()


def test_deep_wide_and_endless_bodies_are_no_exception(world: FunctionWorld) -> None:
    event = payload("exchange_webhook", "change")
    whole = event["body"]
    message = whole[whole.index("<m:SendNotificationResponseMessage") : whole.index("</m:ResponseMessages>")]
    for body in (
        "<a>" * 80_000,
        "<a/>" * 60_000,
        "<a>" + "<b/>" * 60_000 + "</a>",
        whole.replace(SUBSCRIPTION, "x" * 5000),
        whole.replace(message, message * 101),
        whole.replace('encoding="utf-8"', 'encoding="no-such"'),
        "\ud800",
        "\x00",
    ):
        event["body"] = body
        assert handler("exchange_webhook")(event, None)["statusCode"] == 400
    assert not world.clinic.queue.take_all()


@pytest.mark.parametrize("broken", ["store", "note", "queue"])
def test_the_server_is_asked_to_come_again_while_we_cannot_note_a_change(
    world: FunctionWorld, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def down(*_: object) -> None:
        raise ProviderUnavailableError

    connections = world.clinic.stores.connections
    places = {"store": (connections, "subscription"), "note": (connections, "note_heard")}
    monkeypatch.setattr(*places.get(broken, (world.clinic.queue, "wish")), down)
    assert world.call("exchange_webhook", "change")["statusCode"] == 503


def test_nothing_of_a_post_is_logged(world: FunctionWorld, capsys: pytest.CaptureFixture[str]) -> None:
    for case in POSTS:
        world.call("exchange_webhook", case)
    written = "".join(capsys.readouterr())
    for word_ in ("Oncology", SUBSCRIPTION, PATH, "198.51.100.20", "passwd", "AQAAAMLBAAM"):
        assert word_ not in written
