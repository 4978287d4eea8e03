"""The week of one resource as the page draws it: days, what fills them, and where in the grid. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from calsync_core.hosts.reference.documents import Block, Booking, Resource
from calsync_core.hosts.reference.instants import overlaps, start_of_day

ROW_MINUTES = 5
_LANES = 4
BLOCK_WORDS = {"busy": "Busy", "tentative": "Busy, not certain", "oof": "Away"}


@dataclass(slots=True)
class Entry:
    """One booking or block on one day, from `begins` to `until` (may be empty) by the wall.

    `classes` place it by static/week.css: hN mN hours and five minutes from the top, dN eN the same for its length,
    wN cN number of lanes and which of them.
    """

    entry: Booking | Block
    begins: str
    until: str
    first_minute: int
    last_minute: int
    classes: str = ""

    @property
    def is_block(self) -> bool:
        """Whether it is busy time out of a calendar."""
        return isinstance(self.entry, Block)

    @property
    def label(self) -> str:
        """What it is, in a few words."""
        return describe(self.entry)


@dataclass(slots=True)
class Day:
    """One column. `free` are whole hours in which nothing stands, as (classes, HH:MM)."""

    date: date
    is_today: bool
    is_closed: bool
    whole_day: list[Entry] = field(default_factory=list)
    timed: list[Entry] = field(default_factory=list)
    free: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days from a Monday, drawn from `first_hour` to `last_hour`."""

    monday: date
    days: Sequence[Day]
    first_hour: int
    last_hour: int
    cancelled: Sequence[Entry]

    @property
    def hours(self) -> list[tuple[str, str]]:
        """The labels of the hours, each with its place."""
        return [(f"h{hour - self.first_hour} d1", f"{hour:02}:00") for hour in range(self.first_hour, self.last_hour)]


def monday_of(day: date) -> date:
    """The Monday of the date's week."""
    return day - timedelta(days=day.weekday())


def describe(entry: Booking | Block) -> str:
    """A booking by whom and what, a block as busy; a block's title only if the calendar's owner lets it through."""
    if isinstance(entry, Block):
        return ": ".join(filter(None, [BLOCK_WORDS[entry.kind], entry.title]))
    customer = entry.customer.name if entry.customer else ""
    said = [text for text in (customer, entry.title, entry.service_name) if text]
    return " · ".join(dict.fromkeys(said)) or "Booking"


def lay_out(resource: Resource, monday: date, entries: Iterable[Booking | Block], now: datetime) -> Week:
    """Put the entries of a week where they belong, clipped at midnights, side by side where they overlap."""
    zone = resource.time_zone
    today = now.astimezone(ZoneInfo(zone)).date()
    shown = list(entries)
    cancelled = [entry for entry in shown if isinstance(entry, Booking) and entry.status == "cancelled"]
    alive = [entry for entry in shown if entry not in cancelled]
    days = []
    for day_date in (monday + timedelta(days=offset) for offset in range(7)):
        hours = resource.working_hours
        day = Day(day_date, day_date == today, hours is not None and not hours.ranges_on(day_date))
        _fill(day, alive, zone)
        days.append(day)
    first_hour, last_hour = _visible(resource, days)
    for day in days:
        _place(day, first_hour)
        day.free = _free(resource, day, first_hour, last_hour)
    return Week(monday, days, first_hour, last_hour, [_clipped(entry, None, zone) for entry in cancelled])


def _fill(day: Day, entries: Iterable[Booking | Block], zone: str) -> None:
    begins, ends = start_of_day(day.date, zone), start_of_day(day.date + timedelta(days=1), zone)
    for entry in entries:
        if not overlaps(entry.start, entry.end, begins, ends):
            continue
        clipped = _clipped(entry, day.date, zone)
        is_whole = entry.all_day or (entry.start <= begins and entry.end >= ends)
        (day.whole_day if is_whole else day.timed).append(clipped)


def _clipped(entry: Booking | Block, day: date | None, zone: str) -> Entry:
    start, end = (moment.astimezone(ZoneInfo(zone)) for moment in (entry.start, entry.end))
    if day is None:
        return Entry(entry, f"{start:%a %d %b, %H:%M}", "", 0, 0)
    first = start.hour * 60 + start.minute if start.date() == day else 0
    last = end.hour * 60 + end.minute if end.date() == day else 24 * 60
    if entry.all_day:
        return Entry(entry, "All day", "", 0, 24 * 60)
    begins, until = (f"{minute // 60:02}:{minute % 60:02}" for minute in (first, last))
    # Where clocks go back a span may end before it starts by the wall; it is drawn as short as can be.
    return Entry(entry, begins, until, first, max(last, first + ROW_MINUTES))


def _visible(resource: Resource, days: Iterable[Day]) -> tuple[int, int]:
    """From the first to the last hour in which anything is or may be; 8 to 18 if nothing says otherwise."""
    starts, ends = [9 * 60], [17 * 60]
    hours = resource.working_hours
    stretches = [stretch for day in days for stretch in (hours.ranges_on(day.date) if hours else [])]
    if stretches:
        starts, ends = [opens for opens, _ in stretches], [closes for _, closes in stretches]
    starts += [entry.first_minute for day in days for entry in day.timed]
    ends += [entry.last_minute for day in days for entry in day.timed]
    return min(starts) // 60, max(-(-max(ends) // 60), min(starts) // 60 + 1)


def _place(day: Day, first_hour: int) -> None:
    """Lanes: entries that overlap, directly or by others between them, share the width."""
    day.timed.sort(key=lambda entry: (entry.first_minute, -entry.last_minute))
    cluster: list[tuple[Entry, int]] = []
    lane_ends: list[int] = []
    for entry in [*day.timed, None]:
        if entry is None or (lane_ends and entry.first_minute >= max(lane_ends)):
            lanes = min(len(lane_ends), _LANES)
            for placed, lane in cluster:
                placed.classes = _classes(placed, first_hour) + (
                    f" w{lanes} c{min(lane, _LANES - 1)}" if lanes > 1 else ""
                )
            cluster, lane_ends = [], []
        if entry is None:
            return
        lane = next((at for at, end in enumerate(lane_ends) if end <= entry.first_minute), len(lane_ends))
        lane_ends[lane : lane + 1] = [entry.last_minute]
        cluster.append((entry, lane))


def _classes(entry: Entry, first_hour: int) -> str:
    first = entry.first_minute // ROW_MINUTES - first_hour * (60 // ROW_MINUTES)
    rows = -(-entry.last_minute // ROW_MINUTES) - entry.first_minute // ROW_MINUTES
    per_hour = 60 // ROW_MINUTES
    return f"h{first // per_hour} m{first % per_hour} d{rows // per_hour} e{rows % per_hour}"


def _free(resource: Resource, day: Day, first_hour: int, last_hour: int) -> list[tuple[str, str]]:
    if not resource.active or any(entry.entry for entry in day.whole_day):
        return []
    hours = resource.working_hours
    opens = hours.ranges_on(day.date) if hours else [(0, 24 * 60)]
    taken = [(entry.first_minute, entry.last_minute) for entry in day.timed]
    found = []
    for hour in range(first_hour, last_hour):
        first, last = hour * 60, hour * 60 + 60
        is_open = any(start <= first and last <= end for start, end in opens)
        if is_open and not any(start < last and first < end for start, end in taken):
            found.append((f"h{hour - first_hour} d1", f"{hour:02}:00"))
    return found
