"""Who is free when, as far as calsync knows without asking anybody: from the links, with the age of what they rest on.

Time that a calendar was not read for, or not lately, is `unknown`, never free (design.md section 5, Fail closed).
For an answer of this second there is `check_resource`.
"""

from datetime import datetime, timedelta

from calsync_core.domain.availability import Interval, Occupied, merge
from calsync_core.domain.errors import InputError, NotFoundError
from calsync_core.domain.ids import AccountId, ResourceId
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.domain.settings import effective
from calsync_core.domain.values import value
from calsync_core.ports.outward import Clock
from calsync_core.ports.stores import CursorRow, CursorStore, LinkStore, ResourceStore, SettingsStore

MAX_SPAN = timedelta(days=62)
# Healthy push is checked every 60 minutes, so an older reading means that checks fail (design.md section 1).
STALE_AFTER = timedelta(minutes=90)


@value(frozen=True, slots=True)
class SourceAge:
    """One feed. `as_of` is when it was last read; `reason` says why it is not known, None when it is."""

    name: str
    as_of: datetime | None
    reason: str | None

    @property
    def is_known(self) -> bool:
        return self.reason is None


@value(frozen=True, slots=True)
class AvailabilityAnswer:
    """`intervals` are disjoint and in order; what none covers is free. `is_known` False: parts of it are a guess."""

    start_at: datetime
    end_at: datetime
    intervals: tuple[Interval, ...]
    sources: tuple[SourceAge, ...]

    @property
    def is_known(self) -> bool:
        return all(source.is_known for source in self.sources)


@value(frozen=True, slots=True)
class AvailabilityPorts:
    resources: ResourceStore
    cursors: CursorStore
    links: LinkStore
    settings: SettingsStore
    clock: Clock


def look_up_availability(
    ports: AvailabilityPorts, account: AccountId, resource: ResourceId, start_at: datetime, end_at: datetime
) -> AvailabilityAnswer:
    """Half open, UTC. Raises NotFoundError, InputError("span_inverted" | "span_too_long")."""
    check_span(start_at, end_at)
    state = ports.resources.get(account, resource)
    if state is None:
        raise NotFoundError
    cursors = ports.cursors.load(account, resource)
    sources = tuple(_sources(state, cursors, ports.clock.now()))
    intervals = [
        Interval(max(link.start_at, start_at), min(link.end_at, end_at), Occupied.BUSY)
        for link in ports.links.overlapping(account, resource, start_at, end_at)
        if not link.is_quarantined or link.entry_id is not None
    ]
    settings = effective(ports.settings.account(account).values, ports.settings.resource(account, resource).values)
    if settings.availability.when_unknown == "unavailable":
        intervals += _unknown_parts(state, cursors, sources, start_at, end_at)
    return AvailabilityAnswer(start_at, end_at, tuple(merge(intervals, start_at, end_at)), sources)


def check_span(start_at: datetime, end_at: datetime) -> None:
    """Raises InputError for a span that is inverted, empty or longer than 62 days."""
    if end_at <= start_at:
        raise InputError("span_inverted", field="to")
    if end_at - start_at > MAX_SPAN:
        raise InputError("span_too_long", field="to")


def _sources(state: ResourceState, cursors: dict[str, CursorRow], now: datetime) -> list[SourceAge]:
    if not state.calendars:
        return [SourceAge("primary", None, "not_connected")]
    named = [("primary" if number == 0 else f"conflict-{number}", str(pair[1])) for number, pair in _numbered(state)]
    return [_source(state, name, cursors.get(feed), now) for name, feed in named]


def _numbered(state: ResourceState) -> list[tuple[int, tuple[str, str]]]:
    return list(enumerate(state.calendars))


def _source(state: ResourceState, name: str, row: CursorRow | None, now: datetime) -> SourceAge:
    """A feed is as old as the start of its newest round, or as the last run that found it unchanged."""
    read_at = _read_at(state, row)
    if state.status is Status.IMPORTING:
        return SourceAge(name, read_at, "importing")
    if state.status is not Status.CONNECTED:
        return SourceAge(name, read_at, state.status.value)
    if row is None or row.cursor is None or (row.is_full and row.is_round_open and row.round == 1):
        return SourceAge(name, None, "unread")
    if read_at is None or now - read_at > STALE_AFTER:
        return SourceAge(name, read_at, "stale")
    return SourceAge(name, read_at, None)


def _read_at(state: ResourceState, row: CursorRow | None) -> datetime | None:
    if row is None:
        return None
    instants = [one for one in (row.opened_at, state.last_sync_at) if one is not None]
    return max(instants, default=None)


def _unknown_parts(
    state: ResourceState,
    cursors: dict[str, CursorRow],
    sources: tuple[SourceAge, ...],
    start_at: datetime,
    end_at: datetime,
) -> list[Interval]:
    """All of it while a source is not known, else what lies outside the part that was read."""
    if not all(source.is_known for source in sources):
        return [Interval(start_at, end_at, Occupied.UNKNOWN)]
    parts: list[Interval] = []
    for _, calendar in state.calendars:
        window = cursors[str(calendar)].window
        if start_at < window.start_at:
            parts.append(Interval(start_at, min(window.start_at, end_at), Occupied.UNKNOWN))
        if window.end_at < end_at:
            parts.append(Interval(max(window.end_at, start_at), end_at, Occupied.UNKNOWN))
    return parts
