"""The booking system's API and its signed events: journeys Change at the host, Invite, Conflict."""

from typing import Any

from calsync_core.bootstrap import host_api


def lambda_handler(event: dict[str, Any], context: object) -> Any:
    return host_api()(event, context)
