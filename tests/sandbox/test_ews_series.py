"""Series of the sandbox's Exchange: masters, occurrences, exceptions, deleted ones, six patterns, summer time."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from exchangelib import EWSTimeZone
from exchangelib.errors import (
    ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange,
    ErrorCalendarOccurrenceIsDeletedFromRecurrence,
    ErrorItemNotFound,
    ErrorOccurrenceCrossingBoundary,
)
from exchangelib.folders import Calendar
from exchangelib.items import CalendarItem
from exchangelib.recurrence import (
    AbsoluteMonthlyPattern,
    AbsoluteYearlyPattern,
    DailyPattern,
    Recurrence,
    RelativeMonthlyPattern,
    RelativeYearlyPattern,
    WeeklyPattern,
)

from tests.sandbox.ews_calendar import DAY, an_item, at, calendar_of, exchange_of, in_view
from tests.sandbox.small_microsoft import Microsoft


@pytest.fixture(autouse=True)
def on_exchange(microsoft: Microsoft) -> Iterator[None]:
    with exchange_of(microsoft):
        yield


def a_series(calendar: Calendar, pattern: Any = None, **fields: Any) -> CalendarItem:
    """Mondays at nine, five times, unless told otherwise."""
    given = pattern or WeeklyPattern(interval=1, weekdays=["Monday"], first_day_of_week="Monday")
    bounds = {"start": DAY, "number": 5} | fields.pop("bounds", {})
    return an_item(calendar, recurrence=Recurrence(pattern=given, **bounds), **fields).save()


PATTERNS: list[tuple[Any, list[str]]] = [
    (DailyPattern(interval=2), ["2026-11-23", "2026-11-25", "2026-11-27"]),
    (
        WeeklyPattern(interval=2, weekdays=["Monday", "Friday"], first_day_of_week="Monday"),
        ["2026-11-23", "2026-11-27", "2026-12-07"],
    ),
    (AbsoluteMonthlyPattern(interval=1, day_of_month=31), ["2026-11-30", "2026-12-31", "2027-01-31"]),
    (RelativeMonthlyPattern(interval=1, weekday="Monday", week_number="Last"), ["2026-11-30", "2026-12-28"]),
    (RelativeMonthlyPattern(interval=1, weekday="Weekday", week_number="First"), ["2026-12-01", "2027-01-01"]),
    (AbsoluteYearlyPattern(day_of_month=29, month="February"), ["2027-02-28", "2028-02-29"]),
    (RelativeYearlyPattern(weekday="Monday", week_number="Third", month="March"), ["2027-03-15", "2028-03-20"]),
]


@pytest.mark.parametrize(("pattern", "days"), PATTERNS, ids=lambda value: type(value).__name__)
def test_each_pattern_comes_back_and_falls_on_its_days(microsoft: Microsoft, pattern: Any, days: list[str]) -> None:
    calendar = calendar_of(microsoft)
    made = a_series(calendar, pattern, bounds={"number": len(days)})

    found = calendar.get(id=made.id)
    seen = calendar.view(start=at(0), end=at(0) + timedelta(days=700))

    assert found.recurrence.pattern == pattern
    assert found.recurrence.boundary.number == len(days)
    assert [item.start.astimezone(made.start.tzinfo).date().isoformat() for item in seen] == days
    assert found.recurrence.boundary.start == date.fromisoformat(days[0])
    assert found.start.astimezone(made.start.tzinfo).date().isoformat() == days[0]


def test_bounds_come_back(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    until = a_series(calendar, bounds={"number": None, "end": DAY + timedelta(days=14)})
    forever = a_series(calendar, bounds={"number": None}, subject="for ever")

    assert calendar.get(id=until.id).recurrence.boundary.end == DAY + timedelta(days=14)
    assert calendar.get(id=forever.id).last_occurrence is None
    assert len(in_view(calendar, 60)) == 3 + 9


def test_the_list_has_masters_and_the_view_has_occurrences(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    made = a_series(calendar)

    assert [item.type for item in calendar.all()] == ["RecurringMaster"]
    seen = in_view(calendar, 60)
    assert [item.type for item in seen] == ["Occurrence"] * 5
    assert {item.uid for item in seen} == {calendar.get(id=made.id).uid}
    assert len({item.id for item in seen} | {made.id}) == 6
    assert seen[2].recurring_master().refresh().id == made.id  # type: ignore[union-attr]


def test_an_edited_occurrence_is_an_exception_and_stands_in_the_master(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    made = a_series(calendar)
    third = in_view(calendar, 60)[2]

    third.subject, third.start, third.end = "moved", third.start + timedelta(hours=2), third.end + timedelta(hours=3)
    third.save(update_fields=["subject", "start", "end"])

    now = in_view(calendar, 60)[2]
    master = calendar.get(id=made.id)
    assert (now.type, now.subject, now.id) == ("Exception", "moved", third.id)
    assert now.original_start == at(9, day=DAY + timedelta(days=14))
    (listed,) = master.modified_occurrences
    assert (listed.id, listed.start, listed.original_start) == (now.id, now.start, now.original_start)
    assert (master.subject, master.changekey == made.changekey) == ("Massage", False)


def test_a_deleted_occurrence_is_gone_from_the_view_and_stands_in_the_master(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    made = a_series(calendar)
    second = in_view(calendar, 60)[1]

    second_id = second.id

    second.delete()

    master = calendar.get(id=made.id)
    assert len(in_view(calendar, 60)) == 4
    assert [one.start for one in master.deleted_occurrences] == [at(9, day=DAY + timedelta(days=7))]
    with pytest.raises(ErrorItemNotFound):
        calendar.get(id=second_id)


def test_occurrences_by_index_count_the_deleted_ones(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    master = calendar.get(id=a_series(calendar).id)
    in_view(calendar, 60)[1].delete()

    third = master.occurrence(3).refresh()  # type: ignore[union-attr]

    assert third.start == at(9, day=DAY + timedelta(days=14))
    with pytest.raises(ErrorCalendarOccurrenceIsDeletedFromRecurrence):
        master.occurrence(2).refresh()
    with pytest.raises(ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange):
        master.occurrence(6).refresh()


def test_an_occurrence_does_not_pass_its_neighbour(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    a_series(calendar)
    second = in_view(calendar, 60)[1]
    second.start, second.end = second.start + timedelta(days=8), second.end + timedelta(days=8)

    with pytest.raises(ErrorOccurrenceCrossingBoundary):
        second.save(update_fields=["start", "end"])


def test_a_new_pattern_drops_exceptions_and_ids_of_occurrences(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    made = a_series(calendar)
    first = in_view(calendar, 60)[0]
    first.subject = "edited"
    first.save(update_fields=["subject"])
    master = calendar.get(id=made.id)

    master.recurrence = Recurrence(pattern=DailyPattern(interval=1), start=DAY, number=3)
    master.save(update_fields=["recurrence"])

    assert [item.subject for item in in_view(calendar, 60)] == ["Massage"] * 3
    with pytest.raises(ErrorItemNotFound):
        first.refresh()


def test_a_series_keeps_its_clock_time_over_summer_time(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    day = date(2027, 3, 22)
    a_series(calendar, bounds={"start": day, "number": 2}, start=at(9, day=day), end=at(10, day=day))

    seen = list(calendar.view(start=at(0, day=day), end=at(0, day=day) + timedelta(days=20)))

    assert [item.start.astimezone(EWSTimeZone("UTC")).hour for item in seen] == [8, 7]


def test_deleting_the_master_deletes_all(microsoft: Microsoft) -> None:
    calendar = calendar_of(microsoft)
    calendar.get(id=a_series(calendar).id).delete()

    assert not in_view(calendar, 60)
