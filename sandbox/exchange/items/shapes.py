"""Which properties a request wants: base shapes, additional properties, what older versions and lists do not have.

Source: "Property sets and response shapes in EWS in Exchange"; order and names are those of the schema.
"""

from dataclasses import dataclass

from sandbox.exchange.dispatch import Call
from sandbox.exchange.errors import EwsError
from sandbox.exchange.paths import Path, read_path
from sandbox.exchange.versions import Version
from sandbox.exchange.xml import Element, find, text

ITEM_FIELDS = (
    "MimeContent", "ItemId", "ParentFolderId", "ItemClass", "Subject", "Sensitivity", "Body", "Attachments",
    "DateTimeReceived", "Size", "Categories", "Importance", "InReplyTo", "IsSubmitted", "IsDraft", "IsFromMe",
    "IsResend", "IsUnmodified", "InternetMessageHeaders", "DateTimeSent", "DateTimeCreated", "ResponseObjects",
    "ReminderDueBy", "ReminderIsSet", "ReminderNextTime", "ReminderMinutesBeforeStart", "DisplayCc", "DisplayTo",
    "DisplayBcc", "HasAttachments", "ExtendedProperty", "Culture", "EffectiveRights", "LastModifiedName",
    "LastModifiedTime", "IsAssociated", "WebClientReadFormQueryString", "WebClientEditFormQueryString",
    "ConversationId", "UniqueBody", "Flag", "StoreEntryId", "InstanceKey", "NormalizedBody",
    "EntityExtractionResult", "PolicyTag", "ArchiveTag", "RetentionDate", "Preview", "RightsManagementLicenseData",
    "PredictedActionReasons", "IsClutter", "BlockStatus", "HasBlockedImages", "TextBody", "IconIndex", "SearchKey",
    "SortKey", "Hashtags", "Mentions", "MentionedMe", "MentionsPreview", "MentionsEx", "AppliedHashtags",
    "AppliedHashtagsPreview", "Likes", "LikesPreview", "PendingSocialActivityTagIds", "AtAllMention", "CanDelete",
    "InferenceClassification",
)  # fmt: skip
CALENDAR_FIELDS = (
    "UID", "RecurrenceId", "DateTimeStamp", "Start", "End", "OriginalStart", "IsAllDayEvent", "LegacyFreeBusyStatus",
    "Location", "When", "IsMeeting", "IsCancelled", "IsRecurring", "MeetingRequestWasSent", "IsResponseRequested",
    "CalendarItemType", "MyResponseType", "Organizer", "RequiredAttendees", "OptionalAttendees", "Resources",
    "InboxReminders", "ConflictingMeetingCount", "AdjacentMeetingCount", "ConflictingMeetings", "AdjacentMeetings",
    "Duration", "TimeZone", "AppointmentReplyTime", "AppointmentSequenceNumber", "AppointmentState", "Recurrence",
    "FirstOccurrence", "LastOccurrence", "ModifiedOccurrences", "DeletedOccurrences", "MeetingTimeZone",
    "StartTimeZone", "EndTimeZone", "ConferenceType", "AllowNewTimeProposal", "IsOnlineMeeting",
    "MeetingWorkspaceUrl", "NetShowUrl", "EnhancedLocation", "StartWallClock", "EndWallClock", "StartTimeZoneId",
    "EndTimeZoneId", "IntendedFreeBusyStatus", "JoinOnlineMeetingUrl", "OnlineMeetingSettings", "IsOrganizer",
    "CalendarActivityData", "DoNotForwardMeeting",
)  # fmt: skip
ORDER = ITEM_FIELDS + CALENDAR_FIELDS
_OTHER_CLASSES = frozenset(
    {
        "message", "meeting", "meetingRequest", "task", "contacts", "postitem", "sharingMessage", "conversation",
        "distributionlist", "persona", "rolemember",
    }
)  # fmt: skip
KNOWN = frozenset({f"item:{name}" for name in ITEM_FIELDS} | {f"calendar:{name}" for name in CALENDAR_FIELDS})

