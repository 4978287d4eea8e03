"""The work that both sides of a row go through: n appointments, always the same ones, one every half hour."""

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from calsync_core.domain.appointments import Timed

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
STEP = timedelta(minutes=30)
LENGTH = timedelta(minutes=20)
_NOTES = "Notes for the visit. Bring the file, call ahead. "


def when(number: int, shift: int = 0) -> Timed:
    """Half an hour each, from the day after NOW on, so that nothing overlaps; `shift` minutes later."""
    start = NOW + timedelta(days=1) + number * STEP + timedelta(minutes=shift)
    return Timed(start, start + LENGTH)


def ics(number: int, revision: int = 0) -> str:
    """The appointment as a calendar object, for vdirsyncer."""
    at = when(number, revision)
    rows = (
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//calsync//bench//EN", "BEGIN:VEVENT",
        f"UID:{uid(number)}", "DTSTAMP:20261101T000000Z",
        f"DTSTART:{at.start_at:%Y%m%dT%H%M%SZ}", f"DTEND:{at.end_at:%Y%m%dT%H%M%SZ}",
        f"SUMMARY:Appointment {number}", f"LOCATION:Room {number % 40}", f"SEQUENCE:{revision}",
        f"DESCRIPTION:{_NOTES.replace(',', chr(92) + ',')[:60]}", "END:VEVENT", "END:VCALENDAR", "",
    )  # fmt: skip
    return "\r\n".join(rows)


def uid(number: int) -> str:
    return f"calsync-{number:08d}@example.test"


@lru_cache(maxsize=20_000)
def graph_event(number: int, start_at: datetime) -> bytes:
    """The appointment as Graph sends it in a feed: 2.3 KB with all usual properties."""
    return json.dumps(graph_fields(number, start_at)).encode()


def graph_fields(number: int, start_at: datetime) -> dict[str, Any]:
    """The same before it becomes text."""
    shown, end_at = "%Y-%m-%dT%H:%M:%S.0000000", start_at + LENGTH
    key = f"AAMkAGI1AAA{number:024d}BBBCCCDDDEEEFFFGGGHHHIIIJJJKKKLLLMMMNNNOOOPPPQQQRRRSSSTTTUUUVVV="
    notes = _NOTES * (1 + number % 4)
    guests = [f"client{number * 31 % 997}@example.test"] if number % 3 == 0 else []
    return {
        "@odata.etag": f'W/"{number:024d}=="',
        "id": key,
        "createdDateTime": "2026-01-02T10:00:00.0000000Z",
        "lastModifiedDateTime": "2026-01-02T10:00:00.0000000Z",
        "changeKey": f"{number:024d}==",
        "categories": [],
        "transactionId": None,
        "originalStartTimeZone": "UTC",
        "originalEndTimeZone": "UTC",
        "iCalUId": uid(number),
        "uid": uid(number),
        "reminderMinutesBeforeStart": 15,
        "isReminderOn": True,
        "hasAttachments": False,
        "subject": f"Appointment {number} with client {number * 7919 % 10007}",
        "bodyPreview": notes[:255],
        "importance": "normal",
        "sensitivity": "private" if number % 11 == 0 else "normal",
        "isAllDay": False,
        "isCancelled": False,
        "isOrganizer": True,
        "responseRequested": True,
        "seriesMasterId": None,
        "showAs": "busy",
        "type": "singleInstance",
        "webLink": f"https://outlook.example.test/owa/?itemid={key}&exvsurl=1&path=/calendar/item",
        "onlineMeetingUrl": None,
        "isOnlineMeeting": False,
        "onlineMeetingProvider": "unknown",
        "allowNewTimeProposals": True,
        "occurrenceId": None,
        "isDraft": False,
        "hideAttendees": False,
        "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
        "body": {"contentType": "text", "content": notes},  # calsync asks for text, and so does the bare loop
        "start": {"dateTime": start_at.strftime(shown), "timeZone": "UTC"},
        "end": {"dateTime": end_at.strftime(shown), "timeZone": "UTC"},
        "location": {"displayName": f"Room {number % 40}", "locationType": "default"},
        "locations": [{"displayName": f"Room {number % 40}", "locationType": "default"}],
        "recurrence": None,
        "attendees": [
            {
                "type": "required",
                "status": {"response": "none", "time": "0001-01-01T00:00:00Z"},
                "emailAddress": {"name": guest, "address": guest},
            }
            for guest in guests
        ],
        "organizer": {"emailAddress": {"name": "Staff", "address": "staff@example.test"}},
        "onlineMeeting": None,
    }
