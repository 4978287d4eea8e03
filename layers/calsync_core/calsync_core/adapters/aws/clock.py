"""Time and ids of the machine."""

import secrets
from datetime import UTC, datetime


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class SystemIds:
    def token(self) -> str:
        return secrets.token_urlsafe(32)

    def short(self) -> str:
        return secrets.token_urlsafe(16)
