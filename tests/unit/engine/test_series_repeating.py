"""Who decides how a series repeats: the booking system does, and what the calendar makes of its words is no change."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from calsync_core.domain.appointments import Kind, Timed
from calsync_core.domain.conflicts import REPEATS_OTHERWISE, ConflictKind
from calsync_core.domain.links import Agreed, Attempt, Intent, Link, Origin
from calsync_core.domain.recurrence import Pattern, Recurrence, Weekday
from calsync_core.domain.synclog import Reason
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import Agree, OpenConflict, UpdateCopy
from calsync_core.engine.observe import Read, calendar_moved_on, observe, repeats_otherwise
from calsync_core.engine.plan_changes import repeats_alike

from tests.unit.engine.parts import (
    COPY_LINK,
    DAILY,
    NINE,
    NOON,
    SERIES_COPY,
    SERIES_ENTRY,
    SERIES_LINK,
    SERIES_MASTER,
    TEN,
    copy_of,
    decide,
    moved,
    scope,
)

OTHER_DAYS = replace(DAILY, interval=2)
SAID = fingerprint.pattern_of(DAILY)
LINK = replace(SERIES_LINK, calendar=replace(SERIES_LINK.calendar, repeats=SAID), row=7)
"""The calendar told how it repeats when it was written."""
AS_WRITTEN = replace(SERIES_ENTRY, recurrence=DAILY, version="v2")
CHANGED = replace(AS_WRITTEN, recurrence=OTHER_DAYS)
ONCE = replace(AS_WRITTEN, recurrence=None, kind=Kind.SINGLE)
UNTOLD = replace(AS_WRITTEN, recurrence=None)


def read(entry: Any, host: Any = SERIES_MASTER, link: Link = LINK, *, whole: bool = True) -> Read:
    return Read(LINK.ref, link, host, entry, entry_is_whole=whole)


@pytest.mark.rule("R135")
@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({}, {}, True),
        ({}, {"end": DAILY.start + timedelta(days=4), "count": None}, True),
        ({}, {"first_day_of_week": Weekday.SUNDAY}, True),
        ({}, {"zone": "Europe/Paris"}, True),
        ({}, {"zone": "Europe/London"}, False),
        ({}, {"interval": 2}, False),
        ({}, {"count": 6}, False),
        ({}, {"count": None}, False),
        ({}, {"start": DAILY.start + timedelta(days=1)}, False),
        ({"count": 500}, {"count": 501}, False),
        ({"count": None}, {"count": None, "end": DAILY.start + timedelta(days=400)}, False),
    ],
)
def test_rules_are_compared_by_what_they_mean(one: dict, other: dict, same: bool) -> None:
    first, second = (fingerprint.pattern_of(replace(DAILY, **fields)) for fields in (one, other))
    assert (first == second) is same


@pytest.mark.rule("R135")
def test_weeks_by_the_clock_of_each_day() -> None:
    """Two zones with the same clock today and another one after the summer are two rules."""
    weekly = Recurrence(Pattern.WEEKLY, DAILY.start, "Europe/Berlin", days=(Weekday.MONDAY,), count=60)

    assert fingerprint.pattern_of(weekly) != fingerprint.pattern_of(replace(weekly, zone="Africa/Lagos"))
    assert len(fingerprint.pattern_of(weekly)) == 16


@pytest.mark.rule("R135")
def test_what_an_entry_tells_of_its_repetition() -> None:
    assert fingerprint.repeats_of(AS_WRITTEN) == SAID
    assert fingerprint.repeats_of(UNTOLD) == ""
    assert fingerprint.repeats_of(ONCE) not in ("", SAID)
    assert repeats_alike(SERIES_COPY, AS_WRITTEN)
    assert not repeats_alike(SERIES_COPY, CHANGED)
    assert not repeats_alike(SERIES_COPY, UNTOLD)
    assert repeats_alike(replace(SERIES_COPY, recurrence=None), UNTOLD)


@pytest.mark.rule("R134")
@pytest.mark.rule("R135")
@pytest.mark.parametrize(
    ("link", "entry", "otherwise"),
    [
        (LINK, AS_WRITTEN, False), (LINK, CHANGED, True), (LINK, ONCE, True), (LINK, UNTOLD, False),
        (SERIES_LINK, CHANGED, False), (replace(LINK, pattern=""), CHANGED, False),
    ],
)  # fmt: skip
def test_only_what_the_calendar_had_said_in_another_way_is_a_change(link: Link, entry: Any, otherwise: bool) -> None:
    assert repeats_otherwise(link, entry) is otherwise
    assert calendar_moved_on(link, entry) is otherwise
    [seen] = observe([read(entry, link=link)], scope())
    assert seen.calendar_pattern_changed is otherwise


@pytest.mark.rule("R134")
def test_the_rule_of_the_booking_system_is_written_again() -> None:
    restored = {"reason": Reason.COPY_RESTORED}
    assert decide(read(CHANGED)) == UpdateCopy("R134", LINK, SERIES_MASTER, SERIES_COPY, "v2", **restored)
    assert decide(read(ONCE)) == UpdateCopy("R134", LINK, SERIES_MASTER, SERIES_COPY, "v2", **restored)
    retitled = replace(SERIES_MASTER, version="2", service_name="Yoga")
    assert decide(read(CHANGED, retitled)) == UpdateCopy("R134", LINK, retitled, copy_of(retitled), "v2", **restored)


@pytest.mark.rule("R134")
def test_or_one_conflict_shows_it() -> None:
    flag = scope(edits__moved_in_calendar="flag")

    assert decide(read(CHANGED), flag) == OpenConflict("R134", LINK, ConflictKind.MOVED, NINE, NINE, REPEATS_OTHERWISE)
    quarter = timedelta(minutes=15)
    wide = Timed(NINE.start_at - quarter, NINE.end_at)
    agreed = replace(LINK, host=replace(LINK.host, time=fingerprint.time_of(wide)),
                     calendar=replace(LINK.calendar, time=fingerprint.time_of(wide)))  # fmt: skip
    buffered, entry = replace(SERIES_MASTER, buffer_before=quarter), replace(CHANGED, when=wide)
    shown = decide(read(entry, buffered, agreed), flag)
    assert shown == OpenConflict("R134", agreed, ConflictKind.MOVED, NINE, NINE, REPEATS_OTHERWISE)
    hidden = scope(reproject_below=2, to_calendar__privacy="anonymous", edits__moved_in_calendar="flag")
    kept = replace(copy_of(SERIES_MASTER, to_calendar__privacy="anonymous"), keeps_times=True)
    assert decide(read(CHANGED), hidden) == UpdateCopy("R100", LINK, SERIES_MASTER, kept, "v2", is_text_only=True)
    written = scope(reproject_below=2, to_calendar__privacy="anonymous")
    whole = copy_of(SERIES_MASTER, to_calendar__privacy="anonymous")
    assert decide(read(CHANGED), written) == UpdateCopy("R100", LINK, SERIES_MASTER, whole, "v2")


@pytest.mark.rule("R134")
def test_a_series_that_the_booking_system_has_changed_since_is_written_as_it_is_there() -> None:
    later = replace(SERIES_MASTER, version="2", when=TEN)
    every_other = replace(SERIES_MASTER, version="2", recurrence=OTHER_DAYS)

    assert decide(read(CHANGED, later)) == UpdateCopy("R13", LINK, later, copy_of(later), "v2")
    agreed = decide(read(CHANGED, every_other))
    assert isinstance(agreed, Agree), "both made the same of it"
    assert (agreed.rule, agreed.link.pattern, agreed.link.calendar.repeats) == (
        "R12", fingerprint.pattern_of(OTHER_DAYS), fingerprint.pattern_of(OTHER_DAYS),
    )  # fmt: skip
    assert agreed.link.intent is Intent.ALIGN, "what stood elsewhere in it is lost with such a change"


@pytest.mark.rule("R12")
@pytest.mark.rule("R84")
def test_agreement_about_a_series_aligns_its_dates_only_where_they_were_apart() -> None:
    assert decide(read(AS_WRITTEN, replace(SERIES_MASTER, version="2"))) == Agree(
        "R2",
        replace(LINK, host=replace(LINK.host, version="2"), calendar=replace(LINK.calendar, version="v2")),
        is_proof=True,
    )
    later = replace(SERIES_MASTER, version="2", when=TEN)
    done = decide(read(replace(AS_WRITTEN, when=TEN), later))
    time = fingerprint.time_of(TEN)
    row = replace(
        LINK, when=TEN, start_at=TEN.start_at, end_at=TEN.start_at, intent=Intent.ALIGN,
        host=Agreed("2", time, LINK.host.rest), calendar=Agreed("v2", time, LINK.calendar.rest, SAID),
    )  # fmt: skip
    assert done == Agree("R12", row, is_proof=True)
    disputed = decide(read(replace(AS_WRITTEN, version="v3"), link=replace(LINK, is_disputed=True)))
    assert isinstance(disputed, Agree)
    assert disputed.link.calendar.repeats == SAID


@pytest.mark.rule("R18")
@pytest.mark.rule("R134")
def test_our_own_lost_write_is_one_by_its_repetition_too() -> None:
    attempt = Attempt(Origin.CALENDAR, fingerprint.time_of(TEN), LINK.calendar.rest, SAID)
    ours = replace(LINK, attempt=attempt)
    entry = moved(AS_WRITTEN, TEN, "v3")
    known = replace(ours, calendar=Agreed("v3", fingerprint.time_of(TEN), LINK.calendar.rest, SAID))

    assert decide(read(entry, link=ours)) == UpdateCopy("R18", known, SERIES_MASTER, SERIES_COPY, "v3")
    untold = replace(entry, recurrence=None)
    assert decide(read(untold, link=ours)) == UpdateCopy("R18", known, SERIES_MASTER, SERIES_COPY, "v3")
    theirs = decide(read(replace(entry, recurrence=OTHER_DAYS), link=ours))
    assert theirs is not None
    assert theirs.rule != "R18", "a person changed it since"
    silent = replace(ours, attempt=replace(attempt, repeats=""))
    assert decide(read(entry, link=silent)) == UpdateCopy(
        "R18", replace(known, attempt=silent.attempt), SERIES_MASTER, SERIES_COPY, "v3"
    )


def test_a_single_copy_has_no_repetition() -> None:
    assert COPY_LINK.calendar.repeats == ""
    assert NOON != NINE
