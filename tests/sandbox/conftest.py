"""Fixtures of the sandbox's tests: a small world, a fake sign-in, a runner for scenarios."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.calendars import Mailbox
from sandbox.world import World, new_world
from tests.sandbox import ews_schema
from tests.sandbox.graph_client import (
    ANNA,
    BERT,
    CONSUMERS,
    PAUL,
    ROOM,
    TENANT,
    FakePrincipal,
    FakeVerifier,
    Graph,
    Run,
    open_graph,
)
from tests.sandbox.small_microsoft import Microsoft, Running, connect, in_process, start


@pytest.fixture
def world() -> World:
    """A work tenant with two people and a room, and one personal account; the clock stands at a known day."""
    made = new_world(seed=7)
    made.clock.set(datetime(2026, 11, 1, 12, tzinfo=UTC))
    made.settings.delta_starts_empty = False
    for oid, address, name, purpose in (
        (ANNA, "anna@clinic.example", "Anna Abel", "user"),
        (BERT, "bert@clinic.example", "Bert Braun", "user"),
        (ROOM, "room1@clinic.example", "Room 1", "room"),
    ):
        made.mailboxes.add(
            Mailbox(
                oid=oid,
                tenant_id=TENANT,
                address=address,
                display_name=name,
                time_zone="Romance Standard Time",
                purpose=purpose,
            )
        )
    paul = Mailbox(oid=PAUL, tenant_id=CONSUMERS, address="paul@outlook.example", display_name="Paul", is_personal=True)
    made.mailboxes.add(paul)
    return made


@pytest.fixture
def verifier(world: World) -> FakeVerifier:
    roles = frozenset({"Calendars.ReadWrite", "MailboxSettings.ReadWrite", "User.Read.All"})
    shared = FakePrincipal().scopes | {"Calendars.ReadWrite.Shared"}
    made = FakeVerifier(
        {
            "anna": FakePrincipal(),
            "bert": FakePrincipal(oid=BERT),
            "paul": FakePrincipal(oid=PAUL, tenant_id=CONSUMERS),
            "room": FakePrincipal(oid=ROOM),
            "anna-shared": FakePrincipal(scopes=shared),
            "anna-reads": FakePrincipal(scopes=frozenset({"Calendars.Read"})),
            "nothing": FakePrincipal(scopes=frozenset({"User.Read"})),
            "app": FakePrincipal(oid=None, client_id="daemon", scopes=frozenset(), roles=roles),
            "app-reads": FakePrincipal(
                oid=None, client_id="daemon", scopes=frozenset(), roles=frozenset({"Calendars.Read"})
            ),
            "foreign-app": FakePrincipal(oid=None, tenant_id="other", scopes=frozenset(), roles=roles),
        }
    )
    world.verifier = made
    return made


@pytest.fixture
def run(world: World, verifier: FakeVerifier) -> Run:
    """Run one coroutine function with a client of a fresh Graph over the test's world."""

    def runner(scenario: Callable[[Graph], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            async with open_graph(world, verifier) as graph:
                return await scenario(graph)

        return asyncio.run(main())

    return runner


@pytest.fixture
def small(tmp_path: Path) -> Microsoft:
    """A whole sandbox inside this process: sign-in, Graph, pages, control."""
    return in_process(tmp_path)[1]


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A real sandbox process with TLS; shared, so tests use `microsoft`, which empties it first."""
    started = start(tmp_path_factory.mktemp("sandbox"))
    yield started
    started.stop()


@pytest.fixture
def microsoft(running: Running) -> Iterator[Microsoft]:
    """The real sandbox process, emptied and filled with the people of small_microsoft.py."""
    yield from connect(running)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of xdist hands its counts over."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["ews_schema"] = dict(ews_schema.COUNTS)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the counts of a worker that is done."""
    ews_schema.COUNTS.update(getattr(node, "workeroutput", {}).get("ews_schema", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many messages of Exchange were held against its schema."""
    counts = ews_schema.COUNTS
    if not counts:
        return
    terminalreporter.section("EWS schema")
    for kind in ("requests", "answers", "posts"):
        names = {name.partition(" ")[2]: n for name, n in counts.items() if name.startswith(f"{kind} ")}
        parts = ", ".join(f"{name} {n}" for name, n in sorted(names.items()))
        terminalreporter.write_line(f"{counts[kind]} {kind} are valid: {parts}")
