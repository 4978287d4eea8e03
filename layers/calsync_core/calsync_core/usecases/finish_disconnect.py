"""What follows a disconnect: unsubscribe, remove or keep copies, forget cursors and links, release the mailbox.

Every step may be repeated, and a crash between any two is harmless: a copy goes before its link, links before the
mailbox, the mailbox before the state. Only what carries our mark *and* stands behind a link is removed.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import islice

from calsync_core.domain.appointments import Entry
from calsync_core.domain.conflicts import ConflictStatus
from calsync_core.domain.connections import Subscription
from calsync_core.domain.errors import (
    AppointmentGoneError,
    ConcurrentChangeError,
    ConnectionBrokenError,
    LinkChangedError,
)
from calsync_core.domain.ids import AccountId, CalendarId, EntryId, MailboxId, ResourceId
from calsync_core.domain.journal import Deed, Did, row_of
from calsync_core.domain.links import Link, Origin
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace
from calsync_core.ports.calendar import CalendarProvider, Content
from calsync_core.ports.host import HostPlatform
from calsync_core.ports.outward import Clock
from calsync_core.ports.stores import Due, Lease, Stores
from calsync_core.usecases.change_state import change_state
from calsync_core.usecases.disconnect_resource import REMOVE_COPIES

BATCH = 20  # look-ups per request of the provider
LEASE_FOR = timedelta(minutes=2)
AGAIN_AFTER = timedelta(seconds=30)
Provider = Callable[[AccountId, MailboxId], CalendarProvider]


def finish_disconnect(
    stores: Stores,
    host: HostPlatform,
    provider: Provider,
    clock: Clock,
    account: AccountId,
    resource: ResourceId,
    until: datetime,
    lease: Lease | None = None,
) -> bool:
    """Work until done or `until`; True when nothing is left. With `lease` the caller holds it and gives it back.

    Raises ProviderUnavailableError and its kin: what is done stays done, the due item brings the rest.
    """
    state = stores.resources.get(account, resource)
    if state is None or state.status is not Status.DISCONNECTED or state.mailbox is None:
        return True
    now = clock.now()
    stores.due.schedule(Due("wait", account, resource, now + AGAIN_AFTER))
    if lease is not None:
        return _finish(stores, host, provider, clock, state, until)
    own = stores.leases.take(account, resource, now, now + LEASE_FOR)
    if own is None:
        return False  # a run still works on it; it will see the state, and the due item comes back
    try:
        return _finish(stores, host, provider, clock, state, until)
    finally:
        # A wish that came meanwhile is for a resource that has nothing to sync any more.
        while not stores.leases.give_back(own):
            own = stores.leases.renote(own, clock.now() + LEASE_FOR)


def _finish(
    stores: Stores,
    host: HostPlatform,
    provider: Provider,
    clock: Clock,
    state: ResourceState,
    until: datetime,
) -> bool:
    account, resource = state.account, state.resource.id
    _unsubscribe(stores, provider, state)
    removed = _remove(stores, host, provider, clock, state, until)
    if removed is None:
        return False
    _settle_conflicts(stores, clock, state)
    stores.cursors.forget(account, resource)
    for mailbox in state.mailboxes:
        _release(stores, state, mailbox)

    def change(present: ResourceState) -> ResourceState | None:
        if present.status is not Status.DISCONNECTED:
            return None
        return replace(present, mailbox=None, primary=None, conflict_calendars=(), undoing=(), following=None)

    change_state(stores.resources, account, resource, change)
    stores.due.cancel("wait", account, resource)
    line = LogEntry(
        account,
        resource,
        clock.now(),
        Reason.STATUS_CHANGED,
        code="disconnect_done",
        detail=(("removed", str(removed)),),
    )
    stores.log.add([line])
    return True


def _unsubscribe(stores: Stores, provider: Provider, state: ResourceState) -> None:
    """Subscriptions that other resources of the mailbox still need stay."""
    account, resource = state.account, state.resource.id
    for mailbox in state.mailboxes:
        for row in stores.connections.subscriptions(account, mailbox):
            if resource not in row.resources:
                continue
            others = tuple(one for one in row.resources if one != resource)
            if others:
                stores.connections.save_subscription(replace(row, resources=others))
                continue
            _forget_subscription(provider, account, row)
            stores.connections.delete_subscription(row.path_hash)


def _forget_subscription(provider: Provider, account: AccountId, row: Subscription) -> None:
    if not row.subscription_id:
        return
    try:
        provider(account, row.mailbox).unsubscribe(row.subscription_id)
    except ConnectionBrokenError:
        return  # access is gone, and with it what was subscribed by it


def _remove(
    stores: Stores,
    host: HostPlatform,
    provider: Provider,
    clock: Clock,
    state: ResourceState,
    until: datetime,
) -> int | None:
    """How many copies were removed; None when the time was up before the end. Kept copies only lose their links."""
    account, resource = state.account, state.resource.id
    is_removing = state.reason == REMOVE_COPIES
    run = f"disconnect-{state.since_at:%Y%m%dT%H%M%S}"
    removed = 0
    for batch in _batches(stores.links.all(account, resource)):
        if clock.now() >= until:
            return None
        if is_removing:
            gone = _remove_batch(host, provider, state, batch)
            stores.log.journal(account, resource, run, [row_of(_deed(link, clock.now())) for link in gone])
            removed += len(gone)
        for link in batch:
            _drop(stores, account, link)
    return removed


def _remove_batch(host: HostPlatform, provider: Provider, state: ResourceState, batch: list[Link]) -> list[Link]:
    gone = []
    for link in batch:
        if link.origin is Origin.CALENDAR:
            host.delete_block(link.block_ref)
            gone.append(link)
    by_calendar: dict[CalendarId, list[Link]] = {}
    for link in batch:
        if link.origin is Origin.HOST and link.entry_id is not None and not link.is_left_behind:
            by_calendar.setdefault(link.calendar_id, []).append(link)
    for calendar, links in by_calendar.items():
        gone += _remove_entries(provider, state, calendar, links)
    return gone


def _remove_entries(provider: Provider, state: ResourceState, calendar: CalendarId, links: list[Link]) -> list[Link]:
    if state.mailbox is None:
        return []
    by_entry: dict[EntryId, Link] = {link.entry_id: link for link in links if link.entry_id is not None}
    gone = []
    try:
        mailbox = provider(state.account, state.mailbox)
        for entry_id, entry in mailbox.entries(calendar, list(by_entry), Content()).items():
            link = by_entry.get(entry_id)
            if link is None or entry is None or not _is_ours(entry, link, state):
                continue
            try:
                mailbox.delete(calendar, entry_id, None)
            except AppointmentGoneError:
                continue
            gone.append(link)
    except ConnectionBrokenError:
        return gone  # we are no longer let in: what is left there the person can delete, we cannot
    return gone


def _is_ours(entry: Entry, link: Link, state: ResourceState) -> bool:
    mark = entry.mark
    return (
        mark is not None
        and not entry.has_attendees  # Microsoft would mail them: the person deletes it himself
        and mark.account == state.account
        and mark.resource == state.resource.id
        and mark.booking == link.booking_id
    )


def _drop(stores: Stores, account: AccountId, link: Link) -> None:
    try:
        stores.links.delete(account, link)
    except LinkChangedError:
        # A run that was under way wrote it at this moment; the next pass of the due item sees the new row.
        raise ConcurrentChangeError(resource=link.resource_id) from None


def _settle_conflicts(stores: Stores, clock: Clock, state: ResourceState) -> None:
    for conflict in stores.conflicts.of_resource(state.account, state.resource.id):
        if conflict.status in {ConflictStatus.OPEN, ConflictStatus.LEFT}:
            stores.conflicts.save(
                replace(
                    conflict,
                    status=ConflictStatus.SETTLED,
                    ended_at=clock.now(),
                    revision=conflict.revision + 1,
                )
            )


def _release(stores: Stores, state: ResourceState, mailbox: MailboxId) -> None:
    """The last resource that leaves takes the connection with it, tokens included."""
    for _ in range(5):
        connection = stores.connections.get(state.account, mailbox)
        if connection is None:
            return
        others = tuple(one for one in connection.resources if one != state.resource.id)
        if not others:
            stores.connections.delete(connection)
            return
        try:
            stores.connections.save(replace(connection, resources=others))
        except ConcurrentChangeError:
            continue
        return
    raise ConcurrentChangeError(mailbox=mailbox)


def _deed(link: Link, now: datetime) -> Deed:
    did = Did.COPY_DELETED if link.origin is Origin.HOST else Did.BLOCK_DELETED
    return Deed(did, link.ref, now, link.when, None, link.calendar_id, link.entry_id, link.booking_id)


def _batches(links: Iterable[Link]) -> Iterable[list[Link]]:
    source = iter(links)
    while batch := list(islice(source, BATCH)):
        yield batch
