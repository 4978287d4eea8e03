"""Posts of Exchange servers: journey Change by push."""

from typing import Any

from calsync_core.bootstrap import exchange_webhook


def lambda_handler(event: dict[str, Any], context: object) -> Any:
    return exchange_webhook()(event, context)
