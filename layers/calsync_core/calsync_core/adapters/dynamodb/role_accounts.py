"""Role accounts, one item each; their passwords and keys are sealed beside those of mailboxes (credentials.py)."""

from dataclasses import replace

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import of_doc, row, to_doc
from calsync_core.adapters.dynamodb.operations import MISSING, Condition, ConditionFailedError
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.ids import AccountId, RoleAccountId
from calsync_core.domain.role_accounts import RoleAccount

_PREFIX = "ROLE_ACCOUNT#"


class DynamoRoleAccountStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, account: AccountId, role: RoleAccountId) -> RoleAccount | None:
        found = self._table.get(_key(account, role))
        return of_doc(RoleAccount, "role_account", found) if found else None

    def of_account(self, account: AccountId) -> list[RoleAccount]:
        rows = self._table.under(keys.account_key(account), _PREFIX)
        found = [of_doc(RoleAccount, "role_account", one) for one in rows]
        return sorted(found, key=lambda one: (one.title.casefold(), one.id))

    def save(self, role: RoleAccount) -> RoleAccount:
        saved = replace(role, version=role.version + 1)
        item = row("role_account", _key(role.account, role.id), version=saved.version, doc=to_doc(saved))
        unchanged = Condition("#version = :expected", {":expected": role.version}) if role.version else MISSING
        try:
            self._table.put(item, unchanged)
        except ConditionFailedError:
            raise ConcurrentChangeError(role_account=role.id) from None
        return saved

    def delete(self, role: RoleAccount) -> None:
        unchanged = Condition("attribute_not_exists(#PK) OR #version = :expected", {":expected": role.version})
        try:
            self._table.delete(_key(role.account, role.id), unchanged)
        except ConditionFailedError:
            raise ConcurrentChangeError(role_account=role.id) from None


def _key(account: AccountId, role: RoleAccountId) -> keys.Key:
    return keys.account_key(account), f"{_PREFIX}{role}"
