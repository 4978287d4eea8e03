"""Microsoft's redirect after sign-in: journey Consent."""

from typing import Any

from calsync_core.bootstrap import oauth_callback


def lambda_handler(event: dict[str, Any], context: object) -> Any:
    return oauth_callback()(event, context)
