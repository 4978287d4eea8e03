"""Finding the server, signing in and the connection test, against the sandbox's Exchange."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from calsync_core.adapters.exchange.access import ExchangeAccess
from calsync_core.adapters.exchange.autodiscover import Autodiscover
from calsync_core.adapters.exchange.signin import ServerSignIn
from calsync_core.adapters.exchange.transport import Connection
from calsync_core.adapters.memory.stores import memory_stores
from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.errors import (
    CalsyncError,
    ConnectionBrokenError,
    ConsentRevokedError,
    InputError,
    MailboxUnusableError,
    PermissionMissingError,
    SignInRefusedError,
)
from calsync_core.domain.ids import AccountId
from calsync_core.ports.exchange import ExchangeLogin, ServerHint, StepName, StepResult, Trial

from tests.contract.ews_exchanges import check_ews_exchanges
from tests.contract.exchange_side import ExchangeSide, guard_of, login_of, open_mailbox, server_of
from tests.contract.microsoft import PASSWORD, Microsoft, Person
from tests.contract.webhook_receiver import Receiver


@pytest.fixture
def door(microsoft: Microsoft) -> ServerSignIn:
    return ServerSignIn(guard_of(microsoft))


@pytest.fixture
def anna(microsoft: Microsoft) -> Iterator[Person]:
    yield microsoft.add_person(exchange={})
    microsoft.control("PATCH", "/exchange/servers/exchange", {"ews_auth": ["Negotiate", "NTLM", "Basic"]})


def hint(microsoft: Microsoft, **fields: Any) -> ServerHint:
    return ServerHint(microsoft.addresses["ews"], Path(microsoft.ca_file).read_text(), **fields)


def wrong_passwords(person: Person) -> int:
    """How many attempts the directory has counted."""
    return len(person.microsoft.control("GET", f"/people/{person.email}")["exchange"]["wrong_passwords"])


# -- finding ------------------------------------------------------------------------------------------------------


def test_a_given_server_is_asked_once_with_the_password(microsoft: Microsoft, door: ServerSignIn, anna: Person) -> None:
    since = microsoft.log_id()
    server = door.find(anna.email, anna.email, PASSWORD, hint(microsoft))

    assert server.url == microsoft.addresses["ews"]
    assert server.auth == "ntlm"
    assert server.api_version == "Exchange2016"
    assert server.build.startswith("15.2.")
    assert server.ca_pem
    assert not server.is_2007
    assert len(microsoft.log(since)) <= 4  # one without a password, three of NTLM


@pytest.mark.parametrize(
    ("methods", "auth"),
    [(["Basic"], "basic"), (["NTLM"], "ntlm"), (["Negotiate"], "ntlm"), (["Negotiate", "NTLM", "Basic"], "ntlm")],
)
def test_the_scheme_is_the_servers(
    microsoft: Microsoft, door: ServerSignIn, anna: Person, methods: list[str], auth: str
) -> None:
    microsoft.control("PATCH", "/exchange/servers/exchange", {"ews_auth": methods})
    server = door.find(anna.email, anna.email, PASSWORD, hint(microsoft))
    assert server.auth == auth
    found = open_mailbox(anna, ExchangeLogin(server, anna.email, anna.email, PASSWORD)).calendars()
    assert found[0].is_default


def test_the_2007_protocol_is_asked_from_the_first_request(
    microsoft: Microsoft, door: ServerSignIn, anna: Person
) -> None:
    since = microsoft.log_id()
    server = door.find(anna.email, anna.email, PASSWORD, hint(microsoft, is_2007=True, time_zone="Europe/Berlin"))
    assert (server.api_version, server.is_2007, server.time_zone) == ("Exchange2007_SP1", True, "Europe/Berlin")
    assert check_ews_exchanges(microsoft.log(since), anna.email, is_2007=True) >= 1


@pytest.mark.parametrize("login", ["sam", "CORP\\sam", "upn"])
def test_the_login_is_not_always_the_address(microsoft: Microsoft, door: ServerSignIn, login: str) -> None:
    sam = microsoft.add_person(exchange={})
    account = microsoft.control("GET", f"/people/{sam.email}")["exchange"]
    name = {"sam": account["login"], "CORP\\sam": f"CORP\\{account['login']}", "upn": account["upn"]}[login]
    server = door.find(sam.email, name, PASSWORD, hint(microsoft))
    signed_in = door.sign_in(ExchangeLogin(server, sam.email, name, PASSWORD))
    assert signed_in.address == sam.email


def test_a_wrong_password_costs_one_attempt(microsoft: Microsoft, door: ServerSignIn, anna: Person) -> None:
    for tried, methods in enumerate((["Basic"], ["Negotiate", "NTLM"]), 1):
        microsoft.control("PATCH", "/exchange/servers/exchange", {"ews_auth": methods})
        with pytest.raises(SignInRefusedError, match="password_wrong"):
            door.find(anna.email, anna.email, "Summer-1999!", hint(microsoft))
        assert wrong_passwords(anna) == tried
    steps = list(door.examine(Trial(anna.email, anna.email, "Summer-1999!", hint(microsoft))))
    assert [step.code for step in steps if step.result is StepResult.FAILED] == ["password_wrong"]
    assert wrong_passwords(anna) == 3


def test_a_password_that_was_changed_later_is_tried_once(microsoft: Microsoft, anna: Person) -> None:
    """Complaint of every seed: the old password goes on knocking until the directory locks the account."""
    access = ExchangeAccess(memory_stores().credentials, guard_of(microsoft))
    cache = login_of(anna).encode()
    assert access.of_grant(AccountId("main"), cache).calendars()
    microsoft.control("PATCH", f"/people/{anna.email}", {"password": "Summer-2027!"})
    access.close()  # the connection that was signed in would go on
    for _ in range(4):
        with pytest.raises(ConsentRevokedError, match="password_wrong"):
            access.of_grant(AccountId("main"), cache).calendars()
    assert wrong_passwords(anna) == 1


@pytest.mark.parametrize("server", ["ftp://mail.example", "http://mail.example", "10.0.0.5", "localhost:22", "a b"])
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_sent(
    microsoft: Microsoft, door: ServerSignIn, anna: Person, server: str
) -> None:
    since = microsoft.log_id()
    with pytest.raises((InputError, ConnectionBrokenError)):
        door.find(anna.email, anna.email, PASSWORD, ServerHint(server))
    assert microsoft.log(since) == []


def test_microsoft_365_is_refused_with_the_way_out(door: ServerSignIn) -> None:
    for server in ("outlook.office365.com", "https://outlook.office.com/owa/", "outlook.live.com.outlook.com"):
        with pytest.raises(SignInRefusedError, match="microsoft365"):
            door.find("max@contoso.example", "max@contoso.example", PASSWORD, ServerHint(server))


# -- Autodiscover -------------------------------------------------------------------------------------------------


def autodiscover(microsoft: Microsoft, *, only: str = "") -> tuple[Autodiscover, list[str]]:
    """The usual places of an address's domain lead to the sandbox; `only` leaves one of them."""
    opened: list[str] = []
    base = microsoft.addresses["ews"].partition("/EWS")[0]
    ca = Path(microsoft.ca_file).read_text()

    def open_(url: str, sign_in: Any) -> Connection:
        opened.append(url if sign_in is None else f"password {url}")
        there = url if only and only not in url else url.replace("https://autodiscover.clinic.example", base)
        return Connection(there, guard_of(microsoft), ca, sign_in)

    return Autodiscover(open_), opened


