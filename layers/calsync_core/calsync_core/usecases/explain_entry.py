"""Why is it here, why isn't it, and what comes next: for any entry or booking, found by time, title or id.

The answer is the engine's own: both sides are read live, and the plan is asked what it would do, without doing it
(R116). Titles are compared while they are read and kept nowhere. Of an entry's title only that is read which the
settings let the booking system see, and a private one is never shown (R117): by its time it is found all the same.
"""

from collections.abc import Iterable
from datetime import datetime

from calsync_core.domain.appointments import Booking, Entry, When
from calsync_core.domain.conflicts import Conflict, ConflictStatus
from calsync_core.domain.errors import (
    ConnectionBrokenError,
    InstallationError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import (
    AccountId,
    CalendarId,
    LinkRef,
    MailboxId,
    ResourceId,
)
from calsync_core.domain.links import Link, Origin, booking_ref
from calsync_core.domain.synclog import LogEntry, Way
from calsync_core.domain.values import value
from calsync_core.engine.actions import (
    Action,
    AdoptCopy,
    Agree,
    CancelBooking,
    CreateCopy,
    DeleteBlock,
    DeleteCopy,
    DropLink,
    MoveBooking,
    OpenConflict,
    PutBlock,
    Quiet,
    Skip,
    UpdateCopy,
)
from calsync_core.engine.observe import Missing, Observation, Read, observe
from calsync_core.engine.plan import decide
from calsync_core.engine.project import NotBlocking
from calsync_core.ports.calendar import CalendarPage
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.stores import CursorRow
from calsync_core.usecases.find_appointments import Question, SideRead, check_question, find_bookings, find_entries
from calsync_core.usecases.sync.open_run import open_look
from calsync_core.usecases.sync.read_both import read_both
from calsync_core.usecases.sync.read_calendar import Feed, read_calendar_page
from calsync_core.usecases.sync.sync_run import SyncRun

MOST = 20
"""Appointments that one answer explains; a question that finds more is too wide."""

LOG_READ = 1000


@value(frozen=True, slots=True)
class Explained:
    """One appointment. `is_booking` says where it was born. `title` is "" where it must not be shown. `code` names the
    reason and `next_code` when it is looked at again, both with a text in the wording catalogue."""

    ref: LinkRef
    is_booking: bool
    when: When | None
    title: str
    rule: str | None
    code: str
    next_code: str
    link: Link | None
    conflict: Conflict | None
    last_to_calendar: LogEntry | None
    last_from_calendar: LogEntry | None
    last: LogEntry | None


@value(frozen=True, slots=True)
class Answer:
    found: tuple[Explained, ...]
    sides: tuple[SideRead, ...]
    is_cut: bool


def explain_entry(ports: JourneyPorts, account: AccountId, resource: ResourceId, question: Question) -> Answer:
    """Reads only. Raises NotFoundError, InputError: as `check_open`, question_missing, span_inverted, span_too_long.

    A side that does not answer is named in `sides`, and what calsync knows of it is told.
    """
    check_question(question)
    look = open_look(ports, account, resource)
    sides: list[SideRead] = []
    entries = find_entries(look, question, sides)
    bookings = find_bookings(look, question, sides)
    reads = _reads(look, entries, bookings, question)
    shown = list(reads.values())[:MOST]
    lines = ports.stores.log.of_resource(account, resource, LOG_READ)
    found = [_explained(look, read, lines) for read in shown]
    found.sort(key=lambda one: _start(one.when, look))
    return Answer(tuple(found), tuple(sides), is_cut=len(reads) > MOST)


# --- as the engine sees it ----------------------------------------------------------------------------------------


def _reads(
    look: SyncRun,
    entries: dict[tuple[MailboxId, CalendarId], list[Entry]],
    bookings: list[Booking],
    question: Question,
) -> dict[LinkRef, Read]:
    """One read per appointment: a booking and its copy are one."""
    found: dict[LinkRef, Read] = {}
    refs = [booking_ref(booking.id) for booking in bookings]
    links = look.ports.stores.links.get(look.account, look.resource, refs) if refs else {}
    for booking in bookings:
        ref = booking_ref(booking.id)
        link = links.get(ref)
        found[ref] = _whole(look, link) if link else Read(ref, None, booking, entry_is_whole=True)
    for (mailbox, calendar), some in entries.items():
        row = CursorRow(calendar, None, look.scope.window, is_full=True)
        page = CalendarPage(tuple(some[: MOST + 1]), (), next_cursor="", is_last=True)
        for read in read_calendar_page(look, Feed(calendar, look.calendar(mailbox)), row, page).reads:
            if read.ref not in found:
                is_ours = read.link is not None and read.link.origin is Origin.HOST
                found[read.ref] = _whole(look, read.link) if is_ours and read.link else read
    for link in _known_only(look, question, found):
        found[link.ref] = _whole(look, link)
    return found


def _known_only(look: SyncRun, question: Question, found: Iterable[LinkRef]) -> list[Link]:
    """Links at that time that neither side showed: gone, moved away, or on a side that does not answer."""
    links, seen = look.ports.stores.links, set(found)
    if question.booking is not None:
        ref = booking_ref(question.booking)
        known = list(links.get(look.account, look.resource, [ref]).values())
    elif question.title.strip() or question.start_at is None or question.end_at is None:
        return []
    else:
        known = links.overlapping(look.account, look.resource, question.start_at, question.end_at)
    return [link for link in known if link.ref not in seen][:MOST]


def _whole(look: SyncRun, link: Link) -> Read:
    """Both sides as they stand now; one that cannot be read is unknown."""
    try:
        return read_both(look, link)
    except (ProviderUnavailableError, ConnectionBrokenError, InstallationError):
        return Read(link.ref, link, Missing.UNKNOWN, Missing.UNKNOWN)


def _explained(look: SyncRun, read: Read, lines: list[LogEntry]) -> Explained:
    [seen] = observe([read], look.scope)
    action = decide(seen, look.scope, is_final=True)
    conflict = _conflict(look, read.ref)
    code = _code(action, seen)
    own = [line for line in lines if line.ref == read.ref]
    is_booking = seen.origin is Origin.HOST
    return Explained(
        read.ref, is_booking, _when(read), _title(read), getattr(action, "rule", None), code,
        _next(action, code, conflict), read.link, conflict,
        next((line for line in own if line.way is Way.TO_CALENDAR), None),
        next((line for line in own if line.way is Way.FROM_CALENDAR), None),
        own[0] if own else None,
    )  # fmt: skip


def _code(action: Action | None, seen: Observation) -> str:
    """The reason in words. An action says what is going to be done; what blocks nothing says why."""
    if isinstance(seen.block, NotBlocking):
        return f"entry_{seen.block.value}"
    match action:
        case Skip() | Quiet() | OpenConflict():
            return action.code or "waits_for_person"
        case CreateCopy() | AdoptCopy():
            return "will_be_written"
        case PutBlock():
            return "will_be_written" if action.is_new else "will_be_changed"
        case UpdateCopy():
            return "will_be_changed"
        case DeleteCopy() | DeleteBlock() | DropLink():
            return "will_be_removed"
        case MoveBooking() | CancelBooking():
            return "will_be_asked"
        case Agree():
            return "in_step"
        case _:
            return "not_of_resource" if seen.host.value == "gone" else "is_left_alone"


def _next(action: Action | None, code: str, conflict: Conflict | None) -> str:
    if code == "entry_quarantined":
        return "next_when_changed"
    if conflict is not None or isinstance(action, OpenConflict):
        return "next_when_decided"
    is_waiting = isinstance(action, Quiet) and code == "window_unread"
    return "next_check" if is_waiting or not isinstance(action, Skip | Quiet | None) else "next_never"


def _conflict(look: SyncRun, ref: LinkRef) -> Conflict | None:
    found = look.ports.stores.conflicts.of_link(look.account, look.resource, ref)
    return next((one for one in found if one.status is ConflictStatus.OPEN), None)


def _when(read: Read) -> When | None:
    """Of where it was born; what could not be read has the time that was last agreed on."""
    if isinstance(read.host, Booking):
        return read.host.when
    if isinstance(read.calendar, Entry):
        return read.calendar.when
    return read.link.when if read.link else None


def _title(read: Read) -> str:
    """R117. A booking's title is the booking system's; an entry's is shown only where it is not private."""
    if isinstance(read.host, Booking):
        booking = read.host
        customer = booking.customer.name if booking.customer else ""
        return " - ".join(part for part in (booking.service_name or booking.title, customer) if part)
    entry = read.calendar
    if not isinstance(entry, Entry) or entry.is_private or entry.mark is not None:
        return ""
    return entry.title or ""


def _start(when: When | None, look: SyncRun) -> datetime:
    return when.interval(look.scope.resource.time_zone)[0] if when else look.ports.clock.now()
