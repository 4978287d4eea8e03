"""What one side shows of the other under the settings: privacy, fields, filters. Private text never comes through."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from calsync_core.domain.appointments import (
    AllDay,
    Block,
    BlockKind,
    Booking,
    Busy,
    Copy,
    Customer,
    Entry,
    Notes,
    Response,
    Timed,
)
from calsync_core.domain.settings import SyncSettings, effective
from calsync_core.domain.texts import LONGEST_TITLE
from calsync_core.engine.project import BLOCKER_TITLE, NotBlocking, project_booking, project_entry

from tests.unit.engine.parts import BLOCK_REF, BOOKING, ENTRY, NINE, RESOURCE

FULL_BOOKING = replace(
    BOOKING, title="Smith, knee", service_name="Massage", customer=Customer("Jo Smith", "jo@example.org", "+49 1"),
    notes=Notes("allergic to nuts"), location="Room 2", custom_fields=(("insurer", "ACME"),),
)  # fmt: skip
CANARIES = ("Smith", "knee", "Massage", "jo@example.org", "+49 1", "nuts", "Room 2", "ACME")
FULL_ENTRY = replace(ENTRY, title="Dentist", notes=Notes("bring X-ray"), location="Main St")


def settings(**values: Any) -> SyncSettings:
    return effective({key.replace("__", "."): value for key, value in values.items()}, {})


def copy(booking: Booking = FULL_BOOKING, **values: Any) -> Copy:
    return project_booking(booking, settings(**values), RESOURCE)


def block(entry: Entry = FULL_ENTRY, *, time_only: bool = False, **values: Any) -> Block | NotBlocking:
    return project_entry(entry, settings(**values), RESOURCE, BLOCK_REF, time_only=time_only)


@pytest.mark.prop("P8")
def test_an_anonymous_copy_carries_time_only() -> None:
    done = copy(to_calendar__privacy="anonymous")

    assert done == Copy(BOOKING.when, "Europe/Berlin", BLOCKER_TITLE)
    private = copy(
        replace(FULL_BOOKING, is_private=True), to_calendar__privacy="anonymous", to_calendar__show_as="oof",
        to_calendar__alarm=True, to_calendar__alarm_minutes=5,
    )  # fmt: skip
    alarmed = Copy(BOOKING.when, "Europe/Berlin", BLOCKER_TITLE, busy=Busy.OOF, is_private=True)
    assert private == replace(alarmed, reminder=timedelta(minutes=5))
    assert not [word for word in CANARIES if word in repr(done)]


@pytest.mark.parametrize(
    ("fields", "title", "notes", "location"),
    [
        (("service", "customer"), "Massage - Jo Smith", None, None),
        (("service",), "Massage", None, None),
        (("customer",), "Jo Smith", None, None),
        (("service", "customer", "resource"), "Massage - Jo Smith - Anna", None, None),
        (("service", "phone", "email"), "Massage", "+49 1\njo@example.org", None),
        (("service", "notes"), "Massage", "allergic to nuts", None),
        (("service", "phone", "notes"), "Massage", "+49 1\n\nallergic to nuts", None),
        (("service", "location"), "Massage", None, "Room 2"),
        ((), BLOCKER_TITLE, None, None),
        (("resource",), BLOCKER_TITLE, None, None),
    ],
)
def test_a_copy_shows_the_chosen_fields_and_no_other(
    fields: tuple[str, ...], title: str, notes: str | None, location: str | None
) -> None:
    done = copy(to_calendar__fields=fields)

    assert (done.title, done.notes.text if done.notes else None, done.location) == (title, notes, location)


def test_html_of_a_detail_in_the_title_is_read_as_text() -> None:
    notes = Notes("<b>bring</b> keys", is_html=True)
    done = copy(replace(FULL_BOOKING, notes=notes), to_calendar__fields=("notes",), to_calendar__title="{notes}")

    assert done.title == "bring keys"


@pytest.mark.prop("P8")
@pytest.mark.parametrize("fields", [(), ("service",), ("customer",), ("notes", "location")])
def test_the_free_title_never_leaks_what_is_hidden(fields: tuple[str, ...]) -> None:
    """It may hold any of the details: it stands in only where service and customer may both be shown."""
    bare = replace(FULL_BOOKING, service_name=None, customer=None)

    assert copy(bare, to_calendar__fields=fields).title == BLOCKER_TITLE
    assert copy(bare, to_calendar__fields=("service", "customer")).title == "Smith, knee"


def test_a_long_title_is_cut_and_its_line_breaks_go() -> None:
    done = copy(replace(FULL_BOOKING, service_name="a\r\nb " + "x" * 400))

    assert len(done.title) == LONGEST_TITLE
    assert done.title.startswith("a b x")


@pytest.mark.bad_input(31)
@pytest.mark.parametrize(
    ("text", "kept"), [("\U0001f921", 127), ("\u05e9", 255), ("x\U0001f921", 85 * 2), ("\u200f", 255)]
)
def test_a_title_is_as_long_as_the_calendar_counts_it(text: str, kept: int) -> None:
    """An emoji is two characters to Microsoft: 255 of them were refused, and the booking had no copy."""
    done = copy(replace(FULL_BOOKING, service_name=text * 300), to_calendar__fields=["service"])

    assert done.title == (text * 300)[:kept]
    assert len(done.title.encode("utf-16-le")) // 2 <= LONGEST_TITLE


@pytest.mark.parametrize("show_as", ["busy", "tentative", "oof", "free"])
def test_a_copy_is_shown_as_chosen(show_as: str) -> None:
    done = copy(to_calendar__show_as=show_as, to_calendar__alarm=True, to_calendar__alarm_minutes=30)

    assert (done.busy, done.reminder) == (Busy(show_as), timedelta(minutes=30))
    assert copy().reminder is None, "no alarm is said explicitly"


def test_a_private_booking_is_private_in_the_calendar_whatever_the_setting() -> None:
    assert copy(replace(FULL_BOOKING, is_private=True)).is_private
    assert copy(to_calendar__sensitivity="private").is_private
    assert not copy().is_private


# --- entries ---

DAY = AllDay(date(2026, 11, 24), date(2026, 11, 25))


@pytest.mark.rule("R21")
@pytest.mark.parametrize(
    ("change", "values", "expected"),
    [
        ({}, {}, BlockKind.BUSY),
        ({"busy": Busy.OOF}, {}, BlockKind.OOF),
        ({"busy": Busy.UNKNOWN}, {}, BlockKind.BUSY),
        ({"busy": Busy.TENTATIVE}, {}, BlockKind.TENTATIVE),
        ({"busy": Busy.TENTATIVE}, {"tentative": "ignore"}, NotBlocking.TENTATIVE),
        ({"busy": Busy.WORKING_ELSEWHERE}, {}, NotBlocking.WORKING_ELSEWHERE),
        ({"busy": Busy.WORKING_ELSEWHERE}, {"working_elsewhere": "block"}, BlockKind.BUSY),
        ({"busy": Busy.FREE}, {}, NotBlocking.FREE),
        ({"busy": Busy.FREE}, {"free": "block"}, BlockKind.BUSY),
        ({"when": DAY}, {}, BlockKind.BUSY),
        ({"when": Timed(NINE.start_at, NINE.start_at)}, {"free": "block"}, NotBlocking.NO_LENGTH),
        ({"when": DAY, "busy": Busy.FREE}, {}, NotBlocking.FREE),
        ({"when": DAY}, {"all_day": "ignore"}, NotBlocking.ALL_DAY),
        ({"when": DAY, "busy": Busy.FREE}, {"all_day": "block"}, BlockKind.BUSY),
        ({"when": DAY, "busy": Busy.OOF}, {"all_day": "block"}, BlockKind.OOF),
        ({"response": Response.DECLINED}, {}, NotBlocking.DECLINED),
        ({"response": Response.DECLINED}, {"declined": "block"}, BlockKind.BUSY),
        ({"response": Response.NOT_RESPONDED}, {}, BlockKind.BUSY),
        ({"response": Response.NOT_RESPONDED}, {"not_responded": "ignore"}, NotBlocking.NOT_RESPONDED),
        ({"is_private": True}, {}, BlockKind.BUSY),
        ({"is_private": True}, {"private": "skip"}, NotBlocking.PRIVATE_SKIPPED),
        ({"is_cancelled": True, "busy": Busy.BUSY}, {"free": "block", "declined": "block"}, NotBlocking.CANCELLED),
    ],
)
@pytest.mark.complaint(15)
def test_what_blocks_and_what_does_not(change: dict, values: dict, expected: BlockKind | NotBlocking) -> None:
    done = block(replace(FULL_ENTRY, **change), **{f"from_calendar__{key}": value for key, value in values.items()})

    assert (done.kind if isinstance(done, Block) else done) == expected


@pytest.mark.prop("P8")
@pytest.mark.parametrize(
    ("change", "values", "text"),
    [
        ({}, {}, (None, None)),
        ({}, {"privacy": "full"}, ("Dentist", "bring X-ray")),
        ({}, {"privacy": "full", "title": False}, (None, "bring X-ray")),
        ({}, {"privacy": "full", "notes": False}, ("Dentist", None)),
        ({"title": None}, {"privacy": "full"}, (None, "bring X-ray")),
        ({"is_private": True}, {"privacy": "full"}, (None, None)),
        ({"is_private": True}, {"privacy": "full", "private": "full"}, ("Dentist", "bring X-ray")),
        ({"is_private": True}, {"private": "full"}, (None, None)),
    ],
)
def test_a_block_says_only_what_may_be_said(change: dict, values: dict, text: tuple) -> None:
    done = block(replace(FULL_ENTRY, **change), **{f"from_calendar__{key}": value for key, value in values.items()})

    assert isinstance(done, Block)
    assert (done.title, done.notes.text if done.notes else None) == text
    assert "Main St" not in repr(done), "the place is never copied"


@pytest.mark.bad_input(31)
def test_the_title_of_a_block_is_as_short_as_that_of_a_copy() -> None:
    """Booking systems refuse longer ones (connector-v1.md: 1,000 characters)."""
    done = block(replace(FULL_ENTRY, title="x" * 10_000), from_calendar__privacy="full")

    assert isinstance(done, Block)
    assert done.title == "x" * LONGEST_TITLE


@pytest.mark.prop("P8")
def test_time_only_wins_over_every_setting() -> None:
    done = block(time_only=True, from_calendar__privacy="full", from_calendar__private="full")

    assert isinstance(done, Block)
    assert (done.title, done.notes) == (None, None)


@pytest.mark.rule("R103")
@pytest.mark.parametrize(
    ("title", "fields", "shown"),
    [
        ("Physio", ("service", "customer"), "Physio - Jo Smith"),
        ("Physio Jo Smith", ("service", "customer"), "Physio Jo Smith"),
        ("Physio", ("customer",), "Jo Smith"),
        ("Physio", ("service",), BLOCKER_TITLE),
        ("", ("service", "customer"), "Jo Smith"),
    ],
)
def test_a_booking_without_a_service_is_about_what_its_title_says(
    title: str, fields: tuple[str, ...], shown: str
) -> None:
    """Story: the receptionist booked "Physio" for Jo Smith, and Outlook showed an entry named Jo Smith."""
    plain = replace(FULL_BOOKING, title=title, service_name=None)

    assert project_booking(plain, settings(to_calendar__fields=fields), RESOURCE).title == shown
