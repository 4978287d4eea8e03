"""Mailboxes, their calendars with a change log each, folders (how a mailbox sees a calendar), mails sent."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from sandbox.appointments import Appointment, Person

Kind = Literal["created", "updated", "deleted", "occurrence_deleted"]
Role = Literal["owner", "write", "read", "freeBusyRead"]


class MailboxState(StrEnum):
    """Whether a mailbox can be reached, and what Graph says when not."""

    ENABLED = "enabled"
    NO_REST = "no_rest"  # on premises or soft-deleted: 404 MailboxNotEnabledForRESTAPI
    UNLICENSED = "unlicensed"  # 404 ErrorNonExistentMailbox
    NO_MAILBOX = "no_mailbox"  # an account without a mailbox: 400 ErrorMissingEmailAddress
    MISSING = "missing"  # 404 ErrorInvalidUser
    OUT_OF_POLICY = "out_of_policy"  # application access policy: app-only gets 403 ErrorAccessDenied


class LogEntry(NamedTuple):
    """One line of a calendar's change log; change feeds of every protocol are read from it."""

    sequence: int
    entry_id: str
    kind: Kind
    at: datetime
    arrival: int
    """The arrival of the entry in this calendar: tells its ordinary id even after it is gone."""
    day: date | None = None
    """The deleted occurrence's day, only with occurrence_deleted."""
    pattern_version: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What listeners are told after each change. `appointment` is its state after it (before it: deleted)."""

    mailbox_oid: str
    calendar_id: str
    kind: Kind
    sequence: int
    at: datetime
    appointment: Appointment
    day: date | None = None


@dataclass(slots=True, eq=False)
class Calendar:
    """One calendar in the mailbox of its owner."""

    calendar_id: str
    mailbox_oid: str
    name: str
    color: str = "auto"
    is_default: bool = False
    is_read_only: bool = False
    """Holidays, birthdays, internet calendars: nobody edits them, the owner neither."""
    change_key: str = ""
    parent_id: str = ""
    """Exchange's folder above it; empty: the primary calendar's folder. Graph has no such thing."""
    supports_delta: bool = True
    """False for internet calendars and some shared ones."""
    is_shared_old_way: bool = False
    """Answers 500 ErrorInternalServerTransientError for ever."""
    entries: dict[str, Appointment] = field(default_factory=dict)
    log: list[LogEntry] = field(default_factory=list)
    permissions: dict[str, Role] = field(default_factory=dict)
    """Who else may see it: lower-case address -> role."""

    def log_after(self, sequence: int, until: datetime | None = None) -> list[LogEntry]:
        """Log lines after a sequence number; with `until` only those made up to that instant."""
        begin = bisect_right(self.log, sequence, key=lambda line: line.sequence)
        lines = self.log[begin:]
        if until is None:
            return lines
        return [line for line in lines if line.at <= until]

    def head(self, until: datetime | None = None) -> int:
        """Sequence number of the newest log line (made up to `until`); 0 for an empty log."""
        if until is None:
            return self.log[-1].sequence if self.log else 0
        return next((line.sequence for line in reversed(self.log) if line.at <= until), 0)


@dataclass(slots=True)
class Folder:
    """How one mailbox sees a calendar: its own one, or one that somebody shared with it."""

    folder_id: str
    """Hex. For an own calendar the calendar's id, for a shared one an id of this mailbox's own."""
    calendar: Calendar
    name: str
    role: Role = "owner"
    color: str = "auto"

    @property
    def can_edit(self) -> bool:
        """Whether this mailbox may write into the calendar."""
        return self.role in ("owner", "write") and not self.calendar.is_read_only


@dataclass(slots=True)
class WorkingHours:
    """When the person works; wall times of the mailbox's zone unless `zone` names another."""

    days: tuple[str, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday")
    start: str = "08:00:00.0000000"
    end: str = "17:00:00.0000000"
    zone: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Mailbox:
    """One mailbox. Its calendars are added by the store."""

    oid: str
    tenant_id: str
    address: str
    display_name: str
    time_zone: str = "UTC"
    """Windows name."""
    purpose: Literal["user", "linked", "shared", "room", "equipment", "others"] = "user"
    is_personal: bool = False
    state: MailboxState = MailboxState.ENABLED
    aliases: tuple[str, ...] = ()
    """More addresses, the user principal name among them when it is not the address."""
    language: str = "en-US"
    working_hours: WorkingHours = field(default_factory=WorkingHours)
    default_reminder_minutes: int = 15
    settings: dict[str, Any] = field(default_factory=dict)
    """Mailbox settings that clients change and nothing in the sandbox reads."""
    folders: dict[str, Folder] = field(default_factory=dict)
    transactions: dict[str, tuple[str, str]] = field(default_factory=dict)
    """transactionId -> entry id, fingerprint of the create."""
    group_id: str = ""
    deleted_items: "Folder | None" = None
    """Where Exchange clients move what they delete; no calendar, and Graph does not show it."""

    @property
    def person(self) -> Person:
        """The mailbox as organizer or sender."""
        return Person(self.address, self.display_name)

    @property
    def default(self) -> Folder:
        """The primary calendar."""
        return next(f for f in self.folders.values() if f.calendar.is_default and f.calendar.mailbox_oid == self.oid)

    def own_folders(self) -> Iterator[Folder]:
        """Folders of the mailbox's own calendars."""
        return (f for f in self.folders.values() if f.calendar.mailbox_oid == self.oid)


MailKind = Literal["invitation", "update", "cancellation", "reply", "forward"]


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that the real service would have sent."""

    kind: MailKind
    sender: Person
    to: tuple[Person, ...]
    subject: str
    comment: str
    uid: str
    """The appointment's uid."""
    sent_at: datetime
