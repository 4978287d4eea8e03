"""Whether a provider that promised heartbeats still reaches us; what follows when it does not (R130, R131, R132).

Exchange drops a push subscription without a word: at a restart, a fail-over, a mailbox move, or when our answers do not
arrive (ews.md section 4). So each such subscription has a due item at the time by which it must have been heard again.
Costs one read and one write per subscription and two heartbeats while all is well.
"""

from collections.abc import Callable
from datetime import timedelta

from calsync_core.domain.connections import Connection, Subscription
from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.ids import AccountId, MailboxId
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace, value
from calsync_core.ports.outward import Clock, Queue, Wish
from calsync_core.ports.stores import Due, Stores
from calsync_core.usecases.change_state import ATTEMPTS

FIRST_LOOK = timedelta(minutes=5)
"""Servers post once right after Subscribe; where that came, all is known to be well."""
SLACK = timedelta(minutes=2)
TRY_AGAIN = timedelta(days=1)
WISH_AGAIN = timedelta(hours=1)
CHECK_MINUTES = 60
DUE_KIND = "push_again"


@value(frozen=True, slots=True)
class PushPorts:
    stores: Stores
    queue: Queue
    clock: Clock
    poll_minutes: int = 15


def first_look(row: Subscription) -> Due | None:
    """What is due for a subscription that was just made and promised heartbeats."""
    if row.heartbeat is None or row.made_at is None or row.account is None:
        return None
    return Due("renewal", row.account, _subject(row), row.made_at + FIRST_LOOK)


def watch_push(ports: PushPorts, row: Subscription) -> None:
    """The due item of one subscription with heartbeats. May be repeated; a crash in between leaves the item due."""
    if row.heartbeat is None or row.account is None:
        raise AssertionError("only subscriptions that promised heartbeats are watched")
    now, patience = ports.clock.now(), 2 * row.heartbeat + SLACK
    if not row.subscription_id:
        _wish_anew(ports, row, row.account)
    elif row.heard_at is not None and now - row.heard_at < patience:
        if not row.is_proven:
            _note_reached(ports, row, row.account)
        ports.stores.due.schedule(Due("renewal", row.account, _subject(row), row.heard_at + patience))
    elif row.heard_at is not None:
        lost, code = Reason.SUBSCRIPTION_LOST, "push_silent"
        ports.stores.log.add([LogEntry(row.account, one, now, lost, code=code) for one in row.resources])
        ports.stores.connections.save_subscription(replace(row, subscription_id=""))
        _wish_anew(ports, row, row.account)
    elif row.made_at is not None and now - row.made_at < patience:
        ports.stores.due.schedule(Due("renewal", row.account, _subject(row), row.made_at + patience))
    else:
        _give_up(ports, row, row.account)


def try_push_again(ports: PushPorts, account: AccountId, mailbox: MailboxId) -> None:
    """Once a day: perhaps a firewall was opened. The next run subscribes anew; until it is heard the checks go on."""
    connection = ports.stores.connections.get(account, mailbox)
    if connection is None or connection.unreached_since_at is None or not connection.resources:
        ports.stores.due.cancel(DUE_KIND, account, mailbox)
        return
    ports.stores.due.schedule(Due(DUE_KIND, account, mailbox, ports.clock.now() + TRY_AGAIN))
    ports.stores.connections.save(replace(connection, polled=()))
    for resource in connection.resources:
        ports.queue.wish(Wish(account, resource, "sweep"))


def _wish_anew(ports: PushPorts, row: Subscription, account: AccountId) -> None:
    """The run replaces a row without a subscription, and reads. Due again, in case that it never comes to it."""
    for resource in row.resources:
        ports.queue.wish(Wish(account, resource, "sweep"))
    ports.stores.due.schedule(Due("renewal", account, _subject(row), ports.clock.now() + WISH_AGAIN))


def _note_reached(ports: PushPorts, row: Subscription, account: AccountId) -> None:
    """The first sign of life of this subscription. Whether it is proven is written last."""
    stores, now = ports.stores, ports.clock.now()
    connection = _change(stores, account, row.mailbox, lambda one: replace(one, unreached_since_at=None))
    is_back = connection is not None and connection.unreached_since_at is not None
    if connection is not None and not connection.polled:
        for resource in row.resources:
            stores.due.set_check(account, resource, CHECK_MINUTES)
    if is_back:
        stores.due.cancel(DUE_KIND, account, row.mailbox)
        lines = [
            LogEntry(account, one, now, Reason.SUBSCRIPTION_RENEWED, code="push_works_again") for one in row.resources
        ]
        stores.log.add(lines)
    stores.connections.save_subscription(replace(row, is_proven=True))


def _give_up(ports: PushPorts, row: Subscription, account: AccountId) -> None:
    """Never heard: the server cannot reach our address. The calendar is asked instead; the row goes last."""
    stores, now = ports.stores, ports.clock.now()

    def poll(one: Connection) -> Connection:
        polled = one.polled if row.calendar_id in one.polled else (*one.polled, row.calendar_id)
        since = one.unreached_since_at or now
        return replace(one, polled=polled, unreached_since_at=since, asked_every_minutes=ports.poll_minutes)

    before = _change(stores, account, row.mailbox, poll)
    for resource in row.resources:
        stores.due.set_check(account, resource, ports.poll_minutes)
    stores.due.schedule(Due(DUE_KIND, account, row.mailbox, now + TRY_AGAIN))
    if before is not None and before.unreached_since_at is None:
        lines = [
            LogEntry(account, one, now, Reason.SUBSCRIPTION_LOST, code="push_unreachable") for one in row.resources
        ]
        stores.log.add(lines)
    stores.connections.delete_subscription(row.path_hash)
    stores.due.cancel("renewal", account, _subject(row))


def _change(
    stores: Stores, account: AccountId, mailbox: MailboxId, changed: Callable[[Connection], Connection]
) -> Connection | None:
    """What stood there before; nothing is written where nothing changes. Raises ConcurrentChangeError."""
    for _ in range(ATTEMPTS):
        before = stores.connections.get(account, mailbox)
        if before is None or changed(before) == before:
            return before
        try:
            stores.connections.save(changed(before))
        except ConcurrentChangeError:
            continue
        return before
    raise ConcurrentChangeError(mailbox=mailbox)


def _subject(row: Subscription) -> str:
    return f"{row.mailbox}/{row.path_hash}"
