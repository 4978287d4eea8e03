"""One connected resource on the real table adapter (moto behind it), every call of every kind counted."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module

from calsync_core.adapters.dynamodb.stores import dynamodb_stores
from calsync_core.adapters.graph.access import GraphAccess
from calsync_core.adapters.graph.auth import SCOPES, EntraApp
from calsync_core.adapters.memory.outward import PlainSealer
from calsync_core.domain.ids import CalendarId
from calsync_core.usecases.sweep import SweepPorts

from bench.capacity import CountingClient
from bench.clinic import ACCOUNT, MAILBOX, RESOURCE, Clinic, clinic
from bench.graph_server import CALENDAR, GraphServer, Load
from bench.measure import timed
from bench.work import NOW

CLIENT_ID = "calsync"
SDK_CPU = 0.002
"""Seconds that boto3 itself takes for a call, in place of those of the emulator that answers in this process."""


@dataclass
class Counts:
    """Of one step: remote calls by kind, table units, CPU seconds of our own."""

    calendar: Counter[str]
    host: Counter[str]
    read_units: float
    write_units: float
    table_requests: int
    cpu: float

    def shown(self) -> dict[str, object]:
        return {
            "calendar_calls": dict(self.calendar),
            "host_calls": dict(self.host),
            "read_units": self.read_units,
            "write_units": self.write_units,
            "table_requests": self.table_requests,
        }


@dataclass
class CountedWorld:
    clinic: Clinic
    table: CountingClient

    @contextmanager
    def counting(self) -> Iterator[Counts]:
        """What happens inside the block."""
        self.table.reset()
        self.clinic.provider.calls.clear()
        self.clinic.host.calls.clear()
        counts = Counts(Counter(), Counter(), 0, 0, 0, 0)
        with timed() as took:
            yield counts
        counts.calendar, counts.host = Counter(self.clinic.provider.calls), Counter(self.clinic.host.calls)
        counts.read_units, counts.write_units = self.table.reads, self.table.writes
        counts.table_requests, counts.cpu = self.table.calls.total(), took.cpu
        counts.cpu += counts.table_requests * SDK_CPU - self.table.cpu_inside


@contextmanager
def counted_world() -> Iterator[CountedWorld]:
    """Connected, imported and quiet; the mailbox is the one in memory, which behaves as Graph's feed does."""
    with counted_table() as table:
        stores = dynamodb_stores(
            table, "bench", PlainSealer(), pause=lambda _: None, now=NOW.timestamp  # type: ignore[arg-type]
        )  # fmt: skip
        world = clinic(stores=stores)
        world.run("import")
        world.run("notification")
        yield CountedWorld(world, table)


@contextmanager
def checked_world(entries: int) -> Iterator[tuple[CountedWorld, SweepPorts, GraphServer]]:
    """The same, but its calendar is spoken to by HTTP and its tokens come from the sealed cache in the table."""
    load = Load(entries, "2026-12-01T09:00:00+00:00", 3600.0)
    with counted_table() as table, GraphServer(load) as server:
        stores = dynamodb_stores(
            table, "bench", PlainSealer(), pause=lambda _: None, now=NOW.timestamp  # type: ignore[arg-type]
        )  # fmt: skip
        stores.credentials.save(ACCOUNT, MAILBOX, _token_cache(), 0)
        app = EntraApp("https://login.example", CLIENT_ID, lambda: "secret")
        access = GraphAccess(app, server.url, stores.credentials, stores.tokens)
        world = clinic(stores=stores)
        state = world.stores.resources.get(ACCOUNT, RESOURCE)
        if state is None:
            raise AssertionError("a clinic has its resource")
        world.stores.resources.save(replace(state, primary=CalendarId(CALENDAR)))
        world.ports = replace(world.ports, provider=access.of_mailbox)
        world.run("import")
        sweep = SweepPorts(
            world.stores, lambda _account: world.host, access.of_mailbox, world.queue, world.clock, lambda _due: None,
            lambda kind, code: print(f"# {kind}: {code}", file=sys.stderr),
        )  # fmt: skip
        yield CountedWorld(world, table), sweep, server


def _token_cache() -> bytes:
    """As msal keeps it, in the usual sizes: access token 2 KB, refresh token 1.5 KB, id token 1.2 KB."""
    token = {
        "client_id": CLIENT_ID, "secret": "a" * 2000, "expires_on": "99999999999", "target": " ".join(SCOPES),
    }  # fmt: skip
    return json.dumps(
        {
            "AccessToken": {"one": token},
            "RefreshToken": {"one": {"secret": "r" * 1500}},
            "IdToken": {"one": {"secret": "i" * 1200}},
            "Account": {"one": {"home_account_id": "person.tenant"}},
        }
    ).encode()


@contextmanager
def counted_table() -> Iterator[CountingClient]:
    import boto3
    from moto import mock_aws

    create_table = import_module("tests.contract.table_from_template").create_table  # the template's own table
    fixed = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_DEFAULT_REGION": "eu-central-1"}
    os.environ.update(fixed)
    with mock_aws():
        client = boto3.client("dynamodb")
        create_table(client, "bench")
        try:
            yield CountingClient(client, "bench")
        finally:  # the mock may go on: that of a test session around this one
            client.delete_table(TableName="bench")
