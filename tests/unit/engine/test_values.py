"""Values behave as frozen dataclasses do, but for what the type checker says already."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from calsync_core.domain.appointments import Entry, Timed
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.values import replace, value

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
ENTRY = Entry(EntryId("e1"), CalendarId("c1"), "v1", Timed(NINE, NINE + timedelta(hours=1)), categories=("red",))


@value(frozen=True, slots=True)
class Alone:
    names: tuple[str, ...] = ()


def test_a_changed_value_is_another_one_and_says_the_same_otherwise():
    changed = replace(ENTRY, title="Visit", version="v2")
    assert changed == dataclasses.replace(ENTRY, title="Visit", version="v2")
    assert (ENTRY.title, ENTRY.version) == (None, "v1")


def test_values_that_say_the_same_are_one_key():
    assert {ENTRY: 1, replace(ENTRY): 2} == {ENTRY: 2}
    assert replace(ENTRY, title="Visit") != ENTRY


def test_a_value_of_one_field():
    assert replace(Alone(("a",)), names=("b", "c")) == Alone(("b", "c"))
    assert replace(Alone(("a", "b"))) == Alone(("a", "b"))


def test_no_other_fields():
    with pytest.raises(KeyError):
        replace(ENTRY, titel="Visit")  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        ENTRY.titel = "Visit"  # type: ignore[attr-defined]
