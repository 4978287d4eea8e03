"""The Graph adapter keeps the contract against the Microsoft sandbox.

Every exchange is judged by Microsoft's own description of Graph, where that page is at hand.
"""

from collections.abc import Iterator

import pytest

from tests.contract.calendar_contract import CalendarContract
from tests.contract.calendar_sides import GraphSide, Side
from tests.contract.exchanges import check_exchanges
from tests.contract.microsoft import Microsoft
from tests.contract.webhook_receiver import Receiver


class TestGraphCalendar(CalendarContract):
    @pytest.fixture
    def side(self, microsoft: Microsoft) -> Iterator[Side]:
        since = microsoft.log_id()
        person = microsoft.add_person(calendars=[{"name": "Second"}])
        yield GraphSide(person)
        check_exchanges(microsoft.log(since), person.email)

    @pytest.fixture
    def webhook(self, receiver: Receiver) -> str:
        return f"{receiver.url}/hooks"
