"""The pages on which the owner keeps resources and working hours."""

import json
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from calsync_core.hosts.reference.api import System
from calsync_core.hosts.reference.documents import Resource
from calsync_core.hosts.reference.errors import HostError, InvalidInputError, RefusalError
from calsync_core.hosts.reference.forms import DAY_NAMES, read_resource, resource_form
from calsync_core.hosts.reference.instants import zone_names
from calsync_core.hosts.reference.messages import NewResource, ResourceChange, parse
from calsync_core.hosts.reference.rendering import FORGED, Fault, Page, Pages, Visit, faults_of

KINDS = {"staff": "Person", "room": "Room", "equipment": "Equipment"}
_BLANK = {"kind": "staff", "active": "on", "limited": "on", "locale": "en"}
_BLANK |= {f"hours:{day}": "09:00-17:00" for day in ("mon", "tue", "wed", "thu", "fri")}


def add_resource_pages(app: APIGatewayHttpResolver, system: System, pages: Pages, guard: Any) -> None:
    """Add the routes under /bookings/resources."""
    register = _ResourcePages(system, pages)

    def add(method: Any, path: str, page: Page) -> None:
        method(path)(guard(page))

    add(app.get, "/bookings/resources", register.list_all)
    add(app.get, "/bookings/resources/new", register.ask_new)
    add(app.post, "/bookings/resources/new", register.add)
    add(app.get, "/bookings/resources/<resource_id>", register.ask_change)
    add(app.post, "/bookings/resources/<resource_id>", register.change)


class _ResourcePages:
    def __init__(self, system: System, pages: Pages) -> None:
        self._system = system
        self._pages = pages

    def list_all(self, visit: Visit) -> Response[str]:
        """All resources, five hundred at a time."""
        query = visit.request.query
        found = self._system.register.list_after(query.get("after", ""), 501)
        done = "Saved." if query.get("done") == "saved" else ""
        more = found[499].id if len(found) > 500 else ""
        return self._pages.render("resources.html", visit, resources=found[:500], kinds=KINDS, done=done, more=more)

    def ask_new(self, visit: Visit) -> Response[str]:
        """The form of a new resource; the zone is that of the first one there is."""
        known = self._system.register.list_after("", 1)
        zone = known[0].time_zone if known else "Europe/Berlin"
        return self._form(visit, _BLANK | {"time_zone": zone}, None, [])

    def add(self, visit: Visit) -> Response[str]:
        """Add it, or say why not and keep what was typed."""
        form = visit.request.form
        if visit.is_forged:
            return self._form(visit, form, None, [FORGED], 403)
        try:
            self._system.register.add(parse(NewResource, json.dumps(read_resource(form, None))))
        except HostError as error:
            return self._form(visit, form, None, _faults(error), error.status)
        return self._pages.see("/bookings/resources?done=saved")

    def ask_change(self, visit: Visit, resource_id: str) -> Response[str]:
        """The form of a resource that stands."""
        resource = self._system.register.get(resource_id)
        return self._form(visit, resource_form(resource), resource, [])

    def change(self, visit: Visit, resource_id: str) -> Response[str]:
        """Change it, or say why not and keep what was typed."""
        form = visit.request.form
        resource = self._system.register.get(resource_id)
        if visit.is_forged:
            return self._form(visit, form, resource, [FORGED], 403)
        try:
            change = parse(ResourceChange, json.dumps(read_resource(form, resource)))
            self._system.register.change(resource_id, change, form.get("version") or None)
        except HostError as error:
            return self._form(visit, form | {"version": resource.version}, resource, _faults(error), error.status)
        return self._pages.see("/bookings/resources?done=saved")

    def _form(
        self, visit: Visit, form: dict[str, str], resource: Resource | None, faults: list[Fault], status: int = 200
    ) -> Response[str]:
        return self._pages.render(
            "resource.html",
            visit,
            status,
            form=form,
            resource=resource,
            kinds=KINDS,
            days=DAY_NAMES,
            zones=sorted(
                name for name in zone_names() if "/" in name and not name.startswith(("Etc/", "posix/", "right/"))
            ),
            faults=faults,
            wrong=dict(reversed(faults)),
        )


def _faults(error: HostError) -> list[Fault]:
    if isinstance(error, InvalidInputError):
        return faults_of(error)
    if isinstance(error, RefusalError) and error.code == "version_mismatch":
        return [("", "Somebody else has changed this in the meantime. Check it below and save again.")]
    return [("", error.message)]
