"""What belongs to one resource, in memory: its state, its lease, its cursors; and the settings.

Values are frozen, so they are handed out as they are; one lock makes each compare-and-set atomic.
"""

import threading
from dataclasses import dataclass
from datetime import datetime

from calsync_core.domain.errors import ConcurrentChangeError, LeaseLostError, NotFoundError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.values import replace
from calsync_core.ports.stores import CursorRow, Lease, StoredSettings

_Key = tuple[AccountId, ResourceId]


class MemoryResourceStore:
    def __init__(self) -> None:
        self._rows: dict[_Key, ResourceState] = {}
        self._lock = threading.Lock()

    def get(self, account: AccountId, resource: ResourceId, *, may_lag: bool = False) -> ResourceState | None:  # noqa: ARG002
        return self._rows.get((account, resource))

    def save(self, state: ResourceState) -> ResourceState:
        key = state.account, state.resource.id
        with self._lock:
            stored = self._rows.get(key)
            if (stored.version if stored else 0) != state.version:
                raise ConcurrentChangeError(resource=key[1])
            saved = self._rows[key] = replace(state, version=state.version + 1)
        return saved

    def of_account(self, account: AccountId) -> list[ResourceState]:
        return [state for (owner, _), state in sorted(self._rows.items()) if owner == account]


@dataclass(slots=True)
class _Run:
    """`until` is None while nobody holds the lease."""

    wanted: int = 0
    number: int = 0
    until: datetime | None = None


class MemoryLeaseStore:
    def __init__(self, resources: MemoryResourceStore) -> None:
        self._resources = resources
        self._runs: dict[_Key, _Run] = {}
        self._lock = threading.Lock()

    def wish(self, account: AccountId, resource: ResourceId) -> int:
        with self._lock:
            run = self._run(account, resource)
            run.wanted += 1
            return run.wanted

    def take(self, account: AccountId, resource: ResourceId, now: datetime, until: datetime) -> Lease | None:
        with self._lock:
            run = self._run(account, resource)
            if run.until is not None and run.until > now:
                return None
            run.number += 1
            run.until = until
            return Lease(account, resource, run.number, run.wanted)

    def give_back(self, lease: Lease) -> bool:
        with self._lock:
            run = self._runs.get((lease.account, lease.resource))
            if run is not None and run.until is None and run.number == lease.number:
                return True
            run = self._held(lease)
            if run.wanted != lease.noted:
                return False
            run.until = None
            return True

    def renote(self, lease: Lease, until: datetime) -> Lease:
        with self._lock:
            run = self._held(lease)
            run.until = until
            return replace(lease, noted=run.wanted)

    def check(self, lease: Lease) -> None:
        """Raises LeaseLostError unless the lease is still its holder's."""
        self._held(lease)

    def lost(self, now: datetime) -> list[tuple[AccountId, ResourceId, datetime]]:
        """Leases that were not given back in time."""
        with self._lock:
            return [(*key, run.until) for key, run in self._runs.items() if run.until is not None and run.until <= now]

    def _held(self, lease: Lease) -> _Run:
        run = self._runs.get((lease.account, lease.resource))
        if run is None or run.until is None or run.number != lease.number:
            raise LeaseLostError(resource=lease.resource, lease=lease.number)
        return run

    def _run(self, account: AccountId, resource: ResourceId) -> _Run:
        run = self._runs.get((account, resource))
        if run is None:
            if self._resources.get(account, resource) is None:
                raise NotFoundError(resource=resource)
            run = self._runs[account, resource] = _Run()
        return run


class MemoryCursorStore:
    def __init__(self, leases: MemoryLeaseStore) -> None:
        self._leases = leases
        self._rows: dict[_Key, dict[str, CursorRow]] = {}
        self._lock = threading.Lock()

    def load(self, account: AccountId, resource: ResourceId, *, may_lag: bool = False) -> dict[str, CursorRow]:  # noqa: ARG002
        return dict(self._rows.get((account, resource), {}))

    def store(self, lease: Lease, row: CursorRow) -> None:
        with self._lock:
            self._leases.check(lease)
            self._rows.setdefault((lease.account, lease.resource), {})[row.feed] = row

    def store_after_check(self, account: AccountId, resource: ResourceId, row: CursorRow, expected: CursorRow) -> bool:
        with self._lock:
            rows = self._rows.get((account, resource), {})
            if rows.get(row.feed) != expected:
                return False
            rows[row.feed] = row
            return True

    def forget(self, account: AccountId, resource: ResourceId, feed: str | None = None) -> None:
        with self._lock:
            if feed is None:
                self._rows.pop((account, resource), None)
            else:
                self._rows.get((account, resource), {}).pop(feed, None)


class MemorySettingsStore:
    def __init__(self) -> None:
        self._rows: dict[tuple[AccountId, ResourceId | None], StoredSettings] = {}
        self._lock = threading.Lock()

    def account(self, account: AccountId) -> StoredSettings:
        return self._load(account, None)

    def resource(self, account: AccountId, resource: ResourceId) -> StoredSettings:
        return self._load(account, resource)

    def both(self, account: AccountId, resource: ResourceId) -> tuple[StoredSettings, StoredSettings]:
        return self.account(account), self.resource(account, resource)

    def save_account(self, account: AccountId, settings: StoredSettings) -> StoredSettings:
        return self._save(account, None, settings)

    def save_resource(self, account: AccountId, resource: ResourceId, settings: StoredSettings) -> StoredSettings:
        return self._save(account, resource, settings)

    def _load(self, account: AccountId, resource: ResourceId | None) -> StoredSettings:
        stored = self._rows.get((account, resource))
        # `values` is the one thing here that could be changed from outside; it is a flat dict.
        return replace(stored, values=dict(stored.values)) if stored else StoredSettings({})

    def _save(self, account: AccountId, resource: ResourceId | None, settings: StoredSettings) -> StoredSettings:
        with self._lock:
            stored = self._rows.get((account, resource))
            if (stored.version if stored else 0) != settings.version:
                raise ConcurrentChangeError(account=account, resource=resource or "")
            saved = replace(settings, values=dict(settings.values), version=settings.version + 1)
            self._rows[account, resource] = saved
        return self._load(account, resource)
