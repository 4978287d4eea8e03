"""Where the change feeds of a resource stand: small items, read by one query."""

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import of_doc, row, to_doc
from calsync_core.adapters.dynamodb.leases import held, lease_key
from calsync_core.adapters.dynamodb.operations import Check, Condition, ConditionFailedError, Put
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.domain.errors import LeaseLostError
from calsync_core.domain.ids import AccountId, ResourceId, short_hash
from calsync_core.ports.stores import CursorRow, Lease


class DynamoCursorStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, account: AccountId, resource: ResourceId, *, may_lag: bool = False) -> dict[str, CursorRow]:
        rows = self._table.under(keys.resource_key(account, resource), "CURSOR#", may_lag=may_lag)
        cursors = [of_doc(CursorRow, "cursor", one) for one in rows]
        return {cursor.feed: cursor for cursor in cursors}

    def store(self, lease: Lease, row: CursorRow) -> None:
        # A transaction, because the lease is another item: a holder that was overtaken must not move the cursor.
        check = Check(lease_key(lease.account, lease.resource), held(lease))
        try:
            self._table.transact([check, Put(_row(lease.account, lease.resource, row))])
        except ConditionFailedError:
            raise LeaseLostError(resource=lease.resource, lease=lease.number) from None

    def store_after_check(self, account: AccountId, resource: ResourceId, row: CursorRow, expected: CursorRow) -> bool:
        unmoved = Condition("#place = :expected", {":expected": _place(expected)})
        try:
            self._table.put(_row(account, resource, row), unmoved)
        except ConditionFailedError:
            return False
        return True

    def forget(self, account: AccountId, resource: ResourceId, feed: str | None = None) -> None:
        pk = keys.resource_key(account, resource)
        if feed is not None:
            self._table.delete((pk, keys.cursor_sk(feed)))
            return
        self._table.write_many(delete=[(pk, str(one["SK"])) for one in self._table.under(pk, "CURSOR#")])


def _row(account: AccountId, resource: ResourceId, cursor: CursorRow) -> dict[str, str | int | bytes]:
    key = keys.resource_key(account, resource), keys.cursor_sk(cursor.feed)
    return row("cursor", key, place=_place(cursor), doc=to_doc(cursor))


def _place(cursor: CursorRow) -> str:
    """What a check compares: not the whole text, which changes its form with the program."""
    return short_hash(repr(cursor.cursor), str(cursor.round), str(cursor.page), str(cursor.is_round_open))
