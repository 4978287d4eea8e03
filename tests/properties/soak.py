"""Random lives for as long as one likes: `make soak SECONDS=300`, or `python -m tests.properties.soak 300 [seed]`.

Prints lives, steps, faults by kind and every violation with its shortest script; exits 1 when there was one. All cores
live at once, each its own seeds; `python -m tests.properties.simulation SEED` lives any of them again.
"""

import gc
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context

from tests.properties import peers
from tests.properties.simulation import Schedule, Tally, explain, replay, trace

MAX_EXPLAINED = 5
BATCH = 50  # seeds; the first of each is lived once more, by another process with other hashes
PEER_SCHEDULES = 200


@dataclass(slots=True)
class Batch:
    """What became of some seeds: `broken` are those that broke a promise, with its words; `cpu` are seconds. `trace` is
    that of the first life, None when it broke."""

    seeds: range
    tally: Tally = field(default_factory=Tally)
    broken: list[tuple[int, str]] = field(default_factory=list)
    trace: str | None = None
    cpu: float = 0.0


def live(seeds: range) -> Batch:
    batch, began = Batch(seeds), time.process_time()
    for seed in seeds:
        script = Schedule(seed).script()
        try:
            life = replay(script.opening, script.steps, batch.tally)
        except Exception as error:
            batch.broken.append((seed, f"{type(error).__name__}: {error}"))
        else:
            if seed == seeds.start:
                batch.trace = trace(life)
    batch.cpu = time.process_time() - began
    return batch


def soak(seconds: float, first: int) -> int:
    """The number of violations."""
    tally, cpu, violations, began = Tally(), 0.0, 0, time.monotonic()
    for batch in _batches(first, began + seconds):
        tally.add(batch.tally)
        cpu += batch.cpu
        for seed, words in (*batch.broken, *_other_lives(batch)):
            violations += 1
            print(f"seed {seed}: {words}")
            if violations <= MAX_EXPLAINED and (seed, words) in batch.broken:
                print(explain(Schedule(seed).script()), flush=True)
    span = time.monotonic() - began
    rates = f"{tally.lives / span:.0f} a second on {_cores()} cores, {tally.lives / cpu:.0f} per second of CPU"
    print(f"{tally.lives} lives from seed {first}, {tally.steps} steps, {span:.0f} s: {rates}")
    for cause, hits in sorted(tally.faults.items()):
        print(f"  {cause}: {hits}")
    print(f"{violations} violations")
    print(f"Beside it {PEER_SCHEDULES} schedules, four faults at each write: violations per 1,000, rate per CPU:")
    print(peers.table(PEER_SCHEDULES, ["all four"]))
    return violations


def _batches(first: int, until: float) -> Iterator[Batch]:
    """As they are done. What is under way when the time is up is lived to its end. Processes are spawned, not forked:
    the order of a set must not matter, and only a process of its own has other hashes."""
    seeds = (range(at, at + BATCH) for at in count(first, BATCH))
    # Frozen: a collection in the middle of a life looks through the lives alone, not through every module.
    with ProcessPoolExecutor(_cores(), get_context("spawn"), gc.freeze) as pool:
        waiting: set[Future[Batch]] = {pool.submit(live, next(seeds)) for _ in range(2 * _cores())}
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            if time.monotonic() < until:
                waiting |= {pool.submit(live, next(seeds)) for _ in done}
            yield from (future.result() for future in done)


def _other_lives(batch: Batch) -> list[tuple[int, str]]:
    script = Schedule(batch.seeds.start).script()
    if batch.trace is None or trace(replay(script.opening, script.steps)) == batch.trace:
        return []
    return [(batch.seeds.start, "the same seed was another life in another process")]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    sys.exit(bool(soak(given[0] if given else 60, given[1] if len(given) > 1 else int(time.time()))))
