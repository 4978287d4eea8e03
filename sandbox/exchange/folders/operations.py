"""GetFolder, FindFolder, SyncFolderHierarchy; CreateFolder and DeleteFolder for calendars."""

import base64
import binascii
import json
import zlib
from hashlib import blake2b

from sandbox.exchange.dispatch import Call, operation
from sandbox.exchange.errors import EwsError, SchemaError
from sandbox.exchange.folders.show import show_folder, value_of, wanted_fields
from sandbox.exchange.folders.tree import Place, children, place_of, places, target_place
from sandbox.exchange.paging import page_of
from sandbox.exchange.restrictions import matches
from sandbox.exchange.xml import Element, find, local, m, t, text


def required(request: Element, name: str) -> Element:
    """A child that must be there and not be empty. Raises SchemaError."""
    found = find(request, name)
    if found is None or len(found) == 0:
        raise SchemaError(f"The element '{local(request)}' has incomplete content: '{name}'.", request.sourceline or 1)
    return found


def siblings(call: Call, place: Place) -> list[Place]:
    """Everything that the caller sees in the mailbox of a folder."""
    return places(call.reach(place.mailbox.address), call.world.mailboxes)


@operation("GetFolder", empty=("Folders",))
def get_folder(call: Call, request: Element) -> list[Element]:
    """One response message for each folder that is named."""
    names = wanted_fields(call, find(request, "FolderShape"), is_single=True)

    def one(reference: Element) -> Element:
        place = place_of(call, reference)
        return call.message(m("Folders", show_folder(place, names, siblings(call, place))))

    return call.each(required(request, "FolderIds"), one)


@operation("FindFolder")
def find_folder(call: Call, request: Element) -> list[Element]:
    """Folders below others, filtered and paged."""
    names = wanted_fields(call, find(request, "FolderShape"), is_single=False)
    is_deep = request.get("Traversal") == "Deep"
    restriction = find(request, "Restriction")

    def one(reference: Element) -> Element:
        parent = place_of(call, reference)
        everything = siblings(call, parent)
        below = children(everything, parent, is_deep=is_deep)
        if request.get("Traversal") == "SoftDeleted":
            below = []
        if restriction is not None:
            below = [p for p in below if matches(restriction[0], value_of(p, everything))]
        page, marks = page_of(below, request, 1000)
        root = m("RootFolder", t("Folders", [show_folder(p, names, everything) for p in page]), **marks)
        return call.message(root)

    return call.each(required(request, "ParentFolderIds"), one)


def _digest(place: Place) -> str:
    return blake2b(f"{place.name} {place.parent_id} {place.folder_class}".encode(), digest_size=6).hexdigest()


def _read_state(words: str, root: Place) -> dict[str, str]:
    try:
        kept = json.loads(zlib.decompress(base64.b64decode(words, validate=True)))
        if kept["of"] != root.folder_id:
            raise EwsError("ErrorInvalidSyncStateData")
        return dict(kept["folders"])
    except (binascii.Error, zlib.error, ValueError, KeyError, TypeError) as error:
        raise EwsError("ErrorInvalidSyncStateData") from error


@operation("SyncFolderHierarchy")
def sync_folder_hierarchy(call: Call, request: Element) -> Element:
    """What changed in the folder tree since a state; everything without one."""
    names = wanted_fields(call, find(request, "FolderShape"), is_single=False)
    root = target_place(call, find(request, "SyncFolderId"), default="msgfolderroot")
    everything = siblings(call, root)
    below = children(everything, root, is_deep=True)
    words = text(request, "SyncState")
    known = _read_state(words, root) if words else {}
    changes = []
    for place in below:
        if known.get(place.folder_id) != _digest(place):
            kind = "Update" if place.folder_id in known else "Create"
            changes.append(t(kind, show_folder(place, names, everything)))
    now = {place.folder_id: _digest(place) for place in below}
    for folder_id in known:
        if folder_id not in now:
            gone = Place(root.mailbox, folder_id, "", "", "", "Folder")
            changes.append(t("Delete", t("FolderId", Id=gone.id)))
    packed = json.dumps({"of": root.folder_id, "folders": now}).encode()
    return call.message(
        m("SyncState", base64.b64encode(zlib.compress(packed)).decode()),
        m("IncludesLastFolderInRange", True),
        m("Changes", changes),
    )


@operation("CreateFolder", empty=("Folders",))
def create_folder(call: Call, request: Element) -> list[Element]:
    """Calendars below the calendar or the top of the mailbox; the store keeps no other folders."""
    parent = target_place(call, find(request, "ParentFolderId"), default="msgfolderroot")
    if parent.is_guest:
        raise EwsError("ErrorAccessDenied")

    def one(wanted: Element) -> Element:
        name = text(wanted, "DisplayName") or ""
        if local(wanted) != "CalendarFolder" and text(wanted, "FolderClass") != "IPF.Appointment":
            raise EwsError("ErrorInvalidFolderTypeForOperation")
        if not name:
            raise EwsError("ErrorRequiredPropertyMissing")
        if any(p.name == name and p.is_calendar for p in siblings(call, parent)):
            raise EwsError("ErrorFolderExists")
        folder = call.world.mailboxes.add_calendar(parent.mailbox, name)
        folder.calendar.parent_id = parent.folder_id
        made = next(p for p in siblings(call, parent) if p.folder_id == folder.folder_id)
        return call.message(m("Folders", show_folder(made, frozenset({"FolderId"}), [])))

    return call.each(required(request, "Folders"), one)


@operation("DeleteFolder")
def delete_folder(call: Call, request: Element) -> list[Element]:
    """Delete a calendar with all in it; the standing folders stay."""

    def one(reference: Element) -> Element:
        place = place_of(call, reference)
        if place.distinguished is not None or place.folder is None:
            raise EwsError("ErrorDeleteDistinguishedFolder")
        if place.is_guest:
            raise EwsError("ErrorAccessDenied")
        call.world.mailboxes.remove_calendar(place.mailbox, place.mailbox.folders[place.folder_id])
        return call.message()

    return call.each(required(request, "FolderIds"), one)
