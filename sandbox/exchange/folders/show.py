"""A folder as XML, in the shape that was asked for."""

from collections.abc import Callable
from hashlib import blake2b

from sandbox.calendars import Role
from sandbox.exchange.dispatch import Call
from sandbox.exchange.errors import EwsError
from sandbox.exchange.folders.tree import Place, children
from sandbox.exchange.paths import Path, read_path, show_property
from sandbox.exchange.versions import Version
from sandbox.exchange.xml import Element, find, t, text

_LEVELS: dict[Role, str] = {
    "owner": "Owner",
    "write": "Editor",
    "read": "Reviewer",
    "freeBusyRead": "FreeBusyTimeOnly",
}
_READS = {"Owner": "FullDetails", "Editor": "FullDetails", "Reviewer": "FullDetails", "FreeBusyTimeOnly": "TimeOnly"}

ORDER = (
    "FolderId", "ParentFolderId", "FolderClass", "DisplayName", "TotalCount", "ChildFolderCount", "ExtendedProperty",
    "EffectiveRights", "DistinguishedFolderId", "SharingEffectiveRights", "PermissionSet", "UnreadCount",
)  # fmt: skip
"""Order of the schema."""
_DEFAULT = ("FolderId", "DisplayName", "TotalCount", "ChildFolderCount", "UnreadCount")
_ALL = (*_DEFAULT, "ParentFolderId", "FolderClass", "EffectiveRights")
_KNOWN = frozenset(ORDER) | {"SearchParameters", "ManagedFolderInformation", "PolicyTag", "ArchiveTag", "ReplicaList"}


def wanted_fields(call: Call, shape: Element | None, *, is_single: bool) -> frozenset[str]:
    """Element names and extended keys that a FolderShape asks for. Raises EwsError."""
    base = text(shape, "BaseShape") or "AllProperties"
    names = {"FolderId"}
    if base == "Default":
        names |= set(_DEFAULT)
    elif base == "AllProperties":
        names |= set(_ALL)
        if is_single:
            names.add("PermissionSet")
        if call.version >= Version.EXCHANGE2013:
            names.add("DistinguishedFolderId")
    more = find(shape, "AdditionalProperties")
    for one in () if more is None else more:
        path = read_path(one)
        if not path.is_extended and (not path.name.startswith("folder:") or path.element not in _KNOWN):
            raise EwsError("ErrorInvalidPropertyRequest")
        names.add(path.name if path.is_extended else path.element)
    return frozenset(names)


def show_folder(place: Place, names: frozenset[str], everything: list[Place]) -> Element:
    """A folder's element with those of the wanted fields that it has."""
    parts: list[Element] = []
    for name in ORDER:
        if name == "ExtendedProperty":
            keys = sorted(key for key in names if " " in key)
            parts += [show_property(key, value) for key in keys for value in _extended(place, key, everything)]
        elif name in names and name in _SHOWN:
            content = _SHOWN[name](place, everything)
            if content is not None:
                parts.append(content)
    return t(place.element, parts)


def value_of(place: Place, everything: list[Place]) -> Callable[[Path], list[str]]:
    """The folder's values by path, for restrictions and sorting."""

    def values(path: Path) -> list[str]:
        if path.is_extended:
            return _extended(place, path.name, everything)
        show = _SHOWN.get(path.element)
        shown = show(place, everything) if show else None
        return [] if shown is None else [shown.get("Id") or shown.text or ""]

    return values


_PROPERTIES: dict[str, Callable[[Place, list[Place]], str]] = {
    "0x3001": lambda place, _: place.name,
    "0x3008": lambda place, _: _changed_at(place),
    "0x3602": lambda place, _: str(_entries(place)),
    "0x3603": lambda *_: "0",
    "0x360a": lambda place, every: str(bool(children(every, place, is_deep=False))).lower(),
    "0x3613": lambda place, _: place.folder_class,
    "0x10f4": lambda *_: "false",
    "0x670a": lambda place, _: _changed_at(place),
}
"""MAPI properties of folders that clients ask for: name, last change, counts, class, hidden. Source: [MS-OXPROPS]."""


