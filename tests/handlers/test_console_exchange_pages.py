"""Exchange in the console: servers, test mailboxes, service accounts, access codes, the connection test report."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from calsync_core.adapters.memory.calendar import MemoryCalendarProvider
from calsync_core.adapters.memory.exchange import MemoryExchangeAccess, MemoryExchangeServer
from calsync_core.adapters.memory.mailbox import MemoryMailboxServer
from calsync_core.domain.apps import AppRule, CalendarKind
from calsync_core.domain.connections import Connection, MailboxIdentity, ProviderKind
from calsync_core.domain.errors import ConsentRevokedError, PermissionMissingError
from calsync_core.domain.ids import MailboxId, ResourceId, ServerId
from calsync_core.domain.resources import Status
from calsync_core.domain.servers import KnownServer, ServiceAccess, service_mailbox
from calsync_core.usecases.agree_to_privacy import agree_to_privacy
from calsync_core.usecases.open_mailbox import MailboxOpener
from calsync_core.usecases.use_app import issue_access_code
from calsync_core.web.api.app import api_handler
from calsync_core.web.api.frame import ApiFrame
from calsync_core.web.public.routes import mail_link_routes
from calsync_core.web.public.site import Site
from calsync_core.web.request import Request
from calsync_core.web.routing import web_handler

from tests.console_world import MAIN, NOW, OTHER, PUBLIC, Browser, World, http_event

HOST, SERVERS = "mail.clinic.example", "/console/connections/servers"
SECRET, SERVICE_SECRET = "Probe-Wort-55", "Dienst-Wort-66"
ANNA = ResourceId("anna")
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"


@pytest.fixture
def world() -> World:
    world = World()
    world.add_resource()
    world.exchange.add_server(HOST, domain="clinic.example").add("probe@clinic.example", SECRET, "CLINIC\\probe")
    world.ports = replace(
        world.ports,
        calendars=MailboxOpener(
            world.stores,
            world.clock,
            world.calendars,
            lambda: MemoryExchangeAccess(world.exchange, world.logins),
            world.logins,
        ),
    )
    world.parts = replace(world.parts, ports=world.ports)
    world.rebuild()
    return world


@pytest.fixture
def browser(world: World) -> Browser:
    return world.browser()


@pytest.fixture
def exchange(world: World) -> MemoryExchangeServer:
    return world.exchange.servers[HOST]


def body(answer: dict[str, Any], status: int = 200) -> str:
    assert answer["statusCode"] == status, answer["body"]
    return str(answer["body"])


def text(answer: dict[str, Any], status: int = 200) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", body(answer, status)).split())


def new_server(world: World, browser: Browser, **fields: str) -> KnownServer:
    answer = browser.post(SERVERS, {"title": "Head office", "address": HOST, **fields})
    assert answer["statusCode"] == 303, answer["body"]
    return world.stores.servers.of_account(MAIN)[-1]


def examine(browser: Browser, server: KnownServer, password: str = SECRET, **fields: str) -> dict[str, Any]:
    wish = {"test_address": "probe@clinic.example", "test_login": "CLINIC\\probe", "test_password": password, **fields}
    return browser.post(f"{SERVERS}/{server.id}/test", wish)


def with_service(world: World, browser: Browser, access: str = "delegate") -> KnownServer:
    """A server with a service account that may open the room's mailbox."""
    exchange = world.exchange.servers[HOST]
    exchange.add("svc@clinic.example", SERVICE_SECRET, "CLINIC\\svc")
    room = exchange.add("room4@clinic.example", "nobody knows")
    {"delegate": room.delegates, "impersonation": room.impersonators}[access].add("svc@clinic.example")
    server = new_server(world, browser)
    answer = browser.post(f"{SERVERS}/{server.id}/service", service_form(access))
    assert answer["statusCode"] == 303, answer["body"]
    found = world.stores.servers.get(MAIN, server.id)
    assert found is not None
    return found


