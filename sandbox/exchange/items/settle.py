"""From what a client wrote to content whose times fit each other."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sandbox.appointments import Attendee, Content
from sandbox.calendars import Mailbox
from sandbox.exchange.dispatch import Call
from sandbox.exchange.errors import EwsError
from sandbox.exchange.items.read import ItemInput
from sandbox.exchange.items.times import ceil_day, floor_day
from sandbox.exchange.versions import Version
from sandbox.recurrence import Recurrence, first_date
from sandbox.series import master_at_first_occurrence
from sandbox.zones import Wall, to_wall

_MAX_LENGTH = timedelta(days=5 * 366)  # five years: ErrorCalendarDurationIsTooLong
_HALF_HOUR = timedelta(minutes=30)


def default_zone(call: Call) -> str:
    """The zone of values without an offset when the item names none: the TimeZoneContext's (since 2010), else UTC."""
    return call.zone if call.zone and call.version >= Version.EXCHANGE2010 else "UTC"


def new_content(call: Call, read: ItemInput, owner: Mailbox) -> Content:
    """The content of a new item; what the client left out takes the mailbox's defaults. Raises EwsError."""
    zone = default_zone(call)
    now = to_wall(call.world.clock.now().replace(second=0, microsecond=0), zone)
    blank = Content(start=now, end=Wall(now.at + _HALF_HOUR, zone), reminder_minutes=owner.default_reminder_minutes)
    if read.end is None and read.start is not None:
        start_at = read.start.instant(zone)
        blank = replace(blank, start=to_wall(start_at, zone), end=to_wall(start_at + _HALF_HOUR, zone))
    return changed_content(call, read, blank)


def changed_content(call: Call, read: ItemInput, before: Content) -> Content:
    """Content with the client's changes; attendees that stay keep their answers. Raises EwsError."""
    changes: dict[str, Any] = dict(read.changes)
    if read.attendees:
        changes["attendees"] = _attendees(read, before)
    after = replace(before, **changes)
    touched = read.start or read.end or read.start_zone or read.end_zone or read.meeting_zone
    if touched is None and after.is_all_day == before.is_all_day:
        return after
    return _with_times(call, read, after)


def _attendees(read: ItemInput, before: Content) -> tuple[Attendee, ...]:
    known = {a.person.address.casefold(): a for a in before.attendees}
    kept = tuple(a for a in before.attendees if a.kind not in read.attendees)
    written = tuple(
        replace(known.get(new.person.address.casefold(), new), kind=new.kind, person=new.person)
        for group in read.attendees.values()
        for new in group
    )
    return kept + written


def _with_times(call: Call, read: ItemInput, content: Content) -> Content:
    named = read.start_zone or read.meeting_zone
    start_zone = named.name if named else content.start.zone
    end_named = read.end_zone or named
    end_zone = end_named.name if end_named else content.end.zone
    # A value without offset is one of the zone that the item names, else of the request's, else UTC.
    floating = default_zone(call)
    start_at = read.start.instant(named.name if named else floating) if read.start else content.start_at
    end_at = read.end.instant(end_named.name if end_named else floating) if read.end else content.end_at
    if end_at < start_at:
        raise EwsError("ErrorCalendarEndDateIsEarlierThanStartDate")
    if end_at - start_at > _MAX_LENGTH:
        raise EwsError("ErrorCalendarDurationIsTooLong")
    label = named.label if named else content.zone_label
    if content.is_all_day:
        start, end = floor_day(start_at, start_zone), ceil_day(end_at, start_zone)
        if end.at <= start.at:
            end = Wall(start.at + timedelta(days=1), start_zone)
        return replace(content, start=start, end=end, zone_label=label)
    return replace(content, start=to_wall(start_at, start_zone), end=to_wall(end_at, end_zone), zone_label=label)


def _zone_kept(call: Call, wall: Wall) -> str:
    return wall.zone or default_zone(call)


def settle_series(content: Content, recurrence: Recurrence) -> tuple[Content, Recurrence]:
    """A series starts with its first occurrence on or after the day of its range. Raises EwsError."""
    day = first_date(recurrence)
    if day is None:
        raise EwsError("ErrorRecurrenceHasNoOccurrence")
    shift = recurrence.start_date - content.start.at.date()
    if shift:
        content = replace(
            content,
            start=Wall(content.start.at + shift, content.start.zone),
            end=Wall(content.end.at + shift, content.end.zone),
        )
    try:
        return master_at_first_occurrence(content, recurrence)
    except ValueError as error:
        raise EwsError("ErrorRecurrenceHasNoOccurrence") from error


def following_start(recurrence: Recurrence | None, before: Content, after: Content) -> Recurrence | None:
    """A series whose start is moved to another day without a new pattern starts its range there."""
    if recurrence is None or before.start.at.date() == after.start.at.date():
        return recurrence
    return replace(recurrence, start_date=after.start.at.date(), zone=None)


def changed_names(before: Content, after: Content) -> dict[str, Any]:
    """The fields in which content differs."""
    names = (name for name in Content.__dataclass_fields__ if name not in ("start_at", "end_at"))
    return {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}
