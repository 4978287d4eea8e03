"""Starts the state machine `sync_resource`, deployed twice: EXPRESS for changes, STANDARD for what takes long."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from calsync_core.adapters.aws.errors import code_of, translate
from calsync_core.domain.ids import short_hash
from calsync_core.ports.outward import Wish

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_LONG = frozenset({"import", "full"})


class StepFunctionsImporter:
    def __init__(self, client: "SFNClient", express_arn: str, standard_arn: str) -> None:
        self._client = client
        self._express_arn = express_arn
        self._standard_arn = standard_arn

    def start(self, wish: Wish, run: str) -> None:
        state = {"account": wish.account, "resource": wish.resource, "cause": wish.cause, "run": run}
        try:
            if wish.cause in _LONG:
                self._client.start_execution(
                    stateMachineArn=self._standard_arn, name=_name(wish, run), input=json.dumps(state)
                )
            else:
                # Without a name: EXPRESS takes any name twice, so it would promise what it does not keep.
                self._client.start_execution(stateMachineArn=self._express_arn, input=json.dumps(state))
        except ClientError as error:
            if code_of(error) != "ExecutionAlreadyExists":
                raise translate(error, "start_execution") from None
        except BotoCoreError as error:
            raise translate(error, "start_execution") from None


def _name(wish: Wish, run: str) -> str:
    """The same import started twice is one execution; foreign ids stand behind the hash."""
    return f"{wish.cause}-{short_hash(wish.account, wish.resource, wish.cause, run)}"
