"""Where things stand in a life, and how whoever acts or observes sees them."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from calsync_core.adapters.memory.mailbox import MemoryMailboxServer
from calsync_core.domain.appointments import Booking, Entry, Kind, Mark, When
from calsync_core.domain.ids import BookingId, CalendarId, MailboxId, ResourceId
from calsync_core.domain.links import Origin
from calsync_core.domain.resources import ResourceState
from calsync_core.domain.settings import SyncSettings, effective
from calsync_core.domain.values import replace
from calsync_core.ports.journeys import MailPorts
from calsync_core.ports.stores import Stores

from tests.properties.circumstances import OTHER
from tests.properties.faults import Faults
from tests.small_clinic import ACCOUNT, Clinic

RESOURCES = ("anna", "anna-north", "bert")
HOME = MailboxId("mbx-home")
MAILBOX_OF = {"anna": MailboxId("mbx-anna"), "anna-north": MailboxId("mbx-anna"), "bert": MailboxId("mbx-bert")}
PLACES = ("anna", "bert", "home")
MAILBOX_AT = {"anna": MailboxId("mbx-anna"), "bert": MailboxId("mbx-bert"), "home": HOME}
BESIDE = CalendarId("calendar-2")
AT_HOME = CalendarId("calendar-home")
SECRET = "SECRET"
BERLIN = ZoneInfo("Europe/Berlin")


def _as_ours(entry: Entry) -> Entry:
    """R123: what another installation wrote is an entry like any other."""
    is_other = entry.mark is not None and entry.mark.installation == OTHER
    return replace(entry, mark=None) if is_other else entry


class Looking:
    """What a life holds, in full; `Life` says what it remembers and why. Whoever acts in it (person.py, front_desk.py,
    admin.py, services.py) looks at it by these means."""

    clinic: Clinic
    stores: Stores
    mails: MailPorts
    faults: Faults
    steps: int
    at_exchange: set[MailboxId]
    clones: set[str]
    edited: set[str]
    kept_blocks: set[str]
    orphans: set[str]
    kept: set[str]
    has_moved_blocks: bool
    went_back: timedelta
    in_force: dict[str, list[SyncSettings]]

    def state(self, who: str) -> ResourceState:
        state = self.stores.resources.get(ACCOUNT, ResourceId(who))
        assert state is not None
        return state

    def settings(self, who: str) -> SyncSettings:
        stored = self.stores.settings
        return effective(stored.account(ACCOUNT).values, stored.resource(ACCOUNT, ResourceId(who)).values)

    def server(self, place: str) -> MemoryMailboxServer:
        return self.clinic.servers[MAILBOX_AT[place]]

    def shown(self, place: str) -> list[Entry]:
        server = self.server(place)
        return [_as_ours(entry) for calendar in server.calendars for entry in server.shown(calendar)]

    def marked(self, place: str, entries: Iterable[Entry]) -> list[Entry]:
        """An occurrence of a series of ours stands for one booking: it is shown with the mark that it would have."""
        of_series: dict[BookingId, dict[date, list[Booking]]] = {}
        found: list[Entry] = []
        for entry in map(_as_ours, entries):
            mark = self.server(place).items[entry.series_id].entry.mark if entry.series_id else None
            if mark is None or entry.mark is not None:
                found.append(entry)
                continue
            by_day = of_series.get(mark.booking)
            if by_day is None:
                by_day = of_series[mark.booking] = self._by_day(mark.booking)
            day = self._day(entry.original_start_at, entry.when)
            booking = self._that_stands_there(entry, by_day.get(day, ())) or f"{mark.booking} has none on {day}"
            found.append(replace(entry, mark=replace(mark, booking=BookingId(booking))))
        return found

    def _by_day(self, series_id: BookingId) -> dict[date, list[Booking]]:
        days: dict[date, list[Booking]] = {}
        for one in self.clinic.system.occurrences(series_id):
            days.setdefault(self._day(one.original_start_at, one.when), []).append(one)
        return days

    @staticmethod
    def _that_stands_there(entry: Entry, of_day: Iterable[Booking]) -> BookingId | None:
        """Of the bookings of the entry's day: the one at its time, else the one whose place in the series it is."""
        first = min(
            of_day, default=None,
            key=lambda one: (
                one.when != entry.when, one.original_start_at != entry.original_start_at,
                one.status.value == "cancelled",
            ),
        )  # fmt: skip
        return first.id if first else None

    @staticmethod
    def _day(start: datetime | None, when: When) -> date:
        return (start or when.interval("Europe/Berlin")[0]).astimezone(BERLIN).date()

    def copies(self, place: str) -> list[Entry]:
        """What the person sees of bookings, of whichever resource."""
        return [entry for entry in self.marked(place, self.shown(place)) if entry.mark is not None]

    def _single(self, place: str, pick: int) -> Entry | None:
        entries = [entry for entry in self.shown(place) if entry.kind is Kind.SINGLE]
        return entries[pick % len(entries)] if entries else None

    def is_own(self, entry: Entry) -> bool:
        """Some link knows it as the copy of its booking."""
        return any(
            link.entry_id == entry.id and link.origin is Origin.HOST
            for who in RESOURCES
            for link in self.stores.links.all(ACCOUNT, ResourceId(who))
        )

    def forget_kept(self) -> None:
        """Of what was kept: a copy whose booking is not there when its resource has come back stays a stranger's."""
        for place, entry in [(name, one) for name in PLACES for one in self.copies(name)] if self.kept else ():
            if entry.id not in self.kept or entry.mark is None or not self.state(entry.mark.resource).calendars:
                continue
            master = self.server(place).items[entry.series_id].entry.mark if entry.series_id else None
            if not all(self._takes_place(mark) for mark in (entry.mark, master) if mark is not None):
                self.kept.discard(entry.id)

    def _takes_place(self, mark: Mark) -> bool:
        booking = self.clinic.system.bookings.get(mark.booking)
        return booking is not None and booking.status.value != "cancelled" and mark.resource in booking.resource_ids
