"""The mailbox in memory keeps the contract, so that the engine's property tests mean something."""

import pytest

from tests.contract.calendar_contract import CalendarContract
from tests.contract.calendar_sides import MemorySide, Side


class TestMemoryCalendar(CalendarContract):
    @pytest.fixture
    def side(self) -> Side:
        return MemorySide()

    @pytest.fixture
    def webhook(self) -> str:
        return "https://calsync.example/hooks/graph"
