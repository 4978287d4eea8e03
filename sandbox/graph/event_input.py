"""Events as clients write them: every field checked, read into the store's terms. Showing: events.py."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from sandbox.appointments import Attendee, Content, Location, Person, ShowAs
from sandbox.calendars import Mailbox
from sandbox.graph import errors
from sandbox.graph.bodies import normal_subject, rewrite_html
from sandbox.graph.properties import read_properties
from sandbox.graph.recurrences import read_recurrence
from sandbox.graph.times import MIDNIGHT, read_wall
from sandbox.recurrence import Recurrence
from sandbox.series import master_at_first_occurrence
from sandbox.zones import to_wall, zone_info

MAX_SUBJECT = 255
_FIRST_YEAR, _LAST_YEAR = 1601, 4500  # what an Exchange store can hold
_TIMES = frozenset({"start", "end", "is_all_day"})
_MAX_YEARS = 5  # longest single appointment

_IGNORED = frozenset(
    {
        "id", "changeKey", "createdDateTime", "lastModifiedDateTime", "iCalUId", "uid", "bodyPreview",
        "hasAttachments", "isCancelled", "isOrganizer", "isDraft", "organizer", "responseStatus",
        "seriesMasterId", "type", "webLink", "onlineMeeting", "onlineMeetingUrl", "originalStart",
        "originalStartTimeZone", "originalEndTimeZone", "occurrenceId", "cancelledOccurrences", "calendar",
        "instances", "exceptionOccurrences", "transactionId",
    }
)  # fmt: skip
_NOT_HERE = frozenset({"attachments", "multiValueExtendedProperties"})
_PLACE_CHOICES = {
    "locationType": (
        "default", "conferenceRoom", "homeAddress", "businessAddress", "geoCoordinates", "streetAddress", "hotel",
        "restaurant", "localBusiness", "postalAddress",
    ),
    "uniqueIdType": ("unknown", "locationStore", "directory", "private", "bing"),
}  # fmt: skip
_PLACE_DETAILS: dict[str, type] = {
    "address": dict,
    "coordinates": dict,
    "locationEmailAddress": str,
    "locationUri": str,
    "uniqueId": str,
}
_SENSITIVITIES = ("normal", "personal", "private", "confidential")
_PROVIDERS = ("unknown", "teamsForBusiness", "skypeForBusiness", "skypeForConsumer")


@dataclass(slots=True)
class EventInput:
    """What a client wrote, in the store's terms; nothing about whether the times fit each other yet."""

    changes: dict[str, Any] = field(default_factory=dict)
    """Fields of Content."""
    recurrence: Recurrence | None = None
    ends_series: bool = False
    properties: dict[str, str] = field(default_factory=dict)
    extensions: list[dict[str, Any]] = field(default_factory=list)
    transaction_id: str | None = None
    wants_online: bool = False
    provider: str | None = None


def read_event(body: Any) -> EventInput:
    """Read the body of a create or change. Raises GraphError 400 or 501."""
    if not isinstance(body, dict):
        raise errors.bad_request("Empty Payload. JSON content expected.")
    read = EventInput(transaction_id=_transaction(body.get("transactionId")))
    for name, value in body.items():
        if "@odata." in name or name in _IGNORED:
            continue
        if name in _NOT_HERE:
            if value:
                raise errors.not_supported()
        elif name in _READERS:
            _READERS[name](read, value)
        else:
            raise errors.body_unreadable(
                f"The property '{name}' does not exist on type 'microsoft.graph.event'. Make sure to only "
                "use property names that are defined by the type."
            )
    return read


def _transaction(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and value):
        return value
    raise errors.property_failed()


def _cannot_convert(value: Any, type_: str) -> errors.GraphError:
    return errors.body_unreadable(f"Cannot convert the literal '{value}' to the expected type '{type_}'.")


Reader = Callable[[EventInput, Any], None]


def _text(name: str) -> Reader:
    def read(into: EventInput, value: Any) -> None:
        if value is not None and not isinstance(value, str):
            raise _cannot_convert(value, "Edm.String")
        into.changes[name] = value or ""

    return read


