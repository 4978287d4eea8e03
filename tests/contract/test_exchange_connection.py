"""What a bad, broken or hostile server does to our connection: a clear outcome, and no password in the wrong place.

Rows 13-15 and 37 of the bad inputs; trust.md section 5 (SSRF, XML, NTLM/Basic leak).
"""

import base64
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler

import pytest
from calsync_core.adapters.exchange import transport
from calsync_core.adapters.exchange.access import ExchangeAccess
from calsync_core.adapters.exchange.addresses import AddressGuard
from calsync_core.adapters.exchange.client import EwsClient
from calsync_core.adapters.exchange.feed import Feed
from calsync_core.adapters.exchange.folders import Calendars
from calsync_core.adapters.exchange.lookups import Lookups
from calsync_core.adapters.exchange.signin import ServerSignIn
from calsync_core.adapters.exchange.transport import Connection, sign_in_of
from calsync_core.adapters.exchange.views import Views
from calsync_core.adapters.memory.stores import memory_stores
from calsync_core.domain.errors import (
    CalsyncError,
    ConnectionBrokenError,
    ConsentRevokedError,
    InputError,
    ProviderThrottledError,
    ProviderUnavailableError,
    SignInRefusedError,
)
from calsync_core.domain.ids import AccountId, CalendarId
from calsync_core.ports.calendar import Content
from calsync_core.ports.exchange import ExchangeLogin, ExchangeServer, ServerHint, StepName, StepResult, Trial

from tests.contract.calendar_sides import WINDOW
from tests.contract.exchange_answers import answer, sync_page
from tests.contract.exchange_stub import Stub, running_stub, xml

ACCOUNT = AccountId("main")
CALENDAR = CalendarId("F-calendar")
PASSWORD = "Winter-2026!"


@pytest.fixture
def stub() -> Iterator[Stub]:
    with running_stub(xml(answer("<m:x/>"))) as running:
        yield running


def guard(stub: Stub) -> AddressGuard:
    return AddressGuard(stub.allowed)


def login(stub: Stub, **fields: str) -> ExchangeLogin:
    server = ExchangeServer(stub.url, "Exchange2016", "15.2.1", "basic", stub.ca_pem)
    return ExchangeLogin(server, "anna@clinic.example", "CLINIC\\anna", PASSWORD)


def client(stub: Stub) -> EwsClient:
    one = login(stub)
    sign_in = sign_in_of("basic", one.login, one.password)
    return EwsClient(Connection(stub.url, guard(stub), stub.ca_pem, sign_in), one)


def feed(stub: Stub) -> Feed:
    opened = client(stub)
    calendars = Calendars(opened)
    lookups = Lookups(opened, calendars, "Europe/Berlin")
    return Feed(opened, lookups, Views(opened, lookups, "Europe/Berlin"), "Europe/Berlin")


CURSOR = f"ews1|feed|{WINDOW.start_at.isoformat()}/{WINDOW.end_at.isoformat()}|{WINDOW.start_at.isoformat()}|state"


def read(stub: Stub) -> object:
    return feed(stub).page(CALENDAR, CURSOR, WINDOW, Content())


# -- answers that are none ----------------------------------------------------------------------------------------


