"""A calendar item as XML. Reading items from clients: read.py."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sandbox.appointments import Occurrence
from sandbox.exchange.dispatch import Call
from sandbox.exchange.folders.tree import Place
from sandbox.exchange.items import mime_writing, show_people, show_series
from sandbox.exchange.items.mapi import computed_property
from sandbox.exchange.items.read import SHOW_AS
from sandbox.exchange.items.seen import Seen
from sandbox.exchange.items.shapes import NOT_IN_LISTS, ORDER, Shape
from sandbox.exchange.items.times import show_duration, show_instant, show_zone
from sandbox.exchange.items.view import Item
from sandbox.exchange.paths import Path, show_property
from sandbox.exchange.versions import Version
from sandbox.exchange.xml import Element, t
from sandbox.graph import ids
from sandbox.graph.bodies import html_to_text, preview, shown_body, text_to_html
from sandbox.zones import windows_name

_TYPES = {
    "singleInstance": "Single",
    "occurrence": "Occurrence",
    "exception": "Exception",
    "seriesMaster": "RecurringMaster",
}
_SHOWN_AS = {name: word for word, name in SHOW_AS.items()}
_ITEM_CLASS = {
    "occurrence": "IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}",
    "exception": "IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}",
}


def show_item(call: Call, item: Item, shape: Shape, *, is_list: bool = False) -> Element:
    """An item's element with those of the wanted fields that it has, in the order of the schema."""
    seen = Seen(call, item, shape, is_list)
    parts: list[Element] = []
    for name in ORDER:
        if name == "ExtendedProperty":
            parts += _extended(seen)
        elif name in shape.names and name in _SHOWN:
            content = _SHOWN[name](seen)
            if content is not None:
                parts.append(content if isinstance(content, Element) else t(name, content))
    return t("CalendarItem", parts)


def values_of(call: Call, item: Item) -> Callable[[Path], list[str]]:
    """The item's values by path, for restrictions and sorting."""
    seen = Seen(call, item, Shape(frozenset()), is_list=True)

    def values(path: Path) -> list[str]:
        if path.is_extended:
            value = item.properties.get(path.name) or computed_property(item, path.name)
            return [] if value is None else [value]
        show = None if path.element in NOT_IN_LISTS - {"Body"} else _SHOWN.get(path.element)
        content = show(seen) if show else None
        if content is None:
            return []
        if not isinstance(content, Element):
            content = t(path.element, content)
        if len(content):
            return [leaf.text for leaf in content.iter() if leaf.text]
        return [content.get("Id") or content.text or ""]

    return values


def _extended(seen: Seen) -> list[Element]:
    found = []
    for key in seen.shape.keys:
        value = seen.item.properties.get(key)
        if value is None:
            value = computed_property(seen.item, key)
        if value is not None:
            found.append(show_property(key, value))
    return found


def _body(seen: Seen) -> Element:
    content = seen.item.content
    wanted = {"HTML": "html", "Text": "text"}.get(seen.shape.body_type, content.body_type)
    body = shown_body(content.body_type, content.body, wanted)
    words = body["content"]
    return t("Body", words, BodyType="Text" if body["contentType"] == "text" else "HTML")


def _text_body(seen: Seen) -> Element:
    content = seen.item.content
    words = content.body if content.body_type == "text" else html_to_text(content.body)
    return t("TextBody", words, BodyType="Text")


def _unique_body(name: str) -> Callable[[Seen], Any]:
    def show(seen: Seen) -> Element:
        content = seen.item.content
        words = content.body if content.body_type == "html" else text_to_html(content.body)
        return t(name, words, BodyType="HTML")

    return show


def _parent(seen: Seen) -> Element:
    place = Place(seen.item.mailbox, seen.item.folder.folder_id, "", "", "", "Folder", folder=seen.item.folder)
    return t("ParentFolderId", Id=place.id, ChangeKey=place.change_key)


def _show_as(seen: Seen) -> str:
    show_as = seen.item.content.show_as
    if show_as == "workingElsewhere" and seen.call.version < Version.EXCHANGE2013:
        return "Free"
    return _SHOWN_AS[show_as]


def _rights(seen: Seen) -> Element:
    writes = seen.item.folder.can_edit and not seen.item.is_hidden
    return t(
        "EffectiveRights",
        t("CreateAssociated", False),
        t("CreateContents", False),
        t("CreateHierarchy", False),
        t("Delete", writes),
        t("Modify", writes),
        t("Read", True),
        t("ViewPrivateItems", seen.item.folder.role == "owner"),
    )


def _modified_at(seen: Seen) -> datetime:
    entry = seen.entry
    if isinstance(entry, Occurrence) and entry.exception is not None:
        return entry.exception.modified_at
    return seen.item.master.modified_at


def _location(seen: Seen) -> str | None:
    return "; ".join(place.name for place in seen.item.content.locations) or None


def _enhanced_location(seen: Seen) -> Element | None:
    name = _location(seen)
    if name is None:
        return None
    address = t("PostalAddress", t("Type", "Business"), t("LocationSource", "None"))
    return t("EnhancedLocation", t("DisplayName", name), t("Annotation", ""), address)


def _zone_name(seen: Seen) -> str:
    content = seen.item.content
    return content.zone_label or windows_name(content.start.zone)


def _meeting_zone(seen: Seen) -> Element:
    return t("MeetingTimeZone", TimeZoneName=_zone_name(seen))


def _size(seen: Seen) -> int:
    content = seen.item.content
    return 1000 + len(content.body) * 2 + len(content.subject) * 2


def _mime(seen: Seen) -> Element:
    return t("MimeContent", mime_writing.write_base64(seen.item), CharacterSet="UTF-8")


