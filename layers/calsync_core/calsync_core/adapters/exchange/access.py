"""Opens mailboxes at Exchange servers. ports.signin.CalendarAccess for Exchange.

A password that was refused once is not tried again by this process; the connection remembers it for all others
(usecases/open_mailbox.py). A new sign-in brings other credentials.
"""

import hashlib
from collections import OrderedDict

from calsync_core.adapters.exchange.addresses import AddressGuard
from calsync_core.adapters.exchange.calendar import ExchangeCalendarProvider
from calsync_core.adapters.exchange.client import EwsClient
from calsync_core.adapters.exchange.transport import Connection, sign_in_of
from calsync_core.domain.errors import ConsentRevokedError
from calsync_core.domain.ids import AccountId, MailboxId
from calsync_core.ports.exchange import ExchangeLogin
from calsync_core.ports.stores import CredentialStore

MOST_OPEN = 4
_MOST_REFUSED = 1000


class ExchangeAccess:
    """One per process. Connections of one account stay open between calls, a few at most; another account's call
    closes them all, so that no warm function holds the sign-ins of many customers."""

    def __init__(self, credentials: CredentialStore, guard: AddressGuard) -> None:
        self._credentials = credentials
        self._guard = guard
        self._account: AccountId | None = None
        self._open: OrderedDict[bytes, ExchangeCalendarProvider] = OrderedDict()
        self._refused: OrderedDict[bytes, None] = OrderedDict()

    def of_grant(self, account: AccountId, cache: bytes) -> ExchangeCalendarProvider:
        """Raises ConsentRevokedError: auth_missing, or password_wrong when this very sign-in was refused already."""
        key = hashlib.sha256(cache).digest()
        if account != self._account:
            self.close()
            self._account = account
        if key in self._refused:
            raise ConsentRevokedError("password_wrong")
        if key not in self._open:
            self._open[key] = self._provider(key, ExchangeLogin.decode(cache))
        self._open.move_to_end(key)
        while len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)[1].close()
        return self._open[key]

    def of_mailbox(self, account: AccountId, mailbox: MailboxId) -> ExchangeCalendarProvider:
        """Raises ConsentRevokedError."""
        row = self._credentials.load(account, mailbox)
        if row is None:
            raise ConsentRevokedError("auth_missing", mailbox=mailbox)
        return self.of_grant(account, row[0])

    def close(self) -> None:
        """Give all connections back."""
        for provider in self._open.values():
            provider.close()
        self._open.clear()

    def _provider(self, key: bytes, login: ExchangeLogin) -> ExchangeCalendarProvider:
        server = login.server
        sign_in = sign_in_of(server.auth, login.login, login.password)
        connection = Connection(server.url, self._guard, server.ca_pem, sign_in)
        return ExchangeCalendarProvider(EwsClient(connection, login, on_refused_password=lambda: self._refuse(key)))

    def _refuse(self, key: bytes) -> None:
        self._refused[key] = None
        self._open.pop(key, None)
        while len(self._refused) > _MOST_REFUSED:
            self._refused.popitem(last=False)
