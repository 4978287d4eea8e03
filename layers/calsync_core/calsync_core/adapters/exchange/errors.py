"""Every refusal of an Exchange server -> our error tree. Response codes decide, then the HTTP status; texts never do.

The meaning of the codes: Microsoft's ResponseCode documentation and the schema of Exchange SE 15.2 (521 codes); what is
not named here is a refusal of the one question. A wrong password is never tried again, not even once: directories lock
accounts (ews.md sections 1 and 10).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    CalsyncError,
    ConnectionBrokenError,
    ConsentRevokedError,
    CursorExpiredError,
    InstallationError,
    MailboxUnusableError,
    PermissionMissingError,
    ProviderThrottledError,
    ProviderUnavailableError,
    VersionChangedError,
)

LONGEST_WAIT = timedelta(hours=1)
"""No back-off is believed beyond this: a wrong number must not silence a mailbox for a year."""
USUAL_WAIT = timedelta(seconds=30)

_Make = Callable[..., CalsyncError]
_SAFE = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A response message or fault that is no success. `code` is the server's, `values` its MessageXml.

    `status` is the HTTP status, 200 for a failed response message.
    """

    code: str
    status: int = 200
    values: tuple[tuple[str, str], ...] = ()
    retry_after: timedelta | None = None

    def value(self, name: str) -> str | None:
        return next((text for key, text in self.values if key == name), None)


