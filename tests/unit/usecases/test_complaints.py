"""Complaints of docs/complaints.md that a run of a whole small clinic answers best."""

from datetime import datetime, timedelta

import pytest
from calsync_core.adapters.memory.mailbox import DEFAULT
from calsync_core.domain.appointments import Response, Timed

from tests.small_clinic import Clinic, a_clinic, at


def start_of(when: object) -> datetime:
    assert isinstance(when, Timed)
    return when.start_at


def clinic_of(*names: str) -> Clinic:
    clinic = a_clinic()
    for name in names:
        clinic.connect(name)
    clinic.settle()
    return clinic


@pytest.mark.complaint(6)
def test_what_is_new_on_either_side_is_never_deleted_by_the_next_runs() -> None:
    clinic = clinic_of("anna")
    entry = clinic.mailbox().create_entry(at(3, 9))
    booking = clinic.system.book(["anna"], at(4, 9))
    for cause in ("notification", "sweep", "full"):
        clinic.run("anna", cause)
        assert clinic.mailbox().entry(entry) is not None
        assert [block.when for block in clinic.blocks()] == [at(3, 9)]
        assert [copy.mark.booking for copy in clinic.copies()] == [booking]


@pytest.mark.complaint(9)
def test_exceptions_of_a_series_follow_and_its_other_occurrences_stay() -> None:
    clinic = clinic_of("anna")
    series = clinic.mailbox().create_series(at(2, 9), 4)
    clinic.settle()
    first = [start_of(at(2, 9)) + timedelta(days=7 * n) for n in range(4)]
    assert sorted(start_of(block.when) for block in clinic.blocks()) == first
    clinic.mailbox().move_occurrence(series, first[1], at(10, 15))
    clinic.mailbox().delete_occurrence(series, first[2])
    clinic.settle()
    after = sorted([first[0], start_of(at(10, 15)), first[3]])
    for cause in ("sweep", "full"):
        clinic.run("anna", cause)
        assert sorted(start_of(block.when) for block in clinic.blocks()) == after


@pytest.mark.complaint(18)
def test_one_meeting_in_two_calendars_is_a_block_for_each_and_never_a_booking() -> None:
    clinic = clinic_of("anna", "bert")
    for name in ("anna", "bert"):
        clinic.mailbox(name).create_entry(at(3, 9), "Team", has_attendees=True)
    clinic.settle()
    for name in ("anna", "bert"):
        assert [block.when for block in clinic.blocks(name)] == [at(3, 9)]
    assert clinic.system.bookings == {}
    clinic.mailbox("bert").respond(clinic.mailbox("bert").shown()[0].id, Response.DECLINED)
    clinic.settle()
    assert (len(clinic.blocks("anna")), clinic.blocks("bert")) == (1, [])


@pytest.mark.complaint(19)
def test_an_entry_that_somebody_else_organizes_is_never_written() -> None:
    clinic = clinic_of("anna")
    single = clinic.mailbox().create_entry(at(3, 9), response=Response.ACCEPTED, has_attendees=True)
    clinic.mailbox().create_series(at(4, 9), 3, response=Response.ACCEPTED, has_attendees=True)
    clinic.settle()
    clinic.mailbox().move_entry(single, at(3, 14))
    clinic.settle()
    clinic.mailbox().delete_entry(single)
    clinic.run("anna", "full")
    assert len(clinic.blocks()) == 3
    assert clinic.mailbox().writes == []
    assert clinic.mailbox().outbox == []
    assert len(clinic.mailbox().shown(DEFAULT)) == 3
