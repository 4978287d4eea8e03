"""The traps of graph.md section 12, each as a fault of the sandbox that catches a client which falls into it.

What needs no server stands in tests/unit/adapters/test_graph_mapping.py; what every calendar must do, in
calendar_contract.py. The number in a name is the trap's.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from calsync_core.adapters.graph import client, lookups
from calsync_core.adapters.graph.notifications import Bell, Notice, parse
from calsync_core.domain.errors import (
    AppointmentGoneError,
    ConsentRevokedError,
    CursorExpiredError,
    MailboxUnusableError,
    PermissionMissingError,
    ProviderThrottledError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import CalendarId, EntryId

from tests.contract.calendar_contract import entries_of, read_round, removed_of
from tests.contract.calendar_sides import NOW, OPEN, WINDOW, GraphSide, at, copy, mark
from tests.contract.exchanges import check_exchanges
from tests.contract.microsoft import Microsoft
from tests.contract.webhook_receiver import Receiver


class Watched(GraphSide):
    """A person, our provider, what it slept, and the exchanges since the test began."""

    def __init__(self, microsoft: Microsoft) -> None:
        super().__init__(microsoft.add_person(calendars=[{"name": "Second"}]))
        self.slept: list[float] = []
        self.client = self.person.client(sleep=self.slept.append)
        self.provider = self.person.provider(sleep=self.slept.append)
        self.since = microsoft.log_id()

    def exchanges(self, method: str = "", path: str = "") -> list[dict[str, Any]]:
        """Our own only: the person's calls carry no client-request-id."""
        return [
            one
            for one in self.microsoft.log(self.since, path)
            if one["mailbox"] == self.person.email
            and (not method or one["method"] == method)
            and ("client-request-id" in one["request_headers"] or one["is_batch_part"])
        ]


@pytest.fixture
def side(microsoft: Microsoft) -> Iterator[Watched]:
    watched = Watched(microsoft)
    yield watched
    has_faults = bool(microsoft.control("GET", "/faults"))
    microsoft.control("DELETE", "/faults")
    microsoft.settings(enforces_limits=True, service_time=0, delta_repeats_entries=False, delta_lag=0)
    check_exchanges(watched.exchanges(), watched.person.email, has_faults=has_faults)


# -- 1, 7: the feed ---------------------------------------------------------------------------------------------


def test_trap_1_a_calendar_that_answers_not_found_is_not_a_calendar_whose_entries_were_deleted(side: Watched) -> None:
    first, second = side.create(at(1)), side.create(at(2))
    side.microsoft.fault(match={"path": "/events/"}, action={"shape": "item_not_found"})
    side.microsoft.fault(match={"path": r"calendars/[^/]+\?"}, action={"shape": "unavailable"})
    with pytest.raises(ProviderUnavailableError):
        side.provider.entries(side.calendar, [first, second], OPEN)


@pytest.mark.bad_input(9)
def test_an_entry_that_comes_twice_in_a_round_is_the_same_entry(side: Watched) -> None:
    side.microsoft.settings(delta_repeats_entries=True)
    ids = {side.create(at(day)) for day in range(4)}
    pages, _ = read_round(side)
    assert set(entries_of(pages)) == ids


# -- 4: creates -------------------------------------------------------------------------------------------------


@pytest.mark.bad_input(16)
@pytest.mark.complaint(4)
def test_trap_4_a_create_whose_answer_was_lost_is_looked_for_and_not_repeated_blindly(side: Watched) -> None:
    side.microsoft.fault(match={"method": "POST", "path": "/events"}, times=1, action={"close": "after"})

    with pytest.raises(ProviderUnavailableError):
        side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
    found = side.provider.find_mark(mark())

    assert len(side.exchanges("POST", "/events$")) == 1
    assert len(found) == 1
    again = side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
    assert again.id == found[0].id
    assert len(side.provider.find_mark(mark())) == 1


@pytest.mark.parametrize("shape", ["unavailable", "transient", "gateway_timeout_empty"])
def test_trap_4_a_create_that_met_a_server_error_is_not_repeated_blindly(side: Watched, shape: str) -> None:
    side.microsoft.fault(match={"method": "POST", "path": "/events"}, times=1, action={"shape": shape})
    with pytest.raises(ProviderUnavailableError):
        side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
    assert len(side.exchanges("POST", "/events$")) == 1


