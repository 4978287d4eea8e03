"""R106: booking systems with a grid of times."""

from datetime import timedelta

import pytest
from calsync_core.adapters.memory.host import MemoryHost
from calsync_core.domain.appointments import AllDay, Timed
from calsync_core.domain.grids import outward
from calsync_core.ports.host import Capabilities
from hypothesis import given
from hypothesis import strategies as st

from tests.small_clinic import NOW, Clinic, a_clinic, at


def clinic_with_grid(minutes: int) -> Clinic:
    clinic = a_clinic()
    host = MemoryHost(clinic.system, capabilities=Capabilities(lists_blocks=True, granularity_minutes=minutes))
    object.__setattr__(clinic.ports, "host", lambda _account: host)
    clinic.connect("anna")
    clinic.settle()
    return clinic


@pytest.mark.rule("R106")
def test_a_block_is_rounded_outward_and_the_true_time_is_compared() -> None:
    clinic = clinic_with_grid(15)
    entry = clinic.mailbox().create_entry(at(3, 9 + 7 / 60, 0.5))
    clinic.settle()
    assert [block.when for block in clinic.blocks()] == [at(3, 9, 0.75)]
    (link,) = clinic.stores.links.all("main", "anna")
    assert link.when == at(3, 9 + 7 / 60, 0.5)
    before = dict(clinic.system.block_versions)
    for cause in ("sweep", "full", "full"):
        clinic.run("anna", cause)
    assert clinic.system.block_versions == before
    clinic.mailbox().move_entry(entry, at(3, 14 + 1 / 60, 0.25))
    clinic.settle()
    assert [block.when for block in clinic.blocks()] == [at(3, 14, 0.5)]


@pytest.mark.rule("R106")
def test_a_block_that_somebody_moved_comes_back_to_the_grid() -> None:
    clinic = clinic_with_grid(15)
    clinic.mailbox().create_entry(at(3, 9 + 7 / 60, 0.5))
    clinic.settle()
    clinic.system.move_block_by_clinic(clinic.blocks()[0].ref, at(4, 9))
    clinic.run("anna", "full")
    assert [block.when for block in clinic.blocks()] == [at(3, 9, 0.75)]


@given(st.integers(0, 5000), st.integers(0, 600), st.sampled_from([1, 5, 10, 15, 20, 30, 60]))
def test_outward_holds_the_time_and_no_smaller_span_does(start: int, length: int, grid: int) -> None:
    when = Timed(NOW + timedelta(minutes=start), NOW + timedelta(minutes=start + length))
    rounded = outward(when, grid)
    assert isinstance(rounded, Timed)
    assert rounded.start_at <= when.start_at
    assert rounded.end_at >= when.end_at
    if length:
        assert when.start_at - rounded.start_at < timedelta(minutes=grid)
        assert rounded.end_at - when.end_at < timedelta(minutes=grid)
        assert rounded.start_at.timestamp() % (grid * 60) == rounded.end_at.timestamp() % (grid * 60) == 0
    assert outward(rounded, grid) == rounded


def test_days_are_on_any_grid() -> None:
    days = AllDay(NOW.date(), NOW.date() + timedelta(days=1))
    assert outward(days, 15) == days
