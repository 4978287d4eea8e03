"""Exchange servers, made when the first such mailbox or sign-in is asked for: exchangelib is heavy (house-style 4)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from calsync_core.domain.errors import InstallationError
from calsync_core.ports.exchange import ExchangeLogin, ExchangeServer, ExchangeSignIn, ServerHint, TestStep, Trial
from calsync_core.ports.signin import CalendarAccess, SignedIn
from calsync_core.usecases.open_mailbox import OpenedLogins

if TYPE_CHECKING:
    from calsync_core.adapters.exchange.addresses import AddressGuard
    from calsync_core.adapters.exchange.role_access import ExchangeRoleAccess

NO_HINT = ServerHint()


class ExchangeParts:
    """`serves` False: this deployment carries no Exchange layer, and says so."""

    def __init__(self, allowed: str, *, serves: bool) -> None:
        self.logins = OpenedLogins()
        self._allowed = allowed
        self._serves = serves

    @cached_property
    def sign_in(self) -> ExchangeSignIn:
        """Raises InstallationError("exchange_off")."""
        self._check()
        from calsync_core.adapters.exchange.signin import ServerSignIn

        return ServerSignIn(self._guard)

    @cached_property
    def access(self) -> CalendarAccess:
        """Raises InstallationError("exchange_off")."""
        self._check()
        from calsync_core.adapters.exchange.access import ExchangeAccess

        return ExchangeAccess(self.logins, self._guard)

    @cached_property
    def role_access(self) -> "ExchangeRoleAccess":
        """Raises InstallationError("exchange_off")."""
        self._check()
        from calsync_core.adapters.exchange.role_access import ExchangeRoleAccess

        return ExchangeRoleAccess(self._guard)

    @cached_property
    def _guard(self) -> "AddressGuard":
        from calsync_core.adapters.exchange.addresses import AddressGuard

        return AddressGuard(self._allowed.split(","))

    def _check(self) -> None:
        if not self._serves:
            raise InstallationError("exchange_off")


@dataclass(frozen=True, slots=True)
class LazyExchange:
    """ports.exchange.ExchangeSignIn that is made at its first call."""

    make: Callable[[], ExchangeSignIn]

    def find(self, address: str, login: str, password: str, hint: ServerHint = NO_HINT) -> ExchangeServer:
        return self.make().find(address, login, password, hint)

    def sign_in(self, login: ExchangeLogin) -> SignedIn:
        return self.make().sign_in(login)

    def has_moved(self, login: ExchangeLogin) -> bool:
        return self.make().has_moved(login)

    def examine(self, trial: Trial) -> Iterator[TestStep]:
        return self.make().examine(trial)
