"""An Exchange server as the admin entered it and as the last passed test found it; no password stands here."""

from datetime import datetime
from enum import StrEnum

from calsync_core.domain.ids import AccountId, MailboxId, ServerId
from calsync_core.domain.values import value


class ServiceAccess(StrEnum):
    """How one service account reaches the mailboxes of a server."""

    DELEGATE = "delegate"  # the right "Editor" on each calendar
    IMPERSONATION = "impersonation"  # the role ApplicationImpersonation


@value(frozen=True, slots=True)
class ServiceLogin:
    """The one account through which resources without a password of their own are reached.

    Its password is sealed like a mailbox's, under `service_mailbox(server)`, and stands nowhere else.
    """

    address: str
    login: str
    access: ServiceAccess


@value(frozen=True, slots=True)
class KnownServer:
    """One of the account's Exchange servers. `address` is a host name or the whole address of its Web Services.

    `mail_domains` decide between several servers. `ca_pem` are certificates of the company's own authority. `url`,
    `api_version`, `build`, `auth` and `schemes` are empty until a test has passed. `test_code` is why the last one did
    not; `service_code` why the server refused the service account: while it stands nothing is tried with it.
    """

    id: ServerId
    account: AccountId
    title: str
    address: str
    mail_domains: tuple[str, ...] = ()
    ca_pem: str | None = None
    is_2007: bool = False
    time_zone: str | None = None
    url: str = ""
    api_version: str = ""
    build: str = ""
    auth: str = ""
    schemes: str = ""
    tested_at: datetime | None = None
    test_code: str = ""
    service: ServiceLogin | None = None
    service_code: str = ""
    version: int = 0

    @property
    def is_found(self) -> bool:
        """A test or a sign-in has shown what it speaks; nothing of that is guessed again."""
        return bool(self.url and self.api_version and self.auth)

    def serves(self, address: str) -> bool:
        return address.rpartition("@")[2].casefold() in self.mail_domains


def service_mailbox(server: ServerId) -> MailboxId:
    """Under which the service account's password is sealed; no connection ever has such an id."""
    return MailboxId(f"server.{server}")