def service_form(access: str = "delegate", password: str = SERVICE_SECRET) -> dict[str, str | list[str]]:
    return {
        "service_address": "svc@clinic.example",
        "service_login": "CLINIC\\svc",
        "service_password": password,
        "access": access,
        "mailbox": "room4@clinic.example",
    }


def everything(world: World) -> str:
    stores = world.stores
    rows = [stores.servers.of_account(MAIN), stores.connections.of_account(MAIN), vars(stores.attempts)]
    return repr([*rows, stores.log.of_resource(MAIN, ANNA), world.queue.wishes, world.mailer.sent])


# -- servers -------------------------------------------------------------------------------------------------------


def test_a_server_is_entered_changed_and_removed(world: World, browser: Browser) -> None:
    server = new_server(world, browser, mail_domains="clinic.example, @lab.example", time_zone="Europe/Vienna")
    assert (server.title, server.mail_domains) == ("Head office", ("clinic.example", "lab.example"))
    assert "Head office" in text(browser.get("/console/connections"))
    assert "Not tested yet" in text(browser.get("/console/connections"))

    address = f"{SERVERS}/{server.id}"
    browser.post(address, {"title": "North", "address": HOST, "is_2007": "yes", "ca_pem": PEM})
    changed = world.stores.servers.get(MAIN, server.id)
    assert changed is not None
    assert (changed.title, changed.is_2007, changed.ca_pem, changed.time_zone) == ("North", True, PEM + "\n", None)

    assert browser.post(f"{address}/remove")["statusCode"] == 303
    assert world.stores.servers.of_account(MAIN) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"title": " "}, "name"),
        ({"address": "http://mail.clinic.example"}, "This server address cannot be used"),
        ({"address": "mail.clinic.example/?x=1"}, "This server address cannot be used"),
        ({"address": "user@mail.clinic.example"}, "This server address cannot be used"),
        ({"mail_domains": "clinic"}, "One of the mail domains cannot be right"),
        ({"ca_pem": PEM.replace("CERTIFICATE", "PRIVATE KEY")}, "not a certificate"),
        ({"time_zone": "Mars/Olympus"}, "This time zone is not known"),
    ],
)
def test_what_cannot_be_right_is_told_and_nothing_is_saved(
    world: World, browser: Browser, fields: dict[str, str], code: str
) -> None:
    page = text(browser.post(SERVERS, {"title": "Head office", "address": HOST, **fields}), 422)
    assert code in page
    assert world.stores.servers.of_account(MAIN) == []


def test_a_certificate_may_be_a_file(world: World, browser: Browser) -> None:
    server = new_server(world, browser)
    token = world.frame.token(Request("POST", "/", cookies=browser.cookies))
    parts = {"csrf": token, "title": "Head office", "address": HOST, "ca_pem": ""}
    lines = [
        f'--x\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts.items()
    ]
    file = f'--x\r\ncontent-disposition: form-data; name="ca_file"; filename="ca.pem"\r\n\r\n{PEM}\r\n--x--\r\n'
    event = http_event(
        "POST",
        f"{SERVERS}/{server.id}",
        browser.cookies,
        "".join(lines) + file,
        {"content-type": "multipart/form-data; boundary=x"},
    )

    answer = world.handler(event, None)

    assert answer["statusCode"] == 303, answer["body"]
    stored = world.stores.servers.get(MAIN, server.id)
    assert stored is not None
    assert stored.ca_pem is not None
    assert stored.ca_pem.replace("\r\n", "\n") == PEM + "\n"


def test_another_accounts_server_is_unknown(world: World, browser: Browser) -> None:
    foreign = world.stores.servers.save(KnownServer(ServerId("theirs"), OTHER, "Theirs", HOST))
    for path in ("", "/test", "/service", "/remove"):
        assert browser.post(f"{SERVERS}/{foreign.id}{path}", {"title": "x", "address": HOST})["statusCode"] == 404
    assert browser.get(f"{SERVERS}/{foreign.id}")["statusCode"] == 404
    assert "Theirs" not in text(browser.get("/console/connections"))


