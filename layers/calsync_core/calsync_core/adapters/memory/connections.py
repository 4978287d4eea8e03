"""Connections with their subscriptions, and sealed credentials, in memory."""

import threading
from datetime import datetime

from calsync_core.domain.connections import Connection, MailboxIdentity, Subscription
from calsync_core.domain.errors import ConcurrentChangeError, InputError, MailboxTakenError
from calsync_core.domain.ids import AccountId, MailboxId
from calsync_core.domain.values import replace
from calsync_core.ports.outward import Sealer


class MemoryCredentialStore:
    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._rows: dict[tuple[AccountId, MailboxId], tuple[bytes, int]] = {}
        self._lock = threading.Lock()

    def load(self, account: AccountId, mailbox: MailboxId) -> tuple[bytes, int] | None:
        row = self._rows.get((account, mailbox))
        return None if row is None else (self._sealer.unseal(account, row[0], _context(mailbox, row[1])), row[1])

    def save(self, account: AccountId, mailbox: MailboxId, plain: bytes, expected: int) -> int:
        sealed = self._sealer.seal(account, plain, _context(mailbox, expected + 1))
        with self._lock:
            if self._rows.get((account, mailbox), (b"", 0))[1] != expected:
                raise ConcurrentChangeError(mailbox=mailbox)
            self._rows[account, mailbox] = sealed, expected + 1
        return expected + 1

    def delete(self, account: AccountId, mailbox: MailboxId) -> None:
        self._rows.pop((account, mailbox), None)


class MemoryTokenStore:
    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._rows: dict[tuple[AccountId, MailboxId], tuple[bytes | None, int]] = {}
        self._lock = threading.Lock()

    def load(self, account: AccountId, mailbox: MailboxId) -> tuple[bytes | None, int]:
        sealed, row = self._rows.get((account, mailbox), (None, 0))
        return None if sealed is None else self._sealer.unseal(account, sealed, f"token|{mailbox}|{row}"), row

    def save(
        self, account: AccountId, mailbox: MailboxId, plain: bytes, expires_at: datetime, expected: int  # noqa: ARG002
    ) -> bool:  # fmt: skip
        sealed = self._sealer.seal(account, plain, f"token|{mailbox}|{expected + 1}")
        with self._lock:
            if self._rows.get((account, mailbox), (None, 0))[1] != expected:
                return False
            self._rows[account, mailbox] = sealed, expected + 1
        return True

    def forget(self, account: AccountId, mailbox: MailboxId) -> None:
        with self._lock:
            self._rows[account, mailbox] = None, self._rows.get((account, mailbox), (None, 0))[1] + 1


class MemoryConnectionStore:
    def __init__(self, credentials: MemoryCredentialStore, tokens: MemoryTokenStore) -> None:
        self._credentials = credentials
        self._tokens = tokens
        self._rows: dict[tuple[AccountId, MailboxId], Connection] = {}
        self._claims: dict[tuple[AccountId, MailboxIdentity], MailboxId] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._lock = threading.Lock()

    def get(self, account: AccountId, mailbox: MailboxId, *, may_lag: bool = False) -> Connection | None:  # noqa: ARG002
        return self._rows.get((account, mailbox))

    def by_identity(self, account: AccountId, identity: MailboxIdentity) -> Connection | None:
        mailbox = self._claims.get((account, identity))
        return None if mailbox is None else self.get(account, mailbox)

    def save(self, connection: Connection) -> Connection:
        key, claim = (connection.account, connection.id), (connection.account, connection.identity)
        with self._lock:
            stored = self._rows.get(key)
            if (stored.version if stored else 0) != connection.version:
                raise ConcurrentChangeError(mailbox=connection.id)
            if stored and stored.identity != connection.identity:
                raise InputError("identity_changed", mailbox=connection.id)
            if self._claims.setdefault(claim, connection.id) != connection.id:
                raise MailboxTakenError(mailbox=connection.id)
            saved = self._rows[key] = replace(connection, version=connection.version + 1)
        return saved

    def delete(self, connection: Connection) -> None:
        key, claim = (connection.account, connection.id), (connection.account, connection.identity)
        with self._lock:
            for one in self.subscriptions(*key):
                self._subscriptions.pop(one.path_hash, None)
            self._credentials.delete(*key)
            self._tokens.forget(*key)
            if self._claims.get(claim) == connection.id:
                del self._claims[claim]
            self._rows.pop(key, None)

    def of_account(self, account: AccountId) -> list[Connection]:
        return [row for (owner, _), row in sorted(self._rows.items()) if owner == account]

    def save_subscription(self, subscription: Subscription) -> None:
        if subscription.account is None:
            raise InputError("account_missing", mailbox=subscription.mailbox)
        with self._lock:
            known = self._subscriptions.get(subscription.path_hash)
            heard_at = known.heard_at if known else None
            self._subscriptions[subscription.path_hash] = replace(subscription, heard_at=heard_at)

    def note_heard(self, path_hash: str, at: datetime) -> None:
        with self._lock:
            if (known := self._subscriptions.get(path_hash)) is not None:
                self._subscriptions[path_hash] = replace(known, heard_at=at)

    def subscription(self, path_hash: str) -> Subscription | None:
        return self._subscriptions.get(path_hash)

    def subscriptions(self, account: AccountId, mailbox: MailboxId) -> list[Subscription]:
        rows = sorted(self._subscriptions.items())
        rows_here = [row for _, row in rows if row.account == account and row.mailbox == mailbox]
        return [row if row.heard_at is None else replace(row, heard_at=None) for row in rows_here]

    def delete_subscription(self, path_hash: str) -> None:
        self._subscriptions.pop(path_hash, None)


def _context(mailbox: MailboxId, row: int) -> str:
    return f"credentials|{mailbox}|{row}"
