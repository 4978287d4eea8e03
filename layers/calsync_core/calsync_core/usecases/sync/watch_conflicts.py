"""Open and close conflicts. A conflict closes itself when its cause is gone; two blocks never conflict."""

from collections.abc import Iterable

from calsync_core.domain.appointments import Entry, When
from calsync_core.domain.conflicts import ACCEPTED_OUTSIDE, Conflict, ConflictKind, ConflictStatus, conflict_id
from calsync_core.domain.ids import LinkRef
from calsync_core.domain.journal import span
from calsync_core.domain.links import Link, Origin
from calsync_core.domain.synclog import Reason
from calsync_core.domain.values import replace
from calsync_core.domain.working_hours import is_working_time
from calsync_core.engine.observe import Read
from calsync_core.engine.overlaps import pairs
from calsync_core.usecases.sync.sync_run import SyncRun

BOOKINGS = "b-"
"""The refs of all host-born links begin so (domain/links.py)."""

SET_ASIDE = "set_aside"
"""The feed name of links that were quarantined; whoever reads it asks the links whether they still are."""

MANY = 8
"""Links of one page above which they are judged together."""

OF_ONE_LINK = frozenset(ConflictKind) - {ConflictKind.SAME_TIME}


def open_conflict(
    run: SyncRun, link: Link, kind: ConflictKind, booking_when: When | None, calendar_when: When | None,
    code: str | None, rule: str, other: Link | None = None,
) -> None:  # fmt: skip
    """Open it, or bring an open one up to date. One that a person left alone stays left while it is the same.

    Raises LeaseLostError: the run that overtook this one has judged what stands there now."""
    run.check_lease()
    now = run.ports.clock.now()
    key = conflict_id(run.resource, kind, link.ref, other.ref if other else None)
    old = run.ports.stores.conflicts.get(run.account, key)
    new = Conflict(
        key, run.account, run.resource, kind, link.ref, link.booking_id, other.ref if other else None,
        other.entry_id if other else link.entry_id, booking_when, calendar_when, now, code,
    )  # fmt: skip
    if old is not None and _says_the_same(old, new):
        is_left = old.status is ConflictStatus.LEFT and (old.left_until_at is None or old.left_until_at > now)
        if old.status is ConflictStatus.OPEN or is_left:
            return
    if kind in OF_ONE_LINK:
        run.agreed.discard(link.ref)
        known = run.ports.stores.conflicts.of_link(run.account, run.resource, link.ref)
        _settle_own(run, known, but=kind)  # what is wrong with a link now replaces what was
    revision = old.revision + 1 if old else 1
    opened = old.opened_at if old and old.status is ConflictStatus.OPEN else now
    conflict = replace(new, revision=revision, opened_at=opened)
    run.ports.stores.conflicts.save(conflict)
    run.log(
        Reason.CONFLICT_OPENED, rule=rule, ref=link.ref, code=kind.value, is_problem=True, conflict=key,
        when=span(booking_when or calendar_when or link.when),
    )  # fmt: skip
    if run.ports.on_conflict is not None:
        run.ports.on_conflict(conflict)


def note_reads(run: SyncRun, reads: Iterable[Read]) -> None:
    """What was read is judged again even where nothing is left to do: a run may have crashed between its writes and its
    conflicts. A copy that still has the version that both sides agreed on needs no other proof of agreement."""
    for read in reads:
        link = read.link
        if link is None:
            continue
        run.touched.setdefault(read.ref, link)
        is_as_agreed = isinstance(read.calendar, Entry) and read.calendar.version == link.calendar.version
        is_open = link.is_quarantined or link.is_disputed or link.decision is not None or link.has_attendees
        has_guests = isinstance(read.calendar, Entry) and read.calendar.has_attendees
        if is_as_agreed and not is_open and not has_guests:
            run.agreed.add(read.ref)


def watch_conflicts(run: SyncRun) -> None:
    """After a page: conflicts of the links that were touched, and of those that are known to agree again."""
    touched, run.touched = run.touched, {}
    agreed, run.agreed = run.agreed, set()
    entries = {ref: link for ref, link in touched.items() if link is not None and link.origin is Origin.CALENDAR}
    if len(entries) > MANY:
        _watch_many(run, entries)
    for ref, link in touched.items():
        is_judged = len(entries) <= MANY or ref not in entries
        if not is_judged and ref not in agreed:
            continue
        # Read once for both: the one ends conflicts of the link alone, the other those with another link.
        known = run.ports.stores.conflicts.of_link(run.account, run.resource, ref)
        if ref in agreed:
            _settle_own(run, known)
        if is_judged:
            _watch_overlaps(run, ref, link, known)


def settle_gone(run: SyncRun, ref: LinkRef) -> None:
    """Before a link is deleted: afterwards nothing would lead to its conflicts any more."""
    for conflict in run.ports.stores.conflicts.of_link(run.account, run.resource, ref):
        _settle(run, conflict)


def settle_touched(run: SyncRun) -> None:
    """In a full round: only the conflicts about single links; overlaps are judged once at its end."""
    agreed, run.agreed, run.touched = run.agreed, set(), {}
    for conflict in run.ports.stores.conflicts.of_resource(run.account, run.resource) if agreed else ():
        is_about = conflict.kind in OF_ONE_LINK and _is_live(conflict) and conflict.booking_ref in agreed
        if is_about and not _is_still_outside(run, conflict):
            _settle(run, conflict)


