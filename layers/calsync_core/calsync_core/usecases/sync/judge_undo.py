"""What an undo would do about one deed now, on fresh reads of both sides and by the engine's own plan. Writes nothing.

Many deeds are read ahead together, so that a preview of hundreds costs a few calls; what was not read ahead is read by
itself. Both ways end in the same judgement.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from datetime import datetime

from calsync_core.domain.appointments import Booking, BookingStatus
from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.domain.ids import BookingId, CalendarId, LinkRef
from calsync_core.domain.journal import Deed, Did
from calsync_core.domain.links import Intent, Link
from calsync_core.domain.values import value
from calsync_core.domain.windows import Window
from calsync_core.engine.actions import Action, AdoptCopy, CreateCopy, PutBlock, Quiet, Skip
from calsync_core.engine.observe import Missing, Read, observe
from calsync_core.engine.plan import decide
from calsync_core.engine.project import NotBlocking
from calsync_core.ports.calendar import CalendarPage
from calsync_core.ports.stores import CursorRow
from calsync_core.usecases.read_span import bookings_in
from calsync_core.usecases.sync.read_calendar import Feed, read_booking, read_calendar_page
from calsync_core.usecases.sync.read_host import written_before
from calsync_core.usecases.sync.sync_run import SyncRun

READERS = 8
"""Bookings that are asked for by themselves, at the same time."""

MOST_PAGES = 3
_LIST_FROM = 4
"""Fewer bookings are asked for one by one: a list may bring many others."""


@value(frozen=True, slots=True)
class Judged:
    """One deed and what an undo would do about it now. `code` has a text in the wording catalogue: what will be done,
    or why nothing is."""

    deed: Deed
    code: str
    action: Action | None = None
    booking: Booking | None = None

    @property
    def will_do(self) -> bool:
        return self.action is not None or self.booking is not None


@value(frozen=True, slots=True)
class Ahead:
    """What was read for many deeds together. Of entries: GONE, or UNKNOWN where it is there and speaks of another."""

    links: Mapping[LinkRef, Link | None] = field(default_factory=dict)
    bookings: Mapping[BookingId, Booking | Missing] = field(default_factory=dict)
    entries: Mapping[LinkRef, Read | Missing] = field(default_factory=dict)


_NOTHING = Ahead()


def read_ahead(run: SyncRun, deeds: Sequence[Deed]) -> Ahead:
    """Reads only: one question for all links, the bookings of their span by list, entries in batches. Raises what the
    two sides raise."""
    refs = list(dict.fromkeys(deed.ref for deed in deeds))
    known = run.ports.stores.links.get(run.account, run.resource, refs) if refs else {}
    links = {ref: known.get(ref) for ref in refs}
    of_bookings = [deed for deed in deeds if _asks_booking(deed)]
    freed = [deed for deed in deeds if deed.did is Did.BLOCK_DELETED and not _stands(links[deed.ref])]
    entries: dict[LinkRef, Read | Missing] = {}
    for calendar in sorted({deed.calendar for deed in freed}):
        entries.update(_read_entries(run, calendar, [deed for deed in freed if deed.calendar == calendar]))
    return Ahead(links, _bookings(run, of_bookings), entries)


def judge(run: SyncRun, deed: Deed, ahead: Ahead = _NOTHING) -> Judged:
    """Raises what the two sides raise."""
    match deed.did:
        case Did.COPY_DELETED | Did.BOOKING_CANCELLED:
            return _judge_copy(run, deed, ahead)
        case Did.BLOCK_DELETED:
            return _judge_block(run, deed, ahead)
        case Did.BOOKING_MOVED:
            return _judge_move(run, deed, ahead)
        case Did.COPY_MOVED | Did.BLOCK_MOVED:
            return Judged(deed, "undo_follows")


def _judge_copy(run: SyncRun, deed: Deed, ahead: Ahead) -> Judged:
    booking = _booking(run, deed, ahead)
    if not isinstance(booking, Booking):
        return Judged(deed, "undo_booking_gone")
    if booking.status is BookingStatus.CANCELLED:
        return Judged(deed, "undo_booking_cancelled")
    if run.resource not in booking.resource_ids:
        return Judged(deed, "undo_booking_elsewhere")
    link = _link(run, deed, ahead)
    is_cut_off = link is not None and link.entry_id is None and link.intent is Intent.CREATE
    if link is not None and not is_cut_off:
        return Judged(deed, "undo_there_again" if link.entry_id else "undo_changed_since")
    # A row without a copy is an undo that died in between: no feed speaks of it, so the mark is asked (R30, R31).
    read = Read(deed.ref, link, booking, written_before(run, link))
    return _planned(run, deed, read, "undo_copy_again")


def _judge_block(run: SyncRun, deed: Deed, ahead: Ahead) -> Judged:
    if _stands(_link(run, deed, ahead)):
        return Judged(deed, "undo_there_again")
    found = ahead.entries.get(deed.ref) or _read_entries(run, deed.calendar, [deed]).get(deed.ref)
    if found is None:
        return Judged(deed, "undo_calendar_left")
    if isinstance(found, Missing):
        return Judged(deed, "undo_entry_gone" if found is Missing.GONE else "undo_changed_since")
    return _planned(run, deed, found, "undo_block_again")


def _judge_move(run: SyncRun, deed: Deed, ahead: Ahead) -> Judged:
    booking = _booking(run, deed, ahead)
    if not isinstance(booking, Booking):
        return Judged(deed, "undo_booking_gone")
    if booking.status is BookingStatus.CANCELLED:
        return Judged(deed, "undo_booking_cancelled")
    if not run.scope.settings.writes_host:
        return Judged(deed, "direction")
    if booking.when == deed.was:
        link = _link(run, deed, ahead)
        is_apart = link is not None and link.host.version != booking.version
        return Judged(deed, "undo_there_again", booking=booking if is_apart else None)
    if booking.when != deed.to:
        return Judged(deed, "undo_changed_since")
    return Judged(deed, "undo_booking_back", booking=booking)


def _planned(run: SyncRun, deed: Deed, read: Read, code: str) -> Judged:
    """The engine decides, under the settings as they are now."""
    [seen] = observe([read], run.scope)
    action = decide(seen, run.scope)
    if isinstance(action, CreateCopy | AdoptCopy | PutBlock):
        return Judged(deed, code, action)
    return Judged(deed, reason_of(action))


def reason_of(action: Action | None) -> str:
    """The code of the rule that wants nothing done, as the wording catalogue has it."""
    if not isinstance(action, Skip | Quiet) or not action.code:
        return "undo_changed_since"
    return f"entry_{action.code}" if action.code in set(NotBlocking) else action.code


# --- reading ------------------------------------------------------------------------------------------------------


def _asks_booking(deed: Deed) -> bool:
    return deed.did in (Did.COPY_DELETED, Did.BOOKING_CANCELLED, Did.BOOKING_MOVED) and deed.booking is not None


def _stands(link: Link | None) -> bool:
    return link is not None and bool(link.host.version)


def _link(run: SyncRun, deed: Deed, ahead: Ahead) -> Link | None:
    if deed.ref in ahead.links:
        return ahead.links[deed.ref]
    return run.ports.stores.links.get(run.account, run.resource, [deed.ref]).get(deed.ref)


def _booking(run: SyncRun, deed: Deed, ahead: Ahead) -> Booking | Missing:
    if deed.booking is not None and deed.booking in ahead.bookings:
        return ahead.bookings[deed.booking]
    return read_booking(run, deed.booking)


def _bookings(run: SyncRun, deeds: Sequence[Deed]) -> dict[BookingId, Booking | Missing]:
    """By the list of the span in which they stood or went to; who is not in it (gone, moved on, somebody else's) is
    asked for alone."""
    wanted = list(dict.fromkeys(deed.booking for deed in deeds if deed.booking is not None))
    found: dict[BookingId, Booking | Missing] = {}
    if len(wanted) >= _LIST_FROM:
        found.update((one.id, one) for one in _listed(run, deeds) if one.id in set(wanted))
    missing = [one for one in wanted if one not in found]
    if missing:
        with ThreadPoolExecutor(max_workers=min(READERS, len(missing))) as pool:
            found.update(zip(missing, pool.map(lambda one: read_booking(run, one), missing), strict=True))
    return found


def _listed(run: SyncRun, deeds: Sequence[Deed]) -> Iterable[Booking]:
    """As far as a few pages reach."""
    zone = run.scope.resource.time_zone
    spans = [when.interval(zone) for deed in deeds for when in (deed.was, deed.to) if when is not None]
    span = Window(min(start for start, _ in spans), max(end for _, end in spans))
    try:
        yield from bookings_in(run.host, run.resource, span, most_pages=MOST_PAGES)
    except ProviderUnavailableError as error:
        if error.code != "too_many_pages":
            raise


def _read_entries(run: SyncRun, calendar: CalendarId, deeds: Sequence[Deed]) -> dict[LinkRef, Read | Missing]:
    """Without those whose calendar is not checked any more."""
    mailbox = next((mailbox for mailbox, chosen in run.state.calendars if chosen == calendar), None)
    ids = list(dict.fromkeys(deed.entry for deed in deeds if deed.entry is not None))
    if mailbox is None or not ids:
        return {}
    provider = run.calendar(mailbox)
    entries = provider.entries(calendar, ids, run.content)
    row = CursorRow(calendar, None, run.scope.window, is_full=False)
    present = tuple(entry for entry in entries.values() if entry is not None)
    page = CalendarPage(present, (), next_cursor="", is_last=True)
    reads = {read.ref: read for read in read_calendar_page(run, Feed(calendar, provider), row, page).reads}
    return {
        deed.ref: Missing.GONE if entries[deed.entry] is None else reads.get(deed.ref, Missing.UNKNOWN)
        for deed in deeds
        if deed.entry is not None
    }


def starts_at(deed: Deed, zone: str) -> datetime:
    """When what was touched began, for lists in order of time."""
    return deed.was.interval(zone)[0]
