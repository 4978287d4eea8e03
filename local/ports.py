"""Which ports a local cloud listens on: named by environment, else those of the last time, else free ones."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Ports:
    """All on 127.0.0.1."""

    aws: int
    """The emulator: AWS's interfaces and the deployed HTTP API."""
    microsoft: int
    """The sandbox over TLS: sign-in and Graph, for machines."""
    outlook: int
    """The sandbox over plain http: the pages that a person opens, and its control address."""
    smtp: int
    """The sandbox's mail server."""


def choose(earlier: Mapping[str, int]) -> Ports:
    """Take CALSYNC_PORT_AWS, _MICROSOFT, _OUTLOOK, _SMTP; else the earlier port while it is free; else a free one."""
    chosen: dict[str, int] = {}
    for field in fields(Ports):
        named = os.environ.get(f"CALSYNC_PORT_{field.name.upper()}")
        last = earlier.get(field.name, 0)
        chosen[field.name] = int(named) if named else last if is_free(last) else free_port(set(chosen.values()))
    return Ports(**chosen)


def is_free(port: int) -> bool:
    """Whether this process could listen on the port now."""
    if not port:
        return False
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(taken: set[int]) -> int:
    """Ask the system for a port that nobody listens on."""
    while True:
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            port: int = trial.getsockname()[1]
        if port not in taken:
            return port
