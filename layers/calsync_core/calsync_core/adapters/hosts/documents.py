"""Host Connector v1 as JSON <-> our values, strictly: what does not fit the contract raises DocumentError.

Only the reading side ignores unknown fields: a booking system may answer more than the contract names.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from calsync_core.domain.appointments import (
    AllDay,
    Block,
    BlockKind,
    Booking,
    BookingStatus,
    Customer,
    Notes,
    Timed,
    When,
)
from calsync_core.domain.errors import AppointmentRejectedError
from calsync_core.domain.ids import BookingId, LinkRef, ResourceId
from calsync_core.domain.notes import LONGEST_READ
from calsync_core.domain.recurrence import Inexpressible
from calsync_core.domain.resources import Owner, Resource, ResourceKind, WorkingRange
from calsync_core.domain.rrules import parse_rule
from calsync_core.domain.spans import UnreadableTimesError, check_span
from calsync_core.domain.texts import fit
from calsync_core.domain.windows import EARLIEST_YEAR, LATEST_YEAR
from calsync_core.domain.zones import iana_name
from calsync_core.ports.host import Capabilities, Unreadable

Json = Mapping[str, Any]
T = TypeVar("T")
_DAYS = {name: number for number, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}
HASHED = "content:"
"""Begins the version of bookings of a system without versions: a hash of what it answered."""


UNREADABLE = "booking_unreadable"
_LONGEST_BUFFER = 7 * 24 * 60  # minutes


class DocumentError(ValueError):
    """An answer that does not fit the contract; the message names the field, never its value."""


def to_unreadable(document: Json, error: DocumentError) -> Unreadable:
    """What can be told of a booking that does not fit the contract."""
    name = document.get("id")
    return Unreadable(BookingId(name) if isinstance(name, str) and name else None, UNREADABLE, str(error))


def to_resource(document: Json) -> Resource:
    resource_id, name = _text(document, "id"), _text(document, "name")
    email = _optional(document, "email", str) or ""
    owner = _optional(document, "owner", dict)
    person = (
        Owner(_text(owner, "id"), _text(owner, "name"), _optional(owner, "email", str) or email)
        if owner
        else Owner(resource_id, name, email)
    )
    return Resource(
        ResourceId(resource_id),
        name,
        email,
        _kind(_text(document, "kind")),
        _zone(document),
        _optional(document, "locale", str) or "en",
        person,
        _working_hours(_optional(document, "working_hours", dict)),
        document.get("active") is not False,
    )


def _kind(word: str) -> ResourceKind:
    """What nobody here has heard of yet is a thing that somebody looks after."""
    return ResourceKind(word) if word in set(ResourceKind) else ResourceKind.EQUIPMENT


def zone_of(document: Json) -> str:
    """Of a resource, whatever else is wrong with it; UTC for a zone that nobody knows."""
    return iana_name(str(document.get("time_zone") or "")) or "UTC"


def to_booking(document: Json) -> Booking:
    zone = _zone(document)
    series = _optional(document, "series", dict)
    when = _when(document, zone)
    customer = _optional(document, "customer", dict)
    buffers = _optional(document, "buffers", dict) or {}
    updated_at = _optional(document, "updated_at", str)
    return Booking(
        BookingId(_text(document, "id")),
        _optional(document, "version", str) or _content_version(document),
        _word(BookingStatus, document, "status"),
        tuple(ResourceId(one) for one in _texts(document, "resource_ids")),
        when,
        zone,
        _optional(document, "title", str) or "",
        _optional(document, "service_name", str),
        _customer(customer) if customer else None,
        _notes(_optional(document, "notes", dict)),
        _optional(document, "location", str),
        _optional(document, "url", str),
        document.get("private") is True,
        _minutes(buffers, "before_min"),
        _minutes(buffers, "after_min"),
        _text(series, "id") if series else None,
        bool(series) and not (series or {}).get("original_start"),
        tuple(
            (fit(str(key)), fit(str(value)))
            for key, value in (_optional(document, "custom_fields", dict) or {}).items()
        ),
        _instant(updated_at, "updated_at") if updated_at else None,
        **_series(series, when, zone),
    )


def _series(series: Json | None, when: When, zone: str) -> dict[str, Any]:
    """Of an occurrence its place, of the series itself how it repeats. A rule that is none costs the series, not the
    run: its occurrences stand in the lists as well, and are taken one by one."""
    if series is None:
        return {}
    original = _optional(series, "original_start", str)
    if original:
        return {"original_start_at": _instant(original, "series.original_start")}
    rule = _optional(series, "rrule", str)
    try:
        recurrence = parse_rule(rule, when, zone) if rule else Inexpressible("no_rule")
    except AppointmentRejectedError as error:
        recurrence = Inexpressible(error.code)
    exdates = tuple(_instant(one, "series.exdates") for one in _texts(series, "exdates")) if "exdates" in series else ()
    return {"recurrence": recurrence, "exdates": exdates}


def to_block(document: Json, zone: str) -> Block:
    """`zone` is the resource's: blocks carry none."""
    origin = _optional(document, "origin", dict) or {}
    return Block(
        LinkRef(_text(origin, "ref")),
        ResourceId(_text(document, "resource_id")),
        _when(document, zone),
        zone,
        _word(BlockKind, document, "kind"),
        _optional(document, "title", str),
        _notes(_optional(document, "notes", dict)),
    )


