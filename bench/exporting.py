"""Row: 10,000 bookings written into one mailbox while the documented limits are enforced.

Time is scaled: a call takes 1/10 of 300 ms, the quota's ten minutes are one. What is ours (CPU, thread changes, waiting
at the end of a page) is not scaled, so it weighs ten times what it weighs in life: the figure is a lower bound.
"""

from calsync_core.adapters.memory.booking_system import MemoryBookingSystem
from calsync_core.adapters.memory.host import MemoryHost
from calsync_core.adapters.memory.outward import MemoryQueue
from calsync_core.adapters.memory.stores import memory_stores
from calsync_core.domain.ids import CalendarId, RunId
from calsync_core.usecases.sync_resource import Result, Work, sync_resource

from bench import work
from bench.clinic import ACCOUNT, RESOURCE, admit, ports_of
from bench.graph_server import CALENDAR, GraphServer, Load
from bench.import_child import OffsetClock
from bench.measure import timed
from bench.reading import WINDOW, provider
from bench.rows import Options, Row, Yardstick, ratio

SERVICE_MS, LANES, SCALE = 300.0, 3, 10
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
    floor = n * latency / 1000 / LANES
    share = floor / wall
    met = throttled == 0 and share >= 0.9
    simulated = wall * SCALE / 60
    return [
        Row(
            "export_10000",
            f"{n} bookings written into one mailbox, {SERVICE_MS:.0f} ms a call (time scaled 1:{SCALE}), at most "
            f"{CONCURRENT} at once and {QUOTA} in ten minutes: share of the {LANES}-lane floor that is reached",
            "no 429, >= 0.90 of the 3-lane floor",
            round(share, 3),
            "share of the floor",
            Yardstick(
                f"{LANES} lanes x service time, in scaled seconds", f"{n} x {latency:.0f} ms / {LANES}", round(floor, 2)
            ),
            ratio(wall, floor),
            met,
            None if met else _bound(throttled, cpu, wall),
            detail={
                "minutes_unscaled": round(simulated, 2),
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
    return f"our CPU, unscaled, takes {cpu / wall:.0%} of the scaled time; the lanes are idle at the end of each page"


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
