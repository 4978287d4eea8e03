"""What the booking system refuses: both sides say the same again, or a conflict says that they do not."""

from dataclasses import replace
from datetime import time, timedelta

import pytest
from calsync_core.adapters.memory.host import MemoryHost
from calsync_core.domain.appointments import Booking, BookingStatus, When
from calsync_core.domain.conflicts import Conflict, ConflictKind, ConflictStatus, Resolution
from calsync_core.domain.errors import RefusedError
from calsync_core.domain.ids import ResourceId
from calsync_core.domain.resources import WorkingRange
from calsync_core.usecases.resolve_conflict import ConflictPorts, Decision, offered, resolve_conflict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at

ANNA = ResourceId("anna")
CODES = ("slot_taken", "outside_hours", "locked", "granularity", "forbidden", "not_supported", "something_new")


class StubbornHost(MemoryHost):
    """Refuses every move and cancellation with `code` while it has one; dry runs too."""

    code = ""
    asked = 0

    def move_booking(
        self, booking: Booking, when: When, *, idempotency_key: str, tell_customer: bool | None = None,
        dry_run: bool = False,
    ) -> Booking:  # fmt: skip
        self.asked += not dry_run
        if self.code:
            raise RefusedError(self.code)
        return super().move_booking(
            booking, when, idempotency_key=idempotency_key, tell_customer=tell_customer, dry_run=dry_run
        )

    def cancel_booking(self, booking: Booking, *, idempotency_key: str, tell_customer: bool | None = None) -> Booking:
        self.asked += 1
        if self.code:
            raise RefusedError(self.code)
        return super().cancel_booking(booking, idempotency_key=idempotency_key, tell_customer=tell_customer)


def _clinic(code: str) -> tuple[Clinic, StubbornHost]:
    clinic = a_clinic()
    host = StubbornHost(clinic.system)
    host.code = code
    clinic.ports = replace(clinic.ports, host=lambda _account: host)
    clinic.connect()
    clinic.system.book(["anna"], at(3, 10))
    clinic.run(cause="import")
    return clinic, host


def _reasons(clinic: Clinic) -> list[str]:
    return [line.reason.value for line in clinic.stores.log.of_resource(ACCOUNT, ANNA, 1000)]


def _ports(clinic: Clinic, host: MemoryHost) -> ConflictPorts:
    stores = clinic.stores
    return ConflictPorts(
        stores.conflicts, stores.resources, stores.links, stores.settings, stores.log, host, clinic.queue,
        clinic.clock, stores.due,
    )  # fmt: skip


@pytest.mark.rule("R110")
@pytest.mark.parametrize("code", CODES)
def test_a_refused_move_is_asked_once_however_often_everything_is_compared(code: str) -> None:
    """Story: a copy stood where it was not wanted; each weekly full check asked again and wrote a line."""
    clinic, host = _clinic(code)
    clinic.mailbox().move_entry(clinic.copies()[0].id, at(3, 15))

    clinic.run()
    for _ in range(3):
        clinic.mailbox().touch(clinic.copies()[0].id)  # the server gives it a new version now and then
        clinic.run(cause="full")

    assert host.asked == 1
    assert _reasons(clinic).count("host_refused") == 1
    assert _reasons(clinic).count("conflict_opened") == 1
    assert [one.code for one in clinic.conflicts()] == [code]


@pytest.mark.rule("R110")
def test_another_time_or_another_version_of_the_booking_is_asked_anew() -> None:
    clinic, host = _clinic("slot_taken")
    copy = clinic.copies()[0].id
    clinic.mailbox().move_entry(copy, at(3, 15))
    clinic.run()

    clinic.mailbox().move_entry(copy, at(3, 16))
    clinic.run()
    assert host.asked == 2
    clinic.system.retitle(next(iter(clinic.system.bookings)), "Another title")
    clinic.run(cause="full")

    assert host.asked == 3
    assert len(clinic.conflicts()) == 1


@pytest.mark.rule("R110")
def test_a_refused_cancellation_is_asked_once_and_the_copy_can_be_had_back() -> None:
    clinic, host = _clinic("locked")
    clinic.settings(edits__deleted_in_calendar="cancel_booking")
    clinic.mailbox().delete_entry(clinic.copies()[0].id)

    clinic.run()
    clinic.run(cause="full")
    clinic.run(cause="full")

    assert host.asked == 1
    [conflict] = clinic.conflicts()
    assert (conflict.kind, conflict.code) == (ConflictKind.REFUSED, "locked")
    resolve_conflict(_ports(clinic, host), ACCOUNT, conflict.id, Decision(Resolution.KEEP_BOOKING, "A. Braun"))
    clinic.settle()
    assert len(clinic.copies()) == 1
    assert clinic.conflicts() == []


def _agree(clinic: Clinic) -> bool:
    alive = {one.id: one for one in clinic.system.bookings.values() if one.status is not BookingStatus.CANCELLED}
    copies = {entry.mark.booking: entry for entry in clinic.copies() if entry.mark}
    return alive.keys() == copies.keys() and all(alive[one].when == copies[one].when for one in alive)


