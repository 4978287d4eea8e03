"""Role accounts against the sandbox: GetUserAvailability on-prem three ways, getSchedule in the cloud two ways."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from calsync_core.adapters.exchange.role_access import ExchangeRoleAccess
from calsync_core.adapters.graph.app_tokens import certificate_end, directory_of
from calsync_core.adapters.graph.role_access import GraphRoleAccess
from calsync_core.domain.availability import Occupied
from calsync_core.domain.connection_report import Outcome, ReportStep
from calsync_core.domain.errors import CalsyncError, ConnectionBrokenError, ConsentRevokedError, InputError
from calsync_core.domain.free_busy import BusyTimes
from calsync_core.domain.windows import Window
from calsync_core.ports.exchange import ExchangeLogin, ServerHint, Trial
from calsync_core.ports.role_accounts import AppLogin, FreeBusySource
from calsync_core.usecases.ask_free_busy import ask_free_busy

from tests.certificates import key_pair
from tests.contract.exchange_side import guard_of, server_of
from tests.contract.microsoft import PASSWORD, Microsoft, Person

DAY = datetime(2026, 11, 24, tzinfo=UTC)
SPAN = Window(DAY, DAY + timedelta(days=1))
NOBODY = "nobody.at.all@clinic.example"


def at(hour: int, minute: int = 0, day: datetime = DAY) -> datetime:
    return day + timedelta(hours=hour, minutes=minute)


def book(person: Person, hour: int, show_as: str = "busy", title: str = "Secret title", **more: Any) -> None:
    start = at(hour, day=more.pop("day", DAY))
    event = {
        "subject": title,
        "showAs": show_as,
        "start": {"dateTime": f"{start:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"},
        "end": {"dateTime": f"{start + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"},
        **more,
    }
    person.rest("POST", "/me/events", event)


def words(times: BusyTimes) -> list[tuple[int, str]]:
    return [(one.start_at.hour, one.occupied.value) for one in times.intervals]


# -- on-prem -------------------------------------------------------------------------------------------------------


@pytest.fixture
def anna(microsoft: Microsoft) -> Person:
    person = microsoft.add_person(exchange={})
    for hour, show_as in ((8, "busy"), (10, "tentative"), (12, "oof"), (14, "workingElsewhere"), (16, "free")):
        book(person, hour, show_as)
    return person


def exchange_login(role: Person, access: Any = "delegate", mailbox: str = "") -> ExchangeLogin:
    return ExchangeLogin(server_of(role.microsoft), role.email, role.email, PASSWORD, access, mailbox or role.email)


def on_prem(role: Person, access: Any = "delegate", mailbox: str = "") -> FreeBusySource:
    return ExchangeRoleAccess(guard_of(role.microsoft)).open(exchange_login(role, access, mailbox))


def test_the_organisations_account_sees_everybody(microsoft: Microsoft, anna: Person) -> None:
    hidden = microsoft.add_person(exchange={"free_busy_for_others": "none"})
    book(hidden, 9)
    role = microsoft.add_person(exchange={"is_org_wide": True})

    found = on_prem(role).ask([anna.email, hidden.email], SPAN)

    assert words(found[anna.email]) == [(8, "busy"), (10, "tentative"), (12, "oof"), (14, "working_elsewhere")]
    assert words(found[hidden.email]) == [(9, "busy")]


def test_a_delegate_sees_what_is_shared_and_one_refusal_never_loses_the_others(
    microsoft: Microsoft, anna: Person
) -> None:
    hidden = microsoft.add_person(exchange={"free_busy_for_others": "none"})
    moved = microsoft.add_person(exchange={"location": "moved"})
    role = microsoft.add_person(exchange={})

    found = on_prem(role).ask([hidden.email, NOBODY, moved.email, anna.email], SPAN)

    assert found[hidden.email].reason == "permission_missing"
    assert found[NOBODY].reason == "mailbox_missing"
    assert found[moved.email].reason == "mailbox_not_seen"
    assert {found[one].intervals[0].occupied for one in (hidden.email, NOBODY, moved.email)} == {Occupied.UNKNOWN}
    assert found[anna.email].reason is None
    assert len(found[anna.email].intervals) == 4


def test_by_impersonation_it_sees_what_the_other_sees(microsoft: Microsoft) -> None:
    hidden = microsoft.add_person(exchange={"free_busy_for_others": "none"})
    book(hidden, 9)
    seer = microsoft.add_person(exchange={"is_org_wide": True})
    role = microsoft.add_person(exchange={"may_impersonate": [seer.email]})

    as_itself = on_prem(role).ask([hidden.email], SPAN)[hidden.email]
    as_seer = on_prem(role, "impersonation", seer.email).ask([hidden.email], SPAN)[hidden.email]

    assert as_itself.reason == "permission_missing"
    assert words(as_seer) == [(9, "busy")]
    with pytest.raises(CalsyncError) as denied:
        on_prem(role, "impersonation", hidden.email).ask([hidden.email], SPAN)
    assert denied.value.code == "impersonation_denied"


def test_no_title_is_asked_for(microsoft: Microsoft, anna: Person) -> None:
    role = microsoft.add_person(exchange={"is_org_wide": True})
    since = microsoft.log_id()

    on_prem(role).ask([anna.email], SPAN)

    lines = [one for one in microsoft.log(since) if "GetUserAvailability" in str(one["request_body"])]
    assert lines
    assert "Secret title" not in str(lines)


def test_a_wrong_password_is_tried_once(microsoft: Microsoft, anna: Person) -> None:
    role = microsoft.add_person(exchange={})
    login = exchange_login(role)
    source = ExchangeRoleAccess(guard_of(microsoft)).open(
        ExchangeLogin(login.server, login.address, login.login, "wrong", "delegate", login.mailbox)
    )
    since = microsoft.log_id()

    for _ in range(3):
        with pytest.raises(ConsentRevokedError) as refused:
            source.ask([anna.email], SPAN)
        assert refused.value.code == "password_wrong"

    answers = [one["status"] for one in microsoft.log(since, "Exchange.asmx")]
    assert len([one for one in answers if one == 401]) <= 3  # one sign-in by NTLM: its handshake and its refusal


def test_parts_of_an_hour_are_asked_for_too(microsoft: Microsoft, anna: Person) -> None:
    role = microsoft.add_person(exchange={})
    span = Window(at(8, 40), at(8, 50))

    found = on_prem(role).ask([anna.email], span)[anna.email]

    assert [(one.start_at, one.end_at) for one in found.intervals] == [(span.start_at, span.end_at)]


@pytest.fixture
def narrow(microsoft: Microsoft) -> Iterator[None]:
    """A server whose administrator allows less than usual."""
    before = microsoft.control("GET", "/exchange/servers")[0]
    name = before["name"]
    limits = {**before["limits"], "availability_mailboxes": 2, "availability_days": 10}
    microsoft.control("PATCH", f"/exchange/servers/{name}", {"limits": limits})
    yield
    microsoft.control("PATCH", f"/exchange/servers/{name}", {"limits": before["limits"]})


@pytest.mark.usefixtures("narrow")
def test_a_server_that_allows_less_is_asked_in_smaller_parts(microsoft: Microsoft, anna: Person) -> None:
    others = [microsoft.add_person(exchange={}) for _ in range(2)]
    book(others[0], 9, day=DAY + timedelta(days=30))
    role = microsoft.add_person(exchange={})
    span = Window(DAY, DAY + timedelta(days=41))

    found = ask_free_busy(on_prem(role), [anna.email, *(one.email for one in others)], span)

    assert {one.reason for one in found.values()} == {None}
    assert len(found[anna.email].intervals) == 4
    assert [one.start_at for one in found[others[0].email].intervals] == [at(9, day=DAY + timedelta(days=30))]


def examined(role: Person, about: str, **fields: Any) -> dict[str, ReportStep]:
    microsoft = role.microsoft
    server = server_of(microsoft)
    wanted = {
        "address": role.email, "login": role.email, "password": PASSWORD, "access": "delegate", "mailbox": about,
        "hint": ServerHint(server.url, server.ca_pem), **fields,
    }  # fmt: skip
    steps = ExchangeRoleAccess(guard_of(microsoft)).examine(Trial(**wanted), about, SPAN)
    return {one.name: one for one in steps}


def test_the_test_names_each_step_and_needs_no_mailbox_of_its_own(microsoft: Microsoft, anna: Person) -> None:
    role = microsoft.add_person(exchange={"is_org_wide": True})

    steps = examined(role, anna.email)

    names = ["name_found", "secure_connection", "web_services", "sign_in_schemes", "signed_in", "free_busy"]
    assert list(steps) == names
    assert {one.outcome for one in steps.values()} == {Outcome.OK}
    assert steps["free_busy"].found == "4"


def test_the_test_says_why_the_times_do_not_show(microsoft: Microsoft) -> None:
    hidden = microsoft.add_person(exchange={"free_busy_for_others": "none"})
    role = microsoft.add_person(exchange={})

    refused = examined(role, hidden.email)
    wrong = examined(role, hidden.email, password="wrong")

    assert (refused["free_busy"].outcome, refused["free_busy"].code) == (Outcome.FAILED, "permission_missing")
    assert (wrong["signed_in"].outcome, wrong["signed_in"].code) == (Outcome.FAILED, "password_wrong")
    assert wrong["free_busy"].outcome is Outcome.NOT_TRIED
    assert "wrong" not in repr([step.found for step in wrong.values()])


# -- in the cloud --------------------------------------------------------------------------------------------------

PRIVATE_KEY, CERTIFICATE = key_pair()
SECRET = "secret-of-the-role-account"


@pytest.fixture
def client_id(microsoft: Microsoft) -> str:
    """An application of the customer's own, with admin consent for Calendars.Read as an application."""
    wanted = {
        "name": "Free and busy",
        "home_tenant": "clinic.example",
        "audience": "AzureADMyOrg",
        "secrets": [{"value": SECRET}],
        "certificates": [CERTIFICATE],
        "roles": ["Calendars.Read"],
    }
    app = microsoft.control("POST", "/apps", wanted)
    grant(microsoft, app["client_id"], "Calendars.Read")
    return str(app["client_id"])


