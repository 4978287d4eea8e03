"""How calendars say that a series repeats, with all the zero values and oddities that come back (graph.md 3.9)."""

from datetime import date
from typing import Any

import pytest
from calsync_core.adapters.exchange.recurrence_reading import read_recurrence
from calsync_core.adapters.graph.recurrences import read_patterned, to_patterned
from calsync_core.domain.recurrence import EVERY_DAY, Pattern, Recurrence, Weekday, WeekIndex
from lxml import etree

TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
ENDLESS = "<NoEndRecurrence><StartDate>2026-11-23</StartDate></NoEndRecurrence>"
NEVER_ENDS = {
    "type": "noEnd", "startDate": "2026-11-23", "endDate": "0001-01-01", "numberOfOccurrences": 0,
    "recurrenceTimeZone": "W. Europe Standard Time",
}  # fmt: skip
WEEKLY = {
    "type": "weekly", "interval": 1, "month": 0, "dayOfMonth": 0, "daysOfWeek": ["monday"], "firstDayOfWeek": "sunday",
    "index": "first",
}  # fmt: skip


def graph(pattern: dict[str, Any], range_: dict[str, Any], **event: Any) -> Recurrence | None:
    said = {"pattern": {**WEEKLY, **pattern}, "range": {**NEVER_ENDS, **range_}}
    return read_patterned({"recurrence": said, **event}, lambda: "Europe/Zurich")


def exchange(pattern: str, range_: str) -> Recurrence | None:
    text = f'<Recurrence xmlns="{TYPES}">{pattern}{range_}</Recurrence>'
    return read_recurrence(etree.fromstring(text), "Europe/Berlin")


def test_zero_values_of_what_a_pattern_does_not_use_are_nothing() -> None:
    expected = Recurrence(
        Pattern.WEEKLY, date(2026, 11, 23), "Europe/Berlin", days=(Weekday.MONDAY,), first_day_of_week=Weekday.SUNDAY
    )

    assert graph({}, {}) == expected
    assert graph({"type": "Weekly", "daysOfWeek": ["Monday"]}, {"type": "NoEnd"}) == expected


@pytest.mark.parametrize(
    ("range_", "event", "zone"),
    [
        ({}, {}, "Europe/Berlin"),
        ({"recurrenceTimeZone": "tzone://Microsoft/Custom"}, {}, "Europe/Zurich"),
        ({"recurrenceTimeZone": ""}, {"originalStartTimeZone": "Tokyo Standard Time"}, "Asia/Tokyo"),
        ({"recurrenceTimeZone": "Nowhere"}, {"originalStartTimeZone": "tzone://Microsoft/Custom"}, "Europe/Zurich"),
    ],
)
def test_the_zone_is_the_series_own_or_the_mailboxs(range_: dict[str, Any], event: dict[str, Any], zone: str) -> None:
    found = graph({}, range_, **event)

    assert found is not None
    assert found.zone == zone


@pytest.mark.parametrize(
    ("range_", "end", "count"),
    [
        ({"type": "numbered", "numberOfOccurrences": 4}, None, 4),
        ({"type": "endDate", "endDate": "2026-12-31"}, date(2026, 12, 31), None),
        ({"type": "endDate", "endDate": "4500-09-01"}, None, None),
    ],
)
def test_the_end_is_a_number_a_day_or_none(range_: dict[str, Any], end: date | None, count: int | None) -> None:
    found = graph({}, range_)

    assert found is not None
    assert (found.end, found.count) == (end, count)


@pytest.mark.parametrize(
    ("pattern", "range_"),
    [
        ({"type": "hourly"}, {}),
        ({"type": None}, {}),
        ({"interval": 0}, {}),
        ({"interval": 10**9}, {}),
        ({"interval": "often"}, {}),
        ({"daysOfWeek": []}, {}),
        ({"daysOfWeek": ["someday"]}, {}),
        ({"daysOfWeek": "monday"}, {}),
        ({"firstDayOfWeek": "never"}, {}),
        ({"type": "absoluteMonthly", "dayOfMonth": 0}, {}),
        ({"type": "absoluteYearly", "dayOfMonth": 3, "month": 13}, {}),
        ({"type": "relativeMonthly", "index": "fifth"}, {}),
        ({}, {"startDate": "soon"}),
        ({}, {"startDate": None}),
        ({}, {"type": "numbered", "numberOfOccurrences": 0}),
        ({}, {"type": "numbered", "numberOfOccurrences": 2**31}),
        ({}, {"type": "endDate", "endDate": "0"}),
        ({}, {"type": "sometimes"}),
    ],
)
@pytest.mark.bad_input(29)
def test_what_nobody_knows_is_not_told(pattern: dict[str, Any], range_: dict[str, Any]) -> None:
    assert graph(pattern, range_) is None


@pytest.mark.parametrize("said", [None, "weekly", [], {"pattern": None, "range": {}}, {"pattern": {}}])
def test_so_is_what_is_no_recurrence_at_all(said: Any) -> None:
    assert read_patterned({"recurrence": said}, lambda: "UTC") is None


def test_what_is_written_is_read_as_it_was() -> None:
    said = Recurrence(
        Pattern.RELATIVE_YEARLY, date(2026, 11, 26), "America/New_York", 2, EVERY_DAY, month=11, index=WeekIndex.LAST,
        count=3,
    )  # fmt: skip

    assert read_patterned({"recurrence": to_patterned(said)}, lambda: "UTC") == Recurrence(
        **{name: getattr(said, name) for name in said.__slots__} | {"first_day_of_week": Weekday.SUNDAY}
    )


def test_exchange_says_groups_of_days_and_dates_with_offsets() -> None:
    found = exchange(
        "<RelativeMonthlyRecurrence><Interval>2</Interval><DaysOfWeek>Weekday</DaysOfWeek>"
        "<DayOfWeekIndex>Last</DayOfWeekIndex></RelativeMonthlyRecurrence>",
        "<EndDateRecurrence><StartDate>2026-11-30+01:00</StartDate><EndDate>2027-03-31Z</EndDate></EndDateRecurrence>",
    )

    assert found == Recurrence(
        Pattern.RELATIVE_MONTHLY, date(2026, 11, 30), "Europe/Berlin", 2, EVERY_DAY[:5],
        first_day_of_week=Weekday.SUNDAY, index=WeekIndex.LAST, end=date(2027, 3, 31),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "range_"),
    [
        ("", ""),
        ("<DailyRegeneration><Interval>1</Interval></DailyRegeneration>", "<NoEndRecurrence/>"),
        ("<DailyRecurrence/>", ENDLESS),
        ("<DailyRecurrence><Interval>1</Interval></DailyRecurrence>", "<NoEndRecurrence/>"),
        ("<DailyRecurrence><Interval>0</Interval></DailyRecurrence>", ENDLESS),
        ("<WeeklyRecurrence><Interval>1</Interval><DaysOfWeek/></WeeklyRecurrence>", ENDLESS),
        ("<DailyRecurrence><Interval>1</Interval></DailyRecurrence>", ENDLESS.replace("NoEnd", "Some")),
    ],
)  # fmt: skip
@pytest.mark.bad_input(29)
def test_what_nobody_knows_is_not_told_by_exchange_either(pattern: str, range_: str) -> None:
    assert exchange(pattern, range_) is None
