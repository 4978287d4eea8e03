"""Bookings and their copies: the first table of design.md section 5, cell by cell, and the rules around it."""

from dataclasses import replace
from typing import Any

import pytest
from calsync_core.domain.appointments import BookingStatus
from calsync_core.domain.conflicts import ConflictKind
from calsync_core.domain.links import Agreed, Attempt, Intent, Origin
from calsync_core.domain.synclog import Reason
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import (
    AdoptCopy,
    Agree,
    CancelBooking,
    CreateCopy,
    DeleteCopy,
    DropLink,
    Leave,
    MoveBooking,
    OpenConflict,
    Skip,
    UpdateCopy,
)
from calsync_core.engine.observe import Missing

from tests.unit.engine.parts import (
    BOOKING,
    COPY_ENTRY,
    COPY_LINK,
    FAR,
    NINE,
    NOON,
    TEN,
    copy_read,
    decide,
    moved,
    rebooked,
    rule,
    scope,
)

UNCHANGED = BOOKING
CHANGED = rebooked(when=TEN)
CANCELLED = rebooked(status=BookingStatus.CANCELLED)
SAME_COPY, MOVED_COPY = COPY_ENTRY, moved(COPY_ENTRY, NOON)
RENAMED_COPY = replace(COPY_ENTRY, title="Mine", version="v2")


@pytest.mark.parametrize(
    ("host", "calendar", "expected", "action"),
    [
        (UNCHANGED, SAME_COPY, None, type(None)),
        (UNCHANGED, MOVED_COPY, "R3", MoveBooking),
        (UNCHANGED, RENAMED_COPY, "R6", Agree),
        (UNCHANGED, Missing.GONE, "R7", OpenConflict),
        (UNCHANGED, Missing.UNKNOWN, None, type(None)),
        (CHANGED, SAME_COPY, "R10", UpdateCopy),
        (CHANGED, Missing.NOT_READ, "R10", UpdateCopy),
        (CHANGED, MOVED_COPY, "R11", OpenConflict),
        (CHANGED, moved(COPY_ENTRY, TEN), "R12", Agree),
        (CHANGED, RENAMED_COPY, "R13", UpdateCopy),
        (CHANGED, Missing.GONE, "R14", CreateCopy),
        (CHANGED, Missing.UNKNOWN, None, type(None)),
        (CANCELLED, SAME_COPY, "R15", DeleteCopy),
        (CANCELLED, MOVED_COPY, "R15", DeleteCopy),
        (CANCELLED, Missing.GONE, "R16", DropLink),
        (CANCELLED, Missing.UNKNOWN, None, type(None)),
        (Missing.GONE, SAME_COPY, "R15", DeleteCopy),
        (Missing.GONE, Missing.GONE, "R16", DropLink),
        (Missing.UNKNOWN, SAME_COPY, None, type(None)),
        (Missing.UNKNOWN, MOVED_COPY, None, type(None)),
        (Missing.UNKNOWN, Missing.GONE, None, type(None)),
        (Missing.UNKNOWN, Missing.UNKNOWN, None, type(None)),
    ],
)
@pytest.mark.rule("R17")
def test_the_table_of_copies(host: object, calendar: object, expected: str | None, action: type) -> None:
    done = decide(copy_read(host, calendar))

    assert rule(done) == expected
    assert isinstance(done, action)


@pytest.mark.rule("R1")
@pytest.mark.complaint(6)
def test_a_new_booking_gets_a_copy() -> None:
    done = decide(copy_read(calendar=Missing.NOT_READ, link=None))

    assert isinstance(done, CreateCopy)
    assert (done.rule, done.link.intent, done.link.generation, done.copy.title) == ("R1", Intent.CREATE, 1, "Massage")


@pytest.mark.rule("R2")
def test_a_version_that_moved_on_without_a_change_of_ours_is_noted() -> None:
    done = decide(copy_read(calendar=replace(COPY_ENTRY, version="v2")))

    assert isinstance(done, Agree)
    assert (done.rule, done.link.calendar.version) == ("R2", "v2")
    assert decide(copy_read()) is None


