"""Appointments of one resource by time, title or id, read live from both sides; titles are kept nowhere."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from calsync_core.domain.appointments import Booking, Entry, Kind
from calsync_core.domain.errors import (
    AppointmentGoneError,
    ConnectionBrokenError,
    InputError,
    InstallationError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import LONGEST_ID, BookingId, CalendarId, EntryId, MailboxId
from calsync_core.domain.values import value
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import Content
from calsync_core.usecases.read_span import bookings_in, read_span
from calsync_core.usecases.sync.sync_run import SyncRun

MAX_PAGES = 40
TITLE_BACK, TITLE_AHEAD = timedelta(weeks=2), timedelta(weeks=8)
LONGEST_SPAN = timedelta(days=62)


@value(frozen=True, slots=True)
class Question:
    """At least one of them. `start_at` and `end_at` are half open, in UTC; with a title they bound the search."""

    title: str = ""
    start_at: datetime | None = None
    end_at: datetime | None = None
    booking: BookingId | None = None
    entry: EntryId | None = None


@value(frozen=True, slots=True)
class SideRead:
    """`code` says why a side could not be read; None where it was."""

    name: str
    code: str | None = None


def check_question(question: Question) -> None:
    start, end = question.start_at, question.end_at
    if not (question.title.strip() or question.booking or question.entry or (start and end)):
        raise InputError("question_missing")
    if start and end and start >= end:
        raise InputError("span_inverted", field="to")
    if start and end and end - start > LONGEST_SPAN:
        raise InputError("span_too_long", field="to")


def _span(look: SyncRun, question: Question) -> Window:
    if question.start_at and question.end_at:
        return Window(question.start_at, question.end_at)
    now = look.ports.clock.now()
    return Window(now - TITLE_BACK, now + TITLE_AHEAD)


def find_entries(
    look: SyncRun, question: Question, sides: list[SideRead]
) -> dict[tuple[MailboxId, CalendarId], list[Entry]]:
    found: dict[tuple[MailboxId, CalendarId], list[Entry]] = {}
    for number, (mailbox, calendar) in enumerate(look.state.calendars):
        name = "primary" if number == 0 else f"conflict-{number}"
        content = look.content if number == 0 else Content()
        try:
            found[mailbox, calendar] = list(_of_calendar(look, mailbox, calendar, question, content))
            sides.append(SideRead(name))
        except (ProviderUnavailableError, ConnectionBrokenError, InstallationError) as error:
            sides.append(SideRead(name, error.code))
    return found


def _of_calendar(
    look: SyncRun, mailbox: MailboxId, calendar: CalendarId, question: Question, content: Content
) -> Iterator[Entry]:
    provider = look.calendar(mailbox)
    if question.entry is not None:
        entry = provider.entries(calendar, [question.entry], content)[question.entry]
        if entry is not None and entry.kind is not Kind.MASTER:
            yield entry
        return
    if question.booking is not None:
        return
    span, zone = _span(look, question), look.scope.resource.time_zone
    everything = read_span(provider, calendar, span, content, most_pages=MAX_PAGES)
    masters = {entry.id: entry for entry in everything.values() if entry.kind is Kind.MASTER}
    in_span = [
        entry for entry in everything.values()
        if entry.kind is not Kind.MASTER and span.holds(entry.when, zone)
    ]  # fmt: skip
    sparse = [entry.id for entry in in_span if entry.is_sparse and entry.series_id not in masters]
    whole = provider.entries(calendar, sparse, content) if sparse else {}
    for entry in in_span:
        full = whole.get(entry.id) or entry
        title = full.title or (masters[full.series_id].title if full.series_id in masters and full.is_sparse else None)
        if not question.title.strip() or _says(question.title, title, is_private=full.is_private):
            yield full


def _says(wanted: str, title: str | None, *, is_private: bool = False) -> bool:
    """R117. Private titles answer nothing, not even yes or no."""
    return bool(title) and not is_private and wanted.strip().casefold() in (title or "").casefold()


def find_bookings(look: SyncRun, question: Question, sides: list[SideRead]) -> list[Booking]:
    try:
        found = list(_of_host(look, question))
    except (ProviderUnavailableError, InstallationError) as error:
        sides.append(SideRead("host", error.code))
        return []
    sides.append(SideRead("host"))
    return found


def _of_host(look: SyncRun, question: Question) -> Iterator[Booking]:
    if question.booking is not None:
        if len(question.booking) <= LONGEST_ID:
            try:
                yield look.host.booking(question.booking)
            except AppointmentGoneError:
                return
        return
    if question.entry is not None:
        return
    for booking in bookings_in(look.host, look.resource, _span(look, question), most_pages=MAX_PAGES):
        names = (booking.title, booking.service_name, booking.customer.name if booking.customer else None)
        if not question.title.strip() or any(_says(question.title, name) for name in names):
            yield booking
