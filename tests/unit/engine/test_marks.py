"""Whose copy is it? What tells our copy from a person's copy of it, and from nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from calsync_core.domain.appointments import Entry
from calsync_core.domain.ids import AccountId, BookingId, CalendarId, EntryId, ResourceId, short_hash
from calsync_core.engine.marks import (
    LATE,
    KnownMarks,
    is_another,
    is_late,
    is_pasted,
    is_renumbered,
    left_elsewhere,
    mark_id_for,
    uid_hash,
)

from tests.unit.engine.parts import COPY_ENTRY, COPY_LINK, ENTRY, MARK, NOW

MADE = NOW.replace(second=0)
OWN = f"{int(MADE.timestamp()) // 60:x}-1a2b3c4d"
MARKED = replace(MARK, own=OWN)
ENTRY_1 = replace(COPY_ENTRY, mark=MARKED, created_at=MADE)
SECOND = timedelta(seconds=1)


def known(*entries: object) -> KnownMarks:
    return KnownMarks.of(entries)  # type: ignore[arg-type]


def numbered(number: int, made_at: datetime | None) -> object:
    return replace(ENTRY_1, id=EntryId(f"n{number}"), created_at=made_at)


@pytest.mark.rule("R35")
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (1, 0, 2)])
def test_of_several_with_one_mark_the_oldest_is_ours(order: tuple[int, ...]) -> None:
    three = [numbered(number, MADE + number * SECOND) for number in range(3)]

    found = known(*(three[place] for place in order))

    assert found == KnownMarks({EntryId(f"n{place}"): MARKED for place in range(3)}, frozenset({"n1", "n2"}))


@pytest.mark.rule("R35")
def test_where_ages_are_equal_or_unknown_the_first_one_is_ours() -> None:
    for other in (MADE, None):
        assert known(ENTRY_1, numbered(2, other)).pasted == {"n2"}
    assert known(numbered(1, None), ENTRY_1).pasted == {ENTRY_1.id}


@pytest.mark.rule("R35")
def test_what_carries_no_mark_is_no_concern_and_other_marks_do_not_meet() -> None:
    other = replace(ENTRY_1, id=EntryId("o"), mark=replace(MARKED, generation=2), created_at=MADE + SECOND)

    assert known(ENTRY, ENTRY_1, ENTRY, other) == KnownMarks({ENTRY_1.id: MARKED, other.id: other.mark}, frozenset())


@pytest.mark.rule("R35")
def test_what_was_made_long_after_its_mark_was_pasted_also_when_it_is_alone() -> None:
    late = replace(ENTRY_1, id=EntryId("late"), created_at=MADE + LATE + SECOND)

    assert known(late, ENTRY_1) == KnownMarks({late.id: MARKED, ENTRY_1.id: MARKED}, frozenset({"late"}))
    assert is_late(late)
    assert not is_late(replace(late, created_at=MADE + LATE)), "a create that was tried again for a day"
    assert not is_late(replace(late, created_at=None))
    assert not is_late(replace(late, mark=MARK)), "a mark of an earlier version does not tell when"
    assert not is_late(replace(late, mark=None))


@pytest.mark.rule("R35")
@pytest.mark.rule("R122")
@pytest.mark.parametrize(
    ("link", "entry", "mark", "pasted"),
    [
        ({}, {}, {"generation": 0}, True),
        ({"generation": 2}, {}, {"generation": 1}, True),
        ({}, {}, {"generation": 2}, False),
        ({"generation": 2, "mark_id": "a"}, {}, {"generation": 3, "own": "b"}, False),
        ({"entry_uid": short_hash("u")}, {"uid": "u"}, {}, False),
        ({"entry_uid": short_hash("u")}, {"uid": "w"}, {}, True),
        ({"entry_uid": short_hash("u"), "mark_id": "a"}, {"uid": "u"}, {"own": "b"}, False),
        ({"entry_uid": short_hash("u"), "mark_id": "a"}, {}, {"own": "b"}, True),
        ({"mark_id": "a"}, {"uid": "u"}, {"own": "b"}, True),
        ({"mark_id": "a"}, {}, {"own": "a"}, False),
        ({"entry_uid": short_hash("u"), "mark_id": "a"}, {}, {"own": "a"}, False),
        ({"mark_id": "a"}, {"uid": "u"}, {"own": "a"}, False),
        ({"mark_id": "a"}, {}, {}, False),
        ({}, {}, {"own": "b"}, False),
        ({}, {}, {}, False),
    ],
)
def test_a_persons_copy_is_told_by_generation_then_uid_then_the_marks_own_id(
    link: dict, entry: dict, mark: dict, pasted: bool
) -> None:
    assert is_pasted(replace(COPY_LINK, **link), replace(COPY_ENTRY, **entry), replace(MARK, **mark)) is pasted


@pytest.mark.rule("R122")
@pytest.mark.parametrize(
    ("link_uid", "uid", "another", "renumbered"),
    [("u", "u", False, True), ("u", "w", True, False), (None, "u", True, False), ("u", None, True, False),
     (None, None, True, False)],
)  # fmt: skip
def test_under_a_new_id_only_the_calendars_own_id_tells_it(
    link_uid: str | None, uid: str | None, another: bool, renumbered: bool
) -> None:
    link = replace(COPY_LINK, entry_uid=short_hash(link_uid) if link_uid else None)
    entry = replace(COPY_ENTRY, id=EntryId("new"), uid=uid)

    assert is_another(link, entry, MARK) is another
    assert is_renumbered(link, entry, MARK) is renumbered
    assert not is_renumbered(link, entry, replace(MARK, generation=2))
    assert uid_hash(entry) == (short_hash(uid) if uid else None)


@pytest.mark.rule("R31")
def test_the_own_id_of_a_mark_says_when_and_is_kept_for_an_hour_of_tries() -> None:
    """So that the mark of a try that was cut off finds what it wrote; an older one would make the new copy look
    pasted."""
    token = "0a1b2c3d-4e5f-6789"
    fresh = mark_id_for("", MADE, token)

    assert fresh == f"{int(MADE.timestamp()) // 60:x}-0a1b2c3d"
    assert replace(MARK, own=fresh).written_at == MADE
    for minutes in (0, 59, 60):
        assert mark_id_for(fresh, MADE + timedelta(minutes=minutes, seconds=59), "other-token") == fresh
    later = MADE + timedelta(minutes=61)
    assert mark_id_for(fresh, later, token) == f"{int(later.timestamp()) // 60:x}-0a1b2c3d"
    assert mark_id_for("", datetime(2026, 1, 1, tzinfo=UTC), "-ab-cd-") == "1c16dc0-abcd"


BESIDE = CalendarId("beside")


def written(name: str, calendar: CalendarId = BESIDE, **mark: object) -> Entry:
    return replace(ENTRY_1, id=EntryId(name), calendar_id=calendar, mark=replace(MARKED, **mark))


def left(*entries: Entry, pasted: tuple[str, ...] = ()) -> list[str]:
    owner = replace(MARKED, booking=BookingId("any"), generation=0, own="")
    found = left_elsewhere(entries, KnownMarks({}, frozenset(map(EntryId, pasted))), owner, COPY_ENTRY.calendar_id)
    return [one.id for one in found]


@pytest.mark.rule("R143")
def test_in_another_calendar_the_copy_that_was_written_last_is_ours() -> None:
    old, new = written("old"), written("new", generation=2)
    later = written("later", own=f"{int(MADE.timestamp()) // 60 + 1:x}-0")
    other = written("other", booking=BookingId("b9"))

    assert left(old, other) == ["old", "other"]
    assert left(old, new, later) == left(new, later, old) == ["new"]
    assert left(old, later) == left(later, old) == ["later"]
    assert left(old, written("twin")) == ["old"]
    assert left(written("no time", own=""), old) == left(old, written("no time", own="")) == ["old"]
    assert left(written("no time", own="")) == ["no time"]


@pytest.mark.rule("R143")
def test_one_in_the_primary_calendar_goes_first_unless_it_was_written_before() -> None:
    here = COPY_ENTRY.calendar_id
    old = written("old")

    assert left(written("here", here)) == []
    assert left(old, written("here", here)) == left(written("here", here), old) == []
    assert left(old, written("here", here, generation=2)) == []
    assert left(written("new", generation=2), written("here", here)) == ["new"]


@pytest.mark.rule("R143", "R35", "R123")
def test_what_is_pasted_or_of_somebody_else_is_none_of_them() -> None:
    old = written("old")

    assert left(old, written("new", generation=2), pasted=("new",)) == ["old"]
    assert left(old, pasted=("old",)) == []
    assert left(replace(old, mark=None), written("new")) == ["new"]
    strangers = {"installation": "other", "account": AccountId("other"), "resource": ResourceId("other")}
    for field, whose in strangers.items():
        assert left(written("new", **{field: whose}), old) == ["old"]
