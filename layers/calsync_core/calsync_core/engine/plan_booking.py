"""A booking and its copy in the primary calendar: the first table of docs/sync-rules.md. What either side changed
stands in plan_changes.py."""

from calsync_core.domain.appointments import Booking, Copy, Entry
from calsync_core.domain.conflicts import ConflictKind
from calsync_core.domain.links import Agreed, Intent, Link, Origin, booking_ref
from calsync_core.domain.synclog import Reason
from calsync_core.domain.values import replace
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import (
    UNSEEN,
    Action,
    AdoptCopy,
    CancelBooking,
    CreateCopy,
    DeleteCopy,
    DropLink,
    Leave,
    MoveBooking,
    OpenConflict,
    Quiet,
    Skip,
    UpdateCopy,
)
from calsync_core.engine.marks import uid_hash
from calsync_core.engine.observe import Observation, Scope, Side
from calsync_core.engine.plan_changes import (
    ask_once,
    asked_for,
    booking_changed,
    copy_changed,
    is_own_move,
    note_versions,
)
from calsync_core.engine.plan_quiet import SET_ASIDE, WAITS, closed, has_new_version

_STAYS_AWAY = Quiet("R7", "copy_deleted_here")


def plan_booking(seen: Observation, scope: Scope, is_final: bool) -> Action | None:
    link = seen.read.link
    if Side.UNKNOWN in (seen.host, seen.calendar):
        return WAITS
    if not scope.settings.writes_calendar:
        return closed(seen, scope)
    if seen.host is Side.GONE:
        return _booking_gone(seen, scope, is_final)
    if link is not None and link.pattern and seen.copy is not None and seen.copy.recurrence is None:
        return _series_no_more(seen, link)
    is_set_aside = link is not None and link.is_quarantined and link.settings_version >= scope.reproject_below
    if is_set_aside and link is not None and not has_new_version(seen.read.host, link.host.version):
        return SET_ASIDE  # until its origin or the settings change, or a person asks for another try
    if link is not None and link.decision is not None:
        return _as_decided(seen, link, scope)
    if link is None or link.entry_id is None:
        is_missing = link is not None and link.intent is None
        return _copy_missing(seen, link, scope) if link and is_missing else _no_copy_yet(seen, scope)
    return _by_table(seen, link, scope, is_final)


def _by_table(seen: Observation, link: Link, scope: Scope, is_final: bool) -> Action | None:
    """Booking and copy both exist, or did."""
    if seen.calendar is Side.GONE:
        return _copy_gone(seen, link, scope, is_final)
    if seen.host is Side.CHANGED:
        return booking_changed(seen, link, scope)
    if seen.calendar is Side.CHANGED:
        return copy_changed(seen, link, scope)
    return note_versions(seen, link, scope)


def _booking_gone(seen: Observation, scope: Scope, is_final: bool) -> Action | None:
    link, entry, booking = seen.read.link, seen.read.calendar, seen.read.host
    if link is None:
        is_occurrence = isinstance(entry, Entry) and entry.series_id is not None
        return _left_out(booking, entry, scope) if is_occurrence and isinstance(booking, Booking) else None
    if isinstance(entry, Entry):
        # an intent without a result, found by its mark or by its place in a series
        link = replace(link, entry_id=entry.id, calendar_id=entry.calendar_id)
    if link.entry_id is None or seen.calendar is Side.GONE:
        return DropLink("R16", link)
    if not isinstance(seen.read.host, Booking) and not is_final:
        return Leave("R50", link)  # a tombstone; a booking shown as cancelled or handed over is a clear word
    version = entry.version if isinstance(entry, Entry) else link.calendar.version or UNSEEN
    if isinstance(entry, Entry) and entry.series_id is not None and not link.calendar.time:
        version = ""  # found by its day: only the series' version is known, which any write to it changes
    return DeleteCopy("R15", link, version, had_changed=seen.calendar is Side.CHANGED)


def _series_no_more(seen: Observation, link: Link) -> Action:
    """R82: written as a series, and calendars cannot say it any more: whatever else happened to it, it goes, and its
    occurrences become single entries."""
    entry = seen.read.calendar
    if isinstance(entry, Entry):
        link = replace(link, entry_id=entry.id, calendar_id=entry.calendar_id)
    return DeleteCopy("R82", link, "", had_changed=seen.calendar_time_changed and bool(link.calendar.time))


def _left_out(booking: Booking, entry: Entry | object, scope: Scope) -> Action | None:
    """R83: the booking system has cancelled this occurrence; our series still has it."""
    if not isinstance(entry, Entry):
        return None
    return DeleteCopy("R83", replace(_fresh_row(None, booking, scope), entry_id=entry.id), "")


def _no_copy_yet(seen: Observation, scope: Scope) -> Action | None:
    booking, copy, link = seen.read.host, seen.copy, seen.read.link
    if not isinstance(booking, Booking) or copy is None:
        return None
    if booking.is_series_master:
        return _no_series_yet(seen, booking, copy, scope)
    if link is None and not scope.window.holds(booking.when, scope.resource.time_zone):
        return Skip("R42", seen.read.ref, code="outside_window")
    row = _fresh_row(link, booking, scope)
    entry = seen.read.calendar
    if isinstance(entry, Entry) and entry.series_id is not None:
        # With guests a series stays in a calendar that was given up (R53), and its occurrences with it.
        row = replace(row, original_start_at=entry.original_start_at, calendar_id=entry.calendar_id)
        return AdoptCopy("R81", row, booking, copy, entry, seen.read.entry_is_whole)
    if isinstance(entry, Entry):
        row = _as_marked(row, entry)
        return AdoptCopy("R32" if link is None else "R30", row, booking, copy, entry)
    if booking.series_id is not None and not seen.read.is_single:
        return None  # its place in the calendar's series was not looked for: the next page of the feed is where it is
    if booking.series_id is not None:
        return CreateCopy("R82", row, booking, copy)
    return CreateCopy("R1" if link is None else "R31", row, booking, copy)