class EwsRefusedError(Exception):
    """Internal to this package: a refusal, before a method decides what it means there."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.status} {refusal.code}")
        self.refusal = refusal

    @property
    def error(self) -> CalsyncError:
        return to_error(self.refusal)

    @property
    def code(self) -> str:
        return self.refusal.code


def _throttled(code: str, **detail: str | int) -> CalsyncError:
    return ProviderThrottledError(USUAL_WAIT, code, **detail)


def _group(make: _Make, code: str, *names: str) -> dict[str, tuple[_Make, str]]:
    return dict.fromkeys((f"Error{name}" for name in names), (make, code))


CORRUPT = frozenset(
    f"Error{name}"
    for name in (
        "ContentConversionFailed",
        "CorruptData",
        "ItemCorrupt",
        "MimeContentConversionFailed",
        "PropertyValidationFailure",
        "InvalidPropertyRequest",
        "ItemPropertyRequestFailed",
    )
)
"""One item cannot be shown as it was asked for; asking for less may help."""

TOO_MANY = frozenset({"ErrorExceededFindCountLimit", "ErrorResultSetTooBig", "ErrorCalendarViewRangeTooBig"})
"""Asking for a shorter span helps."""

BY_CODE: dict[str, tuple[_Make, str]] = {
    **_group(_throttled, "throttled", "ServerBusy", "ExceededConnectionCount", "TooManyObjectsOpened"),
    **_group(_throttled, "throttled", "ExceededSubscriptionCount", "ExceededFindCountLimit", "ResultSetTooBig"),
    # The account: whoever signs in must act, and nothing is tried until then.
    **_group(ConsentRevokedError, "password_wrong", "PasswordExpired", "PasswordChangeRequired"),
    **_group(ConsentRevokedError, "password_wrong", "InvalidUserPrincipalName", "InvalidUserSid", "InvalidUserInfo"),
    **_group(ConsentRevokedError, "account_locked", "AccountDisabled"),
    **_group(PermissionMissingError, "permission_missing", "AccessDenied", "CreateItemAccessDenied", "NotDelegate"),
    **_group(PermissionMissingError, "permission_missing", "NoFreeBusyAccess", "CannotDeleteObject"),
    **_group(PermissionMissingError, "web_services_off", "UserNotAllowedByPolicy", "OrganizationAccessBlocked"),
    **_group(PermissionMissingError, "push_refused", "SubscriptionDelegateAccessNotSupported"),
    **_group(PermissionMissingError, "push_refused", "SubscriptionAccessDenied", "InvalidPushSubscriptionUrl"),
    **_group(PermissionMissingError, "push_refused", "InvalidSubscriptionRequest", "SubscriptionsDisabledForGroup"),
    **_group(PermissionMissingError, "impersonation_denied", "ImpersonateUserDenied", "ImpersonationDenied"),
    **_group(PermissionMissingError, "impersonation_denied", "ImpersonationFailed"),
    # The mailbox.
    **_group(
        MailboxUnusableError, "mailbox_missing", "NonExistentMailbox", "MissingEmailAddress", "InvalidSmtpAddress"
    ),
    **_group(
        MailboxUnusableError, "mailbox_missing", "NonPrimarySmtpAddress", "MailboxConfiguration", "CannotFindUser"
    ),
    **_group(MailboxUnusableError, "mailbox_missing", "MailRecipientNotFound", "NoCalendar", "InvalidMailbox"),
    **_group(MailboxUnusableError, "mailbox_full", "QuotaExceeded"),
    # One entry or folder. A folder that is asked for by name turns "gone" into CalendarGoneError.
    **_group(AppointmentGoneError, "gone", "ItemNotFound", "FolderNotFound", "SyncFolderNotFound"),
    **_group(AppointmentGoneError, "gone", "ParentFolderNotFound", "ToFolderNotFound", "SavedItemFolderNotFound"),
    **_group(AppointmentGoneError, "gone", "CalendarCannotUpdateDeletedItem", "RecurrenceHasNoOccurrence"),
    **_group(AppointmentGoneError, "gone", "CalendarOccurrenceIsDeletedFromRecurrence"),
    **_group(AppointmentGoneError, "gone", "CalendarOccurrenceIndexIsOutOfRecurrenceRange"),
    **_group(AppointmentGoneError, "gone", "InvalidIdMalformed", "InvalidIdEmpty", "InvalidIdXml", "InvalidId"),
    **_group(AppointmentGoneError, "gone", "InvalidIdMalformedEwsLegacyIdFormat", "InvalidIdStoreObjectIdTooLong"),
    **_group(AppointmentGoneError, "gone", "InvalidIdMonikerTooLong", "InvalidFolderId"),
    **_group(VersionChangedError, "version_changed", "IrresolvableConflict", "StaleObject", "InvalidChangeKey"),
    **_group(VersionChangedError, "version_changed", "ChangeKeyRequired", "ChangeKeyRequiredForWriteOperations"),
    **_group(VersionChangedError, "version_changed", "ObjectTypeChanged"),
    **_group(AppointmentRejectedError, "occurrence_crossing", "OccurrenceCrossingBoundary", "OccurrenceTimeSpanTooBig"),
    **_group(AppointmentRejectedError, "zone_unknown", "TimeZone", "CalendarInvalidTimeZone"),
    **_group(AppointmentRejectedError, "too_large", "MessageSizeExceeded", "CalendarDurationIsTooLong"),
    **_group(AppointmentRejectedError, "entry_rejected", "CalendarEndDateIsEarlierThanStartDate", "CalendarOutOfRange"),
    **_group(AppointmentRejectedError, "entry_rejected", "CalendarInvalidRecurrence", "UnsupportedRecurrence"),
    **_group(AppointmentRejectedError, "entry_rejected", "InvalidPropertySet", "InvalidValueForProperty", "ItemSave"),
    **_group(AppointmentRejectedError, "entry_rejected", "ItemSavePropertyError", "InvalidExtendedPropertyValue"),
    **_group(AppointmentRejectedError, "entry_rejected", *(name.removeprefix("Error") for name in CORRUPT)),
    # Feeds and subscriptions.
    **_group(CursorExpiredError, "cursor_expired", "InvalidSyncStateData"),
    **_group(AppointmentGoneError, "subscription_gone", "SubscriptionNotFound", "ExpiredSubscription"),
    **_group(AppointmentGoneError, "subscription_gone", "InvalidSubscription", "SubscriptionUnsubscribed"),
    **_group(AppointmentGoneError, "subscription_gone", "InvalidWatermark", "EventNotFound", "ReadEventsFailed"),
    **_group(AppointmentGoneError, "subscription_gone", "MissedNotificationEvents", "NewEventStreamConnectionOpened"),
    # The server's moment.
    **_group(ProviderUnavailableError, "provider_unavailable", "ADUnavailable", "ServiceUnavailable", "ADOperation"),
    **_group(ProviderUnavailableError, "provider_unavailable", "BatchProcessingStopped", "ConnectionFailed"),
    **_group(ProviderUnavailableError, "provider_unavailable", "InsufficientResources", "InternalServerError"),
    **_group(ProviderUnavailableError, "provider_unavailable", "InternalServerTransientError", "MailboxLogonFailed"),
    **_group(ProviderUnavailableError, "provider_unavailable", "MailboxMoveInProgress", "MailboxStoreUnavailable"),
    **_group(ProviderUnavailableError, "provider_unavailable", "NotEnoughMemory", "TimeoutExpired", "MailboxFailover"),
    **_group(ProviderUnavailableError, "provider_unavailable", "FreeBusyGenerationFailed", "RequestAborted"),
    **_group(ProviderUnavailableError, "provider_unavailable", "ClientDisconnected", "DataSourceOperation"),
    # What we ask as is not what the server speaks: the stored version is wrong, a connection test finds the right one.
    **_group(ConnectionBrokenError, "server_version", "InvalidServerVersion", "IncorrectSchemaVersion"),
    **_group(ConnectionBrokenError, "server_version", "InvalidSchemaVersionForMailboxVersion", "WrongServerVersion"),
    # Our own requests are wrong: a bug, told to the operator.
    **_group(InstallationError, "exchange_request", "SchemaValidation", "DuplicateSOAPHeader", "MissingArgument"),
    **_group(InstallationError, "exchange_request", "SendMeetingInvitationsRequired", "InvalidExtendedProperty"),
    **_group(InstallationError, "exchange_request", "SendMeetingInvitationsOrCancellationsRequired"),
    **_group(InstallationError, "exchange_request", "SendMeetingCancellationsRequired", "CalendarViewRangeTooBig"),
    **_group(InstallationError, "exchange_request", "IncorrectUpdatePropertyCount", "MailboxDataArrayTooBig"),
}

_BY_STATUS: dict[int, tuple[_Make, str]] = {
    401: (ConsentRevokedError, "password_wrong"),
    403: (PermissionMissingError, "web_services_off"),
    404: (ConnectionBrokenError, "web_services_off"),
    405: (ConnectionBrokenError, "web_services_off"),
    413: (AppointmentRejectedError, "too_large"),
    429: (_throttled, "throttled"),
    456: (ConsentRevokedError, "account_locked"),
}


def to_error(refusal: Refusal) -> CalsyncError:
    """Our error for it, with the server's code in the detail; never its text."""
    detail: dict[str, str | int] = {"status": refusal.status}
    if refusal.code:
        detail["provider_code"] = _SAFE.sub("", refusal.code)[:60]
    make, code = _meaning(refusal)
    wait = refusal.retry_after or back_off(refusal)
    if wait is not None and (make is _throttled or make is ProviderUnavailableError):
        return ProviderThrottledError(min(wait, LONGEST_WAIT), "throttled", **detail)
    return make(code, **detail)


def back_off(refusal: Refusal) -> timedelta | None:
    """BackOffMilliseconds, which a busy server names."""
    text = refusal.value("BackOffMilliseconds") or ""
    return min(timedelta(milliseconds=int(text)), LONGEST_WAIT) if re.fullmatch(r"\d{1,9}", text.strip()) else None


def _meaning(refusal: Refusal) -> tuple[_Make, str]:
    inner = refusal.value("InnerErrorResponseCode")  # a busy server hides behind ErrorInternalServerError
    for code in (refusal.code, inner):
        if code in BY_CODE and (code != "ErrorInternalServerError" or not inner):
            return BY_CODE[code]
    if refusal.code in BY_CODE:
        return BY_CODE[refusal.code]
    if refusal.status in _BY_STATUS:
        return _BY_STATUS[refusal.status]
    if refusal.status >= 300:
        return ProviderUnavailableError, "provider_unavailable"
    return AppointmentRejectedError, "request_refused"
