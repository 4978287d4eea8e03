"""What calsync remembers. All keys begin with the account; nothing crosses it.

Rows carry a version; a write on an old one raises LinkChangedError (links) or ConcurrentChangeError (the rest).
Look-ups are strongly consistent unless a method says "by index". Every method may raise ProviderUnavailableError.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from calsync_core.domain.apps import CalendarKind
from calsync_core.domain.conflicts import Conflict
from calsync_core.domain.connections import Connection, MailboxIdentity, Subscription
from calsync_core.domain.ids import AccountId, CalendarId, ConflictId, EntryId, LinkRef, MailboxId, ResourceId
from calsync_core.domain.links import Link
from calsync_core.domain.resources import InvitationState, ResourceState
from calsync_core.domain.synclog import LogEntry
from calsync_core.domain.values import value
from calsync_core.domain.windows import Window
from calsync_core.ports.apps import AppStore, AttemptStore
from calsync_core.ports.role_accounts import RoleAccountStore
from calsync_core.ports.servers import ServerStore


class ResourceStore(Protocol):
    def get(self, account: AccountId, resource: ResourceId, *, may_lag: bool = False) -> ResourceState | None:
        """`may_lag`: perhaps as it stood a moment ago, at half the price; for looks that decide nothing."""

    def save(self, state: ResourceState) -> ResourceState:
        """Conditional on `state.version` (0 = must not exist); gives it back with the new one.

        Raises ConcurrentChangeError. Never touches `wanted` and the lease, which live beside it.
        """

    def of_account(self, account: AccountId) -> list[ResourceState]:
        """All resources of the account, by index."""


@value(frozen=True, slots=True)
class Lease:
    """The right to run one resource. `number` grows with each taking; `noted` is `wanted` when it was taken."""

    account: AccountId
    resource: ResourceId
    number: int
    noted: int


class LeaseStore(Protocol):
    """One run per resource (design.md section 1). Taking makes the resource due at the lease's end."""

    def wish(self, account: AccountId, resource: ResourceId) -> int:
        """Add 1 to `wanted`; gives the new value. A resource that is not stored raises NotFoundError."""

    def take(self, account: AccountId, resource: ResourceId, now: datetime, until: datetime) -> Lease | None:
        """None while somebody else holds it; one that has run out at `now` is taken over. Raises NotFoundError."""

    def give_back(self, lease: Lease) -> bool:
        """False when `wanted` has grown since it was noted: the lease is still ours, work again.

        Giving back twice is no error. Raises LeaseLostError when somebody else has taken it meanwhile.
        """

    def renote(self, lease: Lease, until: datetime) -> Lease:
        """Note the present `wanted` and stay the holder until then. Raises LeaseLostError."""


CURSOR_STANDS = timedelta(hours=6)


HOST_FEED = "host"
"""The booking system's feed of a resource, beside those of its calendars."""


@value(frozen=True, slots=True)
class CursorRow:
    """Where one feed of one resource stands. `feed` is `HOST_FEED` or a calendar id.

    `round` names the round in progress; `is_round_open` until its last page was handled; `is_full` for a full round
    (first import, renewal, full check), whose absences are judged at its end. `page` counts its pages.
    `window` is the one the cursor was opened for. `opened_at` is when the round was opened, `opened_by` the run that
    did, `settings_version` the settings that it began with. `stored_at` is when the cursor was written.
    """

    feed: str
    cursor: str | None
    window: Window
    round: int = 1
    is_round_open: bool = True
    is_full: bool = True
    page: int = 0
    opened_at: datetime | None = None
    opened_by: str = ""
    settings_version: int = 0
    stored_at: datetime | None = None

    def may_stand(self, now: datetime) -> bool:
        """After an answer without news the cursor that it was asked with is as good as the new one, and nothing need
        be written; but feeds forget the old ones some day, so it is renewed a few times a day."""
        return self.stored_at is not None and now - self.stored_at < CURSOR_STANDS


class CursorStore(Protocol):
    def load(self, account: AccountId, resource: ResourceId, *, may_lag: bool = False) -> dict[str, CursorRow]:
        """All feeds of the resource, keyed by `feed`; `may_lag` as above."""

    def store(self, lease: Lease, row: CursorRow) -> None:
        """On the condition that the lease number is ours. Raises LeaseLostError."""

    def store_after_check(self, account: AccountId, resource: ResourceId, row: CursorRow, expected: CursorRow) -> bool:
        """Of a check that holds no lease: only if nobody moved the cursor meanwhile; False otherwise."""

    def forget(self, account: AccountId, resource: ResourceId, feed: str | None = None) -> None:
        """One feed, or all."""


