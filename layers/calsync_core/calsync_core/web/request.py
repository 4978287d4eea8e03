"""One reading of HTTP API events (payload format 2.0), wherever they come from.

Cookies may stand in the `cookies` list or in the header, bodies may be base64; header names are read in lower case.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from calsync_core.domain.errors import InputError
from calsync_core.web.multipart import multipart_pairs

MAX_BODY = 256 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What a browser or client sent. `query` and `form` keep the order and repetitions of the wire."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def argument(self, name: str, default: str = "") -> str:
        """The first query argument of that name."""
        return next((value for key, value in self.query if key == name), default)

    @property
    def form(self) -> tuple[tuple[str, str], ...]:
        """The fields of a form; empty for any other body. Of a file that was sent along its text."""
        kind = self.headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            return multipart_pairs(kind, self.body)
        if not kind.startswith("application/x-www-form-urlencoded"):
            return ()
        return _pairs(self.body.decode("utf-8", "replace"))

    def field(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.form if key == name), default)

    def fields(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.form if key == name)

    @property
    def is_fragment(self) -> bool:
        """htmx asks for the changed part only; the same URL without it answers a whole page."""
        return self.headers.get("hx-request") == "true"

    def json(self) -> Any:
        """Raises InputError("body_unreadable")."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise InputError("body_unreadable") from None


def read_request(event: Mapping[str, Any]) -> Request:
    """Raises InputError: "body_too_large", "body_unreadable"."""
    headers = {str(key).lower(): str(value) for key, value in (event.get("headers") or {}).items()}
    http = (event.get("requestContext") or {}).get("http") or {}
    return Request(
        method=str(http.get("method", "GET")).upper(),
        path=str(event.get("rawPath") or http.get("path") or "/"),
        query=_pairs(str(event.get("rawQueryString") or "")),
        headers=headers,
        cookies=read_cookies(event),
        body=_body(event),
    )


def read_cookies(event: Mapping[str, Any]) -> dict[str, str]:
    """All cookies; of two with one name the first wins, as browsers send the more specific one first."""
    headers = {str(key).lower(): str(value) for key, value in (event.get("headers") or {}).items()}
    listed = event.get("cookies") or headers.get("cookie", "").split(";")
    found: dict[str, str] = {}
    for part in listed:
        name, separator, value = str(part).strip().partition("=")
        if separator:
            found.setdefault(name.strip(), value.strip().strip('"'))
    return found


def _body(event: Mapping[str, Any]) -> bytes:
    raw = event.get("body") or ""
    if len(raw) > MAX_BODY * 4 // 3 + 4:
        raise InputError("body_too_large")
    if not event.get("isBase64Encoded"):
        body = str(raw).encode("utf-8", "surrogatepass")
    else:
        try:
            body = base64.b64decode(raw, validate=True)
        except (binascii.Error, ValueError):
            raise InputError("body_unreadable") from None
    if len(body) > MAX_BODY:
        raise InputError("body_too_large")
    return body


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(parse_qsl(text, keep_blank_values=True, max_num_fields=500, errors="replace"))
    except ValueError:
        raise InputError("body_unreadable") from None
