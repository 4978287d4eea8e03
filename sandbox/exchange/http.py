"""What EWS and Autodiscover share over HTTP: routes in any case, refusals, the type of XML answers."""

import re

from starlette.responses import Response
from starlette.routing import Route

from sandbox.exchange.directory import AuthMethod, ExchangeServer
from sandbox.exchange.sign_in import RefusedError

XML = "text/xml; charset=utf-8"


def caseless(route: Route) -> Route:
    """Let a route take its path in upper and lower case, as IIS does."""
    route.path_regex = re.compile(route.path_regex.pattern, re.IGNORECASE)
    return route


def refused(server: ExchangeServer, methods: list[AuthMethod], refusal: RefusedError) -> Response:
    """A 401 that names the methods of the directory, or the next step of a handshake. Why is never said."""
    response = Response(b"", 401)
    if refusal.challenge:
        response.headers.append("WWW-Authenticate", refusal.challenge)
        return response
    for method in methods:
        words = f'Basic realm="{server.computer.lower()}.{server.dns_domain}"' if method == "Basic" else method
        response.headers.append("WWW-Authenticate", words)
    return response
