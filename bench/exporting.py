"""Row: 10,000 bookings written into one mailbox while the documented limits are enforced.

Service time is shortened, nothing else: a call takes 1/15 of 300 ms, and the quota's ten minutes are as much shorter.
What is ours (CPU, thread changes, idle lanes at the end of a page) happens in full and is measured; the time that was
cut off each call is added back afterwards, in three lanes.
"""

from calsync_core.adapters.memory.booking_system import MemoryBookingSystem
from calsync_core.adapters.memory.host import MemoryHost
from calsync_core.adapters.memory.outward import MemoryQueue
from calsync_core.adapters.memory.stores import memory_stores
from calsync_core.domain.ids import CalendarId, RunId
from calsync_core.usecases.sync.sync_resource import Result, Work, sync_resource

from bench import work
from bench.clinic import ACCOUNT, RESOURCE, admit, ports_of
from bench.graph_server import CALENDAR, GraphServer, Load
from bench.import_child import OffsetClock
from bench.measure import timed
from bench.reading import WINDOW, provider
from bench.rows import Options, Row, Yardstick, ratio

SERVICE_MS, LANES, SCALE = 300.0, 3, 15
CONCURRENT, QUOTA, QUOTA_SECONDS = 4, 10_000, 600.0
PAGE = 250


def rows(options: Options) -> list[Row]:
    n = options.size(10_000, 1_000, tiny=20)
    latency = SERVICE_MS / SCALE
    limits = Load(
        0, WINDOW.start_at.isoformat(), 60.0, latency, CONCURRENT, QUOTA, QUOTA_SECONDS / SCALE
    )  # fmt: skip
    with GraphServer(limits) as server:
        wall, cpu = _export(n, server)
        counted = server.counted()
    throttled = counted["calls"].get("429", 0)
    scaled_floor, floor = n * latency / 1000 / LANES, n * SERVICE_MS / 1000 / LANES
    unscaled = wall + floor - scaled_floor
    share = floor / unscaled
    met = throttled == 0 and share >= 0.9
    return [
        Row(
            "export_10000",
            f"{n} bookings written into one mailbox, {SERVICE_MS:.0f} ms a call (served 1:{SCALE}, rest added back), "
            f"at most {CONCURRENT} at once and {QUOTA} in ten minutes: share of the {LANES}-lane floor that is reached",
            "no 429, >= 0.90 of the 3-lane floor",
            round(share, 3),
            "share of the floor",
            Yardstick(
                f"{LANES} lanes x service time, seconds", f"{n} x {SERVICE_MS:.0f} ms / {LANES}", round(floor, 2)
            ),
            ratio(unscaled, floor),
            met,
            None if met else _bound(throttled, cpu, unscaled),
            detail={
                "minutes": round(unscaled / 60, 2),
                "measured_s": round(wall, 2),
                "answers_429": throttled,
                "most_at_once": counted["most_open"],
                "graph_requests": counted["requests"],
                "requests_a_booking": round(counted["requests"] / n, 3),
                "cpu_s": round(cpu, 2),
            },
        )
    ]


def _bound(throttled: int, cpu: float, wall: float) -> str:
    if throttled:
        return f"{throttled} calls were refused"
    return (
        f"our CPU takes {cpu / wall:.0%} of the time; lanes are idle at the end of each page and behind other processes"
    )


def _export(n: int, server: GraphServer) -> tuple[float, float]:
    """(wall, CPU) seconds of the whole first import of a resource with n bookings and an empty calendar."""
    stores, system, clock = memory_stores(), MemoryBookingSystem(page_size=PAGE), OffsetClock()
    calendar, host = provider(server.url), MemoryHost(system)
    ports = ports_of(stores, lambda: host, lambda: calendar, clock, MemoryQueue(), lanes=LANES)
    admit(stores, system, clock, CalendarId(CALENDAR))
    for number in range(n):
        system.book([RESOURCE], work.when(number), f"Visit {number}")
    stores.leases.wish(ACCOUNT, RESOURCE)
    with timed() as took:
        while True:
            outcome = sync_resource(Work(ACCOUNT, RESOURCE, "import", RunId("run")), ports)
            if outcome.result is not Result.AGAIN:
                break
    links = sum(1 for link in stores.links.all(ACCOUNT, RESOURCE) if link.entry_id)
    if outcome.result is not Result.DONE or links != n:
        raise AssertionError(f"the export ended with {outcome} and {links} of {n} copies")
    return took.wall, took.cpu
