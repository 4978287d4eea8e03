"""DynamoDB's read and write units, counted from what went over the wire by the rules of its price list.

Counted here and not by ReturnConsumedCapacity, which no emulator gets right for queries and batches: a strong read
costs one unit per begun 4 KB, a write one per begun 1 KB, twice in a transaction, once more for each index that holds
the item.
"""

import time
from collections import Counter
from collections.abc import Callable
from math import ceil
from typing import Any

INDEX_KEYS = ({"PK", "starts"}, {"list_key", "list_sort"}, {"due_shard", "due_at"})
Wire = dict[str, dict[str, Any]]


class CountingClient:
    """Stands in front of a DynamoDB client; `reads` and `writes` are units, `calls` counts requests."""

    def __init__(self, real: Any, table: str) -> None:
        self._real = real
        self._table = table
        self.reset()

    def reset(self) -> None:
        self.reads = self.writes = 0.0
        self.cpu_inside = 0.0  # of the emulator, which works in this very process
        self.reads_by_entity: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()

    def counted(self) -> dict[str, Any]:
        return {
            "read_units": self.reads, "write_units": self.writes, "requests": self.calls.total(),
            "read_units_by_entity": dict(self.reads_by_entity),
        }  # fmt: skip

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self.calls[operation] += 1
            real = getattr(self._real, operation)
            count = getattr(self, f"_{operation}", None)
            if count is None:
                raise NotImplementedError(f"{operation} has no price here")
            began = time.thread_time()
            try:
                return count(real, request)
            finally:
                self.cpu_inside += time.thread_time() - began

        return call

    # -- reads --------------------------------------------------------------------------------------------------

    def _get_item(self, real: Callable[..., Any], request: dict[str, Any]) -> Any:
        answer = real(**request)
        self._note_read([answer["Item"]] if "Item" in answer else [], is_strong=request.get("ConsistentRead", False))
        return answer

    def _batch_get_item(self, real: Callable[..., Any], request: dict[str, Any]) -> Any:
        answer = real(**request)
        asked = request["RequestItems"][self._table]
        items = answer["Responses"].get(self._table, [])
        for item in items:
            self._note_read([item], is_strong=asked.get("ConsistentRead", False))
        for _ in range(len(asked["Keys"]) - len(items)):
            self._note_read([], is_strong=asked.get("ConsistentRead", False))  # what is not there costs too
        return answer

    def _query(self, real: Callable[..., Any], request: dict[str, Any]) -> Any:
        answer = real(**request)
        self._note_read(answer["Items"], is_strong=request.get("ConsistentRead", False))
        return answer

    def _note_read(self, items: list[Wire], *, is_strong: bool) -> None:
        units = max(ceil(sum(map(size, items)) / 4096), 1) * (1.0 if is_strong else 0.5)
        self.reads += units
        self.reads_by_entity[str(items[0].get("entity", {}).get("S", "?")) if items else "nothing"] += units  # type: ignore[assignment]

    # -- writes -------------------------------------------------------------------------------------------------

    def _put_item(self, real: Callable[..., Any], request: dict[str, Any]) -> Any:
        self._note_write(request["Item"])
        return real(**request)

    def _update_item(self, real: Callable[..., Any], request: dict[str, Any]) -> Any:
        try:
            answer = real(**request)
        finally:
            self._note_write(self._stored(request["Key"]))  # a refused condition is billed as well
        return answer

    def _delete_item(self, real: Callable[..., Any], request: dict[str, Any]) -> Any:
        self._note_write(self._stored(request["Key"]))
        return real(**request)

    def _batch_write_item(self, real: Callable[..., Any], request: dict[str, Any]) -> Any:
        for one in request["RequestItems"][self._table]:
            item = one["PutRequest"]["Item"] if "PutRequest" in one else self._stored(one["DeleteRequest"]["Key"])
            self._note_write(item)
        return real(**request)

    def _transact_write_items(self, real: Callable[..., Any], request: dict[str, Any]) -> Any:
        for one in request["TransactItems"]:
            ((kind, part),) = one.items()
            item = part["Item"] if kind == "Put" else self._stored(part["Key"])
            self._note_write(item, times=2, is_check=kind == "ConditionCheck")
        return real(**request)

    def _stored(self, key: Wire) -> Wire:
        found: Wire = self._real.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item", key)
        return found

    def _note_write(self, item: Wire, times: int = 1, *, is_check: bool = False) -> None:
        units = max(ceil(size(item) / 1024), 1)
        indexes = 0 if is_check else sum(1 for key in INDEX_KEYS if key <= item.keys())
        self.writes += units * times + units * indexes


def size(item: Wire) -> int:
    """Bytes of an item as DynamoDB counts them: names and values, a number by its digits."""
    return sum(len(name) + _size_of(value) for name, value in item.items())


def _size_of(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "N":
        return len(content) // 2 + 2
    return len(content) if kind == "B" else len(str(content).encode())
