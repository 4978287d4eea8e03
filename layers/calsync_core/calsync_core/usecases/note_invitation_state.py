"""Where an invitation stands, noted on the resource's state and on the invitation; news never take a step back."""

from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.resources import InvitationState, ResourceState, Status
from calsync_core.domain.values import replace
from calsync_core.ports.stores import Stores
from calsync_core.usecases.change_state import change_state

# A late "sent" must not hide a "delivered", nor a late "delivered" an "opened". Bounces and complaints come from the
# mail system after it had accepted the mail, so they beat "sent" and "delivered", but not what a person did.
_RANK = {
    InvitationState.QUEUED: 0,
    InvitationState.SENT: 1,
    InvitationState.DELIVERED: 2,
    InvitationState.BOUNCED: 3,
    InvitationState.COMPLAINED: 4,
    InvitationState.OPENED: 5,
    InvitationState.STUCK_AT_MICROSOFT: 6,
    InvitationState.EXPIRED: 7,
    InvitationState.DECLINED: 8,
    InvitationState.WITHDRAWN: 9,
}
_BACK_AND_FORTH = {InvitationState.OPENED, InvitationState.STUCK_AT_MICROSOFT}


def note_invitation_state(
    stores: Stores, account: AccountId, resource: ResourceId, invitation_id: str, news: InvitationState
) -> bool:
    """True when it was news. Invitations that were replaced meanwhile do not touch the resource's state.

    Raises ConcurrentChangeError after five lost races.
    """
    for _ in range(5):
        invitation = stores.journeys.invitation_by_id(account, resource, invitation_id)
        if invitation is None or not _is_news(invitation.state, news):
            return False
        try:
            stores.journeys.save_invitation(replace(invitation, state=news))
            break
        except ConcurrentChangeError:
            continue
    else:
        raise ConcurrentChangeError(invitation=invitation_id)
    return _note_on_resource(stores, account, resource, invitation_id, news)


def _note_on_resource(
    stores: Stores, account: AccountId, resource: ResourceId, invitation_id: str, news: InvitationState
) -> bool:
    def change(state: ResourceState) -> ResourceState | None:
        if state.status is not Status.AWAITING or state.invitation_id != invitation_id:
            return None
        return replace(state, invitation=news)

    return change_state(stores.resources, account, resource, change).invitation is news


def _is_news(old: InvitationState, new: InvitationState) -> bool:
    return _RANK[new] > _RANK[old] or (new in _BACK_AND_FORTH and old in _BACK_AND_FORTH and new is not old)
