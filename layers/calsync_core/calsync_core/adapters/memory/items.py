"""What a mailbox in memory stores: appointments, series with their occurrences, change logs, subscriptions."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from calsync_core.domain.appointments import AllDay, Entry, Kind, Mark, Timed, When
from calsync_core.domain.ids import CalendarId, EntryId


@dataclass(slots=True)
class Item:
    """One stored appointment; a series keeps its occurrences by their original start.

    `seq` is the number of its last change, `index` the order of creation.
    """

    entry: Entry
    index: int
    seq: int = 0
    is_gone: bool = False
    plan: dict[datetime, When] = field(default_factory=dict)
    exceptions: dict[datetime, Entry] = field(default_factory=dict)
    removed: set[datetime] = field(default_factory=set)

    def occurrence(self, original: datetime) -> Entry | None:
        """In full; None when the series has none there (any more)."""
        if original in self.removed or original not in self.plan:
            return None
        changed = self.exceptions.get(original)
        if changed is not None:
            return replace(changed, version=self.entry.version)  # all instances carry the series' own version
        return replace(
            self.entry,
            id=occurrence_id(self.entry.id, original),
            when=self.plan[original],
            kind=Kind.OCCURRENCE,
            series_id=self.entry.id,
            original_start_at=original,
            mark=None,
        )

    def occurrences(self) -> Iterator[Entry]:
        for original in self.plan:
            one = self.occurrence(original)
            if one is not None:
                yield one


@dataclass(slots=True)
class Feed:
    """The change log of one calendar: numbers and ids of what changed, oldest first."""

    seqs: list[int] = field(default_factory=list)
    ids: list[EntryId] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Write:
    """What calsync did to an entry: the invariants of the property tests read it."""

    operation: str
    entry_id: EntryId
    mark: Mark | None


def occurrence_id(series_id: EntryId, original: datetime) -> EntryId:
    return EntryId(f"{series_id}.{original:%Y%m%dT%H%M}")


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription as it was asked for; nothing is delivered, the server lists whom it would have told."""

    calendar_id: CalendarId
    url: str
    lifecycle_url: str
    secret: str
    expires_at: datetime


def shifted(when: When, by: timedelta, zone: str) -> When:
    """The same wall time so many days later."""
    if isinstance(when, AllDay):
        return AllDay(when.start + by, when.end + by)
    tz = ZoneInfo(zone)
    start = (when.start_at.astimezone(tz) + by).astimezone(UTC)
    return Timed(start, start + (when.end_at - when.start_at))
