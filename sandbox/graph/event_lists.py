"""Lists of events: the plain list (masters and single events), the calendar view, instances of a series."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sandbox.appointments import Appointment, Entry
from sandbox.calendars import Calendar, Folder
from sandbox.graph import errors
from sandbox.graph.calls import Answer, Call
from sandbox.graph.entries import find_entry
from sandbox.graph.errors import GraphError
from sandbox.graph.event_calls import shown
from sandbox.graph.filters import asks_for_property
from sandbox.graph.queries import chosen, page_of, read_options
from sandbox.graph.times import read_instant
from sandbox.series import occurrences_between, overlaps

MAX_VIEW = timedelta(days=1825)
_NOT_IN_VIEWS = frozenset({"createdDateTime", "lastModifiedDateTime"})


def list_events(call: Call) -> Answer:
    """GET events: series masters and single events, newest first, no occurrences."""
    options = read_options(call)
    folder = call.folder()
    homes: dict[str, Folder] = {folder.calendar.calendar_id: folder}
    if "calendar" not in call.request.path_params and asks_for_property(options.filter_text):
        own = (f for f in call.reach.folders() if f.calendar.mailbox_oid == call.mailbox.oid)
        homes |= {f.calendar.calendar_id: f for f in own}
    entries: list[Entry] = [entry for home in homes.values() for entry in home.calendar.entries.values()]
    entries.reverse()

    def show(entry: Appointment) -> dict[str, object]:
        return shown(call, homes[entry.calendar_id], entry, options)

    return Answer(200, page_of(call, chosen(entries, options), options, show, "events"))


def window_of(call: Call, *, needs_end: bool = True) -> tuple[datetime, datetime | None]:
    """Return startDateTime and endDateTime of a request; the offset in the value counts, none is UTC.

    Raises GraphError 400.
    """
    query = {name.casefold(): value for name, value in call.query().items()}
    start, end = query.get("startdatetime"), query.get("enddatetime")
    if start is None or (needs_end and end is None):
        raise errors.invalid_parameter(
            "This request requires a time window specified by the query string parameters StartDateTime and "
            "EndDateTime."
        )
    try:
        start_at = read_instant(start)
        end_at = read_instant(end) if end is not None else None
    except (ValueError, OverflowError) as error:
        raise errors.invalid_parameter("The value of StartDateTime or EndDateTime is not a valid time.") from error
    if end_at is not None and end_at <= start_at:
        raise errors.invalid_parameter("The value of EndDateTime must be later than StartDateTime.")
    if end_at is not None and end_at - start_at > MAX_VIEW:
        raise GraphError(
            400, "ErrorCalendarViewRangeTooBig", "The specified view range exceeds the maximum range of 1825 days."
        )
    return start_at, end_at


def entries_between(calendar: Calendar, start_at: datetime, end_at: datetime) -> list[Entry]:
    """Single events, occurrences and exceptions that overlap a time, by start."""
    found: list[Entry] = []
    for appointment in calendar.entries.values():
        if appointment.is_series:
            found += occurrences_between(appointment, start_at, end_at)
        elif overlaps(appointment.content, start_at, end_at):
            found.append(appointment)
    found.sort(key=lambda entry: entry.content.start_at)
    return found


def list_view(call: Call) -> Answer:
    """GET calendarView: everything in a time, series expanded."""
    folder = call.folder()
    start_at, end_at = window_of(call)
    assert end_at is not None
    return _window_page(call, folder, entries_between(folder.calendar, start_at, end_at))


def list_instances(call: Call) -> Answer:
    """GET instances of one series in a time."""
    found = find_entry(call)
    start_at, end_at = window_of(call)
    assert end_at is not None
    if found.entry is not found.master or not found.master.is_series:
        raise errors.invalid_request("The event is not a recurring series.")
    return _window_page(call, found.folder, occurrences_between(found.master, start_at, end_at))


def _window_page(call: Call, folder: Folder, entries: Iterable[Entry]) -> Answer:
    options = read_options(call)
    if options.select is not None:  # documented: these two cannot be selected in a view
        options = options.without(_NOT_IN_VIEWS)

    def show(entry: Entry) -> dict[str, object]:
        return shown(call, folder, entry, options)

    return Answer(200, page_of(call, chosen(list(entries), options), options, show, "calendarView"))
