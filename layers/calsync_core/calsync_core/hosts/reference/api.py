"""Host Connector v1 over HTTP: docs/hosts/connector-v1.md, call by call. No rule stands here."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from http import HTTPStatus
from itertools import islice
from typing import Any, cast
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from calsync_core.hosts.reference.answers import Answer
from calsync_core.hosts.reference.blocks import Blocks
from calsync_core.hosts.reference.calendars import Calendars, position
from calsync_core.hosts.reference.changes import ChangeFeed, decode_cursor, encode_cursor
from calsync_core.hosts.reference.desk import Desk, Terms
from calsync_core.hosts.reference.documents import Block, Booking
from calsync_core.hosts.reference.errors import HostError, InvalidInputError, NotFoundError, RefusalError
from calsync_core.hosts.reference.fields import is_id
from calsync_core.hosts.reference.instants import read_instant, write_instant
from calsync_core.hosts.reference.messages import (
    MOST_BLOCKS,
    BlockBatch,
    BlockContent,
    BookingChange,
    Cancellation,
    NamedBlock,
    NewBooking,
    NewResource,
    ResourceChange,
    parse,
)
from calsync_core.hosts.reference.outbox import Outbox
from calsync_core.hosts.reference.register import Register
from calsync_core.hosts.reference.requests_in import Incoming

MAX_WINDOW_DAYS = 800
_PAGE = 200
_PAGE_BYTES = 3_000_000
Handler = Callable[..., Response[str]]


@dataclass(frozen=True, slots=True)
class System:
    """The parts of the booking system that its two faces use."""

    register: Register
    desk: Desk
    blocks: Blocks
    calendars: Calendars
    changes: ChangeFeed
    outbox: Outbox
    clock: Callable[[], datetime]


def add_api(app: APIGatewayHttpResolver, system: System, key: str) -> None:
    """Add the routes under /host, all of them behind the Bearer key."""

    def guarded(handler: Handler) -> Handler:
        @wraps(handler)
        def answer(**ids: str) -> Response[str]:
            try:
                request = Incoming(app.current_event.raw_event)
                _let_in(request, key)
                return handler(request, **{name: _known(unquote(value)) for name, value in ids.items()})
            except HostError as error:
                return problem(error)

        return answer

    _add_reads(app, system, guarded)
    _add_bookings(app, system, guarded)
    _add_resources(app, system, guarded)
    _add_blocks(app, system, guarded)


def _add_reads(app: APIGatewayHttpResolver, system: System, guarded: Callable[[Handler], Handler]) -> None:
    @app.get("/host/capabilities")
    @guarded
    def capabilities(_: Incoming) -> Response[str]:
        return _answer(200, offered(system.desk.granularity_minutes))

    @app.get("/host/changes")
    @guarded
    def changes(request: Incoming) -> Response[str]:
        query = _only(request.query, "resource_id", "cursor")
        found = system.changes.read(_resource_id(query), query.get("cursor") or None, system.clock())
        return _answer(200, found)

    @app.post("/host/events/deliver")
    @guarded
    def deliver(_: Incoming) -> Response[str]:
        delivery = system.outbox.deliver_pending(100)
        return _answer(200, {"delivered": delivery.delivered, "waiting": delivery.waiting})


def _add_bookings(app: APIGatewayHttpResolver, system: System, guarded: Callable[[Handler], Handler]) -> None:
    @app.get("/host/bookings")
    @guarded
    def list_bookings(request: Incoming) -> Response[str]:
        return _window(request, system, system.calendars.bookings)

    @app.get("/host/bookings/<booking_id>")
    @guarded
    def get_booking(_: Incoming, booking_id: str) -> Response[str]:
        return _answer(200, system.calendars.find(booking_id).booking.shown())

    @app.post("/host/bookings")
    @guarded
    def book(request: Incoming) -> Response[str]:
        return _kept(system.desk.book(request.parsed(NewBooking), request.once))

    @app.patch("/host/bookings/<booking_id>")
    @guarded
    def change_booking(request: Incoming, booking_id: str) -> Response[str]:
        query = _only(request.query, "dry_run")
        terms = Terms(request.expected_version, request.once, _flag("dry_run", query.get("dry_run", "0")))
        return _kept(system.desk.change(booking_id, request.parsed(BookingChange), terms))

    @app.post("/host/bookings/<booking_id>/cancel")
    @guarded
    def cancel_booking(request: Incoming, booking_id: str) -> Response[str]:
        request.parsed(Cancellation)
        return _kept(system.desk.cancel(booking_id, Terms(request.expected_version, request.once)))


def _add_resources(app: APIGatewayHttpResolver, system: System, guarded: Callable[[Handler], Handler]) -> None:
    @app.get("/host/resources")
    @guarded
    def list_resources(request: Incoming) -> Response[str]:
        query = _only(request.query, "cursor")
        after = _cursor(query.get("cursor"), str)
        found = system.register.list_after(after[0] if after else "", _PAGE + 1)
        cursor = encode_cursor([found[_PAGE - 1].id]) if len(found) > _PAGE else None
        return _list([resource.model_dump(mode="json") for resource in found[:_PAGE]], cursor)

    @app.get("/host/resources/<resource_id>")
    @guarded
    def get_resource(_: Incoming, resource_id: str) -> Response[str]:
        return _answer(200, system.register.get(resource_id).model_dump(mode="json"))

    @app.post("/host/resources")
    @guarded
    def add_resource(request: Incoming) -> Response[str]:
        return _kept(system.register.add(request.parsed(NewResource), request.once))

    @app.patch("/host/resources/<resource_id>")
    @guarded
    def change_resource(request: Incoming, resource_id: str) -> Response[str]:
        change = request.parsed(ResourceChange)
        return _kept(system.register.change(resource_id, change, request.expected_version, request.once))


def _add_blocks(app: APIGatewayHttpResolver, system: System, guarded: Callable[[Handler], Handler]) -> None:
    @app.get("/host/blocks")
    @guarded
    def list_blocks(request: Incoming) -> Response[str]:
        return _window(request, system, system.calendars.blocks)

    @app.get("/host/blocks/<ref>")
    @guarded
    def get_block(_: Incoming, ref: str) -> Response[str]:
        return _answer(200, system.blocks.get(ref).model_dump(mode="json"))

    @app.put("/host/blocks/<ref>")
    @guarded
    def put_block(request: Incoming, ref: str) -> Response[str]:
        block, is_new = system.blocks.put(ref, request.parsed(BlockContent))
        return _answer(201 if is_new else 200, block.model_dump(mode="json"))

    @app.put("/host/blocks")
    @guarded
    def put_blocks(request: Incoming) -> Response[str]:
        return _answer(200, {"items": put_each(system.blocks, request.parsed(BlockBatch).blocks)})

    @app.delete("/host/blocks/<ref>")
    @guarded
    def delete_block(_: Incoming, ref: str) -> Response[str]:
        system.blocks.delete(ref)
        return Response(204, body="")


def problem(error: HostError) -> Response[str]:
    """An error as problem+json."""
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}.get(error.status, {})
    return Response(error.status, "application/problem+json", json.dumps(told(error)), headers)


def told(error: HostError) -> dict[str, Any]:
    """The body of an error."""
    body: dict[str, Any] = {
        "type": f"urn:calsync:host:{error.code}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "code": error.code,
        "message": error.message,
    }
    if isinstance(error, RefusalError):
        body["conflicting_ids"] = error.conflicting_ids
    if isinstance(error, InvalidInputError):
        body["errors"] = error.errors
    return body


def put_each(blocks: Blocks, sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One item of the answer for each block, in their order."""
    refs = [one.get("ref") for one in sent]
    if any(not isinstance(ref, str) or not is_id(ref) for ref in refs) or len(set(refs)) < len(refs):
        raise InvalidInputError(("blocks", "each needs a ref of its own"))
    read: dict[str, NamedBlock | HostError] = {}
    for one in sent:
        try:
            read[one["ref"]] = parse(NamedBlock, json.dumps(one))
        except HostError as error:
            read[one["ref"]] = error
    good = [one for one in read.values() if isinstance(one, NamedBlock)]
    put = dict(zip([one.ref for one in good], blocks.put_many(good), strict=True))
    return [_item(ref, put.get(ref) or read[ref]) for ref in read]