def _live(clinic: Clinic) -> list[Conflict]:
    rows = clinic.stores.conflicts.of_resource(ACCOUNT, ANNA)
    return [one for one in rows if one.status in (ConflictStatus.OPEN, ConflictStatus.LEFT)]


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("move"), st.sampled_from((8, 10, 12, 15))),
        st.tuples(st.just("delete"), st.none()),
        st.tuples(st.just("clinic"), st.sampled_from((9, 10, 13))),
        st.tuples(st.just("code"), st.sampled_from(("", *CODES))),
        st.tuples(st.just("decide"), st.sampled_from(tuple(Resolution))),
        st.tuples(st.just("full"), st.none()),
    ),
    max_size=8,
)


@pytest.mark.bad_input(24)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(first=st.sampled_from(CODES), deleted=st.sampled_from(("flag", "cancel_booking")), steps=_STEPS)
def test_both_sides_say_the_same_or_a_conflict_is_open(
    first: str, deleted: str, steps: list[tuple[str, object]]
) -> None:
    clinic, host = _clinic(first)
    clinic.settings(edits__deleted_in_calendar=deleted)

    for what, value in steps:
        _step(clinic, host, what, value)
        clinic.settle("anna")
        clinic.clock.advance(timedelta(minutes=61))  # a new hour, a new write budget

        assert _agree(clinic) or _live(clinic), (what, value)


def _step(clinic: Clinic, host: StubbornHost, what: str, value: object) -> None:
    copies, bookings = clinic.copies(), clinic.system.bookings
    if what == "move" and copies:
        clinic.mailbox().move_entry(copies[0].id, at(3, value))  # type: ignore[arg-type]
    elif what == "delete" and copies:
        clinic.mailbox().delete_entry(copies[0].id)
    elif what == "clinic":
        clinic.system.move_booking_by_clinic(next(iter(bookings)), at(3, value))  # type: ignore[arg-type]
    elif what == "code":
        host.code = str(value)
    elif what == "full":
        clinic.run(cause="full")
    elif what == "decide":
        for conflict in clinic.conflicts():
            if value in offered(conflict) and value is not Resolution.LEAVE_BOTH:
                try:
                    resolve_conflict(_ports(clinic, host), ACCOUNT, conflict.id, Decision(value, "A. Braun"))  # type: ignore[arg-type]
                except RefusedError:
                    assert host.code


# --- what the booking system lets go where nobody works ---------------------------------------------------------------


class LenientHost(StubbornHost):
    """Takes every time, whatever the working hours."""

    def move_booking(
        self, booking: Booking, when: When, *, idempotency_key: str, tell_customer: bool | None = None,
        dry_run: bool = False,
    ) -> Booking:  # fmt: skip
        self.asked += not dry_run
        moved = replace(booking, when=when)
        return moved if dry_run else self.system.store(moved)


def _moved_to_the_evening() -> tuple[Clinic, LenientHost]:
    clinic = a_clinic()
    host = LenientHost(clinic.system)
    clinic.ports = replace(clinic.ports, host=lambda _account: host)
    hours = tuple(WorkingRange(day, time(9), time(17)) for day in range(5))
    clinic.connect()
    clinic.system.add_resource("anna", working_hours=hours)
    state = clinic.stores.resources.get(ACCOUNT, ANNA)
    assert state is not None
    clinic.stores.resources.save(replace(state, resource=clinic.system.resources[ANNA]))
    clinic.system.book(["anna"], at(3, 10))
    clinic.run(cause="import")
    clinic.mailbox().move_entry(clinic.copies()[0].id, at(3, 18))
    clinic.settle()
    return clinic, host


@pytest.mark.rule("R111")
def test_a_booking_that_was_let_go_outside_working_hours_is_shown_and_stays_shown() -> None:
    clinic, _ = _moved_to_the_evening()

    for cause in ("sweep", "full", "full"):
        clinic.run(cause=cause)

    [conflict] = clinic.conflicts()
    assert (conflict.kind, conflict.code) == (ConflictKind.OUTSIDE_HOURS, "accepted_outside_hours")
    assert (conflict.booking_when, conflict.calendar_when) == (at(3, 18), at(3, 18))
    assert _reasons(clinic).count("conflict_opened") == 1


@pytest.mark.rule("R111", "R62")
@pytest.mark.parametrize("way", ["clinic moves it", "person moves it", "hours change", "cancelled"])
def test_it_closes_itself_when_booking_or_hours_move(way: str) -> None:
    clinic, _ = _moved_to_the_evening()

    if way == "clinic moves it":
        clinic.system.move_booking_by_clinic(next(iter(clinic.system.bookings)), at(3, 12))
    elif way == "person moves it":
        clinic.mailbox().move_entry(clinic.copies()[0].id, at(3, 12))
    elif way == "cancelled":
        clinic.system.cancel(next(iter(clinic.system.bookings)))
    else:
        state = clinic.stores.resources.get(ACCOUNT, ANNA)
        assert state is not None
        clinic.stores.resources.save(replace(state, resource=replace(state.resource, working_hours=())))
        clinic.run(cause="full")
    clinic.settle()

    assert clinic.conflicts() == []
    assert "conflict_settled" in _reasons(clinic)


