"""Heartbeats: a silent server is subscribed anew, one that never reached us is asked instead and tried again daily."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from calsync_core.adapters.memory.calendar import MemoryCalendarProvider
from calsync_core.adapters.memory.mailbox import DEFAULT
from calsync_core.domain.connections import Connection, ProviderKind, Subscription
from calsync_core.domain.ids import MailboxId, ResourceId
from calsync_core.domain.synclog import Reason
from calsync_core.ports.calendar import Granted
from calsync_core.ports.outward import Wish
from calsync_core.usecases.receive_exchange_post import Knock, receive_exchange_post
from calsync_core.usecases.sweep import SweepPorts, find_due, handle_due
from calsync_core.usecases.watch_push import DUE_KIND

from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at

ANNA, MAILBOX = ResourceId("anna"), MailboxId("mbx-anna")
HEARTBEAT = timedelta(minutes=30)
SOON = timedelta(minutes=6)
TWO_MISSED = 2 * HEARTBEAT + timedelta(minutes=3)
SWEEP = Wish(ACCOUNT, ANNA, "sweep")


class _WithHeartbeat(MemoryCalendarProvider):
    def subscribe(self, *given: Any) -> Granted:
        return replace(super().subscribe(*given), heartbeat=HEARTBEAT)


class _Exchange:
    """anna's mailbox is at an Exchange server; `post()` is what that server sends to the address it was given."""

    def __init__(self) -> None:
        self.clinic: Clinic = a_clinic()
        self.clinic.connect("anna")
        server = self.clinic.servers[MAILBOX]
        self.clinic.providers[MAILBOX] = _WithHeartbeat(server, self.clinic._fault)
        connections, old = self.clinic.stores.connections, self.connection
        connections.delete(old)
        identity = replace(old.identity, provider=ProviderKind.EXCHANGE)
        connections.save(replace(old, identity=identity, version=0))
        self.ports = SweepPorts(
            self.clinic.stores, lambda _: self.clinic.host, lambda *_: self.clinic.providers[MAILBOX],
            self.clinic.queue, self.clinic.clock, lambda _: None, lambda kind, code: pytest.fail(f"{kind} {code}"), 15,
        )  # fmt: skip
        self.clinic.settle()
        self.clinic.queue.take_all()

    @property
    def connection(self) -> Connection:
        found = self.clinic.stores.connections.get(ACCOUNT, MAILBOX)
        assert found is not None
        return found

    @property
    def row(self) -> Subscription:
        (row,) = self.clinic.stores.connections.subscriptions(ACCOUNT, MAILBOX)
        found = self.clinic.stores.connections.subscription(row.path_hash)
        assert found is not None
        return found

    def post(self, *, has_changes: bool = False) -> bool:
        key, one = list(self.clinic.mailbox().subscriptions.items())[-1]
        path = one.url.removeprefix("https://calsync.example/hooks/exchange/")
        knock = Knock(key, has_changes)
        connections, queue = self.clinic.stores.connections, self.clinic.queue
        return receive_exchange_post(path, [knock], connections, queue, self.clinic.clock).goes_on

    def after(self, passed: timedelta) -> Counter[str]:
        self.clinic.clock.advance(passed)
        counts: Counter[str] = Counter()
        for batch in find_due(self.ports, 1).batches:
            counts.update(handle_due(self.ports, batch))
        return counts

    def checked_every(self) -> int:
        checks = [minute for minute in range(60) if (ACCOUNT, ANNA) in self.clinic.stores.due.checks(minute)]
        return 60 // len(checks)

    def codes(self) -> list[str | None]:
        lines = self.clinic.stores.log.of_resource(ACCOUNT, ANNA)
        mine = (Reason.SUBSCRIPTION_LOST, Reason.SUBSCRIPTION_RENEWED)
        return [line.code for line in reversed(lines) if line.reason in mine]

    def end_of_silence(self) -> None:
        """Nothing ever came: given up."""
        self.after(SOON)
        self.after(TWO_MISSED)


@pytest.mark.rule("R130")
def test_until_a_server_was_heard_its_calendar_is_asked_often_and_then_once_an_hour() -> None:
    world = _Exchange()
    assert world.checked_every() == 15
    assert world.post()
    assert world.after(SOON) == {"renewal": 1}
    assert (world.checked_every(), world.row.is_proven, world.connection.unreached_since_at) == (60, True, None)
    assert world.codes() == []


@pytest.mark.rule("R130")
def test_a_server_that_is_heard_is_left_alone() -> None:
    world = _Exchange()
    first = world.row.path_hash
    for _ in range(48):
        world.post()
        world.after(HEARTBEAT)
    assert world.row.path_hash == first
    assert world.clinic.queue.take_all() == []
    assert world.codes() == []


