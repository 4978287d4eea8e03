"""What of a plan can be taken back: each deletion and each move, with where it was and where it went."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from calsync_core.domain.appointments import AllDay, Block, Timed, When
from calsync_core.domain.conflicts import ConflictKind
from calsync_core.domain.journal import Deed, Did
from calsync_core.domain.links import Agreed, Link
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import (
    Action,
    AdoptCopy,
    Agree,
    CancelBooking,
    CreateCopy,
    DeleteBlock,
    DeleteCopy,
    DropLink,
    Leave,
    MoveBooking,
    OpenConflict,
    PutBlock,
    Quiet,
    Skip,
    UpdateCopy,
    link_of,
    when_of,
)
from calsync_core.engine.deeds import deeds_of

from tests.unit.engine.parts import (
    ANNA,
    BLOCK_LINK,
    BLOCK_REF,
    BOOKING,
    COPY_ENTRY,
    COPY_LINK,
    NINE,
    NOON,
    NOW,
    TEN,
    copy_of,
)

LATER = NOW + timedelta(minutes=5)
AT_NOON = replace(copy_of(BOOKING), when=NOON)
BLOCK = Block(BLOCK_REF, ANNA, NOON, "Europe/Berlin")
DAY = AllDay(date(2026, 11, 24), date(2026, 11, 26))


def deed(did: Did, rule: str, link: Link, was: When, to: When | None = None) -> Deed:
    return Deed(
        did, link.ref, LATER, was, to, link.calendar_id, link.entry_id, link.booking_id, link.calendar.version, rule
    )


@pytest.mark.rule("R113")
@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (DeleteCopy("R15", COPY_LINK, "v2"), deed(Did.COPY_DELETED, "R15", COPY_LINK, NINE)),
        (UpdateCopy("R10", COPY_LINK, BOOKING, AT_NOON, "v1"), deed(Did.COPY_MOVED, "R10", COPY_LINK, NINE, NOON)),
        (DeleteBlock("R26", BLOCK_LINK), deed(Did.BLOCK_DELETED, "R26", BLOCK_LINK, NINE)),
        (PutBlock("R25", BLOCK_LINK, BLOCK, is_new=False), deed(Did.BLOCK_MOVED, "R25", BLOCK_LINK, NINE, NOON)),
        (
            MoveBooking("R3", COPY_LINK, replace(BOOKING, when=TEN), NOON, COPY_ENTRY),
            deed(Did.BOOKING_MOVED, "R3", COPY_LINK, TEN, NOON),
        ),
        (
            CancelBooking("R9", COPY_LINK, replace(BOOKING, when=TEN)),
            deed(Did.BOOKING_CANCELLED, "R9", COPY_LINK, TEN),
        ),
        (DeleteCopy("R15", replace(COPY_LINK, entry_id=None), "v2"), None),
        (UpdateCopy("R10", COPY_LINK, BOOKING, copy_of(BOOKING), "v1"), None),
        (DeleteBlock("R26", replace(BLOCK_LINK, host=Agreed())), None),
        (PutBlock("R25", BLOCK_LINK, replace(BLOCK, when=NINE), is_new=False), None),
        (PutBlock("R20", BLOCK_LINK, BLOCK, is_new=True), None),
        (CreateCopy("R1", COPY_LINK, BOOKING, AT_NOON), None),
        (Agree("R2", COPY_LINK), None),
    ],
)
def test_a_deed_for_each_deletion_and_move_and_for_nothing_else(action: Action, expected: Deed | None) -> None:
    assert deeds_of([action], LATER) == ([expected] if expected else [])
    both = deeds_of([action, DeleteBlock("R26", BLOCK_LINK)], LATER)
    assert both[-1] == deed(Did.BLOCK_DELETED, "R26", BLOCK_LINK, NINE)


@pytest.mark.rule("R113")
@pytest.mark.parametrize("was", [NINE, DAY, Timed(NINE.start_at, NINE.start_at + timedelta(days=3))])
def test_a_block_was_where_it_was_last_written_whatever_the_entry_did_since(was: When) -> None:
    """Its row may say the new time already: only the fingerprint remembers where it stood."""
    link = replace(BLOCK_LINK, when=NOON, host=Agreed("1", fingerprint.time_of(was), ""))

    [found] = deeds_of([PutBlock("R25", link, replace(BLOCK, when=TEN), is_new=False)], LATER)

    assert (found.was, found.to) == (was, TEN)


@pytest.mark.rule("R113")
@pytest.mark.parametrize("time", ["", "20261123T090000Z", "nothing"])
def test_where_nothing_remembers_it_the_row_says_where_a_block_was(time: str) -> None:
    link = replace(BLOCK_LINK, host=Agreed("1", time, ""))

    [found] = deeds_of([PutBlock("R25", link, BLOCK, is_new=False)], LATER)

    assert (found.was, found.to) == (NINE, NOON)


CONFLICT = OpenConflict("", COPY_LINK, ConflictKind.MOVED, TEN, NOON)


@pytest.mark.parametrize(
    ("action", "when"),
    [
        (CreateCopy("", COPY_LINK, BOOKING, AT_NOON), NOON),
        (AdoptCopy("", COPY_LINK, BOOKING, AT_NOON, COPY_ENTRY), NOON),
        (UpdateCopy("", COPY_LINK, BOOKING, AT_NOON, ""), NOON),
        (PutBlock("", BLOCK_LINK, BLOCK, is_new=True), NOON),
        (MoveBooking("", COPY_LINK, BOOKING, TEN, COPY_ENTRY), TEN),
        (CONFLICT, TEN),
        (replace(CONFLICT, booking_when=None), NOON),
        (DeleteCopy("", COPY_LINK, ""), NINE),
        (DeleteBlock("", BLOCK_LINK), NINE),
        (CancelBooking("", COPY_LINK, replace(BOOKING, when=TEN)), NINE),
        (Skip("R21", BLOCK_REF), None),
        (Quiet("R2", "in_step"), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_log_names_the_time_that_an_appointment_has_when_all_is_done(action: Action, when: When | None) -> None:
    assert when_of(action) == when


@pytest.mark.parametrize(
    "action",
    [
        CreateCopy("", COPY_LINK, BOOKING, AT_NOON), AdoptCopy("", COPY_LINK, BOOKING, AT_NOON, COPY_ENTRY),
        UpdateCopy("", COPY_LINK, BOOKING, AT_NOON, ""), DeleteCopy("", COPY_LINK, ""),
        PutBlock("", COPY_LINK, BLOCK, is_new=True), DeleteBlock("", COPY_LINK),
        MoveBooking("", COPY_LINK, BOOKING, NOON, COPY_ENTRY), CancelBooking("", COPY_LINK, BOOKING),
        Agree("", COPY_LINK), DropLink("", COPY_LINK), Leave("", COPY_LINK),
        OpenConflict("", COPY_LINK, ConflictKind.MOVED, None, None),
    ],
    ids=lambda action: type(action).__name__,
)  # fmt: skip
def test_every_action_but_a_skip_is_about_a_row(action: Action) -> None:
    assert link_of(action) == COPY_LINK
    assert link_of(Skip("R21", BLOCK_REF)) is None
    assert link_of(Quiet("R2", "in_step")) is None
