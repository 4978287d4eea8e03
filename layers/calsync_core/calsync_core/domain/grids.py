"""A booking system's grid of times: blocks are rounded outward to it, so that no busy minute is offered."""

from datetime import UTC, datetime, timedelta

from calsync_core.domain.appointments import Timed, When

HOUR = 60


def outward(when: When, minutes: int) -> When:
    """The smallest span on the grid of `minutes` (counted from the hour, UTC) that holds `when`. Days are on any grid.

    What takes no time stays as it is: it blocks nothing.
    """
    if not isinstance(when, Timed) or minutes <= 1 or when.start_at == when.end_at:
        return when
    step = timedelta(minutes=minutes)
    before, beyond = _since_epoch(when.start_at) % step, -_since_epoch(when.end_at) % step
    return Timed(when.start_at - before, when.end_at + beyond)


def _since_epoch(moment: datetime) -> timedelta:
    return moment - datetime(1970, 1, 1, tzinfo=UTC)
