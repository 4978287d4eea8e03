"""Meetings between mailboxes: mails to attendees, their copies in this store, their answers.

The real service sends at once when attendees are written and cannot be told not to; each mail it would send is
recorded in the outbox. Attendees whose mailbox is in the store get the appointment into their primary calendar;
rooms and equipment answer by themselves.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Literal

from sandbox.appointments import Appointment, Attendee, Content, Person, Response
from sandbox.calendars import Mailbox
from sandbox.mailboxes import Mailboxes
from sandbox.series import overlaps

Answer = Literal["accepted", "tentativelyAccepted", "declined"]

_TOLD = ("subject", "body", "start", "end", "is_all_day", "locations")
_WORDS = {"accepted": "Accepted", "tentativelyAccepted": "Tentative", "declined": "Declined"}
_SHOWN: dict[str, str] = {"accepted": "busy", "tentativelyAccepted": "tentative"}


def _people(attendees: Iterable[Attendee]) -> tuple[Person, ...]:
    return tuple(a.person for a in attendees)


def _copy_in(mailbox: Mailbox, meeting: Appointment) -> Appointment | None:
    entries = mailbox.default.calendar.entries.values()
    return next((e for e in entries if e.uid == meeting.uid and e is not meeting), None)


def _copies(store: Mailboxes, meeting: Appointment, attendees: Iterable[Attendee]) -> list[Appointment]:
    found = []
    for attendee in attendees:
        mailbox = store.by_address(attendee.person.address)
        copy = _copy_in(mailbox, meeting) if mailbox else None
        if copy is not None:
            found.append(copy)
    return found


def invite(store: Mailboxes, meeting: Appointment, attendees: tuple[Attendee, ...]) -> None:
    """Mail invitations and put the meeting into the calendars of attendees in this store."""
    if not attendees:
        return
    store.send("invitation", meeting.organizer, _people(attendees), meeting, meeting.content.subject)
    for attendee in attendees:
        mailbox = store.by_address(attendee.person.address)
        if mailbox is None or mailbox.oid == meeting.mailbox_oid or _copy_in(mailbox, meeting):
            continue
        content = replace(
            meeting.content,
            show_as="tentative",
            is_reminder_on=True,
            reminder_minutes=mailbox.default_reminder_minutes,
            categories=(),
        )
        copy = store.create(
            mailbox.default.calendar,
            content,
            recurrence=meeting.recurrence,
            uid=meeting.uid,
            organizer=meeting.organizer,
            response="notResponded",
        )
        if mailbox.purpose in ("room", "equipment"):
            respond(store, copy, _room_answer(mailbox, copy))


def _room_answer(mailbox: Mailbox, copy: Appointment) -> Answer:
    """A room takes what does not overlap; of a series it takes all."""
    content = copy.content
    others = (e for e in mailbox.default.calendar.entries.values() if e is not copy and not e.is_series)
    taken = any(e.content.show_as != "free" and overlaps(e.content, content.start_at, content.end_at) for e in others)
    return "declined" if taken and not copy.is_series else "accepted"


def tell_update(store: Mailboxes, meeting: Appointment, before: Content) -> None:
    """Mail what changed: invitations to new attendees, cancellations to removed ones, updates to the rest."""
    if not meeting.is_organizer:
        return
    now = meeting.content
    was = {a.person.address.casefold() for a in before.attendees}
    are = {a.person.address.casefold() for a in now.attendees}
    removed = tuple(a for a in before.attendees if a.person.address.casefold() not in are)
    stayed = tuple(a for a in now.attendees if a.person.address.casefold() in was)
    if removed:
        _tell_cancelled(store, meeting, removed, "")
    changed = {name: getattr(now, name) for name in _TOLD if getattr(now, name) != getattr(before, name)}
    if stayed and changed:
        store.send("update", meeting.organizer, _people(stayed), meeting, now.subject)
        for copy in _copies(store, meeting, stayed):
            moved = "start" in changed or "end" in changed
            store.update(
                copy,
                content=replace(copy.content, body_type=now.body_type, attendees=now.attendees, **changed),
                recurrence=meeting.recurrence,
                response="notResponded" if moved else None,
            )
    invite(store, meeting, tuple(a for a in now.attendees if a.person.address.casefold() not in was))


def tell_occurrence(store: Mailboxes, series: Appointment, day: date, changes: dict[str, Any]) -> None:
    """Mail that one occurrence changed and change it in the attendees' copies."""
    attendees = series.content.attendees
    told = {name: value for name, value in changes.items() if name in _TOLD}
    if not series.is_organizer or not attendees or not told:
        return
    store.send("update", series.organizer, _people(attendees), series, series.content.subject)
    for copy in _copies(store, series, attendees):
        store.edit_occurrence(copy, day, told)


