"""Role accounts in memory: availability services that tests fill, and that count every question and password."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from calsync_core.domain.connection_report import Outcome, Part, ReportStep
from calsync_core.domain.errors import CalsyncError, InputError
from calsync_core.domain.free_busy import BusyTimes, joined, unknown
from calsync_core.domain.windows import Window
from calsync_core.ports.exchange import ExchangeLogin, Trial
from calsync_core.ports.role_accounts import AppLogin, QuestionLimits

LOGIN_URL = "https://login.example"


@dataclass
class MemoryFreeBusy:
    """One organisation's availability service. `schedules` by address; who is not there has no mailbox.

    `refusals` are mailboxes that fail for a reason, `refusal` is what every question runs into, `longest` what the
    server allows less than its kind usually does.
    """

    limits: QuestionLimits
    schedules: dict[str, BusyTimes] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    refusal: CalsyncError | None = None
    longest: timedelta | None = None
    key: str = "right"
    questions: list[tuple[tuple[str, ...], Window]] = field(default_factory=list)
    keys_seen: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def ask(self, addresses: Sequence[str], span: Window) -> dict[str, BusyTimes]:
        length = span.end_at - span.start_at
        if len(addresses) > self.limits.addresses or length > self.limits.span:
            raise AssertionError("the question is larger than the limits of the source")
        with self._lock:
            self.questions.append((tuple(addresses), span))
        if self.refusal is not None:
            raise self.refusal
        if self.longest is not None and length > self.longest:
            raise InputError("span_too_long")
        return {address: self._times(address.casefold(), span) for address in addresses}

    def close(self) -> None:
        """Nothing is held open."""

    def _times(self, address: str, span: Window) -> BusyTimes:
        if address in self.refusals:
            return unknown(span, self.refusals[address])
        if address not in self.schedules:
            return unknown(span, "mailbox_missing")
        return joined([self.schedules[address]], span)


def exchange_service() -> MemoryFreeBusy:
    return MemoryFreeBusy(QuestionLimits(100, timedelta(days=42), 1))


def office365_service() -> MemoryFreeBusy:
    return MemoryFreeBusy(QuestionLimits(20, timedelta(days=61), 4))


@dataclass
class MemoryRoleAccess:
    """ports.role_accounts.RoleAccountAccess. The key of a service is its password, secret or private key."""

    exchange: MemoryFreeBusy = field(default_factory=exchange_service)
    office365: MemoryFreeBusy = field(default_factory=office365_service)
    certificate_ends_at: datetime = datetime(2027, 11, 23, tzinfo=UTC)

    def at_exchange(self, login: ExchangeLogin) -> MemoryFreeBusy:
        return _opened(self.exchange, login.password)

    def at_office365(self, login: AppLogin) -> MemoryFreeBusy:
        return _opened(self.office365, login.secret or login.private_key)

    def examine_exchange(self, trial: Trial, about: str, span: Window) -> Iterator[ReportStep]:
        return _examined(self.exchange, trial.password, "signed_in", "password_wrong", about, span)

    def examine_office365(self, login: AppLogin, about: str, span: Window) -> Iterator[ReportStep]:
        key = login.secret or login.private_key
        return _examined(self.office365, key, "token_received", "role_key_refused", about, span)

    def directory_of(self, token_endpoint: str) -> str:
        parts = token_endpoint.strip().removeprefix(f"{LOGIN_URL}/").split("/")
        if not token_endpoint.strip().startswith(f"{LOGIN_URL}/") or not parts[0]:
            raise InputError("token_endpoint_invalid", field="token_endpoint")
        return parts[0]

    def token_endpoint_of(self, directory: str) -> str:
        return f"{LOGIN_URL}/{directory}/oauth2/v2.0/token"

    def certificate_end(self, certificate: str, private_key: str) -> datetime:
        if not certificate:
            raise InputError("certificate_unreadable", field="certificate")
        if not private_key:
            raise InputError("private_key_unreadable", field="private_key")
        return self.certificate_ends_at


def _opened(service: MemoryFreeBusy, key: str) -> MemoryFreeBusy:
    service.keys_seen.append(key)
    return service


def _examined(
    service: MemoryFreeBusy, key: str, step: str, refused: str, about: str, span: Window
) -> Iterator[ReportStep]:
    service.keys_seen.append(key)
    if key != service.key:
        yield ReportStep(step, Part.GENERAL, Outcome.FAILED, code=refused)
        yield ReportStep("free_busy", Part.DATA, Outcome.NOT_TRIED)
        return
    yield ReportStep(step, Part.GENERAL, Outcome.OK)
    try:
        found = service.ask([about], span)[about]
    except CalsyncError as error:
        yield ReportStep("free_busy", Part.DATA, Outcome.FAILED, code=error.code)
        return
    if found.reason:
        yield ReportStep("free_busy", Part.DATA, Outcome.FAILED, code=found.reason)
    else:
        yield ReportStep("free_busy", Part.DATA, Outcome.OK, str(len(found.intervals)))
