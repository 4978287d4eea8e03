"""Push of the sandbox's Exchange: what is posted, when it is repeated, and how a subscription ends."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from exchangelib.errors import ErrorInvalidSubscription, ErrorInvalidWatermark, ErrorSubscriptionNotFound
from exchangelib.folders import Calendar, Root
from exchangelib.properties import DistinguishedFolderId, Mailbox
from exchangelib.services import GetEvents, SubscribeToPull, SubscribeToPush, Unsubscribe

from tests.sandbox.ews_client import account, call, code_of, envelope, found, trusting
from tests.sandbox.ews_listener import Listener, listener
from tests.sandbox.ews_schema import check, check_log
from tests.sandbox.small_microsoft import Microsoft

ANNA = "anna@clinic.example"
BERT = "bert@clinic.example"
TYPES = ["CreatedEvent", "ModifiedEvent", "DeletedEvent", "MovedEvent"]
EVENT = {
    "subject": "one",
    "start": {"dateTime": "2026-12-01T10:00:00", "timeZone": "UTC"},
    "end": {"dateTime": "2026-12-01T11:00:00", "timeZone": "UTC"},
}


@pytest.fixture(autouse=True)
def on_exchange(microsoft: Microsoft) -> Iterator[None]:
    for address in (ANNA, BERT):
        microsoft.control("PATCH", f"/people/{address}", {"exchange": {}})
    microsoft.control("PATCH", "/settings", {"key_rotation_seconds": None})
    microsoft.control("PATCH", "/exchange/push", {"tells_of_folders": False})
    with trusting(microsoft.addresses["ca_file"]):
        yield
    check_log(microsoft)


@pytest.fixture
def ear(microsoft: Microsoft) -> Iterator[Listener]:
    with listener() as heard:
        yield heard
        for post in heard.posts:
            if b'ResponseClass="Error"' not in post.body:
                check(post.body, "posts")
        microsoft.control("DELETE", "/exchange/subscriptions")


def subscribed(microsoft: Microsoft, url: str, minutes: int = 30, address: str = ANNA) -> tuple[str, str]:
    them = account(microsoft, address)
    folder = Calendar(
        root=Root(account=them),
        _distinguished_id=DistinguishedFolderId(id="calendar", mailbox=Mailbox(email_address=address)),
    )
    wish = {"folders": [folder], "event_types": TYPES, "watermark": None, "status_frequency": minutes, "url": url}
    return tuple(SubscribeToPush(account=them).get(**wish))


def graph(microsoft: Microsoft) -> httpx.Client:
    return microsoft.graph(microsoft.tokens_of(ANNA)["access_token"])


def records(microsoft: Microsoft, outcome: str) -> list[dict[str, Any]]:
    everything = microsoft.control("GET", "/exchange/push/records")["records"]
    return [record for record in everything if record["outcome"] == outcome]


def kept(microsoft: Microsoft) -> list[dict[str, Any]]:
    return list(microsoft.control("GET", "/exchange/subscriptions"))


def wait_until(is_so: Callable[[], bool]) -> None:
    """Look again and again, for at most ten seconds."""
    until = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def settled(microsoft: Microsoft, count: int) -> None:
    """Wait until so many posts have ended, one way or another."""
    wait_until(lambda: len(microsoft.control("GET", "/exchange/push/records")["records"]) >= count)


def test_a_status_event_comes_first_and_then_what_happens(microsoft: Microsoft, ear: Listener) -> None:
    """Changes made through Graph reach the Exchange subscriber: one store."""
    subscription_id, mark = subscribed(microsoft, ear.url)
    first = ear.wait_for(1)[0]

    made = graph(microsoft).post("/v1.0/me/events", json=EVENT).json()
    ear.wait_for(2)
    graph(microsoft).patch(f"/v1.0/me/events/{made['id']}", json={"subject": "two"})
    ear.wait_for(3)
    graph(microsoft).delete(f"/v1.0/me/events/{made['id']}")
    posts = ear.wait_for(4)

    assert [post.names for post in posts] == [["StatusEvent"], ["CreatedEvent"], ["ModifiedEvent"], ["DeletedEvent"]]
    assert first.path == "/push/secret"
    assert first.headers["soapaction"].endswith('/SendNotification"')
    assert first.headers["content-type"].startswith("text/xml")
    assert subscription_id.encode() in first.body
    assert mark.encode() in first.body
    rest_id = posts[1].events[0].item_id.id.replace("+", "-").replace("/", "_")
    assert rest_id == made["id"]


def test_a_quiet_subscription_sends_status_events(microsoft: Microsoft, ear: Listener) -> None:
    subscribed(microsoft, ear.url, minutes=5)
    ear.wait_for(1)
    settled(microsoft, 1)

    microsoft.advance(minutes=4)
    microsoft.advance(minutes=1.1)

    assert ear.wait_for(2)[1].names == ["StatusEvent"]


def test_a_failed_post_comes_again_after_growing_pauses_with_all_that_happened(
    microsoft: Microsoft, ear: Listener
) -> None:
    subscribed(microsoft, ear.url)
    settled(microsoft, 1)
    ear.answers = [500, "nonsense"]
    graph(microsoft).post("/v1.0/me/events", json=EVENT)
    settled(microsoft, 2)
    graph(microsoft).post("/v1.0/me/events", json=EVENT)

    microsoft.advance(seconds=31)
    settled(microsoft, 3)
    assert kept(microsoft)[0]["failures"] == 2
    microsoft.advance(seconds=61)
    settled(microsoft, 4)

    assert [post.names for post in ear.posts[1:]] == [["CreatedEvent"], ["CreatedEvent"] * 2, ["CreatedEvent"] * 2]
    assert kept(microsoft)[0]["failures"] == 0


def test_after_its_last_retry_a_subscription_is_gone_without_a_word(microsoft: Microsoft, ear: Listener) -> None:
    """With StatusFrequency 1: at once, after 30 s, after 60 s more - and never again."""
    subscribed(microsoft, ear.url, minutes=1)
    settled(microsoft, 1)
    ear.answer = 503

    graph(microsoft).post("/v1.0/me/events", json=EVENT)
    settled(microsoft, 2)
    microsoft.advance(seconds=31)
    settled(microsoft, 3)
    microsoft.advance(seconds=61)
    settled(microsoft, 5)

    assert kept(microsoft) == []
    assert [len(records(microsoft, o)) for o in ("failed", "dropped")] == [3, 1]
    assert len(ear.posts) == 4


def test_unsubscribe_as_answer_ends_it(microsoft: Microsoft, ear: Listener) -> None:
    ear.answer = "Unsubscribe"
    subscribed(microsoft, ear.url)
    settled(microsoft, 1)

    assert kept(microsoft) == []
    assert len(records(microsoft, "unsubscribed")) == 1


def test_the_error_post(microsoft: Microsoft, ear: Listener) -> None:
    subscription_id, _ = subscribed(microsoft, ear.url)
    ear.wait_for(1)

    told = microsoft.people.post("/control/exchange/subscription/fail", params={"id": subscription_id}, json={})

    assert told.json() == {"was_taken": True}
    post = ear.wait_for(2)[1]
    assert b"ErrorReadEventsFailed" in post.body
    assert subscription_id.encode() in post.body
    assert b"<m:Notification" not in post.body
    assert kept(microsoft) == []


def test_a_mailbox_that_moves_to_the_cloud_takes_its_subscriptions_along_silently(
    microsoft: Microsoft, ear: Listener
) -> None:
    subscribed(microsoft, ear.url)
    settled(microsoft, 1)
    microsoft.control("PATCH", f"/people/{ANNA}", {"exchange": {"location": "moved"}})

    graph(microsoft).post("/v1.0/me/events", json=EVENT)
    wait_until(lambda: kept(microsoft) == [])

    assert len(ear.posts) == 1


def push_request(
    url: str, *, folder: str = "", types: str = "CreatedEvent", extra: str = "", minutes: str = "30"
) -> str:
    ids = folder or '<t:DistinguishedFolderId Id="calendar"/>'
    return (
        f"<m:Subscribe><m:PushSubscriptionRequest><t:FolderIds>{ids}</t:FolderIds>"
        f"<t:EventTypes><t:EventType>{types}</t:EventType></t:EventTypes>{extra}"
        f"<t:StatusFrequency>{minutes}</t:StatusFrequency><t:URL>{url}</t:URL>"
        "</m:PushSubscriptionRequest></m:Subscribe>"
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (push_request("ftp://localhost/x"), "ErrorInvalidPushSubscriptionUrl"),
        (push_request("https://localhost/" + "x" * 2083), "ErrorInvalidPushSubscriptionUrl"),
        (push_request("https://localhost/", types="NoEvent"), "ErrorSchemaValidation"),
        (push_request("https://localhost/", minutes="1441"), "ErrorSchemaValidation"),
        (push_request("https://localhost/", extra="<m:Watermark>AQ==</m:Watermark>"), "ErrorSchemaValidation"),
        (push_request("https://localhost/", extra="<t:Watermark>AQAA</t:Watermark>"), "ErrorInvalidWatermark"),
        (push_request("https://localhost/", folder='<t:FolderId Id="AAMk"/>'), "ErrorInvalidIdMalformed"),
    ],
)
def test_wishes_that_are_refused(microsoft: Microsoft, body: str, code: str) -> None:
    assert code_of(call(microsoft, ANNA, body)) == code


def test_a_delegate_cannot_subscribe_but_who_impersonates_can(microsoft: Microsoft, ear: Listener) -> None:
    microsoft.control("POST", f"/people/{ANNA}/calendars/default/share", {"person": BERT, "role": "write"})
    hers = f"<t:Mailbox><t:EmailAddress>{ANNA}</t:EmailAddress></t:Mailbox>"
    body = push_request(ear.url, folder=f'<t:DistinguishedFolderId Id="calendar">{hers}</t:DistinguishedFolderId>')

    assert code_of(call(microsoft, BERT, body)) == "ErrorSubscriptionDelegateAccessNotSupported"
    microsoft.control("PATCH", f"/people/{BERT}", {"exchange": {"may_impersonate": [ANNA]}})
    sid = f"<t:ConnectingSID><t:PrimarySmtpAddress>{ANNA}</t:PrimarySmtpAddress></t:ConnectingSID>"
    header = f"<t:ExchangeImpersonation>{sid}</t:ExchangeImpersonation>"
    assert code_of(call(microsoft, BERT, body, header=header)) == "NoError"
    assert kept(microsoft)[0]["mailbox"] == ANNA
    ear.wait_for(1)


def test_there_is_a_limit_of_subscriptions(microsoft: Microsoft) -> None:
    microsoft.control("PATCH", "/exchange/servers/exchange", {"limits": {"max_subscriptions": 1}})
    microsoft.control("PATCH", "/exchange/push", {"is_held": True})

    codes = [code_of(call(microsoft, ANNA, push_request("https://localhost/"))) for _ in range(2)]

    assert codes == ["NoError", "ErrorExceededSubscriptionCount"]


def test_push_cannot_be_unsubscribed_by_a_call(microsoft: Microsoft, ear: Listener) -> None:
    subscription_id, _ = subscribed(microsoft, ear.url)
    ear.wait_for(1)

    with pytest.raises(ErrorInvalidSubscription):
        Unsubscribe(account=account(microsoft, ANNA)).get(subscription_id=subscription_id)


def test_pull(microsoft: Microsoft) -> None:
    """Events are asked for by watermark; who does not ask in time has no subscription any more."""
    them = account(microsoft, ANNA)
    mailbox = Mailbox(email_address=ANNA)
    folder = Calendar(root=Root(account=them), _distinguished_id=DistinguishedFolderId(id="calendar", mailbox=mailbox))
    wish = {"folders": [folder], "event_types": TYPES, "watermark": None, "timeout": 10}
    subscription_id, mark = SubscribeToPull(account=them).get(**wish)

    quiet = GetEvents(account=them).get(subscription_id=subscription_id, watermark=mark)
    graph(microsoft).post("/v1.0/me/events", json=EVENT)
    news = GetEvents(account=them).get(subscription_id=subscription_id, watermark=mark)
    again = GetEvents(account=them).get(subscription_id=subscription_id, watermark=news.events[-1].watermark)

    assert [type(e).__name__ for n in (quiet, news, again) for e in n.events] == [
        "StatusEvent",
        "CreatedEvent",
        "StatusEvent",
    ]
    with pytest.raises(ErrorInvalidWatermark):
        GetEvents(account=them).get(subscription_id=subscription_id, watermark="AQAA")
    microsoft.advance(minutes=11)
    with pytest.raises(ErrorSubscriptionNotFound):
        GetEvents(account=them).get(subscription_id=subscription_id, watermark=mark)


def test_a_subscription_goes_on_after_a_watermark(microsoft: Microsoft, ear: Listener) -> None:
    """What happened in between is told at once; a mark of more than thirty days ago is refused."""
    microsoft.control("PATCH", "/exchange/push", {"is_held": True})
    mark = subscribed(microsoft, ear.url)[1]
    microsoft.control("DELETE", "/exchange/subscriptions")
    graph(microsoft).post("/v1.0/me/events", json=EVENT)

    body = push_request(ear.url, extra=f"<t:Watermark>{mark}</t:Watermark>")
    assert code_of(call(microsoft, ANNA, body)) == "NoError"
    microsoft.control("PATCH", "/exchange/push", {"is_held": False})

    assert ear.wait_for(1)[0].names == ["CreatedEvent"]
    microsoft.advance(days=31)
    assert code_of(call(microsoft, ANNA, body)) == "ErrorInvalidWatermark"


def test_envelope_has_its_instant_in_utc(microsoft: Microsoft, ear: Listener) -> None:
    subscribed(microsoft, ear.url)
    ear.wait_for(1)
    graph(microsoft).post("/v1.0/me/events", json=EVENT)

    at = ear.wait_for(2)[1].events[0].timestamp

    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert envelope("<m:X/>")
    assert found(call(microsoft, ANNA, push_request(ear.url)), "//m:Watermark")


def test_moving_is_a_moved_event(microsoft: Microsoft, ear: Listener) -> None:
    made = graph(microsoft).post("/v1.0/me/events", json=EVENT).json()
    item_id = made["id"].replace("-", "+").replace("_", "/")
    subscribed(microsoft, ear.url)
    ear.wait_for(1)

    delete = (
        '<m:DeleteItem DeleteType="MoveToDeletedItems" SendMeetingCancellations="SendToNone"><m:ItemIds>'
        f'<t:ItemId Id="{item_id}"/></m:ItemIds></m:DeleteItem>'
    )
    answer = call(microsoft, ANNA, delete)

    assert code_of(answer) == "NoError", answer.text
    event = ear.wait_for(2)[1].events[0]
    assert type(event).__name__ == "MovedEvent"
    assert event.old_item_id.id == item_id
    assert event.item_id.id != item_id
