"""The same short lives through the real adapters at the Microsoft sandbox and in memory: they end alike.

What people and the clinic do is drawn from a seed; a run follows every few steps. Compared are the booking system
(bookings, blocks), the copies as the calendar shows them, and the open conflicts. So what the simulation in memory
proves (tests/properties) is proved about a model that does not differ from the adapters.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from calsync_core.domain.appointments import BookingStatus
from calsync_core.domain.ids import BookingId, CalendarId, EntryId, ResourceId
from calsync_core.domain.links import Link, Origin
from calsync_core.ports.calendar import CalendarProvider

from tests.contract.calendar_sides import ALL, GraphSide, MemoryExchangeSide, MemorySide, Side, at
from tests.contract.exchange_side import ExchangeSide
from tests.contract.microsoft import Microsoft
from tests.small_clinic import ACCOUNT, Clinic, a_clinic

ANNA = ResourceId("anna")
STEPS = 16
SEEDS = range(10, 20)
COUNT = 4  # occurrences of a series in the calendar, a week apart
RULES = ("FREQ=WEEKLY;COUNT=3", "FREQ=DAILY;INTERVAL=2;COUNT=4", "FREQ=WEEKLY;BYMONTH=1,2,11,12;COUNT=2")
Step = tuple[str, int, int, int]


class Lived:
    """One life. Everything is picked by its number in order of creation, so that the same steps mean the same."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.clinic: Clinic = a_clinic()
        self.clinic.clock.move_to(datetime.now(UTC))
        provider: CalendarProvider = side.provider
        self.clinic.ports = replace(self.clinic.ports, provider=lambda _account, _mailbox: provider)
        self.clinic.connect()
        self.clinic.settings(edits__deleted_in_calendar="restore")
        state = self.clinic.stores.resources.get(ACCOUNT, ANNA)
        assert state is not None
        self.clinic.stores.resources.save(replace(state, primary=CalendarId(side.calendar)))
        self.entries: list[EntryId] = []
        self.series: list[tuple[EntryId, datetime]] = []
        self.gone: set[object] = set()
        self.clinic.run(cause="import")

    def live(self, steps: list[Step]) -> None:
        for name, pick, day, hour in steps:
            getattr(self, name)(pick, day, hour)
        self.clinic.settle("anna")
        self.clinic.run(cause="full")  # Graph's feed may say nothing of a deleted occurrence (graph.md section 4)

    def end(self) -> dict[str, Any]:
        system = self.clinic.system
        return {
            "blocks": sorted((repr(one.when), one.kind.value, one.title) for one in self.clinic.blocks()),
            "bookings": sorted((one.id, repr(one.when), one.status.value) for one in system.bookings.values()),
            "copies": sorted((link.booking_id, repr(self._shown(link))) for link in self._links()),
            "conflicts": sorted((one.kind.value, str(one.booking_id)) for one in self.clinic.conflicts()),
        }

    def run(self, *_: int) -> None:
        self.clinic.run()

    # -- the person ------------------------------------------------------------------------------------------------

    def create(self, _pick: int, day: int, hour: int) -> None:
        self.entries.append(self.side.create(at(day, hour)))

    def move(self, pick: int, day: int, hour: int) -> None:
        self._with_entry(pick, lambda entry: self.side.move(entry, at(day, hour)))

    def delete(self, pick: int, _day: int, _hour: int) -> None:
        self._with_entry(pick, self.side.delete, is_last=True)

    def create_series(self, _pick: int, day: int, hour: int) -> None:
        first = at(day, hour)
        self.series.append((self.side.create_series(first, COUNT), first.start_at))

    def move_occurrence(self, pick: int, _day: int, hour: int) -> None:
        """Within its own day: further is another matter (an occurrence never crosses its neighbour)."""

        def to_that_hour(series: EntryId, original: datetime) -> None:
            start = original.replace(hour=hour)
            self.side.move_occurrence(
                series, original, replace(at(0), start_at=start, end_at=start + timedelta(hours=1))
            )

        self._with_occurrence(pick, to_that_hour)

    def delete_occurrence(self, pick: int, _day: int, _hour: int) -> None:
        self._with_occurrence(pick, self.side.delete_occurrence, is_last=True)

    def move_copy(self, pick: int, day: int, hour: int) -> None:
        self._with_copy(pick, lambda entry: self.side.move(entry, at(day, hour)))

    def delete_copy(self, pick: int, _day: int, _hour: int) -> None:
        self._with_copy(pick, self.side.delete)

    def paste_copy(self, pick: int, day: int, hour: int) -> None:
        self._with_copy(pick, lambda entry: self.entries.append(self.side.copy_and_paste(entry, at(day, hour))))

    # -- the services ----------------------------------------------------------------------------------------------

    def rotate_versions(self, *_: int) -> None:
        self.side.rotate_versions()

    def expire_cursors(self, *_: int) -> None:
        self.side.expire_cursors()

    # -- the clinic ------------------------------------------------------------------------------------------------

    def book(self, _pick: int, day: int, hour: int) -> None:
        self.clinic.system.book(["anna"], at(day, hour), service_name="Massage")

    def book_series(self, pick: int, day: int, hour: int) -> None:
        self.clinic.system.book_series(["anna"], at(day, hour), RULES[pick % len(RULES)], service_name="Course")

    def move_booking(self, pick: int, day: int, hour: int) -> None:
        if booking := self._booking(pick):
            self.clinic.system.move_booking_by_clinic(booking, at(day, hour))

    def cancel_booking(self, pick: int, _day: int, _hour: int) -> None:
        if booking := self._booking(pick):
            self.clinic.system.cancel(booking)

    # -- picking ---------------------------------------------------------------------------------------------------

    def _booking(self, pick: int) -> BookingId | None:
        found = [
            one.id
            for one in self.clinic.system.bookings.values()
            if one.status is not BookingStatus.CANCELLED and not one.is_series_master
        ]
        return found[pick % len(found)] if found else None

    def _with_entry(self, pick: int, act: Callable[[EntryId], Any], *, is_last: bool = False) -> None:
        left = [number for number in range(len(self.entries)) if number not in self.gone]
        if left:
            number = left[pick % len(left)]
            act(self.entries[number])
            self.gone |= {number} if is_last else set()

    def _with_occurrence(self, pick: int, act: Callable[[EntryId, datetime], Any], *, is_last: bool = False) -> None:
        starts = [(number, week) for number in range(len(self.series)) for week in range(COUNT)]
        left = [one for one in starts if one not in self.gone]
        if left:
            number, week = left[pick % len(left)]
            series, first = self.series[number]
            act(series, first + timedelta(weeks=week))
            self.gone |= {(number, week)} if is_last else set()

    def _with_copy(self, pick: int, act: Callable[[EntryId], Any]) -> None:
        """A single one: parts of a series of bookings have lives of their own in the simulation."""
        found = sorted((link for link in self._links() if not link.series_id), key=lambda link: str(link.booking_id))
        standing = [link.entry_id for link in found if link.entry_id and self._shown(link) is not None]
        if standing:
            act(standing[pick % len(standing)])

    def _links(self) -> list[Link]:
        links = self.clinic.stores.links.all(ACCOUNT, ANNA)
        return [link for link in links if link.origin is Origin.HOST and not link.pattern]

    def _shown(self, link: Link) -> object:
        if link.entry_id is None:
            return None
        entry = self.side.provider.entries(CalendarId(self.side.calendar), [link.entry_id], ALL)[link.entry_id]
        return (entry.when, entry.title, entry.busy.value) if entry else None


