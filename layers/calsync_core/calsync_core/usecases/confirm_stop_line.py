"""Many entries disappeared at once and nothing was deleted: a person says that it was on purpose, or wants them back.

Only copies can be written again: entries that people made themselves are never ours to restore. Not here: noticing it
(finish_round.py).
"""

from typing import Self

from calsync_core.domain.errors import ConcurrentChangeError, LinkChangedError, NotFoundError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.links import Link, Origin
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace, value
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.outward import Clock, Queue, Wish
from calsync_core.ports.stores import HOST_FEED, LinkStore, LogStore, ResourceStore
from calsync_core.usecases.change_state import change_state
from calsync_core.usecases.sync.finish_round import STOP_LINE
from calsync_core.usecases.sync.keep_links import REVISIT

SHOWN = 20


@value(frozen=True, slots=True)
class StopLinePorts:
    resources: ResourceStore
    links: LinkStore
    log: LogStore
    queue: Queue
    clock: Clock

    @classmethod
    def of(cls, ports: JourneyPorts) -> Self:
        stores = ports.stores
        return cls(stores.resources, stores.links, stores.log, ports.queue, ports.clock)


@value(frozen=True, slots=True)
class Vanished:
    """What waits, counted: `copies` in the calendar that can be written again, `blocks` that would be freed,
    `bookings` that are gone in the booking system and whose copies would be deleted. `next`: the first of all of them
    by time."""

    copies: int
    blocks: int
    bookings: int
    next: tuple[Link, ...]


def count_vanished(ports: StopLinePorts, account: AccountId, resource: ResourceId) -> Vanished:
    """Reads only. Raises NotFoundError, ConcurrentChangeError when nothing waits any more."""
    state = _stopped(ports, account, resource)
    gone = [link for _, links in _of_calendars(ports, state) for link in links]
    bookings = _of_host(ports, account, resource)
    by_time = sorted([*gone, *bookings], key=lambda link: (link.start_at, link.ref))
    copies = sum(link.origin is Origin.HOST for link in gone)
    return Vanished(copies, len(gone) - copies, len(bookings), tuple(by_time[:SHOWN]))


def confirm_stop_line(ports: StopLinePorts, account: AccountId, resource: ResourceId, *, by: str) -> None:
    """It was on purpose: the next run deletes. Raises as `count_vanished`."""
    state = _stopped(ports, account, resource)
    change_state(ports.resources, account, resource, lambda present: replace(present, is_stop_line_confirmed=True))
    _note(ports, state, "stop_line_confirmed", by)
    ports.queue.wish(Wish(account, resource, "button"))


def restore_copies(ports: StopLinePorts, account: AccountId, resource: ResourceId, *, by: str) -> int:
    """Write the copies again that disappeared from the calendar; gives their number. Repeatable.

    Blocks and bookings that wait stay stopped until they are confirmed. Raises as `count_vanished`.
    """
    state = _stopped(ports, account, resource)
    restored = 0
    waits_on = bool(_of_host(ports, account, resource))
    for feed, links in _of_calendars(ports, state):
        copies = [link for link in links if link.origin is Origin.HOST]
        waits_on = waits_on or len(copies) < len(links)
        refs = [link.ref for link in copies]
        for link in copies:
            _decide(ports, account, link)
        if refs:
            ports.links.set_leaving(account, resource, REVISIT, refs)
            ports.links.clear_leaving(account, resource, feed, refs)
            restored += len(refs)
    if not waits_on:
        change_state(ports.resources, account, resource, lambda present: replace(present, degraded=None))
    _note(ports, state, "stop_line_restored", by)
    ports.queue.wish(Wish(account, resource, "button"))
    return restored


def _stopped(ports: StopLinePorts, account: AccountId, resource: ResourceId) -> ResourceState:
    state = ports.resources.get(account, resource)
    if state is None:
        raise NotFoundError
    if state.degraded is None or state.degraded.reason != STOP_LINE:
        raise ConcurrentChangeError
    return state


def _of_host(ports: StopLinePorts, account: AccountId, resource: ResourceId) -> list[Link]:
    """Bookings without a link may be noted as well: nothing of theirs would be deleted."""
    refs = ports.links.leaving(account, resource, HOST_FEED)
    return list(ports.links.get(account, resource, refs).values()) if refs else []


def _of_calendars(ports: StopLinePorts, state: ResourceState) -> list[tuple[str, list[Link]]]:
    found: list[tuple[str, list[Link]]] = []
    for _, calendar in state.calendars:
        refs = ports.links.leaving(state.account, state.resource.id, calendar)
        links = ports.links.get(state.account, state.resource.id, refs) if refs else {}
        found.append((calendar, list(links.values())))
    return found


def _decide(ports: StopLinePorts, account: AccountId, link: Link) -> None:
    try:
        ports.links.put(account, replace(link, decision=Origin.HOST))
    except LinkChangedError:
        raise ConcurrentChangeError from None


def _note(ports: StopLinePorts, state: ResourceState, code: str, by: str) -> None:
    ports.log.add(
        [
            LogEntry(
                account=state.account,
                resource_id=state.resource.id,
                at=ports.clock.now(),
                reason=Reason.STOP_LINE,
                code=code,
                detail=(("by", by),),
            )
        ]
    )
