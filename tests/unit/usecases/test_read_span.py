"""A look that would end somewhere in the middle says that it could not be made; it never passes for a whole one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.domain.ids import CalendarId, ResourceId
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import CalendarPage, Content
from calsync_core.ports.host import BookingPage
from calsync_core.usecases.read_span import bookings_in, read_span

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SPAN = Window(NOON, NOON + timedelta(hours=1))


class Endless:
    """A side whose pages never end, or end after `pages`."""

    def __init__(self, pages: int | None = None) -> None:
        self.pages = pages
        self.asked: list[Any] = []

    def bookings(self, _resource: ResourceId, span: Window, cursor: str | None) -> BookingPage:
        self.asked.append((span, cursor))
        return BookingPage((), None if len(self.asked) == self.pages else f"page-{len(self.asked)}")

    def changes(self, _calendar: CalendarId, cursor: str | None, span: Window, _content: Content) -> CalendarPage:
        self.asked.append((span, cursor))
        return CalendarPage((), (), f"page-{len(self.asked)}", is_last=len(self.asked) == self.pages)


def test_bookings_on_more_pages_than_were_asked_for_are_no_answer() -> None:
    with pytest.raises(ProviderUnavailableError) as raised:
        list(bookings_in(Endless(), ResourceId("anna"), SPAN, most_pages=3))  # type: ignore[arg-type]
    assert raised.value.code == "too_many_pages"


def test_the_last_page_that_is_allowed_still_counts() -> None:
    host = Endless(pages=3)
    assert list(bookings_in(host, ResourceId("anna"), SPAN, most_pages=3)) == []  # type: ignore[arg-type]
    assert host.asked == [(SPAN, None), (SPAN, "page-1"), (SPAN, "page-2")]


def test_entries_on_more_pages_than_were_asked_for_are_no_answer() -> None:
    with pytest.raises(ProviderUnavailableError) as raised:
        read_span(Endless(), CalendarId("c"), SPAN, Content(), most_pages=3)  # type: ignore[arg-type]
    assert raised.value.code == "too_many_pages"


def test_a_calendar_is_asked_for_a_day_more_on_each_side_because_days_float() -> None:
    calendar = Endless(pages=1)
    assert read_span(calendar, CalendarId("c"), SPAN, Content(), most_pages=1) == {}  # type: ignore[arg-type]
    day = timedelta(days=1)
    assert calendar.asked == [(Window(SPAN.start_at - day, SPAN.end_at + day), None)]
