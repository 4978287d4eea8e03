"""The decision tables of design.md section 5: observations in, actions out. Pure.

One branch per rule id; the ids stand in docs/sync-rules.md and on the tests that prove them. `is_final` says that the
round of a tombstone is complete and the stop-line was passed: only then does a tombstone delete.
"""

from dataclasses import replace
from typing import TypeGuard

from calsync_core.domain.appointments import Block, Booking, Copy, Entry, Mark, When
from calsync_core.domain.conflicts import ConflictKind, kind_of_refusal
from calsync_core.domain.ids import LinkRef
from calsync_core.domain.links import CANCEL, Agreed, Intent, Link, Origin, booking_ref, wish_of
from calsync_core.domain.synclog import Reason
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import (
    Action,
    AdoptCopy,
    Agree,
    CancelBooking,
    CreateCopy,
    DeleteBlock,
    DeleteCopy,
    DropLink,
    Leave,
    MoveBooking,
    OpenConflict,
    PutBlock,
    Quiet,
    Skip,
    UpdateCopy,
)
from calsync_core.engine.marks import uid_hash
from calsync_core.engine.observe import Observation, Scope, Side
from calsync_core.engine.project import NotBlocking, booking_time


def plan(observations: list[Observation], scope: Scope, *, is_final: bool = False) -> list[Action]:
    """One action or none per observation, in order."""
    actions: list[Action] = []
    for seen in observations:
        action = decide(seen, scope, is_final=is_final)
        if action is not None and action.__class__ is not Quiet:
            actions.append(action)
    return actions


def decide(seen: Observation, scope: Scope, *, is_final: bool = False) -> Action | None:
    """What `plan` decides about one observation, with the rule that asks for nothing (`Quiet`) where one has a name."""
    is_host = seen.origin is Origin.HOST
    action = _plan_host(seen, scope, is_final) if is_host else _plan_calendar(seen, scope, is_final)
    return action if action is None else _without_mail(_keeping_times(action, seen), seen, scope)


def _keeping_times(action: Action, seen: Observation) -> Action:
    """R84: a series whose times are written loses its exceptions; where only the text differs they are left alone."""
    if not isinstance(action, UpdateCopy) or action.copy.recurrence is None:
        return action
    if action.is_text_only or not (seen.host_time_changed or seen.calendar_time_changed):
        return replace(action, copy=replace(action.copy, keeps_times=True))
    return action


_WAITS, _KEPT = Quiet("R17", "window_unread"), Quiet("R29", "window_unread")
_SET_ASIDE = Quiet("R52", "entry_quarantined")
_CLOSED = Quiet("R40", "direction")
_AS_AGREED, _SAME_BLOCK = Quiet("R2", "in_step"), Quiet("R22", "in_step")
_STAYS_AWAY = Quiet("R7", "copy_deleted_here")


def _without_mail(action: Action, seen: Observation, scope: Scope) -> Action:
    """R53: a person invited others to our copy; Microsoft would mail them about every write of ours (graph.md 3.3)."""
    if not isinstance(action, UpdateCopy | DeleteCopy):
        return action
    entry, booking = seen.read.calendar, seen.read.host
    if not (entry.has_attendees if isinstance(entry, Entry) else action.link.has_attendees):
        return action
    link = seen.read.link or action.link
    was = booking.when if isinstance(booking, Booking) else link.when
    is_at = _asked_for(entry, link, booking, scope) if isinstance(entry, Entry) else None
    return OpenConflict("R53", link, ConflictKind.NOT_WRITABLE, was, is_at, "has_attendees")


OUTDATED = -1
"""The settings version of a link that has to be projected anew whenever it is seen."""


def _closed(seen: Observation, scope: Scope) -> Action | None:
    """The direction is closed: nothing new (R40), what is there is left alone, unless the admin chose to have it
    removed from the whole window (R43)."""
    link = seen.read.link
    if link is None:
        return Skip("R40", seen.read.ref, code="direction")
    if link.settings_version >= scope.reproject_below:
        return _CLOSED
    if not scope.removes_closed:  # stricter privacy: never edited while it is closed, rewritten when it opens again
        return Agree("R100", replace(link, settings_version=OUTDATED)) if link.settings_version >= 0 else _CLOSED
    if link.origin is Origin.CALENDAR:
        return DeleteBlock("R43", link)
    entry = seen.read.calendar
    version = entry.version if isinstance(entry, Entry) else link.calendar.version
    if isinstance(entry, Entry):  # an intent without a result, found by its mark
        link = replace(link, entry_id=entry.id, calendar_id=entry.calendar_id)
    return DeleteCopy("R43", link, version) if link.entry_id else DropLink("R43", link)


