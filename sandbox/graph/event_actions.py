"""Actions on an event: cancel, accept, decline, forward, reminders, permanentDelete."""

from datetime import date
from typing import Any

from sandbox import meetings
from sandbox.appointments import Occurrence, Person
from sandbox.graph import errors
from sandbox.graph.calls import Answer, Call
from sandbox.graph.entries import Found, find_entry
from sandbox.graph.event_calls import remove
from sandbox.graph.times import read_wall


def _body(call: Call) -> dict[str, Any]:
    """Parameters of an action; clients write their names in either case."""
    body = {} if call.body is None else call.body
    if not isinstance(body, dict):
        raise errors.bad_request("Unable to read JSON request payload.")
    return {name[:1].lower() + name[1:]: value for name, value in body.items()}


def _comment(body: dict[str, Any]) -> str:
    comment = body.get("comment") or ""
    if not isinstance(comment, str):
        raise errors.property_failed()
    return comment


def _day(found: Found) -> date | None:
    return found.entry.day if isinstance(found.entry, Occurrence) else None


def _writable(call: Call) -> Found:
    found = find_entry(call)
    call.writable(found.folder)
    return found


def cancel_event(call: Call) -> Answer:
    """POST cancel: the organizer calls a meeting off and its attendees are mailed."""
    found = _writable(call)
    if not found.master.is_organizer or not found.entry.content.attendees:
        raise errors.not_organizer()
    remove(call, found.entry, _comment(_body(call)))
    return Answer(202)


def accept_event(call: Call) -> Answer:
    """POST accept."""
    return _respond(call, "accepted")


def tentatively_accept_event(call: Call) -> Answer:
    """POST tentativelyAccept."""
    return _respond(call, "tentativelyAccepted")


def decline_event(call: Call) -> Answer:
    """POST decline."""
    return _respond(call, "declined")


def _respond(call: Call, answer: meetings.Answer) -> Answer:
    found, body = _writable(call), _body(call)
    if found.master.is_organizer:
        raise errors.invalid_request("You can't respond to this meeting because you're the meeting organizer.")
    sends = body.get("sendResponse")
    if body.get("proposedNewTime") is not None and (sends is False or not found.entry.content.allow_new_time_proposals):
        raise errors.invalid_request("A new time cannot be proposed for this meeting.")
    meetings.respond(
        call.world.mailboxes,
        found.master,
        answer,
        comment=_comment(body),
        sends=sends is not False,
        day=_day(found),
        keeps_declined=call.world.settings.keeps_declined,
    )
    return Answer(202)


def forward_event(call: Call) -> Answer:
    """POST forward."""
    found, body = find_entry(call), _body(call)
    to = body.get("toRecipients")
    if not isinstance(to, list) or not to:
        raise errors.property_failed()
    people = []
    for recipient in to:
        email = recipient.get("emailAddress") if isinstance(recipient, dict) else None
        if not isinstance(email, dict) or not isinstance(email.get("address"), str):
            raise errors.property_failed()
        people.append(Person(email["address"], email.get("name") or ""))
    meetings.forward(call.world.mailboxes, found.master, tuple(people), _comment(body))
    return Answer(202)


def dismiss_reminder(call: Call) -> Answer:
    """POST dismissReminder: the reminder that is up goes; nothing else changes."""
    found = _writable(call)
    if not found.entry.content.is_reminder_on:
        raise errors.invalid_request("The event has no reminder.")
    call.world.mailboxes.touch(found.master)
    return Answer(200)


def snooze_reminder(call: Call) -> Answer:
    """POST snoozeReminder {newReminderTime}."""
    found, body = _writable(call), _body(call)
    read_wall(body.get("newReminderTime"))
    if not found.entry.content.is_reminder_on:
        raise errors.invalid_request("The event has no reminder.")
    call.world.mailboxes.touch(found.master)
    return Answer(200)


def permanently_delete_event(call: Call) -> Answer:
    """POST permanentDelete: like DELETE, but not even Deleted Items keeps it."""
    remove(call, _writable(call).entry)
    return Answer(204)


def list_attachments(call: Call) -> Answer:
    """GET attachments: events of this service carry none."""
    find_entry(call)
    return Answer(200, {"@odata.context": f"{call.context_root}/events/attachments", "value": []})
