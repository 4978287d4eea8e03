"""What can be asked of the table, and how it is written in DynamoDB's requests; no calls.

An expression names attributes as `#name`; the map of names is made from it, so that no reserved word can hurt.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from calsync_core.adapters.dynamodb.keys import Key
from calsync_core.domain.errors import InputError

Value = str | int | bytes
Row = Mapping[str, Value]
Wire = dict[str, dict[str, Any]]

_ITEM_LIMIT = 400 * 1024
_PK_LIMIT, _SK_LIMIT = 2048, 1024
_NAME = re.compile(r"#(\w+)")


class ConditionFailedError(Exception):
    """Nothing was written. `rows` are the rows that stood in the way (None: there was none), by position."""

    def __init__(self, rows: dict[int, Row | None]) -> None:
        super().__init__("condition failed")
        self.rows = rows

    @property
    def row(self) -> Row | None:
        return next(iter(self.rows.values()))


@dataclass(frozen=True, slots=True)
class Condition:
    text: str
    values: Row = field(default_factory=dict)


MISSING = Condition("attribute_not_exists(#PK)")


@dataclass(frozen=True, slots=True)
class Put:
    row: Row
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    key: Key
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Check:
    key: Key
    condition: Condition


@dataclass(frozen=True, slots=True)
class Update:
    key: Key
    expression: str
    values: Row
    condition: Condition | None = None


Operation = Put | Delete | Check | Update


def wire(row: Row) -> Wire:
    """Texts, whole numbers and bytes, as DynamoDB writes them."""
    return {name: _value(value) for name, value in row.items()}


def _value(value: Value) -> dict[str, Any]:
    if isinstance(value, str):
        return {"S": value}
    return {"B": value} if isinstance(value, bytes) else {"N": str(value)}


def plain(item: Mapping[str, Mapping[str, Any]]) -> Row:
    row: dict[str, Value] = {}
    for name, typed in item.items():
        kind, value = next(iter(typed.items()))
        row[name] = int(value) if kind == "N" else bytes(value) if kind == "B" else value
    return row


def wire_key(key: Key) -> Wire:
    return {"PK": {"S": key[0]}, "SK": {"S": key[1]}}


def wire_row(row: Row) -> Wire:
    """DynamoDB names both mistakes only in the text of a ValidationException; here they get codes of their own."""
    if len(str(row["PK"]).encode()) > _PK_LIMIT or len(str(row["SK"]).encode()) > _SK_LIMIT:
        raise InputError("key_too_long", entity=str(row["entity"]))
    size = sum(len(name) + _size(value) for name, value in row.items())
    if size > _ITEM_LIMIT:
        raise InputError("item_too_large", entity=str(row["entity"]), size=size)
    return wire(row)


def _size(value: Value) -> int:
    if isinstance(value, int):
        return 21  # the most that a number can take
    return len(value) if isinstance(value, bytes) else len(value.encode())


def names(*expressions: str) -> dict[str, str]:
    return {f"#{name}": name for text in expressions for name in _NAME.findall(text)}


def conditional(condition: Condition | None) -> dict[str, Any]:
    if condition is None:
        return {}
    request: dict[str, Any] = {
        "ConditionExpression": condition.text,
        "ExpressionAttributeNames": names(condition.text),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if condition.values:
        request["ExpressionAttributeValues"] = wire(condition.values)
    return request


def update_request(one: Update) -> dict[str, Any]:
    request = {"Key": wire_key(one.key), "UpdateExpression": one.expression} | conditional(one.condition)
    request["ExpressionAttributeNames"] = names(one.expression, one.condition.text if one.condition else "")
    values = {**one.values, **(one.condition.values if one.condition else {})}
    if values:
        request["ExpressionAttributeValues"] = wire(values)
    return request


def signed(row: Row) -> Row:
    return {**row, "w": secrets.token_hex(4)}


def signed_operation(one: Operation) -> Operation:
    return replace(one, row=signed(one.row)) if isinstance(one, Put) and one.condition else one


def is_ours(stored: Row | None, row: Row) -> bool:
    return stored is not None and stored.get("w") == row.get("w")


def stands(operation: Operation, stored: Row | None) -> bool:
    """Whether this very request wrote what is there; an update signs itself with the value `:w`."""
    if isinstance(operation, Put):
        return operation.condition is not None and is_ours(stored, operation.row)
    return isinstance(operation, Update) and stored is not None and stored.get("w") == operation.values.get(":w", "")
