"""Every setting of the copy and of the filters is obeyed by the projection and the plan (R100-R104)."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from calsync_core.domain.appointments import AllDay, Block, Booking, Copy, Customer, Entry, Notes, Timed
from calsync_core.domain.errors import InputError
from calsync_core.domain.settings import SyncSettings, effective, parse
from calsync_core.domain.title_template import render
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import DeleteBlock, MoveBooking, OpenConflict, UpdateCopy
from calsync_core.engine.project import NotBlocking, booking_time, copy_time, project_booking, project_entry

from tests.unit.engine.parts import (
    BLOCK_REF,
    BOOKING,
    COPY_ENTRY,
    ENTRY,
    NINE,
    NOON,
    RESOURCE,
    TEN,
    block_read,
    copy_read,
    decide,
    rule,
    scope,
)

FULL = replace(
    BOOKING, title="Smith, knee", service_name="Massage", customer=Customer("Jo Smith", "jo@example.org", "+49 1"),
    notes=Notes("allergic"), location="Room 2", custom_fields=(("insurer", "ACME"), ("secret", "hidden")),
)  # fmt: skip
QUARTER = timedelta(minutes=15)
BUFFERED = replace(BOOKING, buffer_before=QUARTER, buffer_after=2 * QUARTER)


def settings(**values: Any) -> SyncSettings:
    return effective({key.replace("__", "."): value for key, value in values.items()}, {})


def copy(booking: Booking = FULL, **values: Any) -> Copy:
    return project_booking(booking, settings(**values), RESOURCE)


def judged(entry: Entry, **values: Any) -> Block | NotBlocking:
    return project_entry(entry, settings(**values), RESOURCE, BLOCK_REF)


# --- the title --------------------------------------------------------------------------------------------------------

VALUES = {"service": "Cut!", "customer": "M. Muster", "resource": "Anna", "phone": "+49 1"}


@pytest.mark.parametrize(
    ("template", "shown", "title"),
    [
        ("{service} - {customer}", "service customer", "Cut! - M. Muster"),
        ("{service} - {customer}", "service", "Cut!"),
        ("{service} - {customer}", "customer", "M. Muster"),
        ("{service} - {customer} - {resource}", "service resource", "Cut! - Anna"),
        ("{service} / {customer} | {resource}", "resource", "Anna"),
        ("{service} ({customer})", "service", "Cut!"),
        ("{service} ({customer}, {phone})", "service phone", "Cut! (+49 1)"),
        ("[{service}] {customer}", "customer", "M. Muster"),
        ("Appointment: {service}", "service", "Appointment: Cut!"),
        ("Appointment: {service} - {customer}", "customer", "Appointment: M. Muster"),
        ("Appointment: {service}", "", ""),
        ("{service}{customer}", "service customer", "Cut!M. Muster"),
        ("Booked", "service", ""),
    ],
)
def test_separators_and_brackets_go_with_the_field_that_is_empty(template: str, shown: str, title: str) -> None:
    assert render(template, {name: VALUES[name] for name in shown.split()}) == title


@pytest.mark.rule("R103")
@pytest.mark.prop("P8")
@pytest.mark.parametrize("hidden", ["service", "customer", "phone", "email", "location", "notes", "custom:insurer"])
def test_a_field_that_is_off_never_comes_through_the_template(hidden: str) -> None:
    every = ("service", "customer", "phone", "email", "notes", "location", "custom:insurer")
    words = ("Massage", "Jo Smith", "+49 1", "jo@example.org", "allergic", "Room 2", "ACME")
    fields = [name for name in every if name != hidden]
    template = " / ".join(f"{{{name}}}" for name in every)

    done = copy(to_calendar__fields=fields, to_calendar__title=template)

    word = words[every.index(hidden)]
    assert word not in repr(done)
    assert "hidden" not in repr(done), "a custom field that nobody named"
    assert all(other in done.title for other in words if other != word)


def test_what_is_shown_and_not_in_the_title_stands_above_the_notes_once() -> None:
    done = copy(to_calendar__fields=["service", "customer", "custom:insurer", "notes"], to_calendar__title="{service}")

    assert done.title == "Massage"
    assert done.notes == Notes("Jo Smith\ninsurer: ACME\n\nallergic")


@pytest.mark.parametrize("template", ["{shoe_size}", "{service", "service}", "{}", "{custom:}", "{{service}}"])
def test_a_placeholder_that_is_no_detail_is_refused(template: str) -> None:
    with pytest.raises(InputError) as refused:
        parse({"to_calendar.title": template})

    assert (refused.value.code, refused.value.detail["field"]) == ("setting_title_field_unknown", "to_calendar.title")


# --- zone, buffers, notes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "zone"),
    [
        ("resource", "Europe/Berlin"),
        ("America/New_York", "America/New_York"),
        ("Eastern Standard Time", "America/New_York"),
    ],
)
def test_copies_are_written_in_the_chosen_zone(named: str, zone: str) -> None:
    done = copy(to_calendar__time_zone=named)

    assert done.time_zone == zone
    assert (fingerprint.asked_of_copy(done) == fingerprint.asked_of_copy(copy())) is (named == "resource")


@pytest.mark.rule("R102")
def test_a_copy_spans_the_buffers_or_the_service_alone() -> None:
    wide = Timed(NINE.start_at - QUARTER, NINE.end_at + 2 * QUARTER)

    assert copy(BUFFERED).when == wide
    assert copy(BUFFERED, to_calendar__buffers="only_service").when == NINE
    day = AllDay(date(2026, 11, 24), date(2026, 11, 25))
    assert copy(replace(BUFFERED, when=day)).when == day


@pytest.mark.rule("R102")
@pytest.mark.parametrize("mode", ["include", "only_service"])
@pytest.mark.parametrize("present", ["include", "only_service"])
def test_a_move_is_asked_for_without_the_buffers_it_was_written_with(mode: str, present: str) -> None:
    written = copy_time(BUFFERED, settings(to_calendar__buffers=mode))
    assert isinstance(written, Timed)
    moved = Timed(written.start_at + timedelta(hours=3), written.end_at + timedelta(hours=3))

    asked = booking_time(moved, BUFFERED, settings(to_calendar__buffers=present), fingerprint.time_of(written))

    assert asked == Timed(NINE.start_at + timedelta(hours=3), NINE.end_at + timedelta(hours=3))


@pytest.mark.rule("R102")
def test_a_copy_made_shorter_than_its_buffers_keeps_the_length_of_the_service() -> None:
    tiny = Timed(NOON.start_at, NOON.start_at + QUARTER)
    agreed = fingerprint.time_of(copy_time(BUFFERED, settings()))

    asked = booking_time(tiny, BUFFERED, settings(), agreed)

    assert asked == Timed(NOON.start_at + QUARTER, NOON.start_at + QUARTER + (NINE.end_at - NINE.start_at))


@pytest.mark.rule("R102")
def test_a_copy_exactly_as_long_as_its_buffers_keeps_the_length_of_the_service() -> None:
    short = Timed(NOON.start_at, NOON.start_at + 3 * QUARTER)
    agreed = fingerprint.time_of(copy_time(BUFFERED, settings()))

    asked = booking_time(short, BUFFERED, settings(), agreed)

    assert asked == Timed(NOON.start_at + QUARTER, NOON.start_at + QUARTER + (NINE.end_at - NINE.start_at))


@pytest.mark.rule("R102")
@pytest.mark.parametrize("mode", ["include", "only_service"])
def test_where_it_is_not_known_how_a_copy_was_written_the_present_setting_says_so(mode: str) -> None:
    asked = booking_time(NOON, BUFFERED, settings(to_calendar__buffers=mode), "")

    inner = Timed(NOON.start_at + QUARTER, NOON.end_at - 2 * QUARTER)
    assert asked == (inner if mode == "include" else NOON)


@pytest.mark.rule("R102")
@pytest.mark.parametrize("side", ["buffer_before", "buffer_after"])
def test_one_buffer_alone_counts(side: str) -> None:
    booking = replace(BOOKING, **{side: QUARTER})
    wide = copy_time(booking, settings())
    assert isinstance(wide, Timed)
    moved = Timed(wide.start_at + timedelta(hours=3), wide.end_at + timedelta(hours=3))

    asked = booking_time(moved, booking, settings(), fingerprint.time_of(wide))

    assert asked == Timed(NINE.start_at + timedelta(hours=3), NINE.end_at + timedelta(hours=3))


@pytest.mark.rule("R102")
def test_whole_days_have_no_buffers_on_either_side() -> None:
    day = AllDay(date(2026, 11, 24), date(2026, 11, 25))

    assert booking_time(day, BUFFERED, settings(), "") == day
    assert booking_time(NOON, replace(BUFFERED, when=day), settings(), "") == NOON


@pytest.mark.rule("R102")
def test_the_plan_asks_for_the_service_and_conflicts_name_it() -> None:
    read = copy_read(BUFFERED)
    assert read.link is not None
    wide = copy_time(BUFFERED, settings())
    link = replace(read.link, host=replace(read.link.host, time=fingerprint.time_of(wide)))
    link = replace(link, calendar=replace(link.calendar, time=fingerprint.time_of(wide)))
    moved = Timed(NOON.start_at - QUARTER, NOON.end_at + 2 * QUARTER)
    entry = replace(COPY_ENTRY, when=moved, version="v2")

    asked = decide(replace(read, link=link, calendar=entry))
    narrow = decide(replace(read, link=link, calendar=entry), scope(to_calendar__buffers="only_service"))
    assert narrow == asked, "as it was written, not as it would be now"
    flagged = decide(replace(read, link=link, calendar=entry), scope(edits__moved_in_calendar="flag"))

    assert isinstance(asked, MoveBooking)
    assert asked.when == NOON
    assert isinstance(flagged, OpenConflict)
    assert flagged.calendar_when == NOON


@pytest.mark.rule("R103")
def test_html_notes_are_kept_clean_or_become_text() -> None:
    html = Notes(
        "<p onclick='x()'>Bring <b>keys</b></p><script>alert(1)</script><img src='https://spy.example/p.gif'>"
        "<a href='javascript:x()'>one</a> <a href='https://e.example'>two</a><style>p{}</style>",
        is_html=True,
    )
    kept = copy(replace(FULL, notes=html), notes_format="html").notes
    plain = copy(replace(FULL, notes=html)).notes

    assert kept is not None
    assert kept.is_html
    assert "<b>keys</b>" in kept.text
    assert 'href="https://e.example"' in kept.text
    assert not [bad for bad in ("script", "alert", "onclick", "<img", "javascript", "style") if bad in kept.text]
    assert plain == Notes("Bring keysone two")


@pytest.mark.rule("R103")
def test_details_above_html_notes_are_escaped() -> None:
    booking = replace(FULL, customer=Customer("Jo", None, "<b>+49</b>"), notes=Notes("<i>x</i>", is_html=True))

    done = copy(booking, notes_format="html", to_calendar__fields=["service", "phone", "notes"]).notes

    assert done is not None
    assert "<b>" not in done.text
    assert done.text.endswith("<i>x</i>")


@pytest.mark.parametrize("wish", ["text", "html"])
def test_notes_have_at_most_32_kilobytes_however_they_came(wish: str) -> None:
    for text in ("ä" * 40_000, "<p>" + "ä" * 40_000, "<div>" * 20_000 + "x", "<!--" * 100_000, "<style" * 100_000):
        done = copy(replace(FULL, notes=Notes(text, is_html="<" in text)), notes_format=wish).notes
        assert done is None or len(done.text) <= 32_768
        assert done is None or not done.is_html or len(done.text.encode()) <= 32_768


def test_formatting_alone_is_a_change_of_what_we_ask_and_none_of_what_is_shown() -> None:
    bold, plain = replace(FULL, notes=Notes("<b>x</b>", is_html=True)), replace(FULL, notes=Notes("x"))
    first, second = copy(bold, notes_format="html"), copy(plain, notes_format="html")

    assert fingerprint.rest_of_copy(first) == fingerprint.rest_of_copy(second)
    assert fingerprint.asked_of_copy(first) != fingerprint.asked_of_copy(second)


# --- filters ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R101")
@pytest.mark.parametrize(
    ("entry", "exclude", "expected"),
    [
        ({"categories": ("Holiday",)}, {"categories": ["holiday "]}, NotBlocking.EXCLUDED_CATEGORY),
        ({"categories": ("Holidays",)}, {"categories": ["holiday"]}, None),
        ({"title": "Long LUNCH break"}, {"subjects": ["lunch"]}, NotBlocking.EXCLUDED_SUBJECT),
        ({"title": "Dentist"}, {"subjects": ["lunch"]}, None),
        ({"title": None, "is_private": True}, {"subjects": ["lunch"], "categories": ["x"]}, None),
        ({"title": None}, {"subjects": ["x"]}, None),
    ],
)
def test_excluded_entries_do_not_block(entry: dict, exclude: dict, expected: NotBlocking | None) -> None:
    done = judged(replace(ENTRY, **entry), from_calendar__exclude=exclude)

    assert done == expected if expected else isinstance(done, Block)


@pytest.mark.rule("R101")
def test_the_copy_of_a_booking_is_never_excluded() -> None:
    """It takes its time whatever its title says: another resource's booking is no lunch."""
    read = replace(block_read(replace(ENTRY, title="Lunch", mark=COPY_ENTRY.mark)), link=None)

    assert rule(decide(read, scope(from_calendar__exclude={"subjects": ["lunch"]}))) == "R33"


