"""Error answers of Graph by name, for fault rules: `{"shape": "throttled"}` instead of a spelled-out body.

Status, code and message as Microsoft sends them; the ids and dates are filled in when a rule fires.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class FaultShape:
    """One error answer. An empty `code` means an empty body, which real 503 and 504 answers may have."""

    status: int
    code: str = ""
    message: str = ""
    retry_after: str = ""


_AGAIN = "An internal server error occurred. Try again later."
_CHANGE_KEY = (
    "The send or update operation could not be performed because the change key passed in the request does not "
    "match the current change key for the item."
)
_GENERATION = "The sync state generation is not found; generation=149;[highest=157][157][155][156]."
_ACCESS = "Access is denied. Check credentials and try again."

FAULT_SHAPES: dict[str, FaultShape] = {
    "throttled": FaultShape(429, "TooManyRequests", "Please retry again later.", "2.128"),
    "mailbox_concurrency": FaultShape(
        429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.", "1"
    ),
    "unauthorized": FaultShape(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid."),
    "compact_token": FaultShape(
        401, "InvalidAuthenticationToken", "CompactToken validation failed with reason code: 80049228."
    ),
    "access_denied": FaultShape(403, "ErrorAccessDenied", _ACCESS),
    "access_policy": FaultShape(403, "ErrorAccessDenied", "Access to OData is disabled."),
    "quota_subscriptions": FaultShape(
        403, "Forbidden", "Operation: Create; Exception: [Status Code: Forbidden; Reason: Subscription quota]"
    ),
    "no_rest_mailbox": FaultShape(
        404, "MailboxNotEnabledForRESTAPI", "REST API is not yet supported for this mailbox."
    ),
    "no_mailbox": FaultShape(404, "ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it."),
    "item_not_found": FaultShape(404, "ErrorItemNotFound", "The specified object was not found in the store."),
    "bad_id": FaultShape(400, "ErrorInvalidIdMalformed", "Id is malformed."),
    "validation": FaultShape(400, "ErrorPropertyValidationFailure", "At least one property failed validation."),
    "duplicate_transaction": FaultShape(
        409,
        "ErrorDuplicateTransactionId",
        "Your request can't be completed. The TransactionId specified in the request has already been used to "
        "create a different event.",
    ),
    "change_key": FaultShape(412, "ErrorIrresolvableConflict", _CHANGE_KEY),
    "sync_state": FaultShape(410, "SyncStateNotFound", _GENERATION),
    "resync": FaultShape(410, "resyncRequired", "Resync required. Replace any local items with the server's."),
    "sync_state_invalid": FaultShape(400, "SyncStateInvalid", "The sync state is invalid."),
    "too_large": FaultShape(413, "RequestEntityTooLarge", "The request is too large."),
    "locked": FaultShape(423, "Locked", "The resource is locked."),
    "mailbox_full": FaultShape(507, "ErrorQuotaExceeded", "The mailbox quota has been exceeded."),
    "transient": FaultShape(500, "ErrorInternalServerTransientError", _AGAIN),
    "internal": FaultShape(
        500, "internalServerError", "An internal server error occurred while processing the request."
    ),
    "bad_gateway": FaultShape(502, "BadGateway", "Failed to execute backend request."),
    "unavailable": FaultShape(503, "ServiceUnavailable", "The service is unavailable.", "10"),
    "unavailable_empty": FaultShape(503),
    "gateway_timeout": FaultShape(504, "UnknownError", "Gateway timeout."),
    "gateway_timeout_empty": FaultShape(504),
}
