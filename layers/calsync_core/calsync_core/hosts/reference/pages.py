"""The week page: see a week, book, move, change, cancel. Works without scripts; GET changes nothing."""

import json
import secrets
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from calsync_core.hosts.reference.answers import Once
from calsync_core.hosts.reference.api import System
from calsync_core.hosts.reference.desk import Terms
from calsync_core.hosts.reference.documents import Block, Booking, Resource
from calsync_core.hosts.reference.errors import HostError, InvalidInputError, NotFoundError, RefusalError
from calsync_core.hosts.reference.fields import is_id
from calsync_core.hosts.reference.forms import REPEATS, blank_form, filled_form, plain_text, read_booking
from calsync_core.hosts.reference.instants import start_of_day
from calsync_core.hosts.reference.messages import BookingChange, NewBooking, parse
from calsync_core.hosts.reference.refusal_texts import explain
from calsync_core.hosts.reference.rendering import FORGED, Fault, Pages, Visit, faults_of
from calsync_core.hosts.reference.resource_pages import add_resource_pages
from calsync_core.hosts.reference.sessions import SignIn
from calsync_core.hosts.reference.week import describe, lay_out, monday_of

_DONE = {
    "booked": "Booked.",
    "saved": "Saved.",
    "cancelled": "Cancelled. The time is free again.",
}


def add_pages(
    app: APIGatewayHttpResolver,
    system: System,
    account: str,
    account_name: str,
    public_url: str,
    sign_in: SignIn,
) -> None:
    """Add the routes under /bookings, all but the style sheet for signed-in people of the account."""
    pages = Pages(app, account, account_name, public_url)
    desk = _BookingPages(system, pages)
    guard = pages.signed_in(sign_in)
    app.get("/bookings/week.css")(pages.style)
    app.get("/bookings")(guard(desk.week))
    app.get("/bookings/new")(guard(desk.ask_new))
    app.post("/bookings/new")(guard(desk.book))
    app.get("/bookings/b/<booking_id>")(guard(desk.ask_change))
    app.post("/bookings/b/<booking_id>")(guard(desk.change))
    app.get("/bookings/b/<booking_id>/cancel")(guard(desk.ask_cancel))
    app.post("/bookings/b/<booking_id>/cancel")(guard(desk.cancel))
    add_resource_pages(app, system, pages, guard)