class LinkStore(Protocol):
    """Links of one resource and their pointers from calendar entries, kept together."""

    def get(self, account: AccountId, resource: ResourceId, refs: Sequence[LinkRef]) -> dict[LinkRef, Link]: ...

    def by_entries(
        self, account: AccountId, resource: ResourceId, calendar: CalendarId, ids: Sequence[EntryId]
    ) -> dict[EntryId, Link]:
        """By pointer, strongly consistent; ids without a pointer are left out."""

    def series(self, account: AccountId, resource: ResourceId, prefix: str) -> list[Link]:
        """All links whose ref begins with the prefix."""

    def parts(self, account: AccountId, resource: ResourceId, series_id: str) -> list[Link]:
        """The host-born links of one booking series' occurrences, strongly consistent; the series' own is not one."""

    def overlapping(self, account: AccountId, resource: ResourceId, start_at: datetime, end_at: datetime) -> list[Link]:
        """Links whose [start_at, end_at) overlaps, strongly consistent."""

    def all(self, account: AccountId, resource: ResourceId) -> Iterable[Link]:
        """Streams; for full checks, previews and disconnecting."""

    def put(self, account: AccountId, link: Link) -> Link:
        """Conditional on `link.row`; writes link and pointer in one transaction; an old pointer of the link goes.

        Raises LinkChangedError.
        """

    def put_many(self, account: AccountId, links: Sequence[Link]) -> list[Link]:
        """First imports: in batches, without conditions, under the lease; no ref twice."""

    def delete(self, account: AccountId, link: Link) -> None:
        """Conditional on `link.row`, with its pointer; one that is gone already is no error.

        Raises LinkChangedError.
        """

    def set_leaving(self, account: AccountId, resource: ResourceId, feed: str, refs: Sequence[LinkRef]) -> None:
        """Tombstones wait for the end of their round (stop-lines)."""

    def leaving(self, account: AccountId, resource: ResourceId, feed: str) -> list[LinkRef]: ...

    def clear_leaving(self, account: AccountId, resource: ResourceId, feed: str, refs: Sequence[LinkRef]) -> None: ...

    def note_seen(
        self,
        account: AccountId,
        resource: ResourceId,
        feed: str,
        round_: int,
        page: int,
        refs: Sequence[LinkRef],
    ) -> None:
        """A full round remembers, page by page, which links it met."""

    def seen(self, account: AccountId, resource: ResourceId, feed: str, round_: int) -> set[LinkRef]: ...

    def forget_seen(self, account: AccountId, resource: ResourceId, feed: str, round_: int) -> None: ...


@value(frozen=True, slots=True)
class StoredSettings:
    """Sparse values with a version that a run notes and a link carries.

    `values` are settings.Overrides, spelled out: that module loads pydantic, which start_sync has no use for.
    """

    values: dict[str, Any]
    version: int = 0
    changed_at: datetime | None = None
    changed_by: str | None = None


class SettingsStore(Protocol):
    def account(self, account: AccountId) -> StoredSettings: ...

    def resource(self, account: AccountId, resource: ResourceId) -> StoredSettings: ...

    def both(self, account: AccountId, resource: ResourceId) -> tuple[StoredSettings, StoredSettings]:
        """The account's and the resource's, in one request."""

    def save_account(self, account: AccountId, settings: StoredSettings) -> StoredSettings:
        """Conditional on the version. Raises ConcurrentChangeError."""

    def save_resource(self, account: AccountId, resource: ResourceId, settings: StoredSettings) -> StoredSettings: ...


class ConnectionStore(Protocol):
    def get(self, account: AccountId, mailbox: MailboxId, *, may_lag: bool = False) -> Connection | None:
        """`may_lag` as above."""

    def by_identity(self, account: AccountId, identity: MailboxIdentity) -> Connection | None: ...

    def save(self, connection: Connection) -> Connection:
        """Conditional on the version; a new one also claims its identity, which never changes afterwards.

        Raises MailboxTakenError when another connection of the account has it, ConcurrentChangeError, InputError.
        """

    def delete(self, connection: Connection) -> None:
        """With identity claim, credentials, access token and subscriptions. Deleting twice is no error."""

    def of_account(self, account: AccountId) -> list[Connection]:
        """By index."""

    def save_subscription(self, subscription: Subscription) -> None:
        """Overwrites all but `heard_at`. Raises InputError without an account."""

    def note_heard(self, path_hash: str, at: datetime) -> None:
        """The provider said something about this subscription; one that is gone stays gone."""

    def subscription(self, path_hash: str) -> Subscription | None: ...

    def subscriptions(self, account: AccountId, mailbox: MailboxId) -> list[Subscription]:
        """Without `heard_at`, which only the row of a path knows."""

    def delete_subscription(self, path_hash: str) -> None: ...


