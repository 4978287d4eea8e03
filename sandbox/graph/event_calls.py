"""Create, read, change and delete one event."""

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

from sandbox import meetings
from sandbox.appointments import Appointment, Content, Entry, Occurrence
from sandbox.calendars import Folder, Mailbox
from sandbox.graph import errors
from sandbox.graph.calls import Answer, Call
from sandbox.graph.entries import Found, check_match, find_entry, viewer
from sandbox.graph.event_input import EventInput, changed_content, new_content, read_event, settle_series
from sandbox.graph.events import (
    etag_of,
    properties_of,
    show_cancelled_occurrences,
    show_event,
)
from sandbox.graph.extensions import add_extension, show_extensions
from sandbox.graph.properties import show_properties
from sandbox.graph.queries import QueryOptions, read_options
from sandbox.recurrence import Recurrence
from sandbox.series import CrossingBoundaryError, check_boundaries, occurrence_on


def create_event(call: Call) -> Answer:
    """POST events: 201 with the event; a replayed transactionId answers the event that it made."""
    folder = call.writable(call.folder())
    read = read_event(call.body)
    made = _replayed(call, folder, read)
    if made is None:
        made = _create(call, folder, read)
    body = show_event(viewer(call, folder), made)
    body = {"@odata.context": f"{call.context_root}/events/$entity", **body}
    location = f"{call.base}/v1.0/users('{call.mailbox.oid}')/events('{body['id']}')"
    return Answer(201, body, {"Location": location, "ETag": body["@odata.etag"]})


def _owner(call: Call, folder: Folder) -> Mailbox:
    owner = call.world.mailboxes.by_id(folder.calendar.mailbox_oid)
    assert owner is not None
    return owner


def _fingerprint(body: Any) -> str:
    return sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _replayed(call: Call, folder: Folder, read: EventInput) -> Appointment | None:
    """The event that this transactionId made already. Raises GraphError 409 when it is a different one now."""
    if read.transaction_id is None:
        return None
    known = _owner(call, folder).transactions.get(read.transaction_id)
    if known is None:
        return None
    entry_id, fingerprint = known
    made = call.world.mailboxes.entry(entry_id)
    if made is None or fingerprint != _fingerprint(call.body):
        raise errors.duplicate_transaction()
    return made


def _create(call: Call, folder: Folder, read: EventInput) -> Appointment:
    store, owner = call.world.mailboxes, _owner(call, folder)
    content = with_meeting_link(call, new_content(read, owner), read)
    recurrence = read.recurrence
    if recurrence is not None:
        content, recurrence = settle_series(content, recurrence)
    made = store.create(
        folder.calendar,
        content,
        recurrence=recurrence,
        properties=read.properties,
        transaction_id=read.transaction_id,
    )
    for extension in read.extensions:
        add_extension(made, extension)
    if read.transaction_id is not None:
        owner.transactions[read.transaction_id] = (made.entry_id, _fingerprint(call.body))
    meetings.invite(store, made, content.attendees)
    return made


def with_meeting_link(call: Call, content: Content, read: EventInput) -> Content:
    """Return content with an online meeting if the client asked for one; once there it stays."""
    if not read.wants_online or content.online_provider is not None:
        return content
    provider = read.provider if read.provider not in (None, "unknown") else "teamsForBusiness"
    link = f"https://teams.example/l/meetup-join/{call.world.mailboxes.new_id()}"
    return replace(content, online_provider=provider, join_url=link)


def get_event(call: Call) -> Answer:
    """GET one event."""
    found = find_entry(call)
    options = read_options(call)
    body = {"@odata.context": f"{call.context_root}/events/$entity"}
    body |= shown(call, found.folder, found.entry, options)
    _add_single_extras(call, found, options, body)
    return Answer(200, body, {"ETag": body["@odata.etag"]})


def shown(call: Call, folder: Folder, entry: Entry, options: QueryOptions) -> dict[str, Any]:
    """Return an event with the expansions that lists know as well."""
    event = show_event(viewer(call, folder), entry, options.select)
    if options.properties:
        values = show_properties(properties_of(entry), options.properties)
        if values:
            event["singleValueExtendedProperties"] = values
    if options.extensions and isinstance(entry, Appointment):
        event["extensions"] = show_extensions(entry, options.extensions)
    if "attachments" in options.expands:
        event["attachments"] = []
    return event


