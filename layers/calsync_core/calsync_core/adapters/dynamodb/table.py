"""The only DynamoDB calls of calsync; the layout of the keys is in `keys.py`.

Reads are strongly consistent except those of the two global indexes, and those that say `may_lag`. A conditional put
carries a random word `w`: when its condition failed only because the very same request had taken effect before (the
answer was lost, botocore sent it again) it counts as done. Somebody else's equal write never does: claims and single
use rest on it.

Does not belong here: what an item means (`documents.py`), what a code means (`errors.py`).
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from calsync_core.adapters.dynamodb import errors
from calsync_core.adapters.dynamodb.keys import BY_START, Key
from calsync_core.adapters.dynamodb.operations import (
    Check,
    Condition,
    ConditionFailedError,
    Delete,
    Operation,
    Put,
    Row,
    Update,
    Wire,
    conditional,
    is_ours,
    names,
    plain,
    signed,
    signed_operation,
    stands,
    update_request,
    wire,
    wire_key,
    wire_row,
)
from calsync_core.domain.errors import ConcurrentChangeError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_T = TypeVar("_T")
_TRIES = 8
_PAGE = 1000


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

    def get(self, key: Key, *, may_lag: bool = False) -> Row | None:
        """`may_lag`: at half the price, and perhaps as it stood a moment ago."""
        answer = self._call("get_item", TableName=self._name, Key=wire_key(key), ConsistentRead=not may_lag)
        row = plain(answer.get("Item", {}))
        return row if row and self._is_alive(row) else None

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Row]:
        """Those that exist; what DynamoDB leaves unprocessed is asked for again, with growing pauses."""
        found: dict[Key, Row] = {}
        for part in _parts(list(dict.fromkeys(keys)), 100):
            left: list[Wire] = [wire_key(key) for key in part]
            for attempt in self._attempts("batch_get_item"):
                request = {self._name: {"Keys": left, "ConsistentRead": True}}
                answer = self._call("batch_get_item", RequestItems=request)
                for item in answer["Responses"].get(self._name, []):
                    row = plain(item)
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
        may_lag: bool = False,
    ) -> Iterator[Row]:
        """Rows in the order of the sort key, page by page as they are asked for; `limit` counts after `where`."""
        request: dict[str, Any] = {"TableName": self._name, "KeyConditionExpression": text}
        request["ScanIndexForward"] = not newest_first
        request["ConsistentRead"] = index in {None, BY_START} and not may_lag
        if index:
            request["IndexName"] = index
        if where:
            request["FilterExpression"] = where.text
            values = {**values, **where.values}
        elif limit:
            request["Limit"] = min(limit, _PAGE)
        request["ExpressionAttributeNames"] = names(text, where.text if where else "")
        request["ExpressionAttributeValues"] = wire(values)
        given = 0
        while True:
            answer = self._call("query", **request)
            for row in map(plain, answer["Items"]):
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
        row = signed(row) if condition else row
        request = {"TableName": self._name, "Item": wire_row(row)} | conditional(condition)
        try:
            self._conditional_call("put_item", request)
        except ConditionFailedError as failure:
            if not is_ours(failure.row, row):
                raise

    def update(
        self, key: Key, expression: str, values: Row, condition: Condition | None = None, answer: str = "ALL_NEW"
    ) -> Row:
        """Gives what `answer` names (ALL_NEW, ALL_OLD). Raises ConditionFailedError."""
        request = {"TableName": self._name, "ReturnValues": answer} | update_request(
            Update(key, expression, values, condition)
        )
        return plain(self._conditional_call("update_item", request).get("Attributes", {}))

    def delete(self, key: Key, condition: Condition | None = None) -> Row | None:
        """Gives the row that was there. Raises ConditionFailedError."""
        request = {"TableName": self._name, "Key": wire_key(key), "ReturnValues": "ALL_OLD"} | conditional(condition)
        old = self._conditional_call("delete_item", request).get("Attributes")
        return plain(old) if old else None

    def write_many(self, rows: Iterable[Row] = (), delete: Iterable[Key] = ()) -> None:
        """Unconditional, 25 at a time, no key twice; what is left unprocessed is sent again, nothing else."""
        requests = [{"PutRequest": {"Item": wire_row(row)}} for row in rows]
        requests += [{"DeleteRequest": {"Key": wire_key(key)}} for key in delete]
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
        operations = [signed_operation(one) for one in operations]
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
            place: plain(reasons[place]["Item"]) if reasons[place].get("Item") else None
            for place, code in enumerate(codes)
            if code in errors.CONDITION
        }
        if failed:
            if all(stands(operations[place], row) for place, row in failed.items()):
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
                return {"Put": table | {"Item": wire_row(row)} | conditional(condition)}
            case Delete(key, condition):
                return {"Delete": table | {"Key": wire_key(key)} | conditional(condition)}
            case Check(key, condition):
                return {"ConditionCheck": table | {"Key": wire_key(key)} | conditional(condition)}
            case Update():
                return {"Update": table | update_request(one)}

    def _conditional_call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """One write of one item; a transaction that holds the item at this moment is waited for."""
        for attempt in range(_TRIES):
            try:
                return dict(getattr(self._client, operation)(**request))
            except ClientError as error:
                code = errors.code_of(error)
                if code in errors.CONDITION:
                    item = error.response.get("Item")
                    raise ConditionFailedError({0: plain(item) if item else None}) from None  # type: ignore[arg-type]
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


def _parts(all_: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    return (all_[first : first + size] for first in range(0, len(all_), size))
