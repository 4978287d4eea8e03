"""A person ends a conflict: keep the booking's time, take the calendar's, move to the next free slot, leave both.

A decision for one side is noted on the link (`Link.decision`), which the next run looks at again and obeys (rules R70,
R71), so that it is carried out under the lease with fresh reads. The booking system is asked here only where its
answer is what the person wants to see: "next free slot", and a dry run of the calendar's time. Not here: opening and
settling, which runs do.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Self

from calsync_core.domain.appointments import Booking, BookingStatus, Timed, When
from calsync_core.domain.conflicts import (
    ACCEPTED_OUTSIDE,
    REPEATS_OTHERWISE,
    Conflict,
    ConflictKind,
    ConflictStatus,
    Resolution,
)
from calsync_core.domain.errors import (
    AppointmentGoneError,
    ConcurrentChangeError,
    InputError,
    LinkChangedError,
    NotFoundError,
    RefusedError,
    VersionChangedError,
)
from calsync_core.domain.ids import LONGEST_ID, AccountId, ConflictId
from calsync_core.domain.journal import span
from calsync_core.domain.links import Origin
from calsync_core.domain.resources import Resource, ResourceState
from calsync_core.domain.settings import effective
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import replace, value
from calsync_core.ports.host import HostPlatform
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.outward import Clock, Queue, Wish
from calsync_core.ports.stores import ConflictStore, Due, DueStore, LinkStore, LogStore, ResourceStore, SettingsStore
from calsync_core.usecases.find_free_slot import HORIZON, free_slots
from calsync_core.usecases.reopen_conflict import DUE_KIND
from calsync_core.usecases.sync.keep_links import REVISIT

MAX_TRIES = 8
MAX_LEFT = timedelta(days=366)
_MOVED_KINDS = {
    ConflictKind.OUTSIDE_HOURS, ConflictKind.REFUSED, ConflictKind.CHANGED_ON_BOTH, ConflictKind.MOVED,
}  # fmt: skip
_TRY_NEXT = {"slot_taken", "outside_hours", "granularity"}
_TELL = {"host_decides": None, "yes": True, "no": False}


@value(frozen=True, slots=True)
class ConflictPorts:
    conflicts: ConflictStore
    resources: ResourceStore
    links: LinkStore
    settings: SettingsStore
    log: LogStore
    host: HostPlatform
    queue: Queue
    clock: Clock
    due: DueStore

    @classmethod
    def of(cls, ports: JourneyPorts) -> Self:
        stores = ports.stores
        return cls(
            stores.conflicts, stores.resources, stores.links, stores.settings, stores.log,
            ports.host, ports.queue, ports.clock, stores.due,
        )  # fmt: skip


@value(frozen=True, slots=True)
class Decision:
    """What the person chose. `revision` is the one that was shown; `until_at` belongs to "leave both"."""

    resolution: Resolution
    by: str
    revision: int | None = None
    until_at: datetime | None = None


def offered(conflict: Conflict) -> tuple[Resolution, ...]:
    """The ways out that make sense for this kind; the pages show these, and no other is accepted.

    Two entries at the same time have no "calendar's time" that the booking could take.
    """
    if conflict.kind is ConflictKind.SAME_TIME:
        return (Resolution.KEEP_BOOKING, Resolution.NEXT_FREE, Resolution.LEAVE_BOTH)
    if conflict.code == ACCEPTED_OUTSIDE:
        return (Resolution.KEEP_BOOKING, Resolution.NEXT_FREE, Resolution.LEAVE_BOTH)
    if conflict.kind in _MOVED_KINDS and conflict.code != REPEATS_OTHERWISE:
        return tuple(Resolution)
    if conflict.kind is ConflictKind.COPY_DELETED:
        return (Resolution.KEEP_BOOKING, Resolution.TAKE_CALENDAR, Resolution.LEAVE_BOTH)
    return (Resolution.KEEP_BOOKING, Resolution.LEAVE_BOTH)


def resolve_conflict(ports: ConflictPorts, account: AccountId, conflict_id: ConflictId, decision: Decision) -> Conflict:
    """End it, log it, wish a run. Gives the conflict as stored.

    Raises NotFoundError, ConcurrentChangeError (ended or changed meanwhile), InputError (resolution_not_offered,
    until_out_of_range, no_free_slot), RefusedError with the booking system's code.
    """
    conflict = _current(ports, account, conflict_id, decision)
    now = ports.clock.now()
    if decision.resolution is Resolution.LEAVE_BOTH:
        ended = _left(conflict, decision, now)
    elif _is_a_fact(conflict) and decision.resolution is Resolution.KEEP_BOOKING:
        # the booking keeps its time and nothing else is ours to move: accepted for as long as both stand as they do
        ended = _accepted(conflict, decision, now)
    else:
        ended = _resolved(ports, conflict, decision, now)
    ports.conflicts.save(ended)
    ports.log.add([_entry(ended, decision, now)])
    if ended.left_until_at is not None:
        ports.due.schedule(Due(DUE_KIND, account, conflict.id, ended.left_until_at))
    if ended.status is ConflictStatus.RESOLVED:
        ports.queue.wish(Wish(account, conflict.resource_id, "button"))
    return ended


def _is_a_fact(conflict: Conflict) -> bool:
    """Both sides say the same, or say two things that are both true; nobody's version loses."""
    return conflict.kind is ConflictKind.SAME_TIME or conflict.code == ACCEPTED_OUTSIDE


