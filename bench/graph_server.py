"""A small local Graph: n appointments in one calendar, served page by page, with latency and the documented limits.

It is here so that our client and the bare loop do the same work against the same server; how Graph really behaves is
the sandbox's business. Run as a process of its own, so that its CPU is nobody's: `with GraphServer(...) as server`.
"""

import asyncio
import json
import math
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from bench.server_process import ServerProcess
from bench.work import graph_event

CALENDAR = "CAL1"
LARGEST_PAGE = 1000
_TOKEN = "R0usmci39OQxqJrxK4" * 16  # as long as a real one: it is stored with the cursor


@dataclass(frozen=True, slots=True)
class Load:
    """`start_at` and `step_seconds` place the appointments; `latency_ms` holds per request. The limits, if enforced:
    `concurrent` requests at once, `quota` requests per `quota_seconds`."""

    n: int
    start_at: str
    step_seconds: float
    latency_ms: float = 0.0
    concurrent: int = 0
    quota: int = 0
    quota_seconds: float = 600.0


class _State:
    def __init__(self, load: Load) -> None:
        self.load = load
        self.start_at = datetime.fromisoformat(load.start_at)
        self.base = ""
        self.made: dict[str, bytes] = {}
        self.versions = self.rounds = 0
        self.reset()

    def reset(self) -> None:
        self.calls: Counter[str] = Counter()
        self.open = self.most_open = 0
        self.window_began, self.in_window = time.monotonic(), 0

    def counted(self) -> dict[str, Any]:
        return {"calls": dict(self.calls), "requests": self.calls.total(), "most_open": self.most_open}

    def at(self, number: int) -> datetime:
        return self.start_at + timedelta(seconds=number * self.load.step_seconds)

    def first_from(self, text: str) -> int:
        seconds = (datetime.fromisoformat(text) - self.start_at).total_seconds()
        return min(max(math.ceil(seconds / self.load.step_seconds), 0), self.load.n)

    def is_too_much(self) -> bool:
        now = time.monotonic()
        if now - self.window_began > self.load.quota_seconds:
            self.window_began, self.in_window = now, 0
        self.in_window += 1
        is_over = bool(self.load.quota) and self.in_window > self.load.quota
        return is_over or (bool(self.load.concurrent) and self.open > self.load.concurrent)


def _feed(state: _State, path: str, query: dict[str, str], prefer: str) -> bytes:
    """One page of calendarView/delta; the token holds the range that is left."""
    if "$deltatoken" in query:
        state.rounds += 1  # a new token each time, as in life: a check that found nothing has a cursor to store
        return _page(b"", "@odata.deltaLink", f"{state.base}{path}?$deltatoken={_TOKEN}{state.rounds:08d}")
    if token := query.get("$skiptoken"):
        low, high, made = (int(part) for part in token.split("-"))
    else:
        low, high = state.first_from(query["startDateTime"]), state.first_from(query["endDateTime"])
        made = 0
    size = 10
    for part in prefer.split(","):
        if "odata.maxpagesize" in part:
            size = min(int(part.split("=")[1]), LARGEST_PAGE)
    upper = min(low + size, high)
    rows = [graph_event(number, state.at(number)) for number in range(low, upper)]
    ours = list(islice(state.made.values(), made, made + size - len(rows)))  # what was written here comes last
    made += len(ours)
    if upper < high or made < len(state.made):
        link = ("@odata.nextLink", f"{state.base}{path}?$skiptoken={upper}-{high}-{made}")
    else:
        link = ("@odata.deltaLink", f"{state.base}{path}?$deltatoken={_TOKEN}")
    return _page(b",".join([*rows, *ours]), *link)


def _marked(state: _State, path: str, query: dict[str, str]) -> bytes:
    """All that was written here; every copy carries its mark."""
    skip, size = int(query.get("$skip", "0")), min(int(query.get("$top", "10")), LARGEST_PAGE)
    rows = b",".join(islice(state.made.values(), skip, skip + size))
    if skip + size >= len(state.made):
        return b'{"value":[' + rows + b"]}"
    more = urlencode(query | {"$skip": str(skip + size)}, safe="$:")
    return _page(rows, "@odata.nextLink", f"{state.base}{path}?{more}")


