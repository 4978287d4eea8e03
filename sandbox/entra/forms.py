"""Reading of form posts; by the standard library, since Starlette's own reader needs one more package."""

from urllib.parse import parse_qsl

from starlette.requests import Request

FORM = "application/x-www-form-urlencoded"


async def parameters(request: Request) -> dict[str, str]:
    """Query parameters and, for a form post, its fields; of a repeated name the last one counts."""
    found = dict(request.query_params)
    if request.method == "POST" and request.headers.get("content-type", "").startswith(FORM):
        found |= await form(request)
    return found


async def form(request: Request) -> dict[str, str]:
    """The fields of a form post."""
    body = (await request.body()).decode("utf-8", errors="replace")
    return dict(parse_qsl(body, keep_blank_values=True))
