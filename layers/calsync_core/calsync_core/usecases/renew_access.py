"""The person of a connected mailbox signed in again: keep the new tokens, let all its resources go on."""

from dataclasses import replace

from calsync_core.domain.connections import Connection
from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.outward import Wish
from calsync_core.ports.stores import Due
from calsync_core.usecases.change_state import change_state


def renew_access(ports: JourneyPorts, connection: Connection, cache: bytes) -> None:
    """Repeatable. Raises ConcurrentChangeError after five lost races."""
    now = ports.clock.now()
    keep_tokens(ports, connection, cache)
    change_connection_health(ports, connection)
    for resource in connection.resources:

        def change(state: ResourceState) -> ResourceState | None:
            if state.status is not Status.REAUTH_REQUIRED:
                return None
            # An import that never came to its end goes on as one; all else catches up from its cursor.
            onward = Status.CONNECTED if state.last_sync_at else Status.IMPORTING
            return replace(state.moved_to(onward, now), degraded=None)

        state = change_state(ports.stores.resources, connection.account, resource, change)
        ports.stores.due.cancel("reminder", connection.account, resource)
        if state.may_sync:
            ports.stores.due.schedule(Due("wait", connection.account, resource, now))
            ports.queue.wish(Wish(connection.account, resource, "full"))
        ports.stores.log.add([LogEntry(connection.account, resource, now, Reason.SIGNED_IN, code="renewed")])


def keep_tokens(ports: JourneyPorts, connection: Connection, cache: bytes) -> None:
    """Overwrite the stored token cache: a sign-in of this minute is newer than anything a refresh wrote."""
    for _ in range(5):
        stored = ports.stores.credentials.load(connection.account, connection.id)
        try:
            ports.stores.credentials.save(connection.account, connection.id, cache, stored[1] if stored else 0)
        except ConcurrentChangeError:
            continue
        return
    raise ConcurrentChangeError(mailbox=connection.id)


def change_connection_health(ports: JourneyPorts, connection: Connection) -> None:
    """Mark the connection whole again."""
    for _ in range(5):
        present = ports.stores.connections.get(connection.account, connection.id)
        if present is None or not present.is_broken:
            return
        try:
            ports.stores.connections.save(replace(present, is_broken=False, broken_code=None, broken_since_at=None))
        except ConcurrentChangeError:
            continue
        return
    raise ConcurrentChangeError(mailbox=connection.id)
