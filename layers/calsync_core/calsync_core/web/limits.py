"""What round-trips, what arrives changed, and what is never synced, each by the rule that makes it so.

The published part of the contract: docs/limits.md is generated from it, with what the connected booking system can do.
"""

from dataclasses import dataclass
from enum import StrEnum

from calsync_core.ports.host import Capabilities


class Fate(StrEnum):
    """What becomes of something on its way over and back."""

    ROUND_TRIPS = "round-trips"
    LOSSY = "lossy"
    NEVER = "never"


class Way(StrEnum):
    TO_CALENDAR = "booking → calendar"
    TO_HOST = "calendar → booking system"
    BOTH = "both ways"


@dataclass(frozen=True, slots=True)
class Limit:
    """`rules` are ids of docs/sync-rules.md, the deciding one first."""

    what: str
    way: Way
    fate: Fate
    how: str
    rules: tuple[str, ...]


def limits(host: Capabilities) -> tuple[Limit, ...]:
    """All of them, for a booking system that can do this."""
    return (*_APPOINTMENTS, *_of_host(host), *_SERIES, *_CONTENT, *_SCOPE)


_APPOINTMENTS = (
    Limit(
        "a booking's time", Way.TO_CALENDAR, Fate.ROUND_TRIPS,
        "the copy stands at the same instants; days stay days, in the resource's zone", ("R1", "R10"),
    ),
    Limit(
        "an entry's time", Way.TO_HOST, Fate.ROUND_TRIPS,
        "the block stands at the same instants; days stay days, in the resource's zone", ("R20", "R25", "R26"),
    ),
    Limit(
        "buffers around a booking", Way.TO_CALENDAR, Fate.ROUND_TRIPS,
        "in the copy or not, as set; a move is asked for without them", ("R102",),
    ),
    Limit(
        "both sides changed the same differently", Way.BOTH, Fate.ROUND_TRIPS,
        "nothing is overwritten: a conflict keeps both versions", ("R11",),
    ),
    Limit(
        "a block that somebody moves in the booking system", Way.BOTH, Fate.NEVER,
        "the calendar wins: the block is put back", ("R23", "R25"),
    ),
    Limit(
        "an entry born in a calendar, changed by calsync", Way.TO_CALENDAR, Fate.NEVER,
        "only copies that carry our mark and have a link are ever written", ("R35", "R123"),
    ),
)  # fmt: skip

_SERIES = (
    Limit(
        "a booking series that calendars can say", Way.TO_CALENDAR, Fate.ROUND_TRIPS,
        "one real series with its real range; each occurrence in the window is followed by itself", ("R80", "R81"),
    ),
    Limit(
        "any other booking series", Way.TO_CALENDAR, Fate.LOSSY,
        "its bookings are written as single entries; the log says why once", ("R82",),
    ),
    Limit(
        "a changed, cancelled or left-out occurrence", Way.BOTH, Fate.ROUND_TRIPS,
        "changing one changes one", ("R86", "R83"),
    ),
    Limit(
        "an occurrence that passes its neighbour's day", Way.TO_CALENDAR, Fate.LOSSY,
        "calendars refuse that in a series: it leaves it and stands as a single entry", ("R85",),
    ),
    Limit(
        "a whole series moved in the calendar", Way.TO_HOST, Fate.ROUND_TRIPS,
        "one request to the booking system; how it repeats stays as it was booked", ("R88",),
    ),
    Limit(
        "how a booking series repeats, changed in the calendar", Way.TO_HOST, Fate.NEVER,
        "one decision: the booking's rule is written again, or one conflict shows it; no date counts as deleted",
        ("R134", "R135"),
    ),
    Limit(
        "a recurring entry of the calendar", Way.TO_HOST, Fate.LOSSY,
        "each occurrence in the window is a block of its own; the rule itself stays in the calendar", ("R20", "R42"),
    ),
)  # fmt: skip

