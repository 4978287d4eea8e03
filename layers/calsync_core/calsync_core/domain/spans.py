"""Which times of an appointment can be placed: what no calendar means is told apart by its code, never guessed."""

from datetime import date, timedelta

from calsync_core.domain.windows import EARLIEST_YEAR, LATEST_YEAR

LONGEST = timedelta(days=36_525)
"""A hundred years: what is longer is a slip of a keyboard or of a program, and would take every time there is."""


class UnreadableTimesError(ValueError):
    """Times that cannot be placed; the message is the code of why."""


def check_years(*moments: date) -> None:
    """Raises UnreadableTimesError("times_out_of_range")."""
    if not all(EARLIEST_YEAR <= moment.year <= LATEST_YEAR for moment in moments):
        raise UnreadableTimesError("times_out_of_range")


def check_span(start: date, end: date) -> None:
    """Both of one kind, and in one zone. Raises UnreadableTimesError: `times_inverted`, `times_too_long`."""
    if end < start:
        raise UnreadableTimesError("times_inverted")
    if end - start > LONGEST:
        raise UnreadableTimesError("times_too_long")
