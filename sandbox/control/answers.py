"""How the control API reads and answers: JSON, strict about unknown fields, errors as one sentence."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.microsoft import Sandbox
from sandbox.people import DirectoryError
from sandbox.zones import UnknownZoneError

Model = TypeVar("Model", bound=BaseModel)
Handler = Callable[[Sandbox, Request], Awaitable[Any]]


class NotThereError(LookupError):
    """What the path names does not exist."""


def route(sandbox: Sandbox, method: str, path: str, handler: Handler, status: int = 200) -> Route:
    """A route that answers what its handler returns as JSON; None answers 204."""

    async def endpoint(request: Request) -> Response:
        try:
            found = await handler(sandbox, request)
        except ValidationError as wrong:
            problems = [{"field": ".".join(map(str, e["loc"])), "problem": e["msg"]} for e in wrong.errors()]
            return JSONResponse({"error": "the body is not as described", "problems": problems}, 422)
        except NotThereError as missing:
            return JSONResponse({"error": str(missing)}, 404)
        except (DirectoryError, UnknownZoneError, ValueError) as wrong:
            return JSONResponse({"error": str(wrong)}, 400)
        return Response(status_code=204) if found is None else JSONResponse(plain(found), status)

    return Route(path, endpoint, methods=[method])


async def read(request: Request, model: type[Model]) -> Model:
    """The request's body as that model; raises pydantic's ValidationError."""
    body = await request.body()
    return model.model_validate_json(body or b"{}")


def plain(value: Any) -> Any:
    """A value as JSON has it: instants in UTC with Z, durations in seconds, sets as sorted lists."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(plain(v) for v in value)
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value


def number(request: Request, name: str, default: int) -> int:
    """A whole number from the query; raises ValueError."""
    text = request.query_params.get(name, "")
    return int(text) if text else default
