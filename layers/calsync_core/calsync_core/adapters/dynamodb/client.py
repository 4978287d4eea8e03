"""The one DynamoDB client of a function; in a file of its own, so that the webhook does not load every store."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def dynamodb_client() -> "DynamoDBClient":
    """The one client. Short time-outs and a few tries of botocore's own: longer waits belong to Step Functions."""
    import boto3
    from botocore.config import Config

    retries = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4})
    return boto3.client("dynamodb", config=retries)
