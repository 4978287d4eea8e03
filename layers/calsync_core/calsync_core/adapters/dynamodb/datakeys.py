"""The sealed data key of each account: put once, then the same for ever. What it opens with is not known here."""

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import checked, row
from calsync_core.adapters.dynamodb.operations import MISSING, ConditionFailedError, Row
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.domain.errors import InstallationError
from calsync_core.domain.ids import AccountId


class DynamoDataKeys:
    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, account: AccountId) -> bytes | None:
        found = self._table.get(_key(account))
        return _sealed(found) if found else None

    def claim(self, account: AccountId, sealed: bytes) -> bytes:
        """Put it unless there is one; gives the one that stands. Two functions may start at the same moment."""
        try:
            self._table.put(row("data_key", _key(account), sealed=sealed), MISSING)
        except ConditionFailedError as failure:
            if failure.row is None:
                raise InstallationError("schema_broken", entity="data_key") from None
            return _sealed(failure.row)
        return sealed


def _key(account: AccountId) -> keys.Key:
    return keys.account_key(account), "DATA_KEY"


def _sealed(found: Row) -> bytes:
    sealed = checked("data_key", found)["sealed"]
    if not isinstance(sealed, bytes):
        raise InstallationError("schema_broken", entity="data_key")
    return sealed
