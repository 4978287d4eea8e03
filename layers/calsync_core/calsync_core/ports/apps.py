"""What an account may use, the operator's access codes, and how often something secret was tried."""

from datetime import datetime, timedelta
from typing import Protocol

from calsync_core.domain.apps import AccessCode, AccountApps
from calsync_core.domain.ids import AccountId


class AppStore(Protocol):
    def get(self, account: AccountId) -> AccountApps:
        """An account that has none stored has the defaults, with version 0."""

    def save(self, apps: AccountApps) -> AccountApps:
        """Conditional on the version. Raises ConcurrentChangeError."""

    def add_code(self, code: AccessCode) -> None: ...

    def redeem(self, code_hash: str, apps: AccountApps, now: datetime) -> AccountApps | None:
        """Use the code up and save `apps`, in one transaction. None when there is no such code (any more) for the
        account. Raises ConcurrentChangeError when `apps` was changed meanwhile; the code is then still there.
        """

    def code(self, account: AccountId, code_hash: str, now: datetime) -> AccessCode | None:
        """A code that was neither used nor is too old."""


class AttemptStore(Protocol):
    """Counts tries of something secret, so that nobody guesses and no mailbox is locked. `what` is opaque here."""

    def begin(self, account: AccountId, what: str, limit: int, within: timedelta, now: datetime) -> datetime | None:
        """Count one try and give None; or give the instant until which no more may be made.

        The count ends `within` after its last try. Of several at once never more than `limit` get None.
        """

    def withdraw(self, account: AccountId, what: str) -> None:
        """The try was none: the other side did not answer, or said nothing about the secret."""

    def forget(self, account: AccountId, what: str) -> None:
        """The secret was right."""

    def blocked_until(self, account: AccountId, what: str, limit: int, now: datetime) -> datetime | None:
        """As `begin`, without counting."""