def _extended(place: Place, key: str, everything: list[Place]) -> list[str]:
    show = _PROPERTIES.get(key.partition(" ")[2])
    value = show(place, everything) if show else ""
    return [value] if value else []


def _changed_at(place: Place) -> str:
    log = place.folder.calendar.log if place.folder else []
    return log[-1].at.strftime("%Y-%m-%dT%H:%M:%SZ") if log else "2020-01-01T00:00:00Z"


def _entries(place: Place) -> int:
    return len(place.folder.calendar.entries) if place.folder else 0


def _folder_id(place: Place, _: list[Place]) -> Element:
    return t("FolderId", Id=place.id, ChangeKey=place.change_key)


def _parent(place: Place, everything: list[Place]) -> Element | None:
    parent = next((p for p in everything if p.folder_id == place.parent_id), None)
    return None if parent is None else t("ParentFolderId", Id=parent.id, ChangeKey=parent.change_key)


def _rights(place: Place, _: list[Place]) -> Element:
    folder = place.folder
    writes = folder.can_edit if folder is not None else True
    owns = not place.is_guest
    return t(
        "EffectiveRights",
        t("CreateAssociated", owns),
        t("CreateContents", writes),
        t("CreateHierarchy", owns),
        t("Delete", owns and place.distinguished is None),
        t("Modify", owns),
        t("Read", True),
        t("ViewPrivateItems", folder is None or folder.role == "owner"),
    )


def _unread(place: Place, _: list[Place]) -> Element | None:
    return t("UnreadCount", 0) if place.element in ("Folder", "TasksFolder") else None


def _permissions(place: Place, _: list[Place]) -> Element | None:
    if not place.is_calendar or place.folder is None or place.is_guest:
        return None
    lines = [_permission(t("UserId", t("DistinguishedUser", "Default")), "FreeBusyTimeOnly")]
    lines.append(_permission(t("UserId", t("DistinguishedUser", "Anonymous")), "None"))
    for address, role in place.folder.calendar.permissions.items():
        user = t("UserId", t("SID", _sid(address)), t("PrimarySmtpAddress", address), t("DisplayName", address))
        lines.append(_permission(user, _LEVELS[role]))
    return t("PermissionSet", t("CalendarPermissions", lines))


def _sid(address: str) -> str:
    digits = int.from_bytes(blake2b(address.encode(), digest_size=8).digest())
    return f"S-1-5-21-{digits >> 32}-{digits & 0xFFFFFFFF}-1-{1000 + digits % 9000}"


def _permission(user: Element, level: str) -> Element:
    writes = level in ("Owner", "Editor")
    return t(
        "CalendarPermission",
        user,
        t("CanCreateItems", writes),
        t("CanCreateSubFolders", level == "Owner"),
        t("IsFolderOwner", level == "Owner"),
        t("IsFolderVisible", level not in ("None", "FreeBusyTimeOnly")),
        t("IsFolderContact", level == "Owner"),
        t("EditItems", "All" if writes else "None"),
        t("DeleteItems", "All" if writes else "None"),
        t("ReadItems", _READS.get(level, "None")),
        t("CalendarPermissionLevel", level),
    )


def _count(place: Place, _: list[Place]) -> Element:
    return t("TotalCount", _entries(place))


def _sharing(place: Place, _: list[Place]) -> Element | None:
    return t("SharingEffectiveRights", "FullDetails") if place.is_calendar and place.is_guest else None


_SHOWN: dict[str, Callable[[Place, list[Place]], Element | None]] = {
    "FolderId": _folder_id,
    "ParentFolderId": _parent,
    "FolderClass": lambda place, _: t("FolderClass", place.folder_class) if place.folder_class else None,
    "DisplayName": lambda place, _: t("DisplayName", place.name),
    "TotalCount": _count,
    "ChildFolderCount": lambda place, every: t("ChildFolderCount", len(children(every, place, is_deep=False))),
    "EffectiveRights": _rights,
    "DistinguishedFolderId": lambda place, _: (
        t("DistinguishedFolderId", place.distinguished) if place.distinguished else None
    ),
    "SharingEffectiveRights": _sharing,
    "PermissionSet": _permissions,
    "UnreadCount": _unread,
}
