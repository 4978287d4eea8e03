"""Opens a mailbox at the provider that it lives at, and never tries a refused password a second time.

Exchange locks an account after a few wrong passwords. So the first refusal of a sealed password is noted on the
connection (for a service account on its server), and from then on nothing is asked until a person has given a new one.
Microsoft 365 has no such lock and keeps its own path; there this file only forwards.
"""

from collections.abc import Callable
from typing import Any, cast

from calsync_core.domain.connections import MOVED, Connection, ProviderKind
from calsync_core.domain.errors import ConcurrentChangeError, ConnectionBrokenError, ConsentRevokedError, InputError
from calsync_core.domain.ids import AccountId, MailboxId, ServerId
from calsync_core.domain.servers import KnownServer, service_mailbox
from calsync_core.domain.values import replace, value
from calsync_core.ports.calendar import CalendarProvider
from calsync_core.ports.exchange import Auth, ExchangeLogin, ExchangeServer
from calsync_core.ports.outward import Clock
from calsync_core.ports.signin import CalendarAccess
from calsync_core.ports.stores import Stores

SERVICE_REFUSED = "service_refused"


def _as_it_is(_login: ExchangeLogin, error: ConnectionBrokenError) -> ConnectionBrokenError:
    """Nobody to ask why a mailbox is lost."""
    return error


@value(frozen=True, slots=True)
class MailboxOpener:
    """ports.signin.CalendarAccess over both kinds. `exchange` is asked for when the first such mailbox is opened; it
    takes its sign-ins from `logins`, so that it never sees what has to be put together here. `explain` knows more about
    a lost mailbox (follow_mailbox.explain_loss).
    """

    stores: Stores
    clock: Clock
    office365: CalendarAccess
    exchange: Callable[[], CalendarAccess]
    logins: "OpenedLogins"
    explain: Callable[[ExchangeLogin, ConnectionBrokenError], ConnectionBrokenError] = _as_it_is

    def of_grant(self, account: AccountId, cache: bytes) -> CalendarProvider:
        login = _exchange_login(cache)
        if login is None:
            return self.office365.of_grant(account, cache)
        return self.exchange().of_grant(account, cache)

    def of_mailbox(self, account: AccountId, mailbox: MailboxId) -> CalendarProvider:
        """Nothing is read until a method of the provider is called."""
        return cast("CalendarProvider", _Mailbox(lambda: self._open(account, mailbox)))

    def _open(self, account: AccountId, mailbox: MailboxId) -> "tuple[CalendarProvider, _Refused]":
        # Where a mailbox lives never changes, so a read that lags may say it; what else stands on it may not be old.
        known = self.stores.connections.get(account, mailbox, may_lag=True)
        if known is not None and known.identity.provider is ProviderKind.OFFICE365:
            return self.office365.of_mailbox(account, mailbox), _nobody_notes
        connection = self.stores.connections.get(account, mailbox)
        if connection is None or connection.identity.provider is not ProviderKind.EXCHANGE:
            return self.office365.of_mailbox(account, mailbox), _nobody_notes
        opened = open_login(self.stores, connection)
        self.logins.put(account, mailbox, opened)
        provider = self.exchange().of_mailbox(account, mailbox)

        def note(error: ConnectionBrokenError) -> ConnectionBrokenError:
            lost = self.explain(opened.login, error)
            if not isinstance(lost, ConsentRevokedError):
                return lost
            if lost.code == MOVED:
                note_on_connection(self.stores, self.clock, connection, lost)
                return lost
            return note_refusal(self.stores, self.clock, connection, opened.row, lost)

        return provider, note


class OpenedLogins:
    """The complete sign-ins of the mailboxes that this process has opened; a CredentialStore for the Exchange adapter.

    Nothing is written through it: what the adapter would note about a refusal is noted on the connection.
    """

    def __init__(self) -> None:
        self._logins: dict[tuple[AccountId, MailboxId], tuple[bytes, int]] = {}

    def put(self, account: AccountId, mailbox: MailboxId, opened: "Opened") -> None:
        for other in [key for key in self._logins if key[0] != account]:
            del self._logins[other]  # a warm function does not keep the passwords of another customer
        self._logins[account, mailbox] = opened.login.encode(), opened.row

    def load(self, account: AccountId, mailbox: MailboxId) -> tuple[bytes, int] | None:
        return self._logins.get((account, mailbox))

    def save(self, account: AccountId, mailbox: MailboxId, plain: bytes, expected: int) -> int:  # noqa: ARG002
        return expected

    def delete(self, account: AccountId, mailbox: MailboxId) -> None:
        self._logins.pop((account, mailbox), None)


_Refused = Callable[[ConnectionBrokenError], ConnectionBrokenError]


def _nobody_notes(error: ConnectionBrokenError) -> ConnectionBrokenError:
    """Microsoft's refusals are remembered by the run's state alone."""
    return error


