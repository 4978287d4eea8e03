"""The bundled booking system behind Host Connector v1, and its week page."""

from typing import Any

from calsync_core.bootstrap import reference_host


def lambda_handler(event: dict[str, Any], context: object) -> Any:
    return reference_host()(event, context)
