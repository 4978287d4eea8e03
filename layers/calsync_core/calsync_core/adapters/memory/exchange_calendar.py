"""CalendarProvider over a mailbox at an Exchange server in memory, with what the engine notices of Exchange:

- no transaction ids: a create whose answer was lost is found by its mark alone, a repeated one makes another entry;
- what was written is read back by a second call, and a version is looked at right before a deletion, which names none;
- the feed is that of the folder: it knows no window, brings marks, tells series as masters only and deletions by id;
- a full round reads the occurrences in slices of the window after that, and a full page may be the last one (feed.py of
  the adapter does it so, ews.md sections 3 and 9);
- only a look-up by id tells how a series repeats, no list does (ews.md section 3);
- subscriptions are never renewed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from calsync_core.adapters.memory.calendar import Fault, MemoryCalendarProvider, allowed, no_fault, window_of
from calsync_core.adapters.memory.items import Item, Subscribed, Write
from calsync_core.adapters.memory.mailbox import MemoryMailboxServer
from calsync_core.domain.appointments import Copy, Entry, Kind, Mark, Response
from calsync_core.domain.connections import MailboxIdentity, ProviderKind
from calsync_core.domain.errors import (
    AppointmentGoneError,
    CursorExpiredError,
    ProviderUnavailableError,
    VersionChangedError,
)
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.values import replace
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import Account, CalendarPage, Content, Granted

SLICE = timedelta(days=84)
HEARTBEAT = timedelta(minutes=30)
_NEWEST = -1


class MemoryExchangeCalendarProvider(MemoryCalendarProvider):
    """The feed says nothing of what came and went between two looks.

    `_marked` holds occurrences as they were made last, each beside what it was made of.
    """

    def __init__(self, server: MemoryMailboxServer, fault: Fault = no_fault) -> None:
        super().__init__(server, fault)
        self._marked: dict[EntryId, tuple[Entry, Entry]] = {}

    def hides_brief(self) -> bool:
        return True

    def account(self) -> Account:
        shown = super().account()
        return replace(shown, identity=MailboxIdentity(ProviderKind.EXCHANGE, "mail.example.org", shown.address))

    # -- looking up ---------------------------------------------------------------------------------------------

    def entries(self, calendar_id: CalendarId, ids: Sequence[EntryId], content: Content) -> dict[EntryId, Entry | None]:
        found = super().entries(calendar_id, ids, content)
        return {entry_id: self._with_mark(entry) if entry else None for entry_id, entry in found.items()}

    def occurrences(self, calendar_id: CalendarId, series_id: EntryId, window: Window, content: Content) -> list[Entry]:
        return [self._with_mark(one) for one in super().occurrences(calendar_id, series_id, window, content)]

    def marked(self, installation: str, resource: str | None = None) -> list[Entry]:
        return [_as_listed(one) for one in super().marked(installation, resource)]

    def find_mark(self, mark: Mark) -> list[Entry]:
        return [_as_listed(one) for one in super().find_mark(mark)]

    def _with_mark(self, entry: Entry) -> Entry:
        """An occurrence shows what its master carries."""
        mark = self.server.items[entry.series_id].entry.mark if entry.series_id else None
        if mark is None:
            return entry
        made = self._marked.get(entry.id)
        if made is None or made[0] is not entry or made[1].mark != mark:
            made = self._marked[entry.id] = entry, replace(entry, mark=mark)
        return made[1]

    # -- writing ------------------------------------------------------------------------------------------------

    def create(self, calendar_id: CalendarId, copy: Copy, mark: Mark, transaction_id: str) -> Entry:  # noqa: ARG002
        self._begin("create", calendar_id)
        self._check_writable(calendar_id)
        draft = Entry(
            self.server.new_id(), calendar_id, "", copy.when, response=Response.ORGANIZER, mark=mark,
            is_mark_known=True, created_at=self.server.clock(), uid=self.server.new_uid(),
        )  # fmt: skip
        entry = self._added(draft, copy)
        self.server.unrotated.append(entry.id)
        self.server.writes.append(Write("create", entry.id, mark))
        self.fault("create", "after")
        return self._as_it_stands(calendar_id, entry)

    def update(self, calendar_id: CalendarId, entry_id: EntryId, copy: Copy, version: str | None) -> Entry:
        return self._as_it_stands(calendar_id, super().update(calendar_id, entry_id, copy, version))

    def delete(self, calendar_id: CalendarId, entry_id: EntryId, version: str | None) -> None:
        if version is not None:
            found = self._read(calendar_id, entry_id)
            if found is None:
                raise AppointmentGoneError
            if found.version != version:
                raise VersionChangedError
        super().delete(calendar_id, entry_id, None)

    def _as_it_stands(self, calendar_id: CalendarId, written: Entry) -> Entry:
        entry = self._read(calendar_id, written.id)
        if entry is None:
            raise ProviderUnavailableError("entry_busy")
        return entry if entry.version == written.version else _as_listed(entry)

    def _read(self, calendar_id: CalendarId, entry_id: EntryId) -> Entry | None:
        """One more call, in front of which anything may happen."""
        self._begin("entries", calendar_id)
        entry = self.server.entry(entry_id)
        found = self._with_mark(entry) if entry is not None and entry.calendar_id == calendar_id else None
        self.fault("entries", "after")
        return found

    # -- push ---------------------------------------------------------------------------------------------------

    def renew(self, subscription_id: str, until: datetime) -> Granted:  # noqa: ARG002 - there is no such call
        self._begin("renew")
        raise AppointmentGoneError("subscription_gone")

    def _grant(self, subscription_id: str, wanted: Subscribed) -> Granted:
        self.server.subscriptions[subscription_id] = wanted
        return Granted(subscription_id, wanted.expires_at, HEARTBEAT)

    # -- the feed -----------------------------------------------------------------------------------------------

    def _next_page(self, calendar_id: CalendarId, cursor: str, content: Content) -> CalendarPage:
        parts = cursor.split("|")
        if len(parts) != 7 or parts[1] != calendar_id or int(parts[2]) < self.server.oldest_generation:
            raise CursorExpiredError
        window = window_of(parts[3], parts[4])
        base, position = int(parts[5]), int(parts[6])
        if parts[0] == "feed":
            return self._changed_page(calendar_id, window, position, content)
        if parts[0] == "view":
            return self._viewed_page(calendar_id, window, base, position, content)
        return self._listed_page(calendar_id, window, base, position, content, phase=parts[0])

    def _full_page(
        self, calendar_id: CalendarId, window: Window, base: int, after: int, content: Content
    ) -> CalendarPage:
        return self._listed_page(calendar_id, window, base, after, content, phase="open")

    def _listed_page(
        self, calendar_id: CalendarId, window: Window, base: int, after: int, content: Content, *, phase: str
    ) -> CalendarPage:
        """The whole folder, newest first; the feed goes on at `base`. `phase` is open, or series once there was one."""
        here = [
            item for item in self.server.items.values()
            if not item.is_gone and item.entry.calendar_id == calendar_id and (after == _NEWEST or item.index < after)
        ]  # fmt: skip
        page = sorted(here, key=lambda item: -item.index)[: self.server.page_size]
        if any(item.entry.kind is Kind.MASTER for item in page):
            phase = "series"
        entries = tuple(one for item in page for one in self._told(item, window, content))
        if len(page) == self.server.page_size:
            return CalendarPage(entries, (), self._cursor(phase, calendar_id, window, base, page[-1].index), False)
        if phase == "series":
            return CalendarPage(entries, (), self._cursor("view", calendar_id, window, base, 0), is_last=False)
        return CalendarPage(entries, (), self._cursor("feed", calendar_id, window, 0, base), is_last=True)

    def _viewed_page(
        self, calendar_id: CalendarId, window: Window, base: int, number: int, content: Content
    ) -> CalendarPage:
        """The occurrences that touch one slice of the window; one that touches two comes twice."""
        start = window.start_at + number * SLICE
        part = Window(start, min(start + SLICE, window.end_at))
        here = (one for one in self.server.items.values() if not one.is_gone and one.entry.calendar_id == calendar_id)
        shown = (self._allowed_part(one, content) for item in here for one in self._occurrences(item, part))
        if part.end_at < window.end_at:
            cursor = self._cursor("view", calendar_id, window, base, number + 1)
            return CalendarPage(tuple(shown), (), cursor, is_last=False)
        return CalendarPage(tuple(shown), (), self._cursor("feed", calendar_id, window, 0, base), is_last=True)

    def _changed_page(self, calendar_id: CalendarId, window: Window, since: int, content: Content) -> CalendarPage:
        """Every changed item of the folder once, at its last change."""
        changed = self.server.changed_since(calendar_id, since)[: self.server.page_size]
        entries: list[Entry] = []
        removed: list[EntryId] = []
        for _, entry_id in changed:
            item = self.server.items[entry_id]
            is_here = not item.is_gone and item.entry.calendar_id == calendar_id
            told = self._told(item, window, content) if is_here else []
            entries.extend(told)
            if not told and (is_here or item.added_at <= since):
                removed.append(entry_id)
        cursor = self._cursor("feed", calendar_id, window, 0, changed[-1][0] if changed else since)
        is_last = len(changed) < self.server.page_size  # a full page may have a successor
        return CalendarPage(tuple(entries), tuple(removed), cursor, is_last=is_last)

    def _told(self, item: Item, window: Window, content: Content) -> list[Entry]:
        """A series always, as its master; of the rest what lies in the window."""
        if item.entry.kind is Kind.MASTER or self.server.is_inside(item.entry.when, window):
            return [_as_listed(allowed(item.entry, content))]
        return []

    def _allowed_part(self, one: Entry, content: Content) -> Entry:
        if one.kind is Kind.EXCEPTION:
            return allowed(self._with_mark(one), content)
        return Entry(
            one.id, one.calendar_id, one.version, one.when, one.kind, one.series_id, one.original_start_at,
            is_sparse=True,
        )  # fmt: skip


def _as_listed(entry: Entry) -> Entry:
    return replace(entry, recurrence=None) if entry.recurrence is not None else entry
