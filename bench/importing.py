"""Rows: a first import of 1,000, 10,000 and 100,000 entries at 40 ms a call, its memory, and that it resumes."""

import statistics

from calsync_core.adapters.hosts.documents import MOST_BLOCKS

from bench import bare_loop
from bench.graph_server import GraphServer
from bench.measure import child, timed
from bench.reading import WINDOW, load
from bench.rows import Options, Row, Yardstick, ratio

LATENCY_MS = 40.0
BUDGETS = {1_000: 3.0, 10_000: 25.0, 100_000: 240.0}
PEAK_MB = 120.0
_CHILD = "bench.import_child"


def rows(options: Options) -> list[Row]:
    sizes = [100] if options.tiny else [1_000, 10_000] if options.quick else list(BUDGETS)
    found = [_import(n, options) for n in sizes]
    return [*found, *_with_slow_host(options), _resume(options)]


def _import(n: int, options: Options) -> Row:
    repeat = options.repeat if n <= 1_000 else 1
    with GraphServer(load(n, LATENCY_MS)) as server:
        floor = bare_seconds(server)
        server.reset()
        runs = [child(_CHILD, n=n, url=server.url, host_ms=0, dies_after=None) for _ in range(repeat)]
        requests = server.counted()["requests"] // repeat
    wall = statistics.median(run["wall"] for run in runs)
    peak = max(run["peak_mb"] for run in runs)
    budget = BUDGETS.get(n, 3.0)
    met = wall <= budget and peak <= PEAK_MB
    return Row(
        f"import_{n}",
        f"first import of {n} entries at {LATENCY_MS:.0f} ms a Graph call; links in a file, the booking system counts",
        f"<= {budget:.0f} s, peak <= {PEAK_MB:.0f} MB",
        round(wall, 2),
        "s wall",
        Yardstick("the bare fetch loop over the same pages", bare_loop.COMMAND, round(floor, 2)),
        ratio(wall, floor),
        met,
        None if met else ("CPU of our own work" if wall > budget else "what a page of 1,000 holds while it is handled"),
        detail={
            "graph_requests": requests,
            "cpu_s": round(statistics.median(run["cpu"] for run in runs), 2),
            "us_cpu_an_entry": round(statistics.median(run["cpu"] for run in runs) / n * 1e6, 1),
            "peak_mb": peak,
            "idle_mb": runs[0]["idle_mb"],
            "work_calls": runs[0]["works"],
        },
    )  # fmt: skip


def bare_seconds(server: GraphServer) -> float:
    """Wall seconds of the bare loop; the second time, when the server has made its answers."""
    start, end = WINDOW.start_at.isoformat(), WINDOW.end_at.isoformat()
    bare_loop.fetch(server.port, start, end)
    with timed() as took:
        bare_loop.fetch(server.port, start, end)
    return took.wall


def _with_slow_host(options: Options) -> list[Row]:
    """A booking system as far away as Graph: one that takes many blocks a call, as the bundled one, and one that does
    not offer it, whose walk of one PUT per block is the wall."""
    n = options.size(1_000, tiny=60)
    found: list[Row] = []
    for many, name, budget in ((MOST_BLOCKS, "import_1000_slow_host", 3.0), (1, "import_1000_host_one_a_call", None)):
        with GraphServer(load(n, LATENCY_MS)) as server:
            floor = bare_seconds(server)
            run = child(_CHILD, n=n, url=server.url, host_ms=LATENCY_MS, dies_after=None, many=many)
        lanes = run["block_calls"] * LATENCY_MS / 1000 / run["wall"]
        met = run["wall"] <= budget if budget else None
        at_once = f"{many} blocks" if many > 1 else "one block"
        found.append(
            Row(
                name,
                f"the same with {n} entries, and {LATENCY_MS:.0f} ms for each of {run['block_calls']} calls to the "
                f"booking system, which takes {at_once} in a call",
                f"<= {budget:g} s" if budget else "none",
                round(run["wall"], 2),
                "s wall",
                Yardstick("the bare fetch loop over the same pages", bare_loop.COMMAND, round(floor, 2)),
                ratio(run["wall"], floor),
                met,
                f"{run['block_calls']} x {LATENCY_MS:.0f} ms in {lanes:.1f} lanes" if met is False else None,
                None if budget else "the budget is for systems that take many; this is what others cost",
                {"puts": run["blocks_put"], "calls": run["block_calls"], "lanes_used": round(lanes, 2)},
            )
        )
    return found


def _resume(options: Options) -> Row:
    """Cut off in the middle of a page, then begun again by another process's run when the lease has run out."""
    n = options.size(10_000, 5_000, tiny=3_000)
    with GraphServer(load(n)) as server:
        child(_CHILD, n=n, url=server.url, host_ms=0, dies_after=None)
        whole = server.counted()["calls"]
        server.reset()
        run = child(_CHILD, n=n, url=server.url, host_ms=0, dies_after=int(n * 0.55))
        cut = server.counted()["calls"]
    again = cut["GET delta"] - whole["GET delta"]
    return Row(
        "import_resumes",
        f"import of {n} entries killed after {int(n * 0.55)} blocks: feed pages that are read twice",
        "<= 1",
        again,
        "pages",
        Yardstick("pages of an import that is not killed", "the same without the kill", whole["GET delta"]),
        ratio(again, whole["GET delta"]),
        again <= 1,
        detail={"pages_of_a_page_size_1000": whole["GET delta"], "work_calls": run["works"]},
    )
