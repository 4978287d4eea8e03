""" "Send me a new one": a fresh invitation instead of an expired or replaced one, to the invited address only."""

from calsync_core.domain.errors import LinkUsedError, LinkWithdrawnError
from calsync_core.domain.resources import Status
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.usecases.invite_resource import InviteResource, invite_resource
from calsync_core.usecases.read_invitation import InvitationLink, find_invitation


def renew_invitation(ports: JourneyPorts, link: InvitationLink) -> None:
    """Whoever holds the old link learns nothing: the new one goes to the person's own mailbox, under all limits.

    Raises LinkUnknownError, LinkUsedError, LinkWithdrawnError, and what invite_resource raises.
    """
    found = find_invitation(ports, link)
    if found.invitation.is_used:
        raise LinkUsedError
    is_replaced = found.invitation.is_withdrawn and found.state.invitation_id != found.invitation.id
    if found.state.status is not Status.AWAITING or (found.invitation.is_withdrawn and not is_replaced):
        raise LinkWithdrawnError
    invite_resource(
        ports,
        InviteResource(found.invitation.account, found.invitation.resource, found.invitation.created_by),
    )
