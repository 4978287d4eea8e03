"""Whether the server answers questions about free and busy times: one short question, for the connection test."""

from datetime import UTC, datetime, timedelta

from calsync_core.adapters.exchange.client import EwsClient
from calsync_core.adapters.exchange.errors import EwsRefusedError
from calsync_core.adapters.exchange.items import show_instant
from calsync_core.adapters.exchange.soap import M, T, checked, text
from calsync_core.domain.errors import PermissionMissingError, ProviderUnavailableError

_UTC = (
    "<t:TimeZone><t:Bias>0</t:Bias>"
    "<t:StandardTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month>"
    "<t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>"
    "<t:DaylightTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month>"
    "<t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>"
)


def free_busy_view(client: EwsClient, address: str) -> str:
    """The kind of view that was granted (`Detailed`, `FreeBusy`). Raises PermissionMissingError when it is none."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start, end = show_instant(today)[:-1], show_instant(today + timedelta(days=1))[:-1]
    body = (
        f"<m:GetUserAvailabilityRequest>{_UTC}<m:MailboxDataArray><t:MailboxData>"
        f"<t:Email><t:Address>{text(address)}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType>"
        "<t:ExcludeConflicts>false</t:ExcludeConflicts></t:MailboxData></m:MailboxDataArray><t:FreeBusyViewOptions>"
        f"<t:TimeWindow><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime></t:TimeWindow>"
        "<t:MergedFreeBusyIntervalInMinutes>30</t:MergedFreeBusyIntervalInMinutes>"
        "<t:RequestedView>Detailed</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>"
    )
    response = client.ask_whole("GetUserAvailability", body)
    message = response.find(f"{M}FreeBusyResponseArray/{M}FreeBusyResponse")
    said = message.find(f"{M}ResponseMessage") if message is not None else None
    if message is None or said is None:
        raise ProviderUnavailableError("answer_unreadable", kind="free_busy")
    try:
        checked(said)
    except EwsRefusedError as refused:
        raise refused.error from None
    view = message.findtext(f"{M}FreeBusyView/{T}FreeBusyViewType") or "None"
    if view == "None":
        raise PermissionMissingError("permission_missing", provider_code="NoFreeBusyView")
    return view
