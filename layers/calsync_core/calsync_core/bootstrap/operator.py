"""The operator's commands: access codes and rules of the two apps. Rights: those of the AWS credentials in use.

    python -m calsync_core apps show     --stack calsync
    python -m calsync_core apps code     --stack calsync --app exchange [--account main]
    python -m calsync_core apps rule     --stack calsync --app exchange --rule off|code|open|default [--account main]

Needs cloudformation:DescribeStackResource, and dynamodb:GetItem and PutItem on the stack's table.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from calsync_core.adapters.aws.clock import SystemClock, SystemIds
from calsync_core.adapters.dynamodb.stores import dynamodb_stores
from calsync_core.bootstrap.clients import AwsClients
from calsync_core.domain.apps import APPS, AppRule
from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.errors import CalsyncError
from calsync_core.domain.ids import AccountId
from calsync_core.ports.apps import AppStore
from calsync_core.usecases.use_app import issue_access_code, say_app_rule
from calsync_core.web.wording import wording

DEFAULT = "default"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 fine, 2 wrong use (argparse), 3 no access."""
    asked = _parser().parse_args(arguments)
    try:
        apps = dynamodb_stores(AwsClients().dynamodb(), asked.table or _table_of(asked.stack)).apps
        answer = run(asked, apps)
    except CalsyncError as error:
        print(f"{wording(error.code).title} ({error.code})", file=sys.stderr)
        return 3
    print(json.dumps(answer, indent=2) if asked.json else "\n".join(f"{key}: {value}" for key, value in answer.items()))
    return 0


def run(asked: argparse.Namespace, apps: AppStore) -> dict[str, str]:
    """What a command answers; the code of `apps code` is shown here and nowhere else."""
    account = AccountId(asked.account)
    if asked.command == "code":
        issued = issue_access_code(apps, SystemClock(), SystemIds(), account, ProviderKind(asked.app))
        return {"app": asked.app, "code": issued.secret, "works_until": f"{issued.code.expires_at:%Y-%m-%d}"}
    if asked.command == "rule":
        say_app_rule(apps, account, ProviderKind(asked.app), None if asked.rule == DEFAULT else AppRule(asked.rule))
    present = apps.get(account)
    said = dict(present.rules)
    unlocked = {one.app: one for one in present.unlocked}
    return {
        app.value: (said[app].value if app in said else "as deployed")
        + (f", unlocked {unlocked[app].at:%Y-%m-%d} by {unlocked[app].by}" if app in unlocked else "")
        for app in APPS
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m calsync_core", description=(__doc__ or "").partition("\n")[0])
    groups = parser.add_subparsers(dest="group", required=True)
    commands = groups.add_parser("apps", help="who may connect what").add_subparsers(dest="command", required=True)
    for name, help_ in (("show", "the rules of an account"), ("code", "issue an access code, for one use"),
                        ("rule", "an account's own rule")):  # fmt: skip
        one = commands.add_parser(name, help=help_)
        place = one.add_mutually_exclusive_group(required=True)
        place.add_argument("--stack", help="the name of the stack")
        place.add_argument("--table", help="the name of its table, where the stack cannot be asked")
        one.add_argument("--account", default="main", help="the account (main)")
        one.add_argument("--json", action="store_true", help="for scripts")
        if name != "show":
            one.add_argument("--app", required=True, choices=[app.value for app in APPS])
        if name == "rule":
            one.add_argument("--rule", required=True, choices=[*(rule.value for rule in AppRule), DEFAULT])
    return parser


def _table_of(stack: str) -> str:
    """Raises ProviderUnavailableError or InstallationError."""
    from botocore.exceptions import BotoCoreError, ClientError

    from calsync_core.adapters.aws.errors import translate

    try:
        found = (
            AwsClients().client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId="Table")
        )
    except (ClientError, BotoCoreError) as error:
        raise translate(error, "describe_stack_resource") from None
    name: str = found["StackResourceDetail"]["PhysicalResourceId"]
    return name
