"""The connection test: can we get in, read, write, delete, be told of changes; each step with its own answer.

It writes one free, private entry of the year 2000 and deletes it at once. A password that was refused is not tried.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from calsync_core.domain.appointments import Busy, Copy, Mark, Timed
from calsync_core.domain.connection_report import ConnectionReport, Outcome, Part, ReportStep
from calsync_core.domain.connections import Connection, ProviderKind
from calsync_core.domain.errors import CalsyncError, ConsentRevokedError, NotFoundError
from calsync_core.domain.ids import AccountId, BookingId, CalendarId, EntryId, MailboxId, ResourceId
from calsync_core.domain.synclog import LogEntry, Reason
from calsync_core.domain.values import value
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import CalendarProvider, Content
from calsync_core.ports.exchange import GENERAL, StepName, StepResult, TestStep, Trial
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.ports.outward import Clock
from calsync_core.usecases.open_mailbox import note_refusal, open_login

DAYS = 14
AT_MOST = timedelta(seconds=18)  # one more call may take its ten seconds; the HTTP API gives up after 30
_PROBE_AT = datetime(2000, 1, 3, 3, 0, tzinfo=UTC)
_PROBE_TITLE = "calsync connection test"
_PUSH_FOR = timedelta(hours=1)
_OUTCOMES = {
    StepResult.OK: Outcome.OK,
    StepResult.FAILED: Outcome.FAILED,
    StepResult.NOT_TRIED: Outcome.NOT_TRIED,
}


@value(frozen=True, slots=True)
class CheckConnection:
    """`public_url` is the address under which providers reach us."""

    account: AccountId
    mailbox: MailboxId
    public_url: str


def check_connection(ports: JourneyPorts, command: CheckConnection) -> ConnectionReport:
    """Never raises what a step can say. Raises NotFoundError("connection_unknown")."""
    connection = ports.stores.connections.get(command.account, command.mailbox)
    if connection is None:
        raise NotFoundError("connection_unknown")
    started = ports.clock.now()
    if connection.identity.provider is ProviderKind.EXCHANGE:
        place = connection.identity.directory
        steps = exchange_steps(ports.clock, started, _examine(ports, connection, command.public_url))
    else:
        place, steps = "Microsoft 365", _OfficeTest(ports, connection, command.public_url, started).steps()
    report = report_of(ports, connection.identity.provider, connection.address, place, started, steps)
    _log(ports, connection, report)
    return report


def report_of(
    ports: JourneyPorts, provider: ProviderKind, about: str, place: str, started: datetime, steps: Iterable[ReportStep]
) -> ConnectionReport:
    """Steps are run while they are collected; what takes time is measured by the clock of the ports."""
    kept = tuple(steps)
    seconds = (ports.clock.now() - started).total_seconds()
    return ConnectionReport(provider, about, place, started, seconds, kept)


def exchange_steps(clock: Clock, started: datetime, steps: Iterable[TestStep]) -> Iterator[ReportStep]:
    """The Exchange adapter's words in ours. After `AT_MOST` the rest is not tried: the page must be answered in time.

    An entry that was written is deleted first, however late it is.
    """
    left = dict.fromkeys(StepName)
    for step in steps:
        left.pop(step.name, None)
        part = Part.GENERAL if step.name in GENERAL else Part.DATA
        outcome = _OUTCOMES[step.result]
        yield ReportStep(
            step.name.value, part, outcome, step.found, step.code, step.provider_code, round(step.seconds, 3)
        )
        if step.name is not StepName.WRITE_ENTRY and clock.now() - started > AT_MOST:
            break
    for name in left:
        yield ReportStep(name.value, Part.GENERAL if name in GENERAL else Part.DATA, Outcome.NOT_TRIED)


def _examine(ports: JourneyPorts, connection: Connection, public_url: str) -> Iterator[TestStep]:
    try:
        opened = open_login(ports.stores, connection)
    except CalsyncError as error:
        yield from _not_signed_in(error)
        return
    # Nobody waits at this address: the server's first post is answered with Unsubscribe, which ends it.
    push_url = f"{public_url}/hooks/exchange/{ports.ids.token()}"
    for step in ports.exchange.examine(Trial.of(opened.login, push_url)):
        if step.code == "password_wrong":
            refused = ConsentRevokedError(step.code)
            note_refusal(ports.stores, ports.clock, connection, opened.row, refused)
        yield step


def _not_signed_in(error: CalsyncError) -> Iterator[TestStep]:
    """Known before anybody is asked: the report says so without one more try."""
    for name in StepName:
        is_it = name is StepName.SIGNED_IN
        yield TestStep(name, StepResult.FAILED if is_it else StepResult.NOT_TRIED, code=error.code if is_it else "")


@dataclass(slots=True)
class _OfficeTest:
    """The steps over a CalendarProvider. What follows a failure of the general part is not tried, nor what is late."""

    ports: JourneyPorts
    connection: Connection
    public_url: str
    started: datetime
    _written: list[tuple[CalendarId, EntryId]] = field(default_factory=list)

    def steps(self) -> Iterator[ReportStep]:
        provider = self.ports.calendars.of_mailbox(self.connection.account, self.connection.id)
        is_in = True
        for name, act in self._general(provider):
            step = _tried(name, Part.GENERAL, act) if is_in else ReportStep(name, Part.GENERAL, Outcome.NOT_TRIED)
            is_in = is_in and step.outcome is Outcome.OK
            yield step
        for name, act in self._data(provider):
            is_late = self.ports.clock.now() - self.started > AT_MOST and not self._written
            if not is_in or is_late or (name == "delete_entry" and not self._written):
                yield ReportStep(name, Part.DATA, Outcome.NOT_TRIED)
            else:
                yield _tried(name, Part.DATA, act)

    def _general(self, provider: CalendarProvider) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("signed_in", lambda: provider.account().address),
            # Microsoft refuses a sign-in without the organisation's approval, so one that works is approved.
            ("admin_approval", lambda: ""),
            ("mailbox", lambda: str(len(provider.calendars()))),
        ]

    def _data(self, provider: CalendarProvider) -> list[tuple[str, Callable[[], str]]]:
        calendar = self._calendar(provider)
        return [
            ("read_calendar", lambda: self._read(provider, calendar())),
            ("write_entry", lambda: self._write(provider, calendar())),
            ("delete_entry", lambda: self._delete(provider)),
            ("change_messages", lambda: self._push(provider, calendar())),
            ("free_busy", lambda: self._free_busy(provider, calendar())),
        ]

    def _calendar(self, provider: CalendarProvider) -> Callable[[], CalendarId]:
        """The one that bookings are written to; without a resource the default one."""

        def find() -> CalendarId:
            for resource in self.connection.resources:
                state = self.ports.stores.resources.get(self.connection.account, resource)
                if state is not None and state.mailbox == self.connection.id and state.primary is not None:
                    return state.primary
            calendars = provider.calendars()
            found = next((one for one in calendars if one.is_default), calendars[0] if calendars else None)
            if found is None:
                raise NotFoundError("calendar_gone")
            return found.id

        return find

    def _read(self, provider: CalendarProvider, calendar: CalendarId) -> str:
        page = provider.changes(calendar, None, self._window(), Content())
        return str(len({entry.id for entry in page.entries}))

    def _free_busy(self, provider: CalendarProvider, calendar: CalendarId) -> str:
        page = provider.changes(calendar, None, self._window(), Content())
        return str(sum(entry.busy not in {Busy.FREE, Busy.UNKNOWN} for entry in page.entries))

    def _write(self, provider: CalendarProvider, calendar: CalendarId) -> str:
        when = Timed(_PROBE_AT, _PROBE_AT + timedelta(minutes=15))
        probe = Copy(when, "Etc/UTC", _PROBE_TITLE, busy=Busy.FREE, is_private=True)
        mark = Mark(
            "connection-test", self.connection.account, ResourceId("test"), BookingId(self.ports.ids.short()), 1
        )
        written = provider.create(calendar, probe, mark, self.ports.ids.token())
        self._written.append((calendar, written.id))
        return ""

    def _delete(self, provider: CalendarProvider) -> str:
        calendar, entry = self._written.pop()
        provider.delete(calendar, entry, None)
        return ""

    def _push(self, provider: CalendarProvider, calendar: CalendarId) -> str:
        """The provider calls our address while it makes a subscription; that one is ended at once."""
        url = f"{self.public_url}/hooks/graph/{self.ports.ids.token()}"
        until = self.ports.clock.now() + _PUSH_FOR
        granted = provider.subscribe(calendar, url, f"{url}/lifecycle", self.ports.ids.token(), until)
        provider.unsubscribe(granted.subscription_id)
        return ""

    def _window(self) -> Window:
        now = self.ports.clock.now()
        return Window(now, now + timedelta(days=DAYS))


def _tried(name: str, part: Part, act: Callable[[], str]) -> ReportStep:
    try:
        return ReportStep(name, part, Outcome.OK, act())
    except CalsyncError as error:
        return ReportStep(name, part, Outcome.FAILED, code=error.code)


def _log(ports: JourneyPorts, connection: Connection, report: ConnectionReport) -> None:
    lines = [
        LogEntry(
            connection.account,
            resource,
            report.at,
            Reason.CONNECTION_TESTED,
            code=report.failure or None,
            is_problem=bool(report.failure),
        )
        for resource in connection.resources
    ]
    ports.stores.log.add(lines)
