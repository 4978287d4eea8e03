"""Every payload of events/graph_webhook, start_sync, sync_job and sweep through the real handlers on memory ports."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from calsync_core.domain.errors import ConsentRevokedError, ProviderUnavailableError
from calsync_core.domain.ids import ResourceId
from calsync_core.domain.resources import Status
from calsync_core.domain.synclog import Reason
from calsync_core.ports.outward import Wish
from calsync_core.ports.stores import Due
from calsync_core.web.posts import LONGEST_BODY

from tests.function_world import (
    PATH,
    FunctionWorld,
    cases,
    forget_handlers,
    handler,
    hash_of,
    logged,
    payload,
)
from tests.house.test_statemachines import IDS_AND_COUNTERS
from tests.small_clinic import ACCOUNT, NOW, at

HEADERS = {
    "content-type": "text/plain; charset=utf-8",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'",
    "cache-control": "no-store",
}
TOKEN = (
    "Validation: Testing client application reachability for subscription "
    "Request-Id: 5c7a1e5e-0d39-4b0a-8fd7-6a2c1d1f4b11"
)
ANNA, BEN = ResourceId("anna"), ResourceId("ben")
CHANGE = Wish(ACCOUNT, ANNA, "notification")
RENEW = Wish(ACCOUNT, ANNA, "lifecycle", f"mbx-anna/{hash_of(PATH)}")
# case -> status, body, wishes queued, notifications counted as refused
WEBHOOK: dict[str, tuple[int, str, list[Wish], int]] = {
    "handshake": (200, TOKEN, [], 0),
    "lifecycle_handshake": (200, TOKEN, [], 0),
    "handshake_markup": (200, "<script>alert(1)</script>", [], 0),
    "handshake_empty": (400, "", [], 0),
    "handshake_control_characters": (400, "", [], 0),
    "handshake_too_long": (400, "", [], 0),
    "change": (202, "", [CHANGE], 0),
    "change_base64": (202, "", [CHANGE], 0),
    "many_changes": (202, "", [CHANGE], 0),
    "lifecycle_reauthorization_required": (202, "", [RENEW], 0),
    "lifecycle_subscription_removed": (202, "", [RENEW], 0),
    "lifecycle_missed": (202, "", [CHANGE], 0),
    "lifecycle_unheard_of": (202, "", [CHANGE], 0),
    "wrong_secret": (202, "", [], 1),
    "wrong_and_right_secret": (202, "", [CHANGE], 1),
    "secret_missing": (202, "", [], 0),
    "lone_surrogate": (202, "", [], 1),
    "unknown_path": (202, "", [], 1),
    "malformed": (202, "", [], 0),
    "broken_base64": (413, "", [], 0),
    "value_missing": (202, "", [], 0),
    "value_of_other_shapes": (202, "", [], 0),
    "empty_body": (202, "", [], 0),
    "too_many_items": (202, "", [], 0),
}
# case -> what was started, which messages failed
START: dict[str, tuple[list[Wish], list[int]]] = {
    "change": ([CHANGE], []),
    "first_import": ([Wish(ACCOUNT, ANNA, "import")], []),
    "lifecycle": ([RENEW], []),
    "unknown_resource": ([], []),
    "batch_with_poison": ([CHANGE, Wish(ACCOUNT, BEN, "host")], [2]),
    "only_poison": ([], [1, 2, 3]),
    "same_wish_twice": ([CHANGE, CHANGE], []),
}
WORKED = {"outcome", "seconds", "code", "account", "resource", "cause", "run", "round"}
SYNC_JOB = {
    "work", "work_first_import", "work_unknown_resource", "close", "close_first_import", "close_run_broke",
    "close_sign_in_expired", "close_unknown_resource",
}  # fmt: skip
SWEEP = {"find", "find_second_page", "handle", "handle_with_failing_items", "handle_nothing"}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[FunctionWorld]:
    forget_handlers()
    yield FunctionWorld(monkeypatch)
    forget_handlers()


@pytest.mark.parametrize(
    ("function", "expected"),
    [("graph_webhook", set(WEBHOOK)), ("start_sync", set(START)), ("sync_job", SYNC_JOB), ("sweep", SWEEP)],
)
def test_each_payload_has_its_expectation(function: str, expected: set[str]) -> None:
    assert cases(function) == expected


# --- graph_webhook ------------------------------------------------------------------------------------------------


@pytest.mark.bad_input(1)
@pytest.mark.bad_input(3)
@pytest.mark.parametrize("case", WEBHOOK)
def test_the_webhook_answers_and_queues(world: FunctionWorld, case: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = world.call("graph_webhook", case)

    status, body, wishes, refused = WEBHOOK[case]
    assert answer == {"statusCode": status, "headers": HEADERS, "body": body}
    assert world.clinic.queue.take_all() == wishes
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["NotificationRefused"] for line in lines] == ([refused] if refused else [])


def test_a_bell_rings_for_every_resource_that_uses_the_calendar(world: FunctionWorld) -> None:
    world.subscribe("anna", "ben")
    world.call("graph_webhook", "change")
    assert world.clinic.queue.take_all() == [CHANGE, Wish(ACCOUNT, BEN, "notification")]


@pytest.mark.bad_input(4)
@pytest.mark.parametrize("case", ["change", "change_base64"])
def test_a_body_over_the_limit_is_refused_unread(world: FunctionWorld, case: str) -> None:
    event = payload("graph_webhook", case)
    event["body"] = "QUJD" * (LONGEST_BODY // 2)
    assert handler("graph_webhook")(event, None) == {"statusCode": 413, "headers": HEADERS, "body": ""}
    assert not world.clinic.queue.take_all()


def test_a_body_of_the_greatest_size_is_still_read(world: FunctionWorld) -> None:
    event = payload("graph_webhook", "change")
    event["body"] += " " * (LONGEST_BODY - len(event["body"]))
    assert handler("graph_webhook")(event, None)["statusCode"] == 202
    assert world.clinic.queue.take_all() == [CHANGE]


def test_deeply_nested_and_half_characters_are_no_exception(world: FunctionWorld) -> None:
    event = payload("graph_webhook", "change")
    for body in (
        "[" * 100_000,
        '{"value":' * 20_000,
        "\ud800",
        '{"value":[{"subscriptionId":1' + "0" * 5000 + "}]}",
    ):
        event["body"] = body
        assert handler("graph_webhook")(event, None)["statusCode"] == 202
    assert not world.clinic.queue.take_all()


@pytest.mark.parametrize("broken", ["store", "queue"])
def test_graph_is_asked_to_come_again_while_we_cannot_note_a_change(
    world: FunctionWorld, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def down(*_: object) -> None:
        raise ProviderUnavailableError

    place = (world.clinic.stores.connections, "subscription") if broken == "store" else (world.clinic.queue, "wish")
    monkeypatch.setattr(*place, down)
    assert world.call("graph_webhook", "change") == {"statusCode": 503, "headers": HEADERS, "body": ""}


def test_nothing_of_a_notification_is_logged(world: FunctionWorld, capsys: pytest.CaptureFixture[str]) -> None:
    for case in WEBHOOK:
        world.call("graph_webhook", case)
    written = "".join(capsys.readouterr())
    for word in ("AAMkAGI1", "b0Rk2mVt", PATH, "198.51.100.20", "script"):
        assert word not in written


# --- start_sync ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", START)
def test_wishes_become_runs_and_only_the_failed_messages_come_again(world: FunctionWorld, case: str) -> None:
    answer = world.call("start_sync", case)

    wishes, failed = START[case]
    assert [wish for wish, _ in world.importer.started] == wishes
    records = payload("start_sync", case)["Records"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": records[number - 1]["messageId"]} for number in failed]}


def test_every_run_has_an_id_of_its_own(world: FunctionWorld) -> None:
    world.call("start_sync", "same_wish_twice")
    assert len({run for _, run in world.importer.started}) == 2


def test_a_lifecycle_notice_makes_the_renewal_due_at_once(world: FunctionWorld) -> None:
    world.call("start_sync", "lifecycle")
    assert world.clinic.stores.due.due(NOW) == [Due("renewal", ACCOUNT, RENEW.subject, NOW)]


@pytest.mark.bad_input(39)
def test_poison_is_logged_by_its_kind_alone(world: FunctionWorld, caplog: pytest.LogCaptureFixture) -> None:
    world.call("start_sync", "batch_with_poison")
    written = logged(caplog)
    assert "JSONDecodeError" in written
    assert "this is no wish" not in written


def test_a_machine_that_does_not_start_gives_its_message_back(
    world: FunctionWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(wish: Wish, run: str) -> None:
        if wish.resource == ANNA:
            raise ProviderUnavailableError
        started.append(wish)

    started: list[Wish] = []
    monkeypatch.setattr(world.importer, "start", down)
    answer = world.call("start_sync", "batch_with_poison")
    assert started == [Wish(ACCOUNT, BEN, "host")]
    assert [one["itemIdentifier"][:8] for one in answer["batchItemFailures"]] == ["00000001", "00000002"]


# --- sync_job -----------------------------------------------------------------------------------------------------


def answered(event: dict[str, Any], **expected: Any) -> dict[str, Any]:
    kept = {name: event[name] for name in ("account", "resource", "cause", "run")}
    return {"outcome": "done", "seconds": 0, "code": None, **kept, "round": event["round"] + 1, **expected}


def test_work_imports_and_answers_with_ids_and_counters(world: FunctionWorld) -> None:
    world.clinic.mailbox().create_entry(at(1, 9), title="Heart surgery of a minister")
    event = payload("sync_job", "work_first_import")

    answers = [handler("sync_job")(event, None)]
    while answers[-1]["outcome"] == "again":
        answers.append(handler("sync_job")({"step": "work", **answers[-1]}, None))

    assert answers[-1] == answered(event, round=len(answers))
    assert world.clinic.stores.resources.get(ACCOUNT, ANNA).status is Status.CONNECTED  # type: ignore[union-attr]
    assert len(world.clinic.blocks()) == 1


def test_work_that_finds_nothing_looks_again_later(world: FunctionWorld) -> None:
    world.clinic.run("anna")
    event = payload("sync_job", "work")
    assert handler("sync_job")(event, None) == answered(event, outcome="wait", seconds=15)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ProviderUnavailableError(), {"outcome": "wait", "seconds": 5, "code": "provider_unavailable"}),
        (ConsentRevokedError(), {"outcome": "failed", "code": "auth_expired"}),
    ],
)
def test_what_work_cannot_do_is_an_answer(
    world: FunctionWorld, error: Exception, expected: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    def fault(operation: str, phase: str) -> None:
        if operation == "changes":
            raise error

    world.clinic.run("anna")
    world.clinic.fault = fault
    event = payload("sync_job", "work")
    assert handler("sync_job")(event, None) == answered(event, **expected)
    assert ('"RunFailed": 1' in capsys.readouterr().out) is (expected["outcome"] == "failed")


def test_work_on_a_resource_that_is_gone_breaks_and_close_takes_that(world: FunctionWorld) -> None:
    """The machine names the break and goes on to close, which finds nobody to tell."""
    from calsync_core.domain.errors import NotFoundError

    with pytest.raises(NotFoundError):
        world.call("sync_job", "work_unknown_resource")
    assert world.call("sync_job", "close_unknown_resource") is None
    assert not world.mailer.sent
    assert not world.clinic.stores.due.due(NOW + timedelta(days=1))


def test_the_state_of_a_run_never_grows(world: FunctionWorld) -> None:
    """Content, long titles, conflicts, faults: what travels is eight fields of ids and counters, under a kilobyte."""
    clinic = world.clinic
    for day in range(1, 21):
        clinic.mailbox().create_entry(at(day, 9), title=f"{day} " + "long title " * 20)
        clinic.system.book(["anna"], at(day, 9.5), title="customer " * 30)
    answer: dict[str, Any] = payload("sync_job", "work_first_import")
    sizes = []
    for number in range(60):
        clinic.clock.advance(timedelta(minutes=1))
        answer = handler("sync_job")({"step": "work", **answer}, None)
        assert set(answer) == WORKED <= IDS_AND_COUNTERS
        assert isinstance(answer["seconds"], int)
        assert answer["round"] == number + 1
        sizes.append(len(json.dumps(answer)))
    assert clinic.conflicts()
    assert max(sizes) < 1024
    assert max(sizes[1:]) - min(sizes[1:]) < 40  # outcome, code and digits of the round
    assert "title" not in json.dumps(answer)


def test_close_says_nothing_about_a_quiet_run(world: FunctionWorld) -> None:
    world.clinic.run("anna")
    assert world.call("sync_job", "close") is None
    assert not world.mailer.sent


def test_close_tells_once_that_the_calendar_is_connected(world: FunctionWorld) -> None:
    world.clinic.run("anna")
    for _ in range(2):
        assert world.call("sync_job", "close_first_import") is None
    assert [(mail.kind, mail.to) for mail in world.mailer.sent] == [("connected", "anna@clinic.example")]


def test_close_of_a_broken_run_makes_it_due_again_and_says_so(world: FunctionWorld) -> None:
    world.clinic.run("anna")
    assert world.call("sync_job", "close_run_broke") is None
    wanted = [one for one in world.clinic.stores.due.due(NOW + timedelta(hours=1)) if one.kind == "wait"]
    assert [(one.subject, one.due_at) for one in wanted] == [("anna", NOW + timedelta(minutes=5))]
    line = world.clinic.stores.log.of_resource(ACCOUNT, ANNA)[0]
    assert (line.reason, line.code, line.is_problem) == (Reason.RUN_FAILED, "run_broke", True)


def test_close_tells_once_that_the_sign_in_has_ended(world: FunctionWorld) -> None:
    world.clinic.run("anna")
    world.clinic.mailbox().is_revoked = True
    world.clinic.fault = _revoked
    assert world.call("sync_job", "work")["code"] == "auth_expired"
    for _ in range(2):
        world.call("sync_job", "close_sign_in_expired")
    assert [mail.kind for mail in world.mailer.sent] == ["sign_in_expired"]


def _revoked(operation: str, phase: str) -> None:
    if operation == "changes":
        raise ConsentRevokedError


# --- sweep --------------------------------------------------------------------------------------------------------


def test_nothing_due_is_an_empty_answer_although_the_booking_system_is_silent(world: FunctionWorld) -> None:
    assert world.call("sweep", "find") == {"batches": [], "more": False}
    assert world.parts.booking_client.calls == ["POST /events/deliver"]


def test_only_the_first_page_asks_the_booking_system_and_takes_the_checks(world: FunctionWorld) -> None:
    world.clinic.stores.due.set_check(ACCOUNT, ANNA, 5)
    world.clinic.clock.advance(timedelta(minutes=5))
    assert world.call("sweep", "find_second_page") == {"batches": [], "more": False}
    assert not world.parts.booking_client.calls

    found = [world.call("sweep", "find")]
    for _ in range(5):
        world.clinic.clock.advance(timedelta(minutes=1))
        found.append(world.call("sweep", "find"))
    checks = [item for one in found for batch in one["batches"] for item in batch["items"]]
    assert {"kind": "check", "account": "main", "subject": "anna"} in checks
    assert len(checks) <= 2


def test_what_is_due_comes_in_batches_of_ids(world: FunctionWorld) -> None:
    due_at = NOW - timedelta(minutes=1)
    for number in range(90):
        world.clinic.stores.due.schedule(Due("wait", ACCOUNT, f"resource-{number:02}", due_at))
    found = world.call("sweep", "find")
    assert [len(batch["items"]) for batch in found["batches"]] == [40, 40, 10]
    assert found["more"] is False
    assert found["batches"][0]["items"][0] == {
        "kind": "wait", "account": "main", "subject": "resource-00", "due_at": due_at.isoformat(),
    }  # fmt: skip


def all_items(found: dict[str, Any]) -> list[dict[str, str]]:
    return [item for batch in found["batches"] for item in batch["items"]]


@pytest.mark.parametrize(
    "subject",
    ["resource-{:04}", "4c4b9a0e-6d0f-4c55-9d3f-{:012}/" + "f" * 64, "é" * 90 + "{:04}"],
    ids=["short", "renewal", "foreign"],
)
def test_two_thousand_due_items_stay_within_a_state_and_none_is_lost(world: FunctionWorld, subject: str) -> None:
    """A state holds 256 KB: a page that does not fit would fail every minute and never be handled."""
    expected = {subject.format(number) for number in range(2000)}
    for one in sorted(expected):
        world.clinic.stores.due.schedule(Due("renewal", ACCOUNT, one, NOW - timedelta(minutes=1)))
    event, handled = payload("sweep", "find"), set()
    for page in range(20):
        found = handler("sweep")({**event, "page": page}, None)
        assert len(json.dumps(found)) < 200_000
        for batch in found["batches"]:
            assert handler("sweep")({"step": "handle", "batch": batch}, None) == {"renewal": len(batch["items"])}
        handled |= {item["subject"] for item in all_items(found)}
        if not found["more"]:
            break
    assert handled == expected
    assert not found["more"]


@pytest.mark.parametrize(
    "name", ["resource-{:04}", "a-long-foreign-id-of-a-booking-system-" * 4 + "{:04}"], ids=["short", "long"]
)
def test_checks_that_do_not_fit_become_wishes(world: FunctionWorld, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [(ACCOUNT, ResourceId(name.format(number))) for number in range(2000)]
    monkeypatch.setattr(world.clinic.stores.due, "checks", lambda _minute: pairs)

    found = world.call("sweep", "find")

    assert len(json.dumps(found)) < 200_000
    wishes = world.clinic.queue.take_all()
    assert {wish.cause for wish in wishes} == {"sweep"}
    checked = [item["subject"] for item in all_items(found)]
    assert len(wishes) >= 500
    assert [*checked, *(wish.resource for wish in wishes)] == [resource for _, resource in pairs]


def test_handle_does_each_item_and_counts(world: FunctionWorld) -> None:
    world.clinic.run("anna")
    world.clinic.queue.take_all()
    assert world.call("sweep", "handle") == {"wait": 1, "lease": 1, "check": 1, "renewal": 1}
    assert {(wish.resource, wish.cause) for wish in world.clinic.queue.take_all()} == {
        (ANNA, "sweep"), (BEN, "sweep"),
    }  # fmt: skip
    assert world.call("sweep", "handle_nothing") == {}


def test_one_failing_item_never_stops_the_others(
    world: FunctionWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug in one kind of work and an item of another shape: both are counted, the rest is done."""

    def bug(*_: object) -> None:
        raise ZeroDivisionError("secret-title-of-an-entry")

    monkeypatch.setattr(sweep_module(), "send_reminders", bug)
    monkeypatch.setattr(world.clinic.stores.cursors, "load", bug)
    answer = world.call("sweep", "handle_with_failing_items")
    assert answer == {"failed": 3, "lease": 1}
    assert world.clinic.queue.take_all() == [Wish(ACCOUNT, BEN, "sweep")]
    written = logged(caplog)
    assert "ZeroDivisionError" in written
    assert "secret-title" not in written


