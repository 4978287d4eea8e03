"""The folder tree of a mailbox as a caller sees it, and finding the folder that a request names.

The store knows calendars only; the other folders of a mailbox (Inbox, Contacts ...) are here because clients ask for
them, and are always empty. Deleted Items holds the appointments that were moved there.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from sandbox.calendars import Folder, Mailbox
from sandbox.exchange.access import Reach
from sandbox.exchange.dispatch import Call
from sandbox.exchange.errors import EwsError, SchemaError
from sandbox.exchange.xml import Element, local, text
from sandbox.graph import ids
from sandbox.mailboxes import Mailboxes

ROOT, TOP, TRASH = "root", "msgfolderroot", "deleteditems"

_STANDING: tuple[tuple[str, str, str, str, str], ...] = (
    (ROOT, "", "Root", "", "Folder"),
    (TOP, ROOT, "Top of Information Store", "IPF", "Folder"),
    ("searchfolders", ROOT, "Finder", "", "Folder"),
    ("inbox", TOP, "Inbox", "IPF.Note", "Folder"),
    ("drafts", TOP, "Drafts", "IPF.Note", "Folder"),
    ("sentitems", TOP, "Sent Items", "IPF.Note", "Folder"),
    ("outbox", TOP, "Outbox", "IPF.Note", "Folder"),
    ("junkemail", TOP, "Junk Email", "IPF.Note", "Folder"),
    (TRASH, TOP, "Deleted Items", "IPF.Note", "Folder"),
    ("contacts", TOP, "Contacts", "IPF.Contact", "ContactsFolder"),
    ("tasks", TOP, "Tasks", "IPF.Task", "TasksFolder"),
    ("notes", TOP, "Notes", "IPF.StickyNote", "Folder"),
    ("journal", TOP, "Journal", "IPF.Journal", "Folder"),
)
"""Distinguished name, the one above, display name, class, element."""

_OTHER_NAMES = frozenset(
    {
        "publicfoldersroot", "voicemail", "recoverableitemsroot", "recoverableitemsdeletions",
        "recoverableitemsversions", "recoverableitemspurges", "recoverableitemsdiscoveryholds", "archiveroot",
        "archivemsgfolderroot", "archivedeleteditems", "archiveinbox", "archiverecoverableitemsroot",
        "archiverecoverableitemsdeletions", "archiverecoverableitemsversions", "archiverecoverableitemspurges",
        "archiverecoverableitemsdiscoveryholds", "syncissues", "conflicts", "localfailures", "serverfailures",
        "recipientcache", "quickcontacts", "conversationhistory", "adminauditlogs", "todosearch", "mycontacts",
        "directory", "imcontactlist", "peopleconnect", "favorites", "mecontact", "personmetadata",
        "teamspaceactivity", "teamspacemessaging", "teamspaceworkitems", "scheduled", "orionnotes", "tagitems",
        "alltaggeditems", "externalcontacts", "teamchat", "teamchathistory", "yammerroot", "yammerinbound",
        "yammeroutbound", "yammerfeeds", "onedriveroot", "onedriverecylebin", "onedrivesystem", "onedrivevolume",
        "important", "starred", "archive",
    }
)  # fmt: skip
"""Distinguished names of the schema that no mailbox here has."""


@dataclass(frozen=True, slots=True)
class Place:
    """One folder of a mailbox as a caller sees it."""

    mailbox: Mailbox
    folder_id: str
    parent_id: str
    """The same as `folder_id` for the root."""
    name: str
    folder_class: str
    element: str
    distinguished: str | None = None
    folder: Folder | None = None
    """The calendar behind it, or Deleted Items; None for folders that are always empty."""
    is_guest: bool = False

    @property
    def id(self) -> str:
        """The FolderId's Id."""
        return ids.to_exchange(ids.folder_id_text(self.mailbox, self.folder_id))

    @property
    def change_key(self) -> str:
        """The FolderId's ChangeKey."""
        key = self.folder.calendar.change_key if self.folder else ""
        return ids.change_key_text(key or standing_id(self.mailbox.oid, f"{self.folder_id} key") + "00000000")

    @property
    def is_calendar(self) -> bool:
        """Whether appointments belong here."""
        return self.element == "CalendarFolder"


@lru_cache(maxsize=4096)
def standing_id(oid: str, name: str) -> str:
    """The constant id (hex) of a folder that every mailbox has."""
    return blake2b(f"{oid} {name}".encode(), digest_size=16).hexdigest()


