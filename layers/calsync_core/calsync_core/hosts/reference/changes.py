"""The change feed of one resource: cursors, and what a reader gets."""

import base64
import binascii
import json
from datetime import datetime
from typing import Any

from calsync_core.hosts.reference.calendars import Calendars, CalendarState
from calsync_core.hosts.reference.documents import Booking
from calsync_core.hosts.reference.errors import CursorExpiredError, InvalidInputError
from calsync_core.hosts.reference.table import Table, Value

_PAGE = 100
# A Lambda answer may hold 6 MB; a page stops well before.
_PAGE_BYTES = 3_000_000


def encode_cursor(content: list[str | int]) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str) -> list[Any]:
    """What `encode_cursor` was given.

    Raises:
        InvalidInputError: we never gave this out.
    """
    try:
        content = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error) as error:
        raise InvalidInputError(("cursor", "is not one of ours")) from error
    if not isinstance(content, list):
        raise InvalidInputError(("cursor", "is not one of ours"))
    return content


class ChangeFeed:
    """Reads the feeds that `Calendars` writes."""

    def __init__(self, table: Table, calendars: Calendars) -> None:
        self._table = table
        self._calendars = calendars

    def read(self, resource_id: str, cursor: str | None, now: datetime) -> dict[str, Any]:
        """The next page behind the cursor; without one no items and the cursor of now.

        Each id stands once on the page, in its present state: a booking that is not with this resource is a tombstone.

        Raises:
            NotFoundError: there is no such resource.
            CursorExpiredError: changes behind the cursor have been forgotten, or the cursor is of another feed.
            InvalidInputError: not a cursor.
        """
        state = self._calendars.state(resource_id)
        if cursor is None:
            return _page(state, state.seq, [])
        since = _position(cursor, state)
        changes = self._behind(state, since, now)
        series = {booking.id: booking for booking in self._present(changes, "series").values()}
        bookings = self._present(changes, "ids")
        items: dict[str, dict[str, Any]] = {}
        size = 0
        for seq, content in changes:
            news = {found: bookings.get(found) for found in content["ids"]}
            for series_id in content["series"]:
                if series_id in series:
                    news |= {booking.id: booking for booking in series[series_id].occurrences()}
            for found in news.keys() - items.keys():
                items[found] = _item(found, news[found], resource_id)
                size += len(json.dumps(items[found]))
            since = seq
            if size > _PAGE_BYTES:
                break
        return _page(state, since, list(items.values()))

    def _behind(self, state: CalendarState, since: int, now: datetime) -> list[tuple[int, dict[str, list[str]]]]:
        if since == state.seq:
            return []
        found = list(
            self._table.query(f"CAL#{state.resource_id}", f"FEED#{since + 1:012}", f"FEED#{state.seq:012}", limit=_PAGE)
        )
        # TTL deletes when it likes: what has run out counts as gone, deleted or not.
        if not found or found[0]["seq"] != since + 1 or int(found[0]["expires_at"]) <= now.timestamp():
            raise CursorExpiredError
        return [_change(item) for item in found]

    def _present(self, changes: list[tuple[int, dict[str, list[str]]]], kind: str) -> dict[str, Booking]:
        return self._calendars.find_many(found for _, content in changes for found in content[kind])


def _change(item: dict[str, Value]) -> tuple[int, dict[str, list[str]]]:
    return int(item["seq"]), json.loads(str(item["content"]))


def _position(cursor: str, state: CalendarState) -> int:
    match decode_cursor(cursor):
        case [str(resource_id), str(feed), int(seq)]:
            if (resource_id, feed) != (state.resource_id, state.feed) or not 0 <= seq <= state.seq:
                raise CursorExpiredError
            return seq
    raise InvalidInputError(("cursor", "is not one of ours"))


def _item(booking_id: str, booking: Booking | None, resource_id: str) -> dict[str, Any]:
    if booking and not booking.is_series and resource_id in booking.resource_ids:
        return {"type": "upsert", "id": booking_id, "booking": booking.shown()}
    return {"type": "tombstone", "id": booking_id, "booking": None}


def _page(state: CalendarState, seq: int, items: list[dict[str, Any]]) -> dict[str, Any]:
    cursor = encode_cursor([state.resource_id, state.feed, seq])
    return {"items": items, "cursor": cursor, "more": seq < state.seq}
