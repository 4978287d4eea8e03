"""The only DynamoDB calls of the booking system, and the layout of its keys.

    PK HOST#<account>#RESOURCES      SK <resource>              the resource
    PK HOST#<account>#CAL#<resource> SK STATE                   seq: newest change; feed: this feed's own id
                                     SK SHORT#<start>#<id>      a booking of at most two days
                                     SK LONG#<end>#<id>         a longer one
                                     SK SERIES#<last end>#<id>  a series
                                     SK BSHORT#.. BLONG#..      blocks, likewise
                                     SK FEED#<seq>              what changed (TTL)
    PK HOST#<account>#BOOKING#<id>   SK DOC                     booking or series; lock: counts every write
    PK HOST#<account>#BLOCK#<ref>    SK DOC                     block
    PK HOST#<account>#ANSWER#<hash>  SK DOC                     first answer of an idempotency key (TTL)
    PK HOST#<account>#OUTBOX         SK <instant>#<event>       events on their way (TTL)

Why bookings of up to two days and longer ones lie apart: a window then needs a bounded query by start for the many, and
one by end for the few, however long those are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Value = str | int
Item = Mapping[str, Value]
Operation = dict[str, Any]


class ConditionFailedError(Exception):
    """A write met another one; nothing was written. The caller reads again and decides anew."""


class Table:
    """One account's part of the table. All reads are strongly consistent; values are texts and integers."""

    def __init__(self, client: "DynamoDBClient", name: str, account: str) -> None:
        self._client: Any = client
        self._name = name
        self._prefix = f"HOST#{account}#"

    def get(self, pk: str, sk: str = "DOC") -> dict[str, Value] | None:
        """The item, or None."""
        answer = self._client.get_item(TableName=self._name, Key=self._key(pk, sk), ConsistentRead=True)
        return _plain(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[dict[str, Value]]:
        """Those of the items that exist, in no order; any number of keys, none twice."""
        found: list[dict[str, Value]] = []
        for first in range(0, len(keys), 100):
            wanted = {"Keys": [self._key(*key) for key in keys[first : first + 100]], "ConsistentRead": True}
            request = {self._name: wanted}
            while request:
                answer = self._client.batch_get_item(RequestItems=request)
                found += map(_plain, answer["Responses"].get(self._name, []))
                request = answer.get("UnprocessedKeys") or {}
        return found

    def query(self, pk: str, first: str, last: str, *, limit: int | None = None) -> Iterator[dict[str, Value]]:
        """The items whose SK is in [first, last], in order, page by page as they are asked for."""
        request: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": "PK = :pk AND SK BETWEEN :first AND :last",
            "ExpressionAttributeValues": _wire({":pk": self._prefix + pk, ":first": first, ":last": last}),
            "ConsistentRead": True,
        }
        if limit:
            request["Limit"] = limit
        left = limit
        while True:
            answer = self._client.query(**request)
            for item in answer["Items"]:
                yield _plain(item)
            left = left - len(answer["Items"]) if left is not None else None
            if "LastEvaluatedKey" not in answer or (left is not None and left <= 0):
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def put(self, pk: str, sk: str, item: Item, *, condition: str = "", values: Item | None = None) -> Operation:
        """A put for `commit`. The condition may use `:names` from values."""
        body = {"TableName": self._name, "Item": _wire({"PK": self._prefix + pk, "SK": sk, "v": 1, **item})}
        return {"Put": body | _conditional(condition, values)}

    def delete(self, pk: str, sk: str = "DOC", *, condition: str = "", values: Item | None = None) -> Operation:
        """A delete for `commit`."""
        return {"Delete": {"TableName": self._name, "Key": self._key(pk, sk)} | _conditional(condition, values)}

    def commit(self, operations: Iterable[Operation]) -> None:
        """All of the operations or none.

        Raises:
            ConditionFailedError: a condition did not hold, or another transaction was at the same items.
        """
        writes = list(operations)
        try:
            self._client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            if _lost_a_race(error):
                raise ConditionFailedError from error
            raise

    def remove(self, pk: str, sk: str) -> None:
        """Delete one item by itself; gone already is well."""
        self._client.delete_item(TableName=self._name, Key=self._key(pk, sk))

    def _key(self, pk: str, sk: str) -> dict[str, Any]:
        return _wire({"PK": self._prefix + pk, "SK": sk})


def _lost_a_race(error: ClientError) -> bool:
    code = error.response["Error"]["Code"]
    if code in {"TransactionConflictException", "TransactionInProgressException"}:
        return True
    reasons: list[dict[str, str]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
    # Anything else in the list (a throttled or too large write) is no race and must not be tried for ever.
    known = {"None", "ConditionalCheckFailed", "TransactionConflict"}
    return code == "TransactionCanceledException" and all(reason.get("Code", "None") in known for reason in reasons)


def _conditional(condition: str, values: Item | None) -> dict[str, Any]:
    if not condition:
        return {}
    return {"ConditionExpression": condition} | ({"ExpressionAttributeValues": _wire(values)} if values else {})


def _wire(item: Item) -> dict[str, Any]:
    return {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in item.items()}


def _plain(item: Mapping[str, Mapping[str, str]]) -> dict[str, Value]:
    return {
        name: int(value["N"]) if "N" in value else value["S"]
        for name, value in item.items()
        if "N" in value or "S" in value
    }
