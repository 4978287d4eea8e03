"""Busy times of one mailbox as a provider's availability service tells them: time and kind, never a title."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from calsync_core.domain.availability import Interval, Occupied, merge
from calsync_core.domain.values import value
from calsync_core.domain.windows import Window

HALF_HOUR = timedelta(minutes=30)


@value(frozen=True, slots=True)
class BusyTimes:
    """`reason` is a code of the wording catalogue: why (a part of) the span is unknown; None when all of it is known.

    What no interval covers is free, so a part that could not be read stands here as an interval `unknown`.
    """

    intervals: tuple[Interval, ...] = ()
    reason: str | None = None


def unknown(span: Window, reason: str) -> BusyTimes:
    return BusyTimes((Interval(span.start_at, span.end_at, Occupied.UNKNOWN),), reason)


def joined(parts: Iterable[BusyTimes], span: Window) -> BusyTimes:
    """Several parts of one span, or several calendars of one person, as one answer; the first reason stands for all."""
    all_ = list(parts)
    intervals = merge((one for part in all_ for one in part.intervals), span.start_at, span.end_at)
    return BusyTimes(tuple(intervals), next((part.reason for part in all_ if part.reason), None))


def whole_half_hours(span: Window) -> Window:
    """The span widened to half hours: the services refuse shorter ones and count their digits from the beginning."""
    end = _floor(span.end_at)
    return Window(_floor(span.start_at), end if end == span.end_at else end + HALF_HOUR)


def _floor(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0)
