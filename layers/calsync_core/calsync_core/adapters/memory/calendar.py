"""CalendarProvider over a mailbox in memory: the model that the engine's property tests run against.

As the real one it hands out windows inside cursors, pages, sparse occurrences, and look-ups with marks. `fault` is
called before and after the effect of every operation and may raise what a network, a service or a crash would.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import count

from calsync_core.adapters.memory.items import Item, Subscribed, Write, planned
from calsync_core.adapters.memory.mailbox import MemoryMailboxServer
from calsync_core.domain.appointments import Copy, Entry, Kind, Mark, Notes, Response
from calsync_core.domain.connections import Calendar, MailboxIdentity, ProviderKind
from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    CalendarGoneError,
    ConsentRevokedError,
    CursorExpiredError,
    PermissionMissingError,
    VersionChangedError,
)
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.notes import text_of_html
from calsync_core.domain.values import replace
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import Account, CalendarPage, Content, Granted

Fault = Callable[[str, str], None]
_EVERYTHING = Content(title=True, notes=True, private=True)
_LONGEST_TITLE = 255


def no_fault(operation: str, phase: str) -> None:
    """The default: nothing goes wrong."""


class MemoryCalendarProvider:
    """Bound to one mailbox. `calls` counts operations, whether they succeeded or not."""

    def __init__(self, server: MemoryMailboxServer, fault: Fault = no_fault) -> None:
        self.server = server
        self.fault = fault
        self.calls: Counter[str] = Counter()
        self._subscription_ids = count(1)

    def hides_brief(self) -> bool:
        return False

    def account(self) -> Account:
        self._begin("account")
        identity = MailboxIdentity(ProviderKind.OFFICE365, "tenant-1", "person-1")
        self.fault("account", "after")
        return Account(identity, "person@example.org", "Person", self.server.zone)

    def calendars(self) -> list[Calendar]:
        self._begin("calendars")
        self.fault("calendars", "after")
        return list(self.server.calendars.values())

    def changes(self, calendar_id: CalendarId, cursor: str | None, window: Window, content: Content) -> CalendarPage:
        self._begin("changes", calendar_id)
        if cursor is None:
            page = self._full_page(calendar_id, window, self.server.seq, -1, content)
        else:
            page = self._next_page(calendar_id, cursor, content)
        self.fault("changes", "after")
        return page

    def entries(self, calendar_id: CalendarId, ids: Sequence[EntryId], content: Content) -> dict[EntryId, Entry | None]:
        self._begin("entries", calendar_id)
        found: dict[EntryId, Entry | None] = {}
        for entry_id in ids:
            entry = self.server.entry(entry_id)
            is_here = entry is not None and entry.calendar_id == calendar_id
            found[entry_id] = allowed(entry, content) if entry is not None and is_here else None
        self.fault("entries", "after")
        return found

    def occurrences(self, calendar_id: CalendarId, series_id: EntryId, window: Window, content: Content) -> list[Entry]:
        self._begin("occurrences", calendar_id)
        item = self._item(calendar_id, series_id)
        found = [allowed(one, content) for one in self._occurrences(item, window)]
        self.fault("occurrences", "after")
        return found

    def marked(self, installation: str, resource: str | None = None) -> list[Entry]:
        self._begin("marked")
        found = [
            item.entry
            for item in self.server.items.values()
            if not item.is_gone
            and item.entry.mark is not None
            and item.entry.mark.installation == installation
            and resource in {None, item.entry.mark.resource}
        ]
        self.fault("marked", "after")
        return found

    def find_mark(self, mark: Mark) -> list[Entry]:
        self._begin("find_mark")
        found = [item for item in self.server.items.values() if not item.is_gone and item.entry.mark == mark]
        self.fault("find_mark", "after")
        return [item.entry for item in sorted(found, key=lambda item: item.index)]

    def create(self, calendar_id: CalendarId, copy: Copy, mark: Mark, transaction_id: str) -> Entry:
        self._begin("create", calendar_id)
        self._check_writable(calendar_id)
        known = self.server.transactions.get(transaction_id)
        if known is not None:
            entry = self._of_transaction(known, mark)
        else:
            draft = Entry(
                self.server.new_id(), calendar_id, "", copy.when, response=Response.ORGANIZER, mark=mark,
                is_mark_known=True, created_at=self.server.clock(), uid=self.server.new_uid(),
            )  # fmt: skip
            entry = self._added(draft, copy)
            self.server.transactions[transaction_id] = entry.id
            self.server.unrotated.append(entry.id)
            self.server.writes.append(Write("create", entry.id, mark))
        self.fault("create", "after")
        return entry

    def update(self, calendar_id: CalendarId, entry_id: EntryId, copy: Copy, version: str | None) -> Entry:
        self._begin("update", calendar_id)
        item = self._writable(calendar_id, entry_id, version)
        if item.entry.id != entry_id:
            entry = self._update_occurrence(item, entry_id, copy)
        else:
            self.server.writes.append(Write("update", entry_id, item.entry.mark))
            if copy.recurrence is not None and not copy.keeps_times:
                item.repeat(planned(copy.when, copy.recurrence), copy.recurrence)
            self.server.put(item, _projected(item.entry, copy))
            entry = item.entry
        self.fault("update", "after")
        return entry

    def delete(self, calendar_id: CalendarId, entry_id: EntryId, version: str | None) -> None:
        self._begin("delete", calendar_id)
        item = self._writable(calendar_id, entry_id, version)
        self.server.writes.append(Write("delete", entry_id, item.entry.mark))
        original = item.original_start_of(entry_id)
        if original is not None:
            self.server.delete_occurrence(item.entry.id, original)
        else:
            self.server.delete_entry(entry_id)
        self.fault("delete", "after")

    def subscribe(self, calendar_id: CalendarId, url: str, lifecycle_url: str, secret: str, until: datetime) -> Granted:
        self._begin("subscribe", calendar_id)
        if self.server.calendars[calendar_id].is_shared:
            raise PermissionMissingError("push_refused")
        subscription_id = f"subscription-{next(self._subscription_ids)}"
        granted = self._grant(subscription_id, Subscribed(calendar_id, url, lifecycle_url, secret, until))
        self.fault("subscribe", "after")
        return granted

    def renew(self, subscription_id: str, until: datetime) -> Granted:
        self._begin("renew")
        known = self.server.subscriptions.get(subscription_id)
        if known is None or known.expires_at <= self.server.clock():
            raise AppointmentGoneError("subscription_gone")
        granted = self._grant(subscription_id, replace(known, expires_at=until))
        self.fault("renew", "after")
        return granted

    def unsubscribe(self, subscription_id: str) -> None:
        self._begin("unsubscribe")
        self.server.subscriptions.pop(subscription_id, None)
        self.fault("unsubscribe", "after")

    # -- inside -------------------------------------------------------------------------------------------------

    def _begin(self, operation: str, calendar_id: CalendarId | None = None) -> None:
        self.calls[operation] += 1
        self.fault(operation, "before")
        if self.server.is_revoked:
            raise ConsentRevokedError
        if calendar_id is not None and calendar_id not in self.server.calendars:
            raise CalendarGoneError

    def _next_page(self, calendar_id: CalendarId, cursor: str, content: Content) -> CalendarPage:
        parts = cursor.split("|")
        if len(parts) != 7 or parts[1] != calendar_id or int(parts[2]) < self.server.oldest_generation:
            raise CursorExpiredError
        window = window_of(parts[3], parts[4])
        if parts[0] == "full":
            return self._full_page(calendar_id, window, int(parts[5]), int(parts[6]), content)
        return self._changed_page(calendar_id, window, int(parts[6]), content)

    def _full_page(
        self, calendar_id: CalendarId, window: Window, base: int, after: int, content: Content
    ) -> CalendarPage:
        """By order of creation, so that changes between two pages never hide an entry; the feed goes on at `base`."""
        entries: list[Entry] = []
        last = after
        waiting = [
            item for item in self.server.items.values()
            if item.index > after and not item.is_gone and item.entry.calendar_id == calendar_id
        ]  # fmt: skip
        for position, item in enumerate(waiting):
            entries.extend(self._shown(item, window, content))
            last = item.index
            if len(entries) >= self.server.page_size and position + 1 < len(waiting):
                cursor = self._cursor("full", calendar_id, window, base, last)
                return CalendarPage(tuple(entries), (), cursor, is_last=False)
        return CalendarPage(tuple(entries), (), self._cursor("feed", calendar_id, window, 0, base), is_last=True)

    def _changed_page(self, calendar_id: CalendarId, window: Window, since: int, content: Content) -> CalendarPage:
        changed = self.server.changed_since(calendar_id, since)
        entries: list[Entry] = []
        removed: list[EntryId] = []
        reached = since
        for position, (number, entry_id) in enumerate(changed):
            item = self.server.items[entry_id]
            is_here = not item.is_gone and item.entry.calendar_id == calendar_id
            shown = self._shown(item, window, content) if is_here else []
            entries.extend(shown)
            if not shown:
                removed.append(entry_id)
            elif item.exceptions:
                removed.extend(self._moved_out(item, window))
            reached = number
            if len(entries) + len(removed) >= self.server.page_size and position + 1 < len(changed):
                cursor = self._cursor("feed", calendar_id, window, 0, reached)
                return CalendarPage(tuple(entries), tuple(removed), cursor, is_last=False)
        cursor = self._cursor("feed", calendar_id, window, 0, reached)
        return CalendarPage(tuple(entries), tuple(removed), cursor, is_last=True)

    def _shown(self, item: Item, window: Window, content: Content) -> list[Entry]:
        """As the feed tells it: without marks, a series as its master, sparse occurrences and full exceptions."""
        if item.entry.kind is not Kind.MASTER:
            return [_unmarked(item.entry, content)] if self.server.is_inside(item.entry.when, window) else []
        inside = self._occurrences(item, window)
        if not inside:
            return []
        return [_unmarked(item.entry, content), *(_sparse(one, content) for one in inside)]

    def _occurrences(self, item: Item, window: Window) -> list[Entry]:
        return list(item.occurrences(lambda when: self.server.is_inside(when, window)))

    def _moved_out(self, item: Item, window: Window) -> list[EntryId]:
        return [one.id for one in item.exceptions.values() if not self.server.is_inside(one.when, window)]

    def _cursor(self, kind: str, calendar_id: CalendarId, window: Window, base: int, position: int) -> str:
        return f"{kind}|{calendar_id}|{self.server.generation}|{_span(window)}|{base}|{position}"

    def _item(self, calendar_id: CalendarId, entry_id: EntryId) -> Item:
        item = self.server.items.get(entry_id)
        if item is None or item.is_gone or item.entry.calendar_id != calendar_id:
            raise AppointmentGoneError
        return item

    def _check_writable(self, calendar_id: CalendarId) -> None:
        if not self.server.calendars[calendar_id].may_write:
            raise PermissionMissingError

    def _writable(self, calendar_id: CalendarId, entry_id: EntryId, version: str | None) -> Item:
        self._check_writable(calendar_id)
        series = self.server.series_of(entry_id)
        item = self._item(calendar_id, series.entry.id if series else entry_id)
        if version is not None and version != item.entry.version:
            raise VersionChangedError
        if item.entry.has_attendees:
            self.server.outbox.append(entry_id)  # the real service would now mail everybody
        return item

    def _added(self, draft: Entry, copy: Copy) -> Entry:
        item = self.server.add(_projected(draft, copy), silently=True)
        if copy.recurrence is not None:
            item.repeat(planned(copy.when, copy.recurrence), copy.recurrence)
        self.server.put(item, item.entry)
        return item.entry

    def _update_occurrence(self, item: Item, entry_id: EntryId, copy: Copy) -> Entry:
        original = item.original_start_of(entry_id)
        one = item.occurrence(original) if original is not None else None
        if original is None or one is None:
            raise AppointmentGoneError
        zone = item.recurrence.zone if item.recurrence else self.server.zone
        if not copy.keeps_times and item.crosses(original, copy.when, zone):
            raise AppointmentRejectedError("occurrence_crossing")
        self.server.writes.append(Write("update", entry_id, item.entry.mark))
        item.exceptions[original] = replace(_projected(one, copy), kind=Kind.EXCEPTION)
        self.server.put(item, item.entry)
        return replace(item.exceptions[original], version=item.entry.version)

    def _of_transaction(self, entry_id: EntryId, mark: Mark) -> Entry:
        """A repeated create gives the first one's entry, unless that is gone: then the id is used up."""
        item = self.server.items[entry_id]
        if item.is_gone or item.entry.mark != mark:
            raise AppointmentRejectedError("transaction_used")
        return item.entry

    def _grant(self, subscription_id: str, wanted: Subscribed) -> Granted:
        expires_at = min(wanted.expires_at, self.server.clock() + timedelta(minutes=10_080))
        self.server.subscriptions[subscription_id] = replace(wanted, expires_at=expires_at)
        return Granted(subscription_id, expires_at)


