"""Row: 10,000 Exchange items read to the neutral form, beside the bare loop and exchangelib's own loop."""

import io
from http.client import HTTPConnection

import requests
from calsync_core.adapters.exchange.calendar import ExchangeCalendarProvider
from calsync_core.adapters.exchange.client import EwsClient
from calsync_core.adapters.exchange.transport import Answer
from calsync_core.domain.ids import CalendarId
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import Content
from calsync_core.ports.exchange import ExchangeLogin
from calsync_core.ports.exchange import ExchangeServer as Server

from bench.exchange_server import LARGEST_PAGE, ExchangeServer
from bench.measure import median_cpu, timed
from bench.rows import Options, Row, Yardstick, ratio
from bench.work import NOW

WINDOW = Window.around(NOW, weeks_back=2, weeks_ahead=52)
FEED = Content(title=True, private=True)
_BARE = "http.client POST SyncFolderItems (512); lxml.etree.iterparse; ids, times, subject, status as tuples"
_T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
_M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"


def rows(options: Options) -> list[Row]:
    n = options.size(10_000, tiny=300)
    step = (WINDOW.end_at - WINDOW.start_at).total_seconds() / n
    with ExchangeServer(n, WINDOW.start_at, step) as server:
        bare_loop(server.port)  # the server makes its answers once
        bare = median_cpu(lambda: bare_loop(server.port), options.repeat)
        calls = server.requests(lambda: read_all(server.url, n))
        value = median_cpu(lambda: read_all(server.url, n), options.repeat)
        time_only = median_cpu(lambda: read_all(server.url, n, Content()), options.repeat)
        peer = _exchangelib(server, n)
    share = value / bare
    met = share <= 6 and calls <= 20
    reading = Row(
        "read_exchange",
        f"{n} items of one calendar read by SyncFolderItems to the neutral form; {calls} calls",
        "<= 20 calls, <= 6 x the bare loop's CPU",
        round(value, 3),
        "s CPU",
        Yardstick("http.client and lxml, same pages of the same server", _BARE, round(bare, 3)),
        ratio(value, bare),
        met,
        None if met else "one strict parse of each page and one Entry with its instants per item",
        detail={
            "calls": calls,
            "us_an_item": round(value / n * 1e6, 1),
            "time_only_s": round(time_only, 3),
            "exchangelib_s": round(peer, 2),
            "times_faster_than_exchangelib": ratio(peer, value),
        },
    )
    theirs = Row(
        "peer_read_exchangelib",
        f"{n} items read with exchangelib's sync_items, pages of {LARGEST_PAGE}",
        "-",
        round(peer, 2),
        "s CPU",
        Yardstick("http.client and lxml, same server", "calendar.sync_items(only_fields=...)", round(bare, 3)),
        ratio(peer, bare),
        reason="a peer, not ours: no budget",
    )
    return [reading, theirs]


class PlainConnection:
    """Our session without TLS and sign-in: the same for all three."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()

    def post(self, content: bytes, headers: dict[str, str]) -> Answer:
        answer = self._session.post(self.url, content, headers=headers)
        return Answer(answer.status_code, {name.lower(): text for name, text in answer.headers.items()}, answer.content)

    def close(self) -> None:
        self._session.close()


def read_all(url: str, n: int, content: Content = FEED) -> None:
    """As the first round of a resource does it."""
    login = ExchangeLogin(Server(url, "Exchange2016", time_zone="Europe/Berlin"), "staff@example.test", "u", "p")
    connection = PlainConnection(url)
    calendar, cursor, count, is_last = ExchangeCalendarProvider(EwsClient(connection, login)), None, 0, False
    while not is_last:
        page = calendar.changes(CalendarId("F-calendar"), cursor, WINDOW, content)
        count, cursor, is_last = count + len(page.entries), page.next_cursor, page.is_last
    connection.close()
    if count != n:
        raise AssertionError(f"{count} of {n} came")


def bare_loop(port: int) -> int:
    """The floor: what the interface costs when nothing is kept but tuples."""
    from lxml import etree

    connection, state, kept, is_last = HTTPConnection("127.0.0.1", port), "", [], False
    while not is_last:
        sent = f"<m:SyncFolderItems><m:SyncState>{state}</m:SyncState><m:MaxChangesReturned>512</m:MaxChangesReturned>"
        connection.request("POST", "/EWS/Exchange.asmx", body=sent)
        tags = (_T + "CalendarItem", _M + "SyncState", _M + "IncludesLastItemInRange")
        for _, element in etree.iterparse(io.BytesIO(connection.getresponse().read()), tag=tags, no_network=True):
            if element.tag == tags[1]:
                state = element.text
            elif element.tag == tags[2]:
                is_last = element.text == "true"
            else:
                found = {one.tag[len(_T) :]: one for one in element}
                identity = found["ItemId"]
                texts = ("Subject", "Start", "End", "LegacyFreeBusyStatus", "Sensitivity")
                kept.append((identity.get("Id"), identity.get("ChangeKey"), *(found[name].text for name in texts)))
                element.clear()
    connection.close()
    return len(kept)


def _exchangelib(server: ExchangeServer, n: int) -> float:
    """One run: it takes seconds."""
    from exchangelib import BASIC, DELEGATE, Account, Build, Configuration, Credentials, Version
    from exchangelib.ewsdatetime import EWSTimeZone

    configuration = Configuration(
        service_endpoint=server.url,
        auth_type=BASIC,
        credentials=Credentials("u", "p"),
        version=Version(build=Build(15, 1, 2507, 39)),
    )
    zone = EWSTimeZone("UTC")
    account = Account(
        "staff@example.test", config=configuration, autodiscover=False, access_type=DELEGATE, default_timezone=zone
    )
    calendar = account.calendar
    fields = ("subject", "start", "end", "legacy_free_busy_status", "sensitivity", "location", "uid", "type")
    with timed() as took:
        count = sum(1 for _ in calendar.sync_items(only_fields=fields, max_changes_returned=LARGEST_PAGE))
    account.protocol.close()
    if count != n:
        raise AssertionError(f"exchangelib read {count} of {n}")
    return took.cpu