@pytest.mark.rule("R130")
def test_two_missed_heartbeats_subscribe_anew_and_read_once() -> None:
    world = _Exchange()
    world.post()
    world.after(SOON)
    old = world.row.path_hash
    world.clinic.mailbox().subscriptions.clear()  # the server was restarted
    world.clinic.mailbox().create_entry(at(1, 9))
    assert world.after(HEARTBEAT) == {}
    assert world.after(TWO_MISSED) == {"renewal": 1}
    assert world.clinic.queue.take_all() == [SWEEP]

    world.clinic.run()

    assert world.row.path_hash != old
    assert len(world.clinic.blocks()) == 1, "what happened in the silence was read"
    assert world.codes() == ["push_silent"]
    assert world.clinic.stores.connections.subscription(old) is None
    assert world.post(), "the new address is answered"


@pytest.mark.rule("R130")
def test_a_wish_that_is_lost_is_wished_again_until_the_calendar_is_subscribed() -> None:
    world = _Exchange()
    world.post()
    world.after(TWO_MISSED)
    world.clinic.queue.take_all()  # lost
    world.after(timedelta(hours=1, minutes=1))
    assert world.clinic.queue.take_all() == [SWEEP]
    world.clinic.run()
    world.post()
    world.after(timedelta(hours=1, minutes=1))
    assert world.clinic.queue.take_all() == []


@pytest.mark.rule("R131")
def test_a_server_that_never_reached_us_is_asked_and_the_connection_says_so() -> None:
    world = _Exchange()
    world.end_of_silence()

    assert world.clinic.stores.connections.subscriptions(ACCOUNT, MAILBOX) == []
    assert (world.connection.polled, world.connection.asked_every_minutes) == ((DEFAULT,), 15)
    assert world.connection.unreached_since_at is not None
    assert (world.checked_every(), world.codes()) == (15, ["push_unreachable"])
    asked = world.clinic.providers[MAILBOX].calls["subscribe"]
    world.clinic.run()
    assert world.clinic.providers[MAILBOX].calls["subscribe"] == asked, "runs do not try it again and again"


@pytest.mark.rule("R131")
def test_it_is_tried_again_every_day_and_told_once() -> None:
    world = _Exchange()
    world.end_of_silence()
    since = world.connection.unreached_since_at
    for _ in range(3):
        assert world.after(timedelta(days=1, minutes=1))[DUE_KIND] == 1
        assert world.clinic.queue.take_all() == [SWEEP]
        world.clinic.run()
        assert world.checked_every() == 15, "not heard yet"
        world.after(TWO_MISSED)
    assert world.connection.unreached_since_at == since
    assert world.codes() == ["push_unreachable"]


@pytest.mark.rule("R132")
def test_when_push_works_again_it_says_so() -> None:
    world = _Exchange()
    world.end_of_silence()
    world.after(timedelta(days=1, minutes=1))
    world.clinic.run()
    world.post()
    world.clinic.queue.take_all()
    world.after(SOON)

    assert (world.connection.polled, world.connection.unreached_since_at) == ((), None)
    assert (world.checked_every(), world.codes()) == (60, ["push_unreachable", "push_works_again"])
    kinds = {one.kind for one in world.clinic.stores.due.due(world.clinic.clock.now() + timedelta(days=9))}
    assert DUE_KIND not in kinds


def test_a_connection_that_is_gone_is_tried_no_more() -> None:
    world = _Exchange()
    world.end_of_silence()
    world.clinic.stores.connections.delete(world.connection)
    world.after(timedelta(days=1, minutes=1))
    assert world.clinic.queue.take_all() == []
    assert world.after(timedelta(days=3)) == {}


@pytest.mark.rule("R131")
def test_a_stop_between_any_two_writes_of_giving_up_is_harmless() -> None:
    for stop in range(1, 8):
        world = _Exchange()
        world.after(SOON)
        world.clinic.clock.advance(TWO_MISSED)
        row = world.row
        _stop_at(world, stop)
        world.end_of_silence()
        assert world.connection.unreached_since_at is not None, stop
        assert world.checked_every() == 15
        assert world.clinic.stores.connections.subscription(row.path_hash) is None
        later = world.clinic.stores.due.due(world.clinic.clock.now() + timedelta(days=2))
        assert [one.kind for one in later if one.subject == MAILBOX] == [DUE_KIND]


def _stop_at(world: _Exchange, stop: int) -> None:
    """One handling of the due item whose process dies before its write number `stop`."""
    from calsync_core.usecases.watch_push import watch_push

    class _DiedError(BaseException):
        pass

    left = [stop]

    class _Dying:
        def __init__(self, store: Any) -> None:
            self._store = store

        def __getattr__(self, name: str) -> Any:
            method = getattr(self._store, name)

            def call(*given: Any) -> Any:
                if name not in {"get", "subscription"}:
                    left[0] -= 1
                    if left[0] == 0:
                        raise _DiedError
                return method(*given)

            return call

    stores = world.clinic.stores
    dying = replace(stores, connections=_Dying(stores.connections), due=_Dying(stores.due), log=_Dying(stores.log))
    try:
        watch_push(replace(world.ports.push, stores=dying), world.row)
    except _DiedError:
        return
