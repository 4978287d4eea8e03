"""The lives notice what is broken. `make mutation` tries every break of the table; here the table must fit the code,
and a handful is noticed at once."""

import pytest

from tests.properties.breaks import BREAKS, Break, broken, notice
from tests.properties.endings import end
from tests.properties.simulation import Schedule, replay

AT_ONCE = ("mark dropped", "stop-line ignored", "tombstone believed", "shared booking blocks", "refused asked again")
HANDFUL = [one for one in BREAKS if one.name in AT_ONCE]


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.name)
def test_each_break_names_lines_that_are_there(one: Break) -> None:
    with broken(one):
        pass


@pytest.mark.parametrize("one", HANDFUL, ids=lambda one: one.name)
def test_a_broken_engine_does_not_get_through(one: Break) -> None:
    assert notice(one, 40).lives is not None


@pytest.mark.prop("P2")
@pytest.mark.prop("P3")
@pytest.mark.prop("P9")
def test_the_scenes_at_the_end_of_a_life_hold() -> None:
    for seed in range(40):
        script = Schedule(seed, length=10).script()
        end(replay(script.opening, script.steps), seed)
