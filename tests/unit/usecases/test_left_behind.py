"""Copies that were kept on leaving, where the resource comes back with another primary calendar."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from calsync_core.adapters.memory.mailbox import DEFAULT
from calsync_core.domain.ids import CalendarId, ResourceId
from calsync_core.domain.resources import Progress, Status

from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at

RESOURCE = ResourceId("anna")


def _visits(clinic: Clinic) -> None:
    for day in (7, 14, 21):
        clinic.system.book(["anna"], at(day, 9), "Visit")


def _series(clinic: Clinic) -> None:
    clinic.system.book_series(["anna"], at(7, 9), "FREQ=WEEKLY;COUNT=3")


def _series_that_calendars_cannot_say(clinic: Clinic) -> None:
    clinic.system.book_series(["anna"], at(7, 9), "FREQ=WEEKLY;BYMONTH=11,12;COUNT=3")


def _come_back(clinic: Clinic, beside: CalendarId) -> None:
    """The rows of the earlier connection are gone, its calendar is one of those that are only checked."""
    for link in list(clinic.stores.links.all(ACCOUNT, RESOURCE)):
        clinic.stores.links.delete(ACCOUNT, link)
    clinic.stores.cursors.forget(ACCOUNT, RESOURCE)
    state = clinic.stores.resources.get(ACCOUNT, RESOURCE)
    new = state.moved_to(Status.REAUTH_REQUIRED, clinic.clock.now()).moved_to(Status.IMPORTING, clinic.clock.now())
    clinic.stores.resources.save(
        replace(
            new, primary=DEFAULT, conflict_calendars=((new.mailbox, beside),),
            progress=Progress(), attempt=state.attempt + 1,
        )
    )  # fmt: skip


@pytest.mark.rule("R32", "R35", "R82")
@pytest.mark.parametrize("book", [_visits, _series, _series_that_calendars_cannot_say])
def test_what_was_left_in_a_calendar_that_is_only_checked_now_blocks_each_alike(book: Callable[[Clinic], None]) -> None:
    clinic = a_clinic()
    clinic.connect()
    beside = clinic.mailbox().add_calendar("Beside")
    clinic.stores.resources.save(replace(clinic.stores.resources.get(ACCOUNT, RESOURCE), primary=beside))
    book(clinic)
    clinic.settle()
    left = clinic.mailbox().shown(beside)
    assert len(left) == 3

    _come_back(clinic, beside)
    clinic.settle()

    assert clinic.mailbox().shown(beside) == left
    dates = [at(7, 9), at(14, 9), at(21, 9)]
    assert sorted((one.when for one in clinic.mailbox().shown(DEFAULT)), key=lambda when: when.start_at) == dates
    assert sorted((one.when for one in clinic.blocks()), key=lambda when: when.start_at) == dates
