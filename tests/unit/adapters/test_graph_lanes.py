"""Lanes of one mailbox: three for bulk work, the fourth for live changes, all of them for a batch."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest
from calsync_core.adapters.graph.lanes import Lanes


class Gauge:
    """How many were inside at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.inside = self.highest = self.done = 0

    def pass_through(self, lane: AbstractContextManager[None], weight: int = 1) -> None:
        with lane:
            with self._lock:
                self.inside += weight
                self.highest = max(self.highest, self.inside)
            time.sleep(0.002)
            with self._lock:
                self.inside -= weight
                self.done += 1


def test_bulk_work_leaves_a_lane_free() -> None:
    lanes, gauge = Lanes(), Gauge()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(40):
            pool.submit(gauge.pass_through, lanes.one())
    assert (gauge.highest, gauge.done) == (3, 40)


def test_everything_together_stays_at_four() -> None:
    lanes, gauge = Lanes(), Gauge()
    with ThreadPoolExecutor(12) as pool:
        for number in range(90):
            if number % 3 == 0:
                pool.submit(gauge.pass_through, lanes.all(), 4)
            else:
                pool.submit(gauge.pass_through, lanes.one(is_live=number % 3 == 1))
    assert (gauge.highest, gauge.done) == (4, 90)


def test_a_live_change_passes_while_bulk_work_fills_its_lanes() -> None:
    lanes, release, inside = Lanes(), threading.Event(), threading.Barrier(4)

    def hold() -> None:
        with lanes.one():
            inside.wait(5)
            release.wait(5)

    with ThreadPoolExecutor(3) as pool:
        held = [pool.submit(hold) for _ in range(3)]
        inside.wait(5)
        with lanes.one(is_live=True):
            release.set()
    assert all(one.result() is None for one in held)


def test_a_lane_is_given_back_after_an_error() -> None:
    lanes = Lanes()
    for _ in range(8):
        with pytest.raises(ValueError, match="inside"), lanes.one():
            raise ValueError("inside")
    with lanes.all():
        pass
