"""MimeContent that clients write: iCalendar in base64, read into the store's terms."""

import base64
import binascii
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

from sandbox.appointments import Attendee, Location, Person
from sandbox.exchange.errors import EwsError
from sandbox.exchange.items import mime
from sandbox.exchange.items.read import ItemInput
from sandbox.exchange.items.times import Given, Zone
from sandbox.graph.bodies import normal_subject
from sandbox.recurrence import Day, Recurrence
from sandbox.zones import UnknownZoneError, windows_name, zone_info


def read_base64(words: str, zone: str) -> ItemInput:
    """Read what a client sends as MimeContent; `zone` is that of times whose own the server does not know.

    Raises EwsError.
    """
    try:
        raw = base64.b64decode(words, validate=False)
    except (binascii.Error, ValueError) as error:
        raise EwsError("ErrorMimeContentInvalidBase64String") from error
    package = mime.package()
    try:
        calendar = package.Calendar.from_ical(raw)
    except ValueError as error:
        raise EwsError("ErrorMimeContentInvalid") from error
    events = list(calendar.walk("VEVENT"))
    masters = [event for event in events if "recurrence-id" not in event]
    if len(masters) != 1:
        raise EwsError("ErrorMimeContentInvalid")
    read = _read_event(masters[0], zone)
    for event in events:
        if event is not masters[0]:
            day = _day(event["recurrence-id"].dt, read)
            read.exceptions.append((day, _read_event(event, zone)))
    return read


def _day(at: date | datetime, series: ItemInput) -> date:
    if isinstance(at, datetime) and at.tzinfo is not None and series.start_zone is not None:
        return at.astimezone(zone_info(series.start_zone.name)).date()
    return at.date() if isinstance(at, datetime) else at


def _read_event(event: Any, zone: str) -> ItemInput:
    read = ItemInput()
    if "dtstart" not in event:
        raise EwsError("ErrorMimeContentInvalid")
    start = event["dtstart"].dt
    is_day = not isinstance(start, datetime)
    end = event["dtend"].dt if "dtend" in event else _end(event, start, is_day=is_day)
    read.start, read.start_zone = _read_time(start, event["dtstart"].params.get("TZID"), zone)
    end_params = event["dtend"].params.get("TZID") if "dtend" in event else event["dtstart"].params.get("TZID")
    read.end, read.end_zone = _read_time(end, end_params, zone)
    status = str(event.get("x-microsoft-cdo-busystatus", "")).upper()
    transparent = str(event.get("transp", "OPAQUE")).upper() == "TRANSPARENT"
    busy = "free" if transparent else "tentative" if str(event.get("status")) == "TENTATIVE" else "busy"
    read.changes |= {
        "is_all_day": is_day or str(event.get("x-microsoft-cdo-alldayevent", "")).upper() == "TRUE",
        "subject": normal_subject(str(event.get("summary", ""))),
        "body_type": "text",
        "body": str(event.get("description", "")),
        "locations": (Location(str(event["location"])),) if event.get("location") else (),
        "show_as": mime.SHOW_AS.get(status, busy),
        "sensitivity": mime.SENSITIVITIES.get(str(event.get("class", "PUBLIC")).upper(), "normal"),
        "categories": _categories(event),
    }
    _read_alarm(event, start, read)
    _read_people(event, read)
    if "uid" in event:
        read.uid = str(event["uid"])
    if "rrule" in event:
        read.recurrence = _read_rule(event["rrule"], read)
    exdates = event.get("exdate", [])
    for group in exdates if isinstance(exdates, list) else [exdates]:
        read.cancelled += [_day(one.dt, read) for one in group.dts]
    return read


def _end(event: Any, start: Any, *, is_day: bool) -> Any:
    if "duration" in event:
        return start + event["duration"].dt
    return start + timedelta(days=1) if is_day else start


def _read_time(at: Any, name: str | None, zone: str) -> tuple[Given, Zone]:
    if not isinstance(at, datetime):
        return Given(datetime.combine(at, time()), None), Zone(zone)
    if name is not None:
        try:
            return Given(at.replace(tzinfo=None), None), Zone(windows_name(name))
        except UnknownZoneError:
            pass
    if at.tzinfo is None:
        return Given(at, None), Zone(zone)
    return Given(at.astimezone(UTC).replace(tzinfo=None), timedelta()), Zone(zone if name else "UTC")


