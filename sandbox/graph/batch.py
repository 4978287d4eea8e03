"""$batch: up to 20 requests in one, at most four at a time for one mailbox, dependsOn in order.

Each part runs through the whole application as a request of its own, so that limits, faults and the request log
treat it like any other. Source: "Combine multiple requests in one HTTP call using JSON batching".
"""

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Scope

from sandbox.graph import errors
from sandbox.graph.access import authenticate
from sandbox.graph.calls import Answer
from sandbox.graph.errors import GraphError, error_body
from sandbox.world import World

MAX_PARTS = 20
MAX_PARALLEL = 4
_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})
_PASSED_ON = ("authorization", "host", "user-agent")
_KEPT = frozenset(
    {"content-type", "cache-control", "retry-after", "preference-applied", "location", "odata-version", "etag"}
)


@dataclass(slots=True)
class Part:
    """One request of a batch."""

    id: str
    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    depends_on: tuple[str, ...] = ()

    @property
    def mailbox(self) -> str:
        """What tells whose mailbox it is for: 'me' or 'users/x'."""
        parts = self.url.lstrip("/").split("?")[0].split("/")
        return "/".join(parts[:2]).casefold() if parts[0] == "users" else parts[0].casefold()


def read_parts(body: Any) -> list[Part]:
    """Read the requests of a batch. Raises GraphError 400 for a malformed batch."""
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(requests, list) or not requests:
        raise errors.bad_request("Invalid batch payload format.")
    if len(requests) > MAX_PARTS:
        raise GraphError(400, "BadRequest", f"Number of batch request steps exceeds the maximum value of {MAX_PARTS}.")
    parts: dict[str, Part] = {}
    for one in requests:
        part = _read_part(one)
        if part.id in parts:
            raise errors.bad_request(f"Request Id '{part.id}' has to be unique in a batch.")
        parts[part.id] = part
    for part in parts.values():
        _check_dependencies(part, parts)
    return list(parts.values())


def _read_part(one: Any) -> Part:
    if not isinstance(one, dict):
        raise errors.bad_request("Invalid batch payload format.")
    id_, method, url = one.get("id"), one.get("method"), one.get("url")
    headers, depends_on = one.get("headers") or {}, one.get("dependsOn") or []
    if not isinstance(id_, str) or not id_ or not isinstance(method, str) or method.upper() not in _METHODS:
        raise errors.bad_request("Invalid batch payload format: id and method are required.")
    if not isinstance(url, str) or not url or "://" in url.split("?")[0]:
        raise errors.bad_request(f"Invalid batch request url: '{url}' must be relative.")
    if "$batch" in url:
        raise errors.bad_request("Batch requests cannot be nested.")
    if not isinstance(headers, dict) or not isinstance(depends_on, list):
        raise errors.bad_request("Invalid batch payload format.")
    named = {str(name).casefold(): str(value) for name, value in headers.items()}
    if not all(text.isascii() and text.isprintable() for pair in named.items() for text in pair):
        raise errors.bad_request(f"A header of request id '{id_}' is not valid.")
    if one.get("body") is not None and "content-type" not in named:
        raise errors.bad_request(f"Content-Type header is missing in the headers of request id '{id_}'.")
    return Part(id_, method.upper(), url, named, one.get("body"), tuple(map(str, depends_on)))


def _check_dependencies(part: Part, parts: dict[str, Part]) -> None:
    seen: set[str] = set()
    waiting = list(part.depends_on)
    while waiting:
        other = waiting.pop()
        if other not in parts or other == part.id:
            raise errors.bad_request(f"Request '{part.id}' depends on '{other}', which is not possible.")
        if other not in seen:
            seen.add(other)
            waiting += parts[other].depends_on


async def run_batch(world: World, app: ASGIApp, request: Request, request_id: str) -> Answer:
    """Run a batch and answer 200 whatever its parts say. Raises GraphError 400 or 401 for the whole."""
    authenticate(world.verifier, request.headers.get("authorization"))
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise errors.bad_request("Invalid batch payload format.") from error
    parts = read_parts(body)
    lanes: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(MAX_PARALLEL))
    tasks: dict[str, asyncio.Task[dict[str, Any]]] = {}
    ready = asyncio.Event()

    async def run(part: Part) -> dict[str, Any]:
        await ready.wait()
        for other in part.depends_on:
            if (await tasks[other])["status"] >= 400:
                return _failed_dependency(world, part, request_id)
        async with lanes[part.mailbox]:
            return await _run_part(app, request, part)

    for part in parts:
        tasks[part.id] = asyncio.create_task(run(part))
    ready.set()
    responses = list(await asyncio.gather(*tasks.values()))
    world.random.shuffle(responses)  # the order of answers means nothing
    return Answer(200, {"responses": responses})


def _failed_dependency(world: World, part: Part, request_id: str) -> dict[str, Any]:
    error = GraphError(424, "FailedDependency", "A request that this one depends on has failed.")
    body = error_body(error, request_id, request_id, world.clock.now())
    return {"id": part.id, "status": 424, "headers": {"Content-Type": "application/json"}, "body": body}


async def _run_part(app: ASGIApp, request: Request, part: Part) -> dict[str, Any]:
    raw = b"" if part.body is None else json.dumps(part.body).encode()
    sent: list[Message] = []
    delivered = False

    async def receive() -> Message:
        nonlocal delivered
        if delivered:
            return {"type": "http.disconnect"}
        delivered = True
        return {"type": "http.request", "body": raw, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(_scope(request, part, raw), receive, send)
    status = next(m["status"] for m in sent if m["type"] == "http.response.start")
    headers = {
        name.decode().title(): value.decode()
        for message in sent
        for name, value in message.get("headers", ())
        if name.decode().casefold() in _KEPT
    }
    content = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
    answer: dict[str, Any] = {"id": part.id, "status": status, "headers": headers}
    if content:
        answer["body"] = json.loads(content) if "json" in headers.get("Content-Type", "") else content.decode()
    return answer


def _scope(request: Request, part: Part, raw: bytes) -> Scope:
    path, _, query = part.url.partition("?")
    version = "/" + request.url.path.strip("/").split("/")[0]
    full = f"{version}/{path.lstrip('/')}"
    headers = {name: value for name, value in request.headers.items() if name in _PASSED_ON}
    headers |= part.headers
    if raw:
        headers["content-length"] = str(len(raw))
    return {
        **{
            key: request.scope[key]
            for key in ("type", "asgi", "http_version", "scheme", "server", "client")
            if key in request.scope
        },
        "method": part.method,
        "path": unquote(full),
        "raw_path": full.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        "state": {},
        "calsync.batch_part": part.id,
    }