def sweep_module() -> Any:
    from calsync_core.bootstrap import sweep_function

    return sweep_function


def test_a_reminder_that_could_not_be_sent_stays_due(world: FunctionWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reminders that follow are scheduled by the one before: losing one would lose them all."""
    due = Due("reminder", ACCOUNT, "anna", NOW - timedelta(minutes=1))
    world.clinic.stores.due.schedule(due)

    def down(*_: object) -> None:
        raise ProviderUnavailableError

    monkeypatch.setattr(sweep_module(), "send_reminders", down)
    batch = world.call("sweep", "find")["batches"][0]
    handle = {"step": "handle", "batch": batch}
    assert handler("sweep")(handle, None) == {"failed": 1}
    assert world.clinic.stores.due.due(NOW) == [due]

    later = Due("reminder", ACCOUNT, "anna", NOW + timedelta(days=4))
    monkeypatch.setattr(sweep_module(), "send_reminders", lambda ports, _: ports.stores.due.schedule(later))
    assert handler("sweep")(handle, None) == {"reminder": 1}
    assert world.clinic.stores.due.due(NOW + timedelta(days=9)) == [later]

    monkeypatch.setattr(sweep_module(), "send_reminders", lambda *_: None)
    batch = {"items": [{"kind": "reminder", "account": "main", "subject": "anna", "due_at": later.due_at.isoformat()}]}
    handler("sweep")({"step": "handle", "batch": batch}, None)
    assert not world.clinic.stores.due.due(NOW + timedelta(days=9))
