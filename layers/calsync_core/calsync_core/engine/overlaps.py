"""Which bookings and blocking entries cannot both be true. Two blocks never conflict, nor two bookings (the host's)."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from calsync_core.domain.links import Link, Origin


def pairs(bookings: Iterable[Link], entries: Iterable[Link]) -> Iterator[tuple[Link, Link]]:
    """All overlapping (booking, entry) pairs, half open: touching is no overlap.

    The bookings are held in memory, the entries are streamed: a calendar may have a hundred thousand.
    """
    ordered = sorted((link for link in bookings if link.origin is Origin.HOST and _takes_time(link)), key=_start)
    starts = [link.start_at for link in ordered]
    longest = max((link.end_at - link.start_at for link in ordered), default=timedelta(0))
    for entry in entries:
        if entry.origin is not Origin.CALENDAR or not entry.host.version or not _takes_time(entry):
            continue
        first = bisect_left(starts, entry.start_at - longest)
        last = bisect_left(starts, entry.end_at)
        yield from ((booking, entry) for booking in ordered[first:last] if booking.end_at > entry.start_at)


def _takes_time(link: Link) -> bool:
    return link.start_at < link.end_at


def _start(link: Link) -> datetime:
    return link.start_at
