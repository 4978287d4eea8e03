"""The floor of reading: http.client and json, page by page, nothing kept. What a client adds is its price."""

import json
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

COMMAND = "http.client GET calendarView/delta, Prefer: odata.maxpagesize=1000; json.loads; follow @odata.nextLink"


def fetch(port: int, start: str, end: str, size: int = 1000) -> int:
    """All pages of the feed; gives how many appointments came."""
    connection = HTTPConnection("127.0.0.1", port)
    times = f"startDateTime={quote(start, safe='')}&endDateTime={quote(end, safe='')}"
    target = f"/v1.0/me/calendars/CAL1/calendarView/delta?{times}"
    headers = {"Authorization": "Bearer x", "Prefer": f'outlook.body-content-type="text", odata.maxpagesize={size}'}
    count = 0
    while target:
        connection.request("GET", target, headers=headers)
        page = json.loads(connection.getresponse().read())
        count += len(page["value"])
        link = urlsplit(page.get("@odata.nextLink", ""))
        target = f"{link.path}?{link.query}" if link.path else ""
    connection.close()
    return count
