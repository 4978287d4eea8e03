"""Change a resource's state where a run may be writing it at the same moment: read, change, save, again if it moved."""

from collections.abc import Callable

from calsync_core.domain.errors import ConcurrentChangeError, NotFoundError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.resources import ResourceState
from calsync_core.ports.stores import ResourceStore

ATTEMPTS = 5


def change_state(
    resources: ResourceStore,
    account: AccountId,
    resource: ResourceId,
    change: Callable[[ResourceState], ResourceState | None],
) -> ResourceState:
    """`change` must be repeatable; None from it means "leave it as it is". Gives what is stored afterwards.

    Raises NotFoundError("resource_unknown"), ConcurrentChangeError after five lost races or a forbidden transition.
    """
    for attempt in range(ATTEMPTS):
        state = resources.get(account, resource)
        if state is None:
            raise NotFoundError("resource_unknown", resource=resource)
        changed = change(state)
        if changed is None:
            return state
        try:
            return resources.save(changed)
        except ConcurrentChangeError:
            if attempt == ATTEMPTS - 1:
                raise
    raise ConcurrentChangeError(resource=resource)
