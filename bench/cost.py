"""Rows: what 1,000 resources cost a month, and one check of 100,000 idle ones: counted calls x price list.

Counted in this run: table units, remote calls and CPU of each kind of step (counted_world). Assumed, and printed with
the row: how many changes a resource has (the same numbers as the naive design gets) and what a remote call takes. A
function gets the share of a CPU that its memory buys, so that less memory takes longer for what is not waiting.
"""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from calsync_core.usecases.sweep import CHECK_BATCH, CHECK_LANES

from bench import prices as p
from bench.changing import Check, count_check, steps
from bench.counted_world import Counts
from bench.rows import Options, Row, Yardstick, ratio

CHANGES = {"event_created": 44, "event_moved": 44, "event_deleted": 44, "booking_created": 66, "booking_moved": 66}
ECHOES = {"echo_of_create": 66, "echo_of_update": 66}
CHECKS_A_MONTH = 24 * 30  # healthy push: every 60 minutes
GRAPH_S, HOST_S, TABLE_S, SQS_S = 0.35, 0.10, 0.005, 0.010  # seconds of one call
CPU_MB = 1769  # one whole CPU
TEMPLATE = Path(__file__).parents[1] / "template.yaml"
FUNCTIONS = {
    "GraphWebhook": "graph_webhook", "ExchangeWebhook": "exchange_webhook", "HostApi": "host_api",
    "StartSync": "start_sync", "SyncJob": "sync_job", "Sweep": "sweep",
}  # fmt: skip
LOG_BYTES = {"host_api": 900, "sync_job": 450}  # lines of ours; Lambda's own only where they are not turned off
ACCESS_LOG_BYTES = 200
TOKEN_STANDS = timedelta(minutes=110)  # 60 to 90 minutes by Microsoft, asked once an hour and after each change
RENEWAL_CPU, RENEWAL_READS, RENEWAL_WRITES = 0.020, 2, 3  # msal; the sealed cache of 5 KB, the token of 2 to 3 KB
HEARTBEATS_A_MONTH = 48 * 30  # an Exchange server says every 30 minutes that it is there
COLD_STARTS, COLD_CPU = 20 * 24 * 30, 0.5  # of all functions together, a month; seconds


def memory_of(template: str) -> dict[str, int]:
    """MB of each function as deployed without Exchange, from the template's own lines."""
    found: dict[str, int] = {}
    for name, folder in FUNCTIONS.items():
        part = template.partition(f"\n  {name}:\n")[2].partition(f"\n  {name}Log:\n")[0]
        told = re.search(r"MemorySize: (?:!If \[HasExchange, \d+, )?(\d+)", part)
        if told is None:
            raise AssertionError(f"{name} names no MemorySize")
        found[folder] = int(told[1])
    return found


MEMORY_MB = memory_of(TEMPLATE.read_text())


@dataclass
class Bill:
    """Dollars by service."""

    by: dict[str, float] = field(default_factory=dict)

    def add(self, service: str, dollars: float) -> None:
        self.by[service] = self.by.get(service, 0.0) + dollars

    def function(self, name: str, waiting: float, cpu: float, times: float = 1.0) -> float:
        """One call: it waits for others, and works at the share of a CPU that its memory buys. Gives its seconds."""
        memory = MEMORY_MB[name]
        seconds = waiting + cpu * max(CPU_MB / memory, 1.0)
        self.add("lambda", times * (p.LAMBDA_REQUEST + seconds * memory / 1024 * p.LAMBDA_GB_SECOND))
        self.add("logs", times * LOG_BYTES.get(name, 0) / 1e9 * p.LOG_GB)
        return seconds

    def table(self, reads: float, writes: float, times: float = 1.0) -> None:
        self.add("dynamodb", times * (reads * p.READ_UNIT + writes * p.WRITE_UNIT))

    @property
    def total(self) -> float:
        return sum(self.by.values())


def rows(_options: Options) -> list[Row]:
    counted = steps()
    check = count_check()
    return [_month(counted, check), _check_of_everybody(check), _heartbeats(check)]


