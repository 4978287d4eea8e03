"""Faults by rule: a matching request is refused, delayed, answered emptily, cut off before or after its effect.

Rules come from the control API. They are asked in order, the first that fires wins. What does NOT belong here:
refusals that Microsoft has reasons for (limits, tokens, mailbox states): those are in `graph/` and `entra/`.
"""

import asyncio
import json
import re
import uuid
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.exchange_of_messages import CUT, FAULTED, Answer, collect, read_body, replay
from sandbox.fault_bodies import PAGES, Page, Spoil, blow_up, cut, spoil
from sandbox.fault_shapes import FAULT_SHAPES

MailboxOf = Callable[[Scope], str]


class EwsFault(BaseModel):
    """An error of Exchange instead of the answer to an operation; the request takes effect only if it says so.

    `form`: a failed response message for each object of the request; a SOAP fault with HTTP 500, or with 200 as some
    servers do; "inner" is ErrorInternalServerError with the code inside.
    """

    model_config = ConfigDict(extra="forbid")

    code: str = Field(pattern=r"^Error[A-Za-z]+$")
    message: str = ""
    form: Literal["message", "fault", "fault_200", "inner"] = "message"
    back_off_milliseconds: int | None = Field(default=None, ge=0)
    values: dict[str, str] = {}
    takes_effect: bool = False


class FaultAction(BaseModel):
    """What happens. `delay` in seconds; `close` cuts the connection before or after the request took effect.

    `cut_content`, `spoil` and `blow_up` change the content of an answer that is complete as HTTP goes.
    """

    model_config = ConfigDict(extra="forbid")

    status: int | None = Field(default=None, ge=100, le=599)
    shape: str | None = None
    body: Any = None
    headers: dict[str, str] = {}
    retry_after: str | float | None = None
    empty_body: bool = False
    delay: float = Field(default=0, ge=0, le=600)
    close: Literal["before", "after"] | None = None
    truncate: int | None = Field(default=None, ge=0)
    page: Page | None = None
    ews: EwsFault | None = None
    cut_content: float | None = Field(default=None, ge=0)
    spoil: Spoil | None = None
    blow_up: int | None = Field(default=None, ge=1, le=500_000_000)

    @field_validator("shape")
    @classmethod
    def _is_known(cls, shape: str | None) -> str | None:
        if shape is not None and shape not in FAULT_SHAPES:
            raise ValueError(f"unknown shape; there are {', '.join(sorted(FAULT_SHAPES))}")
        return shape

    @model_validator(mode="after")
    def _does_something(self) -> "FaultAction":
        if not self.model_dump(exclude_none=True, exclude_defaults=True):
            raise ValueError(f"an action needs one of {', '.join(FaultAction.model_fields)}")
        return self

    @property
    def changes_content(self) -> bool:
        """Whether the answer's content becomes another one."""
        return self.cut_content is not None or self.spoil is not None or self.blow_up is not None

    @property
    def is_refusal(self) -> bool:
        """Whether the request is answered here and never reaches the application."""
        return self.status is not None or self.shape is not None or self.page is not None


class FaultMatch(BaseModel):
    """Which requests a rule means; patterns are searched for, `path` in path and query, `body` in the body.

    `operation` is one of Exchange ("SyncFolderItems"); such a rule is asked after the sign-in, others before it.
    """

    model_config = ConfigDict(extra="forbid")

    method: str | None = None
    path: re.Pattern[str] | None = None
    body: re.Pattern[str] | None = None
    mailbox: str | None = None
    operation: str | None = None


