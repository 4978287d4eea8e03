"""GetUserAvailability: free and busy times of many mailboxes, asked in the name of one account.

Asked is for time and kind alone (view FreeBusyMerged): no subject ever leaves the server. Events decide; the merged
digits are used only where nothing else is shown, because newer servers moved their meaning (0 free, 1 tentative,
2 busy, 3 out of office; 4 and 5 say different things in different versions). Times come without offset, in the zone of
the question, which is UTC.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from calsync_core.adapters.exchange.client import EwsClient
from calsync_core.adapters.exchange.errors import EwsRefusedError
from calsync_core.adapters.exchange.items import show_instant
from calsync_core.adapters.exchange.soap import Element, M, T, checked, text
from calsync_core.domain.availability import Interval, Occupied, merge
from calsync_core.domain.errors import InputError, PermissionMissingError, ProviderUnavailableError
from calsync_core.domain.free_busy import HALF_HOUR, BusyTimes, unknown, whole_half_hours
from calsync_core.domain.windows import Window
from calsync_core.ports.role_accounts import QuestionLimits

LIMITS = QuestionLimits(addresses=100, span=timedelta(days=42) - 2 * HALF_HOUR, lanes=1)
"""The defaults of the server (42 days, whole half hours); a sign-in by NTLM belongs to one connection, so questions go
one after the other."""

_KINDS: dict[str, Occupied | None] = {
    "Free": None,
    "Tentative": Occupied.TENTATIVE,
    "Busy": Occupied.BUSY,
    "OOF": Occupied.OOF,
    "WorkingElsewhere": Occupied.WORKING_ELSEWHERE,
}
_DIGITS: dict[str, Occupied | None] = {
    "0": None,
    "1": Occupied.TENTATIVE,
    "2": Occupied.BUSY,
    "3": Occupied.OOF,
}
_ELSEWHERE = frozenset(
    f"Error{name}"
    for name in (
        "AddressSpaceNotFound",
        "AutoDiscoverFailed",
        "AvailabilityConfigNotFound",
        "ProxyRequestNotAllowed",
        "ProxyRequestProcessingFailed",
        "ProxyServiceDiscoveryFailed",
        "ServiceDiscoveryFailed",
    )
)
"""The mailbox lives where this server cannot look: in a hybrid another one sees everyone."""

_UTC = (
    "<t:TimeZone><t:Bias>0</t:Bias>"
    "<t:StandardTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month>"
    "<t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>"
    "<t:DaylightTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month>"
    "<t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>"
)


class ExchangeFreeBusy:
    """ports.role_accounts.FreeBusySource over one signed-in account."""

    limits = LIMITS

    def __init__(self, client: EwsClient) -> None:
        self._client = client

    def ask(self, addresses: Sequence[str], span: Window) -> dict[str, BusyTimes]:
        try:
            responses = _ask(self._client, addresses, whole_half_hours(span), "FreeBusyMerged")
        except EwsRefusedError as refused:
            if refused.code == "ErrorTimeIntervalTooBig":
                raise InputError("span_too_long") from None
            if refused.code == "ErrorMailboxDataArrayTooBig" and len(addresses) > 1:
                middle = len(addresses) // 2
                return {**self.ask(addresses[:middle], span), **self.ask(addresses[middle:], span)}
            raise refused.error from None
        return {address: _times(response, span) for address, response in zip(addresses, responses, strict=True)}

    def close(self) -> None:
        self._client.close()


def free_busy_view(client: EwsClient, address: str) -> str:
    """The kind of view that was granted (`Detailed`, `FreeBusy`). Raises PermissionMissingError when it is none."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    response = _ask(client, [address], Window(today, today + timedelta(days=1)), "Detailed")[0]
    try:
        checked(_message(response))
    except EwsRefusedError as refused:
        raise refused.error from None
    view = response.findtext(f"{M}FreeBusyView/{T}FreeBusyViewType") or "None"
    if view == "None":
        raise PermissionMissingError("permission_missing", provider_code="NoFreeBusyView")
    return view


