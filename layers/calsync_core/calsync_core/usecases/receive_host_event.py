"""The booking system says that something changed: one wish for a run per resource that it names.

The event says where to look, never what is there; late, doubled and reordered ones are harmless, because a wish only
starts a reading. Not here: signatures and sizes (adapters/hosts/events.py, web/hooks.py).
"""

from collections.abc import Callable, Sequence

from calsync_core.domain.ids import LONGEST_ID, AccountId, ResourceId
from calsync_core.domain.values import value
from calsync_core.ports.outward import Queue, Wish
from calsync_core.ports.stores import ResourceStore
from calsync_core.usecases.refresh_resources import Refreshed

_CHANGES_RESOURCES = {"resource.upserted", "resource.deleted", "hours.changed"}


@value(frozen=True, slots=True)
class HostEvent:
    """Of a verified body: what kind, and which resources it touches."""

    type: str
    resource_ids: tuple[ResourceId, ...]


def receive_host_event(
    resources: ResourceStore,
    queue: Queue,
    refresh: Callable[[AccountId], Refreshed],
    account: AccountId,
    event: HostEvent,
) -> int:
    """Gives the number of wishes. Raises ProviderUnavailableError: then the host must send the event again."""
    started: Sequence[ResourceId] = ()
    if event.type in _CHANGES_RESOURCES:
        started = refresh(account).started
    wished = 0
    for resource_id in dict.fromkeys([*event.resource_ids, *started]):
        state = resources.get(account, resource_id) if len(resource_id) <= LONGEST_ID else None
        if state is not None and state.may_sync:
            queue.wish(Wish(account, resource_id, "full" if resource_id in started else "host"))
            wished += 1
    return wished
