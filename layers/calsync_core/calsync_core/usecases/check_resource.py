"""Is this time really free, now? Every calendar of the resource is asked live, before a booking is confirmed.

At most two seconds: a calendar that has not answered by then is `unknown`, never free. Copies of our own bookings do
not count, because the booking system that asks knows its bookings best. Nothing is stored and no text is read.
"""

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta

from calsync_core.domain.appointments import Entry, overlap
from calsync_core.domain.availability import Interval, Occupied, merge
from calsync_core.domain.errors import CalsyncError, NotFoundError
from calsync_core.domain.ids import AccountId, CalendarId, MailboxId, ResourceId
from calsync_core.domain.links import Origin, entry_ref
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.domain.settings import SyncSettings, effective
from calsync_core.domain.values import value
from calsync_core.domain.windows import Window
from calsync_core.engine.project import NotBlocking, project_entry
from calsync_core.ports.calendar import CalendarProvider, Content
from calsync_core.ports.outward import Clock
from calsync_core.ports.signin import CalendarAccess
from calsync_core.ports.stores import LinkStore, ResourceStore, SettingsStore
from calsync_core.usecases.look_up_availability import AvailabilityAnswer, SourceAge, check_span
from calsync_core.usecases.read_span import read_span
from calsync_core.usecases.sync.sync_run import readable

TIME_LIMIT = timedelta(seconds=2)
MAX_PAGES = 10  # a span of days has few entries; more pages than this mean that something is wrong


@value(frozen=True, slots=True)
class CheckPorts:
    resources: ResourceStore
    links: LinkStore
    settings: SettingsStore
    calendars: CalendarAccess
    clock: Clock


@value(frozen=True, slots=True)
class _Asked:
    source: SourceAge
    intervals: tuple[Interval, ...]


def check_resource(
    ports: CheckPorts,
    account: AccountId,
    resource: ResourceId,
    start_at: datetime,
    end_at: datetime,
    *,
    limit: timedelta = TIME_LIMIT,
) -> AvailabilityAnswer:
    """Half open, UTC. Raises NotFoundError, InputError for the span; never for a calendar that does not answer."""
    check_span(start_at, end_at)
    state = ports.resources.get(account, resource)
    if state is None:
        raise NotFoundError
    settings = effective(ports.settings.account(account).values, ports.settings.resource(account, resource).values)
    asked = _ask_all(ports, state, settings, Window(start_at, end_at), limit)
    intervals = [interval for one in asked for interval in one.intervals]
    return AvailabilityAnswer(
        start_at, end_at, tuple(merge(intervals, start_at, end_at)), tuple(one.source for one in asked)
    )


def _ask_all(
    ports: CheckPorts, state: ResourceState, settings: SyncSettings, span: Window, limit: timedelta
) -> list[_Asked]:
    if not state.calendars or state.status in (Status.DISCONNECTED, Status.PAUSED, Status.REAUTH_REQUIRED):
        reason = "not_connected" if not state.calendars else state.status.value
        return [_unknown("primary", reason, span)]
    names = ["primary", *(f"conflict-{number}" for number in range(1, len(state.calendars)))]
    pool = ThreadPoolExecutor(max_workers=len(names))
    running: list[tuple[str, Future[_Asked]]] = [
        (name, pool.submit(_ask, ports, state, settings, span, name, pair))
        for name, pair in zip(names, state.calendars, strict=True)
    ]
    wait([future for _, future in running], timeout=limit.total_seconds())
    # a straggler goes on in its thread for its own time-out; nobody waits for it, and its answer is thrown away
    pool.shutdown(wait=False, cancel_futures=True)
    return [_answered(name, future, span) for name, future in running]


def _answered(name: str, future: "Future[_Asked]", span: Window) -> _Asked:
    if not future.done() or future.cancelled():
        return _unknown(name, "too_slow", span)
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, CalsyncError):
        return _unknown(name, error.code, span)
    raise error


def _unknown(name: str, reason: str, span: Window) -> _Asked:
    return _Asked(SourceAge(name, None, reason), (Interval(span.start_at, span.end_at, Occupied.UNKNOWN),))


def _ask(
    ports: CheckPorts,
    state: ResourceState,
    settings: SyncSettings,
    span: Window,
    name: str,
    pair: tuple[MailboxId, CalendarId],
) -> _Asked:
    mailbox, calendar = pair
    as_of = ports.clock.now()
    rules = readable(settings)  # no text but what the filters look at
    content = Content(private=rules.private, subject=rules.subject, categories=rules.categories)
    entries = _entries(ports.calendars.of_mailbox(state.account, mailbox), calendar, span, content)
    known = ports.links.by_entries(state.account, state.resource.id, calendar, [entry.id for entry in entries])
    foreign = [entry for entry in entries if entry.id not in known or known[entry.id].origin is not Origin.HOST]
    return _Asked(SourceAge(name, as_of, None), tuple(_intervals(foreign, state, settings, span)))


def _entries(provider: CalendarProvider, calendar: CalendarId, span: Window, content: Content) -> list[Entry]:
    """All entries that may overlap, each of them whole."""
    found = read_span(provider, calendar, span, content, most_pages=MAX_PAGES)
    sparse = [entry.id for entry in found.values() if entry.is_sparse]
    if sparse:
        for entry_id, whole in provider.entries(calendar, sparse, content).items():
            if whole is None:
                found.pop(entry_id, None)
            else:
                found[entry_id] = whole
    return [entry for entry in found.values() if entry.kind.value != "master"]


def _intervals(
    entries: Iterable[Entry], state: ResourceState, settings: SyncSettings, span: Window
) -> Iterable[Interval]:
    """Judged by the same rules as a block would be."""
    for entry in entries:
        start, end = entry.when.interval(state.resource.time_zone)
        if not overlap((start, end), (span.start_at, span.end_at)):
            continue
        ref = entry_ref(state.resource.id, entry.calendar_id, entry.id)
        block = project_entry(entry, settings, state.resource, ref, time_only=True)
        if not isinstance(block, NotBlocking):
            yield Interval(start, end, Occupied(block.kind.value))
