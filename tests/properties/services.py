"""What the services do by themselves, a mailbox above all: steps of a life (life.py), and what happens inside a run."""

from datetime import timedelta
from random import Random

from calsync_core.adapters.memory.exchange_calendar import MemoryExchangeCalendarProvider
from calsync_core.domain.ids import CalendarId
from calsync_core.domain.values import replace
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import CalendarPage, Content

from tests.properties.attentive import AttentiveProvider
from tests.properties.looking import Looking


class Moody(AttentiveProvider):
    """May give a page of the feed twice, as the real one does after a fault inside it."""

    repeats = False

    def changes(self, calendar_id: CalendarId, cursor: str | None, window: Window, content: Content) -> CalendarPage:
        page = super().changes(calendar_id, cursor, window, content)
        if self.repeats and cursor is not None:
            self.repeats = False
            return replace(page, next_cursor=cursor, is_last=False)
        return page


class MoodyExchange(Moody, MemoryExchangeCalendarProvider):
    """The same at an Exchange server."""


class Services(Looking):
    """`place` is whose mailbox. What begins with an underscore happens while a run is under way (faults.py)."""

    def expire_cursors(self, place: str) -> None:
        self.server(place).expire_cursors()

    def expire_host_cursors(self) -> None:
        self.clinic.system.expire_cursors()

    def rotate_change_keys(self, place: str) -> None:
        self.server(place).rotate_created()

    def hold_feed(self, place: str) -> None:
        self.server(place).hold_feed()

    def release_feed(self, place: str) -> None:
        self.server(place).release_feed()

    def time_passes(self, hours: float) -> None:
        self.clinic.clock.advance(timedelta(hours=hours))
        self.went_back += max(timedelta(hours=-hours), timedelta(0))

    def _be_slow(self, _random: Random) -> None:
        self.clinic.clock.advance(timedelta(seconds=55))

    def _repeat_page(self, _random: Random) -> None:
        for provider in self.clinic.providers.values():
            provider.repeats = True  # type: ignore[attr-defined]

    def _touch(self, _random: Random) -> None:
        for server in self.clinic.servers.values():
            last = server.items.get(server.writes[-1].entry_id) if server.writes else None
            if last is not None and not last.is_gone:
                server.touch(last.entry.id)
