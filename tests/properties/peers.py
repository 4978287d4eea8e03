"""The same random edits, with the same faults at every write, through calsync and through vdirsyncer's engine.

    python -m tests.properties.peers 1000       schedules per case; prints violations per 1,000 of them, and the rate

One schedule: eight rounds of up to three edits (new, changed, deleted, on either side), a synchronisation after each. A
write may fail before it happened, lose its answer, meet the end of the process, or be touched by the server
afterwards. Then all is calm. An item's content is a number: the slot of time at which it stands; no two ever overlap.
Side 0 is the booking system, side 1 the calendar, which gives every new item an id of its own, as Graph does.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any, Protocol

from calsync_core.adapters.memory.exchange_calendar import MemoryExchangeCalendarProvider
from calsync_core.adapters.memory.exchange_mailbox import MemoryExchangeMailboxServer
from calsync_core.domain.appointments import Timed
from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.domain.ids import BookingId, EntryId, LinkRef, MailboxId, ResourceId
from calsync_core.domain.links import entry_ref
from calsync_core.usecases.sync.sync_resource import Result
from vdirsyncer.storage.memory import MemoryStorage
from vdirsyncer.sync import sync
from vdirsyncer.sync.status import SqliteStatus
from vdirsyncer.vobject import Item

from tests.properties.faults import CrashError
from tests.small_clinic import a_clinic, at

WRITES = frozenset(
    {"create", "update", "delete", "put_block", "delete_block", "move_booking", "cancel_booking"}
)  # fmt: skip
FAULTS = ERROR, LOST, CRASH, TOUCHED = "error before the write", "answer lost", "crash", "touched by the server"
PROMISES = ("stuck", "not quiet", "sides differ", "duplicate", "lost edit", "needless conflict")
ROUNDS = 8


@dataclass
class Luck:
    """Which fault a write meets, each of `kinds` by the same chance; `before` and `after` stand around it."""

    random: Random
    kinds: tuple[str, ...]
    share: float = 0.1
    is_calm: bool = False
    kind: str | None = None

    def before(self) -> None:
        kinds = () if self.is_calm else self.kinds
        self.kind = next((kind for kind in kinds if self.random.random() < self.share), None)
        if self.kind == ERROR:
            raise ProviderUnavailableError("cut")
        if self.kind == CRASH and self.random.random() < 0.5:
            raise CrashError

    def after(self, touch: Callable[[], None]) -> None:
        if self.kind == TOUCHED:
            touch()
        if self.kind == LOST:
            raise ProviderUnavailableError("cut")
        if self.kind == CRASH:
            raise CrashError


class Pair(Protocol):
    """Two sides and what keeps them in agreement."""

    writes: int

    def add(self, side: int, item: int, slot: int) -> None: ...
    def change(self, side: int, item: int, slot: int) -> None: ...
    def delete(self, side: int, item: int) -> None: ...
    def synchronise(self) -> bool:
        """Whether it ran through."""

    def shown(self, side: int) -> list[tuple[int, int]]:
        """(item, slot) of everything that stands there; -1 for what nobody made."""

    def undecided(self) -> set[int]:
        """Items whose two versions are kept apart until a person decides, and shown to him."""


class Calsync:
    """One resource of the small clinic. What the calendar bore is edited there alone, by the rules of calsync."""

    def __init__(self, luck: Luck, *, at_exchange: bool = False) -> None:
        self.writes = 0
        self._luck = luck
        self._clinic = a_clinic()
        if at_exchange:
            mailbox, clinic = MailboxId("mbx-anna"), self._clinic
            clinic.servers[mailbox] = server = MemoryExchangeMailboxServer(clinic.clock.now)
            clinic.providers[mailbox] = MemoryExchangeCalendarProvider(server, clinic._fault)
        self._clinic.connect("anna")
        self._clinic.settings(edits__moved_in_calendar="apply", edits__deleted_in_calendar="cancel_booking")
        self._clinic.run("anna")
        self._clinic.fault = self._fault
        self._bookings: dict[BookingId, int] = {}
        self._entries: dict[EntryId, int] = {}

    def add(self, side: int, item: int, slot: int) -> None:
        if side == 0:
            self._bookings[self._clinic.system.book(["anna"], _time(slot))] = item
        else:
            self._entries[self._clinic.mailbox().create_entry(_time(slot))] = item

    def change(self, side: int, item: int, slot: int) -> None:
        if side == 0:
            self._clinic.system.move_booking_by_clinic(self._booking(item), _time(slot))
            return
        for entry_id in self._in_calendar(item):
            self._clinic.mailbox().move_entry(entry_id, _time(slot))

    def delete(self, side: int, item: int) -> None:
        if side == 0:
            self._clinic.system.cancel(self._booking(item))
            return
        for entry_id in self._in_calendar(item):
            self._clinic.mailbox().delete_entry(entry_id)

    def synchronise(self) -> bool:
        try:
            return self._clinic.run("anna").result is Result.DONE
        except (CrashError, ProviderUnavailableError):
            return False
        finally:  # the lease of a dead run is over, and nobody's hour of writes is full
            self._clinic.clock.advance(timedelta(minutes=30))

    def shown(self, side: int) -> list[tuple[int, int]]:
        if side == 0:
            found = [(self._bookings[one.id], one.when) for one in self._clinic.system.active(ResourceId("anna"))]
            return [(item, _slot(when)) for item, when in [*found, *self._blocks()]]
        return [(self._item(entry), _slot(entry.when)) for entry in self._clinic.mailbox().shown()]

    def undecided(self) -> set[int]:
        return {self._bookings[one.booking_id] for one in self._clinic.conflicts() if one.booking_id}

    def _blocks(self) -> list[tuple[int, Any]]:
        mailbox = self._clinic.mailbox()
        (calendar,) = mailbox.calendars
        of_ref: dict[LinkRef, int] = {
            entry_ref(ResourceId("anna"), calendar, entry_id): item for entry_id, item in self._entries.items()
        }
        return [(of_ref.get(block.ref, -1), block.when) for block in self._clinic.blocks()]

    def _item(self, entry: Any) -> int:
        return self._bookings[entry.mark.booking] if entry.mark else self._entries[entry.id]

    def _in_calendar(self, item: int) -> list[EntryId]:
        return [entry.id for entry in self._clinic.mailbox().shown() if self._item(entry) == item]

    def _booking(self, item: int) -> BookingId:
        return next(booking for booking, number in self._bookings.items() if number == item)

    def _fault(self, operation: str, phase: str) -> None:
        if operation not in WRITES:
            return
        if phase == "before":
            self._luck.before()
            return
        self.writes += 1
        self._luck.after(self._touch if operation in ("create", "update") else lambda: None)

    def _touch(self) -> None:
        mailbox = self._clinic.mailbox()
        mailbox.touch(mailbox.writes[-1].entry_id)


class Vdirsyncer:
    """Two stores in memory; the second gives ids and UIDs of its own when `server_ids`, else it keeps what it gets."""

    def __init__(self, luck: Luck, *, server_ids: bool) -> None:
        self.writes = 0
        self._sides = (_Store(self, luck, server_ids=False), _Store(self, luck, server_ids=server_ids))
        self._status = SqliteStatus(":memory:")
        self._random = Random(0)

    def add(self, side: int, item: int, slot: int) -> None:
        one = Item(_ics(f"u{item}", item, slot))
        self._sides[side].items[f"u{item}"] = (self._etag(), one)

    def change(self, side: int, item: int, slot: int) -> None:
        for href in self._sides[side].hrefs(item):
            old = self._sides[side].items[href][1]
            self._sides[side].items[href] = (self._etag(), Item(_ics(old.uid, item, slot)))

    def delete(self, side: int, item: int) -> None:
        for href in self._sides[side].hrefs(item):
            del self._sides[side].items[href]

    def synchronise(self) -> bool:
        errors: list[Exception] = []
        try:
            asyncio.run(
                sync(
                    *self._sides, self._status, conflict_resolution="a wins", force_delete=True,
                    error_callback=errors.append,
                )
            )  # fmt: skip
        except (CrashError, Exception):  # any way in which it does not run through counts
            return False
        return not errors

    def shown(self, side: int) -> list[tuple[int, int]]:
        return [_read_ics(one) for _, one in self._sides[side].items.values()]

    def undecided(self) -> set[int]:
        return set()  # it decides by itself: a wins

    def _etag(self) -> str:
        return f"e{self._random.random()}"


class _Store(MemoryStorage):
    def __init__(self, pair: Vdirsyncer, luck: Luck, *, server_ids: bool) -> None:
        super().__init__()
        self._pair, self._luck, self._server_ids, self._count = pair, luck, server_ids, 0

    def hrefs(self, item: int) -> list[str]:
        return [href for href, (_, one) in self.items.items() if _read_ics(one)[0] == item]

    def _get_href(self, item: Item) -> str:
        return f"srv-{self._count}" if self._server_ids else str(item.ident)

    async def upload(self, item: Item) -> Any:
        if self._server_ids:
            self._count += 1
            item = Item(_ics(f"srv-uid-{self._count}", *_read_ics(item)))
        return await self._write(partial(super().upload, item))

    async def update(self, href: str, item: Item, etag: str) -> Any:
        if self._server_ids:  # a PATCH never changes the server's own UID
            item = Item(_ics(self.items[href][1].uid, *_read_ics(item)))

        def touch() -> None:
            self.items[href] = (f"{self.items[href][0]}t", self.items[href][1])

        return await self._write(partial(super().update, href, item, etag), touch)

    async def delete(self, href: str, etag: str) -> Any:
        return await self._write(partial(super().delete, href, etag))

    async def _write(self, write: Callable[[], Any], touch: Callable[[], None] = lambda: None) -> Any:
        self._luck.before()
        answer = await write()
        self._pair.writes += 1
        self._luck.after(touch)
        return answer


# --- one schedule -----------------------------------------------------------------------------------------------------


@dataclass
class _Memory:
    """What an honest observer expects: the slot of each item, None once deleted; who edited it since the last
    synchronisation that ran through; what both sides edited in between is a conflict and is not judged."""

    wanted: dict[int, int | None] = field(default_factory=dict)
    born: dict[int, int] = field(default_factory=dict)
    edited_on: dict[int, set[int]] = field(default_factory=dict)
    in_conflict: set[int] = field(default_factory=set)
    slots: int = 0

    def note(self, item: int, side: int, slot: int | None) -> None:
        self.wanted[item] = slot
        sides = self.edited_on.setdefault(item, set())
        sides.add(side)
        if len(sides) == 2:
            self.in_conflict.add(item)

    def new_slot(self) -> int:
        self.slots += 1
        return self.slots


def broken_promises(make: Callable[[Luck], Pair], seed: int, kinds: tuple[str, ...]) -> list[str]:
    """Live one schedule; the promises that it broke."""
    random = Random(seed)
    luck = Luck(Random(seed + 1), kinds)
    pair, memory = make(luck), _Memory()
    for _ in range(ROUNDS):
        for _ in range(random.randrange(4)):
            _edit(pair, memory, random)
        if pair.synchronise():
            memory.edited_on.clear()
    luck.is_calm = True
    if not any(pair.synchronise() for _ in range(4)):
        return ["stuck"]
    pair.synchronise()  # at most two passes
    return [promise for promise, is_broken in _judge(pair, memory) if is_broken]


def _edit(pair: Pair, memory: _Memory, random: Random) -> None:
    side = random.randrange(2)
    there = sorted({item for item, _ in pair.shown(side) if memory.born.get(item) in (0, side)})
    what = random.choice(("new", "change", "change", "delete")) if there else "new"
    item = len(memory.born) if what == "new" else random.choice(there)
    slot = None if what == "delete" else memory.new_slot()
    if what == "new" and slot is not None:
        memory.born[item] = side
        pair.add(side, item, slot)
    elif slot is None:
        pair.delete(side, item)
    else:
        pair.change(side, item, slot)
    memory.note(item, side, slot)


def _judge(pair: Pair, memory: _Memory) -> list[tuple[str, bool]]:
    before = pair.writes
    pair.synchronise()
    apart = pair.undecided()
    sides = [sorted(one for one in pair.shown(side) if one[0] not in apart) for side in (0, 1)]
    lost = [
        item
        for item, slot in memory.wanted.items()
        if item not in memory.in_conflict | apart
        and any(not _is_as_wanted([at_ for one, at_ in shown if one == item], slot) for shown in sides)
    ]
    return [
        ("not quiet", pair.writes != before),
        ("sides differ", sides[0] != sides[1]),
        ("duplicate", any(len(shown) != len({item for item, _ in shown}) for shown in sides)),
        ("lost edit", bool(lost)),
        ("needless conflict", not apart <= memory.in_conflict),
    ]


def _is_as_wanted(found: list[int], slot: int | None) -> bool:
    return not found if slot is None else slot in found


# --- slots ------------------------------------------------------------------------------------------------------------


def _time(slot: int) -> Timed:
    return at(1 + slot // 48, (slot % 48) / 2, 0.5)


def _slot(when: Any) -> int:
    since = when.start_at - at(1, 0).start_at
    return int(since / timedelta(minutes=30))


def _ics(uid: str, item: int, slot: int) -> str:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{slot}", f"LOCATION:{item}"]
    return "\r\n".join([*lines, "DTSTART:20260101T100000Z", "DTEND:20260101T110000Z", "END:VEVENT", "END:VCALENDAR"])


def _read_ics(one: Item) -> tuple[int, int]:
    fields = dict(line.split(":", 1) for line in one.raw.splitlines())
    return int(fields["LOCATION"]), int(fields["SUMMARY"])


# --- all cases --------------------------------------------------------------------------------------------------------

PAIRS: dict[str, Callable[[Luck], Pair]] = {
    "calsync": Calsync,
    "calsync at Exchange": partial(Calsync, at_exchange=True),
    "vdirsyncer, ids given by the server": partial(Vdirsyncer, server_ids=True),
    "vdirsyncer, ids kept": partial(Vdirsyncer, server_ids=False),
}
CASES: dict[str, tuple[str, ...]] = {"no fault": (), **{kind: (kind,) for kind in FAULTS}, "all four": FAULTS}


def table(schedules: int, cases: Iterable[str] = CASES) -> str:
    """Violations per 1,000 schedules and schedules per second of CPU, a line for each case and engine."""
    lines = []
    for case, kinds in ((case, CASES[case]) for case in cases):
        for name, make in PAIRS.items():
            broken: Counter[str] = Counter()
            began = time.process_time()
            for seed in range(schedules):
                broken.update(broken_promises(make, seed, kinds))
            rate = schedules / (time.process_time() - began)
            found = ", ".join(f"{promise} {1000 * broken[promise] / schedules:g}" for promise in PROMISES)
            lines.append(f"{case} | {name} | {found} | {rate:.0f} a second")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
