"""A disconnected resource: what is left to remove is removed, in steps."""

from contextlib import suppress

from calsync_core.domain.appointments import Mark
from calsync_core.domain.errors import (
    ConnectionBrokenError,
    LinkChangedError,
)
from calsync_core.domain.ids import BookingId, CalendarId, EntryId
from calsync_core.domain.links import Intent, Link, Origin
from calsync_core.domain.resources import Following, ResourceState
from calsync_core.domain.values import replace
from calsync_core.engine.marks import is_renumbered
from calsync_core.ports.calendar import Content
from calsync_core.ports.stores import Lease
from calsync_core.usecases.disconnect_resource import REMOVE_COPIES
from calsync_core.usecases.finish_disconnect import finish_disconnect
from calsync_core.usecases.sync.sync_run import SyncPorts


def take_leave(ports: SyncPorts, lease: Lease) -> bool:
    """True when nothing is left to remove."""
    _find_unfinished(ports, lease)
    return finish_disconnect(
        ports.stores, ports.host(lease.account), ports.provider, ports.clock, lease.account, lease.resource,
        ports.clock.now() + ports.work_for, lease,
    )  # fmt: skip


def _find_unfinished(ports: SyncPorts, lease: Lease) -> None:
    """A copy that was written in the moment of a crash is known by its mark only; it must not stay behind."""
    account, resource = lease.account, lease.resource
    state = ports.stores.resources.get(account, resource)
    if state is None or state.mailbox is None:
        return
    _find_renumbered(ports, state)
    for link in ports.stores.links.all(account, resource):
        is_lost = state.following is Following.LEAVING or link.is_left_behind  # R133: its id is of the old server
        is_unfinished = link.intent is Intent.CREATE and link.entry_id is None
        if link.origin is not Origin.HOST or link.booking_id is None or not (is_lost or is_unfinished):
            continue
        mark = Mark(ports.installation, account, resource, link.booking_id, link.generation, link.mark_id)
        with suppress(ConnectionBrokenError, LinkChangedError):  # no access: what is there the person can delete
            found = ports.provider(account, state.mailbox).find_mark(mark)[:1]
            for entry in found:
                row = replace(link, entry_id=entry.id, calendar_id=entry.calendar_id if is_lost else link.calendar_id)
                ports.stores.links.put(account, row)
            if is_lost and not found and link.entry_id is not None:
                ports.stores.links.put(account, replace(link, entry_id=None))


def _find_renumbered(ports: SyncPorts, state: ResourceState) -> None:
    """R122: the mailbox was moved, and nobody has read it since: what its id does not find its mark does."""
    if state.mailbox is None or state.reason != REMOVE_COPIES:
        return
    account, provider = state.account, ports.provider(state.account, state.mailbox)
    of_calendar: dict[CalendarId, dict[EntryId, Link]] = {}
    for link in ports.stores.links.all(account, state.resource.id):
        is_head = link.origin is Origin.HOST and link.original_start_at is None and not link.is_left_behind
        if is_head and link.entry_id and link.entry_uid and link.booking_id:
            of_calendar.setdefault(link.calendar_id, {})[link.entry_id] = link
    with suppress(ConnectionBrokenError, LinkChangedError):
        for calendar, links in of_calendar.items():
            shown = provider.entries(calendar, list(links), Content())
            for link in (links[entry_id] for entry_id, entry in shown.items() if entry is None):
                mark = Mark(
                    ports.installation, account, link.resource_id, BookingId(link.booking_id or ""), link.generation,
                    link.mark_id,
                )  # fmt: skip
                for entry in provider.find_mark(mark):
                    if is_renumbered(link, entry, mark):
                        ports.stores.links.put(account, replace(link, entry_id=entry.id))
