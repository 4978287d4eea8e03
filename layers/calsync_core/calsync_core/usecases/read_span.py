"""Everything of one side in a span, asked live and forgotten again. Not here: the cursors of a sync."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

from calsync_core.domain.appointments import Booking, Entry
from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.domain.ids import CalendarId, EntryId, ResourceId
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import CalendarProvider, Content
from calsync_core.ports.host import HostPlatform

_DAY = timedelta(days=1)


def read_span(
    provider: CalendarProvider, calendar: CalendarId, span: Window, content: Content, *, most_pages: int
) -> dict[EntryId, Entry]:
    """By id, as the feed tells them: masters and sparse dates among them. Whole days float, so a day more on each side
    is read.

    Raises ProviderUnavailableError("too_many_pages") rather than give a part.
    """
    wide = Window(span.start_at - _DAY, span.end_at + _DAY)
    found: dict[EntryId, Entry] = {}
    cursor: str | None = None
    for _ in range(most_pages):
        page = provider.changes(calendar, cursor, wide, content)
        found.update({entry.id: entry for entry in page.entries})
        for gone in page.removed:
            found.pop(gone, None)
        if page.is_last:
            return found
        cursor = page.next_cursor
    raise ProviderUnavailableError("too_many_pages")


def bookings_in(
    host: HostPlatform, resource: ResourceId, span: Window, *, most_pages: int | None = None
) -> Iterator[Booking]:
    """Bookings and occurrences of series as they stand now, page by page.

    Raises ProviderUnavailableError("too_many_pages") where there are more pages than that.
    """
    cursor: str | None = None
    for number in count(1):
        page = host.bookings(resource, span, cursor)
        yield from page.bookings
        cursor = page.next_cursor
        if cursor is None:
            return
        if number == most_pages:
            raise ProviderUnavailableError("too_many_pages")
