"""The links of a mailbox that moved to Microsoft 365 are taken along: no block at the booking system is touched (R133).

First every link is set apart, because its ids are those of the old server. Copies are found at once by their marks.
Entries are met page by page, while the import reads them, by the calendar's own id (iCalUId) and, in a series, the
original start; by their time where one of the two has no such id. What nobody met once all feeds were read to their end
is gone: an entry frees its time, under the stop-lines; a copy is written again, because a move deletes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from calsync_core.domain.appointments import Entry, Kind
from calsync_core.domain.conflicts import Conflict, ConflictStatus, conflict_id
from calsync_core.domain.errors import AppointmentGoneError, LinkChangedError
from calsync_core.domain.ids import CalendarId, EntryId, LinkRef
from calsync_core.domain.links import Agreed, Intent, Link, Origin, booking_ref, occurrence_ref
from calsync_core.domain.resources import Following
from calsync_core.domain.synclog import Reason
from calsync_core.domain.values import replace
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import DeleteBlock, DropLink
from calsync_core.engine.marks import is_pasted, uid_hash
from calsync_core.ports.calendar import CalendarPage, CalendarProvider
from calsync_core.ports.stores import HOST_FEED
from calsync_core.usecases.follow_mailbox import leave_old_connections
from calsync_core.usecases.sync.apply_plan import apply_plan
from calsync_core.usecases.sync.finish_round import are_too_many, is_behind, stop_round
from calsync_core.usecases.sync.keep_links import revisit
from calsync_core.usecases.sync.read_own_series import own_series
from calsync_core.usecases.sync.sync_run import SyncRun


def take_links_along(run: SyncRun) -> bool:
    """Before anything is read; False when time was up before the end. Repeatable."""
    try:
        if run.state.following is Following.LEAVING:
            if not _set_apart(run):
                return False
            run.state = run.ports.stores.resources.save(replace(run.state, following=Following.ARRIVING))
        if run.state.following is Following.ARRIVING:
            _find_copies(run)
    except LinkChangedError:
        return False  # a person decided about one at this moment: the rows are read anew
    return True


def _set_apart(run: SyncRun) -> bool:
    stores, mailbox = run.ports.stores, run.state.mailbox
    if mailbox is not None:
        leave_old_connections(stores, run.account, run.resource, mailbox)
    elsewhere = {calendar for other, calendar in run.state.calendars if other != mailbox}
    for feed in list(run.rows):
        if feed != HOST_FEED and feed not in elsewhere:
            stores.links.clear_leaving(
                run.account, run.resource, feed, stores.links.leaving(run.account, run.resource, feed)
            )
            run.forget_cursor(feed)
    for link in stores.links.all(run.account, run.resource):
        if run.is_time_up:
            return False
        if not link.is_left_behind and link.calendar_id not in elsewhere:
            run.check_lease()
            stores.links.put(run.account, link.left_behind())
    return True


# --- copies of bookings -------------------------------------------------------------------------------------------


def _find_copies(run: SyncRun) -> None:
    links = run.ports.stores.links
    left = {link.ref: link for link in links.all(run.account, run.resource) if _waits(link, Origin.HOST)}
    if not left:
        return
    found = _by_mark(run, left)
    moved: list[Link] = []
    for ref, entry in found.items():
        moved.append(_moved(left.pop(ref), entry))
        if left_series := moved[-1].booking_id if moved[-1].pattern else None:
            moved += [_moved(left.pop(part), one) for part, one in _parts(run, left, left_series, entry).items()]
    lost = [_lost(run, link) for link in left.values()]
    run.check_lease()
    # Series first: an occurrence is looked for in the one that its row leads to.
    for link in sorted([*moved, *lost], key=lambda link: not link.pattern):
        links.put(run.account, link)
    refs = [link.ref for link in [*moved, *lost] if link.intent is not None]
    if refs:
        revisit(run, *refs)
    _carry_conflicts(run, {link.ref: link for link in moved})
    run.log(Reason.COPY_ADOPTED, rule="R133", code="mailbox_moved", count=str(len(moved)), written_again=str(len(refs)))


def _waits(link: Link, origin: Origin) -> bool:
    return link.is_left_behind and link.origin is origin


def _by_mark(run: SyncRun, left: Mapping[LinkRef, Link]) -> dict[LinkRef, Entry]:
    """Which entry of the new mailbox is the copy of each; of several the oldest, a person's copy is none."""
    found: dict[LinkRef, Entry] = {}
    for entry in run.primary.marked(run.ports.installation, run.resource):
        mark = entry.mark
        if mark is None or mark.account != run.account or mark.resource != run.resource:
            continue
        link = left.get(booking_ref(mark.booking))
        if link is None or link.entry_id is None or is_pasted(link, entry, mark):
            continue
        known = found.get(link.ref)
        if known is None or _age(entry) < _age(known):
            found[link.ref] = entry
    return found


