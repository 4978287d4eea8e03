"""Lists by FindItem: the window with its occurrences (CalendarView, in slices), and what carries a mark.

A CalendarView has no pages: a server cuts it or refuses it beyond 1,000 items (EWSFindCountLimit), and at two years.
So the window is asked in slices, and a slice that is too full in halves.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from calsync_core.adapters.exchange.client import EwsClient
from calsync_core.adapters.exchange.errors import TOO_MANY, EwsRefusedError
from calsync_core.adapters.exchange.folders import folder_reference
from calsync_core.adapters.exchange.items import (
    EVERYTHING,
    MARK_FIELD,
    item_id,
    read_instant,
    read_readable,
    shape,
    show_instant,
    uid_of,
)
from calsync_core.adapters.exchange.lookups import Lookups, question_error
from calsync_core.adapters.exchange.soap import Element, M, T, attribute, checked
from calsync_core.domain.appointments import Entry, Kind, Mark
from calsync_core.domain.errors import AppointmentGoneError, CalendarGoneError, ProviderUnavailableError
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import Content

SLICE = timedelta(days=84)
MOST_IN_A_VIEW = 1000
_SHORTEST_SLICE = timedelta(hours=12)
_PAGE = 500
_MOST_PAGES = 400
_PARTS = frozenset({"Occurrence", "Exception"})


class Views:
    def __init__(self, client: EwsClient, lookups: Lookups, zone: str) -> None:
        self._client = client
        self._lookups = lookups
        self._zone = zone

    def occurrences(self, calendar_id: CalendarId, window: Window, content: Content) -> list[Entry]:
        """Occurrences and exceptions of all series in a slice, with their masters' ids, without notes.

        Exceptions know their original start only by a look-up. Raises CalendarGoneError.
        """
        items = self._slices(calendar_id, window, content)
        return self._parts(calendar_id, items, content)

    def of_series(self, calendar_id: CalendarId, series_id: EntryId, window: Window, content: Content) -> list[Entry]:
        """The authoritative set of one series in the window. Raises AppointmentGoneError, CalendarGoneError."""
        fields = (
            "calendar:FirstOccurrence",
            "calendar:LastOccurrence",
            "calendar:ModifiedOccurrences",
        )
        item_shape = shape(self._client.speech, content, *fields, "item:ParentFolderId", has_body=True)
        answer = self._lookups.items([series_id], item_shape)[series_id]
        if answer is None:
            self._lookups.check_calendar(calendar_id)
            raise AppointmentGoneError
        master = self._read(answer, calendar_id, content, None)
        span = _span_of(answer, window)
        if master is None or span is None:
            return []
        uid = uid_of(answer)
        found: dict[EntryId, Element] = {}
        at = span.start_at
        while at < span.end_at:
            until = min(at + SLICE, span.end_at)
            items = self._slices(calendar_id, Window(at, until), content)
            found |= {item_id(one)[0]: one for one in items if _is_part(one) and uid_of(one) == uid}
            at = until
        parts = self._parts(calendar_id, list(found.values()), content, series_id=series_id)
        inside = [one for one in parts if one.problem or window.holds(one.when, self._zone)]
        if not content.notes:
            return inside
        whole = {one.id: one for one in self._lookups.with_notes(calendar_id, _exceptions(inside), content)}
        return [_like_master(one, master) if one.kind is Kind.OCCURRENCE else whole.get(one.id, one) for one in inside]

    def count(self, calendar_id: CalendarId, window: Window) -> int:
        return len(self._slices(calendar_id, window, Content()))

    def marked(self, calendar_ids: Sequence[CalendarId], installation: str) -> list[Entry]:
        """All singles and masters that carry a mark of the installation, without notes, in pages."""
        prefix = f"1|{installation}|"
        condition = (
            '<t:Contains ContainmentMode="Prefixed" ContainmentComparison="Exact">'
            f"{MARK_FIELD}<t:Constant Value={attribute(prefix)}/></t:Contains>"
        )
        return self._searched(calendar_ids, condition)

    def with_mark(self, calendar_ids: Sequence[CalendarId], mark: Mark) -> list[Entry]:
        constant = f"<t:FieldURIOrConstant><t:Constant Value={attribute(mark.encode())}/></t:FieldURIOrConstant>"
        return self._searched(calendar_ids, f"<t:IsEqualTo>{MARK_FIELD}{constant}</t:IsEqualTo>")

    # -- inside -------------------------------------------------------------------------------------------------

    def _searched(self, calendar_ids: Sequence[CalendarId], condition: str) -> list[Entry]:
        found: list[Entry] = []
        item_shape = shape(self._client.speech, EVERYTHING)
        for calendar_id in calendar_ids:
            offset = 0
            for _ in range(_MOST_PAGES):
                paging = (
                    f'<m:IndexedPageItemView MaxEntriesReturned="{_PAGE}" Offset="{offset}" BasePoint="Beginning"/>'
                )
                restriction = f"<m:Restriction>{condition}</m:Restriction>"
                items, is_last = self._find(calendar_id, item_shape, paging + restriction)
                entries = [self._read(one, calendar_id, EVERYTHING, None) for one in items]
                found += [entry for entry in entries if entry is not None]
                offset += len(items)
                if is_last or not items:
                    break
        return found

    def _slices(self, calendar_id: CalendarId, window: Window, content: Content) -> list[Element]:
        """One slice, or its halves when it is too full. Raises CalendarGoneError."""
        times = f'StartDate="{show_instant(window.start_at)}" EndDate="{show_instant(window.end_at)}"'
        length = window.end_at - window.start_at
        try:
            item_shape = shape(self._client.speech, content)
            items, is_whole = self._find(calendar_id, item_shape, f"<m:CalendarView {times}/>", is_view=True)
        except EwsRefusedError as refused:
            if refused.code not in TOO_MANY or length <= _SHORTEST_SLICE:
                raise question_error(refused) from None
            items, is_whole = [], False
        if (is_whole and len(items) < MOST_IN_A_VIEW) or length <= _SHORTEST_SLICE:
            return items
        middle = window.start_at + length / 2
        first = self._slices(calendar_id, Window(window.start_at, middle), content)
        second = self._slices(calendar_id, Window(middle, window.end_at), content)
        known = {item_id(one)[0] for one in first}
        return [*first, *(one for one in second if item_id(one)[0] not in known)]

    def _find(
        self, calendar_id: CalendarId, item_shape: str, how: str, *, is_view: bool = False
    ) -> tuple[list[Element], bool]:
        """Calendar items of one answer, and whether that was all. Raises EwsRefusedError only for a view."""
        body = (
            f'<m:FindItem Traversal="Shallow">{item_shape}{how}'
            f"<m:ParentFolderIds>{folder_reference(calendar_id)}</m:ParentFolderIds></m:FindItem>"
        )
        try:
            root = checked(self._client.ask("FindItem", body)[0]).find(f"{M}RootFolder")
        except EwsRefusedError as refused:
            if is_view and refused.code in TOO_MANY:
                raise
            error = question_error(refused)
            raise CalendarGoneError(**error.detail) if isinstance(error, AppointmentGoneError) else error from None
        items = root.find(f"{T}Items") if root is not None else None
        if root is None or items is None:
            raise ProviderUnavailableError("answer_unreadable", kind="find")
        found = [one for one in items if one.tag == f"{T}CalendarItem" and one.find(f"{T}ItemId") is not None]
        return found, root.get("IncludesLastItemInRange") != "false"

    def _parts(
        self, calendar_id: CalendarId, items: Sequence[Element], content: Content, *, series_id: EntryId | None = None
    ) -> list[Entry]:
        """Entries of the occurrences and exceptions among the items. One that went meanwhile is left out."""
        parts = {item_id(one)[0]: one for one in items if _is_part(one)}
        masters = dict.fromkeys(parts, series_id) if series_id else self._masters_by_uid(parts)
        odd = [one for one, item in parts.items() if item.findtext(f"{T}CalendarItemType") == "Exception"]
        originals = self._original_starts(odd)
        entries: list[Entry] = []
        for one, item in parts.items():
            master = masters.get(one)
            if master is None or (one in odd and one not in originals):
                continue
            source = originals.get(one, item)
            entry = self._read(source, calendar_id, content, master)
            if entry is not None:
                entries.append(entry)
        return entries

    def _masters_by_uid(self, parts: dict[EntryId, Element]) -> dict[EntryId, EntryId]:
        """One question for each series of the slice: all its parts have one UID."""
        by_uid: dict[str, list[EntryId]] = {}
        for one, item in parts.items():
            by_uid.setdefault(uid_of(item) or one, []).append(one)
        first = {uid: ids[0] for uid, ids in by_uid.items()}
        known = self._lookups.masters(list(first.values()))
        return {one: known[first[uid]] for uid, ids in by_uid.items() if first[uid] in known for one in ids}

    def _original_starts(self, exceptions: Sequence[EntryId]) -> dict[EntryId, Element]:
        """Exceptions as GetItem shows them: only there their original start can be read for certain."""
        if not exceptions:
            return {}
        item_shape = shape(self._client.speech, EVERYTHING, "calendar:OriginalStart")
        return {one: item for one, item in self._lookups.items(exceptions, item_shape).items() if item is not None}

    def _read(
        self, item: Element, calendar_id: CalendarId, content: Content, series_id: EntryId | None
    ) -> Entry | None:
        """One that cannot be read says so by its `problem`: it hurts itself, never the list."""
        return read_readable(item, calendar_id, self._zone, content, series_id=series_id)


def _is_part(item: Element) -> bool:
    return item.findtext(f"{T}CalendarItemType") in _PARTS


def _exceptions(entries: Sequence[Entry]) -> list[Entry]:
    return [one for one in entries if one.kind is Kind.EXCEPTION]


def _like_master(occurrence: Entry, master: Entry) -> Entry:
    """An occurrence that is no exception says what its master says."""
    return replace(occurrence, notes=master.notes)


def _span_of(master: Element, window: Window) -> Window | None:
    """The part of the window in which the series has regular occurrences; moved ones may lie a little outside."""
    start, end = window.start_at, window.end_at
    first, last = _instant(master, "FirstOccurrence", "Start"), _instant(master, "LastOccurrence", "End")
    modified = [*master.iterfind(f"{T}ModifiedOccurrences/{T}Occurrence")]
    if first is not None and not modified:
        start = max(start, first)
    if last is not None and not modified:
        end = min(end, last + timedelta(seconds=1))
    return Window(start, end) if start < end else None


def _instant(master: Element, name: str, field: str) -> datetime | None:
    try:
        text = master.findtext(f"{T}{name}/{T}{field}")
        return read_instant(text) if text else None
    except ValueError:
        return None
