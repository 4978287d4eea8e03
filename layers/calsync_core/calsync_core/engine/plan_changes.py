"""Booking and copy are both there, and one or both differ from what was agreed on: who is followed, who is asked,
what is a conflict, and what was our own write."""

from calsync_core.domain.appointments import Booking, Copy, Entry, When
from calsync_core.domain.conflicts import REPEATS_OTHERWISE, ConflictKind, kind_of_refusal
from calsync_core.domain.links import CANCEL, Agreed, Intent, Link, Origin, wish_of
from calsync_core.domain.synclog import Reason
from calsync_core.domain.values import replace
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import (
    Action,
    Agree,
    CancelBooking,
    MoveBooking,
    OpenConflict,
    Quiet,
    UpdateCopy,
)
from calsync_core.engine.observe import Observation, Scope, Side, is_placed
from calsync_core.engine.plan_quiet import WAITS
from calsync_core.engine.project import booking_time

_AS_AGREED = Quiet("R2", "in_step")


def booking_changed(seen: Observation, link: Link, scope: Scope) -> Action | None:
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
        return UpdateCopy("R10", _as_asked(link, booking, copy), booking, copy, version)
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
    is_shown = seen.calendar_pattern_changed and scope.settings.edits.moved_in_calendar == "flag"
    if not (seen.calendar_time_changed or is_shown):
        return UpdateCopy("R100", link, booking, copy, entry.version)
    kept = replace(copy, when=entry.when, keeps_times=True)
    return UpdateCopy("R100", link, booking, kept, entry.version, is_text_only=True)


def _both_changed(
    seen: Observation, link: Link, booking: Booking, copy: Copy, entry: Entry, scope: Scope
) -> Action | None:
    asked = asked_for(entry, link, booking, scope)
    if seen.calendar_time_changed and fingerprint.time_of(entry.when) != fingerprint.time_of(copy.when):
        if seen.host_time_changed:
            return OpenConflict("R11", link, ConflictKind.CHANGED_ON_BOTH, booking.when, asked, "both_times_changed")
        return _moved(seen, link, booking, copy, entry, scope)  # R13: the time first, the rest with the next round
    are_both_changed = seen.host_rest_changed and seen.calendar_rest_changed
    if are_both_changed and fingerprint.rest_of_copy(copy) != fingerprint.rest_of_entry(entry):
        return OpenConflict("R11", link, ConflictKind.CHANGED_ON_BOTH, booking.when, asked, "both_details_changed")
    if seen.calendar_pattern_changed and not seen.host_time_changed:
        return _repeats_otherwise(link, booking, copy, entry, scope)
    if not seen.host_time_changed and not seen.host_rest_changed:
        return _agree_on(seen, link, scope, "R6")
    if _looks_alike(copy, entry, is_whole=seen.read.entry_is_whole):
        return _agree_on(seen, link, scope, "R12")
    return UpdateCopy("R13", _as_asked(link, booking, copy), booking, copy, entry.version)


def _looks_alike(copy: Copy, entry: Entry, *, is_whole: bool) -> bool:
    if not repeats_alike(copy, entry):
        return False
    same_time = fingerprint.time_of(copy.when) == fingerprint.time_of(entry.when)
    return is_whole and same_time and fingerprint.rest_of_copy(copy) == fingerprint.rest_of_entry(entry)


def repeats_alike(copy: Copy, entry: Entry) -> bool:
    """Of a series only where the entry tells how it repeats."""
    return copy.recurrence is None or fingerprint.pattern_of(copy.recurrence) == fingerprint.repeats_of(entry)


def copy_changed(seen: Observation, link: Link, scope: Scope) -> Action | None:
    booking, copy, entry = seen.read.host, seen.copy, seen.read.calendar
    if not isinstance(entry, Entry):
        return None
    is_ours = _is_own_update(seen, link, entry)
    if is_ours and isinstance(booking, Booking) and copy is not None:
        return UpdateCopy("R18", _as_it_stands(link, entry), booking, copy, entry.version)
    if not (seen.calendar_time_changed or seen.calendar_pattern_changed):
        return _agree_on(seen, link, scope, "R6")
    if not isinstance(booking, Booking) or copy is None:
        return None
    if not seen.calendar_time_changed:
        return _repeats_otherwise(link, booking, copy, entry, scope)
    return _moved(seen, link, booking, copy, entry, scope)


