"""Which actions delete or move something, in the words of the journal. Pure."""

from collections.abc import Iterable
from datetime import datetime

from calsync_core.domain.appointments import AllDay, Timed, When
from calsync_core.domain.journal import Deed, Did
from calsync_core.domain.links import Link
from calsync_core.engine import fingerprint
from calsync_core.engine.actions import (
    Action,
    CancelBooking,
    DeleteBlock,
    DeleteCopy,
    MoveBooking,
    PutBlock,
    UpdateCopy,
)


def deeds_of(actions: Iterable[Action], now: datetime) -> list[Deed]:
    """Of creations there is nothing to undo that a person could not delete himself; updates move nothing."""
    found = (_deed(action, now) for action in actions)
    return [deed for deed in found if deed is not None]


def _deed(action: Action, now: datetime) -> Deed | None:
    match action:
        case DeleteCopy(link=link) if link.entry_id is not None:
            return _of(Did.COPY_DELETED, action.rule, link, now, link.when)
        case UpdateCopy(link=link) if fingerprint.time_of(action.copy.when) != link.calendar.time:
            return _of(Did.COPY_MOVED, action.rule, link, now, link.when, action.copy.when)
        case DeleteBlock(link=link) if link.host.version:
            return _of(Did.BLOCK_DELETED, action.rule, link, now, link.when)
        case PutBlock(link=link) if not action.is_new and fingerprint.time_of(action.block.when) != link.host.time:
            return _of(Did.BLOCK_MOVED, action.rule, link, now, _when(link.host.time) or link.when, action.block.when)
        case MoveBooking(link=link):
            return _of(Did.BOOKING_MOVED, action.rule, link, now, action.booking.when, action.when)
        case CancelBooking(link=link):
            return _of(Did.BOOKING_CANCELLED, action.rule, link, now, action.booking.when)
        case _:
            return None


def _of(did: Did, rule: str, link: Link, now: datetime, was: When, to: When | None = None) -> Deed:
    return Deed(
        did, link.ref, now, was, to, link.calendar_id, link.entry_id, link.booking_id, link.calendar.version, rule
    )


def _when(time: str) -> When | None:
    """A time that only its fingerprint remembers: fingerprint.time_of, read back."""
    first, _, second = time.partition("/")
    if not second:
        return None
    if "-" in first:
        return AllDay(datetime.fromisoformat(first).date(), datetime.fromisoformat(second).date())
    return Timed(datetime.fromisoformat(f"{first}Z"), datetime.fromisoformat(f"{second}Z"))