def _age(entry: Entry) -> tuple[bool, str]:
    return entry.created_at is None, entry.created_at.isoformat() if entry.created_at else ""


def _parts(run: SyncRun, left: Mapping[LinkRef, Link], series: str, master: Entry) -> dict[LinkRef, Entry]:
    """The occurrences of one of our series under their new ids, by their places in it."""
    places = {
        link.original_start_at: ref
        for ref, link in left.items()
        if link.series_id == series and link.entry_id and link.original_start_at
    }
    if not places:
        return {}
    try:
        shown = run.primary.occurrences(master.calendar_id, master.id, run.scope.window, run.content)
    except AppointmentGoneError:
        return {}
    return {places[start]: one for one in shown if (start := _original(one)) in places}


def _original(entry: Entry) -> datetime:
    return entry.original_start_at or entry.when.interval("UTC")[0]


def _moved(link: Link, entry: Entry) -> Link:
    """Under its new id; its new version says nothing, so what it looks like is compared with what was agreed on."""
    return replace(
        link, calendar_id=entry.calendar_id, entry_id=entry.id, entry_uid=link.entry_uid or uid_hash(entry),
        calendar=replace(link.calendar, version=""),
    )  # fmt: skip


def _lost(run: SyncRun, link: Link) -> Link:
    """Not in the new mailbox. One that had no copy, by a person's wish, has none now; what is past stays as it was."""
    row = replace(link, calendar_id=run.scope.primary, entry_id=None)
    if link.entry_id is None or (link.end_at <= run.scope.window.start_at and not link.pattern):
        return row
    return replace(row, entry_uid=None, intent=Intent.CREATE, attempt=None, calendar=Agreed(), host=Agreed())


# --- entries and their blocks -------------------------------------------------------------------------------------


@dataclass(slots=True)
class LeftBehind:
    """The links of entries that were not met yet, by what tells them again."""

    by_uid: dict[str, list[Link]] = field(default_factory=dict)
    by_time: dict[str, list[Link]] = field(default_factory=dict)

    @classmethod
    def of(cls, run: SyncRun) -> "LeftBehind | None":
        """None where no mailbox moved."""
        if run.state.following is None:
            return None
        found = cls()
        for link in run.ports.stores.links.all(run.account, run.resource):
            if _waits(link, Origin.CALENDAR):
                found.by_uid.setdefault(link.entry_uid or "", []).append(link)
                found.by_time.setdefault(link.calendar.time, []).append(link)
        return found

    def take(self, entry: Entry, uid: str | None) -> Link | None:
        """The link of this very entry, which is then met. `uid`: of the series, where the entry is a part of one."""
        is_part = entry.series_id is not None
        time = fingerprint.time_of(entry.when)
        same = [link for link in self.by_uid.get(uid, []) if _is_part(link) is is_part] if uid else []
        if is_part:
            start = _original(entry)
            same.sort(key=lambda link: (link.original_start_at != start, link.calendar.time != time))
            same = [link for link in same[:1] if link.original_start_at == start or link.calendar.time == time]
        at_its_time = [
            link
            for link in self.by_time.get(time, [])
            if _is_part(link) is is_part and not (uid and link.entry_uid)  # two ids that differ are two entries
        ]
        found = next(iter([*same, *at_its_time]), None)
        if found is not None:
            self.by_uid[found.entry_uid or ""].remove(found)
            self.by_time[found.calendar.time].remove(found)
        return found


def _is_part(link: Link) -> bool:
    return link.series_id is not None


def meet_page(run: SyncRun, left: LeftBehind | None, calendar: CalendarId, provider: CalendarProvider,
              page: CalendarPage) -> None:  # fmt: skip
    """Before a page is read: the entries on it that have a link under their old id get it under the new one."""
    if left is None or not left.by_time:
        return
    removed = set(page.removed)
    entries = {entry.id: entry for entry in page.entries if entry.id not in removed and entry.problem is None}
    masters = {entry.id: entry for entry in entries.values() if entry.kind is Kind.MASTER}
    parts = [entry for entry in entries.values() if entry.kind in (Kind.OCCURRENCE, Kind.EXCEPTION)]
    ours = own_series(run, calendar, sorted({entry.series_id for entry in parts if entry.series_id}))
    parts = [entry for entry in parts if entry.series_id and entry.series_id not in ours]
    unknown = sorted({entry.series_id for entry in parts if entry.series_id} - masters.keys())
    if unknown:
        looked_up = provider.entries(calendar, unknown, run.content)
        masters |= {entry.id: entry for entry in looked_up.values() if entry is not None}
    met = {old.ref: (old, new) for old, new in _met_parts(run, left, calendar, parts, masters)}
    singles = [entry for entry in entries.values() if entry.kind is Kind.SINGLE]
    met |= {old.ref: (old, new) for old, new in _met_singles(run, left, calendar, singles)}
    _store(run, met)


