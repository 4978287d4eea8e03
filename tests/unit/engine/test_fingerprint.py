"""Equal means equal to a person: what a server does to our text is no change, what a person does is one."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from calsync_core.domain.appointments import AllDay, Block, BlockKind, Busy, Copy, Notes, Timed
from calsync_core.engine.fingerprint import asked_of_copy, rest_of_block, rest_of_copy, rest_of_entry, time_of

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
    assert asked_of_copy(replace(COPY, notes=Notes("<b>\ud800</b>", is_html=True))) != asked_of_copy(COPY)


@pytest.mark.parametrize(
    ("shown", "other"),
    [
        ({"title": None}, {"title": "XXXX"}),
        ({"title": "a b"}, {"title": "ab"}),
        ({"title": "a b"}, {"title": "aXX XXb"}),
        ({"location": "a b"}, {"location": "ab"}),
        ({"location": "a b"}, {"location": "aXX XXb"}),
        ({"notes": Notes("a\nb")}, {"notes": Notes("ab")}),
        ({"notes": Notes("a\nb")}, {"notes": Notes("aXX\nXXb")}),
        ({"notes": Notes("<b>")}, {"notes": Notes("<b>", is_html=True)}),
        ({"reminder": timedelta(0)}, {"reminder": None}),
        ({"reminder": timedelta(minutes=5)}, {"reminder": timedelta(minutes=10)}),
        ({"title": "a", "location": "b"}, {"title": "a b", "location": None}),
    ],
)
def test_what_a_person_can_tell_apart_differs(shown: dict, other: dict) -> None:
    assert rest_of_entry(replace(ENTRY, **shown)) != rest_of_entry(replace(ENTRY, **other))


def test_formatting_is_no_difference_between_what_is_shown() -> None:
    html = replace(ENTRY, notes=Notes("<p>one</p><p>two</p>", is_html=True))

    assert rest_of_entry(html) == rest_of_entry(ENTRY)
    assert rest_of_entry(replace(ENTRY, title=None)) == rest_of_entry(replace(ENTRY, title=""))
    assert rest_of_copy(replace(COPY, is_private=True)) == rest_of_entry(replace(ENTRY, is_private=True))
    assert rest_of_copy(replace(COPY, is_private=True)) != rest_of_copy(COPY)


@pytest.mark.parametrize(
    "change",
    [{"time_zone": "UTC"}, {"notes": Notes("<b>one</b>\ntwo", is_html=True)}, {"title": "x"}, {"is_private": True}],
)
def test_what_we_ask_for_counts_the_zone_and_the_formatting_too(change: dict) -> None:
    assert asked_of_copy(replace(COPY, **change)) != asked_of_copy(COPY)


def test_blocks_differ_by_kind_and_text_but_not_by_ref() -> None:
    block = Block(BLOCK_REF, COPY_ENTRY.mark.resource, NINE, "UTC")  # type: ignore[union-attr]

    assert rest_of_block(replace(block, kind=BlockKind.OOF)) != rest_of_block(block)
    assert rest_of_block(replace(block, title="x")) != rest_of_block(block)
    assert rest_of_block(replace(block, ref="other", when=NINE)) == rest_of_block(block)  # type: ignore[arg-type]
    plain, html = Notes("one"), Notes("<b>one</b>", is_html=True)
    assert rest_of_block(replace(block, notes=plain)) != rest_of_block(block)
    assert rest_of_block(replace(block, notes=html)) != rest_of_block(replace(block, notes=plain)), "formatting counts"
