"""Stable hashes of what we write, in two groups: the time, and the rest (design.md section 5).

Noise stays out: server versions, HTML dressing, white space at line ends, trailing blanks of titles (Exchange trims
them). Both sides of a comparison go through the same function, so that equal means equal.
"""

import hashlib

from calsync_core.domain.appointments import AllDay, Block, Copy, Entry, Notes, When
from calsync_core.domain.notes import text_of_html
from calsync_core.domain.recurrence import Recurrence


def time_of(when: When) -> str:
    """Instants to the second; whole days as dates."""
    if isinstance(when, AllDay):
        return f"{when.start.isoformat()}/{when.end.isoformat()}"
    return f"{when.start_at:%Y%m%dT%H%M%S}/{when.end_at:%Y%m%dT%H%M%S}"


def pattern_of(recurrence: Recurrence) -> str:
    """Of how a series repeats, its first day and its end included."""
    return hashlib.sha256(repr(recurrence).encode()).hexdigest()[:16]


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
