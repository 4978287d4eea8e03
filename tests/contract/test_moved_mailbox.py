"""One mailbox, two protocols: connected by Exchange, moved to Microsoft 365, connected there; both are the sandbox's
own halves over one store. Nothing is there twice, nothing was deleted on either side, and every block is the same."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from calsync_core.adapters.exchange.access import ExchangeAccess
from calsync_core.adapters.exchange.signin import ServerSignIn
from calsync_core.adapters.graph.access import GraphAccess
from calsync_core.adapters.graph.auth import GraphSignIn
from calsync_core.domain.appointments import When
from calsync_core.domain.connections import MOVED, ProviderKind
from calsync_core.domain.ids import BookingId, EntryId, RunId
from calsync_core.domain.links import Link, Origin
from calsync_core.domain.resources import Status
from calsync_core.usecases.follow_mailbox import explain_loss
from calsync_core.usecases.look_up_availability import AvailabilityAnswer, AvailabilityPorts, look_up_availability
from calsync_core.usecases.open_mailbox import MailboxOpener
from calsync_core.usecases.sync.sync_resource import Outcome, Result, Work, sync_resource
from calsync_core.usecases.sync.sync_run import SyncPorts
from calsync_core.web.links import manage_path

from tests.contract.calendar_sides import GraphSide, at, days
from tests.contract.exchange_side import guard_of
from tests.contract.microsoft import REDIRECT, Microsoft, Person, walk
from tests.contract.test_journey_at_exchange import NINA, World
from tests.journey_world import ACCOUNT


class Hybrid(World):
    """A server of the clinic's own and Microsoft 365 beside it, and runs by the real use case."""

    def __init__(self, microsoft: Microsoft, person: Person) -> None:
        super().__init__(microsoft, person)
        guard, app = guard_of(microsoft), microsoft.app()
        opener = MailboxOpener(
            self.stores, self.clock, GraphAccess(app, microsoft.graph, self.stores.credentials),
            lambda: ExchangeAccess(self.logins, guard), self.logins,
            lambda login, error: explain_loss(login, error, lambda: ServerSignIn(guard)),
        )  # fmt: skip
        self.ports = replace(self.ports, sign_in=GraphSignIn(app), calendars=opener, redirect_uri=REDIRECT)
        self.rewire()
        self.clock.move_to(datetime.now(UTC))
        self.system.add_resource(NINA)
        self.system.resources[NINA] = self.state(NINA).resource
        self.runs = 0
        host = self.ports.host
        self.sync = SyncPorts(
            self.stores, lambda _account: host, opener.of_mailbox, self.clock, self.ports.ids, self.queue,
            installation="hybrid", public_url="https://calsync.example", lanes=1,
        )  # fmt: skip

    def run(self, cause: str = "sweep") -> Outcome:
        self.runs += 1
        self.stores.leases.wish(ACCOUNT, NINA)
        for _ in range(50):
            outcome = sync_resource(Work(ACCOUNT, NINA, cause, RunId(f"run-{self.runs}")), self.sync)
            if outcome.result is not Result.AGAIN:
                return outcome
        raise AssertionError("the run never ends")

    def settle(self) -> None:
        assert self.run().result is Result.DONE
        for _ in range(10):
            if not self.queue.take_all():
                return
            assert self.run().result is Result.DONE
        raise AssertionError("wishes never end")

    def connect_by_password(self) -> None:
        browser = self.enter()
        first, second = (part.partition('"')[0] for part in browser.text.split('name="primary" value="')[1:3])
        browser.submit("/calendars", primary=first, conflicts=second)
        self.settle()

    def sign_in_at_microsoft(self, primary: str, conflict: str) -> None:
        path = manage_path(self.link_key, ACCOUNT, NINA, self.clock.now(), timedelta(days=90))
        browser = self.browser().get(path).press("Sign in again")
        answer = walk(browser.left_to, self.person.email)
        browser.get(f"/oauth/callback?{urlencode(answer)}").submit("/calendars", primary=primary, conflicts=conflict)

    def links(self, origin: Origin) -> list[Link]:
        return [link for link in self.stores.links.all(ACCOUNT, NINA) if link.origin is origin]

    def blocks(self) -> dict[str, tuple[When, int]]:
        """What the booking system has, and how often each was written."""
        versions = self.system.block_versions
        return {ref: (block.when, versions[ref]) for ref, block in self.system.blocks.items()}

    def block_of(self, when: When) -> str:
        [ref] = [ref for ref, block in self.system.blocks.items() if block.when == when]
        return ref

    def free(self) -> AvailabilityAnswer:
        stores = self.stores
        ports = AvailabilityPorts(stores.resources, stores.cursors, stores.links, stores.settings, self.clock)
        span = at(0).start_at, at(20).end_at
        return look_up_availability(ports, ACCOUNT, NINA, *span)


