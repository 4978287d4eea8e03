"""Rows of the engine: nothing changed in a full comparison, and a round by cursor with 1 % changed."""

import statistics
from dataclasses import replace
from datetime import datetime

from calsync_core.adapters.memory.mailbox import DEFAULT
from calsync_core.domain.appointments import Block, Booking, Entry, Mark
from calsync_core.domain.ids import BookingId, EntryId, LinkRef
from calsync_core.domain.links import Agreed, Link, Origin, booking_ref, entry_ref
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.domain.settings import effective
from calsync_core.domain.windows import Window
from calsync_core.engine import fingerprint
from calsync_core.engine.observe import Read, Scope, observe
from calsync_core.engine.plan import plan
from calsync_core.engine.project import project_booking, project_entry
from calsync_core.ports.calendar import Content
from calsync_core.ports.stores import CursorRow
from calsync_core.usecases.sync.sync_resource import Result

from bench import vdirsyncer_engine, work
from bench.clinic import ACCOUNT, INSTALLATION, RESOURCE, Clinic, clinic
from bench.measure import median_cpu, timed
from bench.rows import Options, Row, Yardstick, ratio

CHANGES = 100


def rows(options: Options) -> list[Row]:
    """Both rows share one run of the yardstick."""
    n = options.size(10_000)
    peer = vdirsyncer_engine.measure(n, options.repeat)
    return [_nothing(n, options, peer), _one_percent(options, peer)]


# --- nothing changed ----------------------------------------------------------------------------------------------


def _nothing(n: int, options: Options, peer: vdirsyncer_engine.Times) -> Row:
    world = linked(n)
    scope = scope_of(world)
    links = list(world.stores.links.all(ACCOUNT, RESOURCE))
    bookings, entries = world.system.bookings, {key: item.entry for key, item in world.server.items.items()}

    def compare() -> None:
        by_ref = {link.ref: link for link in links}
        by_entry = {link.entry_id: link for link in links}
        reads = [_read(by_ref[by_entry[key].ref], entry, bookings) for key, entry in entries.items()]
        actions = plan(observe(reads, scope), scope)
        if actions:
            raise AssertionError(f"nothing changed, and yet {actions[0]}")

    took = median_cpu(compare, options.repeat)
    value, theirs = took / n * 1e6, peer.nothing / n * 1e6
    return Row(
        "engine_nothing_changed",
        f"{n} links, half born on each side, both sides read in full and compared: reads, observe, plan",
        "<= 10 us a link",
        round(value, 2),
        "us CPU a link",
        Yardstick(
            f"vdirsyncer's engine in memory, {n} items, nothing changed", vdirsyncer_engine.COMMAND, round(theirs, 2)
        ),
        ratio(value, theirs),
        value <= 10,
        None if value <= 10 else "one Read and one Observation object for each link",
    )  # fmt: skip


def _read(link: Link, entry: Entry, bookings: dict[BookingId, Booking]) -> Read:
    if link.booking_id is None:
        return Read(link.ref, link, calendar=entry)
    return Read(link.ref, link, bookings[link.booking_id], entry, entry_is_whole=True)


# --- 1 % by cursor ------------------------------------------------------------------------------------------------


def _one_percent(options: Options, peer: vdirsyncer_engine.Times) -> Row:
    """The same 100 changes among ever more links: a round that costs more with more links is not one by cursor."""
    sizes = [options.size(1_000, tiny=200), options.size(10_000, tiny=300), options.size(100_000, 30_000, tiny=400)]
    plans: dict[int, float] = {}
    rounds: dict[int, float] = {}
    for n in sizes:
        world = linked(n)
        world.run("notification")
        rounds[n] = statistics.median([_round(world, revision) for revision in range(1, options.repeat + 2)][1:]) * 1e3
        plans[n] = _planning(world, options) * 1e3
    middle = sizes[1]
    value = plans[middle]
    spread = max(plans.values()) / min(plans.values())
    whole = rounds[sizes[-1]] / rounds[sizes[0]]
    met = value <= 10 and spread <= 1.2
    return Row(
        "engine_one_percent_by_cursor",
        f"{CHANGES} changes, half on each side, among {', '.join(map(str, sizes))} links: engine time (observe, plan)",
        "<= 10 ms, the same at any n (within 20 %)",
        round(value, 3),
        "ms CPU",
        Yardstick(
            f"vdirsyncer's engine in memory, 1 % of {middle} changed",
            vdirsyncer_engine.COMMAND,
            round(peer.one_percent * 1e3, 1),
        ),
        ratio(rounds[middle], peer.one_percent * 1e3),
        met,
        None if met else f"spread between the sizes {spread:.2f}",
        detail={
            "engine_ms_by_links": {str(n): round(took, 3) for n, took in plans.items()},
            "engine_spread": round(spread, 3),
            "whole_round_ms_by_links": {str(n): round(took, 2) for n, took in rounds.items()},
            "whole_round_spread": round(whole, 3),
            "ratio_is_of": "the whole round with feed, look-ups, 100 writes, stores, conflicts and log, all in memory",
        },
    )  # fmt: skip


