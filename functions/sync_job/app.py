"""work and close, the two steps of a run: journeys Initial import and Change by webhook."""

from typing import Any

from calsync_core.bootstrap import sync_job


def lambda_handler(event: dict[str, Any], context: object) -> Any:
    return sync_job()(event, context)
