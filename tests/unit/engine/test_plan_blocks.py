"""Calendar entries and their blocks: the second table of design.md section 5, cell by cell, and the rules around it."""

from dataclasses import replace

import pytest
from calsync_core.domain.appointments import Block, Busy, Response
from calsync_core.domain.ids import AccountId, BookingId, CalendarId, ResourceId
from calsync_core.domain.links import Agreed, Intent
from calsync_core.domain.synclog import Reason
from calsync_core.engine.actions import Agree, DeleteBlock, DropLink, Leave, PutBlock, Skip
from calsync_core.engine.observe import Missing

from tests.unit.engine.parts import (
    ANNA,
    BLOCK_LINK,
    BLOCK_REF,
    ENTRY,
    FAR,
    MARK,
    NINE,
    NOON,
    TEN,
    block_read,
    decide,
    moved,
    rule,
    scope,
)

SAME, CHANGED = ENTRY, moved(ENTRY, NOON)
AS_WRITTEN = Block(BLOCK_REF, ANNA, NINE, "Europe/Berlin")
MOVED_BLOCK = replace(AS_WRITTEN, when=TEN)


@pytest.mark.parametrize(
    ("calendar", "host", "expected", "kind"),
    [
        (SAME, AS_WRITTEN, None, type(None)),
        (SAME, MOVED_BLOCK, "R23", PutBlock),
        (SAME, Missing.GONE, "R24", PutBlock),
        (CHANGED, AS_WRITTEN, "R25", PutBlock),
        (CHANGED, MOVED_BLOCK, "R25", PutBlock),
        (CHANGED, Missing.GONE, "R25", PutBlock),
        (Missing.GONE, AS_WRITTEN, "R26", DeleteBlock),
        (Missing.GONE, MOVED_BLOCK, "R26", DeleteBlock),
        (Missing.GONE, Missing.GONE, "R28", DropLink),
        (replace(ENTRY, is_cancelled=True, version="v2"), AS_WRITTEN, "R27", DeleteBlock),
        (replace(ENTRY, response=Response.DECLINED, version="v2"), AS_WRITTEN, "R27", DeleteBlock),
        (replace(ENTRY, busy=Busy.FREE, version="v2"), AS_WRITTEN, "R27", DeleteBlock),
        (Missing.UNKNOWN, AS_WRITTEN, None, type(None)),
        (Missing.UNKNOWN, MOVED_BLOCK, None, type(None)),
        (Missing.UNKNOWN, Missing.GONE, None, type(None)),
    ],
)
@pytest.mark.rule("R29")
def test_the_table_of_blocks(calendar: object, host: object, expected: str | None, kind: type) -> None:
    done = decide(block_read(calendar, host))

    assert rule(done) == expected
    assert isinstance(done, kind)


@pytest.mark.rule("R20")
def test_a_new_entry_that_blocks_gets_a_block_with_its_intent_first() -> None:
    done = decide(block_read(link=None))

    assert isinstance(done, PutBlock)
    assert (done.rule, done.is_new, done.link.intent, done.block.title) == ("R20", True, Intent.CREATE, None)


@pytest.mark.rule("R20")
def test_a_block_whose_write_is_not_known_is_written_again() -> None:
    """After a crash between the intent and its result."""
    intent = replace(BLOCK_LINK, host=Agreed(), intent=Intent.CREATE)

    assert rule(decide(block_read(link=intent))) == "R20"


@pytest.mark.rule("R21")
def test_an_entry_that_does_not_block_is_skipped_with_its_reason() -> None:
    done = decide(block_read(replace(ENTRY, busy=Busy.FREE), link=None))

    assert isinstance(done, Skip)
    assert (done.rule, done.code) == ("R21", "free")


@pytest.mark.rule("R22")
def test_a_new_version_that_says_the_same_writes_nothing() -> None:
    """A series gives all its occurrences a new version at once."""
    assert decide(block_read(replace(ENTRY, version="v2", title="Other title"))) is None

    done = decide(block_read(replace(ENTRY, version="v2")), scope(reproject_below=2))
    assert done is None or isinstance(done, Agree)
    unknown = replace(BLOCK_LINK, entry_id=None)
    assert rule(decide(block_read(replace(ENTRY, version="v2"), link=unknown))) == "R22"


@pytest.mark.rule("R23")
@pytest.mark.rule("R24")
def test_a_blocker_is_put_back_from_the_link_alone_where_the_entry_was_not_read() -> None:
    back = decide(block_read(Missing.NOT_READ, MOVED_BLOCK))
    gone = decide(block_read(Missing.NOT_READ, Missing.GONE))

    assert isinstance(back, PutBlock)
    assert (back.rule, back.block.when, back.reason) == ("R23", NINE, Reason.BLOCK_PUT_BACK)
    assert rule(gone) == "R24"
    full = scope(from_calendar__privacy="full")
    assert decide(block_read(Missing.NOT_READ, MOVED_BLOCK), full) is None, (
        "its text is not in the link: it is read first"
    )
    assert rule(decide(block_read(SAME, MOVED_BLOCK), full)) in ("R23", "R25")


