"""A person (or the admin) gives an Exchange password: find the server, try once, seal at once, keep the grant.

The password is in this call's memory and then in the sealed grant; it is in no log, no queue, no address and no
answer. What follows (is it the right account, which calendars) is everybody's journey.
"""

from dataclasses import field
from datetime import timedelta

from calsync_core.domain.connections import Connection, ProviderKind
from calsync_core.domain.errors import (
    CalsyncError,
    ConnectionBrokenError,
    InputError,
    LinkWithdrawnError,
    SignInRefusedError,
)
from calsync_core.domain.ids import AccountId, ResourceId, ServerId
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.servers import KnownServer
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import value
from calsync_core.ports.exchange import ExchangeLogin, ExchangeServer, ServerHint
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.stores import Agreement
from calsync_core.usecases.grant_access import GrantWish, SignInResult, check_owner, keep_grant
from calsync_core.usecases.manage_servers import host_of, note_found
from calsync_core.usecases.open_mailbox import exchange_server
from calsync_core.usecases.send_mail import is_address
from calsync_core.usecases.use_app import find_connectable

WRONG_PASSWORDS = 3
STOP = timedelta(minutes=15)
LONGEST_PASSWORD = 256
# Mailboxes of these domains are always Microsoft's own: their passwords are never tried anywhere.
_AT_MICROSOFT = frozenset(
    {"outlook.com", "hotmail.com", "hotmail.de", "hotmail.fr", "hotmail.co.uk", "live.com", "live.de", "live.fr"}
    | {"outlook.de", "outlook.fr", "msn.com", "passport.com", "office365.com"}
)


@value(frozen=True, slots=True)
class EnterPassword:
    """`login` empty: the address. `server`: one of the account's own; `server_name` what the person typed instead.

    `who` agrees to the privacy text by this press. `for_resource`: an admin connects, so whose mailbox answered must
    be the resource's own address, or is asked about.
    """

    account: AccountId
    resource: ResourceId
    browser_key: str = field(repr=False)
    who: str
    address: str
    password: str = field(repr=False)
    login: str = ""
    server: str = ""
    server_name: str = ""
    invitation_id: str | None = None
    invited_address: str = ""
    for_resource: bool = False


def enter_exchange_password(ports: JourneyPorts, command: EnterPassword) -> SignInResult:
    """Connect to the mailbox once and keep the sealed grant; one whose access had ended is renewed at once.

    Raises InputError: still_disconnecting, app_off, app_needs_code, address_invalid, password_missing,
    server_not_chosen, password_stop, server_address; SignInRefusedError: password_wrong, microsoft365, other_mailbox;
    MailboxTakenError; the ConnectionBrokenError family; LinkWithdrawnError; ProviderUnavailableError;
    NotFoundError("resource_unknown").
    """
    state = find_connectable(ports, command.account, command.resource, ProviderKind.EXCHANGE)
    _check_fields(command)
    before = _connection_before(ports, state)
    known = choose_server(ports, command, before)
    _agree(ports, command)
    try:
        result = _try(ports, command, state, known, before)
    except CalsyncError as error:
        _note_refusal(ports, command, error)
        raise
    if result.error is not None:
        raise result.error
    return result


def is_at_microsoft(address: str) -> bool:
    """By the address alone; everything else only the server knows."""
    domain = address.rpartition("@")[2].strip().casefold()
    return domain in _AT_MICROSOFT or domain.endswith(".onmicrosoft.com")


def choose_server(ports: JourneyPorts, command: EnterPassword, before: Connection | None) -> KnownServer | None:
    """Of the account's servers: the chosen one, that of the connection so far, by mail domain, the only one.

    None: it is looked for.

    Raises InputError("server_not_chosen") where several could be meant, before any password is sent.
    """
    servers = ports.stores.servers.of_account(command.account)
    if command.server:
        chosen = next((one for one in servers if one.id == ServerId(command.server)), None)
        if chosen is None:
            raise InputError("server_not_chosen", field="server")
        return chosen
    if command.server_name:
        typed = host_of(command.server_name)
        return next((one for one in servers if typed and host_of(one.address) == typed), None)
    if not servers:
        return None
    if before is not None:
        return next((one for one in servers if one.id == ServerId(before.server)), None)
    by_domain = [one for one in servers if one.serves(command.address)]
    if len(by_domain) == 1:
        return by_domain[0]
    if len(servers) == 1:
        return servers[0]
    raise InputError("server_not_chosen", field="server")