class CredentialStore(Protocol):
    """Sealed token caches: one row per mailbox, sealed by the KMS data key of the account."""

    def load(self, account: AccountId, mailbox: MailboxId) -> tuple[bytes, int] | None:
        """The plain cache and its row version, or None. Raises InstallationError("unsealing_failed")."""

    def save(self, account: AccountId, mailbox: MailboxId, plain: bytes, expected: int) -> int:
        """Conditional on the row version (0 = none stored yet); gives the new one.

        Raises ConcurrentChangeError when somebody refreshed meanwhile: load again and keep the newer.
        """

    def delete(self, account: AccountId, mailbox: MailboxId) -> None: ...


class TokenStore(Protocol):
    """The access token of each mailbox, sealed, a small item beside its token cache: every run and check reads this
    one, the cache only who must renew it. Nothing rests on it: what is lost or does not open is made anew."""

    def load(self, account: AccountId, mailbox: MailboxId) -> tuple[bytes | None, int]:
        """The plain text, None without one, and the version that the next `save` must name. May lag a moment."""

    def save(self, account: AccountId, mailbox: MailboxId, plain: bytes, expires_at: datetime, expected: int) -> bool:
        """False when somebody saved or forgot it since it was loaded: theirs stands."""

    def forget(self, account: AccountId, mailbox: MailboxId) -> None:
        """Also what a renewal that is under way would still save."""


@value(frozen=True, slots=True)
class Invitation:
    """One invitation; only the hash of its token is stored. `seal` binds a signed-in grant (below) to a browser."""

    id: str
    token_hash: str
    account: AccountId
    resource: ResourceId
    address: str
    created_at: datetime
    expires_at: datetime
    created_by: str
    state: InvitationState = InvitationState.QUEUED
    locale: str = "en"
    is_used: bool = False
    is_withdrawn: bool = False
    message: str = ""
    kind: CalendarKind = CalendarKind.OFFICE365
    version: int = 0


@value(frozen=True, slots=True)
class PendingSignIn:
    """An OAuth round trip under way: 10 minutes, single use.

    `flow` is msal's dict as JSON, sealed; `cookie_hash` binds it to the browser. `purpose` is "connect" (invitation or
    admin's own) or "console".
    """

    state_hash: str
    account: AccountId
    resource: ResourceId | None
    invitation_id: str | None
    cookie_hash: str
    sealed_flow: bytes
    expires_at: datetime
    purpose: str = "connect"


@value(frozen=True, slots=True)
class Grant:
    """A real sign-in that waits for the calendar choice; belongs to one browser, one resource; 1 hour.

    `server` and `access` are those of the Connection that it becomes.
    """

    cookie_hash: str
    account: AccountId
    resource: ResourceId
    invitation_id: str | None
    identity: MailboxIdentity
    address: str
    display_name: str
    sealed_cache: bytes
    expires_at: datetime
    is_confirmed: bool = False
    server: str = ""
    access: str = "own"


@value(frozen=True, slots=True)
class Agreement:
    """Who agreed to which version of which privacy texts, when."""

    account: AccountId
    who: str
    role: str
    text_version: str
    at: datetime
    resource: ResourceId | None = None


class JourneyStore(Protocol):
    """What the links in mails and the sign-ins need; rows expire, and the expiry is checked here as well (`now`)."""

    def save_invitation(self, invitation: Invitation) -> Invitation:
        """Conditional on the version. Raises ConcurrentChangeError."""

    def invitation(self, token_hash: str) -> Invitation | None: ...

    def invitation_by_id(self, account: AccountId, resource: ResourceId, invitation_id: str) -> Invitation | None: ...

    def save_sign_in(self, pending: PendingSignIn) -> None: ...

    def take_sign_in(self, state_hash: str, now: datetime) -> PendingSignIn | None:
        """Gives it once, then it is gone; None for unknown, used or expired ones."""

    def save_grant(self, grant: Grant) -> None: ...

    def grant(self, cookie_hash: str, now: datetime) -> Grant | None: ...

    def delete_grant(self, cookie_hash: str) -> None: ...

    def save_agreement(self, agreement: Agreement) -> None: ...

    def agreements(self, account: AccountId) -> list[Agreement]: ...


class ConflictStore(Protocol):
    def get(self, account: AccountId, conflict: ConflictId) -> Conflict | None: ...

    def of_link(self, account: AccountId, resource: ResourceId, ref: LinkRef) -> list[Conflict]:
        """Open or left ones of which this link is a side, strongly consistent."""

    def save(self, conflict: Conflict) -> None:
        """Overwrites; a revision lower than the stored one raises ConcurrentChangeError."""

    def open(self, account: AccountId) -> list[Conflict]:
        """By index, newest first; only those with status OPEN."""

    def ended(self, account: AccountId, limit: int = 200) -> list[Conflict]:
        """By index, those left alone, settled and resolved; what ended last comes first."""

    def of_resource(self, account: AccountId, resource: ResourceId) -> list[Conflict]: ...


