"""Sealed access tokens: under 4 KB each, so that a check pays one small read instead of the whole token cache.

Read with eventual consistency, at half the price: an older token is as good until its own end (Microsoft refuses it
otherwise, and then it is renewed), and one that is not seen yet costs a look into the cache. Mailbox and row number are
in the associated data, as with the cache.
"""

from datetime import datetime

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import VERSIONS, checked, epoch, row
from calsync_core.adapters.dynamodb.operations import Condition, ConditionFailedError, Row
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.domain.errors import InstallationError
from calsync_core.domain.ids import AccountId, MailboxId
from calsync_core.ports.outward import Sealer

_GRAVE_DAYS = 1
"""How long a forgotten token leaves its number behind; longer than any function that could still save one runs."""


class DynamoTokenStore:
    """`sealer` is None in functions that have no right to the key; they can still forget."""

    def __init__(self, table: Table, sealer: Sealer | None) -> None:
        self._table = table
        self._sealer = sealer

    def load(self, account: AccountId, mailbox: MailboxId) -> tuple[bytes | None, int]:
        found = self._table.get(token_key(account, mailbox), may_lag=True)
        if found is None:
            return None, 0
        number, sealed = checked("token", found)["row"], found.get("sealed")
        if not isinstance(number, int):
            raise InstallationError("schema_broken", entity="token")
        return self._opened(account, mailbox, sealed, number), number

    def save(self, account: AccountId, mailbox: MailboxId, plain: bytes, expires_at: datetime, expected: int) -> bool:
        number = expected + 1
        if self._sealer is None:
            raise InstallationError("sealer_missing")
        sealed = self._sealer.seal(account, plain, _context(mailbox, number))
        item = row("token", token_key(account, mailbox), row=number, sealed=sealed, expires_at=epoch(expires_at))
        # DynamoDB deletes late what has expired, so an item that `load` did not give may still be there.
        gone = Condition("attribute_not_exists(#PK) OR #expires_at <= :now", {":now": self._table.in_days(0)})
        try:
            self._table.put(item, Condition("#row = :expected", {":expected": expected}) if expected else gone)
        except ConditionFailedError:
            return False
        return True

    def forget(self, account: AccountId, mailbox: MailboxId) -> None:
        # Not a delete: a renewal that began before would find nothing there and save a token for nobody.
        expression = "SET #entity = :entity, #v = :v, #expires_at = :grave REMOVE #sealed ADD #row :one"
        values: Row = {
            ":entity": "token", ":v": VERSIONS["token"], ":grave": self._table.in_days(_GRAVE_DAYS), ":one": 1,
        }  # fmt: skip
        self._table.update(token_key(account, mailbox), expression, values)

    def _opened(self, account: AccountId, mailbox: MailboxId, sealed: object, number: int) -> bytes | None:
        if not isinstance(sealed, bytes):
            return None
        if self._sealer is None:
            raise InstallationError("sealer_missing")
        try:
            return self._sealer.unseal(account, sealed, _context(mailbox, number))
        except InstallationError as error:
            if error.code != "unsealing_failed":
                raise
            return None  # a row put back by hand or half a restore: the cache, which must open, says what holds


def token_key(account: AccountId, mailbox: MailboxId) -> keys.Key:
    return keys.mailbox_key(account, mailbox), "TOKEN"


def _context(mailbox: MailboxId, number: int) -> str:
    return f"token|{mailbox}|{number}"
