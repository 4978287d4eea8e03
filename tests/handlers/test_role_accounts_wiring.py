"""bootstrap puts role accounts together on real adapters: sealed in DynamoDB, watched by the sweep, mailed by SES."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from calsync_core.adapters.aws.clock import SystemClock
from calsync_core.bootstrap.parts import Parts
from calsync_core.config import SweepConfig, load
from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.errors import InputError, InstallationError
from calsync_core.domain.ids import RoleAccountId
from calsync_core.domain.role_accounts import AppKey, RoleAccount, role_mailbox
from calsync_core.ports.exchange import ExchangeLogin, ExchangeServer
from calsync_core.usecases.manage_role_accounts import RoleWish, add_role_account
from calsync_core.usecases.watch_role_accounts import DUE_KIND, schedule_watch

from tests.function_world import handler, payload
from tests.handlers.test_sync_wiring import ACCOUNT, Stack, stack  # noqa: F401 - a fixture

ENDPOINT = "https://login.microsoftonline.com/clinic.example/oauth2/v2.0/token"


def test_the_sweep_mails_the_admins_before_a_key_ends_and_never_twice(stack: Stack) -> None:  # noqa: F811
    mails = boto3.client("sesv2")
    mails.create_email_identity(EmailIdentity="calendar@clinic.example")
    role = stack.stores.role_accounts.save(_role(datetime.now(UTC) + timedelta(days=29, hours=12)))
    mark = _due(stack, role)
    assert mark is None  # the next mark is 7 days before the end; the sweep is made to look now
    stack.stores.due.schedule(_now(role))

    answers = [_sweep() for _ in range(2)]

    assert answers == [{DUE_KIND: 1}, {}]
    assert boto3.client("ses", region_name="eu-central-1").get_send_quota()["SentLast24Hours"] == 1
    assert _later(stack) == [role.expires_at - timedelta(days=7)]  # type: ignore[operator]


def test_secrets_stand_sealed_in_the_table(stack: Stack) -> None:  # noqa: F811
    ports = Parts(load(SweepConfig)).journeys
    wish = RoleWish(
        "Cloud", "office365", "clinic.example", token_endpoint=ENDPOINT, acts_for="office@clinic.example",
        client_id="0c0f8f39-1f0c-4a0f-9a36-5c0f3f3b2f11", secret="Geheim-Wort-77", expires_on="2030-01-01",
    )  # fmt: skip

    role = add_role_account(ports, ACCOUNT, wish)

    assert ports.stores.credentials.load(ACCOUNT, role_mailbox(role.id))[0] == b'{"secret": "Geheim-Wort-77"}'  # type: ignore[index]
    dynamodb = boto3.client("dynamodb")
    stored = dynamodb.scan(TableName=os.environ["TABLE_NAME"])["Items"]
    assert stored
    assert "Geheim" not in repr(stored)
    with pytest.raises(InputError):
        ports.role_accounts.directory_of(ENDPOINT.replace("login.microsoftonline.com", "evil.example"))
    assert ports.role_accounts.token_endpoint_of("clinic.example") == ENDPOINT


def test_a_deployment_without_exchange_opens_no_such_account(stack: Stack) -> None:  # noqa: F811
    login = ExchangeLogin(
        ExchangeServer("https://mail.clinic.example/EWS/Exchange.asmx", "Exchange2016"), "a", "a", "p"
    )

    with pytest.raises(InstallationError, match="exchange_off"):
        Parts(load(SweepConfig)).journeys.role_accounts.at_exchange(login)


def _role(expires_at: datetime) -> RoleAccount:
    return RoleAccount(
        RoleAccountId("r1"), ACCOUNT, "Cloud", ProviderKind.OFFICE365, ("clinic.example",), key=AppKey.SECRET,
        expires_at=expires_at,
    )  # fmt: skip


def _due(stack: Stack, role: RoleAccount) -> Any:  # noqa: F811
    schedule_watch(stack.stores, SystemClock(), role)
    return next(iter(stack.stores.due.due(datetime.now(UTC))), None)


def _now(role: RoleAccount) -> Any:
    from calsync_core.ports.stores import Due

    return Due(DUE_KIND, role.account, role.id, datetime.now(UTC) - timedelta(minutes=1))


def _sweep() -> dict[str, int]:
    found = handler("sweep")(payload("sweep", "find"), None)
    counts: dict[str, int] = {}
    for batch in found["batches"]:
        counts |= handler("sweep")({"step": "handle", "batch": batch}, None)
    return counts


def _later(stack: Stack) -> list[datetime]:  # noqa: F811
    return [due.due_at for due in stack.stores.due.due(datetime.now(UTC) + timedelta(days=365)) if due.kind == DUE_KIND]
