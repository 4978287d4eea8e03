"""A resource, its states and the allowed transitions; every transition is made here and nowhere else."""

from dataclasses import field
from datetime import datetime, time
from enum import StrEnum

from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.ids import AccountId, CalendarId, MailboxId, ResourceId
from calsync_core.domain.values import replace, value


class ResourceKind(StrEnum):
    STAFF = "staff"
    ROOM = "room"
    EQUIPMENT = "equipment"


class Status(StrEnum):
    """design.md section 3; the words people see are in reference ux.md section 2."""

    NOT_INVITED = "not_invited"
    AWAITING = "awaiting_confirmation"
    IMPORTING = "importing"
    CONNECTED = "connected"
    REAUTH_REQUIRED = "reauth_required"
    PAUSED = "paused"
    DISCONNECTED = "disconnected"


class InvitationState(StrEnum):
    """The sub-state while awaiting confirmation. Delivery states are written by mail_feedback alone."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"  # pressed Continue; scanners only GET
    STUCK_AT_MICROSOFT = "stuck_at_microsoft"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    EXPIRED = "expired"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


_ALLOWED: dict[Status, set[Status]] = {
    Status.NOT_INVITED: {Status.AWAITING, Status.IMPORTING},  # an admin may connect his own calendar without a mail
    Status.AWAITING: {Status.AWAITING, Status.IMPORTING, Status.NOT_INVITED},
    Status.IMPORTING: {Status.CONNECTED, Status.REAUTH_REQUIRED, Status.PAUSED, Status.DISCONNECTED, Status.IMPORTING},
    Status.CONNECTED: {Status.IMPORTING, Status.REAUTH_REQUIRED, Status.PAUSED, Status.DISCONNECTED, Status.CONNECTED},
    Status.REAUTH_REQUIRED: {Status.IMPORTING, Status.CONNECTED, Status.PAUSED, Status.DISCONNECTED},
    Status.PAUSED: {Status.IMPORTING, Status.CONNECTED, Status.REAUTH_REQUIRED, Status.DISCONNECTED},
    Status.DISCONNECTED: {Status.AWAITING, Status.IMPORTING},
}


@value(frozen=True, slots=True)
class Owner:
    """The person behind a resource; one person may own resources in several locations, or a room as its custodian."""

    id: str
    name: str
    email: str


@value(frozen=True, slots=True)
class WorkingRange:
    """Local wall time in the resource's zone; weekday 0 = Monday."""

    weekday: int
    start: time
    end: time


@value(frozen=True, slots=True)
class Resource:
    """Who it is; comes from the booking system."""

    id: ResourceId
    name: str
    email: str
    kind: ResourceKind
    time_zone: str
    locale: str
    owner: Owner
    working_hours: tuple[WorkingRange, ...] = ()
    is_active: bool = True


@value(frozen=True, slots=True)
class Progress:
    """Of an initial import: `near_done` once the next 14 days are in; counts of entries and bookings handled."""

    near_done: bool = False
    done: int = 0
    expected: int | None = None


@value(frozen=True, slots=True)
class Degraded:
    """Works, but with a fault: `reason` is a code of the wording catalogue."""

    reason: str
    since_at: datetime


@value(frozen=True, slots=True)
class Undoing:
    """A run that a person wants undone; the next run carries it out. `next`: the first deed not looked at yet."""

    run: str
    by: str
    next: int = 0


class Following(StrEnum):
    """How far the links of a mailbox that moved were taken along (R133)."""

    LEAVING = "leaving"  # some may still stand under ids of the old server
    ARRIVING = "arriving"  # each waits until its appointment is met under its new id


@value(frozen=True, slots=True)
class ResourceState:
    """Where a resource stands. `version` is the stored row's, for conditional writes (0 = not stored yet).

    `attempt` counts imports (execution names), `paused_by` and `paused_until_at` belong to PAUSED.
    `primary` is the calendar that is written; `conflict_calendars` are only read. Links projected under a settings
    version lower than `reproject_below` are rewritten by the next full round, those of a closed direction are removed
    below `remove_below`; `reprojected` says how far that went. A feed whose round began under a settings version lower
    than `read_below` is read anew in full. `following`: its mailbox moved, and not all of it
    was met again yet.
    """

    account: AccountId
    resource: Resource
    status: Status = Status.NOT_INVITED
    since_at: datetime | None = None
    invitation: InvitationState | None = None
    invitation_id: str | None = None
    invited_at: datetime | None = None
    degraded: Degraded | None = None
    reason: str | None = None
    mailbox: MailboxId | None = None
    primary: CalendarId | None = None
    conflict_calendars: tuple[tuple[MailboxId, CalendarId], ...] = ()
    progress: Progress = field(default_factory=Progress)
    attempt: int = 0
    paused_by: str | None = None
    paused_until_at: datetime | None = None
    last_sync_at: datetime | None = None
    is_stop_line_confirmed: bool = False
    reproject_below: int = 0
    reprojected: int = 0
    remove_below: int = 0
    read_below: int = 0
    undoing: tuple[Undoing, ...] = ()
    following: Following | None = None
    version: int = 0

    def moved_to(self, status: Status, now: datetime, *, reason: str | None = None) -> "ResourceState":
        """The one place where a status changes.

        Raises ConcurrentChangeError("status_transition") when the transition is not allowed.
        """
        if status not in _ALLOWED[self.status]:
            raise ConcurrentChangeError("status_transition", was=self.status.value, wanted=status.value)
        since = self.since_at if status is self.status else now
        return replace(self, status=status, since_at=since, reason=reason)

    @property
    def calendars(self) -> tuple[tuple[MailboxId, CalendarId], ...]:
        """All calendars that are read, the primary one first."""
        if self.mailbox is None or self.primary is None:
            return ()
        first = (self.mailbox, self.primary)
        return (first, *[pair for pair in self.conflict_calendars if pair != first])

    @property
    def mailboxes(self) -> tuple[MailboxId, ...]:
        """Of these calendars, each once; always in the same order, so that a run repeats exactly."""
        return tuple(dict.fromkeys(mailbox for mailbox, _ in self.calendars))

    @property
    def may_sync(self) -> bool:
        return self.status in {Status.IMPORTING, Status.CONNECTED} and self.primary is not None
