"""Opens a role account with what is stored, asks it, and remembers a refusal: an Exchange password is tried once."""

from collections.abc import Callable, Sequence

from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.errors import CalsyncError, ConcurrentChangeError, ConsentRevokedError, NotFoundError
from calsync_core.domain.free_busy import BusyTimes, unknown
from calsync_core.domain.ids import ServerId
from calsync_core.domain.role_accounts import RoleAccess, RoleAccount, role_mailbox
from calsync_core.domain.values import replace
from calsync_core.domain.windows import Window
from calsync_core.ports.exchange import Access, ExchangeLogin
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.role_accounts import AppLogin, FreeBusySource
from calsync_core.ports.stores import Stores
from calsync_core.usecases.ask_free_busy import ask_free_busy
from calsync_core.usecases.enter_exchange_password import find_server
from calsync_core.usecases.manage_role_accounts import stored_key

REFUSED = frozenset({"password_wrong", "account_locked"})
"""Of an Exchange server: nothing more is tried until a person has entered a new password and tested it."""

TOLD = frozenset(
    f"role_{name}" for name in ("key_refused", "key_expired", "app_refused", "permission_missing", "mailbox_missing")
)
"""Of Microsoft: the console says so until it works again; nobody is locked out by asking, so it is asked again."""


def ask_role_account(
    ports: JourneyPorts, role: RoleAccount, addresses: Sequence[str], span: Window, is_late: Callable[[], bool]
) -> dict[str, BusyTimes]:
    """An answer for every address; never raises for what an answer can say."""
    stored = ports.stores.credentials.load(role.account, role_mailbox(role.id))
    try:
        source = _open(ports, role)
    except CalsyncError as error:
        _note(ports.stores, role, error.code, stored[1] if stored else 0)
        return dict.fromkeys(addresses, unknown(span, error.code))
    try:
        answers = ask_free_busy(source, addresses, span, is_late)
    finally:
        source.close()
    refusal = next((one.reason for one in answers.values() if one.reason in REFUSED), None)
    if refusal:
        _note(ports.stores, role, refusal, stored[1] if stored else 0)
    _tell(ports.stores, role, {one.reason for one in answers.values()})
    by_case = {address.casefold(): answer for address, answer in answers.items()}
    return {address: by_case[address.casefold()] for address in addresses}


def app_login(stores: Stores, role: RoleAccount) -> AppLogin:
    """Raises ConsentRevokedError("auth_missing")."""
    key = stored_key(stores, role)
    if not key:
        raise ConsentRevokedError("auth_missing", role_account=role.id)
    return AppLogin(
        role.directory,
        role.client_id,
        role.acts_for,
        secret=key.get("secret", ""),
        private_key=key.get("private_key", ""),
        certificate=role.certificate,
    )


def _open(ports: JourneyPorts, role: RoleAccount) -> FreeBusySource:
    if role.kind is not ProviderKind.EXCHANGE:
        return ports.role_accounts.at_office365(app_login(ports.stores, role))
    server = ports.stores.servers.get(role.account, role.server or ServerId(""))
    if server is None:
        raise NotFoundError("server_unknown")
    password = stored_key(ports.stores, role).get("password")
    if not password:
        raise ConsentRevokedError("auth_missing", role_account=role.id)
    found = find_server(ports, server, address=role.address, login=role.login, password=password)
    access: Access = "impersonation" if role.access is RoleAccess.IMPERSONATION else "delegate"
    login = ExchangeLogin(found, role.address, role.login, password, access, role.acts_for or role.address)
    return ports.role_accounts.at_exchange(login)


def _note(stores: Stores, role: RoleAccount, code: str, row: int) -> None:
    """A password that was replaced meanwhile is left alone."""
    if code not in REFUSED or role.kind is not ProviderKind.EXCHANGE:
        return
    for _ in range(5):
        stored = stores.credentials.load(role.account, role_mailbox(role.id))
        present = stores.role_accounts.get(role.account, role.id)
        if present is None or stored is None or stored[1] != row or present.passed_at is None:
            return
        try:
            stores.role_accounts.save(replace(present, passed_at=None, code=code))
        except ConcurrentChangeError:
            continue
        return


def _tell(stores: Stores, role: RoleAccount, reasons: set[str | None]) -> None:
    """What is wrong with the application stands on it, and goes when it works again. Losing a race is harmless."""
    code = next((one for one in sorted(reasons & TOLD, key=str) if one), "")
    is_well = None in reasons or bool(reasons & {"mailbox_missing"})
    if code == role.code or not (code or (is_well and role.code in TOLD)):
        return
    try:
        stores.role_accounts.save(replace(role, code=code))
    except ConcurrentChangeError:
        return
