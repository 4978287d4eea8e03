"""Events of a booking system: only what is signed, fresh and well formed is believed."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from calsync_core.adapters.hosts.events import LARGEST_BODY, SignedEvent, verify_event
from calsync_core.domain.errors import InputError
from calsync_core.domain.ids import ResourceId
from standardwebhooks.webhooks import Webhook

SECRET = base64.b64encode(b"k" * 32).decode()
EVENT = {
    "id": "evt_01", "type": "booking.upserted", "occurred_at": "2026-11-21T01:00:00Z", "subject_id": "bkg_7Q2",
    "resource_ids": ["anna", "max"], "version": "3",
}  # fmt: skip


def signed(event: Any = EVENT, at: datetime | None = None, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    moment = at or datetime.now(UTC)
    signature = Webhook(secret).sign("evt_01", moment, body.decode())
    headers = {
        "Webhook-Id": "evt_01",
        "Webhook-Timestamp": str(int(moment.timestamp())),
        "Webhook-Signature": signature,
    }
    return headers, body


def test_a_signed_event_says_where_to_look() -> None:
    headers, body = signed()
    assert verify_event(SECRET, headers, body) == SignedEvent(
        "evt_01", "booking.upserted", "bkg_7Q2", (ResourceId("anna"), ResourceId("max"))
    )


def test_one_of_two_secrets_signatures_is_enough() -> None:
    """A host that changes its secret signs with both for a while."""
    headers, body = signed()
    headers["Webhook-Signature"] = "v1,AAAA " + headers["Webhook-Signature"]
    assert verify_event(SECRET, headers, body).id == "evt_01"


@pytest.mark.parametrize("minutes", [-6, 6])
def test_old_and_future_signatures_are_refused(minutes: int) -> None:
    headers, body = signed(at=datetime.now(UTC) + timedelta(minutes=minutes))
    with pytest.raises(InputError, match="signature_invalid"):
        verify_event(SECRET, headers, body)


@pytest.mark.parametrize(
    "change",
    [
        {"Webhook-Signature": "v1,AAAA"}, {"Webhook-Signature": "nonsense"}, {"Webhook-Signature": "v1,###"},
        {"Webhook-Signature": ""}, {"Webhook-Id": "evt_02"}, {"Webhook-Timestamp": "soon"}, {"Webhook-Id": ""},
    ],
)  # fmt: skip
def test_a_signature_that_does_not_fit_is_refused(change: dict[str, str]) -> None:
    headers, body = signed()
    with pytest.raises(InputError, match="signature_invalid"):
        verify_event(SECRET, {**headers, **change}, body)


def test_a_changed_body_and_a_foreign_secret_are_refused() -> None:
    headers, body = signed()
    with pytest.raises(InputError, match="signature_invalid"):
        verify_event(SECRET, headers, body.replace(b"anna", b"evil"))
    with pytest.raises(InputError, match="signature_invalid"):
        verify_event(SECRET, headers, b"\xff\xfe")
    headers, body = signed(secret=base64.b64encode(b"x" * 32).decode())
    with pytest.raises(InputError, match="signature_invalid"):
        verify_event(SECRET, headers, body)


@pytest.mark.parametrize(
    "event",
    [
        b"no json", [], {**EVENT, "resource_ids": "anna"}, {**EVENT, "resource_ids": [""]}, {**EVENT, "type": 7},
        {**EVENT, "subject_id": None}, {**EVENT, "resource_ids": ["r"] * 51},
    ],
)  # fmt: skip
def test_what_is_signed_but_no_event_is_malformed(event: Any) -> None:
    headers, body = signed(event)
    with pytest.raises(InputError, match="malformed"):
        verify_event(SECRET, headers, body)


def test_a_body_beyond_the_limit_is_not_even_hashed() -> None:
    with pytest.raises(InputError, match="body_too_large"):
        verify_event(SECRET, {}, b"x" * (LARGEST_BODY + 1))
