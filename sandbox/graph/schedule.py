"""calendar/getSchedule: free and busy times of up to 20 mailboxes, primary calendars only, no event ids."""

from datetime import datetime, timedelta
from typing import Any

from sandbox.appointments import Entry
from sandbox.calendars import Mailbox, MailboxState
from sandbox.graph import errors
from sandbox.graph.calls import Answer, Call
from sandbox.graph.errors import GraphError
from sandbox.graph.event_lists import entries_between
from sandbox.graph.mailbox_settings import show_working_hours
from sandbox.graph.times import read_wall, show_wall
from sandbox.zones import to_utc

MAX_SCHEDULES = 20
MAX_PERIOD = timedelta(days=62)
MAX_ENTRIES = 1000
_DIGITS = {"free": 0, "workingElsewhere": 0, "tentative": 1, "busy": 2, "oof": 3, "unknown": 0}


def get_schedule(call: Call) -> Answer:
    """POST getSchedule. A mailbox that cannot be read has its own error; the call is 200 all the same."""
    if call.mailbox.is_personal:
        raise errors.access_denied()
    body = call.body if isinstance(call.body, dict) else {}
    body = {name[:1].lower() + name[1:]: value for name, value in body.items()}
    schedules = body.get("schedules")
    if not isinstance(schedules, list) or not schedules or not all(isinstance(s, str) for s in schedules):
        raise errors.invalid_parameter("The parameter 'schedules' must be a non-empty collection of addresses.")
    if len(schedules) > MAX_SCHEDULES:
        raise errors.invalid_parameter(
            f"The number of schedules, {len(schedules)}, is over the limit of {MAX_SCHEDULES}."
        )
    start_at, end_at = to_utc(read_wall(body.get("startTime"))), to_utc(read_wall(body.get("endTime")))
    minutes = body.get("availabilityViewInterval")
    interval = _interval(30 if minutes is None else minutes)
    _check_period(start_at, end_at, interval)
    value = [_schedule(call, address, start_at, end_at, interval) for address in schedules]
    context = f"{call.base}/v1.0/$metadata#Collection(microsoft.graph.scheduleInformation)"
    return Answer(200, {"@odata.context": context, "value": value})


def _interval(value: Any) -> timedelta:
    if not isinstance(value, int) or isinstance(value, bool) or not 5 <= value <= 1440:
        raise errors.invalid_parameter("The parameter 'availabilityViewInterval' must be from 5 to 1440 minutes.")
    return timedelta(minutes=value)


def _check_period(start_at: datetime, end_at: datetime, interval: timedelta) -> None:
    if end_at <= start_at or end_at - start_at < interval:
        raise errors.invalid_parameter("The period must be at least as long as availabilityViewInterval.")
    if end_at - start_at >= MAX_PERIOD:
        raise GraphError(
            400,
            "ErrorTimeIntervalTooBig",
            "The requested time duration specified for FreeBusyViewOptions.TimeWindow is too long. "
            f"The allowed limit = {MAX_PERIOD.days} days.",
        )


def _failed(address: str, code: str, message: str) -> dict[str, Any]:
    return {
        "scheduleId": address,
        "availabilityView": "",
        "error": {"message": message, "responseCode": code},
        "scheduleItems": [],
    }


def _schedule(call: Call, address: str, start_at: datetime, end_at: datetime, interval: timedelta) -> dict[str, Any]:
    mailbox = call.world.mailboxes.by_address(address)
    if mailbox is None or mailbox.tenant_id != call.mailbox.tenant_id or mailbox.state is not MailboxState.ENABLED:
        text = f"Unable to resolve e-mail address {address} to an Active Directory object."
        return _failed(address, "ErrorMailRecipientNotFound", text)
    entries = entries_between(mailbox.default.calendar, start_at, end_at)
    if len(entries) > MAX_ENTRIES:
        return _failed(address, "5006", "The result set contains too many calendar entries.")
    shows_details = _may_see_details(call, mailbox)
    return {
        "scheduleId": address,
        "availabilityView": availability_view(entries, start_at, end_at, interval),
        "scheduleItems": [_item(call, entry, shows_details=shows_details) for entry in entries],
        "workingHours": show_working_hours(mailbox),
    }


def _may_see_details(call: Call, mailbox: Mailbox) -> bool:
    oid = call.principal.oid
    if oid is None or oid.lower() == mailbox.oid:
        return oid is not None
    reader = call.world.mailboxes.by_id(oid)
    role = mailbox.default.calendar.permissions.get(reader.address.casefold()) if reader else None
    return role in ("read", "write")


def availability_view(entries: list[Entry], start_at: datetime, end_at: datetime, interval: timedelta) -> str:
    """One digit for each interval: 0 free or working elsewhere, 1 tentative, 2 busy, 3 out of office."""
    count = -(-(end_at - start_at) // interval)
    digits = [0] * count
    for entry in entries:
        digit = _DIGITS[entry.content.show_as]
        first = max(0, (entry.content.start_at - start_at) // interval)
        last = min(count, -(-(entry.content.end_at - start_at) // interval))
        for slot in range(first, last):
            digits[slot] = max(digits[slot], digit)
    return "".join(map(str, digits))


def _item(call: Call, entry: Entry, *, shows_details: bool) -> dict[str, Any]:
    content, zone = entry.content, call.prefer.zone
    is_private = content.sensitivity in ("private", "confidential")
    item: dict[str, Any] = {"isPrivate": is_private, "status": content.show_as}
    if shows_details and not is_private:
        item["subject"] = content.subject
        item["location"] = content.locations[0].name if content.locations else ""
    item["start"] = show_wall(content.start_at, content.start, zone, is_all_day=content.is_all_day)
    item["end"] = show_wall(content.end_at, content.end, zone, is_all_day=content.is_all_day)
    return item
