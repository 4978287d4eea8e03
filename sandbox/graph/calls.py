"""One call to Graph from request to answer: sign-in, rights, limits, handler, headers of every answer."""

import asyncio
import json
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote, unquote_plus

from starlette.requests import Request
from starlette.responses import Response

from sandbox.calendars import Folder, Mailbox
from sandbox.graph import errors, ids
from sandbox.graph.access import Need, Principal, Reach, authenticate, reach
from sandbox.graph.errors import GraphError, error_body
from sandbox.graph.preferences import Preferences, read_preferences
from sandbox.graph.throttling import MailboxLimits
from sandbox.world import World

_PATH_SAFE = "/()'=@:$,!~*;+"
_DIAGNOSTIC = json.dumps(
    {
        "ServerInfo": {
            "DataCenter": "Sandbox",
            "Slice": "E",
            "Ring": "5",
            "ScaleUnit": "001",
            "RoleInstance": "SANDBOX000001",
        }
    },
    separators=(",", ":"),
)


@dataclass(slots=True)
class Answer:
    """What a handler answers; `body` None means no body at all."""

    status: int
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Call:
    """A call whose sender is known and may do what the route needs."""

    world: World
    request: Request
    principal: Principal
    reach: Reach
    prefer: Preferences
    body: Any
    """Parsed JSON; None when the request had no body."""

    @property
    def mailbox(self) -> Mailbox:
        """The mailbox that the path names."""
        return self.reach.mailbox

    @property
    def base(self) -> str:
        """Address of the service as the client used it, up to and without the path."""
        url = self.request.url
        return f"{url.scheme}://{url.netloc}"

    @property
    def address(self) -> str:
        """Address of this request without its query, on the host the client used."""
        return f"{self.base}{quote(self.request.scope['path'], safe=_PATH_SAFE)}"

    @property
    def context_root(self) -> str:
        """What stands before the fragment's inside in @odata.context."""
        return f"{self.base}/v1.0/$metadata#users('{self.mailbox.oid}')"

    def query(self) -> dict[str, str]:
        """The query options; a repeated one is refused."""
        found: dict[str, str] = {}
        for part in self.request.url.query.split("&"):
            name, _, value = part.partition("=")
            if not name:
                continue
            key = unquote_plus(name)
            if key in found:
                raise errors.unparsable_query(
                    f"Query option '{key}' was specified more than once, but it must be specified at most once."
                )
            found[key] = unquote_plus(value)
        return found

    def folder(self) -> Folder:
        """The calendar that the path names, else the primary one. Raises GraphError 400, 404 or 500."""
        named = self.request.path_params.get("calendar")
        if named is None:
            return self._default()
        try:
            parsed = ids.parse(named)
        except ids.MalformedIdError as error:
            raise errors.malformed_id() from error
        folder = next((f for f in self.reach.folders() if f.folder_id == parsed.folder_id), None)
        if folder is None or parsed.kind != "folder" or parsed.mailbox != ids.mailbox_mark(self.mailbox.oid):
            raise errors.item_not_found()
        return self.usable(folder)

    def usable(self, folder: Folder) -> Folder:
        """The folder itself, unless it answers errors only."""
        if folder.calendar.is_shared_old_way:
            raise errors.shared_the_old_way()
        return folder

    def writable(self, folder: Folder) -> Folder:
        """The folder itself if the caller may write into it. Raises GraphError 403."""
        if not folder.can_edit:
            raise errors.access_denied()
        return folder

    def _default(self) -> Folder:
        for folder in self.reach.folders():
            if folder.calendar.is_default and folder.calendar.mailbox_oid == self.mailbox.oid:
                return folder
        raise errors.item_not_found()


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Action:
    """What a method on a path does and what right it needs."""

    handler: Handler
    need: Need


async def answer_call(world: World, limits: MailboxLimits, request: Request, action: Action) -> Response:
    """Run one call and build its answer; never raises for a refusal."""
    request_id = str(uuid.UUID(int=world.random.getrandbits(128), version=4))
    client_request_id = request.headers.get("client-request-id") or request_id
    applied: tuple[str, ...] = ()
    try:
        principal = authenticate(world.verifier, request.headers.get("authorization"))
        prefer = read_preferences(request.headers.getlist("prefer"))
        applied = prefer.applied
        reached = reach(world.mailboxes, principal, request.path_params.get("user"), action.need)
        answer = await _limited(world, limits, request, principal, reached, prefer, action)
    except GraphError as error:
        body = error_body(error, request_id, client_request_id, world.clock.now())
        answer = Answer(error.status, body, error.headers)
    return finish(world, answer, request_id, client_request_id, applied)


async def _limited(
    world: World,
    limits: MailboxLimits,
    request: Request,
    principal: Principal,
    reached: Reach,
    prefer: Preferences,
    action: Action,
) -> Answer:
    upload = int(request.headers.get("content-length") or 0)
    counted = (
        limits.one_call(principal.client_id, reached.mailbox.oid, world.clock.now(), upload)
        if world.settings.enforces_limits
        else nullcontext()
    )
    with counted:
        body = await _read_json(request)
        await asyncio.sleep(world.settings.service_time.total_seconds())
        world.mailboxes.run_due()
        return action.handler(Call(world, request, principal, reached, prefer, body))


async def _read_json(request: Request) -> Any:
    raw = await request.body()
    if not raw.strip():
        return None
    if "json" not in request.headers.get("content-type", ""):
        raise GraphError(
            415,
            "RequestBodyRead",
            "A supported MIME type could not be found that matches the content type of the request.",
        )
    try:
        return json.loads(raw)
    except ValueError as error:
        raise errors.bad_request(
            "Unable to read JSON request payload. Please ensure Content-Type header "
            "is set and payload is of valid JSON format."
        ) from error


def finish(
    world: World, answer: Answer, request_id: str, client_request_id: str, applied: tuple[str, ...] = ()
) -> Response:
    """Turn an answer into a response with the headers that every answer of Graph carries."""
    headers = {
        "request-id": request_id,
        "client-request-id": client_request_id,
        "x-ms-ags-diagnostic": _DIAGNOSTIC,
        "Date": format_datetime(world.clock.now(), usegmt=True),
        "Strict-Transport-Security": "max-age=31536000",
        "Cache-Control": "private",
    }
    tokens = [*applied, *filter(None, [answer.headers.pop("Preference-Applied", "")])]
    if tokens:
        headers["Preference-Applied"] = ", ".join(tokens)
    headers |= answer.headers
    if answer.body is None:
        return Response(status_code=answer.status, headers=headers)
    headers["OData-Version"] = "4.0"
    return Response(
        json.dumps(answer.body, ensure_ascii=False, separators=(",", ":")).encode(),
        status_code=answer.status,
        headers=headers,
        media_type=(
            "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
        ),
    )
