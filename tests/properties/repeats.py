"""What a person makes of how a series repeats: a step of a life, by name."""

from dataclasses import replace
from datetime import timedelta

from calsync_core.domain.recurrence import EVERY_DAY, Pattern, Recurrence

IN_OTHER_WORDS = "in other words"
"""The one that means the same: nothing that stands in the calendar is touched by it."""
OTHERWISE = ("every other", "more days", "fewer", "more", "until", "endless", "once", IN_OTHER_WORDS)


def repeating_otherwise(said: Recurrence, how: str, dates: int) -> Recurrence | None:
    """`dates`: how many it has now. None: it repeats no more."""
    first = said.start.weekday()
    match how:
        case "every other":
            return replace(said, interval=min(2 * said.interval, 28), count=min(dates, 10), end=None)
        case "more days":
            days = tuple(EVERY_DAY[number] for number in sorted({first, (first + 2) % 7}))
            return Recurrence(Pattern.WEEKLY, said.start, said.zone, days=days, count=min(dates + 1, 10))
        case "fewer":
            return replace(said, count=max(1, min(dates, 10) // 2), end=None)
        case "more":
            return replace(said, count=min(dates + 3, 12), end=None)
        case "until":
            return replace(said, count=None, end=said.start + timedelta(days=9))
        case "endless":
            return Recurrence(Pattern.WEEKLY, said.start, said.zone, 2, (EVERY_DAY[first],))
        case str(word) if word == IN_OTHER_WORDS:
            return replace(said, first_day_of_week=EVERY_DAY[6], zone="Europe/Vienna")
    return None
