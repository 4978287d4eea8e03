"""Which of the two apps (Office 365, Exchange) an account may use, and what its invitations are for."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.errors import InputError
from calsync_core.domain.ids import AccountId
from calsync_core.domain.values import value

APPS = (ProviderKind.OFFICE365, ProviderKind.EXCHANGE)


class AppRule(StrEnum):
    """Said by the operator: for all accounts by deploy parameter, for one by his command."""

    OPEN = "open"
    CODE = "code"
    OFF = "off"


class CalendarKind(StrEnum):
    """What an invitation is for."""

    OFFICE365 = "office365"
    EXCHANGE = "exchange"
    ANY = "any"  # the person chooses


@value(frozen=True, slots=True)
class Unlocked:
    """A used access code: which app, when, by whom."""

    app: ProviderKind
    at: datetime
    by: str


@value(frozen=True, slots=True)
class AccountApps:
    """`rules` are the operator's own for this account; `invites_to` is what new invitations are for."""

    account: AccountId
    rules: tuple[tuple[ProviderKind, AppRule], ...] = ()
    unlocked: tuple[Unlocked, ...] = ()
    invites_to: CalendarKind = CalendarKind.OFFICE365
    version: int = 0

    def rule(self, app: ProviderKind, defaults: Mapping[ProviderKind, AppRule]) -> AppRule:
        """What holds now: a code that was used opens, "off" closes whatever was unlocked."""
        said = dict(self.rules).get(app, defaults.get(app, AppRule.OPEN))
        is_unlocked = any(one.app is app for one in self.unlocked)
        return AppRule.OPEN if said is AppRule.CODE and is_unlocked else said

    def check(self, app: ProviderKind, defaults: Mapping[ProviderKind, AppRule]) -> None:
        """Raises InputError: app_off, app_needs_code."""
        rule = self.rule(app, defaults)
        if rule is AppRule.OFF:
            raise InputError("app_off", app=app.value)
        if rule is AppRule.CODE:
            raise InputError("app_needs_code", app=app.value)


@value(frozen=True, slots=True)
class AccessCode:
    """One code that the operator issued; only its hash is stored, and it opens one app of one account once."""

    account: AccountId
    app: ProviderKind
    code_hash: str
    issued_at: datetime
    expires_at: datetime
