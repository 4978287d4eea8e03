"""What happens seldom, and around everything else: rare settings, rare entries and bookings, other hours and zones, a
mailbox that is moved to another server, a table that is restored, another installation on the same mailbox. Steps of a
life like those of life.py, which they are mixed into; `rare_steps` draws them from a seed of their own, so that the
lives of other seeds stay what they were."""

from copy import deepcopy
from dataclasses import dataclass, fields, replace
from datetime import date, time, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from calsync_core.domain.appointments import AllDay, Entry, Kind, Mark, Notes, When
from calsync_core.domain.ids import BookingId, ResourceId
from calsync_core.domain.links import Intent
from calsync_core.domain.resources import WorkingRange
from calsync_core.ports.stores import Stores
from calsync_core.usecases.refresh_resources import refresh_resources

from tests.small_clinic import ACCOUNT, Clinic, at

if TYPE_CHECKING:
    from calsync_core.adapters.memory.mailbox import MemoryMailboxServer

Step = tuple[str, dict[str, Any]]
OTHER = "other"
SECRET = "SECRET"
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")
HOURS: dict[str, tuple[WorkingRange, ...]] = {
    "always": (),
    "office": tuple(WorkingRange(day, time(9), time(17)) for day in range(5)),
    "evenings": tuple(WorkingRange(day, time(16), time(21)) for day in range(7)),
}
RARE_SETTINGS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("direction", ("two_way", "two_way", "to_calendar", "from_calendar")),
    ("window.weeks_back", (0, 1, 2, 6)),
    ("window.weeks_ahead", (1, 2, 52, 60)),
    ("from_calendar.exclude", ({}, {"subjects": ["LUNCH"]}, {"categories": ["sport"]}, {"subjects": ["renamed"]})),
    ("to_calendar.buffers", ("include", "only_service")),
    ("to_calendar.title", ("{service}", "{customer} ({service})")),
    ("to_calendar.time_zone", ("resource", "America/New_York")),
    ("to_calendar.alarm_minutes", (0, 60)),
    ("from_calendar.title", (True, False)),
    ("from_calendar.notes", (True, False)),
    ("notes_format", ("text", "html")),
    ("edits.tell_customer", ("yes", "no")),
    ("conflicts.notify", ("both", "nobody")),
)


@dataclass
class Backup:
    """The table as it stood, and who was connected to what."""

    tables: dict[str, dict[str, Any]]
    connected: object


