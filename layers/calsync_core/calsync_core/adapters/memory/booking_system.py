"""A booking system in memory: what the clinic does in it, and its rules about time. Its port is `memory/host.py`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from calsync_core.adapters.memory.booking_series import moved_along, occurrences_of, repeating
from calsync_core.domain.appointments import AllDay, Block, Booking, BookingStatus, When, overlap
from calsync_core.domain.errors import AppointmentGoneError, RefusedError
from calsync_core.domain.ids import BookingId, LinkRef, ResourceId
from calsync_core.domain.resources import Owner, Resource, ResourceKind
from calsync_core.domain.values import replace


@dataclass(slots=True)
class Feed:
    """The change log of one resource: numbers and booking ids, oldest first."""

    seqs: list[int] = field(default_factory=list)
    ids: list[BookingId] = field(default_factory=list)


class MemoryBookingSystem:
    """Bookings, blocks and the feed of each resource. `clock` gives aware UTC.

    Methods down to the line are the clinic's own. The clinic may overbook by default; what calsync asks for is always
    checked (`asked_to_move`). `told` notes each wish about telling the customer, `notifications` the resources that
    an event would name.
    """

    def __init__(
        self,
        clock: Callable[[], datetime] = lambda: datetime(2026, 11, 23, 8, tzinfo=UTC),
        page_size: int = 50,
        granularity_minutes: int = 1,
    ) -> None:
        self.clock = clock
        self.page_size = page_size
        self.granularity_minutes = granularity_minutes
        self.resources: dict[ResourceId, Resource] = {}
        self.bookings: dict[BookingId, Booking] = {}
        self.blocks: dict[LinkRef, Block] = {}
        self.block_versions: dict[LinkRef, int] = {}
        self.feeds: dict[ResourceId, Feed] = {}
        self.generation = 1
        self.seq = 0
        self.told: list[tuple[BookingId, bool | None]] = []
        self.notifications: list[ResourceId] = []
        self.answers: dict[str, tuple[tuple[object, ...], Booking]] = {}
        self.rules: dict[BookingId, str] = {}
        self.detached: set[BookingId] = set()
        self._ids = count(1)

    # -- what the clinic does -----------------------------------------------------------------------------------

    def add_resource(self, resource_id: str = "anna", time_zone: str = "Europe/Berlin", **fields: object) -> ResourceId:
        owner = Owner(f"p-{resource_id}", resource_id.title(), f"{resource_id}@clinic.example")
        resource = Resource(
            ResourceId(resource_id), owner.name, owner.email, ResourceKind.STAFF, time_zone, "en", owner
        )
        self.resources[resource.id] = replace(resource, **fields)  # type: ignore[arg-type]
        self.feeds.setdefault(resource.id, Feed())
        return resource.id

    def book(
        self,
        resource_ids: Iterable[str],
        when: When,
        title: str = "Consultation",
        *,
        is_checked: bool = False,
        **fields: object,
    ) -> BookingId:
        """`fields` are those of Booking. Raises RefusedError only when `is_checked`."""
        ids = tuple(ResourceId(one) for one in resource_ids)
        booking_id = BookingId(f"booking-{next(self._ids)}")
        zone = self.resources[ids[0]].time_zone
        booking = Booking(booking_id, "", BookingStatus.CONFIRMED, ids, when, zone, title)
        booking = replace(booking, **fields)  # type: ignore[arg-type]
        if is_checked:
            self.check(booking)
        self.store(booking)
        return booking_id

    def book_series(
        self, resource_ids: Iterable[str], when: When, rule: str, title: str = "Therapy", **fields: object
    ) -> BookingId:
        """A series and its occurrences, each an ordinary booking; `fields` are those of Booking. Changing or cancelling
        the series does so with all occurrences that were not changed by themselves."""
        ids = tuple(ResourceId(one) for one in resource_ids)
        series_id = BookingId(f"series-{next(self._ids)}")
        zone = self.resources[ids[0]].time_zone
        self.rules[series_id] = rule
        booking = Booking(series_id, "", BookingStatus.CONFIRMED, ids, when, zone, title, series_id=series_id)
        self.store(replace(booking, is_series_master=True, **fields))  # type: ignore[arg-type]
        return series_id

    def change_rule(self, series_id: BookingId, rule: str) -> None:
        self.rules[series_id] = rule
        self.change_booking(series_id)

    def occurrences(self, series_id: BookingId) -> list[Booking]:
        """In order of their original starts, cancelled ones too."""
        found = [one for one in self.bookings.values() if one.series_id == series_id and not one.is_series_master]
        return sorted(found, key=lambda one: one.original_start_at or datetime.max.replace(tzinfo=UTC))

    def move_booking_by_clinic(self, booking_id: BookingId, when: When) -> None:
        self.change_booking(booking_id, when=when)

    def retitle(self, booking_id: BookingId, title: str) -> None:
        self.change_booking(booking_id, title=title)

    def cancel(self, booking_id: BookingId) -> None:
        self.change_booking(booking_id, status=BookingStatus.CANCELLED)

    def reassign(self, booking_id: BookingId, resource_ids: Iterable[str]) -> None:
        self.change_booking(booking_id, resource_ids=tuple(ResourceId(one) for one in resource_ids))

    def change_booking(self, booking_id: BookingId, **fields: object) -> None:
        self.store(replace(self.bookings[booking_id], **fields))  # type: ignore[arg-type]

    def remove_booking(self, booking_id: BookingId) -> None:
        """Not cancelled but gone: a tombstone."""
        self._tell(booking_id, self.bookings.pop(booking_id).resource_ids)

    def move_block_by_clinic(self, ref: LinkRef, when: When) -> None:
        self.write_block(replace(self.blocks[ref], when=when))

    def remove_block_by_clinic(self, ref: LinkRef) -> None:
        self.blocks.pop(ref, None)

    def expire_cursors(self) -> None:
        self.generation += 1

    def active(self, resource_id: ResourceId) -> list[Booking]:
        """Bookings of the resource that take time."""
        return [one for one in self.bookings.values() if resource_id in one.resource_ids and _takes_time(one)]

    # -- for the port -------------------------------------------------------------------------------------------

    def found(self, booking_id: BookingId) -> Booking:
        try:
            return self.bookings[booking_id]
        except KeyError:
            raise AppointmentGoneError from None

    def store(self, booking: Booking) -> Booking:
        """With a new version, told to the old and the new resources."""
        if booking.is_series_master:
            return self._store_series(booking)
        if booking.series_id is not None:
            self.detached.add(booking.id)
        return self._store(booking)

    def _store_series(self, series: Booking) -> Booking:
        """The feed tells of the occurrences alone: those that are no more, and all that are as the series says."""
        rule, old = self.rules[series.id], self.bookings.get(series.id, series)
        stored = replace(series, version=str(self.seq + 1), updated_at=self.clock(), recurrence=repeating(series, rule))
        self.bookings[series.id] = stored
        wanted = {one.id: one for one in occurrences_of(stored, rule)}
        for one in self.occurrences(series.id):
            if series.status is BookingStatus.CANCELLED:
                self._store(replace(one, status=BookingStatus.CANCELLED))
            elif one.id not in wanted and one.id not in self.detached:
                self.remove_booking(one.id)
        if series.status is not BookingStatus.CANCELLED:
            own = [one for one in self.occurrences(series.id) if one.id in self.detached]
            taken = {moved_along(one, old, stored) for one in own}
            for one in wanted.values():
                if one.id not in self.detached and one.original_start_at not in taken:
                    self._store(one)
        return stored

    def _store(self, booking: Booking) -> Booking:
        old = self.bookings.get(booking.id)
        touched = dict.fromkeys((*(old.resource_ids if old else ()), *booking.resource_ids))
        self._tell(booking.id, touched)
        stored = replace(booking, version=str(self.seq), updated_at=self.clock())
        self.bookings[booking.id] = stored
        return stored

    def write_block(self, block: Block) -> str:
        """Gives the version; the same content keeps it."""
        if self.blocks.get(block.ref) != block:
            self.blocks[block.ref] = block
            self.block_versions[block.ref] = self.block_versions.get(block.ref, 0) + 1
        return str(self.block_versions[block.ref])

    def check(self, booking: Booking) -> None:
        """The booking system's own rules about a time, of a series for each occurrence. Raises RefusedError."""
        if booking.is_series_master:
            for one in occurrences_of(booking, self.rules[booking.id]):
                self._check(replace(one, id=booking.id, is_series_master=True))
            return
        self._check(booking)

    def _check(self, booking: Booking) -> None:
        start, end = booking.when.interval(booking.time_zone)
        step = self.granularity_minutes * 60
        if start.timestamp() % step or end.timestamp() % step:
            raise RefusedError("granularity")
        for resource_id in booking.resource_ids:
            resource = self.resources[resource_id]
            if not resource.is_active:
                raise RefusedError("forbidden")
            if not _is_working_time(resource, booking.when):
                raise RefusedError("outside_hours")
            self._check_free(booking, resource)

    def _check_free(self, booking: Booking, resource: Resource) -> None:
        taken = _with_buffers(booking, resource.time_zone)
        for other in self.active(resource.id):
            is_same = other.id == booking.id or (booking.is_series_master and other.series_id == booking.series_id)
            if not is_same and overlap(taken, _with_buffers(other, resource.time_zone)):
                raise RefusedError("slot_taken", conflicting=other.id)
        for block in self.blocks.values():
            if block.resource_id == resource.id and overlap(taken, block.when.interval(block.time_zone)):
                raise RefusedError("slot_taken", conflicting=block.ref)

    def _tell(self, booking_id: BookingId, resource_ids: Iterable[ResourceId]) -> None:
        self.seq += 1
        for resource_id in resource_ids:
            feed = self.feeds[resource_id]
            feed.seqs.append(self.seq)
            feed.ids.append(booking_id)
            self.notifications.append(resource_id)


def _takes_time(booking: Booking) -> bool:
    return booking.status is not BookingStatus.CANCELLED and not booking.is_series_master


def _with_buffers(booking: Booking, zone: str) -> tuple[datetime, datetime]:
    start, end = booking.when.interval(zone)
    return start - booking.buffer_before, end + booking.buffer_after


def _is_working_time(resource: Resource, when: When) -> bool:
    """No hours = at any time. All-day bookings need a working day on each of their dates."""
    if not resource.working_hours:
        return True
    if isinstance(when, AllDay):
        days = {one.weekday for one in resource.working_hours}
        return all(day.weekday() in days for day in _days(when.start, when.end))
    zone = ZoneInfo(resource.time_zone)
    start, end = when.start_at.astimezone(zone), when.end_at.astimezone(zone)
    until = end.time() if end.date() == start.date() else time.max
    return end - start <= timedelta(days=1) and any(
        one.weekday == start.weekday() and one.start <= start.time() and until <= one.end
        for one in resource.working_hours
    )


def _days(start: date, end: date) -> Iterable[date]:
    return (start + timedelta(days=number) for number in range((end - start).days))
