"""Calendar items as clients write them, read into the store's terms. Showing: show.py."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from sandbox.appointments import Attendee, Location, Person
from sandbox.exchange.dispatch import Call
from sandbox.exchange.errors import EwsError, SchemaError
from sandbox.exchange.items.recurrences import read_recurrence
from sandbox.exchange.items.times import Given, Zone, read_meeting_zone, read_time, read_zone
from sandbox.exchange.mapi_fields import written_changes
from sandbox.exchange.paths import read_property
from sandbox.exchange.versions import Version
from sandbox.exchange.xml import Element, local, text
from sandbox.graph.bodies import normal_subject, rewrite_html
from sandbox.recurrence import Recurrence

AttendeeKind = Literal["required", "optional", "resource"]

MAX_SUBJECT = 255
SHOW_AS = {
    "Free": "free",
    "Tentative": "tentative",
    "Busy": "busy",
    "OOF": "oof",
    "WorkingElsewhere": "workingElsewhere",
    "NoData": "unknown",
}
ATTENDEE_FIELDS: dict[str, AttendeeKind] = {
    "RequiredAttendees": "required",
    "OptionalAttendees": "optional",
    "Resources": "resource",
}
_SENSITIVITIES = ("Normal", "Personal", "Private", "Confidential")
_IMPORTANCES = ("Low", "Normal", "High")


@dataclass(slots=True)
class ItemInput:
    """What a client wrote; whether the times fit each other is found out in settle.py."""

    changes: dict[str, Any] = field(default_factory=dict)
    """Fields of Content, without times and attendees."""
    start: Given | None = None
    end: Given | None = None
    start_zone: Zone | None = None
    end_zone: Zone | None = None
    meeting_zone: Zone | None = None
    attendees: dict[AttendeeKind, tuple[Attendee, ...]] = field(default_factory=dict)
    recurrence: Recurrence | None = None
    ends_series: bool = False
    properties: dict[str, str] = field(default_factory=dict)
    drops: list[str] = field(default_factory=list)
    uid: str | None = None
    mime: str | None = None
    exceptions: list[tuple[date, "ItemInput"]] = field(default_factory=list)
    """Edited occurrences, by the day that the pattern put them on; only MimeContent says them with the series."""
    cancelled: list[date] = field(default_factory=list)


Reader = Callable[[ItemInput, Element], None]


def read_item(call: Call, item: Element) -> ItemInput:
    """Read a whole CalendarItem. Raises EwsError or SchemaError."""
    read = ItemInput()
    for child in item:
        read_field(call, child, read)
    return read


def read_field(call: Call, child: Element, into: ItemInput) -> None:
    """Read one field of a CalendarItem. Raises EwsError or SchemaError."""
    name = local(child)
    if name in _SINCE and call.version < _SINCE[name]:
        raise EwsError("ErrorInvalidPropertySet", f"{name} is not a property of the requested schema version.")
    if name in READERS:
        READERS[name](into, child)
    elif name in _REFUSED:
        raise EwsError("ErrorInvalidPropertySet")
    elif name == "Attachments":
        raise EwsError("ErrorInvalidPropertySet", "Attachments are added with CreateAttachment, and not kept here.")
    elif name not in IGNORED:
        raise SchemaError(f"The element 'CalendarItem' has invalid child element '{name}'.", child.sourceline or 1)


def _raw(one: Element) -> str:
    return one.text or ""


def _subject(into: ItemInput, one: Element) -> None:
    subject = normal_subject(_raw(one))
    if len(subject) > MAX_SUBJECT:
        raise EwsError("ErrorPropertyValidationFailure")
    into.changes["subject"] = subject


def _body(into: ItemInput, one: Element) -> None:
    type_ = one.get("BodyType")
    if type_ not in ("HTML", "Text"):
        raise SchemaError("The required attribute 'BodyType' is missing.", one.sourceline or 1)
    content = _raw(one)
    into.changes["body_type"] = type_.lower()
    into.changes["body"] = rewrite_html(content) if type_ == "HTML" else content


def _choice(name: str, allowed: tuple[str, ...]) -> Reader:
    def read(into: ItemInput, one: Element) -> None:
        if _raw(one) not in allowed:
            raise SchemaError(f"The '{local(one)}' element is invalid: '{_raw(one)}'.", one.sourceline or 1)
        into.changes[name] = _raw(one).lower()

    return read


def _show_as(into: ItemInput, one: Element) -> None:
    if _raw(one) not in SHOW_AS:
        raise SchemaError(f"The 'LegacyFreeBusyStatus' element is invalid: '{_raw(one)}'.", one.sourceline or 1)
    into.changes["show_as"] = SHOW_AS[_raw(one)]


def read_flag(one: Element) -> bool:
    """Read an xs:boolean. Raises SchemaError."""
    words = _raw(one).strip()
    if words not in ("true", "false", "1", "0"):
        raise SchemaError(f"The '{local(one)}' element is invalid: '{words}'.", one.sourceline or 1)
    return words in ("true", "1")


def _flag(name: str) -> Reader:
    def read(into: ItemInput, one: Element) -> None:
        into.changes[name] = read_flag(one)

    return read


def _minutes(into: ItemInput, one: Element) -> None:
    words = _raw(one).strip()
    if not words.removeprefix("-").isdigit():
        raise SchemaError(f"The 'ReminderMinutesBeforeStart' element is invalid: '{words}'.", one.sourceline or 1)
    if not 0 <= int(words) < 2**31:
        raise EwsError("ErrorCalendarOutOfRange")
    into.changes["reminder_minutes"] = int(words)


def _categories(into: ItemInput, one: Element) -> None:
    into.changes["categories"] = tuple(_raw(child) for child in one)


def _location(into: ItemInput, one: Element) -> None:
    into.changes["locations"] = (Location(_raw(one)),) if _raw(one) else ()


def _enhanced_location(into: ItemInput, one: Element) -> None:
    name = text(one, "DisplayName") or ""
    into.changes["locations"] = (Location(name),) if name else ()


def read_attendees(one: Element, kind: AttendeeKind) -> tuple[Attendee, ...]:
    """Read a list of attendees. Raises EwsError."""
    found = []
    for attendee in one:
        address = text(attendee, "Mailbox", "EmailAddress") or ""
        if "@" not in address:
            raise EwsError("ErrorInvalidRecipients")
        found.append(Attendee(Person(address, text(attendee, "Mailbox", "Name") or address), kind))
    return tuple(found)


def _attendees(into: ItemInput, one: Element) -> None:
    kind = ATTENDEE_FIELDS[local(one)]
    into.attendees[kind] = read_attendees(one, kind)


def _time(name: Literal["start", "end"]) -> Reader:
    def read(into: ItemInput, one: Element) -> None:
        setattr(into, name, read_time(_raw(one)))

    return read


def _zone(name: Literal["start_zone", "end_zone"]) -> Reader:
    def read(into: ItemInput, one: Element) -> None:
        setattr(into, name, read_zone(one))

    return read


def _meeting_zone(into: ItemInput, one: Element) -> None:
    into.meeting_zone = read_meeting_zone(one)


def _recurrence(into: ItemInput, one: Element) -> None:
    into.recurrence = read_recurrence(one)


def _property(into: ItemInput, one: Element) -> None:
    key, value = read_property(one)
    changes = written_changes(key, value)
    if changes is None:
        into.properties[key] = value
    else:
        into.changes |= changes


def _uid(into: ItemInput, one: Element) -> None:
    into.uid = _raw(one).strip()


def _mime(into: ItemInput, one: Element) -> None:
    into.mime = _raw(one)


READERS: dict[str, Reader] = {
    "MimeContent": _mime,
    "Subject": _subject,
    "Sensitivity": _choice("sensitivity", _SENSITIVITIES),
    "Body": _body,
    "Categories": _categories,
    "Importance": _choice("importance", _IMPORTANCES),
    "ReminderIsSet": _flag("is_reminder_on"),
    "ReminderMinutesBeforeStart": _minutes,
    "ExtendedProperty": _property,
    "UID": _uid,
    "Start": _time("start"),
    "End": _time("end"),
    "IsAllDayEvent": _flag("is_all_day"),
    "LegacyFreeBusyStatus": _show_as,
    "Location": _location,
    "EnhancedLocation": _enhanced_location,
    "IsResponseRequested": _flag("response_requested"),
    "RequiredAttendees": _attendees,
    "OptionalAttendees": _attendees,
    "Resources": _attendees,
    "Recurrence": _recurrence,
    "MeetingTimeZone": _meeting_zone,
    "StartTimeZone": _zone("start_zone"),
    "EndTimeZone": _zone("end_zone"),
    "AllowNewTimeProposal": _flag("allow_new_time_proposals"),
}
_SINCE = {
    "StartTimeZone": Version.EXCHANGE2010,
    "EndTimeZone": Version.EXCHANGE2010,
    "EnhancedLocation": Version.EXCHANGE2013,
    "InboxReminders": Version.EXCHANGE2013,
    "Flag": Version.EXCHANGE2013,
}
IGNORED = frozenset(
    {
        "ItemClass", "Culture", "ReminderDueBy", "ReminderNextTime", "InboxReminders", "Flag", "ConferenceType",
        "IsOnlineMeeting", "MeetingWorkspaceUrl", "NetShowUrl", "DoNotForwardMeeting", "StartWallClock",
        "EndWallClock", "InReplyTo", "InternetMessageHeaders", "PolicyTag", "ArchiveTag", "RetentionDate", "When",
    }
)  # fmt: skip
_REFUSED = frozenset(
    {
        "ItemId", "ParentFolderId", "DateTimeReceived", "Size", "IsSubmitted", "IsDraft", "IsFromMe", "IsResend",
        "IsUnmodified", "DateTimeSent", "DateTimeCreated", "ResponseObjects", "DisplayCc", "DisplayTo", "DisplayBcc",
        "HasAttachments", "EffectiveRights", "LastModifiedName", "LastModifiedTime", "IsAssociated", "ConversationId",
        "UniqueBody", "TextBody", "RecurrenceId", "DateTimeStamp", "OriginalStart", "IsMeeting", "IsCancelled",
        "IsRecurring", "MeetingRequestWasSent", "CalendarItemType", "MyResponseType", "Organizer",
        "ConflictingMeetingCount", "AdjacentMeetingCount", "ConflictingMeetings", "AdjacentMeetings", "Duration",
        "TimeZone", "AppointmentReplyTime", "AppointmentSequenceNumber", "AppointmentState", "FirstOccurrence",
        "LastOccurrence", "ModifiedOccurrences", "DeletedOccurrences", "StartTimeZoneId", "EndTimeZoneId",
        "IntendedFreeBusyStatus", "JoinOnlineMeetingUrl", "OnlineMeetingSettings", "IsOrganizer",
        "CalendarActivityData", "WebClientReadFormQueryString", "WebClientEditFormQueryString", "StoreEntryId",
        "InstanceKey", "NormalizedBody", "EntityExtractionResult", "Preview",
    }
)  # fmt: skip
"""Fields of the schema that only the server sets."""
