"""Push first: our subscription row under its own path id, then POST /subscriptions, then the first page is read."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from calsync_core.domain.connections import ProviderKind, Subscription
from calsync_core.domain.errors import (
    AppointmentGoneError,
    PermissionMissingError,
    ProviderThrottledError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import CalendarId, MailboxId
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace, value
from calsync_core.ports.calendar import CalendarProvider
from calsync_core.ports.outward import Clock, Ids
from calsync_core.ports.stores import Due, DueStore, Stores
from calsync_core.usecases.watch_push import CHECK_MINUTES, first_look

LIFE = timedelta(minutes=10_000)  # graph.md 8.1: under 10,080, with room for clock skew
RENEW_BEFORE = timedelta(hours=48)
POLL_SHARED_MINUTES = 5


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@value(frozen=True, slots=True)
class SubscribePorts:
    """`poll_minutes`: how often a calendar of one's own is asked where push is refused; 5, 15 or 60."""

    stores: Stores
    provider: Callable[[MailboxId], CalendarProvider]
    clock: Clock
    ids: Ids
    public_url: str
    poll_minutes: int = 15


def subscribe_calendars(ports: SubscribePorts, state: ResourceState) -> list[LogEntry]:
    """Every chosen calendar has a living subscription, or is polled. Gives the log lines; may be repeated.

    Costs one query per mailbox when there is nothing to do. Raises the provider's errors; a refused push is none.
    """
    rows = {mailbox: _rows(ports, state, mailbox) for mailbox in state.mailboxes}
    refused: dict[CalendarId, int] = {}
    unproven: list[int] = []
    is_new = False
    for mailbox, calendar in state.calendars:
        known = rows[mailbox].get(calendar)
        if known is not None and known.subscription_id:
            if state.resource.id in known.resources:
                continue
            ports.stores.connections.save_subscription(replace(known, resources=(*known.resources, state.resource.id)))
            is_new = True
            continue
        connection = ports.stores.connections.get(state.account, mailbox)
        if connection is None or calendar not in connection.polled:
            is_exchange = connection is not None and connection.identity.provider is ProviderKind.EXCHANGE
            hook = "exchange" if is_exchange else "graph"
            if (minutes := _subscribe(ports, state, mailbox, calendar, known, hook)) is not None:
                refused[calendar] = minutes
            elif is_exchange:
                unproven.append(ports.poll_minutes)  # until it was heard (watch_push)
        elif known is None:
            if state.progress.near_done:
                continue
            refused[calendar] = _minutes_for(ports, mailbox, calendar)
        is_new = True
    if is_new:
        every = min([*refused.values(), *unproven], default=CHECK_MINUTES)
        ports.stores.due.set_check(state.account, state.resource.id, every)
    now = ports.clock.now()
    return [LogEntry(state.account, state.resource.id, now, Reason.SUBSCRIPTION_LOST, code="push_refused")] * len(
        refused
    )


def _rows(ports: SubscribePorts, state: ResourceState, mailbox: MailboxId) -> dict[CalendarId, Subscription]:
    return {row.calendar_id: row for row in ports.stores.connections.subscriptions(state.account, mailbox)}


def _minutes_for(ports: SubscribePorts, mailbox: MailboxId, calendar: CalendarId) -> int:
    """Shared calendars never have push with delegated rights (graph.md 2.5): they are asked most often."""
    found = next((one for one in ports.provider(mailbox).calendars() if one.id == calendar), None)
    return POLL_SHARED_MINUTES if found is not None and found.is_shared else ports.poll_minutes


def _remember_polled(ports: SubscribePorts, state: ResourceState, mailbox: MailboxId, calendar: CalendarId) -> None:
    connection = ports.stores.connections.get(state.account, mailbox)
    if connection is not None and calendar not in connection.polled:
        ports.stores.connections.save(replace(connection, polled=(*connection.polled, calendar)))


def _subscribe(
    ports: SubscribePorts, state: ResourceState, mailbox: MailboxId, calendar: CalendarId, known: Subscription | None,
    hook: str,
) -> int | None:  # fmt: skip
    """None when it stands; else every how many minutes the calendar must be asked instead.

    `hook` is the part of the route that takes the posts of this mailbox's provider.
    """
    path_id, secret = ports.ids.token(), ports.ids.token()
    resources = tuple(dict.fromkeys((*(known.resources if known else ()), state.resource.id)))
    row = Subscription(hash_of(path_id), mailbox, calendar, "", hash_of(secret), None, resources, state.account)
    connections = ports.stores.connections
    connections.save_subscription(row)  # before the POST: the handshake comes while it waits
    url = f"{ports.public_url}/hooks/{hook}/{path_id}"
    try:
        granted = ports.provider(mailbox).subscribe(calendar, url, f"{url}/lifecycle", secret, ports.clock.now() + LIFE)
    except PermissionMissingError:
        connections.delete_subscription(row.path_hash)
        _remember_polled(ports, state, mailbox, calendar)
        return _minutes_for(ports, mailbox, calendar)
    except ProviderThrottledError:
        raise
    except ProviderUnavailableError:
        # A handshake that failed must not hold up an import: it is asked until the next run subscribes.
        connections.delete_subscription(row.path_hash)
        return ports.poll_minutes
    row = replace(
        row, subscription_id=granted.subscription_id, expires_at=granted.expires_at, heartbeat=granted.heartbeat,
        made_at=ports.clock.now(),
    )  # fmt: skip
    connections.save_subscription(row)
    if known is not None:
        connections.delete_subscription(known.path_hash)
    _schedule_renewal(ports.stores.due, row)
    return None


def renew_subscription(
    stores: Stores, subscription: Subscription, provider: CalendarProvider, clock: Clock
) -> Subscription | None:
    """None when the provider has forgotten it: the row goes, and the next run subscribes anew and reads."""
    try:
        granted = provider.renew(subscription.subscription_id, clock.now() + LIFE)
    except AppointmentGoneError:
        stores.connections.delete_subscription(subscription.path_hash)
        return None
    row = replace(subscription, expires_at=granted.expires_at)
    stores.connections.save_subscription(row)
    _schedule_renewal(stores.due, row)
    return row


def _schedule_renewal(due: DueStore, row: Subscription) -> None:
    if (look := first_look(row)) is not None:
        due.schedule(look)
        return
    if row.expires_at is None or row.account is None:
        return
    due.schedule(Due("renewal", row.account, f"{row.mailbox}/{row.path_hash}", renewal_at(row.expires_at)))


def renewal_at(expires_at: datetime) -> datetime:
    return expires_at - RENEW_BEFORE
