"""Role accounts at Exchange servers: opened, and tested step by step."""

from collections.abc import Iterator

from calsync_core.adapters.exchange.addresses import AddressGuard
from calsync_core.adapters.exchange.client import EwsClient
from calsync_core.adapters.exchange.freebusy import ExchangeFreeBusy
from calsync_core.adapters.exchange.role_examination import RoleExamination
from calsync_core.adapters.exchange.signin import ServerSignIn
from calsync_core.adapters.exchange.transport import Connection, sign_in_of
from calsync_core.domain.connection_report import Outcome, Part, ReportStep
from calsync_core.domain.windows import Window
from calsync_core.ports.exchange import GENERAL, ExchangeLogin, StepResult, Trial

_OUTCOMES = {
    StepResult.OK: Outcome.OK,
    StepResult.FAILED: Outcome.FAILED,
    StepResult.NOT_TRIED: Outcome.NOT_TRIED,
}


class ExchangeRoleAccess:
    """Nothing is kept between questions: the caller closes what it opened."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard

    def open(self, login: ExchangeLogin) -> ExchangeFreeBusy:
        server = login.server
        sign_in = sign_in_of(server.auth, login.login, login.password)
        return ExchangeFreeBusy(EwsClient(Connection(server.url, self._guard, server.ca_pem, sign_in), login))

    def examine(self, trial: Trial, about: str, span: Window) -> Iterator[ReportStep]:
        for step in RoleExamination(ServerSignIn(self._guard), trial, about, span).steps():
            part = Part.GENERAL if step.name in GENERAL else Part.DATA
            outcome = _OUTCOMES[step.result]
            yield ReportStep(step.name.value, part, outcome, step.found, step.code, step.provider_code, step.seconds)
