"""MimeContent that clients read: an item as Exchange exports it, iCalendar in base64."""

import base64
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from sandbox.appointments import Appointment, Content, Occurrence
from sandbox.exchange.items import mime
from sandbox.exchange.items.view import Item
from sandbox.exchange.zone_rules import LAST, rules_of
from sandbox.graph import ids
from sandbox.graph.bodies import html_to_text
from sandbox.recurrence import Recurrence
from sandbox.series import occurrence_on
from sandbox.zones import Wall, windows_name, zone_info


def write_base64(item: Item) -> str:
    """The item as Exchange exports it: a series with its edited occurrences."""
    package = mime.package()
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
    package, rules = mime.package(), rules_of(zone, year)
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
            day = f"{order}{tuple(mime.CODES.values())[(rule.weekday + 1) % 7]}"
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
    package = mime.package()
    event = package.Event()
    master = item.master
    event.add("uid", ids.ical_uid(master, None))
    event.add("dtstamp", master.modified_at)
    event.add("summary", content.subject)
    event.add("class", mime.CLASSES[content.sensitivity])
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
    event.add("x-microsoft-cdo-busystatus", mime.BUSY[content.show_as])
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
    package = mime.package()
    organizer = item.master.organizer
    event.add("organizer", package.vCalAddress(f"mailto:{organizer.address}"), parameters={"CN": organizer.name})
    for one in content.attendees:
        parameters = {
            "CN": one.person.name or one.person.address,
            "ROLE": mime.ROLES[one.kind],
            "PARTSTAT": mime.STATES.get(one.response, "NEEDS-ACTION"),
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
        rule["BYDAY"] = [mime.CODES[day] for day in recurrence.days_of_week]
    if type_.startswith("relative"):
        rule["BYSETPOS"] = mime.POSITIONS[recurrence.index]
    if recurrence.day_of_month:
        rule["BYMONTHDAY"] = recurrence.day_of_month
    if recurrence.month:
        rule["BYMONTH"] = recurrence.month
    if type_ == "weekly":
        rule["WKST"] = mime.CODES[recurrence.first_day_of_week]
    if recurrence.range_type == "numbered":
        rule["COUNT"] = recurrence.count
    elif recurrence.end_date is not None:
        last = datetime.combine(recurrence.end_date, start.at.time(), zone_info(start.zone))
        rule["UNTIL"] = last.astimezone(UTC)
    return rule
