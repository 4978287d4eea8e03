"""Random lives for as long as one likes: `make soak SECONDS=300`, or `python -m tests.properties.soak 300 [seed]`.

Prints lives, steps, faults by kind and every violation with its shortest script; exits 1 when there was one.
"""

import sys
import time
from itertools import count

from tests.properties import peers
from tests.properties.simulation import Schedule, Tally, explain, replay, trace

MAX_EXPLAINED = 5
TWICE = 100  # every so many seeds one is lived twice
PEER_SCHEDULES = 200


def soak(seconds: float, first: int) -> int:
    """The number of violations."""
    tally, violations, began = Tally(), 0, time.monotonic()
    for seed in count(first):
        if time.monotonic() - began > seconds:
            break
        script = Schedule(seed).script()
        try:
            life = replay(script.opening, script.steps, tally)
            if seed % TWICE == 0:
                again = replay(script.opening, script.steps)
                assert trace(again) == trace(life), "the same seed was another life"
        except Exception as error:
            violations += 1
            print(f"seed {seed}: {type(error).__name__}: {error}")
            if violations <= MAX_EXPLAINED:
                print(explain(script), flush=True)
    span = time.monotonic() - began
    rate = tally.lives / span
    print(f"{tally.lives} lives from seed {first}, {tally.steps} steps, {span:.0f} s: {rate:.0f} a second")
    for cause, hits in sorted(tally.faults.items()):
        print(f"  {cause}: {hits}")
    print(f"{violations} violations")
    print(f"Beside it, violations per 1,000 of {PEER_SCHEDULES} simple schedules with four faults at each write:")
    print(peers.table(PEER_SCHEDULES, ["all four"]))
    return violations


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    sys.exit(bool(soak(given[0] if given else 60, given[1] if len(given) > 1 else int(time.time()))))
