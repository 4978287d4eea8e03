"""Exchange servers, apps, access codes and tries, in memory."""

import threading
from datetime import datetime, timedelta

from calsync_core.domain.apps import AccessCode, AccountApps
from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.ids import AccountId, ServerId
from calsync_core.domain.servers import KnownServer
from calsync_core.domain.values import replace


class MemoryServerStore:
    def __init__(self) -> None:
        self._rows: dict[tuple[AccountId, ServerId], KnownServer] = {}
        self._lock = threading.Lock()

    def get(self, account: AccountId, server: ServerId) -> KnownServer | None:
        return self._rows.get((account, server))

    def of_account(self, account: AccountId) -> list[KnownServer]:
        rows = [row for row in self._rows.values() if row.account == account]
        return sorted(rows, key=lambda row: (row.title.casefold(), row.id))

    def save(self, server: KnownServer) -> KnownServer:
        key = server.account, server.id
        with self._lock:
            stored = self._rows.get(key)
            if (stored.version if stored else 0) != server.version:
                raise ConcurrentChangeError(server=server.id)
            saved = self._rows[key] = replace(server, version=server.version + 1)
        return saved

    def delete(self, server: KnownServer) -> None:
        key = server.account, server.id
        with self._lock:
            stored = self._rows.get(key)
            if stored is not None and stored.version != server.version:
                raise ConcurrentChangeError(server=server.id)
            self._rows.pop(key, None)


class MemoryAppStore:
    def __init__(self) -> None:
        self._rows: dict[AccountId, AccountApps] = {}
        self._codes: dict[tuple[AccountId, str], AccessCode] = {}
        self._lock = threading.Lock()

    def get(self, account: AccountId) -> AccountApps:
        return self._rows.get(account, AccountApps(account))

    def save(self, apps: AccountApps) -> AccountApps:
        with self._lock:
            return self._save(apps)

    def add_code(self, code: AccessCode) -> None:
        self._codes[code.account, code.code_hash] = code

    def redeem(self, code_hash: str, apps: AccountApps, now: datetime) -> AccountApps | None:
        with self._lock:
            if self.code(apps.account, code_hash, now) is None:
                return None
            saved = self._save(apps)
            del self._codes[apps.account, code_hash]
            return saved

    def code(self, account: AccountId, code_hash: str, now: datetime) -> AccessCode | None:
        code = self._codes.get((account, code_hash))
        return code if code and code.expires_at > now else None

    def _save(self, apps: AccountApps) -> AccountApps:
        stored = self._rows.get(apps.account)
        if (stored.version if stored else 0) != apps.version:
            raise ConcurrentChangeError(account=apps.account)
        saved = self._rows[apps.account] = replace(apps, version=apps.version + 1)
        return saved


class MemoryAttemptStore:
    def __init__(self) -> None:
        self._tries: dict[tuple[AccountId, str], tuple[int, datetime]] = {}
        self._lock = threading.Lock()

    def begin(self, account: AccountId, what: str, limit: int, within: timedelta, now: datetime) -> datetime | None:
        with self._lock:
            tries, until = self._present(account, what, now)
            if tries >= limit:
                return until
            self._tries[account, what] = tries + 1, now + within
            return None

    def withdraw(self, account: AccountId, what: str) -> None:
        with self._lock:
            present = self._tries.get((account, what))
            if present is not None and present[0] > 0:
                self._tries[account, what] = present[0] - 1, present[1]

    def forget(self, account: AccountId, what: str) -> None:
        self._tries.pop((account, what), None)

    def blocked_until(self, account: AccountId, what: str, limit: int, now: datetime) -> datetime | None:
        tries, until = self._present(account, what, now)
        return until if tries >= limit else None

    def _present(self, account: AccountId, what: str, now: datetime) -> tuple[int, datetime]:
        tries, until = self._tries.get((account, what), (0, now))
        return (tries, until) if until > now else (0, now)