WEIGHTS = {
    "create": 4, "move": 3, "delete": 2, "create_series": 1, "move_occurrence": 1, "delete_occurrence": 1,
    "move_copy": 2, "delete_copy": 1, "paste_copy": 1, "rotate_versions": 1, "expire_cursors": 1, "book": 4,
    "book_series": 1, "move_booking": 3, "cancel_booking": 2, "run": 8,
}  # fmt: skip


def script(seed: int) -> list[Step]:
    random = Random(seed)
    names = random.choices(list(WEIGHTS), list(WEIGHTS.values()), k=STEPS)
    return [(name, random.randrange(100), random.randrange(10), random.choice((8, 10, 12, 14))) for name in names]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("make", [GraphSide, ExchangeSide], ids=["graph", "exchange"])
def test_a_life_at_the_sandbox_ends_as_in_memory(microsoft: Microsoft, make: type[GraphSide], seed: int) -> None:
    steps = script(seed)
    person = microsoft.add_person(calendars=[{"name": "Second"}], exchange={})
    model = MemoryExchangeSide() if make is ExchangeSide else MemorySide()
    in_memory, there = Lived(model), Lived(make(person))

    in_memory.live(steps)
    there.live(steps)

    end = in_memory.end()
    assert any(end.values()), "a life in which nothing happened compares nothing"
    assert there.end() == end, "\n".join(map(str, steps))
