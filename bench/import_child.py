"""One import in a process of its own: wall, CPU, and the peak of resident memory. Prints one JSON line."""

import json
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from calsync_core.adapters.memory.booking_system import MemoryBookingSystem
from calsync_core.adapters.memory.outward import FixedClock, MemoryQueue
from calsync_core.adapters.memory.stores import memory_stores
from calsync_core.domain.ids import CalendarId, RunId
from calsync_core.ports.outward import Clock
from calsync_core.usecases.sync.sync_resource import Result, Work, sync_resource

from bench.clinic import ACCOUNT, RESOURCE, admit, ports_of
from bench.graph_server import CALENDAR
from bench.measure import peak_mb, timed
from bench.outside import CountingHost, CountingLog, FileLinkStore, KilledError
from bench.reading import provider
from bench.work import NOW


class OffsetClock:
    """The real clock, moved so that the run begins at the bench's NOW: a run must feel its own duration."""

    def __init__(self) -> None:
        self._offset = NOW - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset


def main(n: int, url: str, host_ms: float, dies_after: int | None, many: int = 1) -> dict[str, Any]:
    """The whole import; with `dies_after` blocks it is cut off and begun again."""
    idle_mb = peak_mb()
    with tempfile.TemporaryDirectory() as folder:
        stores = replace(memory_stores(), links=FileLinkStore(Path(folder) / "links"), log=CountingLog())
        system = MemoryBookingSystem()
        host = CountingHost(system, host_ms / 1000, dies_after, many)
        calendar, clock = provider(url), OffsetClock()
        ports = ports_of(stores, lambda: host, lambda: calendar, clock, MemoryQueue(), lanes=3)
        admit(stores, system, clock, CalendarId(CALENDAR))
        works = 0

        def run(clock: Clock) -> None:
            nonlocal works
            stores.leases.wish(ACCOUNT, RESOURCE)
            while True:
                works += 1
                work = Work(ACCOUNT, RESOURCE, "import", RunId("run"))
                outcome = sync_resource(work, replace(ports, clock=clock))
                if outcome.result is not Result.AGAIN:
                    break
            if outcome.result is not Result.DONE:
                raise AssertionError(f"the import ended with {outcome}")

        with timed() as took:
            try:
                run(clock)
            except KilledError:
                host = CountingHost(system, host_ms / 1000, many=many)
                run(FixedClock(clock.now() + 2 * ports.lease_for))  # the dead holder's lease has run out
        links = stores.links.count() if isinstance(stores.links, FileLinkStore) else 0
    if links != n:
        raise AssertionError(f"{links} links for {n} entries")
    return {
        "wall": took.wall, "cpu": took.cpu, "peak_mb": peak_mb(), "idle_mb": idle_mb, "works": works,
        "blocks_put": host.blocks_put, "block_calls": host.calls["put_blocks"],
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
