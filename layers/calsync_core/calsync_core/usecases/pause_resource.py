"""Pause a connected resource, for a time or until somebody resumes; its tokens are still refreshed meanwhile."""

from datetime import datetime

from calsync_core.domain.errors import InputError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace, value
from calsync_core.ports.journeys import MailPorts
from calsync_core.ports.stores import Due
from calsync_core.usecases.change_state import change_state
from calsync_core.usecases.tell_result import tell_notice

_MAY_PAUSE = {Status.IMPORTING, Status.CONNECTED, Status.REAUTH_REQUIRED, Status.PAUSED}


@value(frozen=True, slots=True)
class PauseResource:
    """`by` is the name people see; `until_at` None means until somebody resumes."""

    account: AccountId
    resource: ResourceId
    by: str
    until_at: datetime | None = None


def pause_resource(ports: MailPorts, command: PauseResource) -> ResourceState:
    """Raises NotFoundError("resource_unknown"), InputError: not_connected, pause_in_the_past."""
    now = ports.clock.now()
    if command.until_at is not None and command.until_at <= now:
        raise InputError("pause_in_the_past", field="until")

    def change(state: ResourceState) -> ResourceState:
        if state.status not in _MAY_PAUSE:
            raise InputError("not_connected", resource=command.resource)
        paused = state if state.status is Status.PAUSED else state.moved_to(Status.PAUSED, now)
        return replace(paused, paused_by=command.by, paused_until_at=command.until_at)

    state = change_state(ports.stores.resources, command.account, command.resource, change)
    if command.until_at is not None:
        ports.stores.due.schedule(Due("resume", command.account, command.resource, command.until_at))
    else:
        ports.stores.due.cancel("resume", command.account, command.resource)
    line = LogEntry(command.account, command.resource, now, Reason.STATUS_CHANGED, code="paused")
    ports.stores.log.add([line])
    facts = {"by": command.by, "until_at": command.until_at}
    tell_notice(ports, state, "paused", facts, f"paused-{state.version}")
    return state
