"""What stands in a calendar: single appointments, series, their exceptions. No Graph and no EWS words here."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from sandbox.recurrence import Recurrence
from sandbox.zones import Wall, to_utc

Response = Literal["none", "organizer", "tentativelyAccepted", "accepted", "declined", "notResponded"]
ShowAs = Literal["free", "tentative", "busy", "oof", "workingElsewhere", "unknown"]

NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody named in an appointment or a mail."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attendee:
    """An invited person, room or piece of equipment and what it answered."""

    person: Person
    kind: Literal["required", "optional", "resource"] = "required"
    response: Response = "none"
    responded_at: datetime = NEVER


@dataclass(frozen=True, slots=True)
class Location:
    """A place; `details` holds what the client said beside the name, as it said it."""

    name: str
    details: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a person sees and edits. `start_at` and `end_at` are computed from the wall times."""

    start: Wall
    end: Wall
    subject: str = ""
    body_type: Literal["text", "html"] = "html"
    body: str = ""
    is_all_day: bool = False
    locations: tuple[Location, ...] = ()
    categories: tuple[str, ...] = ()
    importance: Literal["low", "normal", "high"] = "normal"
    show_as: ShowAs = "busy"
    sensitivity: Literal["normal", "personal", "private", "confidential"] = "normal"
    is_reminder_on: bool = True
    reminder_minutes: int = 15
    attendees: tuple[Attendee, ...] = ()
    response_requested: bool = True
    allow_new_time_proposals: bool = True
    hide_attendees: bool = False
    online_provider: str | None = None
    """Set once the appointment is an online meeting; it never goes away again."""
    join_url: str | None = None
    is_cancelled: bool = False
    zone_label: str | None = None
    """Shown as original zone in place of the start's zone (legacy entries: tzone://Microsoft/Custom)."""
    start_at: datetime = field(init=False, compare=False)
    end_at: datetime = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Compute the instants once: filters and windows compare them thousands of times."""
        object.__setattr__(self, "start_at", to_utc(self.start))
        object.__setattr__(self, "end_at", to_utc(self.end))

    @property
    def length(self) -> timedelta:
        """Wall-clock length, the same for all occurrences of a series."""
        return self.end.at - self.start.at


@dataclass(slots=True)
class Edit:
    """One occurrence that was edited by itself: only what differs from the series."""

    changes: dict[str, Any]
    change_key: str
    created_at: datetime
    modified_at: datetime
    properties: dict[str, str] = field(default_factory=dict)
    response: Response | None = None
    responded_at: datetime = NEVER


@dataclass(slots=True, kw_only=True, eq=False)
class Appointment:
    """A single appointment or the master of a series. Only the store (mailboxes.py) changes it."""

    entry_id: str
    """Hex, constant for the life of the entry in its mailbox."""
    mailbox_oid: str
    calendar_id: str
    arrival: int
    """Rises when the entry is created and each time it is moved: the ordinary id is made from it."""
    uid: str
    change_key: str
    created_at: datetime
    modified_at: datetime
    content: Content
    organizer: Person
    is_organizer: bool = True
    response: Response = "organizer"
    responded_at: datetime = NEVER
    recurrence: Recurrence | None = None
    pattern_version: int = 0
    """Rises when the pattern changes: ids of occurrences are made from it."""
    exceptions: dict[date, Edit] = field(default_factory=dict)
    cancelled: set[date] = field(default_factory=set)
    transaction_id: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    """Extended properties, 'String {guid} Name x' -> value."""
    extensions: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_gone: bool = False

    @property
    def is_series(self) -> bool:
        """Whether this is the master of a series."""
        return self.recurrence is not None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence of a series as it stands now, edited or not."""

    master: Appointment
    day: date
    """The day it falls on by the pattern, in the series' zone: its identity."""
    content: Content
    exception: Edit | None

    @property
    def original_start_at(self) -> datetime:
        """When it would start by the pattern alone."""
        start = self.master.content.start
        return to_utc(Wall(datetime.combine(self.day, start.at.time()), start.zone))


Entry = Appointment | Occurrence