def test_a_server_in_use_keeps_its_host_and_stays(world: World, browser: Browser) -> None:
    server = new_server(world, browser)
    identity = MailboxIdentity(ProviderKind.EXCHANGE, HOST, "anna@clinic.example")
    world.stores.connections.save(
        Connection(MailboxId("m"), MAIN, identity, "anna@clinic.example", "Anna", "p-anna", server=server.id)
    )
    address = f"{SERVERS}/{server.id}"

    assert "This server is in use" in text(browser.post(f"{address}/remove"), 422)
    other = {"title": "Head office", "address": "evil.example"}
    assert "This server is in use" in text(browser.post(address, other), 422)
    same = {"title": "Renamed", "address": f"https://{HOST}/EWS/Exchange.asmx"}
    assert browser.post(address, same)["statusCode"] == 303
    assert "Disconnect it first" in text(browser.get(address))


def test_a_viewer_changes_nothing(world: World) -> None:
    viewer = world.browser(role="viewer")
    assert viewer.post(SERVERS, {"title": "x", "address": HOST})["statusCode"] == 403
    assert world.stores.servers.of_account(MAIN) == []


# -- the check before anybody is invited ---------------------------------------------------------------------------


def test_a_test_mailbox_shows_what_the_server_can_and_its_password_is_not_kept(world: World, browser: Browser) -> None:
    server = new_server(world, browser)

    page = text(examine(browser, server))

    for line in ("General connection ✓ well", "Send and receive data ✓ well", "Name found (DNS)", "15.2.1544.4"):
        assert line in page
    for line in ("Secure connection (TLS)", "Ways to sign in", "ntlm", "Write a test entry"):
        assert line in page
    found = world.stores.servers.get(MAIN, server.id)
    assert found is not None
    assert (found.api_version, found.build, found.auth, found.schemes) == (
        "Exchange2016",
        "15.2.1544.4",
        "ntlm",
        "ntlm",
    )
    assert SECRET not in page
    assert SECRET not in everything(world)
    assert world.stores.credentials.load(MAIN, service_mailbox(server.id)) is None
    assert not vars(world.stores.credentials).get("_rows")


def test_a_failure_says_what_it_means_what_is_next_and_who_acts(
    world: World, browser: Browser, exchange: MemoryExchangeServer
) -> None:
    exchange.mailboxes["probe@clinic.example"].may_write = False
    server = new_server(world, browser)

    page = text(examine(browser, server))

    assert "Send and receive data ✗ failed" in page
    assert "General connection ✓ well" in page
    step = page[page.index("Write a test entry") :]
    assert "Next:" in step
    assert "Who acts:" in step
    assert "Delete the test entry" in step
    assert SECRET not in page
    assert "Copy the report" in page


def test_wrong_passwords_of_a_test_mailbox_stop_after_three(
    world: World, browser: Browser, exchange: MemoryExchangeServer
) -> None:
    server = new_server(world, browser)
    for _ in range(3):
        page = text(examine(browser, server, "falsch"))
        assert "Exchange does not accept this sign-in" in page
        assert "falsch" not in page
    seen = len(exchange.passwords_seen)
    assert "Three passwords were wrong" in text(examine(browser, server), 429)
    assert len(exchange.passwords_seen) == seen
    world.clock.advance(timedelta(minutes=15))
    assert "General connection ✓" in text(examine(browser, server))


def test_a_test_mailbox_at_microsoft_is_not_tried(
    world: World, browser: Browser, exchange: MemoryExchangeServer
) -> None:
    server = new_server(world, browser)
    page = text(examine(browser, server, test_address="x@outlook.com"), 403)
    assert "This mailbox is in Microsoft 365" in page
    assert exchange.passwords_seen == []


