"""What may be sent to make or change entities, and reading it strictly."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator

from calsync_core.hosts.reference.documents import (
    BlockKind,
    BlockOrigin,
    Buffers,
    Customer,
    CustomFields,
    Kind,
    Locale,
    Notes,
    Origin,
    Owner,
    ResourceIds,
)
from calsync_core.hosts.reference.errors import HostError, InvalidInputError
from calsync_core.hosts.reference.fields import Document, Email, Id, Instant, Line, Moment, Name, Url, Zone
from calsync_core.hosts.reference.series import check_rule
from calsync_core.hosts.reference.working_hours import WorkingHours

Model = TypeVar("Model", bound=Document)
MOST_BLOCKS = 50
"""In one PUT /blocks."""


class NewResource(Document):
    """What POST /resources takes."""

    id: Id | None = None
    name: Name
    email: Email | None = None
    kind: Kind
    active: bool = True
    time_zone: Zone
    locale: Locale = "en"
    external_id: Id | None = None
    owner: Owner | None = None
    working_hours: WorkingHours | None = None


class Change(Document):
    """A sparse change: only the fields that were sent count. Fields in `NEVER_NULL` cannot be emptied."""

    NEVER_NULL: ClassVar[frozenset[str]] = frozenset()

    @field_validator("*")
    @classmethod
    def _keeps_what_is_needed(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None and info.field_name in cls.NEVER_NULL:
            raise ValueError("cannot be null")
        return value

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
    locale: Locale | None = None
    external_id: Id | None = None
    owner: Owner | None = None
    working_hours: WorkingHours | None = None


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
    buffers: Buffers = Field(default_factory=Buffers)
    series: NewSeries | None = None
    custom_fields: CustomFields = Field(default_factory=dict)
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


class NamedBlock(BlockContent):
    """One of those that PUT /blocks takes."""

    ref: Id

    @property
    def content(self) -> BlockContent:
        return BlockContent.model_construct(**{name: getattr(self, name) for name in BlockContent.model_fields})


class BlockBatch(Document):
    """What PUT /blocks takes. One by one they are looked at later, so that a bad one hurts itself alone."""

    blocks: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_BLOCKS)]


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
