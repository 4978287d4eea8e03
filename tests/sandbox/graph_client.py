"""A client of the in-process Graph and a fake sign-in; every answer is judged by Microsoft's own description."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from sandbox.graph.routes import graph_app
from sandbox.world import World
from tests.sandbox.openapi_slice import DESCRIPTION, load_slice

TENANT = "72f988bf-0000-4000-8000-000000000001"
ANNA = "aaaaaaaa-0000-4000-8000-000000000001"
BERT = "bbbbbbbb-0000-4000-8000-000000000002"
ROOM = "cccccccc-0000-4000-8000-000000000003"
PAUL = "00000000-0000-0000-1111-222222222222"
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
PROPERTY = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name calsyncId"


@dataclass(frozen=True)
class FakePrincipal:
    """What a fake token says."""

    oid: str | None = ANNA
    tenant_id: str = TENANT
    client_id: str = "app-1"
    scopes: frozenset[str] = frozenset(
        {"Calendars.ReadWrite", "MailboxSettings.ReadWrite", "User.Read", "offline_access"}
    )
    roles: frozenset[str] = frozenset()


@dataclass
class FakeVerifier:
    """Tokens are names of principals."""

    principals: dict[str, FakePrincipal] = field(default_factory=dict)

    def verify(self, access_token: str) -> FakePrincipal:
        if access_token == "expired":
            raise ValueError("expired")
        if access_token not in self.principals:
            raise ValueError("invalid")
        return self.principals[access_token]


class Graph:
    """A client of the in-process Graph. `call` checks every exchange against the description."""

    def __init__(self, world: World, verifier: FakeVerifier, client: httpx.AsyncClient) -> None:
        self.world = world
        self.verifier = verifier
        self.client = client

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "anna",
        headers: dict[str, str] | None = None,
        prefer: str | None = None,
        checked: bool = True,
    ) -> httpx.Response:
        sent = {"Authorization": f"Bearer {token}", **(headers or {})}
        if prefer is not None:
            sent["Prefer"] = prefer
        response = await self.client.request(method, path, json=body, headers=sent)
        if checked and DESCRIPTION.exists():
            shown = response.json() if response.content else None
            relative = response.request.url.raw_path.decode().removeprefix("/v1.0")
            load_slice().check(method, relative, response.status_code, shown, body)
        return response

    async def get(self, path: str, **options: Any) -> dict[str, Any]:
        response = await self.call("GET", path, **options)
        assert response.status_code == 200, response.text
        return response.json()

    async def post(self, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        response = await self.call("POST", path, body, **options)
        assert response.status_code in (200, 201), response.text
        return response.json()

    async def patch(self, path: str, body: Any, **options: Any) -> dict[str, Any]:
        response = await self.call("PATCH", path, body, **options)
        assert response.status_code == 200, response.text
        return response.json()

    async def refused(self, status: int, code: str, method: str, path: str, body: Any = None, **options: Any) -> Any:
        response = await self.call(method, path, body, **options)
        assert (response.status_code, response.json()["error"]["code"]) == (status, code), response.text
        return response

    async def create(self, token: str = "anna", path: str = "/me/events", **fields: Any) -> dict[str, Any]:
        return await self.post(path, an_event(**fields), token=token)

    async def pages(self, path: str, *, prefer: str | None = None, token: str = "anna") -> list[dict[str, Any]]:
        """All pages from here to the end."""
        found = [await self.get(path, prefer=prefer, token=token)]
        while "@odata.nextLink" in found[-1]:
            found.append(await self.get(found[-1]["@odata.nextLink"], prefer=prefer, token=token))
        return found

    async def rows(self, path: str, **options: Any) -> list[dict[str, Any]]:
        return [row for page in await self.pages(path, **options) for row in page["value"]]

    async def round(self, link: str, **options: Any) -> tuple[list[dict[str, Any]], str]:
        """One delta round: its rows and the delta link at its end."""
        pages = await self.pages(link, **options)
        return [row for page in pages for row in page["value"]], pages[-1]["@odata.deltaLink"]


def at(day: str, clock: str = "09:00", zone: str = "Romance Standard Time") -> dict[str, str]:
    return {"dateTime": f"{day}T{clock}:00", "timeZone": zone}


def an_event(day: str = "2026-11-20", begin: str = "09:00", until: str = "10:00", **fields: Any) -> dict[str, Any]:
    zone = fields.pop("zone", "Romance Standard Time")
    return {"subject": "Massage", "start": at(day, begin, zone), "end": at(day, until, zone), **fields}


def weekly(day: str, *days: str, **range_: Any) -> dict[str, Any]:
    return {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": list(days)},
        "range": {"type": "noEnd", "startDate": day, **range_},
    }


def daily(day: str, **range_: Any) -> dict[str, Any]:
    return {
        "pattern": {"type": "daily", "interval": 1},
        "range": {"type": "noEnd", "startDate": day, **range_},
    }


def window(start: str = "2026-11-01T00:00:00Z", end: str = "2026-12-31T00:00:00Z") -> str:
    return f"startDateTime={start}&endDateTime={end}"


Run = Callable[[Callable[[Graph], Awaitable[Any]]], Any]


@asynccontextmanager
async def open_graph(world: World, verifier: FakeVerifier) -> AsyncIterator[Graph]:
    transport = httpx.ASGITransport(app=graph_app(world))
    async with httpx.AsyncClient(transport=transport, base_url="https://graph.test/v1.0/") as client:
        yield Graph(world, verifier, client)