# -- service accounts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("access", list(ServiceAccess))
def test_a_service_account_is_tried_sealed_and_never_shown(world: World, browser: Browser, access: str) -> None:
    server = with_service(world, browser, access)
    assert server.service is not None
    assert (server.service.address, server.service.access) == ("svc@clinic.example", access)
    stored = world.stores.credentials.load(MAIN, service_mailbox(server.id))
    assert stored is not None
    assert stored[0].decode() == SERVICE_SECRET
    assert SERVICE_SECRET not in body(browser.get(f"{SERVERS}/{server.id}")) + everything(world)


def test_a_service_account_without_the_right_is_not_kept(world: World, browser: Browser) -> None:
    exchange = world.exchange.servers[HOST]
    exchange.add("svc@clinic.example", SERVICE_SECRET, "CLINIC\\svc")
    exchange.add("room4@clinic.example", "nobody knows")
    server = new_server(world, browser)

    answer = browser.post(f"{SERVERS}/{server.id}/service", service_form())

    assert answer["statusCode"] == 409
    assert SERVICE_SECRET not in answer["body"]
    assert world.stores.credentials.load(MAIN, service_mailbox(server.id)) is None


def public(world: World) -> Any:
    """The public function over the same stores, for what follows a sign-in."""
    site = Site(world.frame.pages, world.ports, world.parts.link_key, world.frame.csrf_key)
    return web_handler(mail_link_routes(site), site.on_error)


def follow(world: World, browser: Browser, address: str) -> dict[str, Any]:
    return dict(public(world)(http_event("GET", address, browser.cookies), None))


def by_service(world: World, browser: Browser, server: KnownServer, resource: str, mailbox: str) -> dict[str, Any]:
    fields: dict[str, str | list[str]] = {"server": server.id, "mailbox": mailbox, "agree": "yes"}
    return browser.post(f"/console/resources/{resource}/exchange/service", fields)


def connected_room(world: World, browser: Browser) -> tuple[KnownServer, MailboxId]:
    world.add_resource("room4", email="room4@clinic.example")
    server = with_service(world, browser)
    answer = by_service(world, browser, server, "room4", "room4@clinic.example")
    page = follow(world, browser, answer["headers"]["location"])
    csrf = re.search(r'name="csrf" value="([^"]*)"', page["body"])
    assert csrf, page
    form = f"csrf={csrf[1]}&primary=calendar-1"
    kind = {"content-type": "application/x-www-form-urlencoded"}
    public(world)(http_event("POST", answer["headers"]["location"], browser.cookies, form, kind), None)
    mailbox = world.state("room4").mailbox
    assert mailbox is not None
    return server, mailbox


def test_a_room_is_connected_through_it_and_no_second_copy_of_the_password_is_stored(
    world: World, browser: Browser
) -> None:
    server, mailbox = connected_room(world, browser)

    connection = world.stores.connections.get(MAIN, mailbox)
    assert connection is not None
    assert (connection.server, connection.access) == (server.id, "delegate")
    stored = world.stores.credentials.load(MAIN, mailbox)
    assert stored is not None
    assert SERVICE_SECRET.encode() not in stored[0]
    assert world.ports.calendars.of_mailbox(MAIN, mailbox).calendars()


def test_a_mailbox_that_is_not_the_resources_needs_a_confirming_press(world: World, browser: Browser) -> None:
    world.add_resource("room4", email="room4@clinic.example")
    server = with_service(world, browser)
    other = world.exchange.servers[HOST].add("kitchen@clinic.example", "nobody knows")
    other.delegates.add("svc@clinic.example")

    answer = by_service(world, browser, server, "room4", "kitchen@clinic.example")

    assert answer["headers"]["location"].endswith("/account")
    page = text(follow(world, browser, answer["headers"]["location"]))
    assert "kitchen@clinic.example" in page
    assert "Is this the right account?" in page
    assert world.state("room4").status is Status.NOT_INVITED


