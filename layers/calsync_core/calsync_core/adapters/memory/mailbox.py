"""A mailbox with calendars, in memory: what the person sees and does, and what the server's change feed tells.

It behaves as graph.md describes the real one: ids are the server's, versions change without a visible change, the feed
gives occurrences sparse and without marks, calls everything that left the window "removed", and says nothing about a
removed occurrence. No provider calls stand here: those are `memory/calendar.py`.
"""

from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from calsync_core.adapters.memory.items import Feed, Item, Subscribed, Write, original_of, planned, shifted
from calsync_core.domain.appointments import AllDay, Busy, Entry, Kind, Mark, Notes, Response, When
from calsync_core.domain.connections import Calendar
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.recurrence import Pattern, Recurrence
from calsync_core.domain.rrules import days_of
from calsync_core.domain.values import replace
from calsync_core.domain.windows import Window

DEFAULT = CalendarId("calendar-1")


class MemoryMailboxServer:
    """One mailbox. Every public method down to the line below is something that a person or the service does.

    `clock` gives aware UTC. `announces_removed_occurrences` False makes the feed wholly silent when a single occurrence
    is deleted; True repeats the series without it. `lasting` is how many generations of cursors stay valid.
    """

    def __init__(
        self,
        clock: Callable[[], datetime] = lambda: datetime(2026, 11, 23, 8, tzinfo=UTC),
        zone: str = "Europe/Berlin",
        page_size: int = 50,
        *,
        announces_removed_occurrences: bool = True,
    ) -> None:
        self.clock = clock
        self.zone = zone
        self.page_size = page_size
        self.announces_removed_occurrences = announces_removed_occurrences
        self.calendars: dict[CalendarId, Calendar] = {}
        self.items: dict[EntryId, Item] = {}
        self.feeds: dict[CalendarId, Feed] = {}
        self.transactions: dict[str, EntryId] = {}
        self.generation = 1
        self.oldest_generation = 1
        self.is_revoked = False
        self.feed_stops_at: int | None = None
        self.outbox: list[EntryId] = []
        self.writes: list[Write] = []
        self.subscriptions: dict[str, Subscribed] = {}
        self.notifications: list[str] = []  # subscription ids
        self.unrotated: list[EntryId] = []
        self._ids = count(1)
        self._uids = count(1)
        self.seq = 0
        self.add_calendar("Calendar", is_default=True)

    # -- calendars and the service's own moods ------------------------------------------------------------------

    def add_calendar(
        self, name: str, *, is_default: bool = False, may_write: bool = True, is_shared: bool = False
    ) -> CalendarId:
        calendar_id = CalendarId(f"calendar-{len(self.calendars) + 1}")
        self.calendars[calendar_id] = Calendar(calendar_id, name, is_default, may_write, is_shared)
        self.feeds[calendar_id] = Feed()
        return calendar_id

    def remove_calendar(self, calendar_id: CalendarId) -> None:
        del self.calendars[calendar_id]
        for item in self.items.values():
            if item.entry.calendar_id == calendar_id:
                item.is_gone = True

    def expire_cursors(self) -> None:
        """Every cursor handed out until now is too old."""
        self.generation += 1
        self.oldest_generation = self.generation

    def hold_feed(self) -> None:
        """The feed lags: what happens from now on is not in it until `release_feed`."""
        self.feed_stops_at = self.seq

    def release_feed(self) -> None:
        self.feed_stops_at = None

    def rotate_created(self) -> None:
        """The server touches what calsync created, as Exchange does some seconds later: new version, same fields."""
        waiting, self.unrotated = self.unrotated, []
        for entry_id in waiting:
            if not self.items[entry_id].is_gone:
                self.touch(entry_id)

    def touch(self, entry_id: EntryId) -> None:
        self.put(self.items[entry_id], self.items[entry_id].entry)

    # -- what a person does -------------------------------------------------------------------------------------

    def create_entry(
        self,
        when: When,
        title: str = "Private thing",
        *,
        calendar_id: CalendarId = DEFAULT,
        busy: Busy = Busy.BUSY,
        is_private: bool = False,
        response: Response = Response.NONE,
        has_attendees: bool = False,
        notes: Notes | None = None,
        location: str | None = None,
        mark: Mark | None = None,
        categories: tuple[str, ...] = (),
    ) -> EntryId:
        entry = Entry(
            self.new_id(), calendar_id, "", when, busy=busy, is_private=is_private, response=response, title=title,
            notes=notes, location=location, has_attendees=has_attendees, mark=mark, is_mark_known=True,
            created_at=self.clock(), categories=categories, uid=self.new_uid(),
        )  # fmt: skip
        return self.add(entry).entry.id

    def create_series(
        self, when: When, occurrences: int, every_days: int = 7, title: str = "Team", **more: object
    ) -> EntryId:
        """Wall time repeats in the mailbox's zone; `more` are fields of Entry."""
        entry = Entry(
            self.new_id(),
            DEFAULT,
            "",
            when,
            Kind.MASTER,
            title=title,
            is_mark_known=True,
            created_at=self.clock(),
            uid=self.new_uid(),
        )
        item = self.add(replace(entry, **more), silently=True)  # type: ignore[arg-type]
        item.plan = self._planned(when, occurrences, every_days)
        self.put(item, replace(item.entry, recurrence=self._every(when, occurrences, every_days)))
        return entry.id

    def move_entry(self, entry_id: EntryId, when: When) -> None:
        self.change_entry(entry_id, when=when)

    def set_busy(self, entry_id: EntryId, busy: Busy) -> None:
        self.change_entry(entry_id, busy=busy)

    def respond(self, entry_id: EntryId, response: Response) -> None:
        self.change_entry(entry_id, response=response)

    def retitle(self, entry_id: EntryId, title: str) -> None:
        self.change_entry(entry_id, title=title)

    def cancel(self, entry_id: EntryId) -> None:
        """The organizer cancelled it: it stays, marked as cancelled."""
        self.change_entry(entry_id, is_cancelled=True)

    def change_entry(self, entry_id: EntryId, **fields: object) -> None:
        item = self.items[entry_id]
        self.put(item, replace(item.entry, **fields))  # type: ignore[arg-type]

    def delete_entry(self, entry_id: EntryId) -> None:
        item = self.items[entry_id]
        item.is_gone = True
        self.note(item, item.entry.calendar_id)

    def copy_entry(self, entry_id: EntryId, when: When | None = None, calendar_id: CalendarId | None = None) -> EntryId:
        """Copy and paste: everything is carried over, our mark too."""
        old = self.items[entry_id].entry
        target = calendar_id or old.calendar_id
        entry = replace(
            old, id=self.new_id(), when=when or old.when, calendar_id=target, created_at=self.clock(),
            uid=self.new_uid(),
        )  # fmt: skip
        return self.add(entry).entry.id

    def move_mailbox(self) -> None:
        """To another server: every entry has a new id, cursors are void; marks, own ids and ages stay."""
        self.expire_cursors()
        moved: dict[EntryId, EntryId] = {}
        for item in [one for one in self.items.values() if not one.is_gone]:
            old, new = item.entry.id, self.new_id()
            moved[old] = new
            self.items[new] = self.items.pop(old)
            item.entry = replace(item.entry, id=new)
            item.exceptions = {
                original: replace(one, id=EntryId(f"{new}.{one.id.rpartition('.')[2]}"), series_id=new)
                for original, one in item.exceptions.items()
            }
            self.put(item, item.entry)
        self.transactions = {name: moved.get(entry_id, entry_id) for name, entry_id in self.transactions.items()}
        self.unrotated = [moved[entry_id] for entry_id in self.unrotated if entry_id in moved]

    def move_to_calendar(self, entry_id: EntryId, calendar_id: CalendarId) -> None:
        """The immutable id stays; the old calendar calls it removed."""
        item = self.items[entry_id]
        self.note(item, item.entry.calendar_id)
        self.put(item, replace(item.entry, calendar_id=calendar_id))

    def delete_occurrence(self, series_id: EntryId, original: datetime) -> None:
        item = self.items[series_id]
        item.removed.add(original)
        item.exceptions.pop(original, None)
        if self.announces_removed_occurrences:
            self.put(item, item.entry)

    def move_occurrence(self, series_id: EntryId, original: datetime, when: When) -> None:
        self.change_occurrence(series_id, original, when=when)

    def change_occurrence(self, series_id: EntryId, original: datetime, **fields: object) -> None:
        item = self.items[series_id]
        one = item.occurrence(original)
        if one is None:
            raise KeyError(original)
        item.exceptions[original] = replace(one, kind=Kind.EXCEPTION, **fields)  # type: ignore[arg-type]
        self.put(item, item.entry)

    def move_series(self, series_id: EntryId, when: When, occurrences: int, every_days: int = 7) -> None:
        """A new pattern: the occurrences get new ids, exceptions and removed ones are forgotten."""
        item = self.items[series_id]
        item.repeat(self._planned(when, occurrences, every_days))
        self.put(item, replace(item.entry, when=when, recurrence=self._every(when, occurrences, every_days)))

    def change_pattern(self, series_id: EntryId, recurrence: Recurrence | None) -> None:
        """The person changes how it repeats, from the day on which it stands: the series begins on the rule's first
        one. None: it repeats no more, and its first occurrence stays as a single appointment."""
        item = self.items[series_id]
        if recurrence is None:
            item.stand_alone()
            self.put(item, item.entry)
            return
        first = next(iter(days_of(recurrence)))
        when = shifted(item.entry.when, first - recurrence.start, recurrence.zone)
        said = replace(recurrence, start=first)
        item.repeat(planned(when, said), said)
        self.put(item, replace(item.entry, when=when))

    # -- what the person sees -----------------------------------------------------------------------------------

    def entry(self, entry_id: EntryId) -> Entry | None:
        """In full, occurrences too; None when it is not there."""
        item = self.items.get(entry_id)
        if item is not None:
            return None if item.is_gone else item.entry
        series, original = self._place_of(entry_id)
        return series.occurrence(original) if series is not None and original is not None else None

    def shown(self, calendar_id: CalendarId = DEFAULT) -> list[Entry]:
        """What the calendar shows: single entries and occurrences, no masters."""
        return [
            one
            for item in self.items.values()
            if not item.is_gone and item.entry.calendar_id == calendar_id
            for one in (item.occurrences() if item.entry.kind is Kind.MASTER else (item.entry,))
        ]

    # -- for the provider ---------------------------------------------------------------------------------------

    def new_id(self) -> EntryId:
        return EntryId(f"entry-{next(self._ids)}")

    def new_uid(self) -> str:
        """The appointment's own id, as iCalUId: the same wherever it is moved."""
        return f"uid-{next(self._uids)}"

    def add(self, entry: Entry, *, silently: bool = False) -> Item:
        item = Item(entry, len(self.items), added_at=self.seq + 1)
        self.items[entry.id] = item
        if not silently:
            self.put(item, entry)
        return item

    def put(self, item: Item, entry: Entry) -> None:
        """Store with a new version and tell the feed."""
        self.note(item, entry.calendar_id)
        item.entry = replace(entry, version=f"v{self.seq}")

    def note(self, item: Item, calendar_id: CalendarId) -> None:
        self.seq += 1
        item.seq = self.seq
        feed = self.feeds.get(calendar_id)
        if feed is None:
            return
        feed.seqs.append(self.seq)
        feed.ids.append(item.entry.id)
        now = self.clock()
        self.notifications.extend(
            subscription_id
            for subscription_id, one in self.subscriptions.items()
            if one.calendar_id == calendar_id and one.expires_at > now
        )

    def changed_since(self, calendar_id: CalendarId, seq: int) -> list[tuple[int, EntryId]]:
        """(number, id) of each change after `seq`, each id once, at its last change."""
        feed = self.feeds[calendar_id]
        begin = bisect_right(feed.seqs, seq)
        if begin == len(feed.seqs):
            return []
        end = len(feed.seqs) if self.feed_stops_at is None else bisect_right(feed.seqs, self.feed_stops_at)
        last = {feed.ids[at]: feed.seqs[at] for at in range(begin, end)}
        return sorted((number, entry_id) for entry_id, number in last.items())

    def is_inside(self, when: When, window: Window) -> bool:
        return window.holds(when, self.zone)

    def _planned(self, when: When, occurrences: int, every_days: int) -> dict[datetime, When]:
        plan: dict[datetime, When] = {}
        for number in range(occurrences):
            later = shifted(when, timedelta(days=number * every_days), self.zone)
            plan[original_of(later, self.zone)] = later
        return plan

    def _every(self, when: When, occurrences: int, every_days: int) -> Recurrence:
        """The same in the words of a calendar."""
        start = when.start if isinstance(when, AllDay) else when.start_at.astimezone(ZoneInfo(self.zone)).date()
        return Recurrence(Pattern.DAILY, start, self.zone, every_days, count=occurrences)

    def series_of(self, occurrence: EntryId) -> Item | None:
        """The series that an occurrence's id belongs to; None when it is no id of an occurrence that is there."""
        series, original = self._place_of(occurrence)
        return series if original is not None else None

    def _place_of(self, occurrence: EntryId) -> tuple[Item | None, datetime | None]:
        """The series that the id says, and the original start, None when it has no such occurrence."""
        item = self.items.get(EntryId(occurrence.rpartition(".")[0]))
        is_there = item is not None and not item.is_gone
        return item, item.original_start_of(occurrence) if item is not None and is_there else None
