"""The journey's pages with the real Exchange adapter, over TLS and NTLM at the sandbox's Exchange server."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from calsync_core.adapters.exchange.access import ExchangeAccess
from calsync_core.adapters.exchange.signin import ServerSignIn
from calsync_core.domain.apps import CalendarKind
from calsync_core.domain.connection_report import Outcome, Part
from calsync_core.domain.errors import ConnectionBrokenError, ConsentRevokedError
from calsync_core.domain.ids import ResourceId, ServerId
from calsync_core.domain.resources import Status
from calsync_core.domain.servers import KnownServer, ServiceAccess
from calsync_core.usecases.check_connection import CheckConnection, check_connection
from calsync_core.usecases.connect_by_service import ConnectByService, connect_by_service
from calsync_core.usecases.examine_server import TestMailbox, examine_server, set_service
from calsync_core.usecases.follow_mailbox import explain_loss
from calsync_core.usecases.manage_servers import ServiceWish
from calsync_core.usecases.open_mailbox import MailboxOpener

from tests.contract.exchange_side import guard_of
from tests.contract.microsoft import PASSWORD, Microsoft, Person
from tests.journey_world import ACCOUNT, PUBLIC_URL, Browser, JourneyWorld

NINA, ROOM = ResourceId("nina"), ResourceId("room-9")
SERVER = ServerId("main")


class World(JourneyWorld):
    """`JourneyWorld` with the sandbox's Exchange server behind it, which the admin has entered with its authority."""

    def __init__(self, microsoft: Microsoft, person: Person) -> None:
        super().__init__()
        guard = guard_of(microsoft)
        opener = MailboxOpener(
            self.stores, self.clock, self.access, lambda: ExchangeAccess(self.logins, guard), self.logins,
            lambda login, error: explain_loss(login, error, lambda: ServerSignIn(guard)),
        )  # fmt: skip
        self.ports = replace(self.ports, exchange=ServerSignIn(guard), calendars=opener)
        self.rewire()
        self.person = person
        self.add_resource(NINA, "Nina Roth", person.email)
        ca = Path(microsoft.ca_file).read_text()
        address = microsoft.addresses["ews"]
        self.stores.servers.save(KnownServer(SERVER, ACCOUNT, "Head office", address, ca_pem=ca))

    def enter(self, password: str = PASSWORD, browser: Browser | None = None) -> Browser:
        if browser is None:
            browser = self.browser().get(f"/i/{self.invite(NINA, kind=CalendarKind.EXCHANGE).token}/exchange")
        return browser.submit("/exchange", address=self.person.email, password=password, agree="yes")


@pytest.fixture
def nina(microsoft: Microsoft) -> Iterator[Person]:
    return microsoft.add_person(exchange={})


@pytest.fixture
def world(microsoft: Microsoft, nina: Person) -> World:
    return World(microsoft, nina)


def wrong_passwords(person: Person) -> int:
    """How many attempts the directory has counted."""
    return len(person.microsoft.control("GET", f"/people/{person.email}")["exchange"]["wrong_passwords"])


def connect(world: World) -> Any:
    browser = world.enter()
    assert browser.path.endswith("/calendars"), browser.text
    primary = browser.text.partition('name="primary" value="')[2].partition('"')[0]
    browser.submit("/calendars", primary=primary)
    state = world.state(NINA)
    assert state.status is Status.IMPORTING, browser.text
    assert state.mailbox is not None
    return state.mailbox


def test_a_person_connects_with_e_mail_and_password(world: World) -> None:
    mailbox = connect(world)

    shown = world.ports.calendars.of_mailbox(ACCOUNT, mailbox).account()
    assert shown.address.lower() == world.person.email
    server = world.stores.servers.get(ACCOUNT, SERVER)
    assert server is not None
    assert server.is_found
    assert server.api_version.startswith("Exchange20")


