"""Makes the table of `template.yaml` itself, so that the store tests and the deployed stack never differ."""

from functools import cache
from typing import Any

from tests.house.template import resources

_TAKEN = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes", "BillingMode")


@cache
def _declared() -> dict[str, Any]:
    return resources("AWS::DynamoDB::Table")["Table"]


def create_table(client: Any, name: str) -> str:
    """Keys and indexes as the template declares them; names what it made."""
    declared = _declared()
    client.create_table(TableName=name, **{part: declared[part] for part in _TAKEN})
    return name
