"""MimeContent of a calendar item: iCalendar in base64, both ways. Source: [MS-OXCICAL].

The package is loaded when the first client asks: most never do, and it takes half a second.
"""

import base64
import binascii
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, cast

from sandbox.appointments import Appointment, Attendee, Content, Location, Occurrence, Person
from sandbox.exchange.errors import EwsError
from sandbox.exchange.items.read import AttendeeKind, ItemInput
from sandbox.exchange.items.times import Given, Zone
from sandbox.exchange.items.view import Item
from sandbox.exchange.zone_rules import LAST, rules_of
from sandbox.graph import ids
from sandbox.graph.bodies import html_to_text, normal_subject
from sandbox.recurrence import Day, Recurrence
from sandbox.series import occurrence_on
from sandbox.zones import UnknownZoneError, Wall, windows_name, zone_info

_CODES: dict[Day, str] = {
    "sunday": "SU",
    "monday": "MO",
    "tuesday": "TU",
    "wednesday": "WE",
    "thursday": "TH",
    "friday": "FR",
    "saturday": "SA",
}
_DAYS = {code: day for day, code in _CODES.items()}
_POSITIONS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_INDEXES = {number: name for name, number in _POSITIONS.items()}
_BUSY = {
    "free": "FREE",
    "tentative": "TENTATIVE",
    "busy": "BUSY",
    "oof": "OOF",
    "workingElsewhere": "WORKINGELSEWHERE",
    "unknown": "BUSY",
}
_SHOW_AS = {"FREE": "free", "TENTATIVE": "tentative", "BUSY": "busy", "OOF": "oof", "WORKINGELSEWHERE": "free"}
_CLASSES = {"normal": "PUBLIC", "personal": "X-PERSONAL", "private": "PRIVATE", "confidential": "CONFIDENTIAL"}
_SENSITIVITIES = {word: name for name, word in _CLASSES.items()}
_ROLES = {"required": "REQ-PARTICIPANT", "optional": "OPT-PARTICIPANT", "resource": "NON-PARTICIPANT"}
_KINDS: dict[str, AttendeeKind] = {word: cast("AttendeeKind", kind) for kind, word in _ROLES.items()}
_STATES = {"tentativelyAccepted": "TENTATIVE", "accepted": "ACCEPTED", "declined": "DECLINED"}


def _package() -> Any:
    import icalendar

    return icalendar


# -- writing


def write_base64(item: Item) -> str:
    """The item as Exchange exports it: a series with its edited occurrences."""
    package = _package()
    calendar = package.Calendar()
    calendar.add("method", "PUBLISH")
    calendar.add("prodid", "Microsoft Exchange Server 2010")
    calendar.add("version", "2.0")
    zones = {item.content.start.zone, item.content.end.zone}
    for zone in sorted(zones):
        if zone_info(zone).key not in ("UTC", "Etc/UTC"):
            calendar.add_component(_timezone(zone, item.content.start.at.year))
    calendar.add_component(_event(item, item.content, None))
    if isinstance(item.entry, Appointment):
        for day in sorted(item.entry.exceptions):
            one = occurrence_on(item.entry, day)
            if one is not None:
                calendar.add_component(_event(item, item.with_entry(one).content, one))
    return base64.b64encode(calendar.to_ical()).decode()


@lru_cache(maxsize=64)
def _timezone(zone: str, year: int) -> Any:
    """The zone by its two yearly rules, from 1601 on, as Exchange writes it."""
    package, rules = _package(), rules_of(zone, year)
    made = package.Timezone()
    made.add("tzid", windows_name(zone))
    daylight = rules.to_daylight.offset if rules.to_daylight else rules.standard
    parts = [(package.TimezoneStandard(), rules.to_standard, daylight, rules.standard)]
    if rules.to_daylight is not None:
        parts.append((package.TimezoneDaylight(), rules.to_daylight, rules.standard, daylight))
    for part, rule, before, after in parts:
        at = rule.at if rule else time()
        part.add("dtstart", datetime.combine(date(1601, 1, 1), at))
        part.add("tzoffsetfrom", before)
        part.add("tzoffsetto", after)
        if rule is not None:
            order = -1 if rule.order == LAST else rule.order
            day = f"{order}{tuple(_CODES.values())[(rule.weekday + 1) % 7]}"
            part.add("rrule", {"FREQ": "YEARLY", "INTERVAL": 1, "BYDAY": day, "BYMONTH": rule.month})
        made.add_component(part)
    return made


def _put_wall(event: Any, name: str, wall: Wall, *, is_day: bool) -> None:
    if is_day:
        event.add(name, wall.at.date())
    elif zone_info(wall.zone).key in ("UTC", "Etc/UTC"):
        event.add(name, wall.at.replace(tzinfo=UTC))
    else:
        event.add(name, wall.at, parameters={"TZID": windows_name(wall.zone)})