@pytest.mark.complaint(31)
@pytest.mark.rule("R104")
@pytest.mark.parametrize("is_final", [True, False])
def test_leaving_a_filter_frees_the_time_and_is_no_deletion(is_final: bool) -> None:
    read = block_read(replace(ENTRY, title="Lunch", version="v2"))

    done = decide(read, scope(from_calendar__exclude={"subjects": ["lunch"]}), is_final=is_final)
    cancelled = decide(block_read(replace(ENTRY, is_cancelled=True, version="v2")))

    assert isinstance(done, DeleteBlock), "at once, not by way of the round's end where deletions are counted"
    assert (done.rule, done.filtered) == ("R27", "excluded_subject")
    assert isinstance(cancelled, DeleteBlock)
    assert cancelled.filtered is None


# --- settings for the whole window and copies in dispute --------------------------------------------------------------


@pytest.mark.rule("R100")
@pytest.mark.parametrize("moves", ["apply", "flag", "restore"])
def test_stricter_privacy_hides_the_text_of_a_copy_whose_time_is_in_dispute(moves: str) -> None:
    read = copy_read(calendar=replace(COPY_ENTRY, when=TEN, version="v2"))
    within = scope(reproject_below=2, to_calendar__privacy="anonymous", edits__moved_in_calendar=moves)

    done = decide(read, within)

    assert isinstance(done, UpdateCopy)
    assert (done.rule, done.is_text_only, done.copy.keeps_times) == ("R100", True, True)
    assert (done.copy.title, done.copy.when, done.entry_version) == ("Busy", TEN, "v2")