class Outlook(GraphSide):
    """The person in Outlook, on either server: Graph's ordinary API over the same store."""

    def subjects(self) -> list[str]:
        """Of the main calendar, each appointment and series once."""
        path = f"/me/calendars/{quote(self.calendar, safe='')}/events?$top=200&$select=subject"
        return sorted(str(one["subject"]) for one in self.person.rest("GET", path)["value"])

    def create_in_second(self, when: Any, title: str) -> None:
        first, self.calendar = self.calendar, self.second
        self.create(when, title)
        self.calendar = first

    def copies(self) -> dict[str, When]:
        """Of bookings, as they stand there."""
        marked = self.provider.marked("hybrid")
        return {entry.mark.booking: entry.when for entry in marked if entry.mark is not None}

    def copy_of(self, booking: BookingId) -> EntryId:
        return next(one.id for one in self.provider.marked("hybrid") if one.mark and one.mark.booking == booking)


@pytest.fixture
def nina(microsoft: Microsoft) -> Iterator[Person]:
    return microsoft.add_person(exchange={}, calendars=[{"name": "Second"}])


def move_to_the_cloud(person: Person) -> None:
    moved = {"location": "moved", "cloud_address": "nina@clinic.mail.onmicrosoft.com"}
    person.microsoft.control("PATCH", f"/people/{person.email}", {"exchange": moved})


def writes(microsoft: Microsoft, since: int) -> list[str]:
    """What anybody wrote into calendars by Graph."""
    entries = microsoft.log(since)
    return [
        f"{one['method']} {one['path']}"
        for one in entries
        if one["method"] in {"POST", "PATCH", "DELETE"} and "/events" in one["path"]
    ]


@pytest.mark.rule("R133")
def test_a_mailbox_moves_and_everything_goes_on(microsoft: Microsoft, nina: Person) -> None:
    world, outlook = Hybrid(microsoft, nina), Outlook(nina)
    lunch, trip = outlook.create(at(0, 12)), outlook.create(days(9, 2), "Trip")
    outlook.create(at(1, 12), "Doctor", is_private=True)
    outlook.create_in_second(at(2, 12), "Club")
    series = outlook.create_series(at(0, 16), 4)
    outlook.move_occurrence(series, at(7, 16).start_at, at(7, 15))
    outlook.delete_occurrence(series, at(14, 16).start_at)
    first, second = (world.system.book([NINA], at(day, 9), service_name="Massage") for day in (0, 1))
    world.system.book_series([NINA], at(3, 9), "FREQ=WEEKLY;COUNT=3", service_name="Course")
    world.connect_by_password()
    outlook.move(outlook.copy_of(first), at(0, 10))
    world.settle()
    assert world.system.bookings[first].when == at(0, 10), "by Exchange, moves travel"
    assert (len(world.blocks()), len(outlook.copies())) == (7, 3)
    shown, blocks = outlook.subjects(), world.blocks()
    [conflict] = world.stores.conflicts.open(ACCOUNT)  # the trip and a date of the course
    identity = {link.ref: link.booking_id for link in world.links(Origin.HOST)}

    move_to_the_cloud(nina)
    lost = world.run()
    assert (lost.result, lost.code) == (Result.FAILED, MOVED)
    assert world.state(NINA).status is Status.REAUTH_REQUIRED
    assert world.blocks() == blocks
    assert not world.free().is_known, "what happens there is not known, and the blocks stand"
    outlook.move(lunch, at(0, 13))
    log = microsoft.log_id()
    world.sign_in_at_microsoft(outlook.calendar, outlook.second)
    assert not world.free().is_known
    assert world.blocks() == blocks, "between two connections nothing is free that was not"
    world.settle()

    state = world.state(NINA)
    assert (state.status, state.following, state.degraded) == (Status.CONNECTED, None, None)
    assert state.mailbox is not None
    connection = world.stores.connections.get(ACCOUNT, state.mailbox)
    assert connection is not None
    assert connection.identity.provider is ProviderKind.OFFICE365
    assert writes(microsoft, log) == [], "nothing was written into the calendar"
    assert outlook.subjects() == shown, "nothing is there twice"
    changed = {ref for ref, block in world.blocks().items() if block != blocks.get(ref)}
    assert set(world.blocks()) == set(blocks), "the same blocks"
    assert changed == {world.block_of(at(0, 13))}, "one of which moved with its entry"
    assert {link.ref: link.booking_id for link in world.links(Origin.HOST)} == identity
    assert all(not link.is_left_behind for link in world.stores.links.all(ACCOUNT, NINA))
    assert [one.id for one in world.stores.conflicts.open(ACCOUNT)] == [conflict.id]
    assert world.free().is_known

    club, team = world.block_of(at(2, 12)), world.block_of(at(7, 15))
    outlook.move(lunch, at(0, 14))
    outlook.delete(trip)
    outlook.move_occurrence(series, at(7, 16).start_at, at(7, 17))
    outlook.move(outlook.copy_of(second), at(1, 10))
    world.system.move_booking_by_clinic(first, at(0, 11))
    world.settle()
    assert world.system.bookings[second].when == at(1, 10)
    assert outlook.copies()[first] == at(0, 11)
    assert world.block_of(at(7, 17)) == team
    assert world.block_of(at(2, 12)) == club
    assert set(world.blocks()) < set(blocks)
    assert len(world.blocks()) == 6, "the trip is over"
    assert world.stores.conflicts.open(ACCOUNT) == []

    before, log = world.blocks(), microsoft.log_id()
    world.run(cause="full")
    assert world.blocks() == before
    assert writes(microsoft, log) == [], "a full check finds nothing to do"
