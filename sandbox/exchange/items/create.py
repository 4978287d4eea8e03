"""CreateItem: appointments, series, meetings; and the replies to invitations, which are created as well."""

from sandbox import meetings
from sandbox.appointments import Appointment
from sandbox.exchange.dispatch import Call, operation
from sandbox.exchange.errors import EwsError, SchemaError
from sandbox.exchange.folders.operations import required
from sandbox.exchange.folders.tree import Place, target_place
from sandbox.exchange.items import mime_reading
from sandbox.exchange.items.read import ItemInput, read_item
from sandbox.exchange.items.replies import REPLIES, reply
from sandbox.exchange.items.settle import changed_content, changed_names, default_zone, new_content, settle_series
from sandbox.exchange.items.shapes import ID_ONLY
from sandbox.exchange.items.show import show_item
from sandbox.exchange.items.view import Item
from sandbox.exchange.xml import Element, find, local, m
from sandbox.recurrence import occurs_on

SEND_CHOICES = ("SendToNone", "SendOnlyToAll", "SendToAllAndSaveCopy")


@operation("CreateItem", empty=("Items",))
def create_item(call: Call, request: Element) -> list[Element]:
    """One response message for each item, with the id that it got."""
    sends = request.get("SendMeetingInvitations")

    def one(wanted: Element) -> Element:
        name = local(wanted)
        if name in REPLIES:
            made = reply(call, wanted)
            return call.message(m("Items", [show_item(call, item, ID_ONLY) for item in made]))
        if name != "CalendarItem":
            raise EwsError("ErrorInvalidItemForOperationCreateItem")
        if sends is None:
            raise EwsError("ErrorSendMeetingInvitationsRequired")
        if sends not in SEND_CHOICES:
            raise SchemaError(f"The 'SendMeetingInvitations' attribute is invalid: '{sends}'.")
        place = target_place(call, find(request, "SavedItemFolderId"), default="calendar")
        item = create(call, place, read_item(call, wanted), sends=sends != "SendToNone")
        return call.message(m("Items", show_item(call, item, ID_ONLY)))

    return call.each(required(request, "Items"), one)


def create(call: Call, place: Place, read: ItemInput, *, sends: bool) -> Item:
    """Write a new appointment; mail its attendees if `sends`. Raises EwsError."""
    if not place.is_calendar or place.folder is None:
        raise EwsError("ErrorCannotCreateCalendarItemInNonCalendarFolder")
    if not place.folder.can_edit:
        raise EwsError("ErrorAccessDenied")
    if read.mime is not None:
        read = _with_mime(call, read)
    content = new_content(call, read, place.mailbox)
    recurrence = read.recurrence
    if recurrence is not None:
        content, recurrence = settle_series(content, recurrence)
    store = call.world.mailboxes
    made = store.create(
        place.folder.calendar,
        content,
        recurrence=recurrence,
        properties=read.properties,
        uid=own_uid(read.uid),
    )
    _add_exceptions(call, made, read)
    if sends:
        meetings.invite(store, made, content.attendees)
    return Item(place.mailbox, place.folder, made)


def _with_mime(call: Call, read: ItemInput) -> ItemInput:
    """What stands in the iCalendar text, and over it the fields that were sent beside it."""
    zone = call.zone or call.mailbox().time_zone or default_zone(call)
    whole = mime_reading.read_base64(read.mime or "", zone)
    whole.changes |= read.changes
    whole.properties |= read.properties
    whole.attendees |= read.attendees
    whole.uid = read.uid or whole.uid
    whole.recurrence = read.recurrence or whole.recurrence
    if read.start_zone is not None and read.start is not None:
        whole.start, whole.start_zone = read.start, read.start_zone
    if read.end_zone is not None and read.end is not None:
        whole.end, whole.end_zone = read.end, read.end_zone
    return whole


def _add_exceptions(call: Call, made: Appointment, read: ItemInput) -> None:
    store = call.world.mailboxes
    if made.recurrence is None:
        return
    for day in read.cancelled:
        if occurs_on(made.recurrence, day):
            store.delete_occurrence(made, day)
    for day, edit in read.exceptions:
        if occurs_on(made.recurrence, day) and day not in made.cancelled:
            content = changed_content(call, edit, made.content)
            store.edit_occurrence(made, day, changed_names(made.content, content))


def own_uid(uid: str | None) -> str | None:
    """The store's uid of a GlobalObjectId that this service once showed; any other is kept as it is."""
    if uid is None or not uid:
        return None
    prefix = "040000008200E00074C5B7101A82E00800000000"
    if uid.upper().startswith(prefix) and len(uid) == len(prefix) + 32:
        return uid[len(prefix) :].lower()
    return uid
