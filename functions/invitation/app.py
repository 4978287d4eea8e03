"""Pages behind links in mails: journeys Consent, Pick calendars, Conflict, Disconnect."""

from typing import Any

from calsync_core.bootstrap import invitation


def lambda_handler(event: dict[str, Any], context: object) -> Any:
    return invitation()(event, context)
