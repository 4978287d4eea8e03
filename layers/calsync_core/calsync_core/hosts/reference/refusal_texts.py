"""What the week page says when a rule refuses: what is in the way, and what to do."""

from zoneinfo import ZoneInfo

from calsync_core.hosts.reference.api import System
from calsync_core.hosts.reference.documents import Block, Booking
from calsync_core.hosts.reference.errors import NotFoundError, RefusalError
from calsync_core.hosts.reference.rendering import Fault
from calsync_core.hosts.reference.week import describe

_FIELDS = {"slot_taken": "start", "outside_hours": "start", "granularity": "start", "forbidden": "with"}
_ADVICE = {
    "outside_hours": "Choose another time, or change the working hours under People and rooms.",
    "granularity": "Choose a time on that grid.",
    "forbidden": "Choose somebody else, or switch bookings on under People and rooms.",
}


def explain(error: RefusalError, system: System) -> Fault:
    """The form field it belongs to, and a sentence for the reception."""
    field = _FIELDS.get(error.code, "")
    if error.code == "slot_taken":
        return field, f"This time is taken: {_in_the_way(error, system)}. Choose another time."
    if error.code == "version_mismatch":
        return field, "Somebody else has changed this booking in the meantime. Check it below and save again."
    if error.code == "locked":
        return field, "This booking is cancelled. Make a new one instead."
    return field, " ".join(filter(None, [error.message, _ADVICE.get(error.code)]))


def _in_the_way(error: RefusalError, system: System) -> str:
    found = [text for text in (_named(known_id, system) for known_id in error.conflicting_ids[:3]) if text]
    more = len(error.conflicting_ids) - len(found)
    return "; ".join(found) + (f" and {more} more" if more and found else "") or "something else stands there"


def _named(known_id: str, system: System) -> str:
    entry: Booking | Block
    try:
        entry = system.calendars.find(known_id).booking
        zone = entry.time_zone
    except NotFoundError:
        try:
            entry = system.blocks.get(known_id)
            zone = system.register.get(entry.resource_id).time_zone
        except NotFoundError:
            return ""  # gone since it stood in the way
    start, end = (moment.astimezone(ZoneInfo(zone)) for moment in (entry.start, entry.end))
    times = f"{start:%a %d %b}" if entry.all_day else f"{start:%a %d %b %H:%M}–{end:%H:%M}"
    return f"{describe(entry)}, {times}"
