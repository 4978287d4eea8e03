"""The subscription service: /subscriptions of Graph, expiry on the sandbox clock, notifications of each change.

Which requests are refused stands in notifications/requests.py, how notifications travel in delivery.py.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.calendars import Change
from sandbox.graph import ids
from sandbox.graph.access import Principal, authenticate
from sandbox.graph.calls import Answer, finish
from sandbox.graph.errors import GraphError, error_body
from sandbox.graph.preferences import read_preferences
from sandbox.notifications import requests
from sandbox.notifications.delivery import Deliveries
from sandbox.notifications.subscription import LifecycleEvent, Subscription
from sandbox.notifications.webhooks import HandshakeError, Webhooks
from sandbox.world import World

LIMIT_PER_MAILBOX = 1000
NO_TENANT = "00000000-0000-0000-0000-000000000000"

Handler = Callable[[Request, Principal, Any], Awaitable[Answer]]


class Subscriptions:
    """All subscriptions of all apps."""

    def __init__(self, world: World, deliveries: Deliveries, webhooks: Webhooks) -> None:
        self.world = world
        self.deliveries = deliveries
        self.webhooks = webhooks
        self.kept: dict[str, Subscription] = {}
        world.mailboxes.listeners.append(self.notice)

    def routes(self) -> list[BaseRoute]:
        """The routes under /v1.0."""
        return [
            Route("/subscriptions", self._endpoint({"GET": self._list, "POST": self._create}), methods=["GET", "POST"]),
            Route("/subscriptions/{subscription}/reauthorize", self._endpoint({"POST": self._renew}), methods=["POST"]),
            Route(
                "/subscriptions/{subscription}",
                self._endpoint({"GET": self._show, "PATCH": self._change, "DELETE": self._delete}),
                methods=["GET", "PATCH", "DELETE"],
            ),
        ]

    # What happens by itself ------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Watch the clock until cancelled: expiry, warnings, change keys that rotate by themselves."""
        while True:
            self.world.mailboxes.run_due()
            self.look_at_clock()
            await asyncio.sleep(0.25)

    def look_at_clock(self) -> None:
        """Drop what has expired, warn what soon will."""
        now = self.world.clock.now()
        self.kept = {key: s for key, s in self.kept.items() if s.expires_at > now}
        warns_before = timedelta(seconds=self.deliveries.settings.warns_before_expiry)
        for subscription in self.kept.values():
            # A short subscription is warned in its last third, not at once.
            margin = min(warns_before, (subscription.expires_at - subscription.renewed_at) / 3)
            if not subscription.was_warned and subscription.expires_at - margin <= now:
                self.tell_lifecycle(subscription, "reauthorizationRequired")
        self.deliveries.wake()

    def notice(self, change: Change) -> None:
        """Tell the subscribers of a calendar that an entry in it changed."""
        mailbox = self.world.mailboxes.by_id(change.mailbox_oid)
        folder = mailbox.folders.get(change.calendar_id) if mailbox else None
        if mailbox is None or folder is None:
            return
        kind = "updated" if change.kind == "occurrence_deleted" else change.kind
        now = self.world.clock.now()
        for subscription in self.kept.values():
            if subscription.calendar_id != change.calendar_id or subscription.mailbox_oid != mailbox.oid:
                continue
            if kind not in subscription.change_types or subscription.is_paused or subscription.expires_at <= now:
                continue
            entry_id = ids.event_id(mailbox, folder, change.appointment, immutable=subscription.is_immutable)
            path = f"Users/{mailbox.oid}/Events/{entry_id}"
            data = {
                "@odata.type": "#Microsoft.Graph.Event",
                "@odata.id": path,
                "@odata.etag": f'W/"{ids.change_key_text(change.appointment.change_key)}"',
                "id": entry_id,
            }
            item = self._item(subscription) | {"changeType": kind, "resource": path, "resourceData": data}
            self.deliveries.queue(subscription.notification_url, item)

    def tell_lifecycle(self, subscription: Subscription, event: LifecycleEvent, *, pauses: bool = False) -> bool:
        """Send a lifecycle notification; says whether there is an address for it."""
        if event == "subscriptionRemoved":
            self.kept.pop(subscription.id, None)
        if event == "reauthorizationRequired":
            subscription.was_warned = True
            subscription.is_paused = pauses
        if subscription.lifecycle_url is None:
            return False
        item = self._item(subscription) | {"lifecycleEvent": event, "resource": subscription.resource}
        self.deliveries.queue(subscription.lifecycle_url, item)
        return True

    def _item(self, subscription: Subscription) -> dict[str, Any]:
        person = self.world.mailboxes.by_id(subscription.mailbox_oid)
        is_personal = person is not None and person.is_personal
        expires = subscription.expires_at.strftime("%Y-%m-%dT%H:%M:%S.%f")
        return {
            "subscriptionId": subscription.id,
            # Seven digits and an offset instead of Z, as the service writes it.
            "subscriptionExpirationDateTime": f"{expires}0+00:00",
            "clientState": subscription.client_state,
            "tenantId": NO_TENANT if is_personal else subscription.tenant_id,
        }

    # What clients ask ------------------------------------------------------------------------------------------

    def _endpoint(self, handlers: dict[str, Handler]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            request_id = str(uuid.UUID(int=self.world.random.getrandbits(128), version=4))
            client_request_id = request.headers.get("client-request-id") or request_id
            try:
                principal = authenticate(self.world.verifier, request.headers.get("authorization"))
                self.look_at_clock()
                body = await _read_json(request)
                answer = await handlers[request.method](request, principal, body)
            except GraphError as refused:
                body = error_body(refused, request_id, client_request_id, self.world.clock.now())
                answer = Answer(refused.status, body, refused.headers)
            return finish(self.world, answer, request_id, client_request_id)

        return endpoint

    async def _create(self, request: Request, principal: Principal, body: Any) -> Answer:
        asked = requests.check_payload(body, "creation")
        now = self.world.clock.now()
        requests.refuse_resource_data(asked)
        lifecycle_url = asked.get("lifecycleNotificationUrl")
        mailbox, folder = requests.find_target(
            self.world.mailboxes, principal, requests.required_text(asked, "resource")
        )
        subscription = Subscription(
            id=str(uuid.UUID(int=self.world.random.getrandbits(128), version=4)),
            client_id=principal.client_id,
            tenant_id=principal.tenant_id,
            creator_oid=principal.oid,
            mailbox_oid=mailbox.oid,
            calendar_id=folder.folder_id,
            resource=asked["resource"],
            change_types=requests.change_types(requests.required_text(asked, "changeType")),
            notification_url=requests.checked_url(requests.required_text(asked, "notificationUrl"), "notificationUrl"),
            lifecycle_url=requests.checked_url(lifecycle_url, "lifecycleNotificationUrl") if lifecycle_url else None,
            client_state=requests.client_state(asked),
            tls_version=requests.tls_version(asked),
            is_immutable=read_preferences(request.headers.getlist("prefer")).immutable_ids,
            created_at=now,
            renewed_at=now,
            expires_at=requests.expiration(asked, now, "creation"),
        )
        self._check_room(subscription)
        for url in (subscription.notification_url, subscription.lifecycle_url):
            if url is not None:
                await self._prove(url)
        self._check_room(subscription)  # the handshake took time: another request may have been faster
        self.kept[subscription.id] = subscription
        context = f"{request.url.scheme}://{request.url.netloc}/v1.0/$metadata#subscriptions/$entity"
        return Answer(201, {"@odata.context": context, **subscription.as_json(with_state=True)})

    def _check_room(self, wanted: Subscription) -> None:
        """Raises GraphError 409 for a second one of the same kind, 403 for the thousand-and-first."""
        same_mailbox = [s for s in self.kept.values() if s.mailbox_oid == wanted.mailbox_oid]
        if len(same_mailbox) >= LIMIT_PER_MAILBOX:
            reason = f"The mailbox has reached its limit of {LIMIT_PER_MAILBOX} active subscriptions."
            message = f"Operation: Create; Exception: [Status Code: Forbidden; Reason: {reason}]"
            raise GraphError(403, "ExtensionError", message)
        if not self.deliveries.settings.refuses_duplicate_subscriptions:
            return
        for other in same_mailbox:
            if (
                other.calendar_id == wanted.calendar_id
                and other.client_id == wanted.client_id
                and other.creator_oid == wanted.creator_oid
                and set(other.change_types) == set(wanted.change_types)
            ):
                raise GraphError(409, "Conflict", "Subscription already exists for the requested combination.")

    async def _prove(self, url: str) -> None:
        try:
            await self.webhooks.prove(url)
        except HandshakeError as failed:
            raise GraphError(400, failed.code, failed.reason) from failed

    async def _list(self, request: Request, principal: Principal, _body: Any) -> Answer:
        mine = [s.as_json(with_state=False) for s in self.kept.values() if _is_theirs(s, principal)]
        context = f"{request.url.scheme}://{request.url.netloc}/v1.0/$metadata#subscriptions"
        return Answer(200, {"@odata.context": context, "value": mine})

    async def _show(self, request: Request, principal: Principal, _body: Any) -> Answer:
        subscription = self._named(request, principal)
        context = f"{request.url.scheme}://{request.url.netloc}/v1.0/$metadata#subscriptions/$entity"
        return Answer(200, {"@odata.context": context, **subscription.as_json(with_state=False)})

    async def _change(self, request: Request, principal: Principal, body: Any) -> Answer:
        """PATCH renews and reauthorizes; address and resource are fixed for life."""
        subscription = self._named(request, principal)
        asked = requests.check_payload(body, "update", {"expirationDateTime", "notificationUrl"})
        now = self.world.clock.now()
        expires_at = requests.expiration(asked, now, "update") if "expirationDateTime" in asked else None
        if "notificationUrl" in asked:
            url = requests.checked_url(requests.required_text(asked, "notificationUrl"), "notificationUrl")
            await self._prove(url)
            subscription.notification_url = url
        elif self.deliveries.settings.validates_renewals:
            await self._prove(subscription.notification_url)
        if expires_at is not None:
            self._renewed(subscription, now)
            subscription.expires_at = expires_at
        return await self._show(request, principal, None)

    async def _renew(self, request: Request, principal: Principal, _body: Any) -> Answer:
        """POST reauthorize: delivery goes on, the end stays where it is."""
        self._renewed(self._named(request, principal), None)
        return Answer(200)

    def _renewed(self, subscription: Subscription, at: datetime | None) -> None:
        subscription.is_paused = False
        if at is not None:
            subscription.was_warned = False
            subscription.renewed_at = at

    async def _delete(self, request: Request, principal: Principal, _body: Any) -> Answer:
        del self.kept[self._named(request, principal).id]
        return Answer(204)

    def _named(self, request: Request, principal: Principal) -> Subscription:
        found = self.kept.get(request.path_params["subscription"])
        if found is None or not _is_theirs(found, principal):
            raise GraphError(404, "ResourceNotFound", "The object was not found.")
        return found


def _is_theirs(subscription: Subscription, principal: Principal) -> bool:
    """An app sees what it made itself: with a person's token that person's, with its own token its own."""
    return (
        subscription.client_id == principal.client_id
        and subscription.tenant_id == principal.tenant_id
        and subscription.creator_oid == principal.oid
    )


async def _read_json(request: Request) -> Any:
    raw = await request.body()
    if not raw.strip():
        return None
    try:
        return await request.json()
    except ValueError as broken:
        raise GraphError(400, "BadRequest", "Unable to read JSON request payload.") from broken
