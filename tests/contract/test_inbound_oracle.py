"""The way in, whole: what python-dateutil says of a series in a person's calendar ends up as blocks, read by the real
adapters from the Microsoft sandbox, over random rules and zones, and after a person changed single dates.

tests/properties/test_inbound_series.py proves the same, with many more edits, of the mailbox in memory.
"""

from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any

import pytest
from calsync_core.adapters.graph.recurrences import to_patterned, to_series_times
from calsync_core.domain.appointments import Timed
from calsync_core.domain.ids import EntryId
from calsync_core.domain.recurrence import Recurrence
from calsync_core.domain.rrules import parse_rule
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from tests.contract.calendar_sides import GraphSide
from tests.contract.exchange_side import ExchangeSide
from tests.contract.microsoft import Microsoft
from tests.contract.test_same_lives import ANNA, Lived
from tests.properties.rules_at_random import appointment, first_start, oracle, rules, zones
from tests.small_clinic import ACCOUNT

SPAN = timedelta(days=120)
TODAY = datetime.combine(datetime.now(UTC).date(), time())
walls = st.builds(
    lambda days, quarters: TODAY + timedelta(days=days, minutes=15 * quarters), st.integers(-30, 30), st.integers(0, 95)
)


@pytest.fixture(params=[GraphSide, ExchangeSide], ids=["graph", "exchange"], scope="module")
def lived(request: pytest.FixtureRequest, microsoft: Microsoft) -> Lived:
    """One person for all examples; each leaves an empty calendar behind."""
    found = Lived(request.param(microsoft.add_person(calendars=[{"name": "Second"}], exchange={})))
    found.clinic.settings(window__weeks_ahead=8)
    found.clinic.run(cause="full")
    return found


@settings(max_examples=8, deadline=None, phases=[Phase.generate])  # a shrunk one would be throttled
@given(rule=rules(), wall=walls, zone=zones, seed=st.integers(0, 2**32))
@pytest.mark.bad_input(29)
@pytest.mark.rule("R20")
def test_blocks_are_what_the_rule_says(lived: Lived, rule: str, wall: datetime, zone: str, seed: int) -> None:
    start = first_start(rule, wall)
    assume(start is not None and start < wall + timedelta(days=40))
    assert start is not None
    when = appointment(start, zone)
    said = parse_rule(rule, when, zone)
    assume(isinstance(said, Recurrence))
    assert isinstance(said, Recurrence)
    series = _create_series(lived.side, when, said)
    try:
        lived.clinic.run()
        wanted = {one for one in oracle(rule, start, zone, most=400, within=SPAN) if _is_inside(lived, one)}
        assert _starts(lived) == wanted

        ahead = sorted(one for one in wanted if timedelta() < one - datetime.now(UTC) < timedelta(weeks=8))
        if ahead:
            original = Random(seed).choice(ahead)
            lived.side.delete_occurrence(series, original)
            wanted.remove(original)
        lived.clinic.run(cause="full")  # a feed may say nothing of a deleted date
        assert _starts(lived) == wanted
    finally:
        lived.side.delete(series)
        lived.clinic.run(cause="full")
    assert _starts(lived) == set()


def _create_series(side: Any, when: Timed, repeats: Recurrence) -> EntryId:
    event = {"subject": "Team", **to_series_times(when, repeats), "recurrence": to_patterned(repeats)}
    made = EntryId(side._events("POST", "", event)["id"])
    return EntryId(side.to_exchange(made)) if isinstance(side, ExchangeSide) else made


def _starts(lived: Lived) -> set[datetime]:
    """Of the blocks inside the window; what was linked before it moved on is kept."""
    return {one.when.start_at for one in lived.clinic.blocks() if _is_inside(lived, one.when.start_at)}


def _is_inside(lived: Lived, start: datetime) -> bool:
    """A quarter of an hour away from the ends of the window: half of an appointment may lie in it."""
    window = lived.clinic.stores.cursors.load(ACCOUNT, ANNA)[lived.side.calendar].window
    return window.start_at < start < window.end_at
