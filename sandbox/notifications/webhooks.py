"""Calling the endpoints of subscribers: which addresses are allowed, the handshake, one POST.

`*.localhost` names are reached at 127.0.0.1 under their own Host header, since Python's resolver does not know
them; that is how the endpoints of a local cloud are called.
"""

import asyncio
import ipaddress
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import httpx

HANDSHAKE_SECONDS = 10.0


class HandshakeError(Exception):
    """The endpoint did not prove that it wants notifications; `reason` is Microsoft's sentence."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True)
class Delivery:
    """How one POST ended; status 0 when there was no answer."""

    status: int
    seconds: float
    problem: str = ""


def is_allowed(url: str) -> bool:
    """Tell whether notifications may go there: https, or http to this machine only."""
    parts = urlsplit(url)
    if not parts.hostname or parts.username or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_local(parts.hostname))


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Webhooks:
    """One HTTP client for all endpoints. `verify` is an SSL context or True."""

    def __init__(self, verify: Any = True) -> None:
        # A connection each: one that the endpoint closed meanwhile would look like a failed delivery.
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=0)
        # No proxies of the environment: endpoints are on this machine or named by a test.
        self._client = httpx.AsyncClient(verify=verify, trust_env=False, follow_redirects=False, limits=limits)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def prove(self, url: str) -> None:
        """Ask an endpoint to echo a token within ten seconds.

        Raises:
            HandshakeError: with the code and sentence that POST /subscriptions answers.
        """
        token = f"Validation: Testing client application reachability for subscription Request-Id: {uuid.uuid4()}"
        mark = "&" if urlsplit(url).query else "?"
        address = f"{url}{mark}validationToken={quote(token, safe='')}"
        failed = "Notification endpoint must respond with 200 OK to validation request."
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                answer = await self._send(address, b"", "text/plain; charset=utf-8", HANDSHAKE_SECONDS)
        except (TimeoutError, httpx.TimeoutException) as late:
            raise HandshakeError("InvalidRequest", "Subscription validation request timed out.") from late
        except httpx.HTTPError as broken:
            raise HandshakeError("ValidationError", f"Subscription validation request failed. {failed}") from broken
        if answer.status_code != 200:
            seen = httpx.codes.get_reason_phrase(answer.status_code).replace(" ", "") or str(answer.status_code)
            reason = f"Subscription validation request failed. HTTP status code is '{seen}'. {failed}"
            raise HandshakeError("ValidationError", reason)
        content_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "text/plain" or answer.content != token.encode():
            raise HandshakeError("ValidationError", f"Subscription validation request failed. {failed}")

    async def post(self, url: str, body: bytes, seconds: float) -> Delivery:
        """Deliver one collection; never raises for what an endpoint does."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                answer = await self._send(url, body, "application/json; charset=utf-8", seconds)
        except (TimeoutError, httpx.TimeoutException):
            return Delivery(0, time.monotonic() - began, f"no answer within {seconds:g} s")
        except httpx.HTTPError as broken:
            return Delivery(0, time.monotonic() - began, type(broken).__name__)
        return Delivery(answer.status_code, time.monotonic() - began)

    async def post_soap(self, url: str, body: bytes, headers: dict[str, str], seconds: float) -> tuple[int, bytes, str]:
        """Post one SOAP message: status (0 without an answer), content, and what went wrong; never raises for it."""
        try:
            async with asyncio.timeout(seconds):
                answer = await self._send(url, body, "text/xml; charset=utf-8", seconds, headers)
        except (TimeoutError, httpx.TimeoutException):
            return 0, b"", f"no answer within {seconds:g} s"
        except (httpx.HTTPError, httpx.InvalidURL) as broken:
            return 0, b"", type(broken).__name__
        return answer.status_code, answer.content, ""

    async def _send(
        self, url: str, body: bytes, content_type: str, seconds: float, more: dict[str, str] | None = None
    ) -> httpx.Response:
        parts = urlsplit(url)
        headers = {"Content-Type": content_type, "User-Agent": "Microsoft-Graph-Sandbox"} | (more or {})
        extensions: dict[str, Any] = {}
        if (parts.hostname or "").endswith("localhost"):
            headers["Host"] = parts.netloc
            port = f":{parts.port}" if parts.port else ""
            url = urlunsplit(parts._replace(netloc=f"127.0.0.1{port}"))
            extensions["sni_hostname"] = parts.hostname
        request = self._client.build_request("POST", url, content=body, headers=headers, timeout=seconds)
        request.extensions |= extensions
        return await self._client.send(request)