def test_the_changed_password_of_a_service_account_stops_all_its_mailboxes_at_the_first_refusal(
    world: World, browser: Browser
) -> None:
    server, mailbox = connected_room(world, browser)
    exchange = world.exchange.servers[HOST]
    exchange.mailboxes["svc@clinic.example"].password = "Neues-Wort-99"
    exchange.passwords_seen.clear()

    for _ in range(4):
        with pytest.raises(ConsentRevokedError) as refused:
            world.ports.calendars.of_mailbox(MAIN, mailbox).calendars()
        assert refused.value.code == "service_refused"
    assert len(exchange.passwords_seen) == 1
    assert "no longer accepts the service account" in text(browser.get(f"{SERVERS}/{server.id}"))
    state = world.state("room4")
    world.stores.resources.save(state.moved_to(Status.REAUTH_REQUIRED, NOW, reason="service_refused"))
    world.queue.take_all()

    answer = browser.post(f"{SERVERS}/{server.id}/service", service_form(password="Neues-Wort-99"))

    assert answer["statusCode"] == 303, answer["body"]
    assert world.state("room4").status is Status.IMPORTING
    assert [wish.resource for wish in world.queue.take_all()] == ["room4"]
    assert world.ports.calendars.of_mailbox(MAIN, mailbox).calendars()


def test_an_admin_connects_with_the_resources_own_login(world: World, browser: Browser) -> None:
    exchange = world.exchange.servers[HOST]
    exchange.add("anna@clinic.example", "Annas-Wort-1", "CLINIC\\anna")
    fields: dict[str, str | list[str]] = {
        "address": "anna@clinic.example",
        "login": "CLINIC\\anna",
        "password": "Annas-Wort-1",
    }
    refused = browser.post("/console/resources/anna/exchange", fields)
    assert "agree" in text(refused, 422).lower()
    assert exchange.passwords_seen == []

    answer = browser.post("/console/resources/anna/exchange", {**fields, "agree": "yes"})

    assert answer["headers"]["location"].endswith("/calendars")
    assert "Signed in as anna@clinic.example" in text(follow(world, browser, answer["headers"]["location"]))
    assert "Annas-Wort-1" not in refused["body"] + everything(world)


# -- apps and access codes -----------------------------------------------------------------------------------------


def limit(world: World, rule: AppRule) -> None:
    world.ports = replace(world.ports, app_rules={ProviderKind.EXCHANGE: rule})
    world.parts = replace(world.parts, ports=world.ports)
    world.rebuild()


def test_an_access_code_opens_the_app_once(world: World, browser: Browser) -> None:
    limit(world, AppRule.CODE)
    issued = issue_access_code(world.stores.apps, world.clock, world.ids, MAIN, ProviderKind.EXCHANGE)
    assert "Needs an access code" in text(browser.get("/console/connections"))
    agree_to_privacy(world.stores.journeys, world.clock, MAIN, "x", "1")
    invite = {"resource": "anna", "kind": "exchange"}
    assert "needs an access code" in text(browser.post("/console/invite", invite))

    assert browser.post("/console/connections/apps/code", {"code": f" {issued.secret} "})["statusCode"] == 303

    assert "Needs an access code" not in text(browser.get("/console/connections"))
    assert browser.post("/console/invite", invite)["statusCode"] == 303
    assert issued.secret not in repr(vars(world.stores.apps))
    again = browser.post("/console/connections/apps/code", {"code": issued.secret})
    assert "This access code opens nothing" in text(again, 422)


def test_codes_cannot_be_guessed(world: World, browser: Browser) -> None:
    limit(world, AppRule.CODE)
    issued = issue_access_code(world.stores.apps, world.clock, world.ids, MAIN, ProviderKind.EXCHANGE)
    theirs = issue_access_code(world.stores.apps, world.clock, world.ids, OTHER, ProviderKind.EXCHANGE)
    for code in ("1", "2", "3", theirs.secret, "5"):
        assert "opens nothing" in text(browser.post("/console/connections/apps/code", {"code": code}), 422)

    right = {"code": issued.secret}
    assert "Too many access codes" in text(browser.post("/console/connections/apps/code", right), 429)
    world.clock.advance(timedelta(hours=1))
    assert world.browser().post("/console/connections/apps/code", right)["statusCode"] == 303


