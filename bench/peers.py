"""Other people's Graph clients, reading the same appointments from the same server; slow, so only with --peers."""

import asyncio
from datetime import timedelta
from typing import Any

from bench.graph_server import GraphServer
from bench.measure import timed
from bench.rows import Row, Yardstick, ratio


def read(server: GraphServer, n: int, bare: float) -> list[Row]:
    """One run each: they take seconds to minutes."""
    found: list[Row] = []
    for name, command, work in (
        ("O365", "Schedule.get_default_calendar().get_events(limit=None, batch=999)", _o365),
        ("msgraph-sdk", "client.me.calendar.events.get(top=1000), with_url(odata_next_link)", _msgraph),
    ):
        server.reset()
        with timed() as took:
            count = work(server.url)
        if count != n:
            raise AssertionError(f"{name} read {count} of {n}")
        told = Yardstick("http.client and json, same server", command, round(bare, 3))
        detail = {"requests": server.counted()["requests"]}
        what = f"{n} events read with {name}"
        found.append(
            Row(f"peer_read_{name}", what, "-", round(took.cpu, 2), "s CPU", told, ratio(took.cpu, bare), detail=detail)
        )
    return found


def _o365(url: str) -> int:
    from O365 import Account
    from O365.utils import MemoryTokenBackend
    from O365.utils.utils import Protocol

    class Local(Protocol):  # type: ignore[misc]
        def __init__(self) -> None:
            base = url.rsplit("/", 1)[0] + "/"
            super().__init__(protocol_url=base, api_version="v1.0", casing_function=_camel, timezone="UTC")

    backend = MemoryTokenBackend()
    account = Account(("client", "secret"), protocol=Local(), token_backend=backend, timezone="UTC")
    account.con.session = account.con.get_naive_session()
    account.con.get_session = lambda **_more: account.con.session
    account.con.oauth_request = account.con.naive_request
    return sum(1 for _ in account.schedule().get_default_calendar().get_events(limit=None, batch=999))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _msgraph(url: str) -> int:
    return asyncio.run(_msgraph_count(url))


async def _msgraph_count(url: str) -> int:
    from kiota_abstractions.authentication import AnonymousAuthenticationProvider
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from msgraph.graph_request_adapter import GraphRequestAdapter
    from msgraph.graph_service_client import GraphServiceClient
    from msgraph_core import GraphClientFactory  # type: ignore[import-untyped]

    http: Any = GraphClientFactory.create_with_default_middleware()
    http.timeout = timedelta(minutes=2).total_seconds()
    adapter = GraphRequestAdapter(AnonymousAuthenticationProvider(), client=http)
    adapter.base_url = url
    client = GraphServiceClient(request_adapter=adapter)
    builder: Any = client.me.calendar.events
    query = builder.EventsRequestBuilderGetQueryParameters(top=1000)
    page = await builder.get(RequestConfiguration(query_parameters=query))
    count = len(page.value)
    while page.odata_next_link:
        page = await builder.with_url(page.odata_next_link).get()
        count += len(page.value)
    return count
