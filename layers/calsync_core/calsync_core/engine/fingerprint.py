"""Stable hashes of what we write, in two groups: the time, and the rest (design.md section 5).

Noise stays out: server versions, HTML dressing, white space at line ends, trailing blanks of titles (Exchange trims
them). Both sides of a comparison go through the same function, so that equal means equal.
"""

import hashlib
from collections import deque
from datetime import datetime, time
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from calsync_core.domain.appointments import AllDay, Block, Copy, Entry, Kind, Notes, When
from calsync_core.domain.notes import text_of_html
from calsync_core.domain.recurrence import Recurrence
from calsync_core.domain.rrules import days_of

_DAYS_COMPARED = 200
"""Of two series with the same end: no two patterns that calendars know agree on so many days and differ later."""
_ONCE = "once"


@lru_cache(maxsize=4096)
def time_of(when: When) -> str:
    """Instants to the second; whole days as dates."""
    if isinstance(when, AllDay):
        return f"{when.start.isoformat()}/{when.end.isoformat()}"
    return f"{when.start_at:%Y%m%dT%H%M%S}/{when.end_at:%Y%m%dT%H%M%S}"


@lru_cache(maxsize=1024)
def pattern_of(recurrence: Recurrence) -> str:
    """Of how a series repeats: its days, the offset of its clock on each of them, and where it ends.

    Calendars say a rule in words of their own (every seven days, a last day for a count, another name of the zone, the
    week's first day where it does not matter), so that its meaning is compared, never its words.
    """
    zone = ZoneInfo(recurrence.zone)
    days = list(islice(days_of(recurrence), _DAYS_COMPARED))
    said = [f"{day:%Y%m%d}{datetime.combine(day, time(12), zone):%z}" for day in days]
    last = "endless"
    if recurrence.count is not None or recurrence.end is not None:
        last = str(next(iter(deque(days_of(recurrence), maxlen=1)), None))
    return hashlib.sha256("\x1f".join([*said, last]).encode()).hexdigest()[:16]


def repeats_of(entry: Entry) -> str:
    """`pattern_of` what a series shows in the calendar; "" where that is not known, and a word of its own for what was
    made a single appointment."""
    if entry.recurrence is not None:
        return pattern_of(entry.recurrence)
    return _ONCE if entry.kind is Kind.SINGLE else ""


def rest_of_copy(copy: Copy) -> str:
    """Of what the calendar will show for it; equal to `rest_of_entry` of the entry that comes back."""
    return _hash(copy.title, copy.notes, copy.location, copy.busy.value, copy.is_private, copy.reminder)


def asked_of_copy(copy: Copy) -> str:
    """Of what we ask the calendar to show, with what no entry tells again: the formatting and the zone."""
    html = copy.notes.text if copy.notes and copy.notes.is_html else ""
    parts = (rest_of_copy(copy), html, copy.time_zone)
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def rest_of_entry(entry: Entry) -> str:
    """Of what the calendar shows; only meaningful for an entry that was read with all its content."""
    return _hash(entry.title or "", entry.notes, entry.location, entry.busy.value, entry.is_private, entry.reminder)


def rest_of_block(block: Block) -> str:
    html = block.notes.text if block.notes and block.notes.is_html else None
    return _hash(block.title or "", block.notes, html, block.kind.value, False, None)


def _hash(title: str, notes: Notes | None, location: str | None, busy: str, is_private: bool, reminder: object) -> str:
    parts = (
        " ".join(title.split()),
        _plain(notes),
        " ".join((location or "").split()),
        busy,
        "private" if is_private else "",
        str(reminder) if reminder is not None else "",
    )
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _plain(notes: Notes | None) -> str:
    if notes is None:
        return ""
    text = text_of_html(notes.text) if notes.is_html else notes.text
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
