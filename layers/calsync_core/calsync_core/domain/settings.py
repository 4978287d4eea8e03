"""The settings, documented once: account defaults, sparse overrides per resource, effective values with their source.

Keys are those of design.md section 4, dotted. The engine obeys every one of them.
"""

import json
from enum import StrEnum
from functools import cache, lru_cache
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from calsync_core.domain.errors import InputError
from calsync_core.domain.title_template import LONGEST_TEMPLATE, names_of
from calsync_core.domain.zones import iana_name

BlockOrIgnore = Literal["block", "ignore"]
CopyField = Literal["resource", "service", "customer", "phone", "email", "notes", "location"]
CUSTOM = "custom:"
"""Begins the name of a field that the booking system made up itself, as in `custom:insurer`."""

CustomField = Annotated[str, StringConstraints(pattern=r"^custom:[^{}\x00-\x1f]{1,64}$", strip_whitespace=True)]
OWN_ZONE = "resource"
DEFAULT_TITLE = "{service} - {customer} - {resource}"


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ToCalendar(_Group):
    """Bookings -> calendar."""

    privacy: Literal["full", "anonymous"] = Field("full", description="Details, or a blocker that carries time only.")
    fields: Annotated[tuple[CopyField | CustomField, ...], Field(max_length=40)] = Field(
        ("service", "customer", "notes", "location"), description="Which details the copy shows."
    )
    title: Annotated[str, StringConstraints(max_length=LONGEST_TEMPLATE, strip_whitespace=True)] = Field(
        DEFAULT_TITLE, description="The title as a template of these details."
    )
    show_as: Literal["busy", "tentative", "oof", "free"] = Field("busy", description="How Outlook shows the time.")
    sensitivity: Literal["normal", "private"] = Field("normal", description="Whether Outlook marks the copy private.")
    alarm: bool = Field(False, description="Whether Outlook reminds of the booking.")
    alarm_minutes: Annotated[int, Field(ge=0, le=40320)] = Field(15, description="Minutes before the booking.")
    time_zone: Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)] = Field(
        OWN_ZONE, description="The zone that copies are written in: the resource's, or an IANA or Windows name."
    )
    buffers: Literal["include", "only_service"] = Field(
        "include", description="Whether the copy spans the time before and after the service as well."
    )

    def zone(self, own: str) -> str:
        """The IANA name; `own` is the resource's."""
        return own if self.time_zone == OWN_ZONE else iana_name(self.time_zone) or own


_Filter = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]


class Exclude(_Group):
    """Entries that never block: those with one of the categories, or with one of the texts in their title.

    Not for entries marked private, whose texts are not read, unless `from_calendar.private` is full.
    """

    categories: Annotated[tuple[_Filter, ...], Field(max_length=50)] = ()
    subjects: Annotated[tuple[_Filter, ...], Field(max_length=50)] = ()


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
    exclude: Exclude = Field(Exclude(), description="Entries left alone by category or by text of the title.")


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
    notes_format: Literal["text", "html"] = Field("text", description="Notes as plain text, or with their formatting.")
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


Overrides = dict[str, Any]
"""Sparse, dotted keys -> values as JSON has them."""


class Source(StrEnum):
    """Where an effective value comes from; the words people see: "Default", "Changed here"."""

    BUILT_IN = "built_in"
    ACCOUNT = "account"
    RESOURCE = "resource"


@cache
def keys() -> tuple[str, ...]:
    """All dotted keys in the order of the model."""
    return tuple(_flatten(SyncSettings().model_dump(mode="json")))  # type: ignore[call-arg]


def effective(account: Overrides, resource: Overrides) -> SyncSettings:
    """Built-in values, overlaid by the account's, overlaid by the resource's."""
    return _parsed(json.dumps({**account, **resource}))


@lru_cache(maxsize=256)
def _parsed(values: str) -> SyncSettings:
    """Frozen, and the same for all resources without overrides: pages and runs ask for it again and again."""
    return parse(json.loads(values))


def sources(account: Overrides, resource: Overrides) -> dict[str, Source]:
    return {
        key: Source.RESOURCE if key in resource else Source.ACCOUNT if key in account else Source.BUILT_IN
        for key in keys()
    }


def parse(values: Overrides) -> SyncSettings:
    """Check and complete sparse values.

    Raises InputError: `setting_unknown`, `setting_out_of_range`, `setting_title_field_unknown` (a placeholder that is
    no detail) or `setting_zone_unknown`, with `field`.
    """
    tree: dict[str, Any] = {}
    for key, value in values.items():
        if key not in keys():
            raise InputError("setting_unknown", field=key[:80])
        group, _, name = key.partition(".")
        if name:
            tree.setdefault(group, {})[name] = value
        else:
            tree[key] = value
    try:
        settings = SyncSettings.model_validate(tree)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"][:2])
        raise InputError("setting_out_of_range", field=place) from None
    _check_title(settings.to_calendar.title)
    if settings.to_calendar.time_zone != OWN_ZONE and iana_name(settings.to_calendar.time_zone) is None:
        raise InputError("setting_zone_unknown", field="to_calendar.time_zone")
    return settings


def _check_title(template: str) -> None:
    try:
        names = names_of(template)
    except ValueError:
        names = ("",)  # a brace without its partner
    details = get_args(CopyField)
    if not all(name in details or (name.startswith(CUSTOM) and len(name) > len(CUSTOM)) for name in names):
        raise InputError("setting_title_field_unknown", field="to_calendar.title")


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


def content_settings() -> tuple[str, ...]:
    """The keys that decide about texts, not only about times: the data matrix names each of them."""
    return (
        "to_calendar.privacy", "to_calendar.fields", "to_calendar.title", "notes_format", "from_calendar.privacy",
        "from_calendar.title", "from_calendar.notes", "from_calendar.private", "from_calendar.exclude",
    )  # fmt: skip


def _flatten(tree: dict[str, Any]) -> Overrides:
    flat: Overrides = {}
    for key, value in tree.items():
        if isinstance(value, dict):  # one level: what a group holds below is one value, as `from_calendar.exclude`
            flat.update({f"{key}.{name}": inner for name, inner in value.items()})
        else:
            flat[key] = value
    return flat
