"""Stop-lines through the real adapter: a feed of the Microsoft sandbox that spreads a mass deletion over many pages."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from calsync_core.adapters.graph import feed
from calsync_core.domain.appointments import Timed
from calsync_core.domain.ids import CalendarId, EntryId, ResourceId
from calsync_core.domain.synclog import Reason
from calsync_core.ports.calendar import CalendarProvider
from calsync_core.usecases.confirm_stop_line import StopLinePorts, confirm_stop_line

from tests.contract.calendar_sides import GraphSide, at
from tests.contract.microsoft import Microsoft
from tests.small_clinic import ACCOUNT, Clinic, a_clinic

ANNA = ResourceId("anna")


def _clinic(side: GraphSide) -> Clinic:
    """Its one calendar is the person's, at the sandbox."""
    clinic = a_clinic()
    clinic.clock.move_to(datetime.now(UTC))
    provider: CalendarProvider = side.provider
    clinic.ports = replace(clinic.ports, provider=lambda _account, _mailbox: provider)
    clinic.connect()
    state = clinic.stores.resources.get(ACCOUNT, ANNA)
    assert state is not None
    clinic.stores.resources.save(replace(state, primary=CalendarId(side.calendar)))
    return clinic


@pytest.mark.rule("R50")
@pytest.mark.prop("P9")
def test_312_deletions_in_pages_of_50_are_seen_as_312(microsoft: Microsoft, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "PAGE_SIZES", (50, 20, 10))
    monkeypatch.setattr(feed, "_SMALLEST", 10)
    side = GraphSide(microsoft.add_person(calendars=[{"name": "Second"}]))
    clinic = _clinic(side)
    entries: list[EntryId] = []
    for number in range(400):
        day = at(number // 20, 8).start_at
        entries.append(side.create(Timed(day + timedelta(minutes=30 * (number % 20)), day + timedelta(hours=11))))
    clinic.run(cause="import")
    assert len(clinic.blocks()) == 400
    since = microsoft.log_id()

    for entry in entries[:312]:
        side.delete(entry)
    clinic.run()

    pages = [one for one in microsoft.log(since, path="delta") if one["status"] == 200]
    assert len(pages) >= 7, "the deletions came in pages of 50"
    assert len(clinic.blocks()) == 400
    stopped = [line for line in clinic.stores.log.of_resource(ACCOUNT, ANNA, 50) if line.reason is Reason.STOP_LINE]
    assert [dict(line.detail)["count"] for line in stopped] == ["312"]

    stores = clinic.stores
    stop = StopLinePorts(stores.resources, stores.links, stores.log, clinic.queue, clinic.clock)
    confirm_stop_line(stop, ACCOUNT, ANNA, by="admin")
    clinic.run()

    assert len(clinic.blocks()) == 88
