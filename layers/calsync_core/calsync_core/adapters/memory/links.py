"""Links in memory: by ref, by pointer from the calendar entry, and by time."""

import threading
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from calsync_core.domain.appointments import overlap
from calsync_core.domain.errors import LinkChangedError
from calsync_core.domain.ids import AccountId, CalendarId, EntryId, LinkRef, ResourceId
from calsync_core.domain.links import Link, Origin

_SHORT = timedelta(hours=24)
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Shelf:
    """All of one resource. `short` is sorted by start, for links up to 24 h long; the few longer ones are in `long`."""

    links: dict[LinkRef, Link] = field(default_factory=dict)
    pointers: dict[tuple[CalendarId, EntryId], LinkRef] = field(default_factory=dict)
    short: list[tuple[datetime, LinkRef]] = field(default_factory=list)
    long: set[LinkRef] = field(default_factory=set)
    leaving: dict[str, dict[LinkRef, None]] = field(default_factory=dict)
    seen: dict[tuple[str, int], dict[int, tuple[LinkRef, ...]]] = field(default_factory=dict)

    def insert(self, link: Link) -> None:
        self.remove(link.ref)
        self.links[link.ref] = link
        if link.end_at - link.start_at > _SHORT:
            self.long.add(link.ref)
        else:
            insort(self.short, (link.start_at, link.ref))
        if link.entry_id is not None:
            self.pointers[link.calendar_id, link.entry_id] = link.ref

    def remove(self, ref: LinkRef) -> None:
        link = self.links.pop(ref, None)
        if link is None:
            return
        if ref in self.long:
            self.long.remove(ref)
        else:
            del self.short[bisect_left(self.short, (link.start_at, ref))]
        # Another link may point here by now: its pointer stays.
        if link.entry_id is not None and self.pointers.get((link.calendar_id, link.entry_id)) == ref:
            del self.pointers[link.calendar_id, link.entry_id]

    def overlapping(self, start_at: datetime, end_at: datetime) -> list[Link]:
        earliest = start_at - _SHORT if start_at - _EARLIEST > _SHORT else _EARLIEST
        low = bisect_left(self.short, (earliest, LinkRef("")))
        high = bisect_left(self.short, (end_at, LinkRef("")))
        refs = [ref for _, ref in self.short[low:high]] + sorted(self.long)
        links = [self.links[ref] for ref in refs]
        return [link for link in links if overlap((link.start_at, link.end_at), (start_at, end_at))]


class MemoryLinkStore:
    def __init__(self) -> None:
        self._shelves: dict[tuple[AccountId, ResourceId], _Shelf] = {}
        self._lock = threading.Lock()

    def get(self, account: AccountId, resource: ResourceId, refs: Sequence[LinkRef]) -> dict[LinkRef, Link]:
        links = self._shelf(account, resource).links
        return {ref: links[ref] for ref in refs if ref in links}

    def by_entries(
        self, account: AccountId, resource: ResourceId, calendar: CalendarId, ids: Sequence[EntryId]
    ) -> dict[EntryId, Link]:
        shelf = self._shelf(account, resource)
        found = {entry: shelf.pointers.get((calendar, entry)) for entry in ids}
        return {entry: shelf.links[ref] for entry, ref in found.items() if ref is not None}

    def series(self, account: AccountId, resource: ResourceId, prefix: str) -> list[Link]:
        with self._lock:
            return [link for ref, link in self._shelf(account, resource).links.items() if ref.startswith(prefix)]

    def parts(self, account: AccountId, resource: ResourceId, series_id: str) -> list[Link]:
        with self._lock:
            links = self._shelf(account, resource).links.values()
            return [link for link in links if link.origin is Origin.HOST and link.series_id == series_id]

    def overlapping(self, account: AccountId, resource: ResourceId, start_at: datetime, end_at: datetime) -> list[Link]:
        with self._lock:
            return self._shelf(account, resource).overlapping(start_at, end_at)

    def all(self, account: AccountId, resource: ResourceId) -> Iterable[Link]:
        # A copy of the references: the caller may put and delete while it reads.
        return iter(list(self._shelf(account, resource).links.values()))

    def put(self, account: AccountId, link: Link) -> Link:
        with self._lock:
            shelf = self._shelf(account, link.resource_id)
            stored = shelf.links.get(link.ref)
            if (stored.row if stored else 0) != link.row:
                raise LinkChangedError(ref=link.ref, row=link.row)
            saved = link.with_row(link.row + 1)
            shelf.insert(saved)
            return saved

    def put_many(self, account: AccountId, links: Sequence[Link]) -> list[Link]:
        with self._lock:
            saved = [link.with_row(link.row + 1) for link in links]
            for link in saved:
                self._shelf(account, link.resource_id).insert(link)
            return saved

    def delete(self, account: AccountId, link: Link) -> None:
        with self._lock:
            shelf = self._shelf(account, link.resource_id)
            stored = shelf.links.get(link.ref)
            if stored is None:
                return
            if stored.row != link.row:
                raise LinkChangedError(ref=link.ref, row=link.row)
            shelf.remove(link.ref)

    def set_leaving(self, account: AccountId, resource: ResourceId, feed: str, refs: Sequence[LinkRef]) -> None:
        with self._lock:
            self._shelf(account, resource).leaving.setdefault(feed, {}).update(dict.fromkeys(refs))

    def leaving(self, account: AccountId, resource: ResourceId, feed: str) -> list[LinkRef]:
        return sorted(self._shelf(account, resource).leaving.get(feed, ()))

    def clear_leaving(self, account: AccountId, resource: ResourceId, feed: str, refs: Sequence[LinkRef]) -> None:
        with self._lock:
            waiting = self._shelf(account, resource).leaving.get(feed, {})
            for ref in refs:
                waiting.pop(ref, None)

    def note_seen(
        self,
        account: AccountId,
        resource: ResourceId,
        feed: str,
        round_: int,
        page: int,
        refs: Sequence[LinkRef],
    ) -> None:
        with self._lock:
            self._shelf(account, resource).seen.setdefault((feed, round_), {})[page] = tuple(refs)

    def seen(self, account: AccountId, resource: ResourceId, feed: str, round_: int) -> set[LinkRef]:
        with self._lock:
            pages = self._shelf(account, resource).seen.get((feed, round_), {})
            return {ref for refs in pages.values() for ref in refs}

    def forget_seen(self, account: AccountId, resource: ResourceId, feed: str, round_: int) -> None:
        with self._lock:
            self._shelf(account, resource).seen.pop((feed, round_), None)

    def _shelf(self, account: AccountId, resource: ResourceId) -> _Shelf:
        key = account, resource
        shelf = self._shelves.get(key)
        # setdefault, so that two threads that meet a new resource get the same shelf.
        return shelf if shelf is not None else self._shelves.setdefault(key, _Shelf())
