"""UpdateItem: single fields set, appended to or deleted; an occurrence that is changed becomes an exception."""

from collections.abc import Callable
from dataclasses import replace

from sandbox import meetings
from sandbox.appointments import Appointment, Content, Occurrence
from sandbox.exchange.dispatch import Call, operation
from sandbox.exchange.errors import EwsError, SchemaError
from sandbox.exchange.folders.operations import required
from sandbox.exchange.items import mime_reading
from sandbox.exchange.items.read import ATTENDEE_FIELDS, IGNORED, ItemInput, read_attendees, read_field
from sandbox.exchange.items.settle import (
    changed_content,
    changed_names,
    default_zone,
    following_start,
    settle_series,
)
from sandbox.exchange.items.shapes import ID_ONLY, KNOWN
from sandbox.exchange.items.show import show_item
from sandbox.exchange.items.view import Item, item_of, writable
from sandbox.exchange.mapi_fields import deleted_changes
from sandbox.exchange.paths import Path, read_path
from sandbox.exchange.xml import Element, find, local, m, t
from sandbox.graph import ids
from sandbox.series import CrossingBoundaryError, check_boundaries, occurrence_on

_SEND_CHOICES = (
    "SendToNone",
    "SendOnlyToAll",
    "SendOnlyToChanged",
    "SendToAllAndSaveCopy",
    "SendToChangedAndSaveCopy",
)
_ITEMS = ("CalendarItem", "Item", "Message")
"""A field of every item may be written as that of a plain one."""
_RESOLUTIONS = ("NeverOverwrite", "AutoResolve", "AlwaysOverwrite")


@operation("UpdateItem", empty=("Items",))
def update_item(call: Call, request: Element) -> list[Element]:
    """One response message for each item change, with the new change key."""
    resolution = request.get("ConflictResolution") or ""
    if resolution not in _RESOLUTIONS:
        raise SchemaError("The required attribute 'ConflictResolution' is missing.", request.sourceline or 1)
    sends = request.get("SendMeetingInvitationsOrCancellations")
    if sends is not None and sends not in _SEND_CHOICES:
        raise SchemaError(f"The 'SendMeetingInvitationsOrCancellations' attribute is invalid: '{sends}'.")

    def one(change: Element) -> Element:
        if len(change) != 2:
            raise SchemaError("The element 'ItemChange' has incomplete content.", change.sourceline or 1)
        reference, updates = change
        item = writable(item_of(call, reference))
        if sends is None:
            raise EwsError("ErrorSendMeetingInvitationsOrCancellationsRequired")
        check_key(item, reference.get("ChangeKey"), resolution)
        changed = _apply(call, item, updates, sends=sends != "SendToNone")
        return call.message(m("Items", show_item(call, changed, ID_ONLY)), m("ConflictResults", t("Count", 0)))

    return call.each(required(request, "ItemChanges"), one)


def check_key(item: Item, key: str | None, resolution: str) -> None:
    """Refuse a change on a change key that is missing, wrong or (NeverOverwrite) stale. Raises EwsError.

    AutoResolve lays the change over what is there: the fields that it does not name stay as they are now.
    """
    if not key:
        if resolution != "AlwaysOverwrite":
            raise EwsError("ErrorChangeKeyRequiredForWriteOperations")
        return
    if not is_change_key(key):
        raise EwsError("ErrorInvalidChangeKey")
    if resolution == "NeverOverwrite" and key != item.change_key:
        raise EwsError("ErrorIrresolvableConflict")


def is_change_key(key: str) -> bool:
    """Whether a text has the form of the change keys that are given out here."""
    return len(key) == len(ids.change_key_text("0" * 40)) and key.startswith(ids.change_key_text("0" * 40)[:10])


def _apply(call: Call, item: Item, updates: Element, *, sends: bool) -> Item:
    read = ItemInput()
    content = item.entry.content
    for update in updates:
        content = _read_update(call, update, read, content)
    if read.uid is not None:
        raise EwsError("ErrorInvalidPropertySet")
    if read.mime is not None:
        zone = call.zone or item.mailbox.time_zone or default_zone(call)
        whole = mime_reading.read_base64(read.mime, zone)
        whole.uid = None
        whole.properties, whole.drops = read.properties, read.drops
        read = whole
    if isinstance(item.entry, Occurrence):
        return _change_occurrence(call, item, item.entry, read, content, sends=sends)
    return _change_appointment(call, item, item.entry, read, content, sends=sends)


