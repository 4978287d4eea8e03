"""Accept, decline, cancel: response objects that a client creates about an item."""

from sandbox import meetings
from sandbox.appointments import Occurrence
from sandbox.exchange.dispatch import Call
from sandbox.exchange.errors import EwsError, SchemaError
from sandbox.exchange.items.view import Item, item_of, writable
from sandbox.exchange.xml import Element, find, local, text

_ANSWERS: dict[str, meetings.Answer] = {
    "AcceptItem": "accepted",
    "TentativelyAcceptItem": "tentativelyAccepted",
    "DeclineItem": "declined",
}
_CODES = {"AcceptItem": "Accept", "TentativelyAcceptItem": "Tentative", "DeclineItem": "Decline"}
REPLIES = frozenset(_ANSWERS) | {"CancelCalendarItem"}


def reply(call: Call, wanted: Element) -> list[Item]:
    """Answer or cancel the item that is referred to, and return what stays of it. Raises EwsError."""
    reference = find(wanted, "ReferenceItemId")
    if reference is None:
        raise SchemaError(f"The element '{local(wanted)}' has incomplete content.", wanted.sourceline or 1)
    item = writable(item_of(call, reference))
    day = item.entry.day if isinstance(item.entry, Occurrence) else None
    store, name = call.world.mailboxes, local(wanted)
    comment = text(wanted, "Body") or text(wanted, "NewBodyContent") or ""
    if name == "CancelCalendarItem":
        if not item.master.is_organizer:
            raise EwsError("ErrorCalendarIsNotOrganizer")
        meetings.tell_deleted(store, item.master, comment, day=day)
        if day is None:
            store.delete(item.master)
        else:
            store.delete_occurrence(item.master, day)
        return []
    if item.master.is_organizer:
        raise EwsError(f"ErrorCalendarIsOrganizerFor{_CODES[name]}")
    if item.content.is_cancelled:
        raise EwsError(f"ErrorCalendarIsCancelledFor{_CODES[name]}")
    # A declined meeting leaves the calendar for Deleted Items.
    meetings.respond(store, item.master, _ANSWERS[name], comment=comment, day=day, keeps_declined=False)
    return [] if item.master.is_gone else [item]