def _after_a_lost_answer(
    seen: Observation, link: Link, booking: Booking, copy: Copy, entry: Entry, scope: Scope
) -> Action | None:
    """What looks like a change on both sides, and is one: the other was our own write."""
    is_elsewhere = fingerprint.time_of(copy.when) != fingerprint.time_of(entry.when)
    if is_elsewhere and is_own_move(link, booking):
        return _moved(seen, _as_asked(link, booking, copy), booking, copy, entry, scope, "R19")
    if _is_own_update(seen, link, entry) and not _looks_alike(copy, entry, is_whole=seen.read.entry_is_whole):
        return UpdateCopy("R18", _as_it_stands(link, entry), booking, copy, entry.version)
    return None


def _is_own_update(seen: Observation, link: Link, entry: Entry) -> bool:
    """The copy stands as a write of ours, whose answer was lost, meant it: nobody else changed it."""
    attempt = link.attempt
    if attempt is None or attempt.side is not Origin.CALENDAR or fingerprint.time_of(entry.when) != attempt.time:
        return False
    if attempt.repeats and fingerprint.repeats_of(entry) not in ("", attempt.repeats):
        return False
    return not seen.read.entry_is_whole or fingerprint.rest_of_entry(entry) == attempt.rest


def _as_it_stands(link: Link, entry: Entry) -> Link:
    """What our write to the calendar brought about is known from now on: the next one may be cut off as well."""
    attempt = link.attempt
    if attempt is None:
        return link
    repeats = attempt.repeats or link.calendar.repeats
    return replace(link, calendar=Agreed(entry.version, attempt.time, attempt.rest, repeats))


def _as_asked(link: Link, booking: Booking, copy: Copy) -> Link:
    """The same of what we asked the booking system for: the row holds one attempt, and another takes its place."""
    if not is_own_move(link, booking):
        return link
    return replace(link, host=replace(link.host, time=fingerprint.time_of(copy.when)))


def is_own_move(link: Link, booking: Booking) -> bool:
    """The booking stands where we asked for it, and the answer was lost: the clinic did not move it."""
    attempt = link.attempt
    return attempt is not None and attempt.side is Origin.HOST and fingerprint.time_of(booking.when) == attempt.time


def _moved(
    seen: Observation, link: Link, booking: Booking, copy: Copy, entry: Entry, scope: Scope, rule: str = "R3"
) -> Action | None:
    """The copy was moved by the person."""
    wish = scope.settings.edits.moved_in_calendar
    if fingerprint.time_of(copy.when) == fingerprint.time_of(entry.when):
        if not repeats_alike(copy, entry):
            return UpdateCopy("R88", link, booking, copy, entry.version)
        return _agree_on(seen, link, scope, "R12")
    asked = asked_for(entry, link, booking, scope)
    if wish == "flag":
        return OpenConflict("R5", link, ConflictKind.MOVED, booking.when, asked)
    if wish == "apply" and scope.settings.writes_host:
        return ask_once(MoveBooking(rule, link, booking, asked, entry), link, booking, asked)
    return UpdateCopy("R4", link, booking, copy, entry.version, Reason.COPY_RESTORED)


def _repeats_otherwise(link: Link, booking: Booking, copy: Copy, entry: Entry, scope: Scope) -> Action:
    """R134: the person changed how a series repeats. That is the booking system's, and nothing is asked for."""
    if scope.settings.edits.moved_in_calendar == "flag":
        asked = asked_for(entry, link, booking, scope)
        return OpenConflict("R134", link, ConflictKind.MOVED, booking.when, asked, REPEATS_OTHERWISE)
    return UpdateCopy("R134", link, booking, copy, entry.version, Reason.COPY_RESTORED)


