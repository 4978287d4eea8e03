"""Disconnect: the state first, so that every run stops; the rest follows in steps that may be repeated.

What is left to do shows in the state itself: `disconnected` with a mailbox still in it. finish_disconnect.py does it,
at once where the page has the time, else by the run that is wished for here.
"""

from datetime import timedelta

from calsync_core.domain.errors import InputError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.resources import Progress, ResourceState, Status
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace, value
from calsync_core.ports.journeys import MailPorts
from calsync_core.ports.outward import Queue, Wish
from calsync_core.ports.stores import Due
from calsync_core.usecases.change_state import change_state
from calsync_core.usecases.tell_result import tell_notice

REMOVE_COPIES = "remove_copies"
KEEP_COPIES = "keep_copies"
_MAY_DISCONNECT = {
    Status.IMPORTING,
    Status.CONNECTED,
    Status.REAUTH_REQUIRED,
    Status.PAUSED,
    Status.DISCONNECTED,
}
GUARANTEE_AFTER = timedelta(minutes=2)


@value(frozen=True, slots=True)
class DisconnectResource:
    """`by` is the name people see. `remove_copies`: on both sides what calsync wrote goes, and nothing else."""

    account: AccountId
    resource: ResourceId
    by: str
    remove_copies: bool


def disconnect_resource(ports: MailPorts, queue: Queue, command: DisconnectResource) -> ResourceState:
    """Raises NotFoundError("resource_unknown"), InputError("not_connected"). Repeating is harmless."""
    now = ports.clock.now()
    what = REMOVE_COPIES if command.remove_copies else KEEP_COPIES

    def change(state: ResourceState) -> ResourceState | None:
        if state.status not in _MAY_DISCONNECT:
            raise InputError("not_connected", resource=command.resource)
        if state.status is Status.DISCONNECTED:
            return None
        gone = state.moved_to(Status.DISCONNECTED, now, reason=what)
        return replace(
            gone, degraded=None, progress=Progress(), paused_by=None, paused_until_at=None, invitation_id=None,
            invitation=None,
        )  # fmt: skip

    state = change_state(ports.stores.resources, command.account, command.resource, change)
    for kind in ("reminder", "expiry", "resume", "renewal", "full_check"):
        ports.stores.due.cancel(kind, command.account, command.resource)
    ports.stores.due.set_check(command.account, command.resource, None)
    if state.mailbox is not None:
        ports.stores.due.schedule(Due("wait", command.account, command.resource, now + GUARANTEE_AFTER))
        queue.wish(Wish(command.account, command.resource, "button"))
    line = LogEntry(command.account, command.resource, now, Reason.STATUS_CHANGED, code="disconnected")
    ports.stores.log.add([line])
    facts = {"by": command.by, "copies": "removed" if state.reason == REMOVE_COPIES else "kept"}
    tell_notice(ports, state, "disconnected", facts, f"disconnected-{state.since_at}")
    return state