# --- origin host: a booking and its copy in the primary calendar -------------------------------------------------


def _plan_host(seen: Observation, scope: Scope, is_final: bool) -> Action | None:
    link = seen.read.link
    if Side.UNKNOWN in (seen.host, seen.calendar):
        return _WAITS
    if not scope.settings.writes_calendar:
        return _closed(seen, scope)
    if seen.host is Side.GONE:
        return _booking_gone(seen, scope, is_final)
    if link is not None and link.pattern and seen.copy is not None and seen.copy.recurrence is None:
        return _series_no_more(seen, link)
    is_set_aside = link is not None and link.is_quarantined and link.settings_version >= scope.reproject_below
    if is_set_aside and link is not None and not _has_new_version(seen.read.host, link.host.version):
        return _SET_ASIDE  # until its origin or the settings change, or a person asks for another try
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
        return _booking_changed(seen, link, scope)
    if seen.calendar is Side.CHANGED:
        return _copy_changed(seen, link, scope)
    return _note_versions(seen, link, scope)


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
    version = entry.version if isinstance(entry, Entry) else link.calendar.version
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
        row = replace(row, original_start_at=entry.original_start_at)
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
        return MoveBooking("R71", link, booking, _asked_for(entry, link, booking, scope), entry)
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
    if seen.host is Side.CHANGED and not _is_own_move(link, booking):
        return CreateCopy("R14", again, booking, copy, Reason.COPY_RESTORED)
    wish = scope.settings.edits.deleted_in_calendar
    if wish == "flag":
        seen_host = replace(link.host, version=booking.version, time=fingerprint.time_of(copy.when))
        missing = replace(link, entry_id=None, calendar=Agreed(), intent=None, attempt=None, host=seen_host)
        return OpenConflict("R7", missing, ConflictKind.COPY_DELETED, booking.when, None)
    if wish == "cancel_booking" and scope.settings.writes_host:
        return _ask_once(CancelBooking("R9", link, booking), link, booking, None)
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


def _booking_changed(seen: Observation, link: Link, scope: Scope) -> Action | None:
    booking, copy, entry = seen.read.host, seen.copy, seen.read.calendar
    if not isinstance(booking, Booking) or copy is None:
        return None
    version = entry.version if isinstance(entry, Entry) else link.calendar.version
    if isinstance(entry, Entry):
        action = _text_in_dispute(seen, link, booking, copy, entry, scope)
        if action is None and link.attempt is not None:
            action = _after_a_lost_answer(seen, link, booking, copy, entry, scope)
        if action is not None:
            return action
    if not isinstance(entry, Entry) or seen.calendar is Side.UNCHANGED:
        return UpdateCopy("R10", link, booking, copy, version)
    return _both_changed(seen, link, booking, copy, entry, scope)


def _text_in_dispute(
    seen: Observation, link: Link, booking: Booking, copy: Copy, entry: Entry, scope: Scope
) -> Action | None:
    """R100: settings for the whole window are written into copies that the person changed as well, whatever is open
    about them; where their time is in dispute it stays as it is."""
    is_settled = link.settings_version >= scope.reproject_below or not seen.host_rest_changed
    if is_settled or seen.calendar is not Side.CHANGED or _is_own_update(seen, link, entry):
        return None
    if seen.read.entry_is_whole and fingerprint.rest_of_copy(copy) == fingerprint.rest_of_entry(entry):
        return None
    if not seen.calendar_time_changed:
        return UpdateCopy("R100", link, booking, copy, entry.version)
    kept = replace(copy, when=entry.when, keeps_times=True)
    return UpdateCopy("R100", link, booking, kept, entry.version, is_text_only=True)


def _asked_for(entry: Entry, link: Link, booking: object, scope: Scope) -> When:
    """The booking's time that the copy stands for now; buffers around it are not part of it."""
    if not isinstance(booking, Booking):
        return entry.when
    return booking_time(entry.when, booking, scope.settings, link.host.time)


