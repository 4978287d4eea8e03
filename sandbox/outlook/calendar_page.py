"""A person's week: look at it, make, move, change and delete appointments, answer invitations."""

import html
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import cycle
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from sandbox import meetings
from sandbox.appointments import Appointment, Content, Entry, Occurrence
from sandbox.calendars import Folder, Mailbox
from sandbox.outlook.appointment_form import (
    REPEATS,
    SHOW_AS,
    AppointmentForm,
    FormError,
    blank_form,
    changes_of,
    form_of,
    new_content,
    read_form,
    recurrence_of,
)
from sandbox.outlook.views import Visit
from sandbox.outlook.week import build_week, entry_key
from sandbox.recurrence import Recurrence
from sandbox.series import CrossingBoundaryError, check_boundaries, master_at_first_occurrence, occurrence_on
from sandbox.zones import zone_info

HUES = (212, 150, 28, 330, 265, 95, 190, 0)
"""Colours of the calendars, in the order of the list."""

ANSWERS: dict[str, meetings.Answer] = {
    "accept": "accepted",
    "tentative": "tentativelyAccepted",
    "decline": "declined",
}


def week(visit: Visit) -> Response:
    """The week of ?day, the calendar of ?calendar (all), the form of ?entry or of a new appointment at ?at."""
    mailbox = visit.mailbox
    if mailbox is None:
        return _no_calendar(visit)
    asked = visit.request.query_params
    entry = _find(visit, mailbox, asked.get("entry", ""))
    if entry is not None:
        folder = _folder_of(mailbox, entry)
        content = entry.content
        form = form_of(content, mailbox.time_zone, folder.folder_id, _plain(content))
        return _page(visit, mailbox, form, entry)
    return _page(visit, mailbox, blank_form(_asked_start(visit, mailbox), mailbox.default.folder_id), None)


def create(visit: Visit) -> Response:
    """Make an appointment or a series from the posted form."""
    mailbox = visit.mailbox
    if mailbox is None:
        return _no_calendar(visit)
    form = read_form(visit.fields)
    folder = mailbox.folders.get(form.calendar) or mailbox.default
    try:
        content = new_content(form, mailbox.time_zone, mailbox.default_reminder_minutes)
        recurrence = recurrence_of(form)
        if recurrence is not None:
            content, recurrence = _settled(content, recurrence)
        _check_writable(folder)
    except FormError as wrong:
        return _page(visit, mailbox, form, None, problem=str(wrong))
    made = visit.sandbox.world.mailboxes.create(folder.calendar, content, recurrence=recurrence)
    return _back(visit, form.start_day, entry_key(made) if recurrence is None else "")


def change(visit: Visit) -> Response:
    """Save, delete, delete the series, cancel the meeting or answer the invitation, by the pressed `action`."""
    mailbox = visit.mailbox
    if mailbox is None:
        return _no_calendar(visit)
    entry = _find(visit, mailbox, visit.request.path_params["entry"])
    if entry is None:
        return visit.page("message_in.html", 404, title="This appointment is gone", text="", section="calendar")
    form = read_form(visit.fields)
    action = visit.fields.get("action", "save")
    try:
        _check_writable(_folder_of(mailbox, entry))
        if action == "save":
            entry = _save(visit, mailbox, entry, form)
        elif action in ANSWERS:
            _answer(visit, entry, ANSWERS[action])
        elif action in ("delete", "delete_series", "cancel"):
            _delete(visit, entry, whole=action == "delete_series")
        else:
            return _page(visit, mailbox, form, entry, problem="There is no such action.")
    except FormError as wrong:
        return _page(visit, mailbox, form, entry, problem=str(wrong))
    return _back(visit, form.start_day, entry_key(entry) if action == "save" else "")


def _save(visit: Visit, mailbox: Mailbox, entry: Entry, form: AppointmentForm) -> Entry:
    store = visit.sandbox.world.mailboxes
    before = entry.content
    changes = changes_of(form, before.start.zone if before.is_all_day and form.all_day else mailbox.time_zone)
    if form.notes == _plain(before):
        del changes["body"], changes["body_type"]  # an HTML body that nobody touched stays as it is
    if not form.all_day and not before.is_all_day:
        changes |= _kept_times(before, replace(before, **changes))
    if isinstance(entry, Occurrence):
        after = replace(before, **changes)
        try:
            check_boundaries(entry.master, entry.day, after)
        except CrossingBoundaryError as crossing:
            raise FormError("An occurrence cannot be moved to or past the day of its neighbours.") from crossing
        changed = {name: value for name, value in changes.items() if value != getattr(before, name)}
        if changed:
            store.edit_occurrence(entry.master, entry.day, changed)
            meetings.tell_occurrence(store, entry.master, entry.day, changed)
        found = occurrence_on(entry.master, entry.day)
        assert found is not None
        return found
    content = replace(before, **changes)
    if content != before:
        store.update(entry, content=content)
        meetings.tell_update(store, entry, before)
    target = mailbox.folders.get(form.calendar)
    if target is not None and target.calendar.calendar_id != entry.calendar_id:
        _check_writable(target)
        if target.calendar.mailbox_oid != entry.mailbox_oid:
            raise FormError("An appointment cannot be moved into somebody else's calendar.")
        store.move_to_calendar(entry, target.calendar)
    return entry