def _round(world: Clinic, revision: int) -> float:
    """The person moves 50 entries, the clinic 50 bookings, then one round; CPU seconds."""
    _change(world, revision)
    with timed() as took:
        outcome = world.work("notification")
    if outcome.result is not Result.DONE:
        raise AssertionError(f"the round ended with {outcome}")
    world.work("sweep")  # the echo of our own writes is another round's
    return took.cpu


def _change(world: Clinic, revision: int) -> list[Link]:
    links = list(world.stores.links.all(ACCOUNT, RESOURCE))[:CHANGES]
    for number, link in enumerate(links):
        later = work.when(number, revision % 9 + 1)
        if link.booking_id is not None:
            world.system.move_booking_by_clinic(link.booking_id, later)
        elif link.entry_id is not None:
            world.server.move_entry(link.entry_id, later)
    return links


def _planning(world: Clinic, options: Options) -> float:
    """What the engine alone takes for the same 100 changes."""
    scope = scope_of(world)
    links = _change(world, 8)
    entries = {key: item.entry for key, item in world.server.items.items()}
    reads = [_read(link, entries[link.entry_id], world.system.bookings) for link in links if link.entry_id]

    def engine() -> None:
        if len(plan(observe(reads, scope), scope)) != len(reads):
            raise AssertionError("each change has its action")

    engine()
    return median_cpu(engine, max(5, options.repeat))


# --- a world that is in agreement ---------------------------------------------------------------------------------


def linked(n: int) -> Clinic:
    """n pairs that both sides agree on, half born on each side, as an import would have left them."""
    world = clinic(page_size=max(n, 1000))
    for number in range(n):
        if number % 2:
            world.system.book([RESOURCE], work.when(number), f"Visit {number}")
        else:
            world.server.create_entry(work.when(number), f"Thing {number}")
    scope = scope_of(world)
    made = [_from_calendar(world, item.entry, scope) for item in list(world.server.items.values())]
    made += [_from_host(world, booking, scope) for booking in list(world.system.bookings.values())]
    made.sort(key=lambda link: link.start_at)
    world.stores.links.put_many(ACCOUNT, made)
    _finish_rounds(world, scope)
    return world


def scope_of(world: Clinic) -> Scope:
    resource, settings = world.system.resources[RESOURCE], effective({}, {})
    window = Window.around(world.clock.now(), settings.window.weeks_back, settings.window.weeks_ahead)
    return Scope(ACCOUNT, INSTALLATION, resource, settings, 0, window, DEFAULT)


def _from_calendar(world: Clinic, entry: Entry, scope: Scope) -> Link:
    ref = entry_ref(RESOURCE, entry.calendar_id, entry.id)
    block = project_entry(entry, scope.settings, scope.resource, ref, time_only=False)
    if not isinstance(block, Block):
        raise AssertionError("the bench's entries block")
    version = world.system.write_block(block)
    agreed = Agreed(version, fingerprint.time_of(block.when), fingerprint.rest_of_block(block))
    return _link(ref, Origin.CALENDAR, entry, agreed, replace(agreed, version=entry.version), None)


def _from_host(world: Clinic, booking: Booking, scope: Scope) -> Link:
    copy = project_booking(booking, scope.settings, scope.resource)
    mark = Mark(INSTALLATION, ACCOUNT, RESOURCE, booking.id, 1)
    entry_id = world.server.create_entry(
        copy.when, copy.title, notes=copy.notes, location=copy.location, busy=copy.busy, mark=mark
    )
    entry = world.server.items[EntryId(entry_id)].entry
    host = Agreed(booking.version, fingerprint.time_of(copy.when), fingerprint.rest_of_copy(copy))
    calendar = Agreed(entry.version, fingerprint.time_of(entry.when), fingerprint.rest_of_entry(entry))
    return _link(booking_ref(booking.id), Origin.HOST, entry, host, calendar, booking.id)


def _link(
    ref: LinkRef, origin: Origin, entry: Entry, host: Agreed, calendar: Agreed, booking: BookingId | None
) -> Link:
    start, end = entry.when.interval("UTC")
    return Link(
        ref, RESOURCE, origin, entry.calendar_id, entry.when, start, end, booking_id=booking, entry_id=entry.id,
        host=host, calendar=calendar,
    )  # fmt: skip


def _finish_rounds(world: Clinic, scope: Scope) -> None:
    """Both feeds stand at the end of a full round, and the resource is connected."""
    now, leases = world.clock.now(), world.stores.leases
    lease = leases.take(ACCOUNT, RESOURCE, now, now + world.ports.lease_for)
    state = world.stores.resources.get(ACCOUNT, RESOURCE)
    if lease is None or state is None:
        raise AssertionError("a new clinic is free")
    page = world.provider.changes(DEFAULT, None, scope.window, Content())
    feed = world.host.changes(RESOURCE, None)
    for name, cursor in ((str(DEFAULT), page.next_cursor), ("host", feed.next_cursor)):
        row = CursorRow(name, cursor, scope.window, is_round_open=False, is_full=False, opened_at=now)
        world.stores.cursors.store(lease, row)
    leases.give_back(lease)
    world.stores.resources.save(_connected(state, now))


def _connected(state: ResourceState, now: datetime) -> ResourceState:
    return replace(state.moved_to(Status.CONNECTED, now), progress=replace(state.progress, near_done=True))
