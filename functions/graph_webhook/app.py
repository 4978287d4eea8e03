"""Notifications of Microsoft Graph: journey Change by webhook."""

from typing import Any

from calsync_core.bootstrap import graph_webhook


def lambda_handler(event: dict[str, Any], context: object) -> Any:
    return graph_webhook()(event, context)
