"""Control of Exchange: servers with their releases, sign-in methods and limits; people's accounts are in people.py."""

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.routing import BaseRoute

from sandbox.control.answers import NotThereError, plain, route
from sandbox.exchange.directory import DEFAULT_SERVER, ExchangeServer, Limits

if TYPE_CHECKING:
    from sandbox.app import Sandbox


def routes(sandbox: "Sandbox") -> list[BaseRoute]:
    """All addresses of this file."""
    table: list[tuple[str, str, Any, int]] = [
        ("GET", "/control/exchange/servers", _servers, 200),
        ("POST", "/control/exchange/servers", _add_server, 201),
        ("GET", "/control/exchange/servers/{server}", _one_server, 200),
        ("PATCH", "/control/exchange/servers/{server}", _change_server, 200),
        ("DELETE", "/control/exchange/servers/{server}", _remove_server, 204),
    ]
    return [route(sandbox, method, path, handler, status) for method, path, handler, status in table]


def _shown(sandbox: "Sandbox", server: ExchangeServer) -> dict[str, Any]:
    shown: dict[str, Any] = plain(server)
    return shown | {"urls": sandbox.exchange.urls(server), "people": len(sandbox.exchange.state.accounts_on(server))}


def _server(sandbox: "Sandbox", request: Request) -> ExchangeServer:
    name = request.path_params["server"]
    if name not in sandbox.exchange.state.servers:
        raise NotThereError(f"there is no Exchange server {name!r}")
    return sandbox.exchange.state.servers[name]


async def _given(request: Request) -> dict[str, Any]:
    return TypeAdapter(dict[str, Any]).validate_json(await request.body() or b"{}")


def _checked(base: dict[str, Any], given: dict[str, Any]) -> ExchangeServer:
    """Fields of ExchangeServer; `limits` may be given in part. Raises ValueError."""
    known = {f.name for f in fields(ExchangeServer)}
    unknown = sorted(set(given) - known) + sorted(set(given.get("limits", {})) - {f.name for f in fields(Limits)})
    if unknown:
        raise ValueError(f"unknown fields {unknown}; known are {sorted(known)}")
    merged = base | given | {"limits": base.get("limits", {}) | given.get("limits", {})}
    return TypeAdapter(ExchangeServer).validate_python(merged)


async def _servers(sandbox: "Sandbox", _request: Request) -> Any:
    return [_shown(sandbox, server) for server in sandbox.exchange.state.servers.values()]


async def _one_server(sandbox: "Sandbox", request: Request) -> Any:
    return _shown(sandbox, _server(sandbox, request))


async def _add_server(sandbox: "Sandbox", request: Request) -> Any:
    server = _checked({}, await _given(request))
    if server.name in sandbox.exchange.state.servers:
        raise ValueError(f"server {server.name!r} exists already")
    sandbox.exchange.state.servers[server.name] = server
    return _shown(sandbox, server)


async def _change_server(sandbox: "Sandbox", request: Request) -> Any:
    server = _server(sandbox, request)
    given = await _given(request)
    if given.get("name", server.name) != server.name:
        raise ValueError("a server keeps its name")
    changed = _checked(asdict(server), given)
    for field in fields(ExchangeServer):
        setattr(server, field.name, getattr(changed, field.name))
    return _shown(sandbox, server)


async def _remove_server(sandbox: "Sandbox", request: Request) -> None:
    server = _server(sandbox, request)
    if server.name == DEFAULT_SERVER or sandbox.exchange.state.accounts_on(server):
        raise ValueError("the default server stays, and one with people on it")
    del sandbox.exchange.state.servers[server.name]