def _wall(at: datetime, offset_of: datetime) -> str:
    """A time on the clock of its zone, with the offset that it has then."""
    offset = at - offset_of.replace(tzinfo=None)
    minutes = round(offset / timedelta(minutes=1))
    if not minutes:
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        at.strftime("%Y-%m-%dT%H:%M:%S")
        + f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    )


_SHOWN: dict[str, Callable[[Seen], Any]] = {
    "MimeContent": _mime,
    "ItemId": lambda s: s.item.id_element,
    "ParentFolderId": _parent,
    "ItemClass": lambda s: _ITEM_CLASS.get(s.kind, "IPM.Appointment"),
    "Subject": lambda s: s.item.content.subject or None,
    "Sensitivity": lambda s: s.item.content.sensitivity.capitalize(),
    "Body": _body,
    "DateTimeReceived": lambda s: show_instant(s.item.master.created_at),
    "Size": _size,
    "Categories": lambda s: (
        t("Categories", [t("String", c) for c in s.item.content.categories]) if s.item.content.categories else None
    ),
    "Importance": lambda s: s.item.content.importance.capitalize(),
    "IsSubmitted": lambda _: False,
    "IsDraft": lambda _: False,
    "IsFromMe": lambda _: False,
    "IsResend": lambda _: False,
    "IsUnmodified": lambda _: False,
    "DateTimeSent": lambda s: show_instant(s.item.master.created_at),
    "DateTimeCreated": lambda s: show_instant(s.item.master.created_at),
    "ReminderDueBy": lambda s: show_instant(s.item.content.start_at) if s.item.content.is_reminder_on else None,
    "ReminderIsSet": lambda s: s.item.content.is_reminder_on,
    "ReminderNextTime": lambda s: (
        show_instant(s.item.content.start_at - timedelta(minutes=s.item.content.reminder_minutes))
        if s.item.content.is_reminder_on
        else None
    ),
    "ReminderMinutesBeforeStart": lambda s: s.item.content.reminder_minutes,
    "DisplayCc": lambda s: show_people.people_of(s, ("optional",)),
    "DisplayTo": lambda s: show_people.people_of(s, ("required",)),
    "HasAttachments": lambda _: False,
    "Culture": lambda s: s.item.mailbox.language,
    "EffectiveRights": _rights,
    "LastModifiedName": lambda s: s.item.mailbox.display_name,
    "LastModifiedTime": lambda s: show_instant(_modified_at(s)),
    "IsAssociated": lambda _: False,
    "WebClientReadFormQueryString": lambda s: f"{s.call.base_url}/owa/?ItemID={ids.to_rest(s.item.id)}",
    "UniqueBody": _unique_body("UniqueBody"),
    "NormalizedBody": _unique_body("NormalizedBody"),
    "Preview": lambda s: preview(s.item.content.body_type, s.item.content.body) or None,
    "TextBody": _text_body,
    "UID": lambda s: ids.ical_uid(s.item.master, None),
    "RecurrenceId": show_series.original_start,
    "DateTimeStamp": lambda s: show_instant(s.item.master.modified_at),
    "Start": lambda s: show_instant(s.item.content.start_at),
    "End": lambda s: show_instant(s.item.content.end_at),
    "OriginalStart": show_series.original_start,
    "IsAllDayEvent": lambda s: s.item.content.is_all_day,
    "LegacyFreeBusyStatus": _show_as,
    "Location": _location,
    "IsMeeting": show_people.is_meeting,
    "IsCancelled": lambda s: s.item.content.is_cancelled,
    "IsRecurring": lambda s: s.kind != "singleInstance",
    "MeetingRequestWasSent": show_people.was_sent,
    "IsResponseRequested": lambda s: s.item.content.response_requested,
    "CalendarItemType": lambda s: _TYPES[s.kind],
    "MyResponseType": show_people.response,
    "Organizer": lambda s: t("Organizer", show_people.mailbox_of(s.item.master.organizer)),
    "RequiredAttendees": show_people.attendees("RequiredAttendees"),
    "OptionalAttendees": show_people.attendees("OptionalAttendees"),
    "Resources": show_people.attendees("Resources"),
    "Duration": lambda s: show_duration(s.item.content.end_at - s.item.content.start_at),
    "TimeZone": _zone_name,
    "AppointmentReplyTime": show_people.replied_at,
    "AppointmentSequenceNumber": lambda _: 0,
    "AppointmentState": show_people.state,
    "Recurrence": show_series.recurrence,
    "FirstOccurrence": show_series.first,
    "LastOccurrence": show_series.last,
    "ModifiedOccurrences": show_series.modified,
    "DeletedOccurrences": show_series.deleted,
    "StartTimeZone": lambda s: show_zone("StartTimeZone", s.item.content.start, s.item.content.zone_label),
    "EndTimeZone": lambda s: show_zone("EndTimeZone", s.item.content.end, s.item.content.zone_label),
    "ConferenceType": lambda _: 0,
    "AllowNewTimeProposal": lambda s: s.item.content.allow_new_time_proposals,
    "IsOnlineMeeting": lambda s: s.item.content.online_provider is not None,
    "EnhancedLocation": _enhanced_location,
    "StartWallClock": lambda s: _wall(s.item.content.start.at, s.item.content.start_at),
    "EndWallClock": lambda s: _wall(s.item.content.end.at, s.item.content.end_at),
    "StartTimeZoneId": _zone_name,
    "EndTimeZoneId": _zone_name,
    "IntendedFreeBusyStatus": _show_as,
    "JoinOnlineMeetingUrl": lambda s: s.item.content.join_url,
    "IsOrganizer": lambda s: s.item.master.is_organizer,
}
