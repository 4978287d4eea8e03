"""The booking system on moto: a `System` for rules, a `Web` for its two faces."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from calsync_core.hosts.reference.api import System
from calsync_core.hosts.reference.app import build_app, build_system
from calsync_core.hosts.reference.messages import NewResource, parse

from tests.reference_host import SETTINGS, Calsync, Clock, Door, Web, moto_table


@pytest.fixture
def client() -> Iterator[Any]:
    with moto_table() as client:
        yield client


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def calsync() -> Calsync:
    return Calsync()


@pytest.fixture
def system(client: Any, clock: Clock, calsync: Calsync) -> System:
    """With one member of staff in Berlin, at work from Monday to Friday, and one room that is always open."""
    system = build_system(SETTINGS, client, post=calsync, clock=clock)
    hours = {"weekly": [{"day": day, "start": "09:00", "end": "17:00"} for day in ("mon", "tue", "wed", "thu", "fri")]}
    anna = {
        "id": "anna",
        "name": "Dr Anna Weber",
        "kind": "staff",
        "time_zone": "Europe/Berlin",
        "working_hours": hours,
    }
    room = {"id": "room4", "name": "Room 4", "kind": "room", "time_zone": "Europe/Berlin"}
    for resource in (anna, room):
        system.register.add(parse(NewResource, json.dumps(resource)))
    calsync.posted.clear()
    return system


@pytest.fixture
def web(client: Any, system: System, clock: Clock, calsync: Calsync) -> Web:
    return Web(build_app(SETTINGS, client, Door(), post=calsync, clock=clock))
