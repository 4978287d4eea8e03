"""The change feed of one calendar: calendarView/delta, and where that is refused a plain listing that is compared.

Our cursor is text: `<kind>|<page size>|<digest>|<window>|<link>`. Kinds: `delta` (the link goes on, in a round or after
one; the window is inside Microsoft's token), `list` (inside a plain round) and `seen` (a plain round is complete).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from calsync_core.adapters.graph.client import GraphClient, GraphRefusedError, is_too_much
from calsync_core.adapters.graph.errors import Refusal
from calsync_core.adapters.graph.mapping import select, to_readable
from calsync_core.adapters.graph.wire import MARK_EXPANSION, ZoneOf, show_instant
from calsync_core.domain.appointments import Entry
from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    CalendarGoneError,
    CursorExpiredError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import CalendarPage, Content

PAGE_SIZES = (1000, 200, 10)
"""Large pages mean few requests, and may be too much (client.is_too_much)."""

_SMALLEST = PAGE_SIZES[-1]
_DIGEST_BITS = 128


@dataclass(frozen=True, slots=True)
class _Cursor:
    kind: str
    size: int
    digest: int
    span: str
    link: str

    def encode(self) -> str:
        return f"{self.kind}|{self.size}|{self.digest:x}|{self.span}|{self.link}"

    @classmethod
    def decode(cls, text: str) -> "_Cursor":
        """Raises CursorExpiredError for anything that is not one: a full round is the way out."""
        parts = text.split("|", 4)
        try:
            cursor = cls(parts[0], int(parts[1]), int(parts[2], 16), parts[3], parts[4])
        except (ValueError, IndexError):
            raise CursorExpiredError from None
        if cursor.kind not in {"delta", "list", "seen"} or cursor.size not in PAGE_SIZES:
            raise CursorExpiredError
        return cursor


class Feed:
    """Reads pages for one mailbox. `zone` is asked for only when an odd all-day time needs it."""

    def __init__(self, client: GraphClient, zone: ZoneOf) -> None:
        self._client = client
        self._zone = zone

    def page(self, calendar_id: CalendarId, cursor: str | None, window: Window, content: Content) -> CalendarPage:
        """Raises CursorExpiredError, CalendarGoneError and what every call may raise."""
        if cursor is None:
            start = _Cursor("delta", PAGE_SIZES[0], 0, "", self._opening(calendar_id, window))
            return self._delta_page(calendar_id, start, window, content, is_opening=True)
        known = _Cursor.decode(cursor)
        if known.kind == "seen":
            return self._compared(calendar_id, known)
        if not self._client.owns(known.link):  # another Graph address by now: nothing of the old chain is of use
            raise CursorExpiredError("cursor_foreign")
        if known.kind == "list":
            return self._listed_page(calendar_id, known, content)
        return self._delta_page(calendar_id, known, window, content, is_opening=False)

    # -- delta --------------------------------------------------------------------------------------------------

    def _opening(self, calendar_id: CalendarId, window: Window) -> str:
        return self._client.address(_view(calendar_id) + "/delta", _times(window))

    def _delta_page(
        self, calendar_id: CalendarId, cursor: _Cursor, window: Window, content: Content, *, is_opening: bool
    ) -> CalendarPage:
        try:
            answer, cursor = self._with_smaller_pages(cursor, partial(_ask_delta, with_html=content.html))
        except GraphRefusedError as refused:
            if is_opening and (_is_delta_refused(refused.refusal) or is_too_much(refused)):
                return self._listed_page(calendar_id, self._listing(calendar_id, window, content), content)
            raise self._meaning(refused) from None
        next_link, delta_link = answer.get("@odata.nextLink"), answer.get("@odata.deltaLink")
        link = next_link or delta_link
        if not isinstance(link, str):
            raise ProviderUnavailableError("answer_unreadable", kind="no_link")
        self._client.address(link)  # refuses a link to another host before it can be stored
        entries, removed = self._read(calendar_id, answer, content, has_marks=False)
        return CalendarPage(entries, removed, replace(cursor, link=link).encode(), is_last=not next_link)

    def _with_smaller_pages(
        self, cursor: _Cursor, ask: Callable[[GraphClient, _Cursor], dict[str, Any]]
    ) -> tuple[dict[str, Any], _Cursor]:
        """Ask; when the page was too large for the service, ask for smaller ones, and keep to that size."""
        for size in (one for one in PAGE_SIZES if one <= cursor.size):
            smaller = replace(cursor, size=size)
            try:
                return ask(self._client, smaller), smaller
            except (GraphRefusedError, ProviderUnavailableError) as error:
                if not is_too_much(error) or size == _SMALLEST:
                    raise
        raise ProviderUnavailableError("answer_too_large")

    # -- plain listing ------------------------------------------------------------------------------------------

    def _listing(self, calendar_id: CalendarId, window: Window, content: Content) -> _Cursor:
        fields = {"$select": select(content, is_view=True), "$expand": MARK_EXPANSION, "$top": str(PAGE_SIZES[1])}
        link = self._client.address(_view(calendar_id), {**_times(window), **fields})
        span = f"{window.start_at.isoformat()}/{window.end_at.isoformat()}"
        return _Cursor("list", PAGE_SIZES[1], 0, span, link)

    def _listed_page(self, calendar_id: CalendarId, cursor: _Cursor, content: Content) -> CalendarPage:
        answer = self._asked(lambda: self._client.get(cursor.link, with_html=content.html))
        entries, removed = self._read(calendar_id, answer, content, has_marks=True)
        digest = cursor.digest ^ _digest(answer)
        link = answer.get("@odata.nextLink")
        if link:
            self._client.address(link)
            return CalendarPage(entries, removed, replace(cursor, digest=digest, link=link).encode(), is_last=False)
        done = replace(cursor, kind="seen", digest=digest, link="")
        return CalendarPage(entries, removed, done.encode(), is_last=True)

    def _compared(self, calendar_id: CalendarId, cursor: _Cursor) -> CalendarPage:
        """Nothing changed, or CursorExpiredError: the full round that follows finds what is new and what is gone."""
        start, _, end = cursor.span.partition("/")
        window = Window(datetime.fromisoformat(start), datetime.fromisoformat(end))
        query = {**_times(window), "$select": "id,changeKey,start,end", "$top": str(PAGE_SIZES[0])}
        digest = 0
        try:
            for answer in self._client.pages(_view(calendar_id), query):
                digest ^= _digest(answer)
        except GraphRefusedError as refused:
            raise self._meaning(refused) from None
        if digest != cursor.digest:
            raise CursorExpiredError("listing_changed")
        return CalendarPage((), (), cursor.encode(), is_last=True)

    # -- both ---------------------------------------------------------------------------------------------------

    def _asked(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            return ask()
        except GraphRefusedError as refused:
            raise self._meaning(refused) from None

    def _meaning(self, refused: GraphRefusedError) -> Exception:
        """A calendar is asked for, so "not found" is the calendar; a refused question is our fault, not an entry's."""
        error = refused.error
        if isinstance(error, AppointmentGoneError):
            return CalendarGoneError(**error.detail)
        if isinstance(error, AppointmentRejectedError):
            return ProviderUnavailableError("request_refused", **error.detail)
        return error

    def _read(
        self, calendar_id: CalendarId, answer: dict[str, Any], content: Content, *, has_marks: bool
    ) -> tuple[tuple[Entry, ...], tuple[EntryId, ...]]:
        """An entry that cannot be read says so by its `problem`: it is neither gone nor an end of the run."""
        entries: list[Entry] = []
        removed: list[EntryId] = []
        for event in _values(answer):
            if "@removed" in event:
                if isinstance(event.get("id"), str):
                    removed.append(EntryId(event["id"]))
                continue
            entry = to_readable(event, calendar_id, self._zone, content, has_marks=has_marks)
            if entry is not None:
                entries.append(entry)
        return tuple(entries), tuple(removed)


