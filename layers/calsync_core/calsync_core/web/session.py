"""The session of a signed-in member of the console: a signed `__Host-` cookie, nothing stored.

The bundled booking system's week page reads the same cookie, so this file imports nothing heavy.
The key is `keys.derive(root_key, "session")`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from calsync_core.web.answers import host_cookie
from calsync_core.web.request import read_cookies
from calsync_core.web.signing import sign, verify

COOKIE = "__Host-calsync-session"
LIFETIME = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Session:
    """Who it is by (issuer, subject), never by an address; `account` is the only account this session may touch."""

    issuer: str
    subject: str
    account: str
    role: str
    name: str
    expires_at: datetime


def session_cookie(key: bytes, session: Session, now: datetime) -> str:
    """The Set-Cookie value."""
    payload = [
        session.issuer,
        session.subject,
        session.account,
        session.role,
        session.name,
        int(session.expires_at.timestamp()),
    ]
    seconds = max(0, int((session.expires_at - now).total_seconds()))
    return host_cookie("calsync-session", sign(key, "session", payload), seconds)


def ended_session_cookie() -> str:
    return host_cookie("calsync-session", "", 0)


def read_session(event: Mapping[str, Any], key: bytes, now: datetime) -> Session | None:
    """None without a cookie, with a forged one, and after its expiry."""
    payload = verify(key, "session", session_value(event))
    if not isinstance(payload, list) or len(payload) != 6:
        return None
    expires_at = datetime.fromtimestamp(payload[5], UTC)
    if expires_at <= now:
        return None
    issuer, subject, account, role, name = (str(part) for part in payload[:5])
    return Session(issuer, subject, account, role, name, expires_at)


def session_value(event: Mapping[str, Any]) -> str:
    """The cookie as it was sent; what a form's CSRF token is bound to (csrf.py)."""
    return read_cookies(event).get(COOKIE, "")