def find_server(
    ports: JourneyPorts, known: KnownServer | None, *, address: str, login: str, password: str, name: str = ""
) -> ExchangeServer:
    """A server that is known well is not asked again. Raises what ExchangeSignIn.find raises."""
    if known is None:
        return ports.exchange.find(address, login, password, ServerHint(name))
    if known.is_found:
        return exchange_server(known)
    hint = ServerHint(known.address, known.ca_pem, known.is_2007, known.time_zone)
    found = ports.exchange.find(address, login, password, hint)
    note_found(ports.stores.servers, ports.clock, known, found)
    return found


def _connection_before(ports: JourneyPorts, state: ResourceState) -> Connection | None:
    """Who only renews is asked for the mailbox that is connected, at the server where it was found."""
    connection = ports.stores.connections.get(state.account, state.mailbox) if state.mailbox else None
    is_exchange = connection is not None and connection.identity.provider is ProviderKind.EXCHANGE
    return connection if is_exchange else None


def _server_before(ports: JourneyPorts, before: Connection | None) -> ExchangeServer | None:
    """As the sealed sign-in knows it: another name of the same server would make another identity."""
    stored = ports.stores.credentials.load(before.account, before.id) if before else None
    return ExchangeLogin.decode(stored[0]).server if stored else None


def _check_fields(command: EnterPassword) -> None:
    if not is_address(command.address):
        raise InputError("address_invalid", field="address")
    if is_at_microsoft(command.address):
        raise SignInRefusedError("microsoft365")
    if not command.password or len(command.password) > LONGEST_PASSWORD:
        raise InputError("password_missing", field="password")


def _try(
    ports: JourneyPorts,
    command: EnterPassword,
    state: ResourceState,
    known: KnownServer | None,
    before: Connection | None,
) -> SignInResult:
    """One try, counted for the login and for the resource; only a wrong password stays counted."""
    login_name = command.login or command.address
    counted = Counted(ports, command.account, (f"login|{login_name.casefold()}", f"resource|{command.resource}"))
    counted.begin()
    try:
        is_known = known is not None or bool(command.server_name)
        server = (None if is_known else _server_before(ports, before)) or find_server(
            ports,
            known,
            address=command.address,
            login=login_name,
            password=command.password,
            name=command.server_name,
        )
        signed_in = ports.exchange.sign_in(ExchangeLogin(server, command.address, login_name, command.password))
    except SignInRefusedError as error:
        if error.code != "password_wrong":
            counted.withdraw()
        raise
    except BaseException:
        counted.withdraw()
        raise
    counted.forget()
    check_owner(ports, state, signed_in)
    wish = GrantWish(
        command.browser_key,
        command.invitation_id,
        command.invited_address,
        server=known.id if known else "",
        for_resource=command.for_resource,
    )
    return keep_grant(ports, state, signed_in, wish)


@value(frozen=True, slots=True)
class Counted:
    """Tries with one password, counted under each of `names`."""

    ports: JourneyPorts
    account: AccountId
    names: tuple[str, ...]

    def begin(self) -> None:
        """Raises InputError("password_stop") with the instant from which it may be tried again."""
        now, attempts = self.ports.clock.now(), self.ports.stores.attempts
        for position, name in enumerate(self.names):
            until = attempts.begin(self.account, f"password|{name}", WRONG_PASSWORDS, STOP, now)
            if until is not None:
                for earlier in self.names[:position]:
                    attempts.withdraw(self.account, f"password|{earlier}")
                raise InputError("password_stop", until=until.isoformat())

    def withdraw(self) -> None:
        for name in self.names:
            self.ports.stores.attempts.withdraw(self.account, f"password|{name}")

    def forget(self) -> None:
        for name in self.names:
            self.ports.stores.attempts.forget(self.account, f"password|{name}")


def _agree(ports: JourneyPorts, command: EnterPassword) -> None:
    ports.stores.journeys.save_agreement(
        Agreement(command.account, command.who, "resource", ports.text_version, ports.clock.now(), command.resource)
    )


def _note_refusal(ports: JourneyPorts, command: EnterPassword, error: CalsyncError) -> None:
    if isinstance(error, InputError | LinkWithdrawnError):
        return
    is_problem = isinstance(error, ConnectionBrokenError)
    now = ports.clock.now()
    line = LogEntry(
        command.account, command.resource, now, Reason.SIGN_IN_REFUSED, code=error.code, is_problem=is_problem
    )
    ports.stores.log.add([line])
