"""An Exchange server's bad hours through the whole machine: busy for an hour and a half, and a sync state too old.

The real adapter at the sandbox's server, the use cases of the state machine, of the sweep and of its checks, by a clock
that only they move: whoever waits, waits as Step Functions would, and whoever is due comes back as the sweep finds it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from calsync_core.domain.availability import Occupied
from calsync_core.domain.ids import AccountId, CalendarId, MailboxId, ResourceId, RunId
from calsync_core.domain.resources import ResourceState, Status
from calsync_core.ports.outward import Wish
from calsync_core.usecases.check_resource import CheckPorts, check_resource
from calsync_core.usecases.look_up_availability import AvailabilityPorts, look_up_availability
from calsync_core.usecases.sweep import SweepPorts, find_due, handle_due
from calsync_core.usecases.sync.sync_resource import Outcome, Result, Work, sync_resource

from tests.contract.calendar_sides import at
from tests.contract.exchange_side import ExchangeSide
from tests.contract.microsoft import Microsoft
from tests.small_clinic import ACCOUNT, Clinic, a_clinic

ANNA = ResourceId("anna")
MINUTE = timedelta(minutes=1)
OPERATIONS = ("SyncFolderItems", "FindItem", "GetItem", "GetFolder", "FindFolder", "CreateItem", "UpdateItem",
              "DeleteItem", "Subscribe", "ResolveNames")  # fmt: skip


class _Access:
    """ports.signin.CalendarAccess to the one mailbox."""

    def __init__(self, side: ExchangeSide) -> None:
        self.side = side

    def of_mailbox(self, _account: AccountId, _mailbox: MailboxId) -> object:
        return self.side.provider


class Day:
    """Anna's calendar on the Exchange server, the clinic beside it, and everything that runs by itself."""

    def __init__(self, microsoft: Microsoft) -> None:
        person = microsoft.add_person(calendars=[{"name": "Second"}], exchange={})
        self.microsoft, self.side = microsoft, ExchangeSide(person)
        self.clinic: Clinic = a_clinic()
        self.clinic.clock.move_to(datetime.now(UTC))
        self.clinic.ports = replace(self.clinic.ports, provider=lambda *_: self.side.provider)
        self.clinic.connect()
        self.clinic.stores.resources.save(replace(self.state, primary=CalendarId(self.side.calendar)))
        self.sweep = SweepPorts(
            self.clinic.stores, self.clinic.ports.host, self.clinic.ports.provider, self.clinic.queue,
            self.clinic.clock, remind=lambda _due: None, note=self._note,
        )  # fmt: skip
        self.noted: list[str] = []
        self.outcomes: list[Outcome] = []

    def _note(self, kind: str, code: str) -> None:
        self.noted.append(f"{kind} {code}")

    @property
    def state(self) -> ResourceState:
        state = self.clinic.stores.resources.get(ACCOUNT, ANNA)
        assert state is not None
        return state

    @property
    def now(self) -> datetime:
        return self.clinic.clock.now()

    def wish(self, cause: str = "notification") -> None:
        self.clinic.queue.wish(Wish(ACCOUNT, ANNA, cause))

    def live(self, span: timedelta) -> None:
        """Every minute the sweep; its wishes and those of bells at once."""
        end = self.now + span
        while self.now < end:
            page = 0
            found = find_due(self.sweep, page)
            for batch in found.batches:
                handle_due(self.sweep, batch)
            for wish in self.clinic.queue.take_all():
                self.machine(wish)
            self.clinic.clock.advance(MINUTE)

    def machine(self, wish: Wish) -> None:
        """sync_resource.asl.json: again, wait as told, or the end."""
        self.clinic.runs += 1
        self.clinic.stores.leases.wish(ACCOUNT, ANNA)
        round_ = 0
        while True:
            run = RunId(f"run-{self.clinic.runs}")
            outcome = sync_resource(Work(ACCOUNT, ANNA, wish.cause, run, round_), self.clinic.ports)
            self.outcomes.append(outcome)
            round_ += 1
            if outcome.result in (Result.DONE, Result.FAILED):
                return
            if outcome.result is Result.WAIT:
                assert 0 < outcome.seconds <= 60, "longer waits are due items"
                self.clinic.clock.advance(timedelta(seconds=outcome.seconds))

    def busy(self, back_off: timedelta | None, *, skip: int = 0, only: tuple[str, ...] = OPERATIONS) -> None:
        wait = {} if back_off is None else {"back_off_milliseconds": int(back_off.total_seconds() * 1000)}
        for operation in only:
            self.microsoft.fault(
                match={"operation": operation, "mailbox": self.side.person.email}, skip=skip,
                action={"ews": {"code": "ErrorServerBusy", "form": "fault", **wait}},
            )  # fmt: skip

    def forget_state(self) -> None:
        """The server does not know the state that is stored now any more, however often it is shown it."""
        cursor = self.clinic.stores.cursors.load(ACCOUNT, ANNA)[self.side.calendar].cursor
        assert cursor is not None
        state = cursor.rpartition("|")[2]
        assert len(state) > 10
        self.microsoft.fault(
            match={"operation": "SyncFolderItems", "body": f"<m:SyncState>{re.escape(state)}<"},
            action={"ews": {"code": "ErrorInvalidSyncStateData"}},
        )

    def calm(self) -> None:
        self.microsoft.control("DELETE", "/faults")

    def questions(self, since: int) -> int:
        """How often the server was asked, its sign-in's own legs apart."""
        entries = self.microsoft.log(since, path="Exchange.asmx")
        return sum(one["status"] != 401 for one in entries)

    def blocks(self) -> dict[str, object]:
        return {ref: block.when for ref, block in self.clinic.system.blocks.items()}

    def copies(self) -> dict[str, object]:
        return {one.mark.booking: one.when for one in self.side.provider.marked("test") if one.mark}

    def known(self) -> tuple[bool, set[str | None]]:
        stores, span = self.clinic.stores, (at(0).start_at, at(1).start_at)
        ports = AvailabilityPorts(stores.resources, stores.cursors, stores.links, stores.settings, self.clinic.clock)
        answer = look_up_availability(ports, ACCOUNT, ANNA, *span)
        return answer.is_known, {source.reason for source in answer.sources}

    def checked(self) -> tuple[set[Occupied], set[str | None]]:
        """What is said before a booking is confirmed, of a time that no entry takes."""
        stores, span = self.clinic.stores, at(0, 6)
        ports = CheckPorts(stores.resources, stores.links, stores.settings, _Access(self.side), self.clinic.clock)  # type: ignore[arg-type]
        answer = check_resource(ports, ACCOUNT, ANNA, span.start_at, span.end_at, limit=timedelta(seconds=20))
        return {one.occupied for one in answer.intervals}, {source.reason for source in answer.sources}


