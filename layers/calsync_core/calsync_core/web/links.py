"""Links in mails that are signed instead of stored: one purpose, one subject, one expiry. Key: `derive(root, "links")`.

The link in an invitation's first mail is not one of them: its token is random, stored as a hash. Reminders and "Copy
link" lead to the same invitation by a signed link, because the token cannot be had again.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from calsync_core.domain.errors import LinkExpiredError, LinkUnknownError
from calsync_core.domain.ids import AccountId
from calsync_core.web.signing import sign, verify


class Purpose(StrEnum):
    MANAGE = "manage"  # subject: the resource
    CONFLICT = "conflict"  # subject: the conflict; detail: its revision
    INVITATION = "invitation"  # subject: the resource; detail: the invitation's id (reminders, "Copy link")
    ADMIN_CONSENT = "admin_consent"  # subject: the resource or ""; travels to Microsoft and back as `state`


@dataclass(frozen=True, slots=True)
class SignedLink:
    """`subject` is what the purpose says; `detail` belongs to it (a revision, for instance)."""

    purpose: Purpose
    account: AccountId
    subject: str
    expires_at: datetime
    detail: str = ""


def make_link(key: bytes, link: SignedLink) -> str:
    """The last part of the link's address, url-safe."""
    payload = [link.account, link.subject, int(link.expires_at.timestamp()), link.detail]
    return sign(key, f"link:{link.purpose.value}", payload)


def read_link(key: bytes, purpose: Purpose, text: str, now: datetime) -> SignedLink:
    """Raises LinkUnknownError for anything that we did not sign for this purpose, LinkExpiredError."""
    payload = verify(key, f"link:{purpose.value}", text)
    if not isinstance(payload, list) or len(payload) != 4:
        raise LinkUnknownError
    expires_at = datetime.fromtimestamp(payload[2], UTC)
    link = SignedLink(purpose, AccountId(str(payload[0])), str(payload[1]), expires_at, str(payload[3]))
    if expires_at <= now:
        raise LinkExpiredError("link_expired", account=link.account, subject=link.subject)
    return link


MANAGE_LIFETIME = timedelta(days=90)
CONFLICT_LIFETIME = timedelta(days=30)


def manage_path(key: bytes, account: AccountId, resource: str, now: datetime, lifetime: timedelta) -> str:
    """Our own path of a resource's manage page."""
    return f"/m/{make_link(key, SignedLink(Purpose.MANAGE, account, resource, now + lifetime))}"


def invitation_path(key: bytes, account: AccountId, resource: str, invitation_id: str, expires_at: datetime) -> str:
    """Our own path of an invitation that exists already; it shares that invitation's state and end."""
    return f"/i/{make_link(key, SignedLink(Purpose.INVITATION, account, resource, expires_at, invitation_id))}"


def conflict_path(key: bytes, account: AccountId, conflict: str, revision: int, now: datetime) -> str:
    """Our own path of one conflict as it stands: a changed conflict makes the link worthless."""
    expires_at = now + CONFLICT_LIFETIME
    return f"/c/{make_link(key, SignedLink(Purpose.CONFLICT, account, conflict, expires_at, str(revision)))}"
