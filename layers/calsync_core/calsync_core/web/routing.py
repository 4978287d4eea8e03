"""Routes of one function and its outer edge: parse, find the page, turn errors into answers, log ids and codes.

Powertools' resolver is not used for pages: it reads cookies from the list only and knows no HEAD; this is 60 lines.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from calsync_core.domain.errors import CalsyncError, NotFoundError
from calsync_core.observability import describe, logger
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.request import Request, read_request

View = Callable[..., Answer]
OnError = Callable[[Request | None, CalsyncError], Answer]


@dataclass(frozen=True, slots=True)
class _Route:
    method: str
    pattern: re.Pattern[str]
    view: View


class Router:
    """`{name}` in a path matches one segment and is handed to the view by name; `{name+}` matches the rest."""

    def __init__(self) -> None:
        self._routes: list[_Route] = []

    def add(self, method: str, path: str, view: View) -> None:
        pattern = re.sub(r"\{(\w+)(\+?)\}", lambda hole: f"(?P<{hole[1]}>{'.+' if hole[2] else '[^/]+'})", path)
        self._routes.append(_Route(method, re.compile(pattern), view))

    def __call__(self, request: Request) -> Answer:
        """Raises NotFoundError("page_unknown"); answers 405 where only the method does not fit.

        A browser that asks for a form's address is led to the page above it instead: 405 shows people nothing.
        """
        method = "GET" if request.method == "HEAD" else request.method
        path = request.path.rstrip("/") or "/"
        is_known = False
        for route in self._routes:
            match = route.pattern.fullmatch(path)
            if match and route.method == method:
                answer = route.view(request, **match.groupdict())
                return replace(answer, body="") if request.method == "HEAD" else answer
            is_known = is_known or match is not None
        if is_known and method == "GET" and (page := self._page_above(path)):
            return see_other(page)
        if is_known:
            return Answer(405, "", "text/plain; charset=utf-8")
        raise NotFoundError("page_unknown")

    def _page_above(self, path: str) -> str:
        """Where a form's own address is asked for (typed again, a tab restored): the page that the form stands on."""
        while path := path.rpartition("/")[0]:
            if any(route.method == "GET" and route.pattern.fullmatch(path) for route in self._routes):
                return quote(path)
        return ""


def web_handler(router: Router, on_error: OnError) -> Callable[[dict[str, Any], object], dict[str, Any]]:
    """A Lambda handler. Expected errors become answers by `on_error`; a bug is logged without content and answers 500.

    Nothing of path, query, body or cookies is logged: links and states stand there.
    """

    def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
        request: Request | None = None
        try:
            request = read_request(event)
            return router(request).as_gateway()
        except CalsyncError as error:
            logger().info("answered", code=error.code, request_id=getattr(context, "aws_request_id", ""))
            return on_error(request, error).as_gateway()
        except Exception as error:
            logger().error("bug", **describe(error), request_id=getattr(context, "aws_request_id", ""))
            return on_error(request, CalsyncError("internal")).as_gateway()

    return handler
