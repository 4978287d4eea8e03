"""An admin connects a resource through a server's service account: no password of the resource's own is needed."""

from dataclasses import field

from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.errors import ConsentRevokedError, InputError, SignInRefusedError
from calsync_core.domain.ids import AccountId, ResourceId, ServerId
from calsync_core.domain.servers import ServiceAccess
from calsync_core.domain.values import replace, value
from calsync_core.ports.exchange import Access
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.stores import Agreement
from calsync_core.usecases.grant_access import GrantWish, SignInResult, check_owner, keep_grant
from calsync_core.usecases.manage_servers import find_known_server
from calsync_core.usecases.open_mailbox import note_service_refusal, service_login
from calsync_core.usecases.send_mail import is_address
from calsync_core.usecases.use_app import find_connectable


@value(frozen=True, slots=True)
class ConnectByService:
    """`mailbox` is the address whose calendars are meant; `who` agrees to the privacy text by this press."""

    account: AccountId
    resource: ResourceId
    server: ServerId
    mailbox: str
    who: str
    browser_key: str = field(repr=False)


def connect_by_service(ports: JourneyPorts, command: ConnectByService) -> SignInResult:
    """Ask for the mailbox once and keep the grant, as after a sign-in of its own.

    Raises NotFoundError: resource_unknown, server_unknown; InputError: address_invalid, service_missing, app_off,
    app_needs_code, still_disconnecting; ConsentRevokedError once the service account was refused;
    PermissionMissingError; MailboxUnusableError; MailboxTakenError; SignInRefusedError("other_mailbox").
    """
    state = find_connectable(ports, command.account, command.resource, ProviderKind.EXCHANGE)
    if not is_address(command.mailbox):
        raise InputError("address_invalid", field="mailbox")
    server = find_known_server(ports.stores, command.account, command.server)
    service, row = service_login(ports.stores, server)
    is_impersonation = server.service is not None and server.service.access is ServiceAccess.IMPERSONATION
    access: Access = "impersonation" if is_impersonation else "delegate"
    agreement = Agreement(
        command.account, command.who, "resource", ports.text_version, ports.clock.now(), command.resource
    )
    ports.stores.journeys.save_agreement(agreement)
    try:
        signed_in = ports.exchange.sign_in(replace(service, access=access, mailbox=command.mailbox))
    except SignInRefusedError as error:
        if error.code != "password_wrong":
            raise
        note_service_refusal(ports.stores, command.account, server.id, row)
        raise ConsentRevokedError("service_refused", server=server.id) from None
    check_owner(ports, state, signed_in)
    wish = GrantWish(command.browser_key, None, state.resource.email, "", server.id, access, for_resource=True)
    return keep_grant(ports, state, signed_in, wish)
