"""The two applications of a sandbox: `machine_app` is served over TLS (tokens, Graph, Exchange), `people_app` over
plain HTTP (sign-in pages, Outlook page, control API). Both stand behind the request log and the fault rules; the parts
of a $batch pass them too.
"""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Scope

from sandbox.control import control_routes
from sandbox.entra import machine_routes, page_routes
from sandbox.exchange_of_messages import with_connection
from sandbox.local_requests import is_local_request
from sandbox.microsoft import Sandbox
from sandbox.outlook import outlook_routes


def machine_app(sandbox: Sandbox) -> ASGIApp:
    """What machines call over TLS."""
    assert sandbox.world.graph_app is not None
    mine = [*machine_routes(sandbox.entra), *page_routes(sandbox.entra), *sandbox.exchange.routes()]
    routes = [*mine, Mount("/", app=sandbox.world.graph_app)]
    return _wrapped(sandbox, Starlette(routes=routes), "https")


def people_app(sandbox: Sandbox) -> ASGIApp:
    """What people open over plain HTTP, and the control API, which neither faults nor log see."""
    plain = sandbox.exchange.autodiscover.plain_routes()
    shown = Starlette(routes=[*plain, *outlook_routes(sandbox), *page_routes(sandbox.entra), Route("/", _home)])
    control = Starlette(routes=control_routes(sandbox))
    behind = _wrapped(sandbox, shown, "http")

    async def by_path(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and not is_local_request(scope):
            refusal = PlainTextResponse("The sandbox serves pages of this machine only.", 403)
            await refusal(scope, receive, send)
            return
        is_control = scope["type"] == "http" and scope["path"].startswith("/control")
        sandbox.control_calls += is_control and scope["method"] != "GET"
        await (control if is_control else behind)(scope, receive, send)

    return by_path


def _wrapped(sandbox: Sandbox, app: ASGIApp, server: str) -> ASGIApp:
    return with_connection(sandbox.log.around(sandbox.faults.around(app), server))


async def _home(request: Request) -> Response:
    return RedirectResponse(request.url_for("outlook_home"))
