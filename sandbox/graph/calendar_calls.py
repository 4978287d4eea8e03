"""Calendars: list, read, create, rename, delete; the one calendar group; who may see a calendar."""

from typing import Any

from sandbox.calendars import Folder
from sandbox.graph import errors, ids
from sandbox.graph.calls import Answer, Call
from sandbox.graph.errors import GraphError
from sandbox.graph.queries import QueryOptions, page_of, read_options

COLORS = (
    "auto", "lightBlue", "lightGreen", "lightOrange", "lightGray", "lightYellow", "lightTeal", "lightPink",
    "lightBrown", "lightRed", "maxColor",
)  # fmt: skip
_HEX = {
    "lightBlue": "#0078d4",
    "lightGreen": "#107c10",
    "lightOrange": "#d83b01",
    "lightGray": "#69797e",
    "lightYellow": "#c19c00",
    "lightTeal": "#038387",
    "lightPink": "#e3008c",
    "lightBrown": "#8e562e",
    "lightRed": "#d13438",
}
_SELECTABLE = frozenset(
    {
        "id", "name", "color", "hexColor", "isDefaultCalendar", "changeKey", "canShare",
        "canViewPrivateItems", "canEdit", "isRemovable", "isTallyingResponses",
        "allowedOnlineMeetingProviders", "defaultOnlineMeetingProvider", "owner",
    }
)  # fmt: skip
_ROLES = {"owner": "write", "write": "write", "read": "read", "freeBusyRead": "freeBusyRead"}


def show_calendar(call: Call, folder: Folder, select: frozenset[str] | None = None) -> dict[str, Any]:
    """Return a calendar as this mailbox sees it."""
    calendar = folder.calendar
    owner = call.world.mailboxes.by_id(calendar.mailbox_oid) or call.mailbox
    is_own = folder.role == "owner"
    works_with_teams = is_own and not call.mailbox.is_personal and not calendar.is_read_only
    shown: dict[str, Any] = {
        "id": ids.calendar_id(call.mailbox, folder),
        "name": folder.name,
        "color": folder.color,
        "hexColor": _HEX.get(folder.color, ""),
        "isDefaultCalendar": calendar.is_default and is_own,
        "changeKey": ids.change_key_text(calendar.change_key),
        "canShare": is_own and not calendar.is_read_only,
        "canViewPrivateItems": is_own,
        "canEdit": folder.can_edit,
        "allowedOnlineMeetingProviders": ["teamsForBusiness"] if works_with_teams else [],
        "defaultOnlineMeetingProvider": "teamsForBusiness" if works_with_teams else "unknown",
        "isTallyingResponses": is_own and calendar.is_default,
        "isRemovable": not (calendar.is_default and is_own),
        "owner": {"name": owner.display_name, "address": owner.address},
    }
    if select is None:
        return shown
    return {name: value for name, value in shown.items() if name in select or name == "id"}


def list_calendars(call: Call) -> Answer:
    """GET calendars, also those of the one group."""
    _check_group(call)
    options = read_options(call, _SELECTABLE)
    folders = call.reach.folders()
    if options.filter_text:
        folders = _filtered(folders, options)
    body = page_of(call, folders, options, lambda f: show_calendar(call, f, options.select), "calendars")
    return Answer(200, body)


def _filtered(folders: list[Folder], options: QueryOptions) -> list[Folder]:
    """Only `name eq '...'` is understood, as clients use it to find a calendar by name."""
    name, _, wanted = options.filter_text.partition(" eq ")
    if name.strip() != "name" or not wanted.strip().startswith("'"):
        raise errors.invalid_query("Calendars are filtered by name eq '...' only.")
    text = wanted.strip()[1:-1].replace("''", "'")
    return [folder for folder in folders if folder.name.casefold() == text.casefold()]


def get_calendar(call: Call) -> Answer:
    """GET one calendar, the primary one when the path names none."""
    options = read_options(call, _SELECTABLE)
    shown = show_calendar(call, call.folder(), options.select)
    return Answer(200, {"@odata.context": f"{call.context_root}/calendars/$entity", **shown})


def create_calendar(call: Call) -> Answer:
    """POST calendars: 201; a taken name is 409 ErrorFolderExists."""
    _check_group(call)
    name, color = _name(call.body), _color(call.body)
    if name is None:
        raise errors.property_failed()
    _refuse_taken(call, name)
    folder = call.world.mailboxes.add_calendar(call.mailbox, name, color=color or "auto")
    body = {"@odata.context": f"{call.context_root}/calendars/$entity", **show_calendar(call, folder)}
    return Answer(201, body)


