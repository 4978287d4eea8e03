"""Row: from a notification that reaches the deployed webhook to the block at the booking system, on the local cloud.

The no-op path goes through the very same hops (HTTP API, webhook, table, queue, start_sync, state machine, both calls
of sync_job), but for a paused resource, so that nothing is read or written. Both are taken from the moment at which the
sandbox posted the notification to the end of the machine; the emulator is slow and noisy, so only the ratio counts.
"""

import secrets
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.rows import Options, Row, Yardstick, null, ratio

if TYPE_CHECKING:
    from local.cloud import LocalCloud
    from tests.e2e.clinic import Clinic, Worker

WHAT = "notification posted to the webhook -> written at the host (end of the run), warm, on the local cloud"
BUDGET = "<= 3 x a no-op path through the same hops"
NAME = "webhook_to_host"
ROUNDS = 7
PATIENCE = 60.0


def rows(options: Options) -> list[Row]:
    if options.quick or options.tiny:
        return [null(NAME, WHAT, BUDGET, "s", "needs the local cloud, which --quick does not start")]
    from local.layout import EMULATOR_PYTHON, SAM

    if missing := [str(tool) for tool in (SAM, EMULATOR_PYTHON) if not tool.exists()]:
        return [null(NAME, WHAT, BUDGET, "s", f"not installed, `make setup` brings it: {', '.join(missing)}")]
    from local.cloud import LocalCloud

    name = f"bench-{secrets.token_hex(3)}"
    with tempfile.TemporaryDirectory(prefix="calsync-bench-") as folder, LocalCloud(Path(folder), name) as cloud:
        return [_measure(cloud)]


def _measure(cloud: "LocalCloud") -> Row:
    clinic, worker = _hire(cloud)
    stopwatch = _Stopwatch(cloud)
    changes = [_time(stopwatch, worker, clinic.day(), blocks=1) for _ in range(ROUNDS + 1)][1:]
    worker.call("POST", "/pause")
    nothing = [_time(stopwatch, worker, clinic.day(), blocks=0) for _ in range(ROUNDS + 1)][1:]
    value, floor = statistics.median(changes), statistics.median(nothing)
    share = value / floor
    return Row(
        NAME,
        WHAT,
        BUDGET,
        round(value, 3),
        "s wall, median",
        Yardstick("the same hops for a paused resource", "bench.webhook, resource paused", round(floor, 3)),
        ratio(value, floor),
        share <= 3,
        None if share <= 3 else "table calls of the run through the emulator, and the reference host's own function",
        detail={
            "slowest_s": round(max(changes), 3),
            "no_op_slowest_s": round(max(nothing), 3),
            "rounds": ROUNDS,
            "what_p95_on_aws_means": "not measured here: the emulator's hops are not AWS's",
        },
    )


def _hire(cloud: "LocalCloud") -> "tuple[Clinic, Worker]":
    """A clinic as in the end-to-end tests, with one connected person."""
    from local import clinic as demo
    from tests.e2e.clinic import Clinic

    clinic = Clinic(cloud)
    demo.add_people(cloud)
    demo.add_resources(clinic.host)
    clinic.admin.refresh()
    first = {"send": False, "agree_to_privacy_version": "1"}
    clinic.api.call("GET", "/resources")
    clinic.api.call("POST", "/resources/ben/invitation", first)
    return clinic, clinic.hire("Bench Anna")


def _time(stopwatch: "_Stopwatch", worker: "Worker", day: date, blocks: int) -> float:
    """One new event; the run that it caused must have left so many blocks on that day."""
    took = stopwatch.run(lambda: worker.mailbox.create(day, "09:00", "10:00", "Thing"))
    if len(worker.blocks(day)) != blocks:
        raise AssertionError(f"{worker.blocks(day)} on {day}, {blocks} wanted")
    return took


def _is_end_of(one: dict[str, Any], begun: dict[str, Any]) -> bool:
    return one["executionArn"] == begun["executionArn"] and bool(one.get("stopDate"))


class _Stopwatch:
    """From the sandbox's record of the POST to the end of the machine's run, both by this machine's clock."""

    def __init__(self, cloud: "LocalCloud") -> None:
        self._cloud = cloud
        self._machines = cloud.client("stepfunctions")
        listed = self._machines.list_state_machines()["stateMachines"]
        # the one whose runs a change starts: of those that run sync_resource, the EXPRESS one
        self._express = [one["stateMachineArn"] for one in listed if one["type"] == "EXPRESS"]

    def run(self, act: Callable[[], Any]) -> float:
        """Seconds. Waits until nothing is under way before it acts."""
        self._wait_idle()
        known = {one["executionArn"] for one in self._executions()}
        last = self._cloud.control.call("GET", "/delivery/records")["last_id"]
        act()
        posted_at = self._posted_at(last)
        begun = self._until(lambda: [one for one in self._executions() if one["executionArn"] not in known])[0]
        ended = self._until(lambda: [one for one in self._executions() if _is_end_of(one, begun)])[0]
        stopped: datetime = ended["stopDate"]
        return (stopped - posted_at).total_seconds()

    def _posted_at(self, last: int) -> datetime:
        def delivered() -> list[dict[str, Any]]:
            found = self._cloud.control.call("GET", "/delivery/records", since=last)["records"]
            return [one for one in found if one["outcome"] == "delivered"]

        record = self._until(delivered)[0]
        return datetime.fromisoformat(record["at"]) - timedelta(seconds=record["seconds"])

    def _executions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for machine in self._express:
            found += self._machines.list_executions(stateMachineArn=machine, maxResults=100)["executions"]
        return found

    def _wait_idle(self) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if all(one["status"] != "RUNNING" for one in self._executions()):
                return
            time.sleep(0.2)
        raise TimeoutError("the machines never rest")

    def _until(self, look: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if found := look():
                return found
            time.sleep(0.05)
        raise TimeoutError("the notification started nothing")
