"""Conflicts: both versions, the ways out that fit, and what was settled lately.

Titles of bookings are read live from the booking system for this page alone; titles of calendar entries are never
shown here, because they belong to the person.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from calsync_core.domain.conflicts import Conflict, ConflictStatus, Resolution
from calsync_core.domain.errors import CalsyncError, ConcurrentChangeError, InputError, NotFoundError
from calsync_core.domain.ids import BookingId, ConflictId, ResourceId
from calsync_core.domain.resources import ResourceState
from calsync_core.usecases.resolve_conflict import Decision, offered, resolve_conflict
from calsync_core.web.answers import Answer, see_other
from calsync_core.web.conflict_words import CHOICES_BY_KIND, KINDS, starts_at
from calsync_core.web.console.frame import Visit
from calsync_core.web.console.listing import list_page, notice, with_query
from calsync_core.web.console.parts import ConsoleParts
from calsync_core.web.problems import status_of
from calsync_core.web.request import Request
from calsync_core.web.when import shown_when
from calsync_core.web.wording import wording

PAGE_SIZE = 20
FEW = 3
"""Fewer conflicts of a kind are settled one by one."""

MOST_AT_ONCE = 100
AT_ONCE = (Resolution.KEEP_BOOKING, Resolution.LEAVE_BOTH)
LATELY = timedelta(days=7)
ENDED_READ = 500


def _(text: str) -> str:
    """Marks a text for translation; it is translated where it is shown."""
    return text


LABELS: dict[Resolution, str] = {
    Resolution.KEEP_BOOKING: _("Keep the booking's time"),
    Resolution.TAKE_CALENDAR: _("Take the calendar's time"),
    Resolution.NEXT_FREE: _("Move to the next free time"),
    Resolution.LEAVE_BOTH: _("Leave both until"),
}


@dataclass(frozen=True, slots=True)
class ShownConflict:
    """`booking_title` is "" when the booking system did not tell it."""

    conflict: Conflict
    resource: ResourceState
    kind: str
    booking_title: str
    booking_url: str
    booking_when: str
    calendar_when: str
    choices: tuple[tuple[str, str], ...]
    cause: str
    ended: str


@dataclass(frozen=True, slots=True)
class ConflictPages:
    parts: ConsoleParts

    def show(self, visit: Visit) -> Answer:
        return self._page(visit)

    def resolve(self, visit: Visit, conflict_id: str) -> Answer:
        """The choice is required and nothing is preselected; the revision that was shown must still hold."""
        try:
            ended = resolve_conflict(
                self.parts.conflicts, visit.account, ConflictId(conflict_id), self._decision(visit)
            )
        except NotFoundError:
            raise NotFoundError("conflict_unknown") from None
        except CalsyncError as error:
            return self._page(visit, error, conflict_id)
        done = "left" if ended.status is ConflictStatus.LEFT else "resolved"
        return see_other(with_query("/console/conflicts", {**_filters(visit.request), "done": done}))

    def settle_all(self, visit: Visit) -> Answer:
        """The same for every open conflict of one kind, and of one resource where the list shows one; of a direction
        that takes nothing from anybody: nothing is cancelled and nothing moved for many at once."""
        request = visit.request
        try:
            decision = self._decision(visit)
            if decision.resolution not in AT_ONCE or not request.field("kind"):
                raise InputError("resolution_not_offered", field="resolution")
            for one in self._kept(visit, self.parts.ports.stores.conflicts.open(visit.account))[:MOST_AT_ONCE]:
                self._settle_one(visit, one, decision)
        except CalsyncError as error:
            return self._page(visit, error, "all")
        done = "left" if decision.resolution is Resolution.LEAVE_BOTH else "resolved"
        return see_other(with_query("/console/conflicts", {**_filters(request), "done": done}))

    def _settle_one(self, visit: Visit, conflict: Conflict, decision: Decision) -> None:
        """One that ended or changed meanwhile is left as it is: the list shows it anew."""
        try:
            resolve_conflict(
                self.parts.conflicts, visit.account, conflict.id, replace(decision, revision=conflict.revision)
            )
        except ConcurrentChangeError:
            return

    def _kept(self, visit: Visit, conflicts: Sequence[Conflict]) -> list[Conflict]:
        """Those that the filters of the list let through; open ones by their time, the next first."""
        kind, resource = (_filters(visit.request)[name] for name in ("kind", "resource"))
        kept = [
            one for one in conflicts
            if (not kind or one.kind.value == kind) and (not resource or one.resource_id == resource)
        ]  # fmt: skip
        return sorted(kept, key=starts_at) if _wants_open(visit.request) else kept

    def _decision(self, visit: Visit) -> Decision:
        request = visit.request
        chosen, revision = request.field("resolution"), request.field("revision")
        if chosen not in set(Resolution):
            raise InputError("resolution_unknown", field="resolution")
        resolution = Resolution(chosen)
        until = _day_end(request.field("until"), self.parts.frame.zone) if resolution is Resolution.LEAVE_BOTH else None
        return Decision(resolution, visit.who, int(revision) if revision.isdecimal() else None, until)

    def _page(self, visit: Visit, error: CalsyncError | None = None, wrong: str = "") -> Answer:
        """`wrong` is the conflict that the error is about, or "all"; a choice that lacked something stays chosen."""
        stores, request = self.parts.ports.stores, visit.request
        is_open, filters = _wants_open(request), _filters(request)
        states = {state.resource.id: state for state in stores.resources.of_account(visit.account)}
        listing = stores.conflicts.open(visit.account) if is_open else stores.conflicts.ended(visit.account, ENDED_READ)
        every = [one for one in listing if (one.status is ConflictStatus.OPEN) is is_open]
        kept = self._kept(visit, every)
        listed = list_page(request, "/console/conflicts", kept, filters, PAGE_SIZE)
        now = self.parts.frame.clock.now()
        return self.parts.frame.show(
            visit,
            "conflicts",
            section="conflicts",
            status=status_of(error) if error else 200,
            trouble=wording(error.code) if error else None,
            listed=listed,
            shown=self._shown([one for one in listed.items if one.resource_id in states], states),
            kinds=[(one.value, word) for one, word in KINDS.items()],
            resources=sorted(states.values(), key=lambda state: state.resource.name.casefold()),
            filters=filters,
            wanted_kind=filters["kind"],
            wanted_resource=filters["resource"],
            at_once=_at_once(kept) if is_open else (),
            at_once_count=min(len(kept), MOST_AT_ONCE),
            wrong=wrong if error else "",
            is_listed=any(str(one.id) == wrong for one in listed.items),
            chosen=request.field("resolution") if isinstance(error, InputError) else "",
            total=len(every),
            is_open=is_open,
            settled=self._settled_lately(visit, now),
            tomorrow=f"{now + timedelta(days=1):%Y-%m-%d}",
            next_week=f"{now + timedelta(days=7):%Y-%m-%d}",
            notice=notice(request),
        )

    def _settled_lately(self, visit: Visit, now: datetime) -> int:
        """From the log of a week: conflicts that ended, by themselves or by a person."""
        codes = {"conflict_settled", "conflict_resolved"}
        days = (f"{now - timedelta(days=number):%Y-%m-%d}" for number in range(LATELY.days))
        log = self.parts.ports.stores.log
        return sum(line.reason.value in codes for day in days for line in log.of_day(visit.account, day))

    def _shown(self, conflicts: list[Conflict], states: dict[ResourceId, ResourceState]) -> list[ShownConflict]:
        bookings = self._bookings([one.booking_id for one in conflicts])
        return [_shown(one, states[one.resource_id], bookings.get(one.booking_id or "", ("", ""))) for one in conflicts]

    def _bookings(self, ids: list[BookingId | None]) -> dict[str, tuple[str, str]]:
        """Title and address by id, read beside each other; one that cannot be read is left out."""
        wanted = list(dict.fromkeys(one for one in ids if one))
        if not wanted:
            return {}
        with ThreadPoolExecutor(max_workers=4) as pool:
            read = pool.map(self._booking, wanted)
        return {booking: found for booking, found in zip(wanted, read, strict=True) if found is not None}

    def _booking(self, booking_id: BookingId) -> tuple[str, str] | None:
        try:
            booking = self.parts.ports.host.booking(booking_id)
        except CalsyncError:
            return None
        names = [booking.service_name or booking.title, booking.customer.name if booking.customer else ""]
        url = booking.url or ""
        return " - ".join(name for name in names if name), url if url.startswith("https://") else ""


def _wants_open(request: Request) -> bool:
    return (request.argument("show") or request.field("show")) != "ended"


def _filters(request: Request) -> dict[str, str]:
    """Of the list that is shown, or from which a form was sent."""
    found = {name: request.argument(name) or request.field(name) for name in ("kind", "resource")}
    return {"show": "" if _wants_open(request) else "ended", **found}


def _at_once(conflicts: Sequence[Conflict]) -> tuple[tuple[str, str], ...]:
    """The ways that may be chosen for all of a list; none for a list of several kinds, or of few."""
    kinds = {one.kind for one in conflicts}
    if len(kinds) != 1 or len(conflicts) < FEW:
        return ()
    [kind] = kinds
    return tuple((one.value, CHOICES_BY_KIND.get((kind, one), LABELS[one])) for one in AT_ONCE)


def _shown(conflict: Conflict, state: ResourceState, booking: tuple[str, str]) -> ShownConflict:
    zone = state.resource.time_zone
    kind = conflict.kind
    return ShownConflict(
        conflict=conflict,
        resource=state,
        kind=KINDS[kind],
        booking_title=booking[0],
        booking_url=booking[1],
        booking_when=shown_when(conflict.booking_when, zone),
        calendar_when=shown_when(conflict.calendar_when, zone),
        choices=tuple((one.value, CHOICES_BY_KIND.get((kind, one), LABELS[one])) for one in _offered(conflict)),
        cause=wording(conflict.code).title if conflict.code else "",
        ended=_ended(conflict),
    )


def _offered(conflict: Conflict) -> tuple[Resolution, ...]:
    """One that was left alone can still be ended; one that ended cannot."""
    is_live = conflict.status in (ConflictStatus.OPEN, ConflictStatus.LEFT)
    return offered(conflict) if is_live else ()


def _ended(conflict: Conflict) -> str:
    """How: by itself, by which choice of a person, or left alone; "" while it is open."""
    if conflict.status is ConflictStatus.OPEN:
        return ""
    if conflict.status is ConflictStatus.SETTLED:
        return _("Settled by itself")
    if conflict.resolution is None:
        return _("Settled by a person")
    if conflict.status is ConflictStatus.LEFT and conflict.left_until_at is not None:
        return LABELS[Resolution.LEAVE_BOTH]
    return CHOICES_BY_KIND.get((conflict.kind, conflict.resolution), LABELS[conflict.resolution])


def _day_end(day: str, zone: str) -> datetime | None:
    """The end of that day in the account's zone; None for what is no day."""
    try:
        date = datetime.strptime(day, "%Y-%m-%d").date()  # noqa: DTZ007 - a date only
    except ValueError:
        return None
    return datetime.combine(date, time(23, 59), ZoneInfo(zone)).astimezone(UTC)
