"""The change feed of one calendar by SyncFolderItems, and the window laid over it.

Exchange's feed knows no window and no occurrences: it gives every item of the folder, series as their masters, and says
nothing of a single occurrence (ews.md section 3). So a full round has two phases: first all pages of the feed, then the
window in slices of a CalendarView, which brings the occurrences; a calendar without series has no second phase. Later
rounds need the feed alone: a series that changed comes as its master, and the caller reads its occurrences.

Our cursor is text: `ews1|<phase>|<window>|<where in the window>|<sync state>`. Phases: `open` (the feed of a full
round, no series yet), `series` (the same, with series), `view` (the slices), `feed` (a complete round; the next one
starts here).
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from calsync_core.adapters.exchange.client import EwsClient
from calsync_core.adapters.exchange.errors import CORRUPT, EwsRefusedError
from calsync_core.adapters.exchange.folders import folder_reference
from calsync_core.adapters.exchange.items import item_id, read_readable, shape, slim_shape, sparse
from calsync_core.adapters.exchange.lookups import Lookups, question_error
from calsync_core.adapters.exchange.soap import Element, M, T, checked, text
from calsync_core.adapters.exchange.views import SLICE, Views
from calsync_core.domain.appointments import Entry, Kind
from calsync_core.domain.errors import (
    AppointmentGoneError,
    CalendarGoneError,
    CalsyncError,
    CursorExpiredError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import CalendarPage, Content

PAGE = 512
"""The most that SyncFolderItems gives at once."""

_PHASES = frozenset({"open", "series", "view", "feed"})
_CHANGED = frozenset({f"{T}Create", f"{T}Update"})
_CALENDAR_ITEM = f"{T}CalendarItem"


@dataclass(frozen=True, slots=True)
class _Cursor:
    phase: str
    window: Window
    reached_at: datetime
    state: str

    def encode(self) -> str:
        span = f"{self.window.start_at.isoformat()}/{self.window.end_at.isoformat()}"
        return f"ews1|{self.phase}|{span}|{self.reached_at.isoformat()}|{self.state}"

    @classmethod
    def decode(cls, cursor: str) -> "_Cursor":
        """Raises CursorExpiredError for anything that is not one: a full round is the way out."""
        parts = cursor.split("|", 4)
        if len(parts) != 5 or parts[0] != "ews1" or parts[1] not in _PHASES or not parts[4]:
            raise CursorExpiredError
        start, _, end = parts[2].partition("/")
        try:
            window = Window(datetime.fromisoformat(start), datetime.fromisoformat(end))
            reached_at = datetime.fromisoformat(parts[3])
        except ValueError:
            raise CursorExpiredError from None
        if any(one.tzinfo is not UTC for one in (window.start_at, window.end_at, reached_at)):
            raise CursorExpiredError
        return cls(parts[1], window, reached_at, parts[4])


@dataclass(frozen=True, slots=True)
class _Changes:
    """One answer of SyncFolderItems: whole, or it was an error."""

    items: tuple[Element, ...]
    removed: tuple[EntryId, ...]
    state: str
    is_last: bool


class Feed:
    """Reads pages for one mailbox. `zone` is the mailbox's, for the days of all-day items."""

    def __init__(self, client: EwsClient, lookups: Lookups, views: Views, zone: str) -> None:
        self._client = client
        self._lookups = lookups
        self._views = views
        self._zone = zone

    def page(self, calendar_id: CalendarId, cursor: str | None, window: Window, content: Content) -> CalendarPage:
        """Raises CursorExpiredError, CalendarGoneError and what every call may raise."""
        if cursor is None:
            start = _Cursor("open", _in_utc(window), window.start_at.astimezone(UTC), "")
            return self._changed_page(calendar_id, start, content)
        known = _Cursor.decode(cursor)
        if known.phase == "view":
            return self._viewed_page(calendar_id, known, content)
        return self._changed_page(calendar_id, known, content)

    # -- the feed -----------------------------------------------------------------------------------------------

    def _changed_page(self, calendar_id: CalendarId, cursor: _Cursor, content: Content) -> CalendarPage:
        changes = self._changes(calendar_id, cursor.state, content)
        entries: list[Entry] = []
        hints = list(changes.removed)
        for item in changes.items:
            entry = read_readable(item, calendar_id, self._zone, content)
            if entry is None:
                continue
            if entry.problem or entry.kind is Kind.MASTER or cursor.window.holds(entry.when, self._zone):
                entries.append(entry)
            elif cursor.phase == "feed":  # moved out of the window, or never in it: the caller knows which
                hints.append(entry.id)
        if content.notes:
            entries = self._lookups.with_notes(calendar_id, entries, content)
        phase = cursor.phase
        if phase == "open" and any(entry.kind is Kind.MASTER for entry in entries):
            phase = "series"
        if changes.is_last and phase != "feed":
            phase = "view" if phase == "series" else "feed"
        following = replace(cursor, phase=phase, state=changes.state)
        is_last = changes.is_last and phase == "feed"
        return CalendarPage(tuple(entries), tuple(dict.fromkeys(hints)), following.encode(), is_last=is_last)

    def _changes(self, calendar_id: CalendarId, state: str, content: Content) -> _Changes:
        try:
            return self._asked(calendar_id, state, shape(self._client.speech, content))
        except EwsRefusedError as refused:
            if refused.code not in CORRUPT:
                raise _meaning(refused) from None
        # One item spoils the page: ask for ids alone, and for each item by itself.
        try:
            bare = self._asked(calendar_id, state, slim_shape())
        except EwsRefusedError as refused:
            raise _meaning(refused) from None
        ids = [found for item in bare.items for found in _id_of(item)]
        items = self._lookups.items(ids, shape(self._client.speech, content))
        return replace(bare, items=tuple(item for item in items.values() if item is not None))

    def _asked(self, calendar_id: CalendarId, state: str, item_shape: str) -> _Changes:
        """One page. Raises EwsRefusedError, ProviderUnavailableError("answer_unreadable")."""
        scope = "<m:SyncScope>NormalItems</m:SyncScope>" if self._client.speech.has_zones else ""
        body = (
            f"<m:SyncFolderItems>{item_shape}"
            f"<m:SyncFolderId>{folder_reference(calendar_id)}</m:SyncFolderId>"
            f"{f'<m:SyncState>{text(state)}</m:SyncState>' if state else ''}"
            f"<m:MaxChangesReturned>{PAGE}</m:MaxChangesReturned>{scope}</m:SyncFolderItems>"
        )
        message = checked(self._client.ask("SyncFolderItems", body)[0])
        following = message.findtext(f"{M}SyncState")
        flag = message.findtext(f"{M}IncludesLastItemInRange")
        changes = message.find(f"{M}Changes")
        if not following or flag not in {"true", "false"} or changes is None:
            raise ProviderUnavailableError("answer_unreadable", kind="sync")
        items: list[Element] = []
        removed: list[EntryId] = []
        for change in changes:
            if change.tag in _CHANGED:
                items.extend(item for item in change if item.tag == _CALENDAR_ITEM)
            elif change.tag == f"{T}Delete":
                removed.extend(_id_of(change))
        # The flag alone is not to be believed (ews.md section 9): a full page may have a successor.
        is_last = (flag == "true" and len(changes) < PAGE) or (not len(changes) and following == state)
        return _Changes(tuple(items), tuple(removed), following, is_last)

    # -- the slices of a full round -----------------------------------------------------------------------------

    def _viewed_page(self, calendar_id: CalendarId, cursor: _Cursor, content: Content) -> CalendarPage:
        """The occurrences that touch one slice of the window; one that touches two comes twice, the last wins."""
        until = min(cursor.reached_at + SLICE, cursor.window.end_at)
        found = self._views.occurrences(calendar_id, Window(cursor.reached_at, until), content)
        inside = [one for one in found if one.problem or cursor.window.holds(one.when, self._zone)]
        exceptions = [one for one in inside if one.kind is Kind.EXCEPTION]
        if content.notes:
            exceptions = self._lookups.with_notes(calendar_id, exceptions, content)
        parts = [one if one.problem else sparse(one) for one in inside if one.kind is Kind.OCCURRENCE]
        entries = [*exceptions, *parts]
        is_last = until >= cursor.window.end_at
        following = replace(cursor, phase="feed" if is_last else "view", reached_at=until)
        return CalendarPage(tuple(entries), (), following.encode(), is_last=is_last)


def _meaning(refused: EwsRefusedError) -> CalsyncError:
    """A calendar is asked for, so "not found" is the calendar."""
    error = question_error(refused)
    return CalendarGoneError(**error.detail) if isinstance(error, AppointmentGoneError) else error


def _id_of(item: Element) -> list[EntryId]:
    try:
        return [item_id(item)[0]]
    except (KeyError, TypeError):
        return []


def _in_utc(window: Window) -> Window:
    return Window(window.start_at.astimezone(UTC), window.end_at.astimezone(UTC))
