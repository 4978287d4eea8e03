"""What /v1 takes and gives. Domain values never go on the wire; the OpenAPI document is made from these models.

Instants are UTC with Z, whole seconds. Ids are opaque. Unknown fields of a request are refused.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from calsync_core.domain.appointments import AllDay, When


def instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _text_only(value: Any) -> Any:
    """A number would be read as seconds of some epoch; instants are texts."""
    if isinstance(value, (str, datetime)):
        return value
    raise ValueError("an instant is a text")


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_text_only),
    PlainSerializer(instant, return_type=str, when_used="json"),
    Field(examples=["2026-11-23T09:00:00Z"]),
]
T = TypeVar("T")


class Answered(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True)


class Asked(BaseModel):
    """Base of all requests."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Page(Answered, Generic[T]):
    items: list[T]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null on the last one.")


class StatusOut(Answered):
    """`state` is a stable word, `label` what people see."""

    state: Literal[
        "not_invited", "awaiting_confirmation", "importing", "connected", "reauth_required", "paused", "disconnected"
    ]
    label: str
    invitation: str | None = Field(description="Where the invitation stands while it waits.")
    degraded: str | None = Field(description="Code of a fault beside it.")
    since: Instant | None
    next_actor: Literal["resource", "admin", "it", "operator", "nobody"]
    percent: int | None = Field(description="Of an import.")


class ResourceOut(Answered):
    id: str
    name: str
    kind: Literal["staff", "room", "equipment"]
    email: str
    time_zone: str
    active: bool
    status: StatusOut
    last_sync: Instant | None
    calendars: int = Field(description="How many calendars are read, the one that is written included.")
    checked_every_minutes: int | None = Field(
        default=None,
        description="Set while the Exchange server cannot reach calsync, so that changes are found by checks. "
        "Not in lists.",
    )
    open_conflicts: int


class IntervalOut(Answered):
    start: Instant
    end: Instant
    status: Literal["busy", "tentative", "oof", "working_elsewhere", "unknown"]


class SourceOut(Answered):
    """One calendar; `as_of` is when it was last read."""

    name: str
    known: bool
    as_of: Instant | None
    reason: str | None


class AvailabilityOut(Answered):
    """Time that no interval covers is free. `known` false: what we say rests on old or missing readings."""

    resource_id: str
    start: Instant
    end: Instant
    known: bool
    intervals: list[IntervalOut]
    sources: list[SourceOut]


class CheckIn(Asked):
    start: Instant
    end: Instant


class CheckOut(AvailabilityOut):
    """`result` is free only when every calendar answered and none is busy."""

    result: Literal["free", "busy", "unknown"]


class WhenOut(Answered):
    """Instants, or dates with an exclusive end for whole days."""

    start: str
    end: str
    all_day: bool


class LogOut(Answered):
    at: Instant
    resource_id: str | None
    code: str = Field(description="What happened; stable.")
    text: str
    way: Literal["to_calendar", "from_calendar", "none"]
    rule: str | None
    reference: str | None
    cause: str | None
    problem: bool
    appointment: WhenOut | None = Field(description="When the appointment is that the line is about.")
    detail: dict[str, str]


class ConflictOut(Answered):
    """Titles are not part of it: the booking's is in the booking system, the calendar's belongs to its owner."""

    id: str
    resource_id: str
    kind: str
    status: Literal["open", "left", "settled", "resolved"]
    booking_id: str | None
    booking_time: WhenOut | None
    calendar_time: WhenOut | None
    code: str | None
    opened: Instant
    until: Instant | None
    ended: Instant | None
    ended_by: str | None
    resolution: str | None = Field(description="What a person chose; null while it is open or when it settled itself.")
    revision: int
    resolutions: list[str] = Field(description="The ways out that fit; empty once it has ended.")


class ResolutionIn(Asked):
    resolution: Literal["keep_booking", "take_calendar", "next_free", "leave_both"]
    revision: int | None = Field(None, description="The one that was seen; another one now is refused with 409.")
    until: Instant | None = Field(None, description="For leave_both: until when, at most a year ahead.")


class SettingOut(Answered):
    value: Any
    source: Literal["built_in", "account", "resource"]


class SettingsOut(Answered):
    """Effective values by dotted key, each with where it comes from."""

    version: int = Field(description="Of the values stored here; send it back to notice somebody else's change.")
    settings: dict[str, SettingOut]


class SettingsIn(Asked):
    """Only the keys that change. A key with null loses its own value: the default counts again."""

    settings: dict[str, Any] = Field(examples=[{"window.weeks_ahead": 26}])
    scope: Literal["future", "window"] = Field("future", description="Future changes only, or also the whole window.")
    version: int | None = None


class EffectOut(Answered):
    """What a change would do, or did wish for, in numbers."""

    resources: int
    left_alone: int
    copies: int
    blocks: int
    removed: int
    at_least: bool


class CountsOut(Answered):
    """What the first run after the change would do, each entry and block counted once."""

    copies_added: int
    copies_rewritten: int
    copies_removed: int
    blocks_added: int
    blocks_rewritten: int
    blocks_removed: int
    bookings_asked: int = Field(description="Bookings that the booking system would be asked to move or cancel.")
    untouched: int


class ExampleOut(Answered):
    """Titles of bookings; the title of a calendar entry only where the booking system shows it already."""

    what: Literal[
        "copy_added", "copy_rewritten", "copy_removed", "block_added", "block_rewritten", "block_removed",
        "booking_asked",
    ]  # fmt: skip
    time: WhenOut
    before: str | None
    after: str | None
    changed: list[str] = Field(description="What differs of a copy that is rewritten.")


class DryRunOut(Answered):
    """Nothing was written. `estimate` are the entries concerned, were the change applied to everything in the window;
    `now` is what it does at once with the asked scope."""

    estimate: EffectOut
    now: CountsOut
    examples: list[ExampleOut]
    stricter: bool = Field(description="Less is shown than before: the window is rewritten whatever the scope.")
    wider: bool = Field(description="More is shown than before: what exists stays as it is.")
    larger_window: bool
    unread: int = Field(description="Connected people and rooms whose calendar could not be read now; not in `now`.")
    waiting: int = Field(description="People and rooms that do not sync at present and follow later.")


class SettingsChangedOut(SettingsOut):
    effect: EffectOut


class InvitationIn(Asked):
    message: Annotated[str, Field(max_length=300)] = ""
    agree_to_privacy_version: str | None = Field(
        None, description="Agreement to this version of the privacy text; needed once before the first invitation."
    )
    send: bool = Field(True, description="False: no mail, the answer holds the link to hand over.")
    calendar: Literal["office365", "exchange", "any"] | None = Field(
        None, description="What the invitation is for; left out: as before, else what the account invites to."
    )


class InvitationOut(Answered):
    resource_id: str
    address: str
    expires: Instant
    link: str | None = Field(description="Only with send false; it is not shown again.")


class PauseIn(Asked):
    until: Instant | None = None


class DisconnectIn(Asked):
    copies: Literal["remove_copies", "keep_copies"]


class AcceptedOut(Answered):
    accepted: Literal[True] = True


class ProblemOut(Answered):
    """RFC 9457; `code` is stable, the texts are for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    who_acts: str
    field: str | None = None


def when_out(when: When | None) -> WhenOut | None:
    if when is None:
        return None
    if isinstance(when, AllDay):
        return WhenOut(start=when.start.isoformat(), end=when.end.isoformat(), all_day=True)
    return WhenOut(start=instant(when.start_at), end=instant(when.end_at), all_day=False)
