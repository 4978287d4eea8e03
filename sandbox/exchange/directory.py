"""Exchange servers and the accounts on them: facts that tests turn, and who locked himself out.

Accounts belong to persons of people.py (one each); the password is the person's. What does NOT belong here: how
somebody signs in (sign_in.py), what requests mean.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sandbox.exchange.notifications.subscription import NotificationState
from sandbox.exchange.versions import BUILDS, Build, Release

AuthMethod = Literal["Negotiate", "NTLM", "Basic"]
Location = Literal["on_prem", "moved"]
FreeBusyRight = Literal["none", "time", "subject", "details"]
"""What everybody may see: nothing, FreeBusy, Detailed without private items, and the same with "Reviewer"."""

DEFAULT_SERVER = "exchange"


@dataclass
class Limits:
    """Throttling policy and sizes, by default those of a fresh installation."""

    max_concurrency: int = 27
    max_subscriptions: int = 5000
    find_count: int = 1000
    availability_days: int | None = None
    """None: what the release has (42, since 2013 62)."""
    availability_mailboxes: int = 100
    requests_per_minute: int | None = None
    """Per login; beyond it ErrorServerBusy with BackOffMilliseconds. None: no such limit."""
    is_enforced: bool = True


@dataclass
class ExchangeServer:
    """One organisation's Exchange. `lockout_minutes` and `lockout_window_minutes` as in the domain's policy."""

    name: str
    release: Release = "SE"
    netbios_domain: str = "CORP"
    dns_domain: str = "corp.example"
    computer: str = "EX01"
    hosts: list[str] = field(default_factory=list)
    """Host names that mean this server on the shared port; its own port means it anyway."""
    ews_auth: list[AuthMethod] = field(default_factory=lambda: ["Negotiate", "NTLM", "Basic"])
    autodiscover_auth: list[AuthMethod] = field(default_factory=lambda: ["Negotiate", "NTLM", "Basic"])
    extended_protection: Literal["none", "allow", "require"] = "allow"
    lockout_threshold: int = 10
    """Wrong passwords until an account is locked; 0: never."""
    lockout_minutes: float = 30
    lockout_window_minutes: float = 30
    is_401_loop: bool = False
    """Every sign-in is refused, as behind a middle box that breaks it."""
    is_ews_on: bool = True
    allowed_user_agents: list[str] = field(default_factory=list)
    """EwsAllowList with * in it; empty: everybody. Others get 403."""
    is_autodiscover_on: bool = True
    has_soap_autodiscover: bool = True
    autodiscover_redirect: str = ""
    """A URL: Autodiscover answers every request with 302 to it, before any sign-in."""
    has_external_url: bool = True
    """False: nobody has set the ExternalUrl of the EWS directory, and Autodiscover does not tell it."""
    limits: Limits = field(default_factory=Limits)
    has_own_port: bool = False
    """Only on a port of its own can a server show another certificate than the shared one."""
    port: int = 0
    """The number of its own port, drawn when it is opened."""
    certificate: Literal["good", "wrong_name", "expired", "unknown_authority"] = "good"

    sees_cloud: bool = False
    """In a hybrid: free/busy of mailboxes that moved to the cloud is answered, too."""

    @property
    def availability_days(self) -> int:
        """The longest time that one free/busy request may ask for."""
        wanted = self.limits.availability_days
        return wanted if wanted is not None else 62 if self.build.major >= 15 else 42

    @property
    def build(self) -> Build:
        """What it tells of itself."""
        return BUILDS[self.release]


@dataclass
class ExchangeAccount:
    """One person on a server. `login` is the sAMAccountName, `upn` the user principal name."""

    person_id: str
    server: str
    login: str
    upn: str
    location: Location = "on_prem"
    is_ews_enabled: bool = True
    is_disabled: bool = False
    is_password_expired: bool = False
    may_impersonate: list[str] = field(default_factory=list)
    """Addresses, or "*"."""
    free_busy_for_others: FreeBusyRight = "time"
    is_org_wide: bool = False
    """The organisation's role account: sees everybody's details (Set-AvailabilityConfig -OrgWideAccount)."""
    wrong_passwords: list[datetime] = field(default_factory=list)
    locked_until: datetime | None = None
    cloud_address: str = ""
    """Where Autodiscover sends a mailbox that moved: its address at the tenant."""


@dataclass
class ExchangeState:
    """All servers and accounts; kept over a restart."""

    servers: dict[str, ExchangeServer] = field(default_factory=dict)
    accounts: dict[str, ExchangeAccount] = field(default_factory=dict)
    """By person id."""
    notifications: NotificationState = field(default_factory=NotificationState)

    def __post_init__(self) -> None:
        self.servers.setdefault(DEFAULT_SERVER, ExchangeServer(DEFAULT_SERVER))

    def server(self, name: str) -> ExchangeServer:
        """Raises KeyError for a server that does not exist."""
        return self.servers[name]

    def server_at(self, host: str, port: int | None) -> ExchangeServer:
        """The server meant by a Host header: its own port, else its host name, else the default one."""
        for server in self.servers.values():
            if server.has_own_port and server.port == port:
                return server
        for server in self.servers.values():
            if host.lower() in server.hosts:
                return server
        return self.servers[DEFAULT_SERVER]

    def accounts_on(self, server: ExchangeServer) -> list[ExchangeAccount]:
        """All accounts of a server's domain."""
        return [a for a in self.accounts.values() if a.server == server.name]

    def account_named(self, server: ExchangeServer, domain: str, user: str) -> ExchangeAccount | None:
        """The account that a sign-in name means: DOMAIN\\login, login, or the user principal name in any case."""
        wanted, where = user.casefold(), domain.casefold()
        for account in self.accounts_on(server):
            if wanted == account.upn.casefold() and where in ("", _after_at(account.upn)):
                return account
            in_domain = where in ("", server.netbios_domain.casefold(), server.dns_domain.casefold())
            if wanted == account.login.casefold() and in_domain:
                return account
            if wanted == f"{account.login}@{server.dns_domain}".casefold() and where == "":
                return account
        return None


def _after_at(name: str) -> str:
    return name.rpartition("@")[2].casefold()
