"""Payloads of queue, schedule and Step Functions -> commands, and outcomes -> answers of ids and counters."""

import json
from collections.abc import Callable
from typing import Any

from calsync_core.domain.ids import AccountId, ResourceId, RunId
from calsync_core.ports.outward import Wish
from calsync_core.usecases.close_run import Close
from calsync_core.usecases.sweep import Found
from calsync_core.usecases.sync_resource import Outcome, Work

Payload = dict[str, Any]


def wish_of(body: str) -> Wish:
    """One queue message. Raises KeyError, ValueError for a message that is not ours: it goes to the dead letters."""
    data = json.loads(body)
    return Wish(AccountId(data["account"]), ResourceId(data["resource"]), data["cause"], data.get("subject", ""))


def failed_messages(event: Payload, handle: Callable[[Wish], object], note: Callable[[str], None]) -> Payload:
    """Each message on its own; the failed ones are named, so that only they come again (ReportBatchItemFailures)."""
    failures = []
    for record in event["Records"]:
        try:
            handle(wish_of(record["body"]))
        except Exception as error:
            note(type(error).__name__)
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def work_of(event: Payload) -> Work:
    return Work(
        AccountId(event["account"]), ResourceId(event["resource"]), event["cause"], RunId(event["run"]), event["round"]
    )


def answer_of(event: Payload, outcome: Outcome) -> Payload:
    """What *work* answers to the machine; the state of the machine is this answer and nothing else."""
    return {
        "outcome": outcome.result.value,
        "seconds": outcome.seconds,
        "code": outcome.code,
        "account": event["account"],
        "resource": event["resource"],
        "cause": event["cause"],
        "run": event["run"],
        "round": event["round"] + 1,
    }


def close_of(event: Payload) -> Close:
    return Close(
        AccountId(event["account"]), ResourceId(event["resource"]), event["cause"], RunId(event["run"]), event["code"]
    )


def batches_of(found: Found) -> Payload:
    return {"batches": [{"items": batch} for batch in found.batches], "more": found.has_more}