def test_trap_4_a_used_transaction_id_whose_entry_is_there_is_adopted(side: Watched) -> None:
    first = side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
    side.microsoft.fault(
        match={"method": "POST", "path": "/events"}, times=1, action={"shape": "duplicate_transaction"}
    )
    assert side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1").id == first.id


# -- 5: nobody is mailed ----------------------------------------------------------------------------------------


@pytest.mark.complaint(16)
def test_trap_5_no_write_mails_anybody(side: Watched) -> None:
    written = side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
    side.provider.update(side.calendar, written.id, copy(at(2)), None)
    side.provider.delete(side.calendar, written.id, None)
    assert side.mails() == []


# -- 6: pages ---------------------------------------------------------------------------------------------------


def test_trap_6_every_page_is_read_even_behind_an_empty_one(side: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "_PAGE_SIZES", ("3",))
    ids = {side.provider.create(side.calendar, copy(at(day)), mark(f"b{day}"), f"tx-{day}").id for day in range(11)}
    series_id = side.create_series(at(0, hour=13), 8)

    assert {entry.id for entry in side.provider.marked("install-1")} == ids
    assert len(side.provider.occurrences(side.calendar, series_id, WINDOW, OPEN)) == 8
    pages, _ = read_round(side)
    assert ids <= set(entries_of(pages))


def test_trap_6_more_calendars_than_a_default_page_holds(side: Watched) -> None:
    for number in range(12):
        side.microsoft.control("POST", f"/people/{side.person.email}/calendars", {"name": f"No {number}"})
    assert len(side.provider.calendars()) == 14


