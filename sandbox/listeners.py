"""Listening: the servers of this process, and more ports for single Exchange servers while it runs."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from sandbox.connections import ConnectedProtocol
from sandbox.exchange.directory import ExchangeServer, ExchangeState
from sandbox.tls import certificate_file


class Server(uvicorn.Server):
    """One of several servers in one process: signals are handled once, by whoever started them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def listen(port: int) -> socket.socket:
    """A socket on a port of this machine (0: a free one). Raises OSError when it is taken."""
    # Named as TCP, or asyncio would not switch Nagle's algorithm off: 40 ms for each answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def server_for(app: ASGIApp, certificate: Path | None = None) -> Server:
    """A server of an application, over TLS with a certificate."""
    config = uvicorn.Config(
        app,
        http=ConnectedProtocol,
        lifespan="off",
        ws="none",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=30,
        ssl_certfile=str(certificate) if certificate else None,
    )
    return Server(config)


@dataclass
class _Open:
    server: Server
    task: asyncio.Task[None]
    certificate: str


class OwnPorts:
    """The ports of Exchange servers that have one of their own, each with its certificate."""

    def __init__(self, app: ASGIApp, folder: Path, state: ExchangeState) -> None:
        self._app = app
        self._folder = folder
        self._state = state
        self._open: dict[str, _Open] = {}

    async def apply(self) -> None:
        """Open, close and change ports until they are as the servers say; a port keeps its number."""
        wanted = {s.name: s for s in self._state.servers.values() if s.has_own_port}
        for name in list(self._open):
            if name not in wanted or wanted[name].certificate != self._open[name].certificate:
                await self._close(name)
        for name, server in wanted.items():
            if name not in self._open:
                await self._begin(server)

    async def close(self) -> None:
        """Close all."""
        for name in list(self._open):
            await self._close(name)

    async def _begin(self, server: ExchangeServer) -> None:
        try:
            listener = listen(server.port)
        except OSError:
            listener = listen(0)  # somebody else has it since the last run
        server.port = int(listener.getsockname()[1])
        made = server_for(self._app, certificate_file(self._folder, server.certificate))
        task = asyncio.create_task(made.serve([listener]))
        while not made.started and not task.done():
            await asyncio.sleep(0.01)
        self._open[server.name] = _Open(made, task, server.certificate)

    async def _close(self, name: str) -> None:
        opened = self._open.pop(name)
        opened.server.should_exit = True
        await opened.task
