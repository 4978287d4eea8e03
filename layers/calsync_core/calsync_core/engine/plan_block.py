"""An entry of the calendar and its block at the booking system: the second table of docs/sync-rules.md."""

from typing import TypeGuard

from calsync_core.domain.appointments import Block, Entry, Mark
from calsync_core.domain.ids import LinkRef
from calsync_core.domain.links import Agreed, Intent, Link, Origin
from calsync_core.domain.synclog import Reason
from calsync_core.domain.values import replace
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import (
    Action,
    Agree,
    DeleteBlock,
    DropLink,
    Leave,
    PutBlock,
    Quiet,
    Skip,
)
from calsync_core.engine.marks import uid_hash
from calsync_core.engine.observe import Observation, Scope, Side
from calsync_core.engine.plan_quiet import SET_ASIDE, closed, has_new_version
from calsync_core.engine.project import NotBlocking

_KEPT, _SAME_BLOCK = Quiet("R29", "window_unread"), Quiet("R22", "in_step")


def plan_block(seen: Observation, scope: Scope, is_final: bool) -> Action | None:
    link, read = seen.read.link, seen.read
    if seen.calendar is Side.UNKNOWN or seen.host is Side.UNKNOWN:
        return _KEPT  # its age shows
    if not scope.settings.writes_host:
        return closed(seen, scope)
    if seen.calendar is Side.GONE:
        return _entry_gone(seen, link, is_final)
    if link is not None and link.is_quarantined and not has_new_version(read.calendar, link.calendar.version):
        return SET_ASIDE
    if read.is_shared_booking:
        return DeleteBlock("R34", link) if link else Skip("R34", read.ref, code="own_booking")
    if isinstance(seen.block, NotBlocking):
        if link is None:
            is_odd = seen.block is NotBlocking.NO_LENGTH
            return Skip("R21", read.ref, code=seen.block.value, is_noteworthy=is_odd)
        return DeleteBlock("R27", link, seen.block.value if seen.block.is_filter else None)
    if isinstance(seen.block, Block) and isinstance(read.calendar, Entry):
        return _write_block(seen, read.calendar, seen.block, scope)
    if link is not None and seen.host in (Side.CHANGED, Side.GONE):
        return _put_back(seen, link, scope)
    return _SAME_BLOCK


def _entry_gone(seen: Observation, link: Link | None, is_final: bool) -> Action | None:
    if link is None:
        return None
    if seen.host in (Side.GONE, Side.ABSENT) and link.intent is None:
        return DropLink("R28", link)
    return DeleteBlock("R26", link) if is_final else Leave("R50", link)


def _write_block(seen: Observation, entry: Entry, block: Block, scope: Scope) -> Action | None:
    link = seen.read.link
    is_new = link is None or not link.host.version
    if link is None and not scope.window.holds(entry.when, scope.resource.time_zone):
        return Skip("R42", seen.read.ref, code="outside_window")
    row = _block_row(seen.read.ref, link, entry, block, scope)
    if is_new:
        return PutBlock("R33" if entry.mark else "R20", replace(row, intent=Intent.CREATE), block, is_new=True)
    if seen.calendar is Side.CHANGED:
        return PutBlock("R25", row, block, is_new=False)
    if seen.host in (Side.CHANGED, Side.GONE):
        return PutBlock(_put_back_rule(seen), row, block, is_new=False, reason=Reason.BLOCK_PUT_BACK)
    return _SAME_BLOCK if _says_nothing_new(row, link) else Agree("R22", row)


def _says_nothing_new(row: Link, link: Link | None) -> bool:
    """R22. A series gives all its occurrences a new version at once, and no write to the calendar ever needs it."""
    if link is None or not link.calendar.version:
        return False
    calendar = replace(row.calendar, version=link.calendar.version)
    return replace(row, calendar=calendar, settings_version=link.settings_version) == link


def _put_back(seen: Observation, link: Link, scope: Scope) -> Action | None:
    """The entry was not read, but it is as agreed: a blocker can be put back from the link alone."""
    if scope.settings.from_calendar.privacy != "anonymous" or link.decision is not None:
        return None
    block = Block(link.block_ref, link.resource_id, link.when, scope.resource.time_zone)
    if fingerprint.rest_of_block(block) != link.calendar.rest:
        return None  # tentative or oof: the usecase reads the entry and comes back with it
    return PutBlock(_put_back_rule(seen), link, block, is_new=False, reason=Reason.BLOCK_PUT_BACK)


def _put_back_rule(seen: Observation) -> str:
    return "R24" if seen.host is Side.GONE else "R23"


def _is_ours(mark: Mark | None, scope: Scope) -> TypeGuard[Mark]:
    return mark is not None and mark.installation == scope.installation and mark.account == scope.account


def _block_row(ref: LinkRef, link: Link | None, entry: Entry, block: Block, scope: Scope) -> Link:
    start, end = entry.when.interval(scope.resource.time_zone)
    base = link or Link(
        ref, scope.resource.id, Origin.CALENDAR, entry.calendar_id, entry.when, start, end,
        series_id=entry.series_id, original_start_at=entry.original_start_at,
        booking_id=entry.mark.booking if _is_ours(entry.mark, scope) else None,
    )  # fmt: skip
    return replace(
        base, entry_id=entry.id, entry_uid=base.entry_uid or uid_hash(entry), when=entry.when,
        start_at=start, end_at=end, is_quarantined=False,
        calendar=Agreed(entry.version, fingerprint.time_of(block.when), fingerprint.rest_of_block(block)),
        settings_version=scope.settings_version,
    )  # fmt: skip
