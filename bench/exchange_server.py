"""A small local Exchange: n calendar items in one folder, given page by page by SyncFolderItems.

It is here so that our client, exchangelib and the bare loop do the same work against the same server; how Exchange
really behaves is the sandbox's business. Run as a process of its own: `with ExchangeServer(...) as server`.
"""

import asyncio
import json
import re
import sys
from datetime import datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from bench.server_process import ServerProcess
from bench.work import LENGTH, graph_fields

LARGEST_PAGE = 512
_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" '
    'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Header>'
    '<t:ServerVersionInfo MajorVersion="15" MinorVersion="1" MajorBuildNumber="2507" MinorBuildNumber="39"/>'
    "</s:Header><s:Body>"
)
_TAIL = "</s:Body></s:Envelope>"
_STATE = re.compile(r"SyncState>s-(\d+)<")
_SIZE = re.compile(r"MaxChangesReturned>(\d+)<")


def item(number: int, start_at: datetime) -> str:
    """The appointment as Exchange shows it in a feed, with all fields that somebody asks for here."""
    known, shown = graph_fields(number, start_at), "%Y-%m-%dT%H:%M:%SZ"
    return (
        f'<t:CalendarItem><t:ItemId Id="{known["id"]}" ChangeKey="{known["changeKey"]}"/>'
        f"<t:Subject>{escape(known['subject'])}</t:Subject>"
        f"<t:Sensitivity>{known['sensitivity'].capitalize()}</t:Sensitivity>"
        "<t:DateTimeCreated>2026-01-02T10:00:00Z</t:DateTimeCreated><t:ReminderIsSet>true</t:ReminderIsSet>"
        "<t:ReminderMinutesBeforeStart>15</t:ReminderMinutesBeforeStart>"
        f"<t:UID>{known['uid']}</t:UID><t:Start>{start_at.strftime(shown)}</t:Start>"
        f"<t:End>{(start_at + LENGTH).strftime(shown)}</t:End><t:IsAllDayEvent>false</t:IsAllDayEvent>"
        f"<t:LegacyFreeBusyStatus>Busy</t:LegacyFreeBusyStatus><t:Location>Room {number % 40}</t:Location>"
        "<t:IsMeeting>false</t:IsMeeting><t:IsCancelled>false</t:IsCancelled>"
        "<t:CalendarItemType>Single</t:CalendarItemType><t:MyResponseType>Organizer</t:MyResponseType>"
        "<t:StartTimeZoneId>W. Europe Standard Time</t:StartTimeZoneId></t:CalendarItem>"
    )


def _message(operation: str, content: str) -> str:
    return (
        f'<m:{operation}ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>{content}'
        f"</m:{operation}ResponseMessage>"
    )


def _response(operation: str, messages: str) -> bytes:
    answer = f"<m:{operation}Response><m:ResponseMessages>{messages}</m:ResponseMessages></m:{operation}Response>"
    return f"{_HEAD}{answer}{_TAIL}".encode()


class _State:
    def __init__(self, n: int, start_at: str, step_seconds: float) -> None:
        start, step = datetime.fromisoformat(start_at), timedelta(seconds=step_seconds)
        self.items = [item(number, start + number * step) for number in range(n)]
        self.pages: dict[tuple[int, int], bytes] = {}
        self.requests = 0

    def answer(self, body: str) -> bytes:
        self.requests += 1
        if "m:SyncFolderItems" in body:
            found, size = _STATE.search(body), _SIZE.search(body)
            return self._page(int(found[1]) if found else 0, min(int(size[1]) if size else 100, LARGEST_PAGE))
        folders = re.findall(r'FolderId Id="([^"]+)"', body)
        return _response("GetFolder", "".join(_message("GetFolder", _folder(name)) for name in folders))

    def _page(self, start: int, size: int) -> bytes:
        """Made once: what it costs to write a page is the server's affair."""
        if (start, size) not in self.pages:
            rows = self.items[start : start + size]
            is_last = str(start + len(rows) >= len(self.items)).lower()
            changes = "".join(f"<t:Create>{row}</t:Create>" for row in rows)
            content = (
                f"<m:SyncState>s-{start + len(rows)}</m:SyncState><m:IncludesLastItemInRange>{is_last}"
                f"</m:IncludesLastItemInRange><m:Changes>{changes}</m:Changes>"
            )
            self.pages[start, size] = _response("SyncFolderItems", _message("SyncFolderItems", content))
        return self.pages[start, size]


def _folder(name: str) -> str:
    kind = "CalendarFolder" if name == "calendar" else "Folder"
    return (
        f'<m:Folders><t:{kind}><t:FolderId Id="F-{name}" ChangeKey="AQ=="/><t:ParentFolderId Id="F-root"/>'
        f"<t:FolderClass>IPF.Appointment</t:FolderClass><t:DisplayName>{name}</t:DisplayName>"
        f"<t:TotalCount>0</t:TotalCount><t:ChildFolderCount>0</t:ChildFolderCount></t:{kind}></m:Folders>"
    )


async def _serve(state: _State, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            found = re.search(r"(?i)content-length: (\d+)", head)
            body = (await reader.readexactly(int(found[1]))).decode() if found else ""
            kind = b"text/xml; charset=utf-8"
            if head.startswith("GET /counted"):
                answer, kind = json.dumps({"requests": state.requests}).encode(), b"application/json"
            elif head.startswith("GET /reset"):
                state.requests, answer = 0, b"{}"
            else:
                answer = state.answer(body)
            writer.write(b"HTTP/1.1 200 X\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (kind, len(answer)))
            writer.write(answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        return  # the client is done
    finally:
        writer.close()


async def _main(n: int, start_at: str, step_seconds: float) -> None:
    state = _State(n, start_at, step_seconds)
    server = await asyncio.start_server(lambda r, w: _serve(state, r, w), "127.0.0.1", 0, limit=2**26)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class ExchangeServer(ServerProcess):
    """The server as a process; ends with the block."""

    def __init__(self, n: int, start_at: datetime, step_seconds: float) -> None:
        super().__init__("bench.exchange_server", str(n), start_at.isoformat(), str(step_seconds))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/EWS/Exchange.asmx"

    def requests(self, work: Any) -> int:
        """How many calls a piece of work makes."""
        self.reset()
        work()
        return int(self.counted()["requests"])


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
