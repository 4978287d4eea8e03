"""Links in mails that are signed instead of stored: one purpose, one subject, one expiry. Key: `derive(root, "links")`.

An invitation is not one of them: its token is random and stored as a hash, because it must be used up.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from calsync_core.domain.errors import LinkExpiredError, LinkUnknownError
from calsync_core.domain.ids import AccountId
from calsync_core.web.signing import sign, verify


class Purpose(StrEnum):
    MANAGE = "manage"  # subject: the resource
    CONFLICT = "conflict"  # subject: the conflict; detail: its revision
    ADMIN_CONSENT = "admin_consent"  # subject: the state that goes to Microsoft and back


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
