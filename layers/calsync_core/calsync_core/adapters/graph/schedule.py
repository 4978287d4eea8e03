"""getSchedule: free and busy times of an organisation's mailboxes, asked by an application without any person.

It reads primary calendars only and gives no ids. Titles may be in the answer; they are dropped before an object exists.
Items decide; the digits are used only where a mailbox shows nothing else (0 free or working elsewhere, 1 tentative,
2 busy, 3 out of office).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from calsync_core.adapters.graph.client import GraphClient, GraphRefusedError
from calsync_core.adapters.graph.lanes import LANES
from calsync_core.adapters.graph.wire import read_date_time
from calsync_core.domain.availability import Interval, Occupied, merge
from calsync_core.domain.errors import InputError, PermissionMissingError, ProviderUnavailableError
from calsync_core.domain.free_busy import HALF_HOUR, BusyTimes, unknown, whole_half_hours
from calsync_core.domain.windows import Window
from calsync_core.domain.zones import iana_name
from calsync_core.ports.role_accounts import QuestionLimits

LIMITS = QuestionLimits(addresses=20, span=timedelta(days=62) - 2 * HALF_HOUR, lanes=LANES)
"""Less than 62 days, whole half hours. Deployments that still allow only 42 say so, and are asked for halves."""

_KINDS: dict[str, Occupied | None] = {
    "free": None,
    "tentative": Occupied.TENTATIVE,
    "busy": Occupied.BUSY,
    "oof": Occupied.OOF,
    "workingelsewhere": Occupied.WORKING_ELSEWHERE,
}
_DIGITS: dict[str, Occupied | None] = {
    "0": None,
    "1": Occupied.TENTATIVE,
    "2": Occupied.BUSY,
    "3": Occupied.OOF,
    "4": Occupied.WORKING_ELSEWHERE,
}
_REASONS = {
    "errormailrecipientnotfound": "mailbox_missing",
    "errornofreebusyaccess": "permission_missing",
    "erroraccessdenied": "permission_missing",
    "errorproxyrequestprocessingfailed": "mailbox_not_seen",
    "errorautodiscoverfailed": "mailbox_not_seen",
    "erroravailabilityconfignotfound": "mailbox_not_seen",
    "erroraddressspacenotfound": "mailbox_not_seen",
}


class GraphFreeBusy:
    """ports.role_accounts.FreeBusySource. `mailbox` is one of the tenant's, through which all are asked."""

    limits = LIMITS

    def __init__(self, client: GraphClient, mailbox: str) -> None:
        self._client = client
        self._path = f"/users/{quote(mailbox, safe='@')}/calendar/getSchedule"

    def ask(self, addresses: Sequence[str], span: Window) -> dict[str, BusyTimes]:
        asked = whole_half_hours(span)
        body = {
            "schedules": list(addresses),
            "startTime": _date_time(asked.start_at),
            "endTime": _date_time(asked.end_at),
            "availabilityViewInterval": int(HALF_HOUR.total_seconds() // 60),
        }
        try:
            answer = self._client.ask(self._path, body)
        except GraphRefusedError as refused:
            if "errortimeintervaltoobig" in refused.refusal.codes:
                raise InputError("span_too_long") from None
            if refused.refusal.status == 403:
                raise PermissionMissingError("role_permission_missing") from None
            if refused.refusal.status in {400, 404}:
                raise PermissionMissingError("role_mailbox_missing", **refused.error.detail) from None
            raise refused.error from None
        found = {str(one.get("scheduleId", "")).casefold(): one for one in _schedules(answer)}
        return {
            address: _times(found[address.casefold()], span) for address in addresses if address.casefold() in found
        }

    def close(self) -> None:
        """The session is shared with the rest of the process and stays."""


def _schedules(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    value = answer.get("value")
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ProviderUnavailableError("answer_unreadable", kind="schedule")
    return value


def _times(schedule: Mapping[str, Any], span: Window) -> BusyTimes:
    error = schedule.get("error")
    if error:
        code = str(error.get("responseCode") or "") if isinstance(error, dict) else ""
        return unknown(span, _REASONS.get(code.casefold(), "free_busy_failed"))
    try:
        items = list(schedule.get("scheduleItems") or ())
        intervals = list(_of_items(items, _zone(schedule)) if items else _of_digits(schedule, span))
    except (KeyError, TypeError, ValueError, AttributeError):
        return unknown(span, "answer_unreadable")
    merged = tuple(merge(intervals, span.start_at, span.end_at))
    return BusyTimes(merged, "no_data" if any(one.occupied is Occupied.UNKNOWN for one in merged) else None)


def _of_items(items: Sequence[Mapping[str, Any]], zone: ZoneInfo | None) -> Iterator[Interval]:
    """A kind that we do not know takes the time: never free by mistake."""
    for item in items:
        occupied = _KINDS.get(str(item.get("status") or "").casefold(), Occupied.UNKNOWN)
        if occupied is not None:
            start, end = read_date_time(item["start"]), read_date_time(item["end"])
            if _is_floating(start, end) and zone is not None:
                start, end = (at.replace(tzinfo=zone).astimezone(at.tzinfo) for at in (start, end))
            if start < end:
                yield Interval(start, end, occupied)


def _is_floating(start: datetime, end: datetime) -> bool:
    """Whole days stand there as dates, whatever zone was asked for; nothing else says that they are whole days."""
    return not (start.hour or start.minute or end.hour or end.minute) and end - start >= timedelta(days=1)


def _zone(schedule: Mapping[str, Any]) -> ZoneInfo | None:
    """The mailbox's own zone, which its working hours name."""
    hours = schedule.get("workingHours")
    zone = hours.get("timeZone") if isinstance(hours, dict) else None
    name = iana_name(str(zone.get("name") or "")) if isinstance(zone, dict) else None
    return ZoneInfo(name) if name else None


def _of_digits(schedule: Mapping[str, Any], span: Window) -> Iterator[Interval]:
    start = whole_half_hours(span).start_at
    digits = str(schedule.get("availabilityView") or "")
    if len(digits) * HALF_HOUR < span.end_at - start:
        raise ValueError("the digits do not reach to the end")
    for position, digit in enumerate(digits):
        occupied = _DIGITS.get(digit, Occupied.UNKNOWN)
        if occupied is not None:
            begins = start + position * HALF_HOUR
            yield Interval(begins, begins + HALF_HOUR, occupied)


def _date_time(at: datetime) -> dict[str, str]:
    return {"dateTime": f"{at:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
