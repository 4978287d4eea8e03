"""Graph events <-> Entry and Copy, pure. What may not be read is dropped here, before an object exists."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from calsync_core.adapters.graph.recurrences import read_patterned, to_patterned, to_series_times
from calsync_core.adapters.graph.wire import (
    MARK_PROPERTY,
    ZoneOf,
    read_instant,
    read_mark,
    read_notes,
    read_original_start,
    read_when,
    show_instant,
)
from calsync_core.domain.appointments import AllDay, Busy, Copy, Entry, Kind, Mark, Response, Timed, When
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.spans import UnreadableTimesError
from calsync_core.domain.texts import fit, fit_title
from calsync_core.ports.calendar import Content

EVERYTHING = Content(title=True, notes=True, private=True)

_KINDS = {
    "singleInstance": Kind.SINGLE,
    "occurrence": Kind.OCCURRENCE,
    "exception": Kind.EXCEPTION,
    "seriesMaster": Kind.MASTER,
}
_BUSY = {
    "free": Busy.FREE,
    "tentative": Busy.TENTATIVE,
    "busy": Busy.BUSY,
    "oof": Busy.OOF,
    "workingElsewhere": Busy.WORKING_ELSEWHERE,
}
_SHOW_AS = {busy: word for word, busy in _BUSY.items()}
_RESPONSES = {
    "organizer": Response.ORGANIZER,
    "accepted": Response.ACCEPTED,
    "tentativelyAccepted": Response.TENTATIVE,
    "declined": Response.DECLINED,
    "notResponded": Response.NOT_RESPONDED,
}
_NEVER = Timed(datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC))
_OPEN_SENSITIVITIES = frozenset({"normal", "personal", None, ""})
# Without title and notes these are all that is asked for, where the interface lets us choose. The attendees leave the
# parser as one claim, has_attendees: it is what keeps us from mailing strangers by a change of our own copy.
_TIME_FIELDS = (
    "id,changeKey,type,seriesMasterId,originalStart,start,end,isAllDay,showAs,sensitivity,isCancelled,responseStatus,"
    "isReminderOn,reminderMinutesBeforeStart,createdDateTime,iCalUId,attendees,"
    "originalStartTimeZone,recurrence"
)
# calendarView cannot select the one (graph.md 3.2), and shows no series that would have the other.
_VIEW_FIELDS = _TIME_FIELDS.replace("createdDateTime,", "").replace(",recurrence", "")


def select(content: Content, *, is_view: bool = False) -> str:
    """The value of $select: what the settings do not allow is not even asked for."""
    fields = [_VIEW_FIELDS if is_view else _TIME_FIELDS]
    if content.title:
        fields.append("subject,location")
    elif content.subject:
        fields.append("subject")
    if content.categories:
        fields.append("categories")
    if content.notes:
        fields.append("body")
    return ",".join(fields)


def to_entry(
    event: Mapping[str, Any], calendar_id: CalendarId, zone: ZoneOf, content: Content, *, has_marks: bool = False
) -> Entry:
    """One event. `has_marks` says that the extended property was asked for.

    Raises what odd data raises (KeyError, TypeError, ValueError, AttributeError, OverflowError).
    """
    get = event.get
    when = read_when(event, zone)
    # A word of tomorrow is read by what it belongs to.
    kind = _KINDS.get(get("type") or "singleInstance", Kind.EXCEPTION if get("seriesMasterId") else Kind.SINGLE)
    is_of_series = kind is Kind.OCCURRENCE or kind is Kind.EXCEPTION
    series_id = get("seriesMasterId") if is_of_series else None
    original = read_original_start(event, when, zone) if is_of_series else None
    if kind is Kind.OCCURRENCE and "showAs" not in event:
        return Entry(
            EntryId(event["id"]), calendar_id, _version(event), when, kind, series_id, original, is_sparse=True
        )
    is_private = get("sensitivity") not in _OPEN_SENSITIVITIES  # an unknown word hides: fail closed
    is_open = content.private or not is_private
    return Entry(
        EntryId(event["id"]),
        calendar_id,
        _version(event),
        when,
        kind,
        series_id,
        original,
        _BUSY.get(get("showAs") or "", Busy.UNKNOWN),
        is_private,
        _RESPONSES.get((get("responseStatus") or {}).get("response") or "", Response.NONE),
        bool(get("isCancelled")),
        fit(get("subject") or "") if (content.title or content.subject) and is_open else None,
        read_notes(get("body"), with_html=content.html) if content.notes and is_open else None,
        _location(event) if content.title and is_open else None,
        timedelta(minutes=get("reminderMinutesBeforeStart") or 0) if get("isReminderOn") else None,
        bool(get("attendees")),
        read_mark(event) if has_marks else None,
        has_marks,
        created_at=read_instant(get("createdDateTime")),
        uid=get("iCalUId") or None,
        categories=_categories(event) if content.categories and is_open else (),
        recurrence=read_patterned(event, zone) if kind is Kind.MASTER else None,
    )


def to_readable(
    event: Mapping[str, Any], calendar_id: CalendarId, zone: ZoneOf, content: Content, *, has_marks: bool = False
) -> Entry | None:
    """One event, or an Entry that says by `problem` why it cannot be read; None when it has not even an id."""
    try:
        return to_entry(event, calendar_id, zone, content, has_marks=has_marks)
    except UnreadableTimesError as error:
        problem = str(error)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        problem = "entry_unreadable"
    name, series = event.get("id"), event.get("seriesMasterId")
    if not isinstance(name, str) or not name:
        return None
    series_id = EntryId(series) if isinstance(series, str) and series else None
    return Entry(
        EntryId(name), calendar_id, str(event.get("changeKey") or ""), _NEVER,
        Kind.EXCEPTION if series_id else Kind.MASTER if event.get("type") == "seriesMaster" else Kind.SINGLE,
        series_id,
        is_mark_known=has_marks, problem=problem,
    )  # fmt: skip


def to_event(copy: Copy) -> dict[str, Any]:
    """Our own fields of a copy, for create and update alike; nothing else is ever sent."""
    event: dict[str, Any] = {
        "subject": fit_title(copy.title.strip()),
        "body": {
            "contentType": "html" if copy.notes and copy.notes.is_html else "text",
            "content": copy.notes.text if copy.notes else "",
        },
        "location": {"displayName": copy.location or ""},
        "showAs": _SHOW_AS.get(copy.busy, "busy"),
        "sensitivity": "private" if copy.is_private else "normal",
        "isReminderOn": copy.reminder is not None,
    }
    if copy.recurrence is not None and not copy.keeps_times:
        event |= to_series_times(copy.when, copy.recurrence) | {"recurrence": to_patterned(copy.recurrence)}
    elif not copy.keeps_times:
        event |= _times(copy.when, copy.time_zone)
    if copy.reminder is not None:
        event["reminderMinutesBeforeStart"] = int(copy.reminder.total_seconds() // 60)
    return event


def to_new_event(copy: Copy, mark: Mark, transaction_id: str) -> dict[str, Any]:
    """What is sent once: no attendees, no answers wanted, our mark, and the id that makes a repeat harmless."""
    return {
        **to_event(copy),
        "transactionId": transaction_id,
        "responseRequested": False,
        "allowNewTimeProposals": False,
        "singleValueExtendedProperties": [{"id": MARK_PROPERTY, "value": mark.encode()}],
    }


def _times(when: When, zone: str) -> dict[str, Any]:
    """All-day: midnights of one zone, end exclusive. Timed: UTC, which no change of the clocks makes ambiguous."""
    if isinstance(when, AllDay):
        return {
            "isAllDay": True,
            "start": {"dateTime": f"{when.start.isoformat()}T00:00:00", "timeZone": zone},
            "end": {"dateTime": f"{when.end.isoformat()}T00:00:00", "timeZone": zone},
        }
    return {
        "isAllDay": False,
        "start": {"dateTime": show_instant(when.start_at)[:-1], "timeZone": "UTC"},
        "end": {"dateTime": show_instant(when.end_at)[:-1], "timeZone": "UTC"},
    }


def _version(event: Mapping[str, Any]) -> str:
    etag = event.get("@odata.etag")
    if etag:
        return str(etag)
    key = event.get("changeKey")
    return f'W/"{key}"' if key else ""


def _categories(event: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(one) for one in event.get("categories") or ())


def _location(event: Mapping[str, Any]) -> str | None:
    return fit((event.get("location") or {}).get("displayName") or "").strip() or None
