"""What is due and what must be checked: journey Sweep."""

from typing import Any

from calsync_core.bootstrap import sweep


def lambda_handler(event: dict[str, Any], context: object) -> Any:
    return sweep()(event, context)