def _item(ref: str, outcome: object) -> dict[str, Any]:
    if isinstance(outcome, HostError):
        return {"ref": ref, "status": outcome.status, "block": None, "problem": told(outcome)}
    block, is_new = cast("tuple[Block, bool]", outcome)
    return {"ref": ref, "status": 201 if is_new else 200, "block": block.model_dump(mode="json"), "problem": None}


def offered(granularity_minutes: int) -> dict[str, Any]:
    return {
        "connector": 1,
        "blocks": True,
        "booking_write": "full",
        "change_feed": True,
        "versions": True,
        "webhooks": True,
        "series": True,
        "granularity_min": granularity_minutes,
        "max_window_days": MAX_WINDOW_DAYS,
        "html_notes": True,
        "dry_run": True,
        "notify_control": False,
        "absences": False,
        "lists_blocks": True,
        "block_batch": MOST_BLOCKS,
    }


def _window(request: Incoming, system: System, read: Callable[..., Iterator[Booking | Block]]) -> Response[str]:
    query = _only(request.query, "resource_id", "from", "to", "cursor")
    resource_id, start, end = _resource_id(query), _instant(query, "from"), _instant(query, "to")
    if not start < end:
        raise InvalidInputError(("to", "must be after from"))
    if end - start > timedelta(days=MAX_WINDOW_DAYS):
        raise InvalidInputError(("to", f"must be within {MAX_WINDOW_DAYS} days of from"))
    system.register.get(resource_id)
    after = _cursor(query.get("cursor"), str, str)
    behind = (_instant({"cursor": after[0]}, "cursor"), after[1]) if after else None
    return _cut(read(resource_id, start, end, after=behind))


