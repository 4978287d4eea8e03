"""Role accounts as the use cases see them: stored, and asked; adapters/graph and adapters/exchange do the asking.

A source answers for many mailboxes in one question; cutting a long list and a long span into such questions is the
caller's (usecases/ask_free_busy.py), so that both providers are asked by one piece of logic.
"""

from collections.abc import Iterator, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import Protocol

from calsync_core.domain.connection_report import ReportStep
from calsync_core.domain.errors import InstallationError
from calsync_core.domain.free_busy import BusyTimes
from calsync_core.domain.ids import AccountId, RoleAccountId
from calsync_core.domain.role_accounts import RoleAccount
from calsync_core.domain.values import value
from calsync_core.domain.windows import Window
from calsync_core.ports.exchange import ExchangeLogin, Trial


class RoleAccountStore(Protocol):
    def get(self, account: AccountId, role: RoleAccountId) -> RoleAccount | None: ...

    def of_account(self, account: AccountId) -> list[RoleAccount]:
        """Strongly consistent, by title."""

    def save(self, role: RoleAccount) -> RoleAccount:
        """Conditional on the version. Raises ConcurrentChangeError."""

    def delete(self, role: RoleAccount) -> None:
        """Conditional on the version; one that is gone already is no error. Raises ConcurrentChangeError."""


@value(frozen=True, slots=True)
class AppLogin:
    """An application's own sign-in (client credentials). Either `secret`, or `private_key` with `certificate` (PEM).

    `directory` is the tenant; `mailbox` one of its mailboxes, through which the schedules of all are asked.
    """

    directory: str
    client_id: str
    mailbox: str
    secret: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)


@value(frozen=True, slots=True)
class QuestionLimits:
    """What one question may ask for, and how many questions may be under way at once."""

    addresses: int
    span: timedelta
    lanes: int


class FreeBusySource(Protocol):
    @property
    def limits(self) -> QuestionLimits: ...

    def ask(self, addresses: Sequence[str], span: Window) -> dict[str, BusyTimes]:
        """One question, within the limits; answers under the addresses as they were given.

        A mailbox that cannot be read is `unknown` with its reason and never loses the others: `mailbox_missing`,
        `permission_missing`, `mailbox_not_seen`, `free_busy_failed` (a shorter span may work), `no_data`. Raises
        InputError("span_too_long") where this server allows less than usual; ConsentRevokedError when the sign-in was
        refused, which is then not tried again; the other ConnectionBrokenErrors, InstallationError,
        ProviderThrottledError, ProviderUnavailableError.
        """

    def close(self) -> None:
        """Give the connections back; asking again opens them anew."""


class RoleAccountAccess(Protocol):
    """Opens role accounts; no network until a method is called."""

    def at_exchange(self, login: ExchangeLogin) -> FreeBusySource:
        """Raises InstallationError("exchange_off")."""

    def at_office365(self, login: AppLogin) -> FreeBusySource: ...

    def examine_exchange(self, trial: Trial, about: str, span: Window) -> Iterator[ReportStep]:
        """The test, step by step: server, certificate, sign-in, and whether the times of `about` are shown."""

    def examine_office365(self, login: AppLogin, about: str, span: Window) -> Iterator[ReportStep]: ...

    def directory_of(self, token_endpoint: str) -> str:
        """The tenant of a token endpoint. Raises InputError("token_endpoint_invalid") for an address that is not one of
        the sign-in service that this deployment talks to, or that names no single tenant.
        """

    def token_endpoint_of(self, directory: str) -> str:
        """The same the other way round, to show it."""

    def certificate_end(self, certificate: str, private_key: str) -> datetime:
        """Until when a certificate (PEM) is valid. Raises InputError: "certificate_unreadable",
        "private_key_unreadable" (also for one with a password), "private_key_foreign" (not the certificate's).
        """


class NoRoleAccounts:
    """RoleAccountAccess of a function that asks none."""

    def at_exchange(self, login: ExchangeLogin) -> FreeBusySource:  # noqa: ARG002 - the port's shape
        raise InstallationError("role_accounts_off")

    def at_office365(self, login: AppLogin) -> FreeBusySource:  # noqa: ARG002
        raise InstallationError("role_accounts_off")

    def examine_exchange(self, trial: Trial, about: str, span: Window) -> Iterator[ReportStep]:  # noqa: ARG002
        raise InstallationError("role_accounts_off")

    def examine_office365(self, login: AppLogin, about: str, span: Window) -> Iterator[ReportStep]:  # noqa: ARG002
        raise InstallationError("role_accounts_off")

    def directory_of(self, token_endpoint: str) -> str:  # noqa: ARG002
        raise InstallationError("role_accounts_off")

    def token_endpoint_of(self, directory: str) -> str:  # noqa: ARG002
        raise InstallationError("role_accounts_off")

    def certificate_end(self, certificate: str, private_key: str) -> datetime:  # noqa: ARG002
        raise InstallationError("role_accounts_off")
