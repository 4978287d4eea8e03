"""*close*: says how a run ended and tells who must act. A courtesy: the due item is the guarantee.

Mails are claimed before they are sent, so closing twice mails once.
"""

from datetime import timedelta

from calsync_core.domain.ids import AccountId, ResourceId, RunId
from calsync_core.domain.resources import Degraded, ResourceState, Status
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace, value
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.stores import Due
from calsync_core.usecases.change_state import change_state
from calsync_core.usecases.tell_result import tell_connected, tell_failed, tell_reauth_required

BROKE = frozenset({"run_broke", "run_endless", "outcome_unknown"})
AGAIN_AFTER = timedelta(minutes=5)


@value(frozen=True, slots=True)
class Close:
    account: AccountId
    resource: ResourceId
    cause: str
    run: RunId
    code: str | None


def close_run(close: Close, ports: JourneyPorts) -> None:
    """May be repeated. Raises ProviderUnavailableError when the store does not answer."""
    state = ports.stores.resources.get(close.account, close.resource)
    if state is None:
        return
    if close.code in BROKE:
        _note_break(close, ports)
    elif state.status is Status.REAUTH_REQUIRED and close.code == state.reason and close.code:
        tell = tell_failed if close.cause == "import" else tell_reauth_required
        tell(ports, close.account, close.resource, close.code)
    elif state.status is Status.CONNECTED and close.cause == "import":
        tell_connected(ports, close.account, close.resource)


def _note_break(close: Close, ports: JourneyPorts) -> None:
    now = ports.clock.now()
    ports.stores.due.schedule(Due("wait", close.account, close.resource, now + AGAIN_AFTER))
    ports.stores.log.add(
        [
            LogEntry(
                close.account, close.resource, now, Reason.RUN_FAILED, run=close.run, code=close.code, is_problem=True
            )
        ]
    )

    def note(state: ResourceState) -> ResourceState | None:
        is_first = state.may_sync and state.degraded is None
        return replace(state, degraded=Degraded(close.code or "run_broke", now)) if is_first else None

    change_state(ports.stores.resources, close.account, close.resource, note)
