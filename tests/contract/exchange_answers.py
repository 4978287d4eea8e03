"""Answers of an Exchange server, written by hand for tests: as the schema wants them, or as a bad server sends them."""

from collections.abc import Sequence

NAMESPACES = (
    'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" '
    'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"'
)


def answer(*messages: str, operation: str = "") -> bytes:
    """An envelope; with `operation` the messages are its response messages."""
    body = "".join(messages)
    if operation:
        body = f"<m:{operation}Response><m:ResponseMessages>{body}</m:ResponseMessages></m:{operation}Response>"
    prolog = f'<?xml version="1.0" encoding="utf-8"?><s:Envelope {NAMESPACES}><s:Header/>'
    return f"{prolog}<s:Body>{body}</s:Body></s:Envelope>".encode()


def success(operation: str, content: str) -> str:
    return (
        f'<m:{operation}ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>'
        f"{content}</m:{operation}ResponseMessage>"
    )


def failure(operation: str, code: str) -> str:
    return (
        f'<m:{operation}ResponseMessage ResponseClass="Error"><m:MessageText>words</m:MessageText>'
        f"<m:ResponseCode>{code}</m:ResponseCode></m:{operation}ResponseMessage>"
    )


def folder(folder_id: str, parent: str = "F-root", name: str = "Calendar") -> str:
    rights = "".join(f"<t:{one}>true</t:{one}>" for one in ("CreateContents", "Delete", "Modify", "Read"))
    return success(
        "GetFolder",
        f'<m:Folders><t:CalendarFolder><t:FolderId Id="{folder_id}" ChangeKey="AQ=="/>'
        f'<t:ParentFolderId Id="{parent}" ChangeKey="AQ=="/><t:FolderClass>IPF.Appointment</t:FolderClass>'
        f"<t:DisplayName>{name}</t:DisplayName><t:EffectiveRights>{rights}</t:EffectiveRights>"
        "</t:CalendarFolder></m:Folders>",
    )


def item(number: int | str, *, fields: str = "", kind: str = "Single", key: str = "K1", **times: str) -> str:
    start = times.get("start", "2026-11-23T09:00:00Z")
    end = times.get("end", "2026-11-23T10:00:00Z")
    return (
        f'<t:CalendarItem><t:ItemId Id="I{number}" ChangeKey="{key}"/><t:ParentFolderId Id="F-calendar"/>'
        f"<t:Start>{start}</t:Start><t:End>{end}</t:End><t:LegacyFreeBusyStatus>Busy</t:LegacyFreeBusyStatus>"
        f"<t:CalendarItemType>{kind}</t:CalendarItemType>{fields}</t:CalendarItem>"
    )


def sync_page(
    count: int = 0,
    *,
    items: Sequence[str] = (),
    deleted: Sequence[str] = (),
    state: str = "state-2",
    is_last: bool = True,
) -> bytes:
    """A page of SyncFolderItems."""
    shown = [*items, *(item(number) for number in range(count))]
    changes = "".join(f"<t:Create>{one}</t:Create>" for one in shown)
    changes += "".join(f'<t:Delete><t:ItemId Id="{one}"/></t:Delete>' for one in deleted)
    content = (
        f"<m:SyncState>{state}</m:SyncState><m:IncludesLastItemInRange>{str(is_last).lower()}"
        f"</m:IncludesLastItemInRange><m:Changes>{changes}</m:Changes>"
    )
    return answer(success("SyncFolderItems", content), operation="SyncFolderItems")
