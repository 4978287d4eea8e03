"""A role account: one low-privilege account that may look up when anybody of a company is free; no secret here."""

import re
from datetime import datetime
from enum import StrEnum

from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.ids import AccountId, MailboxId, RoleAccountId, ServerId
from calsync_core.domain.values import value


class RoleAccess(StrEnum):
    """What lets an account of an Exchange server see the times of others."""

    ORG_WIDE = "org_wide"  # Set-AvailabilityConfig -OrgWideAccount
    DELEGATE = "delegate"  # what people and rooms share with it
    IMPERSONATION = "impersonation"  # it asks in the name of one mailbox, which sees what it needs


class AppKey(StrEnum):
    """How an application proves to Microsoft that it is itself."""

    SECRET = "secret"  # noqa: S105 - a word for the kind, not one
    CERTIFICATE = "certificate"


@value(frozen=True, slots=True)
class RoleAccount:
    """`mail_domains` are what it answers for, and count only once its test has passed (`passed_at`).

    Exchange: `server` is the one that is asked (in a hybrid the one that sees everyone), `address` and `login` the
    account, `acts_for` the mailbox that it impersonates. Microsoft 365: `directory` is the tenant of the token
    endpoint, `client_id` the application, `key` how it signs in, `acts_for` the mailbox through which Graph is asked.
    `expires_at` is the end of the secret or certificate. `tested_at` and `code` belong to the last test or look-up:
    why it did not work. `tried_on` is the address of the last test.
    """

    id: RoleAccountId
    account: AccountId
    title: str
    kind: ProviderKind
    mail_domains: tuple[str, ...] = ()
    server: ServerId | None = None
    address: str = ""
    login: str = ""
    access: RoleAccess = RoleAccess.ORG_WIDE
    directory: str = ""
    client_id: str = ""
    key: AppKey = AppKey.SECRET
    certificate: str = ""
    acts_for: str = ""
    expires_at: datetime | None = None
    tried_on: str = ""
    tested_at: datetime | None = None
    passed_at: datetime | None = None
    code: str = ""
    version: int = 0

    @property
    def is_on(self) -> bool:
        """Whether its domains count: the test passed, and nothing definite has stood against it since."""
        return self.passed_at is not None

    def covers(self, address: str) -> bool:
        return domain_of(address) in self.mail_domains


_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


def is_domain(text: str) -> bool:
    return bool(_DOMAIN.fullmatch(text))


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].strip().casefold()


def role_mailbox(role: RoleAccountId) -> MailboxId:
    """Under which its password or key is sealed; no connection ever has such an id."""
    return MailboxId(f"role.{role}")
