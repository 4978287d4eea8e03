"""Booking series in the calendar: the series comes as one, its dates have their place in it, and what calendars cannot
say becomes single entries. Compared as a whole."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from calsync_core.domain.appointments import AllDay, BookingStatus, Timed
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.links import Agreed, Attempt, Intent, Link, Origin
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import (
    AdoptCopy,
    Agree,
    CreateCopy,
    DeleteCopy,
    MoveBooking,
    OpenConflict,
    Skip,
    UpdateCopy,
)
from calsync_core.engine.observe import Missing, Read

from tests.unit.engine.parts import (
    BOOKING,
    CALENDAR,
    COPY_ENTRY,
    COPY_LINK,
    DAILY,
    MARK,
    NINE,
    NOON,
    NOW,
    RESOURCE,
    SERIES_COPY,
    SERIES_ENTRY,
    SERIES_LINK,
    SERIES_MASTER,
    TEN,
    copy_of,
    decide,
    moved,
    rule,
    scope,
)

LOST = Missing.NOT_READ
FRESH = Link(
    SERIES_LINK.ref, RESOURCE.id, Origin.HOST, CALENDAR, NINE, NINE.start_at, NINE.start_at,
    booking_id=SERIES_MASTER.id, intent=Intent.CREATE, settings_version=1, pattern=SERIES_LINK.pattern,
)  # fmt: skip
WORDLESS = replace(SERIES_MASTER, version="2", recurrence=None)
WORN = replace(SERIES_LINK, generation=3, mark_id="5-own", settings_version=0, writes=2, writes_since=NOW, row=7)


def read(host: Any = SERIES_MASTER, calendar: Any = SERIES_ENTRY, link: Link | None = SERIES_LINK, **more: Any) -> Read:
    return Read(SERIES_LINK.ref, link, host, calendar, entry_is_whole=True, **more)


@pytest.mark.rule("R80")
def test_a_series_is_written_as_one_whatever_part_of_it_lies_in_the_window() -> None:
    assert SERIES_COPY.recurrence == DAILY
    assert decide(read(calendar=LOST, link=None)) == CreateCopy("R80", FRESH, SERIES_MASTER, SERIES_COPY)
    cut_off = replace(FRESH, generation=4, mark_id="7-x", pattern="", start_at=TEN.start_at)
    assert decide(read(calendar=LOST, link=cut_off)) == CreateCopy(
        "R80", replace(FRESH, generation=4, mark_id="7-x"), SERIES_MASTER, SERIES_COPY
    )
    long_ago = Timed(NINE.start_at - timedelta(days=90), NINE.end_at - timedelta(days=90))
    rooted = replace(
        SERIES_MASTER, when=long_ago, recurrence=replace(DAILY, start=long_ago.start_at.date(), count=None)
    )
    assert rule(decide(read(rooted, LOST, None))) == "R80"


@pytest.mark.rule("R80")
def test_a_series_that_is_there_already_is_adopted_under_its_mark() -> None:
    mark = replace(MARK, booking=SERIES_MASTER.id, generation=4, own="7-x")
    entry = replace(SERIES_ENTRY, mark=mark)

    assert decide(read(calendar=entry, link=None)) == AdoptCopy(
        "R80", replace(FRESH, generation=4, mark_id="7-x"), SERIES_MASTER, SERIES_COPY, entry
    )


@pytest.mark.rule("R82")
def test_what_calendars_cannot_say_is_skipped_and_what_stands_there_goes() -> None:
    assert decide(read(WORDLESS, LOST, None)) == Skip("R82", SERIES_LINK.ref, code="series_singles")
    kept = replace(FRESH, pattern="", entry_id=SERIES_ENTRY.id)
    assert decide(read(WORDLESS, SERIES_ENTRY, None)) == DeleteCopy("R82", kept, "")


@pytest.mark.rule("R82")
def test_a_series_that_cannot_be_said_any_more_goes_whatever_else_happened_to_it() -> None:
    row = replace(WORN, entry_id=SERIES_ENTRY.id, calendar_id=CALENDAR)
    old = replace(WORN, calendar_id=CalendarId("calendar-0"))
    for before in (WORN, old, replace(WORN, is_quarantined=True), replace(WORN, decision=Origin.HOST)):
        done = decide(read(WORDLESS, link=before))
        assert isinstance(done, DeleteCopy)
        assert done == DeleteCopy("R82", replace(before, entry_id=SERIES_ENTRY.id, calendar_id=CALENDAR), "")
    assert decide(read(WORDLESS, moved(SERIES_ENTRY, NOON), WORN)) == DeleteCopy("R82", row, "", had_changed=True)
    assert decide(read(WORDLESS, LOST, WORN)) == DeleteCopy("R82", WORN, "")
    found = replace(WORN, entry_id=None, calendar=Agreed())
    assert decide(read(WORDLESS, SERIES_ENTRY, found)) == DeleteCopy("R82", replace(row, calendar=Agreed()), "")


@pytest.mark.rule("R80")
@pytest.mark.parametrize("zone_day", [-1, 0, 1])
def test_a_series_whose_first_copy_falls_on_another_day_cannot_be_said(zone_day: int) -> None:
    """Buffers may reach over midnight: the pattern would be another day's."""
    start = DAILY.start + timedelta(days=zone_day)
    done = copy_of(replace(SERIES_MASTER, recurrence=replace(DAILY, start=start)))

    assert (done.recurrence is not None) is (zone_day == 0)
    late = Timed(NINE.start_at.replace(hour=22, minute=30), NINE.start_at.replace(hour=23, minute=30))
    at_night = replace(SERIES_MASTER, when=late, recurrence=replace(DAILY, start=late.start_at.date()))
    assert copy_of(at_night).recurrence == replace(DAILY, start=late.start_at.date()), "23:30 in Berlin"
    tomorrow = Timed(late.end_at, late.end_at + timedelta(hours=1))
    of_tomorrow = replace(SERIES_MASTER, when=tomorrow, recurrence=replace(DAILY, start=date(2026, 11, 24)))
    buffered = replace(of_tomorrow, buffer_before=timedelta(hours=1))
    assert copy_of(of_tomorrow).recurrence is not None
    assert copy_of(buffered).recurrence is None


