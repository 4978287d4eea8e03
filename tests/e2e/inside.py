"""What no page and no answer says: looked up in the stack's own table, queue and machines, as an operator would.

Tests ask for it where they must know that nothing which began before is still under way: a run works with the settings
and with the state of its resource that it found at its beginning.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from local.cloud import LocalCloud

_MESSAGES = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


def is_worked_on(cloud: LocalCloud, resource: str) -> bool:
    """Whether a run holds its lease at this moment. One that waits for its next look holds none, and reads anew."""
    key = {"PK": {"S": _key(resource)}, "SK": {"S": "LEASE"}}
    found = cloud.client("dynamodb").get_item(TableName=cloud.outputs["TableName"], Key=key, ConsistentRead=True)
    return "lease_until" in found["Item"]


def is_quiet(cloud: LocalCloud, resource: str) -> bool:
    """Whether no run of it is under way, waits, or was wished for. What rings later is not known here."""
    queue = cloud.client("sqs").get_queue_attributes(
        QueueUrl=cloud.outputs["WishesUrl"], AttributeNames=list(_MESSAGES)
    )
    if any(int(queue["Attributes"][name]) for name in _MESSAGES):
        return False
    return resource not in _running(cloud.client("stepfunctions"), cloud)


def _running(machines: Any, cloud: LocalCloud) -> set[str]:
    """Whose runs have not ended."""
    found = set()
    for machine in (cloud.outputs["SyncExpressArn"], cloud.outputs["SyncStandardArn"]):
        pages = machines.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter="RUNNING")
        for one in (one for page in pages for one in page["executions"]):
            said = machines.describe_execution(executionArn=one["executionArn"])["input"]
            found.add(str(json.loads(said)["resource"]))
    return found


def age_invitation(cloud: LocalCloud, resource: str) -> None:
    """Let its time run out: the stack's clock cannot be moved, so this one instant is changed in the table.

    Only when nothing else is written there any more: after the news of its mail.
    """
    table, database = cloud.outputs["TableName"], cloud.client("dynamodb")
    found = database.query(
        TableName=table,
        KeyConditionExpression="PK = :of AND begins_with(SK, :invitation)",
        ExpressionAttributeValues={":of": {"S": _key(resource)}, ":invitation": {"S": "INVITATION#"}},
    )["Items"]
    assert found
    now = datetime.now(UTC).replace(microsecond=0)
    for row in found:
        document = json.loads(row["doc"]["S"]) | {
            "created_at": f"{now - timedelta(days=15):%Y-%m-%dT%H:%M:%SZ}",
            "expires_at": f"{now - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        }
        database.put_item(TableName=table, Item=row | {"doc": {"S": json.dumps(document)}})


def _key(resource: str) -> str:
    return f"ACC#main#RES#{resource}"
