"""The test of a role account: can it sign in, and does it see the times of an address of its domains.

Its domains count from the moment it passes. A refused password is not tried again until a new one is entered.
"""

from collections.abc import Iterator
from datetime import timedelta

from calsync_core.domain.connection_report import ConnectionReport, Outcome, Part, ReportStep
from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.errors import CalsyncError, ConcurrentChangeError, InputError
from calsync_core.domain.ids import AccountId, RoleAccountId, ServerId
from calsync_core.domain.role_accounts import RoleAccess, RoleAccount
from calsync_core.domain.servers import KnownServer
from calsync_core.domain.values import replace
from calsync_core.domain.windows import Window
from calsync_core.ports.exchange import Access, ServerHint, Trial
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.usecases.ask_role_account import app_login
from calsync_core.usecases.check_connection import report_of
from calsync_core.usecases.enter_exchange_password import Counted, find_server
from calsync_core.usecases.manage_role_accounts import find_role_account, stored_key
from calsync_core.usecases.manage_servers import find_known_server
from calsync_core.usecases.send_mail import is_address
from calsync_core.usecases.watch_role_accounts import days_left, expiry_code

DAYS = 14
PASSING = frozenset(
    {"provider_unavailable", "throttled", "timed_out", "connection_cut", "sign_in_unavailable", "name_not_found"}
    | {"answer_unreadable", "answer_too_large", "sign_in_unclear"}
)
"""What a moment may say: it does not switch off what worked before."""


def examine_role_account(
    ports: JourneyPorts, account: AccountId, role_id: RoleAccountId, about: str
) -> ConnectionReport:
    """`about` is an address of one of its domains, whose times are asked for; what they are nobody is told.

    Raises NotFoundError("role_account_unknown"), InputError: address_invalid, domain_not_covered, password_stop.
    """
    role = find_role_account(ports.stores, account, role_id)
    about = about.strip()
    if not is_address(about):
        raise InputError("address_invalid", field="about")
    if not role.covers(about):
        raise InputError("domain_not_covered", field="about")
    started = ports.clock.now()
    span = Window(started, started + timedelta(days=DAYS))
    if role.kind is ProviderKind.EXCHANGE:
        report = _at_exchange(ports, role, about, span)
    else:
        report = _at_microsoft(ports, role, about, span)
    _note(ports, role, about, report)
    return report


def _at_exchange(ports: JourneyPorts, role: RoleAccount, about: str, span: Window) -> ConnectionReport:
    server = find_known_server(ports.stores, role.account, role.server or ServerId(""))
    counted = Counted(ports, role.account, (f"login|{role.login.casefold()}", f"role|{role.id}"))
    counted.begin()
    password = stored_key(ports.stores, role).get("password", "")
    hint = ServerHint(server.url or server.address, server.ca_pem, server.is_2007, server.time_zone)
    access: Access = "impersonation" if role.access is RoleAccess.IMPERSONATION else "delegate"
    trial = Trial(role.address, role.login, password, hint, access, role.acts_for or about)
    steps = ports.role_accounts.examine_exchange(trial, about, span)
    report = report_of(ports, role.kind, role.title, server.address, span.start_at, steps)
    if report.failure != "password_wrong":
        counted.withdraw() if report.failure else counted.forget()
    if not report.failure:
        _learn(ports, role, server, password)
    return report


def _learn(ports: JourneyPorts, role: RoleAccount, server: KnownServer, password: str) -> None:
    """What the server speaks is noted on it, so that a look-up guesses nothing."""
    try:
        find_server(ports, server, address=role.address, login=role.login, password=password)
    except CalsyncError:
        return  # the look-up asks again


def _at_microsoft(ports: JourneyPorts, role: RoleAccount, about: str, span: Window) -> ConnectionReport:
    login = app_login(ports.stores, role)
    steps = _with_expiry(ports, role, ports.role_accounts.examine_office365(login, about, span))
    return report_of(ports, role.kind, role.title, "Microsoft 365", span.start_at, steps)


def _with_expiry(ports: JourneyPorts, role: RoleAccount, steps: Iterator[ReportStep]) -> Iterator[ReportStep]:
    now = ports.clock.now()
    is_over = expiry_code(role, now) == "role_key_expired"
    outcome = Outcome.FAILED if is_over else Outcome.OK
    code = "role_key_expired" if is_over else ""
    yield ReportStep("key_expiry", Part.GENERAL, outcome, str(max(0, days_left(role, now) or 0)), code)
    yield from steps


def _note(ports: JourneyPorts, role: RoleAccount, about: str, report: ConnectionReport) -> None:
    """Losing a race to a change is harmless: what was changed is off until it is tested again."""
    code = report.failure
    passed = report.at if not code else role.passed_at if code in PASSING else None
    try:
        ports.stores.role_accounts.save(replace(role, tried_on=about, tested_at=report.at, passed_at=passed, code=code))
    except ConcurrentChangeError:
        return
