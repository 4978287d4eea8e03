"""Signed texts: base64url(payload) + "." + base64url(HMAC-SHA256), compared in constant time. Nothing is encrypted."""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any


def sign(key: bytes, purpose: str, payload: Any) -> str:
    """`purpose` is signed with it, so that a text made for one purpose is worthless for another."""
    body = _encode(json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode())
    return f"{body}.{_encode(_mac(key, purpose, body))}"


def verify(key: bytes, purpose: str, text: str) -> Any | None:
    """The payload, or None for anything that we did not sign for this purpose."""
    body, separator, signature = text.partition(".")
    given = _decode(signature)
    if not separator or len(text) > 4096 or given is None:
        return None
    if not hmac.compare_digest(_mac(key, purpose, body), given):
        return None
    plain = _decode(body)
    return None if plain is None else json.loads(plain)


def _mac(key: bytes, purpose: str, body: str) -> bytes:
    return hmac.new(key, f"{purpose}\x1f{body}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