def grant(microsoft: Microsoft, client_id: str, *roles: str) -> None:
    microsoft.control("PUT", f"/tenants/{microsoft.tenant}/grants/{client_id}", {"scopes": [], "roles": list(roles)})


def by_secret(microsoft: Microsoft, client_id: str, anna: Person, **fields: str) -> AppLogin:
    return AppLogin(microsoft.tenant, client_id, anna.email, **({"secret": SECRET} | fields))


def by_certificate(microsoft: Microsoft, client_id: str, anna: Person) -> AppLogin:
    return by_secret(microsoft, client_id, anna, secret="", private_key=PRIVATE_KEY, certificate=CERTIFICATE)


def cloud(microsoft: Microsoft) -> GraphRoleAccess:
    return GraphRoleAccess(microsoft.app(client_id="ours", secret=lambda: "ours"), microsoft.graph)


@pytest.mark.parametrize("login_of", [by_secret, by_certificate])
def test_an_application_sees_times_and_one_unknown_never_loses_the_others(
    microsoft: Microsoft, client_id: str, anna: Person, login_of: Any
) -> None:
    found = cloud(microsoft).open(login_of(microsoft, client_id, anna)).ask([NOBODY, anna.email.upper()], SPAN)

    assert words(found[anna.email.upper()]) == [
        (8, "busy"), (10, "tentative"), (12, "oof"), (14, "working_elsewhere")
    ]  # fmt: skip
    assert found[NOBODY].reason == "mailbox_missing"
    assert "Secret" not in repr(found)


