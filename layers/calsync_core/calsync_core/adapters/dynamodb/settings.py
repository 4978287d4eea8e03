"""Sparse settings of accounts and resources."""

from dataclasses import replace

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import of_doc, row, to_doc
from calsync_core.adapters.dynamodb.operations import MISSING, Condition, ConditionFailedError, Row
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.ports.stores import StoredSettings


class DynamoSettingsStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def account(self, account: AccountId) -> StoredSettings:
        return self._load(keys.account_key(account))

    def resource(self, account: AccountId, resource: ResourceId) -> StoredSettings:
        return self._load(keys.resource_key(account, resource))

    def both(self, account: AccountId, resource: ResourceId) -> tuple[StoredSettings, StoredSettings]:
        of_account = keys.account_key(account), "SETTINGS"
        of_resource = keys.resource_key(account, resource), "SETTINGS"
        found = self._table.get_many([of_account, of_resource])
        return _stored(found.get(of_account)), _stored(found.get(of_resource))

    def save_account(self, account: AccountId, settings: StoredSettings) -> StoredSettings:
        return self._save(keys.account_key(account), settings)

    def save_resource(self, account: AccountId, resource: ResourceId, settings: StoredSettings) -> StoredSettings:
        return self._save(keys.resource_key(account, resource), settings)

    def _load(self, pk: str) -> StoredSettings:
        return _stored(self._table.get((pk, "SETTINGS")))

    def _save(self, pk: str, settings: StoredSettings) -> StoredSettings:
        saved = replace(settings, version=settings.version + 1)
        unchanged = Condition("#version = :expected", {":expected": settings.version})
        item = row("settings", (pk, "SETTINGS"), version=saved.version, doc=to_doc(saved))
        try:
            self._table.put(item, unchanged if settings.version else MISSING)
        except ConditionFailedError:
            raise ConcurrentChangeError(version=settings.version) from None
        return saved


def _stored(found: Row | None) -> StoredSettings:
    return of_doc(StoredSettings, "settings", found) if found else StoredSettings({})
