"""The booking system, by Host Connector v1 (docs/hosts/connector-v1.md).

Every method may raise ProviderUnavailableError, ProviderThrottledError and InstallationError (our key is refused).
"""

from collections.abc import Sequence
from typing import Protocol

from calsync_core.domain.appointments import Block, Booking, When
from calsync_core.domain.errors import AppointmentRejectedError
from calsync_core.domain.ids import BookingId, LinkRef, ResourceId
from calsync_core.domain.resources import Resource
from calsync_core.domain.values import value
from calsync_core.domain.windows import Window


@value(frozen=True, slots=True)
class Capabilities:
    """What the booking system offers; `may_move` and `may_cancel` decide whether it can be asked at all.

    `blocks_a_call` is how many blocks it takes at once.
    """

    may_move: bool = True
    may_cancel: bool = True
    has_change_feed: bool = True
    lists_blocks: bool = False
    granularity_minutes: int = 1
    takes_html_notes: bool = False
    blocks_a_call: int = 1


@value(frozen=True, slots=True)
class Unreadable:
    """A booking of an answer that does not fit the contract: its id if it has one, why, and which field."""

    id: BookingId | None
    code: str
    field: str | None = None


@value(frozen=True, slots=True)
class BookingPage:
    bookings: tuple[Booking, ...]
    next_cursor: str | None
    unreadable: tuple[Unreadable, ...] = ()


@value(frozen=True, slots=True)
class HostChanges:
    """`gone` are bookings that left the resource or were removed; a cancelled booking is an upsert with its status."""

    bookings: tuple[Booking, ...]
    gone: tuple[BookingId, ...]
    next_cursor: str
    is_last: bool
    unreadable: tuple[Unreadable, ...] = ()


class HostPlatform(Protocol):
    def capabilities(self) -> Capabilities: ...

    def resources(self) -> list[Resource]: ...

    def bookings(self, resource_id: ResourceId, window: Window, cursor: str | None = None) -> BookingPage:
        """Bookings that overlap the window, half open; series come as their occurrences, masters are marked."""

    def changes(self, resource_id: ResourceId, cursor: str | None) -> HostChanges:
        """One page of the feed. `cursor` None gives no bookings, only where the feed stands now.

        Raises CursorExpiredError.
        """

    def booking(self, booking_id: BookingId) -> Booking:
        """Raises AppointmentGoneError, and AppointmentRejectedError for one that cannot be read."""

    def move_booking(
        self,
        booking: Booking,
        when: When,
        *,
        idempotency_key: str,
        tell_customer: bool | None = None,
        dry_run: bool = False,
    ) -> Booking:
        """Ask for another time; `booking.version` must still hold. None leaves telling the customer to the host.

        Raises RefusedError(code), VersionChangedError, AppointmentGoneError.
        """

    def cancel_booking(self, booking: Booking, *, idempotency_key: str, tell_customer: bool | None = None) -> Booking:
        """Raises RefusedError(code), VersionChangedError, AppointmentGoneError."""

    def put_block(self, block: Block) -> str:
        """Write or overwrite by `ref`; never refused for overlap; rounded outward to the system's grid of times, and
        listed as rounded. Gives the version.

        Raises AppointmentRejectedError.
        """

    def blocks_a_call(self) -> int:
        """For how many blocks `put_blocks` needs one call; asked once."""

    def put_blocks(self, blocks: Sequence[Block]) -> list[str | AppointmentRejectedError]:
        """Several, each by itself as `put_block` would: its version, or why this one is not taken; in their order.

        Where it raises, any of them may have been written.
        """

    def delete_block(self, ref: LinkRef) -> None:
        """A block that is not there is no error."""

    def blocks(self, resource_id: ResourceId, window: Window) -> list[Block]:
        """Only where `lists_blocks`; used by a full check to find blocks that somebody moved or removed."""
