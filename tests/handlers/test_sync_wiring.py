"""bootstrap puts the sync functions together on real adapters: one change goes from the bell to its run, in moto."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.client import BaseClient
from calsync_core.adapters.aws.sealing import KmsSealer
from calsync_core.adapters.dynamodb.datakeys import DynamoDataKeys
from calsync_core.adapters.dynamodb.stores import dynamodb_stores
from calsync_core.adapters.dynamodb.table import Table
from calsync_core.bootstrap import (
    graph_webhook_function,
    start_sync_function,
    sweep_function,
    sync_job_function,
)
from calsync_core.bootstrap.clients import AwsClients
from calsync_core.domain.connections import Subscription
from calsync_core.domain.errors import InstallationError
from calsync_core.domain.ids import AccountId, CalendarId, MailboxId, ResourceId
from calsync_core.domain.resources import Owner, Resource, ResourceKind, ResourceState
from calsync_core.domain.synclog import Reason
from calsync_core.ports.stores import Due, Stores

from tests.contract.cloud import moto
from tests.contract.table_from_template import create_table
from tests.function_world import (
    ENVIRONMENT,
    PATH,
    SECRET,
    cases,
    forget_handlers,
    handler,
    hash_of,
    payload,
    set_environment,
)
from tests.house.template import as_list, resources
from tests.small_clinic import NOW

ACCOUNT, ANNA = AccountId("main"), ResourceId("anna")
MACHINE = '{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}'


@dataclass(frozen=True)
class Stack:
    stores: Stores
    queue_url: str
    machines: dict[str, str]

    def messages(self) -> list[dict[str, Any]]:
        taken = boto3.client("sqs").receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10)
        return list(taken.get("Messages", []))

    def started(self, machine: str) -> list[dict[str, str]]:
        client = boto3.client("stepfunctions")
        listed = client.list_executions(stateMachineArn=self.machines[machine])["executions"]
        return [json.loads(client.describe_execution(executionArn=one["executionArn"])["input"]) for one in listed]


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    set_environment(monkeypatch)
    name = f"calsync-{uuid4().hex[:8]}"  # another suite's mock may be around this one
    forget_handlers()
    with moto():
        create_table(boto3.client("dynamodb"), name)
        secret = json.dumps({"root_key": "r" * 64, "entra_client_secret": ""})
        secret_arn = boto3.client("secretsmanager").create_secret(Name=name, SecretString=secret)["ARN"]
        key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
        queue = boto3.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        machines = {
            kind: boto3.client("stepfunctions").create_state_machine(
                name=f"{name}-{kind}", definition=MACHINE, roleArn="arn:aws:iam::123456789012:role/any"
            )["stateMachineArn"]
            for kind in ("express", "standard")
        }
        values = {
            "TABLE_NAME": name,
            "SECRET_ARN": secret_arn,
            "KEY_ARN": key,
            "QUEUE_URL": queue,
            "SYNC_EXPRESS_ARN": machines["express"],
            "SYNC_STANDARD_ARN": machines["standard"],
        }
        for variable, value in values.items():
            monkeypatch.setenv(variable, value)
        client = AwsClients().dynamodb()
        sealer = KmsSealer(boto3.client("kms"), key, DynamoDataKeys(Table(client, name)))
        stores = dynamodb_stores(client, name, sealer)
        _fill(stores)
        yield Stack(stores, queue, machines)
    forget_handlers()


def _fill(stores: Stores) -> None:
    owner = Owner("p-anna", "Anna", "anna@clinic.example")
    resource = Resource(ANNA, owner.name, owner.email, ResourceKind.STAFF, "Europe/Berlin", "en", owner)
    stores.resources.save(ResourceState(ACCOUNT, resource))
    stores.connections.save_subscription(
        Subscription(
            hash_of(PATH),
            MailboxId("mbx-anna"),
            CalendarId("calendar-1"),
            "sub-1",
            hash_of(SECRET),
            NOW,
            (ANNA,),
            ACCOUNT,
        )
    )


def as_records(messages: list[dict[str, Any]]) -> dict[str, Any]:
    shape = payload("start_sync", "change")["Records"][0]
    return {"Records": [{**shape, "messageId": one["MessageId"], "body": one["Body"]} for one in messages]}


def test_a_change_goes_from_the_bell_to_its_run(stack: Stack) -> None:
    assert handler("graph_webhook")(payload("graph_webhook", "change"), None)["statusCode"] == 202
    records = as_records(stack.messages())
    assert handler("start_sync")(records, None) == {"batchItemFailures": []}

    (state,) = stack.started("express")
    assert not stack.started("standard")
    assert (state["account"], state["resource"], state["cause"]) == ("main", "anna", "notification")
    answer = handler("sync_job")({"step": "work", "round": 0, **state}, None)
    assert answer == {"outcome": "done", "seconds": 0, "code": "inactive", **state, "round": 1}
    assert handler("sync_job")({"step": "close", **answer, "code": "run_broke"}, None) is None
    assert stack.stores.log.of_resource(ACCOUNT, ANNA)[0].reason is Reason.RUN_FAILED


def test_strangers_reach_neither_queue_nor_machine(stack: Stack) -> None:
    for case in ("wrong_secret", "unknown_path", "malformed", "too_many_items", "lone_surrogate"):
        assert handler("graph_webhook")(payload("graph_webhook", case), None)["statusCode"] == 202
    assert not stack.messages()


def test_poison_is_named_and_the_others_start(stack: Stack) -> None:
    answer = handler("start_sync")(payload("start_sync", "batch_with_poison"), None)
    assert [one["itemIdentifier"][:8] for one in answer["batchItemFailures"]] == ["00000002"]
    assert [one["resource"] for one in stack.started("express")] == ["anna"]  # ben is not known here


def test_an_import_is_a_standard_run(stack: Stack) -> None:
    handler("start_sync")(payload("start_sync", "first_import"), None)
    assert [one["cause"] for one in stack.started("standard")] == ["import"]
    assert not stack.started("express")


def test_the_sweep_finds_and_handles_what_is_due(stack: Stack) -> None:
    """The booking system does not answer (nobody listens there): the sweep goes on."""
    stack.stores.due.schedule(Due("wait", ACCOUNT, "anna", NOW.replace(year=2020)))
    stack.stores.due.schedule(Due("renewal", ACCOUNT, "mbx-anna/gone", NOW.replace(year=2020)))
    found = handler("sweep")(payload("sweep", "find"), None)
    (batch,) = found["batches"]
    assert {(item["kind"], item["subject"]) for item in batch["items"]} == {
        ("renewal", "mbx-anna/gone"),
        ("wait", "anna"),
    }
    assert handler("sweep")({"step": "handle", "batch": batch}, None) == {
        "wait": 1,
        "renewal": 1,
    }
    assert not stack.stores.due.due(NOW)  # a resource that may not sync and a subscription that is gone


def test_a_post_of_exchange_is_noted_and_becomes_a_wish(stack: Stack) -> None:
    """What was noted outlives every later save of the subscription, and a subscription that is gone stays so."""
    connections = stack.stores.connections
    known = connections.subscription(hash_of(PATH))
    assert known is not None
    row = replace(
        known,
        subscription_id="FwBleGNoMDEuY2xpbmljLmV4YW1wbGUQAAAAm1bXW2Ds2kuN0p3Qy6k0Tg==",
        heartbeat=timedelta(minutes=30),
        made_at=NOW,
    )
    connections.save_subscription(row)
    assert handler("exchange_webhook")(payload("exchange_webhook", "change"), None)["statusCode"] == 200
    assert [json.loads(one["Body"])["resource"] for one in stack.messages()] == ["anna"]
    heard = connections.subscription(hash_of(PATH))
    assert heard is not None
    assert heard.heard_at is not None
    connections.save_subscription(replace(row, is_proven=True))
    assert connections.subscription(hash_of(PATH)) == replace(row, is_proven=True, heard_at=heard.heard_at)
    assert connections.subscriptions(ACCOUNT, row.mailbox) == [replace(row, is_proven=True)]

    connections.delete_subscription(hash_of(PATH))
    connections.note_heard(hash_of(PATH), NOW)
    assert connections.subscription(hash_of(PATH)) is None


@pytest.mark.parametrize("function", ["graph_webhook", "exchange_webhook", "start_sync"])
def test_a_function_asks_aws_only_for_what_its_role_allows(
    stack: Stack, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """moto knows no roles: a call that the template does not allow would fail on the first real stack only."""
    asked: set[str] = set()
    real = BaseClient._make_api_call

    def note(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        asked.add(f"{client.meta.service_model.signing_name}:{operation}")
        return real(client, operation, arguments)

    handle = handler(function)
    monkeypatch.setattr(BaseClient, "_make_api_call", note)
    for case in cases(function):
        handle(payload(function, case), None)
    assert asked
    assert asked <= allowed(function)


def allowed(function: str) -> set[str]:
    policies = [one for role in resources("AWS::IAM::Role").values() for one in role.get("Policies", [])]
    (policy,) = [one for one in policies if one["PolicyName"] == function]
    statements = policy["PolicyDocument"]["Statement"]
    return {action for statement in statements for action in as_list(statement["Action"])}


@pytest.mark.parametrize(
    ("module", "variable"),
    [
        (graph_webhook_function, "QUEUE_URL"),
        (start_sync_function, "SYNC_STANDARD_ARN"),
        (sync_job_function, "HOST_URL"),
        (sweep_function, "PUBLIC_URL"),
    ],
)
def test_a_missing_variable_is_named_and_no_value_is_shown(
    monkeypatch: pytest.MonkeyPatch, module: Any, variable: str
) -> None:
    set_environment(monkeypatch)
    monkeypatch.delenv(variable)
    with pytest.raises(InstallationError, match=f"variable={variable}") as caught:
        module.build()
    assert ENVIRONMENT["KEY_ARN"] not in str(caught.value)
