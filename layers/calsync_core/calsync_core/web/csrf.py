"""Tokens on forms, bound to a cookie of the same browser: another site can send the form, but not know the token.

Bound to the session cookie's value (console) or to the visit cookie's (public pages). Key: `derive(root_key, "csrf")`.
"""

import base64
import hashlib
import hmac

from calsync_core.domain.errors import InputError

FIELD = "csrf"


def csrf_token(key: bytes, cookie: str) -> str:
    mac = hmac.new(key, cookie.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def check_csrf(key: bytes, cookie: str, given: str) -> None:
    """Raises InputError("form_expired") when the token is missing or belongs to another cookie."""
    if not cookie or not hmac.compare_digest(csrf_token(key, cookie).encode(), given.encode("utf-8", "replace")):
        raise InputError("form_expired")
