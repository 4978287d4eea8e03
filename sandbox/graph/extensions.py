"""Open extensions of an event: named bags of values. Not tracked by delta, not found by value."""

from typing import Any

from sandbox.appointments import Appointment
from sandbox.graph import errors
from sandbox.graph.calls import Answer, Call
from sandbox.graph.entries import find_entry

_PREFIX = "Microsoft.OutlookServices.OpenTypeExtension."
_TYPE = "#microsoft.graph.openTypeExtension"


def add_extension(appointment: Appointment, value: dict[str, Any]) -> str:
    """Keep an extension that a client wrote and return its name."""
    name = value["extensionName"]
    appointment.extensions[name] = {k: v for k, v in value.items() if "@odata." not in k and k != "id"}
    return str(name)


def show_extension(appointment: Appointment, name: str) -> dict[str, Any]:
    """Return one extension as Graph shows it."""
    return {"@odata.type": _TYPE, "id": f"{_PREFIX}{name}", **appointment.extensions[name]}


def show_extensions(appointment: Appointment, wanted: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Return the wanted extensions that are set; all when none is named."""
    names = [name.removeprefix(_PREFIX) for name in wanted] or list(appointment.extensions)
    return [show_extension(appointment, name) for name in names if name in appointment.extensions]


def list_extensions(call: Call) -> Answer:
    """GET extensions of an event."""
    master = find_entry(call).master
    context = f"{call.context_root}/events/extensions"
    return Answer(200, {"@odata.context": context, "value": show_extensions(master)})


def create_extension(call: Call) -> Answer:
    """POST an extension to an event."""
    found = find_entry(call)
    call.writable(found.folder)
    if not isinstance(call.body, dict) or not isinstance(call.body.get("extensionName"), str):
        raise errors.property_failed()
    return Answer(201, show_extension(found.master, add_extension(found.master, call.body)))


def _named(call: Call, appointment: Appointment) -> str:
    name = str(call.request.path_params["extension"]).removeprefix(_PREFIX)
    if name not in appointment.extensions:
        raise errors.item_not_found()
    return name


def get_extension(call: Call) -> Answer:
    """GET one extension by name."""
    master = find_entry(call).master
    return Answer(200, show_extension(master, _named(call, master)))


def change_extension(call: Call) -> Answer:
    """PATCH one extension: it is replaced as a whole."""
    found = find_entry(call)
    call.writable(found.folder)
    name = _named(call, found.master)
    if not isinstance(call.body, dict):
        raise errors.property_failed()
    add_extension(found.master, {**call.body, "extensionName": name})
    return Answer(200, show_extension(found.master, name))


def delete_extension(call: Call) -> Answer:
    """DELETE one extension."""
    found = find_entry(call)
    call.writable(found.folder)
    del found.master.extensions[_named(call, found.master)]
    return Answer(204)