@pytest.mark.parametrize(
    ("wish", "expected", "kind"),
    [
        pytest.param("apply", "R3", MoveBooking, marks=pytest.mark.rule("R3")),
        pytest.param("restore", "R4", UpdateCopy, marks=pytest.mark.rule("R4")),
        pytest.param("flag", "R5", OpenConflict, marks=pytest.mark.rule("R5")),
    ],
)
def test_a_moved_copy_follows_the_setting(wish: str, expected: str, kind: type) -> None:
    done = decide(copy_read(calendar=MOVED_COPY), scope(edits__moved_in_calendar=wish))

    assert rule(done) == expected
    assert isinstance(done, kind)


@pytest.mark.rule("R4")
@pytest.mark.rule("R8")
def test_in_one_direction_apply_and_cancel_act_as_restore() -> None:
    """Nothing is ever written to the sending side."""
    one_way = scope(
        direction="to_calendar", edits__moved_in_calendar="apply", edits__deleted_in_calendar="cancel_booking"
    )

    assert rule(decide(copy_read(calendar=MOVED_COPY), one_way)) == "R4"
    assert rule(decide(copy_read(calendar=Missing.GONE), one_way)) == "R8"


@pytest.mark.rule("R6")
def test_other_fields_of_a_copy_are_left_to_the_person_until_the_booking_changes() -> None:
    done = decide(copy_read(calendar=RENAMED_COPY))

    assert isinstance(done, Agree)
    assert done.link.calendar.rest == fingerprint.rest_of_entry(RENAMED_COPY)
    assert done.link.host.rest == COPY_LINK.host.rest
    assert rule(decide(copy_read(rebooked(), RENAMED_COPY, done.link))) == "R2", (
        "the booking's version alone is no change"
    )


@pytest.mark.parametrize(
    ("wish", "expected", "kind"),
    [
        pytest.param("flag", "R7", OpenConflict, marks=pytest.mark.rule("R7")),
        pytest.param("restore", "R8", CreateCopy, marks=pytest.mark.rule("R8")),
        pytest.param("cancel_booking", "R9", CancelBooking, marks=pytest.mark.rule("R9")),
    ],
)
def test_a_deleted_copy_follows_the_setting(wish: str, expected: str, kind: type) -> None:
    done = decide(copy_read(calendar=Missing.GONE), scope(edits__deleted_in_calendar=wish))

    assert rule(done) == expected
    assert isinstance(done, kind)
    if isinstance(done, OpenConflict):
        assert (done.kind, done.link.entry_id) == (ConflictKind.COPY_DELETED, None)
    if isinstance(done, CreateCopy):
        assert (done.link.generation, done.reason) == (2, Reason.COPY_RESTORED), (
            "a used-up transactionId is not used again"
        )


@pytest.mark.rule("R10")
def test_a_changed_booking_changes_its_copy_on_the_version_that_was_seen() -> None:
    done = decide(copy_read(CHANGED, Missing.NOT_READ))

    assert isinstance(done, UpdateCopy)
    assert (done.rule, done.copy.when, done.entry_version) == ("R10", TEN, "v1")


@pytest.mark.rule("R11")
def test_the_same_group_changed_differently_is_a_conflict_of_both() -> None:
    by_time = decide(copy_read(CHANGED, MOVED_COPY))
    by_rest = decide(copy_read(rebooked(service_name="Therapy"), RENAMED_COPY))

    assert isinstance(by_time, OpenConflict)
    assert (by_time.kind, by_time.booking_when, by_time.calendar_when) == (ConflictKind.CHANGED_ON_BOTH, TEN, NOON)
    assert rule(by_rest) == "R11"


@pytest.mark.rule("R12")
def test_the_same_change_on_both_sides_is_agreement() -> None:
    done = decide(copy_read(CHANGED, moved(COPY_ENTRY, TEN)))

    assert isinstance(done, Agree)
    assert (done.rule, done.link.host.version, done.link.calendar.version, done.link.when) == ("R12", "2", "v2", TEN)


