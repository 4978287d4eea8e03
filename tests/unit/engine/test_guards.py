"""Stop-lines and write budgets in numbers."""

from dataclasses import replace
from datetime import timedelta

import pytest
from calsync_core.engine.guards import Leaving, is_mass_deletion, is_suddenly_empty, new_origin, spend

from tests.unit.engine.parts import COPY_LINK, NOW


@pytest.mark.rule("R50")
@pytest.mark.prop("P9")
@pytest.mark.parametrize(
    ("leaving", "total", "stops"),
    [
        (20, 20, False),
        (21, 21, True),
        (21, 104, True),
        (21, 105, False),
        (312, 500, True),
        (100, 501, False),
        (0, 0, False),
    ],
)
def test_more_than_20_and_more_than_20_percent_is_too_much(leaving: int, total: int, stops: bool) -> None:
    assert is_mass_deletion(Leaving(leaving, total)) is stops


@pytest.mark.rule("R51")
@pytest.mark.parametrize(
    ("leaving", "total", "stops"), [(1, 1, False), (2, 2, False), (3, 3, True), (2, 3, False), (500, 500, True)]
)
def test_a_side_that_reads_empty_is_not_believed(leaving: int, total: int, stops: bool) -> None:
    assert is_suddenly_empty(Leaving(leaving, total)) is stops


@pytest.mark.rule("R52")
@pytest.mark.complaint(20)
def test_the_seventh_write_in_an_hour_quarantines() -> None:
    link = COPY_LINK
    for minute in range(6):
        link = spend(link, NOW + timedelta(minutes=minute))
        assert not link.is_quarantined
    assert spend(link, NOW + timedelta(minutes=59)).is_quarantined
    assert not spend(link, NOW + timedelta(minutes=60)).is_quarantined, "a new hour, a new budget"


@pytest.mark.rule("R52")
def test_a_new_version_of_the_origin_opens_a_new_budget() -> None:
    spent = replace(COPY_LINK, writes=6, writes_since=NOW, is_quarantined=True)

    assert not spend(new_origin(spent), NOW).is_quarantined
    assert new_origin(spent) == COPY_LINK
    assert spend(COPY_LINK, NOW) == replace(COPY_LINK, writes=1, writes_since=NOW)
    assert spend(replace(COPY_LINK, writes=1, writes_since=NOW), NOW) == replace(COPY_LINK, writes=2, writes_since=NOW)
    assert spend(replace(spent, is_quarantined=False), NOW) == spent
