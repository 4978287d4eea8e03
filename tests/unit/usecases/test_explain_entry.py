"""Why is it here, why isn't it: the engine's own reasons, for entries and bookings found by time, title or id."""

from dataclasses import replace
from datetime import timedelta

import pytest
from calsync_core.domain.appointments import AllDay, Busy, Customer, Response, Timed
from calsync_core.domain.conflicts import ConflictKind
from calsync_core.domain.errors import InputError, NotFoundError, ProviderUnavailableError
from calsync_core.domain.ids import BookingId, EntryId, ResourceId
from calsync_core.domain.resources import Status
from calsync_core.engine.project import NotBlocking
from calsync_core.usecases.explain_entry import Answer, Explained, explain_entry
from calsync_core.usecases.find_appointments import Question
from calsync_core.web.wording import CATALOGUE

from tests.look_ports import look_ports
from tests.small_clinic import ACCOUNT, NOW, Clinic, a_clinic, at

ANNA = ResourceId("anna")
WHOLE_DAY = AllDay((NOW + timedelta(days=3)).date(), (NOW + timedelta(days=4)).date())


@pytest.fixture
def clinic() -> Clinic:
    clinic = a_clinic()
    clinic.connect()
    clinic.run(cause="import")
    return clinic


def _ask(clinic: Clinic, when: Timed | None = None, resource: str = "anna", **more: object) -> Answer:
    times = {"start_at": when.start_at, "end_at": when.end_at} if when else {}
    return explain_entry(look_ports(clinic), ACCOUNT, ResourceId(resource), Question(**times, **more))  # type: ignore[arg-type]


def _one(clinic: Clinic, when: Timed | None = None, **more: object) -> Explained:
    [found] = _ask(clinic, when, **more).found
    assert found.code in CATALOGUE, f"write a text in web/wording/ for: {found.code}"
    assert found.next_code in CATALOGUE
    return found


@pytest.mark.rule("R116")
@pytest.mark.parametrize(
    ("fields", "settings", "code"),
    [
        ({"busy": Busy.FREE}, {}, "entry_free"),
        ({"busy": Busy.WORKING_ELSEWHERE}, {}, "entry_working_elsewhere"),
        ({"busy": Busy.TENTATIVE}, {"from_calendar__tentative": "ignore"}, "entry_tentative"),
        ({"response": Response.DECLINED}, {}, "entry_declined"),
        ({"response": Response.NOT_RESPONDED}, {"from_calendar__not_responded": "ignore"}, "entry_not_responded"),
        ({"is_private": True}, {"from_calendar__private": "skip"}, "entry_private_skipped"),
    ],
)
def test_an_entry_that_does_not_block_says_which_setting_decided(
    clinic: Clinic, fields: dict[str, object], settings: dict[str, object], code: str
) -> None:
    clinic.settings(**settings)
    clinic.mailbox().create_entry(at(3, 10), **fields)  # type: ignore[arg-type]
    clinic.run()

    found = _one(clinic, at(3, 10))

    assert (found.rule, found.code, found.next_code) == ("R21", code, "next_never")
    assert (found.is_booking, found.when, found.link) == (False, at(3, 10), None)


@pytest.mark.rule("R116")
def test_a_cancelled_entry_and_one_of_whole_days(clinic: Clinic) -> None:
    clinic.settings(from_calendar__all_day="ignore")
    clinic.mailbox().cancel(clinic.mailbox().create_entry(at(4, 10)))
    clinic.mailbox().create_entry(WHOLE_DAY)

    assert _one(clinic, at(4, 10)).code == "entry_cancelled"
    assert _one(clinic, at(3, 10)).code == "entry_all_day"


@pytest.mark.parametrize("reason", list(NotBlocking))
def test_every_reason_not_to_block_has_a_text(reason: NotBlocking) -> None:
    assert f"entry_{reason.value}" in CATALOGUE