@pytest.mark.rule("R80")
def test_only_the_series_itself_repeats_and_a_series_of_days_by_its_first_day() -> None:
    day = AllDay(date(2026, 11, 23), date(2026, 11, 24))

    assert copy_of(replace(SERIES_MASTER, is_series_master=False)).recurrence is None
    assert copy_of(replace(SERIES_MASTER, when=day)).recurrence == DAILY
    assert copy_of(replace(SERIES_MASTER, when=AllDay(day.end, day.end + timedelta(days=1)))).recurrence is None
    assert copy_of(SERIES_MASTER) == replace(copy_of(replace(SERIES_MASTER, recurrence=None)), recurrence=DAILY)


# --- its dates --------------------------------------------------------------------------------------------------------

PART = replace(BOOKING, series_id="b9")
PLACE = replace(
    COPY_ENTRY, id=EntryId("m1.0"), series_id=SERIES_ENTRY.id, original_start_at=NINE.start_at, mark=None, version="v7"
)
PART_LINK = replace(COPY_LINK, series_id="b9", entry_id=PLACE.id, original_start_at=NINE.start_at)


def part(host: Any = PART, calendar: Any = PLACE, link: Link | None = PART_LINK, **more: Any) -> Read:
    return Read(COPY_LINK.ref, link, host, calendar, **more)


