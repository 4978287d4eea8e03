"""Push: the server posts to an address of ours when something changes in a calendar.

Exchange has neither an end nor a renewal nor an unsubscribe for push (ews.md section 4): a subscription lives while its
posts are answered, and dies silently. So the end that is granted is our own, renewing means subscribing anew, and an
unwanted one ends when a post for it is answered with Unsubscribe.
"""

from datetime import datetime, timedelta

from calsync_core.adapters.exchange.client import EwsClient
from calsync_core.adapters.exchange.errors import EwsRefusedError
from calsync_core.adapters.exchange.folders import folder_reference
from calsync_core.adapters.exchange.soap import M, checked, text
from calsync_core.domain.errors import (
    AppointmentGoneError,
    AppointmentRejectedError,
    PermissionMissingError,
    ProviderUnavailableError,
)
from calsync_core.domain.ids import CalendarId
from calsync_core.ports.calendar import Granted

HEARTBEAT_MINUTES = 30
"""StatusFrequency, Exchange's default: after so long without a change the server says that it is there. It also bounds
how long the server tries a post again before it drops the subscription. Two silences: it is not there."""

_EVENTS = ("CopiedEvent", "CreatedEvent", "DeletedEvent", "ModifiedEvent", "MovedEvent")
_LONGEST_URL = 2082


def subscribe(client: EwsClient, calendar_id: CalendarId, url: str, until: datetime) -> Granted:
    """The server tries the address at once. Raises PermissionMissingError("push_refused")."""
    if len(url) > _LONGEST_URL:
        raise PermissionMissingError("push_refused", kind="url")
    events = "".join(f"<t:EventType>{name}</t:EventType>" for name in _EVENTS)
    body = (
        f"<m:Subscribe><m:PushSubscriptionRequest><t:FolderIds>{folder_reference(calendar_id)}</t:FolderIds>"
        f"<t:EventTypes>{events}</t:EventTypes><t:StatusFrequency>{HEARTBEAT_MINUTES}</t:StatusFrequency>"
        f"<t:URL>{text(url)}</t:URL></m:PushSubscriptionRequest></m:Subscribe>"
    )
    try:
        message = checked(client.tell("Subscribe", body)[0])
    except EwsRefusedError as refused:
        error = refused.error
        if isinstance(error, AppointmentGoneError | AppointmentRejectedError | PermissionMissingError):
            raise PermissionMissingError("push_refused", **error.detail) from None
        raise error from None
    subscription_id = message.findtext(f"{M}SubscriptionId")
    if not subscription_id:
        raise ProviderUnavailableError("answer_unreadable", kind="subscription")
    return Granted(subscription_id, until, timedelta(minutes=HEARTBEAT_MINUTES))
