"""Events that a booking system posts to us: Standard Webhooks signatures, thin bodies. No network."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from calsync_core.domain.errors import InputError
from calsync_core.domain.ids import ResourceId

LARGEST_BODY = 128 * 1024
_MOST_RESOURCES = 50
_LONGEST_ID = 128


@dataclass(frozen=True, slots=True)
class SignedEvent:
    """Of a verified body: `id` for telling doubles apart, what kind it is, and which resources to look at."""

    id: str
    type: str
    subject_id: str
    resource_ids: tuple[ResourceId, ...]


def verify_event(secret: str, headers: Mapping[str, str], body: bytes) -> SignedEvent:
    """`secret` in the base64 form of Standard Webhooks; a signature is good for five minutes.

    Raises InputError: `body_too_large`, `signature_invalid`, or `malformed` for a signed body that is no event.
    """
    if len(body) > LARGEST_BODY:
        raise InputError("body_too_large")
    from standardwebhooks.webhooks import Webhook, WebhookVerificationError

    lower = {name.lower(): value for name, value in headers.items()}
    try:
        Webhook(secret).verify(body, lower, json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: a signature that is no base64, a body that is no text
        raise InputError("signature_invalid") from None
    return _parsed(lower.get("webhook-id", ""), body)


def _parsed(event_id: str, body: bytes) -> SignedEvent:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise InputError("malformed") from None
    if not isinstance(document, dict):
        raise InputError("malformed")
    kind, subject, resources = document.get("type"), document.get("subject_id"), document.get("resource_ids")
    if not (isinstance(kind, str) and isinstance(subject, str) and isinstance(resources, list)):
        raise InputError("malformed")
    if len(resources) > _MOST_RESOURCES or not all(isinstance(one, str) and one for one in resources):
        raise InputError("malformed")
    return SignedEvent(event_id[:_LONGEST_ID], kind, subject, tuple(ResourceId(one) for one in resources))
