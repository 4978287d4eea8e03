"""What reading and writing MimeContent share: the words of iCalendar and the package. Source: [MS-OXCICAL].

The package is loaded when the first client asks: most never do, and it takes half a second.
"""

from typing import Any, cast

from sandbox.exchange.items.read import AttendeeKind
from sandbox.recurrence import Day

CODES: dict[Day, str] = {
    "sunday": "SU",
    "monday": "MO",
    "tuesday": "TU",
    "wednesday": "WE",
    "thursday": "TH",
    "friday": "FR",
    "saturday": "SA",
}
DAYS = {code: day for day, code in CODES.items()}
POSITIONS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
INDEXES = {number: name for name, number in POSITIONS.items()}
BUSY = {
    "free": "FREE",
    "tentative": "TENTATIVE",
    "busy": "BUSY",
    "oof": "OOF",
    "workingElsewhere": "WORKINGELSEWHERE",
    "unknown": "BUSY",
}
SHOW_AS = {"FREE": "free", "TENTATIVE": "tentative", "BUSY": "busy", "OOF": "oof", "WORKINGELSEWHERE": "free"}
CLASSES = {"normal": "PUBLIC", "personal": "X-PERSONAL", "private": "PRIVATE", "confidential": "CONFIDENTIAL"}
SENSITIVITIES = {word: name for name, word in CLASSES.items()}
ROLES = {"required": "REQ-PARTICIPANT", "optional": "OPT-PARTICIPANT", "resource": "NON-PARTICIPANT"}
KINDS: dict[str, AttendeeKind] = {word: cast("AttendeeKind", kind) for kind, word in ROLES.items()}
STATES = {"tentativelyAccepted": "TENTATIVE", "accepted": "ACCEPTED", "declined": "DECLINED"}


def package() -> Any:
    """The icalendar package."""
    import icalendar

    return icalendar
