"""Both sides of one link, by look-up."""

from calsync_core.domain.appointments import Entry, Kind
from calsync_core.domain.ids import MailboxId
from calsync_core.domain.links import Link, Origin
from calsync_core.engine.observe import Missing, Read
from calsync_core.usecases.sync.find_elsewhere import elsewhere, found_again
from calsync_core.usecases.sync.read_calendar import read_booking
from calsync_core.usecases.sync.read_host import written_before
from calsync_core.usecases.sync.sync_run import EVERYTHING, SyncRun


def read_both(run: SyncRun, link: Link) -> Read:
    """Both sides of a link by look-up, whole; what a moved mailbox has left behind can be read nowhere yet."""
    calendar: Entry | Missing = Missing.NOT_READ
    if link.is_left_behind:
        calendar = Missing.UNKNOWN
    elif link.origin is Origin.CALENDAR and _mailbox_of(run, link) is None:
        calendar = Missing.GONE  # R37: its calendar is checked no more, and nobody may look there
    elif link.entry_id is not None:
        content = EVERYTHING if link.origin is Origin.HOST else run.content
        mailbox = _mailbox_of(run, link)
        provider = run.calendar(mailbox) if mailbox is not None else run.primary
        calendar = shown_for(link, provider.entries(link.calendar_id, [link.entry_id], content)[link.entry_id])
    if link.origin is Origin.CALENDAR:
        return Read(link.ref, link, calendar=calendar)
    moved = elsewhere(run, [link]) if calendar is Missing.GONE else {}
    calendar = written_before(run, link) if calendar is Missing.NOT_READ else calendar
    read = Read(link.ref, link, read_booking(run, link.booking_id), calendar, entry_is_whole=True)
    return found_again(read, moved[link.ref]) if moved else read


def shown_for(link: Link, entry: Entry | None) -> Entry | Missing:
    """What was looked up for a link. A single entry that repeats since is gone: each of its dates has a block."""
    is_series_now = entry is not None and entry.kind is Kind.MASTER
    if entry is None or (is_series_now and link.origin is Origin.CALENDAR and link.series_id is None):
        return Missing.GONE
    return entry


def _mailbox_of(run: SyncRun, link: Link) -> MailboxId | None:
    return next((mailbox for mailbox, calendar in run.state.calendars if calendar == link.calendar_id), None)
