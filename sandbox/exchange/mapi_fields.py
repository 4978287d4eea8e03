"""MAPI properties that are another name of a field of the appointment, for clients that write by them.

Source: [MS-OXPROPS]: PidTagSubject, PidTagBody, PidTagSensitivity, PidLidLocation, PidLidBusyStatus and others.
"""

from collections.abc import Callable
from typing import Any

from sandbox.appointments import Location
from sandbox.exchange.errors import EwsError
from sandbox.exchange.paths import SETS
from sandbox.graph.bodies import normal_subject

_BUSY = {"0": "free", "1": "tentative", "2": "busy", "3": "oof", "4": "workingElsewhere"}
_SENSITIVITIES = {"0": "normal", "1": "personal", "2": "private", "3": "confidential"}
_APPOINTMENT, _COMMON = SETS["Appointment"], SETS["Common"]


def _one_of(values: dict[str, str], value: str) -> str:
    if value.strip() not in values:
        raise EwsError("ErrorInvalidExtendedPropertyValue")
    return values[value.strip()]


_WRITTEN: dict[str, Callable[[str], dict[str, Any]]] = {
    "0x37": lambda v: {"subject": normal_subject(v)},
    "0x1000": lambda v: {"body_type": "text", "body": v},
    "0x36": lambda v: {"sensitivity": _one_of(_SENSITIVITIES, v)},
    f"{{{_APPOINTMENT}}} Id 0x8205": lambda v: {"show_as": _one_of(_BUSY, v)},
    f"{{{_APPOINTMENT}}} Id 0x8208": lambda v: {"locations": (Location(v),) if v else ()},
    f"{{{_COMMON}}} Id 0x8503": lambda v: {"is_reminder_on": v.strip() == "true"},
    f"{{{_COMMON}}} Id 0x8501": lambda v: {"reminder_minutes": int(v)},
}
_EMPTY: dict[str, dict[str, Any]] = {
    "0x37": {"subject": ""},
    "0x1000": {"body_type": "text", "body": ""},
    "0x36": {"sensitivity": "normal"},
    f"{{{_APPOINTMENT}}} Id 0x8208": {"locations": ()},
}


def written_changes(key: str, value: str) -> dict[str, Any] | None:
    """The fields of Content that a property means; None when it is a property of its own. Raises EwsError."""
    read = _WRITTEN.get(key.partition(" ")[2])
    return read(value) if read else None


def deleted_changes(key: str) -> dict[str, Any] | None:
    """The same for a property that is deleted."""
    return _EMPTY.get(key.partition(" ")[2])
