"""The frame of every /v1 route: whose key it is, what it may do, reading bodies and instants, pages by cursor.

A view gets a `Call`, whose account comes from the key and from nowhere else.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import unquote

from pydantic import BaseModel, ValidationError

from calsync_core.domain.errors import InputError, NotFoundError
from calsync_core.domain.ids import LONGEST_ID, AccountId, ResourceId
from calsync_core.domain.resources import ResourceState
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.stores import ApiKey
from calsync_core.usecases.manage_api_keys import find_api_key
from calsync_core.web.answers import Answer, json_answer
from calsync_core.web.request import Request

PAGE_SIZE, LARGEST_PAGE = 50, 200
M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
View = Callable[..., Answer]


@dataclass(frozen=True, slots=True)
class Call:
    """One request with a valid key. `account` is the key's: the only one this request may touch."""

    request: Request
    key: ApiKey

    @property
    def account(self) -> AccountId:
        return self.key.account

    @property
    def who(self) -> str:
        return f"API key {self.key.name}"


@dataclass(frozen=True, slots=True)
class ApiFrame:
    ports: JourneyPorts

    def route(self, view: View, scope: str) -> View:
        """Checks the key before the view runs. A `write` key may also read."""

        def guarded(request: Request, **path: str) -> Answer:
            key = self._key(request)
            if scope == "write" and key.scope != "write":
                raise InputError("scope_missing")
            return view(Call(request, key), **{name: unquote(value) for name, value in path.items()})

        return guarded

    def resource(self, call: Call, resource_id: str) -> ResourceState:
        """Of the key's account. Raises NotFoundError for unknown and foreign ids alike."""
        known = len(resource_id) <= LONGEST_ID
        state = self.ports.stores.resources.get(call.account, ResourceId(resource_id)) if known else None
        if state is None:
            raise NotFoundError("resource_unknown")
        return state

    def _key(self, request: Request) -> ApiKey:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise InputError("key_missing")
        key = find_api_key(self.ports.stores.access, secret.strip())
        if key is None:
            raise InputError("key_unknown")
        return key


def answer(model: BaseModel, status: int = 200) -> Answer:
    return json_answer(model.model_dump(mode="json"), status)


def read_body(call: Call, model: type[M]) -> M:
    """An empty body is `{}`. Raises InputError: body_unreadable, field_unknown, input_invalid with `field`."""
    value: Any = call.request.json() if call.request.body.strip() else {}
    if not isinstance(value, dict) or not _is_text(value):
        raise InputError("body_unreadable")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part)[:80] for part in first["loc"][:3])
        code = "field_unknown" if first["type"] == "extra_forbidden" else "input_invalid"
        raise InputError(code, field=place) from None


def _is_text(value: Any) -> bool:
    """JSON can write half a surrogate pair, which is no text and can be neither stored nor answered."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def instant_argument(call: Call, name: str) -> datetime:
    """Raises InputError("instant_unreadable"): missing, without offset, or no instant at all."""
    try:
        at = datetime.fromisoformat(call.request.argument(name))
        utc = at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError("instant_unreadable", field=name) from None
    if at.tzinfo is None:
        raise InputError("instant_unreadable", field=name)
    return utc


def list_page(call: Call, items: Sequence[T], key: Callable[[T], str]) -> tuple[list[T], str | None]:
    """A page of a list that stands in a fixed order; the cursor names the last item given.

    An item that vanished between two pages does not shift the rest: the cursor holds its place in the order.
    Raises InputError("cursor_unknown"), InputError("input_invalid", field="limit").
    """
    limit, cursor = _limit(call), call.request.argument("cursor")
    start = 0
    if cursor:
        last, position = _decoded(cursor)
        found = next((number for number, item in enumerate(items) if key(item) == last), None)
        start = found + 1 if found is not None else min(position, len(items))
    page = list(items[start : start + limit])
    is_last = start + limit >= len(items)
    return page, None if is_last or not page else _encoded(key(page[-1]), start + len(page) - 1)


def _limit(call: Call) -> int:
    text = call.request.argument("limit", str(PAGE_SIZE))
    if not text.isdecimal() or not 1 <= int(text[:9]) <= LARGEST_PAGE:
        raise InputError("input_invalid", field="limit")
    return int(text)


def _encoded(last: str, position: int) -> str:
    return base64.urlsafe_b64encode(f"{position}|{last}".encode()).rstrip(b"=").decode()


def _decoded(cursor: str) -> tuple[str, int]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InputError("cursor_unknown", field="cursor") from None
    position, separator, last = text.partition("|")
    if not separator or not position.isdecimal() or len(position) > 9:
        raise InputError("cursor_unknown", field="cursor")
    return last, int(position)
