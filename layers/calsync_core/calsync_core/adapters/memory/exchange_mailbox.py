"""A mailbox at an Exchange server, in memory: a person's acts as in `mailbox.py`, where Exchange differs from Graph.

An entry that is moved to another folder gets a new id, and what came and went between two looks is told to nobody
(ews.md sections 2 and 3). How it is read and written stands in `exchange_calendar.py`.
"""

from calsync_core.adapters.memory.mailbox import MemoryMailboxServer
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.values import replace


class MemoryExchangeMailboxServer(MemoryMailboxServer):
    def hold_feed(self) -> None:
        """It never lags: SyncFolderItems reads the folder itself."""

    def move_to_calendar(self, entry_id: EntryId, calendar_id: CalendarId) -> None:
        """A deletion in the one folder and a new entry, with a new id, in the other; mark, UID and age stay."""
        old = self.items[entry_id]
        entry = replace(old.entry, id=self.new_id(), calendar_id=calendar_id)
        self.delete_entry(entry_id)
        item = self.add(entry, silently=True)
        item.plan, item.removed = dict(old.plan), set(old.removed)
        item.recurrence, item.pattern = old.recurrence, old.pattern
        item.exceptions = {
            original: replace(
                one, id=EntryId(f"{entry.id}.{one.id.rpartition('.')[2]}"), series_id=entry.id, calendar_id=calendar_id
            )
            for original, one in old.exceptions.items()
        }
        self.put(item, item.entry)
