"""How an appointment must look on the other side under the settings. Private text never comes this far."""

from datetime import date, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

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
    Timed,
    When,
)
from calsync_core.domain.ids import LinkRef
from calsync_core.domain.notes import text_of_html
from calsync_core.domain.recurrence import Recurrence
from calsync_core.domain.resources import Resource
from calsync_core.domain.settings import CUSTOM, DEFAULT_TITLE, FromCalendar, SyncSettings, ToCalendar
from calsync_core.domain.texts import fit_title
from calsync_core.domain.title_template import names_of, render
from calsync_core.domain.values import replace
from calsync_core.engine.fingerprint import time_of
from calsync_core.engine.notes import formatted

BLOCKER_TITLE = "Busy"


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
    EXCLUDED_CATEGORY = "excluded_category"
    EXCLUDED_SUBJECT = "excluded_subject"
    NO_LENGTH = "no_length"

    @property
    def is_filter(self) -> bool:
        """The entry is still there and left alone: no deletion (R104)."""
        return self is not NotBlocking.CANCELLED


def project_booking(booking: Booking, settings: SyncSettings, resource: Resource) -> Copy:
    """The copy of a booking: details as chosen, or a blocker that carries time only. That of a series repeats, where
    calendars can say how."""
    copy, repeats = _projected(booking, settings, resource), booking.recurrence
    if not booking.is_series_master or not isinstance(repeats, Recurrence):
        return copy
    if _first_day(copy, repeats) != repeats.start:
        return copy
    return replace(copy, recurrence=repeats)


def _first_day(copy: Copy, repeats: Recurrence) -> date:
    """Buffers may reach over midnight: such a series cannot be said, its pattern would be another day's."""
    if isinstance(copy.when, AllDay):
        return copy.when.start
    return copy.when.start_at.astimezone(ZoneInfo(repeats.zone)).date()


def _projected(booking: Booking, settings: SyncSettings, resource: Resource) -> Copy:
    to = settings.to_calendar
    reminder = timedelta(minutes=to.alarm_minutes) if to.alarm else None
    busy, is_private = Busy(to.show_as), to.sensitivity == "private" or booking.is_private
    when, zone = copy_time(booking, settings), to.zone(resource.time_zone)
    if to.privacy == "anonymous":
        return Copy(when, zone, BLOCKER_TITLE, None, None, busy, is_private, reminder)
    values = _shown_values(booking, to, resource)
    return Copy(
        when, zone, _title(booking, to, values), _notes_of_copy(booking, settings, values),
        booking.location if "location" in to.fields else None, busy, is_private, reminder,
    )  # fmt: skip


def copy_time(booking: Booking, settings: SyncSettings) -> When:
    """The time that the copy spans: with the buffers around the service, or the service alone (R102)."""
    return _with_buffers(booking) if settings.to_calendar.buffers == "include" else booking.when


def booking_time(shown: When, booking: Booking, settings: SyncSettings, agreed: str) -> When:
    """The booking's time that a copy at `shown` stands for: `copy_time` the other way round (R102).

    `agreed` is the fingerprint of the time that the copy was written with: the setting may have changed since.
    """
    if isinstance(shown, AllDay) or isinstance(booking.when, AllDay) or not _has_buffers(booking):
        return shown
    is_wide = settings.to_calendar.buffers == "include"
    if agreed in (time_of(booking.when), time_of(_with_buffers(booking))):
        is_wide = agreed != time_of(booking.when)
    if not is_wide:
        return shown
    start, end = shown.start_at + booking.buffer_before, shown.end_at - booking.buffer_after
    if end <= start:  # made shorter than its buffers: the service keeps its length
        end = start + (booking.when.end_at - booking.when.start_at)
    return Timed(start, end)


def _has_buffers(booking: Booking) -> bool:
    return bool(booking.buffer_before or booking.buffer_after)


