"""The settings as a form: words for every key and value, and what a browser sends back as typed values.

A setting without words here is not shown; a test compares this table with domain/settings.py. Not here: ranges and
unknown keys, which the domain refuses.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from calsync_core.domain.settings import (
    CUSTOM,
    OWN_ZONE,
    Overrides,
    Source,
    SyncSettings,
    choices,
    flatten,
    sources,
)
from calsync_core.web.request import Request


def _(text: str) -> str:
    """Marks a text for translation; it is translated where it is shown."""
    return text


GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (_("In general"), ("direction", "active")),
    (
        _("Bookings to the calendar"),
        (
            "to_calendar.privacy",
            "to_calendar.fields",
            "to_calendar.title",
            "to_calendar.show_as",
            "to_calendar.sensitivity",
            "to_calendar.alarm",
            "to_calendar.alarm_minutes",
            "to_calendar.buffers",
            "to_calendar.time_zone",
        ),
    ),
    (
        _("Calendar to the bookings"),
        (
            "from_calendar.privacy",
            "from_calendar.title",
            "from_calendar.notes",
            "from_calendar.private",
            "from_calendar.tentative",
            "from_calendar.working_elsewhere",
            "from_calendar.free",
            "from_calendar.all_day",
            "from_calendar.declined",
            "from_calendar.not_responded",
            "from_calendar.exclude",
        ),
    ),
    (_("Both ways"), ("notes_format", "window.weeks_back", "window.weeks_ahead")),
    (
        _("When somebody changes a booking in the calendar"),
        ("edits.moved_in_calendar", "edits.deleted_in_calendar", "edits.tell_customer", "conflicts.notify"),
    ),
    (_("When we do not know, and at the end"), ("availability.when_unknown", "on_disconnect")),
)

PREFIX = "set."
"""Before the names of fields, so that no setting is mistaken for one of the form's own."""

LABELS: Mapping[str, str] = {
    "direction": _("Direction"),
    "active": _("Active"),
    "to_calendar.privacy": _("Show as"),
    "to_calendar.fields": _("Details that are shown"),
    "to_calendar.title": _("Title of the entry"),
    "to_calendar.buffers": _("Time before and after a service"),
    "to_calendar.time_zone": _("Time zone of the entries"),
    "to_calendar.show_as": _("The time counts as"),
    "to_calendar.sensitivity": _("Marked in Outlook as"),
    "to_calendar.alarm": _("Alarm before a booking"),
    "to_calendar.alarm_minutes": _("Minutes before"),
    "from_calendar.privacy": _("Show as"),
    "from_calendar.title": _("With the title"),
    "from_calendar.notes": _("With the notes"),
    "from_calendar.private": _("Private entries"),
    "from_calendar.tentative": _("Entries marked “tentative”"),
    "from_calendar.working_elsewhere": _("Entries marked “working elsewhere”"),
    "from_calendar.free": _("Entries marked “free”"),
    "from_calendar.all_day": _("Entries of whole days"),
    "from_calendar.declined": _("Invitations that were declined"),
    "from_calendar.not_responded": _("Invitations without an answer"),
    "from_calendar.exclude": _("Entries that are left alone"),
    "notes_format": _("Notes"),
    "window.weeks_back": _("Weeks back"),
    "window.weeks_ahead": _("Weeks ahead"),
    "edits.moved_in_calendar": _("Moved in the calendar"),
    "edits.deleted_in_calendar": _("Deleted in the calendar"),
    "edits.tell_customer": _("Tell the customer about a move"),
    "conflicts.notify": _("Who is told about conflicts"),
    "availability.when_unknown": _("While a calendar cannot be read"),
    "on_disconnect": _("Copies after disconnecting"),
}

