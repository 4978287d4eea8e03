"""Somebody presses "Sync now": one wish for a run, at most one a minute for each resource."""

from calsync_core.domain.errors import ConcurrentChangeError, InputError, NotFoundError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.ports.outward import Clock, Queue, Wish
from calsync_core.ports.stores import MailLedger, ResourceStore


def sync_now(
    resources: ResourceStore, ledger: MailLedger, queue: Queue, clock: Clock, account: AccountId, resource: ResourceId
) -> None:
    """Raises NotFoundError, InputError("not_connected"), ConcurrentChangeError("too_soon")."""
    state = resources.get(account, resource)
    if state is None:
        raise NotFoundError
    if not state.may_sync:
        raise InputError("not_connected", status=state.status.value)
    now = clock.now()
    # the ledger gives each (kind, subject, cause) once; with the minute as cause it is the limit, across all doors
    if not ledger.claim(account, "sync_now", resource, f"{now:%Y-%m-%dT%H:%M}", now):
        raise ConcurrentChangeError("too_soon")
    queue.wish(Wish(account, resource, "button"))