def _cut(entries: Iterator[Booking | Block]) -> Response[str]:
    """A page of at most 200 entries and 3 MB, whichever comes first, and the cursor behind it if there are more."""
    items: list[dict[str, Any]] = []
    size = 0
    for entry in islice(entries, _PAGE):
        items.append(entry.shown() if isinstance(entry, Booking) else entry.model_dump(mode="json"))
        last, size = position(entry), size + len(json.dumps(items[-1]))
        if size > _PAGE_BYTES:
            break
    has_more = bool(items) and next(entries, None) is not None
    return _list(items, encode_cursor([write_instant(last[0]), last[1]]) if has_more else None)


def _cursor(cursor: str | None, *types: type) -> list[Any] | None:
    if not cursor:
        return None
    content = decode_cursor(cursor)
    if [type(part) for part in content] != list(types):
        raise InvalidInputError(("cursor", "is not one of ours"))
    return content


def _let_in(request: Incoming, key: str) -> None:
    if not request.carries(key):
        raise HostError(401, "unauthorized", "The Bearer key is missing or not this account's.")


def _known(value: str) -> str:
    if not is_id(value):
        raise NotFoundError("id")
    return value


def _resource_id(query: dict[str, str]) -> str:
    if not query.get("resource_id"):
        raise InvalidInputError(("resource_id", "is needed"))
    if not is_id(query["resource_id"]):
        raise NotFoundError("resource")
    return query["resource_id"]


def _instant(query: dict[str, str], name: str) -> datetime:
    try:
        return read_instant(query.get(name))
    except ValueError as error:
        raise InvalidInputError((name, str(error))) from error


def _flag(name: str, value: str) -> bool:
    if value.lower() not in {"0", "1", "true", "false"}:
        raise InvalidInputError((name, "must be 0 or 1"))
    return value.lower() in {"1", "true"}


def _only(query: dict[str, str], *names: str) -> dict[str, str]:
    if unknown := query.keys() - set(names):
        raise InvalidInputError((min(unknown), "is not a parameter of this call"))
    return query


def _list(items: list[dict[str, Any]], cursor: str | None) -> Response[str]:
    return _answer(200, {"items": items, "next_cursor": cursor})


def _kept(answer: Answer) -> Response[str]:
    return _answer(answer.status, answer.body)


def _answer(status: int, body: dict[str, Any]) -> Response[str]:
    headers = {"Cache-Control": "no-store"}
    if "version" in body:
        headers["ETag"] = f'"{body["version"]}"'
    return Response(status, "application/json", json.dumps(body), headers)
