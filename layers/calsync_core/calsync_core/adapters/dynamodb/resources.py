"""Where each resource stands."""

import secrets
from dataclasses import replace

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import VERSIONS, of_doc, to_doc
from calsync_core.adapters.dynamodb.operations import Condition, ConditionFailedError, Row, Update
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.resources import ResourceState


class DynamoResourceStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, account: AccountId, resource: ResourceId, *, may_lag: bool = False) -> ResourceState | None:
        row = self._table.get((keys.resource_key(account, resource), "STATE"), may_lag=may_lag)
        return _state(row) if row else None

    def save(self, state: ResourceState) -> ResourceState:
        saved = replace(state, version=state.version + 1)
        write = _write(saved, state.version)
        try:
            if state.version:
                self._table.update(write.key, write.expression, write.values, write.condition)
            else:
                self._table.transact([write, _lease(state)])
        except ConditionFailedError as failure:
            # The answer of this very write may have been lost, and botocore sent it again.
            if failure.row is None or failure.row.get("w") != write.values[":w"]:
                raise ConcurrentChangeError(resource=state.resource.id) from None
        return saved

    def of_account(self, account: AccountId) -> list[ResourceState]:
        text = "#list_key = :key AND begins_with(#list_sort, :kind)"
        values = {":key": keys.account_key(account), ":kind": "RES#"}
        return [_state(row) for row in self._table.query(text, values, index=keys.BY_LIST)]


def _state(row: Row) -> ResourceState:
    return of_doc(ResourceState, "resource", row)


def _write(saved: ResourceState, expected: int) -> Update:
    values: Row = {
        ":doc": to_doc(saved),
        ":version": saved.version,
        ":entity": "resource",
        ":v": VERSIONS["resource"],
        ":list_key": keys.account_key(saved.account),
        ":list_sort": f"RES#{saved.resource.id}",
        ":w": secrets.token_hex(4),
    }
    names = ("doc", "version", "entity", "v", "list_key", "list_sort", "w")
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in names)
    known = Condition("#version = :expected", {":expected": expected})
    condition = known if expected else Condition("attribute_not_exists(#version)")
    return Update((keys.resource_key(saved.account, saved.resource.id), "STATE"), expression, values, condition)


def _lease(state: ResourceState) -> Update:
    """The lease's own small item: wishes and leases then cost one write unit, however large the state is."""
    key = keys.resource_key(state.account, state.resource.id), "LEASE"
    expression = "SET #entity = :entity, #v = :v, #account = :account, #subject = :subject ADD #wanted :none"
    values: Row = {
        ":entity": "lease",
        ":v": VERSIONS["lease"],
        ":account": state.account,
        ":subject": state.resource.id,
        ":none": 0,
    }
    return Update(key, expression, values)
