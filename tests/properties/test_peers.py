"""The bar of the class: what an engine that knows items by their UIDs does under the same faults, beside ours."""

import pytest

from tests.properties.peers import CASES, FAULTS, PAIRS, broken_promises

SCHEDULES = 100
OURS = ("calsync", "calsync at Exchange")


@pytest.mark.prop("P3")
@pytest.mark.prop("P4")
@pytest.mark.prop("P5")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", OURS)
def test_calsync_keeps_every_promise(name: str, case: str) -> None:
    found = {seed: broken_promises(PAIRS[name], seed, CASES[case]) for seed in range(SCHEDULES)}
    assert {seed: broken for seed, broken in found.items() if broken} == {}


@pytest.mark.prop("P3")
@pytest.mark.parametrize("seed", [110, 161, 791, 980])
def test_a_lost_answer_and_then_a_write_that_was_cut_off_open_no_conflict(seed: int) -> None:
    """Of what one side alone had changed: the row forgot the first write when it noted the second."""
    assert broken_promises(PAIRS["calsync"], seed, FAULTS) == []


@pytest.mark.parametrize("name", [name for name in PAIRS if name not in OURS])
def test_the_same_schedules_find_what_is_lost_elsewhere(name: str) -> None:
    broken = [seed for seed in range(SCHEDULES) if broken_promises(PAIRS[name], seed, FAULTS)]
    assert broken, "a judge that never finds anything is none"
