"""R122: a copy that its id does not find may only be elsewhere, because a mailbox that is moved to another server gives
everything a new id. Before anything follows from its being gone its mark is looked for."""

from collections.abc import Iterable, Sequence

from calsync_core.domain.appointments import Entry
from calsync_core.domain.ids import EntryId, LinkRef
from calsync_core.domain.links import Link, Origin
from calsync_core.engine.marks import is_renumbered
from calsync_core.usecases.sync.read_own_series import series_ref
from calsync_core.usecases.sync.sync_run import EVERYTHING, SyncRun

FEW = 5
"""Copies whose marks are asked for one by one; of more all marks of the mailbox are read."""


def elsewhere(run: SyncRun, gone: Sequence[Link]) -> set[LinkRef]:
    """Of links whose ids find nothing: those of copies that stand in the same calendar under a new id. The feed brings
    them, and until then nobody knows. An occurrence is where its series is."""
    own = [link for link in gone if link.origin is Origin.HOST and link.booking_id is not None and link.entry_id]
    parts = [link for link in own if link.original_start_at is not None]
    heads = [link for link in own if link.original_start_at is None] + _gone_series(run, parts)
    heads = list({link.ref: link for link in heads if link.entry_uid}.values())
    marked = _marked(run, heads)
    moved = {link.ref for link in heads if any(_is_it(run, link, entry) for entry in marked)}
    return moved | {part.ref for part in parts if series_ref(part) in moved}


def _gone_series(run: SyncRun, parts: Iterable[Link]) -> list[Link]:
    refs = sorted({series_ref(part) for part in parts})
    series = list(run.ports.stores.links.get(run.account, run.resource, refs).values()) if refs else []
    gone: list[Link] = []
    for calendar in sorted({link.calendar_id for link in series}):
        here = {link.entry_id: link for link in series if link.entry_id and link.calendar_id == calendar}
        ids: list[EntryId] = [entry_id for entry_id in here if entry_id]
        shown = run.primary.entries(calendar, ids, EVERYTHING) if ids else {}
        gone += [here[entry_id] for entry_id, entry in shown.items() if entry is None]
    return gone


def _marked(run: SyncRun, links: Sequence[Link]) -> list[Entry]:
    if len(links) <= FEW:
        return [entry for link in links for entry in run.primary.find_mark(run.mark(link))]
    return run.primary.marked(run.ports.installation, run.resource)


def _is_it(run: SyncRun, link: Link, entry: Entry) -> bool:
    mark = run.mark(link)
    return entry.calendar_id == link.calendar_id and entry.mark == mark and is_renumbered(link, entry, mark)
