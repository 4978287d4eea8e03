"""Subscriptions, by path for the webhook and by mailbox for renewals.

The webhook's one look-up: neither this file nor what it imports may import pydantic (cold start).
"""

import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import checked, row
from calsync_core.adapters.dynamodb.operations import Condition, ConditionFailedError, Delete, Put, Row, Update
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
        """Leaves `heard_at` of the path's item as it is: the webhook writes it while this row is made."""
        path, listed = _places(subscription)
        item = row("subscription", path, doc=_doc(subscription))
        values = {f":{name}": item[name] for name in ("entity", "v", "doc")}
        kept = Update(path, "SET #entity = :entity, #v = :v, #doc = :doc", values)
        self._table.transact([kept, Put(row("subscription", listed, doc=item["doc"]))])

    def note_heard(self, path_hash: str, at: datetime) -> None:
        """One UpdateItem; a subscription that is gone stays gone."""
        exists = Condition("attribute_exists(#PK)")
        with suppress(ConditionFailedError):
            self._table.update(_path_key(path_hash), "SET #heard_at = :at", {":at": keys.instant(at)}, exists)

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
        "made_at": subscription.made_at.isoformat() if subscription.made_at else None,
        "is_proven": subscription.is_proven,
        "heartbeat": int(subscription.heartbeat.total_seconds()) if subscription.heartbeat else None,
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def _subscription(found: Row) -> Subscription:
    checked("subscription", found)
    try:
        fields: dict[str, Any] = json.loads(str(found["doc"]))
        expires_at, made_at, heartbeat = fields["expires_at"], fields.get("made_at"), fields.get("heartbeat")
        heard_at = found.get("heard_at")
        return Subscription(
            path_hash=fields["path_hash"],
            mailbox=MailboxId(fields["mailbox"]),
            calendar_id=CalendarId(fields["calendar"]),
            subscription_id=fields["id"],
            secret_hash=fields["secret_hash"],
            expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
            resources=tuple(ResourceId(one) for one in fields["resources"]),
            account=AccountId(fields["account"]),
            heartbeat=timedelta(seconds=heartbeat) if heartbeat else None,
            heard_at=datetime.fromisoformat(str(heard_at)) if heard_at else None,
            made_at=datetime.fromisoformat(made_at) if made_at else None,
            is_proven=bool(fields.get("is_proven")),
        )
    except (KeyError, TypeError, ValueError):
        raise InstallationError("schema_broken", entity="subscription") from None
