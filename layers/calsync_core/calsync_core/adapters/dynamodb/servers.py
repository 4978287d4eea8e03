"""Exchange servers of an account, what apps it may use, access codes, and counted tries."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import checked, epoch, of_doc, row, to_doc
from calsync_core.adapters.dynamodb.operations import MISSING, Condition, ConditionFailedError, Delete, Put, Row
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.domain.apps import AccessCode, AccountApps
from calsync_core.domain.errors import ConcurrentChangeError
from calsync_core.domain.ids import AccountId, ServerId, short_hash
from calsync_core.domain.servers import KnownServer


class DynamoServerStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, account: AccountId, server: ServerId) -> KnownServer | None:
        found = self._table.get(_server_key(account, server))
        return of_doc(KnownServer, "server", found) if found else None

    def of_account(self, account: AccountId) -> list[KnownServer]:
        rows = self._table.under(keys.account_key(account), "SERVER#")
        servers = [of_doc(KnownServer, "server", one) for one in rows]
        return sorted(servers, key=lambda one: (one.title.casefold(), one.id))

    def save(self, server: KnownServer) -> KnownServer:
        saved = replace(server, version=server.version + 1)
        key = _server_key(server.account, server.id)
        try:
            self._table.put(row("server", key, version=saved.version, doc=to_doc(saved)), _unchanged(server.version))
        except ConditionFailedError:
            raise ConcurrentChangeError(server=server.id) from None
        return saved

    def delete(self, server: KnownServer) -> None:
        unchanged = Condition("attribute_not_exists(#PK) OR #version = :expected", {":expected": server.version})
        try:
            self._table.delete(_server_key(server.account, server.id), unchanged)
        except ConditionFailedError:
            raise ConcurrentChangeError(server=server.id) from None


class DynamoAppStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, account: AccountId) -> AccountApps:
        found = self._table.get((keys.account_key(account), "APPS"))
        return of_doc(AccountApps, "apps", found) if found else AccountApps(account)

    def save(self, apps: AccountApps) -> AccountApps:
        saved, item = _apps_row(apps)
        try:
            self._table.put(item, _unchanged(apps.version))
        except ConditionFailedError:
            raise ConcurrentChangeError(account=apps.account) from None
        return saved

    def add_code(self, code: AccessCode) -> None:
        key = _code_key(code.account, code.code_hash)
        self._table.put(row("access_code", key, expires_at=epoch(code.expires_at), doc=to_doc(code)))

    def redeem(self, code_hash: str, apps: AccountApps, now: datetime) -> AccountApps | None:
        if self.code(apps.account, code_hash, now) is None:
            return None
        saved, item = _apps_row(apps)
        use_up = Delete(_code_key(apps.account, code_hash), Condition("attribute_exists(#PK)"))
        try:
            self._table.transact([use_up, Put(item, _unchanged(apps.version))])
        except ConditionFailedError as failure:
            if 0 in failure.rows:
                return None  # somebody else used it at this moment
            raise ConcurrentChangeError(account=apps.account) from None
        return saved

    def code(self, account: AccountId, code_hash: str, now: datetime) -> AccessCode | None:
        found = self._table.get(_code_key(account, code_hash))
        code = of_doc(AccessCode, "access_code", found) if found else None
        return code if code and code.expires_at > now else None


class DynamoAttemptStore:
    """One item per secret: `tries`, and `until`, the instant in microseconds at which the count ends."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def begin(self, account: AccountId, what: str, limit: int, within: timedelta, now: datetime) -> datetime | None:
        until = now + within
        values: Row = {":one": 1, ":until": _micros(until), ":expires": epoch(until)}
        text = "SET #until = :until, #expires_at = :expires ADD #tries :one"
        room = Condition("#until > :now AND #tries < :limit", {":now": _micros(now), ":limit": limit})
        try:
            self._table.update(_tries_key(account, what), text, values, room)
        except ConditionFailedError:
            return self._begin_anew(account, what, limit, within, now)
        return None

    def withdraw(self, account: AccountId, what: str) -> None:
        try:
            some = Condition("#tries > :zero", {":zero": 0})
            self._table.update(_tries_key(account, what), "ADD #tries :less", {":less": -1}, some)
        except ConditionFailedError:
            return

    def forget(self, account: AccountId, what: str) -> None:
        self._table.delete(_tries_key(account, what))

    def blocked_until(self, account: AccountId, what: str, limit: int, now: datetime) -> datetime | None:
        found = self._table.get(_tries_key(account, what))
        if found is None:
            return None
        tries, until = int(checked("tries", found)["tries"]), _instant(int(found["until"]))
        return until if tries >= limit and until > now else None

    def _begin_anew(
        self, account: AccountId, what: str, limit: int, within: timedelta, now: datetime
    ) -> datetime | None:
        """Either nothing was counted yet, or the count has ended, or it is full."""
        until = now + within
        item = row("tries", _tries_key(account, what), tries=1, until=_micros(until), expires_at=epoch(until))
        ended = Condition("attribute_not_exists(#PK) OR #until <= :now", {":now": _micros(now)})
        try:
            self._table.put(item, ended)
        except ConditionFailedError:
            blocked = self.blocked_until(account, what, limit, now)
            # Somebody else began the count at this moment: the same again counts beside him.
            return blocked or self.begin(account, what, limit, within, now)
        return None


def _unchanged(version: int) -> Condition:
    return Condition("#version = :expected", {":expected": version}) if version else MISSING


def _apps_row(apps: AccountApps) -> tuple[AccountApps, Row]:
    saved = replace(apps, version=apps.version + 1)
    return saved, row("apps", (keys.account_key(apps.account), "APPS"), version=saved.version, doc=to_doc(saved))


def _server_key(account: AccountId, server: ServerId) -> keys.Key:
    return keys.account_key(account), f"SERVER#{server}"


def _code_key(account: AccountId, code_hash: str) -> keys.Key:
    return keys.account_key(account), f"CODE#{code_hash}"


def _tries_key(account: AccountId, what: str) -> keys.Key:
    return f"ACC#{account}#TRIES#{short_hash(what)}", "TRIES"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _instant(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
