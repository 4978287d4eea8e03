"""A mailbox moves from an Exchange server to Microsoft 365: noticed, said, followed; nothing is there twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from calsync_core.adapters.memory.calendar import MemoryCalendarProvider
from calsync_core.adapters.memory.mailbox import DEFAULT
from calsync_core.domain.appointments import BookingStatus
from calsync_core.domain.conflicts import Conflict
from calsync_core.domain.connections import MOVED, Connection, MailboxIdentity, ProviderKind, Subscription
from calsync_core.domain.errors import ConnectionBrokenError, ConsentRevokedError, MailboxUnusableError
from calsync_core.domain.ids import MailboxId, ResourceId
from calsync_core.domain.resources import Following, Progress, ResourceState, Status
from calsync_core.ports.exchange import ExchangeLogin, ExchangeServer
from calsync_core.usecases.confirm_stop_line import StopLinePorts, confirm_stop_line, count_vanished
from calsync_core.usecases.disconnect_resource import REMOVE_COPIES
from calsync_core.usecases.follow_mailbox import explain_loss, leave_old_connections, may_follow
from calsync_core.usecases.sync.sync_resource import Result

from tests.properties.faults import CrashError
from tests.small_clinic import ACCOUNT, Clinic, a_clinic, at

ANNA, OLD, NEW = ResourceId("anna"), MailboxId("mbx-anna"), MailboxId("mbx-cloud")
LOGIN = ExchangeLogin(
    ExchangeServer("https://mail.clinic.example/EWS/Exchange.asmx", "Exchange2016", "15.2", "ntlm"),
    "anna@clinic.example",
    "anna",
    "secret",
)
CLOUD = MailboxIdentity(ProviderKind.OFFICE365, "tenant", "anna")


class _Autodiscover:
    def __init__(self, *, moved: bool) -> None:
        self.moved, self.asked = moved, 0

    def has_moved(self, _login: ExchangeLogin) -> bool:
        self.asked += 1
        return self.moved


@pytest.mark.parametrize(
    ("error", "moved", "code", "asked"),
    [
        (ConnectionBrokenError("microsoft365"), False, MOVED, 0),
        (MailboxUnusableError("mailbox_missing"), True, MOVED, 1),
        (MailboxUnusableError("mailbox_missing"), False, "mailbox_missing", 1),
        (ConsentRevokedError("password_wrong"), True, "password_wrong", 0),
    ],
)
def test_only_a_way_to_microsoft_365_says_that_a_mailbox_moved(
    error: ConnectionBrokenError, moved: bool, code: str, asked: int
) -> None:
    autodiscover = _Autodiscover(moved=moved)
    lost = explain_loss(LOGIN, error, lambda: autodiscover)  # type: ignore[arg-type,return-value]
    assert (lost.code, autodiscover.asked) == (code, asked)
    assert isinstance(lost, ConsentRevokedError) is (code in {MOVED, "password_wrong"})


def _moved(before: Callable[[Clinic], None] = lambda _clinic: None) -> Clinic:
    """Copies, blocks and series on the old server; then every id is new and the old server refuses."""
    clinic = a_clinic(page_size=3)
    clinic.connect("anna")
    connections = clinic.stores.connections
    old = connections.get(ACCOUNT, OLD)
    assert old is not None
    connections.delete(old)
    exchange = MailboxIdentity(ProviderKind.EXCHANGE, "mail.clinic.example", "anna@clinic.example")
    connections.save(replace(old, identity=exchange, version=0))
    for day in range(1, 4):
        clinic.system.book(["anna"], at(day, 9))
        clinic.mailbox().create_entry(at(day, 14))
    clinic.mailbox().create_series(at(1, 16), 3, 1)
    before(clinic)
    clinic.settle()
    connection = connections.get(ACCOUNT, OLD)
    assert connection is not None
    connections.save(replace(connection, is_broken=True, broken_code=MOVED))
    state = clinic.stores.resources.get(ACCOUNT, ANNA)
    assert state is not None
    clinic.stores.resources.save(state.moved_to(Status.REAUTH_REQUIRED, clinic.clock.now(), reason=MOVED))
    clinic.mailbox().move_mailbox()
    return clinic


def _sign_in(clinic: Clinic) -> None:
    """What choose_calendars does for the new sign-in."""
    server = clinic.servers[OLD]
    clinic.servers[NEW], clinic.providers[NEW] = server, MemoryCalendarProvider(server, clinic._fault)
    state = clinic.stores.resources.get(ACCOUNT, ANNA)
    assert state is not None
    clinic.stores.connections.save(Connection(NEW, ACCOUNT, CLOUD, "anna@clinic.example", "Anna", "p", (ANNA,)))
    importing = state.moved_to(Status.IMPORTING, clinic.clock.now())
    clinic.stores.resources.save(
        replace(importing, mailbox=NEW, primary=DEFAULT, attempt=state.attempt + 1, following=Following.LEAVING,
                progress=Progress())
    )  # fmt: skip


def _blocks(clinic: Clinic) -> dict[str, tuple[object, int]]:
    """Time and version at the booking system, by the block's own id."""
    versions = clinic.system.block_versions
    return {ref: (block.when, versions[ref]) for ref, block in clinic.system.blocks.items()}


