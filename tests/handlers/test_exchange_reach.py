"""What page and API say about a resource whose Exchange server cannot reach us."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from calsync_core.domain.connections import Connection

from tests.console_world import MAIN, World

SINCE = datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.fixture
def world() -> World:
    return World()


def connection(world: World) -> Connection:
    world.add_resource()
    state = world.connect()
    assert state.mailbox is not None
    found = world.ports.stores.connections.get(MAIN, state.mailbox)
    assert found is not None
    return found


def seen(world: World) -> tuple[object, str]:
    _, answer = world.api("GET", "/v1/resources/anna")
    return answer["checked_every_minutes"], world.browser().get("/console/resources/anna")["body"]


def test_a_server_that_cannot_reach_us_is_named_with_how_often_it_is_asked(world: World) -> None:
    row = connection(world)
    assert seen(world)[0] is None
    world.ports.stores.connections.save(replace(row, unreached_since_at=SINCE, asked_every_minutes=15))
    every, page = seen(world)
    assert every == 15
    assert "every 15 minutes, because the Exchange server cannot reach us" in page
