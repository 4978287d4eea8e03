"""What stands in a resource's calendar: reading windows and the change feed, and writing under the calendar's lock.

The lock: every write of a booking raises `seq` of each calendar it touches, on the condition that it still is what it
was when the rules were checked. Two bookings of overlapping times therefore cannot both be written, and the numbers of
the feed have no gaps. Blocks do not raise it: they are never refused, so a block that comes in while a booking is
checked simply came after that booking.
"""

import heapq
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from calsync_core.hosts.reference.documents import Block, Booking
from calsync_core.hosts.reference.errors import NotFoundError
from calsync_core.hosts.reference.instants import overlaps, write_instant
from calsync_core.hosts.reference.series import split_occurrence_id
from calsync_core.hosts.reference.table import Operation, Table, Value

SHORT = timedelta(days=2)
FEED_KEPT = timedelta(days=30)
Entry = TypeVar("Entry", Booking, Block)
Position = tuple[datetime, str]


@dataclass(frozen=True, slots=True)
class CalendarState:
    """Where a resource's calendar stands: the number of its newest change, and the feed these numbers belong to."""

    resource_id: str
    feed: str
    seq: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A booking as read. `revision` counts its writes; 0 is an occurrence that only its series holds."""

    booking: Booking
    revision: int
    series: "Stored | None" = None


@dataclass(frozen=True, slots=True)
class Edit:
    """One booking before and after. `is_silent`: nobody sees a difference, so the feed says nothing."""

    before: Stored | None
    after: Booking
    is_silent: bool = False

    @property
    def resource_ids(self) -> list[str]:
        """The resources it stood with and stands with."""
        before = self.before.booking.resource_ids if self.before else ()
        return sorted({*before, *self.after.resource_ids})


class Calendars:
    """The calendars of one account."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def state(self, resource_id: str) -> CalendarState:
        """The state of a calendar.

        Raises:
            NotFoundError: there is no such resource.
        """
        item = self._table.get(f"CAL#{resource_id}", "STATE")
        if item is None:
            raise NotFoundError("resource")
        return CalendarState(resource_id, str(item["feed"]), int(item["seq"]))

    def find(self, booking_id: str) -> Stored:
        """A booking, an occurrence or a series.

        Raises:
            NotFoundError: none of them.
        """
        item = self._table.get(f"BOOKING#{booking_id}")
        if item:
            return _stored(item)
        split = split_occurrence_id(booking_id)
        series = self._table.get(f"BOOKING#{split[0]}") if split else None
        if split and series:
            found = _occurrence(_stored(series), split[1])
            if found:
                return found
            if split[1] in _stored(series).booking.detached:  # got a row of its own between the two reads
                item = self._table.get(f"BOOKING#{booking_id}")
                if item:
                    return _stored(item)
        raise NotFoundError("booking")

    def find_many(self, booking_ids: Iterable[str]) -> dict[str, Booking]:
        """Those of the bookings and occurrences that exist."""
        ids = list(dict.fromkeys(booking_ids))
        found = {stored.booking.id: stored.booking for stored in self._read(ids)}
        splits = {lost: split for lost in ids if lost not in found and (split := split_occurrence_id(lost))}
        all_series = {stored.booking.id: stored for stored in self._read({split[0] for split in splits.values()})}
        just_detached = []  # got a row of their own between the two reads
        for lost, (series_id, original_start) in splits.items():
            series = all_series.get(series_id)
            occurrence = _occurrence(series, original_start) if series else None
            if occurrence:
                found[lost] = occurrence.booking
            elif series and original_start in series.booking.detached:
                just_detached.append(lost)
        return found | {stored.booking.id: stored.booking for stored in self._read(just_detached)}

    def bookings(
        self, resource_id: str, start: datetime, end: datetime, *, after: Position | None = None
    ) -> Iterator[Booking]:
        """The bookings that overlap [start, end), by start and id, lazily; series as their occurrences."""
        pk = f"CAL#{resource_id}"
        lasting = list(self._long(pk, "LONG", Booking, start))
        for item in self._table.query(pk, f"SERIES#{write_instant(start)}", "SERIES#~"):
            lasting += Booking.model_validate_json(str(item["doc"])).occurrences()
        return self._in_order(self._short(pk, "SHORT", Booking, start, end, after), lasting, start, end, after)

    def blocks(
        self, resource_id: str, start: datetime, end: datetime, *, after: Position | None = None
    ) -> Iterator[Block]:
        """The blocks that overlap [start, end), by start and id, lazily."""
        pk = f"CAL#{resource_id}"
        lasting = list(self._long(pk, "BLONG", Block, start))
        return self._in_order(self._short(pk, "BSHORT", Block, start, end, after), lasting, start, end, after)

    def operations(self, edits: Iterable[Edit], states: Mapping[str, CalendarState], now: datetime) -> list[Operation]:
        """The writes that make the edits, on the condition that nothing has changed since they were decided."""
        operations: list[Operation] = []
        told: dict[str, dict[str, list[str]]] = {}
        for edit in edits:
            operations += self._document(edit)
            for resource_id in edit.resource_ids:
                operations += self._spans(edit, resource_id)
                if not edit.is_silent:
                    told[resource_id] = _what_to_tell(edit, resource_id)
        for resource_id, content in told.items():
            operations += self._feed(states[resource_id], content, now)
        return operations

    def _read(self, ids: Iterable[str]) -> list[Stored]:
        return [_stored(item) for item in self._table.get_many([(f"BOOKING#{found}", "DOC") for found in ids])]

    def _short(
        self, pk: str, kind: str, model: type[Entry], start: datetime, end: datetime, after: Position | None
    ) -> Iterator[Entry]:
        begin = f"{kind}#{write_instant(start - SHORT)}"
        if after:
            begin = max(begin, f"{kind}#{write_instant(after[0])}#{after[1]}")
        # Keys go on with #<id>, so that an entry starting at `end` sorts behind the last key asked for.
        for item in self._table.query(pk, begin, f"{kind}#{write_instant(end)}"):
            yield model.model_validate_json(str(item["doc"]))

    def _long(self, pk: str, kind: str, model: type[Entry], start: datetime) -> Iterator[Entry]:
        for item in self._table.query(pk, f"{kind}#{write_instant(start)}", f"{kind}#~"):
            yield model.model_validate_json(str(item["doc"]))

    @staticmethod
    def _in_order(
        short: Iterator[Entry], lasting: list[Entry], start: datetime, end: datetime, after: Position | None
    ) -> Iterator[Entry]:
        ordered = heapq.merge(short, sorted(lasting, key=position), key=position)
        return (
            entry
            for entry in ordered
            if overlaps(entry.start, entry.end, start, end) and (after is None or position(entry) > after)
        )

    def _document(self, edit: Edit) -> list[Operation]:
        before, after = edit.before, edit.after
        revision = before.revision if before else 0
        item: dict[str, Value] = {"entity": "host_booking", "doc": after.model_dump_json(), "revision": revision + 1}
        pk = f"BOOKING#{after.id}"
        if revision == 0:
            return [self._table.put(pk, "DOC", item, condition="attribute_not_exists(PK)")]
        return [self._table.put(pk, "DOC", item, condition="revision = :was", values={":was": revision})]

    def _spans(self, edit: Edit, resource_id: str) -> list[Operation]:
        before, after = edit.before, edit.after
        stood = before is not None and before.revision > 0 and resource_id in before.booking.resource_ids
        old = booking_key(before.booking) if before and stood else None
        new = booking_key(after) if resource_id in after.resource_ids else None
        pk = f"CAL#{resource_id}"
        operations = [self._table.delete(pk, old)] if old and old != new else []
        if new:
            operations.append(self._table.put(pk, new, {"entity": "host_span", "doc": after.model_dump_json()}))
        return operations

    def _feed(self, state: CalendarState, content: dict[str, list[str]], now: datetime) -> list[Operation]:
        pk, seq = f"CAL#{state.resource_id}", state.seq + 1
        moved_on: dict[str, Value] = {"entity": "host_calendar", "feed": state.feed, "seq": seq}
        expires_at = int((now + FEED_KEPT).timestamp())
        change: dict[str, Value] = {
            "entity": "host_change",
            "content": json.dumps(content),
            "seq": seq,
            "expires_at": expires_at,
        }
        return [
            self._table.put(pk, "STATE", moved_on, condition="seq = :was", values={":was": state.seq}),
            self._table.put(pk, f"FEED#{seq:012}", change),
        ]