@pytest.mark.rule("R13")
def test_different_groups_changed_are_brought_together() -> None:
    """The time was moved by the clinic, the title by the person: the copy is written as the booking says. The other way
    round the move is asked for first."""
    assert rule(decide(copy_read(CHANGED, RENAMED_COPY))) == "R13"
    assert rule(decide(copy_read(rebooked(service_name="Therapy"), MOVED_COPY))) == "R3"


@pytest.mark.rule("R14")
def test_a_copy_known_to_be_gone_comes_back_when_its_booking_changes() -> None:
    missing = replace(COPY_LINK, entry_id=None, calendar=Agreed())

    assert rule(decide(copy_read(CHANGED, Missing.NOT_READ, missing))) == "R14"
    assert decide(copy_read(UNCHANGED, Missing.NOT_READ, missing)) is None


@pytest.mark.rule("R15")
@pytest.mark.complaint(14)
def test_a_booking_that_left_takes_its_copy_with_it() -> None:
    handed_over = decide(copy_read(rebooked(resource_ids=("bert",))))
    edited = decide(copy_read(CANCELLED, RENAMED_COPY))

    assert isinstance(handed_over, DeleteCopy)
    assert isinstance(edited, DeleteCopy)
    assert (handed_over.had_changed, edited.had_changed) == (False, True)


@pytest.mark.rule("R16")
def test_where_both_are_gone_the_link_is_dropped() -> None:
    assert rule(decide(copy_read(Missing.GONE, Missing.GONE))) == "R16"
    assert rule(decide(copy_read(CANCELLED, Missing.NOT_READ, replace(COPY_LINK, entry_id=None)))) == "R16"


@pytest.mark.rule("R30")
@pytest.mark.rule("R31")
@pytest.mark.rule("R32")
@pytest.mark.complaint(4)
def test_an_intent_without_result_is_adopted_by_its_mark_or_created() -> None:
    intent = replace(COPY_LINK, entry_id=None, intent=Intent.CREATE, host=Agreed(), calendar=Agreed())

    assert isinstance(decide(copy_read(link=intent)), AdoptCopy)
    assert rule(decide(copy_read(link=intent))) == "R30"
    assert rule(decide(copy_read(calendar=Missing.NOT_READ, link=intent))) == "R31"
    assert rule(decide(copy_read(link=None))) == "R32", "our mark without any link, after a reconnect"


@pytest.mark.rule("R40")
def test_a_closed_direction_gets_nothing_new_and_leaves_what_is_there() -> None:
    closed = scope(direction="from_calendar")

    assert isinstance(decide(copy_read(calendar=Missing.NOT_READ, link=None), closed), Skip)
    for host, calendar in (
        (CHANGED, SAME_COPY),
        (CANCELLED, SAME_COPY),
        (UNCHANGED, MOVED_COPY),
        (UNCHANGED, Missing.GONE),
    ):
        assert decide(copy_read(host, calendar), closed) is None


@pytest.mark.rule("R43")
def test_copies_of_a_closed_direction_go_when_the_admin_chose_the_whole_window() -> None:
    done = decide(copy_read(), scope(reproject_below=2, direction="from_calendar"))

    assert isinstance(done, DeleteCopy)
    assert done.rule == "R43"


@pytest.mark.rule("R82")
def test_an_occurrence_whose_place_was_not_looked_for_waits_and_one_without_a_place_is_a_single_entry() -> None:
    booking = replace(BOOKING, series_id="series-1")

    assert decide(copy_read(booking, Missing.NOT_READ, None)) is None
    done = decide(replace(copy_read(booking, Missing.NOT_READ, None), is_single=True))
    assert isinstance(done, CreateCopy)
    assert (done.rule, done.link.series_id) == ("R82", "series-1")


@pytest.mark.rule("R42")
def test_outside_the_window_nothing_is_linked_but_what_is_linked_is_followed() -> None:
    assert rule(decide(copy_read(rebooked(when=FAR), Missing.NOT_READ, None))) == "R42"
    assert rule(decide(copy_read(rebooked(when=FAR)))) == "R10"


