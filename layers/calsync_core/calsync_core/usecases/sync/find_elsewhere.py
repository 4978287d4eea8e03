"""R122: a copy that its id does not find may only be elsewhere, because a mailbox that is moved to another server gives
everything a new id. Before anything follows from its being gone its mark is looked for."""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta

from calsync_core.domain.appointments import Booking, Entry, Mark
from calsync_core.domain.errors import AppointmentGoneError
from calsync_core.domain.ids import BookingId, EntryId, LinkRef
from calsync_core.domain.links import Link, Origin
from calsync_core.domain.values import replace
from calsync_core.domain.windows import Window
from calsync_core.engine.marks import KnownMarks, is_renumbered
from calsync_core.engine.observe import Missing, Read
from calsync_core.ports.calendar import CalendarProvider
from calsync_core.usecases.sync.read_own_series import series_ref
from calsync_core.usecases.sync.sync_run import EVERYTHING, SyncRun

_ASIDE = timedelta(days=60)
FEW = 5
"""Copies whose marks are asked for one by one; of more all marks of the mailbox are read."""


def elsewhere(run: SyncRun, gone: Sequence[Link]) -> dict[LinkRef, Entry | None]:
    """Of links whose ids find nothing: those of copies that stand in the same calendar under a new id, whole. An
    occurrence is where its series is: None, which the feed tells more of."""
    own = [link for link in gone if link.origin is Origin.HOST and link.booking_id is not None and link.entry_id]
    parts = [link for link in own if link.original_start_at is not None]
    heads = [link for link in own if link.original_start_at is None] + _gone_series(run, parts)
    heads = list({link.ref: link for link in heads if link.entry_uid}.values())
    marked = _marked(run, heads)
    new = {link.ref: entry for link in heads for entry in marked if _is_it(run, link, entry)}
    return {part.ref: None for part in parts if series_ref(part) in new} | {
        link.ref: whole for link in own if link.ref in new and (whole := _whole(run, new[link.ref])) is not None
    }


def found_again(read: Read, entry: Entry | None) -> Read:
    if entry is None or read.link is None:
        return replace(read, calendar=Missing.UNKNOWN)
    return replace(read, link=renumbered(read.link, entry), calendar=entry, entry_is_whole=True)


def _whole(run: SyncRun, entry: Entry) -> Entry | None:
    return run.primary.entries(entry.calendar_id, [entry.id], EVERYTHING)[entry.id]


def renumbered(link: Link, entry: Entry) -> Link:
    """Under its new id; its new version says nothing, so what it looks like is compared with what was agreed on."""
    return replace(link, entry_id=entry.id, calendar=replace(link.calendar, version=""))


def renumbered_parts(
    run: SyncRun, provider: CalendarProvider, series: Link | None, master: Entry
) -> list[tuple[Link, Entry]]:
    """Of a series of ours that is known under its new id: each occurrence by its place, with its new one."""
    if series is None or series.entry_id != master.id:
        return []
    try:
        shown = provider.occurrences(master.calendar_id, master.id, _wide(series, run.scope.window), run.content)
    except AppointmentGoneError:
        return []
    by_place = {one.original_start_at: one for one in shown if one.problem is None}
    parts = run.ports.stores.links.parts(run.account, run.resource, series.booking_id or "")
    placed = [one for one in parts if one.entry_id and one.original_start_at in by_place]
    return [(renumbered(one, by_place[one.original_start_at]), by_place[one.original_start_at]) for one in placed]


def standing_copies(run: SyncRun, known: KnownMarks | None, bookings: Collection[BookingId]) -> dict[BookingId, Entry]:
    """R32, R122: copies that stand in the primary calendar for bookings of ours without a link; the latest of each.

    `known`: all marks of the mailbox, where a full round has read them: nothing is asked where they say enough."""
    if known is not None and not any(_is_of(run, mark, bookings) for mark in known.marks.values()):
        return {}
    marked = run.primary.marked(run.ports.installation, run.resource)
    pasted = KnownMarks.of(marked).pasted
    found: dict[BookingId, tuple[int, Entry]] = {}
    for entry in marked:
        mark = entry.mark
        if mark is None or not _is_of(run, mark, bookings) or entry.id in pasted:
            continue
        if entry.calendar_id == run.scope.primary and mark.generation > found.get(mark.booking, (0, None))[0]:
            found[mark.booking] = (mark.generation, entry)
    return {booking: entry for booking, (_, entry) in found.items()}


def with_standing_copies(run: SyncRun, reads: list[Read]) -> list[Read]:
    """R32: the copy of a booking without a link may stand where the round of the calendar did not look: at another time
    than the booking, which was moved since, outside the window or beyond an import's next days."""
    new = {
        read.ref: read.host.id
        for read in reads
        if read.link is None and read.calendar is Missing.NOT_READ and isinstance(read.host, Booking)
    }
    standing = standing_copies(run, run.marks, set(new.values())) if new else {}
    found = {ref: standing[booking] for ref, booking in new.items() if booking in standing}
    return [replace(read, calendar=found.get(read.ref, read.calendar)) for read in reads] if found else reads


def _is_of(run: SyncRun, mark: Mark, bookings: Collection[BookingId]) -> bool:
    return mark.account == run.account and mark.resource == run.resource and mark.booking in bookings


def _wide(series: Link, window: Window) -> Window:
    """Also where a person has moved its occurrences to. A view spans at most 1825 days (graph.md 3.11)."""
    end = window.end_at + _ASIDE
    return Window(max(min(series.start_at, window.start_at) - _ASIDE, end - timedelta(days=1800)), end)


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