def tell_deleted(store: Mailboxes, meeting: Appointment, comment: str = "", *, day: date | None = None) -> None:
    """Mail cancellations of a meeting, or of one occurrence, that its organizer deletes."""
    if meeting.is_organizer and meeting.content.attendees and not meeting.content.is_cancelled:
        _tell_cancelled(store, meeting, meeting.content.attendees, comment, day=day)


def _tell_cancelled(
    store: Mailboxes,
    meeting: Appointment,
    attendees: tuple[Attendee, ...],
    comment: str,
    *,
    day: date | None = None,
) -> None:
    subject = f"Canceled: {meeting.content.subject}"
    store.send("cancellation", meeting.organizer, _people(attendees), meeting, subject, comment)
    marks: dict[str, Any] = {"subject": subject, "is_cancelled": True, "show_as": "free"}
    for copy in _copies(store, meeting, attendees):
        if day is not None:
            store.edit_occurrence(copy, day, marks)
        else:
            store.update(copy, content=replace(copy.content, **marks))


def respond(
    store: Mailboxes,
    copy: Appointment,
    answer: Answer,
    *,
    comment: str = "",
    sends: bool = True,
    day: date | None = None,
    keeps_declined: bool = True,
) -> None:
    """Answer an invitation, for the whole meeting or one occurrence; tell the organizer if `sends`."""
    if day is not None:
        shown = {"show_as": _SHOWN[answer]} if answer in _SHOWN else {}
        store.edit_occurrence(copy, day, shown, response=answer)
    elif answer == "declined" and not keeps_declined:
        store.delete(copy)
    else:
        content = replace(copy.content, show_as=_SHOWN.get(answer, copy.content.show_as))  # type: ignore[arg-type]
        store.update(copy, content=content, response=answer)
    if sends:
        owner = store.by_id(copy.mailbox_oid)
        assert owner is not None
        subject = f"{_WORDS[answer]}: {copy.content.subject}"
        store.send("reply", owner.person, (copy.organizer,), copy, subject, comment)
        if day is None:
            _note_answer(store, copy, owner, answer)


def _note_answer(store: Mailboxes, copy: Appointment, attendee: Mailbox, answer: Response) -> None:
    organizer = store.by_address(copy.organizer.address)
    meeting = _copy_in(organizer, copy) if organizer else None
    if meeting is not None:
        content = _with_response(meeting.content, attendee.address, answer, store.clock.now())
        store.update(meeting, content=content)


def _with_response(content: Content, address: str, response: Response, at: datetime) -> Content:
    """Return the content with one attendee's answer noted."""
    folded = address.casefold()
    attendees = tuple(
        replace(a, response=response, responded_at=at) if a.person.address.casefold() == folded else a
        for a in content.attendees
    )
    return replace(content, attendees=attendees)


def forward(store: Mailboxes, meeting: Appointment, to: tuple[Person, ...], comment: str) -> None:
    """Mail a meeting on to more people."""
    owner = store.by_id(meeting.mailbox_oid)
    assert owner is not None
    store.send("forward", owner.person, to, meeting, f"FW: {meeting.content.subject}", comment)
