"""Series and iCalendar through the mappings of the sandbox's Exchange and back: nothing is lost on the way."""

import base64
from datetime import date, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.appointments import Attendee, Content, Location, Person
from sandbox.calendars import Mailbox
from sandbox.exchange.errors import EwsError
from sandbox.exchange.items.mime_reading import read_base64
from sandbox.exchange.items.mime_writing import write_base64
from sandbox.exchange.items.recurrences import read_recurrence, show_recurrence
from sandbox.exchange.items.times import read_duration, read_time, show_duration
from sandbox.exchange.items.view import Item
from sandbox.exchange.paths import property_key, property_uri
from sandbox.exchange.xml import t
from sandbox.recurrence import Day, Recurrence, WeekIndex, dates
from sandbox.world import World, new_world
from sandbox.zones import Wall
from tests.sandbox.graph_client import ANNA

ZONE = "Romance Standard Time"
START = date(2026, 11, 23)
DAYS: tuple[Day, ...] = get_args(Day)
GROUPS: list[tuple[Day, ...]] = [*((day,) for day in DAYS), DAYS, DAYS[1:6], ("sunday", "saturday")]


def moment(clock: str) -> datetime:
    """A wall time of the first day."""
    return datetime.fromisoformat(f"{START}T{clock}")


@st.composite
def recurrences(draw: st.DrawFn) -> Recurrence:
    """Every pattern and range that both protocols can say."""
    types = ("daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly", "relativeYearly")
    type_: Any = draw(st.sampled_from(types))
    range_: Any = draw(st.sampled_from(("endDate", "noEnd", "numbered")))
    chosen = draw(st.sets(st.sampled_from(DAYS), min_size=1))
    weekly = tuple(day for day in DAYS if day in chosen)
    return Recurrence(
        type=type_,
        start_date=START,
        interval=1 if type_.endswith("Yearly") else draw(st.integers(1, 5)),
        days_of_week=(
            weekly if type_ == "weekly" else draw(st.sampled_from(GROUPS)) if type_.startswith("relative") else ()
        ),
        first_day_of_week=draw(st.sampled_from(DAYS)) if type_ == "weekly" else "sunday",
        day_of_month=draw(st.integers(1, 28)) if type_.startswith("absolute") else 0,
        month=draw(st.integers(1, 12)) if type_.endswith("Yearly") else 0,
        index=draw(st.sampled_from(get_args(WeekIndex))) if type_.startswith("relative") else "first",
        range_type=range_,
        end_date=START + timedelta(days=800) if range_ == "endDate" else None,
        count=draw(st.integers(1, 20)) if range_ == "numbered" else 0,
    )


@settings(deadline=None)  # the first example may load a package; nothing here is about time
@given(recurrences())
def test_a_recurrence_comes_back_from_xml(recurrence: Recurrence) -> None:
    assert read_recurrence(show_recurrence(recurrence, Wall(moment("09:00"), ZONE))) == recurrence


@settings(deadline=None)  # the first example may load a package; nothing here is about time
@given(recurrences())
def test_a_recurrence_in_icalendar_has_the_same_days(recurrence: Recurrence) -> None:
    content = Content(start=Wall(moment("09:00"), ZONE), end=Wall(moment("10:00"), ZONE))
    world = _world()
    entry = world.mailboxes.create(world.mailboxes.by_id(ANNA).default.calendar, content, recurrence=recurrence)  # type: ignore[union-attr]

    read = read_base64(write_base64(_item(world, entry)), ZONE)

    assert read.recurrence is not None
    assert _first(read.recurrence) == _first(recurrence)


def _first(recurrence: Recurrence) -> list[date]:
    return [day for _, day in zip(range(12), dates(recurrence), strict=False)]


def _world() -> World:
    world = new_world(seed=1)
    world.mailboxes.add(
        Mailbox(oid=ANNA, tenant_id="t", address="anna@clinic.example", display_name="Anna", time_zone=ZONE)
    )
    return world


def _item(world: World, entry: Any) -> Item:
    mailbox = world.mailboxes.by_id(ANNA)
    assert mailbox is not None
    return Item(mailbox, mailbox.default, entry)


