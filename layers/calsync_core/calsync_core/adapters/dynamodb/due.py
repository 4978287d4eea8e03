"""What is due, and who is to be checked; both by the index `by_due`, which may lag a moment.

A lag does no harm: what is found too late is found by the next sweep, what is found twice is looked at twice.
"""

import secrets
from datetime import datetime
from heapq import merge
from itertools import islice

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import VERSIONS, checked, row
from calsync_core.adapters.dynamodb.operations import Condition, ConditionFailedError, Row
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.domain.errors import InstallationError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.ports.stores import CHECK_WHEELS, Due, check_wheel

_MINUTE = ("SWEEP", "MINUTE")
_MOST_MINUTES = 60


class DynamoDueStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def schedule(self, due: Due) -> None:
        self._table.put(
            row(
                "due",
                keys.due_key(due.account, due.kind, due.subject),
                kind=due.kind,
                account=due.account,
                subject=due.subject,
                due_shard=keys.due_shard(due.kind, due.account, due.subject),
                due_at=keys.instant(due.due_at),
            )
        )

    def cancel(self, kind: str, account: AccountId, subject: str, due_at: datetime | None = None) -> None:
        unmoved = None
        if due_at is not None:
            text = "attribute_not_exists(#PK) OR #due_at = :due_at"
            unmoved = Condition(text, {":due_at": keys.instant(due_at)})
        try:
            self._table.delete(keys.due_key(account, kind, subject), unmoved)
        except ConditionFailedError:
            return  # scheduled anew meanwhile: that one stays

    def due(self, now: datetime, limit: int = 1000) -> list[Due]:
        text, until = "#due_shard = :shard AND #due_at <= :now", keys.instant(now)
        shards = [
            self._table.query(text, {":shard": f"DUE#{shard}", ":now": until}, index=keys.BY_DUE, limit=limit)
            for shard in range(keys.DUE_SHARDS)
        ]
        rows = merge(*shards, key=lambda one: str(one["due_at"]))
        return [_due(one) for one in islice(rows, limit)]

    def set_check(self, account: AccountId, resource: ResourceId, every_minutes: int | None) -> None:
        key = keys.resource_key(account, resource), "CHECK"
        if every_minutes is None:
            self._table.delete(key)
            return
        shard = keys.check_shard(account, resource, check_wheel(every_minutes))
        # The sort key is there because the index asks for one; it never moves.
        self._table.put(row("check", key, account=account, subject=resource, due_shard=shard, due_at="-"))

    def checks(self, minute: int) -> list[tuple[AccountId, ResourceId]]:
        found: list[tuple[AccountId, ResourceId]] = []
        for every in CHECK_WHEELS:
            values = {":shard": f"CHECK#{every}#{minute % every}"}
            for one in self._table.query("#due_shard = :shard", values, index=keys.BY_DUE):
                checked("check", one)
                found.append((AccountId(str(one["account"])), ResourceId(str(one["subject"]))))
        return found

    def claim_minutes(self, now_minute: int) -> range:
        token = secrets.token_hex(8)
        expression = "SET #before = if_not_exists(#last, :before), #last = :now, #by = :by, #entity = :entity, #v = :v"
        values: Row = {
            ":before": now_minute - 1,
            ":now": now_minute,
            ":by": token,
            ":entity": "minute",
            ":v": VERSIONS["minute"],
        }
        later = Condition("attribute_not_exists(#PK) OR #last < :now")
        try:
            claimed = self._table.update(_MINUTE, expression, values, later)
        except ConditionFailedError as failure:
            # botocore's retry of an update that had taken effect: the minutes are ours all the same.
            if failure.row is None or failure.row.get("by") != token:
                return range(0)
            claimed = failure.row
        first = int(claimed["before"]) + 1
        return range(max(first, now_minute - _MOST_MINUTES + 1), now_minute + 1)


def _due(found: Row) -> Due:
    """A lease that was not given back, or something that was scheduled."""
    kind = str(found.get("kind", "lease"))
    checked("lease" if kind == "lease" else "due", found)
    if "subject" not in found:
        raise InstallationError("schema_broken", entity="due")
    due_at = datetime.fromisoformat(str(found["due_at"]))
    return Due(kind, AccountId(str(found["account"])), str(found["subject"]), due_at)
