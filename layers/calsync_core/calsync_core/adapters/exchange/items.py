"""Calendar items of Exchange -> Entry, pure: what to ask for, and how to read it. Plain functions, because they run for
every item of 10,000. What may not be read is not asked for; what comes all the same is dropped before an object exists.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from calsync_core.adapters.exchange.recurrence_reading import read_recurrence
from calsync_core.adapters.exchange.soap import Element, T
from calsync_core.adapters.exchange.versions import Speech
from calsync_core.domain.appointments import AllDay, Busy, Entry, Kind, Mark, Notes, Response, Timed, When
from calsync_core.domain.ids import CalendarId, EntryId
from calsync_core.domain.notes import LONGEST_NOTES, LONGEST_READ, text_of_html
from calsync_core.domain.recurrence import Recurrence
from calsync_core.domain.spans import UnreadableTimesError, check_span, check_years
from calsync_core.domain.texts import fit
from calsync_core.domain.zones import iana_name
from calsync_core.ports.calendar import Content

EVERYTHING = Content(title=True, notes=True, private=True)

MARK_SET = "9c0c4a2e-6f0b-4d6e-9a54-c1f3c4b8d7a1"
MARK_NAME = "calsyncId"
"""The product's one extended property, the same that Graph shows as `String {set} Name calsyncId`: a mailbox that
moves to Microsoft 365 keeps its marks. Changing it orphans every copy that was written before."""
MARK_FIELD = f'<t:ExtendedFieldURI PropertySetId="{MARK_SET}" PropertyName="{MARK_NAME}" PropertyType="String"/>'

_KINDS = {
    "Single": Kind.SINGLE,
    "Occurrence": Kind.OCCURRENCE,
    "Exception": Kind.EXCEPTION,
    "RecurringMaster": Kind.MASTER,
}
_BUSY = {
    "Free": Busy.FREE,
    "Tentative": Busy.TENTATIVE,
    "Busy": Busy.BUSY,
    "OOF": Busy.OOF,
    "WorkingElsewhere": Busy.WORKING_ELSEWHERE,
}
_RESPONSES = {
    "Organizer": Response.ORGANIZER,
    "Accept": Response.ACCEPTED,
    "Tentative": Response.TENTATIVE,
    "Decline": Response.DECLINED,
    "NoResponseReceived": Response.NOT_RESPONDED,
}
_OPEN_SENSITIVITIES = frozenset({"Normal", "Personal", None, ""})
_NEVER = Timed(datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC))
_DAY = timedelta(days=1)
_HALF_DAY = timedelta(hours=12)

_TIME_FIELDS = (
    "item:Sensitivity",
    "item:ReminderIsSet",
    "item:ReminderMinutesBeforeStart",
    "item:DateTimeCreated",
    "calendar:Start",
    "calendar:End",
    "calendar:IsAllDayEvent",
    "calendar:LegacyFreeBusyStatus",
    "calendar:CalendarItemType",
    "calendar:MyResponseType",
    "calendar:IsMeeting",  # what keeps us from changing entries that others were invited to; no name is read
    "calendar:IsCancelled",
    "calendar:UID",
)
_ITEM_ID = f"{T}ItemId"
_START, _END, _ALL_DAY = f"{T}Start", f"{T}End", f"{T}IsAllDayEvent"
_BUSY_STATUS, _TYPE, _SENSITIVITY = f"{T}LegacyFreeBusyStatus", f"{T}CalendarItemType", f"{T}Sensitivity"
_RESPONSE, _MEETING, _CANCELLED = f"{T}MyResponseType", f"{T}IsMeeting", f"{T}IsCancelled"
_SUBJECT, _LOCATION, _BODY, _CREATED = f"{T}Subject", f"{T}Location", f"{T}Body", f"{T}DateTimeCreated"
_REMINDER, _REMINDER_MINUTES = f"{T}ReminderIsSet", f"{T}ReminderMinutesBeforeStart"
_ZONE_ID, _ZONE, _ORIGINAL = f"{T}StartTimeZoneId", f"{T}StartTimeZone", f"{T}OriginalStart"
_EXTENDED, _FIELD_URI, _VALUE = f"{T}ExtendedProperty", f"{T}ExtendedFieldURI", f"{T}Value"
_UID, _PARENT, _CATEGORIES = f"{T}UID", f"{T}ParentFolderId", f"{T}Categories"
_RECURRENCE = f"{T}Recurrence"


# -- asking -----------------------------------------------------------------------------------------------------------


def shape(speech: Speech, content: Content, *extra: str, has_body: bool = False) -> str:
    """An ItemShape: ids and what the settings allow, always with the mark. `has_body`: GetItem alone can bring it."""
    fields = [*_TIME_FIELDS, *extra]
    if speech.has_zone_ids:
        fields.append("calendar:StartTimeZoneId")
    elif speech.has_zones:
        fields.append("calendar:StartTimeZone")
    if content.title:
        fields += ["item:Subject", "calendar:Location"]
    elif content.subject:
        fields.append("item:Subject")
    if content.categories:
        fields.append("item:Categories")
    if not (has_body and content.notes):
        return _shape(fields, MARK_FIELD)
    return _shape([*fields, "item:Body"], MARK_FIELD, "Best" if content.html else "Text")


def slim_shape(*fields: str) -> str:
    """Ids and the named fields alone."""
    return _shape(list(fields), "")


def _shape(fields: list[str], extended: str, body_type: str = "") -> str:
    named = "".join(f'<t:FieldURI FieldURI="{field}"/>' for field in fields)
    body = f"<t:BodyType>{body_type}</t:BodyType>" if body_type else ""
    wanted = f"<t:AdditionalProperties>{named}{extended}</t:AdditionalProperties>" if named or extended else ""
    return f"<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>{body}{wanted}</m:ItemShape>"


# -- reading ----------------------------------------------------------------------------------------------------------


def item_id(item: Element) -> tuple[EntryId, str]:
    """Id and change key. Raises KeyError, TypeError."""
    found = item.find(_ITEM_ID)
    if found is None:
        raise KeyError("ItemId")
    return EntryId(found.attrib["Id"]), found.get("ChangeKey") or ""


def read_entry(
    item: Element, calendar_id: CalendarId, zone: str, content: Content, *, series_id: EntryId | None = None
) -> Entry:
    """One calendar item, asked for with `shape`. `zone` is the mailbox's; it says which day an all-day item means when
    the item itself does not. `series_id` is the master of an occurrence or exception, which the item does not name.

    Raises what odd data raises (KeyError, TypeError, ValueError, OverflowError).
    """
    fields = {child.tag: child for child in item}
    text = {tag: child.text for tag, child in fields.items()}
    identity = fields[_ITEM_ID]
    when = _when(fields, text, zone)
    kind = _KINDS.get(text.get(_TYPE) or "Single", Kind.SINGLE)
    is_of_series = kind is Kind.OCCURRENCE or kind is Kind.EXCEPTION
    is_private = text.get(_SENSITIVITY) not in _OPEN_SENSITIVITIES  # an unknown word hides: fail closed
    is_open = content.private or not is_private
    return Entry(
        EntryId(identity.attrib["Id"]),
        calendar_id,
        identity.get("ChangeKey") or "",
        when,
        kind,
        series_id if is_of_series else None,
        _original_start(text, when, zone) if is_of_series else None,
        _BUSY.get(text.get(_BUSY_STATUS) or "", Busy.UNKNOWN),
        is_private,
        _RESPONSES.get(text.get(_RESPONSE) or "", Response.NONE),
        text.get(_CANCELLED) == "true",
        fit(text.get(_SUBJECT) or "") if is_open and (content.title or content.subject) else None,
        _notes(fields.get(_BODY)) if is_open and content.notes else None,
        ((text.get(_LOCATION) or "").strip() or None) if is_open and content.title else None,
        _reminder(text),
        text.get(_MEETING) == "true",
        read_mark(fields.get(_EXTENDED), item),
        True,
        created_at=_created_at(text.get(_CREATED)),
        uid=text.get(_UID) or None,
        categories=_categories(fields.get(_CATEGORIES)) if is_open and content.categories else (),
        recurrence=_recurrence(fields, text, zone) if kind is Kind.MASTER else None,
    )


def read_readable(
    item: Element, calendar_id: CalendarId, zone: str, content: Content, *, series_id: EntryId | None = None
) -> Entry | None:
    """The same; or an Entry that says by `problem` why it cannot be read; None when it has not even an id."""
    try:
        return read_entry(item, calendar_id, zone, content, series_id=series_id)
    except UnreadableTimesError as error:
        problem = str(error)
    except (KeyError, TypeError, ValueError, OverflowError):
        problem = "entry_unreadable"
    try:
        entry_id, version = item_id(item)
    except (KeyError, TypeError):
        return None
    kind = _KINDS.get(item.findtext(_TYPE) or "Single", Kind.SINGLE)
    is_of_series = kind is Kind.OCCURRENCE or kind is Kind.EXCEPTION
    return Entry(
        entry_id, calendar_id, version, _NEVER, kind, series_id if is_of_series else None, is_mark_known=True,
        problem=problem,
    )  # fmt: skip


def sparse(entry: Entry) -> Entry:
    """An occurrence as the feed of a full round gives it: id, series and times; the rest stands in the master."""
    return Entry(
        entry.id, entry.calendar_id, entry.version, entry.when, entry.kind, entry.series_id, entry.original_start_at,
        is_sparse=True,
    )  # fmt: skip


def uid_of(item: Element) -> str:
    return (item.findtext(_UID) or "").strip()


def folder_of(item: Element) -> str:
    parent = item.find(_PARENT)
    return parent.get("Id") or "" if parent is not None else ""


def read_mark(extended: Element | None, item: Element) -> Mark | None:
    """Some servers send a property twice, or others beside ours."""
    if extended is None:
        return None
    for one in item.iterfind(_EXTENDED):
        field = one.find(_FIELD_URI)
        if field is None or field.get("PropertyName") != MARK_NAME:
            continue
        if (field.get("PropertySetId") or "").strip("{}").lower() == MARK_SET:
            return Mark.decode(one.findtext(_VALUE) or "")
    return None


def read_instant(text: str) -> datetime:
    """Always with Z or an offset, up to nine digits of fraction; without any it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def show_instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day_of(moment: datetime, zone: str) -> date:
    """The day whose midnight in `zone` is nearest: all-day items stand at midnight of the zone they were made in."""
    return (moment.astimezone(ZoneInfo(zone)) + _HALF_DAY).date()