def test_an_app_that_is_off_is_neither_offered_nor_invited_to(world: World, browser: Browser) -> None:
    limit(world, AppRule.OFF)
    assert "switched off by the operator" in text(browser.get("/console/connections"))
    assert "Exchange server of our own" not in text(browser.get("/console/invite"))
    agree_to_privacy(world.stores.journeys, world.clock, MAIN, "x", "1")
    page = text(browser.post("/console/invite", {"resource": "anna", "kind": "exchange"}))
    assert "This kind of calendar is switched off" in page
    fields: dict[str, str | list[str]] = {"address": "anna@clinic.example", "password": "x", "agree": "yes"}
    assert browser.post("/console/resources/anna/exchange", fields)["statusCode"] == 403


def test_what_invitations_are_for_is_chosen_once_for_all(world: World, browser: Browser) -> None:
    agree_to_privacy(world.stores.journeys, world.clock, MAIN, "x", "1")
    assert browser.post("/console/connections/apps/invitations", {"kind": "exchange"})["statusCode"] == 303
    assert re.search(r'<option value="exchange" selected', body(browser.get("/console/invite")))

    browser.post("/console/invite", {"resource": "anna"})

    state = world.state()
    invitation = world.stores.journeys.invitation_by_id(MAIN, ANNA, state.invitation_id or "")
    assert invitation is not None
    assert invitation.kind is CalendarKind.EXCHANGE


# -- the connection test report ------------------------------------------------------------------------------------


def office(world: World) -> MemoryMailboxServer:
    """Anna's mailbox at Microsoft 365, which the console may open."""
    world.connect(primary="calendar-1")
    server = MemoryMailboxServer(world.clock.now)
    world.calendars.providers["mbx-anna"] = MemoryCalendarProvider(server)
    return server


def failing(world: World, operation: str, error: Exception) -> MemoryCalendarProvider:
    """A mailbox in which one operation is refused."""

    class Failing(MemoryCalendarProvider):
        def __getattribute__(self, name: str) -> Any:
            if name == operation:
                raise error
            return super().__getattribute__(name)

    return Failing(MemoryMailboxServer(world.clock.now))


TEST = "/console/connections/mailboxes/mbx-anna/test"


def test_the_report_over_microsoft_365(world: World, browser: Browser) -> None:
    server = office(world)

    page = text(browser.post(TEST))

    for line in ("Signed in", "Approved by the organisation", "Read the calendar", "0 entries in the next 14 days"):
        assert line in page
    for line in ("Write a test entry", "Delete the test entry", "Messages about changes", "Free and busy times"):
        assert line in page
    assert "✗" not in page
    assert "General connection ✓ well" in page
    assert [one for one in server.items.values() if not one.is_gone] == []
    assert server.subscriptions == {}
    assert next(line.reason.value for line in world.stores.log.of_resource(MAIN, ANNA)) == "connection_tested"


def test_looking_at_the_test_tests_nothing(world: World, browser: Browser) -> None:
    world.connect()  # without a provider: opening it would fail
    assert "Test now" in text(browser.get(TEST))


@pytest.mark.parametrize(
    ("operation", "error", "failed", "not_tried"),
    [
        ("account", ConsentRevokedError("auth_expired"), "Signed in", "Read the calendar"),
        ("create", PermissionMissingError(), "Write a test entry", "Delete the test entry"),
        ("subscribe", PermissionMissingError("push_refused"), "Messages about changes", ""),
    ],
)
def test_a_step_that_fails_says_so_and_what_hangs_on_it_is_not_tried(
    world: World, browser: Browser, operation: str, error: Exception, failed: str, not_tried: str
) -> None:
    office(world)

    world.calendars.providers["mbx-anna"] = failing(world, operation, error)
    page = text(browser.post(TEST))

    assert f"✗ failed {failed}" in page
    if not_tried:
        assert f"– not tried {not_tried}" in page


