"""DynamoDB's read and write units, counted from what went over the wire by the rules of its price list.

Counted here and not by ReturnConsumedCapacity, which no emulator gets right for queries and batches: a strong read
costs one unit per begun 4 KB and half of it where it may lag, a write one per begun 1 KB of the larger of the item
before and after, twice in a transaction; and once more for each index that holds it before or after, twice where its
place in the index changes.
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
        return self._writing([(request["Item"], 1)], lambda: real(**request))

    def _update_item(self, real: Callable[..., Any], request: dict[str, Any]) -> Any:
        return self._writing([(request["Key"], 1)], lambda: real(**request))

    def _delete_item(self, real: Callable[..., Any], request: dict[str, Any]) -> Any:
        return self._writing([(request["Key"], 1)], lambda: real(**request))

    def _batch_write_item(self, real: Callable[..., Any], request: dict[str, Any]) -> Any:
        asked = request["RequestItems"][self._table]
        keys = [one["PutRequest"]["Item"] if "PutRequest" in one else one["DeleteRequest"]["Key"] for one in asked]
        return self._writing([(key, 1) for key in keys], lambda: real(**request))

    def _transact_write_items(self, real: Callable[..., Any], request: dict[str, Any]) -> Any:
        parts = [part for one in request["TransactItems"] for part in one.values()]
        return self._writing([(part.get("Item") or part["Key"], 2) for part in parts], lambda: real(**request))

    def _writing(self, touched: list[tuple[Wire, int]], write: Callable[[], Any]) -> Any:
        """`touched`: each item or key with how often it is paid. A refused condition is billed as well."""
        before = [self._stored(key) for key, _ in touched]
        try:
            return write()
        finally:
            for (key, times), old in zip(touched, before, strict=True):
                self._note_write(old, self._stored(key), times)

    def _stored(self, item: Wire) -> Wire:
        key = {name: item[name] for name in ("PK", "SK")}
        found: Wire = self._real.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item", {})
        return found

    def _note_write(self, old: Wire, new: Wire, times: int) -> None:
        self.writes += times * max(units(old), units(new), 1)
        if old == new:
            return
        for key in INDEX_KEYS:
            was, is_now = (_place(item, key) for item in (old, new))
            if was is not None and is_now is not None and was == is_now:
                self.writes += max(units(old), units(new))
            else:
                self.writes += (units(old) if was else 0) + (units(new) if is_now else 0)


def units(item: Wire) -> int:
    return ceil(size(item) / 1024)


def _place(item: Wire, key: set[str]) -> tuple[str, ...] | None:
    """Where an index holds the item, or None."""
    return tuple(str(item[name]) for name in sorted(key)) if key <= item.keys() else None


def size(item: Wire) -> int:
    """Bytes of an item as DynamoDB counts them: names and values, a number by its digits."""
    return sum(len(name) + _size_of(value) for name, value in item.items())


def _size_of(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "N":
        return len(content) // 2 + 2
    return len(content) if kind == "B" else len(str(content).encode())
