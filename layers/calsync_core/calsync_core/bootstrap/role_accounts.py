"""Role accounts of both kinds; each side is loaded when the first one of it is asked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from calsync_core.domain.connection_report import ReportStep
from calsync_core.domain.windows import Window
from calsync_core.ports.exchange import ExchangeLogin, Trial
from calsync_core.ports.role_accounts import AppLogin, FreeBusySource

if TYPE_CHECKING:
    from calsync_core.adapters.exchange.role_access import ExchangeRoleAccess
    from calsync_core.adapters.graph.role_access import GraphRoleAccess


@dataclass(frozen=True, slots=True)
class RoleAccounts:
    """ports.role_accounts.RoleAccountAccess."""

    login_url: str
    office365: "Callable[[], GraphRoleAccess]"
    exchange: "Callable[[], ExchangeRoleAccess]"

    def at_exchange(self, login: ExchangeLogin) -> FreeBusySource:
        return self.exchange().open(login)

    def at_office365(self, login: AppLogin) -> FreeBusySource:
        return self.office365().open(login)

    def examine_exchange(self, trial: Trial, about: str, span: Window) -> Iterator[ReportStep]:
        return self.exchange().examine(trial, about, span)

    def examine_office365(self, login: AppLogin, about: str, span: Window) -> Iterator[ReportStep]:
        return self.office365().examine(login, about, span)

    def directory_of(self, token_endpoint: str) -> str:
        from calsync_core.adapters.graph.app_tokens import directory_of

        return directory_of(self.login_url, token_endpoint)

    def token_endpoint_of(self, directory: str) -> str:
        return f"{self.login_url}/{directory}/oauth2/v2.0/token"

    def certificate_end(self, certificate: str, private_key: str) -> datetime:
        from calsync_core.adapters.graph.app_tokens import certificate_end

        return certificate_end(certificate, private_key)