def test_the_report_over_exchange_and_no_try_with_a_refused_password(world: World, browser: Browser) -> None:
    _server, mailbox = connected_room(world, browser)
    address = f"/console/connections/mailboxes/{mailbox}/test"
    page = text(browser.post(address))
    assert "General connection ✓ well" in page
    assert SERVICE_SECRET not in page

    exchange = world.exchange.servers[HOST]
    exchange.mailboxes["svc@clinic.example"].password = "Neues-Wort-99"
    exchange.passwords_seen.clear()
    for _ in range(3):
        assert "✗ failed" in text(browser.post(address))
    wrong = [one for one in exchange.passwords_seen if one[1] == SERVICE_SECRET]
    assert len(wrong) == 1
    assert not exchange.mailboxes["svc@clinic.example"].is_locked


def test_another_accounts_connection_is_not_tested(world: World, browser: Browser) -> None:
    identity = MailboxIdentity(ProviderKind.OFFICE365, "t", "s")
    world.stores.connections.save(Connection(MailboxId("theirs"), OTHER, identity, "x@y.example", "X", "p"))
    address = "/console/connections/mailboxes/theirs/test"
    assert browser.get(address)["statusCode"] == browser.post(address)["statusCode"] == 404


def test_the_report_by_the_api(world: World) -> None:
    office(world)
    api = world.api
    world.api_handler = api_handler(ApiFrame(world.ports), world.events, PUBLIC)

    status, listed = api("GET", "/v1/connections")
    assert (status, [one["id"] for one in listed["items"]]) == (200, ["mbx-anna"])
    status, report = api("POST", "/v1/connections/mbx-anna/test")

    assert status == 200
    assert (report["result"], [part["result"] for part in report["parts"]]) == ("ok", ["ok", "ok"])
    steps = [step["step"] for part in report["parts"] for step in part["steps"]]
    assert steps == [
        *("signed_in", "admin_approval", "mailbox"),
        *("read_calendar", "write_entry", "delete_entry", "change_messages", "free_busy"),
    ]
    world.calendars.providers["mbx-anna"] = failing(world, "account", ConsentRevokedError("auth_expired"))
    report = api("POST", "/v1/connections/mbx-anna/test")[1]
    first = report["parts"][0]["steps"][0]
    assert (report["result"], first["code"], first["who_acts"]) == ("failed", "auth_expired", "resource")
    assert first["next_step"]
    assert api("POST", "/v1/connections/other/test")[0] == 404
    assert api("POST", "/v1/connections/mbx-anna/test", key=world.api_key(OTHER))[0] == 404
    assert api("POST", "/v1/connections/mbx-anna/test", key=world.api_key(scope="read"))[0] == 403


def test_an_account_with_exchange_alone_is_not_asked_to_register_at_microsoft(world: World, browser: Browser) -> None:
    missing = replace(world.parts.deployment, has_entra_client=False, has_entra_secret=False)
    world.parts = replace(world.parts, deployment=missing)
    world.rebuild()
    assert "The connection to Microsoft is not set up yet" in text(browser.get("/console"))

    browser.post("/console/connections/apps/invitations", {"kind": "exchange"})

    assert "The connection to Microsoft is not set up yet" not in text(browser.get("/console"))


def test_a_slow_server_ends_the_test_in_time_and_leaves_no_entry(world: World, browser: Browser) -> None:
    server = new_server(world, browser)
    slow, steps = world.exchange.examine, []

    def examine_slowly(trial: Any) -> Any:
        for step in slow(trial):
            world.clock.advance(timedelta(seconds=20 if step.name.value == "write_entry" else 0))
            steps.append(step.name.value)
            yield step

    world.exchange.examine = examine_slowly  # type: ignore[method-assign]
    page = text(examine(browser, server))

    assert steps[-1] == "delete_entry"
    assert "– not tried Free and busy times" in page
    assert "✓ well Delete the test entry" in page
