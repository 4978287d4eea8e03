"""The account's Exchange servers, stored."""

from typing import Protocol

from calsync_core.domain.ids import AccountId, ServerId
from calsync_core.domain.servers import KnownServer


class ServerStore(Protocol):
    def get(self, account: AccountId, server: ServerId) -> KnownServer | None: ...

    def of_account(self, account: AccountId) -> list[KnownServer]:
        """Strongly consistent, by title."""

    def save(self, server: KnownServer) -> KnownServer:
        """Conditional on the version. Raises ConcurrentChangeError."""

    def delete(self, server: KnownServer) -> None:
        """Conditional on the version; one that is gone already is no error. Raises ConcurrentChangeError."""
