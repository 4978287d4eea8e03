"""Take an invitation back: its link ends, reminders stop."""

from calsync_core.domain.errors import InputError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.resources import InvitationState, ResourceState, Status
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.usecases.change_state import change_state


def withdraw_invitation(ports: JourneyPorts, account: AccountId, resource: ResourceId) -> None:
    """Raises NotFoundError("resource_unknown"), InputError("not_invited")."""
    now = ports.clock.now()

    def change(state: ResourceState) -> ResourceState:
        if state.status is not Status.AWAITING:
            raise InputError("not_invited", resource=resource)
        return replace(state.moved_to(Status.NOT_INVITED, now), invitation=InvitationState.WITHDRAWN)

    state = change_state(ports.stores.resources, account, resource, change)
    if state.invitation_id is not None:
        invitation = ports.stores.journeys.invitation_by_id(account, resource, state.invitation_id)
        if invitation is not None and not invitation.is_withdrawn:
            ports.stores.journeys.save_invitation(
                replace(invitation, is_withdrawn=True, state=InvitationState.WITHDRAWN)
            )
    for kind in ("reminder", "expiry"):
        ports.stores.due.cancel(kind, account, resource)
    ports.stores.log.add([LogEntry(account, resource, now, Reason.STATUS_CHANGED, code="withdrawn")])
