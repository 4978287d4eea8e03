"""A week as blocks on a grid: which entries, where, how wide beside their neighbours. No HTTP here."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sandbox.appointments import Appointment, Content, Entry, Occurrence
from sandbox.calendars import Folder
from sandbox.series import occurrences_between, overlaps

STEP_MINUTES = 15
FIRST_HOUR, LAST_HOUR = 7, 20


@dataclass
class Block:
    """One entry on one day. Rows count steps from the grid's first hour; lanes lie beside each other."""

    key: str
    content: Content
    folder: Folder
    starts: datetime
    ends: datetime
    is_series: bool
    first_row: int = 0
    last_row: int = 0
    lane: int = 0
    lanes: int = 1


@dataclass
class Day:
    """One column of the grid; `all_day` stands above it."""

    day: date
    blocks: list[Block]
    all_day: list[Block]


@dataclass
class Week:
    """Seven days from a Monday, and the hours that the grid must show."""

    days: list[Day]
    first_hour: int
    last_hour: int


def entry_key(entry: Entry) -> str:
    """The entry's name in an address: its id, for an occurrence with its day."""
    if isinstance(entry, Occurrence):
        return f"{entry.master.entry_id}.{entry.day.isoformat()}"
    return entry.entry_id


def build_week(folders: list[Folder], monday: date, zone: ZoneInfo) -> Week:
    """Lay out the entries of some calendars for the week that begins on that Monday, in the person's zone."""
    begin = datetime.combine(monday, time(), zone)
    end = datetime.combine(monday + timedelta(days=7), time(), zone)
    blocks = [_block(folder, entry, zone) for folder in folders for entry in _entries(folder, begin, end)]
    first_hour = min([FIRST_HOUR, *(b.starts.hour for b in blocks if _is_timed(b))])
    last_hour = max([LAST_HOUR, *(_end_hour(b) for b in blocks if _is_timed(b))])
    days = []
    for offset in range(7):
        day = monday + timedelta(days=offset)
        of_day = [b for b in blocks if _touches(b, day)]
        timed = [_placed(b, first_hour) for b in of_day if _is_timed(b)]
        _beside_each_other(timed)
        days.append(Day(day, timed, [b for b in of_day if not _is_timed(b)]))
    return Week(days, first_hour, last_hour)


def _entries(folder: Folder, begin: datetime, end: datetime) -> list[Entry]:
    found: list[Entry] = []
    for appointment in folder.calendar.entries.values():
        if appointment.is_series:
            found.extend(occurrences_between(appointment, begin, end))
        elif overlaps(appointment.content, begin, end):
            found.append(appointment)
    return found


def _block(folder: Folder, entry: Entry, zone: ZoneInfo) -> Block:
    content = entry.content
    if content.is_all_day:  # a floating date: the wall time counts, in whatever zone
        starts, ends = content.start.at.replace(tzinfo=zone), content.end.at.replace(tzinfo=zone)
    else:
        starts, ends = content.start_at.astimezone(zone), content.end_at.astimezone(zone)
    return Block(entry_key(entry), content, folder, starts, ends, not isinstance(entry, Appointment))


def _is_timed(block: Block) -> bool:
    return not block.content.is_all_day and block.starts.date() == (block.ends - timedelta(microseconds=1)).date()


def _touches(block: Block, day: date) -> bool:
    if block.starts == block.ends:
        return block.starts.date() == day
    return block.starts.date() <= day <= (block.ends - timedelta(microseconds=1)).date()


def _end_hour(block: Block) -> int:
    if block.ends.date() > block.starts.date():
        return 24
    return block.ends.hour + (1 if block.ends.minute else 0)


def _placed(block: Block, first_hour: int) -> Block:
    minutes = (block.starts.hour - first_hour) * 60 + block.starts.minute
    length = max(STEP_MINUTES * 2, int((block.ends - block.starts).total_seconds() // 60))
    block.first_row = 1 + minutes // STEP_MINUTES
    block.last_row = block.first_row + -(-length // STEP_MINUTES)
    return block


def _beside_each_other(blocks: list[Block]) -> None:
    """Give blocks that overlap lanes of their own."""
    blocks.sort(key=lambda b: (b.first_row, -b.last_row))
    group: list[Block] = []
    group_end = 0
    for block in blocks:
        if group and block.first_row >= group_end:
            group = []
        taken = {b.lane for b in group if b.last_row > block.first_row}
        block.lane = next(lane for lane in range(len(group) + 1) if lane not in taken)
        group.append(block)
        group_end = max(group_end, block.last_row) if len(group) > 1 else block.last_row
        lanes = 1 + max(b.lane for b in group)
        for other in group:
            other.lanes = lanes
