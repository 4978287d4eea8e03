"""Entra on this machine: sign-in pages for people, tokens for apps. Start reading at `routes` below.

A `{tenant}` in a path is an alias (common, organizations, consumers), a tenant's GUID or one of its domains.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.entra import authorize, discovery, flow, token_endpoint
from sandbox.entra.answers import page
from sandbox.entra.service import SESSION_COOKIE, Entra

__all__ = ["Entra", "machine_routes", "page_routes"]


def page_routes(entra: Entra) -> list[BaseRoute]:
    """What a person opens in a browser."""

    def route(path: str, answer: Callable[..., Awaitable[Response]], *methods: str) -> Route:
        async def endpoint(request: Request) -> Response:
            return await answer(entra, request)

        return Route(path, endpoint, methods=list(methods))

    return [
        route("/{tenant}/oauth2/v2.0/authorize", authorize.authorize, "GET", "POST"),
        route("/{tenant}/oauth2/v2.0/logout", _log_out, "GET"),
        route("/{tenant}/adminconsent", partial(authorize.admin_consent, version=1), "GET"),
        route("/{tenant}/v2.0/adminconsent", partial(authorize.admin_consent, version=2), "GET"),
        route("/{tenant}/login", flow.log_in, "POST"),
        route("/{tenant}/mfa", flow.second_factor, "POST"),
        route("/{tenant}/consent", flow.answer_consent, "POST"),
        route("/{tenant}/approval", flow.answer_approval, "POST"),
        route("/{tenant}/switch", flow.switch_account, "POST"),
    ]


def machine_routes(entra: Entra) -> list[BaseRoute]:
    """What an app's server calls; served over TLS only, as at Microsoft."""

    async def token(request: Request) -> Response:
        return await token_endpoint.token(entra, request)

    async def configuration(request: Request) -> Response:
        return discovery.configuration(entra, request)

    async def keys(request: Request) -> Response:
        return discovery.keys(entra, request)

    async def instance(request: Request) -> Response:
        return discovery.instance(entra, request)

    return [
        Route("/common/discovery/instance", instance),
        Route("/{tenant}/v2.0/.well-known/openid-configuration", configuration),
        Route("/{tenant}/discovery/v2.0/keys", keys),
        Route("/{tenant}/oauth2/v2.0/token", token, methods=["POST"]),
    ]


async def _log_out(entra: Entra, request: Request) -> Response:
    """End the browser's session; go back only to an address on this machine or one that an app registered."""
    entra.sessions.pop(request.cookies.get(SESSION_COOKIE, ""), None)
    back = request.query_params.get("post_logout_redirect_uri", "")
    origins = {urlsplit(uri)[:2] for app in entra.directory.apps.values() for uri in app.redirect_uris}
    known = bool(back) and urlsplit(back)[:2] in origins
    response: Response = RedirectResponse(back, 302) if known else page("signed_out.html")
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response
