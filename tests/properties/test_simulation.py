"""The bounded share of the seeded lives that runs with every change; `make soak SECONDS=300` lives many more."""

import os
import subprocess
import sys
from itertools import count
from pathlib import Path
from time import monotonic

import pytest
from calsync_core.domain.ids import ResourceId

from tests.properties.faults import CAUSES
from tests.properties.invariants import check_all, quiet_time
from tests.properties.life import Life
from tests.properties.looking import RESOURCES
from tests.properties.second_thoughts import WAYS
from tests.properties.simulation import Schedule, Script, Tally, explain, failure, replay, shrink, trace
from tests.small_clinic import ACCOUNT, at

LIVES = 2000
ROOT = Path(__file__).parents[2]
SPAN = 25.0  # seconds; a slow machine lives fewer of them


@pytest.mark.bad_input(40)
@pytest.mark.prop("P1")
@pytest.mark.prop("P2")
@pytest.mark.prop("P4")
@pytest.mark.prop("P5")
@pytest.mark.prop("P8")
@pytest.mark.prop("P10")
@pytest.mark.prop("P11")
@pytest.mark.prop("P12")
def test_random_lives_keep_every_promise() -> None:
    """Faults at 10 % of all remote calls and 2 % of all store operations, in two thirds of the runs."""
    tally, until, kinds = Tally(), monotonic() + SPAN, set[object]()
    for seed in count():
        if seed >= LIVES or monotonic() > until:
            break
        script = Schedule(seed).script()
        kinds.add(script.opening.get("exchange"))
        try:
            replay(script.opening, script.steps, tally)
        except Exception:
            pytest.fail(f"seed {seed}: {explain(script)}", pytrace=False)
    assert tally.lives >= 100
    assert len(kinds) == 4, "Microsoft 365 alone, Exchange alone, and both in one life"
    if tally.lives >= 1000:
        kinds_of_faults = (*CAUSES, *(f"notification {way}" for way in WAYS))
        assert not [cause for cause in kinds_of_faults if not tally.faults[cause]], "every kind of fault has struck"


@pytest.mark.parametrize("seed", [503_761, 108_474])
def test_a_move_to_another_calendar_that_was_cut_off_loses_and_cancels_nothing(seed: int) -> None:
    """Found by a soak: the primary calendar was changed, the run died between writing the new copy and deleting the
    old one, and before it went on a person deleted the new copy, or the calendar was changed back. The copy was left in
    the calendar that had been given up, or our own deletion was taken for the person's and cancelled the booking."""
    script = Schedule(seed).script()
    for exchange in ((), ("bert",)):
        assert failure(Script({**script.opening, "exchange": exchange}, script.steps)) is None


def test_the_same_seed_is_the_same_life() -> None:
    for seed in range(0, 40, 10):
        script = Schedule(seed).script()
        assert script == Schedule(seed).script()
        lives = [replay(script.opening, script.steps) for _ in range(2)]
        traces = [trace(life) for life in lives]
        assert traces[0] == traces[1]


@pytest.mark.parametrize("seed", [100, 378])
def test_the_same_seed_is_the_same_life_in_another_process(seed: int) -> None:
    """Found beside a soak: a set of mailboxes was walked in the order of its hashes, which each process has its own."""
    words = "from tests.properties.simulation import *; script = Schedule(int(argv[1])).script()"
    command = f"from sys import argv; {words}; print(trace(replay(script.opening, script.steps)))"
    traces = {
        subprocess.run(
            [sys.executable, "-c", command, str(seed)], env={**os.environ, "PYTHONHASHSEED": hashes}, cwd=ROOT,
            check=True, capture_output=True, text=True,
        ).stdout
        for hashes in ("1", "4")
    }  # fmt: skip
    assert len(traces) == 1


def test_a_broken_promise_is_noticed_and_made_short() -> None:
    """The harness itself: an engine that forgets deletions does not get through, and the script stays readable."""
    steps = [("create_entry", {"place": "anna", "day": day, "hour": 9}) for day in range(1, 9)]
    steps[5:5] = [("rename", {"place": "nobody", "pick": 1})]

    short = shrink(Script({"page_size": 3}, tuple(steps)))

    assert len(short.steps) == 1
    assert "KeyError" in (failure(short) or "")
    assert "replay({'page_size': 3}, [" in short.text()


@pytest.mark.parametrize("side", ["block", "copy", "title"])
def test_the_invariants_see_what_is_wrong(side: str) -> None:
    life = Life(50)
    life.create_entry("anna", 2, 9)
    life.book(["anna"], 3, 9)
    quiet_time(life)
    if side == "block":
        life.clinic.system.blocks.clear()
    elif side == "copy":
        copy = next(entry for entry in life.shown("anna") if entry.mark)
        life.server("anna").move_entry(copy.id, at(5, 5))
    else:
        copy = next(entry for entry in life.shown("anna") if entry.mark)
        life.server("anna").retitle(copy.id, "Other")
    with pytest.raises(AssertionError):
        check_all(life, "anna")


@pytest.mark.bad_input(25)
@pytest.mark.prop("P3")
@pytest.mark.prop("P5")
@pytest.mark.parametrize("seed", range(40))
def test_in_quiet_each_single_edit_arrives_with_one_write(seed: int) -> None:
    """After a random life: one edit, one run, exactly one remote write; the echo writes nothing."""
    script = Schedule(1_000_000 + seed, length=15, share=0.05).script()
    life = replay(
        script.opening, [step for step in script.steps if step[0] not in ("change_settings", "choose_primary")]
    )
    clinic = life.clinic
    booking = clinic.system.book(["bert"], at(25, 9))
    clinic.run("bert")
    server, primary = life.server("bert"), life.state("bert").primary
    assert primary is not None

    def writes() -> int:
        return len(server.writes) + sum(clinic.system.block_versions.values())

    before = writes()
    clinic.system.move_booking_by_clinic(booking, at(26, 9))
    clinic.run("bert")
    assert writes() == before + 1
    entry = server.create_entry(at(27, 3.25), calendar_id=primary)
    clinic.run("bert")
    assert writes() == before + 2
    server.delete_entry(entry)
    clinic.run("bert")
    clinic.run("bert")
    assert writes() == before + 2
    copy = next(one for one in server.shown(primary) if one.mark and one.mark.booking == booking)
    assert copy.when == at(26, 9)
    assert not [one for one in clinic.blocks("bert") if one.when == at(27, 3.25)]
    assert all(
        clinic.stores.leases.take(ACCOUNT, ResourceId(who), clinic.clock.now(), clinic.clock.now()) for who in RESOURCES
    )
