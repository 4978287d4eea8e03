"""Let a paused resource go on: everything that changed meanwhile is read and written."""

from calsync_core.domain.errors import InputError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace
from calsync_core.ports.journeys import MailPorts
from calsync_core.ports.outward import Queue, Wish
from calsync_core.ports.stores import Due
from calsync_core.usecases.change_state import change_state
from calsync_core.usecases.tell_result import tell_notice


def resume_resource(ports: MailPorts, queue: Queue, account: AccountId, resource: ResourceId, by: str) -> ResourceState:
    """`by` "" means that the pause ended by its date. Raises NotFoundError, InputError("not_paused")."""
    now = ports.clock.now()
    present = ports.stores.resources.get(account, resource)
    if present is None or present.status is not Status.PAUSED:
        ports.stores.due.cancel("resume", account, resource)  # a left-over: it must not come again every minute

    def change(state: ResourceState) -> ResourceState:
        if state.status is not Status.PAUSED:
            raise InputError("not_paused", resource=resource)
        resumed = state.moved_to(_onward(ports, state), now)
        return replace(resumed, paused_by=None, paused_until_at=None)

    state = change_state(ports.stores.resources, account, resource, change)
    ports.stores.due.cancel("resume", account, resource)
    ports.stores.log.add([LogEntry(account, resource, now, Reason.STATUS_CHANGED, code="resumed")])
    if state.may_sync:
        ports.stores.due.schedule(Due("wait", account, resource, now))
        queue.wish(Wish(account, resource, "full"))
    tell_notice(ports, state, "resumed", {"by": by}, f"resumed-{state.version}")
    return state


def _onward(ports: MailPorts, state: ResourceState) -> Status:
    connection = ports.stores.connections.get(state.account, state.mailbox) if state.mailbox else None
    if connection is None or connection.is_broken:
        return Status.REAUTH_REQUIRED
    return Status.CONNECTED if state.last_sync_at else Status.IMPORTING
