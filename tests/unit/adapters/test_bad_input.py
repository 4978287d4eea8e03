"""Bad input of both sides, read: each row is cleaned or told apart by a code, none raises (rows 29-34 of the forty bad
inputs; the rest of a run with such rows in it stands in tests/unit/usecases/test_set_aside.py)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from calsync_core.adapters.graph.mapping import to_event, to_readable
from calsync_core.adapters.hosts.documents import DocumentError, to_booking
from calsync_core.domain.appointments import AllDay, Booking, Busy, Copy, Entry, Kind, Notes, Response, Timed
from calsync_core.domain.ids import CalendarId
from calsync_core.domain.notes import LONGEST_NOTES, LONGEST_READ
from calsync_core.domain.recurrence import Inexpressible
from calsync_core.domain.texts import fit
from calsync_core.ports.calendar import Content

ALL = Content(title=True, notes=True, private=True)
EVENT = {
    "id": "id-1", "changeKey": "key-1", "type": "singleInstance", "subject": "Lunch", "isAllDay": False,
    "start": {"dateTime": "2026-11-23T09:00:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-11-23T10:00:00.0000000", "timeZone": "UTC"},
    "showAs": "busy", "sensitivity": "normal", "responseStatus": {"response": "organizer"},
}  # fmt: skip
BOOKING = {
    "id": "bkg_1", "version": "3", "status": "confirmed", "resource_ids": ["anna"], "time_zone": "Europe/Berlin",
    "start": "2026-12-07T09:00:00Z", "end": "2026-12-07T10:00:00Z",
}  # fmt: skip
CLOWN, FAMILY, HEBREW = (
    "\U0001f921",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u200f\u05e9\u05dc\u05d5\u05dd\u200f",
)


def event(fields: dict[str, Any]) -> Entry | None:
    return to_readable({**EVENT, **fields}, CalendarId("cal"), lambda: "Europe/Berlin", ALL)


def read(fields: dict[str, Any]) -> Entry:
    entry = event(fields)
    assert entry is not None
    assert entry.problem is None
    return entry


def moment(text: object, zone: object = "UTC") -> dict[str, Any]:
    return {"dateTime": text, "timeZone": zone}


# --- times ---


@pytest.mark.bad_input(30)
@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"end": moment("2026-11-23T08:00:00")}, "times_inverted"),
        ({"start": moment("0001-01-01T00:00:00")}, "times_out_of_range"),
        ({"start": moment("1826-11-23T09:00:00"), "end": moment("2226-11-23T09:00:00")}, "times_too_long"),
        ({"isAllDay": True, "end": moment("2426-11-23T00:00:00")}, "times_too_long"),
        ({"end": moment("9999-12-31T23:59:59")}, "times_out_of_range"),
        ({"end": moment("9999-12-31T23:59:59", "Pacific Standard Time")}, "times_out_of_range"),
        ({"isAllDay": True, "start": moment("0001-01-01T00:00:00")}, "times_out_of_range"),
        ({"isAllDay": True, "start": moment("9999-12-31T23:00:00")}, "entry_unreadable"),
        ({"start": moment("soon")}, "entry_unreadable"),
        ({"start": moment("2026-02-30T09:00:00")}, "entry_unreadable"),
        ({"start": moment("")}, "entry_unreadable"),
        ({"start": moment(None)}, "entry_unreadable"),
        ({"start": moment(7)}, "entry_unreadable"),
        ({"start": None}, "entry_unreadable"),
        ({"start": "2026-11-23T09:00:00Z"}, "entry_unreadable"),
        ({"start": {}}, "entry_unreadable"),
        ({"start": moment("2026-11-23T09:00:00", 7)}, "entry_unreadable"),
        ({"type": "occurrence", "seriesMasterId": "m", "originalStart": "never"}, "entry_unreadable"),
        ({"responseStatus": "accepted"}, "entry_unreadable"),
        ({"location": "Room 4"}, "entry_unreadable"),
        ({"subject": ["a"]}, "entry_unreadable"),
        ({"isReminderOn": True, "reminderMinutesBeforeStart": "15"}, "entry_unreadable"),
        ({"isReminderOn": True, "reminderMinutesBeforeStart": 10**18}, "entry_unreadable"),
        ({"showAs": ["busy"]}, "entry_unreadable"),
        ({"createdDateTime": "yesterday"}, "entry_unreadable"),
    ],
)
def test_an_event_that_cannot_be_read_says_why(fields: dict[str, Any], problem: str) -> None:
    entry = event(fields)
    assert entry is not None
    assert (entry.id, entry.problem) == ("id-1", problem)
    assert entry.title is None
    start, end = entry.when.interval("Europe/Berlin")
    assert start == end < datetime(1971, 1, 1, tzinfo=UTC)  # in no window, and without a length


@pytest.mark.parametrize("name", [None, "", 7, ["x"], {}])
def test_an_event_without_an_id_is_no_event(name: object) -> None:
    assert event({"id": name, "start": None}) is None


@pytest.mark.bad_input(40)
@pytest.mark.bad_input(30)
@pytest.mark.parametrize(
    ("start", "end", "when"),
    [
        ("2026-11-23T09:00:00", "2026-11-23T09:00:00", timedelta(0)),
        ("2026-11-23T09:00:00", "2036-11-23T09:00:00", timedelta(days=3653)),
        ("1926-11-23T09:00:00", "2026-11-23T09:00:00", timedelta(days=36525)),
        ("2026-11-23T09:00:00.1234567", "2026-11-23T10:00:00.1234567", timedelta(hours=1)),
        ("2026-11-23T09:00:00Z", "2026-11-23T10:00:00+00:00", timedelta(hours=1)),
        ("2026-11-23T09:00:00+02:00", "2026-11-23T10:00:00+02:00", timedelta(hours=1)),
        ("2028-02-29T09:00:00", "2028-03-01T09:00:00", timedelta(days=1)),
        ("2038-01-19T03:14:08", "2038-01-19T04:14:08", timedelta(hours=1)),
    ],
)
def test_spans_that_are_odd_but_true_are_read_as_they_are(start: str, end: str, when: timedelta) -> None:
    entry = read({"start": moment(start), "end": moment(end)})
    assert isinstance(entry.when, Timed)
    assert entry.when.end_at - entry.when.start_at == when


@pytest.mark.bad_input(30)
def test_an_all_day_span_of_nothing_is_one_day() -> None:
    fields = {"isAllDay": True, "start": moment("2026-11-23T00:00:00"), "end": moment("2026-11-23T00:00:00")}
    assert read(fields).when == AllDay(date(2026, 11, 23), date(2026, 11, 24))


# --- words of tomorrow ---


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"showAs": "inHolidays"}, {"busy": Busy.UNKNOWN}),
        ({"showAs": None}, {"busy": Busy.UNKNOWN}),
        ({"sensitivity": "topSecret"}, {"is_private": True}),
        ({"responseStatus": {"response": "perhaps"}}, {"response": Response.NONE}),
        ({"type": "somethingNew"}, {"kind": Kind.SINGLE}),
        ({"type": "somethingNew", "seriesMasterId": "m"}, {"kind": Kind.EXCEPTION, "series_id": "m"}),
        ({"newField": {"deep": [1]}, "attendees": None, "location": None, "body": None}, {"problem": None}),
    ],
)
def test_unknown_words_and_fields_are_survived_on_the_safe_side(
    fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    entry = read(fields)
    assert {name: getattr(entry, name) for name in expected} == expected


# --- texts ---


@pytest.mark.bad_input(31)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nul\x00l", "null"), ("bell\x07\x1b[31m", "bell[31m"), ("half \ud83d pair", "half \ufffd pair"),
        ("\udc00", "\ufffd"), (CLOWN, CLOWN), (FAMILY, FAMILY), (HEBREW, HEBREW), ("a\tb\nc", "a\tb\nc"),
        ("c1\x85x\x9f", "c1x"), ("\ufffe\uffff", ""), ("=cmd()", "=cmd()"),
    ],
)  # fmt: skip
def test_texts_are_kept_and_what_no_store_takes_is_cleaned(text: str, expected: str) -> None:
    entry = read({"subject": text, "body": {"contentType": "text", "content": f"x{text}x"}})
    assert entry.title == fit(text) == expected
    assert entry.notes == Notes(f"x{expected}x")
    assert (entry.title + entry.notes.text).encode()  # no store and no wire chokes on it
    booking = to_booking({**BOOKING, "title": text, "customer": {"name": f"x{text}"}, "custom_fields": {"a": text}})
    assert booking.title == expected
    assert booking.customer is not None
    assert booking.customer.name == f"x{expected}"
    assert booking.custom_fields == (("a", expected),)


@pytest.mark.bad_input(31)
def test_a_subject_of_10000_characters_is_read_whole_and_written_short() -> None:
    entry = read({"subject": CLOWN * 10_000})
    assert entry.title == CLOWN * 10_000
    sent = to_event(Copy(entry.when, "UTC", entry.title))["subject"]
    assert sent.encode("utf-16-le")
    assert sent == CLOWN * 127, "Microsoft counts 254"


MEGABYTE = 1024 * 1024


@pytest.mark.bad_input(32)
@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Bring <b>keys</b></p><script>alert(1)</script>", "Bring keys"),
        ("<img src=x onerror=alert(1)>Hello", "Hello"),
        ("<a href='javascript:alert(1)'>press</a>", "press"),
        ("<style>p{}</style><!-- <p>no</p> -->yes", "yes"),
        ("<table>" * (MEGABYTE // 8) + "deep", ""),
        ("<p>" + "x" * MEGABYTE, "x" * LONGEST_NOTES),
        ("<!--" * (MEGABYTE // 4), ""),
        ("<" * MEGABYTE, None),
        ("&#0;&#xD800;&lt;b&gt;", None),
    ],
)
def test_notes_in_html_become_clean_short_text(html: str, text: str | None) -> None:
    entry = read({"body": {"contentType": "html", "content": html}})
    found = entry.notes.text if entry.notes else ""
    assert len(found) <= LONGEST_NOTES
    assert found.encode().decode() == found
    assert "\x00" not in found
    if text is not None:
        assert found == text
    else:
        assert "script" not in found


@pytest.mark.bad_input(32)
def test_notes_of_a_megabyte_of_the_booking_system_are_cut_before_they_are_kept() -> None:
    notes = to_booking({**BOOKING, "notes": {"format": "html", "value": "<p>" * MEGABYTE}}).notes
    assert notes is not None
    assert len(notes.text) <= LONGEST_READ


@pytest.mark.bad_input(34)
@pytest.mark.parametrize("sensitivity", ["private", "confidential", "topSecret"])
def test_of_a_private_event_nothing_but_its_time_is_read(sensitivity: str) -> None:
    fields = {**EVENT, "sensitivity": sensitivity, "body": {"contentType": "text", "content": "secret"}}
    fields |= {"location": {"displayName": "secret"}}
    entry = to_readable(fields, CalendarId("cal"), lambda: "UTC", Content(title=True, notes=True))
    assert entry is not None
    assert (entry.title, entry.notes, entry.location) == (None, None, None)
    assert entry.is_private


# --- the booking system ---


def wrong(fields: dict[str, Any]) -> str:
    with pytest.raises(DocumentError) as caught:
        to_booking({**BOOKING, **fields})
    return str(caught.value)


@pytest.mark.bad_input(30)
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"end": "2026-12-07T08:00:00Z"}, "end"),
        ({"end": "2426-12-07T10:00:00Z"}, "end"),
        ({"all_day": True, "end": "2426-12-07T10:00:00Z"}, "end"),
        ({"start": "0001-01-01T00:00:00+14:00"}, "start"),
        ({"end": "9999-12-31T23:59:59-12:00"}, "end"),
        ({"start": "2026-12-07"}, "start"),
        ({"start": "2026-12-07T09:00:00"}, "start"),
        ({"start": 5}, "start"),
        ({"status": "maybe"}, "status"),
        ({"resource_ids": [7]}, "resource_ids"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "Customized Time Zone"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"customer": {"name": ""}}, "name"),
        ({"notes": "text"}, "notes"),
        ({"updated_at": "yesterday"}, "updated_at"),
        ({"buffers": {"before_min": "5"}}, "before_min"),
    ],
)
def test_a_booking_that_does_not_fit_names_its_field_and_never_its_value(fields: dict[str, Any], field: str) -> None:
    assert wrong(fields) == field


@pytest.mark.bad_input(29)
@pytest.mark.parametrize(
    "rule",
    ["", "FREQ=NEVER", "nonsense", "FREQ=DAILY;COUNT=0", "FREQ=SECONDLY", "FREQ=DAILY;UNTIL=soon",
     "FREQ=DAILY;BYDAY=XX",
     "FREQ=DAILY;COUNT=100000", "FREQ=MONTHLY;BYMONTHDAY=99", "RRULE:" * 1000],
)  # fmt: skip
def test_a_rule_that_is_none_costs_the_real_series_and_not_the_booking(rule: str) -> None:
    booking = to_booking({**BOOKING, "series": {"id": "s-1", "rrule": rule}})
    assert isinstance(booking, Booking)
    assert isinstance(booking.recurrence, Inexpressible)


@pytest.mark.bad_input(30)
@pytest.mark.parametrize(
    ("start", "end", "zone", "first", "last"),
    [
        ("2026-12-06T23:00:00Z", "2026-12-07T23:00:00Z", "Europe/Berlin", 7, 8),
        ("2026-12-06T23:00:00Z", "2026-12-07T22:59:00Z", "Europe/Berlin", 7, 8),  # ends at 23:59
        ("2026-12-06T23:00:00Z", "2026-12-07T22:59:59Z", "W. Europe Standard Time", 7, 8),
        ("2026-12-06T22:00:00Z", "2026-12-07T22:00:00Z", "Europe/Berlin", 7, 8),  # an hour of summer time too early
        ("2026-12-07T08:00:00Z", "2026-12-08T08:00:00Z", "America/Los_Angeles", 7, 8),
        ("2026-12-06T18:30:00Z", "2026-12-07T18:30:00Z", "Asia/Kolkata", 7, 8),
        ("2026-12-06T11:00:00Z", "2026-12-08T11:00:00Z", "Pacific/Auckland", 7, 9),
        ("2026-12-07T08:00:00Z", "2026-12-07T16:00:00Z", "Europe/Berlin", 7, 8),
    ],
)
def test_all_day_bookings_are_dates_in_their_zone(start: str, end: str, zone: str, first: int, last: int) -> None:
    booking = to_booking({**BOOKING, "all_day": True, "start": start, "end": end, "time_zone": zone})
    assert booking.when == AllDay(date(2026, 12, first), date(2026, 12, last))