_YES_NO = {"true": _("yes"), "false": _("no")}
_BLOCK = {"block": _("block the time"), "ignore": _("leave alone")}
WORDS: Mapping[str, Mapping[str, str]] = {
    "direction": {
        "two_way": _("both ways"),
        "to_calendar": _("bookings to the calendar only"),
        "from_calendar": _("calendar to the bookings only"),
    },
    "active": _YES_NO,
    "to_calendar.privacy": {"full": _("details"), "anonymous": _("only “Busy”")},
    "to_calendar.fields": {
        "resource": _("person or room"),
        "service": _("service"),
        "customer": _("customer"),
        "phone": _("phone"),
        "email": _("e-mail"),
        "notes": _("notes"),
        "location": _("place"),
    },
    "to_calendar.show_as": {
        "busy": _("busy"),
        "tentative": _("tentative"),
        "oof": _("out of office"),
        "free": _("free"),
    },
    "to_calendar.buffers": {
        "include": _("part of the entry"),
        "only_service": _("left out: the entry spans the service alone"),
    },
    "to_calendar.sensitivity": {"normal": _("normal"), "private": _("private")},
    "to_calendar.alarm": _YES_NO,
    "from_calendar.privacy": {"anonymous": _("only “Busy”"), "full": _("title and notes")},
    "from_calendar.title": _YES_NO,
    "from_calendar.notes": _YES_NO,
    "from_calendar.private": {
        "block_time": _("only block the time"),
        "skip": _("leave alone"),
        "full": _("like all others"),
    },
    "from_calendar.tentative": _BLOCK,
    "from_calendar.working_elsewhere": _BLOCK,
    "from_calendar.free": _BLOCK,
    "from_calendar.all_day": {**_BLOCK, "busy_only": _("block if marked busy")},
    "from_calendar.declined": _BLOCK,
    "from_calendar.not_responded": _BLOCK,
    "notes_format": {"text": _("as plain text"), "html": _("with their formatting")},
    "edits.moved_in_calendar": {
        "apply": _("ask the booking system to move it"),
        "restore": _("put it back"),
        "flag": _("show it as a conflict"),
    },
    "edits.deleted_in_calendar": {
        "flag": _("show it as a conflict"),
        "restore": _("write it again"),
        "cancel_booking": _("cancel the booking"),
    },
    "edits.tell_customer": {
        "host_decides": _("the booking system decides"),
        "yes": _("yes"),
        "no": _("no"),
    },
    "conflicts.notify": {
        "resource": _("the person"),
        "admin": _("the administrator"),
        "both": _("both"),
        "nobody": _("nobody"),
    },
    "availability.when_unknown": {
        "unavailable": _("offer no time"),
        "as_known": _("go by what was known last"),
    },
    "on_disconnect": {"remove_copies": _("remove them"), "keep_copies": _("keep them")},
}

RANGES: Mapping[str, tuple[int, int]] = {
    "to_calendar.alarm_minutes": (0, 40320),
    "window.weeks_back": (0, 52),
    "window.weeks_ahead": (1, 156),
}
_MANY, _EXCLUDE, _ZONE = "to_calendar.fields", "from_calendar.exclude", "to_calendar.time_zone"
HINTS: Mapping[str, str] = {
    "to_calendar.title": _(
        "Details in braces: {service}, {customer}, {resource}, {phone}, {email}, {location}, {notes}, {custom:name}. "
        "What is not shown above, or is empty, leaves no gap."
    ),
    "to_calendar.fields": _("Further fields of your booking system, by name, one a line"),
    "to_calendar.time_zone": _("Empty: each person's own. Else as in Europe/Berlin or W. Europe Standard Time."),
    "from_calendar.exclude": _("Private entries show neither category nor title, and are not left alone by them."),
}


@dataclass(frozen=True, slots=True)
class Field:
    """`control` is number, text, many, exclude or one; `value` is what a browser would send, a tuple for many. `lines`
    are texts of several lines by the name that they are sent under. `default` is what "Use
    default again" would give."""

    key: str
    label: str
    control: str
    value: str | tuple[str, ...]
    options: tuple[tuple[str, str], ...]
    least: int
    most: int
    is_own: bool
    default: str
    hint: str = ""
    lines: tuple[tuple[str, str, str], ...] = ()


def form_groups(
    shown: SyncSettings, defaults: SyncSettings, account: Overrides, own: Overrides, level: Source
) -> list[tuple[str, list[Field]]]:
    """All fields with the values of `shown`; `defaults` are what "Use default again" would give, `level` is whose page
    it is: values that come from there, or are about to, were changed here."""
    values, fallback = flatten(shown), flatten(defaults)
    origin = sources(account, own)
    return [
        (
            title,
            [
                _field(key, values[key], fallback[key], origin[key] is level or values[key] != fallback[key])
                for key in group
            ],
        )
        for title, group in GROUPS
    ]


def read_form(request: Request, present: SyncSettings) -> Overrides:
    """The values that differ from the present ones; a key that the form did not send is left as it is.

    Nothing is corrected here: a value that cannot be right is refused by the domain with its code.
    """
    before = flatten(present)
    sent: Overrides = {}
    names = (key.partition("/")[0] for key, _value in request.form if key.startswith(PREFIX))
    for name in dict.fromkeys(names):
        key = name.removeprefix(PREFIX)
        value = _typed(key, request)
        if key not in before or before[key] != value:
            sent[key] = value
    return sent


