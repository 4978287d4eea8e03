"""*work*: as many pages each way as fit into a minute, under the lease; the heart of calsync.

Order of writes on every page: links, then log, cursor last. Whatever stops in between is read again and found to be
done already. Expected outcomes are answers, never exceptions (design.md section 1).
"""

from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from calsync_core.domain.errors import (
    ConcurrentChangeError,
    ConnectionBrokenError,
    InstallationError,
    LeaseLostError,
    ProviderThrottledError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import AccountId, ResourceId, RunId
from calsync_core.domain.resources import Degraded, ResourceState, Status
from calsync_core.domain.settings import effective
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace, value
from calsync_core.domain.windows import RENEWAL
from calsync_core.ports.stores import Due, Lease
from calsync_core.usecases.change_state import change_state
from calsync_core.usecases.subscribe_calendars import SubscribePorts, subscribe_calendars
from calsync_core.usecases.sync.finish_round import STOP_LINE
from calsync_core.usecases.sync.leave_calendars import leave_calendars
from calsync_core.usecases.sync.open_run import open_run
from calsync_core.usecases.sync.read_feeds import read_feeds, read_near_series, read_near_window
from calsync_core.usecases.sync.revisit_links import revisit_links
from calsync_core.usecases.sync.sync_run import SyncPorts, SyncRun
from calsync_core.usecases.sync.take_leave import take_leave
from calsync_core.usecases.sync.take_links_along import part_with_the_rest, take_links_along
from calsync_core.usecases.sync.undo_run import carry_out_undo

LOOK_AGAIN = (15, 45)  # seconds: a notification may run ahead of its feed (graph.md section 4)
MAX_WAIT = 60
MAX_TRIES = 5
PATIENT = frozenset({"import", "full"})
LATER = timedelta(minutes=5)


class Result(StrEnum):
    AGAIN = "again"
    WAIT = "wait"
    DONE = "done"
    FAILED = "failed"


@value(frozen=True, slots=True)
class Work:
    """One call of *work*. `round` counts the calls of this run that found nothing or had to wait."""

    account: AccountId
    resource: ResourceId
    cause: str
    run: RunId
    round: int = 0


@value(frozen=True, slots=True)
class Outcome:
    result: Result
    seconds: int = 0
    code: str | None = None


def sync_resource(work: Work, ports: SyncPorts) -> Outcome:
    """Never raises for an expected outcome."""
    now = ports.clock.now()
    lease = ports.stores.leases.take(work.account, work.resource, now, now + ports.lease_for)
    if lease is None:
        return Outcome(Result.DONE, code="held")  # the holder will see `wanted`
    try:
        outcome = _under_lease(work, ports, lease)
    except LeaseLostError:
        return Outcome(Result.DONE, code="lease_lost")
    except ProviderThrottledError as error:
        outcome = _wait(work, ports, max(1, ceil(error.retry_after.total_seconds())), error.code)
    except ProviderUnavailableError as error:
        outcome = _wait(work, ports, min(MAX_WAIT, 5 * 2 ** min(work.round, 4)), error.code)
    except ConnectionBrokenError as error:
        outcome = _broken(work, ports, error.code)
    except InstallationError as error:
        outcome = _try_later(work, ports, LATER, error.code)
    except ConcurrentChangeError:
        outcome = Outcome(Result.AGAIN, code="changed_meanwhile")  # a person pressed something while we worked
    return _give_back(lease, ports, outcome)


def _wait(work: Work, ports: SyncPorts, seconds: int, code: str) -> Outcome:
    """Up to a minute the machine waits, an import as often as it takes; else the run ends and becomes a due item."""
    if seconds > MAX_WAIT or (work.round >= MAX_TRIES and work.cause not in PATIENT):
        return _try_later(work, ports, max(timedelta(seconds=seconds), LATER), code)
    return Outcome(Result.WAIT, seconds=seconds, code=code)


def _try_later(work: Work, ports: SyncPorts, after: timedelta, code: str) -> Outcome:
    """Passing: the state says since when, the due item brings the resource back."""
    now = ports.clock.now()
    ports.stores.due.schedule(Due("wait", work.account, work.resource, now + after))

    def note(state: ResourceState) -> ResourceState | None:
        return replace(state, degraded=Degraded(code, now)) if state.may_sync and state.degraded is None else None

    change_state(ports.stores.resources, work.account, work.resource, note)
    return Outcome(Result.FAILED, code=code)


def _broken(work: Work, ports: SyncPorts, code: str) -> Outcome:
    """A definite refusal: nothing is tried until the person acts; close mails."""
    now = ports.clock.now()

    def note(state: ResourceState) -> ResourceState | None:
        return state.moved_to(Status.REAUTH_REQUIRED, now, reason=code) if state.may_sync else None

    before = ports.stores.resources.get(work.account, work.resource)
    after = change_state(ports.stores.resources, work.account, work.resource, note)
    if before is not None and before.may_sync and not after.may_sync:
        line = LogEntry(work.account, work.resource, now, Reason.ACCESS_LOST, run=work.run, code=code, is_problem=True)
        ports.stores.log.add([line])
    return Outcome(Result.FAILED, code=code)


def _give_back(lease: Lease, ports: SyncPorts, outcome: Outcome) -> Outcome:
    try:
        if ports.stores.leases.give_back(lease):
            return outcome
        grown = ports.stores.leases.renote(lease, ports.clock.now() + ports.lease_for)
        while not ports.stores.leases.give_back(grown):
            grown = ports.stores.leases.renote(grown, ports.clock.now() + ports.lease_for)
    except LeaseLostError:
        return Outcome(Result.DONE, code="lease_lost")
    return Outcome(Result.AGAIN) if outcome.result is Result.DONE else outcome


def _under_lease(work: Work, ports: SyncPorts, lease: Lease) -> Outcome:
    state = ports.stores.resources.get(work.account, work.resource)
    if state is not None and state.status is Status.DISCONNECTED:
        return Outcome(Result.DONE if take_leave(ports, lease) else Result.AGAIN, code="inactive")
    if state is None or not state.may_sync:
        return Outcome(Result.DONE, code="inactive")
    stored = ports.stores.settings.both(work.account, work.resource)
    settings = effective(stored[0].values, stored[1].values)
    if not settings.active:
        return Outcome(Result.DONE, code="inactive")
    run = open_run(ports, lease, state, settings, stored[0].version + stored[1].version, work.run)
    push = SubscribePorts(ports.stores, run.calendar, ports.clock, ports.ids, ports.public_url, ports.poll_minutes)
    run.lines.extend(subscribe_calendars(push, state))
    if not take_links_along(run):
        run.flush()
        return Outcome(Result.AGAIN)
    revisit_links(run)
    is_complete = (
        carry_out_undo(run)
        and leave_calendars(run)
        and read_near_window(run)
        and read_feeds(run, is_full_check=work.cause == "full")
    )
    is_complete = is_complete and part_with_the_rest(run)
    is_silent = work.cause == "notification" and run.seen_changes == 0
    if is_complete and is_silent and work.round >= len(LOOK_AGAIN):
        read_near_series(run)
    run.flush()
    if not is_complete:
        return Outcome(Result.AGAIN)
    _note_success(run)
    if is_silent and work.round < len(LOOK_AGAIN):
        return Outcome(Result.WAIT, LOOK_AGAIN[work.round])
    return Outcome(Result.DONE)


def _note_success(run: SyncRun) -> None:
    """Everything is in: an import is done, passing faults are over. Quiet runs note their time every five minutes."""
    now, state = run.ports.clock.now(), run.state
    new = state
    if state.status is Status.IMPORTING:
        new = state.moved_to(Status.CONNECTED, now)
        run.ports.stores.due.schedule(Due("refresh", run.account, state.mailbox or "", now + RENEWAL))
        run.log(Reason.IMPORT_DONE)
    if new.degraded is not None and new.degraded.reason != STOP_LINE:
        new = replace(new, degraded=None)
    if new is not state:
        run.ports.stores.due.cancel("wait", run.account, run.resource)  # the guarantee has done its service
    if run.scope.reproject_below:
        new = replace(new, reprojected=run.scope.reproject_below)
    if new.is_stop_line_confirmed:
        new = replace(new, is_stop_line_confirmed=False, degraded=None)
    if new is not state or _is_older(state.last_sync_at, now):
        run.flush()
        run.state = run.ports.stores.resources.save(replace(new, last_sync_at=now))


def _is_older(at: datetime | None, now: datetime) -> bool:
    return at is None or now - at > timedelta(minutes=5)
