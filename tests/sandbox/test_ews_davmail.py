"""DavMail, unchanged, against the sandbox's Exchange: a person's CalDAV client lists, makes, moves, deletes entries.

What it did is written down in docs/providers/exchange.md, section "Real clients".
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest

from tests.sandbox.davmail import davmail, skip_without_davmail
from tests.sandbox.ews_calendar import ANNA, DAY, an_item, at, calendar_of, exchange_of, in_view
from tests.sandbox.small_microsoft import Microsoft

ZONE = """BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
DTSTART:19810329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
"""
LIST = '<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/><D:displayname/><D:resourcetype/></D:prop></D:propfind>'
REPORT = (
    '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/>'
    '</D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range '
    'start="20261101T000000Z" end="20270101T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>'
)


@pytest.fixture
def dav(microsoft: Microsoft, tmp_path: Path) -> Iterator[httpx.Client]:
    skip_without_davmail()
    with exchange_of(microsoft), davmail(microsoft, tmp_path, ANNA) as client:
        yield client


def event(uid: str, begin: str, end: str, summary: str, *more: str) -> str:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "DTSTAMP:20261101T120000Z",
        f"DTSTART;{begin}",
        f"DTEND;{end}",
        f"SUMMARY:{summary}",
        "TRANSP:OPAQUE",
        *more,
        "END:VEVENT",
    ]
    return "\n".join(lines) + "\n"


def wall(day: date, clock: str) -> str:
    return f"TZID=Europe/Berlin:{day:%Y%m%d}T{clock}00"


def put(dav: httpx.Client, name: str, *events: str) -> None:
    text = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//test//EN\n" + ZONE + "".join(events) + "END:VCALENDAR\n"
    answer = dav.put(name, content=text.replace("\n", "\r\n"), headers={"Content-Type": "text/calendar"})
    assert answer.status_code in (200, 201), answer.text


def read(dav: httpx.Client, name: str) -> str:
    answer = dav.get(name)
    assert answer.status_code == 200, answer.text
    return answer.text


def report(dav: httpx.Client) -> str:
    answer = dav.request("REPORT", "", content=REPORT, headers={"Depth": "1", "Content-Type": "text/xml"})
    assert answer.status_code == 207, answer.text
    return answer.text


def test_calendars_and_entries_are_listed(microsoft: Microsoft, dav: httpx.Client) -> None:
    an_item(calendar_of(microsoft), subject="by exchangelib").save()

    listed = dav.request("PROPFIND", "", content=LIST, headers={"Depth": "1", "Content-Type": "text/xml"}).text

    assert listed.count("<C:calendar/>") == 2
    assert "<D:displayname>Family</D:displayname>" in listed
    assert len(re.findall(r"\.EML", listed)) >= 1
    assert "SUMMARY:by exchangelib" in report(dav)


def test_an_entry_is_made_read_moved_and_deleted(microsoft: Microsoft, dav: httpx.Client) -> None:
    calendar = calendar_of(microsoft)
    private = ("LOCATION:Room 1", "DESCRIPTION:hello", "CLASS:PRIVATE")
    put(dav, "one.ics", event("one@dav", wall(DAY, "0900"), wall(DAY, "1000"), "By DavMail", *private))
    (made,) = in_view(calendar)
    assert (made.subject, made.start, made.end, made.uid) == ("By DavMail", at(9), at(10), "one@dav")
    assert (made.location, made.sensitivity, made.legacy_free_busy_status) == ("Room 1", "Private", "Busy")
    assert "SUMMARY:By DavMail" in read(dav, "one.ics")

    put(dav, "one.ics", event("one@dav", wall(DAY, "1100"), wall(DAY, "1230"), "moved", *private))
    (moved,) = in_view(calendar)
    assert (moved.id, moved.subject, moved.start, moved.end) == (made.id, "moved", at(11), at(12, 30))
    assert "T110000" in read(dav, "one.ics")

    assert dav.delete("one.ics").status_code == 200
    assert not in_view(calendar)
    assert "SUMMARY" not in report(dav)


def test_an_all_day_entry_keeps_its_days(microsoft: Microsoft, dav: httpx.Client) -> None:
    put(dav, "days.ics", event("days@dav", "VALUE=DATE:20261123", "VALUE=DATE:20261125", "Two days"))

    (made,) = in_view(calendar_of(microsoft))

    assert (made.is_all_day, made.start, made.end) == (True, DAY, DAY + timedelta(days=1))
    assert "DTSTART;VALUE=DATE:20261123" in read(dav, "days.ics")


def test_a_series_and_one_moved_occurrence(microsoft: Microsoft, dav: httpx.Client) -> None:
    """DavMail drops COUNT when it changes a series: it writes NoEndRecurrence then. That is DavMail's, not ours."""
    calendar = calendar_of(microsoft)
    rule = "RRULE:FREQ=WEEKLY;UNTIL=20261214T235959Z;BYDAY=MO"
    second = DAY + timedelta(days=7)
    master = event("series@dav", wall(DAY, "0900"), wall(DAY, "1000"), "Weekly", rule)
    put(dav, "series.ics", master)
    assert [item.start for item in in_view(calendar, 40)] == [at(9, day=DAY + timedelta(days=7 * n)) for n in range(4)]
    assert "RRULE:FREQ=WEEKLY" in read(dav, "series.ics")

    moved = event(
        "series@dav",
        wall(second, "1400"),
        wall(second, "1500"),
        "Moved one",
        f"RECURRENCE-ID;{wall(second, '0900')}",
    )
    put(dav, "series.ics", master, moved)

    seen = [(item.type, item.subject, item.start) for item in in_view(calendar, 21)]
    assert seen[1] == ("Exception", "Moved one", at(14, day=second))
    assert seen[0][:2] == ("Occurrence", "Weekly")
    assert read(dav, "series.ics").count("BEGIN:VEVENT") == 2


def test_what_graph_made_is_seen_through_davmail(microsoft: Microsoft, dav: httpx.Client) -> None:
    graph = microsoft.graph(microsoft.tokens_of(ANNA)["access_token"])
    zone = "W. Europe Standard Time"
    made = graph.post(
        "/v1.0/me/events",
        json={
            "subject": "by Graph",
            "start": {"dateTime": f"{DAY}T15:00:00", "timeZone": zone},
            "end": {"dateTime": f"{DAY}T16:00:00", "timeZone": zone},
        },
    )
    assert made.status_code == 201

    shown = report(dav)

    assert "SUMMARY:by Graph" in shown
    assert "T150000" in shown
