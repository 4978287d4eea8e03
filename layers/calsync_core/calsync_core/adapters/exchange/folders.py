"""Folders of a mailbox: the calendars among them, and how a request names one."""

from dataclasses import dataclass

from calsync_core.adapters.exchange.client import EwsClient
from calsync_core.adapters.exchange.errors import EwsRefusedError
from calsync_core.adapters.exchange.soap import Element, M, T, attribute, checked, refusal_of, text
from calsync_core.domain.connections import Calendar
from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    CalsyncError,
    MailboxUnusableError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import CalendarId

_CLASS = "IPF.Appointment"
_SHAPE = (
    "<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>"
    '<t:FieldURI FieldURI="folder:DisplayName"/><t:FieldURI FieldURI="folder:FolderClass"/>'
    '<t:FieldURI FieldURI="folder:ParentFolderId"/><t:FieldURI FieldURI="folder:EffectiveRights"/>'
    "</t:AdditionalProperties></m:FolderShape>"
)
_PAGE = 500
_MOST_PAGES = 40


@dataclass(frozen=True, slots=True)
class Folder:
    id: str
    parent: str
    name: str
    may_read: bool
    may_write: bool


def folder_reference(calendar_id: str) -> str:
    return f"<t:FolderId Id={attribute(calendar_id)}/>"


def distinguished(name: str, mailbox: str | None = None) -> str:
    """A folder by its role; with `mailbox` that of another mailbox (a delegate's way)."""
    owner = f"<t:Mailbox><t:EmailAddress>{text(mailbox)}</t:EmailAddress></t:Mailbox>" if mailbox else ""
    return f'<t:DistinguishedFolderId Id="{name}">{owner}</t:DistinguishedFolderId>'


def get_folders(client: EwsClient, *references: str) -> list[Folder | EwsRefusedError]:
    """One call; each folder, or what the server says about it, in order."""
    body = f"<m:GetFolder>{_SHAPE}<m:FolderIds>{''.join(references)}</m:FolderIds></m:GetFolder>"
    answered = client.ask("GetFolder", body)
    if len(answered) != len(references):
        raise ProviderUnavailableError("answer_unreadable", kind="folders")
    found: list[Folder | EwsRefusedError] = []
    for message in answered:
        refusal = refusal_of(message)
        folders = message.find(f"{M}Folders")
        if refusal is not None:
            found.append(EwsRefusedError(refusal))
        elif folders is None or len(folders) != 1:
            raise ProviderUnavailableError("answer_unreadable", kind="folders")
        else:
            found.append(_read(folders[0]))
    return found


class Calendars:
    """The calendars that a login may choose from. A delegate sees the one calendar that was opened to him."""

    def __init__(self, client: EwsClient) -> None:
        self._client = client

    @property
    def owner(self) -> str | None:
        """The mailbox to name in requests: only a delegate's differs from that of the session."""
        return self._client.login.target if self._client.login.access == "delegate" else None

    def default(self) -> Folder:
        """The main calendar. Raises MailboxUnusableError, PermissionMissingError."""
        return about_mailbox(get_folders(self._client, distinguished("calendar", self.owner))[0])

    def all(self) -> list[Calendar]:
        if self.owner is not None:
            return [self._calendar(self.default(), is_default=True)]
        main, trash = get_folders(self._client, distinguished("calendar"), distinguished("deleteditems"))
        default = about_mailbox(main)
        found = {folder.id: folder for folder in self._found()}
        dead = {trash.id} if isinstance(trash, Folder) else set()
        for _ in range(8):  # a calendar inside a deleted one is deleted too
            dead |= {folder.id for folder in found.values() if folder.parent in dead}
        others = [folder for folder in found.values() if folder.id not in dead | {default.id} and folder.may_read]
        return [
            self._calendar(default, is_default=True),
            *(self._calendar(folder, is_default=False) for folder in others),
        ]

    def check(self, calendar_id: CalendarId) -> None:
        """Raises AppointmentGoneError when the calendar no longer exists or lies among the deleted items."""
        references = [folder_reference(calendar_id)]
        if self.owner is None:
            references.append(distinguished("deleteditems"))
        folder, *trash = get_folders(self._client, *references)
        if isinstance(folder, EwsRefusedError):
            raise folder.error
        if any(isinstance(one, Folder) and one.id == folder.parent for one in trash):
            raise AppointmentGoneError("calendar_gone")

    def _calendar(self, folder: Folder, *, is_default: bool) -> Calendar:
        is_shared = self.owner is not None
        address = self._client.login.target
        return Calendar(CalendarId(folder.id), folder.name, is_default, folder.may_write, is_shared, "", address)

    def _found(self) -> list[Folder]:
        """All calendar folders below the mailbox's top, in pages."""
        found: list[Folder] = []
        for _ in range(_MOST_PAGES):
            body = (
                f'<m:FindFolder Traversal="Deep">{_SHAPE}'
                f'<m:IndexedPageFolderView MaxEntriesReturned="{_PAGE}" Offset="{len(found)}" BasePoint="Beginning"/>'
                '<m:Restriction><t:Contains ContainmentMode="Prefixed" ContainmentComparison="IgnoreCase">'
                f'<t:FieldURI FieldURI="folder:FolderClass"/><t:Constant Value="{_CLASS}"/></t:Contains>'
                "</m:Restriction>"
                f"<m:ParentFolderIds>{distinguished('msgfolderroot')}</m:ParentFolderIds></m:FindFolder>"
            )
            try:
                root = checked(self._client.ask("FindFolder", body)[0]).find(f"{M}RootFolder")
            except EwsRefusedError as refused:
                raise about_mailbox_error(refused) from None
            if root is None:
                raise ProviderUnavailableError("answer_unreadable", kind="folders")
            folders = root.find(f"{T}Folders")
            page = [_read(one) for one in folders if one.tag == f"{T}CalendarFolder"] if folders is not None else []
            found += page
            if root.get("IncludesLastItemInRange") != "false" or not page:
                return found
        return found


def about_mailbox(found: Folder | EwsRefusedError) -> Folder:
    if isinstance(found, EwsRefusedError):
        raise about_mailbox_error(found)
    return found


def about_mailbox_error(refused: EwsRefusedError) -> CalsyncError:
    """About the mailbox as a whole: "not found" is the mailbox."""
    error = refused.error
    if isinstance(error, AppointmentGoneError):
        return MailboxUnusableError("mailbox_missing", **error.detail)
    if isinstance(error, AppointmentRejectedError):
        return ProviderUnavailableError("request_refused", **error.detail)
    return error


def _read(folder: Element) -> Folder:
    identity, parent = folder.find(f"{T}FolderId"), folder.find(f"{T}ParentFolderId")
    rights = folder.find(f"{T}EffectiveRights")
    if identity is None or not identity.get("Id"):
        raise ProviderUnavailableError("answer_unreadable", kind="folder")
    granted = {one.tag.rpartition("}")[2] for one in rights if one.text == "true"} if rights is not None else {"Read"}
    return Folder(
        identity.get("Id") or "",
        parent.get("Id") or "" if parent is not None else "",
        folder.findtext(f"{T}DisplayName") or "",
        "Read" in granted or "CreateContents" in granted,
        "CreateContents" in granted,
    )
