"""The journal of what calsync deleted and moved: ids, times, versions, kept for 30 days, so that a run can be undone.

Never a title or a note. A deed is written down before it is done: one that was not done after all is found to be so.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache

from calsync_core.domain.appointments import AllDay, Timed, When
from calsync_core.domain.ids import BookingId, CalendarId, EntryId, LinkRef
from calsync_core.domain.values import replace, value


class Did(StrEnum):
    """What was done; the text for people stands in the wording catalogue under `did_<value>`."""

    COPY_DELETED = "copy_deleted"
    COPY_MOVED = "copy_moved"
    BLOCK_DELETED = "block_deleted"
    BLOCK_MOVED = "block_moved"
    BOOKING_MOVED = "booking_moved"  # at the booking system, on behalf of the calendar
    BOOKING_CANCELLED = "booking_cancelled"  # the same


NO_CALENDAR = CalendarId("")


@value(frozen=True, slots=True)
class Deed:
    """One of them. `to` belongs to moves. `version` is that of the entry as it was seen, `calendar` where it stood."""

    did: Did
    ref: LinkRef
    at: datetime
    was: When
    to: When | None = None
    calendar: CalendarId = NO_CALENDAR
    entry: EntryId | None = None
    booking: BookingId | None = None
    version: str = ""
    rule: str = ""


def row_of(deed: Deed) -> dict[str, str]:
    """As the journal stores it."""
    row = {
        "did": deed.did.value, "ref": deed.ref, "at": _text(deed.at), "was": span(deed.was),
        "to": span(deed.to) if deed.to else "", "calendar": deed.calendar, "entry": deed.entry or "",
        "booking": deed.booking or "", "version": deed.version, "rule": deed.rule,
    }  # fmt: skip
    return {name: value for name, value in row.items() if value}


def deed_of(row: dict[str, str]) -> Deed:
    get = row.get
    return Deed(
        Did(row["did"]), LinkRef(row["ref"]), _instant(row["at"]), when_of_span(row["was"]),
        when_of_span(row["to"]) if get("to") else None, CalendarId(get("calendar", "")),
        EntryId(row["entry"]) if get("entry") else None, BookingId(row["booking"]) if get("booking") else None,
        get("version", ""), get("rule", ""),
    )  # fmt: skip


@value(frozen=True, slots=True)
class Undone:
    """Beside the deeds of a run: that it was undone, when and by whose wish."""

    at: datetime
    by: str


@value(frozen=True, slots=True)
class JournalledRun:
    """What one run did, oldest deed first; what it did to one appointment in several steps is one deed."""

    run: str
    at: datetime
    deeds: tuple[Deed, ...]
    undone: Undone | None = None

    @property
    def may_be_undone(self) -> bool:
        """Whether there is more in it than copies that followed their originals."""
        return any(deed.did not in FOLLOWED for deed in self.deeds)


FOLLOWED = frozenset({Did.COPY_MOVED, Did.BLOCK_MOVED})
"""What only went where its original went: to undo it alone would not last."""

UNDONE = "undone"


def undone_row(undone: Undone) -> dict[str, str]:
    return {"did": UNDONE, "at": _text(undone.at), "by": undone.by}


NOT_DONE = "not_done"


def not_done_row(deed: Deed) -> dict[str, str]:
    """Beside a deed that was written down and then refused by the booking system: it is no deed."""
    row = row_of(deed)
    return {**row, "did": NOT_DONE, "what": row["did"]}


def journalled_run(run: str, rows: Iterable[dict[str, str]]) -> JournalledRun | None:
    """None where the run deleted and moved nothing."""
    known = list(rows)
    refused = {(row["what"], row["ref"], row.get("to")) for row in known if row["did"] == NOT_DONE}
    done = [row for row in known if row["did"] not in (UNDONE, NOT_DONE)]
    done = [row for row in done if (row["did"], row["ref"], row.get("to")) not in refused]
    deeds = sorted((deed_of(row) for row in done), key=lambda deed: deed.at)
    if not deeds:
        return None
    marks = sorted(row["at"] + "|" + row.get("by", "") for row in known if row["did"] == UNDONE)
    at, _, by = marks[-1].partition("|") if marks else ("", "", "")
    return JournalledRun(run, deeds[0].at, tuple(_merged(deeds)), Undone(_instant(at), by) if at else None)


def _merged(deeds: Iterable[Deed]) -> Iterable[Deed]:
    """Moved twice is moved once, from the first time to the last; deleted twice is deleted."""
    found: dict[tuple[Did, LinkRef], Deed] = {}
    for deed in deeds:
        first = found.get((deed.did, deed.ref))
        found[deed.did, deed.ref] = replace(deed, was=first.was, at=first.at) if first else deed
    return found.values()


@lru_cache(maxsize=1024)
def span(when: When) -> str:
    """A time as journal and log write it; `Timed` in UTC to the second, whole days as dates."""
    if isinstance(when, AllDay):
        return f"{when.start.isoformat()}/{when.end.isoformat()}"
    return f"{when.start_at:%Y-%m-%dT%H:%M:%SZ}/{when.end_at:%Y-%m-%dT%H:%M:%SZ}"


def when_of_span(text: str) -> When:
    """The reverse of `span`. Raises ValueError."""
    first, _, second = text.partition("/")
    if "T" not in first:
        return AllDay(date.fromisoformat(first), date.fromisoformat(second))
    return Timed(_instant(first), _instant(second))


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
