"""The yardstick of the engine rows: vdirsyncer's engine between two stores in memory, its status in memory too."""

import asyncio
import statistics
from dataclasses import dataclass

from vdirsyncer.storage.memory import MemoryStorage
from vdirsyncer.sync import sync
from vdirsyncer.sync.status import SqliteStatus
from vdirsyncer.vobject import Item

from bench import work
from bench.measure import timed

COMMAND = "vdirsyncer.sync.sync(MemoryStorage, MemoryStorage, SqliteStatus(':memory:'), conflict_resolution='a wins')"


@dataclass(frozen=True, slots=True)
class Times:
    """CPU seconds, medians."""

    nothing: float
    one_percent: float


def measure(n: int, repeat: int) -> Times:
    """n items, first synchronised, then `repeat` times with nothing changed and with 1 % changed, half on each side."""
    return asyncio.run(_measure(n, repeat))


async def _measure(n: int, repeat: int) -> Times:
    first, second = MemoryStorage(fileext=".ics"), MemoryStorage(fileext=".ics")
    for number in range(n):
        await first.upload(Item(work.ics(number)))
    status = SqliteStatus(":memory:")

    async def once() -> float:
        with timed() as took:
            await sync(first, second, status, conflict_resolution="a wins")
        return took.cpu

    await once()
    nothing = [await once() for _ in range(repeat)]
    changed: list[float] = []
    share = max(2, n // 100)
    for revision in range(1, repeat + 1):
        for number in range(share):
            side = first if number % 2 else second
            href = work.uid(number) + ".ics"
            await side.update(href, Item(work.ics(number, revision)), side.items[href][0])
        changed.append(await once())
    same = {href: item.hash for href, (_, item) in first.items.items()}
    if same != {href: item.hash for href, (_, item) in second.items.items()}:
        raise AssertionError("vdirsyncer left the two stores different")
    return Times(statistics.median(nothing), statistics.median(changed))
