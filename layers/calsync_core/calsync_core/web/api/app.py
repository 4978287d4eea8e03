"""The routes of the function host_api: /v1 from the table of operations, and the booking system's events."""

from collections.abc import Callable
from typing import Any

from calsync_core.domain.errors import CalsyncError
from calsync_core.web.answers import Answer
from calsync_core.web.api.frame import ApiFrame
from calsync_core.web.api.routes import OPERATIONS, views
from calsync_core.web.hooks import HostEvents
from calsync_core.web.problems import problem_json
from calsync_core.web.request import Request
from calsync_core.web.routing import Router, web_handler


def api_handler(
    frame: ApiFrame, events: HostEvents, public_url: str
) -> Callable[[dict[str, Any], object], dict[str, Any]]:
    """A Lambda handler for /v1/* and /hooks/host/{account}."""
    router = Router()
    by_id = views(frame, public_url)
    for operation in OPERATIONS:
        router.add(operation.method, operation.path, frame.route(by_id[operation.id], operation.scope))
    router.add("POST", "/hooks/host/{account}", events.receive)

    def on_error(_request: Request | None, error: CalsyncError) -> Answer:
        return problem_json(error)

    return web_handler(router, on_error)