def _no_series_yet(seen: Observation, booking: Booking, copy: Copy, scope: Scope) -> Action:
    """R80: one real series, with its real range, whatever part of it lies in the window."""
    entry = seen.read.calendar
    row = _fresh_row(seen.read.link, booking, scope)
    if copy.recurrence is None and isinstance(entry, Entry):  # kept when its resource left, and the rule changed since
        return DeleteCopy("R82", replace(row, entry_id=entry.id), "")
    if copy.recurrence is None:
        return Skip("R82", seen.read.ref, code="series_singles")
    row = replace(row, pattern=fingerprint.pattern_of(copy.recurrence))
    if isinstance(entry, Entry):
        return AdoptCopy("R80", _as_marked(row, entry), booking, copy, entry)
    return CreateCopy("R80", row, booking, copy)


def row_as_found(link: Link | None, booking: Booking, copy: Copy, entry: Entry, scope: Scope) -> Link:
    """R143: the row of a copy as it stands in some calendar. What it shows is agreed on under no version, so that
    everything else is a change."""
    row, time = _as_marked(_fresh_row(link, booking, scope), entry), fingerprint.time_of(entry.when)
    pattern = fingerprint.pattern_of(copy.recurrence) if copy.recurrence is not None else ""
    return replace(
        row, calendar_id=entry.calendar_id, entry_id=entry.id, entry_uid=uid_hash(entry), intent=None, pattern=pattern,
        host=Agreed(time=time), calendar=Agreed(time=time, rest=fingerprint.rest_of_entry(entry)),
    )  # fmt: skip


def _as_marked(row: Link, entry: Entry) -> Link:
    """R122: the mark says which copy this is, also where the row is older than the copy or there is none."""
    mark = entry.mark
    return row if mark is None else replace(row, generation=mark.generation, mark_id=mark.own)


def _fresh_row(link: Link | None, booking: Booking, scope: Scope, *, again: bool = False) -> Link:
    start, end = booking.when.interval(scope.resource.time_zone)
    base = link or Link(
        booking_ref(booking.id), scope.resource.id, Origin.HOST, scope.primary, booking.when, start, end,
        booking_id=booking.id, series_id=None if booking.is_series_master else booking.series_id,
    )  # fmt: skip
    end = start if booking.is_series_master else end  # the series itself takes no time
    return replace(
        base, when=booking.when, start_at=start, end_at=end, original_start_at=None,
        intent=Intent.CREATE, entry_id=None,
        calendar=Agreed(), host=Agreed(), calendar_id=scope.primary, decision=None, is_quarantined=False,
        generation=base.generation + 1 if again else base.generation, settings_version=scope.settings_version,
        mark_id="" if again else base.mark_id, entry_uid=None, is_disputed=False,
    )  # fmt: skip


def _as_decided(seen: Observation, link: Link, scope: Scope) -> Action | None:
    """A person ended the conflict: R70 keep the booking's time, R71 take the calendar's."""
    booking, entry = seen.read.host, seen.read.calendar
    if not isinstance(booking, Booking):
        return None
    copy = seen.copy
    if link.decision is Origin.CALENDAR and isinstance(entry, Entry) and seen.calendar_time_changed:
        return MoveBooking("R71", link, booking, asked_for(entry, link, booking, scope), entry)
    if seen.calendar in (Side.GONE, Side.ABSENT):
        if link.decision is Origin.CALENDAR:
            return CancelBooking("R71", link, booking)
        if copy is None:
            return None
        return CreateCopy("R70", _fresh_row(link, booking, scope, again=True), booking, copy, Reason.COPY_RESTORED)
    if copy is None or not isinstance(entry, Entry):
        return None
    return UpdateCopy("R70", link, booking, copy, entry.version, Reason.COPY_RESTORED)


def _copy_gone(seen: Observation, link: Link, scope: Scope, is_final: bool) -> Action | None:
    booking, copy = seen.read.host, seen.copy
    if not isinstance(booking, Booking) or copy is None:
        return None
    if not is_final:
        return Leave("R50", link)
    again = _fresh_row(link, booking, scope, again=True)
    if seen.host is Side.CHANGED and not is_own_move(link, booking):
        return CreateCopy("R14", again, booking, copy, Reason.COPY_RESTORED)
    wish = scope.settings.edits.deleted_in_calendar
    if wish == "flag":
        seen_host = replace(link.host, version=booking.version, time=fingerprint.time_of(copy.when))
        missing = replace(link, entry_id=None, calendar=Agreed(), intent=None, attempt=None, host=seen_host)
        return OpenConflict("R7", missing, ConflictKind.COPY_DELETED, booking.when, None)
    if wish == "cancel_booking" and scope.settings.writes_host:
        return ask_once(CancelBooking("R9", link, booking), link, booking, None)
    return CreateCopy("R8", again, booking, copy, Reason.COPY_RESTORED)


def _copy_missing(seen: Observation, link: Link, scope: Scope) -> Action | None:
    """The person deleted the copy and a conflict shows it (R7); it comes back when the booking changes (R14)."""
    booking = seen.read.host
    if isinstance(seen.read.calendar, Entry):
        return _no_copy_yet(seen, scope)
    if seen.host is not Side.CHANGED or not isinstance(booking, Booking) or seen.copy is None:
        return _STAYS_AWAY
    again = _fresh_row(link, booking, scope, again=True)
    return CreateCopy("R14", again, booking, seen.copy, Reason.COPY_RESTORED)
