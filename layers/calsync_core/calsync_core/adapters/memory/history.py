"""Conflicts, the sync log with its journal, and what is due, in memory."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime

from calsync_core.adapters.memory.resources import MemoryLeaseStore
from calsync_core.domain.conflicts import Conflict, ConflictStatus
from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.ids import AccountId, ConflictId, LinkRef, ResourceId, short_hash
from calsync_core.domain.synclog import LogEntry
from calsync_core.ports.stores import Due, check_wheel


class MemoryConflictStore:
    def __init__(self) -> None:
        self._rows: dict[tuple[AccountId, ConflictId], Conflict] = {}
        self._of_resource: dict[tuple[AccountId, ResourceId], dict[ConflictId, None]] = {}
        self._lock = threading.Lock()

    def get(self, account: AccountId, conflict: ConflictId) -> Conflict | None:
        return self._rows.get((account, conflict))

    def of_link(self, account: AccountId, resource: ResourceId, ref: LinkRef) -> list[Conflict]:
        return [
            row
            for row in self.of_resource(account, resource)
            if ref in {row.booking_ref, row.other_ref} and row.status in {ConflictStatus.OPEN, ConflictStatus.LEFT}
        ]

    def save(self, conflict: Conflict) -> None:
        key = conflict.account, conflict.id
        with self._lock:
            stored = self._rows.get(key)
            if stored and stored.revision > conflict.revision:
                raise ConcurrentChangeError(conflict=conflict.id)
            self._rows[key] = conflict
            self._of_resource.setdefault((conflict.account, conflict.resource_id), {})[conflict.id] = None

    def open(self, account: AccountId) -> list[Conflict]:
        rows = [
            row
            for (owner, _), row in list(self._rows.items())
            if owner == account and row.status is ConflictStatus.OPEN
        ]
        return sorted(rows, key=lambda row: (row.opened_at, row.id), reverse=True)

    def ended(self, account: AccountId, limit: int = 200) -> list[Conflict]:
        rows = [
            row
            for (owner, _), row in list(self._rows.items())
            if owner == account and row.status is not ConflictStatus.OPEN
        ]
        return sorted(rows, key=lambda row: (row.ended_at or row.opened_at, row.id), reverse=True)[:limit]

    def of_resource(self, account: AccountId, resource: ResourceId) -> list[Conflict]:
        return [self._rows[account, one] for one in list(self._of_resource.get((account, resource), ()))]


class MemoryLogStore:
    def __init__(self) -> None:
        self._rows: dict[AccountId, list[LogEntry]] = {}
        self._journal: dict[tuple[AccountId, ResourceId, str], list[dict[str, str]]] = {}

    def add(self, entries: Sequence[LogEntry]) -> None:
        for entry in entries:
            self._rows.setdefault(entry.account, []).append(entry)

    def of_resource(self, account: AccountId, resource: ResourceId, limit: int = 100) -> list[LogEntry]:
        return _newest([row for row in self._of(account) if row.resource_id == resource], limit)

    def of_day(self, account: AccountId, day: str, limit: int = 500) -> list[LogEntry]:
        rows = [row for row in self._of(account) if row.at.astimezone(UTC).date().isoformat() == day]
        return _newest(rows, limit)

    def journal(self, account: AccountId, resource: ResourceId, run: str, actions: Sequence[dict[str, str]]) -> None:
        kept = self._journal.setdefault((account, resource, run), [])
        kept.extend(dict(action) for action in actions if action not in kept)

    def journalled(self, account: AccountId, resource: ResourceId, run: str) -> list[dict[str, str]]:
        return [dict(action) for action in self._journal.get((account, resource, run), [])]

    def journals(self, account: AccountId, resource: ResourceId) -> dict[str, list[dict[str, str]]]:
        owned = [key for key in self._journal if key[:2] == (account, resource)]
        return {
            run: self.journalled(account, resource, run) for _, _, run in owned if self._journal[account, resource, run]
        }

    def _of(self, account: AccountId) -> list[LogEntry]:
        return self._rows.get(account, [])


class MemoryDueStore:
    def __init__(self, leases: MemoryLeaseStore) -> None:
        self._leases = leases
        self._rows: dict[tuple[str, AccountId, str], Due] = {}
        self._checks: dict[tuple[AccountId, ResourceId], int] = {}
        self._last_minute: int | None = None
        self._lock = threading.Lock()

    def schedule(self, due: Due) -> None:
        self._rows[due.kind, due.account, due.subject] = due

    def cancel(self, kind: str, account: AccountId, subject: str, due_at: datetime | None = None) -> None:
        with self._lock:
            row = self._rows.get((kind, account, subject))
            if row and (due_at is None or row.due_at == due_at):
                del self._rows[kind, account, subject]

    def due(self, now: datetime, limit: int = 1000) -> list[Due]:
        lost = [Due("lease", account, resource, until) for account, resource, until in self._leases.lost(now)]
        rows = [row for row in list(self._rows.values()) if row.due_at <= now]
        return sorted(lost + rows, key=lambda row: row.due_at)[:limit]

    def set_check(self, account: AccountId, resource: ResourceId, every_minutes: int | None) -> None:
        if every_minutes is None:
            self._checks.pop((account, resource), None)
        else:
            self._checks[account, resource] = check_wheel(every_minutes)

    def checks(self, minute: int) -> list[tuple[AccountId, ResourceId]]:
        return [key for key, every in sorted(self._checks.items()) if (minute - _slot(*key)) % every == 0]

    def claim_minutes(self, now_minute: int) -> range:
        with self._lock:
            last = now_minute - 1 if self._last_minute is None else self._last_minute
            if last >= now_minute:
                return range(0)
            self._last_minute = now_minute
            return range(max(last + 1, now_minute - 59), now_minute + 1)


def _newest(rows: list[LogEntry], limit: int) -> list[LogEntry]:
    """Of two lines of one instant the one added later comes first."""
    return sorted(rows, key=lambda row: row.at)[::-1][:limit]


def _slot(account: AccountId, resource: ResourceId) -> int:
    """Stable, and spread over the wheel: not all resources are checked in the same minute."""
    return int(short_hash(account, resource)[:8], 16)
