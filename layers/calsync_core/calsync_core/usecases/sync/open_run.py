"""What holds for one run, put together from state and settings; and the same for a look that holds no lease.

A look decides by the same code as a run, on fresh reads, and writes nothing: previews of an undo and "why isn't it
here?" are looks.
"""

from collections.abc import Iterable
from datetime import datetime

from calsync_core.domain.errors import CalendarGoneError, InputError, NotFoundError
from calsync_core.domain.ids import AccountId, ResourceId, RunId
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.domain.settings import SyncSettings, effective
from calsync_core.domain.windows import RENEWAL, STAGGER, Window
from calsync_core.engine.observe import Scope
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.stores import CursorRow, Lease
from calsync_core.usecases.sync.sync_run import SyncPorts, SyncRun, readable


def open_run(
    ports: SyncPorts, lease: Lease, state: ResourceState, settings: SyncSettings, version: int, run: RunId
) -> SyncRun:
    """Raises CalendarGoneError where no calendar is chosen."""
    now = ports.clock.now()
    if state.primary is None:
        raise CalendarGoneError
    rows = ports.stores.cursors.load(lease.account, lease.resource)
    window = _window(rows.values(), settings, now)
    scope = Scope(
        lease.account, ports.installation, state.resource, settings, version, window, state.primary,
        state.reproject_below if state.reproject_below > state.reprojected else 0,
        state.remove_below > state.reprojected,
    )  # fmt: skip
    host, lease_until = ports.host(lease.account), now + ports.lease_for
    return SyncRun(
        ports, lease, state, scope, readable(settings), run, now + ports.work_for, host, rows, lease_until=lease_until
    )


def _window(rows: Iterable[CursorRow], settings: SyncSettings, now: datetime) -> Window:
    """R42: back to where it was fixed when the feed that waits longest was renewed; one that is overdue begins anew.
    Ahead it reaches as far as from today, because the booking system's feed tells of any time."""
    back, ahead = settings.window.weeks_back, settings.window.weeks_ahead
    opened = [row.opened_at for row in rows if row.opened_at and now - row.opened_at <= RENEWAL + STAGGER]
    window = Window.around(now, back, ahead)
    first = min(opened, default=now)
    return Window(Window.around(first, back, ahead).start_at, window.end_at) if first.date() < now.date() else window


def check_open(state: ResourceState) -> None:
    """Whether both sides can be read now. Raises InputError: paused, auth_expired, not_connected."""
    if state.may_sync and state.calendars:
        return
    codes = {Status.PAUSED: "paused", Status.REAUTH_REQUIRED: "auth_expired"}
    raise InputError(codes.get(state.status, "not_connected"))


def open_look(journeys: JourneyPorts, account: AccountId, resource: ResourceId) -> SyncRun:
    """A run that nobody may write with: its lease is none. Raises NotFoundError, InputError as `check_open`."""
    stores = journeys.stores
    state = stores.resources.get(account, resource)
    if state is None:
        raise NotFoundError("resource_unknown")
    check_open(state)
    stored = stores.settings.account(account), stores.settings.resource(account, resource)
    settings = effective(stored[0].values, stored[1].values)
    ports = SyncPorts(
        stores, lambda _account: journeys.host, journeys.calendars.of_mailbox, journeys.clock, journeys.ids,
        journeys.queue, journeys.installation, public_url="", lanes=1,
    )  # fmt: skip
    no_lease = Lease(account, resource, number=0, noted=0)
    return open_run(ports, no_lease, state, settings, stored[0].version + stored[1].version, RunId("look"))
