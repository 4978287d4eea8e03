"""Wishes from the queue become runs: journey Change by webhook."""

from typing import Any

from calsync_core.bootstrap import start_sync


def lambda_handler(event: dict[str, Any], context: object) -> Any:
    return start_sync()(event, context)
