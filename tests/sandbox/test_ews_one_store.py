"""One store, two protocols: the same operations by Graph and by EWS leave the same entries; each sees the other's."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from exchangelib import CalendarItem, HTMLBody
from exchangelib.folders import Calendar
from exchangelib.recurrence import Recurrence, WeeklyPattern

from tests.sandbox.ews_calendar import ANNA, DAY, an_item, at, calendar_of, exchange_of, in_view
from tests.sandbox.small_microsoft import Microsoft

ZONE = "W. Europe Standard Time"
KEY = "String {c11ff724-aa03-4555-9952-8fa248a11c3e} Name calsyncId"
# What each protocol draws for itself, or only one of them can say.
NOT_COMPARED = frozenset(
    {
        "@odata.etag", "id", "changeKey", "createdDateTime", "lastModifiedDateTime", "iCalUId", "uid", "webLink",
        "transactionId", "seriesMasterId", "occurrenceId", "bodyPreview", "body", "location", "locations",
    }
)  # fmt: skip


class GraphSide:
    """Anna by Graph."""

    def __init__(self, microsoft: Microsoft) -> None:
        self.client = microsoft.graph(microsoft.tokens_of(ANNA)["access_token"])

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.request(method, f"/v1.0/me{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def view(self) -> list[dict[str, Any]]:
        """The time around DAY, entries with what matters of them."""
        found = self.call("GET", "/calendarView?startDateTime=2026-11-01T00:00:00Z&endDateTime=2027-02-01T00:00:00Z")
        return [plain(event) for event in found["value"]]

    def events(self) -> list[dict[str, Any]]:
        path = f"/events?$expand=singleValueExtendedProperties($filter=id eq '{KEY}')"
        return list(self.call("GET", path)["value"])


def plain(event: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in event.items() if name not in NOT_COMPARED}
    kept["place"] = event["location"]["displayName"]
    kept["text"] = event["bodyPreview"]
    return kept


@pytest.fixture
def graph(microsoft: Microsoft) -> GraphSide:
    return GraphSide(microsoft)


@pytest.fixture(autouse=True)
def on_exchange(microsoft: Microsoft) -> Iterator[None]:
    microsoft.control("PATCH", "/settings", {"enforces_limits": False})
    with exchange_of(microsoft):
        yield


def wall(day: date, clock: str) -> dict[str, str]:
    return {"dateTime": f"{day.isoformat()}T{clock}:00", "timeZone": ZONE}


EVENT: dict[str, Any] = {
    "subject": "Massage",
    "start": wall(DAY, "09:00"),
    "end": wall(DAY, "10:00"),
    "body": {"contentType": "html", "content": "<p>Bring a towel</p>"},
    "location": {"displayName": "Room 1"},
    "categories": ["calsync", "blue"],
    "sensitivity": "private",
    "showAs": "oof",
    "importance": "high",
    "isReminderOn": True,
    "reminderMinutesBeforeStart": 30,
    "singleValueExtendedProperties": [{"id": KEY, "value": "bk-1"}],
}
FIELDS: dict[str, Any] = {
    "subject": "Massage",
    "body": HTMLBody("<p>Bring a towel</p>"),
    "location": "Room 1",
    "categories": ["calsync", "blue"],
    "sensitivity": "Private",
    "legacy_free_busy_status": "OOF",
    "importance": "High",
    "reminder_is_set": True,
    "reminder_minutes_before_start": 30,
    "mark": "bk-1",
}
WEEKLY = {
    "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"},
    "range": {"type": "numbered", "startDate": DAY.isoformat(), "numberOfOccurrences": 5},
}


def series(number: int = 5) -> Recurrence:
    pattern = WeeklyPattern(interval=1, weekdays=["Monday"], first_day_of_week="Monday")
    return Recurrence(pattern=pattern, start=DAY, number=number)


Act = tuple[Callable[[GraphSide], None], Callable[[Calendar], None]]


def create() -> Act:
    return (
        lambda graph: graph.call("POST", "/events", EVENT),
        lambda calendar: an_item(calendar, **FIELDS).save(),
    )


def all_day() -> Act:
    day_after = DAY + timedelta(days=2)
    changes = {"isAllDay": True, "start": wall(DAY, "00:00"), "end": wall(day_after, "00:00"), "showAs": "free"}
    return (
        lambda graph: graph.call("POST", "/events", EVENT | changes),
        lambda calendar: an_item(
            calendar,
            **FIELDS
            | {
                "is_all_day": True,
                "start": DAY,
                "end": DAY + timedelta(days=1),
                "legacy_free_busy_status": "Free",
            },
        ).save(),
    )


def change() -> Act:
    def by_graph(graph: GraphSide) -> None:
        made = graph.call("POST", "/events", EVENT)
        changes = {"subject": "Physio", "start": wall(DAY, "11:00"), "end": wall(DAY, "12:30"), "categories": []}
        graph.call("PATCH", f"/events/{made['id']}", changes)

    def by_ews(calendar: Calendar) -> None:
        item = an_item(calendar, **FIELDS).save()
        item.subject, item.start, item.end, item.categories = "Physio", at(11), at(12, 30), None
        item.save(update_fields=["subject", "start", "end", "categories"])

    return by_graph, by_ews


def repeat() -> Act:
    return (
        lambda graph: graph.call("POST", "/events", EVENT | {"recurrence": WEEKLY}),
        lambda calendar: an_item(calendar, **FIELDS, recurrence=series()).save(),
    )


def edit_occurrence() -> Act:
    third, fourth = DAY + timedelta(days=14), DAY + timedelta(days=21)

    def by_graph(graph: GraphSide) -> None:
        made = graph.call("POST", "/events", EVENT | {"recurrence": WEEKLY})
        window = "startDateTime=2026-11-01T00:00:00Z&endDateTime=2027-02-01T00:00:00Z"
        found = graph.call("GET", f"/events/{made['id']}/instances?{window}")["value"]
        changes = {"subject": "moved", "start": wall(third, "13:00"), "end": wall(third, "14:00")}
        graph.call("PATCH", f"/events/{found[2]['id']}", changes)
        graph.call("DELETE", f"/events/{found[3]['id']}")

    def by_ews(calendar: Calendar) -> None:
        an_item(calendar, **FIELDS, recurrence=series()).save()
        found = in_view(calendar, 60)
        assert found[3].start == at(9, day=fourth)
        found[2].subject, found[2].start, found[2].end = "moved", at(13, day=third), at(14, day=third)
        found[2].save(update_fields=["subject", "start", "end"])
        found[3].delete()

    return by_graph, by_ews


def shorten() -> Act:
    shorter = WEEKLY | {"range": WEEKLY["range"] | {"numberOfOccurrences": 3}}  # type: ignore[operator]

    def by_graph(graph: GraphSide) -> None:
        made = graph.call("POST", "/events", EVENT | {"recurrence": WEEKLY})
        graph.call("PATCH", f"/events/{made['id']}", {"recurrence": shorter})

    def by_ews(calendar: Calendar) -> None:
        item = an_item(calendar, **FIELDS, recurrence=series()).save()
        item.recurrence = series(3)
        item.save(update_fields=["recurrence"])

    return by_graph, by_ews


ACTS = {act.__name__: act() for act in (create, all_day, change, repeat, edit_occurrence, shorten)}


@pytest.mark.parametrize("name", ACTS)
def test_the_same_done_by_either_protocol_leaves_the_same_store(
    microsoft: Microsoft, graph: GraphSide, name: str
) -> None:
    by_graph, by_ews = ACTS[name]
    calendar = calendar_of(microsoft)

    by_graph(graph)
    first, by_ews_first = graph.view(), [ews_plain(item) for item in in_view(calendar, 70)]
    for event in graph.events():
        graph.call("DELETE", f"/events/{event['id']}")
    assert graph.view() == []
    by_ews(calendar)

    assert first
    assert graph.view() == first
    assert [ews_plain(item) for item in in_view(calendar, 70)] == by_ews_first


def ews_plain(item: CalendarItem) -> tuple[Any, ...]:
    return (
        item.subject,
        item.start,
        item.end,
        item.type,
        item.is_all_day,
        item.location,
        item.categories,
        item.sensitivity,
        item.legacy_free_busy_status,
        item.reminder_is_set,
        item.reminder_minutes_before_start,
        item.mark,
        item.original_start,
        item._start_timezone,
    )


def test_graph_delta_tells_what_ews_did_and_the_sync_what_graph_did(microsoft: Microsoft, graph: GraphSide) -> None:
    calendar = calendar_of(microsoft)
    window = "startDateTime=2026-11-01T00:00:00Z&endDateTime=2027-02-01T00:00:00Z"
    link = to_the_end(graph, f"/calendarView/delta?{window}")[1]
    assert not list(calendar.sync_items(only_fields=["subject"]))

    made = an_item(calendar, subject="by EWS", mark="m").save()
    rows, link = to_the_end(graph, link)
    ours = [(kind, item.subject) for kind, item in calendar.sync_items(only_fields=["subject"])]
    graph.call("PATCH", f"/events/{rows[0]['id']}", {"subject": "by Graph"})
    theirs = [(kind, item.subject) for kind, item in calendar.sync_items(only_fields=["subject"])]

    assert [row["subject"] for row in rows] == ["by EWS"]
    assert (ours, theirs) == ([("create", "by EWS")], [("update", "by Graph")])
    assert rows[0]["id"] == made.id.replace("+", "-").replace("/", "_")
    assert graph.events()[0]["singleValueExtendedProperties"] == [{"id": KEY, "value": "m"}]
    calendar.get(id=made.id).delete()
    assert [row["id"] for row in to_the_end(graph, link)[0] if "@removed" in row] == [rows[0]["id"]]


def to_the_end(graph: GraphSide, path: str) -> tuple[list[dict[str, Any]], str]:
    rows: list[dict[str, Any]] = []
    answer = graph.call("GET", path.partition("/v1.0/me")[2] or own_path(path))
    rows += answer["value"]
    while "@odata.nextLink" in answer:
        answer = graph.call("GET", own_path(answer["@odata.nextLink"]))
        rows += answer["value"]
    return rows, own_path(answer["@odata.deltaLink"])


def own_path(link: str) -> str:
    """A link of an answer as a path below /me."""
    tail = link.partition("/v1.0/")[2]
    if not tail:
        return link
    return "/" + tail.split("/", 1)[1] if tail.startswith("me/") else "/" + tail.split("/", 2)[2]