_DEFAULT = frozenset(
    {
        "ItemId", "Subject", "Sensitivity", "Body", "HasAttachments", "Start", "End", "LegacyFreeBusyStatus",
        "Location", "CalendarItemType", "Organizer", "RequiredAttendees", "OptionalAttendees", "Resources",
    }
)  # fmt: skip
_ONLY_ASKED_FOR = frozenset({"MimeContent", "TextBody", "UniqueBody", "NormalizedBody", "MeetingTimeZone"})
NOT_IN_LISTS = frozenset(
    {
        "MimeContent", "Body", "Attachments", "ResponseObjects", "InternetMessageHeaders", "UniqueBody", "TextBody",
        "NormalizedBody", "RequiredAttendees", "OptionalAttendees", "Resources", "ConflictingMeetings",
        "AdjacentMeetings", "Recurrence", "FirstOccurrence", "LastOccurrence", "ModifiedOccurrences",
        "DeletedOccurrences", "ConflictingMeetingCount", "AdjacentMeetingCount",
    }
)  # fmt: skip
"""What only GetItem gives; the shapes leave it out of lists, and asking for it there is an error."""

_SINCE: dict[str, Version] = {
    "UID": Version.EXCHANGE2007_SP1,
    "RecurrenceId": Version.EXCHANGE2007_SP1,
    "DateTimeStamp": Version.EXCHANGE2007_SP1,
    **dict.fromkeys(
        (
            "StartTimeZone", "EndTimeZone", "UniqueBody", "ConversationId", "IsAssociated", "EffectiveRights",
            "LastModifiedName", "LastModifiedTime", "WebClientReadFormQueryString", "WebClientEditFormQueryString",
        ),
        Version.EXCHANGE2010,
    ),
    **dict.fromkeys(
        (
            "TextBody", "NormalizedBody", "Flag", "InstanceKey", "Preview", "EnhancedLocation", "StartWallClock",
            "EndWallClock", "StartTimeZoneId", "EndTimeZoneId", "IntendedFreeBusyStatus", "JoinOnlineMeetingUrl",
            "OnlineMeetingSettings", "IsOrganizer", "InboxReminders", "ReminderNextTime", "IconIndex",
        ),
        Version.EXCHANGE2013,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """What of an item is shown."""

    names: frozenset[str]
    """Elements."""
    keys: tuple[str, ...] = ()
    """Extended properties."""
    body_type: str = "Best"


ID_ONLY = Shape(frozenset({"ItemId"}))


def read_shape(call: Call, shape: Element | None, *, is_list: bool, forgives: bool = False) -> Shape:
    """Read an ItemShape. `forgives`: what lists do not have is left out without a word.

    Raises EwsError for a property that the version or the operation does not have.
    """
    names = _base(call, text(shape, "BaseShape") or "AllProperties")
    if is_list:
        names -= NOT_IN_LISTS
    if (text(shape, "IncludeMimeContent") or "false") in ("true", "1"):
        names.add("MimeContent")
    keys: list[str] = []
    more = find(shape, "AdditionalProperties")
    for one in () if more is None else more:
        path = read_path(one)
        if path.is_extended:
            keys.append(path.name)
        elif not _is_never_set(path):
            _check(call, path)
            if not is_list or path.element not in NOT_IN_LISTS:
                names.add(path.element)
            elif not forgives:
                raise EwsError("ErrorInvalidPropertyForOperation", "The property can not be used with this request.")
    return Shape(frozenset(names), tuple(dict.fromkeys(keys)), text(shape, "BodyType") or "Best")


def _base(call: Call, base: str) -> set[str]:
    if base == "IdOnly":
        return {"ItemId"}
    everything = _DEFAULT if base == "Default" else set(ORDER) - _ONLY_ASKED_FOR
    return {name for name in everything if _SINCE.get(name, call.version) <= call.version}


def _is_never_set(path: Path) -> bool:
    """Known to the schema, never set on an appointment: calendars may hold meeting requests, so clients ask."""
    is_header = path.index is not None and path.name.startswith("item:")
    return path.name == "item:MimeContentUTF8" or is_header or path.name.partition(":")[0] in _OTHER_CLASSES


def _check(call: Call, path: Path) -> None:
    if path.name not in KNOWN or call.version < _SINCE.get(path.element, call.version):
        raise EwsError("ErrorInvalidPropertyRequest", f"{path.name} is no property of a calendar item.")
