"""The mailbox in memory keeps the contract, so that the engine's property tests mean something."""

import pytest

from tests.contract.calendar_contract import CalendarContract
from tests.contract.calendar_sides import MemoryExchangeSide, MemorySide, Side
from tests.contract.test_calendar_exchange import ExchangeContract


class TestMemoryCalendar(CalendarContract):
    @pytest.fixture
    def side(self) -> Side:
        return MemorySide()

    @pytest.fixture
    def webhook(self) -> str:
        return "https://calsync.example/hooks/graph"


class TestMemoryExchangeCalendar(ExchangeContract):
    @pytest.fixture
    def side(self) -> Side:
        return MemoryExchangeSide()
