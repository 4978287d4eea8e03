"""Writing copies with exchangelib: it knows the order and the version of every element. What it builds is sent over
our own connection, and the answers are read strictly; nothing of its sessions, caches or guesses is used.

Nobody is ever mailed (SendToNone), nothing is overwritten that changed meanwhile (NeverOverwrite), and an update names
its fields: what exchangelib reads and saves whole writes back defaults that nobody set (ews.md section 10).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from exchangelib import Body, CalendarItem, ExtendedProperty, HTMLBody
from exchangelib import Build as ExchangeBuild
from exchangelib import Version as ExchangeVersion
from exchangelib.errors import UnknownTimeZone
from exchangelib.ewsdatetime import EWSDate, EWSDateTime, EWSTimeZone
from exchangelib.properties import FolderId, ItemId
from exchangelib.services import CreateItem, DeleteItem, UpdateItem
from lxml import etree

from calsync_core.adapters.exchange.client import EwsClient
from calsync_core.adapters.exchange.items import MARK_NAME, MARK_SET
from calsync_core.adapters.exchange.recurrence import to_recurrence
from calsync_core.adapters.exchange.soap import Element, M, T, checked
from calsync_core.adapters.exchange.versions import Speech
from calsync_core.domain.appointments import AllDay, Busy, Copy, Mark
from calsync_core.domain.errors import AppointmentRejectedError, ProviderUnavailableError
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.texts import fit, fit_title

_NO_MAIL = "SendToNone"
_TEXTS = ("subject", "body", "location", "sensitivity", "legacy_free_busy_status", "reminder_is_set")
_TIMES = ("start", "end", "is_all_day")
_SHOWN = {Busy.FREE: "Free", Busy.TENTATIVE: "Tentative", Busy.BUSY: "Busy", Busy.OOF: "OOF"}
_MEETING_ZONE = f"{T}MeetingTimeZone"


class _CalsyncMark(ExtendedProperty):  # type: ignore[misc]
    property_set_id = MARK_SET
    property_name = MARK_NAME
    property_type = "String"


if "calsync_mark" not in {field.name for field in CalendarItem.FIELDS}:
    CalendarItem.register("calsync_mark", _CalsyncMark)  # for the whole process, once


@dataclass(frozen=True, slots=True)
class _Protocol:
    version: ExchangeVersion


@dataclass(frozen=True, slots=True)
class Written:
    """The item that a write made or changed, and the version that it gave it; "" where the server does not say."""

    entry_id: EntryId
    version: str


class _Author:
    """What exchangelib's builders need of an account. The version is that of the connection test and does not move:
    its own accounts would leave the 2007 protocol behind after the first answer."""

    def __init__(self, speech: Speech, zone: EWSTimeZone) -> None:
        self.version = ExchangeVersion(build=ExchangeBuild(*speech.build), api_version=speech.api_version)
        self.protocol = _Protocol(self.version)
        self.default_timezone = zone


class Writer:
    def __init__(self, client: EwsClient) -> None:
        self._client = client

    def create(self, calendar_id: CalendarId, copy: Copy, mark: Mark) -> Written:
        """Raises EwsRefusedError, AppointmentRejectedError, ProviderUnavailableError."""
        author = self._author(copy)
        item = CalendarItem(calsync_mark=mark.encode(), is_response_requested=False, **_fields(copy, author))
        payload = CreateItem(account=author).get_payload(
            items=[item],
            folder=FolderId(id=calendar_id),
            message_disposition="SaveOnly",
            send_meeting_invitations=_NO_MAIL,
        )
        return _written(self._told("CreateItem", payload))

    def update(self, entry_id: EntryId, copy: Copy, version: str | None) -> Written:
        """Our own fields alone. Without `version` the write wins over whatever stands there."""
        author = self._author(copy)
        values = _fields(copy, author)
        names = _names(copy)
        item = CalendarItem(id=entry_id, changekey=version, **{name: values[name] for name in values if name in names})
        payload = UpdateItem(account=author).get_payload(
            items=[(item, names)],
            conflict_resolution="AlwaysOverwrite" if version is None else "NeverOverwrite",
            message_disposition="SaveOnly",
            send_meeting_invitations_or_cancellations=_NO_MAIL,
            suppress_read_receipts=True,
        )
        return _written(self._told("UpdateItem", payload))

    def delete(self, entry_id: EntryId) -> None:
        """Into the deleted items, as a person would do it."""
        payload = DeleteItem(account=_Author(self._client.speech, _zone("UTC"))).get_payload(
            items=[ItemId(entry_id)],
            delete_type="MoveToDeletedItems",
            send_meeting_cancellations=_NO_MAIL,
            affected_task_occurrences="SpecifiedOccurrenceOnly",
            suppress_read_receipts=True,
        )
        self._told("DeleteItem", payload)

    def _author(self, copy: Copy) -> _Author:
        return _Author(self._client.speech, _zone(copy.recurrence.zone if copy.recurrence else copy.time_zone))

    def _told(self, operation: str, payload: Element) -> Element:
        for zone in payload.iter(_MEETING_ZONE):  # the schema names it otherwise than exchangelib does
            zone.set("TimeZoneName", zone.attrib.pop("Id"))
        answered = self._client.tell(operation, etree.tostring(payload, encoding="unicode"))
        if len(answered) != 1:
            raise ProviderUnavailableError("answer_unreadable", kind="write")
        return checked(answered[0])


def _names(copy: Copy) -> list[str]:
    names = [*_TEXTS]
    if copy.reminder is not None:
        names.append("reminder_minutes_before_start")
    if not copy.keeps_times:
        names += _TIMES
        if copy.recurrence is not None:
            names.append("recurrence")
    return names


def _fields(copy: Copy, author: _Author) -> dict[str, Any]:
    """Our own fields of a copy, for create and update alike. Raises AppointmentRejectedError."""
    zone = author.default_timezone
    html = copy.notes is not None and copy.notes.is_html
    notes = fit(copy.notes.text) if copy.notes else ""
    fields: dict[str, Any] = {
        "subject": fit_title(fit(copy.title).strip()),
        "body": HTMLBody(notes) if html else Body(notes),
        "location": fit(copy.location or "").strip(),
        "legacy_free_busy_status": _SHOWN.get(copy.busy, "Busy"),
        "sensitivity": "Private" if copy.is_private else "Normal",
        "reminder_is_set": copy.reminder is not None,
        **_times(copy, zone),
    }
    if copy.reminder is not None:
        fields["reminder_minutes_before_start"] = max(0, int(copy.reminder.total_seconds() // 60))
    if copy.recurrence is not None:
        fields["recurrence"] = to_recurrence(copy.recurrence)
    return fields


def _times(copy: Copy, zone: EWSTimeZone) -> dict[str, Any]:
    """All-day: dates, which exchangelib turns into midnights of the zone; its last day is included.
    Timed: wall time of the zone with its offset, so that no change of the clocks makes it ambiguous."""
    when = copy.when
    if isinstance(when, AllDay):
        last = when.end.toordinal() - 1
        return {
            "is_all_day": True,
            "start": EWSDate.fromordinal(when.start.toordinal()),
            "end": EWSDate.fromordinal(max(last, when.start.toordinal())),
        }
    if when.end_at < when.start_at:
        raise AppointmentRejectedError("entry_rejected", field="end")
    return {
        "is_all_day": False,
        "start": EWSDateTime.from_datetime(when.start_at).astimezone(zone),
        "end": EWSDateTime.from_datetime(when.end_at).astimezone(zone),
    }


def _zone(name: str) -> EWSTimeZone:
    """UTC where Windows has no name for the zone: the instants stay right."""
    try:
        return EWSTimeZone.from_zoneinfo(ZoneInfo(name))
    except (UnknownTimeZone, ValueError, OSError, LookupError):
        return EWSTimeZone("UTC")


def _written(message: Element) -> Written:
    """What the answer of a write says. Raises ProviderUnavailableError: then nobody knows, and the mark tells."""
    found: Sequence[Element] = message.findall(f"{M}Items/{T}CalendarItem/{T}ItemId")
    if len(found) != 1 or not found[0].get("Id"):
        raise ProviderUnavailableError("answer_unreadable", kind="write")
    return Written(EntryId(found[0].get("Id") or ""), found[0].get("ChangeKey") or "")