def _listing(state: _State, path: str, query: dict[str, str]) -> bytes:
    """A plain listing, for clients that know no delta."""
    skip, size = int(query.get("$skip", "0")), min(int(query.get("$top", "10")), LARGEST_PAGE)
    upper = min(skip + size, state.load.n)
    rows = b",".join(graph_event(number, state.at(number)) for number in range(skip, upper))
    if upper >= state.load.n:
        return b'{"value":[' + rows + b"]}"
    more = urlencode(query | {"$skip": str(upper), "$top": str(size)}, safe="$:")
    return _page(rows, "@odata.nextLink", f"{state.base}{path}?{more}")


def _page(rows: bytes, name: str, link: str) -> bytes:
    return b'{"' + name.encode() + b'":' + json.dumps(link).encode() + b',"value":[' + rows + b"]}"


def _answer(state: _State, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    parts = urlsplit(target)
    path, query = parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}
    tail = path.rsplit("/", 1)[-1]
    what = tail if tail.islower() or tail == "calendarView" else "one"
    state.calls[f"{method} {'news' if '$deltatoken' in query else what}"] += 1  # a look for news reads no page again
    if method == "GET":
        return _read(state, path, tail, query, headers.get("prefer", ""))
    if method == "DELETE":
        return 204, b""
    given = json.loads(body or b"{}")
    if tail == "subscriptions":
        return 201, json.dumps({"id": "sub-1", "expirationDateTime": given["expirationDateTime"]}).encode()
    key = f"NEW{len(state.made):08d}" if method == "POST" else tail
    state.versions += 1
    event = json.dumps({**given, "id": key, "@odata.etag": f'W/"made-{state.versions}"', "type": "singleInstance"})
    state.made[key] = event.encode()
    return (201 if method == "POST" else 200), state.made[key]


def _read(state: _State, path: str, tail: str, query: dict[str, str], prefer: str) -> tuple[int, bytes]:
    if tail in {"delta", "delta()", "microsoft.graph.delta()"}:
        return 200, _feed(state, path, query, prefer)
    if tail == "calendars":
        return 200, json.dumps({"value": [_calendar()]}).encode()
    if tail in {CALENDAR, "calendar"}:
        return 200, json.dumps(_calendar()).encode()
    if tail == "mailboxSettings":
        return 200, b'{"timeZone":"UTC"}'
    if tail in {"events", "calendarView"}:
        is_by_mark = "singleValueExtendedProperties" in query.get("$filter", "")
        return 200, _marked(state, path, query) if is_by_mark else _listing(state, path, query)
    if tail in state.made:
        return 200, state.made[tail]
    return 404, b'{"error":{"code":"ErrorItemNotFound","message":"not here"}}'


def _calendar() -> dict[str, Any]:
    owner = {"name": "Staff", "address": "staff@example.test"}
    return {"id": CALENDAR, "name": "Calendar", "isDefaultCalendar": True, "canEdit": True, "owner": owner}


async def _serve(state: _State, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ", 2)
            headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in head[1:])}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            status, answer, more = await _handle(state, method, target, headers, body)
            writer.write(
                b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n"
                % (status, len(answer), more)
                + answer
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        return  # the client is done
    finally:
        writer.close()


async def _handle(
    state: _State, method: str, target: str, headers: dict[str, str], body: bytes
) -> tuple[int, bytes, bytes]:
    if target == "/counted":
        return 200, json.dumps(state.counted()).encode(), b""
    if target == "/reset":
        state.reset()
        return 200, b"{}", b""
    state.open += 1
    state.most_open = max(state.most_open, state.open)
    try:
        if state.is_too_much():
            state.calls["429"] += 1
            return 429, b'{"error":{"code":"ApplicationThrottled","message":"x"}}', b"Retry-After: 1\r\n"
        if state.load.latency_ms:
            await asyncio.sleep(state.load.latency_ms / 1000)
        status, answer = _answer(state, method, target, headers, body)
        return status, answer, b""
    finally:
        state.open -= 1


async def _main(load: Load) -> None:
    state = _State(load)
    server = await asyncio.start_server(lambda r, w: _serve(state, r, w), "127.0.0.1", 0, limit=2**24)
    port = server.sockets[0].getsockname()[1]
    state.base = f"http://127.0.0.1:{port}"
    print(port, flush=True)
    await server.serve_forever()


class GraphServer(ServerProcess):
    """The server as a process; ends with the block. `url` ends in /v1.0. It counts `calls` by kind, `requests` in all
    and `most_open` at once."""

    def __init__(self, load: Load) -> None:
        super().__init__("bench.graph_server", json.dumps(asdict(load)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1.0"


if __name__ == "__main__":
    asyncio.run(_main(Load(**json.loads(sys.argv[1]))))
