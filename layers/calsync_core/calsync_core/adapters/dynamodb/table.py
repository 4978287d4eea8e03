"""The only DynamoDB calls of calsync; the layout of the keys is in `keys.py`.

Reads are strongly consistent except those of the two global indexes. An expression names attributes as `#name`; the
map of names is made from it, so that no reserved word can hurt. A conditional put carries a random word `w`: when its
condition failed only because the very same request had taken effect before (the answer was lost, botocore sent it
again) it counts as done. Somebody else's equal write never does: claims and single use rest on it.

Does not belong here: what an item means (`documents.py`), what a code means (`errors.py`).
"""

import random
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from calsync_core.adapters.dynamodb import errors
from calsync_core.adapters.dynamodb.keys import BY_START, Key
from calsync_core.domain.errors import ConcurrentChangeError, InputError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Value = str | int | bytes
Row = Mapping[str, Value]
Wire = dict[str, dict[str, Any]]
_T = TypeVar("_T")

_ITEM_LIMIT = 400 * 1024
_PK_LIMIT, _SK_LIMIT = 2048, 1024
_TRIES = 8
_PAGE = 1000
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


class Table:
    """`pause` waits that many seconds, `now` is in seconds since the epoch; tests hand in their own.

    Rows whose `expires_at` has passed are not there, whether DynamoDB has deleted them already or not.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        name: str,
        pause: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._client: Any = client
        self._name = name
        self._pause = pause
        self._now = now

    def in_days(self, days: int) -> int:
        """For `expires_at` of what is kept for so many days from now."""
        return int(self._now()) + days * 24 * 3600

    def get(self, key: Key) -> Row | None:
        answer = self._call("get_item", TableName=self._name, Key=_key(key), ConsistentRead=True)
        row = _plain(answer.get("Item", {}))
        return row if row and self._is_alive(row) else None

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Row]:
        """Those that exist; what DynamoDB leaves unprocessed is asked for again, with growing pauses."""
        found: dict[Key, Row] = {}
        for part in _parts(list(dict.fromkeys(keys)), 100):
            left: list[Wire] = [_key(key) for key in part]
            for attempt in self._attempts("batch_get_item"):
                request = {self._name: {"Keys": left, "ConsistentRead": True}}
                answer = self._call("batch_get_item", RequestItems=request)
                for item in answer["Responses"].get(self._name, []):
                    row = _plain(item)
                    if self._is_alive(row):
                        found[str(row["PK"]), str(row["SK"])] = row
                left = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
                if not left:
                    break
                self._back_off(attempt)
        return found

    def query(
        self,
        text: str,
        values: Row,
        *,
        index: str | None = None,
        where: Condition | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> Iterator[Row]:
        """Rows in the order of the sort key, page by page as they are asked for; `limit` counts after `where`."""
        request: dict[str, Any] = {"TableName": self._name, "KeyConditionExpression": text}
        request["ScanIndexForward"] = not newest_first
        request["ConsistentRead"] = index in {None, BY_START}
        if index:
            request["IndexName"] = index
        if where:
            request["FilterExpression"] = where.text
            values = {**values, **where.values}
        elif limit:
            request["Limit"] = min(limit, _PAGE)
        request["ExpressionAttributeNames"] = _names(text, where.text if where else "")
        request["ExpressionAttributeValues"] = wire(values)
        given = 0
        while True:
            answer = self._call("query", **request)
            for row in map(_plain, answer["Items"]):
                if not self._is_alive(row):
                    continue
                yield row
                given += 1
                if given == limit:
                    return
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def under(self, pk: str, prefix: str, **options: Any) -> Iterator[Row]:
        """The rows of one partition whose SK begins with the prefix."""
        values = {":pk": pk, ":prefix": prefix}
        return self.query("#PK = :pk AND begins_with(#SK, :prefix)", values, **options)

    def put(self, row: Row, condition: Condition | None = None) -> None:
        """Raises ConditionFailedError; InputError("item_too_large" | "key_too_long")."""
        row = _signed(row) if condition else row
        request = {"TableName": self._name, "Item": _checked(row)} | _conditional(condition)
        try:
            self._conditional_call("put_item", request)
        except ConditionFailedError as failure:
            if not _is_ours(failure.row, row):
                raise

    def update(
        self, key: Key, expression: str, values: Row, condition: Condition | None = None, answer: str = "ALL_NEW"
    ) -> Row:
        """Gives what `answer` names (ALL_NEW, ALL_OLD). Raises ConditionFailedError."""
        request = {"TableName": self._name, "ReturnValues": answer} | _update(
            Update(key, expression, values, condition)
        )
        return _plain(self._conditional_call("update_item", request).get("Attributes", {}))

    def delete(self, key: Key, condition: Condition | None = None) -> Row | None:
        """Gives the row that was there. Raises ConditionFailedError."""
        request = {"TableName": self._name, "Key": _key(key), "ReturnValues": "ALL_OLD"} | _conditional(condition)
        old = self._conditional_call("delete_item", request).get("Attributes")
        return _plain(old) if old else None

    def write_many(self, rows: Iterable[Row] = (), delete: Iterable[Key] = ()) -> None:
        """Unconditional, 25 at a time, no key twice; what is left unprocessed is sent again, nothing else."""
        requests = [{"PutRequest": {"Item": _checked(row)}} for row in rows]
        requests += [{"DeleteRequest": {"Key": _key(key)}} for key in delete]
        if len(requests) == 1:
            # One line of the log, one tombstone: not a batch, and functions that write no more need no such right.
            self._write_one(requests[0])
            return
        for part in _parts(requests, 25):
            left: Sequence[dict[str, Any]] = part
            for attempt in self._attempts("batch_write_item"):
                answer = self._call("batch_write_item", RequestItems={self._name: left})
                left = answer.get("UnprocessedItems", {}).get(self._name, [])
                if not left:
                    break
                self._back_off(attempt)

    def _write_one(self, request: dict[str, Any]) -> None:
        if "PutRequest" in request:
            self._conditional_call("put_item", {"TableName": self._name, "Item": request["PutRequest"]["Item"]})
        else:
            self._conditional_call("delete_item", {"TableName": self._name, "Key": request["DeleteRequest"]["Key"]})

    def transact(self, operations: Sequence[Operation]) -> None:
        """All or none. Raises ConditionFailedError with the positions that failed, ConcurrentChangeError."""
        operations = [_signed_operation(one) for one in operations]
        items = [self._operation(one) for one in operations]
        for attempt in range(_TRIES):
            try:
                # botocore adds one ClientRequestToken for all its own retries: they cannot be applied twice.
                self._client.transact_write_items(TransactItems=items)
            except ClientError as error:
                is_done = not self._may_repeat(error, operations)
            except BotoCoreError as error:
                raise errors.translate(error, "transact_write_items") from None
            else:
                is_done = True
            if is_done:
                return
            self._back_off(attempt)
        raise ConcurrentChangeError("store_contended")

    def _may_repeat(self, error: ClientError, operations: Sequence[Operation]) -> bool:
        """True: lost against another transaction. False: this one had taken effect before. Raises otherwise."""
        reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
        codes = [reason.get("Code", "None") for reason in reasons]
        failed = {
            place: _plain(reasons[place]["Item"]) if reasons[place].get("Item") else None
            for place, code in enumerate(codes)
            if code in errors.CONDITION
        }
        if failed:
            if all(_stands(operations[place], row) for place, row in failed.items()):
                return False
            raise ConditionFailedError(failed)
        if errors.code_of(error) in errors.CONFLICT or any(code in errors.CONFLICT for code in codes):
            return True
        worst = next((code for code in codes if code != "None"), None)
        if worst:
            raise errors.of_code(worst, "transact_write_items") from None
        raise errors.translate(error, "transact_write_items") from None

    def _operation(self, one: Operation) -> dict[str, Any]:
        table = {"TableName": self._name}
        match one:
            case Put(row, condition):
                return {"Put": table | {"Item": _checked(row)} | _conditional(condition)}
            case Delete(key, condition):
                return {"Delete": table | {"Key": _key(key)} | _conditional(condition)}
            case Check(key, condition):
                return {"ConditionCheck": table | {"Key": _key(key)} | _conditional(condition)}
            case Update():
                return {"Update": table | _update(one)}

    def _conditional_call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """One write of one item; a transaction that holds the item at this moment is waited for."""
        for attempt in range(_TRIES):
            try:
                return dict(getattr(self._client, operation)(**request))
            except ClientError as error:
                code = errors.code_of(error)
                if code in errors.CONDITION:
                    item = error.response.get("Item")
                    raise ConditionFailedError({0: _plain(item) if item else None}) from None  # type: ignore[arg-type]
                if code not in errors.CONFLICT:
                    raise errors.translate(error, operation) from None
            except BotoCoreError as error:
                raise errors.translate(error, operation) from None
            self._back_off(attempt)
        raise ConcurrentChangeError("store_contended")

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        try:
            return dict(getattr(self._client, operation)(**request))
        except (ClientError, BotoCoreError) as error:
            raise errors.translate(error, operation) from None

    def _is_alive(self, row: Row) -> bool:
        expires_at = row.get("expires_at")
        return expires_at is None or int(expires_at) > self._now()

    def _attempts(self, operation: str) -> Iterator[int]:
        yield from range(_TRIES)
        raise errors.of_code("ThrottlingException", operation)

    def _back_off(self, attempt: int) -> None:
        # Full jitter, at most 3 s in all eight tries together on average: longer waits belong to Step Functions.
        self._pause(random.uniform(0, min(0.02 * 2**attempt, 1.5)))  # noqa: S311 - no secret


def wire(row: Row) -> Wire:
    """Texts, whole numbers and bytes, as DynamoDB writes them."""
    return {name: _value(value) for name, value in row.items()}


def _value(value: Value) -> dict[str, Any]:
    if isinstance(value, str):
        return {"S": value}
    return {"B": value} if isinstance(value, bytes) else {"N": str(value)}


def _plain(item: Mapping[str, Mapping[str, Any]]) -> Row:
    row: dict[str, Value] = {}
    for name, typed in item.items():
        kind, value = next(iter(typed.items()))
        row[name] = int(value) if kind == "N" else bytes(value) if kind == "B" else value
    return row


def _key(key: Key) -> Wire:
    return {"PK": {"S": key[0]}, "SK": {"S": key[1]}}


def _checked(row: Row) -> Wire:
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


def _names(*expressions: str) -> dict[str, str]:
    return {f"#{name}": name for text in expressions for name in _NAME.findall(text)}


def _conditional(condition: Condition | None) -> dict[str, Any]:
    if condition is None:
        return {}
    request: dict[str, Any] = {
        "ConditionExpression": condition.text,
        "ExpressionAttributeNames": _names(condition.text),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if condition.values:
        request["ExpressionAttributeValues"] = wire(condition.values)
    return request


def _update(one: Update) -> dict[str, Any]:
    request = {"Key": _key(one.key), "UpdateExpression": one.expression} | _conditional(one.condition)
    request["ExpressionAttributeNames"] = _names(one.expression, one.condition.text if one.condition else "")
    values = {**one.values, **(one.condition.values if one.condition else {})}
    if values:
        request["ExpressionAttributeValues"] = wire(values)
    return request


def _signed(row: Row) -> Row:
    return {**row, "w": secrets.token_hex(4)}


def _signed_operation(one: Operation) -> Operation:
    return replace(one, row=_signed(one.row)) if isinstance(one, Put) and one.condition else one


def _is_ours(stored: Row | None, row: Row) -> bool:
    return stored is not None and stored.get("w") == row.get("w")


def _stands(operation: Operation, stored: Row | None) -> bool:
    """Whether this very request wrote what is there; an update signs itself with the value `:w`."""
    if isinstance(operation, Put):
        return operation.condition is not None and _is_ours(stored, operation.row)
    return isinstance(operation, Update) and stored is not None and stored.get("w") == operation.values.get(":w", "")


def _parts(all_: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    return (all_[first : first + size] for first in range(0, len(all_), size))