class _BookingPages:
    def __init__(self, system: System, pages: Pages) -> None:
        self._system = system
        self._pages = pages

    def week(self, visit: Visit) -> Response[str]:
        """One resource's week."""
        query = visit.request.query
        resources = self._resources()
        if not resources:
            return self._pages.render("empty.html", visit)
        wanted = query.get("resource", "")
        resource = next((found for found in resources if found.id == wanted), None)
        if wanted and resource is None:
            raise NotFoundError("resource")
        resource = resource or next((found for found in resources if found.active), resources[0])
        today = self._today(resource)
        monday = monday_of(_date_or(query.get("week", ""), today))
        begins = start_of_day(monday, resource.time_zone)
        ends = start_of_day(monday + timedelta(days=7), resource.time_zone)
        calendars = self._system.calendars
        entries: list[Booking | Block] = [
            *calendars.bookings(resource.id, begins, ends),
            *calendars.blocks(resource.id, begins, ends),
        ]
        week = lay_out(resource, monday, entries, self._system.clock())
        return self._pages.render(
            "week.html",
            visit,
            resource=resource,
            resources=resources,
            week=week,
            sunday=monday + timedelta(days=6),
            before=monday - timedelta(days=7),
            after=monday + timedelta(days=7),
            today=today,
            done=_DONE.get(query.get("done", ""), ""),
        )

    def ask_new(self, visit: Visit) -> Response[str]:
        """The form of a new booking."""
        query = visit.request.query
        resource = self._resource(query.get("resource", ""))
        day = _date_or(query.get("date", ""), self._today(resource))
        start = query.get("start", "")
        if not _is_time(start):
            hours = resource.working_hours.ranges_on(day) if resource.working_hours else []
            start = f"{hours[0][0] // 60:02}:{hours[0][0] % 60:02}" if hours else "09:00"
        form = blank_form(resource, day, start) | {"resource": resource.id}
        return self._form(visit, form, None, [])

    def book(self, visit: Visit) -> Response[str]:
        """Make the booking, or say why not and keep what was typed."""
        form = visit.request.form
        resource = self._resource(form.get("resource", ""))
        if visit.is_forged:
            return self._form(visit, form, None, [FORGED], 403)
        try:
            fields = read_booking(form, resource.time_zone)
            body = json.dumps(fields)
            once = Once.of(form["once"], "page book", body.encode()) if form.get("once") else None
            answer = self._system.desk.book(parse(NewBooking, body), once)
        except HostError as error:
            return self._form(visit, form, None, self._faults(error), error.status)
        return self._back(answer.body, "booked", resource.id)

    def ask_change(self, visit: Visit, booking_id: str) -> Response[str]:
        """The form of a booking that stands."""
        booking = self._system.calendars.find(booking_id).booking
        return self._form(visit, filled_form(booking), booking, [])

    def change(self, visit: Visit, booking_id: str) -> Response[str]:
        """Change the booking, or say why not and keep what was typed."""
        form = visit.request.form
        booking = self._system.calendars.find(booking_id).booking
        if visit.is_forged:
            return self._form(visit, form, booking, [FORGED], 403)
        try:
            body = json.dumps(read_booking(form, booking.time_zone, booking))
            terms = Terms(expected=form.get("version") or None)
            answer = self._system.desk.change(booking_id, parse(BookingChange, body), terms)
        except HostError as error:
            # The newest version goes into the form: whoever presses again has seen that somebody else was there.
            form |= {"version": booking.version}
            return self._form(visit, form, booking, self._faults(error), error.status)
        return self._back(answer.body, "saved", booking.resource_ids[0])

    def ask_cancel(self, visit: Visit, booking_id: str) -> Response[str]:
        """Ask once more, and say what goes."""
        return self._cancel_page(visit, self._system.calendars.find(booking_id).booking, [], 200)

    def cancel(self, visit: Visit, booking_id: str) -> Response[str]:
        """Cancel it."""
        booking = self._system.calendars.find(booking_id).booking
        if visit.is_forged:
            return self._cancel_page(visit, booking, [FORGED], 403)
        try:
            terms = Terms(expected=visit.request.form.get("version") or None)
            answer = self._system.desk.cancel(booking_id, terms)
        except HostError as error:
            return self._cancel_page(visit, booking, self._faults(error), error.status)
        return self._back(answer.body, "cancelled", booking.resource_ids[0])

    def _form(
        self, visit: Visit, form: dict[str, str], booking: Booking | None, faults: list[Fault], status: int = 200
    ) -> Response[str]:
        resources = self._resources()
        shown = booking.resource_ids[0] if booking else form["resource"]
        resource = next((found for found in resources if found.id == shown), None) or self._resource(shown)
        notes = booking.notes if booking else None
        return self._pages.render(
            "booking.html",
            visit,
            status,
            form=form | {"once": form.get("once") or secrets.token_urlsafe(12)},
            booking=booking,
            heading=describe(booking) if booking else "New booking",
            formatted_notes=plain_text(notes.value) if notes and notes.format == "html" else "",
            resource=resource,
            zone=booking.time_zone if booking else resource.time_zone,
            resources=[found for found in resources if found.active or f"with:{found.id}" in form],
            repeats=REPEATS,
            faults=faults,
            wrong=dict(reversed(faults)),
            step=self._system.desk.granularity_minutes * 60,
        )

    def _cancel_page(self, visit: Visit, booking: Booking, faults: list[Fault], status: int) -> Response[str]:
        dates = booking.occurrences() if booking.is_series else []
        count = len(dates) + len(booking.detached)
        return self._pages.render(
            "cancel.html", visit, status, booking=booking, label=describe(booking), count=count, faults=faults
        )

    def _faults(self, error: HostError) -> list[Fault]:
        if isinstance(error, InvalidInputError):
            return faults_of(error)
        if isinstance(error, RefusalError):
            return [explain(error, self._system)]
        return [("", error.message)]

    def _back(self, shown: dict[str, Any], done: str, resource_id: str) -> Response[str]:
        """To the week in which the booking now stands."""
        resource_id = resource_id if resource_id in shown["resource_ids"] else shown["resource_ids"][0]
        zone = ZoneInfo(self._resource(resource_id).time_zone)
        day = datetime.fromisoformat(shown["start"]).astimezone(zone).date()
        return self._pages.see(
            "/bookings?" + urlencode({"resource": resource_id, "week": monday_of(day), "done": done})
        )

    def _resources(self) -> list[Resource]:
        found = self._system.register.list_after("", 500)
        return sorted(found, key=lambda resource: (not resource.active, resource.name.lower()))

    def _resource(self, resource_id: str) -> Resource:
        if not is_id(resource_id):
            raise NotFoundError("resource")
        return self._system.register.get(resource_id)

    def _today(self, resource: Resource) -> date:
        return self._system.clock().astimezone(ZoneInfo(resource.time_zone)).date()


def _date_or(text: str, otherwise: date) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return otherwise
    return found if 1990 < found.year < 2119 else otherwise


def _is_time(text: str) -> bool:
    try:
        return len(text) == 5 and datetime.strptime(text, "%H:%M") is not None  # noqa: DTZ007 - a wall time
    except ValueError:
        return False
