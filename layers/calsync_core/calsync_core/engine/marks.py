"""Whose copy is it? A person's copy of our copy carries our mark too (copy and paste takes extended properties along).

What tells the two apart: the mark's generation and own id, and the calendar's own id of the appointment (`Entry.uid`,
iCalUId), which pasting makes anew and a move of the mailbox keeps. Pure.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from calsync_core.domain.appointments import Entry, Mark
from calsync_core.domain.ids import BookingId, CalendarId, EntryId, short_hash
from calsync_core.domain.links import Link
from calsync_core.domain.values import value

LATE = timedelta(days=1)
"""An entry made so long after its mark was written is no create of ours, not even one that was tried again."""

_EARLIEST = datetime.min.replace(tzinfo=UTC)


@value(frozen=True, slots=True)
class KnownMarks:
    """Every entry of a mailbox that carries our mark, and which of them are a person's copies of one of the others."""

    marks: dict[EntryId, Mark]
    pasted: frozenset[EntryId]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "KnownMarks":
        marks: dict[EntryId, Mark] = {}
        oldest: dict[Mark, Entry] = {}
        pasted: set[EntryId] = set()
        for entry in entries:
            if entry.mark is None:
                continue
            marks[entry.id] = entry.mark
            first = oldest.get(entry.mark)
            if is_late(entry) or (first is not None and not _is_older(entry, first)):
                pasted.add(entry.id)
                continue
            if first is not None:
                pasted.add(first.id)
            oldest[entry.mark] = entry
        return cls(marks, frozenset(pasted))


def left_elsewhere(entries: Iterable[Entry], known: KnownMarks, owner: Mark, primary: CalendarId) -> list[Entry]:
    """Of all marked entries of a mailbox the copies of the owner's bookings that stand in another calendar than the
    primary one: of each booking the copy that was written last, unless that is in the primary calendar, and no
    person's copy. What was written earlier cannot be told from a person's copy of it. Of `owner` the booking and what
    follows it mean nothing."""
    newest: dict[BookingId, Entry] = {}
    for entry in entries:
        mark = entry.mark
        if mark is None or entry.id in known.pasted or not _is_of(mark, owner):
            continue
        other = newest.get(mark.booking)
        if other is None or _when_written(entry, primary) > _when_written(other, primary):
            newest[mark.booking] = entry
    return [entry for entry in newest.values() if entry.calendar_id != primary]


def _is_of(mark: Mark, owner: Mark) -> bool:
    return (mark.installation, mark.account, mark.resource) == (owner.installation, owner.account, owner.resource)


def _when_written(entry: Entry, primary: CalendarId) -> tuple[int, datetime, bool]:
    written_at = entry.mark.written_at if entry.mark else None
    return entry.mark.generation if entry.mark else 0, written_at or _EARLIEST, entry.calendar_id == primary


def is_late(entry: Entry) -> bool:
    """The entry was made long after our mark was: somebody pasted it. Unknown times prove nothing."""
    written_at = entry.mark.written_at if entry.mark else None
    return written_at is not None and entry.created_at is not None and entry.created_at > written_at + LATE


def is_pasted(link: Link, entry: Entry, mark: Mark) -> bool:
    """Whether an entry with our mark is a person's copy of the one that the link stands for.

    A later generation than the link's is none: the table was restored and is behind the mailbox.
    """
    if mark.generation != link.generation:
        return mark.generation < link.generation
    if link.entry_uid and entry.uid:
        return link.entry_uid != uid_hash(entry)
    return bool(link.mark_id and mark.own) and link.mark_id != mark.own


def is_another(link: Link, entry: Entry, mark: Mark) -> bool:
    """Whether an entry under another id than the link's is certainly not its copy; without the calendar's own ids of
    both nobody can say, and then it is another one."""
    return not (link.entry_uid and entry.uid) or is_pasted(link, entry, mark)


def is_renumbered(link: Link, entry: Entry, mark: Mark) -> bool:
    """Whether this is for certain the very copy that the link stands for, under a new id."""
    return mark.generation == link.generation and link.entry_uid is not None and link.entry_uid == uid_hash(entry)


def uid_hash(entry: Entry) -> str | None:
    """What a link remembers of the calendar's own id of an appointment; the id itself is long and foreign."""
    return short_hash(entry.uid) if entry.uid else None


def mark_id_for(present: str, now: datetime, token: str) -> str:
    """The own id of the mark of a copy about to be made: when, in minutes, and something random. A try that was cut off
    keeps its id for an hour, so that its mark finds what it wrote; an older one would make the new copy look pasted."""
    minute = int(now.timestamp()) // 60
    begun = int(present.partition("-")[0] or "0", 16)
    return present if minute - begun <= 60 else f"{minute:x}-{token.replace('-', '')[:8]}"


def _is_older(entry: Entry, other: Entry) -> bool:
    return entry.created_at is not None and other.created_at is not None and entry.created_at < other.created_at