def _waiting(counts: Counts) -> float:
    calendar, host = counts.calendar.total(), counts.host.total()
    return calendar * GRAPH_S + host * HOST_S + counts.table_requests * TABLE_S


def _run(bill: Bill, counts: Counts, times: float, *, is_from_host: bool) -> None:
    """From the bell to the end of the run."""
    bill.add("http_api", times * p.HTTP_API_REQUEST)
    bill.add("logs", times * ACCESS_LOG_BYTES / 1e9 * p.LOG_GB)
    if is_from_host:
        bill.function("host_api", TABLE_S + SQS_S, 0.010, times)
    else:
        bill.function("graph_webhook", TABLE_S + SQS_S, 0.003, times)
        bill.table(1, 0, times)
    bill.add("sqs", times * 3 * p.SQS_REQUEST)  # send, receive, delete
    bill.function("start_sync", TABLE_S + 0.03, 0.003, times)
    bill.table(0, 1, times)
    seconds = bill.function("sync_job", _waiting(counts), counts.cpu, times)
    bill.table(counts.read_units + 0.5, counts.write_units, times)  # the memory mailbox has no token
    bill.add("step_functions", times * (p.EXPRESS_REQUEST + (seconds + 0.1) * p.EXPRESS_GB * p.EXPRESS_GB_SECOND))


def _checks(bill: Bill, check: Check, times: float) -> None:
    """In batches, one call of the function each; a check waits for Graph, the booking system and the table, several
    beside each other."""
    counts = check.usual
    waiting = (GRAPH_S + _waiting(counts)) * CHECK_BATCH / CHECK_LANES
    seconds = bill.function("sweep", waiting, counts.cpu * CHECK_BATCH, times / CHECK_BATCH)
    bill.table(counts.read_units, check.write_units, times)
    child = p.EXPRESS_REQUEST + seconds * p.EXPRESS_GB * p.EXPRESS_GB_SECOND
    bill.add("step_functions", times / CHECK_BATCH * (child + p.STANDARD_TRANSITION))


def _renewals(bill: Bill, resources: int) -> None:
    """Access tokens, while they are used the whole month: mostly by a check, where others wait beside it."""
    times = resources * timedelta(days=30) / TOKEN_STANDS
    bill.function("sweep", GRAPH_S / CHECK_LANES, RENEWAL_CPU, times)
    bill.add("lambda", -times * p.LAMBDA_REQUEST)  # within a call that is counted already
    bill.table(RENEWAL_READS, RENEWAL_WRITES, times)


def _month(counted: dict[str, Counts], check: Check) -> Row:
    bill = Bill()
    for name, times in (CHANGES | ECHOES).items():
        _run(bill, counted[name], times * 1000.0, is_from_host=name.startswith("booking"))
    _checks(bill, check, CHECKS_A_MONTH * 1000.0)
    _renewals(bill, 1000)
    bill.function("sync_job", 0, COLD_CPU, COLD_STARTS)
    bill.add("dynamodb", 1000 * 250 * 1.5e-6 * p.STORED_GB_MONTH)  # 250 links of 1.5 KB each
    bill.add("kms", 30 * 24 * 20 * p.KMS_CALL)  # one data key, unsealed by each cold start
    naive = naive_month(1000)
    met = bill.total <= 4
    largest = sorted(bill.by.items(), key=lambda one: -one[1])[:3]
    told = "; ".join(f"{name} {dollars:.2f} $" for name, dollars in largest)
    return Row(
        "cost_1000_resources",
        "variable cost of 1,000 resources a month: 132 changes in the calendar, 132 at the booking system, their "
        "echoes, a check every 60 minutes; counted calls x price list",
        "<= 4 $",
        round(bill.total, 2),
        "$ a month",
        Yardstick(
            "poll every 5 minutes, a state machine per poll, a secret per resource",
            "bench.cost.naive_month",
            round(naive),
        ),
        round(bill.total / naive, 5),
        met,
        None if met else f"{told}; of it {_writes_of_runs(counted):.2f} $ for what runs write",
        detail={
            "by_service": {name: round(dollars, 3) for name, dollars in sorted(bill.by.items())},
            "cpu_s": {name: round(counts.cpu, 4) for name, counts in counted.items()},
            "checks_only": round(_only_checks(check), 3),
            "fixed_sweep_machine": round(43_200 * 3 * p.STANDARD_TRANSITION, 2),
            "assumed_seconds": {"graph": GRAPH_S, "host": HOST_S, "table": TABLE_S, "sqs": SQS_S},
            "assumed_token_minutes": TOKEN_STANDS // timedelta(minutes=1),
            "memory_mb": MEMORY_MB,
        },
    )  # fmt: skip


