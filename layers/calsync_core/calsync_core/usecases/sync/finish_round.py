"""The end of a round: what is missing for certain, the stop-lines, and only then the deletions."""

from collections.abc import Callable, Iterable
from functools import partial

from calsync_core.domain.appointments import Entry
from calsync_core.domain.grids import outward
from calsync_core.domain.ids import BookingId, CalendarId, LinkRef
from calsync_core.domain.links import Intent, Link, Origin
from calsync_core.domain.resources import Degraded
from calsync_core.domain.synclog import Reason, Way
from calsync_core.domain.values import replace
from calsync_core.domain.windows import Window
from calsync_core.engine import fingerprint, guards
from calsync_core.engine.observe import Missing, Read, observe
from calsync_core.engine.plan import plan
from calsync_core.ports.calendar import CalendarProvider
from calsync_core.ports.stores import HOST_FEED, CursorRow
from calsync_core.usecases.sync.apply_plan import apply_plan
from calsync_core.usecases.sync.expect_news import expect_blocks
from calsync_core.usecases.sync.find_elsewhere import elsewhere, found_again
from calsync_core.usecases.sync.keep_links import keep_renumbered
from calsync_core.usecases.sync.read_both import read_both, shown_for
from calsync_core.usecases.sync.read_calendar import read_booking
from calsync_core.usecases.sync.read_host import list_many, written_before
from calsync_core.usecases.sync.read_own_series import one_for_all
from calsync_core.usecases.sync.read_shared_copies import read_given_away, read_shared_copies, told_of
from calsync_core.usecases.sync.set_aside import note_unreadable
from calsync_core.usecases.sync.sync_run import EVERYTHING, SyncRun
from calsync_core.usecases.sync.watch_conflicts import note_reads

STOP_LINE = "stop_line"


def noted_leaving(run: SyncRun, row: CursorRow) -> set[LinkRef]:
    """What earlier pages of this feed, or a run that was cut off, had noted as leaving."""
    return set(run.ports.stores.links.leaving(run.account, run.resource, row.feed))


def finish_calendar_round(
    run: SyncRun,
    provider: CalendarProvider,
    row: CursorRow,
    leaving: set[LinkRef],
    seen: frozenset[LinkRef] = frozenset(),
) -> None:
    """Look up every leaving link of this calendar; delete what is gone for certain, follow what is only elsewhere.

    `leaving` holds what earlier pages noted as well; `seen` was met on the last page, which no store knows yet.
    """
    links = run.ports.stores.links.get(run.account, run.resource, sorted(leaving)) if leaving else {}
    current = [link for link in links.values() if link.entry_id and link.calendar_id == row.feed]
    if row.is_full:
        current = _with_unseen(
            run, row, current, seen, lambda link: link.calendar_id == row.feed and link.entry_id is not None
        )
    reads = [_looked_up(run, link, entry) for link, entry in _look_up(run, provider, CalendarId(row.feed), current)]
    if row.is_full:
        reads += _changed_beyond(run, provider, row, {link.ref for link in current} | seen)
    moved = elsewhere(run, [read.link for read in reads if read.calendar is Missing.GONE and read.link is not None])
    reads = [found_again(read, moved[read.ref]) if read.ref in moved else read for read in reads]
    reads = keep_renumbered(run, CalendarId(row.feed), reads)
    reads = one_for_all(run, provider, reads, partial(read_booking, run))
    _finish(run, row, reads, leaving, lambda read: read.calendar is Missing.GONE)


def finish_host_round(run: SyncRun, row: CursorRow, leaving: set[LinkRef], seen: frozenset[LinkRef]) -> None:
    """Look up every leaving booking; a full round asks for all that it did not meet (`seen`: on the last page). So it
    asks for what is followed beyond the window (R121): its feed begins now, and what was to be read before it may have
    expired."""
    refs = leaving | noted_leaving(run, row)
    links = run.ports.stores.links.get(run.account, run.resource, sorted(refs)) if refs else {}
    apply_shared_copies(run, read_given_away(run, refs - links.keys()))
    current = list(links.values())
    if row.is_full:
        current = _with_unseen(run, row, current, seen, lambda link: link.origin is Origin.HOST)
    listed = list_many(run, [link for link in current if is_beyond(row.window, link)]) if row.is_full else {}
    told = [(link, listed.get(link.booking_id or BookingId(""))) for link in current]
    reads = [
        Read(link.ref, link, booking or read_booking(run, link.booking_id), written_before(run, link))
        for link, booking in told
    ]
    _finish(run, row, reads, refs, lambda read: read.host is Missing.GONE)
    if row.is_full and run.scope.settings.writes_host:
        offers = run.host.capabilities()
        if offers.lists_blocks:
            _put_blocks_back(run, row, offers.granularity_minutes)


