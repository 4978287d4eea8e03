"""Wishes for a run, on the standard SQS queue."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from calsync_core.adapters.aws.errors import translate
from calsync_core.ports.outward import Wish

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsQueue:
    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def wish(self, wish: Wish) -> None:
        try:
            self._client.send_message(QueueUrl=self._queue_url, MessageBody=body(wish))
        except (ClientError, BotoCoreError) as error:
            raise translate(error, "send_message") from None


def body(wish: Wish) -> str:
    """Ids and the cause only; `jobs.wish_of` reads it."""
    fields = {"account": wish.account, "resource": wish.resource, "cause": wish.cause}
    if wish.subject:
        fields["subject"] = wish.subject
    return json.dumps(fields)