def _ask_delta(client: GraphClient, cursor: _Cursor, *, with_html: bool) -> dict[str, Any]:
    return client.get(cursor.link, prefer=f"odata.maxpagesize={cursor.size}", with_html=with_html)


def _view(calendar_id: CalendarId) -> str:
    return f"/me/calendars/{quote(calendar_id, safe='')}/calendarView"


def _times(window: Window) -> dict[str, str]:
    return {"startDateTime": show_instant(window.start_at), "endDateTime": show_instant(window.end_at)}


def _values(answer: dict[str, Any]) -> list[dict[str, Any]]:
    values = answer.get("value")
    if not isinstance(values, list):
        raise ProviderUnavailableError("answer_unreadable", kind="no_value")
    return [one for one in values if isinstance(one, dict)]


def _is_delta_refused(refusal: Refusal) -> bool:
    """Internet and some shared calendars: the service knows the calendar, but has no delta for it."""
    return refusal.status in {400, 405, 501} and "syncstate" not in refusal.code and "malformed" not in refusal.code


def _digest(answer: dict[str, Any]) -> int:
    """Of ids, versions and times of one page; xor makes the order of rows and pages meaningless."""
    digest = 0
    for event in _values(answer):
        start, end = event.get("start") or {}, event.get("end") or {}
        parts = (event.get("id"), event.get("changeKey"), start.get("dateTime"), end.get("dateTime"))
        text = "\x1f".join(str(part) for part in parts)
        digest ^= int.from_bytes(hashlib.blake2b(text.encode(), digest_size=_DIGEST_BITS // 8).digest())
    return digest
