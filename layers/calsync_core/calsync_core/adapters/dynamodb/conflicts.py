"""Conflicts, under their resource; a pointer finds one by its id alone."""

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import checked, epoch, of_doc, row, to_doc
from calsync_core.adapters.dynamodb.operations import Condition, ConditionFailedError, Put, Row
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.domain.conflicts import Conflict, ConflictStatus
from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.ids import AccountId, ConflictId, LinkRef, ResourceId

_KEPT_SECONDS = 90 * 24 * 3600
_ALIVE = frozenset({ConflictStatus.OPEN, ConflictStatus.LEFT})


class DynamoConflictStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, account: AccountId, conflict: ConflictId) -> Conflict | None:
        pointer = self._table.get(_pointer_key(account, conflict))
        if pointer is None:
            return None
        resource = ResourceId(str(checked("pointer", pointer)["resource"]))
        found = self._table.get((keys.resource_key(account, resource), f"CONFLICT#{conflict}"))
        return of_doc(Conflict, "conflict", found) if found else None

    def of_link(self, account: AccountId, resource: ResourceId, ref: LinkRef) -> list[Conflict]:
        rows = self.of_resource(account, resource)
        return [one for one in rows if ref in {one.booking_ref, one.other_ref} and one.status in _ALIVE]

    def save(self, conflict: Conflict) -> None:
        newer = Condition("attribute_not_exists(#PK) OR #revision <= :revision", {":revision": conflict.revision})
        pointer_key = _pointer_key(conflict.account, conflict.id)
        pointer = row("pointer", pointer_key, resource=conflict.resource_id, expires_at=_expires_at(conflict))
        try:
            self._table.transact([Put(_row(conflict), newer), Put(pointer)])
        except ConditionFailedError:
            raise ConcurrentChangeError(conflict=conflict.id, revision=conflict.revision) from None

    def open(self, account: AccountId) -> list[Conflict]:
        values = {":key": f"{keys.account_key(account)}#OPEN"}
        rows = self._table.query("#list_key = :key", values, index=keys.BY_LIST, newest_first=True)
        return [of_doc(Conflict, "conflict", one) for one in rows]

    def ended(self, account: AccountId, limit: int = 200) -> list[Conflict]:
        values = {":key": f"{keys.account_key(account)}#ENDED"}
        rows = self._table.query("#list_key = :key", values, index=keys.BY_LIST, newest_first=True, limit=limit)
        return [of_doc(Conflict, "conflict", one) for one in rows]

    def of_resource(self, account: AccountId, resource: ResourceId) -> list[Conflict]:
        rows = self._table.under(keys.resource_key(account, resource), "CONFLICT#")
        return [of_doc(Conflict, "conflict", one) for one in rows]


def _row(conflict: Conflict) -> Row:
    is_open = conflict.status is ConflictStatus.OPEN
    at = conflict.opened_at if is_open else conflict.ended_at or conflict.opened_at
    return row(
        "conflict",
        (keys.resource_key(conflict.account, conflict.resource_id), f"CONFLICT#{conflict.id}"),
        revision=conflict.revision,
        list_key=f"{keys.account_key(conflict.account)}#{'OPEN' if is_open else 'ENDED'}",
        list_sort=f"{keys.instant(at)}#{conflict.id}",
        expires_at=_expires_at(conflict),
        doc=to_doc(conflict),
    )


def _expires_at(conflict: Conflict) -> int | None:
    """Only ended ones go, after as long as the log keeps their lines."""
    if conflict.status in _ALIVE or conflict.ended_at is None:
        return None
    return epoch(conflict.ended_at) + _KEPT_SECONDS


def _pointer_key(account: AccountId, conflict: ConflictId) -> keys.Key:
    return f"ACC#{account}#CONFLICT#{conflict}", "POINTER"
