"""Tokens of delta: what a $skiptoken or $deltatoken carries. The window is inside and cannot be moved."""

import base64
import binascii
import json
import zlib
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

_KEY = b"calsync sandbox"  # only keeps clients from making tokens up


@dataclass(frozen=True, slots=True)
class DeltaState:
    """Where one chain of delta pages stands."""

    chain: str
    mailbox_oid: str
    folder_id: str
    feed: Literal["view", "events"]
    start_at: str | None
    end_at: str | None
    generation: int
    """Of the delta link from which this round began; 0 in the first round."""
    position: int
    """Log line up to which earlier rounds told everything."""
    until: int = 0
    """Log line up to which this round tells; only inside a round."""
    after: int = -1
    """Last arrival (first round) or log line (later rounds) that was told; only inside a round."""
    is_first: bool = True
    is_round_open: bool = True
    """True in a $skiptoken, False in a $deltatoken."""

    @property
    def window(self) -> tuple[datetime | None, datetime | None]:
        """The window as instants."""
        return (
            datetime.fromisoformat(self.start_at) if self.start_at else None,
            datetime.fromisoformat(self.end_at) if self.end_at else None,
        )


class InvalidTokenError(ValueError):
    """The token was never made by this service."""


def pack(state: DeltaState) -> str:
    """Return the state as an opaque token."""
    raw = zlib.compress(json.dumps(list(asdict(state).values())).encode())
    check = zlib.crc32(_KEY + raw).to_bytes(4, "big")
    return base64.urlsafe_b64encode(check + raw).decode().rstrip("=")


def unpack(token: str) -> DeltaState:
    """Read a token. Raises InvalidTokenError."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        if zlib.crc32(_KEY + raw[4:]).to_bytes(4, "big") != raw[:4]:
            raise InvalidTokenError(token)
        values: list[Any] = json.loads(zlib.decompress(raw[4:]))
        return DeltaState(*values)
    except (binascii.Error, ValueError, TypeError, zlib.error) as error:
        raise InvalidTokenError(token) from error