def _current(ports: ConflictPorts, account: AccountId, conflict_id: ConflictId, decision: Decision) -> Conflict:
    """The conflict, if it is still the one that was looked at and this way out fits it."""
    conflict = ports.conflicts.get(account, conflict_id) if len(conflict_id) <= LONGEST_ID else None
    if conflict is None:
        raise NotFoundError
    if conflict.status not in (ConflictStatus.OPEN, ConflictStatus.LEFT):
        raise ConcurrentChangeError("conflict_ended")
    if decision.revision is not None and decision.revision != conflict.revision:
        raise ConcurrentChangeError("conflict_changed")
    if decision.resolution not in offered(conflict):
        raise InputError("resolution_not_offered", field="resolution")
    return conflict


def _resolved(ports: ConflictPorts, conflict: Conflict, decision: Decision, now: datetime) -> Conflict:
    """What can only be asked of the booking system first, then the note for the run."""
    if decision.resolution is Resolution.NEXT_FREE:
        _move_to_next_free(ports, conflict, now)
    elif decision.resolution is Resolution.TAKE_CALENDAR and conflict.calendar_when is not None:
        _try_calendar_time(ports.host, conflict, conflict.calendar_when)
    _note_decision(ports, conflict, decision.resolution)
    return replace(
        conflict,
        status=ConflictStatus.RESOLVED,
        left_until_at=None,
        ended_at=now,
        ended_by=decision.by,
        resolution=decision.resolution,
        revision=conflict.revision + 1,
    )


def _left(conflict: Conflict, decision: Decision, now: datetime) -> Conflict:
    until = decision.until_at
    if until is None or not now < until <= now + MAX_LEFT:
        raise InputError("until_out_of_range", field="until")
    return replace(
        conflict,
        status=ConflictStatus.LEFT,
        left_until_at=until,
        ended_at=now,
        ended_by=decision.by,
        resolution=decision.resolution,
        revision=conflict.revision + 1,
    )


def _accepted(conflict: Conflict, decision: Decision, now: datetime) -> Conflict:
    return replace(
        conflict,
        status=ConflictStatus.LEFT,
        left_until_at=None,
        ended_at=now,
        ended_by=decision.by,
        resolution=decision.resolution,
        revision=conflict.revision + 1,
    )


def _note_decision(ports: ConflictPorts, conflict: Conflict, resolution: Resolution) -> None:
    """Which side won, for the next run. Of two entries at the same time neither is rewritten."""
    if _is_a_fact(conflict):
        return
    side = Origin.CALENDAR if resolution is Resolution.TAKE_CALENDAR else Origin.HOST
    link = ports.links.get(conflict.account, conflict.resource_id, [conflict.booking_ref]).get(conflict.booking_ref)
    if link is None:
        raise ConcurrentChangeError("conflict_changed")
    try:
        ports.links.put(conflict.account, replace(link, decision=side, is_quarantined=False))
    except LinkChangedError:
        raise ConcurrentChangeError("conflict_changed") from None
    ports.links.set_leaving(conflict.account, conflict.resource_id, REVISIT, [link.ref])