def _ask(client: EwsClient, addresses: Sequence[str], span: Window, view: str) -> list[Element]:
    """One FreeBusyResponse for each address, in their order. Raises EwsRefusedError for a fault, CalsyncErrors."""
    people = "".join(
        f"<t:MailboxData><t:Email><t:Address>{text(address)}</t:Address></t:Email><t:AttendeeType>Required"
        "</t:AttendeeType><t:ExcludeConflicts>false</t:ExcludeConflicts></t:MailboxData>"
        for address in addresses
    )
    start, end = show_instant(span.start_at)[:-1], show_instant(span.end_at)[:-1]
    minutes = int(HALF_HOUR.total_seconds() // 60)
    body = (
        f"<m:GetUserAvailabilityRequest>{_UTC}<m:MailboxDataArray>{people}</m:MailboxDataArray><t:FreeBusyViewOptions>"
        f"<t:TimeWindow><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime></t:TimeWindow>"
        f"<t:MergedFreeBusyIntervalInMinutes>{minutes}</t:MergedFreeBusyIntervalInMinutes>"
        f"<t:RequestedView>{view}</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>"
    )
    response = client.ask_whole("GetUserAvailability", body)
    found = list(response.iterfind(f"{M}FreeBusyResponseArray/{M}FreeBusyResponse"))
    if response.tag != f"{M}GetUserAvailabilityResponse" or len(found) != len(addresses):
        raise _unreadable()
    return found


def _times(response: Element, span: Window) -> BusyTimes:
    try:
        checked(_message(response))
    except EwsRefusedError as refused:
        return unknown(span, _reason(refused))
    view = response.find(f"{M}FreeBusyView")
    kind = view.findtext(f"{T}FreeBusyViewType") if view is not None else None
    if view is None or kind in {None, "None"}:
        return unknown(span, "permission_missing")
    intervals = list(_of_digits(view, span) if kind == "MergedOnly" else _of_events(view))
    merged = tuple(merge(intervals, span.start_at, span.end_at))
    return BusyTimes(merged, "no_data" if any(one.occupied is Occupied.UNKNOWN for one in merged) else None)


def _of_events(view: Element) -> Iterator[Interval]:
    """A kind that we do not know takes the time: never free by mistake."""
    for event in view.iterfind(f"{T}CalendarEventArray/{T}CalendarEvent"):
        occupied = _KINDS.get(event.findtext(f"{T}BusyType") or "", Occupied.UNKNOWN)
        if occupied is not None:
            start, end = _instant(event.findtext(f"{T}StartTime")), _instant(event.findtext(f"{T}EndTime"))
            if start < end:
                yield Interval(start, end, occupied)


def _of_digits(view: Element, span: Window) -> Iterator[Interval]:
    digits = (view.findtext(f"{T}MergedFreeBusy") or "").strip()
    asked = whole_half_hours(span)
    if len(digits) * HALF_HOUR < asked.end_at - asked.start_at:
        raise _unreadable()
    for position, digit in enumerate(digits):
        occupied = _DIGITS.get(digit, Occupied.UNKNOWN)
        if occupied is not None:
            start = asked.start_at + position * HALF_HOUR
            yield Interval(start, start + HALF_HOUR, occupied)


def _reason(refused: EwsRefusedError) -> str:
    if refused.code == "ErrorFreeBusyGenerationFailed":
        return "free_busy_failed"
    return "mailbox_not_seen" if refused.code in _ELSEWHERE else refused.error.code


def _message(response: Element) -> Element:
    said = response.find(f"{M}ResponseMessage")
    if said is None:
        raise _unreadable()
    return said


def _instant(words: str | None) -> datetime:
    try:
        read = datetime.fromisoformat((words or "").strip())
    except ValueError:
        raise _unreadable() from None
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def _unreadable() -> ProviderUnavailableError:
    return ProviderUnavailableError("answer_unreadable", kind="free_busy")
