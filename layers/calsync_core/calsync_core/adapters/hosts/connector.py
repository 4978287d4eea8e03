"""HostPlatform over HTTP: Host Connector v1 (docs/hosts/connector-v1.md). Any system that speaks it, ours included."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote

from calsync_core.adapters.hosts.block_parts import block_parts, put_part, refused_block, version_of
from calsync_core.adapters.hosts.client import HostClient
from calsync_core.adapters.hosts.documents import (
    HASHED,
    UNREADABLE,
    DocumentError,
    from_block,
    from_when,
    show_instant,
    to_block,
    to_booking,
    to_capabilities,
    to_resource,
    to_unreadable,
    zone_of,
)
from calsync_core.domain.appointments import AllDay, Block, Booking, Notes, When
from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    ProviderUnavailableError,
    RefusedError,
)
from calsync_core.domain.grids import HOUR, outward
from calsync_core.domain.ids import BookingId, LinkRef, ResourceId
from calsync_core.domain.notes import text_of_html
from calsync_core.domain.resources import Resource
from calsync_core.domain.windows import Window
from calsync_core.ports.host import BookingPage, Capabilities, HostChanges, Unreadable

T = TypeVar("T")


class ConnectorHost:
    """One account's booking system. An answer that does not fit the contract is ProviderUnavailableError."""

    def __init__(self, client: HostClient) -> None:
        self._client = client
        self._zones: dict[ResourceId, str] = {}
        self._offers: Capabilities | None = None

    def capabilities(self) -> Capabilities:
        return _read(to_capabilities, self._client.call("GET", "/capabilities"))

    def resources(self) -> list[Resource]:
        found: list[Resource] = []
        for page in self._pages("/resources", {}):
            found += [_read(to_resource, one) for one in page]
        self._zones = {one.id: one.time_zone for one in found}
        return found

    def bookings(self, resource_id: ResourceId, window: Window, cursor: str | None = None) -> BookingPage:
        query = _span(resource_id, window)
        if cursor is not None:
            query["cursor"] = cursor
        answer = self._of_resource("/bookings", query)
        bookings, unreadable = _readable(_items(answer))
        return BookingPage(bookings, _cursor(answer.get("next_cursor")), unreadable)

    def changes(self, resource_id: ResourceId, cursor: str | None) -> HostChanges:
        query = {"resource_id": str(resource_id)}
        if cursor is not None:
            query["cursor"] = cursor
        answer = self._of_resource("/changes", query)
        upserts: list[dict[str, Any]] = []
        gone: list[BookingId] = []
        strange: list[Unreadable] = []
        for item in _items(answer):
            if item.get("type") == "tombstone" and isinstance(item.get("id"), str):
                gone.append(BookingId(item["id"]))
            elif item.get("type") == "upsert" and isinstance(item.get("booking"), dict):
                upserts.append(item["booking"])
            else:
                strange.append(_strange(item))
        next_cursor = _cursor(answer.get("cursor"))
        if next_cursor is None:
            raise ProviderUnavailableError("host_answer_unreadable", field="cursor")
        bookings, unreadable = _readable(upserts)
        is_last = answer.get("more") is not True
        return HostChanges(bookings, tuple(gone), next_cursor, is_last, (*unreadable, *strange))

    def booking(self, booking_id: BookingId) -> Booking:
        answer = self._client.call("GET", _booking_path(booking_id))
        try:
            return to_booking(answer)
        except DocumentError as error:
            if not answer.get("id"):  # not even an answer about a booking
                raise ProviderUnavailableError("host_answer_unreadable", field=str(error)) from None
            raise AppointmentRejectedError(UNREADABLE, field=str(error)) from None

    def move_booking(
        self,
        booking: Booking,
        when: When,
        *,
        idempotency_key: str,
        tell_customer: bool | None = None,
        dry_run: bool = False,
    ) -> Booking:
        body: dict[str, Any] = dict(from_when(when))
        if type(when) is not type(booking.when):
            body["all_day"] = isinstance(when, AllDay)
        query = {"dry_run": "1"} if dry_run else None
        return self._asked("PATCH", _booking_path(booking.id), booking, body, tell_customer, idempotency_key, query)

    def cancel_booking(self, booking: Booking, *, idempotency_key: str, tell_customer: bool | None = None) -> Booking:
        path = f"{_booking_path(booking.id)}/cancel"
        return self._asked("POST", path, booking, {}, tell_customer, idempotency_key, None)

    def put_block(self, block: Block) -> str:
        return self._put(block.ref, from_block(self._in_its_format(block)))

    def blocks_a_call(self) -> int:
        return self._offered().blocks_a_call

    def put_blocks(self, blocks: Sequence[Block]) -> list[str | AppointmentRejectedError]:
        bodies = {block.ref: from_block(self._in_its_format(block)) for block in blocks}
        outcomes: dict[LinkRef, str | AppointmentRejectedError] = {}
        for part in block_parts(bodies, self.blocks_a_call()):
            outcomes |= put_part(self._client, part) if len(part) > 1 else {}
            # One by one where it does not take many, or would not take these: then only the bad one is refused.
            for ref in part:
                if ref not in outcomes:
                    outcomes[ref] = self._tried(ref, part[ref])
        return [outcomes[block.ref] for block in blocks]

    def _tried(self, ref: LinkRef, body: dict[str, Any]) -> str | AppointmentRejectedError:
        try:
            return self._put(ref, body)
        except AppointmentRejectedError as error:
            return error

    def _put(self, ref: LinkRef, body: dict[str, Any]) -> str:
        try:
            return version_of(self._client.call("PUT", f"/blocks/{quote(ref, safe='')}", body=body))
        except (RefusedError, AppointmentGoneError) as error:
            raise refused_block(error) from None

    def _offered(self) -> Capabilities:
        if self._offers is None:
            self._offers = self.capabilities()
        return self._offers

    def _in_its_format(self, block: Block) -> Block:
        """On its grid of times, and as text where it does not say that it takes HTML. It is asked once, and only when
        an answer could matter: full hours are on every grid."""
        is_html = block.notes is not None and block.notes.is_html
        if not is_html and outward(block.when, HOUR) == block.when:
            return block
        offers = self._offered()
        block = replace(block, when=outward(block.when, offers.granularity_minutes))
        if block.notes is None or not is_html or offers.takes_html_notes:
            return block
        text = text_of_html(block.notes.text)
        return replace(block, notes=Notes(text) if text else None)

    def delete_block(self, ref: LinkRef) -> None:
        try:
            self._client.call("DELETE", f"/blocks/{quote(ref, safe='')}")
        except AppointmentGoneError:
            return  # done already

    def blocks(self, resource_id: ResourceId, window: Window) -> list[Block]:
        zone = self._zone(resource_id)
        found: list[Block] = []
        for page in self._pages("/blocks", _span(resource_id, window)):
            for one in page:
                if isinstance(one.get("origin"), dict) and one["origin"].get("system") == "calsync":
                    with suppress(DocumentError):  # one that came back strange is none: it is put back (R24)
                        found.append(to_block(one, zone))
        return found

    # -- inside -------------------------------------------------------------------------------------------------

    def _asked(
        self,
        method: str,
        path: str,
        booking: Booking,
        body: dict[str, Any],
        tell_customer: bool | None,
        idempotency_key: str,
        query: dict[str, str] | None,
    ) -> Booking:
        headers = {"Idempotency-Key": idempotency_key}
        if not booking.version.startswith(HASHED):
            headers["If-Match"] = f'"{booking.version}"'
        if tell_customer is not None:
            body["notify"] = tell_customer
        try:
            return _read(to_booking, self._client.call(method, path, query, body, headers))
        except AppointmentRejectedError as error:  # a wish the booking system cannot take is a refusal of the wish
            raise RefusedError("not_supported", **error.detail) from None

    def _of_resource(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        try:
            return self._client.call("GET", path, query)
        except AppointmentGoneError as error:
            raise ProviderUnavailableError("host_resource_unknown", **error.detail) from None
        except AppointmentRejectedError as error:
            raise ProviderUnavailableError("host_question_refused", **error.detail) from None

    def _pages(self, path: str, query: dict[str, str]) -> list[list[dict[str, Any]]]:
        pages: list[list[dict[str, Any]]] = []
        cursor: str | None = None
        known = set[str]()
        while True:
            answer = self._of_resource(path, query if cursor is None else {**query, "cursor": cursor})
            pages.append(_items(answer))
            following = _cursor(answer.get("next_cursor"))
            if following is None:
                return pages
            if following in known:  # in a circle
                raise ProviderUnavailableError("host_answer_unreadable", field="next_cursor")
            known.add(following)
            cursor = following

    def _zone(self, resource_id: ResourceId) -> str:
        if resource_id not in self._zones:
            known = [one for page in self._pages("/resources", {}) for one in page]
            self._zones = {ResourceId(str(one.get("id"))): zone_of(one) for one in known}
        return self._zones.get(resource_id, "UTC")


def _read(parse: Callable[[dict[str, Any]], T], document: dict[str, Any]) -> T:
    try:
        return parse(document)
    except DocumentError as error:
        raise ProviderUnavailableError("host_answer_unreadable", field=str(error)) from None


def _readable(documents: list[dict[str, Any]]) -> tuple[tuple[Booking, ...], tuple[Unreadable, ...]]:
    """One booking that does not fit the contract is told apart; it is no reason to stop for the others."""
    bookings: list[Booking] = []
    unreadable: list[Unreadable] = []
    for document in documents:
        try:
            bookings.append(to_booking(document))
        except DocumentError as error:
            unreadable.append(to_unreadable(document, error))
    return tuple(bookings), tuple(unreadable)


def _strange(item: dict[str, Any]) -> Unreadable:
    """An item of the feed of a kind that nobody knows."""
    booking = item.get("booking")
    document = booking if isinstance(booking, dict) and not isinstance(item.get("id"), str) else item
    return to_unreadable(document, DocumentError("items.type"))


def _items(answer: dict[str, Any]) -> list[dict[str, Any]]:
    items = answer.get("items")
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise ProviderUnavailableError("host_answer_unreadable", field="items")
    return items


def _cursor(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _span(resource_id: ResourceId, window: Window) -> dict[str, str]:
    return {
        "resource_id": str(resource_id),
        "from": show_instant(window.start_at),
        "to": show_instant(window.end_at),
    }


def _booking_path(booking_id: BookingId) -> str:
    return f"/bookings/{quote(booking_id, safe='')}"
