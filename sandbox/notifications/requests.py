"""Reading what a client asks of the subscription service; every refusal as Microsoft words it."""

import re
from datetime import datetime, timedelta
from typing import Any, get_args

from sandbox.calendars import Folder, Mailbox, MailboxState
from sandbox.graph import ids
from sandbox.graph.access import Principal
from sandbox.graph.errors import GraphError
from sandbox.mailboxes import Mailboxes
from sandbox.notifications.subscription import ChangeType
from sandbox.notifications.webhooks import is_allowed

LONGEST = timedelta(minutes=10_080)
LONGEST_WITH_DATA = timedelta(minutes=1_440)
SHORTEST = timedelta(minutes=45)
CLIENT_STATE_LIMIT = 128
TLS_VERSIONS = {"v1_0", "v1_1", "v1_2", "v1_3"}

_KNOWN = {
    "changeType", "notificationUrl", "lifecycleNotificationUrl", "resource", "expirationDateTime", "clientState",
    "latestSupportedTlsVersion", "includeResourceData", "encryptionCertificate", "encryptionCertificateId",
    "notificationQueryOptions", "notificationUrlAppId", "applicationId", "creatorId", "id",
}  # fmt: skip
_PAYLOAD = "Could not process subscription {} payload. Are all property names spelled and camelCased properly?"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)
_RESOURCE = re.compile(
    r"(?:me|users(?:/(?P<user>[^/()]+)|\('(?P<quoted>[^']+)'\)))"
    r"(?:/calendars(?:/(?P<calendar>[^/()]+)|\('(?P<quoted_calendar>[^']+)'\)))?/events",
    re.IGNORECASE,
)
_CALENDAR_NEEDS = {"Calendars.Read", "Calendars.ReadWrite"}


def check_payload(body: Any, action: str, allowed: set[str] | None = None) -> dict[str, Any]:
    """The body as an object with known properties only. Raises GraphError 400."""
    if not isinstance(body, dict):
        raise GraphError(400, "InvalidRequest", _PAYLOAD.format(action))
    names = {name for name in body if not name.startswith("@odata.")}
    if names - (allowed or _KNOWN):
        raise GraphError(400, "InvalidRequest", _PAYLOAD.format(action))
    return body