def _both_changed(
    seen: Observation, link: Link, booking: Booking, copy: Copy, entry: Entry, scope: Scope
) -> Action | None:
    asked = _asked_for(entry, link, booking, scope)
    if seen.host_time_changed and seen.calendar_time_changed:
        if fingerprint.time_of(entry.when) != fingerprint.time_of(copy.when):
            return OpenConflict("R11", link, ConflictKind.CHANGED_ON_BOTH, booking.when, asked, "both_times_changed")
    elif seen.calendar_time_changed:
        return _moved(seen, link, booking, copy, entry, scope)  # R13: the time first, the rest with the next round
    if seen.host_rest_changed and seen.calendar_rest_changed:
        if fingerprint.rest_of_copy(copy) != fingerprint.rest_of_entry(entry):
            return OpenConflict("R11", link, ConflictKind.CHANGED_ON_BOTH, booking.when, asked, "both_details_changed")
    elif not seen.host_time_changed and not seen.host_rest_changed:
        return _agree_on(seen, link, scope, "R6")
    if _looks_alike(copy, entry, is_whole=seen.read.entry_is_whole):
        return _agree_on(seen, link, scope, "R12")
    return UpdateCopy("R13", link, booking, copy, entry.version)


def _looks_alike(copy: Copy, entry: Entry, *, is_whole: bool) -> bool:
    if copy.recurrence is not None:
        return False  # an entry does not tell how it repeats
    same_time = fingerprint.time_of(copy.when) == fingerprint.time_of(entry.when)
    return is_whole and same_time and fingerprint.rest_of_copy(copy) == fingerprint.rest_of_entry(entry)


def _copy_changed(seen: Observation, link: Link, scope: Scope) -> Action | None:
    booking, copy, entry = seen.read.host, seen.copy, seen.read.calendar
    if not isinstance(entry, Entry):
        return None
    is_ours = _is_own_update(seen, link, entry)
    if is_ours and isinstance(booking, Booking) and copy is not None:
        return UpdateCopy("R18", link, booking, copy, entry.version)
    if not seen.calendar_time_changed:
        return _agree_on(seen, link, scope, "R6")
    if not isinstance(booking, Booking) or copy is None:
        return None
    return _moved(seen, link, booking, copy, entry, scope)


def _after_a_lost_answer(
    seen: Observation, link: Link, booking: Booking, copy: Copy, entry: Entry, scope: Scope
) -> Action | None:
    """What looks like a change on both sides, and is one: the other was our own write."""
    is_elsewhere = fingerprint.time_of(copy.when) != fingerprint.time_of(entry.when)
    if is_elsewhere and _is_own_move(link, booking):
        return _moved(seen, link, booking, copy, entry, scope, "R19")
    if _is_own_update(seen, link, entry) and not _looks_alike(copy, entry, is_whole=seen.read.entry_is_whole):
        return UpdateCopy("R18", link, booking, copy, entry.version)
    return None


def _is_own_update(seen: Observation, link: Link, entry: Entry) -> bool:
    """The copy stands as a write of ours, whose answer was lost, meant it: nobody else changed it."""
    attempt = link.attempt
    if attempt is None or attempt.side is not Origin.CALENDAR or fingerprint.time_of(entry.when) != attempt.time:
        return False
    return not seen.read.entry_is_whole or fingerprint.rest_of_entry(entry) == attempt.rest


def _is_own_move(link: Link, booking: Booking) -> bool:
    """The booking stands where we asked for it, and the answer was lost: the clinic did not move it."""
    attempt = link.attempt
    return attempt is not None and attempt.side is Origin.HOST and fingerprint.time_of(booking.when) == attempt.time


def _moved(
    seen: Observation, link: Link, booking: Booking, copy: Copy, entry: Entry, scope: Scope, rule: str = "R3"
) -> Action | None:
    """The copy was moved by the person."""
    wish = scope.settings.edits.moved_in_calendar
    if fingerprint.time_of(copy.when) == fingerprint.time_of(entry.when):
        if copy.recurrence is not None:  # an entry does not tell how it repeats: the booking system's rule is written
            return UpdateCopy("R88", link, booking, copy, entry.version)
        return _agree_on(seen, link, scope, "R12")
    asked = _asked_for(entry, link, booking, scope)
    if wish == "flag":
        return OpenConflict("R5", link, ConflictKind.MOVED, booking.when, asked)
    if wish == "apply" and scope.settings.writes_host:
        return _ask_once(MoveBooking(rule, link, booking, asked, entry), link, booking, asked)
    return UpdateCopy("R4", link, booking, copy, entry.version, Reason.COPY_RESTORED)


