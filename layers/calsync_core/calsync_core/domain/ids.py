"""Names for every id, so that one is never passed for another.

Ids of the booking system and of the providers are opaque strings; those that calsync makes are url-safe.
"""

import hashlib
from functools import lru_cache
from typing import NewType

AccountId = NewType("AccountId", str)  # a customer of this installation; ours
ResourceId = NewType("ResourceId", str)  # staff, room or equipment; the booking system's
MailboxId = NewType("MailboxId", str)  # a connected mailbox, and so its connection; ours
CalendarId = NewType("CalendarId", str)  # a calendar inside a mailbox; the provider's
EntryId = NewType("EntryId", str)  # an appointment inside a calendar; the provider's, immutable kind
BookingId = NewType("BookingId", str)  # the booking system's
LinkRef = NewType("LinkRef", str)  # a link inside a resource, and the `ref` of its block; ours
ConflictId = NewType("ConflictId", str)  # ours
ServerId = NewType("ServerId", str)  # an Exchange server that the admin entered; ours
RoleAccountId = NewType("RoleAccountId", str)  # an account that may look up free and busy times; ours
RunId = NewType("RunId", str)  # one run of a resource's sync job; ours


LONGEST_ID = 128  # of the booking system's ids (docs/hosts/connector-v1.md); a longer one names nothing


@lru_cache(maxsize=4096)
def short_hash(*parts: str) -> str:
    """32 hex digits that stand for the parts; foreign ids go behind it into keys (design.md section 7)."""
    joined = "\x1f".join(parts)
    return hashlib.sha256(joined.encode()).hexdigest()[:32]
