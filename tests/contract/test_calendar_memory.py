"""The mailbox in memory keeps the contract, so that the engine's property tests mean something."""

import pytest
from calsync_core.adapters.memory.exchange_calendar import MemoryExchangeCalendarProvider
from calsync_core.adapters.memory.exchange_mailbox import MemoryExchangeMailboxServer

from tests.contract.calendar_contract import CalendarContract
from tests.contract.calendar_sides import NOW, ZONE, MemorySide, Side
from tests.contract.test_calendar_exchange import ExchangeContract


class TestMemoryCalendar(CalendarContract):
    @pytest.fixture
    def side(self) -> Side:
        return MemorySide()

    @pytest.fixture
    def webhook(self) -> str:
        return "https://calsync.example/hooks/graph"


class TestMemoryExchangeCalendar(ExchangeContract):
    """The same mailbox as an Exchange server shows it."""

    @pytest.fixture
    def side(self) -> Side:
        server = MemoryExchangeMailboxServer(lambda: NOW, ZONE, page_size=4)
        side = MemorySide(server)
        side.provider = MemoryExchangeCalendarProvider(server)
        return side
