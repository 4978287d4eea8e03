"""An Exchange server posts: check path and subscription id, note that it lives, wish runs where something changed.

A post is believed for nothing else. Whatever is wrong with one, the answer outside is the same "Unsubscribe", which is
also what ends a subscription that we no longer want: there is no other call for that (ews.md section 4).
"""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol

from calsync_core.domain.connections import Subscription
from calsync_core.domain.values import value
from calsync_core.ports.outward import Clock, Queue, Wish

NOBODY = "no such subscription"
LOST_AT = datetime(1970, 1, 1, tzinfo=UTC)
"""Noted as last heard where the server itself gave a subscription up: so it is overdue at the next look."""


@value(frozen=True, slots=True)
class Knock:
    """One message of a post. `subscription_id` "" where the server left it out, which only a lost one may."""

    subscription_id: str
    has_changes: bool
    is_lost: bool = False


class HeardBook(Protocol):
    def subscription(self, path_hash: str) -> Subscription | None: ...

    def note_heard(self, path_hash: str, at: datetime) -> None: ...


@value(frozen=True, slots=True)
class Heard:
    """`goes_on` False: answer "Unsubscribe". `refused`: messages that were not for the subscription of this path."""

    goes_on: bool
    wishes: int = 0
    refused: int = 0


def receive_exchange_post(path_id: str, knocks: Iterable[Knock], book: HeardBook, queue: Queue, clock: Clock) -> Heard:
    """One look-up; at most one small write per subscription and half a heartbeat; one wish per resource and post.

    Raises ProviderUnavailableError: then answer 5xx, and the server posts it again.
    """
    path_hash = hashlib.sha256(path_id.encode(errors="surrogatepass")).hexdigest()
    row = book.subscription(path_hash)
    given = list(knocks)
    good = [knock for knock in given if _is_for(row, knock)]
    refused = len(given) - len(good)
    if row is None or row.account is None or not good:
        return Heard(goes_on=False, refused=refused)
    if any(knock.is_lost for knock in good):
        book.note_heard(path_hash, LOST_AT)
        return Heard(goes_on=False, wishes=_wish(row, queue, "lifecycle", f"{row.mailbox}/{path_hash}"))
    if _is_worth_noting(row, clock.now()):
        book.note_heard(path_hash, clock.now())
    has_changes = any(knock.has_changes for knock in good)
    return Heard(goes_on=True, wishes=_wish(row, queue, "notification") if has_changes else 0, refused=refused)


def _is_for(row: Subscription | None, knock: Knock) -> bool:
    """The same comparison whether there is such a path or not.

    The first post may come while our own Subscribe still waits for its answer: then the path alone proves it.
    """
    expected = NOBODY if row is None or not row.subscription_id else row.subscription_id
    is_same = hmac.compare_digest(_digest(knock.subscription_id), _digest(expected))
    is_unnamed = row is not None and (not row.subscription_id or (knock.is_lost and not knock.subscription_id))
    return row is not None and (is_same or is_unnamed)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


def _is_worth_noting(row: Subscription, now: datetime) -> bool:
    return row.heard_at is None or row.heartbeat is None or now - row.heard_at >= row.heartbeat / 2


def _wish(row: Subscription, queue: Queue, cause: str, subject: str = "") -> int:
    if row.account is None:
        raise AssertionError("looked at before")
    for resource in row.resources:
        queue.wish(Wish(row.account, resource, cause, subject))
    return len(row.resources)