class FaultRule(BaseModel):
    """One rule. Of the matching requests the first `skip` pass, then `times` (None: all) are hit by `probability`."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(default_factory=lambda: uuid.uuid4().hex[:12])
    match: FaultMatch = FaultMatch()
    skip: int = Field(default=0, ge=0)
    nth: int | None = Field(default=None, ge=1)
    times: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, ge=0, le=1)
    action: FaultAction
    seen: int = 0
    fired: int = 0

    @model_validator(mode="after")
    def _names_an_operation(self) -> "FaultRule":
        if self.action.ews is not None and self.match.operation is None:
            raise ValueError('an "ews" action needs match.operation')
        return self


class Faults:
    """The rules, and the middleware that obeys them."""

    def __init__(self, now: Callable[[], datetime], random: Random, mailbox_of: MailboxOf) -> None:
        self.rules: list[FaultRule] = []
        self._now = now
        self._random = random
        self._mailbox_of = mailbox_of

    def choose(
        self, method: str, target: str, mailbox: str, body: str, operation: str | None = None
    ) -> FaultAction | None:
        """Find the action for a request and count it. Rules about operations are asked with an operation only."""
        for rule in self.rules:
            if rule.match.operation != operation or not _fits(rule.match, method, target, mailbox, body):
                continue
            rule.seen += 1
            if rule.seen <= rule.skip or (rule.nth is not None and rule.seen != rule.nth):
                continue
            if rule.times is not None and rule.fired >= rule.times:
                continue
            if rule.probability < 1 and self._random.random() >= rule.probability:
                continue
            rule.fired += 1
            return rule.action
        return None

    def around(self, app: ASGIApp) -> ASGIApp:
        """Put the rules around an application."""

        async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope.get(FAULTED) or not self.rules:
                await app(scope, receive, send)
                return
            scope[FAULTED] = True
            body = await read_body(receive)
            target = scope["path"] + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
            text = body.decode("utf-8", errors="replace")
            action = self.choose(scope["method"], target, self._mailbox_of(scope), text)
            if action is None:
                await app(scope, replay(body, receive), send)
                return
            await self.act(action, app, scope, body, receive, send)

        return faulty

    async def act(
        self, action: FaultAction, app: ASGIApp, scope: Scope, body: bytes, receive: Receive, send: Send
    ) -> None:
        """Let an action happen to one request; the application answers where the action does not."""
        if action.delay:
            await asyncio.sleep(action.delay)
        if action.close == "before":
            await _cut(scope, receive, send)
            return
        if action.is_refusal:
            answer = Answer()
            for message in self._refusal(action, scope):
                await answer.send(message)
        else:
            answer = await collect(app, scope, body, receive)
        if action.close == "after":
            await _cut(scope, receive, send)
            return
        if action.truncate is not None:
            await _send_part(answer, action.truncate, scope, receive, send)
            return
        if action.empty_body:
            answer = _emptied(answer)
        if action.changes_content:
            answer = _changed(answer, action)
        for message in answer.messages:
            await send(message)

    def _refusal(self, action: FaultAction, scope: Scope) -> list[Message]:
        if action.page is not None:
            usual, html = PAGES[action.page]
            return _page(action.status or usual, html, action)
        shape = FAULT_SHAPES.get(action.shape or "")
        status = action.status or (shape.status if shape else 500)
        retry_after = action.retry_after if action.retry_after is not None else (shape.retry_after if shape else "")
        request_id = str(uuid.uuid4())
        asked = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        client_request_id = asked.get("client-request-id", request_id)
        body = action.body
        if body is None and shape is not None and shape.code:
            inner = {
                "date": f"{self._now():%Y-%m-%dT%H:%M:%S}",
                "request-id": request_id,
                "client-request-id": client_request_id,
            }
            body = {"error": {"code": shape.code, "message": shape.message, "innerError": inner}}
        is_empty = action.empty_body or body is None
        content = b"" if is_empty else (body if isinstance(body, str) else json.dumps(body)).encode()
        headers = {
            "request-id": request_id,
            "client-request-id": client_request_id,
            "content-length": str(len(content)),
        }
        if content:
            headers["content-type"] = "text/html" if isinstance(body, str) else "application/json"
        if retry_after not in ("", None):
            headers["retry-after"] = str(retry_after)
        if status == 401 and not scope["path"].lower().startswith(("/ews/", "/autodiscover/")):
            headers["www-authenticate"] = 'Bearer realm="", client_id="00000003-0000-0000-c000-000000000000"'
        headers |= {name.lower(): value for name, value in action.headers.items()}
        pairs = [(k.encode(), v.encode("latin-1")) for k, v in headers.items()]
        return [
            {"type": "http.response.start", "status": status, "headers": pairs},
            {"type": "http.response.body", "body": content},
        ]


def _fits(match: FaultMatch, method: str, target: str, mailbox: str, body: str) -> bool:
    return (
        (match.method is None or match.method.upper() == method)
        and (match.path is None or match.path.search(target) is not None)
        and (match.mailbox is None or match.mailbox.lower() == mailbox)
        and (match.body is None or match.body.search(body) is not None)
    )


async def _cut(scope: Scope, receive: Receive, send: Send) -> None:
    """End the connection without an answer; a part of a batch has none of its own and gets a 504."""
    cut = scope.get("extensions", {}).get(CUT)
    if cut is None:
        await send({"type": "http.response.start", "status": 504, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        return
    cut()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_part(answer: Answer, length: int, scope: Scope, receive: Receive, send: Send) -> None:
    """Promise the whole answer, send the first bytes of it, cut."""
    start = next(m for m in answer.messages if m["type"] == "http.response.start")
    headers = [(k, v) for k, v in start["headers"] if k.lower() != b"content-length"]
    headers += [(b"content-length", str(len(answer.body)).encode()), (b"x-sandbox-fault", b"truncated")]
    await send({**start, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body[:length], "more_body": True})
    await asyncio.sleep(0.05)  # let the part leave the socket: an abort throws away what waits
    await _cut(scope, receive, send)


def _page(status: int, content: str, action: FaultAction) -> list[Message]:
    headers = {"content-type": "text/html; charset=utf-8", "content-length": str(len(content.encode()))}
    headers |= {name.lower(): value for name, value in action.headers.items()}
    pairs = [(k.encode(), v.encode("latin-1")) for k, v in headers.items()]
    return [
        {"type": "http.response.start", "status": status, "headers": pairs},
        {"type": "http.response.body", "body": content.encode()},
    ]


def _changed(answer: Answer, action: FaultAction) -> Answer:
    """The answer with its content blown up, spoiled or cut - a whole one as HTTP goes."""
    content = answer.body
    if action.blow_up is not None:
        content = blow_up(content, action.blow_up)
    if action.spoil is not None:
        content = spoil(content, action.spoil)
    if action.cut_content is not None:
        content = cut(content, action.cut_content)
    start = next(m for m in answer.messages if m["type"] == "http.response.start")
    kept = [(k, v) for k, v in start["headers"] if k.lower() != b"content-length"]
    headers = [*kept, (b"content-length", str(len(content)).encode()), (b"x-sandbox-fault", b"content")]
    return Answer([{**start, "headers": headers}, {"type": "http.response.body", "body": content}])


def _emptied(answer: Answer) -> Answer:
    start = next(m for m in answer.messages if m["type"] == "http.response.start")
    kept = [(k, v) for k, v in start["headers"] if k.lower() not in (b"content-length", b"content-type")]
    headers = [*kept, (b"content-length", b"0")]
    return Answer([{**start, "headers": headers}, {"type": "http.response.body", "body": b""}])
