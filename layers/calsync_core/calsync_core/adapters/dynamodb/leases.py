"""One run per resource: `wanted` counts the wishes, the lease says who may work (design.md section 1).

Taking puts the item into `by_due` at the lease's end and giving back takes it out, so a crashed holder is picked up.
"""

import secrets
from dataclasses import replace
from datetime import datetime

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.operations import Condition, ConditionFailedError, Row
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.domain.errors import LeaseLostError, NotFoundError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.ports.stores import Lease


def held(lease: Lease) -> Condition:
    """That the lease is still its holder's."""
    return Condition("#lease_number = :number AND attribute_exists(#lease_until)", {":number": lease.number})


def lease_key(account: AccountId, resource: ResourceId) -> keys.Key:
    return keys.resource_key(account, resource), "LEASE"


class DynamoLeaseStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def wish(self, account: AccountId, resource: ResourceId) -> int:
        exists = Condition("attribute_exists(#PK)")
        try:
            row = self._table.update(lease_key(account, resource), "ADD #wanted :one", {":one": 1}, exists)
        except ConditionFailedError:
            raise NotFoundError(resource=resource) from None
        return int(row["wanted"])

    def take(self, account: AccountId, resource: ResourceId, now: datetime, until: datetime) -> Lease | None:
        expression = (
            "SET #lease_number = if_not_exists(#lease_number, :none) + :one, #lease_until = :until,"
            " #lease_token = :token, #due_shard = :shard, #due_at = :until"
        )
        values: Row = {
            ":none": 0,
            ":one": 1,
            ":until": keys.instant(until),
            ":token": secrets.token_hex(8),
            ":shard": keys.due_shard(account, resource),
        }
        # The token is drawn per call: botocore's retry of a take that had taken effect finds its own and passes.
        free = "attribute_not_exists(#lease_until) OR #lease_until <= :now OR #lease_token = :token"
        condition = Condition(f"attribute_exists(#PK) AND ({free})", {":now": keys.instant(now)})
        try:
            row = self._table.update(lease_key(account, resource), expression, values, condition)
        except ConditionFailedError as failure:
            if failure.row is None:
                raise NotFoundError(resource=resource) from None
            return None
        return Lease(account, resource, int(row["lease_number"]), int(row["wanted"]))

    def give_back(self, lease: Lease) -> bool:
        condition = held(lease)
        condition = Condition(f"{condition.text} AND #wanted = :noted", {**condition.values, ":noted": lease.noted})
        expression = "REMOVE #lease_until, #lease_token, #due_shard, #due_at"
        try:
            self._table.update(lease_key(lease.account, lease.resource), expression, {}, condition)
        except ConditionFailedError as failure:
            row = failure.row
            if row is None or row.get("lease_number") != lease.number:
                raise _lost(lease) from None
            # Nobody took it since: without an end it was given back before, with one `wanted` has grown.
            return "lease_until" not in row
        return True

    def renote(self, lease: Lease, until: datetime) -> Lease:
        expression = "SET #lease_until = :until, #due_at = :until"
        values = {":until": keys.instant(until)}
        try:
            row: Row = self._table.update(lease_key(lease.account, lease.resource), expression, values, held(lease))
        except ConditionFailedError:
            raise _lost(lease) from None
        return replace(lease, noted=int(row["wanted"]))


def _lost(lease: Lease) -> LeaseLostError:
    return LeaseLostError(resource=lease.resource, lease=lease.number)
