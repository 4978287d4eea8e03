"""The connection test: every step once, in order, each with what was found or why not (ux.md 3.8).

A step that fails ends those that build on it; they are told as not tried. Nothing that is found holds a secret or
content of an entry. The test entry is private, free, a day long and twenty years back, and is deleted at once.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from calsync_core.adapters.exchange.calendar import ExchangeCalendarProvider
from calsync_core.adapters.exchange.client import EwsClient
from calsync_core.adapters.exchange.errors import EwsRefusedError
from calsync_core.adapters.exchange.folders import Calendars, Folder
from calsync_core.adapters.exchange.freebusy import free_busy_view
from calsync_core.adapters.exchange.people import resolve_name
from calsync_core.adapters.exchange.schemes import offered
from calsync_core.adapters.exchange.versions import product_of
from calsync_core.domain.appointments import AllDay, Busy, Copy, Mark
from calsync_core.domain.errors import CalsyncError, ConnectionBrokenError, ProviderUnavailableError
from calsync_core.domain.ids import AccountId, BookingId, CalendarId, EntryId, ResourceId
from calsync_core.domain.windows import Window
from calsync_core.ports.calendar import Content
from calsync_core.ports.exchange import Auth, ExchangeLogin, ExchangeServer, StepName, StepResult, TestStep, Trial

if TYPE_CHECKING:
    from calsync_core.adapters.exchange.signin import ServerSignIn

_Value = TypeVar("_Value")
_TEST_DAY = date(2006, 1, 2)
_LOOK = timedelta(days=14)
_SHOWN = {"ntlm": "NTLM", "basic": "Basic"}


@dataclass
class _So:
    """What earlier steps found."""

    url: str = ""
    schemes: list[Auth] = field(default_factory=list)
    server: ExchangeServer | None = None
    client: EwsClient | None = None
    provider: ExchangeCalendarProvider | None = None
    calendar: Folder | None = None
    written: EntryId | None = None


class Examination:
    def __init__(self, door: "ServerSignIn", trial: Trial) -> None:
        self._door = door
        self._trial = trial
        self._so = _So()

    def steps(self) -> Iterator[TestStep]:
        """Every StepName once."""
        open_: set[StepName] = set(StepName)
        try:
            for name, needs, act in self._plan():
                if needs - open_ or act is None:
                    open_.discard(name)
                    yield TestStep(name, StepResult.NOT_TRIED)
                    continue
                step = _timed(name, act)
                if step.result is not StepResult.OK:
                    open_.discard(name)
                yield step
        finally:
            if self._so.client is not None:
                self._so.client.close()

    def _plan(self) -> list[tuple[StepName, set[StepName], Callable[[], str] | None]]:
        name, tls, services = StepName.NAME_FOUND, StepName.SECURE_CONNECTION, StepName.WEB_SERVICES
        schemes, signed_in, mailbox = StepName.SIGN_IN_SCHEMES, StepName.SIGNED_IN, StepName.MAILBOX
        return [
            (name, set(), self._name),
            (tls, {name}, self._secure),
            (services, {tls}, self._services),
            (schemes, {services}, self._schemes),
            (signed_in, {schemes}, self._signed_in),
            (mailbox, {signed_in}, self._mailbox),
            (StepName.READ_CALENDAR, {mailbox}, self._read),
            (StepName.WRITE_ENTRY, {mailbox}, self._write),
            (StepName.DELETE_ENTRY, {StepName.WRITE_ENTRY}, self._delete),
            (StepName.CHANGE_MESSAGES, {mailbox}, self._push if self._trial.push_url else None),
            (StepName.FREE_BUSY, {mailbox}, self._free_busy),
        ]

    # -- general connection -------------------------------------------------------------------------------------

    def _name(self) -> str:
        trial = self._trial
        self._so.url = self._door.locate(trial.address, trial.login, trial.password, trial.hint)
        try:
            place = self._door.look_up(self._so.url)
        except ProviderUnavailableError as error:
            raise ConnectionBrokenError("server_not_found") if error.code == "name_not_found" else error from None
        return f"{place.host}: {', '.join(place.addresses[:4])}"

    def _secure(self) -> str:
        return self._door.shake_hands(self._so.url, self._trial.hint)

    def _services(self) -> str:
        answer, self._so.schemes = self._door.knock(self._so.url, self._trial.hint)
        return ", ".join(offered(answer))

    def _schemes(self) -> str:
        return ", ".join(_SHOWN[one] for one in self._so.schemes)

    def _signed_in(self) -> str:
        trial = self._trial
        server = self._door.probe(self._so.url, trial.login, trial.password, trial.hint)
        login = ExchangeLogin(server, trial.address, trial.login, trial.password, trial.access, trial.mailbox)
        self._so.server = server
        self._so.client = self._door.client(login)
        self._so.provider = ExchangeCalendarProvider(self._so.client)
        return f"{trial.login} ({_SHOWN[server.auth]}), {product_of(server.build)} {server.build}".strip()

    def _mailbox(self) -> str:
        client = _there(self._so.client)
        found = resolve_name(client, self._door.whose(client))
        self._so.calendar = Calendars(client).default()
        return found.address

    # -- send and receive data ----------------------------------------------------------------------------------

    def _read(self) -> str:
        calendar = _there(self._so.calendar)
        now = datetime.now(UTC)
        found = _there(self._so.provider).count(CalendarId(calendar.id), Window(now, now + _LOOK))
        return f"{found} in {_LOOK.days} days"

    def _write(self) -> str:
        calendar = CalendarId(_there(self._so.calendar).id)
        mark = Mark("connection-test", AccountId("none"), ResourceId("none"), BookingId("none"), 1)
        day = AllDay(_TEST_DAY, _TEST_DAY + timedelta(days=1))
        copy = Copy(day, "UTC", "calsync: connection test", busy=Busy.FREE, is_private=True)
        self._so.written = _there(self._so.provider).create(calendar, copy, mark, "connection-test").id
        return ""

    def _delete(self) -> str:
        provider, calendar = _there(self._so.provider), CalendarId(_there(self._so.calendar).id)
        written = _there(self._so.written)
        provider.delete(calendar, written, None)
        if provider.entries(calendar, [written], Content())[written] is not None:
            raise ProviderUnavailableError("entry_busy")
        return ""

    def _push(self) -> str:
        calendar = CalendarId(_there(self._so.calendar).id)
        until = datetime.now(UTC) + timedelta(hours=1)
        _there(self._so.provider).subscribe(calendar, self._trial.push_url, "", "", until)
        return ""

    def _free_busy(self) -> str:
        return free_busy_view(_there(self._so.client), self._trial.mailbox or self._trial.address)


def _there(value: _Value | None) -> _Value:
    """What an earlier step must have left."""
    if value is None:
        raise ProviderUnavailableError("message_unknown")
    return value


def _timed(name: StepName, act: Callable[[], str]) -> TestStep:
    began = time.monotonic()
    try:
        found = act()
    except EwsRefusedError as refused:
        return _failed(name, refused.error, began)
    except CalsyncError as error:
        return _failed(name, error, began)
    return TestStep(name, StepResult.OK, found, seconds=round(time.monotonic() - began, 3))


def _failed(name: StepName, error: CalsyncError, began: float) -> TestStep:
    seconds = round(time.monotonic() - began, 3)
    return TestStep(name, StepResult.FAILED, "", error.code, str(error.detail.get("provider_code", "")), seconds)
