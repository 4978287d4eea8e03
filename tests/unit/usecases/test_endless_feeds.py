"""A feed that never ends or never begins holds no run for ever, and loses nothing (row 11 of the bad inputs, P12)."""

from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest
from calsync_core.domain.errors import CursorExpiredError
from calsync_core.domain.ids import ResourceId
from calsync_core.usecases.sync.sync_resource import Result

from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at

ANNA = ResourceId("anna")
MOST_CALLS = 30


def _clinic() -> Clinic:
    clinic = a_clinic()
    clinic.connect()
    clinic.mailbox().create_entry(at(2, 9))
    clinic.system.book(["anna"], at(3, 9))
    clinic.settle()
    return clinic


def _side(clinic: Clinic, side: str) -> tuple[Any, str]:
    return (next(iter(clinic.providers.values())), "changes") if side == "calendar" else (clinic.host, "changes")


def _check_patient_and_whole(clinic: Clinic, heal: Any) -> None:
    """It waits, later ever longer, and once the service is well again everything is in."""
    clinic.mailbox().create_entry(at(4, 9))
    clinic.system.book(["anna"], at(5, 9))
    clinic.stores.leases.wish(ACCOUNT, ANNA)
    outcome = clinic.work()
    assert (outcome.result, outcome.code) == (Result.WAIT, "feed_endless")
    heal()
    clinic.settle()
    assert sorted(block.when.start_at for block in clinic.blocks()) == [at(2, 9).start_at, at(4, 9).start_at]
    assert sorted(copy.when.start_at for copy in clinic.copies()) == [at(3, 9).start_at, at(5, 9).start_at]


@pytest.mark.prop("P12")
@pytest.mark.bad_input(11)
@pytest.mark.parametrize("side", ["calendar", "host"])
def test_a_feed_that_calls_every_cursor_expired_is_left_for_later(side: str) -> None:
    clinic = _clinic()
    place, name = _side(clinic, side)
    kept, calls = getattr(place, name), []

    def expired(*asked: Any) -> Any:
        calls.append(asked)
        assert len(calls) < MOST_CALLS, "it hammers"
        raise CursorExpiredError

    setattr(place, name, expired)
    _check_patient_and_whole(clinic, lambda: setattr(place, name, kept))


@pytest.mark.prop("P12")
@pytest.mark.bad_input(11)
@pytest.mark.parametrize("side", ["calendar", "host"])
@pytest.mark.parametrize("circle", [["x"], ["x", "y"], ["x", "y", "z"]])
def test_pages_that_lead_in_a_circle_are_left_for_later(side: str, circle: list[str]) -> None:
    clinic = _clinic()
    place, name = _side(clinic, side)
    kept, calls, cursors = getattr(place, name), [], cycle(circle)
    whole = clinic.host.bookings

    def endless(*asked: Any) -> Any:
        calls.append(asked)
        assert len(calls) < MOST_CALLS * len(circle), "it goes round and round"
        if side == "calendar":
            return replace(kept(asked[0], None, *asked[2:]), next_cursor=next(cursors), is_last=False)
        return replace(kept(asked[0], None), next_cursor=next(cursors), is_last=False)

    def endless_list(*asked: Any) -> Any:
        calls.append(asked)
        assert len(calls) < MOST_CALLS * len(circle), "it goes round and round"
        return replace(whole(asked[0], asked[1], None), next_cursor=f"2026-01-01T00:00:00+00:00|{next(cursors)}")

    setattr(place, name, endless)
    if side == "host":
        clinic.host.bookings = endless_list  # type: ignore[method-assign]

    def heal() -> None:
        setattr(place, name, kept)
        clinic.host.bookings = whole  # type: ignore[method-assign]

    _check_patient_and_whole(clinic, heal)