def _when(fields: dict[str, Element], text: dict[str, str | None], zone: str) -> When:
    start, end = read_instant(text[_START] or ""), read_instant(text[_END] or "")
    check_years(start, end)
    if text.get(_ALL_DAY) == "true":
        made_in = _zone_of(fields, text) or zone
        first = day_of(start, made_in)
        last = max(day_of(end, made_in), first + _DAY)
        check_span(first, last)
        return AllDay(first, last)
    check_span(start, end)
    return Timed(start, end)


def _zone_of(fields: dict[str, Element], text: dict[str, str | None]) -> str | None:
    """None for what nobody knows, such as tzone://Microsoft/Custom: it hurts nothing here."""
    name = text.get(_ZONE_ID)
    if name is None and _ZONE in fields:
        name = fields[_ZONE].get("Id")
    return iana_name(name) if name else None


def _recurrence(fields: dict[str, Element], text: dict[str, str | None], zone: str) -> Recurrence | None:
    return read_recurrence(fields[_RECURRENCE], _zone_of(fields, text) or zone) if _RECURRENCE in fields else None


def _original_start(text: dict[str, str | None], when: When, zone: str) -> datetime:
    """The key of an occurrence in its series; of all-day series midnight UTC of the date."""
    original = text.get(_ORIGINAL)
    if isinstance(when, AllDay):
        day = day_of(read_instant(original), zone) if original else when.start
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    return read_instant(original) if original else when.start_at


def _notes(body: Element | None) -> Notes | None:
    """Where plain text is asked for, Exchange makes it of HTML; white space at the ends means nothing. HTML comes as it
    is, untrusted: the engine cleans it."""
    if body is None:
        return None
    text = (body.text or "").replace("\r\n", "\n").replace("\r", "\n").strip()
    if body.get("BodyType") == "HTML":
        return Notes(text[:LONGEST_READ], is_html=True) if text_of_html(text) else None
    return Notes(text[:LONGEST_NOTES]) if text else None


def _categories(found: Element | None) -> tuple[str, ...]:
    return tuple(one.text or "" for one in found) if found is not None else ()


def _reminder(text: dict[str, str | None]) -> timedelta | None:
    if text.get(_REMINDER) != "true":
        return None
    minutes = text.get(_REMINDER_MINUTES) or "0"
    return timedelta(minutes=int(minutes) if minutes.isdecimal() and len(minutes) < 8 else 0)


def _created_at(text: str | None) -> datetime | None:
    """Only orders clones of one mark, so a value that nobody can read is none."""
    try:
        return read_instant(text) if text else None
    except ValueError:
        return None
