"""The Exchange adapter keeps the contract against the Microsoft sandbox, which is the same mailbox as Graph's.

What Exchange has otherwise than Graph is said in the subclass: no transaction ids, so that a repeat is the caller's to
avoid by the mark; no renewal of a subscription, so that it is made anew; and a feed that brings marks.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from calsync_core.domain.errors import AppointmentGoneError

from tests.contract.calendar_contract import CalendarContract
from tests.contract.calendar_sides import NOW, Side
from tests.contract.ews_exchanges import check_ews_exchanges
from tests.contract.exchange_side import ExchangeSide
from tests.contract.microsoft import Microsoft


class ExchangeContract(CalendarContract):
    has_transactions = False

    @pytest.fixture
    def webhook(self) -> str:
        return "http://127.0.0.1:9/hooks"

    def test_a_subscription_is_granted_renewed_and_forgotten(self, side: Side, webhook: str) -> None:
        until = NOW + timedelta(days=3)
        granted = side.provider.subscribe(side.calendar, f"{webhook}/a", "", "", until)
        again = side.provider.subscribe(side.calendar, f"{webhook}/a", "", "", until)

        assert granted.expires_at == until
        assert again.subscription_id != granted.subscription_id
        with pytest.raises(AppointmentGoneError):
            side.provider.renew(granted.subscription_id, until)
        side.provider.unsubscribe(granted.subscription_id)
        side.provider.unsubscribe(granted.subscription_id)


class TestExchangeCalendar(ExchangeContract):
    @pytest.fixture
    def side(self, microsoft: Microsoft) -> Iterator[Side]:
        yield from judged(microsoft)


class TestExchange2010Calendar(ExchangeContract):
    @pytest.fixture
    def side(self, microsoft: Microsoft) -> Iterator[Side]:
        yield from judged(microsoft, auth="basic", api_version="Exchange2010_SP2")


class TestExchange2007Calendar(ExchangeContract):
    """`Use the 2007 protocol` stays at 2007 to the last request."""

    @pytest.fixture
    def side(self, microsoft: Microsoft) -> Iterator[Side]:
        yield from judged(microsoft, auth="basic", api_version="Exchange2007_SP1", is_2007=True)


def judged(microsoft: Microsoft, **server: Any) -> Iterator[ExchangeSide]:
    since = microsoft.log_id()
    person = microsoft.add_person(calendars=[{"name": "Second"}], exchange={})
    yield ExchangeSide(person, **server)
    check_ews_exchanges(microsoft.log(since), person.email, is_2007=bool(server.get("is_2007")))