class _Mailbox:
    """A provider that is opened at its first call; what refuses the sign-in is noted and then said again, not asked."""

    def __init__(self, open_: "Callable[[], tuple[CalendarProvider, _Refused]]") -> None:
        self._open = open_
        self._opened: tuple[CalendarProvider, _Refused] | None = None
        self._refusal: ConsentRevokedError | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*given: Any, **named: Any) -> Any:
            if self._refusal is not None:
                raise self._refusal
            if self._opened is None:
                self._opened = self._open()
            provider, refused = self._opened
            try:
                return getattr(provider, name)(*given, **named)
            except ConnectionBrokenError as error:
                if refused is _nobody_notes:
                    raise
                lost = refused(error)
                if isinstance(lost, ConsentRevokedError):
                    self._refusal = lost
                raise lost from None

        return call


@value(frozen=True, slots=True)
class Opened:
    """`row` is the version of the credentials that `login` was read from."""

    login: ExchangeLogin
    row: int


def open_login(stores: Stores, connection: Connection) -> Opened:
    """The sign-in of an Exchange mailbox, complete, with what its server is known to be now.

    Raises ConsentRevokedError, without asking anybody, for one that was refused before.
    """
    if connection.is_broken:
        raise ConsentRevokedError(connection.broken_code, mailbox=connection.id)
    stored = stores.credentials.load(connection.account, connection.id)
    if stored is None:
        raise ConsentRevokedError("auth_missing", mailbox=connection.id)
    login, row = ExchangeLogin.decode(stored[0]), stored[1]
    server = stores.servers.get(connection.account, ServerId(connection.server)) if connection.server else None
    if server is None:
        return Opened(login, row)
    login = replace(login, server=with_known(login.server, server))
    if connection.access == "own":
        return Opened(login, row)
    service, row = service_login(stores, server)
    return Opened(replace(service, access=login.access, mailbox=login.target, server=login.server), row)


def service_login(stores: Stores, server: KnownServer) -> tuple[ExchangeLogin, int]:
    """The service account of a server with its password and the version of that row; its own mailbox is meant.

    Raises ConsentRevokedError for one that the server refused, InputError("service_missing").
    """
    if server.service is None or not server.is_found:
        raise InputError("service_missing", server=server.id)
    if server.service_code:
        raise ConsentRevokedError(server.service_code, server=server.id)
    stored = stores.credentials.load(server.account, service_mailbox(server.id))
    if stored is None:
        raise InputError("service_missing", server=server.id)
    service = server.service
    return ExchangeLogin(exchange_server(server), service.address, service.login, stored[0].decode()), stored[1]


def exchange_server(server: KnownServer) -> ExchangeServer:
    """What the adapter needs of a server that was found."""
    return ExchangeServer(
        server.url,
        server.api_version,
        server.build,
        cast("Auth", server.auth),
        server.ca_pem,
        server.is_2007,
        server.time_zone,
    )


def with_known(found: ExchangeServer, server: KnownServer) -> ExchangeServer:
    """The admin's own authority, protocol and zone hold for everybody who signed in there; the address never moves."""
    return replace(found, ca_pem=server.ca_pem, is_2007=server.is_2007, time_zone=server.time_zone)


def note_refusal(
    stores: Stores, clock: Clock, connection: Connection, row: int, error: ConsentRevokedError
) -> ConsentRevokedError:
    """From now on nobody asks with this password; one that was replaced meanwhile is left alone.

    Gives the error to raise.
    """
    if connection.access != "own" and connection.server:
        note_service_refusal(stores, connection.account, ServerId(connection.server), row)
        return ConsentRevokedError(SERVICE_REFUSED, server=connection.server)
    _note_on_connection(stores, clock, connection, row, error)
    return error


def _note_on_connection(
    stores: Stores, clock: Clock, connection: Connection, row: int, error: ConsentRevokedError
) -> None:
    stored = stores.credentials.load(connection.account, connection.id)
    if stored is None or stored[1] != row:
        return
    note_on_connection(stores, clock, connection, error)


def note_on_connection(stores: Stores, clock: Clock, connection: Connection, error: ConsentRevokedError) -> None:
    """Whatever the password: this mailbox is not asked any more until a person has acted."""
    for _ in range(5):
        present = stores.connections.get(connection.account, connection.id)
        if present is None or present.is_broken:
            return
        broken = replace(present, is_broken=True, broken_code=error.code, broken_since_at=clock.now())
        try:
            stores.connections.save(broken)
        except ConcurrentChangeError:
            continue
        return
    raise ConcurrentChangeError(mailbox=connection.id)


def note_service_refusal(stores: Stores, account: AccountId, server: ServerId, row: int) -> None:
    """As above for a service account: all its mailboxes stop at once, before its account is locked."""
    stored = stores.credentials.load(account, service_mailbox(server))
    if stored is None or stored[1] != row:
        return
    for _ in range(5):
        present = stores.servers.get(account, server)
        if present is None or present.service_code:
            return
        try:
            stores.servers.save(replace(present, service_code=SERVICE_REFUSED))
        except ConcurrentChangeError:
            continue
        return
    raise ConcurrentChangeError(server=server)


def _exchange_login(cache: bytes) -> ExchangeLogin | None:
    try:
        return ExchangeLogin.decode(cache)
    except ConsentRevokedError:
        return None
