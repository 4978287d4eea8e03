"""Control of Exchange: servers with their releases, sign-in methods and limits; push subscriptions and posts.

Accounts of people are in people.py.
"""

from dataclasses import asdict, fields
from typing import Any

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.routing import BaseRoute

from sandbox.control.answers import NotThereError, number, plain, read, route
from sandbox.exchange.directory import DEFAULT_SERVER, ExchangeServer, Limits
from sandbox.exchange.notifications.subscription import EwsSubscription, PushSettings
from sandbox.microsoft import Sandbox
from sandbox.population import Strict


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """All addresses of this file."""
    table: list[tuple[str, str, Any, int]] = [
        ("GET", "/control/exchange/servers", _servers, 200),
        ("POST", "/control/exchange/servers", _add_server, 201),
        ("GET", "/control/exchange/servers/{server}", _one_server, 200),
        ("PATCH", "/control/exchange/servers/{server}", _change_server, 200),
        ("DELETE", "/control/exchange/servers/{server}", _remove_server, 204),
        ("GET", "/control/exchange/subscriptions", _subscriptions, 200),
        ("DELETE", "/control/exchange/subscriptions", _lose_subscriptions, 200),
        ("DELETE", "/control/exchange/subscription", _lose_subscription, 204),
        ("POST", "/control/exchange/subscription/fail", _fail_subscription, 200),
        ("GET", "/control/exchange/push", _push, 200),
        ("PATCH", "/control/exchange/push", _change_push, 200),
        ("GET", "/control/exchange/push/records", _push_records, 200),
    ]
    return [route(sandbox, method, path, handler, status) for method, path, handler, status in table]


def _shown(sandbox: Sandbox, server: ExchangeServer) -> dict[str, Any]:
    shown: dict[str, Any] = plain(server)
    return shown | {"urls": sandbox.exchange.urls(server), "people": len(sandbox.exchange.state.accounts_on(server))}


def _server(sandbox: Sandbox, request: Request) -> ExchangeServer:
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


async def _servers(sandbox: Sandbox, _request: Request) -> Any:
    return [_shown(sandbox, server) for server in sandbox.exchange.state.servers.values()]


async def _one_server(sandbox: Sandbox, request: Request) -> Any:
    return _shown(sandbox, _server(sandbox, request))


async def _add_server(sandbox: Sandbox, request: Request) -> Any:
    server = _checked({}, await _given(request))
    if server.name in sandbox.exchange.state.servers:
        raise ValueError(f"server {server.name!r} exists already")
    sandbox.exchange.state.servers[server.name] = server
    await _open_ports(sandbox, server)
    return _shown(sandbox, server)


async def _change_server(sandbox: Sandbox, request: Request) -> Any:
    server = _server(sandbox, request)
    given = await _given(request)
    if given.get("name", server.name) != server.name:
        raise ValueError("a server keeps its name")
    changed = _checked(asdict(server), given)
    for field in fields(ExchangeServer):
        setattr(server, field.name, getattr(changed, field.name))
    await _open_ports(sandbox, server)
    return _shown(sandbox, server)


async def _remove_server(sandbox: Sandbox, request: Request) -> None:
    server = _server(sandbox, request)
    if server.name == DEFAULT_SERVER or sandbox.exchange.state.accounts_on(server):
        raise ValueError("the default server stays, and one with people on it")
    del sandbox.exchange.state.servers[server.name]
    if sandbox.own_ports is not None:
        await sandbox.own_ports.apply()


async def _open_ports(sandbox: Sandbox, server: ExchangeServer) -> None:
    """Open the port that a server shall have. Raises ValueError where nothing listens or the wish makes no sense."""
    if server.certificate != "good" and not server.has_own_port:
        server.certificate = "good"
        raise ValueError("another certificate needs a port of its own: has_own_port")
    if sandbox.own_ports is not None:
        await sandbox.own_ports.apply()
    elif server.has_own_port:
        server.has_own_port = False
        raise ValueError("this sandbox does not listen anywhere and cannot open a port")


async def _subscriptions(sandbox: Sandbox, _request: Request) -> Any:
    people = sandbox.directory.people
    kept = sandbox.exchange.notifications.state.kept.values()
    return [plain(s) | {"mailbox": people[s.mailbox_oid].email} for s in kept if s.mailbox_oid in people]


async def _lose_subscriptions(sandbox: Sandbox, _request: Request) -> Any:
    """What a restart of the mailbox server does."""
    return {"lost": sandbox.exchange.notifications.lose_all()}


def _subscription(sandbox: Sandbox, request: Request) -> EwsSubscription:
    # Ids have slashes and equals signs in them: they come as a query.
    found = sandbox.exchange.notifications.state.kept.get(request.query_params.get("id", ""))
    if found is None:
        raise NotThereError("there is no such subscription")
    return found


async def _lose_subscription(sandbox: Sandbox, request: Request) -> None:
    del sandbox.exchange.notifications.state.kept[_subscription(sandbox, request).id]


class FailInput(Strict):
    """With which code a subscription ends."""

    code: str = "ErrorReadEventsFailed"


async def _fail_subscription(sandbox: Sandbox, request: Request) -> Any:
    """Send the error post and end the subscription."""
    wanted = await read(request, FailInput)
    return {"was_taken": await sandbox.exchange.notifications.fail(_subscription(sandbox, request), wanted.code)}


async def _push(sandbox: Sandbox, _request: Request) -> Any:
    notifications = sandbox.exchange.notifications
    return {"settings": notifications.state.settings, "is_idle": notifications.is_idle}


async def _change_push(sandbox: Sandbox, request: Request) -> Any:
    notifications = sandbox.exchange.notifications
    merged = notifications.state.settings.model_dump() | await _given(request)
    notifications.state.settings = PushSettings.model_validate(merged)
    notifications.wake()
    return await _push(sandbox, request)


async def _push_records(sandbox: Sandbox, request: Request) -> Any:
    since = number(request, "since", 0)
    records = [record for record in sandbox.exchange.notifications.records if record.id > since]
    return {"last_id": records[-1].id if records else since, "records": records}
