"""The AWS clients of one function, from one botocore session: endpoints and credentials are read once for all of them.

botocore itself, not boto3 in front of it: the clients are the same, but `import boto3` also loads the transfers of S3
and multiprocessing with them, a sixth of what a webhook's cold start may cost.
"""

from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.session import get_session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class AwsClients:
    """Region, credentials and endpoints by the usual variables (AWS_DEFAULT_REGION and so on)."""

    def __init__(self) -> None:
        self._session = get_session()

    def client(self, service: str) -> Any:
        return self._session.create_client(service)

    def dynamodb(self) -> "DynamoDBClient":
        """Short time-outs and a few tries of botocore's own: longer waits belong to Step Functions."""
        retries = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4})
        client: Any = self._session.create_client("dynamodb", config=retries)
        return client  # type: ignore[no-any-return]