@pytest.mark.rule("R100")
def test_a_text_that_the_person_wrote_into_a_copy_goes_as_well() -> None:
    read = copy_read(calendar=replace(COPY_ENTRY, title="Massage for Jo", version="v2"))

    done = decide(read, scope(reproject_below=2, to_calendar__privacy="anonymous"))

    assert isinstance(done, UpdateCopy)
    assert (done.rule, done.copy.title, done.copy.when) == ("R100", "Busy", NINE)


@pytest.mark.rule("R100")
def test_a_copy_set_aside_is_tried_again_under_new_settings() -> None:
    read = copy_read()
    assert read.link is not None
    read = replace(read, link=replace(read.link, is_quarantined=True))
    privacy = {"to_calendar__privacy": "anonymous"}

    assert decide(read, scope(**privacy)) is None
    assert rule(decide(read, scope(reproject_below=2, **privacy))) == "R10"


@pytest.mark.rule("R100")
def test_a_closed_direction_is_not_edited_and_rewritten_when_it_opens_again() -> None:
    privacy = {"to_calendar__privacy": "anonymous"}
    closed = replace(scope(reproject_below=2, direction="from_calendar", **privacy), removes_closed=False)

    noted = decide(copy_read(), closed)

    assert rule(noted) == "R100"
    assert noted is not None
    opened = replace(copy_read(), link=noted.link)  # type: ignore[union-attr]
    done = decide(opened, scope(**privacy))
    assert isinstance(done, UpdateCopy)
    assert done.copy.title == "Busy"
