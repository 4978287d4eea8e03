"""Runs as a whole: what the tables alone cannot say. Each test of a defect tells how it was found."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from calsync_core.domain.appointments import Notes
from calsync_core.domain.conflicts import ConflictKind, ConflictStatus
from calsync_core.domain.errors import (
    AppointmentRejectedError,
    ConsentRevokedError,
    InstallationError,
    ProviderThrottledError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import BookingId, CalendarId, ResourceId
from calsync_core.domain.links import booking_ref
from calsync_core.domain.resources import Progress, ResourceState, Status, WorkingRange
from calsync_core.domain.synclog import Reason
from calsync_core.usecases.confirm_stop_line import StopLinePorts, confirm_stop_line, restore_copies
from calsync_core.usecases.sync.sync_resource import Result

from tests.small_clinic import ACCOUNT, NOW, Clinic, a_clinic, at

ANNA = ResourceId("anna")


def _clinic(page_size: int = 50, **settings: object) -> Clinic:
    clinic = a_clinic(page_size)
    clinic.connect()
    clinic.mailbox().page_size = page_size
    if settings:
        clinic.settings(**settings)
    return clinic


def _state(clinic: Clinic, who: str = "anna"):
    return clinic.stores.resources.get(ACCOUNT, ResourceId(who))


def _reasons(clinic: Clinic) -> list[str]:
    return [line.reason.value for line in clinic.stores.log.of_resource(ACCOUNT, ANNA, 500)]


def _rules(clinic: Clinic, who: str = "anna") -> list[str | None]:
    return [line.rule for line in clinic.stores.log.of_resource(ACCOUNT, ResourceId(who), 500)]


def _refuse(operation: str, error: BaseException, when: str = "before") -> Callable[[str, str], None]:
    def fault(name: str, phase: str) -> None:
        if name == operation and phase == when:
            raise error

    return fault


# --- stop-lines ---


def _stop_ports(clinic: Clinic) -> StopLinePorts:
    stores = clinic.stores
    return StopLinePorts(stores.resources, stores.links, stores.log, clinic.queue, clinic.clock)


def _delete_entries(clinic: Clinic, count: int) -> None:
    for entry in [one for one in clinic.mailbox().shown() if one.mark is None][:count]:
        clinic.mailbox().delete_entry(entry.id)


@pytest.mark.rule("R50")
@pytest.mark.prop("P9")
def test_312_deletions_in_pages_of_50_are_seen_as_312_and_nothing_is_deleted() -> None:
    clinic = _clinic(50)
    for number in range(500):
        clinic.mailbox().create_entry(at(1 + number // 20, 8 + (number % 20) * 0.5, 0.4))
    clinic.settle()
    _delete_entries(clinic, 312)
    told: list[ResourceState] = []
    clinic.ports = replace(clinic.ports, on_stop=told.append)

    clinic.settle()

    assert len(clinic.blocks()) == 500
    state = _state(clinic)
    assert {one.degraded for one in told} == {state.degraded}
    assert state.degraded is not None
    assert state.degraded.reason == "stop_line"
    counted = [line for line in clinic.stores.log.of_resource(ACCOUNT, ANNA, 50) if line.reason is Reason.STOP_LINE]
    assert dict(counted[0].detail)["count"] == "312"

    clinic.settle()
    assert len(clinic.blocks()) == 500, "it stays stopped until a person says so"

    confirm_stop_line(_stop_ports(clinic), ACCOUNT, ANNA, by="admin")
    clinic.settle()
    assert len(clinic.blocks()) == 188
    assert _state(clinic).degraded is None


@pytest.mark.bad_input(12)
@pytest.mark.rule("R51")
@pytest.mark.prop("P9")
def test_a_suddenly_empty_calendar_deletes_nothing() -> None:
    """The service answers a full read with nothing at all."""
    clinic = _clinic()
    for hour in range(8, 18):
        clinic.mailbox().create_entry(at(2, hour))
    clinic.settle()
    clinic.mailbox().expire_cursors()
    _delete_entries(clinic, 10)

    clinic.settle()

    assert len(clinic.blocks()) == 10
    assert _state(clinic).degraded.reason == "stop_line"


@pytest.mark.rule("R50")
@pytest.mark.rule("R51")
@pytest.mark.prop("P9")
@pytest.mark.parametrize(("old", "new", "vanish"), [(1, 4, 4), (300, 60, 30)], ids=["empty", "many"])
def test_what_lies_behind_the_window_does_not_weaken_the_stop_line(old: int, new: int, vanish: int) -> None:
    """Found by a scene at the end of a random life: links of the past are kept for ever, and counted as if the round
    could have met them. A calendar in use for a month was never "suddenly empty", and never lost a fifth of itself."""
    clinic = _clinic()
    for number in range(old):
        clinic.mailbox().create_entry(at(1 + number // 40, 8 + (number % 40) * 0.25, 0.2))
    clinic.settle()
    clinic.clock.advance(timedelta(days=60))
    later = [clinic.mailbox().create_entry(at(70 + number // 20, 8 + number % 20 * 0.5, 0.4)) for number in range(new)]
    clinic.run(cause="full")
    for entry in later[:vanish]:
        clinic.mailbox().delete_entry(entry)

    clinic.run(cause="full")

    assert len(clinic.blocks()) == old + new
    degraded = _state(clinic).degraded
    assert degraded is not None
    assert degraded.reason == "stop_line"


@pytest.mark.rule("R50")
def test_copies_that_vanished_can_be_restored_instead() -> None:
    clinic = _clinic()
    for number in range(30):
        clinic.system.book(["anna"], at(2 + number, 9))
    clinic.settle()
    for entry in clinic.copies():
        clinic.mailbox().delete_entry(entry.id)
    clinic.settle()
    assert _state(clinic).degraded.reason == "stop_line"

    assert restore_copies(_stop_ports(clinic), ACCOUNT, ANNA, by="admin") == 30
    clinic.settle()

    assert len(clinic.copies()) == 30
    assert all(booking.status.value == "confirmed" for booking in clinic.system.bookings.values())
    assert _state(clinic).degraded is None


@pytest.mark.rule("R50")
def test_bookings_that_the_host_shows_as_cancelled_do_not_count() -> None:
    clinic = _clinic()
    for number in range(30):
        clinic.system.book(["anna"], at(2 + number, 9))
    clinic.settle()
    for booking in list(clinic.system.bookings):
        clinic.system.cancel(booking)

    clinic.settle()

    assert clinic.copies() == []
    assert _state(clinic).degraded is None


# --- one bad entry, outages, lost access ---


@pytest.mark.rule("R52")
@pytest.mark.rule("R61")
@pytest.mark.complaint(30)
def test_one_bad_booking_is_quarantined_and_the_run_goes_on() -> None:
    clinic = _clinic()
    bad = clinic.system.book(["anna"], at(2, 9))
    good = clinic.system.book(["anna"], at(3, 9))
    create = clinic.providers[_state(clinic).mailbox].create

    def picky(calendar, copy, mark, transaction):  # type: ignore[no-untyped-def]
        if mark.booking == bad:
            raise AppointmentRejectedError("too_long")
        return create(calendar, copy, mark, transaction)

    clinic.providers[_state(clinic).mailbox].create = picky  # type: ignore[method-assign]
    clinic.settle()

    assert [entry.mark.booking for entry in clinic.copies()] == [good]
    assert [(one.kind, one.code) for one in clinic.conflicts()] == [(ConflictKind.NOT_WRITABLE, "too_long")]
    assert "R52" in _rules(clinic)

    clinic.providers[_state(clinic).mailbox].create = create  # type: ignore[method-assign]
    clinic.settle()
    assert len(clinic.copies()) == 1, "not tried again before the booking changes"
    clinic.system.retitle(bad, "short")
    clinic.settle()
    assert len(clinic.copies()) == 2
    assert clinic.conflicts() == [], "and the conflict closes itself"


@pytest.mark.rule("R52")
def test_a_copy_that_is_moved_back_and_forth_runs_out_of_its_budget() -> None:
    """Another tool moves the copy each time that we restore it: after six writes in an hour it is left alone."""
    clinic = _clinic(edits__moved_in_calendar="restore")
    clinic.system.book(["anna"], at(2, 9))
    clinic.settle()
    for hour in range(10, 20):
        clinic.mailbox().move_entry(clinic.copies()[0].id, at(3, hour))
        clinic.settle()

    restored = [
        line for line in clinic.stores.log.of_resource(ACCOUNT, ANNA, 500) if line.reason is Reason.COPY_RESTORED
    ]
    assert len(restored) == 6
    assert _reasons(clinic).count("entry_quarantined") == 1


@pytest.mark.parametrize(
    ("error", "result", "seconds", "code"),
    [
        (ProviderThrottledError(timedelta(seconds=7)), Result.WAIT, 7, "throttled"),
        (ProviderThrottledError(timedelta(hours=1)), Result.FAILED, 0, "throttled"),
        (ProviderUnavailableError("cut"), Result.WAIT, 5, "cut"),
        (InstallationError("entra_missing"), Result.FAILED, 0, "entra_missing"),
        (ConsentRevokedError(), Result.FAILED, 0, "auth_expired"),
    ],
)
def test_an_expected_outcome_is_an_answer_and_never_an_exception(
    error: Exception, result: Result, seconds: int, code: str
) -> None:
    clinic = _clinic()
    clinic.settle()
    clinic.fault = _refuse("changes", error)

    outcome = clinic.work()

    assert (outcome.result, outcome.seconds, outcome.code) == (result, seconds, code)
    assert clinic.stores.leases.take(ACCOUNT, ANNA, NOW, NOW + timedelta(minutes=1)) is not None, "the lease is free"


@pytest.mark.bad_input(21)
def test_lost_access_stops_everything_until_the_person_acts() -> None:
    clinic = _clinic()
    clinic.settle()
    clinic.mailbox().is_revoked = True

    clinic.run()

    assert (_state(clinic).status, _state(clinic).reason) == (Status.REAUTH_REQUIRED, "auth_expired")
    calls = sum(next(iter(clinic.providers.values())).calls.values())
    clinic.run()
    assert sum(next(iter(clinic.providers.values())).calls.values()) == calls, "nothing is tried meanwhile"


def test_a_pause_during_a_run_is_no_broken_run() -> None:
    """Story: the admin pressed Pause while an import noted its progress; the run ended with an exception, was logged as
    broken and mailed. Found by the random lives."""
    clinic = _clinic()
    pressed: list[int] = []

    def pause(operation: str, phase: str) -> None:
        if operation == "bookings" and phase == "after" and not pressed:
            pressed.append(1)
            state = _state(clinic)
            clinic.stores.resources.save(state.moved_to(Status.PAUSED, clinic.clock.now()))

    clinic.fault = pause
    assert clinic.work(cause="import").result is Result.AGAIN
    assert clinic.work(cause="import").code == "inactive"
    assert _state(clinic).status is Status.PAUSED


# --- marks ---


def _two_locations() -> Clinic:
    clinic = _clinic()
    clinic.connect("anna-north", "mbx-anna")
    return clinic


@pytest.mark.rule("R35")
@pytest.mark.prop("P4")
@pytest.mark.complaint(7)
def test_a_persons_copy_of_our_copy_is_a_new_foreign_entry() -> None:
    clinic = _clinic()
    clinic.system.book(["anna"], at(2, 9))
    clinic.settle()
    clone = clinic.mailbox().copy_entry(clinic.copies()[0].id, at(4, 9))

    clinic.settle()

    assert [block.when for block in clinic.blocks()] == [at(4, 9)]
    clinic.system.cancel(next(iter(clinic.system.bookings)))
    clinic.settle()
    assert [entry.id for entry in clinic.copies()] == [clone], "it is not ours to delete"


@pytest.mark.rule("R33")
@pytest.mark.rule("R34")
def test_a_booking_of_two_resources_in_one_mailbox_blocks_neither_and_blocks_again_when_handed_over() -> None:
    """Story: the booking was handed to the other location and the copy that stayed did not block this one (nor
    stopped to block when it became shared), because the feed says nothing when only that changes. Found by the
    random lives."""
    clinic = _two_locations()
    booking = clinic.system.book(["anna"], at(2, 9))
    clinic.settle()
    assert [block.when for block in clinic.blocks("anna-north")] == [at(2, 9)]

    clinic.system.reassign(booking, ["anna", "anna-north"])
    clinic.settle()
    assert clinic.blocks("anna-north") == clinic.blocks("anna") == []
    assert len(clinic.copies()) == 2

    clinic.system.reassign(booking, ["anna"])
    clinic.settle()
    assert [block.when for block in clinic.blocks("anna-north")] == [at(2, 9)]
    assert len(clinic.copies()) == 1


@pytest.mark.rule("R33")
@pytest.mark.prop("P8")
def test_details_of_a_colleagues_booking_never_become_the_title_of_a_block() -> None:
    """Story: see test_plan_blocks: the copy came back from the feed without its mark."""
    clinic = _two_locations()
    clinic.settings(from_calendar__privacy="full")
    booking = clinic.system.book(["anna"], at(2, 9), service_name="Massage")
    clinic.settle()
    clinic.system.move_booking_by_clinic(booking, at(3, 9))
    clinic.settle()

    assert [(block.when, block.title) for block in clinic.blocks("anna-north")] == [(at(3, 9), None)]


@pytest.mark.rule("R32")
@pytest.mark.prop("P4")
@pytest.mark.complaint(17)
def test_after_leaving_with_copies_kept_a_reconnect_adopts_them() -> None:
    clinic = _clinic()
    clinic.system.book(["anna"], at(2, 9))
    clinic.settle()
    for link in clinic.stores.links.all(ACCOUNT, ANNA):
        clinic.stores.links.delete(ACCOUNT, link)
    clinic.stores.cursors.forget(ACCOUNT, ANNA)

    clinic.settle()

    assert len(clinic.copies()) == 1
    assert "R32" in _rules(clinic)


@pytest.mark.rule("R33")
def test_the_kept_copy_of_a_cancelled_booking_stays_and_blocks() -> None:
    """Story: it was neither deleted (no link, no deletion) nor did it block, because the cancelled booking still
    named the resource. Found by the random lives."""
    clinic = _clinic()
    booking = clinic.system.book(["anna"], at(2, 9))
    clinic.settle()
    for link in clinic.stores.links.all(ACCOUNT, ANNA):
        clinic.stores.links.delete(ACCOUNT, link)
    clinic.stores.cursors.forget(ACCOUNT, ANNA)
    clinic.system.cancel(booking)

    clinic.settle()

    assert len(clinic.copies()) == 1
    assert [block.when for block in clinic.blocks()] == [at(2, 9)]


# --- both sides changed, moves, refusals ---


@pytest.mark.rule("R3")
@pytest.mark.prop("P3")
def test_a_move_by_the_person_and_a_change_by_the_clinic_both_arrive() -> None:
    """Story: the answer to the move brought the clinic's other change along as already agreed, and the copy never
    showed it. Found by the random lives."""
    clinic = _clinic()
    booking = clinic.system.book(["anna"], at(2, 9), service_name="Massage")
    clinic.settle()
    clinic.mailbox().move_entry(clinic.copies()[0].id, at(4, 9))
    clinic.system.change_booking(booking, service_name="Therapy")

    clinic.settle()

    assert clinic.system.bookings[booking].when == at(4, 9)
    assert (clinic.copies()[0].when, clinic.copies()[0].title) == (at(4, 9), "Therapy")


@pytest.mark.rule("R61")
@pytest.mark.rule("R62")
def test_a_refused_move_is_a_conflict_that_closes_when_the_copy_is_back() -> None:
    clinic = _clinic()
    hours = tuple(WorkingRange(day, NOW.time().replace(hour=8), NOW.time().replace(hour=17)) for day in range(7))
    clinic.system.resources[ANNA] = replace(clinic.system.resources[ANNA], working_hours=hours)
    booking = clinic.system.book(["anna"], at(2, 9))
    clinic.settle()
    clinic.mailbox().move_entry(clinic.copies()[0].id, at(2, 22))
    clinic.settle()

    conflict = clinic.conflicts()[0]
    assert (conflict.kind, conflict.booking_when, conflict.calendar_when) == (
        ConflictKind.OUTSIDE_HOURS,
        at(2, 9),
        at(2, 22),
    )
    assert clinic.system.bookings[booking].when == at(2, 9)

    clinic.mailbox().move_entry(clinic.copies()[0].id, at(2, 9))
    clinic.settle()
    assert clinic.conflicts() == []


@pytest.mark.rule("R60")
@pytest.mark.rule("R62")
def test_an_overlap_opens_one_conflict_and_closes_itself() -> None:
    clinic = _clinic()
    clinic.system.book(["anna"], at(2, 9))
    entry = clinic.mailbox().create_entry(at(2, 9.5))
    clinic.settle()

    assert [(one.kind, one.booking_when, one.calendar_when) for one in clinic.conflicts()] == [
        (ConflictKind.SAME_TIME, at(2, 9), at(2, 9.5))
    ]
    clinic.settle()
    assert len(clinic.conflicts()) == 1
    assert clinic.conflicts()[0].revision == 1

    clinic.mailbox().move_entry(entry, at(2, 12))
    clinic.settle()
    assert clinic.conflicts() == []


@pytest.mark.rule("R60")
def test_overlaps_are_judged_after_the_feed_of_the_booking_system_started_anew() -> None:
    """Story: the cursor expired while it was read, the round became a full one on the way, and overlaps were
    never judged. Found by the random lives."""
    clinic = _clinic()
    clinic.mailbox().create_entry(at(2, 9))
    clinic.settle()
    clinic.system.expire_cursors()
    clinic.system.book(["anna"], at(2, 9))

    clinic.settle()

    assert [one.kind for one in clinic.conflicts()] == [ConflictKind.SAME_TIME]


@pytest.mark.rule("R60")
def test_a_whole_series_is_judged_with_two_queries() -> None:
    clinic = _clinic()
    clinic.system.book(["anna"], at(16, 9))
    clinic.settle()
    clinic.mailbox().create_series(at(2, 9), 20)

    clinic.settle()

    assert [one.booking_when for one in clinic.conflicts()] == [at(16, 9)]
    clinic.mailbox().delete_entry(next(entry.series_id for entry in clinic.mailbox().shown() if entry.series_id))
    clinic.settle()
    assert clinic.conflicts() == []


@pytest.mark.rule("R7")
@pytest.mark.rule("R62")
def test_the_conflict_of_a_deleted_copy_ends_with_its_booking() -> None:
    clinic = _clinic()
    booking = clinic.system.book(["anna"], at(2, 9))
    clinic.settle()
    clinic.mailbox().delete_entry(clinic.copies()[0].id)
    clinic.settle()
    assert [one.kind for one in clinic.conflicts()] == [ConflictKind.COPY_DELETED]

    clinic.system.cancel(booking)
    clinic.settle()
    assert clinic.conflicts() == []
    rows = clinic.stores.conflicts.of_resource(ACCOUNT, ANNA)
    assert [row.status for row in rows] == [ConflictStatus.SETTLED]


@pytest.mark.rule("R8")
def test_a_restored_copy_is_found_again_after_a_crash() -> None:
    """Story: the tombstone was used up, the new row had no pointer, and nothing led back to the copy that was not
    written until the weekly check. Found by the crash points."""
    clinic = _clinic(edits__deleted_in_calendar="restore")
    clinic.system.book(["anna"], at(2, 9))
    clinic.settle()
    clinic.mailbox().delete_entry(clinic.copies()[0].id)
    clinic.fault = _refuse("create", ProviderUnavailableError("cut"))
    clinic.run()
    clinic.fault = lambda _operation, _phase: None

    clinic.settle()

    assert [entry.when for entry in clinic.copies()] == [at(2, 9)]


# --- windows ---


@pytest.mark.rule("R42")
@pytest.mark.prop("P14")
def test_moved_out_of_the_window_is_followed_and_out_by_time_is_kept() -> None:
    clinic = _clinic()
    entry = clinic.mailbox().create_entry(at(2, 9))
    clinic.mailbox().create_entry(at(3, 9))
    booking = clinic.system.book(["anna"], at(4, 9))
    clinic.settle()

    clinic.mailbox().move_entry(entry, at(900, 9))
    clinic.system.move_booking_by_clinic(booking, at(901, 9))
    clinic.settle()
    assert sorted(block.when.start_at for block in clinic.blocks()) == [at(3, 9).start_at, at(900, 9).start_at]
    assert [one.when for one in clinic.copies()] == [at(901, 9)]

    clinic.clock.advance(timedelta(days=60))
    clinic.settle()
    assert len(clinic.blocks()) == 2, "what lies behind us is neither deleted nor forgotten"
    assert len(list(clinic.stores.links.all(ACCOUNT, ANNA))) == 3


# --- other calendars ---


def _choose(clinic: Clinic, primary: str, *conflicts: str) -> None:
    state = _state(clinic)
    pairs = tuple((state.mailbox, CalendarId(one)) for one in conflicts)
    new = replace(
        state.moved_to(Status.IMPORTING, clinic.clock.now()), primary=CalendarId(primary), conflict_calendars=pairs,
        progress=Progress(),
    )  # fmt: skip
    clinic.stores.resources.save(new)


@pytest.mark.rule("R36")
def test_copies_move_to_a_new_primary_calendar_written_first_and_deleted_after() -> None:
    clinic = _clinic()
    other = clinic.mailbox().add_calendar("Work")
    clinic.system.book(["anna"], at(2, 9))
    clinic.settle()

    _choose(clinic, other)
    clinic.settle()

    assert [(entry.calendar_id, entry.when) for entry in clinic.mailbox().shown(other)] == [(other, at(2, 9))]
    assert clinic.copies() == []
    assert [write.operation for write in clinic.mailbox().writes] == ["create", "create", "delete"]


@pytest.mark.rule("R37")
def test_the_blocks_of_a_calendar_that_is_no_longer_checked_go() -> None:
    clinic = _clinic()
    other = clinic.mailbox().add_calendar("Band")
    _choose(clinic, "calendar-1", other)
    clinic.mailbox().create_entry(at(2, 9), calendar_id=other)
    clinic.mailbox().create_entry(at(3, 9))
    clinic.settle()
    assert len(clinic.blocks()) == 2

    _choose(clinic, "calendar-1")
    clinic.settle()

    assert [block.when for block in clinic.blocks()] == [at(3, 9)]
    assert other not in clinic.stores.cursors.load(ACCOUNT, ANNA)
    assert not clinic.mailbox().writes, "nothing is ever written there"


@pytest.mark.rule("R37")
@pytest.mark.prop("P8")
def test_a_primary_calendar_that_is_only_checked_from_now_on_shows_no_text_any_more() -> None:
    clinic = _clinic(from_calendar__privacy="full")
    other = clinic.mailbox().add_calendar("Work")
    clinic.mailbox().create_entry(at(2, 9), "Dentist", notes=Notes("X-ray"))
    clinic.settle()
    assert [block.title for block in clinic.blocks()] == ["Dentist"]

    _choose(clinic, other, "calendar-1")
    clinic.settle()

    assert [(block.title, block.notes) for block in clinic.blocks()] == [(None, None)]


@pytest.mark.rule("R23")
@pytest.mark.rule("R24")
def test_a_full_check_puts_back_what_was_moved_or_removed_in_the_booking_system() -> None:
    """Story: nobody ever asked the booking system for its blocks. Found by reading the table against the code."""
    clinic = _clinic()
    for hour in (9, 10, 11):
        clinic.mailbox().create_entry(at(2, hour))
    clinic.settle()
    first, second, _ = sorted(clinic.system.blocks, key=lambda ref: clinic.system.blocks[ref].when.start_at)
    clinic.system.move_block_by_clinic(first, at(5, 9))
    clinic.system.remove_block_by_clinic(second)

    clinic.run(cause="full")

    assert sorted(block.when.start_at for block in clinic.blocks()) == [at(2, hour).start_at for hour in (9, 10, 11)]
    assert {"R23", "R24"} <= set(_rules(clinic))


@pytest.mark.rule("R53")
def test_people_whom_the_person_invited_are_never_mailed() -> None:
    clinic = _clinic()
    booking = clinic.system.book(["anna"], at(2, 9))
    clinic.settle()
    clinic.mailbox().change_entry(clinic.copies()[0].id, has_attendees=True)
    clinic.system.move_booking_by_clinic(booking, at(3, 9))
    clinic.settle()

    assert clinic.mailbox().outbox == []
    assert [(one.kind, one.code) for one in clinic.conflicts()] == [(ConflictKind.NOT_WRITABLE, "has_attendees")]
    assert booking_ref(BookingId(booking)) == clinic.conflicts()[0].booking_ref


@pytest.mark.rule("R43")
def test_a_direction_closed_for_the_whole_window_removes_what_it_wrote() -> None:
    clinic = _clinic()
    clinic.system.book(["anna"], at(2, 9))
    clinic.mailbox().create_entry(at(3, 9))
    clinic.settle()
    clinic.settings(direction="from_calendar")
    clinic.settle()
    assert len(clinic.copies()) == 1, "for the future only: it stays"

    version = clinic.stores.settings.account(ACCOUNT).version
    clinic.stores.resources.save(replace(_state(clinic), reproject_below=version, remove_below=version))
    clinic.settle()
    assert clinic.copies() == []
    assert len(clinic.blocks()) == 1


def test_each_line_about_an_appointment_says_when_it_is() -> None:
    """Story: three lines "Booking written to the calendar", and nobody could tell which bookings they were about."""
    clinic = a_clinic()
    clinic.connect()
    booking = clinic.system.book(["anna"], at(3, 10))
    clinic.mailbox().create_entry(at(4, 9))
    clinic.run(cause="import")
    clinic.system.move_booking_by_clinic(booking, at(3, 12))
    clinic.settle()
    entry = next(entry for entry in clinic.mailbox().shown() if entry.mark is None)
    clinic.mailbox().delete_entry(entry.id)
    clinic.mailbox().move_entry(clinic.copies()[0].id, at(3, 14))
    clinic.settle()
    clinic.mailbox().delete_entry(clinic.copies()[0].id)
    clinic.settle()

    lines = {line.reason.value: line for line in clinic.stores.log.of_resource(ACCOUNT, ANNA) if line.ref}

    assert {code: line.when for code, line in lines.items()} == {
        "copy_created": at(3, 10), "block_written": at(4, 9), "copy_updated": at(3, 12), "block_deleted": at(4, 9),
        "booking_moved": at(3, 14), "conflict_opened": at(3, 14),
    }  # fmt: skip
