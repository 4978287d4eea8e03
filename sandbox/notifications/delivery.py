"""The delivery of notifications: delays, retries up to four hours, slow and dropped endpoints, faults on demand.

A delivery is due when the sandbox clock or real time has come so far, whichever is first: a test that moves the
clock need not wait, and a clock that was set back does not hold anything up.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from sandbox.notifications.webhooks import Webhooks

WINDOW = timedelta(minutes=10)
PENALTY = timedelta(minutes=10)
SLOW_SECONDS, SLOW_SHARE = 3.0, 0.10
LATE_SECONDS, LATE_SHARE = 10.0, 0.15
FEWEST_ANSWERS = 10
"""Below this many answers in ten minutes no endpoint is punished (Microsoft publishes no number)."""

EndpointState = Literal["normal", "slow", "drop"]


class DeliverySettings(BaseModel):
    """What tests turn at the delivery. Times in seconds."""

    model_config = ConfigDict(extra="forbid")

    delay: float = Field(default=0.2, ge=0)
    batch_window: float = Field(default=0, ge=0)
    duplicates: int = Field(default=0, ge=0, le=10)
    is_shuffled: bool = False
    lose_next: int = Field(default=0, ge=0)
    loss_probability: float = Field(default=0, ge=0, le=1)
    is_held: bool = False
    first_timeout: float = Field(default=3.0, gt=0)
    later_timeout: float = Field(default=10.0, gt=0)
    first_retry: float = Field(default=5.0, gt=0)
    gives_up_after: float = Field(default=4 * 3600, gt=0)
    punishes_slow_endpoints: bool = True
    forced_states: dict[str, EndpointState] = {}
    warns_before_expiry: float = Field(default=3600, ge=0)
    validates_renewals: bool = False
    refuses_duplicate_subscriptions: bool = True


@dataclass
class Pending:
    """One POST that is still to be made. `due` is sandbox time, `due_real` seconds of the machine's clock."""

    url: str
    items: list[dict[str, Any]]
    first_at: datetime
    due: datetime
    due_real: float
    attempt: int = 1


@dataclass
class Record:
    """One POST that was made, or a notification that never will be."""

    id: int
    at: datetime
    url: str
    items: int
    subscription_ids: list[str]
    kinds: list[str]
    outcome: Literal["delivered", "failed", "gave_up", "lost", "dropped"]
    attempt: int
    status: int
    seconds: float
    problem: str = ""


@dataclass
class Endpoint:
    """What is known of one webhook host: its answers of the last ten minutes, its punishment."""

    answers: deque[tuple[datetime, float]] = field(default_factory=deque)
    state: EndpointState = "normal"
    until: datetime | None = None


