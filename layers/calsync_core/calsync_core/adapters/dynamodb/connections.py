"""Connected mailboxes, the claims on their identities, and their subscriptions."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import checked, of_doc, row, to_doc
from calsync_core.adapters.dynamodb.operations import MISSING, Condition, ConditionFailedError, Put, Row
from calsync_core.adapters.dynamodb.subscriptions import DynamoSubscriptions
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.adapters.dynamodb.tokens import DynamoTokenStore
from calsync_core.domain.connections import Connection, MailboxIdentity, Subscription
from calsync_core.domain.errors import ConcurrentChangeError, InputError, MailboxTakenError
from calsync_core.domain.ids import AccountId, MailboxId


class DynamoConnectionStore:
    def __init__(self, table: Table) -> None:
        self._table = table
        self._subscriptions = DynamoSubscriptions(table)
        self._tokens = DynamoTokenStore(table, None)

    def get(self, account: AccountId, mailbox: MailboxId, *, may_lag: bool = False) -> Connection | None:
        found = self._table.get((keys.mailbox_key(account, mailbox), "CONNECTION"), may_lag=may_lag)
        return of_doc(Connection, "connection", found) if found else None

    def by_identity(self, account: AccountId, identity: MailboxIdentity) -> Connection | None:
        claim = self._table.get(keys.identity_key(account, identity))
        return self.get(account, MailboxId(str(checked("claim", claim)["mailbox"]))) if claim else None

    def save(self, connection: Connection) -> Connection:
        saved = replace(connection, version=connection.version + 1)
        if connection.version:
            self._overwrite(saved, connection.version)
        else:
            self._add(saved)
        return saved

    def delete(self, connection: Connection) -> None:
        pk = keys.mailbox_key(connection.account, connection.id)
        for one in self.subscriptions(connection.account, connection.id):
            self._subscriptions.delete(one)
        self._table.delete((pk, "CREDENTIALS"))
        self._tokens.forget(connection.account, connection.id)
        ours = Condition("attribute_not_exists(#PK) OR #mailbox = :mailbox", {":mailbox": connection.id})
        claim = keys.identity_key(connection.account, connection.identity)
        # Where another connection has claimed this identity since, its claim stays.
        with suppress(ConditionFailedError):
            self._table.delete(claim, ours)
        # Last, so that a delete that was cut short can be repeated from the connection.
        self._table.delete((pk, "CONNECTION"))

    def of_account(self, account: AccountId) -> list[Connection]:
        text = "#list_key = :key AND begins_with(#list_sort, :kind)"
        values = {":key": keys.account_key(account), ":kind": "MBX#"}
        return [of_doc(Connection, "connection", one) for one in self._table.query(text, values, index=keys.BY_LIST)]

    def save_subscription(self, subscription: Subscription) -> None:
        self._subscriptions.save(subscription)

    def note_heard(self, path_hash: str, at: datetime) -> None:
        self._subscriptions.note_heard(path_hash, at)

    def subscription(self, path_hash: str) -> Subscription | None:
        return self._subscriptions.subscription(path_hash)

    def subscriptions(self, account: AccountId, mailbox: MailboxId) -> list[Subscription]:
        return self._subscriptions.of_mailbox(account, mailbox)

    def delete_subscription(self, path_hash: str) -> None:
        subscription = self._subscriptions.subscription(path_hash)
        if subscription:
            self._subscriptions.delete(subscription)

    def _add(self, saved: Connection) -> None:
        free = Condition("attribute_not_exists(#PK) OR #mailbox = :mailbox", {":mailbox": saved.id})
        claim = row("claim", keys.identity_key(saved.account, saved.identity), mailbox=saved.id)
        try:
            self._table.transact([Put(_row(saved), MISSING), Put(claim, free)])
        except ConditionFailedError as failure:
            if 0 in failure.rows:
                raise ConcurrentChangeError(mailbox=saved.id) from None
            raise MailboxTakenError(mailbox=saved.id) from None

    def _overwrite(self, saved: Connection, expected: int) -> None:
        item = _row(saved)
        values: Row = {":expected": expected, ":identity": item["identity"]}
        try:
            self._table.put(item, Condition("#version = :expected AND #identity = :identity", values))
        except ConditionFailedError as failure:
            if failure.row is not None and failure.row["version"] == expected:
                raise InputError("identity_changed", mailbox=saved.id) from None
            raise ConcurrentChangeError(mailbox=saved.id) from None


def _row(connection: Connection) -> Row:
    return row(
        "connection",
        (keys.mailbox_key(connection.account, connection.id), "CONNECTION"),
        version=connection.version,
        identity=keys.identity_key(connection.account, connection.identity)[0],
        list_key=keys.account_key(connection.account),
        list_sort=f"MBX#{connection.id}",
        doc=to_doc(connection),
    )
