"""The person presses Continue: agreement recorded, invitation `opened`, browser sent to the sign-in."""

from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.resources import InvitationState
from calsync_core.domain.values import value
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.stores import Agreement
from calsync_core.usecases.begin_connection import BeginConnection, begin_connection
from calsync_core.usecases.note_invitation_state import note_invitation_state
from calsync_core.usecases.read_invitation import InvitationLink, read_invitation
from calsync_core.usecases.use_app import check_app


@value(frozen=True, slots=True)
class OpenInvitation:
    """`use_hint` False asks the provider for any account ("Use another account")."""

    link: InvitationLink
    browser_key: str
    back: str
    use_hint: bool = True


def open_invitation(ports: JourneyPorts, command: OpenInvitation) -> str:
    """The provider's address. Pressing twice is harmless; the link is used up only when calendars are saved.

    Raises the LinkInvalidError family, InstallationError("entra_missing"), ProviderUnavailableError,
    InputError: app_off, app_needs_code.
    """
    found = read_invitation(ports, command.link)
    invitation = found.invitation
    check_app(ports, found.state, ProviderKind.OFFICE365)
    url = begin_connection(
        ports,
        BeginConnection(
            account=invitation.account,
            resource=invitation.resource,
            invitation_id=invitation.id,
            browser_key=command.browser_key,
            login_hint=invitation.address if command.use_hint else "",
            back=command.back,
        ),
    )
    agreement = Agreement(
        account=invitation.account,
        who=invitation.address,
        role="resource",
        text_version=ports.text_version,
        at=ports.clock.now(),
        resource=invitation.resource,
    )
    ports.stores.journeys.save_agreement(agreement)
    note_invitation_state(ports.stores, invitation.account, invitation.resource, invitation.id, InvitationState.OPENED)
    return url
