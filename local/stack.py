"""The real `sam build` and `sam deploy` against the local cloud, and the few things the emulator leaves to do."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local import emulator
from local.layout import EMULATOR_PYTHON, REPOSITORY, SAM, Layout, clean_environment
from local.ports import Ports


class DeployError(RuntimeError):
    """sam failed; the message holds its output."""


def build(layout: Layout) -> None:
    """Build the layers for the interpreter that runs the functions here; functions need no building."""
    # The person's own environment: fetching packages may need a proxy, certificates or a cache named there.
    environment = dict(os.environ) | {"LAYER_PYTHON": str(EMULATOR_PYTHON)}
    _sam(layout, environment, "build", "--build-dir", str(layout.build))


def deploy(layout: Layout, ports: Ports, stack: str, api_id: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Deploy the built stack and answer its outputs. `api_id`: 8 hex digits, so that the address is known before."""
    access = clean_environment(
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{ports.aws}",
        AWS_ACCESS_KEY_ID=emulator.ROOT_KEY,
        AWS_SECRET_ACCESS_KEY=emulator.ROOT_KEY,
        AWS_DEFAULT_REGION=emulator.REGION,
    )
    overrides = [f"{name}={json.dumps(value)}" for name, value in parameters.items() if value != ""]
    _sam(
        layout,
        access,
        "deploy",
        *("--config-file", str(REPOSITORY / "samconfig.toml")),
        *("--template-file", str(layout.build / "template.yaml")),
        *("--stack-name", stack),
        *("--tags", f"ms-custom-id={api_id}"),
        *(("--parameter-overrides", *overrides) if overrides else ()),
    )
    return outputs(ports, stack)


def outputs(ports: Ports, stack: str) -> dict[str, str]:
    """The outputs of the deployed stack."""
    described = emulator.client(ports, "cloudformation").describe_stacks(StackName=stack)
    return {row["OutputKey"]: row["OutputValue"] for row in described["Stacks"][0]["Outputs"]}


def switch_on_expiry(ports: Ports, table: str) -> None:
    """The emulator drops TimeToLiveSpecification from templates, but obeys the call."""
    dynamodb = emulator.client(ports, "dynamodb")
    status = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]["TimeToLiveStatus"]
    if status == "DISABLED":
        wish = {"Enabled": True, "AttributeName": "expires_at"}
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=wish)


def put_into_secret(ports: Ports, secret: str, **values: str) -> None:
    """What an operator does after the first deploy: put client secrets beside the generated root key."""
    manager = emulator.client(ports, "secretsmanager")
    content = json.loads(manager.get_secret_value(SecretId=secret)["SecretString"])
    if content | values != content:
        manager.put_secret_value(SecretId=secret, SecretString=json.dumps(content | values))


def read_secret(ports: Ports, secret: str) -> dict[str, str]:
    """The one secret of the stack."""
    manager = emulator.client(ports, "secretsmanager")
    content: dict[str, str] = json.loads(manager.get_secret_value(SecretId=secret)["SecretString"])
    return content


def admit_admin(ports: Ports, pool: str, email: str, password: str) -> None:
    """An administrator who need not change the password at the first sign-in."""
    cognito: Any = emulator.client(ports, "cognito-idp")
    attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
    try:
        cognito.admin_create_user(UserPoolId=pool, Username=email, UserAttributes=attributes, MessageAction="SUPPRESS")
    except cognito.exceptions.UsernameExistsException:
        return
    cognito.admin_set_user_password(UserPoolId=pool, Username=email, Password=password, Permanent=True)


def _sam(layout: Layout, environment: Mapping[str, str], *arguments: str) -> None:
    own = {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))),  # uv
        "SAM_CLI_TELEMETRY": "0",
        "__SAM_CLI_APP_DIR": str(layout.root / "sam"),
    }
    done = subprocess.run(
        [str(SAM), *arguments],
        cwd=REPOSITORY,
        env=dict(environment) | own,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    log = layout.log(f"sam-{arguments[0]}")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(done.stdout + done.stderr)
    if done.returncode:
        raise DeployError(f"sam {arguments[0]} failed:\n{(done.stdout + done.stderr)[-3000:]}")
