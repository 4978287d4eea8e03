"""How an appointment must look on the other side under the settings. Private text never comes this far."""

from datetime import timedelta
from enum import StrEnum

from calsync_core.domain.appointments import (
    AllDay,
    Block,
    BlockKind,
    Booking,
    Busy,
    Copy,
    Entry,
    Notes,
    Response,
)
from calsync_core.domain.ids import LinkRef
from calsync_core.domain.resources import Resource
from calsync_core.domain.settings import FromCalendar, SyncSettings

BLOCKER_TITLE = "Busy"
TITLE_LIMIT = 255  # graph.md 3.3: longer subjects are refused


class NotBlocking(StrEnum):
    """Why an entry does not block; the codes stand in the log and answer "why isn't it here?"."""

    CANCELLED = "cancelled"
    DECLINED = "declined"
    NOT_RESPONDED = "not_responded"
    FREE = "free"
    TENTATIVE = "tentative"
    WORKING_ELSEWHERE = "working_elsewhere"
    ALL_DAY = "all_day"
    PRIVATE_SKIPPED = "private_skipped"


def project_booking(booking: Booking, settings: SyncSettings, resource: Resource) -> Copy:
    """The copy of a booking: details as chosen, or a blocker that carries time only."""
    to = settings.to_calendar
    reminder = timedelta(minutes=to.alarm_minutes) if to.alarm else None
    busy, is_private = Busy(to.show_as), to.sensitivity == "private" or booking.is_private
    if to.privacy == "anonymous":
        return Copy(booking.when, resource.time_zone, BLOCKER_TITLE, None, None, busy, is_private, reminder)
    shown = frozenset(to.fields)
    location = booking.location if "location" in shown else None
    return Copy(
        booking.when, resource.time_zone, _title(booking, shown, resource), _notes(booking, shown),
        location, busy, is_private, reminder,
    )  # fmt: skip


def project_entry(
    entry: Entry, settings: SyncSettings, resource: Resource, ref: LinkRef, *, time_only: bool = False
) -> Block | NotBlocking:
    """The block of a calendar entry, or why there is none.

    `time_only` for entries of conflict calendars and copies of another resource: never any text.
    """
    verdict = _verdict(entry, settings.from_calendar)
    if isinstance(verdict, NotBlocking):
        return verdict
    title, notes = (None, None) if time_only else _shown_text(entry, settings.from_calendar)
    return Block(ref, resource.id, entry.when, resource.time_zone, verdict, title, notes)


def _verdict(entry: Entry, rules: FromCalendar) -> BlockKind | NotBlocking:
    if entry.is_cancelled:
        return NotBlocking.CANCELLED  # organizer-cancelled entries stay in the calendar (complaint 15)
    if entry.response is Response.DECLINED and rules.declined == "ignore":
        return NotBlocking.DECLINED
    if entry.response is Response.NOT_RESPONDED and rules.not_responded == "ignore":
        return NotBlocking.NOT_RESPONDED
    if entry.is_private and rules.private == "skip":
        return NotBlocking.PRIVATE_SKIPPED
    if isinstance(entry.when, AllDay) and rules.all_day == "ignore":
        return NotBlocking.ALL_DAY
    if isinstance(entry.when, AllDay) and rules.all_day == "block":
        return BlockKind.OOF if entry.busy is Busy.OOF else BlockKind.BUSY
    return _by_show_as(entry.busy, rules)


def _by_show_as(busy: Busy, rules: FromCalendar) -> BlockKind | NotBlocking:
    match busy:
        case Busy.FREE:
            return BlockKind.BUSY if rules.free == "block" else NotBlocking.FREE
        case Busy.TENTATIVE:
            return BlockKind.TENTATIVE if rules.tentative == "block" else NotBlocking.TENTATIVE
        case Busy.WORKING_ELSEWHERE:
            return BlockKind.BUSY if rules.working_elsewhere == "block" else NotBlocking.WORKING_ELSEWHERE
        case Busy.OOF:
            return BlockKind.OOF
        case _:  # busy, and unknown: what we cannot read is never free
            return BlockKind.BUSY


def _shown_text(entry: Entry, rules: FromCalendar) -> tuple[str | None, Notes | None]:
    if rules.privacy == "anonymous" or (entry.is_private and rules.private != "full"):
        return None, None
    return (entry.title or None) if rules.title else None, entry.notes if rules.notes else None


def _title(booking: Booking, shown: frozenset[str], resource: Resource) -> str:
    customer = booking.customer.name if booking.customer and "customer" in shown else None
    service = booking.service_name if "service" in shown else None
    parts = [service, customer, resource.name if "resource" in shown else None]
    # The free title may hold any of the details: it stands in only where both of them may be shown.
    own = booking.title if {"service", "customer"} <= shown else ""
    title = " - ".join(part for part in parts if part) if service or customer else own
    return (" ".join(title.split()) or BLOCKER_TITLE)[:TITLE_LIMIT]


def _notes(booking: Booking, shown: frozenset[str]) -> Notes | None:
    customer = booking.customer
    lines = [
        customer.phone if customer and "phone" in shown else None,
        customer.email if customer and "email" in shown else None,
    ]
    text = "\n".join(line for line in lines if line)
    if booking.notes is None or "notes" not in shown:
        return Notes(text) if text else None
    if not text:
        return booking.notes
    return Notes(f"{text}\n\n{booking.notes.text}", booking.notes.is_html)