@pytest.mark.rule("R116")
def test_what_is_in_step_shows_what_was_done_last_on_both_sides(clinic: Clinic) -> None:
    clinic.mailbox().create_entry(at(3, 10))
    booking = clinic.system.book(["anna"], at(4, 10), service_name="Massage", customer=Customer("M. Muster"))
    clinic.run()
    clinic.mailbox().move_entry(clinic.copies()[0].id, at(4, 12))
    clinic.settle()

    entry, booked = _one(clinic, at(3, 10)), _one(clinic, at(4, 12))

    assert (entry.rule, entry.code) == ("R22", "in_step")
    assert entry.last_from_calendar is not None
    assert (entry.last_from_calendar.reason.value, entry.last_to_calendar) == ("block_written", None)
    assert (booked.is_booking, booked.rule, booked.code, booked.title) == (True, "R2", "in_step", "Massage - M. Muster")
    assert booked.last_from_calendar is not None
    assert booked.last_to_calendar is not None
    assert booked.last_from_calendar.reason.value == "booking_moved"
    assert booked.last_to_calendar.reason.value == "copy_created"
    assert _one(clinic, booking=booking).ref == booked.ref
    assert _one(clinic, entry=clinic.copies()[0].id).ref == booked.ref


@pytest.mark.rule("R116")
def test_what_is_only_on_one_side_is_going_to_be_written(clinic: Clinic) -> None:
    clinic.system.book(["anna"], at(3, 10))
    clinic.mailbox().create_entry(at(4, 10))

    assert (_one(clinic, at(3, 10)).rule, _one(clinic, at(3, 10)).code) == ("R1", "will_be_written")
    assert (_one(clinic, at(4, 10)).rule, _one(clinic, at(4, 10)).code) == ("R20", "will_be_written")
    assert _one(clinic, at(4, 10)).next_code == "next_check"


@pytest.mark.rule("R116")
def test_outside_the_window_and_in_a_closed_direction(clinic: Clinic) -> None:
    clinic.mailbox().create_entry(at(600, 10))
    clinic.system.book(["anna"], at(601, 10))
    assert [_one(clinic, at(day, 10)).code for day in (600, 601)] == ["outside_window", "outside_window"]

    clinic.settings(direction="to_calendar")
    clinic.mailbox().create_entry(at(3, 10))
    assert (_one(clinic, at(3, 10)).rule, _one(clinic, at(3, 10)).code) == ("R40", "direction")


@pytest.mark.rule("R116")
def test_the_copy_that_a_room_has_of_the_same_booking(clinic: Clinic) -> None:
    clinic.connect("room", "mbx-anna")
    clinic.run("room", cause="import")
    clinic.system.book(["anna", "room"], at(3, 10))
    clinic.settle()

    codes = sorted((one.is_booking, one.rule, one.code) for one in _ask(clinic, at(3, 10)).found)

    assert codes == [(False, "R34", "own_booking"), (True, "R2", "in_step")]


@pytest.mark.rule("R116")
def test_a_quarantined_entry_says_so_and_what_brings_it_back(clinic: Clinic) -> None:
    clinic.mailbox().create_entry(at(3, 10))
    clinic.run()
    [link] = clinic.stores.links.all(ACCOUNT, ANNA)
    clinic.stores.links.put(ACCOUNT, replace(link, is_quarantined=True))

    found = _one(clinic, at(3, 10))

    assert (found.rule, found.code, found.next_code) == ("R52", "entry_quarantined", "next_when_changed")


@pytest.mark.rule("R116")
def test_a_conflict_is_named_with_its_reason(clinic: Clinic) -> None:
    clinic.system.add_resource("anna", working_hours=())
    clinic.system.book(["anna"], at(3, 10))
    clinic.system.book(["anna"], at(3, 15))
    clinic.settle()
    copy = next(entry for entry in clinic.copies() if entry.when == at(3, 10))
    clinic.mailbox().move_entry(copy.id, at(3, 15.5))
    clinic.settle()

    found = _one(clinic, at(3, 10))

    assert (found.rule, found.code, found.next_code) == ("R110", "slot_taken", "next_when_decided")
    assert found.conflict is not None
    assert found.conflict.kind is ConflictKind.REFUSED


@pytest.mark.rule("R116")
def test_a_copy_that_was_deleted_in_the_calendar(clinic: Clinic) -> None:
    clinic.system.book(["anna"], at(3, 10))
    clinic.run()
    clinic.mailbox().delete_entry(clinic.copies()[0].id)
    clinic.settle()

    found = _one(clinic, at(3, 10))

    assert (found.rule, found.code, found.next_code) == ("R7", "copy_deleted_here", "next_when_decided")


