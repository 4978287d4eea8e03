"""python-dateutil against the sandbox's series, as a client sends them: patternedRecurrence of random rules."""

from datetime import datetime, timedelta
from itertools import takewhile

from calsync_core.adapters.graph.recurrences import to_patterned, to_series_times
from calsync_core.domain.recurrence import Recurrence
from calsync_core.domain.rrules import parse_rule
from hypothesis import assume, given, settings

from sandbox.graph.recurrences import read_recurrence
from sandbox.recurrence import dates
from sandbox.zones import Wall, to_utc
from tests.properties.rules_at_random import appointment, first_start, oracle, rules, walls, zones

SPAN = timedelta(days=800)


@settings(max_examples=200, deadline=None)
@given(rule=rules(), wall=walls, zone=zones)
def test_the_sandbox_expands_a_series_as_the_rule_says(rule: str, wall: datetime, zone: str) -> None:
    start = first_start(rule, wall)
    assume(start is not None and start.year < 2030)  # UNTIL lies behind it
    assert start is not None
    when = appointment(start, zone)
    said = parse_rule(rule, when, zone)
    assume(isinstance(said, Recurrence))
    assert isinstance(said, Recurrence)

    stored = read_recurrence(to_patterned(said))
    first = datetime.fromisoformat(to_series_times(when, said)["start"]["dateTime"])

    walls_shown = (datetime.combine(day, first.time()) for day in dates(stored))
    near = takewhile(lambda one: one - first <= SPAN, walls_shown)
    assert [to_utc(Wall(one, zone)) for one in near] == oracle(rule, first, zone, most=10_000, within=SPAN)
