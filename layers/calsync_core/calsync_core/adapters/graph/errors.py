"""Every answer of Graph that is not a success -> our error tree. Codes decide, then the status; messages never do.

The one exception is ExtensionError of the subscription service, which wraps another status in its message
(docs/providers/graph.md; graph-error-shapes.json). The sign-in service's errors stand in signin_errors.py.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    CalsyncError,
    ConsentRevokedError,
    CursorExpiredError,
    MailboxUnusableError,
    PermissionMissingError,
    ProviderThrottledError,
    ProviderUnavailableError,
    VersionChangedError,
)

LONGEST_WAIT = timedelta(hours=1)
"""No Retry-After is believed beyond this: a wrong date must not silence a mailbox for a year."""
USUAL_WAIT = timedelta(seconds=10)

_Make = Callable[..., CalsyncError]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not a success. `codes` are lower case, the outer one first, then the nested ones."""

    status: int
    codes: tuple[str, ...]
    message: str
    retry_after: timedelta | None
    request_id: str
    is_empty: bool
    has_claims: bool = False

    @property
    def code(self) -> str:
        return self.codes[0] if self.codes else ""


class DuplicateTransactionError(AppointmentRejectedError):
    """The transactionId was used before, for what is another event by now: look for the mark."""

    code = "transaction_used"


def _throttled(code: str, **detail: str | int) -> CalsyncError:
    return ProviderThrottledError(USUAL_WAIT, code, **detail)


# What a code means wherever it comes. Lower case: the service is not consistent about it.
_BY_CODE: dict[str, tuple[_Make, str]] = {
    "invalidauthenticationtoken": (ConsentRevokedError, "auth_expired"),
    "erroraccessdenied": (PermissionMissingError, "permission_missing"),
    "authorization_requestdenied": (PermissionMissingError, "permission_missing"),
    "errorsendasdenied": (PermissionMissingError, "permission_missing"),
    "forbidden": (PermissionMissingError, "permission_missing"),
    "accessdenied": (PermissionMissingError, "permission_missing"),
    "erroritemnotfound": (AppointmentGoneError, "gone"),
    "errorinvalididmalformed": (AppointmentGoneError, "gone"),
    "resourcenotfound": (AppointmentGoneError, "gone"),
    "mailboxnotenabledforrestapi": (MailboxUnusableError, "mailbox_on_premises_or_unlicensed"),
    "mailboxnotsupportedforrestapi": (MailboxUnusableError, "mailbox_on_premises_or_unlicensed"),
    "errornonexistentmailbox": (MailboxUnusableError, "mailbox_missing"),
    "errorinvaliduser": (MailboxUnusableError, "mailbox_missing"),
    "request_resourcenotfound": (MailboxUnusableError, "mailbox_missing"),
    "errormissingemailaddress": (MailboxUnusableError, "mailbox_guest"),
    "errorquotaexceeded": (MailboxUnusableError, "mailbox_full"),
    "errorpropertyvalidationfailure": (AppointmentRejectedError, "entry_rejected"),
    "errorinvalidrequest": (AppointmentRejectedError, "entry_rejected"),
    "errorinvalidparameter": (AppointmentRejectedError, "entry_rejected"),
    "erroroccurrencecrossingboundary": (AppointmentRejectedError, "occurrence_crossing"),
    "timezonenotsupportedexception": (AppointmentRejectedError, "zone_unknown"),
    "errorduplicatetransactionid": (DuplicateTransactionError, "transaction_used"),
    "errorfolderexists": (AppointmentRejectedError, "exists"),
    "errorirresolvableconflict": (VersionChangedError, "version_changed"),
    "syncstatenotfound": (CursorExpiredError, "cursor_expired"),
    "syncstateinvalid": (CursorExpiredError, "cursor_expired"),
    "resyncrequired": (CursorExpiredError, "cursor_expired"),
    "toomanyrequests": (_throttled, "throttled"),
    "applicationthrottled": (_throttled, "throttled"),
    "errorinternalservertransienterror": (ProviderUnavailableError, "provider_unavailable"),
    "internalservererror": (ProviderUnavailableError, "provider_unavailable"),
    "serviceunavailable": (ProviderUnavailableError, "provider_unavailable"),
    "notimplemented": (AppointmentRejectedError, "not_supported"),
    # The subscription service: its own check of our address failed, which says nothing about the person's mailbox.
    "validationerror": (ProviderUnavailableError, "handshake_failed"),
    "invalidrequest": (AppointmentRejectedError, "request_refused"),
    "extensionerror": (AppointmentRejectedError, "subscription_refused"),
}
# What a status means when its code says nothing to us.
_BY_STATUS: dict[int, tuple[_Make, str]] = {
    400: (AppointmentRejectedError, "entry_rejected"),
    401: (ConsentRevokedError, "auth_expired"),
    403: (PermissionMissingError, "permission_missing"),
    404: (AppointmentGoneError, "gone"),
    409: (AppointmentRejectedError, "exists"),
    410: (CursorExpiredError, "cursor_expired"),
    412: (VersionChangedError, "version_changed"),
    413: (AppointmentRejectedError, "too_large"),
    423: (ProviderUnavailableError, "locked"),
    424: (ProviderUnavailableError, "dependency_failed"),
    429: (_throttled, "throttled"),
    501: (AppointmentRejectedError, "not_supported"),
    507: (MailboxUnusableError, "mailbox_full"),
}
_TRANSIENT = frozenset({423, 429, 500, 502, 503, 504})
_WRAPPED = re.compile(r"Status Code: (\w+); Reason: (\w*)")
_BY_WRAPPED: dict[str, tuple[_Make, str]] = {
    "notfound": (MailboxUnusableError, "mailbox_on_premises_or_unlicensed"),
    "forbidden": (PermissionMissingError, "push_refused"),
    "unauthorized": (PermissionMissingError, "push_refused"),
    "toomanyrequests": (_throttled, "throttled"),
    "serviceunavailable": (ProviderUnavailableError, "provider_unavailable"),
    "internalservererror": (ProviderUnavailableError, "provider_unavailable"),
    "gatewaytimeout": (ProviderUnavailableError, "provider_unavailable"),
}
_SAFE = re.compile(r"[^A-Za-z0-9_.-]")


