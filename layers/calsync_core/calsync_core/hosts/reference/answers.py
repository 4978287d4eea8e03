"""First answers of idempotency keys, kept for seven days."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from calsync_core.hosts.reference.errors import HostError
from calsync_core.hosts.reference.table import Operation, Table, Value

_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Once:
    """A request that must have its effect once: its key, what it is sent to, and a digest of its body."""

    key: str
    target: str
    digest: str

    @classmethod
    def of(cls, key: str, target: str, body: bytes) -> "Once":
        """From the parts of the request; `target` is method and path."""
        return cls(key, target, hashlib.sha256(body).hexdigest())

    @property
    def place(self) -> str:
        """Where its answer is kept. Hashed: the key is the caller's and may be anything."""
        return f"ANSWER#{hashlib.sha256(json.dumps([self.target, self.key]).encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered."""

    status: int
    body: dict[str, Any]


class Answers:
    """The answers of one account."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, once: Once | None, now: datetime) -> Answer | None:
        """The first answer, if the same request was answered before.

        Raises:
            HostError: `idempotency_key_reused`, the key came with another body.
        """
        item = self._table.get(once.place) if once else None
        if once is None or item is None or int(item["expires_at"]) <= now.timestamp():
            return None
        if item["digest"] != once.digest:
            raise HostError(422, "idempotency_key_reused", "This Idempotency-Key was used for another request.")
        return Answer(int(item["status"]), json.loads(str(item["body"])))

    def operations(self, once: Once | None, answer: Answer, now: datetime) -> list[Operation]:
        """The write that keeps an answer, for the transaction of the change; loses to an answer that is there."""
        if once is None:
            return []
        item: dict[str, Value] = {
            "entity": "host_answer",
            "digest": once.digest,
            "status": answer.status,
            "body": json.dumps(answer.body),
            "expires_at": int((now + _KEPT).timestamp()),
        }
        condition = "attribute_not_exists(PK) OR expires_at <= :now"
        values = {":now": int(now.timestamp())}
        return [self._table.put(once.place, "DOC", item, condition=condition, values=values)]
