"""Series in time: occurrences inside a window, exceptions laid over the pattern, boundaries between them."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from sandbox.appointments import Appointment, Content, Occurrence
from sandbox.recurrence import Recurrence, dates, dates_between, occurs_on
from sandbox.zones import Wall, to_wall

_ONE_DAY = timedelta(days=1)


class CrossingBoundaryError(ValueError):
    """An edited occurrence would reach the day of its neighbour."""


def occurrence_on(master: Appointment, day: date) -> Occurrence | None:
    """The occurrence that the pattern puts on that day; None when there is none or it was deleted."""
    if master.recurrence is None or day in master.cancelled or not occurs_on(master.recurrence, day):
        return None
    return _occurrence(master, day)


def occurrences_between(master: Appointment, start_at: datetime, end_at: datetime) -> list[Occurrence]:
    """Occurrences and exceptions that overlap a time, in order of their days.

    An exception counts where it was moved to, not where the pattern had put it.
    """
    if master.recurrence is None:
        return []
    slack = _ONE_DAY + master.content.length + _ONE_DAY
    first = max(date.min + 3 * _ONE_DAY, (start_at - slack).date()) if start_at.year > 1 else date.min
    last = (end_at + _ONE_DAY).date() if end_at.year < 9999 else date.max - _ONE_DAY
    days = set(dates_between(master.recurrence, first, last)) | set(master.exceptions)
    found = (_occurrence(master, day) for day in sorted(days - master.cancelled))
    return [o for o in found if overlaps(o.content, start_at, end_at)]


def overlaps(content: Content, start_at: datetime, end_at: datetime) -> bool:
    """Whether content lies in [start_at, end_at); what has no length counts at its start."""
    if content.start_at == content.end_at:
        return start_at <= content.start_at < end_at
    return content.start_at < end_at and content.end_at > start_at


def _plain(master: Appointment, day: date) -> Content:
    content = master.content
    start = Wall(datetime.combine(day, content.start.at.time()), content.start.zone)
    end = Wall(start.at + content.length, content.end.zone)
    return replace(content, start=start, end=end)


def _occurrence(master: Appointment, day: date) -> Occurrence:
    content = _plain(master, day)
    edit = master.exceptions.get(day)
    if edit is not None:
        content = replace(content, **edit.changes)
    return Occurrence(master, day, content, edit)


def check_boundaries(master: Appointment, day: date, content: Content) -> None:
    """Refuse an edited occurrence that would come to or past the day of its neighbours.

    Raises CrossingBoundaryError.
    """
    before, after = _neighbours(master, day)
    zone = master.content.start.zone
    if before is not None:
        other = before.content
        if _day_in(content.start_at, zone) <= _day_in(other.start_at, zone) or content.start_at < other.end_at:
            raise CrossingBoundaryError
    if after is not None:
        other = after.content
        if _day_in(content.start_at, zone) >= _day_in(other.start_at, zone) or content.end_at > other.start_at:
            raise CrossingBoundaryError


def _day_in(instant: datetime, zone: str) -> date:
    return to_wall(instant, zone).at.date()


def _neighbours(master: Appointment, day: date) -> tuple[Occurrence | None, Occurrence | None]:
    before: date | None = None
    assert master.recurrence is not None
    for other in dates(master.recurrence):
        if other in master.cancelled:
            continue
        if other < day:
            before = other
        elif other > day:
            return (_occurrence(master, before) if before else None), _occurrence(master, other)
    return (_occurrence(master, before) if before else None), None


def settle_exceptions(appointment: Appointment, content_before: Content, recurrence_before: Recurrence | None) -> None:
    """Drop exceptions and deletions that a change of the series leaves without a place.

    Source: editing pattern or start of the master drops them all (Outlook); shortening only those outside.
    """
    now = appointment.recurrence
    if recurrence_before is None and now is None:
        return
    if now is None or recurrence_before is None:
        appointment.pattern_version += 1
        appointment.exceptions.clear()
        appointment.cancelled.clear()
        return
    content = appointment.content
    same_times = (content.start, content.end) == (content_before.start, content_before.end)
    if now.pattern() != recurrence_before.pattern() or not same_times:
        appointment.pattern_version += 1
        appointment.exceptions.clear()
        appointment.cancelled.clear()
    elif now != recurrence_before:
        for day in [d for d in appointment.exceptions if not occurs_on(now, d)]:
            del appointment.exceptions[day]
        appointment.cancelled = {d for d in appointment.cancelled if occurs_on(now, d)}


def master_at_first_occurrence(content: Content, recurrence: Recurrence) -> tuple[Content, Recurrence]:
    """Move a series' start to its first occurrence, as Exchange does when the start misses the pattern.

    Raises ValueError when the pattern has no occurrence at all.
    """
    first = next(dates(recurrence), None)
    if first is None:
        raise ValueError("the pattern has no occurrence in its range")
    if first == recurrence.start_date:
        return content, recurrence
    start = Wall(datetime.combine(first, content.start.at.time()), content.start.zone)
    end = Wall(start.at + content.length, content.end.zone)
    return replace(content, start=start, end=end), replace(recurrence, start_date=first)
