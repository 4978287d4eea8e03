"""Exchange servers in memory: a directory of servers and mailboxes that the journey's tests sign in to.

It counts every password that reaches a server, so that tests can prove what was never sent, and locks a mailbox after
too many wrong ones, as Active Directory does. Entries stand in a MemoryMailboxServer per mailbox.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from calsync_core.adapters.memory.exchange_calendar import MemoryExchangeCalendarProvider
from calsync_core.adapters.memory.exchange_mailbox import MemoryExchangeMailboxServer
from calsync_core.domain.connections import MailboxIdentity, ProviderKind
from calsync_core.domain.errors import (
    CalsyncError,
    ConnectionBrokenError,
    ConsentRevokedError,
    InputError,
    MailboxUnusableError,
    PermissionMissingError,
    ProviderUnavailableError,
    SignInRefusedError,
)
from calsync_core.domain.ids import AccountId, MailboxId
from calsync_core.ports.calendar import Account
from calsync_core.ports.exchange import (
    NO_HINT,
    Auth,
    ExchangeLogin,
    ExchangeServer,
    ServerHint,
    StepName,
    StepResult,
    TestStep,
    Trial,
)
from calsync_core.ports.signin import SignedIn
from calsync_core.ports.stores import CredentialStore

MICROSOFT_365 = frozenset({"outlook.office365.com", "outlook.office.com"})


@dataclass
class MemoryExchangeMailbox:
    """One mailbox. `delegates` may open it with their own login, `impersonators` act as its owner."""

    address: str
    login: str
    password: str
    display_name: str = "Person"
    entries: MemoryExchangeMailboxServer = field(default_factory=MemoryExchangeMailboxServer)
    delegates: set[str] = field(default_factory=set)
    impersonators: set[str] = field(default_factory=set)
    is_locked: bool = False
    wrong_passwords: int = 0
    may_write: bool = True


@dataclass
class MemoryExchangeServer:
    """One server. `refusal` is what every call runs into before a password is looked at."""

    host: str
    auth: Auth = "ntlm"
    build: str = "15.2.1544.4"
    api_version: str = "Exchange2016"
    ca_pem: str | None = None
    locks_after: int = 5
    refusal: CalsyncError | None = None
    mailboxes: dict[str, MemoryExchangeMailbox] = field(default_factory=dict)
    passwords_seen: list[tuple[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://{self.host}/EWS/Exchange.asmx"

    def add(self, address: str, password: str, login: str = "") -> MemoryExchangeMailbox:
        mailbox = MemoryExchangeMailbox(address.lower(), login or address, password)
        self.mailboxes[address.lower()] = mailbox
        return mailbox

    def authenticate(self, login: str, password: str) -> MemoryExchangeMailbox:
        """The mailbox of a login. Raises SignInRefusedError("password_wrong")."""
        if self.refusal is not None:
            raise self.refusal
        self.passwords_seen.append((login, password))
        for one in self.mailboxes.values():
            if login.lower() not in {one.login.lower(), one.address}:
                continue
            if one.is_locked or one.password != password:
                one.wrong_passwords += 1
                one.is_locked = one.is_locked or one.wrong_passwords >= self.locks_after
                break
            one.wrong_passwords = 0
            return one
        raise SignInRefusedError("password_wrong")


class MemoryExchange:
    """ExchangeSignIn over servers in memory. `autodiscover` maps a mail domain to a host name."""

    def __init__(self) -> None:
        self.servers: dict[str, MemoryExchangeServer] = {}
        self.autodiscover: dict[str, str] = {}
        self.examined: list[Trial] = []

    def add_server(self, host: str = "mail.clinic.example", *, domain: str = "") -> MemoryExchangeServer:
        server = self.servers[host] = MemoryExchangeServer(host)
        if domain:
            self.autodiscover[domain] = host
        return server

    # -- ExchangeSignIn -----------------------------------------------------------------------------------------

    def has_moved(self, login: ExchangeLogin) -> bool:
        return self.autodiscover.get(login.target.rpartition("@")[2].lower(), "") in MICROSOFT_365

    def find(self, address: str, login: str, password: str, hint: ServerHint = NO_HINT) -> ExchangeServer:
        host = _host_of(hint.server) if hint.server else self.autodiscover.get(address.rpartition("@")[2].lower(), "")
        if host in MICROSOFT_365:
            raise SignInRefusedError("microsoft365")
        if not host or host not in self.servers:
            raise ConnectionBrokenError("server_not_found")
        server = self.servers[host]
        if server.ca_pem != hint.ca_pem:
            raise ConnectionBrokenError("certificate_untrusted")
        server.authenticate(login, password)
        return ExchangeServer(
            server.url, server.api_version, server.build, server.auth, hint.ca_pem, hint.is_2007, hint.time_zone
        )

    def sign_in(self, login: ExchangeLogin) -> SignedIn:
        mailbox = self.mailbox(login)
        identity = MailboxIdentity(ProviderKind.EXCHANGE, _host_of(login.server.url), mailbox.address)
        return SignedIn(identity, mailbox.address, mailbox.display_name, login.encode(), (mailbox.address,))

    def examine(self, trial: Trial) -> Iterator[TestStep]:
        """As the real one: every step once and in order; what follows a failure was not tried."""
        self.examined.append(trial)
        failed = False
        for name, act in self._steps(trial):
            if failed or act is None:
                yield TestStep(name, StepResult.NOT_TRIED)
                continue
            try:
                yield TestStep(name, StepResult.OK, act())
            except CalsyncError as error:
                failed = True
                yield TestStep(name, StepResult.FAILED, code=error.code)

    def _steps(self, trial: Trial) -> list[tuple[StepName, Callable[[], str] | None]]:
        def server() -> MemoryExchangeServer:
            found = self.find(trial.address, trial.login, trial.password, trial.hint)
            return self.servers[_host_of(found.url)]

        def mailbox() -> MemoryExchangeMailbox:
            at = ExchangeServer(server().url, server().api_version)
            login = ExchangeLogin(at, trial.address, trial.login, trial.password, trial.access, trial.mailbox)
            return self.mailbox(login)

        def write() -> str:
            if not mailbox().may_write:
                raise PermissionMissingError
            return ""

        return [
            (StepName.NAME_FOUND, lambda: "203.0.113.20" if server() else ""),
            (StepName.SECURE_CONNECTION, lambda: "TLS 1.3"),
            (StepName.WEB_SERVICES, lambda: server().build),
            (StepName.SIGN_IN_SCHEMES, lambda: server().auth),
            (StepName.SIGNED_IN, lambda: mailbox().login),
            (StepName.MAILBOX, lambda: mailbox().address),
            (StepName.READ_CALENDAR, lambda: str(len(mailbox().entries.items))),
            (StepName.WRITE_ENTRY, write),
            (StepName.DELETE_ENTRY, write),
            (StepName.CHANGE_MESSAGES, (lambda: "") if trial.push_url else None),
            (StepName.FREE_BUSY, lambda: ""),
        ]

    # -- for CalendarAccess -------------------------------------------------------------------------------------

    def mailbox(self, login: ExchangeLogin) -> MemoryExchangeMailbox:
        """The mailbox that a login opens. Raises what `sign_in` raises."""
        server = self.servers.get(_host_of(login.server.url))
        if server is None:
            raise ProviderUnavailableError
        who = server.authenticate(login.login, login.password)
        target = server.mailboxes.get(login.target.lower())
        if target is None:
            raise MailboxUnusableError("mailbox_missing")
        allowed = {
            "own": target is who,
            "delegate": who.address in target.delegates,
            "impersonation": who.address in target.impersonators,
        }
        if not allowed[login.access]:
            raise PermissionMissingError
        return target


class MemoryExchangeAccess:
    """ports.signin.CalendarAccess for mailboxes of MemoryExchange."""

    def __init__(self, exchange: MemoryExchange, credentials: CredentialStore) -> None:
        self._exchange = exchange
        self._credentials = credentials

    def of_grant(self, account: AccountId, cache: bytes) -> "MemoryExchangeCalendar":  # noqa: ARG002 - the port's shape
        return MemoryExchangeCalendar(self._exchange, ExchangeLogin.decode(cache))

    def of_mailbox(self, account: AccountId, mailbox: MailboxId) -> "MemoryExchangeCalendar":
        stored = self._credentials.load(account, mailbox)
        if stored is None:
            raise ConsentRevokedError("auth_missing")
        return MemoryExchangeCalendar(self._exchange, ExchangeLogin.decode(stored[0]))


class MemoryExchangeCalendar(MemoryExchangeCalendarProvider):
    """A mailbox opened by a login; a password that no longer fits is noticed at the first call."""

    def __init__(self, exchange: MemoryExchange, login: ExchangeLogin) -> None:
        self._exchange = exchange
        self._login = login
        host = exchange.servers[_host_of(login.server.url)]
        super().__init__(host.mailboxes[login.target.lower()].entries, self._sign_in)

    def account(self) -> Account:
        shown = super().account()
        mailbox = self._exchange.mailbox(self._login)
        identity = MailboxIdentity(ProviderKind.EXCHANGE, _host_of(self._login.server.url), mailbox.address)
        return Account(identity, mailbox.address, mailbox.display_name, shown.time_zone)

    def _sign_in(self, operation: str, phase: str) -> None:  # noqa: ARG002 - the fault's shape
        if phase != "before":
            return
        try:
            self._exchange.mailbox(self._login)
        except SignInRefusedError:
            raise ConsentRevokedError("password_wrong") from None


def _host_of(server: str) -> str:
    """The host of a name or URL. Raises InputError("server_address")."""
    host = urlsplit(server if "//" in server else f"//{server}").hostname
    if not host or " " in host:
        raise InputError("server_address", field="server")
    return host.lower()