def trash_of(store: Mailboxes, mailbox: Mailbox) -> Folder:
    """Deleted Items of a mailbox."""
    return store.deleted_items(mailbox, standing_id(mailbox.oid, TRASH))


def places(reach: Reach, store: Mailboxes) -> list[Place]:
    """All folders that can be seen, parents before children; a guest sees the calendars shared with him."""
    mailbox = reach.mailbox
    found = []
    if not reach.is_guest:
        for name, above, title, folder_class, element in _STANDING:
            own = standing_id(mailbox.oid, name)
            parent = standing_id(mailbox.oid, above) if above else own
            folder = trash_of(store, mailbox) if name == TRASH else None
            found.append(Place(mailbox, own, parent, title, folder_class, element, name, folder))
    top = standing_id(mailbox.oid, TOP)
    default = mailbox.default.folder_id
    for folder in reach.folders():
        is_default = folder.calendar.is_default
        found.append(
            Place(
                mailbox,
                folder.folder_id,
                top if is_default else folder.calendar.parent_id or default,
                folder.calendar.name,
                "IPF.Appointment",
                "CalendarFolder",
                "calendar" if is_default else None,
                folder,
                reach.is_guest,
            )
        )
    return found


def place_of(call: Call, reference: Element) -> Place:
    """The folder that a FolderId or DistinguishedFolderId names. Raises EwsError or SchemaError."""
    kind = local(reference)
    if kind == "DistinguishedFolderId":
        return _by_name(call, reference)
    if kind == "FolderId":
        return _by_id(call, reference.get("Id"))
    raise SchemaError(f"The element has invalid child element '{kind}'.", reference.sourceline or 1)


def _by_name(call: Call, reference: Element) -> Place:
    name = reference.get("Id") or ""
    reach = call.reach(text(reference, "Mailbox", "EmailAddress") or None)
    for place in places(reach, call.world.mailboxes):
        if place.distinguished == name:
            return place
    if reach.is_guest and (name == "calendar" or any(name == standing[0] for standing in _STANDING)):
        raise EwsError("ErrorAccessDenied")
    if name not in _OTHER_NAMES:
        raise SchemaError(f"The 'Id' attribute is invalid - The value '{name}' is invalid.", reference.sourceline or 1)
    raise EwsError("ErrorFolderNotFound")


def mailbox_marked(call: Call, mark: bytes) -> Mailbox:
    """The mailbox that the mark in an id stands for. Raises EwsError."""
    for mailbox in call.world.mailboxes:
        if ids.mailbox_mark(mailbox.oid) == mark:
            return mailbox
    raise EwsError("ErrorItemNotFound")


def parse_id(text_: str | None) -> ids.ParsedId:
    """Read an id as Exchange writes it; REST's spelling is none. Raises EwsError."""
    if not text_:
        raise EwsError("ErrorInvalidIdEmpty")
    if "-" in text_ or "_" in text_:
        raise EwsError("ErrorInvalidIdMalformed")
    try:
        return ids.parse(text_)
    except ids.MalformedIdError as error:
        raise EwsError("ErrorInvalidIdMalformed") from error


def _by_id(call: Call, text_: str | None) -> Place:
    parsed = parse_id(text_)
    if parsed.kind != "folder":
        raise EwsError("ErrorCannotUseItemIdForFolderId")
    mailbox = mailbox_marked(call, parsed.mailbox)
    reach = call.reach(mailbox.address)
    for place in places(reach, call.world.mailboxes):
        if place.folder_id == parsed.folder_id:
            return place
    raise EwsError("ErrorAccessDenied" if reach.is_guest else "ErrorFolderNotFound")


def target_place(call: Call, wrapper: Element | None, *, default: str) -> Place:
    """The folder inside a TargetFolderId; without one the distinguished one of the caller. Raises EwsError."""
    if wrapper is not None and len(wrapper):
        return place_of(call, wrapper[0])
    reach = call.reach()
    return next(p for p in places(reach, call.world.mailboxes) if p.distinguished == default)


def children(everything: list[Place], parent: Place, *, is_deep: bool) -> list[Place]:
    """The folders below one, all the way down if wanted."""
    below = [p for p in everything if p.parent_id == parent.folder_id and p.folder_id != parent.folder_id]
    if not is_deep:
        return below
    return [found for child in below for found in (child, *children(everything, child, is_deep=True))]