@pytest.fixture
def day(microsoft: Microsoft) -> Iterator[Day]:
    yield Day(microsoft)
    microsoft.control("DELETE", "/faults")


def changes(day: Day, lunch: str, booking: str) -> Callable[[], None]:
    """What people do meanwhile, and what must have come of it in the end."""
    day.side.move(lunch, at(0, 13))  # type: ignore[arg-type]
    day.side.create(at(2, 12), "Dentist")
    new = day.clinic.system.book(["anna"], at(3, 9))
    day.clinic.system.move_booking_by_clinic(booking, at(1, 10))  # type: ignore[arg-type]

    def end() -> None:
        assert sorted(map(repr, day.blocks().values())) == sorted(map(repr, (at(0, 13), at(1, 12), at(2, 12))))
        assert day.copies() == {booking: at(1, 10), new: at(3, 9)}
        assert day.clinic.conflicts() == []

    return end


@pytest.mark.parametrize(
    ("back_off", "at_most"),
    [(timedelta(minutes=10), 20), (None, 110)],  # without a word of the server: 30 s, six times, then five minutes
    ids=["told", "untold"],
)
def test_a_server_that_is_busy_for_an_hour_and_a_half(day: Day, back_off: timedelta | None, at_most: int) -> None:
    lunch, _ = day.side.create(at(0, 12)), day.side.create(at(1, 12))
    booking = day.clinic.system.book(["anna"], at(0, 9))
    day.wish("import")
    day.live(3 * MINUTE)
    assert (len(day.blocks()), len(day.copies()), day.state.status) == (2, 1, Status.CONNECTED)
    before = day.blocks()

    day.busy(back_off)
    end = changes(day, lunch, booking)
    log, begun = day.microsoft.log_id(), day.now
    day.wish()
    day.live(timedelta(hours=1))
    assert day.state.degraded is not None
    assert day.state.degraded.reason == "throttled", "the status says what is going on"
    assert day.state.degraded.since_at - begun < timedelta(minutes=5)
    assert day.state.status is Status.CONNECTED, "nobody has to sign in"
    assert day.blocks() == before
    assert day.checked() == ({Occupied.UNKNOWN}, {"throttled"}), "asked live, it is not known, and never free"
    day.live(timedelta(minutes=35))
    assert day.known() == (False, {"stale"}), "what was read an hour and a half ago is not known any more"
    assert day.blocks() == before, "nothing was deleted"
    asked = day.questions(log)
    assert 5 < asked <= at_most, "it goes on by itself, and does not hammer"

    day.calm()
    day.live(timedelta(minutes=20))
    end()
    assert day.state.degraded is None
    assert day.known() == (True, {None})
    assert day.noted == []


