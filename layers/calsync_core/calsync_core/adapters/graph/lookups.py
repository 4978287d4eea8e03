"""Reads by id, by series and by mark: everything that the feed does not tell. Always with marks, never sparse."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from calsync_core.adapters.graph.client import PREFER, PREFER_HTML, GraphClient, GraphRefusedError, is_too_much
from calsync_core.adapters.graph.errors import read_refusal, to_error
from calsync_core.adapters.graph.mapping import EVERYTHING, select, to_readable
from calsync_core.adapters.graph.wire import MARK_EXPANSION, MARK_PROPERTY, ZoneOf, show_instant
from calsync_core.domain.appointments import Entry, Kind, Mark
from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    CalendarGoneError,
    CalsyncError,
    ProviderThrottledError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import Content

BATCH = 20
_PAGE_SIZES = ("1000", "200", "10")
_ROUNDS = 3
_EARLIEST = datetime.min.replace(tzinfo=UTC)


class Lookups:
    def __init__(self, client: GraphClient, zone: ZoneOf) -> None:
        self._client = client
        self._zone = zone

    def by_id(self, calendar_id: CalendarId, ids: Sequence[EntryId], content: Content) -> dict[EntryId, Entry | None]:
        """None = gone for certain. One that is there but cannot be read is neither, and says so by its `problem`.

        "Not found" is believed only while the calendar itself is there: a removed calendar must not look like one
        whose entries were all deleted. Raises CalendarGoneError.
        """
        found: dict[EntryId, Entry | None] = {}
        wanted = list(dict.fromkeys(ids))
        for begin in range(0, len(wanted), BATCH):
            found |= self._some(calendar_id, wanted[begin : begin + BATCH], content)
        if any(entry is None for entry in found.values()):
            self.check_calendar(calendar_id)
        return found

    def of_series(self, calendar_id: CalendarId, series_id: EntryId, window: Window, content: Content) -> list[Entry]:
        """Empty where it repeats no more: the question is refused then. Raises AppointmentGoneError when the master is
        gone, CalendarGoneError."""
        query = {
            "startDateTime": show_instant(window.start_at),
            "endDateTime": show_instant(window.end_at),
            "$select": select(content, is_view=True),
            "$expand": MARK_EXPANSION,
        }
        try:
            return self._listed(entry_path(calendar_id, series_id) + "/instances", query, calendar_id, content)
        except AppointmentGoneError:
            self.check_calendar(calendar_id)
            raise
        except ProviderUnavailableError as error:
            if error.code == "request_refused" and self._stands_alone(calendar_id, series_id, content):
                return []
            raise

    def by_mark(self, calendar_ids: Sequence[CalendarId], condition: str) -> list[Entry]:
        """`condition` is OData on ep/value; each calendar is asked, because me/events means the default one."""
        name = f"ep/id eq '{MARK_PROPERTY}'"
        query = {
            "$filter": f"singleValueExtendedProperties/Any(ep: {name} and {condition})",
            "$select": select(EVERYTHING),
            "$expand": MARK_EXPANSION,
        }
        found: list[Entry] = []
        for calendar_id in calendar_ids:
            path = f"/me/calendars/{quote(calendar_id, safe='')}/events"
            try:
                found += self._listed(path, query, calendar_id, EVERYTHING)
            except AppointmentGoneError:
                raise CalendarGoneError from None
        return found

    def check_calendar(self, calendar_id: CalendarId) -> None:
        try:
            self._client.get(f"/me/calendars/{quote(calendar_id, safe='')}", {"$select": "id"})
        except GraphRefusedError as refused:
            error = _of_question(refused.error)
            if isinstance(error, AppointmentGoneError):
                raise CalendarGoneError(**error.detail) from None
            raise error from None

    def _some(self, calendar_id: CalendarId, ids: Sequence[EntryId], content: Content) -> dict[EntryId, Entry | None]:
        if len(ids) == 1:
            return self._single(calendar_id, ids[0], content)
        try:
            return self._together(calendar_id, ids, content)
        except (GraphRefusedError, ProviderUnavailableError) as error:
            if not is_too_much(error):
                raise
        middle = len(ids) // 2
        return self._some(calendar_id, ids[:middle], content) | self._some(calendar_id, ids[middle:], content)

    def _together(
        self, calendar_id: CalendarId, ids: Sequence[EntryId], content: Content
    ) -> dict[EntryId, Entry | None]:
        found: dict[EntryId, Entry | None] = {}
        missing = list(ids)
        for round_ in range(_ROUNDS):
            missing, wait = self._batch(calendar_id, missing, content, found)
            if not missing:
                return found
            if round_ + 1 < _ROUNDS:
                self._client.pause(wait)  # longer waits are raised here
        raise ProviderUnavailableError("batch_incomplete")

    def _single(self, calendar_id: CalendarId, entry_id: EntryId, content: Content) -> dict[EntryId, Entry | None]:
        query = {"$select": select(content), "$expand": MARK_EXPANSION}
        try:
            event = self._client.get(entry_path(calendar_id, entry_id), query, with_html=content.html)
        except GraphRefusedError as refused:
            error = _of_question(refused.error)
            if isinstance(error, AppointmentGoneError):
                return {entry_id: None}
            raise error from None
        return {entry_id: self._read(event, calendar_id, content)}

    def _batch(
        self,
        calendar_id: CalendarId,
        ids: Sequence[EntryId],
        content: Content,
        found: dict[EntryId, Entry | None],
    ) -> tuple[list[EntryId], timedelta]:
        """One call of up to 20 parts into `found`; gives the ids to ask again, and how long to wait before."""
        query = {"$select": select(content), "$expand": MARK_EXPANSION}
        root = len(self._client.base_url)
        parts = [
            {
                "id": str(number),
                "method": "GET",
                "url": self._client.address(entry_path(calendar_id, entry_id), query)[root:],
                "headers": {"Prefer": PREFER_HTML if content.html else PREFER},
            }
            for number, entry_id in enumerate(ids)
        ]
        try:
            answers = self._client.batch(parts)
        except GraphRefusedError as refused:
            if is_too_much(refused):
                raise
            raise _of_question(refused.error) from None
        again: list[EntryId] = []
        wait = timedelta(0)
        for number, entry_id in enumerate(ids):
            status, headers, body = answers.get(str(number), (424, {}, None))
            if 200 <= status < 300 and isinstance(body, dict):
                found[entry_id] = self._read(body, calendar_id, content)
                continue
            error = _of_question(to_error(read_refusal(status, headers, body)))
            if isinstance(error, AppointmentGoneError):
                found[entry_id] = None
            elif isinstance(error, ProviderUnavailableError):  # a throttled part names its own wait
                again.append(entry_id)
                asked = error.retry_after if isinstance(error, ProviderThrottledError) else timedelta(seconds=0.5)
                wait = max(wait, asked)
            else:
                raise error
        return again, wait

    def _listed(self, path: str, query: dict[str, str], calendar_id: CalendarId, content: Content) -> list[Entry]:
        """All pages, asked anew in smaller ones where one is too much."""
        for size in _PAGE_SIZES:
            try:
                return self._pages(path, {**query, "$top": size}, calendar_id, content)
            except (GraphRefusedError, ProviderUnavailableError) as error:
                if is_too_much(error) and size != _PAGE_SIZES[-1]:
                    continue
                if isinstance(error, GraphRefusedError):
                    raise _of_question(error.error) from None
                raise
        raise ProviderUnavailableError("answer_too_large")

    def _pages(self, path: str, query: dict[str, str], calendar_id: CalendarId, content: Content) -> list[Entry]:
        """Raises GraphRefusedError."""
        pages = self._client.pages(path, query, with_html=content.html)
        return [self._read(event, calendar_id, content) for page in pages for event in page.get("value") or ()]

    def _stands_alone(self, calendar_id: CalendarId, series_id: EntryId, content: Content) -> bool:
        entry = self._single(calendar_id, series_id, content)[series_id]
        return entry is not None and entry.kind is Kind.SINGLE

    def _read(self, event: dict[str, Any], calendar_id: CalendarId, content: Content) -> Entry:
        """One that is there but cannot be read says so by its `problem`; a thing without an id is no answer at all."""
        entry = to_readable(event, calendar_id, self._zone, content, has_marks=True)
        if entry is None:
            raise ProviderUnavailableError("answer_unreadable", kind="event")
        return entry


def entry_path(calendar_id: CalendarId, entry_id: EntryId) -> str:
    return f"/me/calendars/{quote(calendar_id, safe='')}/events/{quote(entry_id, safe='')}"


def equals(mark: Mark) -> str:
    return f"ep/value eq '{_quoted(mark.encode())}'"


def of_installation(installation: str) -> str:
    return f"startswith(ep/value, '{_quoted(f'1|{installation}|')}')"


def oldest_first(entries: list[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: (entry.created_at or _EARLIEST, entry.id))


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _of_question(error: CalsyncError) -> CalsyncError:
    """A question that is refused is our own fault, never an entry's."""
    if isinstance(error, AppointmentRejectedError):
        return ProviderUnavailableError("request_refused", **error.detail)
    return error