def _add_single_extras(call: Call, found: Found, options: QueryOptions, body: dict[str, Any]) -> None:
    """What only a read of one series master by id gives."""
    entry, eyes = found.entry, viewer(call, found.folder)
    if not isinstance(entry, Appointment) or not entry.is_series:
        return
    if options.select is not None and "cancelledOccurrences" in options.select:
        body["cancelledOccurrences"] = show_cancelled_occurrences(eyes, entry)
    if "exceptionoccurrences" in options.expands:
        exceptions = (occurrence_on(entry, day) for day in sorted(entry.exceptions))
        body["exceptionOccurrences"] = [show_event(eyes, one) for one in exceptions if one is not None]


def change_event(call: Call) -> Answer:
    """PATCH one event, a series, or one occurrence (which makes it an exception)."""
    found = find_entry(call)
    call.writable(found.folder)
    check_match(call, found.entry)
    read = read_event(call.body)
    if isinstance(found.entry, Occurrence):
        entry: Entry = _change_occurrence(call, found.entry, read)
    else:
        entry = _change_appointment(call, found.entry, read)
    body = {"@odata.context": f"{call.context_root}/events/$entity"}
    body |= show_event(viewer(call, found.folder), entry)
    return Answer(200, body, {"ETag": etag_of(entry)})


def _change_appointment(call: Call, appointment: Appointment, read: EventInput) -> Appointment:
    before = appointment.content
    content = with_meeting_link(call, changed_content(before, read), read)
    recurrence = read.recurrence
    if recurrence is None and not read.ends_series:
        recurrence = _follow_start(appointment.recurrence, before, content)
    if recurrence is not None:
        content, recurrence = settle_series(content, recurrence)
    call.world.mailboxes.update(
        appointment,
        content=content,
        recurrence=recurrence,
        ends_series=read.ends_series,
        properties=read.properties,
    )
    for extension in read.extensions:
        add_extension(appointment, extension)
    meetings.tell_update(call.world.mailboxes, appointment, before)
    return appointment


def _follow_start(recurrence: Recurrence | None, before: Content, after: Content) -> Recurrence | None:
    """A series whose start is moved to another day starts its range there."""
    if recurrence is None or before.start.at.date() == after.start.at.date():
        return recurrence
    return replace(recurrence, start_date=after.start.at.date(), zone=None)


def _change_occurrence(call: Call, occurrence: Occurrence, read: EventInput) -> Occurrence:
    if read.recurrence is not None:
        raise errors.invalid_request("An occurrence has no recurrence of its own.")
    content = with_meeting_link(call, changed_content(occurrence.content, read), read)
    if (content.start, content.end) != (occurrence.content.start, occurrence.content.end):
        try:
            check_boundaries(occurrence.master, occurrence.day, content)
        except CrossingBoundaryError as error:
            raise errors.crossing_boundary() from error
    changes = {name: getattr(content, name) for name in read.changes}
    changes |= {"online_provider": content.online_provider, "join_url": content.join_url}
    changes = {n: v for n, v in changes.items() if v != getattr(occurrence.content, n) or n in read.changes}
    store = call.world.mailboxes
    store.edit_occurrence(occurrence.master, occurrence.day, changes, properties=read.properties)
    meetings.tell_occurrence(store, occurrence.master, occurrence.day, changes)
    after = occurrence_on(occurrence.master, occurrence.day)
    assert after is not None
    return after


def delete_event(call: Call) -> Answer:
    """DELETE an event, a series or one occurrence; the organizer's attendees are told."""
    found = find_entry(call)
    call.writable(found.folder)
    check_match(call, found.entry)
    remove(call, found.entry)
    return Answer(204)


def remove(call: Call, entry: Entry, comment: str = "") -> None:
    """Delete an entry and mail cancellations where the service would."""
    store = call.world.mailboxes
    if isinstance(entry, Occurrence):
        meetings.tell_deleted(store, entry.master, comment, day=entry.day)
        store.delete_occurrence(entry.master, entry.day)
    else:
        meetings.tell_deleted(store, entry, comment)
        store.delete(entry)