def test_a_whole_day_is_a_day_of_the_mailboxs_own_zone(microsoft: Microsoft, client_id: str) -> None:
    person = microsoft.add_person(time_zone="Europe/Berlin")
    days = {"start": DAY, "end": DAY + timedelta(days=1)}
    event = {
        name: {"dateTime": f"{day:%Y-%m-%dT00:00:00}", "timeZone": "Europe/Berlin"} for name, day in days.items()
    } | {"subject": "Away", "showAs": "oof", "isAllDay": True}
    person.rest("POST", "/me/events", event)
    wide = Window(DAY - timedelta(days=1), DAY + timedelta(days=2))

    found = cloud(microsoft).open(by_secret(microsoft, client_id, person)).ask([person.email], wide)[person.email]

    assert [(one.start_at, one.end_at) for one in found.intervals] == [
        (DAY - timedelta(hours=1), DAY + timedelta(hours=23))
    ]


def test_an_application_without_the_permission_is_refused(microsoft: Microsoft, client_id: str, anna: Person) -> None:
    grant(microsoft, client_id, "MailboxSettings.Read")

    with pytest.raises(CalsyncError) as refused:
        cloud(microsoft).open(by_secret(microsoft, client_id, anna)).ask([anna.email], SPAN)

    assert refused.value.code == "role_permission_missing"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"secret": "another"}, "role_key_refused"),
        ({"client_id": str(uuid.UUID(int=5))}, "role_app_refused"),
        ({"directory": str(uuid.UUID(int=6))}, "role_app_refused"),
        ({"mailbox": "nobody@clinic.example"}, "role_mailbox_missing"),
    ],
)
def test_what_is_wrong_with_the_application_is_said(
    microsoft: Microsoft, client_id: str, anna: Person, fields: dict[str, str], code: str
) -> None:
    wanted = {"directory": microsoft.tenant, "client_id": client_id, "mailbox": anna.email, "secret": SECRET, **fields}

    steps = {one.name: one for one in cloud(microsoft).examine(AppLogin(**wanted), anna.email, SPAN)}

    failed = [one.code for one in steps.values() if one.outcome is Outcome.FAILED]
    assert failed == [code]
    assert SECRET not in repr(steps)


