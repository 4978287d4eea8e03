"""The booking desk: making, changing and cancelling bookings and series under the rules.

Every write is one transaction: the booking, its place in each resource's calendar, the feeds, the event, the kept
answer.
Reading and checking are done again when the transaction loses a race (retry.py).
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from calsync_core.hosts.reference.answers import Answer, Answers, Once
from calsync_core.hosts.reference.calendars import Calendars, Edit, Stored
from calsync_core.hosts.reference.documents import Booking, SeriesRef
from calsync_core.hosts.reference.errors import InvalidInputError, NotFoundError, RefusalError
from calsync_core.hosts.reference.instants import resolve
from calsync_core.hosts.reference.messages import BookingChange, NewBooking
from calsync_core.hosts.reference.outbox import Outbox
from calsync_core.hosts.reference.register import Register
from calsync_core.hosts.reference.retry import retried
from calsync_core.hosts.reference.rules import check_free, check_shape, check_times
from calsync_core.hosts.reference.series import occurrence_id, shifted, split_occurrence_id
from calsync_core.hosts.reference.table import Table

_TIME_FIELDS = ("start", "end", "all_day", "resource_ids", "buffers", "series", "time_zone")


@dataclass(frozen=True, slots=True)
class Terms:
    """How a change was asked for.

    `expected`: the version the caller knows, or None for any. `once`: see answers.py.
    `is_dry_run`: check and answer, write nothing.
    """

    expected: str | None = None
    once: Once | None = None
    is_dry_run: bool = False


class Desk:
    """The bookings of one account."""

    def __init__(
        self,
        table: Table,
        calendars: Calendars,
        register: Register,
        outbox: Outbox,
        answers: Answers,
        clock: Callable[[], datetime],
        granularity_minutes: int,
    ) -> None:
        self._table = table
        self._calendars = calendars
        self._register = register
        self._outbox = outbox
        self._answers = answers
        self._clock = clock
        self.granularity_minutes = granularity_minutes

    def book(self, new: NewBooking, once: Once | None = None) -> Answer:
        """Make a booking or a series.

        Raises:
            RefusalError: `slot_taken`, `outside_hours`, `granularity`, `forbidden`, `already_exists`.
            NotFoundError: one of the resources does not exist.
            InvalidInputError: see `check_shape`, `documents.Booking.dates`.
        """
        if new.id and split_occurrence_id(new.id):
            raise InvalidInputError(("id", "has the form of an occurrence's id"))
        booking_id = new.id or f"{'ser' if new.series else 'bkg'}_{secrets.token_hex(8)}"

        def write() -> Answer:
            if found := self._answers.find(once, self._clock()):
                return found
            booking = self._drafted(new, booking_id)
            if self._table.get(f"BOOKING#{booking_id}"):
                raise RefusalError("already_exists", [booking_id])
            return self._checked_write([Edit(None, booking)], booking, Terms(once=once), 201)

        return self._settled(write)

    def change(self, booking_id: str, change: BookingChange, terms: Terms) -> Answer:
        """Change what was sent of a booking, one occurrence, or a series.

        Raises:
            NotFoundError: there is no such booking or resource.
            RefusalError: `version_mismatch`, `locked`, and as for `book` when time, resources or buffers change.
            InvalidInputError: the result would not be a booking.
        """

        def decide(stored: Stored) -> Booking:
            if stored.booking.status == "cancelled":
                raise RefusalError("locked")
            return changed(stored.booking, change)

        return self._edit(booking_id, decide, terms)

    def cancel(self, booking_id: str, terms: Terms) -> Answer:
        """Cancel a booking, one occurrence, or a series with all its occurrences. Again changes nothing.

        Raises:
            NotFoundError: there is no such booking.
            RefusalError: `version_mismatch`.
        """

        def decide(stored: Stored) -> Booking:
            return stored.booking.model_copy(update={"status": "cancelled"})

        answer = self._edit(booking_id, decide, terms)
        if not terms.is_dry_run:
            # After the series, so that a repeated request finishes what a crash has left.
            series = self._calendars.find(booking_id).booking
            for original_start in series.detached:
                self.cancel(occurrence_id(booking_id, original_start), Terms())
        return answer

    def _edit(self, booking_id: str, decide: Callable[[Stored], Booking], terms: Terms) -> Answer:
        def write() -> Answer:
            once = None if terms.is_dry_run else terms.once
            if found := self._answers.find(once, self._clock()):
                return found
            stored = self._calendars.find(booking_id)
            if terms.expected is not None and terms.expected != stored.booking.version:
                raise RefusalError("version_mismatch")
            after = decide(stored)
            if after == stored.booking:
                return Answer(200, after.shown())
            if not terms.is_dry_run:
                news = {"version": str(int(after.version) + 1), "updated_at": self._clock()}
                after = after.model_copy(update=news)
            edits = [Edit(stored, after)]
            if stored.series:
                edits.append(_without(stored.series, stored.booking))
            return self._checked_write(edits, after, terms, 200)

        return self._settled(write)

    def _checked_write(self, edits: list[Edit], after: Booking, terms: Terms, status: int) -> Answer:
        # The states come first: whatever is written after this line makes the commit fail.
        touched = {resource_id for edit in edits if not edit.is_silent for resource_id in edit.resource_ids}
        states = {resource_id: self._calendars.state(resource_id) for resource_id in sorted(touched)}
        check_shape(after)
        before = edits[0].before
        if before is None or (after.status != "cancelled" and _moves(before.booking, after)):
            self._check(before, after)
        answer = Answer(status, after.shown())
        if terms.is_dry_run:
            return answer
        now = self._clock()
        event = self._outbox.operation("booking.upserted", after.id, edits[0].resource_ids, after.version)
        self._table.commit(
            [
                *self._calendars.operations(edits, states, now),
                event,
                *self._answers.operations(terms.once, answer, now),
            ]
        )
        return answer

    def _check(self, before: Stored | None, after: Booking) -> None:
        if after.is_series and not after.dates():
            raise InvalidInputError(("series.exdates", "leaves no date"))
        dates = after.occurrences() if after.is_series else [after]
        own_ids = {after.id}
        if before and before.booking.is_series:
            own_ids |= {booking.id for booking in before.booking.occurrences()}
        resources = self._register.get_many(after.resource_ids)
        check_times(dates, resources, self.granularity_minutes)
        check_free(dates, own_ids, self._calendars)

    def _drafted(self, new: NewBooking, booking_id: str) -> Booking:
        resources = self._register.get_many(new.resource_ids)
        zone = new.time_zone or resources[new.resource_ids[0]].time_zone
        fields: dict[str, Any] = dict(new)
        series = fields.pop("series")
        fields |= {"id": booking_id, "version": "1", "time_zone": zone, "updated_at": self._clock()}
        fields["start"], fields["end"] = _instants(new.start, new.end, new.all_day, zone)
        if series:
            fields["series"] = SeriesRef(id=booking_id, rrule=series.rrule, exdates=series.exdates)
        return Booking.model_construct(**fields)

    def _settled(self, write: Callable[[], Answer]) -> Answer:
        answer = retried(write)
        self._outbox.deliver_after_change()
        return answer


def changed(booking: Booking, change: BookingChange) -> Booking:
    """The booking with what was sent; nothing is checked against other bookings.

    Raises:
        InvalidInputError: dates without all_day, or a repetition for what is no series.
    """
    sent = change.sent()
    sent.pop("notify", None)
    repetition = sent.pop("series", None)
    if repetition is not None:
        if booking.series is None or not booking.is_series:
            raise InvalidInputError(("series", "a single booking cannot become a series"))
        sent["series"] = booking.series.model_copy(update=repetition.sent())
    zone = sent.get("time_zone", booking.time_zone)
    all_day = sent.get("all_day", booking.all_day)
    start, end = sent.get("start", booking.start), sent.get("end", booking.end)
    sent["start"], sent["end"] = _instants(start, end, all_day, zone)
    if booking.is_series and booking.series is not None:
        sent |= _moved_along(booking, sent["start"], zone, keeps_exdates=repetition is None)
    return booking.model_copy(update=sent)


def _moved_along(series: Booking, start: datetime, zone: str, *, keeps_exdates: bool) -> dict[str, Any]:
    """What was left out of a series, and what became a booking of its own, stays so when the whole series is moved."""
    assert series.series is not None
    if start == series.start and zone == series.time_zone:
        return {}
    left_out = series.series.exdates or ()
    moved: dict[str, Any] = {"gaps": tuple(shifted(one, series.start, start, zone) for one in series.taken)}
    if keeps_exdates and left_out:
        exdates = tuple(shifted(one, series.start, start, zone) for one in left_out)
        moved["series"] = series.series.model_copy(update={"exdates": exdates})
    return moved


def _instants(start: datetime | date, end: datetime | date, all_day: bool, zone: str) -> Sequence[datetime]:
    for field, moment in (("start", start), ("end", end)):
        if not all_day and not isinstance(moment, datetime):
            raise InvalidInputError((field, "a plain date needs all_day"))
    return resolve(start, zone), resolve(end, zone)


def _moves(before: Booking, after: Booking) -> bool:
    return any(getattr(before, field) != getattr(after, field) for field in _TIME_FIELDS)


def _without(series: Stored, occurrence: Booking) -> Edit:
    """The series without a date that becomes a booking of its own; the other dates stay as they are."""
    assert occurrence.series is not None
    if occurrence.series.original_start is None:
        raise NotFoundError("booking")
    original_start = occurrence.series.original_start
    detached = {"detached": (*series.booking.detached, original_start)}
    if series.booking.gaps is not None:
        detached["gaps"] = (*series.booking.gaps, original_start)
    return Edit(series, series.booking.model_copy(update=detached), is_silent=True)