class Deliveries:
    """The queue of notifications and the task that empties it."""

    def __init__(self, now: Callable[[], datetime], random: Random, webhooks: Webhooks) -> None:
        self.settings = DeliverySettings()
        self.records: deque[Record] = deque(maxlen=20_000)
        self.pending: list[Pending] = []
        self.endpoints: dict[str, Endpoint] = {}
        self._now = now
        self._random = random
        self._webhooks = webhooks
        self._ids = count(1)
        self._woken = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    def queue(self, url: str, item: dict[str, Any]) -> None:
        """Take one notification; it may be lost, doubled or joined to others as the settings say."""
        settings = self.settings
        if settings.lose_next or (settings.loss_probability and self._random.random() < settings.loss_probability):
            settings.lose_next = max(0, settings.lose_next - 1)
            self._note(url, [item], "lost", 0, 0, 0)
            return
        state = self.state_of(url)
        if state == "drop":
            self._note(url, [item], "dropped", 0, 0, 0)
            return
        delay = PENALTY.total_seconds() if state == "slow" else settings.delay
        for _ in range(1 + settings.duplicates):
            self._plan(url, item, delay)
        self.wake()

    def state_of(self, url: str) -> EndpointState:
        """Whether an endpoint is slow or dropped at the moment."""
        host = urlsplit(url).netloc
        if host in self.settings.forced_states:
            return self.settings.forced_states[host]
        endpoint = self.endpoints.get(host)
        if endpoint is None or endpoint.until is None or endpoint.until <= self._now():
            return "normal"
        return endpoint.state

    def wake(self) -> None:
        """Look at the queue now: something was added, released, or the clock was moved."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                self._woken.clear()
                for due in self._take_due():
                    task = asyncio.create_task(self._deliver(due))
                    self._running.add(task)
                    task.add_done_callback(self._running.discard)
                try:
                    await asyncio.wait_for(self._woken.wait(), self._pause())
                except TimeoutError:
                    continue
        finally:
            for task in self._running:
                task.cancel()

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not self.pending and not self._running

    def restore(self, pending: list[Pending]) -> None:
        """Go on with deliveries of an earlier run; they are due at once."""
        self.pending = pending
        for waiting in pending:
            waiting.due_real = time.monotonic()
        self.wake()

    def _plan(self, url: str, item: dict[str, Any], delay: float) -> None:
        now = self._now()
        if self.settings.batch_window:
            delay += self.settings.batch_window
            for waiting in self.pending:
                if waiting.url == url and waiting.attempt == 1 and len(waiting.items) < 100:
                    waiting.items.append(item)
                    return
        due = now + timedelta(seconds=delay)
        self.pending.append(Pending(url, [item], now, due, time.monotonic() + delay))

    def _take_due(self) -> list[Pending]:
        if self.settings.is_held:
            return []
        now, real = self._now(), time.monotonic()
        due = [p for p in self.pending if p.due <= now or p.due_real <= real]
        self.pending = [p for p in self.pending if not (p.due <= now or p.due_real <= real)]
        if self.settings.is_shuffled:
            self._random.shuffle(due)
        return due

    def _pause(self) -> float:
        if self.settings.is_held or not self.pending:
            return 0.5
        return min(0.5, max(0.005, min(p.due_real for p in self.pending) - time.monotonic()))

    async def _deliver(self, post: Pending) -> None:
        settings = self.settings
        timeout = settings.first_timeout if post.attempt == 1 else settings.later_timeout
        items = list(post.items)
        if settings.is_shuffled:
            self._random.shuffle(items)
        body = json.dumps({"value": items}).encode()
        made = await self._webhooks.post(post.url, body, timeout)
        self._judge(post.url, made.seconds)
        is_done = 200 <= made.status < 300
        if is_done:
            self._note(post.url, items, "delivered", post.attempt, made.status, made.seconds)
            return
        wait = settings.first_retry * 2 ** (post.attempt - 1)
        spent = (self._now() - post.first_at).total_seconds()
        if spent + wait > settings.gives_up_after:
            self._note(post.url, items, "gave_up", post.attempt, made.status, made.seconds, made.problem)
            return
        self._note(post.url, items, "failed", post.attempt, made.status, made.seconds, made.problem)
        post.attempt += 1
        post.due = self._now() + timedelta(seconds=wait)
        post.due_real = time.monotonic() + wait
        self.pending.append(post)
        self.wake()

    def _judge(self, url: str, seconds: float) -> None:
        """Count an answer and punish the endpoint: 10 % over 3 s are slow, 15 % over 10 s are dropped."""
        endpoint = self.endpoints.setdefault(urlsplit(url).netloc, Endpoint())
        now = self._now()
        endpoint.answers.append((now, seconds))
        while endpoint.answers and endpoint.answers[0][0] < now - WINDOW:
            endpoint.answers.popleft()
        if len(endpoint.answers) < FEWEST_ANSWERS or not self.settings.punishes_slow_endpoints:
            return
        # A timed-out attempt ends exactly at its limit and would have taken longer: >= and not >. Who shortens the
        # limits shortens what counts as slow with them.
        slow_seconds = min(SLOW_SECONDS, self.settings.first_timeout)
        late_seconds = min(LATE_SECONDS, self.settings.later_timeout)
        slow = sum(taken >= slow_seconds for _, taken in endpoint.answers) / len(endpoint.answers)
        late = sum(taken >= late_seconds for _, taken in endpoint.answers) / len(endpoint.answers)
        if late > LATE_SHARE:
            endpoint.state, endpoint.until = "drop", now + PENALTY
        elif slow > SLOW_SHARE and self.state_of(url) == "normal":
            endpoint.state, endpoint.until = "slow", now + PENALTY

    def _note(
        self,
        url: str,
        items: list[dict[str, Any]],
        outcome: Literal["delivered", "failed", "gave_up", "lost", "dropped"],
        attempt: int,
        status: int,
        seconds: float,
        problem: str = "",
    ) -> None:
        subscription_ids = list(dict.fromkeys(str(item["subscriptionId"]) for item in items))
        kinds = [str(item.get("changeType") or item.get("lifecycleEvent")) for item in items]
        self.records.append(
            Record(
                next(self._ids),
                self._now(),
                url,
                len(items),
                subscription_ids,
                kinds,
                outcome,
                attempt,
                status,
                round(seconds, 3),
                problem,
            )
        )