def _met_singles(
    run: SyncRun, left: LeftBehind, calendar: CalendarId, entries: list[Entry]
) -> Iterable[tuple[Link, Link]]:
    ids = [entry.id for entry in entries]
    known = run.ports.stores.links.by_entries(run.account, run.resource, calendar, ids) if ids else {}
    for entry in entries:
        old = left.take(entry, uid_hash(entry)) if entry.id not in known else None
        if old is not None:
            yield old, replace(_moved(old, entry), calendar_id=calendar)


def _met_parts(
    run: SyncRun, left: LeftBehind, calendar: CalendarId, entries: list[Entry], masters: Mapping[EntryId, Entry]
) -> Iterable[tuple[Link, Link]]:
    """An occurrence's ref is made of its series' id, which is new; its block keeps the old one."""
    refs: dict[EntryId, LinkRef] = {
        entry.id: occurrence_ref(run.resource, calendar, entry.series_id, _original(entry))
        for entry in entries
        if entry.series_id is not None
    }
    known = run.ports.stores.links.get(run.account, run.resource, list(dict.fromkeys(refs.values()))) if refs else {}
    for entry in entries:
        master = masters.get(entry.series_id) if entry.series_id else None
        if refs[entry.id] in known or master is None:
            continue
        old = left.take(entry, uid_hash(master))
        if old is not None:
            kept = None if old.block_ref == refs[entry.id] else old.block_ref
            new = replace(
                _moved(old, entry), ref=refs[entry.id], calendar_id=calendar, series_id=entry.series_id,
                original_start_at=entry.original_start_at, kept_block=kept, row=0,
            )  # fmt: skip
            yield old, new if new.ref != old.ref else new.with_row(old.row)


def _store(run: SyncRun, met: Mapping[LinkRef, tuple[Link, Link]]) -> None:
    """The new row before the old one goes: a crash in between leaves two rows, one of which is dropped at the end."""
    links = run.ports.stores.links
    for old, new in met.values():
        run.check_lease()
        links.put(run.account, new)
        if new.ref != old.ref:
            links.delete(run.account, old)
    _carry_conflicts(run, {ref: new for ref, (_, new) in met.items()})


def _carry_conflicts(run: SyncRun, moved: Mapping[LinkRef, Link]) -> None:
    """What is open stays open, and nobody is told of it a second time."""
    conflicts = run.ports.stores.conflicts
    for conflict in conflicts.of_resource(run.account, run.resource) if moved else ():
        if conflict.status not in {ConflictStatus.OPEN, ConflictStatus.LEFT}:
            continue
        new = _carried(run, conflict, moved)
        if new == conflict:
            continue
        conflicts.save(new)
        if new.id != conflict.id:
            now = run.ports.clock.now()
            gone = replace(conflict, status=ConflictStatus.SETTLED, ended_at=now, revision=conflict.revision + 1)
            conflicts.save(gone)


def _carried(run: SyncRun, conflict: Conflict, moved: Mapping[LinkRef, Link]) -> Conflict:
    """`entry_id` is of the entry, or of the booking's own copy where there is no other side."""
    about = moved.get(conflict.other_ref or conflict.booking_ref)
    if about is None:
        return conflict
    other = about.ref if conflict.other_ref is not None else None
    key = conflict_id(run.resource, conflict.kind, conflict.booking_ref, other)
    return replace(conflict, id=key, other_ref=other, entry_id=about.entry_id)


# --- the end ------------------------------------------------------------------------------------------------------


def part_with_the_rest(run: SyncRun) -> bool:
    """After every feed was read to its end. False: there is something new to be read."""
    if run.state.following is None or not run.scope.settings.writes_host:
        return True  # R40: what a closed direction has written is left alone; its entries are met when it opens
    links = run.ports.stores.links
    everything = list(links.all(run.account, run.resource))
    left = [link for link in everything if _waits(link, Origin.CALENDAR)]
    taken = {link.kept_block for link in everything if not link.is_left_behind}
    doubles = [link for link in left if link.block_ref in taken]
    window = run.scope.window
    past = [link for link in left if link not in doubles and is_behind(window, link)]
    gone = [link for link in left if link not in doubles and link not in past]
    own = [link for link in everything if link.origin is Origin.CALENDAR and link not in doubles]
    total = [link for link in own if not is_behind(window, link)]
    if not run.state.is_stop_line_confirmed and are_too_many(gone, total):
        links.set_leaving(run.account, run.resource, run.scope.primary, [link.ref for link in gone])
        stop_round(run, len(gone))
        return True
    for link in past:
        links.put(run.account, replace(link, calendar_id=run.scope.primary, entry_id=None))
    apply_plan(run, [DropLink("R133", link) for link in doubles])
    apply_plan(run, [DeleteBlock("R133", link) for link in gone])
    run.flush()
    run.state = run.ports.stores.resources.save(replace(run.state, following=None))
    return False