@pytest.mark.rule("R116")
def test_a_side_that_does_not_answer_is_unknown_and_named(clinic: Clinic) -> None:
    clinic.mailbox().create_entry(at(3, 10))
    clinic.run()

    def down(operation: str, phase: str) -> None:
        if operation in ("changes", "entries"):
            raise ProviderUnavailableError

    clinic.fault = down
    answer = _ask(clinic, at(3, 10))

    assert [(side.name, side.code) for side in answer.sides] == [("primary", "provider_unavailable"), ("host", None)]
    [found] = answer.found
    assert (found.rule, found.code, found.next_code) == ("R29", "window_unread", "next_check")


@pytest.mark.rule("R117")
def test_a_private_title_answers_nothing_but_its_time_does(clinic: Clinic) -> None:
    clinic.settings(from_calendar__privacy="full", from_calendar__private="full")
    clinic.mailbox().create_entry(at(3, 10), "Oncologist", is_private=True)
    clinic.run()

    assert _ask(clinic, title="oncologist").found == ()
    assert _one(clinic, at(3, 10)).title == ""


@pytest.mark.rule("R117")
def test_titles_are_compared_only_where_the_settings_let_them_be_read(clinic: Clinic) -> None:
    clinic.mailbox().create_entry(at(3, 10), "Dentist")
    clinic.system.book(["anna"], at(4, 10), "Dentist's chair repaired")
    clinic.run()

    assert [one.is_booking for one in _ask(clinic, title="dentist").found] == [True]
    clinic.settings(from_calendar__privacy="full")

    assert sorted((one.is_booking, one.title) for one in _ask(clinic, title="DENTIST").found) == [
        (False, "Dentist"), (True, "Dentist's chair repaired"),
    ]  # fmt: skip


def test_an_occurrence_of_a_series_is_found_by_its_title(clinic: Clinic) -> None:
    clinic.settings(from_calendar__privacy="full")
    clinic.mailbox().create_series(at(1, 9), 5, title="Team meeting")
    clinic.run()

    found = _ask(clinic, title="team", start_at=at(1, 0).start_at, end_at=at(9, 0).start_at).found

    assert [(one.when, one.code) for one in found] == [(at(1, 9), "in_step"), (at(8, 9), "in_step")]


def test_looking_writes_nothing(clinic: Clinic) -> None:
    clinic.mailbox().create_entry(at(3, 10))
    clinic.system.book(["anna"], at(3, 10))
    writes, blocks = len(clinic.mailbox().writes), dict(clinic.system.blocks)
    lines = clinic.stores.log.of_resource(ACCOUNT, ANNA, 1000)

    _ask(clinic, at(3, 10))
    _ask(clinic, title="x")

    assert (len(clinic.mailbox().writes), clinic.system.blocks) == (writes, blocks)
    assert clinic.stores.log.of_resource(ACCOUNT, ANNA, 1000) == lines
    assert list(clinic.stores.links.all(ACCOUNT, ANNA)) == []
    assert clinic.queue.wishes == []


def test_a_booking_of_somebody_else_and_one_that_never_was(clinic: Clinic) -> None:
    clinic.connect("bert")
    booking = clinic.system.book(["bert"], at(3, 10))

    assert _one(clinic, booking=booking).code == "not_of_resource"
    assert _ask(clinic, booking=BookingId("none")).found == ()
    assert _ask(clinic, entry=EntryId("none")).found == ()


def test_questions_that_cannot_be_answered(clinic: Clinic) -> None:
    with pytest.raises(InputError, match="question_missing"):
        _ask(clinic, title="  ")
    with pytest.raises(InputError, match="span_inverted"):
        _ask(clinic, Timed(NOW, NOW))
    with pytest.raises(InputError, match="span_too_long"):
        _ask(clinic, Timed(NOW, NOW + timedelta(days=90)))
    with pytest.raises(NotFoundError):
        _ask(clinic, at(3, 10), resource="nobody")
    state = clinic.stores.resources.get(ACCOUNT, ANNA)
    assert state is not None
    clinic.stores.resources.save(state.moved_to(Status.PAUSED, NOW))
    with pytest.raises(InputError, match="paused"):
        _ask(clinic, at(3, 10))
