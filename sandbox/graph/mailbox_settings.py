"""mailboxSettings, the time zones that the mailbox server knows, and translateExchangeIds."""

import re
from typing import Any

from sandbox.calendars import Mailbox, WorkingHours
from sandbox.graph import errors, ids
from sandbox.graph.calls import Answer, Call
from sandbox.recurrence import Day
from sandbox.zones import UnknownZoneError, iana_zones, windows_zones, zone_info

MAX_IDS = 1000
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,7})?")
_DAYS: tuple[str, ...] = Day.__args__  # type: ignore[attr-defined]
_LANGUAGES = {"en-US": "English (United States)", "de-DE": "German (Germany)", "fr-FR": "French (France)"}
_STORED: dict[str, type] = {
    "dateFormat": str,
    "timeFormat": str,
    "delegateMeetingMessageDeliveryOptions": str,
    "automaticRepliesSetting": dict,
}
_ID_FORMATS = ("entryId", "ewsId", "immutableEntryId", "restId", "restImmutableEntryId")


def show_working_hours(mailbox: Mailbox) -> dict[str, Any]:
    """Return working hours as Graph shows them."""
    hours = mailbox.working_hours
    return {
        "daysOfWeek": list(hours.days),
        "startTime": hours.start,
        "endTime": hours.end,
        "timeZone": {"name": hours.zone or mailbox.time_zone},
    }


def get_settings(call: Call) -> Answer:
    """GET mailboxSettings."""
    return Answer(200, _shown(call))


def _shown(call: Call) -> dict[str, Any]:
    mailbox = call.mailbox
    nobody = {"dateTime": "0001-01-01T00:00:00.0000000", "timeZone": "UTC"}
    language = mailbox.language
    shown: dict[str, Any] = {
        "@odata.context": f"{call.context_root}/mailboxSettings",
        "archiveFolder": None,
        "timeZone": mailbox.time_zone,
        "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
        "dateFormat": "M/d/yyyy",
        "timeFormat": "h:mm tt",
        "userPurpose": mailbox.purpose,
        "automaticRepliesSetting": {
            "status": "disabled",
            "externalAudience": "all",
            "internalReplyMessage": "",
            "externalReplyMessage": "",
            "scheduledStartDateTime": nobody,
            "scheduledEndDateTime": nobody,
        },
        "language": {"locale": language, "displayName": _LANGUAGES.get(language, language)},
        "workingHours": show_working_hours(mailbox),
    }
    return shown | mailbox.settings


def change_settings(call: Call) -> Answer:
    """PATCH mailboxSettings: zone, working hours, language, formats."""
    body = call.body
    if not isinstance(body, dict):
        raise errors.bad_request("Empty Payload. JSON content expected.")
    mailbox = call.mailbox
    zone = _zone(body["timeZone"]) if body.get("timeZone") else mailbox.time_zone
    hours = _hours(body["workingHours"], mailbox) if body.get("workingHours") else mailbox.working_hours
    language = body.get("language")
    if language is not None and not (isinstance(language, dict) and isinstance(language.get("locale"), str)):
        raise errors.property_failed()
    stored = {name: body[name] for name in _STORED if body.get(name) is not None}
    if any(not isinstance(value, _STORED[name]) for name, value in stored.items()):
        raise errors.property_failed()
    mailbox.time_zone, mailbox.working_hours = zone, hours
    if language:
        mailbox.language = language["locale"]
    mailbox.settings |= stored
    return Answer(200, _shown(call))


def _zone(name: Any) -> str:
    try:
        zone_info(name)
    except (UnknownZoneError, AttributeError) as error:
        raise errors.unknown_zone(str(name)) from error
    return str(name)


def _hours(value: Any, mailbox: Mailbox) -> WorkingHours:
    if not isinstance(value, dict):
        raise errors.property_failed()
    before = mailbox.working_hours
    days = value.get("daysOfWeek", list(before.days))
    start, end = value.get("startTime", before.start), value.get("endTime", before.end)
    zone = value.get("timeZone") or {}
    if not isinstance(days, list) or any(day not in _DAYS for day in days) or not isinstance(zone, dict):
        raise errors.property_failed()
    if not all(isinstance(at, str) and _CLOCK.fullmatch(at) for at in (start, end)) or start >= end:
        raise errors.property_failed()
    name = _zone(zone["name"]) if zone.get("name") else before.zone
    return WorkingHours(tuple(days), _seven(start), _seven(end), name)


def _seven(clock: str) -> str:
    whole, _, fraction = clock.partition(".")
    return f"{whole}.{fraction.ljust(7, '0')}"


def list_zones(call: Call) -> Answer:
    """GET outlook/supportedTimeZones(), Windows or IANA names."""
    standard = call.request.path_params.get("standard", "Windows")
    if standard.casefold() == "iana":
        rows = [{"alias": name, "displayName": name} for name in iana_zones()]
    elif standard.casefold() == "windows":
        rows = [{"alias": name, "displayName": name} for name in windows_zones()]
    else:
        raise errors.bad_request(f"Invalid value '{standard}' for TimeZoneStandard.")
    context = f"{call.base}/v1.0/$metadata#Collection(microsoft.graph.timeZoneInformation)"
    return Answer(200, {"@odata.context": context, "value": rows})


def translate_ids(call: Call) -> Answer:
    """POST translateExchangeIds: ordinary and immutable, REST and Exchange spelling."""
    body = call.body if isinstance(call.body, dict) else {}
    body = {name[:1].lower() + name[1:]: value for name, value in body.items()}
    inputs, source, target = body.get("inputIds"), body.get("sourceIdType"), body.get("targetIdType")
    if not isinstance(inputs, list) or len(inputs) > MAX_IDS or not all(isinstance(i, str) for i in inputs):
        raise errors.invalid_parameter(f"The parameter 'InputIds' takes up to {MAX_IDS} ids.")
    if source not in _ID_FORMATS or target not in _ID_FORMATS:
        raise errors.invalid_parameter("SourceIdType and TargetIdType must be members of exchangeIdFormat.")
    context = f"{call.base}/v1.0/$metadata#Collection(microsoft.graph.convertIdResult)"
    return Answer(200, {"@odata.context": context, "value": [_translated(call, i, target) for i in inputs]})


def _translated(call: Call, source: str, target: str) -> dict[str, Any]:
    try:
        parsed = ids.parse(source)
    except ids.MalformedIdError:
        return _untranslated(source, "ErrorInvalidIdMalformed", "Id is malformed.")
    appointment = call.world.mailboxes.entry(parsed.entry_id)
    folder = next(
        (f for f in call.reach.folders() if appointment and f.calendar.calendar_id == appointment.calendar_id),
        None,
    )
    if appointment is None or folder is None or parsed.mailbox != ids.mailbox_mark(call.mailbox.oid):
        return _untranslated(source, "ErrorItemNotFound", "The specified object was not found in the store.")
    text = ids.entry_id_text(
        call.mailbox,
        folder,
        appointment.entry_id,
        appointment.arrival,
        parsed.day,
        parsed.pattern_version,
        immutable="mmutable" in target,
    )
    return {"sourceId": source, "targetId": text if target.startswith("rest") else ids.to_exchange(text)}


def _untranslated(source: str, code: str, message: str) -> dict[str, Any]:
    return {"sourceId": source, "targetId": "", "errorDetails": {"code": code, "message": message}}