def ask_once(wish: MoveBooking | CancelBooking, link: Link, booking: Booking, when: When | None) -> Action:
    """R110: what the booking system refused is not asked of the same version again; the conflict stays open."""
    no = link.refused
    if no is None or no.wish != wish_of(booking.version, fingerprint.time_of(when) if when else CANCEL):
        return wish
    return OpenConflict("R110", link, kind_of_refusal(no.code), booking.when, when, no.code)


def note_versions(seen: Observation, link: Link, scope: Scope) -> Action | None:
    """R2: both as agreed. A version that moved on without a change of ours is noted, so that the next write fits."""
    entry, booking = seen.read.calendar, seen.read.host
    new_entry = isinstance(entry, Entry) and entry.version != link.calendar.version
    new_booking = isinstance(booking, Booking) and booking.version != link.host.version
    if (link.attempt is not None or link.is_disputed) and not isinstance(booking, Booking):
        return WAITS  # a write of ours did not come through, or met a change (R11): one side alone proves no agreement
    is_old = not new_booking and link.settings_version >= scope.reproject_below
    is_old = is_old and is_placed(link, scope.resource.time_zone)
    if is_old and not link.is_disputed and (not new_entry or _is_echo(seen, link)):
        return _AS_AGREED
    return _agree_on(seen, link, scope, "R2")


def _is_echo(seen: Observation, link: Link) -> bool:
    """R84: every write to a series gives all its occurrences a new version at once; no write of ours needs it. Where no
    version was known the id is new (R122)."""
    entry, is_known = seen.read.calendar, bool(link.calendar.version)
    return is_known and link.series_id is not None and isinstance(entry, Entry) and entry.id == link.entry_id


def _agree_on(seen: Observation, link: Link, scope: Scope, rule: str) -> Action | None:
    """Take what both sides show now as agreed; the person's own changes of other fields are left alone."""
    entry, booking, copy = seen.read.calendar, seen.read.host, seen.copy
    host, calendar, when, intent, pattern = link.host, link.calendar, link.when, link.intent, link.pattern
    if copy is not None and copy.recurrence is not None:
        pattern = fingerprint.pattern_of(copy.recurrence)
    was_apart = seen.calendar_time_changed or seen.calendar_pattern_changed or link.is_disputed
    if link.pattern and was_apart and isinstance(entry, Entry) and not entry.has_attendees:
        intent = Intent.ALIGN  # what was moved or left out is lost with such a change, also where it is taken back
    if isinstance(booking, Booking):
        time, rest = (
            (fingerprint.time_of(copy.when), fingerprint.asked_of_copy(copy)) if copy else (host.time, host.rest)
        )
        host, when = Agreed(booking.version, time, rest), booking.when
    if isinstance(entry, Entry):
        rest = fingerprint.rest_of_entry(entry) if seen.read.entry_is_whole else calendar.rest
        repeats = (fingerprint.repeats_of(entry) or link.calendar.repeats) if link.pattern else ""
        calendar = Agreed(entry.version, fingerprint.time_of(entry.when), rest, repeats)
    start, end = when.interval(scope.resource.time_zone)
    end = start if link.pattern else end
    row = replace(
        link, host=host, calendar=calendar, when=when, start_at=start, end_at=end, attempt=None,
        intent=intent, pattern=pattern,
        entry_id=entry.id if isinstance(entry, Entry) and link.entry_id is not None else link.entry_id,
        has_attendees=entry.has_attendees if isinstance(entry, Entry) else link.has_attendees,
        is_disputed=link.is_disputed and not (isinstance(booking, Booking) and isinstance(entry, Entry)),
        settings_version=scope.settings_version if copy else link.settings_version,
    )  # fmt: skip
    return Agree(rule, row, is_proof=isinstance(entry, Entry)) if row != link else _AS_AGREED


def asked_for(entry: Entry, link: Link, booking: object, scope: Scope) -> When:
    """The booking's time that the copy stands for now; buffers around it are not part of it."""
    if not isinstance(booking, Booking):
        return entry.when
    return booking_time(entry.when, booking, scope.settings, link.host.time)
