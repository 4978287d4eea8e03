"""Take over who there is from the booking system. A resource that it no longer offers stops, and starts again later.

Not here: disconnecting. Stopping removes nothing; a person decides about copies on the resource's page.
"""

from datetime import datetime

from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.resources import Resource, ResourceState, Status
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace, value
from calsync_core.ports.host import HostPlatform
from calsync_core.ports.outward import Clock
from calsync_core.ports.stores import LogStore, ResourceStore
from calsync_core.usecases.change_state import ATTEMPTS

STOPPED_BY_HOST = "host"
_STOPS = {Status.IMPORTING, Status.CONNECTED, Status.REAUTH_REQUIRED}


@value(frozen=True, slots=True)
class Refreshed:
    """Counts; `started` lists the resources that want a full run: active again, or in another zone."""

    added: int
    changed: int
    stopped: int
    started: tuple[ResourceId, ...]


def refresh_resources(
    host: HostPlatform, resources: ResourceStore, log: LogStore, clock: Clock, account: AccountId
) -> Refreshed:
    """Repeatable. Raises ConcurrentChangeError after five lost races for one row, and what the host raises.

    An empty answer of a booking system that had resources before is not believed (absence is not deletion).
    """
    now = clock.now()
    stored = {state.resource.id: state for state in resources.of_account(account)}
    offered = host.resources()
    present = {one.id for one in offered}
    missing = [
        replace(state.resource, is_active=False) for key, state in stored.items() if offered and key not in present
    ]
    added = changed = stopped = 0
    started: list[ResourceId] = []
    for one in [*offered, *missing]:
        before, target = _take_over(resources, account, stored.get(one.id), one, now)
        if target is None:
            continue
        added += before is None
        changed += before is not None
        if before is not None and before.status is not target.status:
            stopped += target.status is Status.PAUSED
            log.add([_entry(target, before, now)])
            if before.status is Status.PAUSED:
                started.append(target.resource.id)
        elif before is not None and target.may_sync and before.resource.time_zone != one.time_zone:
            started.append(target.resource.id)  # whole days are other instants now
    return Refreshed(added, changed, stopped, tuple(started))


def _target(account: AccountId, before: ResourceState | None, offered: Resource, now: datetime) -> ResourceState:
    if before is None:
        return ResourceState(account=account, resource=offered)
    state = replace(before, resource=offered)
    if not offered.is_active and before.status in _STOPS:
        stopped = state.moved_to(Status.PAUSED, now, reason="resource_inactive")
        return replace(stopped, paused_by=STOPPED_BY_HOST, paused_until_at=None)
    if offered.is_active and before.status is Status.PAUSED and before.paused_by == STOPPED_BY_HOST:
        # as resume_resource: an import that was cut off begins anew, else the stored cursors go on
        status = Status.CONNECTED if before.last_sync_at else Status.IMPORTING
        return replace(state.moved_to(status, now), paused_by=None)
    return state


def _take_over(
    resources: ResourceStore, account: AccountId, before: ResourceState | None, offered: Resource, now: datetime
) -> tuple[ResourceState | None, ResourceState | None]:
    """What stood there and what stands there now; no second one when nothing was to be done.

    The list comes by an index that may lag, and runs write the same row: a lost race reads the row itself.
    """
    for _ in range(ATTEMPTS):
        target = _target(account, before, offered, now)
        if target == before:
            return before, None
        try:
            return before, resources.save(target)
        except ConcurrentChangeError:
            before = resources.get(account, offered.id)
    raise ConcurrentChangeError(resource=offered.id)


def _entry(target: ResourceState, before: ResourceState, now: datetime) -> LogEntry:
    return LogEntry(
        account=target.account,
        resource_id=target.resource.id,
        at=now,
        reason=Reason.STATUS_CHANGED,
        code="resource_inactive" if target.status is Status.PAUSED else "resource_active",
        detail=(("was", before.status.value), ("is", target.status.value)),
    )
