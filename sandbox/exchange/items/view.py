"""An entry as one caller sees it over Exchange: ids, change key, what a private entry hides."""

from dataclasses import dataclass, replace
from functools import cached_property

from sandbox.appointments import Appointment, Content, Entry, Occurrence
from sandbox.calendars import Folder, Mailbox
from sandbox.exchange.dispatch import Call
from sandbox.exchange.errors import EwsError
from sandbox.exchange.folders.tree import mailbox_marked, parse_id, trash_of
from sandbox.exchange.items.recurrences import day_of_instance
from sandbox.exchange.xml import Element, local, t
from sandbox.graph import ids
from sandbox.graph.events import PRIVATE_SUBJECT, etag_of, master_of, properties_of
from sandbox.series import occurrence_on

PRIVATE = ("private", "confidential")


@dataclass(frozen=True)
class Item:
    """An entry, the folder it lies in with the caller's role there, and the mailbox."""

    mailbox: Mailbox
    folder: Folder
    entry: Entry

    @property
    def master(self) -> Appointment:
        """The entry itself, or the series of an occurrence."""
        return master_of(self.entry)

    @property
    def id(self) -> str:
        """The ItemId's Id: another one after each move to another folder."""
        return id_of(self.mailbox, self.folder, self.entry)

    @property
    def change_key(self) -> str:
        """The ItemId's ChangeKey; a plain occurrence has that of its series."""
        return etag_of(self.entry)[3:-1]

    @property
    def id_element(self) -> Element:
        """The ItemId."""
        return t("ItemId", Id=self.id, ChangeKey=self.change_key)

    @property
    def is_hidden(self) -> bool:
        """A private entry in somebody else's calendar: only when it is can be seen."""
        return self.folder.role != "owner" and self.entry.content.sensitivity in PRIVATE

    @cached_property
    def content(self) -> Content:
        """What the caller may see of it."""
        content = self.entry.content
        if not self.is_hidden:
            return content
        return replace(
            content, subject=PRIVATE_SUBJECT, body="", locations=(), attendees=(), categories=(), join_url=None
        )

    @property
    def properties(self) -> dict[str, str]:
        """Extended properties; an occurrence inherits those of its series."""
        return properties_of(self.entry)

    def with_entry(self, entry: Entry) -> "Item":
        """Another entry of the same folder."""
        return Item(self.mailbox, self.folder, entry)


def id_of(mailbox: Mailbox, folder: Folder, entry: Entry) -> str:
    """An entry's id as Exchange writes it."""
    return ids.to_exchange(ids.event_id(mailbox, folder, entry, immutable=False))


def item_of(call: Call, reference: Element) -> Item:
    """The item that an ItemId, OccurrenceItemId or RecurringMasterItemId names. Raises EwsError."""
    kind = local(reference)
    if kind == "OccurrenceItemId":
        return _instance(call, reference)
    if kind == "RecurringMasterItemId":
        found = _by_id(call, reference.get("OccurrenceId"))
        if not isinstance(found.entry, Occurrence):
            raise EwsError("ErrorCalendarCannotUseIdForOccurrenceId")
        return found.with_entry(found.master)
    return _by_id(call, reference.get("Id"))


def _instance(call: Call, reference: Element) -> Item:
    found = _by_id(call, reference.get("RecurringMasterId"))
    if not isinstance(found.entry, Appointment) or found.entry.recurrence is None:
        raise EwsError("ErrorCalendarCannotUseIdForRecurringMasterId")
    words = reference.get("InstanceIndex") or ""
    day = day_of_instance(found.entry.recurrence, int(words)) if words.isdigit() else None
    if day is None:
        raise EwsError("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange")
    occurrence = occurrence_on(found.entry, day)
    if occurrence is None:
        raise EwsError("ErrorCalendarOccurrenceIsDeletedFromRecurrence")
    return found.with_entry(occurrence)


def _by_id(call: Call, words: str | None) -> Item:
    parsed = parse_id(words)
    if parsed.kind == "folder":
        raise EwsError("ErrorCannotUseFolderIdForItemId")
    if parsed.kind != "entry":
        raise EwsError("ErrorInvalidIdMalformed")
    mailbox = mailbox_marked(call, parsed.mailbox)
    reach = call.reach(mailbox.address)
    entry = call.world.mailboxes.entry(parsed.entry_id)
    folders = reach.folders() if reach.is_guest else [*reach.folders(), trash_of(call.world.mailboxes, mailbox)]
    folder = next((f for f in folders if f.folder_id == parsed.folder_id), None)
    if folder is None and reach.is_guest and parsed.folder_id in mailbox.folders:
        raise EwsError("ErrorAccessDenied")
    is_here = entry is not None and folder is not None and entry.calendar_id == folder.calendar.calendar_id
    if entry is None or folder is None or not is_here or entry.arrival != parsed.arrival:
        raise EwsError("ErrorItemNotFound")
    item = Item(mailbox, folder, entry)
    if parsed.day is None:
        return item
    occurrence = occurrence_on(entry, parsed.day)
    if occurrence is None or parsed.pattern_version != entry.pattern_version & 0xFFFF:
        raise EwsError("ErrorItemNotFound")
    return item.with_entry(occurrence)


def writable(item: Item) -> Item:
    """The item itself if the caller may change it. Raises EwsError."""
    if not item.folder.can_edit or item.is_hidden:
        raise EwsError("ErrorAccessDenied")
    return item
