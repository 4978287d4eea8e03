"""How the rows of links end an action: stored, forgotten, set aside, or to be looked at again."""

from contextlib import suppress

from calsync_core.domain.conflicts import ConflictKind
from calsync_core.domain.errors import LinkChangedError
from calsync_core.domain.ids import CalendarId, LinkRef
from calsync_core.domain.links import Link, Origin
from calsync_core.domain.synclog import Reason, Way
from calsync_core.domain.values import replace
from calsync_core.engine.actions import (
    Action,
    link_of,
)
from calsync_core.engine.observe import Read
from calsync_core.usecases.sync.sync_run import SyncRun
from calsync_core.usecases.sync.watch_conflicts import SET_ASIDE, open_conflict, settle_gone

REVISIT = "revisit"
"""The feed name of links that wait for another look at both sides: people's decisions, writes that kept failing."""


def quarantine(run: SyncRun, action: Action, code: str) -> None:
    """One bad appointment: noted with its reason under the version that was refused; tried again when that changes."""
    link = link_of(action)
    if link is None:
        return
    booking = getattr(action, "booking", None)
    host = replace(link.host, version=booking.version) if booking is not None else link.host
    stored = run.ports.stores.links.get(run.account, run.resource, [link.ref]).get(link.ref)
    row = stored.row if stored else 0
    is_disputed = link.origin is Origin.HOST
    store_link(run, replace(link, is_quarantined=True, is_disputed=is_disputed, host=host, row=row), has_agreed=False)
    way = Way.TO_CALENDAR if link.origin is Origin.HOST else Way.FROM_CALENDAR
    run.log(Reason.ENTRY_QUARANTINED, way, rule="R52", ref=link.ref, code=code, is_problem=True)
    if link.origin is Origin.HOST:
        open_conflict(run, link, ConflictKind.NOT_WRITABLE, link.when, None, code, "R61")


def revisit(run: SyncRun, *refs: LinkRef) -> None:
    run.revisiting.update(refs)
    run.ports.stores.links.set_leaving(run.account, run.resource, REVISIT, refs)


def revisited(run: SyncRun, *refs: LinkRef) -> None:
    """What was noted for another look has had it."""
    run.revisiting.difference_update(refs)
    run.ports.stores.links.clear_leaving(run.account, run.resource, REVISIT, refs)


def store_link(run: SyncRun, link: Link, *, has_agreed: bool = True) -> Link:
    """`has_agreed`: both sides are known to say the same now, so conflicts about this very link are over."""
    link = replace(link, refused=None) if has_agreed and link.refused else link
    if link.is_quarantined:  # so that the pages find it without reading every link
        run.ports.stores.links.set_leaving(run.account, run.resource, SET_ASIDE, [link.ref])
    stored = run.ports.stores.links.put(run.account, link)
    run.touched[link.ref] = stored
    if has_agreed:
        run.agreed.add(link.ref)
    return stored


def keep_renumbered(run: SyncRun, calendar: CalendarId, reads: list[Read]) -> list[Read]:
    """R122, before anything is decided: the row of a copy that was found under a new id knows it, so that the tombstone
    of the old one is not its own."""
    new = {
        read.link.entry_id: read.link
        for read in reads
        if read.link is not None and read.link.row and read.link.entry_id and not read.link.calendar.version
    }
    known = run.ports.stores.links.by_entries(run.account, run.resource, calendar, list(new)) if new else {}
    stored: dict[LinkRef, Link] = {}
    for entry_id, link in new.items():
        if link.origin is Origin.HOST and entry_id not in known:
            with suppress(LinkChangedError):  # by a person's decision; the plan reads it anew
                stored[link.ref] = run.ports.stores.links.put(run.account, link)
    return [replace(read, link=stored.get(read.ref, read.link)) for read in reads] if stored else reads


def forget_link(run: SyncRun, link: Link) -> None:
    settle_gone(run, link.ref)
    run.ports.stores.links.delete(run.account, link)
    run.touched.pop(link.ref, None)
    run.agreed.discard(link.ref)
