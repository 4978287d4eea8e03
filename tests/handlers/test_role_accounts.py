"""Role accounts in the console, POST /v1/free-busy, availability of who is not connected, and the watch over keys."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from calsync_core.adapters.memory.role_access import LOGIN_URL
from calsync_core.domain.availability import Interval, Occupied
from calsync_core.domain.connections import ProviderKind
from calsync_core.domain.errors import (
    ConnectionBrokenError,
    ConsentRevokedError,
    InstallationError,
    ProviderUnavailableError,
)
from calsync_core.domain.free_busy import BusyTimes
from calsync_core.domain.ids import RoleAccountId
from calsync_core.domain.resources import Status
from calsync_core.domain.role_accounts import RoleAccount, role_mailbox
from calsync_core.domain.servers import KnownServer
from calsync_core.ports.stores import Due, Member
from calsync_core.usecases.look_up_free_busy import FreeBusyQuestion, look_up_free_busy
from calsync_core.usecases.watch_role_accounts import DUE_KIND, Admins, watch_role_account

from tests.console_world import MAIN, NOW, OTHER, Browser, World

BASE, SERVERS = "/console/connections/role-accounts", "/console/connections/servers"
HOST, SECRET = "mail.clinic.example", "Geheim-Wort-77"
CLIENT = "0c0f8f39-1f0c-4a0f-9a36-5c0f3f3b2f11"
TENANT = "6a1f8f39-1f0c-4a0f-9a36-5c0f3f3b2f11"
LENA = "lena@clinic.example"
BUSY = Interval(NOW + timedelta(hours=1), NOW + timedelta(hours=2), Occupied.BUSY)
OUT = Interval(NOW + timedelta(hours=3), NOW + timedelta(hours=4), Occupied.OOF)
ELSEWHERE = Interval(NOW + timedelta(hours=5), NOW + timedelta(hours=6), Occupied.WORKING_ELSEWHERE)
TENTATIVE = Interval(NOW + timedelta(hours=7), NOW + timedelta(hours=8), Occupied.TENTATIVE)
FROM, TO = "2026-11-23T08:00:00Z", "2026-11-24T08:00:00Z"


@pytest.fixture
def world() -> World:
    world = World()
    world.exchange.add_server(HOST, domain="clinic.example").add("svc@clinic.example", SECRET, "CLINIC\\svc")
    for service in (world.role_access.exchange, world.role_access.office365):
        service.key = SECRET
        service.schedules[LENA] = BusyTimes((BUSY, OUT, ELSEWHERE, TENTATIVE))
    return world


@pytest.fixture
def browser(world: World) -> Browser:
    return world.browser()


def body(answer: dict[str, Any], status: int = 200) -> str:
    assert answer["statusCode"] == status, answer["body"]
    return str(answer["body"])


def text(answer: dict[str, Any], status: int = 200) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", body(answer, status)).split())


def server(world: World, browser: Browser) -> KnownServer:
    assert browser.post(SERVERS, {"title": "Head office", "address": HOST})["statusCode"] == 303
    return world.stores.servers.of_account(MAIN)[-1]


def on_prem(world: World, browser: Browser, **fields: str) -> dict[str, Any]:
    known = (world.stores.servers.of_account(MAIN) or [None])[0] or server(world, browser)
    wish = {
        "kind": "exchange", "title": "Everybody", "mail_domains": "clinic.example", "server": known.id,
        "address": "svc@clinic.example", "login": "CLINIC\\svc", "password": SECRET, "access": "org_wide", **fields,
    }  # fmt: skip
    return browser.post(BASE, wish)


def in_cloud(browser: Browser, **fields: str) -> dict[str, Any]:
    wish = {
        "kind": "office365", "title": "Cloud", "mail_domains": "clinic.example", "client_id": CLIENT, "key": "secret",
        "token_endpoint": f"{LOGIN_URL}/{TENANT}/oauth2/v2.0/token", "acts_for": "office@clinic.example",
        "secret": SECRET, "expires_on": "2027-03-01", **fields,
    }  # fmt: skip
    return browser.post(BASE, wish)


def only(world: World) -> RoleAccount:
    return world.stores.role_accounts.of_account(MAIN)[0]


def examine(browser: Browser, role: RoleAccount, about: str = LENA) -> dict[str, Any]:
    return browser.post(f"{BASE}/{role.id}/test", {"about": about})


def with_cloud(world: World, browser: Browser, **fields: str) -> RoleAccount:
    assert in_cloud(browser, **fields)["statusCode"] == 303
    body(examine(browser, only(world)))
    return only(world)


def ask(world: World, **fields: Any) -> list[dict[str, Any]]:
    status, answer = world.api("POST", "/v1/free-busy", {"from": FROM, "to": TO, **fields})
    assert status == 200, answer
    return list(answer["answers"])


def everything(world: World) -> str:
    stores = world.stores
    return repr([stores.role_accounts.of_account(MAIN), stores.log, world.queue.wishes, world.mailer.sent])


# -- console -------------------------------------------------------------------------------------------------------


def test_an_account_at_an_exchange_server_is_entered_tested_and_on(world: World, browser: Browser) -> None:
    answer = on_prem(world, browser)
    role = only(world)
    before = text(browser.get(f"{BASE}/{role.id}"))

    report = examine(browser, role)

    assert answer["headers"]["location"] == f"{BASE}/{role.id}?done=role_saved"
    assert "Off until its test has passed" in before
    shown = text(report)
    assert "4 busy times in the next 14 days" in shown
    assert "Answers for its mail domains" in shown
    assert only(world).is_on
    assert SECRET not in body(report) + everything(world)
    assert world.stores.servers.of_account(MAIN)[0].is_found


def test_an_application_in_the_cloud_is_entered_tested_and_on(world: World, browser: Browser) -> None:
    role = with_cloud(world, browser)

    assert (role.directory, role.client_id, role.expires_at) == (TENANT, CLIENT, datetime(2027, 3, 1, tzinfo=UTC))
    assert role.is_on
    page = body(browser.get(f"{BASE}/{role.id}"))
    assert f"{LOGIN_URL}/{TENANT}/oauth2/v2.0/token" in page
    assert 'value="2027-03-01"' in page
    assert "Works" in text(browser.get("/console/connections"))


def test_a_certificate_says_its_own_end(world: World, browser: Browser) -> None:
    pem = {"key": "certificate", "certificate": "CERT", "private_key": SECRET, "secret": "", "expires_on": ""}
    role = with_cloud(world, browser, **pem)

    assert role.expires_at == world.role_access.certificate_ends_at
    assert role.certificate == "CERT\n"
    assert "private_key" not in repr(role)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title": " "}, "name"),
        ({"mail_domains": ""}, "No mail domain is named"),
        ({"mail_domains": "not a domain!"}, "One of the mail domains cannot be right"),
        ({"token_endpoint": "https://evil.example/x"}, "does not belong to the sign-in of one organisation"),
        ({"client_id": "calsync"}, "This is not an application (client) ID"),
        ({"acts_for": "office"}, "address"),
        ({"secret": ""}, "The client secret is missing"),
        ({"expires_on": "soon"}, "until when the secret is valid"),
        ({"key": "certificate", "certificate": ""}, "not a certificate that we can read"),
        ({"kind": "google"}, "It is not said what the role account belongs to"),
    ],
)
def test_what_cannot_be_right_is_refused_beside_its_field(
    world: World, browser: Browser, fields: dict[str, str], words: str
) -> None:
    answer = in_cloud(browser, **fields)

    assert words.casefold() in text(answer, 422).casefold()
    assert world.stores.role_accounts.of_account(MAIN) == []
    assert SECRET not in body(answer, 422)


def test_a_domain_belongs_to_one_role_account(world: World, browser: Browser) -> None:
    with_cloud(world, browser)

    assert "Another role account answers" in text(on_prem(world, browser), 422)
    assert on_prem(world, browser, mail_domains="lab.example")["statusCode"] == 303


def test_what_matters_switches_it_off_until_the_next_test(world: World, browser: Browser) -> None:
    role = with_cloud(world, browser)
    same = {"secret": "", "mail_domains": "clinic.example"}

    def change(**fields: str) -> RoleAccount:
        wish = {
            "kind": "office365", "title": role.title, "client_id": CLIENT, "key": "secret", "acts_for": role.acts_for,
            "token_endpoint": f"{LOGIN_URL}/{TENANT}/oauth2/v2.0/token", "expires_on": "2027-03-01", **same, **fields,
        }  # fmt: skip
        assert browser.post(f"{BASE}/{role.id}", wish)["statusCode"] == 303
        return only(world)

    assert change(title="Everybody in the cloud").is_on
    assert not change(mail_domains="clinic.example lab.example").is_on
    body(examine(browser, only(world)))
    assert only(world).is_on
    assert not change(secret="another", mail_domains="clinic.example lab.example").is_on


def test_a_password_goes_to_no_other_server(world: World, browser: Browser) -> None:
    on_prem(world, browser)
    role = only(world)
    browser.post(SERVERS, {"title": "Other", "address": "other.example"})
    other = next(one for one in world.stores.servers.of_account(MAIN) if one.title == "Other")

    answer = browser.post(
        f"{BASE}/{role.id}",
        {"kind": "exchange", "title": "x", "mail_domains": "clinic.example", "server": other.id,
         "address": role.address, "access": "org_wide"},
    )  # fmt: skip

    assert answer["statusCode"] == 422
    assert only(world).server != other.id


def test_the_server_of_a_role_account_keeps_its_host_and_stays(world: World, browser: Browser) -> None:
    on_prem(world, browser)
    known = world.stores.servers.of_account(MAIN)[0]

    moved = browser.post(f"{SERVERS}/{known.id}", {"title": "Head office", "address": "evil.example"})
    removed = browser.post(f"{SERVERS}/{known.id}/remove", {})

    assert (moved["statusCode"], removed["statusCode"]) == (422, 422)
    assert world.stores.servers.of_account(MAIN)[0].address == HOST


def test_a_failed_test_says_why_and_who_acts(world: World, browser: Browser) -> None:
    on_prem(world, browser, password="wrong")
    role = only(world)

    refused = text(examine(browser, role))

    assert "Exchange does not accept this sign-in" in refused
    assert "Who acts" in refused
    assert not only(world).is_on
    assert "The last test did not pass" in text(browser.get(f"{BASE}/{role.id}"))


def test_wrong_passwords_are_counted_and_then_stopped(world: World, browser: Browser) -> None:
    on_prem(world, browser, password="wrong")
    for _ in range(3):
        body(examine(browser, only(world)))

    stopped = examine(browser, only(world))

    assert stopped["statusCode"] == 429
    assert world.role_access.exchange.keys_seen.count("wrong") == 3


def test_a_moment_does_not_switch_off_what_worked(world: World, browser: Browser) -> None:
    role = with_cloud(world, browser)
    world.role_access.office365.refusal = ProviderUnavailableError("timed_out")

    body(examine(browser, role))

    assert only(world).is_on
    assert only(world).code == "timed_out"


def test_the_test_asks_only_for_its_own_domains(world: World, browser: Browser) -> None:
    role = with_cloud(world, browser)

    assert "No role account answers" in text(examine(browser, role, "ceo@rival.example"), 422)


def test_removed_with_its_key(world: World, browser: Browser) -> None:
    role = with_cloud(world, browser)

    assert browser.post(f"{BASE}/{role.id}/remove", {})["statusCode"] == 303

    assert world.stores.role_accounts.of_account(MAIN) == []
    assert world.stores.credentials.load(MAIN, role_mailbox(role.id)) is None
    assert world.stores.due.due(NOW + timedelta(days=4000)) == []
    assert browser.get(f"{BASE}/{role.id}")["statusCode"] == 404


def test_another_account_sees_nothing_of_it(world: World, browser: Browser) -> None:
    role = with_cloud(world, browser)
    stranger = world.browser(OTHER)

    assert stranger.get(f"{BASE}/{role.id}")["statusCode"] == 404
    assert stranger.post(f"{BASE}/{role.id}/test", {"about": LENA})["statusCode"] == 404
    assert stranger.post(f"{BASE}/{role.id}/remove", {})["statusCode"] == 404
    assert "Cloud" not in text(stranger.get("/console/connections"))
    question = FreeBusyQuestion(OTHER, NOW, NOW + timedelta(days=1), (LENA,))
    assert look_up_free_busy(world.ports, question)[0].times.reason == "domain_not_covered"


def test_who_may_only_look_changes_nothing(world: World, browser: Browser) -> None:
    role = with_cloud(world, browser)

    assert world.browser(role="viewer").post(f"{BASE}/{role.id}/remove", {})["statusCode"] == 403
    assert only(world) == role


# -- /v1/free-busy -------------------------------------------------------------------------------------------------


def test_who_is_not_connected_is_answered_by_the_role_account(world: World, browser: Browser) -> None:
    with_cloud(world, browser)

    found = ask(world, addresses=[LENA])[0]

    assert (found["known"], found["reason"], found["source"], found["role_account"]) == (
        True, None, "role_account", "Cloud"
    )  # fmt: skip
    assert found["as_of"] == "2026-11-23T08:00:00Z"
    assert [(one["start"], one["status"]) for one in found["intervals"]] == [
        ("2026-11-23T09:00:00Z", "busy"),
        ("2026-11-23T11:00:00Z", "oof"),
        ("2026-11-23T13:00:00Z", "working_elsewhere"),
        ("2026-11-23T15:00:00Z", "tentative"),
    ]


def test_nobody_is_asked_before_the_test_has_passed(world: World, browser: Browser) -> None:
    in_cloud(browser)

    found = ask(world, addresses=[LENA])[0]

    assert (found["known"], found["reason"], found["source"]) == (False, "role_account_untested", None)
    assert [one["status"] for one in found["intervals"]] == ["unknown"]
    assert world.role_access.office365.questions == []


def test_each_unknown_has_its_reason_and_none_loses_the_others(world: World, browser: Browser) -> None:
    with_cloud(world, browser)
    world.role_access.office365.refusals["boss@clinic.example"] = "permission_missing"

    found = ask(
        world,
        addresses=["boss@clinic.example", "ghost@clinic.example", "x@elsewhere.example", "nonsense", LENA],
        resource_ids=["nobody"],
    )

    assert [one["reason"] for one in found] == [
        "permission_missing", "mailbox_missing", "domain_not_covered", "address_invalid", None, "resource_unknown"
    ]  # fmt: skip
    assert [len(one["intervals"]) for one in found] == [1, 1, 1, 1, 4, 1]
    assert {one["intervals"][0]["status"] for one in found if not one["known"]} == {"unknown"}


def test_who_is_connected_is_never_asked_for_twice(world: World, browser: Browser) -> None:
    world.add_resource("anna", email="anna@clinic.example")
    world.connect()
    with_cloud(world, browser)
    before = len(world.role_access.office365.questions)

    found = ask(world, addresses=["Anna@Clinic.example", LENA], resource_ids=["anna"])

    assert [one["source"] for one in found] == ["connection", "role_account", "connection"]
    assert [one["asked"] for one in found] == ["Anna@Clinic.example", LENA, "anna"]
    asked = [address for one, _ in world.role_access.office365.questions[before:] for address in one]
    assert asked == [LENA]
    assert found[0]["reason"] == "unread"  # what the connection does not know stays unknown; nobody else is asked
    assert found[0]["intervals"][0]["status"] == "unknown"


def test_a_resource_that_is_not_connected_is_asked_for_by_its_address(world: World, browser: Browser) -> None:
    world.add_resource("lena", email=LENA)
    with_cloud(world, browser)
    before = len(world.role_access.office365.questions)

    found = ask(world, addresses=[LENA], resource_ids=["lena"])

    assert [one["source"] for one in found] == ["role_account", "role_account"]
    assert found[0]["intervals"] == found[1]["intervals"]
    assert len(world.role_access.office365.questions) == before + 1


def test_a_refused_password_is_tried_once_and_then_never(world: World, browser: Browser) -> None:
    on_prem(world, browser)
    body(examine(browser, only(world)))
    world.role_access.exchange.refusal = ConsentRevokedError("password_wrong")
    before = len(world.role_access.exchange.questions)

    reasons = [ask(world, addresses=[LENA])[0]["reason"] for _ in range(3)]

    assert reasons == ["password_wrong"] * 3
    assert len(world.role_access.exchange.questions) == before + 1
    assert (only(world).is_on, only(world).code) == (False, "password_wrong")
    assert "Exchange does not accept this sign-in" in text(browser.get("/console/connections"))


def test_a_server_that_is_down_is_unknown_and_asked_again_next_time(world: World, browser: Browser) -> None:
    with_cloud(world, browser)
    world.role_access.office365.refusal = ProviderUnavailableError("timed_out")

    down = ask(world, addresses=[LENA])[0]
    world.role_access.office365.refusal = None
    up = ask(world, addresses=[LENA])[0]

    assert (down["reason"], down["source"], down["as_of"]) == ("timed_out", "role_account", None)
    assert up["known"]


def test_a_key_that_is_refused_is_told_until_it_works_again(world: World, browser: Browser) -> None:
    with_cloud(world, browser)
    world.role_access.office365.refusal = ConnectionBrokenError("role_key_expired")

    down = ask(world, addresses=[LENA])[0]
    told = text(browser.get("/console/connections"))
    world.role_access.office365.refusal = None
    up = ask(world, addresses=[LENA])[0]

    assert (down["reason"], up["known"]) == ("role_key_expired", True)
    assert "The key of the role account has expired" in told
    assert only(world).code == ""


def test_a_deployment_without_exchange_says_so(world: World, browser: Browser) -> None:
    on_prem(world, browser)
    body(examine(browser, only(world)))

    class Off:
        def at_exchange(self, login: object) -> None:
            raise InstallationError("exchange_off")

    ports = replace(world.ports, role_accounts=Off())  # type: ignore[arg-type]
    question = FreeBusyQuestion(MAIN, NOW, NOW + timedelta(days=1), (LENA,))
    assert look_up_free_busy(ports, question)[0].times.reason == "exchange_off"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "nobody_asked"),
        ({"addresses": [f"p{n}@clinic.example" for n in range(60)], "resource_ids": ["a"] * 41}, "too_many_addresses"),
        ({"addresses": [LENA], "to": FROM}, "span_inverted"),
        ({"addresses": [LENA], "to": "2027-01-25T08:00:00Z"}, "span_too_long"),
        ({"addresses": [LENA], "to": "tomorrow"}, "input_invalid"),
        ({"addresses": [LENA], "titles": True}, "field_unknown"),
        ({"addresses": ["a" * 400]}, "input_invalid"),
    ],
)
def test_caps_and_faults_have_stable_codes(world: World, fields: dict[str, Any], code: str) -> None:
    status, problem = world.api("POST", "/v1/free-busy", {"from": FROM, "to": TO, **fields})

    assert (status, problem["code"]) == (422, code)


def test_a_key_that_only_reads_may_ask(world: World) -> None:
    key = world.api_key(scope="read")

    status, _ = world.api("POST", "/v1/free-busy", {"addresses": [LENA], "from": FROM, "to": TO}, key=key)

    assert status == 200


def test_availability_of_a_resource_without_a_connection(world: World, browser: Browser) -> None:
    world.add_resource("lena", email=LENA)
    url = f"/v1/resources/lena/availability?from={FROM}&to={TO}"
    before = world.api("GET", url)[1]
    with_cloud(world, browser)

    after = world.api("GET", url)[1]

    assert (before["known"], before["sources"][0]["reason"]) == (False, "not_connected")
    assert (after["known"], after["sources"]) == (
        True, [{"name": "role_account", "known": True, "as_of": "2026-11-23T08:00:00Z", "reason": None}]
    )  # fmt: skip
    # as for entries: tentative blocks, working elsewhere does not, unless the settings say otherwise
    assert [one["status"] for one in after["intervals"]] == ["busy", "oof", "tentative"]


def test_availability_of_a_connected_resource_comes_from_its_connection(world: World, browser: Browser) -> None:
    world.add_resource("lena", email=LENA)
    world.connect("lena", status=Status.PAUSED)
    with_cloud(world, browser)
    before = len(world.role_access.office365.questions)

    found = world.api("GET", f"/v1/resources/lena/availability?from={FROM}&to={TO}")[1]

    assert found["sources"][0]["name"] == "primary"
    assert len(world.role_access.office365.questions) == before


# -- the end of a key ----------------------------------------------------------------------------------------------


def watched(world: World) -> list[str]:
    """Let every due watch of the present moment run, as the sweep does; gives the addresses that were written to."""
    before = len(world.mailer.sent)
    for due in world.stores.due.due(world.clock.now()):
        if due.kind == DUE_KIND:
            watch_role_account(world.ports, due, Admins("office@clinic.example"))
            world.stores.due.cancel(due.kind, due.account, due.subject, due.due_at)
    return [mail.to for mail in world.mailer.sent[before:]]


def test_admins_are_mailed_60_30_7_and_1_days_before_and_on_the_day(world: World, browser: Browser) -> None:
    with_cloud(world, browser)
    world.stores.access.add_first_admin(Member("iss", "sub", MAIN, "admin", "Boss@Clinic.example"))
    ends_at = datetime(2027, 3, 1, tzinfo=UTC)
    mailed = []
    day = NOW
    while day < ends_at + timedelta(days=40):
        world.clock.move_to(day)
        mailed += [(-(-(ends_at - day) // timedelta(days=1)), to) for to in watched(world)]
        day += timedelta(hours=12)

    assert mailed == [(days, "boss@clinic.example") for days in (60, 30, 7, 1, 0)]


def test_a_late_watch_tells_once_and_nobody_twice(world: World, browser: Browser) -> None:
    role = with_cloud(world, browser)
    world.clock.move_to(datetime(2027, 2, 25, tzinfo=UTC))

    first, second = watched(world), watched(world)
    watch_role_account(world.ports, Due(DUE_KIND, MAIN, role.id, world.clock.now()), Admins("office@clinic.example"))

    assert (first, second) == (["office@clinic.example"], [])
    assert len(world.mailer.sent) == 1
    assert [due.due_at for due in world.stores.due.due(NOW + timedelta(days=365)) if due.kind == DUE_KIND] == [
        datetime(2027, 2, 28, tzinfo=UTC)
    ]


def test_a_renewed_key_is_watched_anew_and_a_removed_account_no_more(world: World, browser: Browser) -> None:
    role = with_cloud(world, browser, expires_on="2026-12-01")
    assert "expires soon" in text(browser.get("/console/connections"))
    wish = {
        "kind": "office365", "title": role.title, "mail_domains": "clinic.example", "client_id": CLIENT,
        "key": "secret", "acts_for": role.acts_for, "token_endpoint": f"{LOGIN_URL}/{TENANT}/oauth2/v2.0/token",
        "secret": "newer", "expires_on": "2027-12-01",
    }  # fmt: skip
    browser.post(f"{BASE}/{role.id}", wish)

    assert "expires soon" not in text(browser.get("/console/connections"))
    assert watched(world) == []
    watch_role_account(world.ports, Due(DUE_KIND, MAIN, RoleAccountId("gone"), NOW), Admins())
    assert world.mailer.sent == []


def test_an_expired_key_is_said_everywhere(world: World, browser: Browser) -> None:
    role = with_cloud(world, browser, expires_on="2026-11-20")

    assert "has expired" in text(browser.get("/console/connections"))
    assert "has expired" in text(browser.get(f"{BASE}/{role.id}"))
    assert "The key of the role account has expired" in text(browser.get("/console"))
    assert not role.is_on
    assert role.code == "role_key_expired"
    assert role.kind is ProviderKind.OFFICE365