@lru_cache(maxsize=256)
def _span(window: Window) -> str:
    return f"{window.start_at.isoformat()}|{window.end_at.isoformat()}"


@lru_cache(maxsize=256)
def window_of(start: str, end: str) -> Window:
    """As a cursor says it."""
    return Window(datetime.fromisoformat(start), datetime.fromisoformat(end))


def _projected(entry: Entry, copy: Copy) -> Entry:
    """The server keeps what we wrote in its own way: trimmed, as Exchange does."""
    notes = Notes(copy.notes.text.strip(), copy.notes.is_html) if copy.notes and copy.notes.text.strip() else None
    return replace(
        entry, when=entry.when if copy.keeps_times else copy.when, title=copy.title.strip()[:_LONGEST_TITLE],
        notes=notes, busy=copy.busy, location=(copy.location or "").strip() or None, is_private=copy.is_private,
        reminder=copy.reminder,
    )  # fmt: skip


def allowed(entry: Entry, content: Content) -> Entry:
    if content == _EVERYTHING and not (entry.notes and entry.notes.is_html):
        return entry
    is_hidden = entry.is_private and not content.private
    title = entry.title if (content.title or content.subject) and not is_hidden else None
    notes = _notes(entry.notes, content) if content.notes and not is_hidden else None
    location = entry.location if content.title and not is_hidden else None
    categories = entry.categories if content.categories and not is_hidden else ()
    if (title, notes, location, categories) == (entry.title, entry.notes, entry.location, entry.categories):
        return entry
    return replace(entry, title=title, notes=notes, location=location, categories=categories)


def _notes(notes: Notes | None, content: Content) -> Notes | None:
    if notes is None or not notes.is_html or content.html:
        return notes
    text = text_of_html(notes.text)
    return Notes(text) if text else None


def _unmarked(entry: Entry, content: Content) -> Entry:
    return replace(allowed(entry, content), mark=None, is_mark_known=False)


def _sparse(entry: Entry, content: Content) -> Entry:
    """Occurrences come as id, series and times only; exceptions in full."""
    if entry.kind is Kind.EXCEPTION:
        return _unmarked(entry, content)
    return Entry(
        entry.id, entry.calendar_id, "", entry.when, Kind.OCCURRENCE, entry.series_id, entry.original_start_at,
        is_sparse=True,
    )  # fmt: skip
