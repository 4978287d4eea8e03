"""Graph events as our values: times, privacy, series, odd data. The traps of graph.md that need no server."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from calsync_core.adapters.graph import wire
from calsync_core.adapters.graph.mapping import select, to_entry, to_event, to_new_event
from calsync_core.domain.appointments import AllDay, Busy, Copy, Kind, Mark, Notes, Response, Timed
from calsync_core.domain.ids import AccountId, BookingId, CalendarId, ResourceId
from calsync_core.domain.windows_zones import WINDOWS_TO_IANA
from calsync_core.domain.zones import iana_name
from calsync_core.ports.calendar import Content

CALENDAR = CalendarId("cal-1")
ALL = Content(title=True, notes=True, private=True)
OPEN = Content(title=True, notes=True)
MARK = Mark("install-1", AccountId("main"), ResourceId("anna"), BookingId("bkg_1"), 2)


def berlin() -> str:
    return "Europe/Berlin"


def never() -> str:
    raise AssertionError("the mailbox's zone was asked for without need")


def event(**fields: Any) -> dict[str, Any]:
    """A Graph event as the service sends it."""
    return {
        "@odata.etag": 'W/"key-1"', "id": "id-1", "changeKey": "key-1", "type": "singleInstance", "subject": "Lunch",
        "body": {"contentType": "text", "content": "with Max\r\n"}, "location": {"displayName": "Room 4"},
        "start": at("2026-11-23T09:00:00.0000000"), "end": at("2026-11-23T10:00:00.0000000"), "isAllDay": False,
        "showAs": "busy", "sensitivity": "normal", "isCancelled": False, "responseStatus": {"response": "organizer"},
        "isReminderOn": True, "reminderMinutesBeforeStart": 15, "attendees": [], "seriesMasterId": None,
        "createdDateTime": "2026-11-20T08:00:00.1234567Z", "webLink": "https://outlook.example/x",
    } | fields  # fmt: skip


def at(text: str, zone: str = "UTC") -> dict[str, str]:
    return {"dateTime": text, "timeZone": zone}


def read(fields: dict[str, Any] | None = None, content: Content = ALL, **options: Any) -> Any:
    return to_entry(event(**(fields or {})), CALENDAR, options.pop("zone", never), content, **options)


# -- times ------------------------------------------------------------------------------------------------------


def test_seven_fractional_digits_are_read() -> None:
    entry = read({"start": at("2026-11-23T09:00:00.1234567")})
    assert entry.when == Timed(datetime(2026, 11, 23, 9, 0, 0, 123456, UTC), datetime(2026, 11, 23, 10, tzinfo=UTC))
    assert entry.created_at == datetime(2026, 11, 20, 8, 0, 0, 123456, UTC)


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
@pytest.mark.complaint(11)
def test_all_day_is_a_date_wherever_the_calendar_is(zone: str) -> None:
    """Read as an instant it would be a day off west of UTC."""
    fields = {"isAllDay": True, "start": at("2026-11-23T00:00:00.0000000"), "end": at("2026-11-24T00:00:00.0000000")}
    assert read(fields, zone=lambda: zone).when == AllDay(date(2026, 11, 23), date(2026, 11, 24))
    assert read(fields).when == AllDay(date(2026, 11, 23), date(2026, 11, 24))  # the zone is not even asked for


@pytest.mark.parametrize(
    ("start", "end", "zone", "first", "last"),
    [
        ("2026-07-05T22:00:00", "2026-07-07T22:00:00", "Europe/Berlin", date(2026, 7, 6), date(2026, 7, 8)),
        ("2026-11-22T23:00:00", "2026-11-24T00:00:00", "Europe/Berlin", date(2026, 11, 23), date(2026, 11, 24)),
        ("2026-11-23T08:00:00", "2026-11-24T08:00:00", "America/Los_Angeles", date(2026, 11, 23), date(2026, 11, 24)),
        ("2026-11-22T15:00:00", "2026-11-23T15:00:00", "Asia/Tokyo", date(2026, 11, 23), date(2026, 11, 24)),
        ("2026-11-22T22:30:00", "2026-11-22T23:30:00", "Europe/Berlin", date(2026, 11, 23), date(2026, 11, 24)),
    ],
)
def test_odd_all_day_times_of_old_clients_become_the_nearest_midnight(
    start: str, end: str, zone: str, first: date, last: date
) -> None:
    fields = {"isAllDay": True, "start": at(start + ".0000000"), "end": at(end + ".0000000")}
    assert read(fields, zone=lambda: zone).when == AllDay(first, last)


@pytest.mark.parametrize(
    ("zone", "hour"),
    [
        ("UTC", 9),
        ("W. Europe Standard Time", 8),
        ("Europe/Berlin", 8),
        ("Alberta Standard Time", 16),
        ("British Columbia Standard Time", 17),
        ("Manitoba Standard Time", 15),
        ("tzone://Microsoft/Utc", 9),
        ("tzone://Microsoft/Custom", 9),
        ("Customized Time Zone", 9),
        ("Something New Standard Time", 9),
        ("../../etc/passwd", 9),
        ("", 9),
    ],
)
def test_every_zone_name_is_survived(zone: str, hour: int) -> None:
    """We ask for UTC; should the service answer otherwise, known names are converted and unknown ones read as UTC."""
    assert read({"start": at("2026-11-23T09:00:00", zone), "end": at("2026-11-24T09:00:00", zone)}).when == Timed(
        datetime(2026, 11, 23, hour, tzinfo=UTC), datetime(2026, 11, 24, hour, tzinfo=UTC)
    )


def test_the_windows_names_are_those_of_cldr_and_the_three_new_ones() -> None:
    page = Path(__file__).parents[3].parent / "shared/reference/windows-zones.json"
    if not page.exists():
        pytest.skip("the shared reference page is not here")
    import json

    table = json.loads(page.read_text())
    assert table["windows_to_iana"] | table["windows_to_iana_2026_additions"] == WINDOWS_TO_IANA


def test_every_windows_name_leads_to_a_zone_in_any_case() -> None:
    assert all(iana_name(name) and iana_name(name.upper()) for name in WINDOWS_TO_IANA)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T08:00:00Z", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("2026-11-28T10:00:00.0000000+02:00", datetime(2026, 11, 28, 8, tzinfo=UTC)),
        ("2026-11-28T10:00:00.1234567-05:00", datetime(2026, 11, 28, 15, 0, 0, 123456, UTC)),
        ("2026-11-28T10:00:00", datetime(2026, 11, 28, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
    ],
)
def test_instants_come_with_any_offset_or_none(text: str | None, expected: datetime | None) -> None:
    assert wire.read_instant(text) == expected


# -- privacy ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sensitivity", ["private", "confidential", "aWordOfNextYear"])
def test_private_entries_keep_their_time_only(sensitivity: str) -> None:
    fields = {"sensitivity": sensitivity, "subject": "Oncologist", "body": {"contentType": "text", "content": "bad"}}
    entry = read(fields, OPEN)
    assert entry.is_private
    assert (entry.title, entry.notes, entry.location) == (None, None, None)
    assert "Oncologist" not in repr(entry)
    assert read(fields, ALL).title == "Oncologist"


@pytest.mark.parametrize("sensitivity", ["normal", "personal", None])
def test_other_entries_are_open(sensitivity: str | None) -> None:
    assert not read({"sensitivity": sensitivity}, OPEN).is_private


def test_what_is_not_allowed_is_neither_kept_nor_asked_for() -> None:
    entry = read({}, Content())
    assert (entry.title, entry.notes, entry.location) == (None, None, None)
    fields = select(Content()).split(",")
    assert not {"subject", "body", "bodyPreview", "location"} & set(fields)
    assert {"subject", "body"} <= set(select(OPEN).split(","))
    assert "createdDateTime" not in select(OPEN, is_view=True)  # not selectable on calendarView


# -- what the service may send --------------------------------------------------------------------------------------


def test_words_that_nobody_knows_yet_are_tolerated() -> None:
    fields = {"showAs": "onTheMoon", "responseStatus": {"response": "perhaps"}, "type": "somethingElse"}
    entry = read(fields)
    assert (entry.busy, entry.response, entry.kind) == (Busy.UNKNOWN, Response.NONE, Kind.SINGLE)


def test_null_is_common() -> None:
    texts = ("subject", "body", "location", "showAs", "sensitivity", "webLink", "type", "createdDateTime")
    others = ("responseStatus", "attendees", "isReminderOn", "reminderMinutesBeforeStart", "isCancelled", "isAllDay")
    nulls: dict[str, Any] = dict.fromkeys(texts + others)
    entry = read(nulls)
    assert (entry.title, entry.notes, entry.reminder, entry.has_attendees) == ("", None, None, False)


@pytest.mark.parametrize(
    ("word", "response"),
    [
        ("tentativelyAccepted", Response.TENTATIVE), ("accepted", Response.ACCEPTED), ("declined", Response.DECLINED),
        ("notResponded", Response.NOT_RESPONDED), ("organizer", Response.ORGANIZER), ("none", Response.NONE),
    ],
)  # fmt: skip
def test_responses(word: str, response: Response) -> None:
    assert read({"responseStatus": {"response": word}}).response is response


@pytest.mark.complaint(24)
def test_abbreviated_occurrences_are_sparse_and_carry_nothing_but_times() -> None:
    fields = {
        "id": "occ-1", "type": "occurrence", "seriesMasterId": "master-1",
        "start": at("2026-11-23T09:00:00.0000000"), "end": at("2026-11-23T10:00:00.0000000"),
    }  # fmt: skip
    entry = to_entry(fields, CALENDAR, never, ALL)
    assert entry.is_sparse
    assert (entry.kind, entry.series_id) == (Kind.OCCURRENCE, "master-1")
    assert entry.original_start_at == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert (entry.title, entry.version) == (None, "")


def test_a_full_occurrence_is_not_sparse() -> None:
    fields = {"type": "occurrence", "seriesMasterId": "m", "originalStart": "2026-11-23T09:00:00Z"}
    assert not read(fields).is_sparse


def test_an_exception_keeps_its_original_start() -> None:
    entry = read({"type": "exception", "seriesMasterId": "master-1", "originalStart": "2026-11-20T08:00:00Z"})
    assert entry.kind is Kind.EXCEPTION
    assert entry.original_start_at == datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.mark.parametrize("original", ["2026-11-22T23:00:00Z", "2026-11-23T00:00:00Z"])
def test_all_day_occurrences_have_one_key_sparse_or_whole(original: str) -> None:
    midnights = {"start": at("2026-11-23T00:00:00.0000000"), "end": at("2026-11-24T00:00:00.0000000")}
    of_series = {"type": "occurrence", "seriesMasterId": "m", **midnights}
    whole = read({**of_series, "isAllDay": True, "originalStart": original}, zone=berlin)
    sparse = to_entry({"id": "o", **of_series}, CALENDAR, never, ALL)
    assert whole.original_start_at == sparse.original_start_at == datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "broken", [{"start": None}, {"start": {}}, {"start": at("soon")}, {"end": at("2026-13-45T00:00:00")}]
)
def test_what_cannot_be_read_raises_one_of_three(broken: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        read(broken)


def test_the_version_is_the_etag_and_else_the_change_key() -> None:
    assert read().version == 'W/"key-1"'
    without = {name: value for name, value in event().items() if name != "@odata.etag"}
    assert to_entry(without, CALENDAR, never, ALL).version == 'W/"key-1"'


# -- notes and marks --------------------------------------------------------------------------------------------


def test_notes_are_text_whatever_comes() -> None:
    html = (
        "<html><head><style>p {color: red}</style></head><body><p>First&nbsp;line</p>"
        "<div>Second &amp; last<br>third</div><script>alert(1)</script></body></html>"
    )
    found = wire.read_notes({"contentType": "html", "content": html})
    assert found == Notes("First line\n\nSecond & last\nthird".replace("\n\n", "\n"))
    assert wire.read_notes({"contentType": "text", "content": " \r\n"}) is None
    assert wire.read_notes({"contentType": "text", "content": "a\r\nb\r\n"}) == Notes("a\nb")
    assert wire.read_notes(None) is None


def test_notes_have_an_end() -> None:
    found = wire.read_notes({"contentType": "text", "content": "x" * 100_000})
    assert found is not None
    assert len(found.text) == wire.LONGEST_NOTES


def test_a_mark_is_read_only_when_it_is_ours() -> None:
    ours = {"id": wire.MARK_PROPERTY, "value": MARK.encode()}
    assert read({"singleValueExtendedProperties": [ours]}, has_marks=True).mark == MARK
    assert read({"singleValueExtendedProperties": [ours | {"value": "damaged"}]}, has_marks=True).mark is None
    assert (
        read({"singleValueExtendedProperties": [{"id": "String {x} Name y", "value": "1"}]}, has_marks=True).mark
        is None
    )
    assert read({}, has_marks=True).is_mark_known
    assert not read({}).is_mark_known


# -- writing ----------------------------------------------------------------------------------------------------

COPY = Copy(
    Timed(datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 23, 10, tzinfo=UTC)),
    "Europe/Berlin",
    " Consultation ",
    Notes("notes"),
    "Room 4",
)


def test_nobody_is_invited_and_nobody_is_asked() -> None:
    """Attendees would be mailed at once; an online meeting could never be taken off again."""
    for body in (to_event(COPY), to_new_event(COPY, MARK, "tx-1")):
        assert not {"attendees", "isOnlineMeeting", "onlineMeetingProvider", "organizer", "recurrence"} & set(body)
    assert to_new_event(COPY, MARK, "tx-1")["responseRequested"] is False


def test_alarm_off_is_said_aloud() -> None:
    """Without the field the mailbox's own default would remind."""
    assert to_event(COPY)["isReminderOn"] is False
    with_alarm = to_event(Copy(COPY.when, "UTC", "x", reminder=timedelta(minutes=30)))
    assert (with_alarm["isReminderOn"], with_alarm["reminderMinutesBeforeStart"]) == (True, 30)