def _times_of_block(link: Link, grid: int) -> set[str]:
    """R106. As it was sent, or rounded outward to the booking system's grid: both are where we put it."""
    return {link.host.time, fingerprint.time_of(outward(link.when, grid))}


def _put_blocks_back(run: SyncRun, row: CursorRow, grid: int) -> None:
    """R23, R24: blocks that somebody moved or removed in the booking system."""
    reads: list[Read] = []
    blocks = {block.ref: block for block in run.host.blocks(run.resource, row.window)}
    zone = run.scope.resource.time_zone
    for link in run.ports.stores.links.all(run.account, run.resource):
        block = blocks.get(link.block_ref)
        is_in_scope = block is not None or row.window.holds(link.when, zone)
        if link.origin is not Origin.CALENDAR or not link.host.version or not is_in_scope:
            continue
        if block is not None and fingerprint.time_of(block.when) in _times_of_block(link, grid):
            continue
        reads.append(replace(read_both(run, link), host=block or Missing.GONE))
    _finish(run, row, reads, set(), lambda read: read.calendar is Missing.GONE)


def apply_shared_copies(run: SyncRun, reads: list[Read]) -> None:
    """Whether the copies that others have of a booking block here, where it has just become ours too or left us.

    Before the copy of this resource comes or goes, so that a crash in between is found again (R33, R34).
    """
    changed = [told for told in (told_of(run, read) for read in reads) if told is not None]
    shared = read_shared_copies(run, changed) if changed else []
    if shared:
        actions = plan(observe(shared, run.scope), run.scope)
        expect_blocks(run, actions)
        apply_plan(run, actions)


def _with_unseen(
    run: SyncRun, row: CursorRow, current: list[Link], last_seen: frozenset[LinkRef], concerns: Callable[[Link], bool]
) -> list[Link]:
    """Absence inside the window of a complete round is a hint; time that has passed out of it is none. A write that was
    cut off is looked at wherever it was going: its row says the new time already, and no feed speaks of it any more."""
    noted = run.ports.stores.links.seen(run.account, run.resource, row.feed, row.round) if row.page else set()
    seen = noted | last_seen
    known = {link.ref for link in current}
    zone, is_host = run.scope.resource.time_zone, row.feed == HOST_FEED
    unseen = [
        link
        for link in run.ports.stores.links.all(run.account, run.resource)
        if concerns(link) and link.ref not in seen and link.ref not in known
        and (row.window.holds(link.when, zone) or _is_cut_off(link) or (is_host and is_beyond(row.window, link)))
    ]  # fmt: skip
    return [*current, *unseen]


def _is_cut_off(link: Link) -> bool:
    return link.intent is Intent.CREATE and not link.pattern


def _changed_beyond(run: SyncRun, provider: CalendarProvider, row: CursorRow, met: set[LinkRef]) -> list[Read]:
    """R121: what was moved beyond the window is in no page, and a feed may be silent about it; its ids are asked. So it
    is where settings are for everything that is there: what is followed beyond the window follows them too (R100)."""
    beyond = [
        link
        for link in run.ports.stores.links.all(run.account, run.resource)
        if link.calendar_id == row.feed and link.entry_id and link.ref not in met and is_beyond(row.window, link)
    ]
    found = _look_up(run, provider, CalendarId(row.feed), beyond)
    return [
        _looked_up(run, link, entry)
        for link, entry in found
        if entry is None or entry.version != link.calendar.version or link.settings_version < run.scope.reproject_below
    ]


def _look_up(
    run: SyncRun, provider: CalendarProvider, calendar: CalendarId, links: list[Link]
) -> Iterable[tuple[Link, Entry | None]]:
    for origin, content in ((Origin.CALENDAR, run.content), (Origin.HOST, EVERYTHING)):
        group = [link for link in links if link.origin is origin and link.entry_id]
        if not group:
            continue
        found = provider.entries(calendar, [link.entry_id for link in group if link.entry_id], content)
        yield from ((link, found.get(link.entry_id) if link.entry_id else None) for link in group)


