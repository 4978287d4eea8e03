"""Bodies that Graph posts to us: change notifications and lifecycle notices. No I/O, standard library only.

They are a bell and nothing else: what is kept of an item is whose bell it is, never what it says about content.
Whoever uses this checks the secret of each item against the subscription's, in constant time.
"""

import json
from dataclasses import dataclass
from enum import Enum

LARGEST_BODY = 256 * 1024
MOST_ITEMS = 1000
_LONGEST_FIELD = 256


class Notice(Enum):
    """CHANGED for a change; the others are lifecycle notices (graph.md 8.4)."""

    CHANGED = "changed"
    REAUTHORIZE = "reauthorizationRequired"
    REMOVED = "subscriptionRemoved"
    MISSED = "missed"
    UNKNOWN = "unknown"


_LIFECYCLE = {one.value: one for one in (Notice.REAUTHORIZE, Notice.REMOVED, Notice.MISSED)}


@dataclass(frozen=True)
class Bell:
    """One item: `secret` is the clientState as sent, to be compared and forgotten."""

    subscription_id: str
    secret: str
    notice: Notice


class NotificationUnreadableError(Exception):
    """Too large, not JSON, or not a list of items; the message is a code, never a part of the body."""


def parse(body: bytes) -> list[Bell]:
    """The items of one post, of any subscriptions, in order; items without id or secret are left out.

    Raises NotificationUnreadableError: too_large, not_json, not_a_list, too_many.
    """
    if len(body) > LARGEST_BODY:
        raise NotificationUnreadableError("too_large")
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise NotificationUnreadableError("not_json") from None
    items = parsed.get("value") if isinstance(parsed, dict) else None
    if not isinstance(items, list):
        raise NotificationUnreadableError("not_a_list")
    if len(items) > MOST_ITEMS:
        raise NotificationUnreadableError("too_many")
    return [bell for bell in map(_bell, items) if bell is not None]


def _bell(item: object) -> Bell | None:
    if not isinstance(item, dict):
        return None
    subscription_id, secret = item.get("subscriptionId"), item.get("clientState")
    if not _is_short_text(subscription_id) or not _is_short_text(secret):
        return None
    lifecycle = item.get("lifecycleEvent")
    notice = Notice.CHANGED if lifecycle is None else _LIFECYCLE.get(str(lifecycle), Notice.UNKNOWN)
    return Bell(str(subscription_id), str(secret), notice)


def _is_short_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_FIELD
