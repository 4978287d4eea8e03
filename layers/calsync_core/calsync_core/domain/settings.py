"""The settings, documented once: account defaults, sparse overrides per resource, effective values with their source.

Keys are those of design.md section 4, dotted. A setting that the engine does not obey yet is listed in
`NOT_AVAILABLE`: it is not shown and the API refuses it with `setting_not_available`.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calsync_core.domain.errors import InputError

BlockOrIgnore = Literal["block", "ignore"]
CopyField = Literal["resource", "service", "customer", "phone", "email", "notes", "location"]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ToCalendar(_Group):
    """Bookings -> calendar."""

    privacy: Literal["full", "anonymous"] = Field("full", description="Details, or a blocker that carries time only.")
    fields: tuple[CopyField, ...] = Field(
        ("service", "customer", "notes", "location"), description="Which details the copy shows."
    )
    show_as: Literal["busy", "tentative", "oof", "free"] = Field("busy", description="How Outlook shows the time.")
    sensitivity: Literal["normal", "private"] = Field("normal", description="Whether Outlook marks the copy private.")
    alarm: bool = Field(False, description="Whether Outlook reminds of the booking.")
    alarm_minutes: Annotated[int, Field(ge=0, le=40320)] = Field(15, description="Minutes before the booking.")


class FromCalendar(_Group):
    """Calendar -> bookings."""

    privacy: Literal["anonymous", "full"] = Field("anonymous", description="Only busy, or also title and notes.")
    title: bool = Field(True, description="With full details: whether the title is copied.")
    notes: bool = Field(True, description="With full details: whether the notes are copied.")
    private: Literal["block_time", "skip", "full"] = Field("block_time", description="Entries marked private.")
    tentative: BlockOrIgnore = Field("block", description="Entries shown as tentative.")
    working_elsewhere: BlockOrIgnore = Field("ignore", description="Entries shown as working elsewhere.")
    free: BlockOrIgnore = Field("ignore", description="Entries shown as free.")
    all_day: Literal["block", "ignore", "busy_only"] = Field("busy_only", description="All-day entries.")
    declined: BlockOrIgnore = Field("ignore", description="Invitations that were declined.")
    not_responded: BlockOrIgnore = Field("block", description="Invitations that were not answered.")


class WindowSettings(_Group):
    weeks_back: Annotated[int, Field(ge=0, le=52)] = Field(2, description="Weeks back.")
    weeks_ahead: Annotated[int, Field(ge=1, le=156)] = Field(52, description="Weeks ahead.")


class Edits(_Group):
    """What follows when a person changes a copy in Outlook."""

    moved_in_calendar: Literal["apply", "restore", "flag"] = Field("apply", description="The copy was moved.")
    deleted_in_calendar: Literal["flag", "restore", "cancel_booking"] = Field("flag", description="It was deleted.")
    tell_customer: Literal["host_decides", "yes", "no"] = Field(
        "host_decides", description="Whether the booking system tells the customer about a move."
    )


class Conflicts(_Group):
    notify: Literal["resource", "admin", "both", "nobody"] = Field("resource", description="Who is mailed.")


class Availability(_Group):
    when_unknown: Literal["unavailable", "as_known"] = Field(
        "unavailable", description="What is answered while a calendar cannot be read."
    )


class SyncSettings(_Group):
    """One complete set of effective values."""

    direction: Literal["two_way", "to_calendar", "from_calendar"] = Field("two_way", description="Direction.")
    active: bool = Field(True, description="Whether anything is synced.")
    to_calendar: ToCalendar = ToCalendar()  # type: ignore[call-arg]
    from_calendar: FromCalendar = FromCalendar()  # type: ignore[call-arg]
    window: WindowSettings = WindowSettings()  # type: ignore[call-arg]
    edits: Edits = Edits()  # type: ignore[call-arg]
    conflicts: Conflicts = Conflicts()  # type: ignore[call-arg]
    availability: Availability = Availability()  # type: ignore[call-arg]
    on_disconnect: Literal["remove_copies", "keep_copies"] = Field("remove_copies", description="Copies at the end.")

    @property
    def writes_calendar(self) -> bool:
        return self.active and self.direction != "from_calendar"

    @property
    def writes_host(self) -> bool:
        return self.active and self.direction != "to_calendar"


NOT_AVAILABLE = frozenset(
    {
        "to_calendar.title", "to_calendar.time_zone", "to_calendar.buffers", "notes_format",
        "from_calendar.exclude", "to_calendar.fields.custom",
    }
)  # fmt: skip

Overrides = dict[str, Any]
"""Sparse, dotted keys -> values as JSON has them."""


class Source(StrEnum):
    """Where an effective value comes from; the words people see: "Default", "Changed here"."""

    BUILT_IN = "built_in"
    ACCOUNT = "account"
    RESOURCE = "resource"


def keys() -> tuple[str, ...]:
    """All dotted keys in the order of the model."""
    return tuple(_flatten(SyncSettings().model_dump(mode="json")))  # type: ignore[call-arg]


def effective(account: Overrides, resource: Overrides) -> SyncSettings:
    """Built-in values, overlaid by the account's, overlaid by the resource's."""
    return parse({**account, **resource})


def sources(account: Overrides, resource: Overrides) -> dict[str, Source]:
    return {
        key: Source.RESOURCE if key in resource else Source.ACCOUNT if key in account else Source.BUILT_IN
        for key in keys()
    }


def parse(values: Overrides) -> SyncSettings:
    """Check and complete sparse values.

    Raises InputError: `setting_unknown`, `setting_not_available` or `setting_out_of_range`, with `field`.
    """
    known = set(keys())
    tree: dict[str, Any] = {}
    for key, value in values.items():
        if key in NOT_AVAILABLE:
            raise InputError("setting_not_available", field=key)
        if key not in known:
            raise InputError("setting_unknown", field=key[:80])
        group, _, name = key.partition(".")
        if name:
            tree.setdefault(group, {})[name] = value
        else:
            tree[key] = value
    try:
        return SyncSettings.model_validate(tree)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"][:2])
        raise InputError("setting_out_of_range", field=place) from None


def flatten(settings: SyncSettings) -> Overrides:
    return _flatten(settings.model_dump(mode="json"))


def choices(key: str) -> tuple[str, ...]:
    """The allowed words of a key, default first; empty for numbers, booleans and lists."""
    group, _, name = key.partition(".")
    model: type[BaseModel] = SyncSettings
    if name:
        model = SyncSettings.model_fields[group].annotation  # type: ignore[assignment]
    words = get_args(model.model_fields[name or group].annotation)
    return tuple(word for word in words if isinstance(word, str))


def _flatten(tree: dict[str, Any]) -> Overrides:
    flat: Overrides = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{name}": inner for name, inner in value.items()})
        else:
            flat[key] = value
    return flat