def _writes_of_runs(counted: dict[str, Counts]) -> float:
    return sum(counted[name].write_units * times * 1000 * p.WRITE_UNIT for name, times in (CHANGES | ECHOES).items())


def _only_checks(check: Check) -> float:
    bill = Bill()
    _checks(bill, check, CHECKS_A_MONTH * 1000.0)
    return bill.total


def _check_of_everybody(check: Check) -> Row:
    bill = Bill()
    _checks(bill, check, 100_000.0)
    naive = 100_000 * (3 * p.STANDARD_TRANSITION + p.LAMBDA_REQUEST + 0.5 * 0.25 * p.LAMBDA_GB_SECOND)
    met = bill.total <= 0.20
    return Row(
        "cost_check_100000",
        f"one check of 100,000 idle resources, {CHECK_BATCH} in a batch, {CHECK_LANES} beside each other at "
        f"{MEMORY_MB['sweep']} MB; renewals of tokens apart",
        "<= 0.20 $",
        round(bill.total, 3),
        "$",
        Yardstick("a Distributed Map child of three transitions per resource", "bench.cost", round(naive, 2)),
        ratio(bill.total, naive),
        met,
        None if met else "; ".join(f"{name} {dollars:.3f} $" for name, dollars in sorted(bill.by.items())),
        detail={
            "by_service": {name: round(dollars, 4) for name, dollars in sorted(bill.by.items())},
            "counted": check.usual.shown() | {"cpu_s": round(check.usual.cpu, 4)},
        },
    )  # fmt: skip


def _heartbeats(check: Check) -> Row:
    """What resources at an Exchange server cost beyond those in the cloud: it posts even when nothing is new."""
    bill, times = Bill(), HEARTBEATS_A_MONTH * 1000.0
    bill.add("http_api", times * p.HTTP_API_REQUEST)
    bill.add("logs", times * ACCESS_LOG_BYTES / 1e9 * p.LOG_GB)
    bill.function("exchange_webhook", 2 * TABLE_S, 0.003, times)
    bill.table(1, 1, times)
    polled = Bill()
    _checks(polled, check, 3 * CHECKS_A_MONTH * 1000.0)  # four times an hour instead of once
    met = bill.total <= polled.total
    return Row(
        "cost_exchange_heartbeats_1000",
        "heartbeats of 1,000 resources at Exchange servers a month, every 30 minutes: one look-up and one write each",
        "<= the polls that push saves",
        round(bill.total, 2),
        "$ a month",
        Yardstick("asking every 15 minutes, as without push, not every 60", "bench.cost", round(polled.total, 2)),
        ratio(bill.total, polled.total),
        met,
        None if met else "; ".join(f"{name} {dollars:.2f} $" for name, dollars in sorted(bill.by.items())),
        detail={"by_service": {name: round(dollars, 3) for name, dollars in sorted(bill.by.items())}},
    )  # fmt: skip


def naive_month(resources: int) -> float:
    """Every 5 minutes: a state machine of six states, one function, a secret read; a secret for each resource."""
    polls = 12 * 24 * 30 * resources
    machines = polls * 6 * p.STANDARD_TRANSITION
    secrets = resources * p.SECRET_MONTH + polls * p.SECRET_CALL
    functions = polls * (p.LAMBDA_REQUEST + 0.75 * 1.0 * p.LAMBDA_GB_SECOND)
    table = polls * (2 * p.READ_UNIT + 1 * p.WRITE_UNIT) + resources * 264 * 6 * p.WRITE_UNIT
    logs = polls * 4000 / 1e9 * p.LOG_GB
    return machines + secrets + functions + table + logs