def position(entry: Booking | Block) -> Position:
    """Where an entry stands in a list."""
    return (entry.start, entry.id)


def booking_key(booking: Booking) -> str:
    """The SK of a booking in its resources' calendars."""
    if booking.is_series:
        last_end = max((found.end for found in booking.dates()), default=booking.end)
        return f"SERIES#{write_instant(last_end)}#{booking.id}"
    return span_key("", booking)


def span_key(prefix: str, entry: Booking | Block) -> str:
    """The SK of an entry by its length; see the layout in table.py."""
    if entry.end - entry.start <= SHORT:
        return f"{prefix}SHORT#{write_instant(entry.start)}#{entry.id}"
    return f"{prefix}LONG#{write_instant(entry.end)}#{entry.id}"


def _stored(item: Mapping[str, Value]) -> Stored:
    return Stored(Booking.model_validate_json(str(item["doc"])), int(item["revision"]))


def _occurrence(series: Stored, original_start: datetime) -> Stored | None:
    if not series.booking.is_series or original_start in series.booking.taken:
        return None
    for found in series.booking.dates():
        if found.start == original_start:
            return Stored(series.booking.occurrence(found), 0, series)
    return None


def _what_to_tell(edit: Edit, resource_id: str) -> dict[str, list[str]]:
    """Ids whose present state a reader of the feed must see; of a series also the occurrences that are no more."""
    if not edit.after.is_series:
        return {"ids": [edit.after.id], "series": []}
    before = edit.before.booking.occurrences() if edit.before else []
    after = edit.after.occurrences() if resource_id in edit.after.resource_ids else []
    gone = {booking.id for booking in before} - {booking.id for booking in after}
    return {"ids": sorted(gone), "series": [edit.after.id]}
