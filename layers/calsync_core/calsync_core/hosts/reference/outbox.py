"""Events to calsync, Standard Webhooks. Written with the change itself, posted afterwards, never in its way.

An event is lost only after seven days without an answer of calsync, which polls as well.
"""

import base64
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

import requests
from standardwebhooks.webhooks import Webhook

from calsync_core.hosts.reference.instants import write_instant
from calsync_core.hosts.reference.table import Operation, Table, Value

logger = logging.getLogger(__name__)
EventType = Literal["booking.upserted", "booking.deleted", "resource.upserted", "resource.deleted", "hours.changed"]
_KEPT = timedelta(days=7)
_TIMEOUT = (1.0, 1.5)
_BUDGET_SECONDS = 2.0
_PAUSE_SECONDS = 30.0
_FAILURES_BEFORE_PAUSE = 2  # one alone is mostly a receiver that starts, and what it was sent took effect


class Post(Protocol):
    """Posts a signed body; answers the HTTP status. Raises requests.RequestException if there was no answer."""

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """Post it."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """How many events went out, and how many wait still (at most a thousand are counted)."""

    delivered: int
    waiting: int


def post_by_requests(url: str, body: bytes, headers: dict[str, str]) -> int:
    """The ordinary `Post`: at most a second to connect, one and a half to be answered, no redirects."""
    return requests.post(url, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False).status_code


class Outbox:
    """The events of one account on their way to `url`, signed with `secret`."""

    def __init__(
        self,
        table: Table,
        url: str,
        secret: bytes,
        clock: Callable[[], datetime],
        post: Post = post_by_requests,
    ) -> None:
        self._table = table
        self._url = url
        self._signer = Webhook(base64.b64encode(secret).decode())
        self._clock = clock
        self._post = post
        self._paused_until = 0.0
        self._failures = 0
        self._one_at_a_time = threading.Lock()

    def operation(self, event_type: EventType, subject_id: str, resource_ids: Sequence[str], version: str) -> Operation:
        """The write that puts an event into the box, for the transaction of the change."""
        now = self._clock()
        event = {
            "id": f"evt_{secrets.token_urlsafe(15)}",
            "type": event_type,
            "occurred_at": write_instant(now),
            "subject_id": subject_id,
            "resource_ids": list(resource_ids),
            "version": version,
        }
        item: dict[str, Value] = {
            "entity": "host_event",
            "doc": json.dumps(event),
            "expires_at": int((now + _KEPT).timestamp()),
        }
        return self._table.put("OUTBOX", f"{now:%Y-%m-%dT%H:%M:%S.%fZ}#{event['id']}", item)

    def deliver_after_change(self) -> None:
        """Post what waits, without ever failing or holding up the change it belongs to.

        After two failures in a row this process leaves it to the sweep for half a minute: a calsync that is down would
        otherwise cost every booking the full time-out.
        """
        if time.monotonic() < self._paused_until or not self._one_at_a_time.acquire(blocking=False):
            return
        try:
            self._deliver(10)
        except Exception:
            # The change stands and the event is kept, so whatever went wrong here must not become its answer.
            self._paused_until = time.monotonic() + _PAUSE_SECONDS
            logger.exception("events stay in the outbox")
        finally:
            self._one_at_a_time.release()

    def deliver_pending(self, limit: int) -> Delivery:
        """Post up to `limit` waiting events, oldest first; stop when calsync does not answer."""
        delivered = self._deliver(limit, budget_seconds=20.0)
        waiting = sum(1 for _ in self._table.query("OUTBOX", "0", "~", limit=1000))
        return Delivery(delivered, waiting)

    def _deliver(self, limit: int, *, budget_seconds: float = _BUDGET_SECONDS) -> int:
        ends = time.monotonic() + budget_seconds
        delivered = 0
        for item in list(self._table.query("OUTBOX", "0", "~", limit=limit)):
            if time.monotonic() >= ends:
                break
            status = self._send(str(item["doc"]))
            if status is None or status == 429 or status >= 500:
                self._failures += 1
                if self._failures >= _FAILURES_BEFORE_PAUSE:
                    self._paused_until = time.monotonic() + _PAUSE_SECONDS
                break
            self._failures, self._paused_until = 0, 0.0
            # Another 4xx hurts this event alone; it stays and the next ones have their turn.
            if 200 <= status < 300:
                self._table.remove("OUTBOX", str(item["SK"]))
                delivered += 1
        return delivered

    def _send(self, body: str) -> int | None:
        event_id = json.loads(body)["id"]
        now = self._clock()
        headers = {
            "content-type": "application/json",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(event_id, now, body),
        }
        try:
            status = self._post(self._url, body.encode(), headers)
        except requests.RequestException as error:
            logger.warning("event not delivered", extra={"event_id": event_id, "cause": type(error).__name__})
            return None
        if not 200 <= status < 300:
            logger.warning("event not accepted", extra={"event_id": event_id, "status": status})
        return status