def watch_everything(run: SyncRun) -> None:
    """After a first import or a full check: one sweep over all links instead of two queries per link."""
    now, links = run.ports.clock.now(), run.ports.stores.links
    _tidy_set_aside(run)
    bookings = [link for link in links.series(run.account, run.resource, BOOKINGS) if link.end_at > now]
    wanted: set[str] = set()
    for booking, entry in pairs(bookings, links.all(run.account, run.resource) if bookings else ()):
        if entry.end_at > now:
            wanted.add(_pair_id(run, booking, entry))
            _open_pair(run, booking, entry)
    for conflict in run.ports.stores.conflicts.of_resource(run.account, run.resource):
        if conflict.kind is ConflictKind.SAME_TIME and _is_live(conflict) and conflict.id not in wanted:
            _settle(run, conflict)


def _tidy_set_aside(run: SyncRun) -> None:
    """The list of what was quarantined keeps those that still are; each full round leaves it short."""
    links = run.ports.stores.links
    refs = links.leaving(run.account, run.resource, SET_ASIDE)
    known = links.get(run.account, run.resource, refs) if refs else {}
    over = [ref for ref in refs if ref not in known or not known[ref].is_quarantined]
    if over:
        links.clear_leaving(run.account, run.resource, SET_ASIDE, over)


def _watch_many(run: SyncRun, entries: dict[LinkRef, Link]) -> None:
    """A whole series was read: two queries for all of its occurrences, and only over the time that they span."""
    now, links = run.ports.clock.now(), run.ports.stores.links
    first = max(now, min(link.start_at for link in entries.values()))
    last = max(link.end_at for link in entries.values())
    near = links.overlapping(run.account, run.resource, first, last) if first < last else []
    bookings = [link for link in near if link.end_at > now]  # pairs() takes those that are bookings
    found = [pair for pair in pairs(bookings, entries.values()) if pair[1].end_at > now]
    wanted = {_pair_id(run, *pair) for pair in found}
    for pair in found:
        _open_pair(run, *pair)
    for conflict in run.ports.stores.conflicts.of_resource(run.account, run.resource):
        is_theirs = conflict.kind is ConflictKind.SAME_TIME and conflict.other_ref in entries
        if is_theirs and _is_live(conflict) and conflict.id not in wanted:
            _settle(run, conflict)


def _watch_overlaps(run: SyncRun, ref: LinkRef, link: Link | None, known: list[Conflict]) -> None:
    now = run.ports.clock.now()
    wanted: dict[str, tuple[Link, Link]] = {}
    if link is not None and link.end_at > now:
        near = run.ports.stores.links.overlapping(run.account, run.resource, link.start_at, link.end_at)
        others = [other for other in near if other.ref != ref and other.end_at > now]
        is_booking = link.origin is Origin.HOST
        found = pairs([link], others) if is_booking else pairs(others, [link])
        wanted = {_pair_id(run, *pair): pair for pair in found}
    for booking, entry in wanted.values():
        _open_pair(run, booking, entry)
    for conflict in known:
        if conflict.kind is ConflictKind.SAME_TIME and conflict.id not in wanted:
            _settle(run, conflict)


def _open_pair(run: SyncRun, booking: Link, entry: Link) -> None:
    open_conflict(run, booking, ConflictKind.SAME_TIME, booking.when, entry.when, None, "R60", entry)


def _pair_id(run: SyncRun, booking: Link, entry: Link) -> str:
    return conflict_id(run.resource, ConflictKind.SAME_TIME, booking.ref, entry.ref)


def _settle_own(run: SyncRun, known: list[Conflict], but: ConflictKind | None = None) -> None:
    """Both sides of the link say the same again: conflicts about the link itself are over."""
    for conflict in known:
        if conflict.kind in OF_ONE_LINK and conflict.kind is not but and not _is_still_outside(run, conflict):
            _settle(run, conflict)


def _is_still_outside(run: SyncRun, conflict: Conflict) -> bool:
    """R111: both sides agree, on a time at which nobody works. It is over when the booking or the hours move."""
    if conflict.code != ACCEPTED_OUTSIDE or conflict.booking_when is None:
        return False
    ref = conflict.booking_ref
    link = run.ports.stores.links.get(run.account, run.resource, [ref]).get(ref)
    is_there = link is not None and link.when == conflict.booking_when
    return is_there and not is_working_time(run.scope.resource, conflict.booking_when)


def _settle(run: SyncRun, conflict: Conflict) -> None:
    run.check_lease()
    now = run.ports.clock.now()
    settled = replace(conflict, status=ConflictStatus.SETTLED, ended_at=now, revision=conflict.revision + 1)
    run.ports.stores.conflicts.save(settled)
    when = conflict.booking_when or conflict.calendar_when
    if when is not None:
        run.times[conflict.booking_ref] = when
    run.log(
        Reason.CONFLICT_SETTLED, rule="R62", ref=conflict.booking_ref, code=conflict.kind.value, conflict=conflict.id
    )


def _is_live(conflict: Conflict) -> bool:
    return conflict.status in (ConflictStatus.OPEN, ConflictStatus.LEFT)


def _says_the_same(old: Conflict, new: Conflict) -> bool:
    return (old.booking_when, old.calendar_when, old.code) == (new.booking_when, new.calendar_when, new.code)
