"""The control API under /control: what tests and launchers turn. README.md of the sandbox describes each address."""

from starlette.routing import BaseRoute

from sandbox.control import delivery, exchange, people, registrations, traffic
from sandbox.microsoft import Sandbox

__all__ = ["control_routes"]


def control_routes(sandbox: Sandbox) -> list[BaseRoute]:
    """All addresses of the control API."""
    return [
        *traffic.routes(sandbox),
        *delivery.routes(sandbox),
        *registrations.routes(sandbox),
        *people.routes(sandbox),
        *exchange.routes(sandbox),
    ]