@pytest.mark.rule("R50")
def test_a_tombstone_only_leaves_until_its_round_is_complete() -> None:
    assert isinstance(decide(copy_read(calendar=Missing.GONE), is_final=False), Leave)
    assert isinstance(decide(copy_read(Missing.GONE), is_final=False), Leave)
    assert isinstance(decide(copy_read(CANCELLED), is_final=False), DeleteCopy), (
        "a clear word of the host needs no round"
    )


@pytest.mark.rule("R52")
def test_a_quarantined_link_waits_for_a_new_version_of_its_origin() -> None:
    link = replace(COPY_LINK, is_quarantined=True)

    assert decide(copy_read(UNCHANGED, MOVED_COPY, link)) is None
    assert rule(decide(copy_read(CHANGED, SAME_COPY, link))) == "R10"


@pytest.mark.rule("R53")
def test_a_copy_with_invited_people_is_never_written() -> None:
    """Microsoft would mail them about every write of ours."""
    guests = replace(COPY_ENTRY, has_attendees=True)
    for host in (CHANGED, CANCELLED):
        done = decide(copy_read(host, guests))
        assert isinstance(done, OpenConflict)
        assert (done.rule, done.kind, done.code) == ("R53", ConflictKind.NOT_WRITABLE, "has_attendees")


@pytest.mark.rule("R70")
@pytest.mark.rule("R71")
@pytest.mark.parametrize(
    ("decision", "calendar", "expected", "kind"),
    [
        (Origin.HOST, MOVED_COPY, "R70", UpdateCopy),
        (Origin.HOST, Missing.GONE, "R70", CreateCopy),
        (Origin.CALENDAR, MOVED_COPY, "R71", MoveBooking),
        (Origin.CALENDAR, Missing.GONE, "R71", CancelBooking),
    ],
)
def test_the_decision_of_a_person_is_carried_out(decision: Origin, calendar: object, expected: str, kind: type) -> None:
    done = decide(
        copy_read(UNCHANGED, calendar, replace(COPY_LINK, decision=decision)), scope(edits__moved_in_calendar="flag")
    )

    assert rule(done) == expected
    assert isinstance(done, kind)


@pytest.mark.rule("R10")
def test_settings_for_the_whole_window_count_as_a_change_at_the_host() -> None:
    anonymous = {"to_calendar__privacy": "anonymous"}

    done = decide(copy_read(), scope(reproject_below=2, **anonymous))

    assert isinstance(done, UpdateCopy)
    assert done.copy.title == "Busy"
    assert decide(copy_read(), scope(**anonymous)) is None, "a change for the future leaves what is there"
    assert BOOKING.when == NINE


def attempted(side: Origin, when: Any) -> Any:
    """The link after a write whose answer was lost: what it meant to bring about is known, that it came is not."""
    return replace(COPY_LINK, attempt=Attempt(side, fingerprint.time_of(when), COPY_LINK.calendar.rest))


@pytest.mark.rule("R18")
@pytest.mark.parametrize(
    ("booking", "expected"),
    [
        pytest.param(rebooked(when=NOON), NOON, id="the booking moved on"),
        pytest.param(UNCHANGED, NINE, id="the booking went back"),
    ],
)
def test_our_own_write_is_not_taken_for_the_persons(booking: Any, expected: Any) -> None:
    done = decide(copy_read(booking, moved(COPY_ENTRY, TEN), attempted(Origin.CALENDAR, TEN)))

    assert isinstance(done, UpdateCopy)
    assert (done.rule, done.copy.when, done.entry_version) == ("R18", expected, "v2")


@pytest.mark.rule("R18")
@pytest.mark.prop("P3")
def test_the_write_after_a_lost_answer_may_be_cut_off_as_well() -> None:
    """The first came and its answer did not, the second never came: the copy stands as the first one meant it, and
    nobody touched it. It was shown as changed on both sides; found in peers.py once it judged conflicts as well."""
    second = decide(copy_read(rebooked(when=NOON), moved(COPY_ENTRY, TEN), attempted(Origin.CALENDAR, TEN)))
    assert isinstance(second, UpdateCopy)
    cut_off = replace(second.link, attempt=Attempt(Origin.CALENDAR, fingerprint.time_of(NOON), "rest"))

    third = decide(copy_read(rebooked(when=NOON), moved(COPY_ENTRY, TEN), cut_off))
    moved_since = decide(copy_read(rebooked(when=NOON), replace(moved(COPY_ENTRY, NINE), version="v3"), cut_off))

    assert isinstance(third, UpdateCopy)
    assert (third.rule, third.copy.when, third.entry_version) == ("R10", NOON, "v2")
    assert rule(moved_since) == "R11", "what a person does in between is still seen"


