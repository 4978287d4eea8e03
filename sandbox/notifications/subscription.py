"""What a subscription is, and how Graph shows it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

ChangeType = Literal["created", "updated", "deleted"]
LifecycleEvent = Literal["reauthorizationRequired", "subscriptionRemoved", "missed"]


@dataclass
class Subscription:
    """One subscription. `creator_oid` is None when the app itself made it; `resource` stands as it was asked."""

    id: str
    client_id: str
    tenant_id: str
    creator_oid: str | None
    mailbox_oid: str
    calendar_id: str
    resource: str
    change_types: list[ChangeType]
    notification_url: str
    lifecycle_url: str | None
    client_state: str | None
    tls_version: str
    is_immutable: bool
    created_at: datetime
    renewed_at: datetime
    expires_at: datetime
    is_paused: bool = False
    """Waiting for reauthorization: what changes meanwhile is never told."""
    was_warned: bool = False
    """reauthorizationRequired was sent since the last renewal."""

    def as_json(self, *, with_state: bool) -> dict[str, Any]:
        """The subscription as Graph answers it; the client state is told to its creator once, at creation."""
        return {
            "id": self.id,
            "resource": self.resource,
            "applicationId": self.client_id,
            "changeType": ",".join(self.change_types),
            "clientState": self.client_state if with_state else None,
            "notificationUrl": self.notification_url,
            "notificationQueryOptions": None,
            "lifecycleNotificationUrl": self.lifecycle_url,
            "expirationDateTime": graph_instant(self.expires_at),
            "creatorId": self.creator_oid or self.client_id,
            "includeResourceData": None,
            "latestSupportedTlsVersion": self.tls_version,
            "encryptionCertificate": None,
            "encryptionCertificateId": None,
            "notificationUrlAppId": None,
        }


def graph_instant(at: datetime) -> str:
    """An instant as the subscription service writes it."""
    text = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}Z"