def _writes(clinic: Clinic) -> int:
    return sum(clinic.providers[NEW].calls[name] for name in ("create", "update", "delete"))


def _state(clinic: Clinic) -> ResourceState:
    state = clinic.stores.resources.get(ACCOUNT, ANNA)
    assert state is not None
    return state


@pytest.mark.rule("R133")
def test_nothing_is_written_or_deleted_on_either_side() -> None:
    clinic = _moved()
    entries, blocks = {entry.id for entry in clinic.servers[OLD].shown()}, _blocks(clinic)
    asked = clinic.host.calls.copy()
    _sign_in(clinic)
    clinic.settle()

    assert {entry.id for entry in clinic.mailbox().shown()} == entries
    assert _writes(clinic) == 0, clinic.providers[NEW].calls
    assert _blocks(clinic) == blocks, "the same blocks, untouched"
    assert (clinic.host.calls - asked)["put_block"] == (clinic.host.calls - asked)["delete_block"] == 0
    assert clinic.conflicts() == []
    links = list(clinic.stores.links.all(ACCOUNT, ANNA))
    assert len(links) == 9
    assert {link.entry_id for link in links} <= entries
    assert (_state(clinic).status, _state(clinic).following) == (Status.CONNECTED, None)


@pytest.mark.rule("R133")
def test_what_happened_in_between_is_done_to_the_same_blocks() -> None:
    clinic = _moved()
    blocks = _blocks(clinic)
    mailbox = clinic.servers[OLD]
    own = [entry for entry in mailbox.shown() if entry.mark is None and entry.series_id is None]
    parts = [entry for entry in mailbox.shown() if entry.series_id is not None]
    kept = {link.ref: link.when for link in clinic.stores.links.all(ACCOUNT, ANNA)}
    moved_ref = next(ref for ref, when in kept.items() if when == own[0].when)
    gone_ref = next(ref for ref, when in kept.items() if when == own[1].when)
    mailbox.move_entry(own[0].id, at(1, 11))
    mailbox.delete_entry(own[1].id)
    mailbox.create_entry(at(5, 10))
    series, original = parts[1].series_id, parts[1].original_start_at
    assert series is not None
    assert original is not None
    mailbox.move_occurrence(series, original, at(2, 18))
    _sign_in(clinic)
    clinic.settle()

    now = _blocks(clinic)
    assert now[moved_ref][0] == at(1, 11), "its block moved along"
    assert gone_ref not in now
    assert len(set(now) - set(blocks)) == 1, "one new block, for the new entry"
    assert sum(when == at(2, 18) for when, _ in now.values()) == 1
    assert len(now) == len(blocks)
    mailbox.move_occurrence(series, original, at(2, 19))
    mailbox.move_entry(own[0].id, at(1, 12))
    clinic.settle()
    assert sorted(_blocks(clinic)) == sorted(now), "and changes keep travelling into the same blocks"
    assert {at(2, 19), at(1, 12)} <= {when for when, _ in _blocks(clinic).values()}
    mailbox.delete_entry(series)
    clinic.run(cause="full")
    assert len(clinic.blocks()) == 3, "deleted by their own ids"


@pytest.mark.rule("R133")
def test_entries_without_an_own_id_are_known_by_their_time() -> None:
    clinic = _moved()
    for item in clinic.servers[OLD].items.values():
        item.entry = replace(item.entry, uid=None)
    blocks = _blocks(clinic)
    _sign_in(clinic)
    clinic.settle()
    assert _blocks(clinic) == blocks


