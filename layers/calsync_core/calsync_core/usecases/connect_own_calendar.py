"""An admin connects a calendar from the console, without a mail; also the way back in from a manage link."""

from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.values import value
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.stores import Agreement
from calsync_core.usecases.begin_connection import BeginConnection, begin_connection
from calsync_core.usecases.send_mail import address_of
from calsync_core.usecases.use_app import find_connectable


@value(frozen=True, slots=True)
class ConnectOwnCalendar:
    """`who` agrees to the privacy text by pressing the button; `back` is our own path to try again from.

    `invitation_id`: the open invitation that this follows, when it is the invited person who tries again.
    """

    account: AccountId
    resource: ResourceId
    who: str
    browser_key: str
    back: str
    invitation_id: str | None = None


def connect_own_calendar(ports: JourneyPorts, command: ConnectOwnCalendar) -> str:
    """The provider's address. For a resource that is connected already: sign in again or choose other calendars.

    Raises NotFoundError("resource_unknown"), InputError: still_disconnecting, app_off,
    app_needs_code; InstallationError("entra_missing").
    """
    state = find_connectable(ports, command.account, command.resource, ProviderKind.OFFICE365)
    connection = ports.stores.connections.get(state.account, state.mailbox) if state.mailbox else None
    url = begin_connection(
        ports,
        BeginConnection(
            account=command.account,
            resource=command.resource,
            invitation_id=command.invitation_id,
            browser_key=command.browser_key,
            login_hint=connection.address if connection else address_of(state.resource),
            back=command.back,
        ),
    )
    ports.stores.journeys.save_agreement(
        Agreement(command.account, command.who, "resource", ports.text_version, ports.clock.now(), command.resource)
    )
    return url
