"""GetUserAvailability: free and busy times of up to 100 mailboxes, each with its own error and its own right.

Request-level refusals are SOAP faults with the availability service's number in the detail; a mailbox that cannot
be read fails inside its own FreeBusyResponse and the others are answered all the same.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sandbox.appointments import Entry, Occurrence
from sandbox.calendars import Mailbox, MailboxState
from sandbox.exchange.directory import FreeBusyRight
from sandbox.exchange.dispatch import Call, operation
from sandbox.exchange.errors import EwsError, SchemaError, SoapFaultError, error_parts
from sandbox.exchange.versions import Version
from sandbox.exchange.xml import E, Element, M, element, find, m, t, text
from sandbox.exchange.zone_rules import ZoneRules, read_rules, rules_of, show_rules
from sandbox.graph.event_lists import entries_between

VIEWS = ("MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged")
MAX_ENTRIES = 1000
_DIGITS = {"free": 0, "tentative": 1, "busy": 2, "oof": 3, "workingElsewhere": 4, "unknown": 4}
_BUSY_TYPES = {
    "free": "Free",
    "tentative": "Tentative",
    "busy": "Busy",
    "oof": "OOF",
    "workingElsewhere": "WorkingElsewhere",
    "unknown": "NoData",
}
_NUMBERS = {
    "ErrorInvalidTimeInterval": 5000,
    "ErrorInvalidMergedFreeBusyInterval": 5001,
    "ErrorMailboxDataArrayTooBig": 5002,
    "ErrorMailboxDataArrayEmpty": 5003,
    "ErrorTimeIntervalTooBig": 5005,
    "ErrorFreeBusyGenerationFailed": 5006,
    "ErrorMailRecipientNotFound": 5009,
    "ErrorInvalidFreeBusyViewType": 5011,
    "ErrorAvailabilityConfigNotFound": 5015,
    "ErrorNoFreeBusyAccess": 5023,
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about every mailbox. Instants are aware UTC."""

    start_at: datetime
    end_at: datetime
    interval: timedelta
    view: str
    rules: ZoneRules

    @property
    def is_merged(self) -> bool:
        """Whether the digits are wanted."""
        return "Merged" in self.view


@operation("GetUserAvailability")
def get_user_availability(call: Call, request: Element) -> Element:
    """Answer every mailbox of the request."""
    question = _question(call, request)
    answers = [_answer(call, question, address) for address in _addresses(call, request)]
    return m("GetUserAvailabilityResponse", m("FreeBusyResponseArray", answers))


def _refuse(code: str, words: str) -> SoapFaultError:
    detail = [element(M, "ErrorCode", (_NUMBERS[code],), {})] if code in _NUMBERS else []
    return SoapFaultError(code, words, detail=detail)


def _addresses(call: Call, request: Element) -> list[str]:
    asked = find(request, "MailboxDataArray")
    if asked is None:
        raise SchemaError("The element 'GetUserAvailabilityRequest' has incomplete content.")
    allowed = call.server.limits.availability_mailboxes
    if len(asked) == 0:
        raise _refuse("ErrorMailboxDataArrayEmpty", "There are no users in the EmailAddress array.")
    if len(asked) > allowed:
        words = "There are too many target users in the EmailAddress array. "
        raise _refuse(
            "ErrorMailboxDataArrayTooBig", f"{words}The allowed size = {allowed}; the actual size = {len(asked)}."
        )
    return [text(one, "Email", "Address") or "" for one in asked]