@pytest.mark.rule("R133")
def test_copies_go_on_in_step_after_the_move() -> None:
    clinic = _moved()
    copy = next(entry for entry in clinic.servers[OLD].shown() if entry.mark is not None)
    clinic.servers[OLD].move_entry(copy.id, at(1, 10))  # before the new sign-in
    _sign_in(clinic)
    clinic.settle()
    assert copy.mark is not None
    assert clinic.system.bookings[copy.mark.booking].when == at(1, 10), "asked for, as any move"
    clinic.system.cancel(copy.mark.booking)
    clinic.settle()
    assert len(clinic.copies()) == 2


@pytest.mark.rule("R133")
def test_a_copy_that_did_not_come_along_is_written_again_and_cancels_nothing() -> None:
    clinic = _moved(lambda clinic: clinic.settings(edits__deleted_in_calendar="cancel_booking"))
    copy = next(entry for entry in clinic.servers[OLD].shown() if entry.mark is not None)
    clinic.servers[OLD].delete_entry(copy.id)
    _sign_in(clinic)
    clinic.settle()
    assert len(clinic.copies()) == 3
    assert all(booking.status is BookingStatus.CONFIRMED for booking in clinic.system.bookings.values())


@pytest.mark.rule("R133")
def test_a_copy_that_the_person_had_deleted_stays_away() -> None:
    def deleted(clinic: Clinic) -> None:
        clinic.settings(edits__deleted_in_calendar="flag")
        clinic.settle()
        clinic.mailbox().delete_entry(next(entry.id for entry in clinic.mailbox().shown() if entry.mark is not None))

    clinic = _moved(deleted)
    [conflict] = clinic.conflicts()
    _sign_in(clinic)
    clinic.settle()
    assert len(clinic.copies()) == 2
    assert [one.id for one in clinic.conflicts()] == [conflict.id]


@pytest.mark.rule("R133")
def test_a_series_of_bookings_comes_along_with_its_occurrences() -> None:
    clinic = _moved(lambda clinic: clinic.system.book_series(["anna"], at(1, 7), "FREQ=WEEKLY;COUNT=3") and None)
    entries = {entry.id for entry in clinic.servers[OLD].shown()}
    _sign_in(clinic)
    clinic.settle()
    assert _writes(clinic) == 0, clinic.providers[NEW].calls
    assert {entry.id for entry in clinic.mailbox().shown()} == entries
    part = next(entry for entry in clinic.mailbox().shown() if entry.when == at(8, 7))
    assert part.series_id is not None
    assert part.original_start_at is not None
    clinic.mailbox().move_occurrence(part.series_id, part.original_start_at, at(8, 8))
    clinic.settle()
    assert any(booking.when == at(8, 8) for booking in clinic.system.bookings.values())


@pytest.mark.rule("R133")
def test_open_conflicts_stay_open_and_nobody_is_told_again() -> None:
    def overlap(clinic: Clinic) -> None:
        clinic.system.book(["anna"], at(2, 14))
        clinic.system.book(["anna"], at(2, 16))

    clinic = _moved(overlap)
    told: list[Conflict] = []
    clinic.ports = replace(clinic.ports, on_conflict=told.append)
    opened = {one.opened_at for one in clinic.conflicts()}
    assert len(clinic.conflicts()) == 2
    clinic.clock.advance(timedelta(hours=1))
    _sign_in(clinic)
    clinic.settle()
    assert len(clinic.conflicts()) == 2
    assert {one.opened_at for one in clinic.conflicts()} == opened
    assert told == []
    entries = {entry.id for entry in clinic.mailbox().shown()}
    assert {one.entry_id for one in clinic.conflicts()} <= entries, "their titles are read under the new ids"


@pytest.mark.rule("R133", "R51")
def test_a_mailbox_that_arrives_empty_frees_nothing_until_a_person_confirms() -> None:
    clinic = _moved()
    blocks = _blocks(clinic)
    for item in clinic.servers[OLD].items.values():
        item.is_gone = item.is_gone or item.entry.mark is None
    _sign_in(clinic)
    clinic.settle()
    assert _blocks(clinic) == blocks
    degraded = _state(clinic).degraded
    assert degraded is not None
    assert degraded.reason == "stop_line"
    ports = StopLinePorts(
        clinic.stores.resources, clinic.stores.links, clinic.stores.log, clinic.queue, clinic.clock
    )  # fmt: skip
    assert count_vanished(ports, ACCOUNT, ANNA).blocks == 6
    clinic.settle()
    assert _blocks(clinic) == blocks, "however often it runs"
    confirm_stop_line(ports, ACCOUNT, ANNA, by="Admin")
    clinic.settle()
    assert clinic.blocks() == []
    assert (_state(clinic).degraded, _state(clinic).following) == (None, None)


