"""Notes of a megabyte, one in every entry: what is too much for one answer is asked for in parts, and nothing is lost
(issue 3, bad input: 1 MB bodies). How a single text is cut stands in tests/unit/adapters/test_bad_input.py."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from calsync_core.adapters.exchange import transport
from calsync_core.adapters.graph import client
from calsync_core.domain.ids import EntryId
from calsync_core.domain.notes import LONGEST_NOTES
from calsync_core.ports.calendar import Content

from tests.contract.calendar_contract import entries_of, read_round
from tests.contract.calendar_sides import WINDOW, ZONE, GraphSide, at
from tests.contract.exchange_side import ExchangeSide
from tests.contract.microsoft import Microsoft

MEGABYTE = 1024 * 1024
COUNT = 11
EVERYTHING = Content(title=True, notes=True, private=True)
HTML = Content(title=True, notes=True, private=True, html=True)
PROVIDERS = pytest.mark.parametrize("provider", ["graph", "exchange"])


@pytest.fixture
def side(microsoft: Microsoft, provider: str, monkeypatch: pytest.MonkeyPatch) -> GraphSide:
    """Eleven are more than one answer may be; ten, a small page of Graph, are not."""
    for adapter in (client, transport):
        monkeypatch.setattr(adapter, "LARGEST_ANSWER", 21 * MEGABYTE // 2)
    if provider == "graph":
        return GraphSide(microsoft.add_person(calendars=[{"name": "Second"}]))
    return ExchangeSide(microsoft.add_person(calendars=[{"name": "Second"}], exchange={}))


@PROVIDERS
@pytest.mark.complaint(30)
@pytest.mark.bad_input(32)
def test_a_calendar_of_large_notes_is_read_whole(side: GraphSide) -> None:
    ids = {side.create(at(day), f"No {day}", notes=f"{day} " + "x" * MEGABYTE) for day in range(COUNT)}

    pages, _ = read_round(side, content=EVERYTHING)
    looked_up = side.provider.entries(side.calendar, sorted(ids), HTML)

    found = entries_of(pages)
    assert set(found) == ids
    assert {found[one].notes.text[:3] for one in ids} == {f"{day} xx"[:3] for day in range(COUNT)}  # type: ignore[union-attr]
    assert all(len(found[one].notes.text) == LONGEST_NOTES for one in ids)  # type: ignore[union-attr]
    assert {one for one, entry in looked_up.items() if entry is not None and entry.notes is not None} == ids


@PROVIDERS
@pytest.mark.bad_input(32)
def test_so_is_a_series_whose_every_occurrence_carries_them(
    side: GraphSide, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    for adapter in (client, transport):
        monkeypatch.setattr(adapter, "LARGEST_ANSWER", 3 * MEGABYTE)
    first = at(0).start_at.astimezone(ZoneInfo(ZONE))
    event = {
        "subject": "Daily", "body": {"contentType": "text", "content": "y" * (MEGABYTE // 5)},
        "start": {"dateTime": f"{first:%Y-%m-%dT%H:%M:%S}", "timeZone": ZONE},
        "end": {"dateTime": f"{first + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}", "timeZone": ZONE},
        "recurrence": {
            "pattern": {"type": "daily", "interval": 1},
            "range": {"type": "numbered", "startDate": f"{first:%Y-%m-%d}", "numberOfOccurrences": 24},
        },
    }  # fmt: skip
    made = side.person.rest("POST", "/me/events", event, **({"Prefer": ""} if provider == "exchange" else {}))
    series_id = EntryId(side.to_exchange(made["id"]) if isinstance(side, ExchangeSide) else made["id"])

    found = side.provider.occurrences(side.calendar, series_id, WINDOW, EVERYTHING)

    assert [entry.original_start_at for entry in found] == [at(day).start_at for day in range(24)]
    assert all(entry.notes is not None and entry.notes.text == "y" * LONGEST_NOTES for entry in found)
