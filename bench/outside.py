"""What stands outside the product in the import and export rows, without using this process's memory: links in a file,
a log and a booking system that only count. So the peak that is measured is the product's own."""

import pickle
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from calsync_core.adapters.memory.booking_system import MemoryBookingSystem
from calsync_core.adapters.memory.history import MemoryLogStore
from calsync_core.adapters.memory.host import MemoryHost
from calsync_core.domain.appointments import Block
from calsync_core.domain.errors import AppointmentRejectedError, LinkChangedError
from calsync_core.domain.ids import AccountId, CalendarId, EntryId, LinkRef, ResourceId
from calsync_core.domain.links import Link
from calsync_core.domain.synclog import LogEntry
from calsync_core.ports.host import Capabilities

_TABLES = """
CREATE TABLE links (ref TEXT PRIMARY KEY, starts TEXT, ends TEXT, row INTEGER, doc BLOB);
CREATE INDEX by_start ON links (starts);
CREATE TABLE pointers (calendar TEXT, entry TEXT, ref TEXT, PRIMARY KEY (calendar, entry)) WITHOUT ROWID;
CREATE TABLE leaving (feed TEXT, ref TEXT, PRIMARY KEY (feed, ref)) WITHOUT ROWID;
CREATE TABLE seen (feed TEXT, round INTEGER, page INTEGER, doc BLOB, PRIMARY KEY (feed, round, page));
"""


