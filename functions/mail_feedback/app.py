"""Bounces, complaints and deliveries of SES: journey Invite."""

from typing import Any

from calsync_core.bootstrap import mail_feedback


def lambda_handler(event: dict[str, Any], context: object) -> Any:
    return mail_feedback()(event, context)
