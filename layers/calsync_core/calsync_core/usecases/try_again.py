"""What was set aside (quarantined): which appointments, why, and another try when a person asks for it (R118).

Without a person each is tried again when its origin changes (R52). Not here: setting aside, which runs do.
"""

from calsync_core.domain.errors import ConcurrentChangeError, LinkChangedError, NotFoundError
from calsync_core.domain.ids import LONGEST_ID, AccountId, LinkRef, ResourceId
from calsync_core.domain.links import Agreed, Link, Origin
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace, value
from calsync_core.engine.guards import new_origin
from calsync_core.ports.journeys import MailPorts
from calsync_core.ports.outward import Clock, Queue, Wish
from calsync_core.ports.stores import LinkStore, LogStore
from calsync_core.usecases.sync.keep_links import REVISIT
from calsync_core.usecases.sync.watch_conflicts import SET_ASIDE

LOG_READ = 1000


@value(frozen=True, slots=True)
class TryPorts:
    links: LinkStore
    log: LogStore
    queue: Queue
    clock: Clock

    @classmethod
    def of(cls, ports: MailPorts, queue: Queue) -> "TryPorts":
        return cls(ports.stores.links, ports.stores.log, queue, ports.clock)


@value(frozen=True, slots=True)
class SetAside:
    """One appointment that waits. `code` says why, as the log noted it last; "" where the log no longer knows."""

    link: Link
    code: str


def set_aside(ports: TryPorts, account: AccountId, resource: ResourceId) -> list[SetAside]:
    """Soonest first. Reads only."""
    links = _waiting(ports, account, resource)
    if not links:
        return []
    lines = ports.log.of_resource(account, resource, LOG_READ)
    why: dict[LinkRef, str] = {}
    for line in lines:
        if line.reason is Reason.ENTRY_QUARANTINED and line.ref is not None:
            why.setdefault(line.ref, line.code or "")
    return [SetAside(link, why.get(link.ref, "")) for link in sorted(links, key=lambda link: link.start_at)]


def try_again(ports: TryPorts, account: AccountId, resource: ResourceId, ref: str | None, by: str) -> int:
    """One of them, or all of them with None: the next run writes each as its origin says. Gives their number.

    Raises NotFoundError("not_quarantined") for one that does not wait (any more), ConcurrentChangeError.
    """
    waiting = _waiting(ports, account, resource)
    chosen = [link for link in waiting if ref is None or link.ref == ref]
    if ref is not None and (len(ref) > LONGEST_ID or not chosen):
        raise NotFoundError("not_quarantined")
    for link in chosen:
        _release(ports, account, link)
    refs = [link.ref for link in chosen]
    if refs:
        ports.links.set_leaving(account, resource, REVISIT, refs)
        ports.links.clear_leaving(account, resource, SET_ASIDE, refs)
        now = ports.clock.now()
        detail = (("by", by),)
        ports.log.add(
            [LogEntry(account, resource, now, Reason.TRY_AGAIN, rule="R118", ref=one, detail=detail) for one in refs]
        )
        ports.queue.wish(Wish(account, resource, "button"))
    return len(refs)


def _waiting(ports: TryPorts, account: AccountId, resource: ResourceId) -> list[Link]:
    refs = ports.links.leaving(account, resource, SET_ASIDE)
    found = ports.links.get(account, resource, refs) if refs else {}
    return [link for link in found.values() if link.is_quarantined]


def _release(ports: TryPorts, account: AccountId, link: Link) -> None:
    """With a new budget, and without the version that was refused: so the next look finds the origin changed."""
    fresh = new_origin(link)
    if link.origin is Origin.HOST:
        fresh = replace(fresh, host=replace(link.host, version=""))
    else:
        fresh = replace(fresh, calendar=Agreed())
    try:
        ports.links.put(account, fresh)
    except LinkChangedError:
        raise ConcurrentChangeError from None
