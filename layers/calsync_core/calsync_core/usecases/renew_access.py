"""The person of a connected mailbox signed in again: keep the new tokens, let all its resources go on."""

from calsync_core.domain.connections import Connection
from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace
from calsync_core.ports.exchange import ExchangeLogin
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.outward import Wish
from calsync_core.ports.stores import Due
from calsync_core.usecases.change_state import change_state


def renew_access(
    ports: JourneyPorts, connection: Connection, cache: bytes, *, server: str = "", access: str = "own"
) -> None:
    """Repeatable. `server` and `access` are those of the new sign-in (Connection); of Office 365 both are empty words.

    Raises ConcurrentChangeError after five lost races.
    """
    keep_tokens(ports, connection, sign_in_to_keep(cache, access))
    mark_whole(ports, connection, server=server, access=access)
    let_go_on(ports, connection)


def let_go_on(ports: JourneyPorts, connection: Connection) -> None:
    """What waited for a sign-in goes on: the resources of a connection whose sign-in works again. Repeatable."""
    now = ports.clock.now()
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
    """Overwrite the stored token cache: a sign-in of this minute is newer than anything a refresh wrote. The access
    token goes after it, for it belongs to the sign-in before; where that is cut off, it ends within the hour or two."""
    for _ in range(5):
        stored = ports.stores.credentials.load(connection.account, connection.id)
        try:
            ports.stores.credentials.save(connection.account, connection.id, cache, stored[1] if stored else 0)
        except ConcurrentChangeError:
            continue
        ports.stores.tokens.forget(connection.account, connection.id)
        return
    raise ConcurrentChangeError(mailbox=connection.id)


def sign_in_to_keep(cache: bytes, access: str) -> bytes:
    """A service account's password stands once, at its server: two copies would not change together."""
    return cache if access == "own" else replace(ExchangeLogin.decode(cache), password="").encode()


def mark_whole(ports: JourneyPorts, connection: Connection, *, server: str = "", access: str = "own") -> None:
    """The connection works again, by this way in."""
    for _ in range(5):
        present = ports.stores.connections.get(connection.account, connection.id)
        if present is None:
            return
        whole = replace(present, is_broken=False, broken_code=None, broken_since_at=None, server=server, access=access)
        if whole == present:
            return
        try:
            ports.stores.connections.save(whole)
        except ConcurrentChangeError:
            continue
        return
    raise ConcurrentChangeError(mailbox=connection.id)
