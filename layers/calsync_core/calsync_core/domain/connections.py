"""A connection belongs to the mailbox: who it is, how its health is, what is subscribed."""

from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum

from calsync_core.domain.ids import AccountId, CalendarId, MailboxId, ResourceId
from calsync_core.domain.values import value


class ProviderKind(StrEnum):
    OFFICE365 = "office365"
    EXCHANGE = "exchange"
    GOOGLE = "google"


@value(frozen=True, slots=True)
class MailboxIdentity:
    """Never an address: `directory` is the tenant id (Exchange: the server), `subject` the object id (primary SMTP)."""

    provider: ProviderKind
    directory: str
    subject: str


MOVED = "mailbox_moved"
"""Why a connection is broken, or was left, when its mailbox went from an Exchange server to Microsoft 365."""


@value(frozen=True, slots=True)
class Calendar:
    """One calendar that a person may choose. Without `may_write` it can only be a conflict calendar.

    `is_shared` means that it lives in another mailbox: push is refused there, so it is polled.
    """

    id: CalendarId
    name: str
    is_default: bool
    may_write: bool
    is_shared: bool = False
    owner_name: str = ""
    owner_address: str = ""


@value(frozen=True, slots=True)
class Subscription:
    """Change notifications of one calendar. `path_id` is the unguessable end of our URL; only hashes are stored.

    `heartbeat`: after so long without a change the provider says that it is there; None where it promises no such
    thing. `heard_at` is when it last said anything; stored by ConnectionStore.note_heard alone, never by a save.
    `is_proven`: a sign of life since `made_at` was seen and followed.
    """

    path_hash: str
    mailbox: MailboxId
    calendar_id: CalendarId
    subscription_id: str = ""
    secret_hash: str = ""
    expires_at: datetime | None = None
    resources: tuple[ResourceId, ...] = ()
    account: AccountId | None = None
    heartbeat: timedelta | None = None
    heard_at: datetime | None = None
    made_at: datetime | None = None
    is_proven: bool = False


@value(frozen=True, slots=True)
class Connection:
    """`owner_id` is the one person whom this mailbox serves in the account; `resources` are the ones that use it.

    Exchange: `server` is the account's own server that it lives on ("" when it was found by Autodiscover), `access`
    "own", or "delegate" or "impersonation" through the server's service account. `is_broken`: refused, not tried again.
    `unreached_since_at`: its server cannot reach our address since then, and is asked every `asked_every_minutes`.
    """

    id: MailboxId
    account: AccountId
    identity: MailboxIdentity
    address: str
    display_name: str
    owner_id: str
    resources: tuple[ResourceId, ...] = ()
    is_broken: bool = False
    broken_code: str | None = None
    broken_since_at: datetime | None = None
    polled: tuple[CalendarId, ...] = field(default=())  # calendars without push
    connected_at: datetime | None = None
    server: str = ""
    access: str = "own"
    unreached_since_at: datetime | None = None
    asked_every_minutes: int = 0
    version: int = 0
