"""The sync log (90 days) and the journal of deletes and moves (30 days)."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import checked, epoch, of_doc, row, to_doc
from calsync_core.adapters.dynamodb.operations import Row
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.domain.ids import AccountId, ResourceId, short_hash
from calsync_core.domain.synclog import LogEntry

_LOG_SECONDS = 90 * 24 * 3600
_JOURNAL_DAYS = 30
_BYTES_PER_ITEM = 200_000
"""Half of what an item may weigh: ids of Exchange alone are several hundred characters."""


class DynamoLogStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, entries: Sequence[LogEntry]) -> None:
        # One key per line, made of its content: a repeated `add` of the same lines overwrites them.
        rows = [_row(entry, place) for place, entry in enumerate(entries)]
        self._table.write_many({(one["PK"], one["SK"]): one for one in rows}.values())

    def of_resource(self, account: AccountId, resource: ResourceId, limit: int = 100) -> list[LogEntry]:
        rows = self._table.under(keys.resource_key(account, resource), "LOG#", newest_first=True, limit=limit)
        return [of_doc(LogEntry, "log", one) for one in rows]

    def of_day(self, account: AccountId, day: str, limit: int = 500) -> list[LogEntry]:
        values = {":key": f"{keys.account_key(account)}#LOG#{day}"}
        rows = self._table.query("#list_key = :key", values, index=keys.BY_LIST, newest_first=True, limit=limit)
        return [of_doc(LogEntry, "log", one) for one in rows]

    def journal(self, account: AccountId, resource: ResourceId, run: str, actions: Sequence[dict[str, str]]) -> None:
        docs = list(_documents(actions))
        pk, expires_at = keys.resource_key(account, resource), self._table.in_days(_JOURNAL_DAYS)
        rows = {
            short_hash(doc): row("journal", (pk, f"UNDO#{run}#{short_hash(doc)}"), doc=doc, expires_at=expires_at)
            for doc in docs
        }
        self._table.write_many(rows.values())

    def journalled(self, account: AccountId, resource: ResourceId, run: str) -> list[dict[str, str]]:
        rows = self._table.under(keys.resource_key(account, resource), f"UNDO#{run}#")
        return [action for one in rows for action in json.loads(str(checked("journal", one)["doc"]))]

    def journals(self, account: AccountId, resource: ResourceId) -> dict[str, list[dict[str, str]]]:
        found: dict[str, list[dict[str, str]]] = {}
        for one in self._table.under(keys.resource_key(account, resource), "UNDO#"):
            run = str(one["SK"]).removeprefix("UNDO#").rpartition("#")[0]
            found.setdefault(run, []).extend(json.loads(str(checked("journal", one)["doc"])))
        return found


def _documents(actions: Sequence[dict[str, str]]) -> Iterator[str]:
    """Lists as JSON, each small enough for one item."""
    part: list[str] = []
    size = 0
    for action in actions:
        doc = json.dumps(action, ensure_ascii=False, separators=(",", ":"))
        length = len(doc.encode()) + 1
        if part and size + length > _BYTES_PER_ITEM:
            yield f"[{','.join(part)}]"
            part, size = [], 0
        part.append(doc)
        size += length
    if part:
        yield f"[{','.join(part)}]"


def _row(entry: LogEntry, place: int) -> Row:
    doc, at = to_doc(entry), keys.instant(entry.at)
    owner = keys.account_key(entry.account)
    pk = owner if entry.resource_id is None else keys.resource_key(entry.account, entry.resource_id)
    number = f"{place:05d}-{short_hash(doc)[:12]}"
    return row(
        "log",
        (pk, f"LOG#{at}#{number}"),
        list_key=f"{owner}#LOG#{entry.at.astimezone(UTC).date().isoformat()}",
        list_sort=f"{at}#{number}",
        expires_at=epoch(entry.at) + _LOG_SECONDS,
        doc=doc,
    )
