"""Links that wait for another look at both sides: decisions of people, writes that kept changing."""

from collections.abc import Iterable
from contextlib import suppress

from calsync_core.domain.errors import LinkChangedError
from calsync_core.domain.links import Intent, Link
from calsync_core.engine.observe import Read, observe
from calsync_core.engine.plan import plan
from calsync_core.usecases.sync.apply_plan import apply_plan
from calsync_core.usecases.sync.finish_round import apply_shared_copies
from calsync_core.usecases.sync.keep_links import REVISIT, revisited
from calsync_core.usecases.sync.leave_calendars import is_under_way, move_copy
from calsync_core.usecases.sync.read_both import read_both
from calsync_core.usecases.sync.sync_run import SyncRun
from calsync_core.usecases.sync.watch_conflicts import note_reads, watch_conflicts
from calsync_core.usecases.sync.write_series import align_waiting, join_series


def revisit_links(run: SyncRun) -> None:
    """Links that wait for another look: decisions of people, writes that kept changing."""
    links = run.ports.stores.links
    refs = links.leaving(run.account, run.resource, REVISIT)
    if not refs:
        return
    found = links.get(run.account, run.resource, refs)
    run.revisiting.clear()
    if _moves_on(run, found.values()):
        found = links.get(run.account, run.resource, refs)
    reads = [read_both(run, link) for link in found.values()]
    apply_shared_copies(run, reads)
    reads = _with_places(run, reads)
    note_reads(run, reads)
    apply_plan(run, plan(observe(reads, run.scope), run.scope, is_final=True))
    run.unaligned |= {link.ref for link in found.values() if link.intent is Intent.ALIGN}
    align_waiting(run)
    watch_conflicts(run)
    run.flush()
    # Some were noted anew meanwhile; a decision made in this moment, or that could not be carried out, waits.
    is_open = run.scope.settings.writes_calendar
    waiting = {
        ref
        for ref, link in links.get(run.account, run.resource, refs).items()
        if link.decision is not None or (is_under_way(link) and not is_open)
    }
    revisited(run, *(ref for ref in refs if ref not in run.revisiting | waiting))


def _moves_on(run: SyncRun, links: Iterable[Link]) -> bool:
    """R143: a copy that was found in another calendar, and whose way to the primary one was cut off."""
    moving = [link for link in links if is_under_way(link)] if run.scope.settings.writes_calendar else []
    for link in moving:
        with suppress(LinkChangedError):  # another run was here first
            move_copy(run, link)
    return bool(moving)


def _with_places(run: SyncRun, reads: list[Read]) -> list[Read]:
    """Occurrences that lost their place with their series; a series itself waits as it is."""
    parts = [read for read in reads if read.link and read.link.intent is Intent.CREATE and read.link.series_id]
    return [read for read in reads if read not in parts] + join_series(run, parts, set(), is_full=False)