def change_calendar(call: Call) -> Answer:
    """PATCH name or color of a calendar as this mailbox sees it."""
    folder = call.folder()
    name, color = _name(call.body), _color(call.body)
    if name is not None and name != folder.name:
        if folder.calendar.is_default:
            raise errors.access_denied()
        _refuse_taken(call, name)
        folder.name = name
        if folder.role == "owner":
            folder.calendar.name = name
    folder.color = color or folder.color
    folder.calendar.change_key = call.world.mailboxes.new_change_key()
    return Answer(200, show_calendar(call, folder))


def delete_calendar(call: Call) -> Answer:
    """DELETE a calendar; the primary one cannot be deleted."""
    folder = call.folder()
    if folder.calendar.is_default and folder.role == "owner":
        raise GraphError(400, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.")
    call.world.mailboxes.remove_calendar(call.mailbox, folder)
    return Answer(204)


def list_permissions(call: Call) -> Answer:
    """GET calendarPermissions: the organization's default and everybody it is shared with."""
    folder = call.folder()
    rows = [_permission("My Organization", None, "freeBusyRead")]
    for address, role in folder.calendar.permissions.items():
        mailbox = call.world.mailboxes.by_address(address)
        rows.append(_permission(mailbox.display_name if mailbox else address, address, _ROLES[role]))
    return Answer(200, {"@odata.context": f"{call.context_root}/calendarPermissions", "value": rows})


def create_permission(call: Call) -> Answer:
    """POST calendarPermissions: share an own calendar with somebody of this store; 201."""
    folder = _own_folder(call)
    email = call.body.get("emailAddress") if isinstance(call.body, dict) else None
    address = email.get("address") if isinstance(email, dict) else None
    role = call.body.get("role") if isinstance(call.body, dict) else None
    reader = call.world.mailboxes.by_address(address) if isinstance(address, str) else None
    if reader is None or reader is call.mailbox or role not in ("freeBusyRead", "read", "write"):
        raise errors.property_failed()
    if reader.address.casefold() in folder.calendar.permissions:
        raise GraphError(409, "ErrorPermissionAlreadyExists", "The calendar is shared with this recipient already.")
    call.world.mailboxes.share(folder.calendar, reader, role)
    return Answer(201, _permission(reader.display_name, reader.address.casefold(), role))


def delete_permission(call: Call) -> Answer:
    """DELETE a calendarPermission: the calendar leaves the other's list; 204."""
    folder = _own_folder(call)
    for address in folder.calendar.permissions:
        if address.encode().hex() == call.request.path_params["permission"]:
            call.world.mailboxes.unshare(folder.calendar, address)
            return Answer(204)
    raise errors.item_not_found()


def _own_folder(call: Call) -> Folder:
    folder = call.folder()
    if folder.calendar.mailbox_oid != call.mailbox.oid or call.reach.is_guest or folder.calendar.is_read_only:
        raise errors.access_denied()
    return folder


def _permission(name: str, address: str | None, role: str) -> dict[str, Any]:
    return {
        "id": (address or "default").encode().hex(),
        "isRemovable": address is not None,
        "isInsideOrganization": True,
        "role": role,
        "allowedRoles": ["freeBusyRead", "limitedRead", "read", "write"],
        "emailAddress": {"name": name} | ({"address": address} if address else {}),
    }


def list_groups(call: Call) -> Answer:
    """GET calendarGroups: every mailbox has "My Calendars"."""
    group = {
        "id": ids.group_id(call.mailbox),
        "name": "My Calendars",
        "classId": "0006f0b7-0000-0000-c000-000000000046",
        "changeKey": ids.change_key_text(call.mailbox.default.calendar.change_key),
    }
    return Answer(200, {"@odata.context": f"{call.context_root}/calendarGroups", "value": [group]})


def _check_group(call: Call) -> None:
    named = call.request.path_params.get("group")
    if named is not None and named != ids.group_id(call.mailbox):
        raise errors.item_not_found()


def _name(body: Any) -> str | None:
    if not isinstance(body, dict):
        raise errors.bad_request("Empty Payload. JSON content expected.")
    name = body.get("name")
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise errors.property_failed()
    return name


def _color(body: dict[str, Any]) -> str | None:
    color = body.get("color")
    if color is not None and color not in COLORS:
        raise errors.body_unreadable(f"Requested value '{color}' was not found.")
    return color


def _refuse_taken(call: Call, name: str) -> None:
    if any(folder.name.casefold() == name.casefold() for folder in call.mailbox.folders.values()):
        raise GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")
