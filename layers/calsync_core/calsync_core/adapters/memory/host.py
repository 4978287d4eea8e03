"""HostPlatform over a booking system in memory: refusals, versions, idempotency keys, a feed per resource.

`fault` is called before and after the effect of every operation and may raise what a network, a service or a crash
would.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from calsync_core.adapters.memory.booking_system import MemoryBookingSystem
from calsync_core.domain.appointments import Block, Booking, BookingStatus, When
from calsync_core.domain.errors import (
    AppointmentRejectedError,
    CursorExpiredError,
    InputError,
    RefusedError,
    VersionChangedError,
)
from calsync_core.domain.grids import outward
from calsync_core.domain.ids import BookingId, LinkRef, ResourceId
from calsync_core.domain.resources import Resource
from calsync_core.domain.values import replace
from calsync_core.domain.windows import Window
from calsync_core.ports.host import BookingPage, Capabilities, HostChanges

LONGEST_TITLE = 1000
"""As the bundled booking system has it (connector-v1.md)."""


def no_fault(operation: str, phase: str) -> None:
    """The default: nothing goes wrong."""


def _place_of(cursor: str) -> tuple[datetime, BookingId]:
    start, booking_id = cursor.split("|", 1)
    return datetime.fromisoformat(start), BookingId(booking_id)


class MemoryHost:
    """`calls` counts operations, whether they succeeded or not."""

    def __init__(
        self,
        system: MemoryBookingSystem,
        fault: Callable[[str, str], None] = no_fault,
        capabilities: Capabilities = Capabilities(lists_blocks=True, blocks_a_call=5),  # noqa: B008 - frozen
    ) -> None:
        self.system = system
        self.fault = fault
        self.offered = capabilities
        self.calls: Counter[str] = Counter()

    def capabilities(self) -> Capabilities:
        self._begin("capabilities")
        self.fault("capabilities", "after")
        return self.offered

    def resources(self) -> list[Resource]:
        self._begin("resources")
        self.fault("resources", "after")
        return list(self.system.resources.values())

    def bookings(self, resource_id: ResourceId, window: Window, cursor: str | None = None) -> BookingPage:
        """The cursor is the (start, id) of the last booking given, so that a change never hides another one."""
        self._begin("bookings")
        zone = self.system.resources[resource_id].time_zone
        places = {
            (one.when.interval(zone)[0], one.id): one
            for one in self.system.bookings.values()
            if resource_id in one.resource_ids and not one.is_series_master and window.holds(one.when, zone)
        }
        held = sorted(places)
        begin = bisect_right(held, _place_of(cursor)) if cursor is not None else 0
        page = held[begin : begin + self.system.page_size]
        next_cursor = f"{page[-1][0].isoformat()}|{page[-1][1]}" if len(held) > begin + len(page) else None
        self.fault("bookings", "after")
        return BookingPage(tuple(places[place] for place in page), next_cursor)

    def changes(self, resource_id: ResourceId, cursor: str | None) -> HostChanges:
        self._begin("changes")
        if cursor is None:
            changes = HostChanges((), (), self._cursor(resource_id, self.system.seq), is_last=True)
        else:
            changes = self._since(resource_id, cursor)
        self.fault("changes", "after")
        return changes

    def booking(self, booking_id: BookingId) -> Booking:
        self._begin("booking")
        booking = self.system.found(booking_id)
        self.fault("booking", "after")
        return booking

    def move_booking(
        self,
        booking: Booking,
        when: When,
        *,
        idempotency_key: str,
        tell_customer: bool | None = None,
        dry_run: bool = False,
    ) -> Booking:
        self._begin("move_booking")
        request = ("move", booking.id, when, tell_customer, dry_run)
        moved = self._answered(idempotency_key, request)
        if moved is None:
            if not self.offered.may_move:
                raise RefusedError("not_supported")
            moved = replace(self._unlocked(booking), when=when)
            self.system.check(moved)
            if not dry_run:
                moved = self._done(idempotency_key, request, moved, tell_customer)
        self.fault("move_booking", "after")
        return moved

    def cancel_booking(self, booking: Booking, *, idempotency_key: str, tell_customer: bool | None = None) -> Booking:
        self._begin("cancel_booking")
        request = ("cancel", booking.id, tell_customer)
        cancelled = self._answered(idempotency_key, request)
        if cancelled is None:
            if not self.offered.may_cancel:
                raise RefusedError("not_supported")
            cancelled = self.system.found(booking.id)
            if cancelled.status is not BookingStatus.CANCELLED:
                changed = replace(self._unlocked(booking), status=BookingStatus.CANCELLED)
                cancelled = self._done(idempotency_key, request, changed, tell_customer)
        self.fault("cancel_booking", "after")
        return cancelled

    def put_block(self, block: Block) -> str:
        self._begin("put_block")
        start, end = block.when.interval(block.time_zone)
        is_long = len(block.title or "") > LONGEST_TITLE
        if end <= start or is_long or block.resource_id not in self.system.resources:
            raise AppointmentRejectedError("block_invalid", ref=block.ref)
        version = self.system.write_block(replace(block, when=outward(block.when, self.offered.granularity_minutes)))
        self.fault("put_block", "after")
        return version

    def blocks_a_call(self) -> int:
        return self.offered.blocks_a_call

    def put_blocks(self, blocks: Sequence[Block]) -> list[str | AppointmentRejectedError]:
        return [self._tried(block) for block in blocks]

    def delete_block(self, ref: LinkRef) -> None:
        self._begin("delete_block")
        self.system.blocks.pop(ref, None)
        self.fault("delete_block", "after")

    def blocks(self, resource_id: ResourceId, window: Window) -> list[Block]:
        self._begin("blocks")
        found = [
            one
            for one in self.system.blocks.values()
            if one.resource_id == resource_id and window.holds(one.when, one.time_zone)
        ]
        self.fault("blocks", "after")
        return found

    def _tried(self, block: Block) -> str | AppointmentRejectedError:
        try:
            return self.put_block(block)
        except AppointmentRejectedError as error:
            return error

    # -- inside -------------------------------------------------------------------------------------------------

    def _begin(self, operation: str) -> None:
        self.calls[operation] += 1
        self.fault(operation, "before")

    def _cursor(self, resource_id: ResourceId, seq: int) -> str:
        return f"{self.system.generation}|{seq}|{resource_id}"

    def _since(self, resource_id: ResourceId, cursor: str) -> HostChanges:
        parts = cursor.split("|", 2)
        if len(parts) != 3 or parts[0] != str(self.system.generation) or parts[2] != resource_id:
            raise CursorExpiredError  # also what is no cursor of ours
        since = int(parts[1])
        feed = self.system.feeds[resource_id]
        begin = bisect_right(feed.seqs, since)
        end = min(begin + self.system.page_size, len(feed.seqs))
        bookings: list[Booking] = []
        gone: list[BookingId] = []
        for booking_id in dict.fromkeys(feed.ids[begin:end]):
            booking = self.system.bookings.get(booking_id)
            if booking is not None and resource_id in booking.resource_ids:
                bookings.append(booking)
            else:
                gone.append(booking_id)
        reached = feed.seqs[end - 1] if end > begin else since
        return HostChanges(
            tuple(bookings), tuple(gone), self._cursor(resource_id, reached), is_last=end == len(feed.seqs)
        )

    def _answered(self, key: str, request: tuple[object, ...]) -> Booking | None:
        """The first answer again; looked at before the version, so that a retry after a lost answer gets it."""
        known = self.system.answers.get(key)
        if known is None:
            return None
        if known[0] != request:
            raise InputError("idempotency_key_reused")
        return known[1]

    def _unlocked(self, booking: Booking) -> Booking:
        stored = self.system.found(booking.id)
        if stored.version != booking.version:
            raise VersionChangedError
        if stored.status is BookingStatus.CANCELLED:
            raise RefusedError("locked")
        return stored

    def _done(self, key: str, request: tuple[object, ...], booking: Booking, tell_customer: bool | None) -> Booking:
        stored = self.system.store(booking)
        self.system.answers[key] = (request, stored)
        self.system.told.append((booking.id, tell_customer))
        return stored
