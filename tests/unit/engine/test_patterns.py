"""How a series repeats is compared by what it means (R135)."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from calsync_core.domain.appointments import Entry, Kind, Timed
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.recurrence import EVERY_DAY, WEEKEND, Pattern, Recurrence, Weekday, WeekIndex
from calsync_core.engine.fingerprint import pattern_of, repeats_of

MONDAY = date(2026, 11, 23)
WEEKLY = Recurrence(Pattern.WEEKLY, MONDAY, "Europe/Berlin", days=(Weekday.MONDAY,), count=6)
DAILY = Recurrence(Pattern.DAILY, MONDAY, "Europe/Berlin")
YEARLY = Recurrence(Pattern.ABSOLUTE_YEARLY, MONDAY, "Europe/Berlin", day_of_month=23, month=11)
TWO_DAYS = replace(WEEKLY, days=(Weekday.MONDAY, Weekday.SUNDAY), interval=2)


@pytest.mark.rule("R135")
@pytest.mark.parametrize(
    ("said", "other"),
    [
        (WEEKLY, replace(WEEKLY, count=None, end=date(2026, 12, 28))),
        (WEEKLY, replace(WEEKLY, count=None, end=date(2027, 1, 3))),
        (WEEKLY, replace(WEEKLY, first_day_of_week=Weekday.SUNDAY)),
        (WEEKLY, replace(WEEKLY, interval=1, zone="Europe/Vienna")),
        (WEEKLY, Recurrence(Pattern.DAILY, MONDAY, "Europe/Berlin", 7, count=6)),
        (replace(WEEKLY, interval=2), Recurrence(Pattern.DAILY, MONDAY, "Europe/Berlin", 14, count=6)),
        (DAILY, replace(DAILY, pattern=Pattern.WEEKLY, days=EVERY_DAY)),
        (YEARLY, replace(YEARLY, pattern=Pattern.ABSOLUTE_MONTHLY, interval=12, month=0)),
        (
            Recurrence(Pattern.RELATIVE_MONTHLY, date(2026, 11, 30), "UTC", days=EVERY_DAY, index=WeekIndex.LAST),
            Recurrence(Pattern.ABSOLUTE_MONTHLY, date(2026, 11, 30), "Etc/UTC", day_of_month=31),
        ),
        (replace(WEEKLY, start=date(2026, 11, 18)), WEEKLY),  # the day from which it is counted is no date of it
    ],
)
def test_other_words_for_the_same_rule_are_the_same(said: Recurrence, other: Recurrence) -> None:
    assert pattern_of(said) == pattern_of(other)


@pytest.mark.rule("R134")
@pytest.mark.parametrize(
    ("said", "other"),
    [
        (WEEKLY, replace(WEEKLY, count=7)),
        (WEEKLY, replace(WEEKLY, count=5)),
        (WEEKLY, replace(WEEKLY, count=None)),
        (WEEKLY, replace(WEEKLY, count=None, end=date(2026, 12, 27))),
        (WEEKLY, replace(WEEKLY, interval=2)),
        (WEEKLY, replace(WEEKLY, days=(Weekday.MONDAY, Weekday.TUESDAY))),
        (WEEKLY, replace(WEEKLY, zone="America/New_York")),
        (WEEKLY, replace(WEEKLY, zone="Asia/Tokyo")),
        (DAILY, replace(DAILY, end=date(2030, 1, 1))),
        (DAILY, replace(DAILY, count=999)),
        (replace(DAILY, count=998), replace(DAILY, count=999)),
        (TWO_DAYS, replace(TWO_DAYS, first_day_of_week=Weekday.SUNDAY)),
        (YEARLY, replace(YEARLY, day_of_month=24)),
        (
            Recurrence(Pattern.RELATIVE_MONTHLY, MONDAY, "UTC", days=(Weekday.MONDAY,), index=WeekIndex.FOURTH),
            Recurrence(Pattern.RELATIVE_MONTHLY, MONDAY, "UTC", days=(Weekday.MONDAY,), index=WeekIndex.LAST),
        ),
        (
            Recurrence(Pattern.RELATIVE_MONTHLY, MONDAY, "UTC", days=WEEKEND, index=WeekIndex.FIRST),
            Recurrence(Pattern.RELATIVE_MONTHLY, MONDAY, "UTC", days=WEEKEND, index=WeekIndex.SECOND),
        ),
    ],
)
def test_what_shows_other_dates_is_another_rule(said: Recurrence, other: Recurrence) -> None:
    assert pattern_of(said) != pattern_of(other)


@pytest.mark.rule("R134")
def test_an_entry_tells_its_rule_that_it_has_none_or_nothing() -> None:
    when = Timed(datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 23, 10, tzinfo=UTC))
    alone = Entry(EntryId("e"), CalendarId("c"), "v", when)
    untold = replace(alone, kind=Kind.MASTER)

    assert repeats_of(replace(untold, recurrence=WEEKLY)) == pattern_of(WEEKLY)
    assert repeats_of(untold) == ""
    assert repeats_of(alone) not in ("", pattern_of(replace(WEEKLY, count=1)))
