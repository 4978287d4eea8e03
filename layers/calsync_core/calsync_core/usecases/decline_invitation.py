"""The person says no, or that the mail reached somebody else: the link ends and the admin sees it."""

from typing import Literal

from calsync_core.domain.resources import InvitationState
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.usecases.note_invitation_state import note_invitation_state
from calsync_core.usecases.read_invitation import InvitationLink, find_invitation, read_invitation


def decline_invitation(ports: JourneyPorts, link: InvitationLink, why: Literal["not_wanted", "not_me"]) -> None:
    """Raises the LinkInvalidError family."""
    invitation = read_invitation(ports, link).invitation
    note_invitation_state(
        ports.stores, invitation.account, invitation.resource, invitation.id, InvitationState.DECLINED
    )
    declined = find_invitation(ports, link).invitation
    ports.stores.journeys.save_invitation(replace(declined, is_withdrawn=True))
    for kind in ("reminder", "expiry"):
        ports.stores.due.cancel(kind, invitation.account, invitation.resource)
    line = LogEntry(
        invitation.account,
        invitation.resource,
        ports.clock.now(),
        Reason.STATUS_CHANGED,
        code=f"declined_{why}",
    )
    ports.stores.log.add([line])
