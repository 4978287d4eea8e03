"""Which pairs cannot both be true, against the obvious way of asking each with each."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from calsync_core.domain.ids import LinkRef
from calsync_core.domain.links import Agreed, Link, Origin
from calsync_core.engine.overlaps import pairs

from tests.unit.engine.parts import BLOCK_LINK, COPY_LINK, NOW


def _at(link: Link, ref: str, start: float, hours: float) -> Link:
    begin = NOW + timedelta(hours=start)
    return replace(link, ref=LinkRef(ref), start_at=begin, end_at=begin + timedelta(hours=hours))


@pytest.mark.rule("R60")
@pytest.mark.complaint(5)
def test_half_open_touching_is_no_overlap() -> None:
    booking = _at(COPY_LINK, "b", 0, 1)

    assert not list(pairs([booking], [_at(BLOCK_LINK, "after", 1, 1), _at(BLOCK_LINK, "before", -1, 1)]))
    assert [entry.ref for _, entry in pairs([booking], [_at(BLOCK_LINK, "inside", 0.5, 0.1)])] == ["inside"]


@pytest.mark.rule("R60")
def test_two_blocks_or_two_bookings_never_conflict_nor_what_takes_no_time() -> None:
    booking, entry = _at(COPY_LINK, "b", 0, 1), _at(BLOCK_LINK, "e", 0, 1)

    assert not list(pairs([entry], [entry]))
    assert not list(pairs([booking], [booking]))
    assert not list(pairs([_at(COPY_LINK, "zero", 0.5, 0)], [entry]))
    assert not list(pairs([booking], [replace(entry, host=Agreed())])), "a block that is not written yet"


@pytest.mark.rule("R60")
def test_all_pairs_are_found_as_by_asking_each_with_each() -> None:
    random = Random(7)
    links = [
        _at(random.choice((COPY_LINK, BLOCK_LINK)), f"l{number}", random.randint(0, 60), random.choice((0, 0.5, 1, 30)))
        for number in range(120)
    ]
    wanted = {
        (one.ref, other.ref)
        for one in links
        for other in links
        if one.origin is Origin.HOST and other.origin is Origin.CALENDAR
        and max(one.start_at, other.start_at) < min(one.end_at, other.end_at)
    }  # fmt: skip

    assert {(one.ref, other.ref) for one, other in pairs(links, links)} == wanted
    assert len(wanted) > 50


@pytest.mark.rule("R60")
def test_a_long_booking_that_began_before_is_found() -> None:
    """The search begins as far back as the longest booking reaches."""
    early, late = _at(COPY_LINK, "early", -30, 31), _at(COPY_LINK, "late", 0, 1)

    assert {one.ref for one, _ in pairs([early, late], [_at(BLOCK_LINK, "e", 0.5, 0.1)])} == {"early", "late"}
    assert not list(pairs([], [_at(BLOCK_LINK, "e", 0.5, 0.1)]))