def test_an_appointment_comes_back_from_icalendar() -> None:
    world = _world()
    content = Content(
        start=Wall(moment("09:00"), ZONE),
        end=Wall(moment("10:30"), ZONE),
        subject="Massage, with; odd: letters\\",
        body_type="text",
        body="one\r\ntwo",
        locations=(Location("Room 1"),),
        categories=("a", "b, c"),
        sensitivity="private",
        show_as="oof",
        is_reminder_on=True,
        reminder_minutes=45,
        attendees=(Attendee(Person("bert@clinic.example", "Bert"), "optional"),),
    )
    entry = world.mailboxes.create(world.mailboxes.by_id(ANNA).default.calendar, content, uid="mine@x")  # type: ignore[union-attr]

    read = read_base64(write_base64(_item(world, entry)), "UTC")

    changes = read.changes
    assert (changes["subject"], changes["body"].splitlines()) == (content.subject, ["one", "two"])
    assert (changes["locations"], changes["categories"]) == (content.locations, content.categories)
    assert (changes["sensitivity"], changes["show_as"]) == ("private", "oof")
    assert (changes["is_reminder_on"], changes["reminder_minutes"]) == (True, 45)
    assert read.start is not None
    assert read.start_zone is not None
    assert (read.start.at, read.start.offset, read.start_zone.name) == (content.start.at, None, ZONE)
    assert read.attendees["optional"][0].person.address == "bert@clinic.example"
    assert read.uid == "mine@x"


def test_exceptions_and_deleted_occurrences_come_back() -> None:
    world = _world()
    store = world.mailboxes
    content = Content(start=Wall(moment("09:00"), ZONE), end=Wall(moment("10:00"), ZONE))
    weekly = Recurrence(type="weekly", start_date=START, days_of_week=("monday",), range_type="numbered", count=5)
    entry = store.create(store.by_id(ANNA).default.calendar, content, recurrence=weekly)  # type: ignore[union-attr]
    second, third = START + timedelta(days=7), START + timedelta(days=14)
    store.edit_occurrence(entry, second, {"subject": "edited"})
    store.delete_occurrence(entry, third)

    read = read_base64(write_base64(_item(world, entry)), "UTC")

    assert [(day, edit.changes["subject"]) for day, edit in read.exceptions] == [(second, "edited")]
    assert read.cancelled == [third]


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"no calendar",
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEV",
    ],
)
def test_what_is_no_appointment_is_refused(words: bytes) -> None:
    with pytest.raises(EwsError) as refused:
        read_base64(base64.b64encode(words).decode(), "UTC")

    assert refused.value.code == "ErrorMimeContentInvalid"


@pytest.mark.parametrize(
    "key",
    [
        "String {c11ff724-aa03-4555-9952-8fa248a11c3e} Name calsyncId",
        "StringArray {00020329-0000-0000-c000-000000000046} Name Keywords",
        "Integer {00062002-0000-0000-c000-000000000046} Id 0x8205",
        "Boolean 0x10f4",
    ],
)
def test_a_property_has_one_key_both_ways(key: str) -> None:
    assert property_key(property_uri(key)) == key


@pytest.mark.parametrize(
    "attributes",
    [
        {"PropertyType": "Colour", "PropertyTag": "0x37"},
        {"PropertyType": "String"},
        {"PropertyType": "String", "PropertyName": "x"},
        {"PropertyType": "String", "PropertyTag": "0x37", "PropertyName": "x"},
        {"PropertyType": "String", "PropertySetId": "nonsense", "PropertyName": "x"},
        {"PropertyType": "String", "DistinguishedPropertySetId": "Common", "PropertyName": "x", "PropertyId": "1"},
    ],
)
def test_a_property_that_names_nothing_is_refused(attributes: dict[str, str]) -> None:
    with pytest.raises(EwsError) as refused:
        property_key(t("ExtendedFieldURI", **attributes))

    assert refused.value.code == "ErrorInvalidExtendedProperty"


@settings(deadline=None)  # the first example may load a package; nothing here is about time
@given(st.integers(0, 60 * 24 * 40))
def test_durations_come_back(minutes: int) -> None:
    assert read_duration(show_duration(timedelta(minutes=minutes))) == timedelta(minutes=minutes)


@pytest.mark.parametrize("words", ["", "2026-11-23", "2026-13-01T00:00:00", "nine o'clock"])
def test_what_is_no_time_is_refused(words: str) -> None:
    with pytest.raises(EwsError):
        read_time(words)
