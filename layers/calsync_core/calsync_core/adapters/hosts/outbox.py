"""Events that the bundled booking system could not post with their change: the sweep asks it to try again."""

from calsync_core.adapters.hosts.client import HostClient
from calsync_core.domain.errors import AppointmentGoneError


def deliver_waiting_events(client: HostClient) -> int:
    """How many went out. A booking system of somebody else has no such address (404) and tries again by itself.

    Raises ProviderUnavailableError, InstallationError.
    """
    try:
        answer = client.call("POST", "/events/deliver")
    except AppointmentGoneError:
        return 0
    delivered = answer.get("delivered")
    return delivered if isinstance(delivered, int) else 0
