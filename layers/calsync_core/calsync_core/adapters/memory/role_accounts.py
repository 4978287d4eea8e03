"""Role accounts in memory."""

import threading

from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.ids import AccountId, RoleAccountId
from calsync_core.domain.role_accounts import RoleAccount
from calsync_core.domain.values import replace


class MemoryRoleAccountStore:
    def __init__(self) -> None:
        self._rows: dict[tuple[AccountId, RoleAccountId], RoleAccount] = {}
        self._lock = threading.Lock()

    def get(self, account: AccountId, role: RoleAccountId) -> RoleAccount | None:
        return self._rows.get((account, role))

    def of_account(self, account: AccountId) -> list[RoleAccount]:
        rows = [row for row in self._rows.values() if row.account == account]
        return sorted(rows, key=lambda row: (row.title.casefold(), row.id))

    def save(self, role: RoleAccount) -> RoleAccount:
        key = role.account, role.id
        with self._lock:
            stored = self._rows.get(key)
            if (stored.version if stored else 0) != role.version:
                raise ConcurrentChangeError(role_account=role.id)
            saved = self._rows[key] = replace(role, version=role.version + 1)
        return saved

    def delete(self, role: RoleAccount) -> None:
        key = role.account, role.id
        with self._lock:
            stored = self._rows.get(key)
            if stored is not None and stored.version != role.version:
                raise ConcurrentChangeError(role_account=role.id)
            self._rows.pop(key, None)