def _ask_once(wish: MoveBooking | CancelBooking, link: Link, booking: Booking, when: When | None) -> Action:
    """R110: what the booking system refused is not asked of the same version again; the conflict stays open."""
    no = link.refused
    if no is None or no.wish != wish_of(booking.version, fingerprint.time_of(when) if when else CANCEL):
        return wish
    return OpenConflict("R110", link, kind_of_refusal(no.code), booking.when, when, no.code)


def _note_versions(seen: Observation, link: Link, scope: Scope) -> Action | None:
    """R2: both as agreed. A version that moved on without a change of ours is noted, so that the next write fits."""
    entry, booking = seen.read.calendar, seen.read.host
    new_entry = isinstance(entry, Entry) and entry.version != link.calendar.version
    new_booking = isinstance(booking, Booking) and booking.version != link.host.version
    if (link.attempt is not None or link.is_disputed) and not isinstance(booking, Booking):
        return _WAITS  # a write of ours did not come through, or met a change (R11): one side alone proves no agreement
    is_old = not new_booking and link.settings_version >= scope.reproject_below
    if is_old and not link.is_disputed and (not new_entry or _is_echo(seen, link)):
        return _AS_AGREED
    return _agree_on(seen, link, scope, "R2")


def _is_echo(seen: Observation, link: Link) -> bool:
    """R84: every write to a series gives all its occurrences a new version at once; no write of ours needs it."""
    entry = seen.read.calendar
    return link.series_id is not None and isinstance(entry, Entry) and entry.id == link.entry_id


def _agree_on(seen: Observation, link: Link, scope: Scope, rule: str) -> Action | None:
    """Take what both sides show now as agreed; the person's own changes of other fields are left alone."""
    entry, booking, copy = seen.read.calendar, seen.read.host, seen.copy
    host, calendar, when = link.host, link.calendar, link.when
    if isinstance(booking, Booking):
        time, rest = (
            (fingerprint.time_of(copy.when), fingerprint.asked_of_copy(copy)) if copy else (host.time, host.rest)
        )
        host, when = Agreed(booking.version, time, rest), booking.when
    if isinstance(entry, Entry):
        rest = fingerprint.rest_of_entry(entry) if seen.read.entry_is_whole else calendar.rest
        calendar = Agreed(entry.version, fingerprint.time_of(entry.when), rest)
    start, end = when.interval(scope.resource.time_zone)
    end = start if link.pattern else end
    row = replace(
        link, host=host, calendar=calendar, when=when, start_at=start, end_at=end, decision=None, attempt=None,
        has_attendees=entry.has_attendees if isinstance(entry, Entry) else link.has_attendees,
        is_disputed=link.is_disputed and not (isinstance(booking, Booking) and isinstance(entry, Entry)),
        settings_version=scope.settings_version if copy else link.settings_version,
    )  # fmt: skip
    return Agree(rule, row, is_proof=isinstance(entry, Entry)) if row != link else _AS_AGREED


def _has_new_version(read: object, agreed: str) -> bool:
    return isinstance(read, Booking | Entry) and read.version != agreed


# --- origin calendar: an entry and its block at the booking system -----------------------------------------------


def _plan_calendar(seen: Observation, scope: Scope, is_final: bool) -> Action | None:
    link, read = seen.read.link, seen.read
    if seen.calendar is Side.UNKNOWN or seen.host is Side.UNKNOWN:
        return _KEPT  # its age shows
    if not scope.settings.writes_host:
        return _closed(seen, scope)
    if seen.calendar is Side.GONE:
        return _entry_gone(seen, link, is_final)
    if link is not None and link.is_quarantined and not _has_new_version(read.calendar, link.calendar.version):
        return _SET_ASIDE
    if read.is_shared_booking:
        return DeleteBlock("R34", link) if link else Skip("R34", read.ref, code="own_booking")
    if isinstance(seen.block, NotBlocking):
        if link is None:
            return Skip("R21", read.ref, code=seen.block.value)
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
