"""What a mailbox in memory stores: appointments, series with their occurrences, change logs, subscriptions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from calsync_core.domain.appointments import AllDay, Entry, Kind, Mark, Timed, When
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.recurrence import Recurrence
from calsync_core.domain.rrules import days_of
from calsync_core.domain.values import replace, value

HORIZON = timedelta(days=1100)  # of an endless series; no window of a test reaches so far


@dataclass(slots=True)
class Item:
    """One stored appointment; a series keeps its occurrences by their original start.

    `seq` is the number of its last change, `added_at` that of its first, `index` the order of creation. `pattern`
    counts the changes of the pattern: it is part of the occurrences' ids. `_made` holds occurrences as `_made_of`, the
    entry of that moment, shows them.
    """

    entry: Entry
    index: int
    seq: int = 0
    added_at: int = 0
    is_gone: bool = False
    plan: dict[datetime, When] = field(default_factory=dict)
    exceptions: dict[datetime, Entry] = field(default_factory=dict)
    removed: set[datetime] = field(default_factory=set)
    recurrence: Recurrence | None = None
    pattern: int = 0
    _made: dict[datetime, Entry] = field(default_factory=dict)
    _made_of: Entry | None = None

    def repeat(self, plan: dict[datetime, When], recurrence: Recurrence | None = None) -> None:
        """Follow another plan. A changed pattern or time drops exceptions and removed ones and gives new ids, a changed
        range only drops what lies outside (graph.md 3.10)."""
        is_same = all(plan[key] == self.plan[key] for key in plan.keys() & self.plan.keys())
        if self.plan and not (is_same and _pattern_of(recurrence) == _pattern_of(self.recurrence)):
            self.pattern += 1
            self.exceptions.clear()
            self.removed.clear()
        self.plan, self.recurrence, self._made_of = plan, recurrence, None
        self.entry = replace(self.entry, kind=Kind.MASTER, recurrence=recurrence)
        self.exceptions = {key: one for key, one in self.exceptions.items() if key in plan}
        self.removed &= plan.keys()

    def stand_alone(self) -> None:
        """The series becomes its first occurrence, under its own id."""
        self.pattern += 1
        self.plan, self.recurrence, self._made_of = {}, None, None
        self.exceptions.clear()
        self.removed.clear()
        self.entry = replace(self.entry, kind=Kind.SINGLE, recurrence=None)

    def crosses(self, original: datetime, when: When, zone: str) -> bool:
        """Whether an occurrence at that time would come to or past the day of its neighbours, or overlap them."""
        start, end = when.interval(zone)
        for key, other in self.times():
            if key == original:
                continue
            other_start, other_end = other.interval(zone)
            day, other_day = (moment.astimezone(ZoneInfo(zone)).date() for moment in (start, other_start))
            if key < original and (day <= other_day or start < other_end):
                return True
            if key > original and (day >= other_day or end > other_start):
                return True
        return False

    def occurrence(self, original: datetime) -> Entry | None:
        """In full; None when the series has none there (any more)."""
        if original in self.removed or original not in self.plan:
            return None
        changed = self.exceptions.get(original)
        if changed is not None and changed.version != self.entry.version:  # all instances carry the series' own
            changed = self.exceptions[original] = replace(changed, version=self.entry.version)
        if changed is not None:
            return changed
        if self._made_of is not self.entry:
            self._made_of, self._made = self.entry, {}
        if original not in self._made:
            self._made[original] = replace(
                self.entry, id=self.id_of(original), when=self.plan[original], kind=Kind.OCCURRENCE,
                series_id=self.entry.id, original_start_at=original, mark=None, recurrence=None,
            )  # fmt: skip
        return self._made[original]

    def occurrences(self, is_wanted: Callable[[When], bool] = lambda _when: True) -> Iterator[Entry]:
        """In full, those at times that are wanted."""
        for original, when in self.times():
            one = self.occurrence(original) if is_wanted(when) else None
            if one is not None:
                yield one

    def times(self) -> Iterator[tuple[datetime, When]]:
        """Of each occurrence that is there: its original start, and when it takes place."""
        for original, planned in self.plan.items():
            if original not in self.removed:
                changed = self.exceptions.get(original)
                yield original, changed.when if changed is not None else planned

    def original_start_of(self, occurrence: EntryId) -> datetime | None:
        """None when no occurrence with this id is there."""
        return next((original for original, _ in self.times() if self.id_of(original) == occurrence), None)

    def id_of(self, original: datetime) -> EntryId:
        changed = self.exceptions.get(original)
        return changed.id if changed is not None else occurrence_id(self.entry.id, self.pattern, original)


@dataclass(slots=True)
class Feed:
    """The change log of one calendar: numbers and ids of what changed, oldest first."""

    seqs: list[int] = field(default_factory=list)
    ids: list[EntryId] = field(default_factory=list)


@value(frozen=True, slots=True)
class Write:
    """What calsync did to an entry: the invariants of the property tests read it."""

    operation: str
    entry_id: EntryId
    mark: Mark | None


@lru_cache(maxsize=4096)
def occurrence_id(series_id: EntryId, pattern: int, original: datetime) -> EntryId:
    return EntryId(f"{series_id}.{pattern}-{original:%Y%m%dT%H%M}")


def original_of(when: When, zone: str) -> datetime:
    """The key of an occurrence; of all-day ones midnight UTC of the date, as Graph shows it."""
    if isinstance(when, AllDay):
        return datetime(when.start.year, when.start.month, when.start.day, tzinfo=UTC)
    return when.interval(zone)[0]


def planned(when: When, recurrence: Recurrence) -> dict[datetime, When]:
    """The occurrences of a series whose first one is `when`."""
    zone = recurrence.zone
    plan: dict[datetime, When] = {}
    for day in days_of(recurrence):
        if day > recurrence.start + HORIZON:
            break
        later = shifted(when, day - recurrence.start, zone)
        plan[original_of(later, zone)] = later
    return plan


def _pattern_of(recurrence: Recurrence | None) -> Recurrence | None:
    return replace(recurrence, end=None, count=None) if recurrence else None


@value(frozen=True, slots=True)
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
