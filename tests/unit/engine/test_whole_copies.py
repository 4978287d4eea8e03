"""What the plan asks for, compared as a whole: the row beside it keeps what it must, forgets what is over, and nothing
else about it changes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from calsync_core.domain.appointments import AllDay, BookingStatus, Timed
from calsync_core.domain.conflicts import ConflictKind
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.links import CANCEL, Agreed, Attempt, Intent, Link, Origin, Refused, wish_of
from calsync_core.domain.synclog import Reason
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import (
    Action,
    AdoptCopy,
    Agree,
    CancelBooking,
    CreateCopy,
    DeleteCopy,
    DropLink,
    Leave,
    MoveBooking,
    OpenConflict,
    Quiet,
    Skip,
    UpdateCopy,
)
from calsync_core.engine.marks import uid_hash
from calsync_core.engine.observe import Missing, Read, Scope, observe
from calsync_core.engine.plan import decide as decide_with_reason
from calsync_core.engine.plan_booking import row_as_found

from tests.unit.engine.parts import (
    BOOKING,
    CALENDAR,
    COPY_ENTRY,
    COPY_LINK,
    FAR,
    MARK,
    NINE,
    NOON,
    NOW,
    SERIES_MASTER,
    TEN,
    copy_of,
    copy_read,
    decide,
    moved,
    rebooked,
    scope,
)

DAY = AllDay(date(2026, 11, 24), date(2026, 11, 25))
BERLIN_DAY = {"start_at": datetime(2026, 11, 23, 23, tzinfo=UTC), "end_at": datetime(2026, 11, 24, 23, tzinfo=UTC)}
RETITLED = rebooked(service_name="Therapy")
RENAMED = replace(COPY_ENTRY, title="Mine", version="v2")
CANCELLED = rebooked(status=BookingStatus.CANCELLED)
LOST = Missing.NOT_READ

WORN = replace(
    COPY_LINK, calendar_id=CalendarId("calendar-0"), entry_uid="uid", generation=3, mark_id="5-own", settings_version=0,
    refused=Refused("x", "y"), writes=2, writes_since=NOW, row=7, is_disputed=True,
)  # fmt: skip
"""A row that has seen something: no field is as it was born, but those that would decide."""

ANEW = replace(
    WORN, calendar_id=CALENDAR, entry_id=None, entry_uid=None, generation=4, mark_id="", settings_version=1,
    intent=Intent.CREATE, host=Agreed(), calendar=Agreed(), is_disputed=False,
)  # fmt: skip
"""The same about to be written again, as another copy."""


def at(link: Link, when: Timed | AllDay, **span: datetime) -> Link:
    times = span or {"start_at": when.start_at, "end_at": when.end_at}  # type: ignore[union-attr]
    return replace(link, when=when, **times)


def update(rule: str, booking: Any, version: str = "v1", link: Link = WORN, **more: Any) -> UpdateCopy:
    return UpdateCopy(rule, link, booking, copy_of(booking), version, **more)


RESTORED = {"reason": Reason.COPY_RESTORED}


@pytest.mark.parametrize(
    ("read", "settings", "expected"),
    [
        pytest.param(
            copy_read(rebooked(when=TEN), COPY_ENTRY, WORN), {}, update("R10", rebooked(when=TEN)), id="R10 moved"
        ),
        pytest.param(copy_read(RETITLED, LOST, WORN), {}, update("R10", RETITLED), id="R10 unread"),
        pytest.param(
            copy_read(RETITLED, replace(COPY_ENTRY, version="v2"), WORN), {}, update("R10", RETITLED, "v2"),
            id="R10 on the version that was seen",
        ),
        pytest.param(
            copy_read(rebooked(when=TEN), RENAMED, WORN), {}, update("R13", rebooked(when=TEN), "v2"), id="R13"
        ),
        pytest.param(
            copy_read(BOOKING, moved(COPY_ENTRY, NOON), WORN), {"edits__moved_in_calendar": "restore"},
            update("R4", BOOKING, "v2", **RESTORED), id="R4",
        ),
        pytest.param(
            copy_read(BOOKING, moved(COPY_ENTRY, NOON), WORN), {"edits__moved_in_calendar": "flag"},
            OpenConflict("R5", WORN, ConflictKind.MOVED, NINE, NOON), id="R5",
        ),
        pytest.param(
            copy_read(BOOKING, moved(COPY_ENTRY, NOON), WORN), {},
            MoveBooking("R3", WORN, BOOKING, NOON, moved(COPY_ENTRY, NOON)), id="R3",
        ),
        pytest.param(
            copy_read(RETITLED, moved(COPY_ENTRY, NOON), WORN), {},
            MoveBooking("R3", WORN, RETITLED, NOON, moved(COPY_ENTRY, NOON)), id="R13 the move first",
        ),
        pytest.param(
            copy_read(rebooked(when=TEN), moved(COPY_ENTRY, NOON), WORN), {},
            OpenConflict("R11", WORN, ConflictKind.CHANGED_ON_BOTH, TEN, NOON, "both_times_changed"), id="R11 times",
        ),
        pytest.param(
            copy_read(RETITLED, RENAMED, WORN), {},
            OpenConflict("R11", WORN, ConflictKind.CHANGED_ON_BOTH, NINE, NINE, "both_details_changed"), id="R11 rest",
        ),
        pytest.param(
            copy_read(BOOKING, Missing.GONE, WORN), {},
            OpenConflict(
                "R7",
                replace(WORN, entry_id=None, calendar=Agreed(), host=WORN.host), ConflictKind.COPY_DELETED, NINE, None,
            ),
            id="R7",
        ),
        pytest.param(
            copy_read(rebooked(), Missing.GONE, replace(WORN, intent=Intent.CREATE)), {},
            OpenConflict(
                "R7", replace(WORN, entry_id=None, calendar=Agreed(), host=replace(WORN.host, version="2")),
                ConflictKind.COPY_DELETED, NINE, None,
            ),
            id="R7 whatever was under way",
        ),
        pytest.param(
            copy_read(BOOKING, Missing.GONE, WORN), {"edits__deleted_in_calendar": "restore"},
            CreateCopy("R8", ANEW, BOOKING, copy_of(BOOKING), **RESTORED), id="R8",
        ),
        pytest.param(
            copy_read(BOOKING, Missing.GONE, WORN), {"edits__deleted_in_calendar": "cancel_booking"},
            CancelBooking("R9", WORN, BOOKING), id="R9",
        ),
        pytest.param(
            copy_read(rebooked(when=DAY), Missing.GONE, WORN), {},
            CreateCopy("R14", at(ANEW, DAY, **BERLIN_DAY), rebooked(when=DAY), copy_of(rebooked(when=DAY)), **RESTORED),
            id="R14",
        ),
        pytest.param(
            copy_read(RETITLED, LOST, replace(WORN, entry_id=None)), {},
            CreateCopy("R14", ANEW, RETITLED, copy_of(RETITLED), **RESTORED), id="R14 after R7",
        ),
        pytest.param(copy_read(CANCELLED, COPY_ENTRY, WORN), {}, DeleteCopy(
            "R15", replace(WORN, calendar_id=CALENDAR), "v1"), id="R15"),
        pytest.param(copy_read(CANCELLED, RENAMED, WORN), {}, DeleteCopy(
            "R15", replace(WORN, calendar_id=CALENDAR), "v2", had_changed=True), id="R15 edited"),
        pytest.param(copy_read(CANCELLED, LOST, WORN), {}, DeleteCopy("R15", WORN, "v1"), id="R15 unread"),
        pytest.param(
            copy_read(CANCELLED, COPY_ENTRY, replace(WORN, entry_id=None, calendar=Agreed())), {},
            DeleteCopy("R15", replace(WORN, calendar_id=CALENDAR, calendar=Agreed()), "v1", had_changed=True),
            id="R15 found by its mark",
        ),
        pytest.param(copy_read(CANCELLED, Missing.GONE, WORN), {}, DropLink("R16", WORN), id="R16"),
        pytest.param(copy_read(CANCELLED, LOST, None), {}, None, id="cancelled before we knew it"),
        pytest.param(copy_read(CANCELLED, COPY_ENTRY, None), {}, None, id="cancelled, and the mark of a stranger"),
        pytest.param(
            copy_read(BOOKING, moved(COPY_ENTRY, NOON), replace(WORN, decision=Origin.HOST)), {},
            update("R70", BOOKING, "v2", replace(WORN, decision=Origin.HOST), **RESTORED), id="R70",
        ),
        pytest.param(
            copy_read(BOOKING, Missing.GONE, replace(WORN, decision=Origin.HOST)), {},
            CreateCopy("R70", ANEW, BOOKING, copy_of(BOOKING), **RESTORED), id="R70 anew",
        ),
        pytest.param(
            copy_read(BOOKING, moved(COPY_ENTRY, NOON), replace(WORN, decision=Origin.CALENDAR)), {},
            MoveBooking("R71", replace(WORN, decision=Origin.CALENDAR), BOOKING, NOON, moved(COPY_ENTRY, NOON)),
            id="R71",
        ),
        pytest.param(
            copy_read(BOOKING, Missing.GONE, replace(WORN, decision=Origin.CALENDAR)), {},
            CancelBooking("R71", replace(WORN, decision=Origin.CALENDAR), BOOKING), id="R71 cancel",
        ),
        pytest.param(
            copy_read(BOOKING, COPY_ENTRY, replace(WORN, decision=Origin.CALENDAR)), {},
            update("R70", BOOKING, "v1", replace(WORN, decision=Origin.CALENDAR), **RESTORED),
            id="R71 where there is nothing to take",
        ),
        pytest.param(
            copy_read(BOOKING, LOST, replace(WORN, decision=Origin.HOST)), {}, None, id="a decision waits for the entry"
        ),
        pytest.param(
            copy_read(LOST, COPY_ENTRY, replace(WORN, decision=Origin.HOST)), {}, None, id="and for the booking"
        ),
    ],
)  # fmt: skip
def test_the_whole_of_what_is_asked(read: Read, settings: dict[str, Any], expected: Action | None) -> None:
    assert decide(read, scope(**settings)) == expected


@pytest.mark.rule("R1")
def test_the_first_row_of_a_booking() -> None:
    """Nothing but the booking, whose it is and what is about to be done."""
    booking = replace(BOOKING, when=DAY, series_id="s1")
    done = decide(replace(copy_read(booking, LOST, None), is_single=True))

    assert done == CreateCopy(
        "R82",
        Link(
            COPY_LINK.ref, COPY_LINK.resource_id, Origin.HOST, CALENDAR, DAY, **BERLIN_DAY, booking_id=BOOKING.id,
            series_id="s1", intent=Intent.CREATE, settings_version=1,
        ),
        booking,
        copy_of(booking),
    )  # fmt: skip
    single = decide(copy_read(BOOKING, LOST, None))
    assert isinstance(single, CreateCopy)
    assert single == CreateCopy(
        "R1",
        replace(COPY_LINK, entry_id=None, row=0, host=Agreed(), calendar=Agreed(), intent=Intent.CREATE),
        BOOKING,
        copy_of(BOOKING),
    )


@pytest.mark.rule("R30")
@pytest.mark.rule("R32")
@pytest.mark.rule("R122")
def test_what_is_adopted_is_the_entry_under_its_mark() -> None:
    mark = replace(MARK, generation=9, own="7-seen")
    entry = replace(COPY_ENTRY, mark=mark, version="v5")
    intent = replace(ANEW, generation=4, mark_id="5-own")
    row = replace(intent, generation=9, mark_id="7-seen")

    assert decide(copy_read(BOOKING, entry, intent)) == AdoptCopy("R30", row, BOOKING, copy_of(BOOKING), entry)
    first = decide(copy_read(BOOKING, entry, None))
    assert isinstance(first, AdoptCopy)
    assert (first.rule, first.link.generation, first.link.mark_id, first.entry) == ("R32", 9, "7-seen", entry)
    unmarked = decide(copy_read(BOOKING, replace(entry, mark=None), intent))
    assert isinstance(unmarked, AdoptCopy)
    assert unmarked.link == intent, "the mark that was looked for is not in every answer"
    assert decide(copy_read(BOOKING, LOST, intent)) == CreateCopy("R31", intent, BOOKING, copy_of(BOOKING))
    quarantined = replace(intent, is_quarantined=True, decision=None, host=Agreed("0"))
    tried = decide(copy_read(BOOKING, LOST, quarantined))
    assert isinstance(tried, CreateCopy)
    assert tried.link == intent


@pytest.mark.rule("R143")
@pytest.mark.rule("R122")
def test_a_row_that_is_found_in_another_calendar_is_agreed_on_under_no_version() -> None:
    mark = replace(MARK, generation=9, own="7-seen")
    entry = replace(COPY_ENTRY, calendar_id=CalendarId("beside"), mark=mark, uid="uid-b", when=NOON)
    time = fingerprint.time_of(NOON)

    found = row_as_found(None, BOOKING, copy_of(BOOKING), entry, scope())

    assert found == replace(
        COPY_LINK, calendar_id=entry.calendar_id, entry_uid=uid_hash(entry), generation=9, mark_id="7-seen", row=0,
        host=Agreed(time=time), calendar=Agreed(time=time, rest=fingerprint.rest_of_entry(entry)),
    )  # fmt: skip
    behind = row_as_found(WORN, BOOKING, copy_of(BOOKING), entry, scope())
    assert behind == replace(
        ANEW, calendar_id=entry.calendar_id, entry_id=entry.id, entry_uid=uid_hash(entry), generation=9,
        mark_id="7-seen", intent=None, host=found.host, calendar=found.calendar,
    )  # fmt: skip
    series = row_as_found(None, SERIES_MASTER, copy_of(SERIES_MASTER), entry, scope())
    assert (series.pattern, series.end_at) == (fingerprint.pattern_of(SERIES_MASTER.recurrence), series.start_at)


@pytest.mark.rule("R7")
def test_a_copy_that_the_person_brings_back_is_adopted() -> None:
    missing = replace(WORN, entry_id=None, calendar=Agreed())
    back = replace(COPY_ENTRY, id=EntryId("e9"), mark=replace(MARK, generation=3, own="5-own"))

    done = decide(copy_read(BOOKING, back, missing))

    row = replace(ANEW, generation=3, mark_id="5-own")
    assert done == AdoptCopy("R30", row, BOOKING, copy_of(BOOKING), back)
    assert reason_for(copy_read(BOOKING, LOST, missing)) == Quiet("R7", "copy_deleted_here")


def reason_for(read: Read, within: Scope | None = None, *, is_final: bool = True) -> Action | None:
    within = within or scope()
    [seen] = observe([read], within)
    return decide_with_reason(seen, within, is_final=is_final)


@pytest.mark.parametrize(
    ("read", "settings", "expected"),
    [
        pytest.param(copy_read(), {}, Quiet("R2", "in_step"), id="R2"),
        pytest.param(copy_read(Missing.UNKNOWN), {}, Quiet("R17", "window_unread"), id="R17 booking"),
        pytest.param(copy_read(calendar=Missing.UNKNOWN), {}, Quiet("R17", "window_unread"), id="R17 copy"),
        pytest.param(
            copy_read(Missing.NOT_READ, link=replace(COPY_LINK, is_disputed=True)), {}, Quiet("R17", "window_unread"),
            id="R17 in dispute",
        ),
        pytest.param(
            copy_read(Missing.NOT_READ, link=replace(COPY_LINK, attempt=Attempt(Origin.HOST, "", ""))), {},
            Quiet("R17", "window_unread"), id="R17 after a lost answer",
        ),
        pytest.param(
            copy_read(link=replace(COPY_LINK, is_quarantined=True)), {}, Quiet("R52", "entry_quarantined"), id="R52"
        ),
        pytest.param(
            copy_read(link=replace(COPY_LINK, is_quarantined=True)), {"reproject_below": 1},
            Quiet("R52", "entry_quarantined"), id="R52 under settings that it has seen",
        ),
        pytest.param(copy_read(), {"direction": "from_calendar"}, Quiet("R40", "direction"), id="R40"),
        pytest.param(
            copy_read(link=None), {"direction": "from_calendar"}, Skip("R40", copy_read().ref, code="direction"),
            id="R40 new",
        ),
        pytest.param(
            copy_read(rebooked(when=FAR), LOST, None), {}, Skip("R42", copy_read().ref, code="outside_window"), id="R42"
        ),
        pytest.param(
            copy_read(replace(BOOKING, when=TEN), LOST, replace(COPY_LINK, series_id="s1", intent=Intent.CREATE)), {},
            Quiet("R2", "in_step"), id="R2 of the clinic alone",
        ),
    ],
)  # fmt: skip
def test_what_is_left_alone_has_a_rule_and_a_code(read: Read, settings: dict[str, Any], expected: Action) -> None:
    below = settings.get("reproject_below", 0)
    values = {key: value for key, value in settings.items() if key != "reproject_below"}

    assert reason_for(read, replace(scope(**values), reproject_below=below)) == expected


@pytest.mark.rule("R42")
def test_a_day_at_the_edge_of_the_window_counts_in_the_zone_of_the_resource() -> None:
    within = scope()
    edge = within.window.start_at.date()  # begins at 23:00 UTC the day before, in Berlin: only its last hour is out
    before = AllDay(edge - timedelta(days=1), edge)

    assert isinstance(decide(copy_read(rebooked(when=before), LOST, None)), CreateCopy | Skip)
    assert decide(copy_read(rebooked(when=before), LOST, None)) == Skip("R42", copy_read().ref, code="outside_window")
    last = within.window.end_at.date()
    touching = decide(copy_read(rebooked(when=AllDay(last, last + timedelta(days=1))), LOST, None))
    assert isinstance(touching, CreateCopy), "its first hour lies before midnight UTC"


@pytest.mark.rule("R50")
def test_a_tombstone_keeps_its_row_and_its_rule_until_the_round_is_complete() -> None:
    assert decide(copy_read(calendar=Missing.GONE, link=WORN), is_final=False) == Leave("R50", WORN)
    within_calendar = replace(WORN, calendar_id=CALENDAR)
    assert decide(copy_read(Missing.GONE, link=WORN), is_final=False) == Leave("R50", within_calendar)
    assert decide(copy_read(Missing.GONE, LOST, WORN), is_final=False) == Leave("R50", WORN)
    assert reason_for(copy_read(calendar=Missing.GONE, link=WORN), is_final=False) == Leave("R50", WORN)


# --- what both sides agree on -----------------------------------------------------------------------------------------


@pytest.mark.rule("R2")
def test_agreement_takes_both_sides_as_they_are_and_forgets_what_was_open() -> None:
    open_row = replace(WORN, attempt=Attempt(Origin.HOST, "t", "r"))
    entry = replace(COPY_ENTRY, version="v2")

    done = decide(copy_read(rebooked(), entry, open_row))

    row = replace(
        WORN, host=replace(WORN.host, version="2"), calendar=replace(WORN.calendar, version="v2"), settings_version=1,
        is_disputed=False,
    )  # fmt: skip
    assert done == Agree("R2", row, is_proof=True)


@pytest.mark.rule("R2")
@pytest.mark.rule("R122")
def test_agreement_notes_the_new_id_of_a_mailbox_that_was_moved() -> None:
    entry = replace(COPY_ENTRY, id=EntryId("new"), version="v2")

    done = decide(copy_read(rebooked(), entry, WORN))

    assert isinstance(done, Agree)
    assert (done.rule, done.link.entry_id) == ("R2", "new")


@pytest.mark.rule("R2")
def test_agreement_by_one_side_alone_proves_nothing() -> None:
    done = decide(copy_read(rebooked(), LOST, WORN))

    row = replace(WORN, host=replace(WORN.host, version="2"), settings_version=1)
    assert done == Agree("R2", row, is_proof=False)


@pytest.mark.rule("R2")
def test_without_the_booking_the_settings_it_was_projected_under_stay_as_they_were() -> None:
    worn = replace(WORN, is_disputed=False)
    entry = replace(COPY_ENTRY, version="v2", title="Mine")

    done = decide(copy_read(LOST, entry, worn, whole=False))

    assert done == Agree("R2", replace(worn, calendar=replace(worn.calendar, version="v2")), is_proof=True)


@pytest.mark.rule("R2")
def test_where_nothing_is_new_no_row_is_written() -> None:
    older = replace(COPY_LINK, settings_version=0)

    assert decide(copy_read(LOST, COPY_ENTRY, older), scope(reproject_below=2)) is None


@pytest.mark.rule("R2")
def test_the_instants_of_a_day_follow_the_zone_of_the_resource() -> None:
    """The resource was in another zone when the row was written: nothing is sent, the row says where the day is now."""
    booking = replace(BOOKING, when=DAY)
    entry = replace(COPY_ENTRY, when=DAY)
    agreed = fingerprint.time_of(DAY)
    known = replace(COPY_LINK, host=replace(COPY_LINK.host, time=agreed),
                    calendar=replace(COPY_LINK.calendar, time=agreed))  # fmt: skip
    in_london = datetime(2026, 11, 24, tzinfo=UTC)
    row = at(known, DAY, start_at=in_london, end_at=in_london + timedelta(days=1))

    assert decide(copy_read(booking, entry, row)) == Agree("R2", at(known, DAY, **BERLIN_DAY), is_proof=True)
    assert decide(copy_read(booking, entry, at(known, DAY, **BERLIN_DAY))) is None


@pytest.mark.rule("R6")
def test_the_persons_own_text_is_noted_and_so_are_guests() -> None:
    entry = replace(RENAMED, has_attendees=True)

    done = decide(copy_read(rebooked(when=DAY), replace(entry, when=DAY), WORN))

    agreed = Agreed("v2", fingerprint.time_of(DAY), fingerprint.rest_of_entry(RENAMED))
    assert isinstance(done, OpenConflict), "R53"
    alone = decide(copy_read(BOOKING, entry, WORN))
    row = replace(
        WORN, calendar=replace(agreed, time=fingerprint.time_of(NINE)), settings_version=1, is_disputed=False,
        has_attendees=True,
    )  # fmt: skip
    assert alone == Agree("R6", row, is_proof=True)


@pytest.mark.rule("R12")
def test_the_same_move_on_both_sides_becomes_the_time_of_the_row() -> None:
    entry = moved(COPY_ENTRY, TEN)
    whole = decide(copy_read(rebooked(when=TEN), entry, WORN))

    time = fingerprint.time_of(TEN)
    row = replace(
        at(WORN, TEN), host=Agreed("2", time, WORN.host.rest), calendar=Agreed("v2", time, WORN.calendar.rest),
        settings_version=1, is_disputed=False,
    )  # fmt: skip
    assert whole == Agree("R12", row, is_proof=True)
    day = replace(COPY_ENTRY, when=DAY, version="v2")
    all_day = decide(copy_read(rebooked(when=DAY), day, WORN))
    assert isinstance(all_day, Agree)
    assert (all_day.link.when, all_day.link.start_at, all_day.link.end_at) == (DAY, *BERLIN_DAY.values())


@pytest.mark.rule("R12")
@pytest.mark.rule("R13")
def test_the_same_text_on_both_sides_is_agreement_and_another_one_a_conflict() -> None:
    same = replace(COPY_ENTRY, title="Therapy", version="v2")

    done = decide(copy_read(RETITLED, same, WORN))

    assert isinstance(done, Agree)
    assert done.rule == "R12"
    assert (done.link.host.rest, done.link.calendar.rest) == (
        fingerprint.asked_of_copy(copy_of(RETITLED)), fingerprint.rest_of_entry(same),
    )  # fmt: skip
    by_feed = decide(copy_read(rebooked(when=TEN), moved(COPY_ENTRY, TEN), WORN, whole=False))
    assert by_feed == update("R13", rebooked(when=TEN), "v2"), "the text was not read: the clinic's is written"


@pytest.mark.rule("R12")
def test_a_copy_back_at_its_bookings_time_agrees() -> None:
    """Agreed on was another time, and the person took the move back while the booking did the same."""
    elsewhere = replace(WORN, calendar=replace(WORN.calendar, time=fingerprint.time_of(NOON)))

    done = decide(copy_read(rebooked(), replace(COPY_ENTRY, version="v2"), elsewhere))

    row = replace(
        WORN, host=replace(WORN.host, version="2"), calendar=replace(WORN.calendar, version="v2"), settings_version=1,
        is_disputed=False,
    )  # fmt: skip
    assert done == Agree("R12", row, is_proof=True)


@pytest.mark.rule("R13")
def test_a_copy_back_at_its_bookings_time_is_no_reason_to_forget_the_clinics_text() -> None:
    elsewhere = replace(WORN, calendar=replace(WORN.calendar, time=fingerprint.time_of(NOON)))
    entry = replace(COPY_ENTRY, version="v2")

    assert decide(copy_read(RETITLED, entry, elsewhere)) == update("R13", RETITLED, "v2", elsewhere)


@pytest.mark.rule("R6")
def test_a_row_that_never_knew_its_booking_takes_both_as_they_are() -> None:
    unknown = replace(WORN, host=Agreed())

    done = decide(copy_read(BOOKING, RENAMED, unknown))

    host = Agreed("1", fingerprint.time_of(NINE), fingerprint.asked_of_copy(copy_of(BOOKING)))
    calendar = Agreed("v2", fingerprint.time_of(NINE), fingerprint.rest_of_entry(RENAMED))
    row = replace(WORN, host=host, calendar=calendar, settings_version=1, is_disputed=False)
    assert done == Agree("R6", row, is_proof=True)


@pytest.mark.rule("R11")
@pytest.mark.rule("R102")
def test_a_conflict_names_the_time_without_the_buffers() -> None:
    quarter = timedelta(minutes=15)
    wide = Timed(NINE.start_at - quarter, NINE.end_at)
    link = replace(WORN, host=replace(WORN.host, time=fingerprint.time_of(wide)),
                   calendar=replace(WORN.calendar, time=fingerprint.time_of(wide)))  # fmt: skip
    entry = moved(COPY_ENTRY, Timed(NOON.start_at - quarter, NOON.end_at))

    for booking in (rebooked(when=TEN, buffer_before=quarter), rebooked(when=TEN, buffer_before=quarter, title="x")):
        done = decide(copy_read(booking, entry, link))
        assert done == OpenConflict("R11", link, ConflictKind.CHANGED_ON_BOTH, TEN, NOON, "both_times_changed")


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R110")
@pytest.mark.parametrize(
    ("code", "kind"), [("outside_hours", ConflictKind.OUTSIDE_HOURS), ("slot_taken", ConflictKind.REFUSED)]
)
def test_what_was_refused_is_not_asked_of_the_same_version_again(code: str, kind: ConflictKind) -> None:
    wish = wish_of("1", fingerprint.time_of(NOON))
    no = replace(WORN, refused=Refused(code, wish))

    assert decide(copy_read(BOOKING, moved(COPY_ENTRY, NOON), no)) == OpenConflict("R110", no, kind, NINE, NOON, code)
    for changed in (copy_read(rebooked(), moved(COPY_ENTRY, NOON), no), copy_read(BOOKING, moved(COPY_ENTRY, TEN), no)):
        assert isinstance(decide(changed), MoveBooking), "another version, or another time"


@pytest.mark.rule("R110")
def test_a_cancellation_that_was_refused_is_not_asked_again_either() -> None:
    no = replace(WORN, refused=Refused("too_late", wish_of("1", CANCEL)))
    within = scope(edits__deleted_in_calendar="cancel_booking")

    assert decide(copy_read(BOOKING, Missing.GONE, no), within) == OpenConflict(
        "R110", no, ConflictKind.REFUSED, NINE, None, "too_late"
    )
    assert isinstance(decide(copy_read(BOOKING, moved(COPY_ENTRY, NOON), no), within), MoveBooking)


# --- guests -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R53")
def test_where_others_are_invited_the_conflict_says_both_times() -> None:
    guests = replace(COPY_ENTRY, has_attendees=True)
    invited = replace(WORN, has_attendees=True)

    def conflict(link: Link, was: Any, is_at: Any) -> OpenConflict:
        return OpenConflict("R53", link, ConflictKind.NOT_WRITABLE, was, is_at, "has_attendees")

    assert decide(copy_read(rebooked(when=TEN), guests, WORN)) == conflict(WORN, TEN, NINE)
    assert decide(copy_read(rebooked(when=TEN), LOST, invited)) == conflict(invited, TEN, None)
    assert decide(copy_read(Missing.GONE, guests, WORN)) == conflict(WORN, NINE, NINE)
    assert decide(copy_read(Missing.GONE, LOST, invited)) == conflict(invited, NINE, None)
    assert isinstance(decide(copy_read(rebooked(when=TEN), COPY_ENTRY, invited)), UpdateCopy), "they have left again"
    quarter = timedelta(minutes=15)
    wide = fingerprint.time_of(Timed(NINE.start_at - quarter, NINE.end_at))
    agreed = replace(WORN, host=replace(WORN.host, time=wide), calendar=replace(WORN.calendar, time=wide))
    buffered = rebooked(when=TEN, buffer_before=quarter)
    shown = replace(guests, when=Timed(NINE.start_at - quarter, NINE.end_at))
    assert decide(copy_read(buffered, shown, agreed)) == conflict(agreed, TEN, NINE), "without the buffers"
    hidden = scope(reproject_below=2, to_calendar__privacy="anonymous")
    waits = replace(WORN, settings_version=-1)
    assert decide(copy_read(BOOKING, guests, WORN), hidden) == conflict(waits, NINE, NINE), "it is compared again"
    assert decide(copy_read(Missing.GONE, guests, WORN), hidden) == conflict(WORN, NINE, NINE), (
        "a deletion says nothing"
    )
    seen = replace(scope(), reproject_below=1)
    settled = replace(WORN, settings_version=1)
    assert decide(copy_read(rebooked(when=TEN), guests, settled), seen) == conflict(settled, TEN, NINE)


# --- lost answers -----------------------------------------------------------------------------------------------------


def attempted(side: Origin, when: Timed, rest: str = COPY_LINK.calendar.rest) -> Link:
    return replace(WORN, attempt=Attempt(side, fingerprint.time_of(when), rest))


@pytest.mark.rule("R18")
def test_a_write_of_ours_is_one_by_time_and_text() -> None:
    ours = attempted(Origin.CALENDAR, TEN)
    entry = moved(COPY_ENTRY, TEN)

    known = replace(ours, calendar=replace(ours.calendar, version="v2", time=fingerprint.time_of(TEN)))
    assert decide(copy_read(BOOKING, entry, ours)) == update("R18", BOOKING, "v2", known)
    assert decide(copy_read(rebooked(when=NOON), entry, ours)) == update("R18", rebooked(when=NOON), "v2", known)
    retitled = replace(entry, title="Mine")
    assert isinstance(decide(copy_read(BOOKING, retitled, ours)), MoveBooking), "another text: the person wrote it"
    assert decide(copy_read(BOOKING, retitled, ours, whole=False)) == update("R18", BOOKING, "v2", known), "not read"


@pytest.mark.rule("R19")
def test_the_persons_move_after_our_request_is_asked_for() -> None:
    asked = attempted(Origin.HOST, TEN)
    known = replace(asked, host=replace(asked.host, time=fingerprint.time_of(TEN)))

    assert decide(copy_read(rebooked(when=TEN), moved(COPY_ENTRY, NOON), asked)) == MoveBooking(
        "R19", known, rebooked(when=TEN), NOON, moved(COPY_ENTRY, NOON)
    )


@pytest.mark.rule("R7")
@pytest.mark.rule("R19")
def test_a_copy_deleted_after_our_own_move_is_missing_at_the_new_time() -> None:
    asked = attempted(Origin.HOST, TEN)

    host = Agreed("2", fingerprint.time_of(TEN), WORN.host.rest)
    missing = replace(WORN, entry_id=None, calendar=Agreed(), host=host)
    assert decide(copy_read(rebooked(when=TEN), Missing.GONE, asked)) == OpenConflict(
        "R7", missing, ConflictKind.COPY_DELETED, TEN, None
    )


@pytest.mark.rule("R71")
@pytest.mark.rule("R102")
def test_the_calendars_time_is_taken_without_the_buffers() -> None:
    quarter = timedelta(minutes=15)
    buffered = replace(BOOKING, buffer_before=quarter)
    wide = Timed(NINE.start_at - quarter, NINE.end_at)
    link = replace(WORN, decision=Origin.CALENDAR, host=replace(WORN.host, time=fingerprint.time_of(wide)))
    entry = moved(COPY_ENTRY, Timed(NOON.start_at - quarter, NOON.end_at))

    assert decide(copy_read(buffered, entry, link)) == MoveBooking("R71", link, buffered, NOON, entry)


@pytest.mark.rule("R100")
def test_our_own_lost_write_is_no_text_of_the_person() -> None:
    hidden = {"to_calendar__privacy": "anonymous"}
    ours = attempted(Origin.CALENDAR, TEN)
    within = scope(reproject_below=2, **hidden)

    done = decide(copy_read(BOOKING, moved(COPY_ENTRY, TEN), ours), within)

    assert isinstance(done, UpdateCopy)
    assert (done.rule, done.copy, done.is_text_only) == ("R18", copy_of(BOOKING, **hidden), False)
    theirs = decide(copy_read(BOOKING, moved(COPY_ENTRY, NOON), ours), within)
    kept = replace(copy_of(BOOKING, **hidden), when=NOON, keeps_times=True)
    assert theirs == UpdateCopy("R100", ours, BOOKING, kept, "v2", is_text_only=True)
    written = decide(copy_read(BOOKING, RENAMED, WORN), within)
    assert written == UpdateCopy("R100", WORN, BOOKING, copy_of(BOOKING, **hidden), "v2")
    under = replace(scope(**hidden), reproject_below=1)
    settled = replace(WORN, settings_version=1, is_disputed=False)
    assert isinstance(decide(copy_read(rebooked(), RENAMED, settled), under), OpenConflict), "R11: not for all there is"


# --- a closed direction -----------------------------------------------------------------------------------------------


@pytest.mark.rule("R43")
@pytest.mark.rule("R100")
def test_what_a_closed_direction_had_written_goes_or_waits() -> None:
    closed = scope(reproject_below=2, direction="from_calendar")
    unread = replace(WORN, entry_id=None)

    assert decide(copy_read(BOOKING, RENAMED, WORN), closed) == DeleteCopy(
        "R43", replace(WORN, calendar_id=CALENDAR), "v2"
    )
    assert decide(copy_read(BOOKING, LOST, WORN), closed) == DeleteCopy("R43", WORN, "v1")
    assert decide(copy_read(BOOKING, COPY_ENTRY, unread), closed) == DeleteCopy(
        "R43", replace(WORN, calendar_id=CALENDAR), "v1"
    )
    assert decide(copy_read(BOOKING, LOST, unread), closed) == DropLink("R43", unread)
    waits = replace(closed, removes_closed=False)
    assert decide(copy_read(BOOKING, COPY_ENTRY, WORN), waits) == Agree("R100", replace(WORN, settings_version=-1))
    assert decide(copy_read(BOOKING, COPY_ENTRY, replace(WORN, settings_version=-1)), waits) is None
    seen = replace(closed, reproject_below=1)
    assert reason_for(copy_read(link=replace(WORN, settings_version=1)), seen) == Quiet("R40", "direction")