def _with_buffers(booking: Booking) -> When:
    when = booking.when
    if isinstance(when, AllDay):
        return when
    return Timed(when.start_at - booking.buffer_before, when.end_at + booking.buffer_after)


def project_entry(
    entry: Entry, settings: SyncSettings, resource: Resource, ref: LinkRef, *, time_only: bool = False
) -> Block | NotBlocking:
    """The block of a calendar entry, or why there is none.

    `time_only` for entries of conflict calendars and copies of another resource: never any text.
    """
    verdict = _verdict(entry, settings.from_calendar)
    if isinstance(verdict, NotBlocking):
        return verdict
    title, notes = (None, None) if time_only else _shown_text(entry, settings)
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
    excluded = _is_excluded(entry, rules)
    if excluded is not None:
        return excluded
    if isinstance(entry.when, Timed) and entry.when.start_at == entry.when.end_at:
        return NotBlocking.NO_LENGTH  # a reminder: it takes no time, and booking systems refuse blocks without any
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


def _shown_text(entry: Entry, settings: SyncSettings) -> tuple[str | None, Notes | None]:
    rules = settings.from_calendar
    if rules.privacy == "anonymous" or (entry.is_private and rules.private != "full"):
        return None, None
    notes = formatted(entry.notes, settings.notes_format, []) if rules.notes else None
    return (fit_title(entry.title or "") or None) if rules.title else None, notes


def _is_excluded(entry: Entry, rules: FromCalendar) -> NotBlocking | None:
    """R101. The texts were read for this decision alone; of private entries there are none."""
    if rules.exclude.categories:
        wanted = {name.casefold() for name in rules.exclude.categories}
        if any(name.strip().casefold() in wanted for name in entry.categories):
            return NotBlocking.EXCLUDED_CATEGORY
    title = (entry.title or "").casefold()
    if title and any(text.casefold() in title for text in rules.exclude.subjects):
        return NotBlocking.EXCLUDED_SUBJECT
    return None


def _shown_values(booking: Booking, to: ToCalendar, resource: Resource) -> dict[str, str]:
    """What the fields that are switched on say, by name; nothing else may stand in title or notes (R103)."""
    customer = booking.customer
    values = {
        "service": booking.service_name,
        "customer": customer.name if customer else None,
        "resource": resource.name,
        "phone": customer.phone if customer else None,
        "email": customer.email if customer else None,
        "notes": _text(booking.notes),
        "location": booking.location,
        **{f"{CUSTOM}{name}": value for name, value in booking.custom_fields},
    }
    return {name: value for name in to.fields if (value := values.get(name))}


def _text(notes: Notes | None) -> str | None:
    return text_of_html(notes.text) if notes and notes.is_html else notes.text if notes else None


def _title(booking: Booking, to: ToCalendar, values: dict[str, str]) -> str:
    """By the template. The free title may hold any of the details: it stands in only where both may be shown. A booking
    without a service is about what its title says, and a title with the customer's name says it all."""
    own = booking.title if {"service", "customer"} <= set(to.fields) else ""
    customer = values.get("customer")
    if own and customer and "service" not in values:
        rest = {name: value for name, value in values.items() if name != "customer" or customer not in own}
        values = {**rest, "service": own}
    is_bare = to.title == DEFAULT_TITLE and not {"service", "customer"} & values.keys()
    title = own if is_bare else render(to.title, values) or own
    return fit_title(" ".join(title.split()) or BLOCKER_TITLE)


def _notes_of_copy(booking: Booking, settings: SyncSettings, values: dict[str, str]) -> Notes | None:
    """What is shown and stands neither in the title nor in a place of its own, a line each; then the notes."""
    in_title = set(names_of(settings.to_calendar.title))
    lines = [
        f"{name.removeprefix(CUSTOM)}: {value}" if name.startswith(CUSTOM) else value
        for name, value in values.items()
        if name not in in_title and name not in ("notes", "location")
    ]
    return formatted(booking.notes if "notes" in values else None, settings.notes_format, lines)
