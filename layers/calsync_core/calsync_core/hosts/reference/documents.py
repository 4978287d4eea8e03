"""The entities of the booking system.

Does not belong here: what may be sent (messages.py), rules between entities (rules.py, desk.py), how they are stored
(calendars.py, table.py).
"""

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from calsync_core.hosts.reference.errors import InvalidInputError
from calsync_core.hosts.reference.fields import Document, Email, Id, Instant, Line, Name, Url, Zone
from calsync_core.hosts.reference.series import Occurrence, expand, occurrence_id
from calsync_core.hosts.reference.working_hours import WorkingHours

Kind = Literal["staff", "room", "equipment"]
Status = Literal["confirmed", "tentative", "cancelled"]
BlockKind = Literal["busy", "tentative", "oof"]
Locale = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


CustomValue = Annotated[str, Field(max_length=500)] | bool | int | Annotated[float, AfterValidator(_finite)] | None


class Owner(Document):
    """The person who connects the calendar of a resource."""

    id: Id
    name: Name
    email: Email | None = None


class Customer(Document):
    """Who booked."""

    name: Line
    email: Email | None = None
    phone: Annotated[str, Field(max_length=50)] | None = None


class Notes(Document):
    """Free text of a booking or block. HTML is kept as it came; whoever shows it cleans it."""

    format: Literal["text", "html"] = "text"
    value: Annotated[str, Field(max_length=32_768)]


class Buffers(Document):
    """Minutes around a booking that take the resource's time as well."""

    before_min: int = Field(default=0, ge=0, le=240)
    after_min: int = Field(default=0, ge=0, le=240)


class Origin(Document):
    """Which system made the booking, and its id there."""

    system: Annotated[str, Field(min_length=1, max_length=64)]
    ref: Id


class BlockOrigin(Document):
    """Which connection's entry a block stands for."""

    system: Annotated[str, Field(min_length=1, max_length=64)] = "calsync"
    ref: Id
    connection_id: Id | None = None


class SeriesRef(Document):
    """The series a booking belongs to; on the series itself `original_start` is null."""

    id: Id
    rrule: str
    original_start: Instant | None = None
    exdates: tuple[Instant, ...] | None = None


class Resource(Document):
    """Staff, a room or equipment that can be booked."""

    id: Id
    version: str
    name: Name
    email: Email | None = None
    kind: Kind
    active: bool = True
    time_zone: Zone
    locale: Locale = "en"
    external_id: Id | None = None
    owner: Owner | None = None
    working_hours: WorkingHours | None = None
    updated_at: Instant


ResourceIds = Annotated[tuple[Id, ...], Field(min_length=1, max_length=10)]
CustomFields = Annotated[dict[Annotated[str, Field(min_length=1, max_length=64)], CustomValue], Field(max_length=50)]


class Booking(Document):
    """A booking, an occurrence of a series, or a series (`is_series`)."""

    id: Id
    version: str
    status: Status = "confirmed"
    resource_ids: ResourceIds
    start: Instant
    end: Instant
    time_zone: Zone
    all_day: bool = False
    title: Line = ""
    service_name: Line | None = None
    customer: Customer | None = None
    notes: Notes | None = None
    location: Line | None = None
    url: Url | None = None
    private: bool = False
    buffers: Buffers = Field(default_factory=Buffers)
    series: SeriesRef | None = None
    custom_fields: CustomFields = Field(default_factory=dict)
    updated_at: Instant
    origin: Origin | None = None
    # Of a series: the original starts that have become bookings of their own, and where they stand in the series now,
    # which differs as soon as the whole series was moved (None: it never was). Never shown.
    detached: tuple[Instant, ...] = ()
    gaps: tuple[Instant, ...] | None = None

    @property
    def is_series(self) -> bool:
        """Whether this is a series rather than one booking."""
        return self.series is not None and self.series.original_start is None

    @property
    def taken(self) -> tuple[Instant, ...]:
        """The starts of a series at which a booking of its own stands."""
        return self.detached if self.gaps is None else self.gaps

    def shown(self) -> dict[str, Any]:
        """The booking as answers show it."""
        shown = self.model_dump(mode="json", exclude={"detached", "gaps"})
        if self.series and self.series.exdates is None:
            del shown["series"]["exdates"]
        return shown

    def dates(self) -> tuple[Occurrence, ...]:
        """All dates of a series, those that became bookings of their own included.

        Raises:
            InvalidInputError: the rule does not fit the start.
        """
        assert self.series is not None
        try:
            return expand(
                self.series.rrule, self.start, self.end, self.time_zone, self.all_day, self.series.exdates or ()
            )
        except ValueError as error:
            raise InvalidInputError(("series.rrule", str(error))) from error

    def occurrences(self) -> list["Booking"]:
        """The dates of a series that follow it, as bookings."""
        return [self.occurrence(found) for found in self.dates() if found.start not in self.taken]

    def occurrence(self, found: Occurrence) -> "Booking":
        """One date of this series as a booking."""
        assert self.series is not None
        return self.model_copy(
            update={
                "id": occurrence_id(self.id, found.start),
                "start": found.start,
                "end": found.end,
                "series": SeriesRef(id=self.id, rrule=self.series.rrule, original_start=found.start),
                "detached": (),
                "gaps": None,
            }
        )


class Block(Document):
    """Busy time out of a calendar."""

    id: Id
    version: str
    resource_id: Id
    start: Instant
    end: Instant
    all_day: bool = False
    kind: BlockKind = "busy"
    title: Line | None = None
    notes: Notes | None = None
    origin: BlockOrigin
    updated_at: Instant
