"""One TCP connection as the applications see it: what was agreed on it lasts as long as it does.

NTLM signs a connection in and not a request, so the server must keep something for each. uvicorn gives every request
a copy of its `app_state`; the protocol here puts one object of the connection into it. Under a test's in-process
transport there is no connection, and `connection_of` gives a fresh object for each request.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_KEY = "sandbox.connection"


@dataclass(slots=True)
class Connection:
    """One TCP connection; `notes` belong to whoever puts something there, under a key of his own."""

    notes: dict[str, Any] = field(default_factory=dict)
    certificate: str = ""
    """File with the certificate that the server showed; empty without TLS."""


class ConnectedProtocol(H11Protocol):
    """HTTP/1.1 with one Connection for all requests of a TCP connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, _KEY: Connection(certificate=str(self.config.ssl_certfile or ""))}


def connection_of(scope: Scope) -> Connection:
    """The connection that a request came on."""
    found = scope.get("state", {}).get(_KEY)
    return found if isinstance(found, Connection) else Connection()
