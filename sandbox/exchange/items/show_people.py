"""Organizer, attendees and answers of an item as XML."""

from collections.abc import Callable
from typing import Any

from sandbox.appointments import Attendee, Occurrence, Person, Response
from sandbox.exchange.items.read import ATTENDEE_FIELDS
from sandbox.exchange.items.seen import Seen
from sandbox.exchange.items.times import show_instant
from sandbox.exchange.xml import Element, t

RESPONSES: dict[Response, str] = {
    "none": "Unknown",
    "organizer": "Organizer",
    "tentativelyAccepted": "Tentative",
    "accepted": "Accept",
    "declined": "Decline",
    "notResponded": "NoResponseReceived",
}


def mailbox_of(person: Person) -> Element:
    """A Mailbox element."""
    return t(
        "Mailbox",
        t("Name", person.name or person.address),
        t("EmailAddress", person.address),
        t("RoutingType", "SMTP"),
    )


def _attendee(seen: Seen, attendee: Attendee) -> Element:
    at = attendee.responded_at
    # Only the organizer knows the answers; the other attendees' copies say Unknown.
    response = RESPONSES[attendee.response] if seen.item.master.is_organizer else "Unknown"
    return t(
        "Attendee",
        mailbox_of(attendee.person),
        t("ResponseType", response),
        t("LastResponseTime", show_instant(at)) if at.year > 1 and seen.item.master.is_organizer else None,
    )


def attendees(name: str) -> Callable[[Seen], Any]:
    """The list of attendees of one field."""
    kind = ATTENDEE_FIELDS[name]

    def show(seen: Seen) -> Element | None:
        found = [_attendee(seen, a) for a in seen.item.content.attendees if a.kind == kind]
        return t(name, found) if found else None

    return show


def people_of(seen: Seen, kinds: tuple[str, ...]) -> str:
    """Names of attendees of some kinds, as DisplayTo and DisplayCc say them."""
    return "; ".join(a.person.name or a.person.address for a in seen.item.content.attendees if a.kind in kinds)


def response(seen: Seen) -> str:
    """MyResponseType."""
    entry = seen.entry
    response = seen.item.master.response
    if isinstance(entry, Occurrence) and entry.exception is not None and entry.exception.response is not None:
        response = entry.exception.response
    if response == "organizer" and not seen.item.content.attendees:
        return "Organizer"
    return RESPONSES[response]


def replied_at(seen: Seen) -> str | None:
    """AppointmentReplyTime."""
    at = seen.item.master.responded_at
    return show_instant(at) if at.year > 1 else None


def state(seen: Seen) -> int:
    """AppointmentState: bits for meeting, received and cancelled."""
    content = seen.item.content
    is_meeting = bool(content.attendees) or not seen.item.master.is_organizer
    received = 0 if seen.item.master.is_organizer else 2
    return (1 if is_meeting else 0) | received | (4 if content.is_cancelled else 0)


def is_meeting(seen: Seen) -> bool:
    """Whether it has attendees, or came from somebody else."""
    return bool(seen.item.content.attendees) or not seen.item.master.is_organizer


def was_sent(seen: Seen) -> bool:
    """Whether an invitation was mailed."""
    uid = seen.item.master.uid
    return any(mail.uid == uid and mail.kind == "invitation" for mail in seen.call.world.mailboxes.outbox)