def as_typed(groups: list[tuple[str, list[Field]]], request: Request) -> list[tuple[str, list[Field]]]:
    """The fields with what was sent for them, right or wrong, so that nobody enters a form twice."""
    sent = {name for name, _value in request.form}

    def typed(field: Field) -> Field:
        lines = tuple((name, label, request.field(name, text)) for name, label, text in field.lines)
        if field.key not in sent:
            return replace(field, lines=lines)
        values = request.fields(field.key)
        value = tuple(one for one in values if one) if field.control == "many" else values[-1]
        return replace(field, value=value, lines=lines)

    return [(title, [typed(field) for field in fields]) for title, fields in groups]


def told_changes(names: Iterable[str], before: SyncSettings, after: SyncSettings) -> list[tuple[str, str, str, str]]:
    """Of each key its label, its group where two have the same label, and its value before and after, in words."""
    old, new = flatten(before), flatten(after)
    labels = Counter(LABELS.values())
    group_of = {key: title for title, group in GROUPS for key in group}
    return [
        (LABELS[key], group_of[key] if labels[LABELS[key]] > 1 else "", shown_value(key, old[key]),
         shown_value(key, new[key]))
        for key in names
    ]  # fmt: skip


def shown_value(key: str, value: Any) -> str:
    """In words, for lists of changes and of defaults."""
    if isinstance(value, bool):
        return _YES_NO[str(value).lower()]
    if isinstance(value, (list, tuple)):
        return ", ".join(WORDS[key].get(one, one.removeprefix(CUSTOM)) for one in value) or "-"
    if isinstance(value, Mapping):
        return ", ".join([*value["categories"], *(f"“{text}”" for text in value["subjects"])]) or "-"
    if key == _ZONE and value == OWN_ZONE:
        return _("each person's own")
    return WORDS.get(key, {}).get(str(value), str(value))


def _typed(key: str, request: Request) -> Any:
    sent = request.fields(PREFIX + key)
    if key == _MANY:
        return [one for one in sent if one] + [CUSTOM + one for one in _lines(request, key, "custom")]
    if key == _EXCLUDE:
        return {part: _lines(request, key, part) for part in ("categories", "subjects")}
    value = sent[-1] if sent else ""
    if key == _ZONE:
        return value.strip() or OWN_ZONE
    if key in RANGES:
        return int(value) if value.isdecimal() and len(value) < 9 else value
    if WORDS.get(key) is _YES_NO:
        return {"true": True, "false": False}.get(value, value)
    return value


def _lines(request: Request, key: str, part: str) -> list[str]:
    text = request.field(f"{PREFIX}{key}/{part}")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _control(key: str) -> str:
    if key == _MANY:
        return "many"
    if key == _EXCLUDE:
        return "exclude"
    return "number" if key in RANGES else "one" if key in WORDS else "text"


def _texts(key: str, value: Any) -> tuple[tuple[str, str, str], ...]:
    """Name, label and text of what is written by lines."""
    if key == _MANY:
        own = [one.removeprefix(CUSTOM) for one in value if one.startswith(CUSTOM)]
        return ((f"{PREFIX}{key}/custom", HINTS[key], "\n".join(own)),)
    if key == _EXCLUDE:
        return (
            (
                f"{PREFIX}{key}/categories",
                _("with one of these categories, one a line"),
                "\n".join(value["categories"]),
            ),
            (
                f"{PREFIX}{key}/subjects",
                _("with one of these texts in the title, one a line"),
                "\n".join(value["subjects"]),
            ),
        )
    return ()


def _field(key: str, value: Any, default: Any, is_own: bool) -> Field:
    words = WORDS.get(key, {})
    control = _control(key)
    if key == _ZONE and value == OWN_ZONE:
        value = ""
    order = choices(key) or tuple(words)
    least, most = RANGES.get(key, (0, 0))
    return Field(
        key=PREFIX + key,
        label=LABELS[key],
        control=control,
        value=tuple(value) if control == "many" else str(value).lower() if isinstance(value, bool) else str(value),
        options=tuple((word, words[word]) for word in order if word in words),
        least=least,
        most=most,
        is_own=is_own,
        default=shown_value(key, default),
        hint="" if key == _MANY else HINTS.get(key, ""),
        lines=_texts(key, value),
    )
