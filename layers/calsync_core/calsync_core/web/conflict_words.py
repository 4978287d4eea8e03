"""How conflicts and their special ways out are called, and in which order they are listed, the same in the console and
behind the link in a mail."""

from datetime import datetime

from calsync_core.domain.conflicts import Conflict, ConflictKind, Resolution
from calsync_core.web.wording import wording
from calsync_core.web.wording.words import Wording


def _(text: str) -> str:
    """Marks a text for translation; it is translated where it is shown."""
    return text


KINDS: dict[ConflictKind, str] = {
    ConflictKind.SAME_TIME: _("Two entries at the same time"),
    ConflictKind.OUTSIDE_HOURS: _("Moved outside working hours"),
    ConflictKind.REFUSED: _("The booking system did not accept the new time"),
    ConflictKind.CHANGED_ON_BOTH: _("Changed on both sides"),
    ConflictKind.MOVED: _("Moved in the calendar"),
    ConflictKind.COPY_DELETED: _("Deleted in the calendar"),
    ConflictKind.NOT_WRITABLE: _("Could not be written"),
}
CHOICES_BY_KIND: dict[tuple[ConflictKind, Resolution], str] = {
    (ConflictKind.SAME_TIME, Resolution.KEEP_BOOKING): _("Accept that both stand"),
    (ConflictKind.COPY_DELETED, Resolution.KEEP_BOOKING): _("Write it into the calendar again"),
    (ConflictKind.COPY_DELETED, Resolution.TAKE_CALENDAR): _("Cancel the booking"),
    (ConflictKind.NOT_WRITABLE, Resolution.KEEP_BOOKING): _("Try again"),
}


def conflict_wording(kind: str) -> Wording:
    """All four parts, for mails and the log. A kind that is also a reason of the log has a text of its own."""
    return wording(_OWN_TEXTS.get(kind, kind))


_OWN_TEXTS = {ConflictKind.COPY_DELETED.value: "deleted_in_calendar"}


def starts_at(conflict: Conflict) -> tuple[datetime, str]:
    """When the first of both versions begins; whole days as in UTC, because only the order is asked for."""
    known = [when.interval("UTC")[0] for when in (conflict.booking_when, conflict.calendar_when) if when is not None]
    return min(known, default=conflict.opened_at), conflict.id
