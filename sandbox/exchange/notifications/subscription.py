"""What a subscription is, its watermarks, and what the notification service may be told by tests."""

import base64
import binascii
import struct
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["push", "pull"]
EVENT_TYPES = (
    "CopiedEvent",
    "CreatedEvent",
    "DeletedEvent",
    "ModifiedEvent",
    "MovedEvent",
    "NewMailEvent",
    "FreeBusyChangedEvent",
)
_MARK = struct.Struct(">4s8sQ")
_MAGIC = b"\x01\x00\x00\x00"


@dataclass(kw_only=True)
class EwsSubscription:
    """One subscription; `calendar_ids` None means all folders. `acknowledged` is a sequence of the store's logs."""

    id: str
    kind: Kind
    server: str
    owner_id: str
    """The person whose credentials made it."""
    mailbox_oid: str
    calendar_ids: list[str] | None
    event_types: list[str]
    version: str
    """RequestServerVersion of the Subscribe call; posts carry it."""
    created_at: datetime
    last_contact_at: datetime
    acknowledged: int
    url: str = ""
    minutes: int = 30
    """StatusFrequency of push, Timeout of pull."""
    is_first_due: bool = True
    """The StatusEvent right after Subscribe has not been sent yet."""
    changed_at: datetime | None = None
    """When the first event that waits was made."""
    failures: int = 0
    retry_at: datetime | None = None


class PushSettings(BaseModel):
    """What tests turn at the posts. Times in seconds."""

    model_config = ConfigDict(extra="forbid")

    delay: float = Field(default=0.2, ge=0)
    first_retry: float = Field(default=30, gt=0)
    timeout: float = Field(default=30, gt=0)
    is_held: bool = False
    lose_next: int = Field(default=0, ge=0)
    duplicates: int = Field(default=0, ge=0, le=10)
    sends_first_status: bool = True
    tells_of_folders: bool = True
    max_events: int = Field(default=100, ge=1)


@dataclass
class PushRecord:
    """One post and how it ended."""

    id: int
    at: datetime
    subscription_id: str
    url: str
    events: list[str]
    outcome: Literal["ok", "unsubscribed", "failed", "dropped", "lost"]
    attempt: int
    status: int
    seconds: float
    problem: str = ""


@dataclass
class NotificationState:
    """What survives a restart of the sandbox (a real server forgets its subscriptions: the control API does it)."""

    kept: dict[str, EwsSubscription] = field(default_factory=dict)
    settings: PushSettings = field(default_factory=PushSettings)


def watermark(mailbox_oid: str, sequence: int) -> str:
    """The mark of a place in a mailbox's events."""
    mailbox = blake2b(mailbox_oid.encode(), digest_size=8).digest()
    return base64.b64encode(_MARK.pack(_MAGIC, mailbox, sequence)).decode()


def read_watermark(text: str, mailbox_oid: str) -> int | None:
    """The place that a mark means; None when it is none of this mailbox."""
    try:
        magic, mailbox, sequence = _MARK.unpack(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, struct.error):
        return None
    if magic != _MAGIC or mailbox != blake2b(mailbox_oid.encode(), digest_size=8).digest():
        return None
    return int(sequence)
