"""Extended properties that are not kept but follow from the appointment: the MAPI names of what it is anyway.

Source: [MS-OXOCAL], [MS-OXPROPS]. They can be read and searched for. What clients write by these names (DavMail does
so with subject and body) is the field itself: mapi_fields.py.
"""

from collections.abc import Callable

from sandbox.appointments import Occurrence
from sandbox.exchange.items.times import show_instant
from sandbox.exchange.items.view import Item
from sandbox.exchange.paths import SETS
from sandbox.graph import ids
from sandbox.graph.events import type_of

_BUSY = {"free": "0", "tentative": "1", "busy": "2", "oof": "3", "workingElsewhere": "4", "unknown": "2"}
_ANSWERS = {
    "none": "0",
    "organizer": "1",
    "tentativelyAccepted": "2",
    "accepted": "3",
    "declined": "4",
    "notResponded": "5",
}
_APPOINTMENT, _COMMON, _MEETING = SETS["Appointment"], SETS["Common"], SETS["Meeting"]


def _flag(value: bool) -> str:
    return "true" if value else "false"


_INSTANCES = {"singleInstance": "0", "seriesMaster": "1", "occurrence": "2", "exception": "3"}
_COMPUTED: dict[str, Callable[[Item], str | None]] = {
    "0x1a": lambda _: "IPM.Appointment",
    "0x37": lambda i: i.content.subject or None,
    "0xe08": lambda i: str(1000 + 2 * len(i.content.body)),
    "0x36": lambda i: str(("normal", "personal", "private", "confidential").index(i.content.sensitivity)),
    "0x3007": lambda i: show_instant(i.master.created_at),
    "0x3008": lambda i: show_instant(i.master.modified_at),
    "0x10f4": lambda _: "false",
    "0x60": lambda i: show_instant(i.content.start_at),
    "0x61": lambda i: show_instant(i.content.end_at),
    f"{{{_APPOINTMENT}}} Id 0x8205": lambda i: _BUSY[i.content.show_as],
    f"{{{_APPOINTMENT}}} Id 0x8208": lambda i: "; ".join(place.name for place in i.content.locations) or None,
    f"{{{_APPOINTMENT}}} Id 0x820d": lambda i: show_instant(i.content.start_at),
    f"{{{_APPOINTMENT}}} Id 0x820e": lambda i: show_instant(i.content.end_at),
    f"{{{_APPOINTMENT}}} Id 0x8215": lambda i: _flag(i.content.is_all_day),
    f"{{{_APPOINTMENT}}} Id 0x8218": lambda i: _ANSWERS[i.master.response],
    f"{{{_APPOINTMENT}}} Id 0x8223": lambda i: _flag(i.master.is_series and not isinstance(i.entry, Occurrence)),
    f"{{{_COMMON}}} Id 0x8503": lambda i: _flag(i.content.is_reminder_on),
    f"{{{_COMMON}}} Id 0x8501": lambda i: str(i.content.reminder_minutes),
    f"{{{_COMMON}}} Id 0x8506": lambda i: _flag(i.content.sensitivity in ("private", "confidential")),
    "0xe23": lambda i: str(i.master.arrival),
    f"{{{SETS['PublicStrings']}}} Name urn:schemas:calendar:instancetype": lambda i: _INSTANCES[type_of(i.entry)],
    f"{{{_MEETING}}} Name UID": lambda i: ids.ical_uid(i.master, None),
}


def computed_property(item: Item, key: str) -> str | None:
    """The value of such a property; None when it is none of these or has none."""
    show = _COMPUTED.get(key.partition(" ")[2])
    return show(item) if show else None