@pytest.mark.parametrize("kind", ["autodiscover.svc", "autodiscover.xml"])
def test_the_server_is_found_by_the_address_alone(microsoft: Microsoft, anna: Person, kind: str) -> None:
    finder, opened = autodiscover(microsoft, only=kind)
    assert finder.ews_url(anna.email, anna.email, PASSWORD) == microsoft.addresses["ews"]
    assert opened[-1] == f"password https://autodiscover.clinic.example/autodiscover/{kind}"


def test_a_refused_password_is_not_carried_to_the_next_place(microsoft: Microsoft, anna: Person) -> None:
    finder, opened = autodiscover(microsoft)
    with pytest.raises(SignInRefusedError, match="password_wrong"):
        finder.ews_url(anna.email, anna.email, "Summer-1999!")
    assert len([one for one in opened if one.startswith("password")]) == 1


def test_nobody_answers_for_a_foreign_domain(microsoft: Microsoft, door: ServerSignIn) -> None:
    finder, opened = autodiscover(microsoft)
    with pytest.raises(ConnectionBrokenError, match="server_not_found"):
        finder.ews_url("max@nowhere.invalid", "max@nowhere.invalid", PASSWORD)
    assert not [one for one in opened if one.startswith("password")]
    assert all(one.startswith("https://") for one in opened)


