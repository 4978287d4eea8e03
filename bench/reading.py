"""Row: a mailbox of 10,000 appointments read to the neutral form, beside the bare loop over the same server."""

from calsync_core.adapters.graph.calendar import GraphCalendarProvider
from calsync_core.adapters.graph.client import GraphClient
from calsync_core.domain.connections import MailboxIdentity, ProviderKind
from calsync_core.domain.ids import CalendarId
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import Content

from bench import bare_loop, peers, reading_exchange
from bench.graph_server import CALENDAR, GraphServer, Load
from bench.measure import median_cpu
from bench.rows import Options, Row, Yardstick, ratio
from bench.work import NOW

WINDOW = Window.around(NOW, weeks_back=2, weeks_ahead=52)
EVERYTHING = Content(title=True, notes=True, private=True)


def provider(url: str) -> GraphCalendarProvider:
    """Our client with a token that needs no refresh."""
    client = GraphClient(url, lambda _force: "token", is_live=True)
    return GraphCalendarProvider(client, lambda: MailboxIdentity(ProviderKind.OFFICE365, "tenant", "person"))


def load(n: int, latency_ms: float = 0.0) -> Load:
    """n appointments, spread over the whole window."""
    span = (WINDOW.end_at - WINDOW.start_at).total_seconds()
    return Load(n, WINDOW.start_at.isoformat(), span / n, latency_ms)


def rows(options: Options) -> list[Row]:
    n = options.size(10_000, tiny=300)
    start, end = WINDOW.start_at.isoformat(), WINDOW.end_at.isoformat()
    with GraphServer(load(n)) as server:
        bare_loop.fetch(server.port, start, end)  # the server makes its answers once
        bare = median_cpu(lambda: bare_loop.fetch(server.port, start, end), options.repeat)
        ours = {}
        for name, content in (("whole", EVERYTHING), ("time_only", Content())):
            server.reset()
            read_all(server.url, n, content)
            requests = server.counted()["requests"]
            ours[name] = median_cpu(lambda content=content: read_all(server.url, n, content), options.repeat)  # type: ignore[misc]
        value, share = ours["whole"], ours["whole"] / bare
        met = share <= 3 and requests <= 12
        reading = Row(
            "read_graph",
            f"{n} events of one mailbox read to the neutral form, all content kept; {requests} requests",
            "<= 12 requests, <= 3 x the bare loop's CPU",
            round(value, 3),
            "s CPU",
            Yardstick("http.client and json, same pages of the same server", bare_loop.COMMAND, round(bare, 3)),
            ratio(value, bare),
            met,
            None if met else "requests' body handling and one Entry with its instants per event",
            detail={
                "requests": requests,
                "us_an_event": round(value / n * 1e6, 1),
                "time_only_s": round(ours["time_only"], 3),
                "time_only_ratio": ratio(ours["time_only"], bare),
            },
        )
        others = peers.read(server, n, bare) if options.peers else []
    return [reading, *others, *reading_exchange.rows(options)]


def read_all(url: str, n: int, content: Content) -> None:
    """As the first round of a resource does it."""
    calendar, cursor, count, is_last = provider(url), None, 0, False
    while not is_last:
        page = calendar.changes(CalendarId(CALENDAR), cursor, WINDOW, content)
        count, cursor, is_last = count + len(page.entries), page.next_cursor, page.is_last
    if count != n:
        raise AssertionError(f"{count} of {n} came")