def test_an_import_waits_for_a_busy_server_and_then_ends(day: Day) -> None:
    day.side.create(at(0, 12))
    day.clinic.system.book(["anna"], at(0, 9))
    day.busy(timedelta(seconds=45))
    log = day.microsoft.log_id()
    day.wish("import")
    waited: list[Outcome] = day.outcomes

    def calm_after_an_hour() -> bool:
        if len(waited) == 60:
            day.calm()
        return False

    take = day.clinic.stores.leases.take
    day.clinic.stores.leases.take = lambda *given: calm_after_an_hour() or take(*given)  # type: ignore[method-assign]
    begun = day.now
    day.live(5 * MINUTE)
    assert [one.seconds for one in waited[:60]] == [45] * 60, "the state machine waits, no function does"
    assert timedelta(minutes=45) <= day.now - begun < timedelta(minutes=60)
    assert day.questions(log) < 60 + 40
    assert (len(day.blocks()), len(day.copies()), day.state.status) == (1, 1, Status.CONNECTED)


@pytest.mark.parametrize("is_busy_too", [False, True])
def test_a_sync_state_that_is_too_old(day: Day, is_busy_too: bool) -> None:
    """Everything is read anew; what is not met is looked up by its id before anything is deleted."""
    far, near, gone = day.side.create(at(40, 12)), day.side.create(at(0, 12)), day.side.create(at(1, 12))
    series = day.side.create_series(at(0, 16), 4)
    booking = day.clinic.system.book(["anna"], at(0, 9))
    day.wish("import")
    day.live(3 * MINUTE)
    before = day.blocks()
    assert (len(before), len(day.copies())) == (7, 1)

    day.forget_state()
    day.side.delete(gone)
    day.side.move(near, at(0, 13))
    day.side.move(far, at(200, 12))  # far beyond the window: followed, not deleted
    day.side.delete_occurrence(series, at(7, 16).start_at)
    if is_busy_too:  # in the middle of the new round
        day.busy(timedelta(minutes=10), skip=1, only=("FindItem",))
        day.wish()
        day.live(8 * MINUTE)
        assert not set(before) - set(day.blocks()), "half a round deletes nothing"
        day.calm()
        day.forget_state()
    day.wish()
    day.live(timedelta(minutes=15))

    assert sum(rule["fired"] for rule in day.microsoft.control("GET", "/faults")) >= 1
    kept = set(before) & set(day.blocks())
    assert set(day.blocks()) == kept, "nothing is written under another id"
    assert len(set(before) - kept) == 2, "the entry and the occurrence that are really gone"
    times = set(map(repr, day.blocks().values()))
    assert {repr(at(0, 13)), repr(at(200, 12))} <= times
    assert repr(at(1, 12)) not in times
    assert repr(at(7, 16)) not in times
    assert set(day.copies()) == {booking}
    assert day.state.degraded is None