class Circumstances:
    clinic: Clinic
    stores: Stores
    clones: set[str]
    edited: set[str]
    orphans: set[str]
    kept: set[str]
    kept_blocks: set[str]
    has_moved_blocks: bool
    backup: Backup | None = None
    in_force: dict[str, list[Any]]

    if TYPE_CHECKING:

        def server(self, place: str) -> MemoryMailboxServer: ...
        def shown(self, place: str) -> list[Entry]: ...
        def state(self, who: str) -> Any: ...
        def settings(self, who: str) -> Any: ...
        def run(self, who: str, seed: int = 0, share: float = 0.0, cause: str = "notification") -> None: ...

    # -- rare entries and bookings -----------------------------------------------------------------------------------

    def create_rare_entry(self, place: str, day: int, hour: float, what: str) -> None:
        """With a category, over several days, without a length, a series of whole days, over the end of the window."""
        server, first = self.server(place), at(day, 0).start_at.date()
        calendar = next(iter(server.calendars))
        if what == "whole days in series":
            server.create_series(_days(first, 1), 4, calendar_id=calendar)
            return
        when: dict[str, When] = {
            "several days": _days(first, 3),
            "over midnight": at(day, 22, 5),
            "no length": at(day, hour, 0),
            "at the window's end": at(day + 350, hour),
        }
        server.create_entry(
            when.get(what, at(day, hour)), f"{SECRET} run", calendar_id=calendar, categories=("Sport",),
            notes=Notes(f"<p>{SECRET}</p>", is_html=True),
        )  # fmt: skip

    def categorise(self, place: str, pick: int, is_on: bool) -> None:
        entries = [one for one in self.shown(place) if one.kind is Kind.SINGLE and one.mark is None]
        if entries:
            self.server(place).change_entry(entries[pick % len(entries)].id, categories=("Sport",) if is_on else ())

    def book_rarely(self, who: list[str], day: int, hour: float, what: str) -> None:
        """With buffers, for whole days, with formatted notes, beyond the window's end."""
        system, first = self.clinic.system, at(day, 0).start_at.date()
        when: dict[str, When] = {"several days": _days(first, 2), "at the window's end": at(day + 350, hour)}
        buffer = timedelta(minutes=30 if what == "buffers" else 0)
        system.book(
            who, when.get(what, at(day, hour)), "Visit", service_name="Massage", buffer_before=buffer,
            buffer_after=buffer / 2, notes=Notes("<b>bring</b> towels", is_html=True),
        )  # fmt: skip

    def another_installation_writes(self, place: str, day: int, hour: float, booking: int) -> None:
        """Its copy of a booking of its own, whose ids may be the same as ours."""
        mark = Mark(OTHER, ACCOUNT, ResourceId("anna"), BookingId(f"booking-{booking}"), 1, "")
        server = self.server(place)
        server.create_entry(at(day, hour), f"{SECRET} visit", calendar_id=next(iter(server.calendars)), mark=mark)

    # -- the clinic --------------------------------------------------------------------------------------------------

    def change_hours(self, who: str, hours: str) -> None:
        self._change_resource(who, working_hours=HOURS[hours])

    def change_zone(self, who: str, zone: str) -> None:
        self._change_resource(who, time_zone=zone)

    def employ(self, who: str, is_active: bool) -> None:
        """Somebody leaves for some time, and comes back."""
        self._change_resource(who, is_active=is_active)

    def _change_resource(self, who: str, **change: Any) -> None:
        resources = self.clinic.system.resources
        resources[ResourceId(who)] = replace(resources[ResourceId(who)], **change)
        kept, self.clinic.fault = self.clinic.fault, lambda _operation, _phase: None
        try:
            refresh_resources(
                self.clinic.host, self.stores.resources, self.stores.log, self.clinic.clock, ACCOUNT
            )  # fmt: skip
        finally:
            self.clinic.fault = kept

    # -- the services and the operator -------------------------------------------------------------------------------

    def move_mailbox(self, place: str) -> None:
        """To another server of Microsoft 365: everything has a new id (R122)."""
        server = self.server(place)
        if type(server).__name__ != "MemoryMailboxServer":
            return
        before = {id(item): entry_id for entry_id, item in server.items.items()}
        server.move_mailbox()
        new = {before[id(item)]: entry_id for entry_id, item in server.items.items()}
        for known in (self.clones, self.edited, self.orphans, self.kept):
            moved = {new.get(one.partition(".")[0], one.partition(".")[0]) + _rest(one) for one in known}  # type: ignore[call-overload]
            known.clear()
            known.update(moved)
        server.writes[:] = [
            replace(one, entry_id=new.get(one.entry_id.partition(".")[0], one.entry_id)) for one in server.writes  # type: ignore[call-overload]
        ]  # fmt: skip

    def serve(self, seed: int, share: float) -> None:
        """The queue's messages are run, and cut short by whatever happens: none of them comes twice."""
        for wish in self.clinic.queue.take_all():
            self.run(wish.resource, seed, share, wish.cause)

    def back_up(self) -> None:
        self.backup = Backup(self._tables(), self._connected())

    def restore(self) -> None:
        """As docs/operations.md says; who was connected to what is still so, else nobody would restore."""
        if self.backup is None or self.backup.connected != self._connected():
            return
        refs, self.has_moved_blocks = set(self.clinic.system.blocks), True
        for name, values in deepcopy(self.backup.tables).items():
            vars(getattr(self.stores, name)).update(values)
        for who in self.in_force:
            self.in_force[who].append(self.settings(who))
            known = {link.block_ref for link in self.stores.links.all(ACCOUNT, ResourceId(who))}
            self.kept_blocks |= {ref for ref in refs - known if self.clinic.system.blocks[ref].resource_id == who}  # type: ignore[index]
            self._leave_to_strangers(who)

    def _leave_to_strangers(self, who: str) -> None:
        """No link, no deletion: what was written since is ours again only where it still belongs."""
        links = list(self.stores.links.all(ACCOUNT, ResourceId(who)))
        awaited = {(one.booking_id, one.generation, one.mark_id) for one in links if one.intent is Intent.CREATE}
        for place in PLACES:
            items = [item.entry for item in self.server(place).items.values()]
            # A create whose answer was lost before: its row knows the mark, and finds it by that.
            known = {one.id for one in items if one.mark is not None and _named(one.mark) in awaited}
            known |= {link.entry_id for link in links if link.entry_id is not None}
            shown = [one for one in self.shown(place) if one.mark is not None and one.mark.resource == who]
            series = {one.id for one in items if _is_of(one, who)}
            parts = [one for one in self.shown(place) if one.series_id in series and one.series_id not in known]
            lost = {one.id for one in [*shown, *parts] if one.id not in known}
            self.orphans |= lost
            self.clones |= lost

    def _connected(self) -> object:
        states = [self.state(who) for who in self.in_force]
        return [(one.status, one.mailbox, one.primary, one.conflict_calendars, one.attempt) for one in states]

    def _tables(self) -> dict[str, dict[str, Any]]:
        stores = {one.name: getattr(self.stores, one.name) for one in fields(self.stores)}
        return deepcopy(
            {
                name: {key: value for key, value in vars(store).items() if isinstance(value, dict)}
                for name, store in stores.items()
            }
        )

    def heal_circumstances(self) -> None:
        for who in self.in_force:
            if not self.clinic.system.resources[ResourceId(who)].is_active:
                self.employ(who, is_active=True)


