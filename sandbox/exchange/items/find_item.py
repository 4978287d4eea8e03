"""FindItem: a CalendarView expands series, everything else lists masters and single items; GetItem."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sandbox.appointments import Entry
from sandbox.calendars import Calendar
from sandbox.exchange.dispatch import Call, operation
from sandbox.exchange.errors import EwsError, SchemaError
from sandbox.exchange.folders.operations import required
from sandbox.exchange.folders.tree import Place, place_of
from sandbox.exchange.items.settle import default_zone
from sandbox.exchange.items.shapes import Shape, read_shape
from sandbox.exchange.items.show import show_item, values_of
from sandbox.exchange.items.times import read_time
from sandbox.exchange.items.view import Item, item_of
from sandbox.exchange.paging import page_of
from sandbox.exchange.restrictions import matches, sort, sorting
from sandbox.exchange.xml import Element, find, m, t
from sandbox.series import occurrences_between

MAX_VIEW = timedelta(days=2 * 366)
"""A view reaches over two years at most (ErrorCalendarViewRangeTooBig)."""
_EDGE = timedelta(microseconds=1)


@operation("FindItem")
def find_item(call: Call, request: Element) -> list[Element]:
    """One response message for each folder."""
    shape = read_shape(call, find(request, "ItemShape"), is_list=True)
    view = find(request, "CalendarView")

    def one(reference: Element) -> Element:
        place = place_of(call, reference)
        root = _page(call, request, place, shape) if view is None else _view(call, request, view, place, shape)
        return call.message(root)

    return call.each(required(request, "ParentFolderIds"), one)


def _items(place: Place, entries: Iterable[Entry]) -> list[Item]:
    if place.folder is None:
        return []
    return [Item(place.mailbox, place.folder, entry) for entry in entries]


def _root(call: Call, items: list[Item], shape: Shape, marks: dict[str, str]) -> Element:
    return m("RootFolder", t("Items", [show_item(call, one, shape, is_list=True) for one in items]), **marks)


# -- views


def entries_in(calendar: Calendar, start_at: datetime, end_at: datetime) -> list[Entry]:
    """Single items, occurrences and exceptions that touch a time, by start.

    Both bounds count: what ends exactly at the start of the view is in it, and what starts exactly at its end.
    """
    found: list[Entry] = []
    for appointment in calendar.entries.values():
        if appointment.is_series:
            around = occurrences_between(appointment, start_at - _EDGE, end_at + _EDGE)
            found += [o for o in around if o.content.start_at <= end_at and o.content.end_at >= start_at]
        elif appointment.content.start_at <= end_at and appointment.content.end_at >= start_at:
            found.append(appointment)
    found.sort(key=lambda entry: entry.content.start_at)
    return found


def _view(call: Call, request: Element, view: Element, place: Place, shape: Shape) -> Element:
    if not place.is_calendar:
        raise EwsError("ErrorCalendarFolderIsInvalidForCalendarView")
    if find(request, "Restriction") is not None or find(request, "SortOrder") is not None:
        raise EwsError("ErrorInvalidRequest", "A restriction or sort order cannot be used with a CalendarView.")
    zone = default_zone(call)
    start_at = read_time(view.get("StartDate") or "").instant(zone)
    end_at = read_time(view.get("EndDate") or "").instant(zone)
    if end_at < start_at:
        raise EwsError("ErrorCalendarEndDateIsEarlierThanStartDate")
    if end_at - start_at > MAX_VIEW:
        raise EwsError("ErrorCalendarViewRangeTooBig")
    assert place.folder is not None
    entries = entries_in(place.folder.calendar, start_at, end_at)
    limit = call.server.limits.find_count
    most = _most(view)
    if most is None and len(entries) > limit:
        raise EwsError("ErrorExceededFindCountLimit")
    shown = entries[: min(most or limit, limit)]
    marks = {"TotalItemsInView": str(len(shown)), "IncludesLastItemInRange": str(len(shown) == len(entries)).lower()}
    return _root(call, _items(place, shown), shape, marks)


def _most(view: Element) -> int | None:
    words = view.get("MaxEntriesReturned")
    if words is None:
        return None
    if not words.isdigit() or int(words) < 1:
        raise EwsError("ErrorInvalidPagingMaxRows")
    return int(words)


# -- lists


def _page(call: Call, request: Element, place: Place, shape: Shape) -> Element:
    if request.get("Traversal") not in ("Shallow", "SoftDeleted", "Associated"):
        raise SchemaError("The required attribute 'Traversal' is missing.", request.sourceline or 1)
    entries = list(place.folder.calendar.entries.values()) if place.folder is not None else []
    if request.get("Traversal") != "Shallow":
        entries = []
    rows = [(values_of(call, item), item) for item in _items(place, reversed(entries))]
    restriction = find(request, "Restriction")
    if restriction is not None:
        rows = [row for row in rows if matches(restriction[0], row[0])]
    sort(rows, sorting(find(request, "SortOrder")))
    page, marks = page_of([item for _, item in rows], request, call.server.limits.find_count)
    return _root(call, page, shape, marks)


# -- single items


@operation("GetItem", empty=("Items",))
def get_item(call: Call, request: Element) -> list[Element]:
    """One response message for each id."""
    shape = read_shape(call, find(request, "ItemShape"), is_list=False)

    def one(reference: Element) -> Element:
        return call.message(m("Items", show_item(call, item_of(call, reference), shape)))

    return call.each(required(request, "ItemIds"), one)
