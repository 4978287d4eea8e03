"""An appointment as a Graph event. Reading events from clients: event_input.py."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from sandbox.appointments import Appointment, Attendee, Content, Entry, Location, Occurrence, Person
from sandbox.calendars import Folder, Mailbox
from sandbox.graph import ids
from sandbox.graph.bodies import preview, shown_body
from sandbox.graph.preferences import Preferences
from sandbox.graph.recurrences import show_recurrence
from sandbox.graph.times import show_instant, show_short_instant, show_wall
from sandbox.zones import UnknownZoneError, windows_name

PRIVATE_SUBJECT = "Private Appointment"


@dataclass(frozen=True, slots=True)
class Viewer:
    """For whom an event is shown: mailbox and folder it is seen in, and the client's preferences."""

    mailbox: Mailbox
    folder: Folder
    prefer: Preferences
    outlook_url: str = "https://outlook.office365.com"

    def id_of(self, entry: Entry) -> str:
        """The entry's id of the kind that the client asked for."""
        return ids.event_id(self.mailbox, self.folder, entry, immutable=self.prefer.immutable_ids)


def master_of(entry: Entry) -> Appointment:
    """The appointment itself, or the series of an occurrence."""
    return entry.master if isinstance(entry, Occurrence) else entry


def etag_of(entry: Entry) -> str:
    """The entry's etag; plain occurrences carry that of their series."""
    key = entry.change_key if isinstance(entry, Appointment) else entry.master.change_key
    if isinstance(entry, Occurrence) and entry.exception is not None:
        key = entry.exception.change_key
    return f'W/"{ids.change_key_text(key)}"'


def type_of(entry: Entry) -> str:
    """singleInstance, seriesMaster, occurrence or exception."""
    if isinstance(entry, Occurrence):
        return "exception" if entry.exception is not None else "occurrence"
    return "seriesMaster" if entry.is_series else "singleInstance"


def properties_of(entry: Entry) -> dict[str, str]:
    """Extended properties; an occurrence inherits those of its series."""
    if isinstance(entry, Appointment):
        return entry.properties
    own = entry.exception.properties if entry.exception is not None else {}
    return {**entry.master.properties, **own}


@lru_cache(maxsize=1024)
def _original_zone(name: str) -> str:
    try:
        return windows_name(name)
    except UnknownZoneError:
        return name


def _recipient(person: Person) -> dict[str, Any]:
    return {"emailAddress": {"name": person.name or person.address, "address": person.address}}


def show_location(location: Location) -> dict[str, Any]:
    """Return one location with the fields that the service adds."""
    details = dict(location.details)
    shown = {
        "displayName": location.name,
        "locationType": details.pop("locationType", "default"),
        "uniqueId": details.pop("uniqueId", None) or location.name,
        "uniqueIdType": details.pop("uniqueIdType", "private"),
    }
    return shown | details


_NO_LOCATION: dict[str, Any] = {
    "displayName": "",
    "locationType": "default",
    "uniqueIdType": "unknown",
    "address": {},
    "coordinates": {},
}


def _attendee(attendee: Attendee) -> dict[str, Any]:
    return {
        "type": attendee.kind,
        "status": {"response": attendee.response, "time": show_short_instant(attendee.responded_at)},
        **_recipient(attendee.person),
    }


def _response(entry: Entry) -> dict[str, str]:
    master = master_of(entry)
    response, at = master.response, master.responded_at
    if isinstance(entry, Occurrence) and entry.exception is not None and entry.exception.response is not None:
        response, at = entry.exception.response, entry.exception.responded_at
    return {"response": response, "time": show_short_instant(at)}


def _visible(viewer: Viewer, content: Content) -> Content:
    """Hide what the viewer of somebody else's calendar may not see."""
    role = viewer.folder.role
    if role == "owner" or (role != "freeBusyRead" and content.sensitivity in ("normal", "personal")):
        return content
    subject = PRIVATE_SUBJECT if role != "freeBusyRead" else content.show_as.capitalize()
    return replace(content, subject=subject, body="", locations=(), attendees=(), categories=(), join_url=None)


def _occurrence_id(viewer: Viewer, entry: Entry) -> str | None:
    if not isinstance(entry, Occurrence):
        return None
    return f"OID.{viewer.id_of(entry.master)}.{entry.day.isoformat()}"


def _web_link(viewer: Viewer, entry: Entry) -> str:
    item = quote(viewer.id_of(entry), safe="")
    return f"{viewer.outlook_url}/owa/?itemid={item}&exvsurl=1&path=/calendar/item"


def _modified_at(entry: Entry) -> str:
    if isinstance(entry, Occurrence) and entry.exception is not None:
        return show_instant(entry.exception.modified_at)
    return show_instant(master_of(entry).modified_at)


def _recurrence(entry: Entry) -> dict[str, Any] | None:
    if isinstance(entry, Occurrence) or entry.recurrence is None:
        return None
    return show_recurrence(entry.recurrence, entry.content.start)


