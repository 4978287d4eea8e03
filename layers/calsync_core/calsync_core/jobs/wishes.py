"""The messages of the queue of wishes."""

import json
from collections.abc import Callable
from typing import Any

from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.ports.outward import Wish


def wish_of(body: str) -> Wish:
    """One queue message. Raises KeyError, ValueError for a message that is not ours: it goes to the dead letters."""
    data = json.loads(body)
    return Wish(AccountId(data["account"]), ResourceId(data["resource"]), data["cause"], data.get("subject", ""))


def failed_messages(
    event: dict[str, Any], handle: Callable[[Wish], object], note: Callable[[str], None]
) -> dict[str, Any]:
    """Each message on its own; the failed ones are named, so that only they come again (ReportBatchItemFailures)."""
    failures = []
    for record in event["Records"]:
        try:
            handle(wish_of(record["body"]))
        except Exception as error:
            note(type(error).__name__)
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}