def required_text(body: dict[str, Any], name: str) -> str:
    """A property that must be there. Raises GraphError 400."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise GraphError(400, "InvalidRequest", f"{name} is a required property for subscription creation.")
    return value


def change_types(text: str) -> list[ChangeType]:
    """The change types of a comma-separated list. Raises GraphError 400."""
    asked = [part.strip().lower() for part in text.split(",")]
    known: dict[str, ChangeType] = {name: name for name in get_args(ChangeType)}
    if not all(name in known for name in asked):
        raise GraphError(400, "InvalidRequest", f"The supplied changeType '{text}' is not supported for this resource.")
    return [known[name] for name in dict.fromkeys(asked)]


def checked_url(url: str, name: str) -> str:
    """An address that notifications may go to. Raises GraphError 400."""
    if not is_allowed(url):
        raise GraphError(400, "InvalidRequest", f"The {name} '{url}' is invalid: it must be a valid HTTPS URL.")
    return url


def client_state(body: dict[str, Any]) -> str | None:
    """The client state, at most 128 characters. Raises GraphError 400."""
    value = body.get("clientState")
    if value is not None and (not isinstance(value, str) or len(value) > CLIENT_STATE_LIMIT):
        raise GraphError(
            400, "InvalidRequest", f"clientState must be a string of at most {CLIENT_STATE_LIMIT} characters."
        )
    return value


def tls_version(body: dict[str, Any]) -> str:
    """The TLS version, v1_2 when none is named. Raises GraphError 400."""
    value = body.get("latestSupportedTlsVersion") or "v1_2"
    if value not in TLS_VERSIONS:
        raise GraphError(400, "InvalidRequest", f"latestSupportedTlsVersion '{value}' is not supported.")
    return str(value)


def expiration(body: dict[str, Any], now: datetime, action: str) -> datetime:
    """The wanted end of a subscription: raised to 45 minutes, refused beyond 10,080. Raises GraphError 400."""
    text = required_text(body, "expirationDateTime")
    if not _INSTANT.fullmatch(text):
        raise GraphError(400, "InvalidRequest", _PAYLOAD.format(action))
    # Seven fractional digits are one more than Python reads.
    wanted = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.upper()))
    if wanted <= now:
        raise GraphError(400, "InvalidRequest", "Subscription expiration must be in the future.")
    limit = LONGEST_WITH_DATA if body.get("includeResourceData") else LONGEST
    # Some seconds of mercy, since the client's clock is never ours.
    if wanted > now + limit + timedelta(seconds=5):
        minutes = int(limit.total_seconds() // 60)
        raise GraphError(400, "ExtensionError", f"Subscription expiration can only be {minutes} minutes in the future.")
    return max(wanted, now + SHORTEST)


def refuse_resource_data(body: dict[str, Any]) -> None:
    """Rich notifications are not part of the stand-in; said so instead of sending poor ones. Raises GraphError."""
    if body.get("includeResourceData"):
        raise GraphError(501, "NotImplemented", "The sandbox sends no notifications with resource data.")


def find_target(mailboxes: Mailboxes, principal: Principal, resource: str) -> tuple[Mailbox, Folder]:
    """The calendar a resource path means, if the caller may subscribe to it.

    Raises:
        GraphError: 400 for a path that is not supported, 403 for somebody else's or a shared calendar, 404.
    """
    path = resource.strip("/")
    for prefix in ("v1.0/",):
        path = path.removeprefix(prefix)
    match = _RESOURCE.fullmatch(path)
    if match is None:
        raise GraphError(400, "ExtensionError", f"Resource '{resource}' is not supported for subscriptions.")
    user = match["user"] or match["quoted"]
    mailbox = _mailbox(mailboxes, principal, user)
    named = match["calendar"] or match["quoted_calendar"]
    return mailbox, _folder(mailbox, named)


def _mailbox(mailboxes: Mailboxes, principal: Principal, user: str | None) -> Mailbox:
    granted = {scope.rsplit("/", 1)[-1] for scope in (principal.scopes if principal.oid else principal.roles)}
    if user is None and principal.oid is None:
        raise GraphError(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
    mailbox = (
        mailboxes.by_id(principal.oid or "") if user is None else mailboxes.by_id(user) or mailboxes.by_address(user)
    )
    if mailbox is None or mailbox.tenant_id != principal.tenant_id:
        raise _wrapped(404, "NotFound", "The user or its mailbox was not found.")
    if principal.oid is not None and mailbox.oid != principal.oid.lower():
        raise _wrapped(403, "Forbidden", "Access is denied. Check credentials and try again.")
    if not granted & _CALENDAR_NEEDS or (principal.oid is None and mailbox.is_personal):
        raise _wrapped(403, "Forbidden", "Access is denied. Check credentials and try again.")
    if mailbox.state is MailboxState.OUT_OF_POLICY and principal.oid is None:
        raise _wrapped(403, "Forbidden", "Access to OData is disabled.")
    if mailbox.state not in (MailboxState.ENABLED, MailboxState.OUT_OF_POLICY):
        raise _wrapped(404, "NotFound", "REST API is not yet supported for this mailbox.")
    return mailbox


def _folder(mailbox: Mailbox, named: str | None) -> Folder:
    if named is None:
        return mailbox.default
    try:
        folder_id = ids.parse(named).folder_id
    except ids.MalformedIdError as malformed:
        raise _wrapped(400, "BadRequest", "Id is malformed.") from malformed
    folder = mailbox.folders.get(folder_id)
    if folder is None:
        raise _wrapped(404, "NotFound", "The specified object was not found in the store.")
    if folder.calendar.mailbox_oid != mailbox.oid:
        # .Shared scopes never allow a subscription: the calendar belongs to another mailbox.
        raise _wrapped(403, "Forbidden", "Access is denied. Check credentials and try again.")
    return folder


def _wrapped(status: int, name: str, reason: str) -> GraphError:
    """A refusal of the mailbox service, wrapped by the subscription service."""
    return GraphError(
        status, "ExtensionError", f"Operation: Create; Exception: [Status Code: {name}; Reason: {reason}]"
    )
