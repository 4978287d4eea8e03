"""The AWS clients of one function, from one session: endpoints and credentials are read once for all of them."""

from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class AwsClients:
    """Region, credentials and endpoints by the usual variables (AWS_DEFAULT_REGION and so on)."""

    def __init__(self) -> None:
        self._session = boto3.Session()

    def client(self, service: Any) -> Any:
        return self._session.client(service)

    def dynamodb(self) -> "DynamoDBClient":
        """Short time-outs and a few tries of the SDK's own: longer waits belong to Step Functions."""
        retries = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4})
        return self._session.client("dynamodb", config=retries)
