"""The whole way against both halves of the sandbox: entered, tested, asked by /v1/free-busy and in the availability."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from calsync_core.adapters.exchange.role_access import ExchangeRoleAccess
from calsync_core.adapters.exchange.signin import ServerSignIn
from calsync_core.adapters.graph.role_access import GraphRoleAccess
from calsync_core.bootstrap.role_accounts import RoleAccounts
from calsync_core.domain.errors import InputError
from calsync_core.domain.role_accounts import RoleAccount
from calsync_core.usecases.manage_role_accounts import RoleWish, add_role_account, change_role_account
from calsync_core.usecases.manage_servers import ServerWish, add_server
from calsync_core.web.api.app import api_handler
from calsync_core.web.api.frame import ApiFrame

from tests.certificates import key_pair
from tests.console_world import MAIN, PUBLIC, World
from tests.contract.exchange_side import guard_of
from tests.contract.microsoft import PASSWORD, Microsoft, Person

ROLES = "/console/connections/role-accounts"


@pytest.fixture
def world(microsoft: Microsoft) -> World:
    """A console and API over memory stores, whose role accounts are the real ones."""
    world = World()
    world.clock.move_to(datetime.now(UTC))
    guard = guard_of(microsoft)
    app = microsoft.app()
    roles = RoleAccounts(
        app.login_url, lambda: GraphRoleAccess(app, microsoft.graph), lambda: ExchangeRoleAccess(guard)
    )
    world.ports = replace(world.ports, role_accounts=roles, exchange=ServerSignIn(guard))
    world.parts = replace(world.parts, ports=world.ports)
    world.rebuild()
    world.api_handler = api_handler(ApiFrame(world.ports), world.events, PUBLIC)
    return world


def book(person: Person, at: datetime) -> None:
    times = {
        name: {"dateTime": f"{moment:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
        for name, moment in (("start", at), ("end", at + timedelta(hours=1)))
    }
    person.rest("POST", "/me/events", {"subject": "Scan of the knee", "showAs": "busy", **times})


def tomorrow(hour: int) -> datetime:
    return datetime.now(UTC).replace(hour=hour, minute=0, second=0, microsecond=0) + timedelta(days=1)


def examined(world: World, role: RoleAccount, about: str) -> str:
    answer = world.browser().post(f"{ROLES}/{role.id}/test", {"about": about})
    assert answer["statusCode"] == 200, answer["body"]
    return str(answer["body"])


def asked(world: World, *addresses: str) -> list[dict[str, Any]]:
    wish = {"addresses": addresses, "from": tomorrow(0).isoformat(), "to": tomorrow(23).isoformat()}
    status, answer = world.api("POST", "/v1/free-busy", json.dumps(wish))
    assert status == 200, answer
    return list(answer["answers"])


@pytest.mark.parametrize("access", ["org_wide", "delegate", "impersonation"])
def test_on_prem(microsoft: Microsoft, world: World, access: str) -> None:
    anna, hidden = (microsoft.add_person(exchange={}) for _ in range(2))
    microsoft.control("PATCH", f"/people/{hidden.email}", {"exchange": {"free_busy_for_others": "none"}})
    seer = microsoft.add_person(exchange={"is_org_wide": True})
    role_person = microsoft.add_person(exchange={"is_org_wide": access == "org_wide", "may_impersonate": [seer.email]})
    for person in (anna, hidden):
        book(person, tomorrow(9))
    ca = Path(microsoft.ca_file).read_text()
    server = add_server(
        world.stores, world.ports.ids, MAIN, ServerWish("Office", microsoft.addresses["ews"], ca_pem=ca)
    )
    wish = RoleWish(
        "Everybody", "exchange", "clinic.example", server=server.id, address=role_person.email, access=access,
        password=PASSWORD, acts_for=seer.email,
    )  # fmt: skip
    role = add_role_account(world.ports, MAIN, wish)

    report = examined(world, role, anna.email)
    first, second, third = asked(world, anna.email, hidden.email, "ghost@clinic.example")

    assert "Answers for its mail domains" in report
    assert [one["start"] for one in first["intervals"]] == [f"{tomorrow(9):%Y-%m-%dT%H:%M:%SZ}"]
    assert (first["known"], first["source"], first["role_account"]) == (True, "role_account", "Everybody")
    if access == "delegate":
        assert second["reason"] == "permission_missing"
    else:
        assert [one["status"] for one in second["intervals"]] == ["busy"]
    assert third["reason"] == "mailbox_missing"
    assert "knee" not in str([first, second, third]) + report
    assert PASSWORD not in report

    moved = world.api("GET", _availability(world, anna))[1]
    assert (moved["known"], moved["sources"][0]["name"]) == (True, "role_account")
    assert [one["status"] for one in moved["intervals"]] == ["busy"]


def _availability(world: World, person: Person) -> str:
    world.add_resource("room", email=person.email)
    return f"/v1/resources/room/availability?from={tomorrow(0):%Y-%m-%dT%H:%M:%SZ}&to={tomorrow(23):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("key", ["secret", "certificate"])
def test_in_the_cloud(microsoft: Microsoft, world: World, key: str) -> None:
    private_key, certificate = key_pair(days=45)
    wanted = {
        "name": "Free and busy", "home_tenant": "clinic.example", "audience": "AzureADMyOrg",
        "secrets": [{"value": "s3cret-of-the-role"}], "certificates": [certificate], "roles": ["Calendars.Read"],
    }  # fmt: skip
    app = microsoft.control("POST", "/apps", wanted)
    grants = f"/tenants/{microsoft.tenant}/grants/{app['client_id']}"
    microsoft.control("PUT", grants, {"scopes": [], "roles": ["Calendars.Read"]})
    anna = microsoft.add_person()
    book(anna, tomorrow(9))
    wish = RoleWish(
        "Cloud", "office365", "clinic.example", key=key, client_id=app["client_id"], acts_for=anna.email,
        token_endpoint=f"{microsoft.addresses['login']}/{microsoft.tenant}/oauth2/v2.0/token",
        **({"secret": "s3cret-of-the-role", "expires_on": f"{datetime.now(UTC) + timedelta(days=45):%Y-%m-%d}"}
           if key == "secret" else {"certificate": certificate, "private_key": private_key}),
    )  # fmt: skip
    role = add_role_account(world.ports, MAIN, wish)

    report = examined(world, role, anna.email)
    found, ghost = asked(world, anna.email, "ghost@clinic.example")

    assert "Answers for its mail domains" in report
    assert "expires soon" in report  # 45 days are less than 60
    assert [one["start"] for one in found["intervals"]] == [f"{tomorrow(9):%Y-%m-%dT%H:%M:%SZ}"]
    assert ghost["reason"] == "mailbox_missing"
    assert "knee" not in str(found) + report
    assert "s3cret" not in report
    assert "PRIVATE" not in report
    with pytest.raises(InputError):
        change_role_account(world.ports, MAIN, role.id, replace(wish, token_endpoint="https://evil.example/t"))