@pytest.mark.rule("R81")
@pytest.mark.parametrize("whole", [True, False])
def test_a_date_takes_its_place_in_the_series(whole: bool) -> None:
    row = replace(
        COPY_LINK, series_id="b9", entry_id=None, row=0, host=Agreed(), calendar=Agreed(), intent=Intent.CREATE,
        original_start_at=NINE.start_at,
    )  # fmt: skip

    done = decide(part(link=None, entry_is_whole=whole))

    assert done == AdoptCopy("R81", row, PART, copy_of(PART), PLACE, whole)
    lost = decide(part(link=replace(PART_LINK, entry_id=None, intent=Intent.CREATE, host=Agreed(), calendar=Agreed())))
    assert isinstance(lost, AdoptCopy)
    assert (lost.rule, lost.link.original_start_at) == ("R81", NINE.start_at)


@pytest.mark.rule("R81", "R53", "R143")
def test_the_date_of_a_series_that_stays_in_another_calendar_stays_there() -> None:
    beside = replace(PLACE, calendar_id=CalendarId("beside"))

    done = decide(part(calendar=beside, link=None))

    assert isinstance(done, AdoptCopy)
    assert (done.rule, done.link.calendar_id) == ("R81", beside.calendar_id)


@pytest.mark.rule("R14")
@pytest.mark.rule("R81")
def test_a_date_that_is_written_anew_has_no_place_any_more() -> None:
    changed = replace(PART, version="2", when=TEN)

    done = decide(part(changed, Missing.GONE))

    assert isinstance(done, CreateCopy)
    assert (done.rule, done.link.original_start_at, done.link.series_id) == ("R14", None, "b9")


@pytest.mark.rule("R83")
def test_a_date_that_the_booking_system_left_out_leaves_the_series() -> None:
    gone = replace(PART, status=BookingStatus.CANCELLED)
    row = replace(
        COPY_LINK, series_id="b9", entry_id=PLACE.id, row=0, host=Agreed(), calendar=Agreed(), intent=Intent.CREATE
    )

    assert decide(part(gone, link=None)) == DeleteCopy("R83", row, "")
    assert decide(part(gone, replace(PLACE, series_id=None), None)) is None, "a single entry with our mark"
    assert decide(part(gone, LOST, None)) is None


@pytest.mark.rule("R15")
@pytest.mark.rule("R83")
def test_a_date_goes_on_the_version_that_is_known_of_it() -> None:
    """One that was found by its day was never read by itself: only the series' version is known."""
    gone = replace(PART, status=BookingStatus.CANCELLED)
    by_day = replace(PART_LINK, calendar=Agreed())

    assert decide(part(gone)) == DeleteCopy("R15", PART_LINK, "v7")
    assert decide(part(gone, link=by_day)) == DeleteCopy("R15", by_day, "", had_changed=True)
    single = replace(COPY_LINK, calendar=Agreed())
    assert decide(part(gone, COPY_ENTRY, single)) == DeleteCopy("R15", single, "v1", had_changed=True)


@pytest.mark.rule("R84")
def test_a_date_whose_version_alone_moved_on_notes_nothing() -> None:
    """Every write to a series gives all its dates a new version at once."""
    assert decide(part()) is None
    done = decide(part(link=replace(PART_LINK, entry_id=EntryId("m1.9"))))
    assert isinstance(done, Agree)
    assert (done.rule, done.link.calendar.version) == ("R2", "v7")
    disputed = decide(part(link=replace(PART_LINK, is_disputed=True)))
    assert isinstance(disputed, Agree)
    assert not disputed.link.is_disputed


# --- the times of a series --------------------------------------------------------------------------------------------