class FileLinkStore:
    """ports.stores.LinkStore for one resource, in SQLite, safe between threads."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-4000;" + _TABLES)
        self._lock = threading.RLock()

    def get(self, account: AccountId, resource: ResourceId, refs: Sequence[LinkRef]) -> dict[LinkRef, Link]:
        found = (self._one("SELECT doc FROM links WHERE ref = ?", ref) for ref in refs)
        return {link.ref: link for link in found if link is not None}

    def by_entries(
        self, account: AccountId, resource: ResourceId, calendar: CalendarId, ids: Sequence[EntryId]
    ) -> dict[EntryId, Link]:
        text = "SELECT doc FROM links JOIN pointers USING (ref) WHERE calendar = ? AND entry = ?"
        found = {entry: self._one(text, calendar, entry) for entry in ids}
        return {entry: link for entry, link in found.items() if link is not None}

    def series(self, account: AccountId, resource: ResourceId, prefix: str) -> list[Link]:
        return list(self._some("SELECT doc FROM links WHERE ref >= ? AND ref < ?", prefix, prefix + "\x7f"))

    def parts(self, account: AccountId, resource: ResourceId, series_id: str) -> list[Link]:
        return [link for link in self._some("SELECT doc FROM links") if link.series_id == series_id]

    def overlapping(self, account: AccountId, resource: ResourceId, start_at: datetime, end_at: datetime) -> list[Link]:
        text = "SELECT doc FROM links WHERE starts < ? AND ends > ?"
        return list(self._some(text, end_at.isoformat(), start_at.isoformat()))

    def all(self, account: AccountId, resource: ResourceId) -> Iterable[Link]:
        """In parts, so that the caller may write while it reads."""
        last = ""
        while True:
            part = list(self._some("SELECT doc FROM links WHERE ref > ? ORDER BY ref LIMIT 500", last))
            yield from part
            if not part:
                return
            last = part[-1].ref

    def put(self, account: AccountId, link: Link) -> Link:
        with self._lock:
            found = self._db.execute("SELECT row FROM links WHERE ref = ?", (link.ref,)).fetchone()
            if (found[0] if found else 0) != link.row:
                raise LinkChangedError(ref=link.ref, row=link.row)
            return self.put_many(account, [link])[0]

    def put_many(self, account: AccountId, links: Sequence[Link]) -> list[Link]:
        saved = [link.with_row(link.row + 1) for link in links]
        rows = [
            (link.ref, link.start_at.isoformat(), link.end_at.isoformat(), link.row, pickle.dumps(link))
            for link in saved
        ]
        pointers = [(link.calendar_id, link.entry_id, link.ref) for link in saved if link.entry_id is not None]
        with self._lock:
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO links VALUES (?, ?, ?, ?, ?)", rows)
            self._db.executemany("INSERT OR REPLACE INTO pointers VALUES (?, ?, ?)", pointers)
            self._db.execute("COMMIT")
        return saved

    def delete(self, account: AccountId, link: Link) -> None:
        with self._lock:
            self._db.execute("DELETE FROM links WHERE ref = ?", (link.ref,))
            self._db.execute("DELETE FROM pointers WHERE ref = ?", (link.ref,))

    def set_leaving(self, account: AccountId, resource: ResourceId, feed: str, refs: Sequence[LinkRef]) -> None:
        with self._lock:
            self._db.executemany("INSERT OR IGNORE INTO leaving VALUES (?, ?)", [(feed, ref) for ref in refs])

    def leaving(self, account: AccountId, resource: ResourceId, feed: str) -> list[LinkRef]:
        with self._lock:
            rows = self._db.execute("SELECT ref FROM leaving WHERE feed = ? ORDER BY ref", (feed,)).fetchall()
        return [LinkRef(row[0]) for row in rows]

    def clear_leaving(self, account: AccountId, resource: ResourceId, feed: str, refs: Sequence[LinkRef]) -> None:
        with self._lock:
            self._db.executemany("DELETE FROM leaving WHERE feed = ? AND ref = ?", [(feed, ref) for ref in refs])

    def note_seen(
        self, account: AccountId, resource: ResourceId, feed: str, round_: int, page: int, refs: Sequence[LinkRef]
    ) -> None:
        row = (feed, round_, page, pickle.dumps(list(refs)))
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", row)

    def seen(self, account: AccountId, resource: ResourceId, feed: str, round_: int) -> set[LinkRef]:
        with self._lock:
            rows = self._db.execute("SELECT doc FROM seen WHERE feed = ? AND round = ?", (feed, round_)).fetchall()
        return {ref for row in rows for ref in pickle.loads(row[0])}

    def forget_seen(self, account: AccountId, resource: ResourceId, feed: str, round_: int) -> None:
        with self._lock:
            self._db.execute("DELETE FROM seen WHERE feed = ? AND round = ?", (feed, round_))

    def count(self) -> int:
        """How many links there are."""
        with self._lock:
            return int(self._db.execute("SELECT count(*) FROM links").fetchone()[0])

    def _one(self, text: str, *values: str) -> Link | None:
        with self._lock:
            row = self._db.execute(text, values).fetchone()
        return None if row is None else pickle.loads(row[0])

    def _some(self, text: str, *values: str) -> Iterable[Link]:
        with self._lock:
            rows = self._db.execute(text, values).fetchall()
        return (pickle.loads(row[0]) for row in rows)


class CountingLog(MemoryLogStore):
    """Counts lines by their reason and keeps none."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: Counter[str] = Counter()

    def add(self, entries: Sequence[LogEntry]) -> None:
        self.counted.update(entry.reason.value for entry in entries)


class CountingHost(MemoryHost):
    """Takes blocks after `latency` seconds, `many` in a call, and keeps only how many there were; stops after
    `fails_after` of them."""

    def __init__(
        self, system: MemoryBookingSystem, latency: float = 0.0, fails_after: int | None = None, many: int = 1
    ) -> None:
        super().__init__(system, capabilities=Capabilities(blocks_a_call=many))
        self._latency = latency
        self._fails_after = fails_after
        self._counting = threading.Lock()
        self.blocks_put = 0

    def put_block(self, block: Block) -> str:
        return str(self.put_blocks([block])[0])

    def put_blocks(self, blocks: Sequence[Block]) -> list[str | AppointmentRejectedError]:
        if self._latency:
            time.sleep(self._latency)
        with self._counting:
            self.calls["put_blocks"] += 1
            for _ in blocks:
                self.blocks_put += 1
                if self._fails_after is not None and self.blocks_put > self._fails_after:
                    raise KilledError
        return ["1"] * len(blocks)


class KilledError(BaseException):
    """The process dies here; nothing in the product catches it."""
