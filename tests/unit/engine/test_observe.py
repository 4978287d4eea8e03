"""What both sides are found to be, as whole observations: a side that was not read, is gone or unknown says nothing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from calsync_core.domain.appointments import Block, BookingStatus, Notes
from calsync_core.domain.ids import CalendarId, LinkRef
from calsync_core.domain.links import Agreed, Link, Origin
from calsync_core.engine import fingerprint
from calsync_core.engine.observe import Missing, Observation, Read, Side, calendar_moved_on, observe, without_text
from calsync_core.engine.project import NotBlocking, project_entry

from tests.unit.engine.parts import (
    ANNA,
    BLOCK_LINK,
    BLOCK_REF,
    BOOKING,
    COPY_ENTRY,
    COPY_LINK,
    ENTRY,
    NINE,
    NOON,
    RESOURCE,
    SERIES_COPY,
    SERIES_ENTRY,
    SERIES_LINK,
    SERIES_MASTER,
    TEN,
    block_read,
    copy_of,
    copy_read,
    moved,
    rebooked,
    scope,
)

UNCHANGED, CHANGED, GONE, ABSENT, UNKNOWN = Side
CANCELLED = rebooked(status=BookingStatus.CANCELLED)
LOST_COPY = replace(COPY_LINK, entry_id=None)
NEVER_AGREED = replace(COPY_LINK, calendar=Agreed())
RENAMED = replace(COPY_ENTRY, title="Mine", version="v2")


def seen(read: Read, **within: Any) -> Observation:
    [one] = observe([read], scope(**within))
    return one


@pytest.mark.parametrize(
    ("host", "calendar", "link", "sides", "changed", "is_projected"),
    [
        (BOOKING, COPY_ENTRY, COPY_LINK, (UNCHANGED, UNCHANGED), "", False),
        (rebooked(), COPY_ENTRY, COPY_LINK, (UNCHANGED, UNCHANGED), "", True),
        (rebooked(when=TEN), COPY_ENTRY, COPY_LINK, (CHANGED, UNCHANGED), "host_time", True),
        (rebooked(service_name="x"), COPY_ENTRY, COPY_LINK, (CHANGED, UNCHANGED), "host_rest", True),
        (BOOKING, moved(COPY_ENTRY, TEN), COPY_LINK, (UNCHANGED, CHANGED), "calendar_time", True),
        (BOOKING, RENAMED, COPY_LINK, (UNCHANGED, CHANGED), "calendar_rest", True),
        (BOOKING, replace(COPY_ENTRY, version="v2"), COPY_LINK, (UNCHANGED, UNCHANGED), "", False),
        (BOOKING, COPY_ENTRY, None, (CHANGED, CHANGED), "calendar_time calendar_rest", True),
        (BOOKING, COPY_ENTRY, NEVER_AGREED, (UNCHANGED, CHANGED), "calendar_time calendar_rest", True),
        (BOOKING, Missing.NOT_READ, COPY_LINK, (UNCHANGED, UNCHANGED), "", False),
        (BOOKING, Missing.NOT_READ, LOST_COPY, (UNCHANGED, ABSENT), "", True),
        (BOOKING, Missing.NOT_READ, None, (CHANGED, ABSENT), "", True),
        (BOOKING, Missing.GONE, COPY_LINK, (UNCHANGED, GONE), "", True),
        (BOOKING, Missing.UNKNOWN, COPY_LINK, (UNCHANGED, UNKNOWN), "", True),
        (CANCELLED, COPY_ENTRY, COPY_LINK, (GONE, UNCHANGED), "", False),
        (rebooked(resource_ids=("bert",)), COPY_ENTRY, COPY_LINK, (GONE, UNCHANGED), "", False),
        (Missing.GONE, COPY_ENTRY, COPY_LINK, (GONE, UNCHANGED), "", False),
        (Missing.UNKNOWN, COPY_ENTRY, COPY_LINK, (UNKNOWN, UNCHANGED), "", False),
        (Missing.NOT_READ, COPY_ENTRY, COPY_LINK, (UNCHANGED, UNCHANGED), "", False),
    ],
)
@pytest.mark.rule("R2")
def test_a_booking_and_its_copy(
    host: Any, calendar: Any, link: Link | None, sides: tuple[Side, Side], changed: str, is_projected: bool
) -> None:
    read = copy_read(host, calendar, link)
    groups = {f"{name}_changed": name in changed.split() for name in ("host_time", "host_rest", "calendar_time",
                                                                      "calendar_rest")}  # fmt: skip
    copy = copy_of(host) if is_projected else None

    assert seen(read) == Observation(read, Origin.HOST, *sides, **groups, copy=copy)


@pytest.mark.rule("R6")
def test_what_a_feed_does_not_tell_of_an_entry_is_no_change() -> None:
    assert seen(copy_read(calendar=RENAMED, whole=False)).calendar is UNCHANGED


@pytest.mark.rule("R86")
def test_an_occurrence_is_compared_whatever_its_version_says() -> None:
    """It is that of its series, and does not tell of a change (graph.md 3.4)."""
    link = replace(COPY_LINK, series_id="s1")

    assert seen(copy_read(calendar=replace(COPY_ENTRY, when=TEN), link=link)).calendar is CHANGED
    assert seen(copy_read(calendar=replace(COPY_ENTRY, when=TEN))).calendar is UNCHANGED


@pytest.mark.rule("R70")
def test_a_decision_needs_the_projection_also_where_nothing_has_changed() -> None:
    assert seen(copy_read(link=replace(COPY_LINK, decision=Origin.HOST))).copy == copy_of(BOOKING)


@pytest.mark.rule("R100")
def test_settings_for_the_whole_window_project_what_is_older_and_only_that() -> None:
    assert seen(copy_read(), reproject_below=2).copy == copy_of(BOOKING)
    assert seen(copy_read(), reproject_below=1).copy is None
    fresh = replace(ENTRY, title="Other")
    assert seen(block_read(fresh), reproject_below=2).block == project_entry(
        ENTRY, scope().settings, RESOURCE, BLOCK_REF
    )
    assert seen(block_read(fresh), reproject_below=1).block is None


# --- series -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R80")
def test_a_series_that_repeats_in_another_way_has_another_time() -> None:
    same = copy_read(SERIES_MASTER, SERIES_ENTRY, SERIES_LINK)
    daily = replace(SERIES_MASTER, version="2", recurrence=replace(SERIES_COPY.recurrence, interval=2))  # type: ignore[type-var]

    assert seen(same) == Observation(same, Origin.HOST, UNCHANGED, UNCHANGED)
    changed = seen(replace(same, host=daily))
    assert (changed.host, changed.host_time_changed, changed.host_rest_changed) == (CHANGED, True, False)
    retold = seen(replace(same, host=replace(SERIES_MASTER, version="2")))
    assert (retold.host, retold.host_time_changed) == (UNCHANGED, False)


@pytest.mark.rule("R82")
def test_a_series_that_cannot_be_said_any_more_is_projected_at_once() -> None:
    """Also where nothing else tells of a change: what is written as a series has to go."""
    wordless = replace(SERIES_MASTER, recurrence=None)

    assert seen(copy_read(wordless, SERIES_ENTRY, SERIES_LINK)).copy == replace(SERIES_COPY, recurrence=None)
    assert seen(copy_read(BOOKING, COPY_ENTRY, COPY_LINK)).copy is None


# --- entries and their blocks -----------------------------------------------------------------------------------------

WRITTEN = Block(BLOCK_REF, ANNA, NINE, "Europe/Berlin")
INTENT = replace(BLOCK_LINK, host=Agreed())


@pytest.mark.parametrize(
    ("calendar", "host", "link", "sides", "block"),
    [
        (ENTRY, Missing.NOT_READ, BLOCK_LINK, (UNCHANGED, UNCHANGED), None),
        (ENTRY, WRITTEN, BLOCK_LINK, (UNCHANGED, UNCHANGED), None),
        (ENTRY, replace(WRITTEN, when=TEN), BLOCK_LINK, (CHANGED, UNCHANGED), WRITTEN),
        (ENTRY, Missing.GONE, BLOCK_LINK, (GONE, UNCHANGED), WRITTEN),
        (ENTRY, Missing.UNKNOWN, BLOCK_LINK, (UNKNOWN, UNCHANGED), WRITTEN),
        (ENTRY, Missing.NOT_READ, INTENT, (ABSENT, UNCHANGED), WRITTEN),
        (ENTRY, Missing.NOT_READ, None, (ABSENT, CHANGED), WRITTEN),
        (ENTRY, Missing.NOT_READ, replace(BLOCK_LINK, calendar=Agreed()), (UNCHANGED, CHANGED), WRITTEN),
        (moved(ENTRY, TEN), Missing.NOT_READ, BLOCK_LINK, (UNCHANGED, CHANGED), replace(WRITTEN, when=TEN)),
        (replace(ENTRY, version="v2"), Missing.NOT_READ, BLOCK_LINK, (UNCHANGED, UNCHANGED), WRITTEN),
        (replace(ENTRY, is_cancelled=True, version="v2"), Missing.NOT_READ, BLOCK_LINK, (UNCHANGED, CHANGED),
         NotBlocking.CANCELLED),
        (Missing.GONE, Missing.NOT_READ, BLOCK_LINK, (UNCHANGED, GONE), None),
        (Missing.UNKNOWN, Missing.NOT_READ, BLOCK_LINK, (UNCHANGED, UNKNOWN), None),
        (Missing.NOT_READ, Missing.GONE, BLOCK_LINK, (GONE, UNCHANGED), None),
    ],
)  # fmt: skip
@pytest.mark.rule("R22")
def test_an_entry_and_its_block(
    calendar: Any, host: Any, link: Link | None, sides: tuple[Side, Side], block: object
) -> None:
    read = block_read(calendar, host, link)

    assert seen(read) == Observation(read, Origin.CALENDAR, *sides, block=block)  # type: ignore[arg-type]


@pytest.mark.rule("R25")
def test_another_kind_of_block_is_a_change() -> None:
    full = {"from_calendar__privacy": "full"}
    block = project_entry(ENTRY, scope(**full).settings, RESOURCE, BLOCK_REF)
    assert isinstance(block, Block)
    known = Agreed("v1", fingerprint.time_of(NINE), fingerprint.rest_of_block(block))
    read = block_read(replace(ENTRY, title="Other", version="v2"), link=replace(BLOCK_LINK, calendar=known))

    assert seen(read, **full).calendar is CHANGED
    assert seen(replace(read, calendar=replace(ENTRY, version="v2")), **full).calendar is UNCHANGED


@pytest.mark.rule("R133")
def test_a_block_keeps_its_ref_when_its_entry_has_moved_house() -> None:
    kept = replace(BLOCK_LINK, kept_block=LinkRef("e-before"))

    assert seen(block_read(moved(ENTRY, TEN), link=kept)).block == replace(WRITTEN, ref=LinkRef("e-before"), when=TEN)


@pytest.mark.rule("R120")
def test_an_entry_that_cannot_be_read_is_unknown_on_either_side() -> None:
    bad = {"problem": "range_inverted", "version": "v2"}
    for read in (copy_read(calendar=replace(COPY_ENTRY, **bad)), block_read(replace(ENTRY, **bad))):
        unread = replace(read, calendar=Missing.UNKNOWN)
        assert seen(read) == replace(seen(unread), read=unread)
        assert seen(read).calendar is UNKNOWN


@pytest.mark.prop("P8")
def test_the_copy_of_a_booking_is_judged_without_its_texts() -> None:
    talkative = replace(ENTRY, notes=Notes("x"), location="y", categories=("z",))

    assert without_text(talkative) == replace(ENTRY, title=None)


# --- what a feed says ------------------------------------------------------------------------------------------------


@pytest.mark.rule("R86")
@pytest.mark.parametrize(
    ("series", "entry", "moves_on"),
    [
        (None, COPY_ENTRY, False),
        (None, replace(COPY_ENTRY, when=TEN), False),
        (None, moved(COPY_ENTRY, TEN), True),
        (None, replace(COPY_ENTRY, version="v2"), False),
        (None, replace(COPY_ENTRY, version="v2", is_cancelled=True), True),
        ("s1", replace(COPY_ENTRY, when=NOON), True),
        ("s1", COPY_ENTRY, False),
    ],
)
def test_an_entry_that_says_more_than_our_own_echo(series: str | None, entry: Any, moves_on: bool) -> None:
    assert calendar_moved_on(replace(COPY_LINK, series_id=series), entry) is moves_on


def test_whose_side_an_appointment_was_born_on() -> None:
    """By the link; without one a booking was read for itself, and everything else is the person's."""
    other = Read(LinkRef("x"), None, calendar=replace(ENTRY, calendar_id=CalendarId("c9")))
    assert seen(other).origin is Origin.CALENDAR
    assert seen(Read(LinkRef("x"), None, BOOKING)).origin is Origin.HOST
    assert seen(Read(LinkRef("x"), COPY_LINK)).origin is Origin.HOST
    assert NINE.end_at - NINE.start_at == timedelta(hours=1)
