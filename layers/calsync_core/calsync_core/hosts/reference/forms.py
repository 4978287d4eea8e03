"""The forms of the week page: what a person typed, as the contract's fields, and back."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

from calsync_core.hosts.reference.documents import Booking, Resource
from calsync_core.hosts.reference.errors import InvalidInputError
from calsync_core.hosts.reference.working_hours import DAYS

REPEATS = {
    "": "Does not repeat",
    "FREQ=DAILY": "Every day",
    "FREQ=WEEKLY": "Every week",
    "FREQ=WEEKLY;INTERVAL=2": "Every 2 weeks",
    "FREQ=WEEKLY;INTERVAL=4": "Every 4 weeks",
    "FREQ=MONTHLY": "Every month, same date",
}
DAY_NAMES = dict(zip(DAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True))
# Fields of the contract whose mistakes belong to a form field of another name.
_FORM_FIELDS = {"resource_ids": "with", "customer.name": "customer_name", "series.rrule": "times"}
_FORM_FIELDS |= {"customer.email": "customer_email", "customer.phone": "customer_phone", "notes.value": "notes"}
_FORM_FIELDS |= {"buffers.before_min": "before", "buffers.after_min": "after", "service_name": "service"}
_FORM_FIELDS |= {"owner.name": "owner_name", "owner.email": "owner_email"}


def form_field(contract_field: str) -> str:
    """The form field at which a mistake in a field of the contract is shown."""
    return _FORM_FIELDS.get(contract_field, contract_field.split(".", maxsplit=1)[0])


def blank_form(resource: Resource, day: date, start: str, minutes: int = 30) -> dict[str, str]:
    """The fields of a new booking; `start` is HH:MM."""
    begins = datetime.combine(day, time.fromisoformat(start))
    ends = begins + timedelta(minutes=minutes)
    return {
        "date": day.isoformat(),
        "start": start,
        "end": f"{ends:%H:%M}",
        f"with:{resource.id}": "on",
        "repeat": "",
        "times": "10",
        "before": "0",
        "after": "0",
    }


def filled_form(booking: Booking) -> dict[str, str]:
    """The fields of a booking that stands."""
    zone = ZoneInfo(booking.time_zone)
    start, end = booking.start.astimezone(zone), booking.end.astimezone(zone)
    last = end - timedelta(seconds=1)
    customer, notes = booking.customer, booking.notes
    fields = {
        "date": f"{start:%Y-%m-%d}",
        "start": "" if booking.all_day else f"{start:%H:%M}",
        "end": "" if booking.all_day else f"{end:%H:%M}",
        "last_date": f"{last:%Y-%m-%d}" if last.date() != start.date() else "",
        "all_day": "on" if booking.all_day else "",
        "title": booking.title,
        "service": booking.service_name or "",
        "customer_name": customer.name if customer else "",
        "customer_email": (customer.email if customer else None) or "",
        "customer_phone": (customer.phone if customer else None) or "",
        "notes": notes.value if notes and notes.format == "text" else "",
        "location": booking.location or "",
        "tentative": "on" if booking.status == "tentative" else "",
        "private": "on" if booking.private else "",
        "before": str(booking.buffers.before_min),
        "after": str(booking.buffers.after_min),
        "version": booking.version,
    }
    return fields | {f"with:{resource_id}": "on" for resource_id in booking.resource_ids}


def read_booking(form: Mapping[str, str], zone: str, before: Booking | None = None) -> dict[str, Any]:
    """The contract's fields of a posted booking form, for `NewBooking` or, with `before`, `BookingChange`.

    Raises:
        InvalidInputError: no resource, or date and times that cannot be read; fields are those of the form.
    """
    start, end = _span(form, zone)
    customer = {name: _text(form, f"customer_{name}") for name in ("name", "email", "phone")}
    fields: dict[str, Any] = {
        "resource_ids": sorted(name.removeprefix("with:") for name in form if name.startswith("with:")),
        "start": start,
        "end": end,
        "all_day": "all_day" in form,
        "title": form.get("title", "").strip(),
        "service_name": _text(form, "service"),
        "customer": {**customer, "name": customer["name"] or ""} if any(customer.values()) else None,
        "location": _text(form, "location"),
        "status": "tentative" if "tentative" in form else "confirmed",
        "private": "private" in form,
        "buffers": {"before_min": _number(form, "before"), "after_min": _number(form, "after")},
    }
    if not fields["resource_ids"]:
        raise InvalidInputError(("with", "Choose who or what is booked."))
    if not (before and before.notes and before.notes.format == "html"):
        notes = form.get("notes", "").replace("\r\n", "\n").strip()
        fields["notes"] = {"format": "text", "value": notes} if notes else None
    if before is None:
        fields["time_zone"] = zone
        if form.get("repeat") in REPEATS and form["repeat"]:
            fields["series"] = {"rrule": f"{form['repeat']};COUNT={_number(form, 'times')}"}
    elif set(fields["resource_ids"]) == set(before.resource_ids):
        # The order is the booking's own; a form cannot show it and must not change it.
        fields["resource_ids"] = list(before.resource_ids)
    return fields


def _span(form: Mapping[str, str], zone: str) -> tuple[str, str]:
    first = _date(form, "date")
    last = _date(form, "last_date") if form.get("last_date") else first
    if last < first:
        raise InvalidInputError(("last_date", "The last day is before the first."))
    if "all_day" in form:
        return first.isoformat(), (last + timedelta(days=1)).isoformat()
    start, end = _instant(first, _time(form, "start"), zone, "start"), _instant(last, _time(form, "end"), zone, "end")
    if end <= start:
        raise InvalidInputError(("end", "The end must be after the start."))
    return start.isoformat(), end.isoformat()


def _date(form: Mapping[str, str], name: str) -> date:
    try:
        return date.fromisoformat(form.get(name, ""))
    except ValueError as error:
        raise InvalidInputError((name, "Give a date such as 2026-11-23.")) from error


def _time(form: Mapping[str, str], name: str) -> time:
    text = form.get(name, "").strip()
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d(:00)?", text, re.ASCII):
        raise InvalidInputError((name, "Give a time such as 09:30."))
    hour, minute = text.split(":")[:2]
    return time(int(hour), int(minute))


def _instant(day: date, wall_time: time, zone: str, name: str) -> datetime:
    wall = datetime.combine(day, wall_time, ZoneInfo(zone))
    instant = wall.astimezone(UTC)
    if instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != wall.replace(tzinfo=None):
        raise InvalidInputError((name, "This time does not exist on that day: the clocks are put forward."))
    return instant


def _text(form: Mapping[str, str], name: str) -> str | None:
    return form.get(name, "").strip() or None


def _number(form: Mapping[str, str], name: str) -> int:
    text = form.get(name, "").strip() or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise InvalidInputError((name, "Give a whole number."))
    return int(text)


def resource_form(resource: Resource) -> dict[str, str]:
    """The fields of a resource that stands; each day's hours as text."""
    fields = {
        "name": resource.name,
        "kind": resource.kind,
        "email": resource.email or "",
        "time_zone": resource.time_zone,
        "locale": resource.locale,
        "owner_name": resource.owner.name if resource.owner else "",
        "owner_email": (resource.owner.email if resource.owner else None) or "",
        "active": "on" if resource.active else "",
        "limited": "on" if resource.working_hours else "",
        "version": resource.version,
    }
    if resource.working_hours:
        for day in DAYS:
            ranges = [f"{found.start}-{found.end}" for found in resource.working_hours.weekly if found.day == day]
            fields[f"hours:{day}"] = ", ".join(ranges)
        fields["exceptions"] = "\n".join(
            f"{found.date} " + (", ".join(f"{r.start}-{r.end}" for r in found.ranges) or "closed")
            for found in resource.working_hours.exceptions
        )
    return fields


