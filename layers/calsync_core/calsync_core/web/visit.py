"""The browser of a person without an account: a random `__Host-` cookie that forms and sign-ins are bound to.

It says nothing about who somebody is; it only proves later that it is still the same browser. The console uses it as
well when an admin connects a calendar from there.
"""

import re

from calsync_core.web.answers import host_cookie
from calsync_core.web.request import Request

COOKIE = "__Host-calsync-visit"
LIFETIME = 24 * 3600
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43,64}")


def browser_key(request: Request) -> str:
    """The secret of this browser, or "" without one (first visit, or cookies are switched off)."""
    value = request.cookies.get(COOKIE, "")
    return value if _SHAPE.fullmatch(value) else ""


def visit_cookie(key: str) -> str:
    """The Set-Cookie value; `key` is 256 random bits (`Ids.token()`)."""
    return host_cookie("calsync-visit", key, LIFETIME)
