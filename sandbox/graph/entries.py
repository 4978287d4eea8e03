"""Finding the entry that a path names, and refusing writes on a stale change key."""

from dataclasses import dataclass

from sandbox.appointments import Appointment, Entry
from sandbox.calendars import Folder
from sandbox.graph import errors, ids
from sandbox.graph.calls import Call
from sandbox.graph.events import Viewer, etag_of, master_of
from sandbox.series import occurrence_on


@dataclass(frozen=True, slots=True)
class Found:
    """An entry and the calendar in which the caller sees it."""

    folder: Folder
    entry: Entry

    @property
    def master(self) -> Appointment:
        """The entry itself, or the series of an occurrence."""
        return master_of(self.entry)


def viewer(call: Call, folder: Folder) -> Viewer:
    """For whom events of this call are shown."""
    return Viewer(call.mailbox, folder, call.prefer, call.world.settings.outlook_url)


def find_entry(call: Call) -> Found:
    """Return the entry that the path names. Raises GraphError 400, 404 or 500."""
    try:
        parsed = ids.parse(call.request.path_params["event"])
    except ids.MalformedIdError as error:
        raise errors.malformed_id() from error
    if parsed.kind not in ("entry", "immutable") or parsed.mailbox != ids.mailbox_mark(call.mailbox.oid):
        raise errors.item_not_found()
    appointment = call.world.mailboxes.entry(parsed.entry_id)
    folder = None if appointment is None else _folder_of(call, appointment, parsed)
    if appointment is None or folder is None:
        raise errors.item_not_found()
    if "calendar" in call.request.path_params and call.folder() != folder:
        raise errors.item_not_found()
    call.usable(folder)
    if parsed.day is None:
        return Found(folder, appointment)
    occurrence = occurrence_on(appointment, parsed.day)
    if occurrence is None or parsed.pattern_version != appointment.pattern_version & 0xFFFF:
        raise errors.item_not_found()
    return Found(folder, occurrence)


def _folder_of(call: Call, appointment: Appointment, parsed: ids.ParsedId) -> Folder | None:
    folders = [f for f in call.reach.folders() if f.calendar.calendar_id == appointment.calendar_id]
    if parsed.kind == "immutable":
        return next(iter(folders), None)
    if parsed.arrival != appointment.arrival:
        return None
    return next((f for f in folders if f.folder_id == parsed.folder_id), None)


def check_match(call: Call, entry: Entry) -> None:
    """Refuse a write whose If-Match names another change key than the entry's. Raises GraphError 412."""
    header = call.request.headers.get("if-match")
    if header is None:
        return
    wanted = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    if "*" not in wanted and etag_of(entry).removeprefix("W/") not in wanted:
        raise errors.stale_change_key()
