"""The form of one appointment: its fields from an entry, an entry's content from its fields."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, get_args

from sandbox.appointments import Content, Location, ShowAs
from sandbox.recurrence import Day, Recurrence
from sandbox.zones import Wall, to_wall

SHOW_AS: dict[ShowAs, str] = {
    "free": "Free",
    "workingElsewhere": "Working elsewhere",
    "tentative": "Tentative",
    "busy": "Busy",
    "oof": "Away",
}
REPEATS = {"none": "Does not repeat", "daily": "Every day", "workdays": "Every workday", "weekly": "Every week"}
_WEEKDAYS: tuple[Day, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class FormError(ValueError):
    """A field cannot be understood; the text is for the person."""


@dataclass
class AppointmentForm:
    """The fields as the page shows them; times are wall times of the mailbox's zone."""

    subject: str = ""
    start_day: str = ""
    start_time: str = ""
    end_day: str = ""
    end_time: str = ""
    all_day: bool = False
    show_as: str = "busy"
    private: bool = False
    location: str = ""
    notes: str = ""
    calendar: str = ""
    repeat: str = "none"
    repeat_until: str = ""


def blank_form(start: datetime, calendar: str) -> AppointmentForm:
    """The form of a new appointment of half an hour; `start` is a wall time."""
    end = start + timedelta(minutes=30)
    return AppointmentForm(
        start_day=start.date().isoformat(),
        start_time=f"{start:%H:%M}",
        end_day=end.date().isoformat(),
        end_time=f"{end:%H:%M}",
        calendar=calendar,
    )


def form_of(content: Content, zone: str, calendar: str, plain_notes: str) -> AppointmentForm:
    """The form of an entry; of a whole day the last day is shown, not the one after it."""
    if content.is_all_day:
        start, end = content.start.at, content.end.at - timedelta(days=1)
    else:
        start, end = to_wall(content.start_at, zone).at, to_wall(content.end_at, zone).at
    return AppointmentForm(
        subject=content.subject,
        start_day=start.date().isoformat(),
        start_time=f"{start:%H:%M}",
        end_day=end.date().isoformat(),
        end_time=f"{end:%H:%M}",
        all_day=content.is_all_day,
        show_as=content.show_as,
        private=content.sensitivity in ("private", "confidential"),
        location=content.locations[0].name if content.locations else "",
        notes=plain_notes,
        calendar=calendar,
    )


def read_form(fields: dict[str, str]) -> AppointmentForm:
    """The fields of a posted form."""
    names = AppointmentForm.__dataclass_fields__
    known: dict[str, Any] = {name: fields[name].strip() for name in names if name in fields}
    for name in ("all_day", "private"):
        known[name] = fields.get(name) == "1"
    form = AppointmentForm(**known)
    if not form.end_day:
        form.end_day = form.start_day
    return form


def changes_of(form: AppointmentForm, zone: str) -> dict[str, Any]:
    """The fields of `Content` that a form sets.

    Raises:
        FormError: a date or time that is none, an end before its start, an unknown kind of availability.
    """
    start, end = _times(form)
    if form.show_as not in get_args(ShowAs):
        raise FormError("Choose one of the kinds of availability.")
    return {
        "subject": form.subject[:255],
        "start": Wall(start, zone),
        "end": Wall(end, zone),
        "is_all_day": form.all_day,
        "show_as": form.show_as,
        "sensitivity": "private" if form.private else "normal",
        "locations": (Location(form.location),) if form.location else (),
        "body_type": "text",
        "body": form.notes,
    }


def new_content(form: AppointmentForm, zone: str, reminder_minutes: int) -> Content:
    """The content of a new appointment. Raises FormError."""
    return replace(
        Content(start=Wall(datetime(2000, 1, 1), zone), end=Wall(datetime(2000, 1, 1), zone)),  # noqa: DTZ001 - wall time
        **changes_of(form, zone),
        reminder_minutes=reminder_minutes,
    )


def recurrence_of(form: AppointmentForm) -> Recurrence | None:
    """The series that a form asks for, None for a single appointment. Raises FormError."""
    if form.repeat == "none":
        return None
    if form.repeat not in REPEATS:
        raise FormError("Choose one of the ways to repeat.")
    first = _day(form.start_day, "start")
    until = _day(form.repeat_until, "repeat until") if form.repeat_until else None
    if until is not None and until < first:
        raise FormError("The series would end before it begins.")
    days: tuple[Day, ...] = ()
    if form.repeat == "weekly":
        days = (_WEEKDAYS[first.weekday()],)
    elif form.repeat == "workdays":
        days = _WEEKDAYS[:5]
    return Recurrence(
        type="daily" if form.repeat == "daily" else "weekly",
        start_date=first,
        days_of_week=days,
        range_type="endDate" if until else "noEnd",
        end_date=until,
    )


def _times(form: AppointmentForm) -> tuple[datetime, datetime]:
    if form.all_day:
        start = datetime.combine(_day(form.start_day, "start"), time())
        end = datetime.combine(_day(form.end_day, "end") + timedelta(days=1), time())
    else:
        start = datetime.combine(_day(form.start_day, "start"), _clock(form.start_time, "start"))
        end = datetime.combine(_day(form.end_day, "end"), _clock(form.end_time, "end"))
    if end < start or (form.all_day and end == start):
        raise FormError("The end is before the start.")
    return start, end


def _day(text: str, which: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise FormError(f"The {which} needs a day like 2026-11-24.") from wrong


def _clock(text: str, which: str) -> time:
    try:
        return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError as wrong:
        raise FormError(f"The {which} needs a time like 14:30.") from wrong
