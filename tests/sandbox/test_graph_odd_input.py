"""Values that no good client sends, and entries that only old clients leave behind."""

from dataclasses import replace
from datetime import datetime

from sandbox.graph.event_input import _READERS
from sandbox.zones import Wall
from tests.sandbox.graph_client import Graph, Run, an_event, at

ODD = [
    None, True, -1, 1.5, "", "\x00", [], {}, [1], [None], {"a": 1}, {"dateTime": 1},
    {"dateTime": "0001-01-01T00:00:00", "timeZone": "Tokyo Standard Time"},
    {"dateTime": "9999-12-31T23:59:59", "timeZone": "Hawaiian Standard Time"},
    {"dateTime": "2026-11-20T09:00:00", "timeZone": 5},
    {"dateTime": "2026-11-20T09:00:00+99:99", "timeZone": "UTC"},
    {"contentType": "html", "content": 5}, {"displayName": 5}, {"displayName": "x", "locationType": 5},
    {"pattern": None, "range": None},
    [{"id": 5, "value": "x"}], [{"emailAddress": None}], [{"emailAddress": {"address": "a@b", "name": 5}}],
]  # fmt: skip


def test_whatever_stands_in_a_field_is_stored_well_or_refused(run: Run) -> None:
    """No value of any field breaks the server, and what it took fits the description when read back."""

    async def scenario(graph: Graph) -> None:
        graph.world.settings.enforces_limits = False
        single = await graph.create()
        for name in [*_READERS, "transactionId", "attachments"]:
            for value in ODD:
                for method, path in (("POST", "/me/events"), ("PATCH", f"/me/events/{single['id']}")):
                    body = {**an_event(), name: value} if method == "POST" else {name: value}
                    answer = await graph.call(method, path, body, checked=False)
                    assert answer.status_code in (200, 201, 400, 501), (name, value, answer.text)
                    if answer.status_code < 300:
                        await graph.get(f"/me/events/{answer.json()['id']}")

    run(scenario)


def test_an_all_day_event_that_an_old_client_left_at_23_00_can_be_read_and_renamed(run: Run) -> None:
    async def scenario(graph: Graph) -> None:
        made = await graph.create(
            start=at("2026-11-20", "00:00", "UTC"), end=at("2026-11-22", "00:00", "UTC"), isAllDay=True
        )
        entry = next(iter(next(iter(graph.world.mailboxes)).default.calendar.entries.values()))
        odd = Wall(datetime(2026, 11, 19, 23), "UTC")  # noqa: DTZ001 - wall time beside its zone
        graph.world.mailboxes.update(entry, content=replace(entry.content, start=odd))
        renamed = await graph.patch(f"/me/events/{made['id']}", {"subject": "Still here"})
        assert renamed["start"]["dateTime"] == "2026-11-19T23:00:00.0000000"

    run(scenario)