def _subject(into: EventInput, value: Any) -> None:
    _text("subject")(into, value)
    subject = normal_subject(into.changes["subject"])
    if len(subject) > MAX_SUBJECT:
        raise errors.property_failed()
    into.changes["subject"] = subject


def _flag(name: str) -> Reader:
    def read(into: EventInput, value: Any) -> None:
        if value is not None:
            into.changes[name] = _boolean(value)

    return read


def _boolean(value: Any) -> bool:
    """A boolean; the service takes the words as well, and O365 sends them."""
    if isinstance(value, str) and value.casefold() in ("true", "false"):
        return value.casefold() == "true"
    if not isinstance(value, bool):
        raise _cannot_convert(value, "Edm.Boolean")
    return value


def _one_of(value: Any, allowed: tuple[str, ...]) -> str:
    for name in allowed:
        if isinstance(value, str) and value.casefold() == name.casefold():
            return name
    raise errors.body_unreadable(f"Requested value '{value}' was not found.")


def _choice(name: str, allowed: tuple[str, ...]) -> Reader:
    def read(into: EventInput, value: Any) -> None:
        if value is not None:
            into.changes[name] = _one_of(value, allowed)

    return read


def _minutes(into: EventInput, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**31) <= value < 2**31:
        raise _cannot_convert(value, "Edm.Int32")
    if value < 0:
        raise errors.property_failed()
    into.changes["reminder_minutes"] = value


def _time(name: str) -> Reader:
    def read(into: EventInput, value: Any) -> None:
        wall = read_wall(value)
        if not _FIRST_YEAR <= wall.at.year <= _LAST_YEAR:
            raise errors.property_failed()
        into.changes[name] = wall

    return read


def _body(into: EventInput, value: Any) -> None:
    if value is None:
        into.changes |= {"body_type": "html", "body": ""}
        return
    if not isinstance(value, dict) or not isinstance(value.get("content") or "", str):
        raise errors.property_failed()
    type_ = _one_of(value.get("contentType") or "text", ("text", "html"))
    content = value.get("content") or ""
    into.changes |= {"body_type": type_, "body": rewrite_html(content) if type_ == "html" else content}


def _place(value: Any) -> Location | None:
    if not isinstance(value, dict):
        raise errors.property_failed()
    name = value.get("displayName") or ""
    if not isinstance(name, str):
        raise _cannot_convert(name, "Edm.String")
    details = tuple(
        (key, _place_detail(key, part))
        for key, part in value.items()
        if key != "displayName" and part is not None and "@odata." not in key
    )
    return Location(name, details) if name or details else None


def _place_detail(key: str, value: Any) -> Any:
    if key in _PLACE_CHOICES:
        return _one_of(value, _PLACE_CHOICES[key])
    if not isinstance(value, _PLACE_DETAILS.get(key, ())):
        raise _cannot_convert(value, f"microsoft.graph.location/{key}")
    return value


def _location(into: EventInput, value: Any) -> None:
    place = None if value is None else _place(value)
    into.changes["locations"] = (place,) if place else ()


def _locations(into: EventInput, value: Any) -> None:
    if value is not None and not isinstance(value, list):
        raise errors.property_failed()
    into.changes["locations"] = tuple(place for place in map(_place, value or []) if place)


def _categories(into: EventInput, value: Any) -> None:
    if value is not None and not (isinstance(value, list) and all(isinstance(name, str) for name in value)):
        raise errors.property_failed()
    into.changes["categories"] = tuple(value or ())


def _attendee(value: Any) -> Attendee:
    email = value.get("emailAddress") if isinstance(value, dict) else None
    address = email.get("address") if isinstance(email, dict) else None
    if not isinstance(address, str) or "@" not in address:
        raise errors.property_failed()
    assert isinstance(email, dict)
    if not isinstance(email.get("name") or "", str):
        raise _cannot_convert(email["name"], "Edm.String")
    kind = _one_of(value.get("type") or "required", ("required", "optional", "resource"))
    return Attendee(Person(address, email.get("name") or address), kind)  # type: ignore[arg-type]


def _attendees(into: EventInput, value: Any) -> None:
    if value is not None and not isinstance(value, list):
        raise errors.property_failed()
    into.changes["attendees"] = tuple(map(_attendee, value or ()))