def _move_to_next_free(ports: ConflictPorts, conflict: Conflict, now: datetime) -> None:
    state = ports.resources.get(conflict.account, conflict.resource_id)
    booking = _booking(ports.host, conflict)
    if state is None:
        raise NotFoundError
    settings = effective(
        ports.settings.account(conflict.account).values,
        ports.settings.resource(conflict.account, conflict.resource_id).values,
    )
    refusal = InputError("no_free_slot")
    last: RefusedError | None = None
    for slot in islice(_candidates(ports, state, conflict, booking, now), MAX_TRIES):
        try:
            ports.host.move_booking(
                booking,
                slot,
                # the time is part of the key: after a crash the same slot is the same request
                idempotency_key=f"resolve-{conflict.id}-{conflict.revision}-{slot.start_at:%Y%m%dT%H%M%S}",
                tell_customer=_TELL[settings.edits.tell_customer],
            )
        except RefusedError as error:
            if error.code not in _TRY_NEXT:
                raise
            last = error
        except (VersionChangedError, AppointmentGoneError):
            raise ConcurrentChangeError("conflict_changed") from None
        else:
            return
    raise last or refusal


def _try_calendar_time(host: HostPlatform, conflict: Conflict, when: When) -> None:
    """A dry run, so that whoever decides sees at once that the booking system will not have it. The run then asks anew.

    Raises RefusedError, ConcurrentChangeError("conflict_changed").
    """
    if conflict.booking_id is None:
        return
    try:
        booking = host.booking(conflict.booking_id)
        host.move_booking(booking, when, idempotency_key=f"try-{conflict.id}-{conflict.revision}", dry_run=True)
    except (VersionChangedError, AppointmentGoneError):
        raise ConcurrentChangeError("conflict_changed") from None


def _booking(host: HostPlatform, conflict: Conflict) -> Booking:
    """As it stands now; somebody who moved or cancelled it meanwhile has changed the conflict."""
    if conflict.booking_id is None:
        raise InputError("no_free_slot")
    try:
        booking = host.booking(conflict.booking_id)
    except AppointmentGoneError:
        raise ConcurrentChangeError("conflict_changed") from None
    if booking.status is BookingStatus.CANCELLED:
        raise ConcurrentChangeError("conflict_changed")
    if conflict.booking_when is not None and booking.when != conflict.booking_when:
        raise ConcurrentChangeError("conflict_changed")
    if not isinstance(booking.when, Timed):
        raise InputError("no_free_slot")  # whole days have no next slot inside working hours
    return booking


def _candidates(
    ports: ConflictPorts, state: ResourceState, conflict: Conflict, booking: Booking, now: datetime
) -> Iterator[Timed]:
    """From the time that was wanted on: where the person had moved it, else where it stands."""
    resource: Resource = state.resource
    start, end = booking.when.interval(resource.time_zone)
    wanted = start
    if conflict.kind in _MOVED_KINDS and conflict.calendar_when is not None:
        wanted = conflict.calendar_when.interval(resource.time_zone)[0]
    not_before = max(wanted, now)
    near = ports.links.overlapping(
        conflict.account, conflict.resource_id, not_before - timedelta(days=1), not_before + HORIZON
    )
    taken = [(link.start_at, link.end_at) for link in near if link.ref != conflict.booking_ref]
    slots = free_slots(
        resource,
        taken,
        not_before,
        end - start,
        granularity=timedelta(minutes=ports.host.capabilities().granularity_minutes),
        before=booking.buffer_before,
        after=booking.buffer_after,
    )
    return (Timed(*slot) for slot in slots if slot != (start, end))


def _entry(conflict: Conflict, decision: Decision, now: datetime) -> LogEntry:
    detail = [("conflict", str(conflict.id)), ("resolution", decision.resolution.value), ("by", decision.by)]
    when = conflict.booking_when or conflict.calendar_when
    if when is not None:
        detail.append(("when", span(when)))
    if conflict.left_until_at is not None:
        detail.append(("until", f"{conflict.left_until_at:%Y-%m-%dT%H:%M:%SZ}"))
    return LogEntry(
        account=conflict.account,
        resource_id=conflict.resource_id,
        at=now,
        reason=Reason.CONFLICT_RESOLVED,
        ref=conflict.booking_ref,
        code=conflict.kind.value,
        detail=tuple(detail),
    )