@pytest.mark.rule("R18")
def test_an_own_write_that_is_still_right_needs_no_second_one() -> None:
    done = decide(copy_read(CHANGED, moved(COPY_ENTRY, TEN), attempted(Origin.CALENDAR, TEN)))

    assert isinstance(done, Agree)
    assert done.link.attempt is None


@pytest.mark.rule("R18")
def test_where_the_person_moved_it_after_a_lost_answer_both_versions_are_kept() -> None:
    done = decide(copy_read(CHANGED, moved(COPY_ENTRY, NOON), attempted(Origin.CALENDAR, TEN)))

    assert rule(done) == "R11"


@pytest.mark.rule("R19")
@pytest.mark.parametrize("where", [NOON, NINE], ids=["on to another time", "back"])
def test_our_own_request_is_not_taken_for_the_clinics_move(where: Any) -> None:
    done = decide(copy_read(CHANGED, moved(COPY_ENTRY, where), attempted(Origin.HOST, TEN)))

    assert isinstance(done, MoveBooking)
    assert (done.rule, done.when) == ("R19", where)


@pytest.mark.rule("R19")
@pytest.mark.prop("P3")
def test_the_request_after_a_lost_answer_may_be_cut_off_as_well() -> None:
    second = decide(copy_read(CHANGED, moved(COPY_ENTRY, NOON), attempted(Origin.HOST, TEN)))
    assert isinstance(second, MoveBooking)
    cut_off = replace(second.link, attempt=Attempt(Origin.HOST, fingerprint.time_of(NOON), "rest"))

    third = decide(copy_read(CHANGED, moved(COPY_ENTRY, NOON), cut_off))

    assert isinstance(third, MoveBooking)
    assert (third.rule, third.when) == ("R3", NOON)


@pytest.mark.rule("R19")
@pytest.mark.prop("P3")
@pytest.mark.parametrize("entry", [moved(COPY_ENTRY, TEN), Missing.NOT_READ], ids=["read", "not read"])
def test_a_copy_written_after_such_a_request_does_not_make_the_next_move_a_change_on_both_sides(entry: Any) -> None:
    """The row holds one attempt: that the booking's new time was ours was forgotten with the next write to its copy."""
    retitled = replace(CHANGED, service_name="Other")
    second = decide(copy_read(retitled, entry, attempted(Origin.HOST, TEN)))
    assert isinstance(second, UpdateCopy)
    cut_off = replace(second.link, attempt=Attempt(Origin.CALENDAR, fingerprint.time_of(TEN), "rest"))

    third = decide(copy_read(retitled, replace(moved(COPY_ENTRY, NOON), version="v3"), cut_off))

    assert isinstance(third, MoveBooking)
    assert third.when == NOON


@pytest.mark.rule("R19")
def test_a_request_that_came_and_still_holds_is_agreement() -> None:
    done = decide(copy_read(CHANGED, moved(COPY_ENTRY, TEN), attempted(Origin.HOST, TEN)))

    assert rule(done) == "R12"


@pytest.mark.rule("R19")
@pytest.mark.parametrize(("wish", "expected"), [("flag", "R7"), ("restore", "R8"), ("cancel_booking", "R9")])
def test_a_copy_deleted_after_our_request_whose_answer_was_lost_stays_the_persons_decision(
    wish: str, expected: str
) -> None:
    read = copy_read(CHANGED, Missing.GONE, attempted(Origin.HOST, TEN))

    assert rule(decide(read, scope(edits__deleted_in_calendar=wish))) == expected
