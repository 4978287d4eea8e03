"""The account's Exchange servers: enter, change, remove; their service accounts. Pages are web/console/servers.py.

A server that somebody uses keeps its host: the sealed passwords of people were given for that one and go nowhere else.
"""

import re
from dataclasses import field

from calsync_core.domain.connections import Connection, ProviderKind
from calsync_core.domain.errors import ConcurrentChangeError, InputError, NotFoundError
from calsync_core.domain.ids import AccountId, ServerId
from calsync_core.domain.role_accounts import RoleAccount
from calsync_core.domain.servers import KnownServer, ServiceAccess, ServiceLogin, service_mailbox
from calsync_core.domain.values import replace, value
from calsync_core.domain.zones import iana_name
from calsync_core.ports.exchange import ExchangeServer
from calsync_core.ports.outward import Clock, Ids
from calsync_core.ports.servers import ServerStore
from calsync_core.ports.stores import Stores

MAX_SERVERS = 20
LONGEST_PEM = 64 * 1024
_ADDRESS = re.compile(r"(?:https://)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]{0,252}(?::\d{1,5})?)(?:/[^\s?#@]*)?")
_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_PEM = re.compile(r"(-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+")


@value(frozen=True, slots=True)
class ServerWish:
    """As the form says it: one text each. `ca_pem` empty: the public authorities."""

    title: str
    address: str
    mail_domains: str = ""
    ca_pem: str = ""
    is_2007: bool = False
    time_zone: str = ""


def add_server(stores: Stores, ids: Ids, account: AccountId, wish: ServerWish) -> KnownServer:
    """Raises InputError: name_missing, server_address, mail_domain_invalid, certificate_unreadable, time_zone_unknown,
    too_many_servers.
    """
    if len(stores.servers.of_account(account)) >= MAX_SERVERS:
        raise InputError("too_many_servers", field="title")
    blank = KnownServer(ServerId(ids.short()), account, "", "")
    return stores.servers.save(_changed(blank, wish))


def change_server(stores: Stores, account: AccountId, server_id: ServerId, wish: ServerWish) -> KnownServer:
    """What depends on the address is forgotten with it. Raises as `add_server`, NotFoundError("server_unknown"),
    InputError("server_in_use") for another host while anybody signs in there, ConcurrentChangeError.
    """
    server = find_known_server(stores, account, server_id)
    changed = _changed(server, wish)
    if host_of(changed.address) != host_of(server.address) and (
        connections_of(stores, server) or role_accounts_at(stores, server) or server.service is not None
    ):
        raise InputError("server_in_use", field="address")
    if changed.address != server.address:
        changed = replace(changed, url="", api_version="", build="", auth="", schemes="", tested_at=None)
    return stores.servers.save(changed)


def remove_server(stores: Stores, account: AccountId, server_id: ServerId) -> None:
    """Raises NotFoundError("server_unknown"), InputError("server_in_use") while a mailbox is connected through it
    or a role account asks it.
    """
    server = find_known_server(stores, account, server_id)
    if connections_of(stores, server) or role_accounts_at(stores, server):
        raise InputError("server_in_use", server=server_id)
    stores.servers.delete(server)
    stores.credentials.delete(account, service_mailbox(server_id))


def find_known_server(stores: Stores, account: AccountId, server_id: ServerId) -> KnownServer:
    """Raises NotFoundError("server_unknown") for unknown and foreign ids alike."""
    server = stores.servers.get(account, server_id)
    if server is None:
        raise NotFoundError("server_unknown")
    return server


def connections_of(stores: Stores, server: KnownServer) -> list[Connection]:
    """Who signs in there."""
    return [
        one
        for one in stores.connections.of_account(server.account)
        if one.identity.provider is ProviderKind.EXCHANGE and one.server == server.id
    ]


def role_accounts_at(stores: Stores, server: KnownServer) -> list[RoleAccount]:
    """Which role accounts ask it: their passwords were given for this one, too."""
    return [one for one in stores.role_accounts.of_account(server.account) if one.server == server.id]


def note_found(servers: ServerStore, clock: Clock, server: KnownServer, found: ExchangeServer) -> KnownServer:
    """What a sign-in has shown is not guessed again. Losing a race is harmless: the next sign-in notes it."""
    noted = replace(
        server,
        url=found.url,
        api_version=found.api_version,
        build=found.build,
        auth=found.auth,
        tested_at=clock.now(),
        test_code="",
    )
    try:
        return servers.save(noted)
    except ConcurrentChangeError:
        return server


@value(frozen=True, slots=True)
class ServiceWish:
    """The one account through which resources without a password of their own are reached."""

    address: str
    login: str
    password: str = field(repr=False)
    access: ServiceAccess = ServiceAccess.DELEGATE


def keep_service(stores: Stores, server: KnownServer, wish: ServiceWish) -> KnownServer:
    """Seal the password and let its mailboxes go on; the caller has tried it before. Raises ConcurrentChangeError."""
    mailbox = service_mailbox(server.id)
    for _ in range(5):
        stored = stores.credentials.load(server.account, mailbox)
        try:
            stores.credentials.save(server.account, mailbox, wish.password.encode(), stored[1] if stored else 0)
            break
        except ConcurrentChangeError:
            continue
    else:
        raise ConcurrentChangeError(server=server.id)
    present = find_known_server(stores, server.account, server.id)
    service = ServiceLogin(wish.address, wish.login or wish.address, wish.access)
    return stores.servers.save(replace(present, service=service, service_code=""))


def forget_service(stores: Stores, server: KnownServer) -> KnownServer:
    """Raises InputError("server_in_use") while a mailbox is reached through it."""
    if any(one.access != "own" for one in connections_of(stores, server)):
        raise InputError("server_in_use", server=server.id)
    saved = stores.servers.save(replace(server, service=None, service_code=""))
    stores.credentials.delete(server.account, service_mailbox(server.id))
    return saved


def _changed(server: KnownServer, wish: ServerWish) -> KnownServer:
    title = " ".join("".join(char for char in wish.title if char.isprintable()).split())[:80]
    if not title:
        raise InputError("name_missing", field="title")
    zone = wish.time_zone.strip()
    if zone and iana_name(zone) is None:
        raise InputError("time_zone_unknown", field="time_zone")
    return replace(
        server,
        title=title,
        address=_address(wish.address),
        mail_domains=_domains(wish.mail_domains),
        ca_pem=_pem(wish.ca_pem),
        is_2007=wish.is_2007,
        time_zone=zone or None,
    )


def _address(text: str) -> str:
    """A host name or an https address; whether it leads to a forbidden network the adapter says when it connects."""
    address = text.strip().rstrip("/")
    if len(address) > 500 or not _ADDRESS.fullmatch(address):
        raise InputError("server_address", field="address")
    return address


def host_of(address: str) -> str:
    """With its port, if one is named; "" for none."""
    found = _ADDRESS.fullmatch(address)
    return found["host"].casefold() if found else ""


def _domains(text: str) -> tuple[str, ...]:
    domains = tuple(dict.fromkeys(re.split(r"[\s,;]+", text.casefold().replace("@", " ").strip())))
    found = tuple(one for one in domains if one)
    if len(found) > 50 or any(not _DOMAIN.fullmatch(one) for one in found):
        raise InputError("mail_domain_invalid", field="mail_domains")
    return found


def _pem(text: str) -> str | None:
    pem = text.replace("\r\n", "\n").strip()
    if not pem:
        return None
    if len(pem) > LONGEST_PEM or not _PEM.fullmatch(pem):
        raise InputError("certificate_unreadable", field="ca_pem")
    return pem + "\n"
