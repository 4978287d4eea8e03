"""Whatever calendars can say about how a series repeats is written, read back, and found to mean the same: else our own
rule would look like a person's change, for ever."""

from datetime import UTC, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from calsync_core.domain.appointments import Copy, Timed
from calsync_core.domain.recurrence import Recurrence
from calsync_core.engine.fingerprint import pattern_of, repeats_of
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.contract.calendar_sides import ALL, GraphSide, Side, mark
from tests.contract.exchange_side import ExchangeSide
from tests.contract.microsoft import Microsoft
from tests.properties.rules_at_random import said_rules

FIRST = datetime.now(UTC).date() + timedelta(days=1)


class Exchange2010Side(ExchangeSide):
    """The first that speaks of zones by their definition, not by their name alone."""

    def __init__(self, person: object) -> None:
        super().__init__(person, auth="basic", api_version="Exchange2010_SP2")  # type: ignore[arg-type]


@pytest.fixture(params=[GraphSide, ExchangeSide, Exchange2010Side], ids=["graph", "exchange", "2010"], scope="module")
def side(request: pytest.FixtureRequest, microsoft: Microsoft) -> Side:
    """One person for all examples; each leaves an empty calendar behind."""
    found: Side = request.param(microsoft.add_person(calendars=[{"name": "Second"}], exchange={}))
    return found


@pytest.mark.rule("R135")
@settings(
    max_examples=25, deadline=None, phases=[Phase.generate],  # a shrunk one would be throttled
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(rule=said_rules(FIRST), hour=st.integers(0, 23))
def test_every_rule_comes_back_with_its_meaning(side: Side, rule: Recurrence, hour: int) -> None:
    name = uuid4()
    start = datetime.combine(rule.start, time(hour), ZoneInfo(rule.zone)).astimezone(UTC)
    copy = Copy(Timed(start, start + timedelta(minutes=45)), rule.zone, "Course", recurrence=rule)

    written = side.provider.create(side.calendar, copy, mark(f"ser_{name}"), f"t-{name}")
    try:
        read = side.provider.entries(side.calendar, [written.id], ALL)[written.id]

        assert read is not None
        assert repeats_of(written) == pattern_of(rule), (rule, written.recurrence)
        assert repeats_of(read) == pattern_of(rule), (rule, read.recurrence)
        assert read.when == copy.when
    finally:
        side.provider.delete(side.calendar, written.id, None)
