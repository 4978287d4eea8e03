"""From a notification to a started machine: secrets, paths, wishes, and what happens when the table is down."""

import hashlib
import hmac
from dataclasses import replace

import pytest
from calsync_core.adapters.memory.outward import MemoryImporter, MemoryQueue
from calsync_core.domain.connections import Subscription
from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.domain.ids import CalendarId, MailboxId, ResourceId
from calsync_core.ports.outward import Wish
from calsync_core.usecases import receive_notification as received
from calsync_core.usecases.receive_notification import Bell, Received, receive_notification
from calsync_core.usecases.start_run import StartPorts, start_run
from calsync_core.usecases.subscribe_calendars import hash_of

from tests.small_clinic import ACCOUNT, Clinic, a_clinic

ANNA, NORTH = ResourceId("anna"), ResourceId("anna-north")
ROW = Subscription(
    hash_of("path"), MailboxId("mbx"), CalendarId("calendar-1"), "sub", hash_of("secret"), None, (ANNA, NORTH), ACCOUNT
)


class _Book:
    def __init__(self, *rows: Subscription) -> None:
        self.rows, self.asked = {row.path_hash: row for row in rows}, 0

    def subscription(self, path_hash: str) -> Subscription | None:
        self.asked += 1
        return self.rows.get(path_hash)


def _receive(bells: list[Bell], path: str = "path", book: _Book | None = None) -> tuple[Received, list[Wish]]:
    queue = MemoryQueue()
    return receive_notification(path, bells, book or _Book(ROW), queue), queue.wishes


@pytest.mark.complaint(21)
def test_every_resource_that_uses_the_calendar_is_wished_one_run() -> None:
    done, wishes = _receive([Bell("secret")] * 50)

    assert done == Received(2, 0)
    assert wishes == [Wish(ACCOUNT, ANNA, "notification"), Wish(ACCOUNT, NORTH, "notification")]


def test_one_look_up_for_the_whole_body() -> None:
    book = _Book(ROW)
    _receive([Bell("secret")] * 1000, book=book)

    assert book.asked == 1


@pytest.mark.bad_input(1)
@pytest.mark.bad_input(2)
@pytest.mark.parametrize(("path", "secret"), [("path", "wrong"), ("unknown", "secret"), ("path", ""), ("", "")])
def test_a_wrong_secret_or_an_unknown_path_starts_nothing(path: str, secret: str) -> None:
    done, wishes = _receive([Bell(secret)], path)

    assert (done, wishes) == (Received(0, 1), [])


def test_good_items_count_beside_bad_ones() -> None:
    done, wishes = _receive([Bell("wrong"), Bell("secret"), Bell("")])

    assert (done, len(wishes)) == (Received(2, 2), 2)


@pytest.mark.bad_input(2)
def test_an_unknown_path_makes_the_same_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the time of the answer does not tell which paths exist."""
    compared: list[tuple[int, int]] = []
    real = hmac.compare_digest

    def watched(one: str, other: str) -> bool:
        compared.append((len(one), len(other)))
        return real(one, other)

    monkeypatch.setattr(received.hmac, "compare_digest", watched)
    _receive([Bell("x"), Bell("y")], "unknown")
    _receive([Bell("x"), Bell("y")], "path")

    assert compared == [(64, 64)] * 4
    assert hashlib.sha256(b"no such subscription").hexdigest() == received.NOBODY


@pytest.mark.bad_input(7)
@pytest.mark.parametrize(
    ("word", "cause", "subject"),
    [
        ("reauthorizationRequired", "lifecycle", f"mbx/{hash_of('path')}"),
        ("subscriptionRemoved", "lifecycle", f"mbx/{hash_of('path')}"),
        ("missed", "notification", ""),
        ("something new", "notification", ""),
    ],
)
def test_lifecycle_words(word: str, cause: str, subject: str) -> None:
    _, wishes = _receive([Bell("secret", word)])

    assert [(wish.cause, wish.subject) for wish in wishes] == [(cause, subject)] * 2


def test_a_row_without_an_account_or_resources_starts_nothing() -> None:
    assert _receive([Bell("secret")], book=_Book(replace(ROW, account=None)))[1] == []
    assert _receive([Bell("secret")], book=_Book(replace(ROW, resources=())))[0] == Received(0, 0)


def test_a_table_that_is_down_is_an_error_so_that_the_sender_comes_again() -> None:
    class Down(_Book):
        def subscription(self, path_hash: str) -> Subscription | None:
            raise ProviderUnavailableError("table")

    with pytest.raises(ProviderUnavailableError):
        _receive([Bell("secret")], book=Down())


def _ports(clinic: Clinic) -> tuple[StartPorts, MemoryImporter]:
    importer = MemoryImporter()
    return StartPorts(clinic.stores.leases, clinic.stores.due, importer, clinic.clock, clinic.ports.ids), importer


def test_a_wish_is_noted_on_the_resource_before_its_machine_starts() -> None:
    clinic = a_clinic()
    clinic.connect()
    ports, importer = _ports(clinic)
    wish = Wish(ACCOUNT, ANNA, "notification")

    assert start_run(wish, ports)
    assert start_run(wish, ports)

    assert clinic.stores.leases.wish(ACCOUNT, ANNA) == 3
    assert [one for one, _ in importer.started] == [wish, wish]
    assert len({run for _, run in importer.started}) == 2


def test_an_unknown_resource_starts_nothing() -> None:
    ports, importer = _ports(a_clinic())

    assert not start_run(Wish(ACCOUNT, ANNA, "host"), ports)
    assert importer.started == []


def test_a_lifecycle_wish_makes_the_renewal_due_at_once() -> None:
    clinic = a_clinic()
    clinic.connect()
    ports, _ = _ports(clinic)

    start_run(Wish(ACCOUNT, ANNA, "lifecycle", "mbx/path"), ports)

    assert [(one.kind, one.subject) for one in clinic.stores.due.due(clinic.clock.now())] == [("renewal", "mbx/path")]


@pytest.mark.prop("P7")
def test_a_machine_that_does_not_start_leaves_the_wish_for_the_next_delivery() -> None:
    """The message comes again; the wish that was noted twice costs one more look, never a lost change."""
    clinic = a_clinic()
    clinic.connect()
    ports, _ = _ports(clinic)

    class Down:
        def start(self, wish: Wish, run: str) -> None:
            raise ProviderUnavailableError("machine")

    with pytest.raises(ProviderUnavailableError):
        start_run(Wish(ACCOUNT, ANNA, "host"), replace(ports, importer=Down()))
    assert clinic.stores.leases.wish(ACCOUNT, ANNA) == 2
