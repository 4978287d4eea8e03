"""How Exchange refuses: an error inside one response message, or a SOAP fault for the whole request.

Codes are those of the schema's ResponseCodeType; the texts are Exchange's where Microsoft documents them.
"""

from lxml import etree

from sandbox.exchange.xml import SOAP, E, Element, M, T, element, m

TEXTS: dict[str, str] = {
    "ErrorAccessDenied": "Access is denied. Check credentials and try again.",
    "ErrorAccountDisabled": "The account that was used to access the mailbox is disabled.",
    "ErrorCalendarViewRangeTooBig": "The specified view range exceeds the maximum range of two years.",
    "ErrorCannotUseFolderIdForItemId": "Id must be an item Id.",
    "ErrorCannotUseItemIdForFolderId": "Id must be a folder Id.",
    "ErrorExceededConnectionCount": "You have exceeded the available concurrent connections for your account.  "
    "Try again once your other requests have completed.",
    "ErrorExceededFindCountLimit": "You have exceeded the maximum number of objects that can be returned for the "
    "find operation. Use paging to reduce the result size and try your request again.",
    "ErrorExceededSubscriptionCount": "You have exceeded the available subscriptions for your account.  "
    "Remove unnecessary subscriptions and try your request again.",
    "ErrorFolderNotFound": "The specified folder could not be found in the store.",
    "ErrorFreeBusyGenerationFailed": "Unable to generate free/busy data for the mailbox.",
    "ErrorImpersonateUserDenied": "The account does not have permission to impersonate the requested user.",
    "ErrorInternalServerError": "An internal server error occurred. The operation failed.",
    "ErrorInternalServerTransientError": "An internal server error occurred. Try again later.",
    "ErrorInvalidChangeKey": "The change key is invalid.",
    "ErrorInvalidFreeBusyViewType": "The requested free/busy view type is not valid.",
    "ErrorInvalidIdMalformed": "Id is malformed.",
    "ErrorInvalidIdNotAnItemAttachmentId": "The Id is not that of an item attachment.",
    "ErrorInvalidMergedFreeBusyInterval": "The merged free/busy interval must be from 5 to 1440 minutes.",
    "ErrorInvalidOperation": "The operation is not valid.",
    "ErrorInvalidPushSubscriptionUrl": "The URL for push notifications is invalid.",
    "ErrorInvalidRequest": "The request is invalid.",
    "ErrorInvalidServerVersion": "The specified server version is invalid.",
    "ErrorInvalidSubscription": "The subscription is invalid.",
    "ErrorInvalidSyncStateData": "Synchronization state data is corrupt or otherwise invalid.",
    "ErrorInvalidTimeInterval": "The time interval is not valid.",
    "ErrorInvalidWatermark": "The watermark used for creating this subscription was not found.",
    "ErrorIrresolvableConflict": "The send or update operation could not be performed because the change key passed "
    "in the request does not match the current change key for the item.",
    "ErrorItemNotFound": "The specified object was not found in the store.",
    "ErrorMailRecipientNotFound": "The mail recipient could not be found.",
    "ErrorMailboxMoveInProgress": "Mailbox move in progress. Try again later.",
    "ErrorMailboxStoreUnavailable": "The mailbox database is temporarily unavailable.",
    "ErrorMissingEmailAddress": "When making a request as an account that does not have a mailbox, you must specify "
    "the mailbox primary SMTP address for any distinguished folder Ids.",
    "ErrorNameResolutionMultipleResults": "Multiple results were found.",
    "ErrorNameResolutionNoResults": "No results were found.",
    "ErrorNoFreeBusyAccess": "The caller does not have access to free/busy data.",
    "ErrorNonExistentMailbox": "The SMTP address has no mailbox associated with it.",
    "ErrorNonPrimarySmtpAddress": "The specified SMTP address is not a primary SMTP address.",
    "ErrorSchemaValidation": "The request failed schema validation.",
    "ErrorServerBusy": "The server cannot service this request right now. Try again later.",
    "ErrorServiceDependentReadonly": "The service is read-only for now.",
    "ErrorSubscriptionAccessDenied": "The caller is not the owner of the subscription.",
    "ErrorSubscriptionDelegateAccessNotSupported": "Subscriptions are not supported for delegate user access.",
    "ErrorSubscriptionNotFound": "The subscription was not found.",
    "ErrorTimeIntervalTooBig": "The time interval is too big.",
    "ErrorTimeoutExpired": "The operation timed out.",
    "ErrorTimeZone": "The time zone is not valid.",
    "ErrorTooManyObjectsOpened": "Too many objects are open.",
}


class EwsError(Exception):
    """One object's part of a request fails; the others go on. `values` become MessageXml."""

    def __init__(self, code: str, message: str = "", *, values: dict[str, str] | None = None) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message or TEXTS.get(code, f"The request failed with {code}.")
        self.values = values or {}


class SoapFaultError(EwsError):
    """The whole request fails: HTTP 500 with a fault. `detail` replaces MessageXml."""

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        values: dict[str, str] | None = None,
        detail: list[Element] | None = None,
        status: int = 500,
    ) -> None:
        super().__init__(code, message, values=values)
        self.detail = detail or []
        self.status = status


class SchemaError(SoapFaultError):
    """The request is no valid document of the schema; `line` and `position` are where."""

    def __init__(self, violation: str, line: int = 1, position: int = 1) -> None:
        parts = [
            element(T, "LineNumber", (line,), {}),
            element(T, "LinePosition", (position,), {}),
            element(T, "Violation", (violation,), {}),
        ]
        message = f"The request failed schema validation: {violation}"
        super().__init__("ErrorSchemaValidation", message, detail=[element(T, "MessageXml", (parts,), {})])


def values_xml(values: dict[str, str], namespace: str) -> Element | None:
    """MessageXml with named values; in a fault of the types namespace, in a message of the messages namespace."""
    if not values:
        return None
    inside = [element(T, "Value", (value,), {"Name": name}) for name, value in values.items()]
    return element(namespace, "MessageXml", (inside,), {})


def error_parts(error: EwsError) -> list[Element | None]:
    """The first children of every response message that failed, in the order of the schema."""
    return [
        m("MessageText", error.message),
        m("ResponseCode", error.code),
        m("DescriptiveLinkKey", 0),
        values_xml(error.values, M),
    ]


def fault(error: EwsError) -> Element:
    """The fault element of a refused request."""
    code = etree.Element("faultcode", nsmap={"a": T})
    code.text = f"a:{error.code}"
    words = _plain("faultstring", error.message)
    words.set("{http://www.w3.org/XML/1998/namespace}lang", "en-US")
    detail = _plain("detail", "")
    detail.append(element(E, "ResponseCode", (error.code,), {}))
    detail.append(element(E, "Message", (error.message,), {}))
    for part in error.detail if isinstance(error, SoapFaultError) else ():
        detail.append(part)
    inside = values_xml(error.values, T)
    if inside is not None:
        detail.append(inside)
    return element(SOAP, "Fault", (code, words, detail), {})


def _plain(name: str, words: str) -> Element:
    made = etree.Element(name)
    made.text = words or None
    return made
