"""Push first: our subscription row under its own path id, then POST /subscriptions, then the first page is read."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from calsync_core.domain.connections import Subscription
from calsync_core.domain.errors import AppointmentGoneError, PermissionMissingError
from calsync_core.domain.ids import AccountId, CalendarId, MailboxId, ResourceId
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.ports.calendar import CalendarProvider
from calsync_core.ports.outward import Clock, Ids
from calsync_core.ports.stores import ConnectionStore, Due, DueStore, Stores

LIFE = timedelta(minutes=10_000)  # graph.md 8.1: under 10,080, with room for clock skew
RENEW_BEFORE = timedelta(hours=48)
POLL_SHARED_MINUTES = 5
POLL_MINUTES = 15
CHECK_MINUTES = 60


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def subscribe_calendars(
    stores: Stores,
    state: ResourceState,
    provider_of: Callable[[MailboxId], CalendarProvider],
    clock: Clock,
    ids: Ids,
    public_url: str,
) -> list[LogEntry]:
    """Every chosen calendar has a living subscription, or is polled. Gives the log lines; may be repeated.

    Raises the provider's errors; a calendar where push is refused is no error.
    """
    lines: list[LogEntry] = []
    polled: set[CalendarId] = set()
    for mailbox, calendar in state.calendars:
        known = _subscription_of(stores.connections, state.account, mailbox, calendar)
        if known is not None and known.subscription_id:
            if state.resource.id not in known.resources:
                stores.connections.save_subscription(replace(known, resources=(*known.resources, state.resource.id)))
            continue
        if not _subscribe(stores, state, mailbox, calendar, provider_of(mailbox), clock, ids, public_url, known):
            polled.add(calendar)
    _note_polled(stores, state, polled, lines, clock)
    return lines


def _subscribe(
    stores: Stores, state: ResourceState, mailbox: MailboxId, calendar: CalendarId, provider: CalendarProvider,
    clock: Clock, ids: Ids, public_url: str, known: Subscription | None,
) -> bool:  # fmt: skip
    connection = stores.connections.get(state.account, mailbox)
    if connection is not None and calendar in connection.polled:
        return False
    path_id, secret = ids.token(), ids.token()
    resources = tuple(dict.fromkeys((*(known.resources if known else ()), state.resource.id)))
    row = Subscription(hash_of(path_id), mailbox, calendar, "", hash_of(secret), None, resources, state.account)
    stores.connections.save_subscription(row)  # before the POST: the handshake comes while it waits
    url = f"{public_url}/hooks/graph/{path_id}"
    try:
        granted = provider.subscribe(calendar, url, f"{url}/lifecycle", secret, clock.now() + LIFE)
    except PermissionMissingError:
        stores.connections.delete_subscription(row.path_hash)
        return False
    row = replace(row, subscription_id=granted.subscription_id, expires_at=granted.expires_at)
    stores.connections.save_subscription(row)
    if known is not None:
        stores.connections.delete_subscription(known.path_hash)
    _schedule_renewal(stores.due, row)
    return True


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
    if row.expires_at is None or row.account is None:
        return
    due.schedule(Due("renewal", row.account, f"{row.mailbox}/{row.path_hash}", renewal_at(row.expires_at)))


def renewal_at(expires_at: datetime) -> datetime:
    return expires_at - RENEW_BEFORE


def _note_polled(
    stores: Stores, state: ResourceState, polled: set[CalendarId], lines: list[LogEntry], clock: Clock
) -> None:
    """A connection remembers where push is refused; the resource sits in the wheel that its slowest way needs."""
    if polled and state.mailbox is not None:
        for mailbox in {mailbox for mailbox, calendar in state.calendars if calendar in polled}:
            connection = stores.connections.get(state.account, mailbox)
            if connection is not None and not polled <= set(connection.polled):
                stores.connections.save(replace(connection, polled=tuple(sorted(polled | set(connection.polled)))))
                lines.append(
                    LogEntry(
                        state.account, state.resource.id, clock.now(), Reason.SUBSCRIPTION_LOST, code="push_refused"
                    )
                )
    stores.due.set_check(state.account, state.resource.id, POLL_SHARED_MINUTES if polled else CHECK_MINUTES)


def _subscription_of(
    connections: ConnectionStore, account: AccountId, mailbox: MailboxId, calendar: CalendarId
) -> Subscription | None:
    return next((row for row in connections.subscriptions(account, mailbox) if row.calendar_id == calendar), None)


def drop_subscriptions(
    stores: Stores, account: AccountId, resource: ResourceId, mailbox: MailboxId, provider: CalendarProvider | None,
    keep: tuple[CalendarId, ...] = (),
) -> None:  # fmt: skip
    """The resource no longer uses these calendars; a subscription that nobody uses is ended at the provider."""
    for row in stores.connections.subscriptions(account, mailbox):
        if row.calendar_id in keep or resource not in row.resources:
            continue
        others = tuple(other for other in row.resources if other != resource)
        if others:
            stores.connections.save_subscription(replace(row, resources=others))
            continue
        if provider is not None and row.subscription_id:
            provider.unsubscribe(row.subscription_id)
        stores.connections.delete_subscription(row.path_hash)
        stores.due.cancel("renewal", account, f"{mailbox}/{row.path_hash}")
