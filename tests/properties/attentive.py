"""Whether anything was overwritten that nobody had read (P3): the mailbox remembers what it told calsync last."""

from collections.abc import Iterable, Sequence

from calsync_core.adapters.memory.calendar import MemoryCalendarProvider
from calsync_core.adapters.memory.items import Item
from calsync_core.domain.appointments import Copy, Entry, Kind, Mark
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import CalendarPage, Content


class AttentiveProvider(MemoryCalendarProvider):
    """`overwritten`: single entries that were written although their present version had been told to no run."""

    told: dict[EntryId, str]
    overwritten: list[EntryId]
    arrived: str

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.told, self.overwritten, self.arrived = {}, [], ""

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
        entry = super().update(calendar_id, entry_id, copy, version)
        self._tell([entry])
        return entry

    def _begin(self, operation: str, calendar_id: CalendarId | None = None) -> None:
        super()._begin(operation, calendar_id)
        self.arrived = operation  # before it, others may have read and written

    def _writable(self, calendar_id: CalendarId, entry_id: EntryId, version: str | None) -> Item:
        """Judged at the moment of the write itself, which nothing can come in front of any more."""
        item = super()._writable(calendar_id, entry_id, version)
        is_single = item.entry.kind is Kind.SINGLE
        if self.arrived == "update" and is_single and item.entry.version != self.told.get(entry_id):
            self.overwritten.append(entry_id)
        return item

    def _tell(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.told[entry.id] = entry.version
