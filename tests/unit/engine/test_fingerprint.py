"""Equal means equal to a person: what a server does to our text is no change, what a person does is one."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from calsync_core.domain.appointments import AllDay, Block, BlockKind, Busy, Copy, Notes, Timed
from calsync_core.engine.fingerprint import rest_of_block, rest_of_copy, rest_of_entry, time_of

from tests.unit.engine.parts import BLOCK_REF, COPY_ENTRY, NINE

COPY = Copy(NINE, "Europe/Berlin", "Massage", Notes("one\ntwo"), "Room 2", Busy.BUSY, False, timedelta(minutes=15))
ENTRY = replace(COPY_ENTRY, notes=Notes("one\ntwo"), location="Room 2", reminder=timedelta(minutes=15))


def test_a_copy_and_the_entry_it_became_are_equal() -> None:
    assert rest_of_copy(COPY) == rest_of_entry(ENTRY)


@pytest.mark.parametrize(
    "noise",
    [
        {"version": "v9"}, {"title": " Massage  "}, {"notes": Notes("one  \ntwo\n\n")}, {"location": "Room  2 "},
        {"created_at": datetime(2026, 1, 1, tzinfo=UTC)},
    ],
)  # fmt: skip
@pytest.mark.complaint(20)
def test_noise_of_the_server_is_no_change(noise: dict) -> None:
    assert rest_of_entry(replace(ENTRY, **noise)) == rest_of_copy(COPY)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Other"}, {"notes": Notes("one")}, {"notes": None}, {"location": None}, {"busy": Busy.FREE},
        {"is_private": True}, {"reminder": None},
    ],
)  # fmt: skip
def test_each_field_of_ours_counts(change: dict) -> None:
    assert rest_of_entry(replace(ENTRY, **change)) != rest_of_copy(COPY)


def test_the_time_is_a_group_of_its_own() -> None:
    later = Timed(NINE.start_at + timedelta(hours=1), NINE.end_at + timedelta(hours=1))

    assert rest_of_entry(replace(ENTRY, when=later)) == rest_of_entry(ENTRY)
    assert time_of(later) != time_of(NINE)
    assert time_of(NINE) == time_of(Timed(NINE.start_at.replace(microsecond=5), NINE.end_at)), "to the second"


def test_whole_days_are_dates_and_never_midnights() -> None:
    day = AllDay(date(2026, 11, 24), date(2026, 11, 25))

    assert time_of(day) == "2026-11-24/2026-11-25"
    assert time_of(Timed(*day.interval("UTC"))) != time_of(day)


def test_a_lone_surrogate_is_hashed_and_never_raises() -> None:
    assert rest_of_copy(replace(COPY, title="\ud800 x")) != rest_of_copy(COPY)


def test_blocks_differ_by_kind_and_text_but_not_by_ref() -> None:
    block = Block(BLOCK_REF, COPY_ENTRY.mark.resource, NINE, "UTC")  # type: ignore[union-attr]

    assert rest_of_block(replace(block, kind=BlockKind.OOF)) != rest_of_block(block)
    assert rest_of_block(replace(block, title="x")) != rest_of_block(block)
    assert rest_of_block(replace(block, ref="other", when=NINE)) == rest_of_block(block)  # type: ignore[arg-type]
