"""Which invitation a link means, and whether it still works. Changes nothing: mail scanners open every link."""

from calsync_core.domain.errors import LinkExpiredError, LinkUnknownError, LinkUsedError, LinkWithdrawnError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.values import value
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.stores import Invitation
from calsync_core.usecases.invite_resource import token_hash


@value(frozen=True, slots=True)
class InvitationLink:
    """The token of the mail, or the ids of a link that we signed ourselves (reminders, "Copy link")."""

    token: str = ""
    account: AccountId | None = None
    resource: ResourceId | None = None
    invitation_id: str = ""


@value(frozen=True, slots=True)
class FoundInvitation:
    invitation: Invitation
    state: ResourceState


def find_invitation(ports: JourneyPorts, link: InvitationLink) -> FoundInvitation:
    """Whatever its state. Raises LinkUnknownError, with no hint whether it ever existed."""
    if link.account is not None and link.resource is not None:
        invitation = ports.stores.journeys.invitation_by_id(link.account, link.resource, link.invitation_id)
    else:
        invitation = ports.stores.journeys.invitation(token_hash(link.token))
    state = None if invitation is None else ports.stores.resources.get(invitation.account, invitation.resource)
    if invitation is None or state is None:
        raise LinkUnknownError
    return FoundInvitation(invitation, state)


def read_invitation(ports: JourneyPorts, link: InvitationLink) -> FoundInvitation:
    """One that works. Raises LinkUnknownError, LinkUsedError, LinkWithdrawnError, LinkExpiredError."""
    found = find_invitation(ports, link)
    if found.invitation.is_used:
        raise LinkUsedError
    if found.invitation.is_withdrawn:
        is_replaced = found.state.invitation_id not in {None, found.invitation.id}
        raise LinkWithdrawnError("link_replaced" if is_replaced else "link_withdrawn")
    if found.invitation.expires_at <= ports.clock.now():
        raise LinkExpiredError
    return found