def _days(first: date, count: int) -> AllDay:
    return AllDay(first, first + timedelta(days=count))


def _named(mark: Mark) -> tuple[BookingId, int, str]:
    return mark.booking, mark.generation, mark.own


def _is_of(entry: Entry, who: str) -> bool:
    return entry.kind is Kind.MASTER and entry.mark is not None and entry.mark.resource == who


def _rest(entry_id: str) -> str:
    _, dot, rest = entry_id.partition(".")
    return dot + rest


# --- how they are drawn -----------------------------------------------------------------------------------------------

PLACES = ("anna", "bert", "home")
RESOURCES = ("anna", "anna-north", "bert")
ENTRIES = (
    "a category",
    "several days",
    "over midnight",
    "no length",
    "at the window's end",
    "whole days in series",
)
BOOKINGS = ("buffers", "buffers", "several days", "at the window's end")


def _where(random: Random) -> dict[str, Any]:
    return {"place": random.choice(PLACES)}


def _when(random: Random) -> dict[str, Any]:
    return {"day": random.randint(1, 12), "hour": random.choice((8, 9, 11, 14.5))}


def _team(random: Random) -> list[str]:
    return random.sample(RESOURCES, random.choice((1, 1, 2)))


def _setting(random: Random) -> dict[str, Any]:
    key, values = random.choice(RARE_SETTINGS)
    who = random.choice((None, *RESOURCES))
    return {"who": who, "values": {key: random.choice(values)}, "scope": random.choice(("future", "window"))}


_RARE: dict[str, tuple[float, Any]] = {
    "create_rare_entry": (4, lambda r: {**_where(r), **_when(r), "what": r.choice(ENTRIES)}),
    "categorise": (1, lambda r: {**_where(r), "pick": r.randint(0, 99), "is_on": r.random() < 0.5}),
    "book_rarely": (4, lambda r: {"who": _team(r), **_when(r), "what": r.choice(BOOKINGS)}),
    "change_settings": (8, _setting),
    "another_installation_writes": (1, lambda r: {**_where(r), **_when(r), "booking": r.randint(1, 3)}),
    "change_hours": (1, lambda r: {"who": r.choice(RESOURCES), "hours": r.choice(tuple(HOURS))}),
    "change_zone": (1, lambda r: {"who": r.choice(RESOURCES), "zone": r.choice(ZONES)}),
    "employ": (1, lambda r: {"who": r.choice(RESOURCES), "is_active": r.random() < 0.5}),
    "move_mailbox": (1, _where),
    "restore": (1, lambda _r: {}),
    "serve": (4, lambda r: {"seed": r.randint(0, 2**32), "share": r.choice((0.02, 0.1))}),
}  # fmt: skip


def rare_steps(seed: int, steps: list[Step]) -> list[Step]:
    """Half of all lives have some, anywhere among the others."""
    random, found = Random(f"rare {seed}"), list(steps)
    names, weights = tuple(_RARE), tuple(weight for weight, _ in _RARE.values())
    for name in random.choices(names, weights, k=random.choice((0, 0, 0, 1, 2, 5))):
        place = random.randint(0, len(found))
        found.insert(place, (name, _RARE[name][1](random)))
        if name == "restore":
            found.insert(random.randint(0, place), ("back_up", {}))
    return found