def read_resource(form: Mapping[str, str], before: Resource | None) -> dict[str, Any]:
    """The contract's fields of a posted resource form, for `NewResource` or `ResourceChange`.

    Raises:
        InvalidInputError: hours that cannot be read.
    """
    fields: dict[str, Any] = {name: form.get(name, "").strip() for name in ("name", "kind", "time_zone")}
    fields |= {"email": _text(form, "email"), "locale": _text(form, "locale") or "en", "active": "active" in form}
    owner = {"name": _text(form, "owner_name"), "email": _text(form, "owner_email")}
    fields["owner"] = None
    if owner["name"] or owner["email"]:
        known = before.owner.id if before and before.owner else None
        fields["owner"] = {**owner, "id": known or _owner_id(owner["email"] or owner["name"] or "")}
    fields["working_hours"] = None
    if "limited" in form:
        weekly = [
            {"day": day, **found} for day in DAYS for found in _ranges(form.get(f"hours:{day}", ""), f"hours-{day}")
        ]
        fields["working_hours"] = {"weekly": weekly, "exceptions": _exceptions(form.get("exceptions", ""))}
    return fields


def _owner_id(known_by: str) -> str:
    """The same person typed again gets the same id, so that one mailbox serves all of his resources."""
    return "own_" + (re.sub(r"[^a-z0-9.@-]+", "-", known_by.lower()).strip("-") or "unnamed")[:100]


def _ranges(text: str, name: str) -> list[dict[str, str]]:
    found = []
    for part in filter(None, (part.strip() for part in text.replace("–", "-").split(","))):
        match = re.fullmatch(r"(\d?\d):(\d\d)\s*-\s*(\d?\d):(\d\d)", part, re.ASCII)
        if not match:
            raise InvalidInputError((name, "Give hours such as 09:00-12:00, 13:00-17:00."))
        found.append({"start": f"{match[1]:>02}:{match[2]}", "end": f"{match[3]:>02}:{match[4]}"})
    return found


def _exceptions(text: str) -> list[dict[str, Any]]:
    found = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        day, _, hours = line.partition(" ")
        ranges = [] if hours.strip().lower() in {"", "closed"} else _ranges(hours, "exceptions")
        found.append({"date": day, "ranges": ranges})
    return found


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the base's names
        if tag in {"br", "p", "div", "li"}:
            self.parts.append("\n")


def plain_text(html: str) -> str:
    """The words of formatted notes, for a page that shows no foreign markup."""
    reader = _Text()
    reader.feed(html)
    reader.close()
    return "".join(reader.parts).strip()