def test_a_mailbox_that_moved_to_the_cloud_is_told_so(microsoft: Microsoft) -> None:
    moved = microsoft.add_person(exchange={"location": "moved", "cloud_address": "m@clinic.mail.onmicrosoft.com"})
    finder, _ = autodiscover(microsoft)
    with pytest.raises(SignInRefusedError, match="microsoft365"):
        finder.ews_url(moved.email, moved.email, PASSWORD)


def test_a_redirect_of_autodiscover_is_not_followed_with_a_password(microsoft: Microsoft, anna: Person) -> None:
    server = "/exchange/servers/exchange"
    for url, error in (
        ("https://autodiscover-s.outlook.com/autodiscover/autodiscover.xml", "microsoft365"),
        ("https://evil.example/autodiscover/autodiscover.xml", "server_not_found"),
    ):
        microsoft.control("PATCH", server, {"autodiscover_redirect": url})
        finder, opened = autodiscover(microsoft)
        try:
            with pytest.raises(CalsyncError, match=error):
                finder.ews_url(anna.email, anna.email, PASSWORD)
        finally:
            microsoft.control("PATCH", server, {"autodiscover_redirect": ""})
        assert not [one for one in opened if one.startswith("password")]


# -- signing in ---------------------------------------------------------------------------------------------------


def test_a_sign_in_names_the_mailbox_that_answers(microsoft: Microsoft, door: ServerSignIn, anna: Person) -> None:
    signed_in = door.sign_in(login_of(anna))
    assert signed_in.identity.provider is ProviderKind.EXCHANGE
    assert signed_in.identity.directory == "localhost"
    assert signed_in.identity.subject == signed_in.address == anna.email
    assert signed_in.display_name == "Dr Test"
    assert ExchangeLogin.decode(signed_in.cache).password == PASSWORD


def test_the_mailbox_is_the_logins_whatever_address_was_given(
    microsoft: Microsoft, door: ServerSignIn, anna: Person
) -> None:
    """Who enters a colleague's address with his own login connects himself, and the page shows it."""
    ben = microsoft.add_person(exchange={})
    signed_in = door.sign_in(login_of(anna, address=ben.email))
    assert signed_in.address == anna.email


def test_a_service_account_acts_for_those_it_may(microsoft: Microsoft, door: ServerSignIn, anna: Person) -> None:
    service = microsoft.add_person(exchange={"may_impersonate": [anna.email]}, display_name="Service")
    ben = microsoft.add_person(exchange={})
    acting = replace(login_of(service), access="impersonation", mailbox=anna.email)

    signed_in = door.sign_in(acting)
    provider = open_mailbox(service, ExchangeLogin.decode(signed_in.cache))

    assert signed_in.identity.subject == anna.email
    assert provider.account().address == anna.email
    assert not provider.calendars()[0].is_shared
    with pytest.raises(PermissionMissingError, match="impersonation_denied"):
        door.sign_in(replace(acting, mailbox=ben.email))


def test_a_delegate_needs_a_right_on_the_calendar(microsoft: Microsoft, door: ServerSignIn, anna: Person) -> None:
    service = microsoft.add_person(exchange={}, display_name="Service")
    acting = replace(login_of(service), access="delegate", mailbox=anna.email)
    with pytest.raises((PermissionMissingError, MailboxUnusableError)):
        door.sign_in(acting)

    share = {"person": service.email, "role": "write"}
    microsoft.control("POST", f"/people/{anna.email}/calendars/default/share", share)
    assert door.sign_in(acting).identity.subject == anna.email


def test_a_mailbox_that_is_not_there_is_told(microsoft: Microsoft, door: ServerSignIn, anna: Person) -> None:
    acting = replace(login_of(anna), access="delegate", mailbox="nobody@clinic.example")
    with pytest.raises(MailboxUnusableError, match="mailbox_missing"):
        door.sign_in(acting)


# -- the connection test ------------------------------------------------------------------------------------------