@pytest.mark.rule("R84")
def test_the_times_of_a_series_are_written_only_where_they_changed() -> None:
    """A series whose times are written loses its exceptions."""
    retitled = replace(SERIES_MASTER, version="2", service_name="Yoga")
    later = replace(SERIES_MASTER, version="2", when=TEN)
    renamed = replace(SERIES_ENTRY, title="Mine", version="v2")

    assert decide(read(retitled)) == UpdateCopy(
        "R10", SERIES_LINK, retitled, replace(copy_of(retitled), keeps_times=True), "v1"
    )
    assert decide(read(later)) == UpdateCopy("R10", SERIES_LINK, later, copy_of(later), "v1")
    assert decide(read(later, renamed)) == UpdateCopy("R13", SERIES_LINK, later, copy_of(later), "v2")
    back = decide(read(calendar=moved(SERIES_ENTRY, NOON)), scope(edits__moved_in_calendar="restore"))
    assert isinstance(back, UpdateCopy)
    assert (back.rule, back.copy) == ("R4", SERIES_COPY)
    single = decide(Read(COPY_LINK.ref, COPY_LINK, replace(BOOKING, version="2", service_name="x"), COPY_ENTRY))
    assert isinstance(single, UpdateCopy)
    assert not single.copy.keeps_times


@pytest.mark.rule("R84")
@pytest.mark.rule("R100")
def test_a_text_for_all_that_is_there_leaves_the_times_of_a_series_alone() -> None:
    hidden = scope(reproject_below=2, to_calendar__privacy="anonymous")

    done = decide(read(calendar=moved(SERIES_ENTRY, NOON)), hidden)

    kept = replace(copy_of(SERIES_MASTER, to_calendar__privacy="anonymous"), when=NOON, keeps_times=True)
    assert done == UpdateCopy("R100", SERIES_LINK, SERIES_MASTER, kept, "v2", is_text_only=True)


@pytest.mark.rule("R88")
def test_a_series_that_the_person_moved_is_asked_for_as_a_whole() -> None:
    entry = moved(SERIES_ENTRY, NOON)

    assert decide(read(calendar=entry)) == MoveBooking("R3", SERIES_LINK, SERIES_MASTER, NOON, entry)
    assert rule(decide(read(calendar=entry), scope(edits__moved_in_calendar="flag"))) == "R5"


@pytest.mark.rule("R12")
@pytest.mark.rule("R88")
def test_where_an_entry_does_not_tell_how_it_repeats_our_rule_is_written() -> None:
    later = replace(SERIES_MASTER, version="2", when=TEN)
    entry = moved(SERIES_ENTRY, TEN)

    done = decide(read(later, entry))

    assert done == UpdateCopy("R13", SERIES_LINK, later, copy_of(later), "v2")
    agreed = replace(SERIES_LINK, host=replace(SERIES_LINK.host, time=fingerprint.time_of(TEN)))
    elsewhere = replace(agreed, calendar=replace(agreed.calendar, time=fingerprint.time_of(NOON)))
    back = decide(read(replace(later, version="1"), entry, elsewhere))
    assert back == UpdateCopy("R88", elsewhere, replace(later, version="1"), copy_of(later), "v2")


@pytest.mark.rule("R2")
def test_the_row_of_a_series_takes_no_time() -> None:
    done = decide(read(replace(SERIES_MASTER, version="2"), link=WORN))

    assert isinstance(done, Agree)
    assert (done.link.start_at, done.link.end_at, done.link.pattern) == (NINE.start_at, NINE.start_at, WORN.pattern)


@pytest.mark.rule("R18")
def test_our_own_write_of_a_series_whose_answer_was_lost() -> None:
    ours = replace(SERIES_LINK, attempt=Attempt(Origin.CALENDAR, fingerprint.time_of(TEN), SERIES_LINK.calendar.rest))
    later = replace(SERIES_MASTER, version="2", when=TEN)

    done = decide(read(later, moved(SERIES_ENTRY, TEN), ours))

    calendar = replace(ours.calendar, version="v2", time=fingerprint.time_of(TEN))
    assert done == UpdateCopy("R18", replace(ours, calendar=calendar), later, copy_of(later), "v2")
    assert isinstance(decide(read(later, moved(SERIES_ENTRY, NOON), ours)), OpenConflict)