@pytest.mark.rule("R133")
@pytest.mark.parametrize("is_begun", [True, False])
def test_disconnecting_on_the_way_removes_copies_and_blocks(is_begun: bool) -> None:
    clinic = _moved()
    _sign_in(clinic)
    if is_begun:
        clinic.servers[OLD].page_size = 2
        clinic.ports = replace(clinic.ports, work_for=timedelta(0))
        assert clinic.work(cause="import").result is Result.AGAIN
    state = _state(clinic)
    clinic.stores.resources.save(state.moved_to(Status.DISCONNECTED, clinic.clock.now(), reason=REMOVE_COPIES))
    clinic.ports = replace(clinic.ports, work_for=timedelta(seconds=50))
    clinic.run(cause="button")
    assert [entry for entry in clinic.servers[OLD].shown() if entry.mark is not None] == []
    assert clinic.blocks() == []
    assert _state(clinic).following is None


def test_the_old_password_is_gone_with_its_connection() -> None:
    clinic = _moved()
    clinic.stores.credentials.save(ACCOUNT, OLD, b"password", 0)
    _sign_in(clinic)
    clinic.settle()
    assert clinic.stores.connections.get(ACCOUNT, OLD) is None
    assert clinic.stores.credentials.load(ACCOUNT, OLD) is None


def test_whoever_shares_the_old_mailbox_keeps_its_connection() -> None:
    clinic = _moved()
    old = clinic.stores.connections.get(ACCOUNT, OLD)
    assert old is not None
    clinic.stores.connections.save(replace(old, resources=(ANNA, ResourceId("room"))))
    row = Subscription("hash", OLD, DEFAULT, "sub", resources=(ANNA, ResourceId("room")), account=ACCOUNT)
    clinic.stores.connections.save_subscription(row)
    leave_old_connections(clinic.stores, ACCOUNT, ANNA, NEW)
    left = clinic.stores.connections.get(ACCOUNT, OLD)
    assert left is not None
    assert left.resources == (ResourceId("room"),)
    assert [one.resources for one in clinic.stores.connections.subscriptions(ACCOUNT, OLD)] == [(ResourceId("room"),)]


def test_only_a_moved_exchange_mailbox_makes_room_for_an_office_365_sign_in() -> None:
    clinic = _moved()
    moved = clinic.stores.connections.get(ACCOUNT, OLD)
    assert moved is not None
    assert may_follow(moved, CLOUD)
    assert not may_follow(moved, moved.identity)
    assert not may_follow(replace(moved, broken_code="password_wrong"), CLOUD)
    assert not may_follow(replace(moved, identity=replace(CLOUD, subject="other")), CLOUD)
    assert not may_follow(None, CLOUD)


@pytest.mark.rule("R133")
@pytest.mark.parametrize("stop", range(1, 53))
def test_a_stop_anywhere_on_the_way_is_ended_by_doing_it_again(stop: int) -> None:
    """Before or after a call of a side, or before a write of a link."""
    clinic = _moved()
    entries, blocks = {entry.id for entry in clinic.servers[OLD].shown()}, _blocks(clinic)
    _sign_in(clinic)
    left = [stop]

    def fault(_operation: str, _phase: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise CrashError

    clinic.fault = fault
    put, delete = clinic.stores.links.put, clinic.stores.links.delete
    clinic.stores.links.put = lambda account, link: fault("put", "before") or put(account, link)  # type: ignore[method-assign,func-returns-value]
    clinic.stores.links.delete = lambda account, link: fault("delete", "before") or delete(account, link)  # type: ignore[method-assign,func-returns-value]
    with pytest.raises(CrashError):
        clinic.run()
    clinic.clock.advance(timedelta(minutes=3))
    clinic.settle()
    assert {entry.id for entry in clinic.mailbox().shown()} == entries
    assert _writes(clinic) == 0
    assert _blocks(clinic) == blocks
    assert len(list(clinic.stores.links.all(ACCOUNT, ANNA))) == 9
