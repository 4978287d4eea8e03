"""A provider says that something changed: check the secret, wish a run for every resource that uses the calendar.

A notification is a bell, never believed for its content. Whatever is wrong with one, the answer outside is the same
(trust.md section 5: an unknown subscription runs the same comparison); the counts are for the metrics.
"""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Protocol

from calsync_core.domain.connections import Subscription
from calsync_core.domain.values import value
from calsync_core.ports.outward import Queue, Wish

NOBODY = hashlib.sha256(b"no such subscription").hexdigest()
MUST_RENEW = frozenset({"reauthorizationRequired", "subscriptionRemoved"})


@value(frozen=True, slots=True)
class Bell:
    """One item of a body. `lifecycle` is None for a change, else the provider's word (graph.md 8.4)."""

    secret: str
    lifecycle: str | None = None


class SubscriptionBook(Protocol):
    def subscription(self, path_hash: str) -> Subscription | None: ...


@value(frozen=True, slots=True)
class Received:
    """`wishes` sent; `refused` items whose secret or path was wrong."""

    wishes: int
    refused: int


def receive_notification(path_id: str, bells: Iterable[Bell], book: SubscriptionBook, queue: Queue) -> Received:
    """One look-up for the whole body, one wish per resource. Raises ProviderUnavailableError: then answer 5xx."""
    path_hash = _hash(path_id)
    row = book.subscription(path_hash)
    expected = row.secret_hash if row is not None else NOBODY
    good, refused = [], 0
    for bell in bells:
        if hmac.compare_digest(_hash(bell.secret), expected) and row is not None:
            good.append(bell)
        else:
            refused += 1
    if row is None or row.account is None or not good:
        return Received(0, refused)
    must_renew = any(bell.lifecycle in MUST_RENEW for bell in good)
    cause, subject = ("lifecycle", f"{row.mailbox}/{row.path_hash}") if must_renew else ("notification", "")
    for resource in row.resources:
        queue.wish(Wish(row.account, resource, cause, subject))
    return Received(len(row.resources), refused)


def _hash(text: str) -> str:
    """JSON may carry half a surrogate pair, which strict UTF-8 refuses: a stranger must not make us fail with it."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