def test_more_ids_than_a_batch_holds_are_looked_up(side: Watched) -> None:
    ids = [side.create(at(day % 28, hour=8 + day // 28)) for day in range(45)]
    found = side.provider.entries(side.calendar, [*ids, EntryId("AAMkNobody")], OPEN)

    assert len(found) == 46
    assert found.pop(EntryId("AAMkNobody")) is None
    assert all(entry is not None for entry in found.values())
    assert len(side.exchanges("POST", r"/\$batch")) == 3


# -- 8: what goes with every call -------------------------------------------------------------------------------


@pytest.mark.complaint(25)
def test_trap_8_the_preferences_go_with_every_call_and_every_batch_part(side: Watched, receiver: Receiver) -> None:
    written = side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
    second = side.create(at(2))
    _, cursor = read_round(side)
    read_round(side, cursor)
    side.provider.entries(side.calendar, [written.id, second], OPEN)
    granted = side.provider.subscribe(
        side.calendar, f"{receiver.url}/h", f"{receiver.url}/h/l", "s" * 40, NOW + timedelta(days=3)
    )
    side.provider.unsubscribe(granted.subscription_id)
    side.provider.delete(side.calendar, written.id, None)

    exchanges = side.exchanges()
    assert any(one["is_batch_part"] for one in exchanges)
    assert any("skiptoken" in one["query"] or "deltatoken" in one["query"] for one in exchanges)
    assert check_exchanges(exchanges, side.person.email) >= 10


# -- 10: tokens -------------------------------------------------------------------------------------------------


def test_trap_10_a_good_token_is_used_again_and_a_revoked_grant_is_an_end(side: Watched) -> None:
    tokens = side.person.tokens()
    since = side.microsoft.log_id()
    assert {tokens() for _ in range(5)} == {tokens()}
    assert [one for one in side.microsoft.log(since) if one["path"].endswith("/token")] == []

    side.microsoft.control("POST", f"/people/{side.person.email}/revoke", {})
    with pytest.raises(ConsentRevokedError):
        tokens(True)


def test_an_access_token_that_is_refused_is_refreshed_once(side: Watched) -> None:
    side.microsoft.fault(match={"path": "/me/calendars"}, times=1, action={"shape": "unauthorized"})
    assert side.provider.calendars()
    assert [one["status"] for one in side.exchanges("GET", "/me/calendars$")] == [401, 200]

    side.microsoft.fault(match={"path": "/me/calendars"}, action={"shape": "unauthorized"})
    with pytest.raises(ConsentRevokedError):
        side.provider.calendars()
    assert len(side.exchanges("GET", "/me/calendars$")) == 4


# -- 12: notifications ------------------------------------------------------------------------------------------


def test_trap_12_a_subscription_has_a_lifecycle_address_and_a_life_that_is_granted(
    side: Watched, receiver: Receiver
) -> None:
    url = f"{receiver.url}/{side.person.email}"
    until = NOW + timedelta(minutes=10_000)
    granted = side.provider.subscribe(side.calendar, url, f"{url}/lifecycle", "secret-" + "s" * 40, until)
    assert granted.expires_at == until

    sent = side.exchanges("POST", "/subscriptions$")[0]["request_body"]
    assert sent["lifecycleNotificationUrl"] == f"{url}/lifecycle"
    assert sent["resource"] == f"me/calendars/{side.calendar}/events"
    side.create(at(1))
    side.microsoft.control(
        "POST", f"/subscriptions/{granted.subscription_id}/lifecycle", {"event": "reauthorizationRequired"}
    )

    bells = _bells(receiver, side.person.email, 2)
    assert Bell(granted.subscription_id, "secret-" + "s" * 40, Notice.CHANGED) in bells
    assert Bell(granted.subscription_id, "secret-" + "s" * 40, Notice.REAUTHORIZE) in bells


def _bells(receiver: Receiver, name: str, wanted: int) -> list[Bell]:
    for _ in range(100):
        bells = [bell for path, body in list(receiver.posted) if name in path for bell in parse(body)]
        if len({bell.notice for bell in bells}) >= wanted:
            return bells
        receiver.arrived.clear()
        receiver.arrived.wait(0.1)
    raise AssertionError(f"only {receiver.posted} came")


def test_an_endpoint_that_does_not_answer_the_handshake_is_no_fault_of_the_person(side: Watched) -> None:
    with pytest.raises(ProviderUnavailableError):
        side.provider.subscribe(
            side.calendar, "http://127.0.0.1:9/h", "http://127.0.0.1:9/l", "s" * 40, NOW + timedelta(days=1)
        )


def test_a_receiver_that_had_to_start_is_asked_again(side: Watched, receiver: Receiver) -> None:
    receiver.sleepy.add("/cold")
    granted = side.provider.subscribe(
        side.calendar, f"{receiver.url}/cold", f"{receiver.url}/cold/l", "s" * 40, NOW + timedelta(days=1)
    )
    assert granted.subscription_id


def test_the_quota_of_subscriptions_means_polling(side: Watched) -> None:
    side.microsoft.fault(match={"path": "/subscriptions"}, times=1, action={"shape": "quota_subscriptions"})
    with pytest.raises(PermissionMissingError):
        side.provider.subscribe(side.calendar, "http://127.0.0.1:9/h", "http://127.0.0.1:9/l", "s" * 40, NOW)


def test_a_stale_subscription_of_ours_is_taken_away(side: Watched, receiver: Receiver) -> None:
    side.microsoft.control("PATCH", "/delivery", {"refuses_duplicate_subscriptions": True})
    try:
        until = NOW + timedelta(days=3)
        first = side.provider.subscribe(side.calendar, f"{receiver.url}/1", f"{receiver.url}/1/l", "s" * 40, until)
        other = side.provider.subscribe(side.second, f"{receiver.url}/3", f"{receiver.url}/3/l", "s" * 40, until)
        second = side.provider.subscribe(side.calendar, f"{receiver.url}/2", f"{receiver.url}/2/l", "t" * 40, until)
    finally:
        side.microsoft.control("PATCH", "/delivery", {"refuses_duplicate_subscriptions": False})

    assert second.subscription_id != first.subscription_id
    with pytest.raises(AppointmentGoneError):
        side.provider.renew(first.subscription_id, until)
    assert side.provider.renew(other.subscription_id, until).subscription_id == other.subscription_id


# -- 13: four at once -------------------------------------------------------------------------------------------


@pytest.mark.bad_input(20)
@pytest.mark.complaint(29)
def test_trap_13_never_more_than_four_calls_at_once_batches_and_live_changes_included(side: Watched) -> None:
    ids = [side.create(at(day)) for day in range(6)]
    side.microsoft.settings(service_time=0.05, enforces_limits=True)
    lanes = side.client._lanes
    bulk = side.person.provider(lanes=lanes)
    live = side.person.provider(lanes=lanes, is_live=True)

    def work(number: int) -> object:
        if number % 4 == 0:
            return bulk.entries(side.calendar, ids, OPEN)
        if number % 4 == 1:
            return live.entries(side.calendar, ids[:1], OPEN)
        return bulk.create(side.calendar, copy(at(number)), mark(f"b{number}"), f"tx-{number}")

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(work, range(24)))

    statuses = [one["status"] for one in side.exchanges()]
    assert 429 not in statuses
    assert len(statuses) > 24


# -- 14: waits --------------------------------------------------------------------------------------------------


def test_trap_14_a_decimal_wait_is_waited_here_when_it_is_short(side: Watched) -> None:
    side.microsoft.fault(match={"path": "/me/calendars"}, times=1, action={"shape": "throttled"})
    assert side.provider.calendars()
    assert len(side.slept) == 1
    assert 2.128 <= side.slept[0] <= 2.128 * 1.25


@pytest.mark.parametrize(("header", "seconds"), [("30", 30.0), ("12.5", 12.5)])
@pytest.mark.complaint(29)
def test_trap_14_a_long_wait_is_not_done_here(side: Watched, header: str, seconds: float) -> None:
    action = {"shape": "throttled", "retry_after": header}
    side.microsoft.fault(match={"path": "/me/calendars"}, action=action)
    with pytest.raises(ProviderThrottledError) as caught:
        side.provider.calendars()
    assert caught.value.retry_after == timedelta(seconds=seconds)
    assert side.slept == []
    assert len(side.exchanges()) == 1


def test_trap_14_throttling_without_end_ends(side: Watched) -> None:
    side.microsoft.fault(match={"path": "/me/calendars"}, action={"shape": "throttled", "retry_after": "1"})
    with pytest.raises(ProviderThrottledError):
        side.provider.calendars()
    assert sum(side.slept) <= 6


def test_a_throttled_create_was_not_done_and_may_be_repeated(side: Watched) -> None:
    side.microsoft.fault(match={"method": "POST", "path": "/events"}, times=1, action={"shape": "mailbox_concurrency"})
    written = side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
    assert [entry.id for entry in side.provider.find_mark(mark())] == [written.id]


def test_parts_of_a_batch_are_throttled_one_by_one(side: Watched) -> None:
    ids = [side.create(at(day)) for day in range(6)]
    side.microsoft.fault(match={"path": f"/events/{ids[2][:60]}"}, times=2, action={"shape": "throttled"})
    found = side.provider.entries(side.calendar, ids, OPEN)
    assert all(found[one] is not None for one in ids)
    assert side.slept


def test_a_part_of_a_batch_that_fails_for_ever_is_not_taken_for_gone(side: Watched) -> None:
    ids = [side.create(at(day)) for day in range(3)]
    side.microsoft.fault(match={"path": "/events/"}, action={"shape": "unavailable"})
    with pytest.raises(ProviderUnavailableError):
        side.provider.entries(side.calendar, ids, OPEN)


@pytest.mark.bad_input(11)
def test_lists_whose_links_lead_in_a_circle_end(side: Watched) -> None:
    link = f"{side.client.base_url}/me/calendars?$skip=1"
    side.microsoft.fault(
        match={"path": "/me/calendars"}, action={"body": {"value": [], "@odata.nextLink": link}, "status": 200}
    )
    with pytest.raises(ProviderUnavailableError, match="answer_endless"):
        side.provider.calendars()
    assert len(side.exchanges()) == 2


# -- 17: where the token goes -----------------------------------------------------------------------------------


@pytest.mark.bad_input(10)
@pytest.mark.parametrize("field", ["@odata.nextLink", "@odata.deltaLink"])
@pytest.mark.parametrize(
    "link", ["https://evil.example/v1.0/me/calendarView/delta?x", "http://localhost/v1.0/x", "//evil.example/v1.0/"]
)
def test_trap_17_a_link_to_another_host_gets_no_token(side: Watched, field: str, link: str) -> None:
    body = {"value": [], field: link}
    side.microsoft.fault(match={"path": "delta"}, times=1, action={"status": 200, "body": body})
    with pytest.raises(ProviderUnavailableError, match="foreign_link"):
        side.provider.changes(side.calendar, None, WINDOW, OPEN)


@pytest.mark.parametrize(
    ("link", "is_ours"),
    [
        ("{graph}/me/calendars/x", True),
        ("https://localhost:1/v1.0/me", False),
        ("{graph}@evil.example/", False),
        ("{graph}.evil.example/v1.0/me", False),
        ("{user}", False),
        ("ftp://localhost/v1.0/", False),
        ("{beta}", False),
        ("", False),
        ("https://localhost:port/v1.0/", False),
    ],
)
def test_trap_17_which_links_are_ours(side: Watched, link: str, is_ours: bool) -> None:
    graph = side.microsoft.graph
    user = graph.replace("https://", "https://user:pw@") + "/me"
    full = link.format(graph=graph, user=user, beta=graph.replace("/v1.0", "/beta") + "/me")
    assert side.client.owns(full) is is_ours


# -- answers that are none --------------------------------------------------------------------------------------


@pytest.mark.prop("P15")
@pytest.mark.parametrize("action", [{"truncate": 40}, {"empty_body": True}, {"close": "before"}, {"close": "after"}])
def test_half_an_answer_is_no_answer(side: Watched, action: dict[str, Any]) -> None:
    side.microsoft.fault(match={"path": "/me/calendars"}, action=action)
    with pytest.raises(ProviderUnavailableError):
        side.provider.calendars()


def test_a_connection_that_died_while_it_was_kept_is_opened_again_for_a_question(side: Watched) -> None:
    side.microsoft.fault(match={"path": "/me/calendars"}, times=1, action={"close": "before"})
    assert side.provider.calendars()


@pytest.mark.complaint(14)
def test_a_delete_that_took_effect_unseen_is_gone(side: Watched) -> None:
    written = side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
    side.microsoft.fault(match={"method": "DELETE"}, times=1, action={"close": "after"})
    with pytest.raises(AppointmentGoneError):
        side.provider.delete(side.calendar, written.id, None)


def test_a_412_without_a_version_is_tried_once_more(side: Watched) -> None:
    written = side.provider.create(side.calendar, copy(at(1)), mark(), "tx-1")
    side.microsoft.fault(match={"method": "PATCH"}, times=1, action={"shape": "change_key"})
    assert side.provider.update(side.calendar, written.id, copy(at(2)), None).when == at(2)


def test_a_page_too_large_for_the_service_is_asked_for_in_smaller_ones(side: Watched) -> None:
    ids = {side.create(at(day)) for day in range(5)}
    side.microsoft.fault(match={"path": "delta"}, times=2, action={"shape": "unavailable_empty"})
    pages, cursor = read_round(side)

    assert set(entries_of(pages)) == ids
    sizes = [one["request_headers"]["prefer"].rpartition("=")[2] for one in side.exchanges("GET", "delta")]
    assert sizes[:3] == ["1000", "200", "10"]
    assert set(sizes[3:]) == {"10"}
    assert entries_of(read_round(side, cursor)[0]) == {}


def test_a_page_that_takes_too_long_is_asked_for_in_smaller_ones(side: Watched) -> None:
    entry_id = side.create(at(1))
    side.provider = side.person.provider(timeout=(2.0, 0.6))
    side.microsoft.fault(match={"path": "delta"}, times=1, action={"delay": 1.5})
    pages, _ = read_round(side)
    assert entry_id in entries_of(pages)
    assert pages[0].next_cursor.split("|")[1] == "200"


def test_an_answer_that_is_too_large_is_not_read_to_its_end(side: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LARGEST_ANSWER", 200)
    with pytest.raises(ProviderUnavailableError, match="answer_too_large"):
        side.provider.calendars()
    assert len(side.exchanges()) == 1


def test_a_feed_that_only_fails_is_replaced_by_a_plain_listing(side: Watched) -> None:
    ids = {side.create(at(day)) for day in range(5)}
    side.microsoft.fault(match={"path": "delta"}, action={"shape": "gateway_timeout_empty"})
    pages, cursor = read_round(side)
    assert set(entries_of(pages)) == ids

    assert entries_of(read_round(side, cursor)[0]) == {}
    side.create(at(9))
    with pytest.raises(CursorExpiredError):
        side.provider.changes(side.calendar, cursor, WINDOW, OPEN)


def test_a_calendar_without_a_feed_is_listed_and_compared(side: Watched) -> None:
    shown = side.microsoft.control(
        "POST", f"/people/{side.person.email}/calendars", {"name": "Holidays", "supports_delta": False}
    )
    internet = CalendarId(next(one["id"] for one in shown["calendars"] if one["name"] == "Holidays"))
    side.calendar = internet
    series_id = side.create_series(at(0), 3)
    single = side.create(at(1))

    pages, cursor = read_round(side)
    found = entries_of(pages)
    assert single in found
    assert [entry.series_id for entry in found.values() if not entry.is_sparse].count(series_id) == 3
    assert entries_of(read_round(side, cursor)[0]) == {}

    side.move(single, at(2))
    with pytest.raises(CursorExpiredError):
        side.provider.changes(internet, cursor, WINDOW, OPEN)
    assert entries_of(read_round(side)[0])[single].when == at(2)


@pytest.mark.parametrize("shape", ["sync_state", "resync", "sync_state_invalid"])
@pytest.mark.complaint(23)
def test_every_word_for_an_expired_cursor_is_known(side: Watched, shape: str) -> None:
    _, cursor = read_round(side)
    side.microsoft.fault(match={"path": "deltatoken"}, times=1, action={"shape": shape})
    with pytest.raises(CursorExpiredError):
        side.provider.changes(side.calendar, cursor, WINDOW, OPEN)


@pytest.mark.parametrize(("state", "code"), [("no_rest", "mailbox_on_premises_or_unlicensed"), ("missing", "mailbox")])
@pytest.mark.complaint(28)
def test_a_mailbox_that_cannot_be_served_says_so(side: Watched, state: str, code: str) -> None:
    side.microsoft.control("PATCH", f"/people/{side.person.email}", {"mailbox_state": state})
    with pytest.raises(MailboxUnusableError, match=code):
        side.provider.account()
    with pytest.raises(MailboxUnusableError, match=code):
        side.provider.changes(side.calendar, None, WINDOW, OPEN)


@pytest.mark.complaint(30)
def test_an_entry_that_cannot_be_read_hurts_itself_alone(side: Watched) -> None:
    good = side.create(at(1))
    _, cursor = read_round(side)
    broken = {"id": "broken-1", "type": "singleInstance", "start": {"dateTime": "soon", "timeZone": "UTC"}}
    whole = {
        "id": "good-1", "type": "singleInstance", "showAs": "busy",
        "start": {"dateTime": "2026-12-07T09:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-12-07T10:00:00.0000000", "timeZone": "UTC"},
    }  # fmt: skip
    body = {"value": [broken, whole], "@odata.deltaLink": cursor.split("|", 4)[4]}
    side.microsoft.fault(match={"path": "deltatoken"}, times=1, action={"status": 200, "body": body})

    page = side.provider.changes(side.calendar, cursor, WINDOW, OPEN)

    assert [(entry.id, entry.problem) for entry in page.entries] == [("broken-1", "entry_unreadable"), ("good-1", None)]
    assert page.removed == ()
    assert removed_of(read_round(side, cursor)[0]) == set()
    assert side.provider.entries(side.calendar, [good], OPEN)[good] is not None


def test_an_entry_that_is_there_but_cannot_be_read_is_not_taken_for_gone(side: Watched) -> None:
    ids = [side.create(at(1)), side.create(at(2))]
    broken = {"id": ids[0], "start": {"dateTime": "soon"}}
    side.microsoft.fault(match={"path": f"/events/{ids[0][:60]}"}, action={"status": 200, "body": broken})
    for wanted in (ids[:1], ids):
        found = side.provider.entries(side.calendar, wanted, OPEN)
        assert [found[one].problem for one in wanted] == ["entry_unreadable"] * len(wanted)
