"""The test of a role account at an Exchange server: how far one gets in, and whether the times of one address show.

Nothing is written, and no mailbox of the account's own is needed: a role account mostly has none.
"""

from collections.abc import Callable

from calsync_core.adapters.exchange.examination import Examination
from calsync_core.adapters.exchange.freebusy import ExchangeFreeBusy
from calsync_core.adapters.exchange.signin import ServerSignIn
from calsync_core.domain.availability import Occupied
from calsync_core.domain.errors import CalsyncError, ProviderUnavailableError
from calsync_core.domain.windows import Window
from calsync_core.ports.exchange import StepName, Trial


class RoleExamination(Examination):
    def __init__(self, door: ServerSignIn, trial: Trial, about: str, span: Window) -> None:
        super().__init__(door, trial)
        self._about, self._span = about, span

    def _plan(self) -> list[tuple[StepName, set[StepName], Callable[[], str] | None]]:
        way_in = [step for step in super()._plan() if step[0] in _WAY_IN]
        return [*way_in, (StepName.FREE_BUSY, {StepName.SIGNED_IN}, self._times)]

    def _times(self) -> str:
        """How many busy times the next days have."""
        if self._so.client is None:
            raise ProviderUnavailableError("message_unknown")
        found = ExchangeFreeBusy(self._so.client).ask([self._about], self._span)[self._about]
        if found.reason:
            raise CalsyncError(found.reason)
        return str(sum(one.occupied is not Occupied.UNKNOWN for one in found.intervals))


_WAY_IN = frozenset(
    {
        StepName.NAME_FOUND,
        StepName.SECURE_CONNECTION,
        StepName.WEB_SERVICES,
        StepName.SIGN_IN_SCHEMES,
        StepName.SIGNED_IN,
    }
)
