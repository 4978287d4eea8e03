"""DeleteItem, MoveItem, CopyItem; attachments, which are refused."""

from sandbox import meetings
from sandbox.appointments import Appointment, Occurrence
from sandbox.exchange.dispatch import Call, operation
from sandbox.exchange.errors import EwsError, SchemaError
from sandbox.exchange.folders.operations import required
from sandbox.exchange.folders.tree import Place, target_place, trash_of
from sandbox.exchange.items.shapes import ID_ONLY
from sandbox.exchange.items.show import show_item
from sandbox.exchange.items.view import Item, item_of, writable
from sandbox.exchange.xml import Element, find, m, text

_KINDS = ("HardDelete", "SoftDelete", "MoveToDeletedItems")
_SEND_CHOICES = ("SendToNone", "SendOnlyToAll", "SendToAllAndSaveCopy")


@operation("DeleteItem")
def delete_item(call: Call, request: Element) -> list[Element]:
    """One response message for each id."""
    kind = request.get("DeleteType")
    if kind not in _KINDS:
        raise SchemaError("The required attribute 'DeleteType' is missing.", request.sourceline or 1)
    sends = request.get("SendMeetingCancellations")
    if sends is not None and sends not in _SEND_CHOICES:
        raise SchemaError(f"The 'SendMeetingCancellations' attribute is invalid: '{sends}'.")

    def one(reference: Element) -> Element:
        item = writable(item_of(call, reference))
        if sends is None:
            raise EwsError("ErrorSendMeetingCancellationsRequired")
        delete(call, item, to_trash=kind == "MoveToDeletedItems", sends=sends != "SendToNone")
        return call.message()

    return call.each(required(request, "ItemIds"), one)


def delete(call: Call, item: Item, *, to_trash: bool, sends: bool) -> None:
    """Delete an item, a whole series or one occurrence; tell the attendees if `sends`."""
    store, entry = call.world.mailboxes, item.entry
    day = entry.day if isinstance(entry, Occurrence) else None
    if sends:
        meetings.tell_deleted(store, item.master, day=day)
    if isinstance(entry, Occurrence):
        store.delete_occurrence(entry.master, entry.day)
        return
    trash = trash_of(store, item.mailbox)
    if to_trash and entry.calendar_id != trash.calendar.calendar_id:
        store.move_to_calendar(entry, trash.calendar)
    else:
        store.delete(entry)


def _target(call: Call, request: Element) -> Place:
    place = target_place(call, find(request, "ToFolderId"), default="calendar")
    if place.folder is None:
        raise EwsError("ErrorCannotCreateCalendarItemInNonCalendarFolder")
    if not place.folder.can_edit:
        raise EwsError("ErrorAccessDenied")
    return place


def _single(item: Item) -> Appointment:
    if not isinstance(item.entry, Appointment):
        raise EwsError("ErrorCalendarCannotMoveOrCopyOccurrence")
    return item.entry


def _shown(call: Call, request: Element, item: Item) -> Element:
    returns = text(request, "ReturnNewItemIds") in (None, "true", "1")
    return call.message(m("Items", [show_item(call, item, ID_ONLY)] if returns else []))


@operation("MoveItem", empty=("Items",))
def move_item(call: Call, request: Element) -> list[Element]:
    """Move items to another folder of their mailbox: they get new ids."""
    place = _target(call, request)

    def one(reference: Element) -> Element:
        item = writable(item_of(call, reference))
        entry = _single(item)
        if item.mailbox is not place.mailbox or place.folder is None:
            raise EwsError("ErrorCrossMailboxMoveCopy")
        call.world.mailboxes.move_to_calendar(entry, place.folder.calendar)
        return _shown(call, request, Item(item.mailbox, place.folder, entry))

    return call.each(required(request, "ItemIds"), one)


@operation("CopyItem", empty=("Items",))
def copy_item(call: Call, request: Element) -> list[Element]:
    """Copy items to a folder of the same mailbox; a copy of an appointment has a UID of its own."""
    place = _target(call, request)

    def one(reference: Element) -> Element:
        item = item_of(call, reference)
        entry = _single(item)
        if item.mailbox is not place.mailbox or place.folder is None:
            raise EwsError("ErrorCrossMailboxMoveCopy")
        made = call.world.mailboxes.create(
            place.folder.calendar,
            item.content,
            recurrence=entry.recurrence,
            properties=dict(entry.properties),
        )
        return _shown(call, request, Item(item.mailbox, place.folder, made))

    return call.each(required(request, "ItemIds"), one)


@operation("CreateAttachment", empty=("Attachments",))
def create_attachment(call: Call, request: Element) -> list[Element]:
    """Appointments of the sandbox carry no attachments."""
    parent = find(request, "ParentItemId")
    if parent is None:
        raise SchemaError("The element 'CreateAttachment' has incomplete content.", request.sourceline or 1)

    def one(_: Element) -> Element:
        writable(item_of(call, parent))
        raise EwsError("ErrorAttachmentSizeLimitExceeded", "This server keeps no attachments.")

    return call.each(required(request, "Attachments"), one)


@operation("GetAttachment", empty=("Attachments",))
def get_attachment(call: Call, request: Element) -> list[Element]:
    """No attachment exists."""

    def one(_: Element) -> Element:
        raise EwsError("ErrorInvalidAttachmentId")

    return call.each(required(request, "AttachmentIds"), one)


@operation("DeleteAttachment")
def delete_attachment(call: Call, request: Element) -> list[Element]:
    """No attachment exists."""

    def one(_: Element) -> Element:
        raise EwsError("ErrorInvalidAttachmentId")

    return call.each(required(request, "AttachmentIds"), one)
