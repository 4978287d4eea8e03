"""Rows counted, not timed: a check without changes, one change each way with its echo, fifty notifications at once."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta

from calsync_core.adapters.memory.calendar import MemoryCalendarProvider
from calsync_core.domain.ids import CalendarId, RunId
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import CalendarPage, Content
from calsync_core.ports.outward import Wish
from calsync_core.ports.stores import CURSOR_STANDS
from calsync_core.usecases.start_run import StartPorts, start_run
from calsync_core.usecases.sweep import handle_due
from calsync_core.usecases.sync.sync_resource import Outcome, Result, Work, sync_resource

from bench import work
from bench.clinic import ACCOUNT, RESOURCE, Clinic, clinic
from bench.counted_world import Counts, checked_world, counted_world
from bench.rows import Options, Row, Yardstick

WRITES = frozenset({"create", "update", "delete", "put_block", "delete_block", "move_booking", "cancel_booking"})
BURST = 50
SERVICE = 0.15  # seconds of one Graph call in the burst, so that the runs really meet


def rows(_options: Options) -> list[Row]:
    counted = steps()
    return [check_row(), *_change_rows(counted), _burst()]


# --- check --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """What one check of a quiet resource costs: `usual`, and `renewing` where its cursors have stood long enough."""

    usual: Counts
    renewing: Counts
    calls: int

    @property
    def write_units(self) -> float:
        """On average, one check an hour."""
        renewals = timedelta(hours=1) / CURSOR_STANDS
        return self.renewing.write_units * renewals + self.usual.write_units * (1 - renewals)


def count_check() -> Check:
    """The token is in its item, as in all checks but the first after a renewal (cost.py adds what those cost)."""
    with checked_world(entries=5) as (world, sweep, server):
        item = {"kind": "check", "account": ACCOUNT, "subject": RESOURCE}
        counted: list[Counts] = []
        for later in (timedelta(hours=1), CURSOR_STANDS):
            world.clinic.clock.advance(later)
            server.reset()
            with world.counting() as counts:
                handled = handle_due(sweep, [item])
            if handled != {"check": 1} or world.clinic.queue.wishes:
                raise AssertionError(f"the check was not quiet: {handled} {world.clinic.queue.wishes}")
            counted.append(counts)
        return Check(counted[0], counted[1], server.counted()["requests"])


def check_row() -> Row:
    check = count_check()
    usual, renewing = check.usual, check.renewing
    met = check.calls <= 1 and max(usual.read_units, renewing.read_units) <= 2 and check.write_units <= 1
    return Row(
        "check_without_changes",
        "a check of one idle resource with one calendar: Graph calls; table units by size "
        f"({usual.read_units:g} read; {usual.write_units:g} written, and {renewing.write_units:g} every "
        f"{CURSOR_STANDS // timedelta(hours=1)} hours)",
        "1 call per calendar (token apart), <= 2 read units, <= 1 write unit",
        check.calls,
        "Graph calls",
        None,
        None,
        met,
        None if met else f"{renewing.read_units:g} read units, {check.write_units:g} write units on average",
        detail=usual.shown() | {"write_units_when_cursors_are_renewed": renewing.write_units},
    )


# --- one change ---------------------------------------------------------------------------------------------------


def steps() -> dict[str, Counts]:
    """Each kind of step, once, on a quiet resource."""
    found: dict[str, Counts] = {}
    with counted_world() as world:
        anna = world.clinic
        for name, act, cause in (
            ("event_created", lambda: anna.server.create_entry(work.when(1)), "notification"),
            ("event_moved", lambda: anna.server.move_entry(list(anna.server.items)[-1], work.when(2)), "notification"),
            ("event_deleted", lambda: anna.server.delete_entry(list(anna.server.items)[-1]), "notification"),
            ("booking_created", lambda: anna.system.book([RESOURCE], work.when(5)), "host"),
            ("echo_of_create", lambda: None, "notification"),
            ("booking_moved", lambda: _move_booking(anna), "host"),
            ("echo_of_update", lambda: None, "notification"),
        ):
            act()
            with world.counting() as counts:
                outcome = anna.work(cause)
            if outcome.result is not Result.DONE:
                raise AssertionError(f"{name} ended with {outcome}")
            found[name] = counts
    return found


def _move_booking(anna: Clinic) -> None:
    anna.system.move_booking_by_clinic(list(anna.system.bookings)[-1], work.when(6))


def _writes(counts: Counts) -> int:
    return sum(count for name, count in (counts.calendar + counts.host).items() if name in WRITES)


def _change_rows(counted: dict[str, Counts]) -> list[Row]:
    """One delta read, at most one look-up, one write; its echo one read and nothing else."""
    found: list[Row] = []
    for name, counts in counted.items():
        is_echo = name.startswith("echo")
        reads, lookups = counts.calendar["changes"], counts.calendar["entries"] + counts.calendar["find_mark"]
        writes = _writes(counts)
        wanted = (1, 0, 0) if is_echo else (1, 0 if name == "event_moved" else 1, 1)
        met = reads <= wanted[0] and lookups <= wanted[1] and writes <= wanted[2]
        found.append(
            Row(
                f"calls_{name}",
                f"one run after: {name.replace('_', ' ')}; delta reads + look-ups + writes",
                "1 read, 0 writes" if is_echo else "1 delta read, <= 1 look-up, 1 write",
                reads + lookups + writes,
                "calls",
                None,
                None,
                met,
                None if met else f"{reads} reads, {lookups} look-ups, {writes} writes",
                detail=counts.shown() | {"delta_reads": reads, "look_ups": lookups, "writes": writes},
            )
        )
    return found


# --- burst --------------------------------------------------------------------------------------------------------


class _SlowProvider(MemoryCalendarProvider):
    """A feed that takes its time."""

    def changes(self, calendar_id: CalendarId, cursor: str | None, window: Window, content: Content) -> CalendarPage:
        time.sleep(SERVICE)
        return super().changes(calendar_id, cursor, window, content)


def _burst() -> Row:
    """Fifty wishes and fifty machines at the same moment, in threads, after five changes."""
    world = clinic()
    world.run("import")
    world.run("notification")
    slow = _SlowProvider(world.server)
    ports = replace(world.ports, provider=lambda _account, _mailbox: slow)
    for number in range(5):
        world.server.create_entry(work.when(number))
    started = _Started()
    begin = StartPorts(world.stores.leases, world.stores.due, started, world.clock, ports.ids)
    for _ in range(BURST):
        start_run(Wish(ACCOUNT, RESOURCE, "notification"), begin)

    def machine(run: str) -> list[Outcome]:
        seen: list[Outcome] = []
        while True:
            seen.append(sync_resource(Work(ACCOUNT, RESOURCE, "notification", RunId(run), len(seen)), ports))
            if seen[-1].result is not Result.AGAIN:
                return seen

    with ThreadPoolExecutor(BURST) as pool:
        ended = [outcome for seen in pool.map(machine, started.runs) for outcome in seen]
    worked = sum(1 for outcome in ended if outcome.code != "held")
    reads = slow.calls["changes"]
    met = worked <= 2 and len(world.system.blocks) == 5
    return Row(
        "burst_of_50",
        f"{BURST} notifications at once after 5 changes: runs with work (the others find the lease taken and end)",
        "<= 2",
        worked,
        "runs",
        Yardstick("a run for each notification", f"{BURST} notifications", BURST),
        round(worked / BURST, 3),
        met,
        None if met else "runs that began after the lease had been given back",
        detail={"feed_reads": reads, "outcomes": dict(Counter(str(one.code or one.result) for one in ended))},
    )


class _Started:
    """An importer that keeps the runs."""

    def __init__(self) -> None:
        self.runs: list[str] = []

    def start(self, wish: Wish, run: str) -> None:
        self.runs.append(run)
