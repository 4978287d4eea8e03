"""A disconnected resource: what is left to remove is removed, in steps."""

from contextlib import suppress
from dataclasses import replace

from calsync_core.domain.appointments import Mark
from calsync_core.domain.errors import (
    ConnectionBrokenError,
    LinkChangedError,
)
from calsync_core.domain.links import Intent, Origin
from calsync_core.domain.resources import Following
from calsync_core.ports.stores import Lease
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
