"""What Graph writes into JSON -> plain values: instants, dates, texts, marks. Plain functions, because they run for
every field of 10,000 events; nothing here raises anything but ValueError, KeyError or TypeError.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

from calsync_core.domain.appointments import AllDay, Mark, Notes, Timed, When
from calsync_core.domain.zones import iana_name

MARK_PROPERTY = "String {9c0c4a2e-6f0b-4d6e-9a54-c1f3c4b8d7a1} Name calsyncId"
"""The one extended property of the product, for ever: changing it orphans every copy that was written before."""

MARK_EXPANSION = f"singleValueExtendedProperties($filter=id eq '{MARK_PROPERTY}')"
"""The value of $expand that brings the mark along; delta does not take it."""

LONGEST_NOTES = 32_768
ZoneOf = Callable[[], str]
"""The calendar's own zone; asked for only when an odd all-day time makes it matter, because it may cost a call."""

_DAY = timedelta(days=1)
_HALF_DAY = timedelta(hours=12)


def read_when(event: Mapping[str, Any], zone: ZoneOf) -> When:
    """Start and end of an event."""
    start, end = event["start"], event["end"]
    if event.get("isAllDay"):
        first = read_day(start, zone)
        return AllDay(first, max(read_day(end, zone), first + _DAY))
    return Timed(read_date_time(start), read_date_time(end))


def read_date_time(value: Mapping[str, Any]) -> datetime:
    """A dateTimeTimeZone as an instant. We ask for UTC; another zone is converted, an unknown one read as UTC."""
    # fromisoformat takes six fractional digits, Graph writes seven
    naive = datetime.fromisoformat(value["dateTime"][:26].rstrip("Z"))
    name = value.get("timeZone")
    if name == "UTC" or not name:
        return naive.replace(tzinfo=UTC)
    return naive.replace(tzinfo=ZoneInfo(iana_name(name) or "UTC")).astimezone(UTC)


def read_day(value: Mapping[str, Any], zone: ZoneOf) -> date:
    """The date of an all-day start or end: the date part, never converted.

    Old Outlook clients leave odd times behind (23:00 of the day before, in UTC): those become the nearest midnight in
    the calendar's zone.
    """
    text: str = value["dateTime"]
    if text[10:19] in {"T00:00:00", ""}:
        return date.fromisoformat(text[:10])
    local = read_date_time(value).astimezone(ZoneInfo(zone()))
    return (local + _HALF_DAY).date()


def read_instant(text: str | None) -> datetime | None:
    """A DateTimeOffset: any offset, up to seven fractional digits. None for none and for year 1, Graph's "never"."""
    if not text or text.startswith("0001-01-01"):
        return None
    moment = text[:-1] + "+00:00" if text.endswith("Z") else text
    head, dot, tail = moment.partition(".")
    if dot:  # cut the fraction to six digits, keep the offset
        digits = 0
        while digits < len(tail) and tail[digits].isdigit():
            digits += 1
        moment = f"{head}.{tail[: min(digits, 6)]}{tail[digits:]}"
    parsed = datetime.fromisoformat(moment)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def read_original_start(event: Mapping[str, Any], when: When, zone: ZoneOf) -> datetime | None:
    """The key of an occurrence in its series; of all-day series midnight UTC of the date, as sparse ones show it."""
    text = event.get("originalStart")
    moment = read_instant(text) if text else None
    if isinstance(when, Timed):
        return moment or when.start_at
    if moment is None:
        return datetime(when.start.year, when.start.month, when.start.day, tzinfo=UTC)
    day = (moment.astimezone(ZoneInfo(zone())) + _HALF_DAY).date() if moment.hour or moment.minute else moment.date()
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def read_notes(body: Mapping[str, Any] | None) -> Notes | None:
    """The body as trimmed text; Exchange wraps and rewrites it, so nothing may depend on its white space."""
    if not body:
        return None
    text = str(body.get("content") or "")
    if str(body.get("contentType") or "").lower() == "html":
        text = text_of_html(text)
    text = text.replace("\r\n", "\n").strip()[:LONGEST_NOTES]
    return Notes(text) if text else None


def read_mark(event: Mapping[str, Any]) -> Mark | None:
    for one in event.get("singleValueExtendedProperties") or ():
        if one.get("id", "").lower() == MARK_PROPERTY.lower():
            return Mark.decode(one.get("value") or "")
    return None


def show_instant(moment: datetime) -> str:
    """For queries and bodies: always UTC with Z, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def text_of_html(html: str) -> str:
    """The text of an HTML body, blocks as lines; scripts and styles dropped. Not for showing HTML."""
    reader = _TextReader()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n"))
    return "\n".join(lines).strip()


class _TextReader(HTMLParser):
    _BLOCKS = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol"})
    _HIDDEN = frozenset({"script", "style", "head", "title"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the base's shape
        if tag in self._HIDDEN:
            self._hidden += 1
        elif tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._HIDDEN:
            self._hidden = max(0, self._hidden - 1)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data.replace("\n", " "))
