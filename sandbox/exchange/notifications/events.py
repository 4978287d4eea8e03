"""Events of a subscription, read from the change logs of its calendars, and the Notification that carries them.

What is moved - into another calendar, or into Deleted Items, which is how people delete - is a MovedEvent.
"""

from datetime import UTC, datetime
from functools import partial
from itertools import chain

from sandbox.calendars import Folder, LogEntry, Mailbox
from sandbox.exchange.notifications.subscription import EwsSubscription, watermark
from sandbox.exchange.xml import Element, local, m, t
from sandbox.graph import ids
from sandbox.mailboxes import Mailboxes

_NAMES = {
    "created": "CreatedEvent",
    "updated": "ModifiedEvent",
    "occurrence_deleted": "ModifiedEvent",
    "deleted": "DeletedEvent",
}


def folders_of(mailbox: Mailbox) -> list[Folder]:
    """The calendars of a mailbox and Deleted Items."""
    return [*mailbox.own_folders(), *([mailbox.deleted_items] if mailbox.deleted_items else [])]


def lines_after(mailbox: Mailbox, calendar_ids: list[str] | None, sequence: int) -> list[tuple[Folder, LogEntry]]:
    """Lines of the change logs of those calendars (None: all) after a sequence number, oldest first."""
    folders = [f for f in folders_of(mailbox) if calendar_ids is None or f.calendar.calendar_id in calendar_ids]
    found = chain.from_iterable(((f, line) for line in f.calendar.log_after(sequence)) for f in folders)
    return sorted(found, key=lambda one: one[1].sequence)


def head(mailbox: Mailbox) -> int:
    """The newest sequence number in all folders of a mailbox."""
    return max((f.calendar.head() for f in folders_of(mailbox)), default=0)


def _line(mailbox: Mailbox, sequence: int) -> tuple[Folder, LogEntry] | None:
    for folder in folders_of(mailbox):
        after = folder.calendar.log_after(sequence - 1)
        if after and after[0].sequence == sequence:
            return folder, after[0]
    return None


def _other_end(mailbox: Mailbox, line: LogEntry) -> tuple[Folder, LogEntry] | None:
    """The other half of a move: the store notes it as deleted here and, right after it, created there."""
    step, kind = {"deleted": (1, "created"), "created": (-1, "deleted")}.get(line.kind, (0, ""))
    found = _line(mailbox, line.sequence + step) if step else None
    return found if found and found[1].kind == kind and found[1].entry_id == line.entry_id else None


def notification(
    mailboxes: Mailboxes,
    mailbox: Mailbox,
    subscription: EwsSubscription,
    lines: list[tuple[Folder, LogEntry]],
    *,
    has_more: bool,
    tells_of_folders: bool,
) -> tuple[Element, int]:
    """A Notification of these log lines (a StatusEvent when none fits) and the sequence that it reaches."""
    reached = lines[-1][1].sequence if lines else max(subscription.acknowledged, 0)
    events: list[Element] = []
    for folder, line in lines:
        events += _events(mailboxes, mailbox, subscription, folder, line, tells_of_folders=tells_of_folders)
    if not events:
        events = [t("StatusEvent", t("Watermark", watermark(mailbox.oid, reached)))]
    return (
        m(
            "Notification",
            t("SubscriptionId", subscription.id),
            t("PreviousWatermark", watermark(mailbox.oid, subscription.acknowledged)),
            t("MoreEvents", has_more),
            events,
        ),
        reached,
    )


def names_of(notice: Element) -> list[str]:
    """The names of the events in a Notification."""
    return [local(one) for one in notice if local(one).endswith("Event")]


def _events(
    mailboxes: Mailboxes,
    mailbox: Mailbox,
    subscription: EwsSubscription,
    folder: Folder,
    line: LogEntry,
    *,
    tells_of_folders: bool,
) -> list[Element]:
    mark = watermark(mailbox.oid, line.sequence)
    ids_of = partial(_ids, mailboxes, mailbox)
    name, parts = _NAMES[line.kind], ids_of(folder, line)
    other = _other_end(mailbox, line)
    if other is not None:
        calendars = subscription.calendar_ids
        if line.kind == "created" and (calendars is None or other[0].calendar.calendar_id in calendars):
            return []  # told with the line of the folder it left
        (source, left), (target, came) = ((folder, line), other) if line.kind == "deleted" else (other, (folder, line))
        name, parts = "MovedEvent", [*ids_of(target, came), *ids_of(source, left, prefix="Old")]
    made = []
    if name in subscription.event_types:
        made.append(t(name, t("Watermark", mark), t("TimeStamp", _at(line.at)), parts))
    if "FreeBusyChangedEvent" in subscription.event_types:
        made.append(t("FreeBusyChangedEvent", t("Watermark", mark), t("TimeStamp", _at(line.at)), ids_of(folder, line)))
    if tells_of_folders and line.kind in ("created", "deleted") and "ModifiedEvent" in subscription.event_types:
        # The folder's own counters moved: a real server tells that, too, and more than once.
        own = t("FolderId", Id=ids.to_exchange(ids.calendar_id(mailbox, folder)), ChangeKey=_folder_key(folder))
        parent = _folder_id(mailbox, folder)
        made.append(t("ModifiedEvent", t("Watermark", mark), t("TimeStamp", _at(line.at)), own, parent))
    return made


def _ids(mailboxes: Mailboxes, mailbox: Mailbox, folder: Folder, line: LogEntry, prefix: str = "") -> list[Element]:
    """The item's id and its folder's, as it was at that line of the log."""
    text = ids.entry_id_text(mailbox, folder, line.entry_id, line.arrival, immutable=False)
    appointment = mailboxes.entry(line.entry_id)
    key = ids.change_key_text(appointment.change_key) if appointment and line.kind != "deleted" else None
    return [t(f"{prefix}ItemId", Id=ids.to_exchange(text), ChangeKey=key), _folder_id(mailbox, folder, prefix)]


def _folder_id(mailbox: Mailbox, folder: Folder, prefix: str = "") -> Element:
    place = ids.to_exchange(ids.calendar_id(mailbox, folder))
    return t(f"{prefix}ParentFolderId", Id=place, ChangeKey=_folder_key(folder))


def _folder_key(folder: Folder) -> str:
    return ids.change_key_text(folder.calendar.change_key)


def _at(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
