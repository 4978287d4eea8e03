"""Query options of lists: $select, $filter, $orderby, $top, $skip, $count, $expand; pages with nextLink."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote_plus

from sandbox.appointments import Entry
from sandbox.graph import errors
from sandbox.graph.calls import Call
from sandbox.graph.events import SELECTABLE, master_of
from sandbox.graph.filters import Test, compile_filter
from sandbox.graph.properties import property_id

DEFAULT_PAGE = 10
MAX_PAGE = 1000
_KNOWN = frozenset({"$select", "$filter", "$orderby", "$top", "$skip", "$count", "$expand", "$format", "$skiptoken"})
_ORDERS: dict[str, Callable[[Entry], Any]] = {
    "start/datetime": lambda e: e.content.start_at,
    "end/datetime": lambda e: e.content.end_at,
    "subject": lambda e: e.content.subject.casefold(),
    "createddatetime": lambda e: master_of(e).created_at,
    "lastmodifieddatetime": lambda e: master_of(e).modified_at,
}
_EXPANSION = re.compile(r"([\w.]+)\s*(?:\(((?:[^()']|'(?:[^']|'')*')*)\))?\s*(?:,|$)")
_ID_TEST = re.compile(r"\bid\s+eq\s+'((?:[^']|'')*)'", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """The options of one request, checked."""

    select: frozenset[str] | None = None
    test: Test | None = None
    filter_text: str = ""
    order: tuple[tuple[Callable[[Entry], Any], bool], ...] = ()
    """Key and whether descending, most important first."""
    top: int = DEFAULT_PAGE
    skip: int = 0
    counts: bool = False
    properties: tuple[str, ...] = ()
    """Extended properties to expand."""
    extensions: tuple[str, ...] = ()
    expands: frozenset[str] = frozenset()
    """exceptionOccurrences, attachments, calendar, instances."""

    def without(self, names: frozenset[str]) -> "QueryOptions":
        """The same options with fewer selected fields."""
        return replace(self, select=self.select - names if self.select is not None else None)


def read_options(call: Call, selectable: frozenset[str] = SELECTABLE) -> QueryOptions:
    """Read the query options of a request; only filters on events are compiled. Raises GraphError 400."""
    query = {(name.casefold() if name.startswith("$") else name): value for name, value in call.query().items()}
    for name in query:
        if name.startswith("$") and name not in _KNOWN:
            raise errors.invalid_query(f"The query option '{name}' is not supported here.")
    properties, extensions, expands = _expansions(query.get("$expand", ""))
    page = call.prefer.page_size or DEFAULT_PAGE
    text = query.get("$filter", "")
    return QueryOptions(
        select=_select(query.get("$select"), selectable),
        test=compile_filter(text) if text and selectable is SELECTABLE else None,
        filter_text=text,
        order=_order(query.get("$orderby", "")),
        top=_number(query["$top"], "$top", 1, MAX_PAGE) if "$top" in query else min(page, MAX_PAGE),
        skip=_number(query.get("$skip", "0"), "$skip", 0, 2**31 - 1),
        counts=query.get("$count", "false").casefold() == "true",
        properties=properties,
        extensions=extensions,
        expands=expands,
    )


def _number(text: str, name: str, least: int, most: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise errors.invalid_query(f"The value '{text}' of query option '{name}' is not valid.")
    if int(text) > most:
        raise errors.invalid_query(
            f"The limit of '{most}' for {name.removeprefix('$').capitalize()} query has been exceeded. "
            f"The value from the incoming request is '{text}'."
        )
    return int(text)


def _select(text: str | None, selectable: frozenset[str]) -> frozenset[str] | None:
    if text is None or text.strip() in ("", "*"):
        return None
    by_folded = {name.casefold(): name for name in selectable}
    names = set()
    for part in text.split(","):
        name = part.strip().split("/")[0]
        if name.startswith("@odata."):
            continue
        known = by_folded.get(name.casefold())
        if known is None:
            raise errors.unparsable_query(f"Could not find a property named '{name}' on type 'microsoft.graph.event'.")
        names.add(known)
    return frozenset(names)


def _order(text: str) -> tuple[tuple[Callable[[Entry], Any], bool], ...]:
    order = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, direction = part.partition(" ")
        key = _ORDERS.get(name.casefold())
        if key is None or direction.strip().casefold() not in ("", "asc", "desc"):
            raise errors.invalid_query(f"The property '{part}' does not support sorting.")
        order.append((key, direction.strip().casefold() == "desc"))
    return tuple(order)


def _expansions(text: str) -> tuple[tuple[str, ...], tuple[str, ...], frozenset[str]]:
    properties: list[str] = []
    extensions: list[str] = []
    plain: set[str] = set()
    rest = text.strip()
    while rest:
        match = _EXPANSION.match(rest)
        if match is None:
            raise errors.unparsable_query(f"Syntax error in $expand at '{rest}'.")
        name, inner = match.group(1), match.group(2)
        wanted = [value.replace("''", "'") for value in _ID_TEST.findall(inner or "")]
        match name.casefold():
            case "singlevalueextendedproperties":
                if not wanted:
                    raise errors.invalid_query("singleValueExtendedProperties is expanded with $filter only.")
                properties += map(property_id, wanted)
            case "extensions":
                extensions += wanted
            case "exceptionoccurrences" | "attachments" | "calendar" | "instances":
                plain.add(name.casefold())
            case _:
                raise errors.unparsable_query(
                    f"Could not find a property named '{name}' on type 'microsoft.graph.event'."
                )
        rest = rest[match.end() :].strip()
    return tuple(properties), tuple(extensions), frozenset(plain)


def chosen(entries: Sequence[Entry], options: QueryOptions) -> list[Entry]:
    """Return the entries that pass the filter, in the asked order."""
    found = [entry for entry in entries if options.test(entry)] if options.test else list(entries)
    for key, is_descending in reversed(options.order):
        found.sort(key=key, reverse=is_descending)
    return found


def page_of(
    call: Call, rows: Sequence[Any], options: QueryOptions, show: Callable[[Any], Any], fragment: str
) -> dict[str, Any]:
    """Return one page of rows with its nextLink.

    A full page has a nextLink even when nothing follows: the service does not look ahead.
    """
    part = rows[options.skip : options.skip + options.top]
    body: dict[str, Any] = {"@odata.context": f"{call.context_root}/{fragment}"}
    if options.counts:
        body["@odata.count"] = len(rows)
    body["value"] = [show(row) for row in part]
    if len(part) == options.top:
        body["@odata.nextLink"] = link_with(call, "$skip", str(options.skip + options.top))
    return body


def link_with(call: Call, name: str, value: str) -> str:
    """Return the address of this request, on the host the client used, with one option set anew."""
    parts = [
        part
        for part in call.request.url.query.split("&")
        if part and unquote_plus(part.partition("=")[0]).casefold() != name.casefold()
    ]
    query = "&".join([*parts, f"{name}={quote(value, safe='')}"])
    return f"{call.address}?{query}"
