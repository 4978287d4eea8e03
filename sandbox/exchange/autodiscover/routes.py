"""Autodiscover over HTTP: the addresses, sign-in, redirections by HTTP and on plain http."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.exchange.autodiscover import pox, soap
from sandbox.exchange.autodiscover.found import look_up
from sandbox.exchange.directory import ExchangeServer
from sandbox.exchange.http import XML, caseless, refused
from sandbox.exchange.sign_in import RefusedError
from sandbox.exchange.versions import Version
from sandbox.exchange.xml import Element, UnreadableError, read, write

if TYPE_CHECKING:
    from sandbox.exchange.service import Exchange

SOAP_PATH, POX_PATH = "/autodiscover/autodiscover.svc", "/autodiscover/autodiscover.xml"
JSON_PATH = "/autodiscover/autodiscover.json"


class Autodiscover:
    """The Autodiscover directory of every server."""

    def __init__(self, exchange: "Exchange") -> None:
        self.exchange = exchange

    def routes(self) -> list[BaseRoute]:
        """What is served over TLS."""
        return [
            caseless(Route(SOAP_PATH, self._soap, methods=["GET", "POST"])),
            caseless(Route(POX_PATH, self._pox, methods=["GET", "POST"])),
            caseless(Route(JSON_PATH, self._json, methods=["GET"])),
            caseless(Route(f"{JSON_PATH}/v1.0/{{address}}", self._json, methods=["GET"])),
        ]

    def plain_routes(self) -> list[BaseRoute]:
        """On plain http only the redirection that clients look for (http://autodiscover.<domain>/...)."""
        return [caseless(Route(POX_PATH, self._to_tls, methods=["GET", "HEAD"]))]

    async def _to_tls(self, _request: Request) -> Response:
        return RedirectResponse(f"{self.exchange.base_url}{POX_PATH}", 302)

    def _opened(self, request: Request) -> tuple[ExchangeServer, Response | None]:
        """The server, and what it answers before it looks at the request, if anything."""
        server = self.exchange.server_of(request)
        if not server.is_autodiscover_on:
            return server, Response(b"", 404)
        if server.autodiscover_redirect:
            return server, RedirectResponse(server.autodiscover_redirect, 302)
        try:
            self.exchange.authenticate(request, server, server.autodiscover_auth)
        except RefusedError as refusal:
            return server, refused(server, server.autodiscover_auth, refusal)
        return server, None

    async def _soap(self, request: Request) -> Response:
        server, early = self._opened(request)
        if early is not None:
            return early
        # 2007 has no SOAP Autodiscover at all; a server may have it taken off.
        if server.build.newest < Version.EXCHANGE2010 or not server.has_soap_autodiscover:
            return Response(b"", 404)
        if request.method == "GET":
            return Response(b"", 405)
        try:
            users, names = soap.read_request(read(await request.body()))
        except (UnreadableError, soap.InvalidRequestError) as wrong:
            return _xml(soap.invalid(server, str(wrong)))
        urls = self._urls(request)
        found = [look_up(self.exchange.access, server, user, urls) for user in users]
        return _xml(soap.answer(server, found, names))

    async def _pox(self, request: Request) -> Response:
        server, early = self._opened(request)
        if early is not None:
            return early
        now = self.exchange.now()
        try:
            address = pox.read_request(read(await request.body()))
        except UnreadableError:
            return _xml(pox.error(now, 600, "Invalid Request"))
        except pox.InvalidRequestError as wrong:
            return _xml(pox.error(now, wrong.code, wrong.words))
        urls = self._urls(request)
        found = look_up(self.exchange.access, server, address, urls)
        return _xml(pox.answer(server, found, now, urls[server.name]["ews"]))

    async def _json(self, request: Request) -> Response:
        """Autodiscover v2, since 2016: names the address of a protocol and asks for no sign-in."""
        server = self.exchange.server_of(request)
        address = request.path_params.get("address") or request.query_params.get("Email", "")
        if not server.is_autodiscover_on or server.build.newest < Version.EXCHANGE2016:
            return Response(b"", 404)
        if request.query_params.get("Protocol", "").casefold() != "ews" or "@" not in address:
            words = "The given protocol value is invalid. Supported values are 'EWS'."
            return JSONResponse({"ErrorCode": "InvalidProtocol", "ErrorMessage": words}, 400)
        return JSONResponse({"Protocol": "EWS", "Url": self._url_of(request, server, address)})

    def _url_of(self, request: Request, server: ExchangeServer, address: str) -> str:
        """The cloud's address for a mailbox that is there, else this server's, whether it knows the mailbox or not."""
        mailbox = self.exchange.world.mailboxes.by_address(address)
        account = self.exchange.state.accounts.get(mailbox.oid) if mailbox else None
        if mailbox is not None and (account is None or account.location == "moved"):
            return f"{self.exchange.world.settings.outlook_url}/EWS/Exchange.asmx"
        return self._urls(request)[server.name]["ews"]

    def _urls(self, request: Request) -> dict[str, dict[str, str]]:
        """Every server's addresses; those on the shared port under the host that the client used."""
        here = f"{request.url.scheme}://{request.url.netloc}"
        return {server.name: self.exchange.urls(server, here) for server in self.exchange.state.servers.values()}


def _xml(document: Element) -> Response:
    return Response(write(document), media_type=XML)
