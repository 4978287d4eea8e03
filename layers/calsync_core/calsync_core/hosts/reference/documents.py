"""The entities of the booking system and what may be sent to make or change them.

Does not belong here: rules between entities (desk.py) and how they are stored (calendars.py, table.py).
"""

import math
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, ValidationError, model_validator

from calsync_core.hosts.reference.errors import HostError, InvalidInputError
from calsync_core.hosts.reference.fields import Document, Email, Id, Instant, Line, Moment, Name, Url, Zone
from calsync_core.hosts.reference.series import Occurrence, check_rule, expand, occurrence_id
from calsync_core.hosts.reference.working_hours import WorkingHours

Kind = Literal["staff", "room", "equipment"]
Status = Literal["confirmed", "tentative", "cancelled"]
BlockKind = Literal["busy", "tentative", "oof"]
Model = TypeVar("Model", bound=Document)


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

    before_min: int = Field(0, ge=0, le=240)
    after_min: int = Field(0, ge=0, le=240)


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
    locale: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en"
    external_id: Id | None = None
    owner: Owner | None = None
    working_hours: WorkingHours | None = None
    updated_at: Instant


class NewResource(Document):
    """What POST /resources takes."""

    id: Id | None = None
    name: Name
    email: Email | None = None
    kind: Kind
    active: bool = True
    time_zone: Zone
    locale: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en"
    external_id: Id | None = None
    owner: Owner | None = None
    working_hours: WorkingHours | None = None


class Change(Document):
    """A sparse change: only the fields that were sent count. Fields in `NEVER_NULL` cannot be emptied."""

    NEVER_NULL: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def _keeps_what_is_needed(self) -> Self:
        for name in sorted(self.model_fields_set & self.NEVER_NULL):
            if getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null")
        return self

    def sent(self) -> dict[str, Any]:
        """The fields that were sent, as parsed values."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class ResourceChange(Change):
    """What PATCH /resources/{id} takes."""

    NEVER_NULL = frozenset({"name", "kind", "active", "time_zone", "locale"})
    name: Name | None = None
    email: Email | None = None
    kind: Kind | None = None
    active: bool | None = None
    time_zone: Zone | None = None
    locale: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] | None = None
    external_id: Id | None = None
    owner: Owner | None = None
    working_hours: WorkingHours | None = None


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
    buffers: Buffers = Buffers()
    series: SeriesRef | None = None
    custom_fields: CustomFields = {}
    updated_at: Instant
    origin: Origin | None = None
    # Of a series: the original starts that have become bookings of their own. Never shown.
    detached: tuple[Instant, ...] = ()

    @property
    def is_series(self) -> bool:
        """Whether this is a series rather than one booking."""
        return self.series is not None and self.series.original_start is None

    def shown(self) -> dict[str, Any]:
        """The booking as answers show it."""
        shown = self.model_dump(mode="json", exclude={"detached"})
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
        return [self.occurrence(found) for found in self.dates() if found.start not in self.detached]

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
            }
        )


class NewSeries(Document):
    """The repetition of a new booking."""

    rrule: Annotated[str, AfterValidator(check_rule)]
    exdates: Annotated[tuple[Instant, ...], Field(max_length=366)] = ()


class NewBooking(Document):
    """What POST /bookings takes. `start` and `end` may be dates if `all_day`."""

    id: Id | None = None
    status: Literal["confirmed", "tentative"] = "confirmed"
    resource_ids: ResourceIds
    start: Moment
    end: Moment
    time_zone: Zone | None = None
    all_day: bool = False
    title: Line = ""
    service_name: Line | None = None
    customer: Customer | None = None
    notes: Notes | None = None
    location: Line | None = None
    url: Url | None = None
    private: bool = False
    buffers: Buffers = Buffers()
    series: NewSeries | None = None
    custom_fields: CustomFields = {}
    origin: Origin | None = None


class SeriesChange(Change):
    """What may change about the repetition of a series."""

    NEVER_NULL = frozenset({"rrule", "exdates"})
    rrule: Annotated[str, AfterValidator(check_rule)] | None = None
    exdates: Annotated[tuple[Instant, ...], Field(max_length=366)] | None = None


class BookingChange(Change):
    """What PATCH /bookings/{id} takes. `notify` is accepted and not obeyed: capability `notify_control` is false."""

    NEVER_NULL = frozenset(
        {"status", "resource_ids", "start", "end", "time_zone", "all_day", "title", "private", "buffers", "series"}
        | {"custom_fields"}
    )
    status: Literal["confirmed", "tentative"] | None = None
    resource_ids: ResourceIds | None = None
    start: Moment | None = None
    end: Moment | None = None
    time_zone: Zone | None = None
    all_day: bool | None = None
    title: Line | None = None
    service_name: Line | None = None
    customer: Customer | None = None
    notes: Notes | None = None
    location: Line | None = None
    url: Url | None = None
    private: bool | None = None
    buffers: Buffers | None = None
    series: SeriesChange | None = None
    custom_fields: CustomFields | None = None
    notify: bool | None = None


class Cancellation(Document):
    """What POST /bookings/{id}/cancel takes, if anything."""

    notify: bool | None = None


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


class BlockContent(Document):
    """What PUT /blocks/{ref} takes. `start` and `end` may be dates if `all_day`."""

    resource_id: Id
    start: Moment
    end: Moment
    all_day: bool = False
    kind: BlockKind = "busy"
    title: Line | None = None
    notes: Notes | None = None
    origin: BlockOrigin


def parse(model: type[Model], body: str | bytes) -> Model:
    """What was sent, as the model says it must be.

    Raises:
        HostError: `malformed`, not a JSON object.
        InvalidInputError: JSON, but not what the contract says.
    """
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        if any(problem["type"] in {"json_invalid", "model_type"} and not problem["loc"] for problem in problems):
            raise HostError(400, "malformed", "The body is not a JSON object.") from error
        raise InvalidInputError(
            *((".".join(map(str, problem["loc"])), _told(problem["msg"])) for problem in problems[:20])
        ) from error


def _told(message: str) -> str:
    return message.removeprefix("Value error, ")


def checked_span(start: datetime, end: datetime, *, longest_days: int | None) -> None:
    """Refuse spans that do not run forward, or last longer than allowed.

    Raises:
        InvalidInputError: either.
    """
    if end <= start:
        raise InvalidInputError(("end", "must be after start"))
    if longest_days and (end - start).total_seconds() > longest_days * 86_400 + 3_600:
        raise InvalidInputError(("end", f"must be within {longest_days} days of start"))
