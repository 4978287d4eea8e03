"""What a function answers to HTTP, with the headers that every answer carries.

Does not belong here: wording (wording/), templates (render.py).
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# No script or style of anybody else, nothing inline, no framing. Pages that lead to a sign-in add the provider as a
# form target: browsers apply form-action to the redirects that follow a form as well.
CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action {forms}; frame-ancestors 'none'; base-uri 'none'"
)
SECURITY_HEADERS: Mapping[str, str] = {
    "cache-control": "no-store",
    "content-security-policy": CONTENT_POLICY.format(forms="'self'"),
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers; `cookies` are complete Set-Cookie values."""

    status: int = 200
    body: str | bytes = ""
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()

    def with_cookies(self, *cookies: str) -> "Answer":
        return replace(self, cookies=self.cookies + cookies)

    def as_gateway(self) -> dict[str, Any]:
        """The answer in the form of an HTTP API, payload format 2.0."""
        is_binary = isinstance(self.body, bytes)
        text = base64.b64encode(self.body).decode() if isinstance(self.body, bytes) else self.body
        answer: dict[str, Any] = {
            "statusCode": self.status,
            "headers": {**SECURITY_HEADERS, "content-type": self.content_type, **self.headers},
            "body": text,
            "isBase64Encoded": is_binary,
        }
        if self.cookies:
            answer["cookies"] = list(self.cookies)
        return answer


def see_other(url: str, *cookies: str) -> Answer:
    """After a form: GET that address. Never build `url` from what the browser sent (open redirect)."""
    return Answer(303, "", headers={"location": url}, cookies=cookies)


def json_answer(value: Any, status: int = 200, content_type: str = "application/json") -> Answer:
    return Answer(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")), content_type)


def host_cookie(name: str, value: str, max_age: int) -> str:
    """A `__Host-` cookie: this host only, https only, not readable by scripts; 0 removes it."""
    return f"__Host-{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={max_age}"
