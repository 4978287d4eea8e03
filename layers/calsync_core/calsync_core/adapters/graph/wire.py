"""What Graph writes into JSON -> plain values: instants, dates, texts, marks. Plain functions, because they run for
every field of 10,000 events; nothing here raises anything but ValueError, KeyError or TypeError.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from calsync_core.domain.appointments import AllDay, Mark, Notes, Timed, When
from calsync_core.domain.notes import LONGEST_NOTES, LONGEST_READ, text_of_html
from calsync_core.domain.spans import check_span, check_years
from calsync_core.domain.texts import fit
from calsync_core.domain.zones import iana_name

MARK_PROPERTY = "String {9c0c4a2e-6f0b-4d6e-9a54-c1f3c4b8d7a1} Name calsyncId"
"""The one extended property of the product, for ever: changing it orphans every copy that was written before."""

MARK_EXPANSION = f"singleValueExtendedProperties($filter=id eq '{MARK_PROPERTY}')"
"""The value of $expand that brings the mark along; delta does not take it."""

ZoneOf = Callable[[], str]
"""The calendar's own zone; asked for only when an odd all-day time makes it matter, because it may cost a call."""

_DAY = timedelta(days=1)
_HALF_DAY = timedelta(hours=12)


def read_when(event: Mapping[str, Any], zone: ZoneOf) -> When:
    """Start and end of an event. Raises UnreadableTimesError beside what every function here may raise."""
    start, end = event["start"], event["end"]
    if event.get("isAllDay"):
        own = event.get("originalStartTimeZone")
        first, last = read_day(start, zone, own), read_day(end, zone, own)
        check_years(first, last)
        last = max(last, first + _DAY)
        check_span(first, last)
        return AllDay(first, last)
    when = Timed(read_date_time(start), read_date_time(end))
    check_years(when.start_at, when.end_at)
    check_span(when.start_at, when.end_at)
    return when


def read_date_time(value: Mapping[str, Any]) -> datetime:
    """A dateTimeTimeZone as an instant. We ask for UTC; another zone is converted, an unknown one read as UTC."""
    # fromisoformat takes six fractional digits, Graph writes seven
    naive = datetime.fromisoformat(value["dateTime"][:26].rstrip("Z"))
    name = value.get("timeZone")
    if naive.tzinfo is not None:
        return naive.astimezone(UTC)
    if name == "UTC" or not name:
        return naive.replace(tzinfo=UTC)
    check_years(naive)
    return naive.replace(tzinfo=ZoneInfo(iana_name(name) or "UTC")).astimezone(UTC)


def read_day(value: Mapping[str, Any], zone: ZoneOf, own_zone: str | None = None) -> date:
    """The date of an all-day start or end: the date part, never converted.

    Old Outlook clients leave odd times behind (23:00 of the day before, in UTC): those are midnights of the zone that
    the event was made in, else they become the nearest midnight in the calendar's zone.
    """
    text: str = value["dateTime"]
    if text[10:19] in {"T00:00:00", ""}:
        return date.fromisoformat(text[:10])
    moment = read_date_time(value)
    made_in = iana_name(own_zone) if own_zone else None
    local = moment.astimezone(ZoneInfo(made_in or "UTC"))
    if local.hour or local.minute:
        local = moment.astimezone(ZoneInfo(zone())) + _HALF_DAY
    return local.date()


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


def read_notes(body: Mapping[str, Any] | None, *, with_html: bool = False) -> Notes | None:
    """The body as trimmed text; Exchange wraps and rewrites it, so nothing may depend on its white space.

    `with_html` keeps HTML as it came, untrusted; the engine cleans it.
    """
    if not body:
        return None
    text = fit(str(body.get("content") or ""))
    if str(body.get("contentType") or "").lower() == "html":
        plain = text_of_html(text)
        if with_html and plain:
            return Notes(text[:LONGEST_READ], is_html=True)
        text = plain
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