def _recurrence(into: EventInput, value: Any) -> None:
    if value is None:
        into.ends_series = True
    else:
        into.recurrence = read_recurrence(value)


def _online(into: EventInput, value: Any) -> None:
    into.wants_online = value is not None and _boolean(value)  # false is ignored: an online meeting stays one


def _provider(into: EventInput, value: Any) -> None:
    if value is not None:
        into.provider = _one_of(value, _PROVIDERS)


def _properties(into: EventInput, value: Any) -> None:
    if value is not None:
        into.properties = read_properties(value)


def _extensions(into: EventInput, value: Any) -> None:
    if value is not None and not isinstance(value, list):
        raise errors.property_failed()
    for one in value or []:
        if not isinstance(one, dict) or not isinstance(one.get("extensionName"), str):
            raise errors.property_failed()
        into.extensions.append(one)


_READERS: dict[str, Reader] = {
    "subject": _subject,
    "body": _body,
    "start": _time("start"),
    "end": _time("end"),
    "isAllDay": _flag("is_all_day"),
    "location": _location,
    "locations": _locations,
    "categories": _categories,
    "importance": _choice("importance", ("low", "normal", "high")),
    "showAs": _choice("show_as", get_args(ShowAs)),
    "sensitivity": _choice("sensitivity", _SENSITIVITIES),
    "isReminderOn": _flag("is_reminder_on"),
    "reminderMinutesBeforeStart": _minutes,
    "attendees": _attendees,
    "responseRequested": _flag("response_requested"),
    "allowNewTimeProposals": _flag("allow_new_time_proposals"),
    "hideAttendees": _flag("hide_attendees"),
    "recurrence": _recurrence,
    "isOnlineMeeting": _online,
    "onlineMeetingProvider": _provider,
    "singleValueExtendedProperties": _properties,
    "extensions": _extensions,
}


def check_times(content: Content) -> Content:
    """Return content whose times fit each other. Raises GraphError 400.

    All-day: both at midnight of the same zone, the end exclusive and at least one day later.
    """
    if content.end_at < content.start_at or content.end.at.year - content.start.at.year > _MAX_YEARS:
        raise errors.property_failed()
    if content.is_all_day:
        same_zone = zone_info(content.start.zone).key == zone_info(content.end.zone).key
        at_midnight = content.start.at.time() == MIDNIGHT == content.end.at.time()
        if not (same_zone and at_midnight and content.end.at > content.start.at):
            raise errors.property_failed()
    return content


def new_content(read: EventInput, mailbox: Mailbox) -> Content:
    """Return the content of a new event; what the client left out takes the mailbox's defaults."""
    if "start" not in read.changes or "end" not in read.changes:
        raise errors.property_failed()
    changes = {"reminder_minutes": mailbox.default_reminder_minutes} | read.changes
    return check_times(Content(**changes))


def changed_content(before: Content, read: EventInput) -> Content:
    """Return content with the client's changes; attendees that stay keep their answers."""
    changes = dict(read.changes)
    if "attendees" in changes:
        known = {a.person.address.casefold(): a for a in before.attendees}
        changes["attendees"] = tuple(
            replace(known.get(new.person.address.casefold(), new), kind=new.kind, person=new.person)
            for new in changes["attendees"]
        )
    after = replace(before, **changes)
    # What an old client left behind (an all-day event that starts at 23:00) may stay as it is.
    return check_times(after) if _TIMES & changes.keys() else after


def settle_series(content: Content, recurrence: Recurrence) -> tuple[Content, Recurrence]:
    """Return a series whose start is its first occurrence, running in the zone of its range.

    Raises GraphError 400 when the range does not start on the day of the event's start.
    """
    zone = recurrence.zone
    if zone is not None and zone_info(zone).key != zone_info(content.start.zone).key:
        content = replace(content, start=to_wall(content.start_at, zone), end=to_wall(content.end_at, zone))
    if recurrence.start_date != content.start.at.date():
        raise errors.property_failed()
    try:
        return master_at_first_occurrence(content, recurrence)
    except ValueError as error:
        raise errors.property_failed() from error