def _event(item: Item, content: Content, occurrence: Occurrence | None) -> Any:
    package = _package()
    event = package.Event()
    master = item.master
    event.add("uid", ids.ical_uid(master, None))
    event.add("dtstamp", master.modified_at)
    event.add("summary", content.subject)
    event.add("class", _CLASSES[content.sensitivity])
    event.add("priority", {"low": 9, "normal": 5, "high": 1}[content.importance])
    _put_wall(event, "dtstart", content.start, is_day=content.is_all_day)
    _put_wall(event, "dtend", content.end, is_day=content.is_all_day)
    text = content.body if content.body_type == "text" else html_to_text(content.body)
    if text:
        event.add("description", text)
    if content.locations:
        event.add("location", "; ".join(place.name for place in content.locations))
    if content.categories:
        event.add("categories", list(content.categories))
    event.add("transp", "TRANSPARENT" if content.show_as == "free" else "OPAQUE")
    event.add("status", "CANCELLED" if content.is_cancelled else "CONFIRMED")
    event.add("x-microsoft-cdo-busystatus", _BUSY[content.show_as])
    event.add("x-microsoft-cdo-alldayevent", "TRUE" if content.is_all_day else "FALSE")
    _put_people(event, item, content)
    if content.is_reminder_on:
        alarm = package.Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", "REMINDER")
        alarm.add("trigger", timedelta(minutes=-content.reminder_minutes))
        event.add_component(alarm)
    if occurrence is not None:
        slot = Wall(datetime.combine(occurrence.day, master.content.start.at.time()), master.content.start.zone)
        _put_wall(event, "recurrence-id", slot, is_day=master.content.is_all_day)
    elif isinstance(item.entry, Appointment) and item.entry.recurrence is not None:
        _put_series(event, item.entry, item.entry.recurrence)
    return event


def _put_people(event: Any, item: Item, content: Content) -> None:
    if not content.attendees:
        return
    package = _package()
    organizer = item.master.organizer
    event.add("organizer", package.vCalAddress(f"mailto:{organizer.address}"), parameters={"CN": organizer.name})
    for one in content.attendees:
        parameters = {
            "CN": one.person.name or one.person.address,
            "ROLE": _ROLES[one.kind],
            "PARTSTAT": _STATES.get(one.response, "NEEDS-ACTION"),
            "RSVP": "TRUE" if content.response_requested else "FALSE",
        }
        event.add("attendee", package.vCalAddress(f"mailto:{one.person.address}"), parameters=parameters)


def _put_series(event: Any, master: Appointment, recurrence: Recurrence) -> None:
    start = master.content.start
    event.add("rrule", _rule(recurrence, start))
    for day in sorted(master.cancelled):
        slot = Wall(datetime.combine(day, start.at.time()), start.zone)
        _put_wall(event, "exdate", slot, is_day=master.content.is_all_day)


def _rule(recurrence: Recurrence, start: Wall) -> dict[str, Any]:
    type_ = recurrence.type
    frequency = "YEARLY" if type_.endswith("Yearly") else "MONTHLY" if type_.endswith("Monthly") else type_.upper()
    rule: dict[str, Any] = {"FREQ": frequency}
    if recurrence.interval > 1:
        rule["INTERVAL"] = recurrence.interval
    if recurrence.days_of_week:
        rule["BYDAY"] = [_CODES[day] for day in recurrence.days_of_week]
    if type_.startswith("relative"):
        rule["BYSETPOS"] = _POSITIONS[recurrence.index]
    if recurrence.day_of_month:
        rule["BYMONTHDAY"] = recurrence.day_of_month
    if recurrence.month:
        rule["BYMONTH"] = recurrence.month
    if type_ == "weekly":
        rule["WKST"] = _CODES[recurrence.first_day_of_week]
    if recurrence.range_type == "numbered":
        rule["COUNT"] = recurrence.count
    elif recurrence.end_date is not None:
        last = datetime.combine(recurrence.end_date, start.at.time(), zone_info(start.zone))
        rule["UNTIL"] = last.astimezone(UTC)
    return rule


# -- reading


def read_base64(words: str, zone: str) -> ItemInput:
    """Read what a client sends as MimeContent; `zone` is that of times whose own the server does not know.

    Raises EwsError.
    """
    try:
        raw = base64.b64decode(words, validate=False)
    except (binascii.Error, ValueError) as error:
        raise EwsError("ErrorMimeContentInvalidBase64String") from error
    package = _package()
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
        "show_as": _SHOW_AS.get(status, busy),
        "sensitivity": _SENSITIVITIES.get(str(event.get("class", "PUBLIC")).upper(), "normal"),
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
        kind = _KINDS.get(str(one.params.get("ROLE", "REQ-PARTICIPANT")), "required")
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
    named: tuple[Day, ...] = tuple(_DAYS[code] for code in codes if code in _DAYS)
    is_relative = bool(named) and frequency in ("MONTHLY", "YEARLY")
    if frequency not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY") or (is_relative and position not in _INDEXES):
        raise EwsError("ErrorUnsupportedRecurrence")
    if frequency == "DAILY" and named:
        frequency = "WEEKLY"  # "every weekday", as Outlook says it
    type_ = {
        "DAILY": "daily",
        "WEEKLY": "weekly",
        "MONTHLY": "relativeMonthly" if is_relative else "absoluteMonthly",
        "YEARLY": "relativeYearly" if is_relative else "absoluteYearly",
    }[frequency]
    weekday = tuple(_CODES)[(begin.weekday() + 1) % 7]
    until = rule.get("UNTIL", [None])[0]
    count = rule.get("COUNT", [None])[0]
    if isinstance(until, datetime):
        until = (until.astimezone(zone_info(read.start_zone.name)) if until.tzinfo else until).date()
    return Recurrence(
        type=cast("Any", type_),
        start_date=begin.date(),
        interval=int(rule.get("INTERVAL", [1])[0]),
        days_of_week=(named or (weekday,)) if type_ == "weekly" or is_relative else (),
        first_day_of_week=_DAYS.get(str(rule.get("WKST", ["MO"])[0]), "monday"),
        day_of_month=int(rule.get("BYMONTHDAY", [begin.day])[0]) if type_.startswith("absolute") else 0,
        month=int(rule.get("BYMONTH", [begin.month])[0]) if type_.endswith("Yearly") else 0,
        index=cast("Any", _INDEXES.get(position, "first")) if is_relative else "first",
        range_type="endDate" if until else "numbered" if count else "noEnd",
        end_date=until,
        count=int(count or 0),
    )