def _categories(event: Any) -> tuple[str, ...]:
    found = event.get("categories")
    if found is None:
        return ()
    groups = found if isinstance(found, list) else [found]
    return tuple(str(name) for group in groups for name in group.cats)


def _read_alarm(event: Any, start: Any, read: ItemInput) -> None:
    alarms = [part for part in event.subcomponents if part.name == "VALARM" and "trigger" in part]
    read.changes["is_reminder_on"] = bool(alarms)
    if alarms:
        trigger = alarms[0]["trigger"].dt
        if isinstance(trigger, datetime) and isinstance(start, datetime):
            trigger = trigger - start
        if isinstance(trigger, timedelta):
            read.changes["reminder_minutes"] = max(0, int(-trigger.total_seconds() // 60))


def _read_people(event: Any, read: ItemInput) -> None:
    found = event.get("attendee", [])
    organizer = str(event.get("organizer", "")).casefold()
    for one in found if isinstance(found, list) else [found]:
        address = str(one).partition(":")[2]
        if str(one).casefold() == organizer or "@" not in address:
            continue
        kind = mime.KINDS.get(str(one.params.get("ROLE", "REQ-PARTICIPANT")), "required")
        person = Person(address, str(one.params.get("CN", address)))
        read.attendees[kind] = (*read.attendees.get(kind, ()), Attendee(person, kind))


def _read_rule(rule: Any, read: ItemInput) -> Recurrence:
    assert read.start is not None
    assert read.start_zone is not None
    begin = (
        read.start.at
        if read.start.offset is None
        else read.start.instant("UTC").astimezone(zone_info(read.start_zone.name))
    )
    frequency = str(rule["FREQ"][0]).upper()
    days = [str(day) for day in rule.get("BYDAY", [])]
    codes = [day[-2:] for day in days]
    ordinals = {day[:-2] for day in days} - {""}
    position = int(rule.get("BYSETPOS", [0])[0] or 0) or (int(ordinals.pop()) if len(ordinals) == 1 else 0)
    named: tuple[Day, ...] = tuple(mime.DAYS[code] for code in codes if code in mime.DAYS)
    is_relative = bool(named) and frequency in ("MONTHLY", "YEARLY")
    if frequency not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY") or (is_relative and position not in mime.INDEXES):
        raise EwsError("ErrorUnsupportedRecurrence")
    if frequency == "DAILY" and named:
        frequency = "WEEKLY"  # "every weekday", as Outlook says it
    type_ = {
        "DAILY": "daily",
        "WEEKLY": "weekly",
        "MONTHLY": "relativeMonthly" if is_relative else "absoluteMonthly",
        "YEARLY": "relativeYearly" if is_relative else "absoluteYearly",
    }[frequency]
    weekday = tuple(mime.CODES)[(begin.weekday() + 1) % 7]
    until = rule.get("UNTIL", [None])[0]
    count = rule.get("COUNT", [None])[0]
    if isinstance(until, datetime):
        until = (until.astimezone(zone_info(read.start_zone.name)) if until.tzinfo else until).date()
    return Recurrence(
        type=cast("Any", type_),
        start_date=begin.date(),
        interval=int(rule.get("INTERVAL", [1])[0]),
        days_of_week=(named or (weekday,)) if type_ == "weekly" or is_relative else (),
        first_day_of_week=mime.DAYS.get(str(rule.get("WKST", ["MO"])[0]), "monday"),
        day_of_month=int(rule.get("BYMONTHDAY", [begin.day])[0]) if type_.startswith("absolute") else 0,
        month=int(rule.get("BYMONTH", [begin.month])[0]) if type_.endswith("Yearly") else 0,
        index=cast("Any", mime.INDEXES.get(position, "first")) if is_relative else "first",
        range_type="endDate" if until else "numbered" if count else "noEnd",
        end_date=until,
        count=int(count or 0),
    )
