"""Subscriptions, by path for the webhook and by mailbox for renewals.

The webhook's one look-up: neither this file nor what it imports may import pydantic (cold start).
"""

import json
from datetime import datetime
from typing import Any

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import checked, row
from calsync_core.adapters.dynamodb.operations import Delete, Put, Row
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.domain.connections import Subscription
from calsync_core.domain.errors import InputError, InstallationError
from calsync_core.domain.ids import AccountId, CalendarId, MailboxId, ResourceId


class DynamoSubscriptions:
    def __init__(self, table: Table) -> None:
        self._table = table

    def subscription(self, path_hash: str) -> Subscription | None:
        """One GetItem."""
        found = self._table.get(_path_key(path_hash))
        return _subscription(found) if found else None

    def of_mailbox(self, account: AccountId, mailbox: MailboxId) -> list[Subscription]:
        rows = self._table.under(keys.mailbox_key(account, mailbox), "SUB#")
        return [_subscription(one) for one in rows]

    def save(self, subscription: Subscription) -> None:
        doc = _doc(subscription)
        self._table.transact([Put(row("subscription", key, doc=doc)) for key in _places(subscription)])

    def delete(self, subscription: Subscription) -> None:
        self._table.transact([Delete(key) for key in _places(subscription)])


def _path_key(path_hash: str) -> keys.Key:
    return f"SUB#{path_hash}", "SUB"


def _places(subscription: Subscription) -> list[keys.Key]:
    if subscription.account is None:
        raise InputError("account_missing", mailbox=subscription.mailbox)
    listed = keys.mailbox_key(subscription.account, subscription.mailbox), f"SUB#{subscription.path_hash}"
    return [_path_key(subscription.path_hash), listed]


def _doc(subscription: Subscription) -> str:
    expires_at = subscription.expires_at
    fields = {
        "path_hash": subscription.path_hash,
        "account": subscription.account,
        "mailbox": subscription.mailbox,
        "calendar": subscription.calendar_id,
        "id": subscription.subscription_id,
        "secret_hash": subscription.secret_hash,
        "expires_at": expires_at.isoformat() if expires_at else None,
        "resources": list(subscription.resources),
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def _subscription(found: Row) -> Subscription:
    checked("subscription", found)
    try:
        fields: dict[str, Any] = json.loads(str(found["doc"]))
        expires_at = fields["expires_at"]
        return Subscription(
            path_hash=fields["path_hash"],
            mailbox=MailboxId(fields["mailbox"]),
            calendar_id=CalendarId(fields["calendar"]),
            subscription_id=fields["id"],
            secret_hash=fields["secret_hash"],
            expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
            resources=tuple(ResourceId(one) for one in fields["resources"]),
            account=AccountId(fields["account"]),
        )
    except (KeyError, TypeError, ValueError):
        raise InstallationError("schema_broken", entity="subscription") from None