# Every field of an event, by what it is made from.
_OF_CONTENT: dict[str, Callable[[Content], Any]] = {
    "categories": lambda c: list(c.categories),
    "originalStartTimeZone": lambda c: c.zone_label or _original_zone(c.start.zone),
    "originalEndTimeZone": lambda c: c.zone_label or _original_zone(c.end.zone),
    "reminderMinutesBeforeStart": lambda c: c.reminder_minutes,
    "isReminderOn": lambda c: c.is_reminder_on,
    "subject": lambda c: c.subject,
    "bodyPreview": lambda c: preview(c.body_type, c.body),
    "importance": lambda c: c.importance,
    "sensitivity": lambda c: c.sensitivity,
    "isAllDay": lambda c: c.is_all_day,
    "isCancelled": lambda c: c.is_cancelled,
    "responseRequested": lambda c: c.response_requested,
    "showAs": lambda c: c.show_as,
    "isOnlineMeeting": lambda c: c.online_provider is not None,
    "onlineMeetingProvider": lambda c: c.online_provider or "unknown",
    "allowNewTimeProposals": lambda c: c.allow_new_time_proposals,
    "hideAttendees": lambda c: c.hide_attendees,
    "location": lambda c: show_location(c.locations[0]) if c.locations else dict(_NO_LOCATION),
    "locations": lambda c: [show_location(place) for place in c.locations],
    "attendees": lambda c: [_attendee(a) for a in c.attendees],
    "onlineMeeting": lambda c: {"joinUrl": c.join_url} if c.join_url else None,
}
_OF_ENTRY: dict[str, Callable[[Entry], Any]] = {
    "createdDateTime": lambda e: show_instant(master_of(e).created_at),
    "lastModifiedDateTime": _modified_at,
    "changeKey": lambda e: etag_of(e)[3:-1],
    "transactionId": lambda e: e.transaction_id if isinstance(e, Appointment) else None,
    "iCalUId": lambda e: ids.ical_uid(master_of(e), e.day if isinstance(e, Occurrence) else None),
    "uid": lambda e: ids.ical_uid(master_of(e), None),
    "isOrganizer": lambda e: master_of(e).is_organizer,
    "type": type_of,
    "responseStatus": _response,
    "recurrence": _recurrence,
    "organizer": lambda e: _recipient(master_of(e).organizer),
}
_OF_VIEW: dict[str, Callable[[Viewer, Entry], Any]] = {
    "seriesMasterId": lambda v, e: v.id_of(e.master) if isinstance(e, Occurrence) else None,
    "webLink": _web_link,
    "occurrenceId": _occurrence_id,
}
_BY_PREFERENCE: dict[str, Callable[[Viewer, Content], Any]] = {
    "body": lambda v, c: shown_body(c.body_type, c.body, v.prefer.body_type),
    "start": lambda v, c: show_wall(c.start_at, c.start, v.prefer.zone, is_all_day=c.is_all_day),
    "end": lambda v, c: show_wall(c.end_at, c.end, v.prefer.zone, is_all_day=c.is_all_day),
}
_FIXED: dict[str, Any] = {"hasAttachments": False, "isDraft": False, "onlineMeetingUrl": None}
SELECTABLE = (
    frozenset(_OF_CONTENT)
    | frozenset(_OF_ENTRY)
    | frozenset(_OF_VIEW)
    | frozenset(_BY_PREFERENCE)
    | frozenset(_FIXED)
    | {"id", "originalStart", "cancelledOccurrences"}
)


def show_event(viewer: Viewer, entry: Entry, select: frozenset[str] | None = None) -> dict[str, Any]:
    """Return an entry as a Graph event; with `select` only those fields, id and etag always."""
    content = _visible(viewer, entry.content)
    wanted = SELECTABLE if select is None else select
    shown: dict[str, Any] = {"@odata.etag": etag_of(entry), "id": viewer.id_of(entry)}
    shown |= {name: show(content) for name, show in _OF_CONTENT.items() if name in wanted}
    shown |= {name: of_entry(entry) for name, of_entry in _OF_ENTRY.items() if name in wanted}
    shown |= {name: of_view(viewer, entry) for name, of_view in _OF_VIEW.items() if name in wanted}
    shown |= {name: of_both(viewer, content) for name, of_both in _BY_PREFERENCE.items() if name in wanted}
    shown |= {name: value for name, value in _FIXED.items() if name in wanted}
    if isinstance(entry, Occurrence) and "originalStart" in wanted:
        shown["originalStart"] = show_short_instant(entry.original_start_at)
    return shown


def show_abbreviated(viewer: Viewer, occurrence: Occurrence) -> dict[str, Any]:
    """Return an occurrence as the delta feed does: id, type, master, start and end, nothing else."""
    content = occurrence.content
    return {
        "id": viewer.id_of(occurrence),
        "type": "occurrence",
        "seriesMasterId": viewer.id_of(occurrence.master),
        "start": _BY_PREFERENCE["start"](viewer, content),
        "end": _BY_PREFERENCE["end"](viewer, content),
    }


def show_cancelled_occurrences(viewer: Viewer, master: Appointment) -> list[str]:
    """Ids of the deleted occurrences of a series, by day."""
    series_id = viewer.id_of(master)
    return [f"OID.{series_id}.{day.isoformat()}" for day in sorted(master.cancelled)]
