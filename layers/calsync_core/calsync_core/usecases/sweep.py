"""Every minute: who is due and why, and what follows. One bad item never stops the others, whatever is wrong with it.

Items that fail stay due. Checks hold no lease and write at most a new cursor: whatever they find is left for a run.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from calsync_core.domain.errors import (
    CalsyncError,
    ConnectionBrokenError,
    CursorExpiredError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import AccountId, CalendarId, ConflictId, MailboxId, ResourceId
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.domain.values import replace, value
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import CalendarProvider, Content
from calsync_core.ports.host import HostPlatform
from calsync_core.ports.outward import Clock, Queue, Wish
from calsync_core.ports.stores import HOST_FEED, CursorRow, Due, Stores
from calsync_core.usecases.reopen_conflict import DUE_KIND, reopen_conflict
from calsync_core.usecases.subscribe_calendars import renew_subscription
from calsync_core.usecases.sync.expect_news import expected
from calsync_core.usecases.watch_push import DUE_KIND as PUSH_AGAIN
from calsync_core.usecases.watch_push import PushPorts, try_push_again, watch_push

MAX_ITEMS = 1500
MAX_BYTES = 190_000  # a state holds 256 KB; 1,500 renewals alone would be more, and then nothing were ever found
BATCH = 40
CHECK_BATCH = 100
"""Checks go beside each other and only wait for others, so more of them share a call of the function."""

CHECK_LANES = 8
REFRESH_EVERY = timedelta(days=7)
WAKE_AGAIN = timedelta(minutes=10)
RETRY_RENEWAL = timedelta(minutes=15)
FULL_AFTER = timedelta(days=8, hours=1)  # weekly renewal plus its stagger of a day
Item = dict[str, str]


@value(frozen=True, slots=True)
class SweepPorts:
    """`remind` handles reminders, expiries and resumes: the journeys' own use cases, by kind of due item.

    `note` is told the kind and the code of each item that failed.
    """

    stores: Stores
    host: Callable[[AccountId], HostPlatform]
    provider: Callable[[AccountId, MailboxId], CalendarProvider]
    queue: Queue
    clock: Clock
    remind: Callable[[Due], None]
    note: Callable[[str, str], None]
    poll_minutes: int = 15

    @property
    def push(self) -> PushPorts:
        return PushPorts(self.stores, self.queue, self.clock, self.poll_minutes)


@value(frozen=True, slots=True)
class Found:
    """Batches for the Map; `has_more` asks for another look once these are handled."""

    batches: list[list[Item]]
    has_more: bool


def find_due(ports: SweepPorts, page: int) -> Found:
    """What is due now. Page 0 also takes the checks of the minutes since the last sweep."""
    now = ports.clock.now()
    due = ports.stores.due.due(now, MAX_ITEMS)
    items = _that_fit([_item(one) for one in due], [])
    has_more = len(items) < len(due) or len(due) >= MAX_ITEMS
    checks = _checks(ports, now, items) if page == 0 else []
    return Found(_parts(items, BATCH) + _parts(checks, CHECK_BATCH), has_more=has_more and page < 20)


def _parts(items: list[Item], size: int) -> list[list[Item]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _that_fit(items: list[Item], beside: list[Item]) -> list[Item]:
    """The first ones that a state can hold beside others. Ids are foreign and may be long, so bytes count too."""
    room = MAX_BYTES - sum(map(_size, beside))
    fitting: list[Item] = []
    for item in items[: MAX_ITEMS - len(beside)]:
        room -= _size(item)
        if room < 0:
            break
        fitting.append(item)
    return fitting


def _size(item: Item) -> int:
    """Bytes in the state, with its comma; escaped text is never shorter than UTF-8."""
    return len(json.dumps(item)) + 2


def _checks(ports: SweepPorts, now: datetime, beside: list[Item]) -> list[Item]:
    minutes = ports.stores.due.claim_minutes(int(now.timestamp()) // 60)
    wanted = dict.fromkeys(pair for minute in minutes for pair in ports.stores.due.checks(minute))
    items: list[Item] = [{"kind": "check", "account": account, "subject": resource} for account, resource in wanted]
    fitting = _that_fit(items, beside)
    for account, resource in list(wanted)[len(fitting) :]:  # more than a state may hold: ordinary runs take the rest
        ports.queue.wish(Wish(account, resource, "sweep"))
    return fitting


def _item(due: Due) -> Item:
    return {"kind": due.kind, "account": due.account, "subject": due.subject, "due_at": due.due_at.isoformat()}


def handle_due(ports: SweepPorts, items: Iterable[Item]) -> dict[str, int]:
    """Each item on its own; gives counts by kind, failures under `failed`.

    Checks go beside each other: they only wait for others, and the time of a function that waits is paid for.
    """
    all_ = list(items)
    checks = [item for item in all_ if item.get("kind") == "check"]
    counts = Counter(_outcome(ports, item) for item in all_ if item.get("kind") != "check")
    if len(checks) < 2:
        counts.update(_outcome(ports, item) for item in checks)
    else:
        with ThreadPoolExecutor(min(CHECK_LANES, len(checks))) as pool:
            counts.update(pool.map(lambda item: _outcome(ports, item), checks))
    return dict(counts)


def _outcome(ports: SweepPorts, item: Item) -> str:
    try:
        _handle(ports, item)
    except Exception as error:  # it stays due; a bug in one kind of work must not keep the others from theirs
        code = error.code if isinstance(error, CalsyncError) else type(error).__name__
        ports.note(item.get("kind", ""), code)
        return "failed"
    return item["kind"]


def _handle(ports: SweepPorts, item: Item) -> None:
    account, kind, subject = AccountId(item["account"]), item["kind"], item["subject"]
    if kind == "check":
        _check(ports, account, ResourceId(subject))
    elif kind == "lease":
        ports.queue.wish(Wish(account, ResourceId(subject), "sweep"))
    elif kind == "wait":
        _wake(ports, account, ResourceId(subject))
    elif kind == "renewal":
        _renew(ports, account, subject)
    elif kind == "refresh":
        _refresh(ports, account, MailboxId(subject))
    elif kind == PUSH_AGAIN:
        try_push_again(ports.push, account, MailboxId(subject))
    elif kind == DUE_KIND:
        stores = ports.stores
        reopen_conflict(stores.conflicts, stores.due, stores.log, ports.clock, account, ConflictId(subject))
    else:
        ports.remind(Due(kind, account, subject, datetime.fromisoformat(item["due_at"])))


def _wake(ports: SweepPorts, account: AccountId, resource: ResourceId) -> None:
    """The guarantee behind imports, retries and disconnects: it stays, moved on, until a run has ended it."""
    state = ports.stores.resources.get(account, resource)
    is_leaving = state is not None and state.status is Status.DISCONNECTED and state.mailbox is not None
    if state is None or not (state.may_sync or is_leaving):
        ports.stores.due.cancel("wait", account, resource)
        return
    ports.stores.due.schedule(Due("wait", account, resource, ports.clock.now() + WAKE_AGAIN))
    ports.queue.wish(Wish(account, resource, "import" if state.status is Status.IMPORTING else "sweep"))


def _renew(ports: SweepPorts, account: AccountId, subject: str) -> None:
    mailbox, _, path_hash = subject.partition("/")
    row = ports.stores.connections.subscription(path_hash)
    if row is None:
        ports.stores.due.cancel("renewal", account, subject)
        return
    if row.heartbeat is not None:
        watch_push(ports.push, row)
        return
    try:
        renewed = renew_subscription(ports.stores, row, ports.provider(account, MailboxId(mailbox)), ports.clock)
    except ConnectionBrokenError:
        ports.stores.due.cancel("renewal", account, subject)  # the runs find out and tell; reconnecting subscribes anew
        renewed = None
    except ProviderUnavailableError:
        ports.stores.due.schedule(Due("renewal", account, subject, ports.clock.now() + RETRY_RENEWAL))
        return
    if renewed is None:
        ports.stores.due.cancel("renewal", account, subject)
        for resource in row.resources:
            ports.queue.wish(Wish(account, resource, "sweep"))


def _refresh(ports: SweepPorts, account: AccountId, mailbox: MailboxId) -> None:
    """Once a week, even while paused: a refresh token that nobody uses for 90 days is dead (graph.md 2.7)."""
    connection = ports.stores.connections.get(account, mailbox)
    if connection is None or not connection.resources:
        ports.stores.due.cancel("refresh", account, mailbox)
        return
    try:
        ports.provider(account, mailbox).account()
    except ConnectionBrokenError:
        for resource in connection.resources:
            ports.queue.wish(Wish(account, resource, "sweep"))
    ports.stores.due.schedule(Due("refresh", account, mailbox, ports.clock.now() + REFRESH_EVERY))


# --- checks -------------------------------------------------------------------------------------------------------


def _check(ports: SweepPorts, account: AccountId, resource: ResourceId) -> None:
    """Read each feed from its stored cursor; a quiet one costs one call and, a few times a day, one write.

    Both reads may lag: an older cursor brings more news, never less, and is stored only where it still stands; an older
    state costs a look at a calendar that has just been left.
    """
    state = ports.stores.resources.get(account, resource, may_lag=True)
    if state is None or not state.may_sync:
        return
    rows = ports.stores.cursors.load(account, resource, may_lag=True)
    try:
        if state.degraded is None and all(
            _is_quiet(ports, state, rows.get(feed), feed, mailbox) for feed, mailbox in _feeds(state)
        ):
            return
    except (CursorExpiredError, ConnectionBrokenError):
        pass  # a run finds the same, and says so
    except ProviderUnavailableError:
        return  # the next check asks again; the age of what we know shows
    ports.queue.wish(Wish(account, resource, "sweep"))


def _feeds(state: ResourceState) -> list[tuple[str, MailboxId | None]]:
    return [*((calendar, mailbox) for mailbox, calendar in state.calendars), (HOST_FEED, None)]


def _is_quiet(
    ports: SweepPorts, state: ResourceState, row: CursorRow | None, feed: str, mailbox: MailboxId | None
) -> bool:
    if row is None or row.is_round_open or _is_old(row, ports.clock.now()):
        return False
    if mailbox is None:
        if row.settings_version < max(state.reproject_below, state.read_below):
            return False  # R105: the run that was to read everything was cut off; this feed is its last
        changes = ports.host(state.account).changes(state.resource.id, row.cursor)
        has_news, cursor = bool(changes.bookings or changes.gone or not changes.is_last), changes.next_cursor
    else:
        window: Window = row.window
        provider = ports.provider(state.account, mailbox)
        page = provider.changes(CalendarId(feed), row.cursor, window, Content())
        has_news, cursor = bool(page.entries or page.removed or not page.is_last), page.next_cursor
        # R140: the silence of the feed may mean that what it should tell of is gone.
        has_news = has_news or bool(expected(ports.stores.links, state.account, state.resource.id, provider, row))
    if has_news:
        return False
    if cursor != row.cursor and not row.may_stand(ports.clock.now()):
        moved = replace(row, cursor=cursor, stored_at=ports.clock.now())
        ports.stores.cursors.store_after_check(state.account, state.resource.id, moved, row)
    return True


def _is_old(row: CursorRow, now: datetime) -> bool:
    return row.opened_at is None or now - row.opened_at > FULL_AFTER
