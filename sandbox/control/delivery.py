"""Control of notifications: which subscriptions there are, lifecycle events on demand, how deliveries go."""

from typing import Any, Literal

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.routing import BaseRoute

from sandbox.control.answers import NotThereError, number, plain, route
from sandbox.control.answers import read as read_body
from sandbox.microsoft import Sandbox
from sandbox.notifications.delivery import DeliverySettings
from sandbox.notifications.subscription import Subscription
from sandbox.population import Strict


class LifecycleInput(Strict):
    """Which event; `pauses` stops the notifications until the subscription is reauthorized."""

    event: Literal["reauthorizationRequired", "subscriptionRemoved", "missed"]
    pauses: bool = False


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """All addresses of this file."""
    table: list[tuple[str, str, Any, int]] = [
        ("GET", "/control/subscriptions", _subscriptions, 200),
        ("DELETE", "/control/subscriptions/{subscription}", _forget, 204),
        ("POST", "/control/subscriptions/{subscription}/lifecycle", _lifecycle, 200),
        ("GET", "/control/delivery", _settings, 200),
        ("PATCH", "/control/delivery", _change_settings, 200),
        ("DELETE", "/control/delivery/pending", _drop_pending, 200),
        ("GET", "/control/delivery/records", _records, 200),
    ]
    return [route(sandbox, method, path, handler, status) for method, path, handler, status in table]


async def _subscriptions(sandbox: Sandbox, _request: Request) -> Any:
    sandbox.subscriptions.look_at_clock()
    return [_shown(sandbox, subscription) for subscription in sandbox.subscriptions.kept.values()]


def _shown(sandbox: Sandbox, subscription: Subscription) -> dict[str, Any]:
    person = sandbox.directory.people.get(subscription.mailbox_oid)
    shown: dict[str, Any] = plain(subscription)
    return shown | {"mailbox": person.email if person else None}


def _named(sandbox: Sandbox, request: Request) -> Subscription:
    found = sandbox.subscriptions.kept.get(request.path_params["subscription"])
    if found is None:
        raise NotThereError("there is no such subscription")
    return found


async def _forget(sandbox: Sandbox, request: Request) -> None:
    """Lose a subscription without telling anybody."""
    del sandbox.subscriptions.kept[_named(sandbox, request).id]


async def _lifecycle(sandbox: Sandbox, request: Request) -> Any:
    wanted = await read_body(request, LifecycleInput)
    was_sent = sandbox.subscriptions.tell_lifecycle(_named(sandbox, request), wanted.event, pauses=wanted.pauses)
    return {"was_sent": was_sent}


async def _settings(sandbox: Sandbox, _request: Request) -> Any:
    deliveries = sandbox.deliveries
    states = {host: deliveries.state_of(f"//{host}") for host in deliveries.endpoints}
    return {
        "settings": deliveries.settings.model_dump(mode="json"),
        "pending": len(deliveries.pending),
        "is_idle": deliveries.is_idle,
        "endpoints": states,
    }


async def _change_settings(sandbox: Sandbox, request: Request) -> Any:
    given = TypeAdapter(dict[str, Any]).validate_json(await request.body() or b"{}")
    merged = sandbox.deliveries.settings.model_dump() | given
    sandbox.deliveries.settings = DeliverySettings.model_validate(merged)
    sandbox.deliveries.wake()
    return await _settings(sandbox, request)


async def _drop_pending(sandbox: Sandbox, _request: Request) -> Any:
    """Throw away what waits: the notifications are lost for good."""
    dropped = len(sandbox.deliveries.pending)
    sandbox.deliveries.pending.clear()
    return {"dropped": dropped}


async def _records(sandbox: Sandbox, request: Request) -> Any:
    since = number(request, "since", 0)
    records = [record for record in sandbox.deliveries.records if record.id > since]
    return {"last_id": records[-1].id if records else since, "records": records}
