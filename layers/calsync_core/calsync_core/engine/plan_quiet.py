"""Where next to nothing is done: a side could not be read, the appointment is set aside, the direction is closed."""

from calsync_core.domain.appointments import Booking, Entry
from calsync_core.domain.links import Origin
from calsync_core.domain.values import replace
from calsync_core.engine.actions import (
    UNSEEN,
    Action,
    Agree,
    DeleteBlock,
    DeleteCopy,
    DropLink,
    Quiet,
    Skip,
)
from calsync_core.engine.observe import Observation, Scope

WAITS = Quiet("R17", "window_unread")
SET_ASIDE = Quiet("R52", "entry_quarantined")
_CLOSED = Quiet("R40", "direction")


OUTDATED = -1
"""The settings version of a link that has to be projected anew whenever it is seen."""


def closed(seen: Observation, scope: Scope) -> Action | None:
    """The direction is closed: nothing new (R40), what is there is left alone, unless the admin chose to have it
    removed from the whole window (R43)."""
    link = seen.read.link
    if link is None:
        return Skip("R40", seen.read.ref, code="direction")
    if link.settings_version >= scope.reproject_below:
        return _CLOSED
    if not scope.removes_closed:  # stricter privacy: never edited while it is closed, rewritten when it opens again
        return Agree("R100", replace(link, settings_version=OUTDATED)) if link.settings_version >= 0 else _CLOSED
    if link.origin is Origin.CALENDAR:
        return DeleteBlock("R43", link)
    entry = seen.read.calendar
    version = entry.version if isinstance(entry, Entry) else link.calendar.version or UNSEEN
    if isinstance(entry, Entry):  # an intent without a result, found by its mark
        link = replace(link, entry_id=entry.id, calendar_id=entry.calendar_id)
    return DeleteCopy("R43", link, version) if link.entry_id else DropLink("R43", link)


def has_new_version(read: object, agreed: str) -> bool:
    return isinstance(read, Booking | Entry) and read.version != agreed
