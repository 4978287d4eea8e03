"""A mailbox moves from an Exchange server to Microsoft 365: noticed, said, followed; nothing is there twice."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from calsync_core.adapters.memory.calendar import MemoryCalendarProvider
from calsync_core.adapters.memory.mailbox import DEFAULT
from calsync_core.domain.connections import MOVED, Connection, MailboxIdentity, ProviderKind
from calsync_core.domain.errors import (
    ConnectionBrokenError,
    ConsentRevokedError,
    InputError,
    MailboxUnusableError,
)
from calsync_core.domain.ids import MailboxId, ResourceId
from calsync_core.domain.resources import Status
from calsync_core.ports.exchange import ExchangeLogin, ExchangeServer
from calsync_core.usecases.finish_disconnect import finish_disconnect
from calsync_core.usecases.follow_mailbox import explain_loss, may_follow

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


def _moved() -> Clinic:
    """Copies, blocks and a series on the old server; then every id is new and the old server refuses."""
    clinic = a_clinic()
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
    clinic.settle()
    assert (len(clinic.copies()), len(clinic.blocks())) == (3, 6)
    connection = connections.get(ACCOUNT, OLD)
    assert connection is not None
    connections.save(replace(connection, is_broken=True, broken_code=MOVED))
    clinic.mailbox().move_mailbox()
    return clinic


def _leave(clinic: Clinic) -> bool:
    state = clinic.stores.resources.get(ACCOUNT, ANNA)
    assert state is not None
    if state.status is not Status.DISCONNECTED:
        gone = state.moved_to(Status.DISCONNECTED, clinic.clock.now(), reason=MOVED)
        clinic.stores.resources.save(gone)
    until = clinic.clock.now().replace(year=2099)
    return finish_disconnect(clinic.stores, clinic.host, lambda *_: _refused(), clinic.clock, ACCOUNT, ANNA, until)


def _refused() -> MemoryCalendarProvider:
    raise ConsentRevokedError(MOVED)


def _arrive(clinic: Clinic) -> None:
    """What choose_calendars does for the new sign-in."""
    server = clinic.servers[OLD]
    clinic.servers[NEW], clinic.providers[NEW] = server, MemoryCalendarProvider(server, clinic._fault)
    state = clinic.stores.resources.get(ACCOUNT, ANNA)
    assert state is not None
    clinic.stores.connections.save(Connection(NEW, ACCOUNT, CLOUD, "anna@clinic.example", "Anna", "p", (ANNA,)))
    importing = state.moved_to(Status.IMPORTING, clinic.clock.now())
    clinic.stores.resources.save(replace(importing, mailbox=NEW, primary=DEFAULT, attempt=state.attempt + 1))


@pytest.mark.rule("R133")
def test_nothing_is_created_or_deleted_in_the_calendar_that_moved() -> None:
    clinic = _moved()
    before = {entry.id for entry in clinic.servers[OLD].shown()}
    assert _leave(clinic)
    _arrive(clinic)
    calls: Counter[str] = clinic.providers[NEW].calls
    clinic.settle()

    assert {entry.id for entry in clinic.mailbox().shown()} == before
    assert calls["create"] == calls["delete"] == calls["update"] == 0, calls
    assert len(clinic.blocks()) == 6, "each entry of the person's own blocks once"
    assert clinic.conflicts() == []
    links = list(clinic.stores.links.all(ACCOUNT, ANNA))
    assert {link.entry_id for link in links if link.booking_id} <= before


@pytest.mark.rule("R133")
def test_copies_go_on_in_step_after_the_move() -> None:
    clinic = _moved()
    _leave(clinic)
    _arrive(clinic)
    clinic.settle()
    booking = next(iter(clinic.system.bookings))
    clinic.system.cancel(booking)
    clinic.settle()
    assert len(clinic.copies()) == 2


def test_the_old_password_is_gone_with_its_connection() -> None:
    clinic = _moved()
    clinic.stores.credentials.save(ACCOUNT, OLD, b"password", 0)
    _leave(clinic)
    assert clinic.stores.connections.get(ACCOUNT, OLD) is None
    assert clinic.stores.credentials.load(ACCOUNT, OLD) is None


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
@pytest.mark.parametrize("stop", range(1, 30))
def test_a_stop_anywhere_while_leaving_is_ended_by_doing_it_again(stop: int) -> None:
    clinic = _moved()
    before = {entry.id for entry in clinic.servers[OLD].shown()}
    left = [stop]

    def fault(_operation: str, _phase: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise InputError("stopped")

    clinic.fault = fault
    try:
        _leave(clinic)
    except InputError:
        clinic.clock.advance(timedelta(minutes=3))
    clinic.fault = lambda *_: None
    assert _leave(clinic)
    _arrive(clinic)
    clinic.settle()
    assert {entry.id for entry in clinic.mailbox().shown()} == before
    assert len(clinic.blocks()) == 6