def test_wrong_passwords_stop_before_the_directory_locks(world: World) -> None:
    browser = world.enter("falsch")
    assert "Exchange does not accept this sign-in" in browser.text
    for _ in range(4):
        world.enter("falsch", browser)
    assert browser.status == 429
    assert wrong_passwords(world.person) <= 3


def test_a_changed_password_costs_one_attempt_of_all_runs(world: World, nina: Person) -> None:
    mailbox = connect(world)
    nina.microsoft.control("PATCH", f"/people/{nina.email}", {"password": "Sommer-2027!"})
    before = wrong_passwords(nina)

    for _ in range(4):
        with pytest.raises(ConsentRevokedError):
            world.ports.calendars.of_mailbox(ACCOUNT, mailbox).calendars()

    assert wrong_passwords(nina) - before <= 1


@pytest.mark.parametrize("cloud", ["clinic.mail.onmicrosoft.com", ""])
def test_a_mailbox_that_is_no_longer_there_has_moved_only_where_autodiscover_says_so(
    world: World, nina: Person, cloud: str
) -> None:
    mailbox = connect(world)
    moved = {"location": "moved", "cloud_address": f"nina@{cloud}" if cloud else "nina@elsewhere.example"}
    nina.microsoft.control("PATCH", f"/people/{nina.email}", {"exchange": moved})
    before = wrong_passwords(nina)

    for _ in range(3):
        with pytest.raises(ConnectionBrokenError) as caught:
            world.ports.calendars.of_mailbox(ACCOUNT, mailbox).calendars()
        assert caught.value.code in ({"mailbox_moved"} if cloud else {"mailbox_missing", "account_disabled"})

    connection = world.stores.connections.get(ACCOUNT, mailbox)
    assert connection is not None
    assert connection.broken_code == ("mailbox_moved" if cloud else None)
    assert wrong_passwords(nina) == before


def test_the_report_passes_and_leaves_nothing(world: World) -> None:
    mailbox = connect(world)

    report = check_connection(world.ports, CheckConnection(ACCOUNT, mailbox, PUBLIC_URL))

    failed = [step for step in report.steps if step.outcome is Outcome.FAILED]
    assert failed == []
    assert report.outcome(Part.GENERAL) is report.outcome(Part.DATA) is Outcome.OK
    assert PASSWORD not in repr(report)


def test_a_server_is_tested_before_anybody_is_invited(world: World) -> None:
    report = examine_server(world.ports, ACCOUNT, SERVER, TestMailbox(world.person.email, PASSWORD))

    assert report.outcome(Part.GENERAL) is Outcome.OK, report
    server = world.stores.servers.get(ACCOUNT, SERVER)
    assert server is not None
    assert (server.is_found, server.test_code) == (True, "")
    assert "NTLM" in server.schemes.upper()


@pytest.mark.parametrize("access", list(ServiceAccess))
def test_a_room_through_a_service_account(microsoft: Microsoft, world: World, access: ServiceAccess) -> None:
    room = microsoft.add_person(display_name="Room 9", exchange={})
    service = microsoft.add_person(exchange={"may_impersonate": [room.email]})
    if access is ServiceAccess.DELEGATE:
        share = {"person": service.email, "role": "write"}
        microsoft.control("POST", f"/people/{room.email}/calendars/default/share", share)
    wish = ServiceWish(service.email, "", PASSWORD, access)
    set_service(world.ports, ACCOUNT, SERVER, wish, room.email)
    world.add_resource(ROOM, "Room 9", room.email)

    result = connect_by_service(
        world.ports, ConnectByService(ACCOUNT, ROOM, SERVER, room.email, "issuer#admin", "k" * 43)
    )

    assert result.grant is not None
    assert result.grant.is_confirmed
    assert result.grant.identity.subject == room.email
    provider = world.ports.calendars.of_grant(ACCOUNT, result.grant.sealed_cache.rpartition(b"|")[2])
    assert provider.calendars()
