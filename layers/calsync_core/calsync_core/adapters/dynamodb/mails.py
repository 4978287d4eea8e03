"""Which mail was claimed, and whose message a bounce belongs to."""

from datetime import datetime

from calsync_core.adapters.dynamodb import keys
from calsync_core.adapters.dynamodb.documents import checked, row
from calsync_core.adapters.dynamodb.operations import MISSING, ConditionFailedError
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.domain.ids import AccountId, ResourceId, short_hash

_MESSAGE_DAYS = 90


class DynamoMailLedger:
    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, account: AccountId, kind: str, subject: str, cause: str, now: datetime) -> bool:
        # No expiry: the promise is once, not once a year.
        key = f"ACC#{account}#MAIL#{short_hash(kind, subject, cause)}", "CLAIM"
        try:
            self._table.put(row("claim", key, at=keys.instant(now)), MISSING)
        except ConditionFailedError:
            return False
        return True

    def note_message(
        self, message_id: str, account: AccountId, resource: ResourceId, invitation_id: str | None
    ) -> None:
        self._table.put(
            row(
                "message",
                _message_key(message_id),
                account=account,
                resource=resource,
                invitation=invitation_id,
                expires_at=self._table.in_days(_MESSAGE_DAYS),
            )
        )

    def by_message(self, message_id: str) -> tuple[AccountId, ResourceId, str | None] | None:
        found = self._table.get(_message_key(message_id))
        if found is None:
            return None
        checked("message", found)
        invitation = found.get("invitation")
        account, resource = AccountId(str(found["account"])), ResourceId(str(found["resource"]))
        return account, resource, None if invitation is None else str(invitation)


def _message_key(message_id: str) -> keys.Key:
    return f"MESSAGE#{short_hash(message_id)}", "MESSAGE"
