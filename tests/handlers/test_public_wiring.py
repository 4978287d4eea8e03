"""The builders of bootstrap put together what works: the real handlers on the template's table, in moto."""

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from calsync_core import bootstrap
from calsync_core.config import InvitationConfig, MailFeedbackConfig, OauthCallbackConfig, load
from calsync_core.domain.errors import InstallationError
from calsync_core.environment import StartConfig, WebhookConfig, load_small

from tests.contract.cloud import moto
from tests.contract.table_from_template import create_table

EVENTS = Path(__file__).parents[2] / "events"
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "TABLE_NAME": "calsync",
    "PUBLIC_URL": "https://calsync.example",
    "ACCOUNT_NAME": "City Clinic",
    "MAIL_SENDER": "calendar@clinic.example",
    "HOST_URL": "https://calsync.example/host",
    "QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/1/wishes",
    "LOGIN_URL": "",
}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    name = f"calsync-{uuid4().hex[:8]}"  # another suite's mock may be around this one
    monkeypatch.setenv("TABLE_NAME", name)
    with moto():
        create_table(boto3.client("dynamodb"), name)
        secret = boto3.client("secretsmanager").create_secret(
            Name=name, SecretString=json.dumps({"root_key": "r" * 64, "entra_client_secret": ""})
        )
        key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
        monkeypatch.setenv("SECRET_ARN", secret["ARN"])
        monkeypatch.setenv("KEY_ARN", key)
        for builder in (bootstrap.invitation, bootstrap.oauth_callback, bootstrap.mail_feedback):
            builder.cache_clear()
        yield
        for builder in (bootstrap.invitation, bootstrap.oauth_callback, bootstrap.mail_feedback):
            builder.cache_clear()


def payload(function: str, case: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / function / f"{case}.json").read_text())
    return event


@pytest.mark.usefixtures("cloud")
def test_the_functions_answer_on_real_adapters() -> None:
    from functions.invitation.app import lambda_handler as invitation
    from functions.mail_feedback.app import lambda_handler as mail_feedback
    from functions.oauth_callback.app import lambda_handler as oauth_callback

    assert invitation(payload("invitation", "unknown_link"), None)["statusCode"] == 404
    assert invitation(payload("invitation", "help"), None)["statusCode"] == 200
    assert oauth_callback(payload("oauth_callback", "unknown_state"), None)["statusCode"] == 403
    assert mail_feedback(payload("mail_feedback", "foreign_message"), None) is None


@pytest.mark.usefixtures("cloud")
def test_a_handler_is_built_once() -> None:
    assert bootstrap.invitation() is bootstrap.invitation()


@pytest.mark.parametrize("missing", ["TABLE_NAME", "HOST_URL", "PUBLIC_URL", "QUEUE_URL"])
@pytest.mark.parametrize("model", [InvitationConfig, OauthCallbackConfig])
def test_a_missing_variable_is_named(missing: str, model: type[InvitationConfig]) -> None:
    environment = {**ENVIRONMENT, "SECRET_ARN": "arn", "KEY_ARN": "arn"}
    load(model, environment)
    for broken in (
        {**environment, missing: ""},
        {key: environment[key] for key in environment if key != missing},
    ):
        with pytest.raises(InstallationError, match=f"variable={missing}") as caught:
            load(model, broken)
        assert caught.value.__cause__ is None


def test_a_wrong_value_is_not_repeated_in_the_error() -> None:
    environment = {**ENVIRONMENT, "SECRET_ARN": "arn", "KEY_ARN": "arn", "PUBLIC_URL": "hunter2/"}
    with pytest.raises(InstallationError) as caught:
        load(InvitationConfig, environment)
    assert "PUBLIC_URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_small_functions_need_little() -> None:
    assert load(MailFeedbackConfig, {"TABLE_NAME": "t"}).table_name == "t"
    assert load_small(WebhookConfig, {"TABLE_NAME": "t", "QUEUE_URL": "q"}).queue_url == "q"
    with pytest.raises(InstallationError, match="variable=QUEUE_URL"):
        load_small(WebhookConfig, {"TABLE_NAME": "t"})
    with pytest.raises(InstallationError, match="variable=SYNC_STANDARD_ARN"):
        load_small(StartConfig, {"TABLE_NAME": "t", "SYNC_EXPRESS_ARN": "e"})


def test_defaults_are_those_of_the_public_cloud() -> None:
    config = load(InvitationConfig, {**ENVIRONMENT, "SECRET_ARN": "arn", "KEY_ARN": "arn"})
    assert config.login_url == "https://login.microsoftonline.com"
    assert config.graph_url == "https://graph.microsoft.com/v1.0"
    assert config.entra_client_id == ""


def test_the_root_of_bootstrap_loads_nothing_heavy() -> None:
    """The webhook goes through it and must start in a moment."""
    import subprocess
    import sys

    code = (
        "import sys, calsync_core.bootstrap, calsync_core.environment;"
        "print([name for name in ('pydantic', 'msal', 'jinja2', 'requests', 'boto3') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_garbage_is_collected_again_after_a_start_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("TABLE_NAME", "QUEUE_URL"):
        monkeypatch.delenv(variable, raising=False)
    bootstrap.graph_webhook.cache_clear()

    with pytest.raises(InstallationError, match="configuration_missing"):
        bootstrap.graph_webhook()

    assert gc.isenabled()