_CONTENT = (
    Limit(
        "title, notes, place, phone, e-mail, custom fields of a booking", Way.TO_CALENDAR, Fate.LOSSY,
        "what is switched on; titles end at 255 characters, HTML passes an allow-list or becomes text", ("R103",),
    ),
    Limit(
        "text that a person changes in a copy", Way.TO_HOST, Fate.NEVER,
        "it is left to the person until the booking changes, then the booking's text is written", ("R6", "R13"),
    ),
    Limit(
        "title and notes of an entry", Way.TO_HOST, Fate.LOSSY,
        "nothing by default; with full details as plain text or cleaned HTML, never of private entries unless chosen",
        ("R20", "R101"),
    ),
    Limit(
        "entries of calendars that are only checked, and copies of colleagues' bookings", Way.TO_HOST, Fate.LOSSY,
        "their time and nothing else", ("R33",),
    ),
    Limit(
        "attendees, meeting links, attachments", Way.BOTH, Fate.NEVER,
        "copies have none, so that nobody is mailed; a copy to which a person invites others is not written any more",
        ("R53",),
    ),
    Limit(
        "categories and place of an entry", Way.TO_HOST, Fate.NEVER,
        "categories decide about exclusion and are not kept", ("R101",),
    ),
    Limit(
        "free, declined, cancelled and excluded entries, and those without a length", Way.TO_HOST, Fate.NEVER,
        "they do not block, as set; the time of one that blocked before is freed, which is no deletion",
        ("R21", "R27", "R104"),
    ),
)  # fmt: skip

_SCOPE = (
    Limit(
        "what lies outside the window", Way.BOTH, Fate.NEVER,
        "until the window reaches it; what left it by time is kept as it was", ("R42",),
    ),
    Limit(
        "what is moved out of the window", Way.BOTH, Fate.ROUND_TRIPS,
        "it is followed wherever it goes", ("R121", "R42"),
    ),
    Limit(
        "a direction that is closed", Way.BOTH, Fate.NEVER,
        "nothing new is written and nothing old is edited", ("R40", "R43"),
    ),
    Limit(
        "a mass of deletions at once", Way.BOTH, Fate.LOSSY,
        "more than 20 and more than 20 % of one side wait for a person", ("R50", "R51", "R89"),
    ),
)  # fmt: skip


def _of_host(host: Capabilities) -> tuple[Limit, ...]:
    moved = (
        Limit(
            "a copy that the person moves", Way.TO_HOST, Fate.ROUND_TRIPS,
            "the booking system is asked; a refusal is a conflict, asked once", ("R3", "R61", "R110"),
        )
        if host.may_move
        else Limit(
            "a copy that the person moves", Way.TO_HOST, Fate.NEVER,
            "this booking system takes no moves: a conflict shows it", ("R61",),
        )
    )  # fmt: skip
    deleted = Limit(
        "a copy that the person deletes", Way.TO_HOST, Fate.ROUND_TRIPS if host.may_cancel else Fate.NEVER,
        "a conflict, written again, or the booking is cancelled, as set"
        if host.may_cancel else "a conflict, or written again: this booking system cancels nothing on request",
        ("R7", "R8", "R9"),
    )  # fmt: skip
    exact = (
        Limit(
            "minutes beside the booking system's grid", Way.TO_HOST, Fate.LOSSY,
            f"blocks are rounded outward to {host.granularity_minutes} minutes; the true time is kept and compared",
            ("R106",),
        ),
    ) if host.granularity_minutes > 1 else ()  # fmt: skip
    put_back = (
        ()
        if host.lists_blocks
        else (
            Limit(
                "a block that vanished in the booking system", Way.TO_HOST, Fate.LOSSY,
                "this booking system does not list blocks: it comes back when its entry changes", ("R24",),
            ),
        )
    )  # fmt: skip
    return (moved, deleted, *exact, *put_back)
