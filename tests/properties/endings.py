"""How a random life may end: a scene of its own in whatever state the life has left, with an oracle that knows what
the scene must come to. The invariants ask whether both sides agree; these ask whether they agree on the right thing.

Bert's mailbox is the stage. Each scene begins and ends in quiet.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from calsync_core.domain.appointments import AllDay, Block, Booking, Entry, Timed, When
from calsync_core.domain.conflicts import Conflict, ConflictKind, ConflictStatus, Resolution
from calsync_core.domain.errors import ProviderUnavailableError, RefusedError
from calsync_core.domain.ids import BookingId, EntryId, ResourceId
from calsync_core.domain.links import booking_ref
from calsync_core.engine.guards import WRITE_BUDGET
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.usecases.resolve_conflict import ConflictPorts, Decision, resolve_conflict
from calsync_core.usecases.sync.undo_run import ask_undo

from tests.properties.invariants import quiet_time, ref_of
from tests.properties.life import Life
from tests.properties.looking import SECRET
from tests.small_clinic import ACCOUNT

if TYPE_CHECKING:
    from calsync_core.adapters.memory.booking_system import MemoryBookingSystem
    from calsync_core.adapters.memory.mailbox import MemoryMailboxServer

BERT = ResourceId("bert")
PLAIN: dict[str, object] = {
    "direction": "two_way", "edits.moved_in_calendar": "apply", "edits.deleted_in_calendar": "flag",
    "from_calendar.privacy": "anonymous", "from_calendar.private": "block_time", "from_calendar.all_day": "block",
    "from_calendar.exclude": {}, "window.weeks_back": 2, "window.weeks_ahead": 52, "active": True,
}  # fmt: skip


@dataclass
class Stage:
    """Bert, his calendar and the booking system after a life; `at` counts hours from a midnight eight weeks ahead,
    where nothing of the life reaches, and by night, where its endless series do not stand either."""

    life: Life

    def __post_init__(self) -> None:
        self.life.change_hours("bert", "always")
        self.life.change_zone("bert", "Europe/Berlin")
        self.set()
        self.run("full")
        self.midnight = self.life.clinic.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        self.midnight += timedelta(weeks=8)

    def set(self, **more: object) -> None:
        values = PLAIN | {key.replace("__", "."): value for key, value in more.items()}
        self.life.change_settings("bert", values, "future")
        self.run()

    @property
    def server(self) -> "MemoryMailboxServer":
        return self.life.server("bert")

    @property
    def system(self) -> "MemoryBookingSystem":
        return self.life.clinic.system

    def at(self, day: int, hour: float, hours: float = 1) -> Timed:
        start = self.midnight + timedelta(days=day, hours=hour - 9)
        return Timed(start, start + timedelta(hours=hours))

    def run(self, cause: str = "notification") -> None:
        self.life.clinic.run("bert", cause)

    def book(self, day: int, hour: float) -> tuple[BookingId, EntryId]:
        """A booking and the copy that it gets."""
        booking = self.system.book(["bert"], self.at(day, hour), "Visit", service_name="Massage")
        self.run()
        copy = self.copy_of(booking)
        assert copy is not None, "P1 a booking has no copy"
        return booking, copy.id

    def enter(self, when: Timed | AllDay, **fields: object) -> Entry:
        """An entry in the primary calendar."""
        primary = self.life.state("bert").primary
        assert primary is not None
        entry = self.server.entry(self.server.create_entry(when, f"{SECRET} talk", calendar_id=primary, **fields))  # type: ignore[arg-type]
        assert entry is not None
        return entry

    def copy_of(self, booking: BookingId) -> Entry | None:
        return next(iter(self.marked(booking)), None)

    def marked(self, booking: BookingId) -> list[Entry]:
        """With our mark of it; another installation has bookings of the same names."""
        ours = [one for one in self.entries() if one.mark is not None and one.mark.installation == "test"]
        return [one for one in ours if one.mark is not None and one.mark.booking == booking]

    def entries(self) -> list[Entry]:
        return [one for calendar in self.server.calendars for one in self.server.shown(calendar)]

    def block_of(self, entry: Entry) -> object:
        return self.system.blocks.get(ref_of("bert", entry))

    def conflicts(self, booking: BookingId) -> list[Conflict]:
        return self.life.stores.conflicts.of_link(ACCOUNT, BERT, booking_ref(booking))

    def stand_at(self, booking: BookingId, when: Timed) -> None:
        copy = self.copy_of(booking)
        assert self.system.bookings[booking].when == when, "P3 the booking stands at another time than it should"
        assert copy is not None, "P3 the copy is gone"
        assert copy.when == when, "P3 the copy stands at another time than it should"


def both_moved(stage: Stage, random: Random) -> None:
    """R11: moved by the clinic and by the person; both versions stay until somebody chooses, and then that one wins."""
    booking, copy = stage.book(0, 9)
    clinics, persons = stage.at(0, 11), stage.at(0, 14)
    stage.system.move_booking_by_clinic(booking, clinics)
    stage.server.move_entry(copy, persons)
    stage.run()
    found = stage.conflicts(booking)
    moved = stage.copy_of(booking)
    assert [one.kind for one in found if one.kind is not ConflictKind.SAME_TIME] == [ConflictKind.CHANGED_ON_BOTH], (
        "P3 what was moved on both sides is not put before a person"
    )
    assert moved is not None, "P3 the copy is gone"
    assert (stage.system.bookings[booking].when, moved.when) == (clinics, persons), (
        "P3 a side of a conflict was written"
    )
    way = random.choice((Resolution.KEEP_BOOKING, Resolution.TAKE_CALENDAR))
    stores, clinic = stage.life.stores, stage.life.clinic
    ports = ConflictPorts(
        conflicts=stores.conflicts, resources=stores.resources, links=stores.links, settings=stores.settings,
        log=stores.log, host=clinic.host, queue=clinic.queue, clock=clinic.clock, due=stores.due,
    )  # fmt: skip
    [conflict] = [one for one in found if one.kind is ConflictKind.CHANGED_ON_BOTH]
    resolve_conflict(ports, ACCOUNT, conflict.id, Decision(way, "admin"))
    stage.run()
    stage.run()
    stage.stand_at(booking, clinics if way is Resolution.KEEP_BOOKING else persons)


def refused(stage: Stage, random: Random) -> None:
    """R110: what the booking system said no to is not asked again, however often both sides are looked at."""
    booking, copy = stage.book(1, 9)
    host, asked = stage.life.clinic.host, list[BookingId]()
    host.offered = replace(host.offered, may_move=False)
    move = host.move_booking

    def count(wanted: Booking, when: When, **more: Any) -> Booking:
        asked.append(wanted.id)
        return move(wanted, when, **more)

    host.move_booking = count  # type: ignore[method-assign]
    stage.server.move_entry(copy, stage.at(1, 13))
    for cause in ("notification", "notification", "full"):
        stage.run(cause)
        stage.server.touch(copy)
    host.move_booking = move  # type: ignore[method-assign]
    assert asked.count(booking) == 1, "P12 what was refused is asked again"
    assert [one for one in stage.conflicts(booking) if one.kind is not ConflictKind.SAME_TIME], (
        "P3 a refusal is not told"
    )


def contested(stage: Stage, random: Random) -> None:
    """R52: another program insists on its own time for our copy; we give up before it does."""
    stage.set(edits__moved_in_calendar="restore")
    _, copy = stage.book(2, 9)
    before = len(stage.server.writes)
    for round_ in range(3 * WRITE_BUDGET):
        stage.server.move_entry(copy, stage.at(2, 11 + round_ / 8))
        stage.run()
    assert len(stage.server.writes) - before <= WRITE_BUDGET, "P12 two programs write against each other for ever"
    stage.server.move_entry(copy, stage.at(2, 9))


def reads_empty(stage: Stage, random: Random) -> None:
    """P9: the service answers as if the calendar were empty. Nothing is deleted, and when it is back nothing is new."""
    entries = [stage.enter(stage.at(3, 8 + 2 * number)) for number in range(4)]
    stage.run()
    before = dict(stage.system.block_versions)
    assert all(stage.block_of(entry) for entry in entries), "P1 an entry has no block"
    primary = stage.life.state("bert").primary
    hidden = [
        one
        for one in stage.server.items.values()
        if one.entry.calendar_id == primary and not one.is_gone and not stage.life.is_own(one.entry)
    ]
    for item in hidden:
        item.is_gone = True
    stage.run("full")
    for item in hidden:
        item.is_gone = False
    assert all(stage.block_of(entry) for entry in entries), "P9 an empty answer was believed"
    stage.run("full")
    after = stage.system.block_versions
    assert {ref: after.get(ref) for ref in before} == before, "P9 an empty answer had consequences"


def unreadable(stage: Stage, random: Random) -> None:
    """R120: an entry that cannot be read any more is neither free nor gone."""
    entry, (booking, copy) = stage.enter(stage.at(4, 8)), stage.book(4, 12)
    stage.run()
    stage.server.change_entry(entry.id, problem="range_inverted")
    stage.server.change_entry(copy, problem="range_inverted")
    for cause in (random.choice(("notification", "full")), "notification"):
        stage.run(cause)
    assert stage.block_of(entry), "P5 what cannot be read counts as gone"
    assert not [one for one in stage.conflicts(booking) if one.kind is ConflictKind.COPY_DELETED], (
        "P5 the same of a copy"
    )
    stage.server.change_entry(entry.id, problem=None)
    stage.server.change_entry(copy, problem=None)


def undone_late(stage: Stage, random: Random) -> None:
    """R115: an undo leaves alone what has changed since."""
    booking, copy = stage.book(5, 9)
    stage.server.move_entry(copy, stage.at(5, 12))
    stage.run()
    moved_by = f"run-{stage.life.clinic.runs}"
    stage.stand_at(booking, stage.at(5, 12))
    stage.system.move_booking_by_clinic(booking, stage.at(5, 15))
    stage.run()
    ports = SimpleNamespace(stores=stage.life.stores, clock=stage.life.clinic.clock, queue=stage.life.clinic.queue)
    ask_undo(cast("JourneyPorts", ports), ACCOUNT, BERT, moved_by, "admin")
    stage.run()
    stage.run()
    stage.stand_at(booking, stage.at(5, 15))


def echoed(stage: Stage, random: Random) -> None:
    """P2, P3: each edit arrives with one write; what the server does to our own writes afterwards causes none."""
    booking, copy = stage.book(6, 9)

    def writes() -> int:
        return len(stage.server.writes) + sum(stage.system.block_versions.values())

    before = writes()
    for day, hour in ((6, 11), (6, 13)):
        stage.system.move_booking_by_clinic(booking, stage.at(day, hour))
        stage.run()
        stage.server.touch(copy)
        stage.run()
        stage.stand_at(booking, stage.at(day, hour))
    entry = stage.enter(stage.at(6, 16))
    stage.run()
    stage.server.touch(entry.id)
    stage.run()
    assert writes() == before + 3, "P2 an echo was answered, or an edit did not arrive with one write"


def private(stage: Stage, random: Random) -> None:
    """P8: of a private entry the other side learns its time, also where texts are shown."""
    stage.set(from_calendar__privacy="full")
    entry = stage.enter(stage.at(7, 9), is_private=True)
    stage.run()
    block = stage.block_of(entry)
    assert block is not None, "P1 a private entry has no block"
    assert SECRET not in repr(block), "P8 a private entry is told"


def pasted_and_restored(stage: Stage, random: Random) -> None:
    """R8, R35: the person pasted our copy, deleted the original, and the answer to the new one was lost on its way."""
    stage.set(edits__deleted_in_calendar="restore")
    booking, copy = stage.book(9, 9)
    clone = stage.server.copy_entry(copy, stage.at(9, 15))
    stage.life.clones.add(clone)
    stage.run()
    stage.server.delete_entry(copy)
    clinic, kept = stage.life.clinic, stage.life.clinic.fault

    def lose_answer(operation: str, phase: str) -> None:
        kept(operation, phase)
        if (operation, phase) == ("create", "after"):
            clinic.fault = kept
            raise ProviderUnavailableError("cut", operation=operation)

    clinic.fault = lose_answer
    stage.run()
    clinic.fault = kept
    stage.run()
    found = {one.id: one.when for one in stage.marked(booking)}
    assert found.pop(clone, None) == stage.at(9, 15), "P10 a person's copy of our copy was taken for ours"
    assert list(found.values()) == [stage.at(9, 9)], f"P4 {len(found)} copies of a booking that was restored"


def overtaken(stage: Stage, random: Random) -> None:
    """A run falls asleep while it judges; another one finishes meanwhile. What the first one thought is not told."""
    booking, _ = stage.book(10, 9)
    entry = stage.enter(stage.at(10, 9.5))
    links = stage.life.clinic.ports.stores.links
    look = links.overlapping

    def fall_asleep(*arguments: Any) -> Any:
        found = look(*arguments)
        links.overlapping = look  # type: ignore[method-assign]
        stage.server.move_entry(entry.id, stage.at(10, 14))
        stage.life.clinic.clock.advance(stage.life.clinic.ports.lease_for + timedelta(seconds=1))
        stage.run()
        return found

    links.overlapping = fall_asleep  # type: ignore[method-assign]
    stage.run()
    links.overlapping = look  # type: ignore[method-assign]
    stage.run()
    live = [one for one in stage.conflicts(booking) if one.status in (ConflictStatus.OPEN, ConflictStatus.LEFT)]
    assert not live, "P6 a run that was overtaken tells of a conflict that is none"


def moved_out(stage: Stage, random: Random) -> None:
    """R121: what left the window by a move is followed, to its end, although no page of a full check shows it."""
    entry = stage.enter(stage.at(8, 9))
    stage.run()
    far = stage.at(800, 9)
    stage.server.move_entry(entry.id, far)
    stage.run(random.choice(("notification", "full")))
    block = stage.block_of(entry)
    assert isinstance(block, Block), "P14 what left the window by a move is forgotten"
    assert block.when == far, "P14 what left the window by a move is not followed"
    stage.server.delete_entry(entry.id)
    stage.run("full")
    assert stage.block_of(entry) is None, "P14 what is gone beyond the window still takes its time"


def longest_day(stage: Stage, random: Random) -> None:
    """The day on which the clock goes back has 25 hours: what stands in the last one is on that day."""
    zone, now = ZoneInfo("Europe/Berlin"), stage.life.clinic.clock.now()
    fold = next(day for day in _days_from(now.date()) if _hours(day, zone) == 25)
    start = stage.midnight.replace(year=fold.year, month=fold.month, day=fold.day, hour=22, minute=15)
    booking = stage.system.book(["bert"], Timed(start, start + timedelta(minutes=30)), "Visit", service_name="Massage")
    stage.enter(AllDay(fold, fold + timedelta(days=1)))
    stage.run()
    stage.run()
    assert ConflictKind.SAME_TIME in {one.kind for one in stage.conflicts(booking)}, (
        "P3 a clash in the 25th hour is lost"
    )


def _days_from(day: date) -> list[date]:
    return [day + timedelta(days=number) for number in range(366)]


def _hours(day: date, zone: ZoneInfo) -> float:
    start, end = AllDay(day, day + timedelta(days=1)).interval(zone.key)
    return (end - start) / timedelta(hours=1)


SCENES: tuple[Callable[[Stage, Random], None], ...] = (
    both_moved, refused, contested, reads_empty, unreadable, undone_late, echoed, private, moved_out, longest_day,
    pasted_and_restored, overtaken,
)  # fmt: skip


def end(life: Life, seed: int) -> None:
    """One scene, drawn by the seed; then everything must hold as ever. Raises AssertionError."""
    random = Random(f"ending {seed}")
    scene = random.choice(SCENES)
    try:
        scene(Stage(life), random)
    except RefusedError:
        return  # the time was taken
    except AssertionError as error:
        raise AssertionError(f"{scene.__name__}: {error}") from error
    quiet_time(life)