def _read_update(call: Call, update: Element, read: ItemInput, content: Content) -> Content:
    kind = local(update)
    if len(update) == 0 or kind not in ("SetItemField", "AppendToItemField", "DeleteItemField"):
        raise SchemaError("The element 'Updates' has incomplete content.", update.sourceline or 1)
    path = read_path(update[0])
    if not path.is_extended and path.name not in KNOWN:
        raise EwsError("ErrorInvalidPropertySet")
    if kind == "DeleteItemField":
        return _delete_field(path, read, content)
    value = _value(update, path)
    if kind == "AppendToItemField":
        return _append(path, value, content)
    read_field(call, value, read)
    return content


def _value(update: Element, path: Path) -> Element:
    """The one property inside the item of an update; it must be the one that the path names."""
    inside = next((find(update, name) for name in _ITEMS if find(update, name) is not None), None)
    if inside is None:
        raise EwsError("ErrorUpdatePropertyMismatch")
    if len(inside) != 1:
        raise EwsError("ErrorIncorrectUpdatePropertyCount")
    value = inside[0]
    if local(value) != ("ExtendedProperty" if path.is_extended else path.element):
        raise EwsError("ErrorUpdatePropertyMismatch")
    return value


def _without(**values: object) -> Callable[[Content], Content]:
    return lambda content: replace(content, **values)  # type: ignore[arg-type]


_DELETED: dict[str, Callable[[Content], Content]] = {
    "Subject": _without(subject=""),
    "Body": _without(body="", body_type="text"),
    "Location": _without(locations=()),
    "EnhancedLocation": _without(locations=()),
    "Categories": _without(categories=()),
    "Sensitivity": _without(sensitivity="normal"),
    "Importance": _without(importance="normal"),
    "LegacyFreeBusyStatus": _without(show_as="busy"),
    "ReminderIsSet": _without(is_reminder_on=False),
    "ReminderMinutesBeforeStart": lambda content: content,
    "IsAllDayEvent": _without(is_all_day=False),
    "IsResponseRequested": _without(response_requested=True),
    "AllowNewTimeProposal": _without(allow_new_time_proposals=True),
}


def _delete_field(path: Path, read: ItemInput, content: Content) -> Content:
    if path.is_extended:
        changes = deleted_changes(path.name)
        if changes is not None:
            return replace(content, **changes)
        read.drops.append(path.name)
        return content
    if path.element in ATTENDEE_FIELDS:
        kind = ATTENDEE_FIELDS[path.element]
        return replace(content, attendees=tuple(a for a in content.attendees if a.kind != kind))
    if path.element == "Recurrence":
        read.ends_series = True
        return content
    if path.element in _DELETED:
        return _DELETED[path.element](content)
    if path.element in IGNORED:
        return content
    raise EwsError("ErrorInvalidPropertyDelete", f"{path.element} can not be deleted.")


def _append(path: Path, value: Element, content: Content) -> Content:
    if path.element in ATTENDEE_FIELDS:
        more = read_attendees(value, ATTENDEE_FIELDS[path.element])
        return replace(content, attendees=content.attendees + more)
    if path.element == "Body":
        return replace(content, body=content.body + (value.text or ""))
    raise EwsError("ErrorInvalidPropertyAppend")


def _change_appointment(
    call: Call, item: Item, appointment: Appointment, read: ItemInput, base: Content, *, sends: bool
) -> Item:
    before = appointment.content
    content = changed_content(call, read, base)
    recurrence = read.recurrence
    if recurrence is None and not read.ends_series:
        recurrence = following_start(appointment.recurrence, before, content)
    if recurrence is not None:
        content, recurrence = settle_series(content, recurrence)
    store = call.world.mailboxes
    store.update(
        appointment,
        content=content,
        recurrence=recurrence,
        ends_series=read.ends_series,
        properties=read.properties,
        drops=tuple(read.drops),
    )
    if sends:
        meetings.tell_update(store, appointment, before)
    return item.with_entry(appointment)


def _change_occurrence(
    call: Call, item: Item, occurrence: Occurrence, read: ItemInput, base: Content, *, sends: bool
) -> Item:
    if read.recurrence is not None or read.ends_series:
        raise EwsError("ErrorInvalidPropertySet")
    before = occurrence.content
    content = changed_content(call, read, base)
    if (content.start, content.end) != (before.start, before.end):
        try:
            check_boundaries(occurrence.master, occurrence.day, content)
        except CrossingBoundaryError as error:
            raise EwsError("ErrorOccurrenceCrossingBoundary") from error
    changes = changed_names(before, content)
    store = call.world.mailboxes
    store.edit_occurrence(occurrence.master, occurrence.day, changes, properties=read.properties)
    if sends:
        meetings.tell_occurrence(store, occurrence.master, occurrence.day, changes)
    after = occurrence_on(occurrence.master, occurrence.day)
    assert after is not None
    return item.with_entry(after)