def _question(call: Call, request: Element) -> Question:
    options = find(request, "FreeBusyViewOptions")
    if options is None:
        raise _refuse("ErrorInvalidRequest", "FreeBusyViewOptions is missing: this server makes no suggestions.")
    view = text(options, "RequestedView") or "None"
    if view not in VIEWS:
        raise _refuse("ErrorInvalidFreeBusyViewType", "FreeBusyViewOptions.RequestedView has an invalid value.")
    start, end = text(options, "TimeWindow", "StartTime") or "", text(options, "TimeWindow", "EndTime") or ""
    rules = _rules(call, request, start)
    start_at, end_at = _instant(start, rules), _instant(end, rules)
    if end_at <= start_at:
        raise _refuse("ErrorInvalidTimeInterval", "StartTime must be less than EndTime.")
    allowed = call.server.availability_days
    if end_at - start_at > timedelta(days=allowed):
        actual = -(-(end_at - start_at) // timedelta(days=1))
        words = "The requested time duration specified for FreeBusyViewOptions.TimeWindow is too long. "
        raise _refuse(
            "ErrorTimeIntervalTooBig", f"{words}The allowed limit = {allowed} days; the actual limit = {actual} days."
        )
    return Question(start_at, end_at, _interval(options, end_at - start_at), view, rules)


def _interval(options: Element, window: timedelta) -> timedelta:
    minutes = int(text(options, "MergedFreeBusyIntervalInMinutes") or "30")
    if not 5 <= minutes <= 1440 or timedelta(minutes=minutes) > window:
        words = "MergedFreeBusyIntervalInMinutes must be from 5 to 1440 and not longer than the time window."
        raise _refuse("ErrorInvalidMergedFreeBusyInterval", words)
    return timedelta(minutes=minutes)


def _rules(call: Call, request: Element, start: str) -> ZoneRules:
    """The request's own TimeZone, else the header's. Raises SoapFaultError."""
    zone = find(request, "TimeZone")
    if zone is not None:
        return read_rules(zone)
    if call.zone is None:
        raise SoapFaultError("ErrorTimeZone", "The request names no time zone.")
    return rules_of(call.zone, int(start[:4]) if start[:4].isdigit() else call.world.clock.now().year)


def _instant(words: str, rules: ZoneRules) -> datetime:
    """An xs:dateTime: with an offset literally, without one on the clock of the request's zone."""
    try:
        read = datetime.fromisoformat(words)
    except ValueError as wrong:
        raise SchemaError(f"The value '{words}' is invalid according to its datatype 'dateTime'.") from wrong
    return read.astimezone(UTC) if read.tzinfo else rules.instant(read).replace(tzinfo=UTC)


def _answer(call: Call, question: Question, address: str) -> Element:
    try:
        mailbox, right = _readable(call, address)
        return m(
            "FreeBusyResponse",
            m("ResponseMessage", m("ResponseCode", "NoError"), ResponseClass="Success"),
            _view(call, question, mailbox, right),
        )
    except EwsError as error:
        parts = [*error_parts(error)[:3], _exception(call, error)]
        return m(
            "FreeBusyResponse",
            m("ResponseMessage", parts, ResponseClass="Error"),
            m("FreeBusyView", t("FreeBusyViewType", "None")),
        )


def _exception(call: Call, error: EwsError) -> Element:
    """The availability service's own words about a failed mailbox."""
    name = error.code.removeprefix("Error")
    facts = {
        "ExceptionType": f"Microsoft.Exchange.InfoWorker.Common.Availability.{name}Exception",
        "ExceptionCode": str(_NUMBERS.get(error.code, 5000)),
        "ExceptionServerName": f"{call.server.computer}.{call.server.dns_domain}",
        "ExceptionMessage": error.message,
    }
    return m("MessageXml", [element(E, key, (value,), {}) for key, value in facts.items()])


def _readable(call: Call, address: str) -> tuple[Mailbox, FreeBusyRight]:
    """The mailbox of an address and what the caller may see of it. Raises EwsError."""
    mailbox = call.world.mailboxes.by_address(address.removeprefix("SMTP:"))
    account = call.access.state.accounts.get(mailbox.oid) if mailbox else None
    if mailbox is None or account is None or account.server != call.server.name:
        words = f"Unable to resolve e-mail address {address} to an Active Directory object."
        raise EwsError("ErrorMailRecipientNotFound", words)
    if account.location == "moved" and not call.server.sees_cloud:
        domain = address.rpartition("@")[2]
        words = f"Configuration information for forest/domain {domain} could not be found in Active Directory."
        raise EwsError("ErrorAvailabilityConfigNotFound", words)
    if mailbox.state is MailboxState.MISSING:
        raise EwsError("ErrorFreeBusyGenerationFailed", "Unable to open the mailbox.")
    right = _right(call, mailbox, account.free_busy_for_others)
    if right == "none":
        raise EwsError("ErrorNoFreeBusyAccess")
    return mailbox, right


def _right(call: Call, mailbox: Mailbox, for_others: FreeBusyRight) -> FreeBusyRight:
    caller = call.access.account(call.acting)
    if mailbox.oid == call.acting.id or (caller is not None and caller.is_org_wide):
        return "details"
    role = mailbox.default.calendar.permissions.get(call.acting.email.casefold())
    if role is None:
        return for_others
    return "time" if role == "freeBusyRead" else "details"


def _view(call: Call, question: Question, mailbox: Mailbox, right: FreeBusyRight) -> Element:
    entries = entries_between(mailbox.default.calendar, question.start_at, question.end_at)
    if len(entries) > MAX_ENTRIES:
        raise EwsError("ErrorFreeBusyGenerationFailed", "The result set contains too many calendar entries.")
    granted = question.view if right != "time" else question.view.replace("Detailed", "FreeBusy")
    events = None
    if granted != "MergedOnly" and entries:
        is_detailed = granted.startswith("Detailed")
        events = t("CalendarEventArray", [_event(call, question, e, mailbox, is_detailed=is_detailed) for e in entries])
    return m(
        "FreeBusyView",
        t("FreeBusyViewType", granted),
        t("MergedFreeBusy", _digits(call, question, entries)) if question.is_merged else None,
        events,
        _working_hours(mailbox, question.start_at.year),
    )


def _digits(call: Call, question: Question, entries: list[Entry]) -> str:
    count = -(-(question.end_at - question.start_at) // question.interval)
    digits = [0] * count
    for entry in entries:
        begins, ends = entry.content.start_at - question.start_at, entry.content.end_at - question.start_at
        first = max(0, begins // question.interval)
        last = min(count, max(-(-ends // question.interval), first + (begins == ends)))
        for slot in range(first, last):
            digits[slot] = max(digits[slot], _digit(call, entry), key=_weight)
    return "".join(map(str, digits))


def _digit(call: Call, entry: Entry) -> int:
    show_as = entry.content.show_as
    return 0 if show_as == "workingElsewhere" and call.version < Version.EXCHANGE2013 else _DIGITS[show_as]


def _weight(digit: int) -> int:
    """Which of two digits wins: out of office, busy, tentative, working elsewhere or no data, free."""
    return (0, 2, 3, 4, 1)[digit]


def _event(call: Call, question: Question, entry: Entry, mailbox: Mailbox, *, is_detailed: bool) -> Element:
    content = entry.content
    busy = _BUSY_TYPES[content.show_as]
    if busy == "WorkingElsewhere" and call.version < Version.EXCHANGE2013:
        busy = "Free"
    return t(
        "CalendarEvent",
        t("StartTime", question.rules.wall(content.start_at).isoformat(timespec="seconds")),
        t("EndTime", question.rules.wall(content.end_at).isoformat(timespec="seconds")),
        t("BusyType", busy),
        _details(call, entry, mailbox) if is_detailed else None,
    )


def _details(call: Call, entry: Entry, mailbox: Mailbox) -> Element:
    content = entry.content
    is_private = content.sensitivity in ("private", "confidential")
    is_shown = not is_private or mailbox.oid == call.acting.id
    is_occurrence = isinstance(entry, Occurrence)
    entry_id = entry.master.entry_id if isinstance(entry, Occurrence) else entry.entry_id
    return t(
        "CalendarEventDetails",
        t("ID", entry_id.upper()) if is_shown else None,
        t("Subject", content.subject) if is_shown else None,
        t("Location", content.locations[0].name if content.locations else "") if is_shown else None,
        t("IsMeeting", bool(content.attendees)),
        t("IsRecurring", is_occurrence),
        t("IsException", isinstance(entry, Occurrence) and entry.exception is not None),
        t("IsReminderSet", content.is_reminder_on),
        t("IsPrivate", is_private),
    )


def _working_hours(mailbox: Mailbox, year: int) -> Element:
    hours = mailbox.working_hours
    return t(
        "WorkingHours",
        show_rules(rules_of(hours.zone or mailbox.time_zone, year)),
        t(
            "WorkingPeriodArray",
            t(
                "WorkingPeriod",
                t("DayOfWeek", " ".join(day.capitalize() for day in hours.days)),
                t("StartTimeInMinutes", _minutes(hours.start)),
                t("EndTimeInMinutes", _minutes(hours.end)),
            ),
        ),
    )


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:5])
