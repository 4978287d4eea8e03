"""What the tests of calendar items share: people with accounts, calendars without a request, items."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from exchangelib import CalendarItem, EWSDateTime, EWSTimeZone, Mailbox
from exchangelib.extended_properties import ExtendedProperty
from exchangelib.folders import Calendar
from exchangelib.folders.roots import Root
from exchangelib.properties import DistinguishedFolderId

from tests.sandbox.ews_client import account, trusting
from tests.sandbox.ews_schema import check_log
from tests.sandbox.small_microsoft import Microsoft

ANNA = "anna@clinic.example"
BERT = "bert@clinic.example"
INA = "ina@clinic.example"
ROME = EWSTimeZone("Europe/Rome")
DAY = date(2026, 11, 23)


class Mark(ExtendedProperty):
    property_set_id = "c11ff724-aa03-4555-9952-8fa248a11c3e"
    property_name = "calsyncId"
    property_type = "String"


MARK_URI = (
    '<t:ExtendedFieldURI PropertySetId="c11ff724-aa03-4555-9952-8fa248a11c3e" PropertyName="calsyncId" '
    'PropertyType="String"/>'
)


@contextmanager
def exchange_of(microsoft: Microsoft, *, ignore_requests: bool = False) -> Iterator[None]:
    """Anna, Bert and Ina have accounts; afterwards every message is held against the schema."""
    for address in (ANNA, BERT, INA):
        microsoft.control("PATCH", f"/people/{address}", {"exchange": {}})
    microsoft.control("PATCH", "/settings", {"key_rotation_seconds": None})
    CalendarItem.register("mark", Mark)
    try:
        with trusting(microsoft.addresses["ca_file"]):
            yield
    finally:
        CalendarItem.deregister("mark")
    check_log(microsoft, ignore_requests=ignore_requests)


def calendar_of(microsoft: Microsoft, address: str = ANNA, caller: str | None = None, **more: Any) -> Calendar:
    """A calendar without a request: by distinguished name and mailbox."""
    them = account(microsoft, address, caller or address, default_timezone=ROME, **more)
    return Calendar(
        root=Root(account=them),
        _distinguished_id=DistinguishedFolderId(id="calendar", mailbox=Mailbox(email_address=address)),
    )


def at(hour: int, minute: int = 0, day: date = DAY) -> EWSDateTime:
    return EWSDateTime(day.year, day.month, day.day, hour, minute, tzinfo=ROME)


def an_item(calendar: Calendar, **fields: Any) -> CalendarItem:
    given = {"subject": "Massage", "start": at(9), "end": at(10), **fields}
    return CalendarItem(account=calendar.account, folder=calendar, **given)


def in_view(calendar: Calendar, days: int = 1) -> list[CalendarItem]:
    return list(calendar.view(start=at(0), end=at(0) + timedelta(days=days)))