@pytest.mark.rule("R25")
def test_the_calendar_wins_over_a_moved_block() -> None:
    done = decide(block_read(CHANGED, MOVED_BLOCK))

    assert isinstance(done, PutBlock)
    assert (done.block.when, done.is_new, done.link.calendar.version) == (NOON, False, "v2")


@pytest.mark.rule("R26")
@pytest.mark.rule("R50")
@pytest.mark.complaint(24)
def test_a_tombstone_frees_the_time_only_at_the_end_of_its_round() -> None:
    assert isinstance(decide(block_read(Missing.GONE), is_final=False), Leave)
    assert rule(decide(block_read(Missing.GONE))) == "R26"


@pytest.mark.rule("R27")
@pytest.mark.complaint(12)
def test_leaving_a_filter_frees_the_time() -> None:
    tentative = replace(ENTRY, busy=Busy.TENTATIVE, version="v2")

    assert rule(decide(block_read(tentative), scope(from_calendar__tentative="ignore"))) == "R27"
    assert rule(decide(block_read(tentative))) == "R25", "by default it blocks, in another way"


@pytest.mark.rule("R28")
def test_an_intent_is_not_dropped_before_its_block_is_gone_for_certain() -> None:
    """Story: a crash after the block was written and before the row knew it; then the entry is deleted."""
    intent = replace(BLOCK_LINK, host=Agreed(), intent=Intent.CREATE)

    assert rule(decide(block_read(Missing.GONE, link=intent))) == "R26"
    assert rule(decide(block_read(Missing.GONE, link=replace(intent, intent=None)))) == "R28"


@pytest.mark.rule("R33")
def test_the_copy_of_another_resource_blocks_as_time_only() -> None:
    mark = replace(MARK, resource=ResourceId("bert"))
    full = scope(from_calendar__privacy="full")

    done = decide(block_read(replace(ENTRY, mark=mark), link=None), full)

    assert isinstance(done, PutBlock)
    assert (done.rule, done.block.title, done.link.booking_id) == ("R33", None, BookingId("b1"))


@pytest.mark.rule("R33")
@pytest.mark.prop("P8")
def test_the_link_remembers_that_it_was_a_copy_because_the_feed_carries_no_marks() -> None:
    """Story: the booking of a colleague in the same mailbox moved; its copy came from the feed without its mark,
    and with full details on, the customer's name became the title of a block. Found by the random lives."""
    known = replace(BLOCK_LINK, booking_id=BookingId("b1"))

    done = decide(
        block_read(moved(replace(ENTRY, title="Massage - Mr Smith"), NOON), link=known),
        scope(from_calendar__privacy="full"),
    )

    assert isinstance(done, PutBlock)
    assert done.block.title is None


@pytest.mark.rule("R33")
def test_a_foreign_installations_mark_is_an_ordinary_entry() -> None:
    for mark in (replace(MARK, installation="other"), replace(MARK, account=AccountId("else"))):
        done = decide(block_read(replace(ENTRY, mark=mark), link=None), scope(from_calendar__privacy="full"))
        assert isinstance(done, PutBlock)
        assert (done.block.title, done.link.booking_id) == ("Dentist", None)


@pytest.mark.rule("R34")
def test_the_copy_of_a_booking_that_is_ours_too_never_blocks() -> None:
    entry = replace(ENTRY, mark=replace(MARK, resource=ResourceId("room")))

    assert isinstance(decide(block_read(entry, link=None, is_shared_booking=True)), Skip)
    assert isinstance(decide(block_read(entry, is_shared_booking=True)), DeleteBlock)


@pytest.mark.rule("R33")
def test_a_conflict_calendar_gives_its_time_only() -> None:
    entry = replace(ENTRY, calendar_id=CalendarId("other"))

    done = decide(block_read(entry, link=None), scope(from_calendar__privacy="full"))

    assert isinstance(done, PutBlock)
    assert (done.block.title, done.block.notes) == (None, None)


@pytest.mark.rule("R40")
@pytest.mark.rule("R43")
def test_a_closed_direction_leaves_blocks_alone_unless_the_whole_window_was_chosen() -> None:
    closed = scope(direction="to_calendar")

    assert rule(decide(block_read(link=None), closed)) == "R40"
    assert decide(block_read(CHANGED), closed) is None
    assert decide(block_read(Missing.GONE), closed) is None
    assert rule(decide(block_read(), scope(reproject_below=2, direction="to_calendar"))) == "R43"


@pytest.mark.rule("R42")
def test_an_entry_outside_the_window_is_not_linked_but_a_linked_one_is_followed() -> None:
    assert rule(decide(block_read(moved(ENTRY, FAR), link=None))) == "R42"
    assert rule(decide(block_read(moved(ENTRY, FAR)))) == "R25"


@pytest.mark.rule("R52")
def test_a_quarantined_entry_waits_for_a_new_version() -> None:
    link = replace(BLOCK_LINK, is_quarantined=True)

    assert decide(block_read(SAME, Missing.GONE, link)) is None
    assert rule(decide(block_read(CHANGED, link=link))) == "R25"
