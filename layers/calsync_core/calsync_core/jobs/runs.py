"""The payloads of the state machine `sync_resource`."""

from typing import Any

from calsync_core.domain.ids import AccountId, ResourceId, RunId
from calsync_core.usecases.close_run import Close
from calsync_core.usecases.sync.sync_resource import Outcome, Work

Payload = dict[str, Any]


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
