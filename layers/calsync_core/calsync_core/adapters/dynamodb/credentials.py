"""Sealed token caches. Mailbox and row number are in the associated data: an old or moved text does not open."""

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import checked, row
from calsync_core.adapters.dynamodb.operations import MISSING, Condition, ConditionFailedError
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.domain.errors import ConcurrentChangeError, InstallationError
from calsync_core.domain.ids import AccountId, MailboxId
from calsync_core.ports.outward import Sealer


class DynamoCredentialStore:
    """`sealer` is None in functions that have no right to the key; they can still delete."""

    def __init__(self, table: Table, sealer: Sealer | None) -> None:
        self._table = table
        self._own_sealer = sealer

    def load(self, account: AccountId, mailbox: MailboxId) -> tuple[bytes, int] | None:
        found = self._table.get((keys.mailbox_key(account, mailbox), "CREDENTIALS"))
        if found is None:
            return None
        number, sealed = checked("credentials", found)["row"], found["sealed"]
        if not isinstance(number, int) or not isinstance(sealed, bytes):
            raise InstallationError("schema_broken", entity="credentials")
        return self._sealer.unseal(account, sealed, _context(mailbox, number)), number

    def save(self, account: AccountId, mailbox: MailboxId, plain: bytes, expected: int) -> int:
        number = expected + 1
        sealed = self._sealer.seal(account, plain, _context(mailbox, number))
        item = row("credentials", (keys.mailbox_key(account, mailbox), "CREDENTIALS"), row=number, sealed=sealed)
        unchanged = Condition("#row = :expected", {":expected": expected})
        try:
            self._table.put(item, unchanged if expected else MISSING)
        except ConditionFailedError:
            raise ConcurrentChangeError(mailbox=mailbox) from None
        return number

    def delete(self, account: AccountId, mailbox: MailboxId) -> None:
        self._table.delete((keys.mailbox_key(account, mailbox), "CREDENTIALS"))

    @property
    def _sealer(self) -> Sealer:
        if self._own_sealer is None:
            raise InstallationError("sealer_missing")
        return self._own_sealer


def _context(mailbox: MailboxId, number: int) -> str:
    return f"credentials|{mailbox}|{number}"
