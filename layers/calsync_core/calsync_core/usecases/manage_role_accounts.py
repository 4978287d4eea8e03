"""The account's role accounts: enter, change, remove. Pages are web/console/role_accounts.py, the test is
examine_role_account.py.

What matters to an answer switches it off until its test has passed again. A domain belongs to one role account, so that
nobody is ever asked for twice.
"""

import json
import re
from dataclasses import field
from datetime import UTC, datetime

from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.errors import ConcurrentChangeError, InputError, NotFoundError
from calsync_core.domain.ids import AccountId, RoleAccountId, ServerId
from calsync_core.domain.role_accounts import AppKey, RoleAccess, RoleAccount, is_domain, role_mailbox
from calsync_core.domain.values import replace, value
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.stores import Stores
from calsync_core.usecases.send_mail import is_address
from calsync_core.usecases.watch_role_accounts import cancel_watch, schedule_watch

MAX_ROLE_ACCOUNTS = 20
MAX_DOMAINS = 50
LONGEST_SECRET = 512
LONGEST_KEY = 32 * 1024
_CLIENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@value(frozen=True, slots=True)
class RoleWish:
    """As the form says it: one text each. An empty password, secret or key keeps the one that is stored."""

    title: str
    kind: str = "exchange"
    mail_domains: str = ""
    server: str = ""
    address: str = ""
    login: str = ""
    access: str = RoleAccess.ORG_WIDE.value
    password: str = field(default="", repr=False)
    token_endpoint: str = ""
    client_id: str = ""
    key: str = AppKey.SECRET.value
    secret: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    acts_for: str = ""
    expires_on: str = ""


def add_role_account(ports: JourneyPorts, account: AccountId, wish: RoleWish) -> RoleAccount:
    """Raises InputError (with `field`): name_missing, role_kind_unknown, mail_domain_missing, mail_domain_invalid,
    mail_domain_taken, server_not_chosen, address_invalid, access_unknown, password_missing, token_endpoint_invalid,
    client_id_invalid, app_secret_missing, expiry_unreadable, certificate_unreadable, private_key_unreadable,
    private_key_foreign, too_many_role_accounts.
    """
    if len(ports.stores.role_accounts.of_account(account)) >= MAX_ROLE_ACCOUNTS:
        raise InputError("too_many_role_accounts", field="title")
    kind = _kind(wish.kind)
    blank = RoleAccount(RoleAccountId(ports.ids.short()), account, "", kind)
    return _kept(ports, blank, wish)


def change_role_account(ports: JourneyPorts, account: AccountId, role_id: RoleAccountId, wish: RoleWish) -> RoleAccount:
    """The kind stays. Raises as `add_role_account`, NotFoundError("role_account_unknown"), ConcurrentChangeError."""
    return _kept(ports, find_role_account(ports.stores, account, role_id), wish)


def remove_role_account(stores: Stores, account: AccountId, role_id: RoleAccountId) -> None:
    """Its password or key goes with it. Raises NotFoundError("role_account_unknown"), ConcurrentChangeError."""
    role = find_role_account(stores, account, role_id)
    stores.role_accounts.delete(role)
    stores.credentials.delete(account, role_mailbox(role.id))
    cancel_watch(stores, role)


def find_role_account(stores: Stores, account: AccountId, role_id: RoleAccountId) -> RoleAccount:
    """Raises NotFoundError("role_account_unknown") for unknown and foreign ids alike."""
    role = stores.role_accounts.get(account, role_id)
    if role is None:
        raise NotFoundError("role_account_unknown")
    return role


def stored_key(stores: Stores, role: RoleAccount) -> dict[str, str]:
    """password, or secret, or private_key; empty when nothing is stored."""
    stored = stores.credentials.load(role.account, role_mailbox(role.id))
    return dict(json.loads(stored[0])) if stored else {}


def _kept(ports: JourneyPorts, role: RoleAccount, wish: RoleWish) -> RoleAccount:
    """Sealed first, so that a role account never stands there with the key of what it was before."""
    before = stored_key(ports.stores, role) if role.version else {}
    changed, key = _changed(ports, role, wish, before)
    if key != before:
        _seal(ports.stores, role, key)
        changed = replace(changed, code="")
    if key != before or replace(changed, title=role.title, expires_at=role.expires_at) != role:
        changed = replace(changed, passed_at=None)
    saved = ports.stores.role_accounts.save(changed)
    schedule_watch(ports.stores, ports.clock, saved)
    return saved


