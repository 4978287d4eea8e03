"""An Exchange mailbox that was moved to Microsoft 365: noticed, said, and followed when its person signs in there.

Ids are new in the cloud; marks and the calendar's own ids stay. So the old connection is left without touching the
calendar - its copies are there, and the import adopts them by their marks (R133) - and only what stands for ids that
are no more goes: links, cursors, blocks at the booking system, which the import writes again, and the old password.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from calsync_core.domain.connections import MOVED, Connection, MailboxIdentity, ProviderKind
from calsync_core.domain.errors import (
    ConcurrentChangeError,
    ConnectionBrokenError,
    ConsentRevokedError,
)
from calsync_core.domain.resources import Progress, ResourceState, Status
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.ports.exchange import ExchangeLogin, ExchangeSignIn
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.stores import Due
from calsync_core.usecases.change_state import change_state
from calsync_core.usecases.finish_disconnect import finish_disconnect

LEAVE_FOR = timedelta(seconds=15)
GUARANTEE_AFTER = timedelta(minutes=2)
AT_MICROSOFT = "microsoft365"
NOT_HERE = "mailbox_missing"


def explain_loss(
    login: ExchangeLogin, error: ConnectionBrokenError, sign_in: Callable[[], ExchangeSignIn]
) -> ConnectionBrokenError:
    """The error to raise: moved, where the server sends us to Microsoft 365, or says that there is no such mailbox and
    Autodiscover sends us there (ews.md section 8). It is asked once: then the sign-in is wanted from a person."""
    if error.code == AT_MICROSOFT:
        return ConsentRevokedError(MOVED)
    if error.code != NOT_HERE:
        return error
    return ConsentRevokedError(MOVED) if sign_in().has_moved(login) else error


def has_moved(connection: Connection | None) -> bool:
    return (
        connection is not None
        and connection.identity.provider is ProviderKind.EXCHANGE
        and connection.broken_code == MOVED
    )


def may_follow(connection: Connection | None, identity: MailboxIdentity) -> bool:
    """Whether a sign-in may take the place of this connection's."""
    return has_moved(connection) and identity.provider is ProviderKind.OFFICE365


def leave_moved_mailbox(ports: JourneyPorts, state: ResourceState) -> None:
    """Let go of the old connection; the caller connects the new one at once.

    Repeatable; a crash anywhere is ended by the due item, or by pressing Connect again.
    Raises ConcurrentChangeError("still_disconnecting") when it takes longer than a page may.
    """
    now = ports.clock.now()

    def change(present: ResourceState) -> ResourceState | None:
        if present.status is Status.DISCONNECTED:
            return None
        gone = present.moved_to(Status.DISCONNECTED, now, reason=MOVED)
        return replace(gone, degraded=None, progress=Progress(), paused_by=None, paused_until_at=None)

    ports.stores.due.schedule(Due("wait", state.account, state.resource.id, now + GUARANTEE_AFTER))
    changed = change_state(ports.stores.resources, state.account, state.resource.id, change)
    ports.stores.due.cancel("reminder", state.account, state.resource.id)
    line = LogEntry(state.account, state.resource.id, now, Reason.STATUS_CHANGED, code=MOVED)
    ports.stores.log.add([line])
    is_done = finish_disconnect(
        ports.stores, ports.host, ports.calendars.of_mailbox, ports.clock, state.account, changed.resource.id,
        now + LEAVE_FOR,
    )  # fmt: skip
    if not is_done:
        raise ConcurrentChangeError("still_disconnecting", resource=state.resource.id)