def test_the_report_names_every_step_and_leaves_nothing_behind(
    microsoft: Microsoft, door: ServerSignIn, anna: Person, receiver: Receiver
) -> None:
    side = ExchangeSide(microsoft.add_person(calendars=[{"name": "Second"}], exchange={}))
    email = side.person.email
    since = microsoft.log_id()
    steps = list(door.examine(Trial(email, email, PASSWORD, hint(microsoft), push_url=f"{receiver.url}/hooks/x")))

    assert [step.name for step in steps] == list(StepName)
    assert {step.name: step.code for step in steps if step.result is not StepResult.OK} == {}
    shown = {step.name: step.found for step in steps}
    assert "127.0.0.1" in shown[StepName.NAME_FOUND]
    assert "TLSv1" in shown[StepName.SECURE_CONNECTION]
    assert "NTLM" in shown[StepName.SIGN_IN_SCHEMES]
    assert "Exchange 2019 or SE" in shown[StepName.SIGNED_IN]
    assert shown[StepName.MAILBOX] == email
    assert PASSWORD not in repr(steps)
    assert side.mails() == []
    assert side.person.rest("GET", "/me/events?$top=5")["value"] == []
    assert check_ews_exchanges(microsoft.log(since), email) >= 8


def test_what_may_not_be_written_is_told_and_the_rest_is_tried(
    microsoft: Microsoft, door: ServerSignIn, anna: Person
) -> None:
    owner = microsoft.add_person(exchange={})
    microsoft.control("POST", f"/people/{owner.email}/calendars/default/share", {"person": anna.email, "role": "read"})
    trial = Trial(anna.email, anna.email, PASSWORD, hint(microsoft), "delegate", owner.email)

    results = {step.name: step for step in door.examine(trial)}

    assert results[StepName.READ_CALENDAR].result is StepResult.OK
    assert results[StepName.WRITE_ENTRY].result is StepResult.FAILED
    assert results[StepName.WRITE_ENTRY].code == "permission_missing"
    assert results[StepName.WRITE_ENTRY].provider_code
    assert results[StepName.DELETE_ENTRY].result is StepResult.NOT_TRIED
    assert results[StepName.CHANGE_MESSAGES].result is StepResult.NOT_TRIED


def test_a_mailbox_without_web_services_is_told(microsoft: Microsoft, door: ServerSignIn) -> None:
    off = microsoft.add_person(exchange={"is_ews_enabled": False})
    results = {s.name: s for s in door.examine(Trial(off.email, off.email, PASSWORD, hint(microsoft)))}
    assert results[StepName.WEB_SERVICES].result is StepResult.OK
    assert results[StepName.SIGNED_IN].code == "web_services_off"


def test_a_certificate_of_nobody_ends_the_test_at_tls(microsoft: Microsoft, door: ServerSignIn, anna: Person) -> None:
    since = microsoft.log_id()
    steps = list(door.examine(Trial(anna.email, anna.email, PASSWORD, ServerHint(microsoft.addresses["ews"]))))
    assert [step.result for step in steps][:2] == [StepResult.OK, StepResult.FAILED]
    assert steps[1].code == "certificate_untrusted"
    assert {step.result for step in steps[2:]} == {StepResult.NOT_TRIED}
    assert microsoft.log(since) == []


@pytest.mark.parametrize(
    ("release", "version"),
    [
        ("2007_SP1", "Exchange2007_SP1"),
        ("2010", "Exchange2010"),
        ("2013", "Exchange2013"),
        ("2016", "Exchange2016"),
        ("2019", "Exchange2016"),
    ],
)
def test_servers_of_every_release_are_asked_in_their_own_words(
    microsoft: Microsoft, door: ServerSignIn, release: str, version: str
) -> None:
    known = {one["name"] for one in microsoft.control("GET", "/exchange/servers")}
    if "other" not in known:  # the same machine under another name
        microsoft.control("POST", "/exchange/servers", {"name": "other", "hosts": ["127.0.0.1"]})
    microsoft.control("PATCH", "/exchange/servers/other", {"release": release})
    person = microsoft.add_person(exchange={"server": "other"})
    at = replace(hint(microsoft), server=microsoft.addresses["ews"].replace("localhost", "127.0.0.1"))

    server = door.find(person.email, person.email, PASSWORD, at)

    assert server.api_version.startswith(version)
    assert open_mailbox(person, ExchangeLogin(server, person.email, person.email, PASSWORD)).calendars()


def test_stored_servers_need_no_guessing(microsoft: Microsoft, anna: Person) -> None:
    since = microsoft.log_id()
    open_mailbox(anna, login_of(anna, server=server_of(microsoft, auth="basic"))).calendars()
    assert len(microsoft.log(since)) == 2  # folders in one, the list of calendars in the other