def test_an_expired_secret_and_a_foreign_certificate_are_told_apart(
    microsoft: Microsoft, client_id: str, anna: Person
) -> None:
    old = {"value": SECRET, "expires_at": "2020-01-01T00:00:00Z"}
    microsoft.control("PATCH", f"/apps/{client_id}", {"secrets": [old], "certificates": []})

    codes = []
    for login in (by_secret(microsoft, client_id, anna), by_certificate(microsoft, client_id, anna)):
        with pytest.raises(ConnectionBrokenError) as refused:
            cloud(microsoft).open(login).ask([anna.email], SPAN)
        codes.append(refused.value.code)

    assert codes == ["role_key_expired", "role_key_refused"]


@pytest.mark.parametrize("login_of", [by_secret, by_certificate])
def test_the_test_passes_step_by_step(microsoft: Microsoft, client_id: str, anna: Person, login_of: Any) -> None:
    steps = list(cloud(microsoft).examine(login_of(microsoft, client_id, anna), anna.email, SPAN))

    assert [(one.name, one.outcome) for one in steps] == [("token_received", Outcome.OK), ("free_busy", Outcome.OK)]
    assert steps[1].found == "4"


def test_the_token_is_kept_for_its_hour(microsoft: Microsoft, client_id: str, anna: Person) -> None:
    access = cloud(microsoft)
    since = microsoft.log_id()

    for _ in range(3):
        access.open(by_secret(microsoft, client_id, anna)).ask([anna.email], SPAN)

    assert len(microsoft.log(since, "/oauth2/v2.0/token")) == 1


def test_a_long_span_and_many_addresses_are_cut_for_graph(microsoft: Microsoft, client_id: str, anna: Person) -> None:
    """41 addresses over 100 days: three batches of at most 20, two slices of less than 62 days."""
    late = DAY + timedelta(days=90)
    book(anna, 9, day=late)
    addresses = [f"nobody{number}@clinic.example" for number in range(40)] + [anna.email]
    span = Window(DAY, DAY + timedelta(days=100))
    since = microsoft.log_id()

    found = ask_free_busy(cloud(microsoft).open(by_secret(microsoft, client_id, anna)), addresses, span)

    assert len(microsoft.log(since, "/calendar/getSchedule")) == 6
    assert {found[one].reason for one in addresses[:-1]} == {"mailbox_missing"}
    assert [one.start_at for one in found[anna.email].intervals][-1] == at(9, day=late)
    assert len(found[anna.email].intervals) == 5


def test_a_token_endpoint_is_one_of_our_sign_in_service_and_one_tenant() -> None:
    login, tenant = "https://login.microsoftonline.com", "6a1f8f39-1f0c-4a0f-9a36-5c0f3f3b2f11"

    assert directory_of(login, f" {login}/{tenant}/oauth2/v2.0/token ") == tenant
    assert directory_of(login, f"{login}/{tenant.upper()}/oauth2/token") == tenant
    assert directory_of(login, f"{login}/clinic.example/oauth2/v2.0/token") == "clinic.example"
    for wrong in (
        "", "x", f"https://evil.example/{tenant}/oauth2/v2.0/token", f"{login}/common/oauth2/v2.0/token",
        f"{login}:8443/{tenant}/oauth2/v2.0/token", f"http://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        f"https://login.microsoftonline.com@evil.example/{tenant}/oauth2/v2.0/token", f"{login}/{tenant}/admin",
        f"{login}/../{tenant}/oauth2/v2.0/token", "https://login.microsoftonline.com:x/a/oauth2/v2.0/token",
        f"https://a:b@login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
    ):  # fmt: skip
        with pytest.raises(InputError) as refused:
            directory_of(login, wrong)
        assert refused.value.code == "token_endpoint_invalid"


def test_a_certificate_says_its_end_and_must_fit_its_key() -> None:
    other_key, _ = key_pair()

    assert certificate_end(CERTIFICATE, PRIVATE_KEY) - datetime.now(UTC) > timedelta(days=364)
    for certificate, key, code in (
        ("nonsense", PRIVATE_KEY, "certificate_unreadable"),
        (CERTIFICATE, "nonsense", "private_key_unreadable"),
        (CERTIFICATE, other_key, "private_key_foreign"),
    ):
        with pytest.raises(InputError) as refused:
            certificate_end(certificate, key)
        assert refused.value.code == code
