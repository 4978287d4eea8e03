"""The one store of mailboxes, calendars and appointments; Graph and Exchange both stand on it.

Every change goes through a method here: it draws a new change key, appends to the calendar's change log and
tells the listeners. What does NOT belong here: wire formats, validation of requests, who may do what.
"""

import heapq
import random
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from sandbox import series
from sandbox.appointments import Appointment, Content, Edit, Person, Response
from sandbox.calendars import (
    Calendar,
    Change,
    Folder,
    Kind,
    LogEntry,
    Mail,
    Mailbox,
    MailboxState,
    MailKind,
    Role,
    WorkingHours,
)
from sandbox.clock import Clock
from sandbox.recurrence import Recurrence

__all__ = ["Calendar", "Change", "Folder", "Mail", "Mailbox", "MailboxState", "Mailboxes", "WorkingHours"]


class Mailboxes:
    """All mailboxes of the sandbox."""

    def __init__(self, clock: Clock, chance: random.Random) -> None:
        self.clock = clock
        self.random = chance
        self.listeners: list[Callable[[Change], None]] = []
        self.outbox: list[Mail] = []
        self.rotation_seconds: Callable[[], float | None] = lambda: None
        """How long after a create the change key changes by itself; None: it does not."""
        self._mailboxes: dict[str, Mailbox] = {}
        self._by_address: dict[str, str] = {}
        self._entries: dict[str, Appointment] = {}
        self._rotations: list[tuple[datetime, str, str]] = []
        self._sequence = 0
        self._arrival = 0

    # -- mailboxes and calendars

    def add(self, mailbox: Mailbox) -> Mailbox:
        """Take a mailbox in and give it its primary calendar; raises ValueError for a taken address."""
        mailbox.oid = mailbox.oid.lower()
        for address in (mailbox.address, *mailbox.aliases):
            if address.casefold() in self._by_address:
                raise ValueError(f"address already taken: {address}")
        self._mailboxes[mailbox.oid] = mailbox
        for address in (mailbox.address, *mailbox.aliases):
            self._by_address[address.casefold()] = mailbox.oid
        mailbox.group_id = self.new_id()
        self.add_calendar(mailbox, "Calendar", is_default=True)
        return mailbox

    def __iter__(self) -> Iterator[Mailbox]:
        return iter(self._mailboxes.values())

    def by_id(self, oid: str) -> Mailbox | None:
        """The mailbox of an object id; None when there is none."""
        return self._mailboxes.get(oid.lower())

    def by_address(self, address: str) -> Mailbox | None:
        """The mailbox of an address or alias, in any case; None when there is none."""
        oid = self._by_address.get(address.casefold())
        return self._mailboxes.get(oid) if oid else None

    def remove(self, mailbox: Mailbox) -> None:
        """Forget a mailbox and all in it."""
        self._mailboxes.pop(mailbox.oid, None)
        if mailbox.deleted_items is not None:
            for entry_id in mailbox.deleted_items.calendar.entries:
                self._entries.pop(entry_id, None)
        for folder in list(mailbox.own_folders()):
            for entry_id in folder.calendar.entries:
                self._entries.pop(entry_id, None)
            self._unlist(folder.calendar)
        for address in (mailbox.address, *mailbox.aliases):
            self._by_address.pop(address.casefold(), None)

    def add_calendar(
        self,
        mailbox: Mailbox,
        name: str,
        *,
        is_default: bool = False,
        is_read_only: bool = False,
        color: str = "auto",
    ) -> Folder:
        """Give a mailbox one more calendar of its own."""
        calendar = Calendar(
            calendar_id=self.new_id(),
            mailbox_oid=mailbox.oid,
            name=name,
            color=color,
            is_default=is_default,
            is_read_only=is_read_only,
            change_key=self.new_change_key(),
        )
        folder = Folder(folder_id=calendar.calendar_id, calendar=calendar, name=name, color=color)
        mailbox.folders[folder.folder_id] = folder
        return folder

    def share(self, calendar: Calendar, reader: Mailbox, role: Role) -> Folder:
        """Share a calendar; it appears in the reader's list under an id of the reader's mailbox."""
        owner = self._mailboxes[calendar.mailbox_oid]
        calendar.permissions[reader.address.casefold()] = role
        name = owner.display_name if calendar.is_default else calendar.name
        folder = Folder(folder_id=self.new_id(), calendar=calendar, name=name, role=role)
        reader.folders[folder.folder_id] = folder
        return folder

    def unshare(self, calendar: Calendar, address: str) -> None:
        """Take a share back; the calendar leaves the reader's list."""
        calendar.permissions.pop(address.casefold(), None)
        reader = self.by_address(address)
        for seen in [f for f in reader.folders.values() if f.calendar is calendar] if reader else []:
            assert reader is not None
            del reader.folders[seen.folder_id]

    def remove_calendar(self, mailbox: Mailbox, folder: Folder) -> None:
        """Delete an own calendar with all in it, or take a shared one off the list."""
        del mailbox.folders[folder.folder_id]
        if folder.calendar.mailbox_oid != mailbox.oid:
            return
        for appointment in list(folder.calendar.entries.values()):
            self.delete(appointment)
        self._unlist(folder.calendar)

    def _unlist(self, calendar: Calendar) -> None:
        """Take a calendar out of the lists of those it was shared with."""
        for other in self:
            for seen in [f for f in other.folders.values() if f.calendar is calendar]:
                del other.folders[seen.folder_id]

    def deleted_items(self, mailbox: Mailbox, folder_id: str) -> Folder:
        """The folder of deleted entries; it gets that id when it is asked for the first time."""
        if mailbox.deleted_items is None:
            calendar = Calendar(folder_id, mailbox.oid, "Deleted Items", change_key=self.new_change_key())
            mailbox.deleted_items = Folder(folder_id, calendar, calendar.name)
        return mailbox.deleted_items

    def entry(self, entry_id: str) -> Appointment | None:
        """The appointment with that entry id; None when it does not exist (any more)."""
        return self._entries.get(entry_id)

    # -- appointments

    def create(
        self,
        calendar: Calendar,
        content: Content,
        *,
        recurrence: Recurrence | None = None,
        properties: dict[str, str] | None = None,
        transaction_id: str | None = None,
        uid: str | None = None,
        organizer: Person | None = None,
        response: Response = "organizer",
    ) -> Appointment:
        """Write a new appointment; its change key will rotate after `rotation_seconds`."""
        owner = self._mailboxes[calendar.mailbox_oid]
        now = self.clock.now()
        self._arrival += 1
        appointment = Appointment(
            entry_id=self.new_id(),
            mailbox_oid=owner.oid,
            calendar_id=calendar.calendar_id,
            arrival=self._arrival,
            uid=uid or self.new_id(),
            change_key=self.new_change_key(),
            created_at=now,
            modified_at=now,
            content=content,
            organizer=organizer or owner.person,
            is_organizer=organizer is None,
            response=response,
            recurrence=recurrence,
            transaction_id=transaction_id,
            properties=properties or {},
        )
        calendar.entries[appointment.entry_id] = appointment
        self._entries[appointment.entry_id] = appointment
        seconds = self.rotation_seconds()
        if seconds is not None:
            due_at = now + timedelta(seconds=seconds)
            heapq.heappush(self._rotations, (due_at, appointment.entry_id, appointment.change_key))
        self._note(calendar, appointment, "created")
        return appointment

    def update(
        self,
        appointment: Appointment,
        *,
        content: Content | None = None,
        recurrence: Recurrence | None = None,
        ends_series: bool = False,
        properties: dict[str, str] | None = None,
        drops: tuple[str, ...] = (),
        response: Response | None = None,
    ) -> None:
        """Change an appointment or a whole series; `ends_series` makes a series a single appointment.

        `drops` are extended properties that go.

        A new pattern or start drops exceptions and deleted occurrences; a mere shortening keeps what still fits.
        """
        before = (appointment.content, appointment.recurrence)
        if content is not None:
            appointment.content = content
        if ends_series:
            appointment.recurrence = None
        elif recurrence is not None:
            appointment.recurrence = recurrence
        if properties:
            appointment.properties.update(properties)
        for name in drops:
            appointment.properties.pop(name, None)
        if response is not None:
            appointment.response = response
            appointment.responded_at = self.clock.now()
        series.settle_exceptions(appointment, *before)
        self.touch(appointment)

    def edit_occurrence(
        self,
        appointment: Appointment,
        day: date,
        changes: dict[str, Any],
        *,
        properties: dict[str, str] | None = None,
        response: Response | None = None,
    ) -> None:
        """Make one occurrence an exception, or change it further. `changes` are fields of Content."""
        now = self.clock.now()
        edit = appointment.exceptions.get(day)
        if edit is None:
            edit = Edit(changes={}, change_key="", created_at=now, modified_at=now)
            appointment.exceptions[day] = edit
        edit.changes |= changes
        edit.properties |= properties or {}
        edit.modified_at = now
        if response is not None:
            edit.response, edit.responded_at = response, now
        self.touch(appointment)
        edit.change_key = appointment.change_key

    def delete(self, appointment: Appointment) -> None:
        """Delete an appointment or a whole series."""
        calendar = self._calendar_at(appointment)
        calendar.entries.pop(appointment.entry_id, None)
        self._entries.pop(appointment.entry_id, None)
        appointment.is_gone = True
        self._note(calendar, appointment, "deleted")

    def delete_occurrence(self, appointment: Appointment, day: date) -> None:
        """Delete one occurrence of a series."""
        appointment.cancelled.add(day)
        appointment.exceptions.pop(day, None)
        appointment.change_key = self.new_change_key()
        appointment.modified_at = self.clock.now()
        self._note(self._calendar_at(appointment), appointment, "occurrence_deleted", day)

    def move_to_calendar(self, appointment: Appointment, target: Calendar) -> None:
        """Move to another calendar of the same mailbox: a new ordinary id, the same immutable one."""
        if target.mailbox_oid != appointment.mailbox_oid:
            raise ValueError("an appointment moves within its mailbox only")
        source = self._calendar_at(appointment)
        if source is target:
            return
        del source.entries[appointment.entry_id]
        self._note(source, appointment, "deleted")
        self._arrival += 1
        appointment.arrival = self._arrival
        appointment.calendar_id = target.calendar_id
        appointment.change_key = self.new_change_key()
        appointment.modified_at = self.clock.now()
        target.entries[appointment.entry_id] = appointment
        self._note(target, appointment, "created")

    def touch(self, appointment: Appointment) -> None:
        """Give an appointment a new change key and tell so; its visible fields may be the same."""
        appointment.change_key = self.new_change_key()
        appointment.modified_at = self.clock.now()
        self._note(self._calendar_at(appointment), appointment, "updated")

    def run_due(self) -> None:
        """Rotate the change keys whose time has come. Call it before reading and now and then."""
        now = self.clock.now()
        while self._rotations and self._rotations[0][0] <= now:
            _, entry_id, key = heapq.heappop(self._rotations)
            appointment = self._entries.get(entry_id)
            if appointment is not None and appointment.change_key == key:
                appointment.change_key = self.new_change_key()
                self._note(self._calendar_at(appointment), appointment, "updated")

    # -- mails, ids

    def send(
        self,
        kind: MailKind,
        sender: Person,
        to: tuple[Person, ...],
        appointment: Appointment,
        subject: str,
        comment: str = "",
    ) -> None:
        """Record a mail that the real service would send now."""
        self.outbox.append(Mail(kind, sender, to, subject, comment, appointment.uid, self.clock.now()))

    def new_id(self) -> str:
        """A random id of 32 hex digits."""
        return f"{self.random.getrandbits(128):032x}"

    def new_change_key(self) -> str:
        """A change key, never used before (20 random bytes in hex)."""
        return f"{self.random.getrandbits(160):040x}"

    def _calendar_at(self, appointment: Appointment) -> Calendar:
        mailbox = self._mailboxes[appointment.mailbox_oid]
        folder = mailbox.folders.get(appointment.calendar_id)
        if mailbox.deleted_items is not None and mailbox.deleted_items.folder_id == appointment.calendar_id:
            folder = mailbox.deleted_items
        if folder is None:  # the calendar itself is being removed
            return Calendar(appointment.calendar_id, appointment.mailbox_oid, "")
        return folder.calendar

    def _note(self, calendar: Calendar, appointment: Appointment, kind: Kind, day: date | None = None) -> None:
        self._sequence += 1
        now = self.clock.now()
        line = LogEntry(
            self._sequence,
            appointment.entry_id,
            kind,
            now,
            appointment.arrival,
            day,
            appointment.pattern_version,
        )
        calendar.log.append(line)
        change = Change(appointment.mailbox_oid, calendar.calendar_id, kind, self._sequence, now, appointment, day)
        for listener in self.listeners:
            listener(change)

    def __getstate__(self) -> dict[str, Any]:
        """Leave listeners and settings out of a saved store: who loads it connects them again."""
        return self.__dict__ | {"listeners": [], "rotation_seconds": None}