def _kept_times(before: Content, after: Content) -> dict[str, object]:
    """Times that show the same instant stay in the zone they were written in."""
    kept: dict[str, object] = {}
    if after.start_at == before.start_at:
        kept["start"] = before.start
    if after.end_at == before.end_at:
        kept["end"] = before.end
    return kept


def _delete(visit: Visit, entry: Entry, *, whole: bool) -> None:
    """Delete; the organizer's attendees get their cancellation, as everywhere."""
    store = visit.sandbox.world.mailboxes
    if isinstance(entry, Occurrence) and not whole:
        meetings.tell_deleted(store, entry.master, day=entry.day)
        store.delete_occurrence(entry.master, entry.day)
        return
    appointment = entry.master if isinstance(entry, Occurrence) else entry
    meetings.tell_deleted(store, appointment)
    store.delete(appointment)


def _answer(visit: Visit, entry: Entry, answer: meetings.Answer) -> None:
    store, settings = visit.sandbox.world.mailboxes, visit.sandbox.world.settings
    copy = entry.master if isinstance(entry, Occurrence) else entry
    if copy.is_organizer:
        raise FormError("Only an invitation can be answered.")
    meetings.respond(store, copy, answer, keeps_declined=settings.keeps_declined)


def _settled(content: Content, recurrence: Recurrence) -> tuple[Content, Recurrence]:
    try:
        return master_at_first_occurrence(content, recurrence)
    except ValueError as empty:
        raise FormError("The series has no occurrence.") from empty


def _check_writable(folder: Folder) -> None:
    if not folder.can_edit:
        raise FormError(f"“{folder.name}” can only be read.")


def _find(visit: Visit, mailbox: Mailbox, key: str) -> Entry | None:
    """The entry of a key, if it stands in a calendar that this mailbox sees."""
    entry_id, _, day = key.partition(".")
    appointment = visit.sandbox.world.mailboxes.entry(entry_id)
    if appointment is None or not any(f.calendar.entries.get(entry_id) for f in mailbox.folders.values()):
        return None
    if not day:
        return appointment
    try:
        return occurrence_on(appointment, date.fromisoformat(day))
    except ValueError:
        return None


def _folder_of(mailbox: Mailbox, entry: Entry) -> Folder:
    appointment = entry.master if isinstance(entry, Occurrence) else entry
    return next(f for f in mailbox.folders.values() if appointment.entry_id in f.calendar.entries)


def _asked_day(visit: Visit) -> date:
    try:
        return date.fromisoformat(visit.request.query_params.get("day", ""))
    except ValueError:
        return visit.sandbox.now().astimezone(visit.zone).date()


def _asked_start(visit: Visit, mailbox: Mailbox) -> datetime:
    """Where the form of a new appointment begins: ?at, else the next full hour of the shown day."""
    try:
        return datetime.fromisoformat(visit.request.query_params.get("at", "")).replace(tzinfo=None)
    except ValueError:
        now = visit.sandbox.now().astimezone(zone_info(mailbox.time_zone)).replace(tzinfo=None)
        hour = min(now.hour + 1, 22)
        return datetime.combine(_asked_day(visit), now.time().replace(hour=hour, minute=0, second=0, microsecond=0))


def _page(visit: Visit, mailbox: Mailbox, form: AppointmentForm, entry: Entry | None, *, problem: str = "") -> Response:
    day = _asked_day(visit)
    if entry is not None and "day" not in visit.request.query_params:
        day = entry.content.start_at.astimezone(visit.zone).date()
    monday = day - timedelta(days=day.weekday())
    chosen = visit.request.query_params.get("calendar", "all")
    folders = [f for f in mailbox.folders.values() if chosen in ("all", f.folder_id)]
    master = entry.master if isinstance(entry, Occurrence) else entry
    return visit.page(
        "calendar.html",
        400 if problem else 200,
        section="calendar",
        week=build_week(folders, monday, visit.zone),
        today=visit.sandbox.now().astimezone(visit.zone).date(),
        day=day,
        monday=monday,
        chosen=chosen,
        hues=dict(zip(mailbox.folders, cycle(HUES), strict=False)),
        is_new="at" in visit.request.query_params,
        folders=list(mailbox.folders.values()),
        zone=mailbox.time_zone,
        form=form,
        entry=entry,
        key=entry_key(entry) if entry is not None else "",
        is_occurrence=isinstance(entry, Occurrence),
        is_series=isinstance(entry, Appointment) and entry.is_series,
        is_invitation=master is not None and not master.is_organizer,
        has_guests=master is not None and bool(master.content.attendees),
        attendees=entry.content.attendees if entry is not None else (),
        response=master.response if master is not None else "",
        show_as=SHOW_AS,
        repeats=REPEATS,
        problem=problem,
        one_week=timedelta(days=7),
    )


def _plain(content: Content) -> str:
    """The body as text for the form."""
    if content.body_type == "text":
        return content.body
    text = re.sub(r"(?is)<(style|head|script)\b.*?</\1>", "", content.body)
    text = re.sub(r"(?i)<br\s*/?>|</p>|</div>", "\n", text)
    return html.unescape(re.sub(r"<[^>]+>", "", text)).strip()


def _back(visit: Visit, day: str, key: str) -> Response:
    query = {name: value for name, value in (("day", day), ("entry", key)) if value}
    return RedirectResponse(f"{visit.address}/calendar?{urlencode(query)}", 303)


def _no_calendar(visit: Visit) -> Response:
    text = "This account has no mailbox in the sandbox."
    return visit.page("message_in.html", 404, title="No calendar", text=text, section="calendar")
