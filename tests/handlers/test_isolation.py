"""Nothing crosses an account: every endpoint of console and API, asked for another account's id, refuses and changes
nothing."""

import re
from dataclasses import replace

import pytest
from calsync_core.domain.conflicts import Conflict, ConflictKind
from calsync_core.domain.ids import ConflictId, LinkRef, ResourceId
from calsync_core.web.api.routes import OPERATIONS, Operation

from tests.console_world import MAIN, NOW, OTHER, World

pytestmark = pytest.mark.prop("P13")

BODIES = {
    "resources.check": {"start": "2026-11-23T09:00:00Z", "end": "2026-11-23T10:00:00Z"},
    "resources.disconnect": {"copies": "remove_copies"},
    "settings.change_resource": {"settings": {"window.weeks_ahead": 3}},
    "settings.change_account": {"settings": {"window.weeks_ahead": 3}},
    "settings.dry_run_resource": {"settings": {"window.weeks_ahead": 3}},
    "settings.dry_run_account": {"settings": {"window.weeks_ahead": 3}},
    "conflicts.resolve": {"resolution": "keep_booking"},
    "history.stop_line": {"what": "confirm"},
    "free_busy.ask": {
        "addresses": ["somebody@clinic.example"],
        "from": "2026-11-23T09:00:00Z",
        "to": "2026-11-23T10:00:00Z",
    },
}
QUERIES = {"resources.availability": "?from=2026-11-23T09:00:00Z&to=2026-11-23T10:00:00Z"}
CONSOLE_POSTS = (
    "sync", "pause", "resume", "send-again", "copy-link", "withdraw", "stop-line", "settings", "disconnect", "connect",
    "exchange", "exchange/service", "try-again", "runs/run-1/undo",
)  # fmt: skip


def _world() -> World:
    """Anna and her conflict belong to the main account; the other account has nobody."""
    world = World()
    world.add_resource()
    world.connect()
    world.stores.conflicts.save(
        Conflict(ConflictId("c-1"), MAIN, ResourceId("anna"), ConflictKind.MOVED, LinkRef("b-1"), None, None, None,
                 None, None, NOW)
    )  # fmt: skip
    return world


def _path(operation: Operation) -> str:
    ids = {"{resource_id}": "anna", "{conflict_id}": "c-1", "{connection_id}": "mbx-anna"}
    filled = operation.path
    for name, value in ids.items():
        filled = filled.replace(name, value)
    return filled + QUERIES.get(operation.id, "")


def _remembered(world: World) -> object:
    conflict = world.stores.conflicts.get(MAIN, ConflictId("c-1"))
    return (
        world.state(),
        conflict,
        world.stores.settings.account(MAIN),
        world.stores.settings.resource(MAIN, ResourceId("anna")),
    )


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.id)
def test_api_key_of_another_account(operation: Operation) -> None:
    world = _world()
    key = world.api_key(OTHER)
    before = _remembered(world)

    status, body = world.api(operation.method, _path(operation), BODIES.get(operation.id), key=key)

    if re.search(r"\{", operation.path):
        assert status == 404
        assert body["code"] in {"resource_unknown", "conflict_unknown", "connection_unknown"}
    else:
        assert status == 200
        assert "anna" not in str(body)
    assert _remembered(world) == before
    assert world.queue.wishes == []
    assert world.mailer.sent == []


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.scope == "write"], ids=lambda one: one.id)
def test_key_that_only_reads_changes_nothing(operation: Operation) -> None:
    world = _world()
    before = _remembered(world)

    status, body = world.api(
        operation.method, _path(operation), BODIES.get(operation.id), key=world.api_key(scope="read")
    )

    assert (status, body["code"]) == (403, "scope_missing")
    assert _remembered(world) == before


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.id)
def test_unknown_and_foreign_ids_get_the_same_answer(operation: Operation) -> None:
    if "{" not in operation.path:
        return
    world = _world()
    key = world.api_key(OTHER)
    body = BODIES.get(operation.id)

    foreign = world.api(operation.method, _path(operation), body, key=key)
    nobody = _path(operation).replace("anna", "nobody").replace("c-1", "c-9").replace("mbx-", "m-")
    unknown = world.api(operation.method, nobody, body, key=key)

    assert foreign == unknown


@pytest.mark.parametrize("page", ["", "/settings", "/disconnect", "/exchange"])
def test_console_pages_of_another_account(page: str) -> None:
    world = _world()

    answer = world.browser(OTHER).get(f"/console/resources/anna{page}")

    assert answer["statusCode"] == 404
    assert "Anna" not in answer["body"]


@pytest.mark.parametrize("name", CONSOLE_POSTS)
def test_console_forms_of_another_account(name: str) -> None:
    world = _world()
    before = _remembered(world)

    answer = world.browser(OTHER).post(
        f"/console/resources/anna/{name}",
        {"copies": "remove_copies", "sure": "yes", "what": "confirm", "set.window.weeks_ahead": "3", "action": "save"},
    )

    assert answer["statusCode"] == 404
    assert _remembered(world) == before
    assert world.queue.wishes == []


def test_console_lists_of_another_account_are_empty() -> None:
    world = _world()
    browser = world.browser(OTHER)

    for page in (
        "/console",
        "/console/conflicts",
        "/console/conflicts?show=ended",
        "/console/log?resource=anna",
        "/console/export.csv",
        "/console/invite",
    ):
        answer = browser.get(page)
        assert answer["statusCode"] == 200
        assert "Anna" not in answer["body"]


def test_conflict_and_key_of_another_account() -> None:
    world = _world()
    world.api_key(MAIN)
    key = world.stores.access.api_keys(MAIN)[0]
    browser = world.browser(OTHER)

    resolved = browser.post("/console/conflicts/c-1", {"resolution": "keep_booking", "revision": "1"})
    revoked = browser.post(f"/console/connections/keys/{key.id}/revoke")

    assert (resolved["statusCode"], revoked["statusCode"]) == (404, 404)
    assert not world.stores.access.api_keys(MAIN)[0].is_revoked


def test_invitation_form_refuses_foreign_ids() -> None:
    world = _world()
    world.stores.resources.save(
        replace(world.state(), account=OTHER, resource=replace(world.state().resource, id=ResourceId("b")), version=0)
    )

    answer = world.browser(MAIN).post("/console/invite", {"resource": "b", "agree": "yes"})

    assert answer["statusCode"] == 404
    assert world.mailer.sent == []


def test_every_console_form_needs_its_token() -> None:
    world = _world()
    browser = world.browser()
    before = _remembered(world)
    posts = [f"/console/resources/anna/{name}" for name in CONSOLE_POSTS]
    posts += ["/console/invite", "/console/settings", "/console/refresh", "/console/conflicts/c-1", "/signin/out"]
    posts += ["/console/connections/keys"]

    for post in posts:
        for token in ("", "guess"):
            assert browser.post(post, {"name": "x"}, csrf=token)["statusCode"] == 403, post

    assert _remembered(world) == before
    assert browser.is_signed_in