def read_refusal(status: int, headers: Mapping[str, str], body: object, now: datetime | None = None) -> Refusal:
    """`headers` may be in any case; `body` is parsed JSON, or None when there was none or it was not JSON."""
    found = {name.lower(): str(value) for name, value in headers.items()}
    error = body.get("error") if isinstance(body, dict) else None
    error = error if isinstance(error, dict) else {}
    return Refusal(
        status,
        tuple(_codes(error)),
        str(error.get("message") or ""),
        read_retry_after(found.get("retry-after"), now),
        _SAFE.sub("", found.get("request-id", ""))[:64],
        is_empty=not error,
        has_claims="claims=" in found.get("www-authenticate", ""),
    )


def to_error(refusal: Refusal) -> CalsyncError:
    """Our error for it, with the provider's code and request id in the detail; never its message."""
    detail: dict[str, str | int] = {"status": refusal.status}
    if refusal.code:
        detail["provider_code"] = _SAFE.sub("", refusal.code)[:60]
    if refusal.request_id:
        detail["request_id"] = refusal.request_id
    if refusal.retry_after is not None and refusal.status in _TRANSIENT:
        return ProviderThrottledError(refusal.retry_after, **detail)
    make, code = _meaning(refusal)
    return make(code, **detail)


def _meaning(refusal: Refusal) -> tuple[_Make, str]:
    if refusal.status in _TRANSIENT and refusal.status != 429 and refusal.status != 500:
        return ProviderUnavailableError, "provider_unavailable"
    for code in refusal.codes:
        if code == "extensionerror":
            return _unwrapped(refusal.message)
        if code in _BY_CODE:
            return _BY_CODE[code]
    if refusal.status in _BY_STATUS:
        return _BY_STATUS[refusal.status]
    if 400 <= refusal.status < 500:
        return _BY_STATUS[400]
    return ProviderUnavailableError, "provider_unavailable"


def _unwrapped(message: str) -> tuple[_Make, str]:
    wrapped = _WRAPPED.search(message)
    if wrapped is None:
        return _BY_CODE["extensionerror"]
    return _BY_WRAPPED.get(wrapped[1].lower(), _BY_CODE["extensionerror"])


def _codes(error: Mapping[str, Any]) -> list[str]:
    """The code and those of the nested innerError (also spelt innererror), at most five deep."""
    codes: list[str] = []
    inner: object = error
    for _ in range(5):
        if not isinstance(inner, dict):
            break
        code = inner.get("code")
        if isinstance(code, str) and code and not code.isdecimal():
            codes.append(code.lower())
        inner = inner.get("innerError") or inner.get("innererror")
    return codes


def read_retry_after(value: str | None, now: datetime | None = None) -> timedelta | None:
    """Seconds, decimal seconds or an HTTP date; None for anything else. Never negative, never above LONGEST_WAIT."""
    if not value:
        return None
    text = value.strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        return min(timedelta(seconds=float(text)), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(until - (now or datetime.now(UTC)), timedelta(0)), LONGEST_WAIT)
