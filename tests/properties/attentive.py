"""Whether anything was overwritten that nobody had read (P3): the mailbox remembers what it told calsync last."""

from collections.abc import Iterable, Sequence

from calsync_core.adapters.memory.calendar import MemoryCalendarProvider
from calsync_core.domain.appointments import Copy, Entry, Kind, Mark
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import CalendarPage, Content


class AttentiveProvider(MemoryCalendarProvider):
    """`overwritten`: single entries that were written although their present version had been told to no run."""

    told: dict[EntryId, str]
    overwritten: list[EntryId]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.told, self.overwritten = {}, []

    def changes(self, calendar_id: CalendarId, cursor: str | None, window: Window, content: Content) -> CalendarPage:
        page = super().changes(calendar_id, cursor, window, content)
        self._tell(page.entries)
        return page

    def entries(self, calendar_id: CalendarId, ids: Sequence[EntryId], content: Content) -> dict[EntryId, Entry | None]:
        found = super().entries(calendar_id, ids, content)
        self._tell(entry for entry in found.values() if entry is not None)
        return found

    def find_mark(self, mark: Mark) -> list[Entry]:
        found = super().find_mark(mark)
        self._tell(found)
        return found

    def create(self, calendar_id: CalendarId, copy: Copy, mark: Mark, transaction_id: str) -> Entry:
        entry = super().create(calendar_id, copy, mark, transaction_id)
        self._tell([entry])
        return entry

    def update(self, calendar_id: CalendarId, entry_id: EntryId, copy: Copy, version: str | None) -> Entry:
        before, count = self.server.entry(entry_id), len(self.server.writes)
        is_unread = before is not None and before.kind is Kind.SINGLE and before.version != self.told.get(entry_id)
        try:
            entry = super().update(calendar_id, entry_id, copy, version)
        finally:
            if is_unread and len(self.server.writes) > count:
                self.overwritten.append(entry_id)
        self._tell([entry])
        return entry

    def _tell(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.told[entry.id] = entry.version
