"""The pre-flight check of an Exchange server with a test mailbox, and its service account, before anybody is invited.

The test mailbox's password lives in this call alone. Tries are counted as everywhere, so that nobody is locked out.
"""

from dataclasses import field

from calsync_core.domain.connection_report import ConnectionReport, Outcome, Part
from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.errors import CalsyncError, ConcurrentChangeError, InputError, SignInRefusedError
from calsync_core.domain.ids import AccountId, ServerId
from calsync_core.domain.servers import KnownServer, ServiceAccess
from calsync_core.domain.values import replace, value
from calsync_core.ports.exchange import ExchangeLogin, ServerHint, Trial
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.usecases.check_connection import exchange_steps, report_of
from calsync_core.usecases.enter_exchange_password import LONGEST_PASSWORD, Counted, find_server, is_at_microsoft
from calsync_core.usecases.manage_servers import (
    ServiceWish,
    connections_of,
    find_known_server,
    keep_service,
    note_found,
)
from calsync_core.usecases.renew_access import let_go_on
from calsync_core.usecases.send_mail import is_address


@value(frozen=True, slots=True)
class TestMailbox:
    """`web_mail` is the address of its Outlook on the web, looked at instead of the server's own when it is given."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    address: str
    password: str = field(repr=False)
    login: str = ""
    web_mail: str = ""


def examine_server(
    ports: JourneyPorts, account: AccountId, server_id: ServerId, mailbox: TestMailbox
) -> ConnectionReport:
    """What the server can do; what it speaks is noted on it when the general part is well.

    Raises InputError: address_invalid, password_missing, password_stop; SignInRefusedError("microsoft365");
    NotFoundError("server_unknown").
    """
    server = find_known_server(ports.stores, account, server_id)
    _check(mailbox.address, mailbox.password)
    login = mailbox.login or mailbox.address
    counted = Counted(ports, account, (f"login|{login.casefold()}", f"server|{server_id}"))
    counted.begin()
    place = _web_mail_host(mailbox.web_mail) or server.url or server.address
    hint = ServerHint(place, server.ca_pem, server.is_2007, server.time_zone)
    started = ports.clock.now()
    trial = Trial(mailbox.address, login, mailbox.password, hint)
    steps = exchange_steps(ports.clock, started, ports.exchange.examine(trial))
    report = report_of(ports, ProviderKind.EXCHANGE, mailbox.address, place, started, steps)
    if report.failure != "password_wrong":
        counted.forget() if report.outcome(Part.GENERAL) is Outcome.OK else counted.withdraw()
    _note(ports, server, report, trial)
    return report


def set_service(
    ports: JourneyPorts, account: AccountId, server_id: ServerId, wish: ServiceWish, mailbox: str
) -> KnownServer:
    """Try the service account on one mailbox, then seal its password and let its mailboxes go on.

    Raises InputError: address_invalid, password_missing, password_stop; SignInRefusedError: password_wrong,
    microsoft365; PermissionMissingError, MailboxUnusableError; what `find` raises; NotFoundError("server_unknown").
    """
    server = find_known_server(ports.stores, account, server_id)
    for address in (wish.address, mailbox):
        if not is_address(address):
            raise InputError("address_invalid", field="mailbox" if address == mailbox else "address")
    _check(wish.address, wish.password)
    login = wish.login or wish.address
    counted = Counted(ports, account, (f"login|{login.casefold()}", f"server|{server_id}"))
    counted.begin()
    try:
        found = find_server(ports, server, address=wish.address, login=login, password=wish.password)
        ports.exchange.sign_in(ExchangeLogin(found, wish.address, login, wish.password, wish.access.value, mailbox))
    except CalsyncError as error:
        if not (isinstance(error, SignInRefusedError) and error.code == "password_wrong"):
            counted.withdraw()
        raise
    counted.forget()
    saved = keep_service(ports.stores, find_known_server(ports.stores, account, server_id), wish)
    for connection in connections_of(ports.stores, saved):
        if connection.access != "own":
            let_go_on(ports, connection)
    return saved


def service_access(text: str) -> ServiceAccess:
    """Raises InputError("access_unknown")."""
    try:
        return ServiceAccess(text)
    except ValueError:
        raise InputError("access_unknown", field="access") from None


def _note(ports: JourneyPorts, server: KnownServer, report: ConnectionReport, trial: Trial) -> None:
    """A passed test leaves what the server speaks; a failed one why. Losing a race to a change is harmless."""
    schemes = next((step.found for step in report.steps if step.name == "sign_in_schemes"), "")
    if report.outcome(Part.GENERAL) is Outcome.OK and trial.hint.server in {server.url, server.address}:
        try:
            found = ports.exchange.find(trial.address, trial.login, trial.password, trial.hint)
        except CalsyncError:
            return
        server = note_found(ports.stores.servers, ports.clock, server, found)
    noted = replace(server, schemes=schemes or server.schemes, tested_at=report.at, test_code=report.failure)
    try:
        ports.stores.servers.save(noted)
    except ConcurrentChangeError:
        return


def _check(address: str, password: str) -> None:
    if not is_address(address):
        raise InputError("address_invalid", field="address")
    if is_at_microsoft(address):
        raise SignInRefusedError("microsoft365")
    if not password or len(password) > LONGEST_PASSWORD:
        raise InputError("password_missing", field="password")


def _web_mail_host(link: str) -> str:
    """ "https://mail.clinic.example/owa/#path" -> "mail.clinic.example"; whether it may be asked the adapter says."""
    text = link.strip()[:500]
    return text.removeprefix("https://").removeprefix("http://").partition("/")[0].partition("#")[0]