@pytest.mark.rule("R111")
def test_it_can_be_accepted_or_moved_into_the_hours() -> None:
    clinic, host = _moved_to_the_evening()
    [conflict] = clinic.conflicts()
    assert offered(conflict) == (Resolution.KEEP_BOOKING, Resolution.NEXT_FREE, Resolution.LEAVE_BOTH)

    resolve_conflict(_ports(clinic, host), ACCOUNT, conflict.id, Decision(Resolution.KEEP_BOOKING, "A. Braun"))
    clinic.run(cause="full")
    assert clinic.conflicts() == []
    assert [entry.when for entry in clinic.copies()] == [at(3, 18)]

    again, other = _moved_to_the_evening()
    [conflict] = again.conflicts()
    resolve_conflict(_ports(again, other), ACCOUNT, conflict.id, Decision(Resolution.NEXT_FREE, "A. Braun"))
    again.settle()
    assert again.conflicts() == []
    assert [entry.when for entry in again.copies()] == [at(4, 8)]  # nine o'clock in Berlin, the next working day


# --- closing by itself, kind by kind ----------------------------------------------------------------------------------


def _same_time(clinic: Clinic) -> None:
    clinic.mailbox().create_entry(at(3, 10.5))


def _refused(clinic: Clinic) -> None:
    clinic.mailbox().move_entry(clinic.copies()[0].id, at(3, 15))


def _both_times(clinic: Clinic) -> None:
    clinic.mailbox().move_entry(clinic.copies()[0].id, at(3, 15))
    clinic.system.move_booking_by_clinic(next(iter(clinic.system.bookings)), at(3, 12))


def _flagged_move(clinic: Clinic) -> None:
    clinic.settings(edits__moved_in_calendar="flag")
    clinic.mailbox().move_entry(clinic.copies()[0].id, at(3, 15))


def _deleted(clinic: Clinic) -> None:
    clinic.mailbox().delete_entry(clinic.copies()[0].id)


def _guests(clinic: Clinic) -> None:
    clinic.mailbox().change_entry(clinic.copies()[0].id, has_attendees=True)
    clinic.system.move_booking_by_clinic(next(iter(clinic.system.bookings)), at(3, 12))


def _back(clinic: Clinic) -> None:
    booking = next(iter(clinic.system.bookings.values()))
    clinic.mailbox().move_entry(clinic.copies()[0].id, booking.when)


def _entry_goes(clinic: Clinic) -> None:
    clinic.mailbox().delete_entry(next(entry.id for entry in clinic.mailbox().shown() if entry.mark is None))


def _booking_changes(clinic: Clinic) -> None:
    clinic.system.move_booking_by_clinic(next(iter(clinic.system.bookings)), at(4, 9))


def _guests_leave(clinic: Clinic) -> None:
    clinic.mailbox().change_entry(clinic.copies()[0].id, has_attendees=False)


@pytest.mark.rule("R62")
@pytest.mark.parametrize(
    ("kind", "code", "cause", "end"),
    [
        (ConflictKind.SAME_TIME, "", _same_time, _entry_goes),
        (ConflictKind.REFUSED, "slot_taken", _refused, _back),
        (ConflictKind.OUTSIDE_HOURS, "outside_hours", _refused, _back),
        (ConflictKind.CHANGED_ON_BOTH, "", _both_times, _back),
        (ConflictKind.MOVED, "", _flagged_move, _back),
        (ConflictKind.COPY_DELETED, "", _deleted, _booking_changes),
        (ConflictKind.NOT_WRITABLE, "", _guests, _guests_leave),
    ],
)
def test_every_kind_closes_by_itself_when_its_cause_is_gone(kind: ConflictKind, code: str, cause, end) -> None:
    clinic, _ = _clinic(code)
    cause(clinic)
    clinic.settle()
    assert [one.kind for one in clinic.conflicts()] == [kind]

    end(clinic)
    clinic.settle()
    clinic.run(cause="full")

    assert clinic.conflicts() == []
    [ended] = clinic.stores.conflicts.ended(ACCOUNT)
    assert (ended.kind, ended.status, ended.ended_at) == (kind, ConflictStatus.SETTLED, clinic.clock.now())


def test_a_conflict_about_both_sides_says_what_was_changed() -> None:
    clinic, _ = _clinic("")
    _both_times(clinic)
    clinic.settle()

    assert [(one.code, one.booking_when, one.calendar_when) for one in clinic.conflicts()] == [
        ("both_times_changed", at(3, 12), at(3, 15)),
    ]
