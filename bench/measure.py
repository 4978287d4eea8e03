"""Taking time and memory. CPU time of the process is preferred: the machine is shared, and walls are noise."""

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(slots=True)
class Took:
    """Seconds."""

    cpu: float = 0.0
    wall: float = 0.0


@contextmanager
def timed() -> Iterator[Took]:
    """CPU time of all threads of this process, and wall time, of the block.

    What stands before the block (the stand-ins for stores and services) is kept out of garbage collections inside it.
    """
    took = Took()
    gc.collect()
    gc.freeze()
    cpu, wall = time.process_time(), time.perf_counter()
    try:
        yield took
    finally:
        took.cpu, took.wall = time.process_time() - cpu, time.perf_counter() - wall
        gc.unfreeze()


def median_cpu(work: Callable[[], object], repeat: int = 3) -> float:
    """Median CPU seconds of several runs."""
    return statistics.median(_cpu(work) for _ in range(repeat))


def _cpu(work: Callable[[], object]) -> float:
    with timed() as took:
        work()
    return took.cpu


def calibrate() -> float:
    """Milliseconds of a fixed loop: how fast this machine is at this moment. Compare runs by ratios, not by walls."""
    best = 1e9
    for _ in range(3):
        began = time.process_time()
        sum_, seen = 0, {}
        for number in range(200_000):
            sum_ = (sum_ * 31 + number) & 0xFFFFFFFF
            seen[sum_ & 1023] = number
        best = min(best, time.process_time() - began)
    return round(best * 1000, 1)


def peak_mb() -> float:
    """Highest resident memory of this process (VmHWM; ru_maxrss would tell the parent's)."""
    status = Path("/proc/self/status").read_text()
    row = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return round(int(row.split()[1]) / 1024, 1)


PATIENCE = 600.0


def child(module: str, **arguments: Any) -> dict[str, Any]:
    """Run `python -m <module> <json>` in a fresh process and give its last line, a JSON object."""
    done = subprocess.run(
        [sys.executable, "-m", module, json.dumps(arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    if done.returncode:
        raise ChildError(f"{module}: {done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


class ChildError(RuntimeError):
    """A measured process failed; the message holds the end of what it wrote."""