@pytest.mark.bad_input(13)
@pytest.mark.prop("P15")
@pytest.mark.parametrize("share", [0, 20, 60, 99])
def test_a_page_that_was_cut_is_an_error_and_gives_no_new_cursor(stub: Stub, share: int) -> None:
    """exchangelib takes 60 % of a page for a whole one and keeps the new state: 400 of 1,000 changes were lost."""
    whole = sync_page(40)
    stub.answer = xml(whole[: len(whole) * share // 100])
    with pytest.raises(ProviderUnavailableError):
        read(stub)


def test_a_connection_that_breaks_inside_the_body_is_an_error(stub: Stub) -> None:
    def cut(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
        whole = sync_page(40)
        handler.send_response(200)
        handler.send_header("Content-Type", "text/xml; charset=utf-8")
        handler.send_header("Content-Length", str(len(whole)))
        handler.end_headers()
        handler.wfile.write(whole[: len(whole) // 2])
        handler.wfile.flush()
        handler.connection.close()
        handler.close_connection = True

    stub.answer = cut
    with pytest.raises(ProviderUnavailableError):
        read(stub)
    assert len(stub.came) == 2  # a question may be asked once more, and no more often


@pytest.mark.parametrize(
    "page",
    [
        xml("<html><body>Bitte warten</body></html>", Content_Type="text/html"),
        xml("<html><body>Bitte warten</body></html>"),
        xml(b"", 200),
        xml("ok", Content_Type="text/plain"),
        xml(sync_page(3), Content_Type="text/html"),
        xml(sync_page(3), Content_Encoding="gzip"),
        xml(answer("<m:x/>")),
        xml("", 302, Location="https://elsewhere.example/owa/auth/errorfe.aspx"),
        xml("<html>500</html>", 500, Content_Type="text/html"),
        xml("<html>502</html>", 502, Content_Type="text/html"),
        xml(answer("<m:x/>"), 500),
    ],
    ids=[
        "html",
        "html as xml",
        "empty",
        "text",
        "wrong type",
        "packed",
        "foreign",
        "redirect",
        "500",
        "502",
        "odd 500",
    ],
)
def test_a_page_that_is_no_answer_is_an_error(stub: Stub, page: object) -> None:
    stub.answer = page  # type: ignore[assignment]
    with pytest.raises(ProviderUnavailableError):
        read(stub)


@pytest.mark.bad_input(15)
def test_an_answer_of_fifty_megabytes_is_not_read_to_its_end(stub: Stub) -> None:
    sent = 0

    def flood(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
        nonlocal sent
        handler.send_response(200)
        handler.send_header("Content-Type", "text/xml; charset=utf-8")
        handler.end_headers()
        handler.close_connection = True
        while sent < 50 * 1024 * 1024:
            handler.wfile.write(b" " * 65536)
            sent += 65536

    stub.answer = flood
    with pytest.raises(ProviderUnavailableError, match="answer_too_large"):
        read(stub)
    assert sent < 32 * 1024 * 1024


def test_the_body_of_a_401_has_the_same_limit(stub: Stub) -> None:
    """requests_ntlm reads those bodies by itself."""

    def flood(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
        handler.send_response(401)
        handler.send_header("WWW-Authenticate", "NTLM")
        handler.end_headers()
        handler.close_connection = True
        for _ in range(800):
            handler.wfile.write(b" " * 65536)

    stub.answer = flood
    connection = Connection(stub.url, guard(stub), stub.ca_pem, sign_in_of("ntlm", "anna", PASSWORD))
    with pytest.raises(ProviderUnavailableError, match="answer_too_large"):
        connection.post(b"<x/>", {})


@pytest.mark.bad_input(15)
def test_an_answer_a_byte_at_a_time_ends_with_the_time_limit(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LONGEST_SECONDS", 0.5)

    def drip(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/xml; charset=utf-8")
        handler.end_headers()
        handler.close_connection = True
        for _ in range(400):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)

    stub.answer = drip
    with pytest.raises(ProviderUnavailableError, match="timed_out"):
        read(stub)


# -- where passwords go -------------------------------------------------------------------------------------------


@pytest.mark.complaint(26)
def test_no_byte_is_sent_to_a_server_whose_certificate_is_not_trusted(stub: Stub) -> None:
    for trusted in (None, "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----"):
        connection = Connection(stub.url, guard(stub), trusted, sign_in_of("basic", "anna", PASSWORD))
        with pytest.raises(ConnectionBrokenError, match="certificate_untrusted"):
            connection.post(b"<x/>", {})
    assert stub.came == []


def test_a_certificate_of_another_name_is_not_trusted() -> None:
    with running_stub(xml("x"), name="mail.other.example") as other:
        connection = Connection(other.url, guard(other), other.ca_pem, sign_in_of("basic", "anna", PASSWORD))
        with pytest.raises(ConnectionBrokenError, match="certificate_untrusted"):
            connection.post(b"<x/>", {})
        assert other.came == []


def test_the_checked_address_is_the_one_that_is_connected_to(stub: Stub) -> None:
    """The name is asked for once; what it says later is of no interest, and Host and certificate are the name's."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    once = AddressGuard(stub.allowed, resolve=lambda _host, _port: next(answers))
    connection = Connection(stub.url, once, stub.ca_pem)
    connection.post(b"<x/>", {})
    connection.post(b"<x/>", {})
    assert len(stub.came) == 2
    assert {one.headers["host"] for one in stub.came} == {f"localhost:{stub.port}"}


def test_loopback_is_refused_without_the_operators_leave(stub: Stub) -> None:
    with pytest.raises(InputError, match="server_address"):
        Connection(stub.url, AddressGuard(), stub.ca_pem).post(b"<x/>", {})
    assert stub.came == []


@pytest.mark.bad_input(37)
def test_no_redirect_is_followed_and_no_password_travels_on(stub: Stub) -> None:
    with running_stub(xml("x")) as elsewhere:
        stub.answer = xml("", 302, Location=elsewhere.url)
        with pytest.raises(ProviderUnavailableError):
            read(stub)
        assert elsewhere.came == []


def test_a_redirect_to_microsoft_365_says_that_the_mailbox_moved(stub: Stub) -> None:
    stub.answer = xml("", 302, Location="https://outlook.office365.com/EWS/Exchange.asmx")
    with pytest.raises(ConnectionBrokenError, match="microsoft365"):
        read(stub)


def test_an_environment_with_a_proxy_or_a_netrc_changes_nothing(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    netrc = tmp_path / "netrc"  # type: ignore[operator]
    netrc.write_text("machine localhost login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    Connection(stub.url, guard(stub), stub.ca_pem).post(b"<x/>", {})
    assert "authorization" not in stub.came[0].headers


# -- a password is tried once -------------------------------------------------------------------------------------


def test_a_refused_password_is_sent_once_and_never_again(stub: Stub) -> None:
    stub.answer = xml("", 401, WWW_Authenticate="Basic realm=x")
    access = ExchangeAccess(memory_stores().credentials, guard(stub))
    cache = login(stub).encode()
    provider = access.of_grant(ACCOUNT, cache)
    for _ in range(3):
        with pytest.raises(ConsentRevokedError, match="password_wrong"):
            provider.calendars()
    with pytest.raises(ConsentRevokedError, match="password_wrong"):
        access.of_grant(ACCOUNT, cache)
    assert len(stub.came) == 1

    other = ExchangeLogin.decode(cache.replace(PASSWORD.encode(), b"Spring-2027!"))
    stub.answer = xml(answer("<m:x/>"))
    with pytest.raises(ProviderUnavailableError):
        access.of_grant(ACCOUNT, other.encode()).calendars()
    sent = base64.b64decode(stub.came[-1].headers["authorization"].removeprefix("Basic "))
    assert sent == b"CLINIC\\anna:Spring-2027!"


def test_a_wrong_password_is_sent_once_by_a_sign_in_and_by_the_connection_test(stub: Stub) -> None:
    stub.answer = xml("", 401, WWW_Authenticate="Basic realm=x")
    door = ServerSignIn(guard(stub))
    hint = ServerHint(stub.url, stub.ca_pem)
    with pytest.raises(SignInRefusedError, match="password_wrong"):
        door.find("anna@clinic.example", "anna", PASSWORD, hint)
    assert sum("authorization" in one.headers for one in stub.came) == 1
    assert "authorization" not in stub.came[0].headers  # first without a password

    stub.came.clear()
    steps = list(door.examine(Trial("anna@clinic.example", "anna", PASSWORD, hint)))
    assert sum("authorization" in one.headers for one in stub.came) == 1
    assert [step.name for step in steps] == list(StepName)
    results = {step.name: step.result for step in steps}
    assert results[StepName.SIGN_IN_SCHEMES] is StepResult.OK
    assert results[StepName.SIGNED_IN] is StepResult.FAILED
    assert set(list(results.values())[5:]) == {StepResult.NOT_TRIED}
    assert PASSWORD not in repr(steps)


def test_connections_of_one_account_end_when_another_account_comes(stub: Stub) -> None:
    access = ExchangeAccess(memory_stores().credentials, guard(stub))
    cache = login(stub).encode()
    mine = access.of_grant(ACCOUNT, cache)
    assert access.of_grant(ACCOUNT, cache) is mine
    assert access.of_grant(AccountId("other"), cache) is not mine


# -- the server's moment ------------------------------------------------------------------------------------------


def test_a_busy_server_is_not_waited_for_here(stub: Stub) -> None:
    fault = answer(
        "<s:Fault><faultcode>a:ErrorServerBusy</faultcode><faultstring>x</faultstring><detail>"
        '<e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">ErrorServerBusy'
        '</e:ResponseCode><t:MessageXml><t:Value Name="BackOffMilliseconds">3600000</t:Value></t:MessageXml>'
        "</detail></s:Fault>"
    )
    stub.answer = xml(fault, 500)
    for _ in range(2):
        with pytest.raises(ProviderThrottledError) as busy:
            read(stub)
        assert busy.value.retry_after == timedelta(hours=1)
    assert len(stub.came) == 2


def test_a_503_with_retry_after_names_the_wait(stub: Stub) -> None:
    stub.answer = xml("", 503, Retry_After="17")
    with pytest.raises(ProviderThrottledError) as busy:
        read(stub)
    assert busy.value.retry_after == timedelta(seconds=17)


def test_a_write_whose_answer_is_lost_is_not_sent_twice(stub: Stub) -> None:
    def cut(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
        handler.connection.close()
        handler.close_connection = True

    stub.answer = cut
    opened = client(stub)
    with pytest.raises(ProviderUnavailableError):
        opened.tell("CreateItem", "<m:CreateItem/>")
    assert len(stub.came) == 1
    with pytest.raises(ProviderUnavailableError):
        opened.ask("GetItem", "<m:GetItem/>")
    assert len(stub.came) == 3


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (xml("", 401, WWW_Authenticate="Negotiate-Ex"), "sign_in_scheme"),
        (xml("", 401, WWW_Authenticate="Bearer realm=x"), "sign_in_scheme"),
        (xml("", 404), "web_services_off"),
        (xml("<html>OWA</html>", 200, Content_Type="text/html"), "web_services_off"),
        (xml("", 403), "web_services_off"),
        (xml("", 503), "provider_unavailable"),
        (xml("", 302, Location="https://outlook.office365.com/EWS"), "microsoft365"),
    ],
)
@pytest.mark.complaint(26)
def test_a_door_that_is_none_is_told_by_name(stub: Stub, page: object, code: str) -> None:
    stub.answer = page  # type: ignore[assignment]
    door = ServerSignIn(guard(stub))
    with pytest.raises(CalsyncError, match=code):
        door.find("anna@clinic.example", "anna", PASSWORD, ServerHint(stub.url, stub.ca_pem))
    assert all("authorization" not in one.headers for one in stub.came)


def test_a_name_that_nobody_knows_and_a_port_where_nobody_listens(stub: Stub) -> None:
    unknown = ServerSignIn(AddressGuard(resolve=lambda _host, _port: []))
    with pytest.raises(ConnectionBrokenError, match="server_not_found"):
        unknown.find("anna@clinic.example", "anna", PASSWORD, ServerHint("mail.clinic.example"))
    closed = ServerSignIn(AddressGuard(("127.0.0.1:1",)))
    with pytest.raises(ProviderUnavailableError, match="connection_cut"):
        closed.find("anna@clinic.example", "anna", PASSWORD, ServerHint("127.0.0.1:1", stub.ca_pem))
