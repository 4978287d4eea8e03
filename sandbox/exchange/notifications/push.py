"""Push posts: at once for events, a StatusEvent when it was quiet, retries that double, and a silent end.

Source: "Notification subscriptions, mailbox events, and EWS in Exchange" and field captures (a first StatusEvent right
after Subscribe; soap11 prefix). A post that is not answered with SubscriptionStatus is repeated after 30 s, then after
twice the time and so on; once that time is longer than StatusFrequency the subscription is gone without a word.
"""

import asyncio
import time
from collections import deque
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Literal

from lxml import etree

from sandbox.calendars import Change
from sandbox.exchange.errors import EwsError, error_parts
from sandbox.exchange.notifications.events import lines_after, names_of, notification
from sandbox.exchange.notifications.subscription import EwsSubscription, NotificationState, PushRecord, PushSettings
from sandbox.exchange.xml import SOAP, Element, M, T, UnreadableError, m, read, t, write
from sandbox.notifications.webhooks import Webhooks
from sandbox.world import World

if TYPE_CHECKING:
    from sandbox.exchange.access import Access

ACTION = f"{M}/SendNotification"
Outcome = Literal["ok", "unsubscribed", "failed"]


class Notifications:
    """All subscriptions of all servers, and the task that posts."""

    def __init__(self, world: World, access: "Access", state: NotificationState, webhooks: Webhooks) -> None:
        self.world = world
        self.access = access
        self.state = state
        self.records: deque[PushRecord] = deque(maxlen=10_000)
        self._webhooks = webhooks
        self._ids = count(1)
        self._woken = asyncio.Event()
        self._posting: dict[str, asyncio.Task[None]] = {}
        world.mailboxes.listeners.append(self._notice)

    @property
    def is_idle(self) -> bool:
        """Whether no post is under way and no event waits for one."""
        waiting = any(s.kind == "push" and (s.changed_at or s.retry_at) for s in self.state.kept.values())
        return not waiting and all(task.done() for task in self._posting.values())

    def wake(self) -> None:
        """Look at all subscriptions now."""
        self._woken.set()

    async def run(self) -> None:
        """Post until cancelled."""
        try:
            while True:
                self._woken.clear()
                for key in [key for key, task in self._posting.items() if task.done()]:
                    self._posting.pop(key).result()
                for subscription in list(self.state.kept.values()):
                    if subscription.id not in self._posting and self._is_due(subscription):
                        self._posting[subscription.id] = asyncio.create_task(self._post(subscription))
                try:
                    await asyncio.wait_for(self._woken.wait(), 0.1)
                except TimeoutError:
                    continue
        finally:
            for task in self._posting.values():
                task.cancel()

    def reset(self) -> None:
        """Forget all subscriptions, settings and records."""
        self.state.kept.clear()
        self.state.settings = PushSettings()
        self.records.clear()

    def lose_all(self) -> int:
        """What a restart or fail-over of the mailbox server does: every subscription is gone, nobody is told."""
        lost = len(self.state.kept)
        self.state.kept.clear()
        return lost

    def _notice(self, change: Change) -> None:
        for subscription in self.state.kept.values():
            wanted = subscription.calendar_ids
            if subscription.mailbox_oid == change.mailbox_oid and (wanted is None or change.calendar_id in wanted):
                subscription.changed_at = subscription.changed_at or self.world.clock.now()

    def _is_due(self, subscription: EwsSubscription) -> bool:
        settings, now = self.state.settings, self.world.clock.now()
        if subscription.kind != "push" or settings.is_held:
            return False
        if subscription.retry_at is not None:
            return subscription.retry_at <= now
        if self._is_status_due(subscription):
            return True
        return (
            subscription.changed_at is not None and subscription.changed_at + timedelta(seconds=settings.delay) <= now
        )

    def _is_status_due(self, subscription: EwsSubscription) -> bool:
        """Whether a StatusEvent must go out when nothing has happened."""
        if subscription.is_first_due and self.state.settings.sends_first_status:
            return True
        return subscription.last_contact_at + timedelta(minutes=subscription.minutes) <= self.world.clock.now()

    async def _post(self, subscription: EwsSubscription) -> None:
        settings = self.state.settings
        mailbox = self.world.mailboxes.by_id(subscription.mailbox_oid)
        server = self.access.state.servers.get(subscription.server)
        if mailbox is None or server is None or not self.access.is_here(server, mailbox):
            self.state.kept.pop(subscription.id, None)  # the mailbox moved away: nobody is told
            return
        lines = lines_after(mailbox, subscription.calendar_ids, subscription.acknowledged)
        part = lines[: settings.max_events]
        subscription.changed_at = self.world.clock.now() if len(part) < len(lines) else None
        made, reached = notification(
            self.world.mailboxes,
            mailbox,
            subscription,
            part,
            has_more=len(part) < len(lines),
            tells_of_folders=settings.tells_of_folders,
        )
        is_news = names_of(made) != ["StatusEvent"] or subscription.failures > 0
        if not is_news and not self._is_status_due(subscription):
            subscription.acknowledged = reached  # something happened, but nothing that was subscribed to
            return
        message = m("SendNotificationResponseMessage", m("ResponseCode", "NoError"), made, ResponseClass="Success")
        if settings.lose_next:
            settings.lose_next -= 1
            self._note(subscription, names_of(made), "lost", 0, 0)
            self._went_well(subscription, reached)
            return
        outcome = await self._send(subscription, message, names_of(made))
        for _ in range(settings.duplicates if outcome == "ok" else 0):
            await self._send(subscription, message, names_of(made))
        if outcome == "failed":
            subscription.changed_at = subscription.changed_at or (self.world.clock.now() if part else None)
            self._went_wrong(subscription)
        elif outcome == "unsubscribed":
            self.state.kept.pop(subscription.id, None)
        else:
            self._went_well(subscription, reached)
        self.wake()

    def _went_well(self, subscription: EwsSubscription, reached: int) -> None:
        subscription.acknowledged = max(subscription.acknowledged, reached)
        subscription.last_contact_at = self.world.clock.now()
        subscription.is_first_due = False
        subscription.failures, subscription.retry_at = 0, None

    def _went_wrong(self, subscription: EwsSubscription) -> None:
        wait = timedelta(seconds=self.state.settings.first_retry * 2**subscription.failures)
        subscription.failures += 1
        if wait > timedelta(minutes=subscription.minutes):
            self.state.kept.pop(subscription.id, None)
            self._note(subscription, [], "dropped", 0, 0)
            return
        subscription.retry_at = self.world.clock.now() + wait

    async def fail(self, subscription: EwsSubscription, code: str) -> bool:
        """Tell that events cannot be read any more, as servers do after trouble, and end; whether it was taken."""
        error = EwsError(code, "Events for this subscription could not be retrieved. The subscription must be renewed.")
        parts = error_parts(error)[:3]
        value = t("Value", subscription.id, Name="SubscriptionId")
        message = m("SendNotificationResponseMessage", parts, m("MessageXml", value), ResponseClass="Error")
        self.state.kept.pop(subscription.id, None)
        return await self._send(subscription, message, [code]) != "failed"

    async def _send(self, subscription: EwsSubscription, message: Element, names: list[str]) -> Outcome:
        envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap11": SOAP})
        header = etree.SubElement(envelope, f"{{{SOAP}}}Header")
        header.append(t("RequestServerVersion", Version=subscription.version))
        body = etree.SubElement(envelope, f"{{{SOAP}}}Body")
        body.append(m("SendNotification", m("ResponseMessages", message)))
        headers = {"SOAPAction": f'"{ACTION}"', "User-Agent": "ExchangeServicesPush", "Accept": "text/xml"}
        began = time.monotonic()
        status, content, problem = await self._webhooks.post_soap(
            subscription.url, write(envelope), headers, self.state.settings.timeout
        )
        outcome: Outcome = _outcome(content) if status == 200 else "failed"
        if outcome == "failed" and not problem:
            problem = "the answer is no SendNotificationResult" if status == 200 else f"HTTP {status}"
        self._note(subscription, names, outcome, status, time.monotonic() - began, problem)
        return outcome

    def _note(
        self,
        subscription: EwsSubscription,
        events: list[str],
        outcome: Literal["ok", "unsubscribed", "failed", "dropped", "lost"],
        status: int,
        seconds: float,
        problem: str = "",
    ) -> None:
        self.records.append(
            PushRecord(
                next(self._ids),
                self.world.clock.now(),
                subscription.id,
                subscription.url,
                events,
                outcome,
                subscription.failures + 1,
                status,
                round(seconds, 3),
                problem,
            )
        )


def _outcome(content: bytes) -> Outcome:
    """What a webhook's answer means; anything but the two words is a failure."""
    try:
        root = read(content)
    except UnreadableError:
        return "failed"
    found = root.find(f"{{{SOAP}}}Body/{{{M}}}SendNotificationResult/{{{M}}}SubscriptionStatus")
    if found is None:
        found = root.find(f"{{{SOAP}}}Body/{{{M}}}SendNotificationResult/{{{T}}}SubscriptionStatus")
    words = (found.text or "").strip() if found is not None else ""
    return "ok" if words == "OK" else "unsubscribed" if words == "Unsubscribe" else "failed"