def _looked_up(run: SyncRun, link: Link, entry: Entry | None) -> Read:
    calendar = shown_for(link, entry)
    if entry is not None and entry.problem is not None:
        note_unreadable(run, link.ref, entry.problem, Way.FROM_CALENDAR)
    if link.origin is Origin.CALENDAR:
        return Read(link.ref, link, calendar=calendar)
    return Read(link.ref, link, read_booking(run, link.booking_id), calendar, entry_is_whole=True)


def _finish(
    run: SyncRun, row: CursorRow, reads: list[Read], refs: set[LinkRef], is_gone: Callable[[Read], bool]
) -> None:
    links = run.ports.stores.links
    apply_shared_copies(run, reads)
    note_reads(run, reads)
    gone = [read for read in reads if is_gone(read)]
    alive = [read for read in reads if not is_gone(read)]
    apply_plan(run, plan(observe(alive, run.scope), run.scope, is_final=True))
    if gone and not run.state.is_stop_line_confirmed and _is_too_much(run, row, gone):
        links.set_leaving(run.account, run.resource, row.feed, [read.ref for read in gone])
        links.clear_leaving(run.account, run.resource, row.feed, sorted(refs - {read.ref for read in gone}))
        stop_round(run, len(gone))
        return
    gone = _series_first(run, gone)
    apply_plan(run, plan(observe(gone, run.scope), run.scope, is_final=True))
    if refs:
        links.clear_leaving(run.account, run.resource, row.feed, sorted(refs))


def _series_first(run: SyncRun, gone: list[Read]) -> list[Read]:
    """R87: with a series all its occurrences go, in one write; what is left are the rows of those that had a place."""
    series = [read for read in gone if read.link is not None and read.link.pattern]
    if not series:
        return gone
    apply_plan(run, plan(observe(series, run.scope), run.scope, is_final=True))
    others = [read for read in gone if read not in series]
    links = run.ports.stores.links.get(run.account, run.resource, [read.ref for read in others])
    return [replace(read, link=links[read.ref]) for read in others if read.ref in links]


def _is_too_much(run: SyncRun, row: CursorRow, gone: list[Read]) -> bool:
    """Counted per origin, because each origin's disappearance deletes copies on one side; counting is done only when
    the number alone is suspicious. R89: a series counts as one, for it goes by one act; what has no copy is none, and
    neither is what lies behind the window: it is kept for ever, and nobody asks whether it is still there."""
    for origin in Origin:
        of_origin = [read.link for read in gone if read.link is not None and read.link.origin is origin]
        acts = {_act(link) for link in of_origin if link.origin is Origin.CALENDAR or link.entry_id is not None}
        count = len(acts)
        if count <= guards.MASS_COUNT and not (row.is_full and count > 2):
            continue
        all_links = run.ports.stores.links.all(run.account, run.resource)
        met = [link for link in all_links if link.origin is origin and _is_of(row, link)]
        total = acts | {_act(link) for link in met if not is_behind(row.window, link)}
        leaving = guards.Leaving(count, len(total))
        if guards.is_mass_deletion(leaving) or (row.is_full and guards.is_suddenly_empty(leaving)):
            return True
    return False


def are_too_many(gone: Iterable[Link], total: Iterable[Link]) -> bool:
    """R50, R51 for entries that a full round did not meet."""
    leaving = guards.Leaving(len({_act(link) for link in gone}), len({_act(link) for link in total}))
    return guards.is_mass_deletion(leaving) or guards.is_suddenly_empty(leaving)


def is_behind(window: Window, link: Link) -> bool:
    return link.end_at <= window.start_at


def is_beyond(window: Window, link: Link) -> bool:
    """Ahead of the window; what lies behind it was left by time, and is kept."""
    return link.start_at >= window.end_at


def _act(link: Link) -> str:
    return link.series_id or (link.booking_id if link.pattern and link.booking_id else link.ref)


def _is_of(row: CursorRow, link: Link) -> bool:
    return row.feed == HOST_FEED or link.calendar_id == row.feed


def stop_round(run: SyncRun, count: int) -> None:
    """Nothing is deleted; the admins are told, and confirm or restore (ux.md section 6, MASS_DELETE_GUARD)."""
    if run.state.degraded is None or run.state.degraded.reason != STOP_LINE:
        now = run.ports.clock.now()
        run.state = run.ports.stores.resources.save(replace(run.state, degraded=Degraded(STOP_LINE, now)))
    if run.ports.on_stop is not None:
        run.ports.on_stop(run.state)
    run.log(Reason.STOP_LINE, rule="R50", code=STOP_LINE, is_problem=True, count=str(count))
