"""The sweep over many resources: what a quiet one costs, who is woken, and that one bad item never stops the rest."""

from collections import Counter
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any, cast

import pytest
from calsync_core.adapters.memory.exchange_calendar import MemoryExchangeCalendarProvider
from calsync_core.adapters.memory.exchange_mailbox import MemoryExchangeMailboxServer
from calsync_core.domain.errors import (
    ConsentRevokedError,
    CursorExpiredError,
    InstallationError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import MailboxId, ResourceId
from calsync_core.domain.resources import Degraded, Status
from calsync_core.ports.journeys import MailPorts
from calsync_core.ports.outward import Wish
from calsync_core.ports.stores import Due, Stores
from calsync_core.usecases.change_settings import Change, SettingsPorts, save_change
from calsync_core.usecases.sweep import CHECK_BATCH, SweepPorts, find_due, handle_due

from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at


class _Counted:
    """A store that counts what is asked of it."""

    def __init__(self, store: object, calls: Counter[str]) -> None:
        self._store, self._calls = store, calls

    def __getattr__(self, name: str) -> Any:
        method, kind = getattr(self._store, name), type(self._store).__name__

        def call(*args: object, **kwargs: object) -> object:
            self._calls[f"{kind}.{name}"] += 1
            return method(*args, **kwargs)

        return call


def _counted(stores: Stores, calls: Counter[str]) -> Stores:
    return replace(stores, **{one.name: _Counted(getattr(stores, one.name), calls) for one in fields(stores)})


class _Sweep:
    def __init__(self, clinic: Clinic) -> None:
        self.calls: Counter[str] = Counter()
        self.reminded: list[Due] = []
        self.noted: list[tuple[str, str]] = []
        self.clinic = clinic
        self.ports = SweepPorts(
            _counted(clinic.stores, self.calls), lambda _account: clinic.host,
            lambda _account, mailbox: clinic.providers[mailbox], clinic.queue, clinic.clock, self.reminded.append,
            lambda kind, code: self.noted.append((kind, code)),
        )  # fmt: skip

    def __call__(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for page in range(3):
            found = find_due(self.ports, page)
            for batch in found.batches:
                counts.update(handle_due(self.ports, batch))
            if not found.has_more:
                break
        return counts

    def check(self, who: str = "anna") -> dict[str, int]:
        return handle_due(self.ports, [{"kind": "check", "account": ACCOUNT, "subject": who}])


def _clinic(*names: str) -> Clinic:
    clinic = a_clinic()
    for name in names or ("anna",):
        clinic.connect(name)
    clinic.settle()
    clinic.queue.take_all()
    return clinic


def _save(clinic: Clinic, who: str = "anna", **change: Any) -> None:
    state = clinic.stores.resources.get(ACCOUNT, ResourceId(who))
    assert state is not None
    clinic.stores.resources.save(replace(state, **change))


def _break(clinic: Clinic, error: Exception, only: str | None = None) -> None:
    provider = clinic.providers[MailboxId(only or "mbx-anna")]

    def fault(operation: str, phase: str) -> None:
        raise error

    provider.fault = fault


def test_two_thousand_quiet_resources_cost_two_table_reads_and_one_call_per_feed_each() -> None:
    names = [f"r{number}" for number in range(2000)]
    clinic = a_clinic()
    for name in names:
        clinic.connect(name)
        clinic.run(name)
    clinic.queue.take_all()
    sweep = _Sweep(clinic)
    for provider in clinic.providers.values():
        provider.calls.clear()
    clinic.host.calls.clear()

    counts: Counter[str] = Counter()
    for _ in range(60):
        clinic.clock.advance(timedelta(minutes=1))
        counts.update(sweep())

    assert counts["check"] == 2000, "with healthy push each is asked once an hour"
    assert clinic.queue.take_all() == []
    assert sum((provider.calls for provider in clinic.providers.values()), Counter()) == Counter(changes=2000)
    assert clinic.host.calls == Counter(changes=2000)
    of_checks = {name: calls for name, calls in sweep.calls.items() if "DueStore" not in name}
    assert of_checks == {"MemoryResourceStore.get": 2000, "MemoryCursorStore.load": 2000}, "and nothing is written"


@pytest.mark.rule("R140")
def test_a_check_of_an_exchange_calendar_does_not_believe_the_silence_about_a_new_copy() -> None:
    """The feed of an Exchange calendar says nothing of what came and went between two looks."""
    clinic = a_clinic()
    clinic.connect()
    mailbox = MailboxId("mbx-anna")
    clinic.servers[mailbox] = MemoryExchangeMailboxServer(clinic.clock.now)
    clinic.providers[mailbox] = MemoryExchangeCalendarProvider(clinic.servers[mailbox])
    clinic.settle()
    clinic.system.book(["anna"], at(3, 10), "Visit")
    clinic.run()
    [copy] = clinic.copies()
    clinic.mailbox().delete_entry(copy.id)
    clinic.queue.take_all()

    _Sweep(clinic).check()

    assert [wish.resource for wish in clinic.queue.take_all()] == ["anna"]
    clinic.run()
    _Sweep(clinic).check()
    assert clinic.queue.take_all() == []


def test_checks_come_in_batches_and_a_late_sweep_loses_no_minute() -> None:
    names = [f"r{number}" for number in range(100)]
    clinic = a_clinic()
    for name in names:
        clinic.connect(name)
        clinic.run(name)
    sweep = _Sweep(clinic)
    find_due(sweep.ports, 0)
    clinic.clock.advance(timedelta(minutes=59))

    batches = find_due(sweep.ports, 0).batches

    assert max(map(len, batches)) <= CHECK_BATCH
    checked = Counter(item["subject"] for batch in batches for item in batch if item["kind"] == "check")
    assert set(checked.values()) == {1}
    assert len(checked) >= 95


@pytest.mark.parametrize("side", ["calendar", "host"])
@pytest.mark.complaint(22)
def test_a_missed_notification_is_healed_by_the_check(side: str) -> None:
    clinic = _clinic()
    if side == "calendar":
        clinic.mailbox().create_entry(at(2, 9))
    else:
        clinic.system.book(["anna"], at(2, 9))

    _Sweep(clinic).check()

    assert clinic.queue.take_all() == [Wish(ACCOUNT, ResourceId("anna"), "sweep")]
    clinic.run()
    assert len(clinic.blocks() + clinic.copies()) == 1


def test_a_check_holds_no_lease_and_what_it_saw_is_still_there_for_the_run() -> None:
    clinic = _clinic()
    before = clinic.stores.cursors.load(ACCOUNT, ResourceId("anna"))
    clinic.mailbox().create_entry(at(2, 9))
    sweep = _Sweep(clinic)

    sweep.check()
    sweep.check()

    assert clinic.stores.cursors.load(ACCOUNT, ResourceId("anna")) == before
    assert not [name for name in sweep.calls if "LeaseStore" in name]


def test_a_check_that_reads_what_stood_a_moment_ago_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its reads may lag: an older cursor brings more news, never less, and it is not put back."""
    clinic = _clinic()
    cursors = clinic.stores.cursors
    before = cursors.load(ACCOUNT, ResourceId("anna"))
    clinic.mailbox().create_entry(at(2, 9))
    clinic.run()
    clinic.queue.take_all()
    after = cursors.load(ACCOUNT, ResourceId("anna"))
    assert after != before
    load = cursors.load
    monkeypatch.setattr(cursors, "load", lambda *who, may_lag=False: before if may_lag else load(*who))

    _Sweep(clinic).check()

    assert clinic.queue.take_all() == [Wish(ACCOUNT, ResourceId("anna"), "sweep")]
    assert cursors.load(ACCOUNT, ResourceId("anna")) == after
    clinic.run()
    assert len(clinic.blocks()) == 1


@pytest.mark.parametrize(
    ("error", "wishes"),
    [(CursorExpiredError(), 1), (ConsentRevokedError(), 1), (ProviderUnavailableError(), 0)],
)
def test_what_a_check_cannot_read(error: Exception, wishes: int) -> None:
    """A run finds out and says so; an outage waits for the next check."""
    clinic = _clinic()
    _break(clinic, error)

    assert _Sweep(clinic).check() == {"check": 1}
    assert len(clinic.queue.take_all()) == wishes


def test_a_degraded_resource_is_always_wished_a_run_and_a_paused_one_never() -> None:
    clinic = _clinic()
    _save(clinic, degraded=Degraded("cut", clinic.clock.now()))
    _Sweep(clinic).check()
    assert len(clinic.queue.take_all()) == 1

    state = clinic.stores.resources.get(ACCOUNT, ResourceId("anna"))
    clinic.stores.resources.save(state.moved_to(Status.PAUSED, clinic.clock.now()))  # type: ignore[union-attr]
    sweep = _Sweep(clinic)
    sweep.check()
    assert clinic.queue.take_all() == []
    assert not [name for name in sweep.calls if "Cursor" in name]


def test_an_old_round_is_renewed_by_a_run() -> None:
    clinic = _clinic()
    clinic.clock.advance(timedelta(days=8, hours=2))

    _Sweep(clinic).check()

    assert len(clinic.queue.take_all()) == 1


def test_one_failing_resource_never_stops_the_rest() -> None:
    clinic = _clinic("anna", "bert", "cleo")
    for who in ("anna", "bert", "cleo"):
        clinic.mailbox(who).create_entry(at(2, 9))
    _break(clinic, InstallationError("entra_missing"), "mbx-anna")
    _break(clinic, ZeroDivisionError("a bug"), "mbx-bert")
    sweep = _Sweep(clinic)

    counts = handle_due(
        sweep.ports, [{"kind": "check", "account": ACCOUNT, "subject": who} for who in ("anna", "bert", "cleo")]
    )

    assert counts == {"failed": 2, "check": 1}
    assert [wish.resource for wish in clinic.queue.take_all()] == ["cleo"]
    assert sweep.noted == [("check", "entra_missing"), ("check", "ZeroDivisionError")]


def test_a_crashed_holder_is_picked_up_by_the_lease_that_ran_out() -> None:
    clinic = _clinic()
    now = clinic.clock.now()
    clinic.stores.leases.take(ACCOUNT, ResourceId("anna"), now, now + timedelta(minutes=2))
    clinic.clock.advance(timedelta(minutes=3))

    assert _Sweep(clinic)()["lease"] == 1
    assert clinic.queue.take_all()[0].cause == "sweep"


def test_a_waiting_resource_is_woken_and_stays_due_until_a_run_has_ended_it() -> None:
    clinic = _clinic()
    clinic.stores.due.schedule(Due("wait", ACCOUNT, "anna", clinic.clock.now()))
    sweep = _Sweep(clinic)
    sweep()
    assert [wish.cause for wish in clinic.queue.take_all()] == ["sweep"]

    clinic.clock.advance(timedelta(minutes=11))
    assert sweep()["wait"] == 1, "the run was lost: it is woken again"
    _save(clinic, degraded=Degraded("cut", clinic.clock.now()))
    clinic.run()
    clinic.clock.advance(timedelta(minutes=11))
    assert sweep()["wait"] == 0, "a run that succeeded has ended it"


@pytest.mark.bad_input(40)
@pytest.mark.complaint(22)
def test_a_renewal_that_fails_is_tried_again_and_one_that_is_forgotten_subscribes_anew() -> None:
    clinic = _clinic()
    clinic.clock.advance(timedelta(days=5, hours=12))
    sweep, server = _Sweep(clinic), clinic.mailbox()
    before = {key: one.expires_at for key, one in server.subscriptions.items()}
    assert before
    assert sweep()["renewal"] == 1
    assert all(one.expires_at > before[key] for key, one in server.subscriptions.items())

    clinic.clock.advance(timedelta(days=5, hours=12))
    server.subscriptions.clear()
    clinic.queue.take_all()
    sweep()
    assert {wish.cause for wish in clinic.queue.take_all()} >= {"sweep"}
    clinic.run()
    assert len(server.subscriptions) == 1


@pytest.mark.complaint(2)
@pytest.mark.parametrize("is_paused", [False, True])
def test_the_sign_in_is_used_once_a_week_also_while_paused_and_after_a_week_without_an_answer(is_paused: bool) -> None:
    """A sign-in that nobody uses for ninety days is dead, and a paused resource has no runs."""
    clinic = _clinic()
    sweep, provider = _Sweep(clinic), clinic.providers[MailboxId("mbx-anna")]
    if is_paused:
        _save(clinic, status=Status.PAUSED, paused_by="A. Braun")
    used = []
    for day in range(1, 24):
        clinic.clock.advance(timedelta(days=1))
        before = provider.calls["account"]
        if day == 14:
            _break(clinic, ProviderUnavailableError("cut"))
        sweep()
        provider.fault = lambda _operation, _phase: None
        used += [day] * (provider.calls["account"] > before)
    assert used == [7, 14, 15, 22], "the day that gave no answer is followed by the next"

    clinic.mailbox().is_revoked = True
    clinic.queue.take_all()
    clinic.clock.advance(timedelta(days=7))
    sweep()
    assert {wish.cause for wish in clinic.queue.take_all()} == {"sweep"}, "a refusal is left to a run, which tells it"

    connection = clinic.stores.connections.get(ACCOUNT, MailboxId("mbx-anna"))
    clinic.stores.connections.save(replace(connection, resources=()))
    clinic.clock.advance(timedelta(days=7))
    before = provider.calls["account"]
    assert (sweep()["refresh"], provider.calls["account"]) == (1, before)
    clinic.clock.advance(timedelta(days=7))
    assert sweep()["refresh"] == 0


def test_other_kinds_go_to_their_own_use_cases() -> None:
    clinic = _clinic()
    clinic.stores.due.schedule(Due("reminder", ACCOUNT, "anna", clinic.clock.now()))
    sweep = _Sweep(clinic)

    sweep()

    assert [one.kind for one in sweep.reminded] == ["reminder"]


@pytest.mark.rule("R105")
@pytest.mark.prop("P6")
def test_a_direction_that_was_opened_is_read_in_full_although_that_run_was_lost() -> None:
    """The wish for it comes once; the row of the resource remembers what it was for."""
    clinic = _clinic()
    clinic.settings(direction="to_calendar")
    clinic.mailbox().create_entry(at(3, 9))
    clinic.run()
    ports = SettingsPorts(
        clinic.stores.resources, clinic.stores.settings, clinic.stores.links, clinic.stores.log, clinic.queue,
        clinic.clock, cast("MailPorts", None),
    )  # fmt: skip
    save_change(ports, ACCOUNT, None, Change({"direction": "two_way"}), by="admin")
    assert [wish.cause for wish in clinic.queue.take_all()] == ["full"], "and nobody serves it"

    _Sweep(clinic).check()

    assert [wish.cause for wish in clinic.queue.take_all()] == ["sweep"]
    clinic.run(cause="sweep")
    assert [block.when for block in clinic.blocks()] == [at(3, 9)]
    _Sweep(clinic).check()
    assert clinic.queue.take_all() == []