class LogStore(Protocol):
    def add(self, entries: Sequence[LogEntry]) -> None: ...

    def of_resource(self, account: AccountId, resource: ResourceId, limit: int = 100) -> list[LogEntry]:
        """Newest first."""

    def of_day(self, account: AccountId, day: str, limit: int = 500) -> list[LogEntry]:
        """By index; `day` is an ISO date in UTC. Newest first."""

    def journal(self, account: AccountId, resource: ResourceId, run: str, actions: Sequence[dict[str, str]]) -> None:
        """Deletes and moves with ids, times and versions, kept for 30 days (undo); the same again adds nothing."""

    def journalled(self, account: AccountId, resource: ResourceId, run: str) -> list[dict[str, str]]:
        """What `journal` kept of this run; parts of one call stay in order."""

    def journals(self, account: AccountId, resource: ResourceId) -> dict[str, list[dict[str, str]]]:
        """What `journal` kept of every run, by run."""


class MailLedger(Protocol):
    def claim(self, account: AccountId, kind: str, subject: str, cause: str, now: datetime) -> bool:
        """True exactly once per (kind, subject, cause): a mail is claimed first, sent after."""

    def note_message(
        self, message_id: str, account: AccountId, resource: ResourceId, invitation_id: str | None
    ) -> None:
        """So that a bounce of this message finds its invitation."""

    def by_message(self, message_id: str) -> tuple[AccountId, ResourceId, str | None] | None: ...


@value(frozen=True, slots=True)
class Due:
    """One thing whose time has come. `kind`: lease, renewal, reminder, expiry, resume, full_check, wait."""

    kind: str
    account: AccountId
    subject: str
    due_at: datetime


CHECK_WHEELS = (5, 15, 60)
"""Minutes between two checks of one resource; the keys of the slots never move."""


def check_wheel(every_minutes: int) -> int:
    """The longest wheel that is not longer than asked for; below 5 minutes there is only the 5-minute one."""
    return max((wheel for wheel in CHECK_WHEELS if wheel <= every_minutes), default=CHECK_WHEELS[0])


class DueStore(Protocol):
    """What is due; by index `by_due`. Checks sit in fixed slots whose key never moves (one write unit per check)."""

    def schedule(self, due: Due) -> None:
        """One per (kind, account, subject); again moves it."""

    def cancel(self, kind: str, account: AccountId, subject: str, due_at: datetime | None = None) -> None:
        """With `due_at` only if it has not been moved since: what was scheduled anew meanwhile stays."""

    def due(self, now: datetime, limit: int = 1000) -> list[Due]: ...

    def set_check(self, account: AccountId, resource: ResourceId, every_minutes: int | None) -> None:
        """Put the resource into its slot of the 5-, 15- or 60-minute wheel; None takes it out.

        Any other interval counts as the next shorter wheel: never later than asked for.
        """

    def checks(self, minute: int) -> list[tuple[AccountId, ResourceId]]:
        """Who is to be checked in this minute (minutes since the epoch)."""

    def claim_minutes(self, now_minute: int) -> range:
        """The minutes since the last sweep, up to 60, each given once; the sweep must not lose one when it was late."""


@value(frozen=True, slots=True)
class Member:
    """A person who may use the console, known by (iss, sub); never by an e-mail claim."""

    issuer: str
    subject: str
    account: AccountId
    role: str
    email: str
    name: str = ""


@value(frozen=True, slots=True)
class ApiKey:
    id: str
    key_hash: str
    account: AccountId
    scope: str
    name: str
    created_at: datetime
    is_revoked: bool = False


class AccessStore(Protocol):
    def member(self, issuer: str, subject: str) -> Member | None: ...

    def add_first_admin(self, member: Member) -> bool:
        """Bound once: False when the account already has its first admin, or the person is a member already."""

    def members(self, account: AccountId) -> list[Member]:
        """By index."""

    def api_key(self, key_hash: str) -> ApiKey | None: ...

    def save_api_key(self, key: ApiKey) -> None: ...

    def api_keys(self, account: AccountId) -> list[ApiKey]: ...


@value(frozen=True, slots=True)
class Stores:
    """All stores together, as bootstrap hands them out."""

    resources: ResourceStore
    leases: LeaseStore
    cursors: CursorStore
    links: LinkStore
    settings: SettingsStore
    connections: ConnectionStore
    credentials: CredentialStore
    tokens: TokenStore
    journeys: JourneyStore
    conflicts: ConflictStore
    log: LogStore
    mails: MailLedger
    due: DueStore
    access: AccessStore
    servers: ServerStore
    apps: AppStore
    attempts: AttemptStore
    role_accounts: RoleAccountStore
