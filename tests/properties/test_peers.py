"""The bar of the class: what an engine that knows items by their UIDs does under the same faults, beside ours."""

import pytest

from tests.properties.peers import CASES, FAULTS, PAIRS, broken_promises

SCHEDULES = 200


@pytest.mark.prop("P3")
@pytest.mark.prop("P4")
@pytest.mark.prop("P5")
@pytest.mark.parametrize("case", CASES)
def test_calsync_keeps_every_promise(case: str) -> None:
    broken = {
        seed: found for seed in range(SCHEDULES) if (found := broken_promises(PAIRS["calsync"], seed, CASES[case]))
    }
    assert broken == {}


@pytest.mark.parametrize("name", [name for name in PAIRS if name != "calsync"])
def test_the_same_schedules_find_what_is_lost_elsewhere(name: str) -> None:
    broken = [seed for seed in range(SCHEDULES) if broken_promises(PAIRS[name], seed, FAULTS)]
    assert broken, "a judge that never finds anything is none"