MOST_BLOCKS = 50
"""In one call, whatever the booking system would take."""


def to_capabilities(document: Json) -> Capabilities:
    writes = _optional(document, "booking_write", str) or "none"
    granularity = _optional(document, "granularity_min", int) or 1
    return Capabilities(
        may_move=writes in {"time_only", "full"},
        may_cancel=writes == "full",
        has_change_feed=document.get("change_feed") is True,
        lists_blocks=document.get("lists_blocks") is True,
        granularity_minutes=max(1, granularity),
        takes_html_notes=document.get("html_notes") is True,
        blocks_a_call=min(max(1, _optional(document, "block_batch", int) or 1), MOST_BLOCKS),
    )


def from_block(block: Block) -> dict[str, Any]:
    """The body of PUT; all-day as dates, which need no zone."""
    notes = {"format": "html" if block.notes.is_html else "text", "value": block.notes.text} if block.notes else None
    return {
        "resource_id": block.resource_id,
        **from_when(block.when),
        "all_day": isinstance(block.when, AllDay),
        "kind": block.kind.value,
        "title": block.title,
        "notes": notes,
        "origin": {"system": "calsync", "ref": block.ref, "connection_id": None},
    }


def from_when(when: When) -> dict[str, str]:
    if isinstance(when, AllDay):
        return {"start": when.start.isoformat(), "end": when.end.isoformat()}
    return {"start": show_instant(when.start_at), "end": show_instant(when.end_at)}


def show_instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _when(document: Json, zone: str) -> When:
    start, end = _instant(_text(document, "start"), "start"), _instant(_text(document, "end"), "end")
    try:
        check_span(start, end)
    except UnreadableTimesError:
        raise DocumentError("end") from None
    if document.get("all_day") is True:
        return _days(start, end, ZoneInfo(zone))
    return Timed(start, end)


def _days(start: datetime, end: datetime, zone: ZoneInfo) -> AllDay:
    """The dates that an all-day booking covers in its zone; ends at 23:59 and starts at 23:00 of the day before are
    what other systems make of midnights."""
    first = (start.astimezone(zone) + timedelta(hours=2)).date()
    last = (end.astimezone(zone) + timedelta(hours=22)).date()
    return AllDay(first, max(last, first + timedelta(days=1)))


def _instant(text: str, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise DocumentError(field) from None
    if moment.tzinfo is None or "T" not in text.upper() or not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise DocumentError(field)
    return moment.astimezone(UTC)


def _working_hours(document: Json | None) -> tuple[WorkingRange, ...]:
    """The weekly ranges; dated exceptions are the booking system's own business, it refuses what does not fit."""
    ranges = []
    for one in (document or {}).get("weekly") or ():
        if not isinstance(one, dict) or one.get("day") not in _DAYS:
            raise DocumentError("working_hours")
        ranges.append(WorkingRange(_DAYS[one["day"]], _wall(one, "start"), _wall(one, "end")))
    return tuple(ranges)


def _wall(document: Json, field: str) -> time:
    text = _text(document, field)
    if text == "24:00":
        return time.max
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise DocumentError(f"working_hours.{field}") from None


def _customer(document: Json) -> Customer:
    return Customer(fit(_text(document, "name")), _optional(document, "email", str), _optional(document, "phone", str))


def _notes(document: Json | None) -> Notes | None:
    value = _optional(document, "value", str) if document else None
    return Notes(value[:LONGEST_READ], document.get("format") == "html") if document and value else None


def _minutes(document: Json, field: str) -> timedelta:
    return timedelta(minutes=min(max(0, _optional(document, field, int) or 0), _LONGEST_BUFFER))


def _zone(document: Json) -> str:
    name = iana_name(_text(document, "time_zone"))
    if name is None:
        raise DocumentError("time_zone")
    return name


def _text(document: Json, field: str) -> str:
    value = document.get(field)
    if not isinstance(value, str) or not value:
        raise DocumentError(field)
    return value


def _texts(document: Json, field: str) -> list[str]:
    value = document.get(field)
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise DocumentError(field)
    return value


def _optional(document: Json, field: str, kind: type[T]) -> T | None:
    value = document.get(field)
    if value is not None and not isinstance(value, kind):
        raise DocumentError(field)
    return fit(value) if isinstance(value, str) else value  # type: ignore[return-value]


def _word(words: type[T], document: Json, field: str) -> T:
    try:
        return words(_text(document, field))  # type: ignore[call-arg]
    except ValueError:
        raise DocumentError(field) from None


def _content_version(document: Json) -> str:
    """For systems without versions: what differs is another version."""
    kept = {key: value for key, value in document.items() if key != "updated_at"}
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), default=str)
    return HASHED + hashlib.sha256(text.encode()).hexdigest()[:32]
