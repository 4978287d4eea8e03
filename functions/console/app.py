"""The admin's pages: journeys Invite, Settings, Conflict and Sync log."""

from typing import Any

from calsync_core.bootstrap import console


def lambda_handler(event: dict[str, Any], context: object) -> Any:
    return console()(event, context)
