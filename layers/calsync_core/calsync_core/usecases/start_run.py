"""A wish from the queue: note it on the resource, then start the machine. A crash in between costs nothing: the message
comes again, and a run that finds nothing to do ends at once.
"""

from calsync_core.domain.errors import NotFoundError
from calsync_core.domain.values import value
from calsync_core.ports.outward import Clock, Ids, Importer, Wish
from calsync_core.ports.stores import Due, DueStore, LeaseStore


@value(frozen=True, slots=True)
class StartPorts:
    leases: LeaseStore
    due: DueStore
    importer: Importer
    clock: Clock
    ids: Ids


def start_run(wish: Wish, ports: StartPorts) -> bool:
    """False when the resource is not known (any more): nothing to start. Raises ProviderUnavailableError."""
    try:
        ports.leases.wish(wish.account, wish.resource)
    except NotFoundError:
        return False
    if wish.cause == "lifecycle" and wish.subject:
        ports.due.schedule(Due("renewal", wish.account, wish.subject, ports.clock.now()))
    ports.importer.start(wish, ports.ids.short())
    return True