def _changed(
    ports: JourneyPorts, role: RoleAccount, wish: RoleWish, before: dict[str, str]
) -> tuple[RoleAccount, dict[str, str]]:
    title = " ".join("".join(char for char in wish.title if char.isprintable()).split())[:80]
    if not title:
        raise InputError("name_missing", field="title")
    domains = _domains(ports.stores, role, wish.mail_domains)
    named = replace(role, title=title, mail_domains=domains)
    if role.kind is ProviderKind.EXCHANGE:
        return _exchange(ports.stores, named, wish, before)
    return _office365(ports, named, wish, before)


def _exchange(
    stores: Stores, role: RoleAccount, wish: RoleWish, before: dict[str, str]
) -> tuple[RoleAccount, dict[str, str]]:
    server = ServerId(wish.server)
    if stores.servers.get(role.account, server) is None:
        raise InputError("server_not_chosen", field="server")
    try:
        access = RoleAccess(wish.access)
    except ValueError:
        raise InputError("access_unknown", field="access") from None
    address = _address(wish.address, "address")
    acts_for = _address(wish.acts_for, "acts_for") if access is RoleAccess.IMPERSONATION else ""
    if not (wish.password or before) or len(wish.password) > LONGEST_SECRET:
        raise InputError("password_missing", field="password")
    login = wish.login.strip()[:254] or address
    if server != role.server and not wish.password:
        raise InputError("password_missing", field="password")  # it was given for another server and goes to no other
    changed = replace(role, server=server, address=address, login=login, access=access, acts_for=acts_for)
    return changed, {"password": wish.password} if wish.password else before


def _office365(
    ports: JourneyPorts, role: RoleAccount, wish: RoleWish, before: dict[str, str]
) -> tuple[RoleAccount, dict[str, str]]:
    directory = ports.role_accounts.directory_of(wish.token_endpoint)
    client_id = wish.client_id.strip().casefold()
    if not _CLIENT_ID.fullmatch(client_id):
        raise InputError("client_id_invalid", field="client_id")
    acts_for = _address(wish.acts_for, "acts_for")
    try:
        key = AppKey(wish.key)
    except ValueError:
        raise InputError("app_secret_missing", field="key") from None
    changed = replace(role, directory=directory, client_id=client_id, acts_for=acts_for, key=key)
    if key is AppKey.SECRET:
        secret = wish.secret.strip()
        kept = {"secret": secret} if secret else before if "secret" in before else {}
        if not kept or len(secret) > LONGEST_SECRET:
            raise InputError("app_secret_missing", field="secret")
        return replace(changed, certificate="", expires_at=_expiry(wish.expires_on)), kept
    certificate, private_key = _pem(wish.certificate), _pem(wish.private_key)
    if not (certificate or private_key) and "private_key" in before and role.key is key:
        return changed, before
    ends_at = ports.role_accounts.certificate_end(certificate, private_key)
    return replace(changed, certificate=certificate, expires_at=ends_at), {"private_key": private_key}


def _seal(stores: Stores, role: RoleAccount, key: dict[str, str]) -> None:
    mailbox, plain = role_mailbox(role.id), json.dumps(key).encode()
    for _ in range(5):
        stored = stores.credentials.load(role.account, mailbox)
        try:
            stores.credentials.save(role.account, mailbox, plain, stored[1] if stored else 0)
        except ConcurrentChangeError:
            continue
        return
    raise ConcurrentChangeError(role_account=role.id)


def _kind(text: str) -> ProviderKind:
    if text not in {ProviderKind.EXCHANGE.value, ProviderKind.OFFICE365.value}:
        raise InputError("role_kind_unknown", field="kind")
    return ProviderKind(text)


def _domains(stores: Stores, role: RoleAccount, text: str) -> tuple[str, ...]:
    words = re.split(r"[\s,;]+", text.casefold().replace("@", " ").strip())
    domains = tuple(dict.fromkeys(word for word in words if word))
    if not domains:
        raise InputError("mail_domain_missing", field="mail_domains")
    if len(domains) > MAX_DOMAINS or not all(map(is_domain, domains)):
        raise InputError("mail_domain_invalid", field="mail_domains")
    others = [one for one in stores.role_accounts.of_account(role.account) if one.id != role.id]
    if any(set(domains) & set(one.mail_domains) for one in others):
        raise InputError("mail_domain_taken", field="mail_domains")
    return domains


def _address(text: str, field_name: str) -> str:
    address = text.strip()
    if not is_address(address):
        raise InputError("address_invalid", field=field_name)
    return address


def _pem(text: str) -> str:
    """Whether it is one the adapter says."""
    pem = text.replace("\r\n", "\n").strip()
    if len(pem) > LONGEST_KEY:
        raise InputError("certificate_unreadable", field="certificate")
    return f"{pem}\n" if pem else ""


def _expiry(text: str) -> datetime:
    """The day that Microsoft shows beside the secret; it counts from that day's beginning, UTC."""
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise InputError("expiry_unreadable", field="expires_on") from None
