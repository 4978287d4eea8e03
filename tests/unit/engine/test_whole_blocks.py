"""What the plan asks for about entries and their blocks, compared as a whole."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from calsync_core.domain.appointments import AllDay, Block, BlockKind, Busy, Notes, Timed
from calsync_core.domain.ids import CalendarId, EntryId, LinkRef, ResourceId, short_hash
from calsync_core.domain.links import Agreed, Intent, Link, Origin
from calsync_core.domain.synclog import Reason
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import Action, Agree, DeleteBlock, DropLink, Leave, PutBlock, Quiet, Skip
from calsync_core.engine.observe import Missing, Read, observe
from calsync_core.engine.plan import decide as decide_with_reason
from calsync_core.engine.plan import plan

from tests.unit.engine.parts import (
    ANNA,
    BLOCK_LINK,
    BLOCK_REF,
    BOOKING,
    CALENDAR,
    ENTRY,
    FAR,
    MARK,
    NINE,
    NOON,
    NOW,
    TEN,
    block_read,
    copy_read,
    decide,
    moved,
    scope,
)

DAY = AllDay(date(2026, 11, 24), date(2026, 11, 25))
BERLIN_DAY = {"start_at": datetime(2026, 11, 23, 23, tzinfo=UTC), "end_at": datetime(2026, 11, 24, 23, tzinfo=UTC)}
BLOCK = Block(BLOCK_REF, ANNA, NINE, "Europe/Berlin")
FREE = replace(ENTRY, busy=Busy.FREE, version="v2")
MEETING = replace(ENTRY, uid="uid-2", series_id=EntryId("s1"), original_start_at=NOON.start_at)

WORN = replace(
    BLOCK_LINK, entry_uid="uid", generation=3, settings_version=0, is_disputed=True, writes=2, writes_since=NOW, row=7,
    kept_block=LinkRef("e-before"), calendar_id=CalendarId("calendar-1"),
)  # fmt: skip
KEPT = replace(BLOCK, ref=LinkRef("e-before"))
"""The block of `WORN`: it stays under the ref that it had."""


def written(link: Link, block: Block, version: str = "v2", **more: Any) -> Link:
    """The row of this block: what the calendar shows, under the present settings."""
    agreed = Agreed(version, fingerprint.time_of(block.when), fingerprint.rest_of_block(block))
    span = BERLIN_DAY if block.when == DAY else {"start_at": block.when.start_at, "end_at": block.when.end_at}  # type: ignore[union-attr]
    return replace(link, calendar=agreed, when=block.when, settings_version=1, **span, **more)


AT_NOON, ALL_DAY = replace(KEPT, when=NOON), replace(KEPT, when=DAY)


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        pytest.param(
            block_read(moved(ENTRY, NOON), link=WORN), PutBlock("R25", written(WORN, AT_NOON), AT_NOON, is_new=False),
            id="R25",
        ),
        pytest.param(
            block_read(replace(ENTRY, when=DAY, version="v2"), link=WORN),
            PutBlock("R25", written(WORN, ALL_DAY), ALL_DAY, is_new=False), id="R25 a whole day",
        ),
        pytest.param(
            block_read(replace(ENTRY, id=EntryId("e9"), uid="u", version="v2"), link=replace(WORN, entry_uid=None)),
            Agree("R22", written(WORN, KEPT, entry_id=EntryId("e9"), entry_uid=short_hash("u"))), id="R22 another id",
        ),
        pytest.param(
            block_read(moved(ENTRY, NOON), link=replace(WORN, is_quarantined=True)),
            PutBlock("R25", written(WORN, AT_NOON), AT_NOON, is_new=False), id="R52 a new version",
        ),
        pytest.param(
            block_read(ENTRY, replace(KEPT, when=TEN), WORN),
            PutBlock("R23", written(WORN, KEPT, "v1"), KEPT, is_new=False, reason=Reason.BLOCK_PUT_BACK), id="R23",
        ),
        pytest.param(
            block_read(ENTRY, Missing.GONE, WORN),
            PutBlock("R24", written(WORN, KEPT, "v1"), KEPT, is_new=False, reason=Reason.BLOCK_PUT_BACK), id="R24",
        ),
        pytest.param(
            block_read(Missing.NOT_READ, Missing.GONE, WORN),
            PutBlock("R24", WORN, KEPT, is_new=False, reason=Reason.BLOCK_PUT_BACK), id="R24 from the row alone",
        ),
        pytest.param(
            block_read(Missing.NOT_READ, replace(KEPT, when=TEN), WORN),
            PutBlock("R23", WORN, KEPT, is_new=False, reason=Reason.BLOCK_PUT_BACK), id="R23 from the row alone",
        ),
        pytest.param(
            block_read(ENTRY, link=replace(WORN, host=Agreed())),
            PutBlock("R20", written(replace(WORN, host=Agreed()), KEPT, "v1", intent=Intent.CREATE), KEPT, is_new=True),
            id="R20 again",
        ),
        pytest.param(block_read(FREE, link=WORN), DeleteBlock("R27", WORN, "free"), id="R27"),
        pytest.param(
            block_read(replace(FREE, is_cancelled=True), link=WORN), DeleteBlock("R27", WORN), id="R27 cancelled"
        ),
        pytest.param(block_read(FREE, link=None), Skip("R21", BLOCK_REF, code="free"), id="R21"),
        pytest.param(
            block_read(replace(ENTRY, when=Timed(NOON.start_at, NOON.start_at)), link=None),
            Skip("R21", BLOCK_REF, code="no_length", is_noteworthy=True), id="R21 odd",
        ),
        pytest.param(
            block_read(moved(ENTRY, FAR), link=None), Skip("R42", BLOCK_REF, code="outside_window"), id="R42"
        ),
        pytest.param(block_read(link=WORN, is_shared_booking=True), DeleteBlock("R34", WORN), id="R34"),
        pytest.param(
            block_read(link=None, is_shared_booking=True), Skip("R34", BLOCK_REF, code="own_booking"), id="R34 new"
        ),
        pytest.param(block_read(Missing.GONE, link=WORN), DeleteBlock("R26", WORN), id="R26"),
        pytest.param(block_read(Missing.GONE, Missing.GONE, WORN), DropLink("R28", WORN), id="R28"),
        pytest.param(block_read(Missing.GONE, link=None), None, id="gone before we knew it"),
    ],
)  # fmt: skip
def test_the_whole_of_what_is_asked(read: Read, expected: Action | None) -> None:
    assert decide(read) == expected


@pytest.mark.rule("R20")
def test_the_first_row_of_an_entry() -> None:
    """Where it stands, which occurrence of what it is, what it will show; whose block it is the ref says."""
    entry = replace(MEETING, when=DAY)
    block = replace(BLOCK, when=DAY)

    done = decide(block_read(entry, link=None))

    row = Link(
        BLOCK_REF, ANNA, Origin.CALENDAR, CALENDAR, DAY, **BERLIN_DAY, entry_id=ENTRY.id, entry_uid=short_hash("uid-2"),
        series_id="s1", original_start_at=NOON.start_at, intent=Intent.CREATE, settings_version=1,
        calendar=Agreed("v1", fingerprint.time_of(DAY), fingerprint.rest_of_block(block)),
    )  # fmt: skip
    assert done == PutBlock("R20", row, block, is_new=True)


@pytest.mark.rule("R33")
def test_the_first_row_of_a_colleagues_copy_remembers_the_booking() -> None:
    theirs = replace(ENTRY, mark=replace(MARK, resource=ResourceId("bert")))

    done = decide(block_read(theirs, link=None))

    assert isinstance(done, PutBlock)
    assert (done.rule, done.link.booking_id, done.link.intent) == ("R33", MARK.booking, Intent.CREATE)


@pytest.mark.rule("R26")
def test_a_tombstone_leaves_the_row_until_its_round_is_complete() -> None:
    assert decide(block_read(Missing.GONE, link=WORN), is_final=False) == Leave("R50", WORN)
    read = block_read(Missing.GONE, link=WORN)
    within = scope()
    assert plan(observe([read], within), within) == [Leave("R50", WORN)], "nothing is final unless it is said"
    [seen] = observe([read], within)
    assert decide_with_reason(seen, within) == Leave("R50", WORN)
    booking = copy_read(calendar=Missing.GONE)
    assert isinstance(plan(observe([booking], within), within)[0], Leave)


@pytest.mark.parametrize(
    ("read", "settings", "expected"),
    [
        pytest.param(block_read(), {}, Quiet("R22", "in_step"), id="R22"),
        pytest.param(block_read(replace(ENTRY, version="v2")), {}, Quiet("R22", "in_step"), id="R22 a new version"),
        pytest.param(block_read(Missing.NOT_READ), {}, Quiet("R22", "in_step"), id="R22 unread"),
        pytest.param(block_read(Missing.UNKNOWN), {}, Quiet("R29", "window_unread"), id="R29"),
        pytest.param(block_read(host=Missing.UNKNOWN), {}, Quiet("R29", "window_unread"), id="R29 block"),
        pytest.param(
            block_read(link=replace(BLOCK_LINK, is_quarantined=True)), {}, Quiet("R52", "entry_quarantined"), id="R52"
        ),
        pytest.param(block_read(), {"direction": "to_calendar"}, Quiet("R40", "direction"), id="R40"),
        pytest.param(
            block_read(link=None), {"direction": "to_calendar"}, Skip("R40", BLOCK_REF, code="direction"), id="R40 new"
        ),
    ],
)  # fmt: skip
def test_what_is_left_alone_has_a_rule_and_a_code(read: Read, settings: dict[str, Any], expected: Action) -> None:
    within = scope(**settings)
    [seen] = observe([read], within)

    assert decide_with_reason(seen, within, is_final=True) == expected


@pytest.mark.rule("R22")
@pytest.mark.parametrize(
    "before",
    [
        {"entry_id": None}, {"when": TEN}, {"start_at": NOON.start_at}, {"end_at": NOON.end_at},
        {"calendar": replace(BLOCK_LINK.calendar, version="")},
    ],
    ids=lambda before: next(iter(before)),
)  # fmt: skip
def test_what_the_row_did_not_know_is_noted_without_a_write(before: dict[str, Any]) -> None:
    known = replace(BLOCK_LINK, **before)

    done = decide(block_read(replace(ENTRY, version="v2"), link=known))

    assert done == Agree("R22", replace(BLOCK_LINK, calendar=replace(BLOCK_LINK.calendar, version="v2")))


@pytest.mark.rule("R22")
def test_newer_settings_that_ask_for_the_same_note_nothing() -> None:
    older = replace(BLOCK_LINK, settings_version=0)

    assert decide(block_read(replace(ENTRY, version="v2"), link=older)) is None


@pytest.mark.rule("R24")
def test_from_the_row_alone_only_a_plain_blocker_can_be_put_back() -> None:
    """Tentative, or out of office: its kind is not in the row, so the entry is read first."""
    oof = replace(BLOCK, kind=BlockKind.OOF)
    link = replace(BLOCK_LINK, calendar=replace(BLOCK_LINK.calendar, rest=fingerprint.rest_of_block(oof)))

    assert decide(block_read(Missing.NOT_READ, Missing.GONE, link)) is None
    assert decide(block_read(Missing.NOT_READ, Missing.GONE, replace(BLOCK_LINK, decision=Origin.HOST))) is None


@pytest.mark.rule("R43")
@pytest.mark.rule("R100")
def test_what_a_closed_direction_had_written_goes_or_waits() -> None:
    closed = scope(reproject_below=2, direction="to_calendar")

    assert decide(block_read(link=WORN), closed) == DeleteBlock("R43", WORN)
    waits = replace(closed, removes_closed=False)
    assert decide(block_read(link=WORN), waits) == Agree("R100", replace(WORN, settings_version=-1))
    assert decide(block_read(link=replace(WORN, settings_version=-1)), waits) is None
    assert decide(block_read(link=replace(WORN, settings_version=2)), closed) is None, "written since"


@pytest.mark.rule("R42")
def test_a_day_at_the_edge_of_the_window_counts_in_the_zone_of_the_resource() -> None:
    last = scope().window.end_at.date()
    day = AllDay(last, last.replace(day=last.day + 1))

    assert isinstance(decide(block_read(replace(ENTRY, when=day), link=None)), PutBlock), "it begins at 23:00 UTC"


@pytest.mark.rule("R25")
def test_a_block_of_whole_days_follows_the_zone_of_the_resource() -> None:
    """The resource was in another zone when the row was written: the days are the same, their instants are not."""
    entry, agreed = replace(ENTRY, when=DAY), replace(BLOCK_LINK.calendar, time=fingerprint.time_of(DAY))
    row = replace(BLOCK_LINK, when=DAY, calendar=agreed, host=replace(BLOCK_LINK.host, time=agreed.time), **BERLIN_DAY)
    elsewhere = replace(row, start_at=datetime(2026, 11, 24, tzinfo=UTC), end_at=datetime(2026, 11, 25, tzinfo=UTC))

    assert decide(block_read(entry, link=row)) is None
    for version in ("v1", "v2"):
        known = replace(row, calendar=replace(agreed, version=version))
        done = decide(block_read(replace(entry, version=version), link=elsewhere))
        assert done == PutBlock("R25", known, replace(BLOCK, when=DAY), is_new=False)


@pytest.mark.prop("P8")
def test_notes_of_a_block_are_plain_unless_html_is_wished_for() -> None:
    html = replace(ENTRY, notes=Notes("<b>x</b>", is_html=True), version="v2")
    full = {"from_calendar__privacy": "full"}

    plain = decide(block_read(html), scope(**full))
    kept = decide(block_read(html), scope(notes_format="html", **full))

    assert isinstance(plain, PutBlock)
    assert plain.block == Block(BLOCK_REF, ANNA, NINE, "Europe/Berlin", BlockKind.BUSY, "Dentist", Notes("x"))
    assert isinstance(kept, PutBlock)
    assert kept.block.notes == Notes("<b>x</b>", is_html=True)
    assert BOOKING.notes is None