def test_an_update_sends_our_own_fields_and_nothing_that_is_created_once() -> None:
    once = {"transactionId", "singleValueExtendedProperties", "responseRequested", "allowNewTimeProposals"}
    assert set(to_new_event(COPY, MARK, "tx-1")) - set(to_event(COPY)) == once


def test_emptied_fields_are_sent_empty() -> None:
    """Else an update would leave the notes of yesterday in place."""
    body = to_event(Copy(COPY.when, "UTC", ""))
    assert body["body"] == {"contentType": "text", "content": ""}
    assert body["location"] == {"displayName": ""}
    assert body["sensitivity"] == "normal"


def test_times_are_written_so_that_no_change_of_clocks_matters() -> None:
    assert to_event(COPY)["start"] == at("2026-11-23T09:00:00")
    whole_day = to_event(Copy(AllDay(date(2026, 12, 24), date(2026, 12, 26)), "Europe/Berlin", "x"))
    assert whole_day["isAllDay"] is True
    assert whole_day["start"] == at("2026-12-24T00:00:00", "Europe/Berlin")
    assert whole_day["end"] == at("2026-12-26T00:00:00", "Europe/Berlin")


def test_the_copy_carries_its_mark() -> None:
    sent = to_new_event(COPY, MARK, "tx-1")
    assert sent["singleValueExtendedProperties"] == [{"id": wire.MARK_PROPERTY, "value": MARK.encode()}]
    assert sent["transactionId"] == "tx-1"
    assert sent["subject"] == "Consultation"
