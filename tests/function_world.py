"""The sync functions over a clinic in memory: bootstrap builds the handlers, only the concrete parts are exchanged.

What is exchanged is what talks to AWS, Microsoft and the booking system. Configuration, wiring, handlers and payloads
are the real ones.
"""

import hashlib
import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from calsync_core import bootstrap
from calsync_core.adapters.memory.outward import MemoryImporter, MemoryMailer, PlainSealer, SeededIds
from calsync_core.bootstrap import start_sync_function, sweep_function, sync_job_function
from calsync_core.domain.connections import Subscription
from calsync_core.domain.errors import ProviderUnavailableError
from calsync_core.domain.ids import AccountId, MailboxId, ResourceId
from calsync_core.ports.journeys import JourneyPorts
from calsync_core.web.mails import TemplateMailWriter

from tests.small_clinic import ACCOUNT, Clinic, a_clinic

EVENTS = Path(__file__).parents[1] / "events"
PATH = "Zk3vT9pQ0aWmX4uLr8sYb1Hc6Ne2Jg5Do7KfViRtBqE"
SECRET = "b0Rk2mVt7ZcQ9xLs4HdWf8PyEa1Nu6Jg3Ti5KoXrMvC"
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "TABLE_NAME": "calsync",
    "KEY_ARN": "arn:aws:kms:eu-central-1:1:key/1",
    "SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:1:secret:1",
    "QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/1/wishes",
    "PUBLIC_URL": "https://calsync.example",
    "HOST_URL": "http://127.0.0.1:9/host",
    "ACCOUNT_NAME": "City Clinic",
    "MAIL_SENDER": "calendar@clinic.example",
    "MAIL_REPLY_TO": "office@clinic.example",
    "SYNC_EXPRESS_ARN": "arn:aws:states:eu-central-1:1:stateMachine:change",
    "SYNC_STANDARD_ARN": "arn:aws:states:eu-central-1:1:stateMachine:import",
}
SYNC_FUNCTIONS = (
    bootstrap.graph_webhook,
    bootstrap.exchange_webhook,
    bootstrap.start_sync,
    bootstrap.sync_job,
    bootstrap.sweep,
)


def payload(function: str, case: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / function / f"{case}.json").read_text())
    return event


def cases(function: str) -> set[str]:
    return {path.stem for path in (EVENTS / function).glob("*.json")}


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def set_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def forget_handlers() -> None:
    for builder in SYNC_FUNCTIONS:
        builder.cache_clear()


class _Access:
    def __init__(self, clinic: Clinic) -> None:
        self._clinic = clinic

    def of_mailbox(self, account: AccountId, mailbox: MailboxId) -> Any:
        return self._clinic.providers[mailbox]


class _SilentBookingSystem:
    """The client of a booking system that does not answer."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def call(self, method: str, path: str, **_: object) -> dict[str, Any]:
        self.calls.append(f"{method} {path}")
        raise ProviderUnavailableError


class MemoryParts:
    """What bootstrap.parts.Parts gives, of the clinic."""

    def __init__(self, clinic: Clinic, mailer: MemoryMailer) -> None:
        self._clinic, self._mailer = clinic, mailer
        self.account, self.clock, self.ids = ACCOUNT, clinic.clock, SeededIds(7)
        self.stores, self.queue, self.calendars = clinic.stores, clinic.queue, _Access(clinic)
        self.installation = clinic.ports.installation
        self.booking_client = _SilentBookingSystem()

    def host(self, _account: AccountId) -> Any:
        return self._clinic.host

    def host_client(self, _account: AccountId) -> Any:
        return self.booking_client

    @cached_property
    def journeys(self) -> JourneyPorts:
        return JourneyPorts(
            stores=self.stores,
            mailer=self._mailer,
            writer=TemplateMailWriter("https://calsync.example", "City Clinic", b"l" * 32),
            clock=self.clock,
            queue=self.queue,
            ids=self.ids,
            sealer=PlainSealer(),
            sign_in=None,  # type: ignore[arg-type]
            exchange=None,  # type: ignore[arg-type]
            calendars=self.calendars,  # type: ignore[arg-type]
            host=self._clinic.host,
            redirect_uri="https://calsync.example/oauth/callback",
            text_version="1",
        )


class FunctionWorld:
    """A clinic with anna and ben, anna's calendar subscribed under PATH and SECRET."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, clinic: Clinic | None = None) -> None:
        self.clinic = clinic or a_clinic()
        self.mailer, self.importer = MemoryMailer(), MemoryImporter()
        self.parts = MemoryParts(self.clinic, self.mailer)
        for name in ("anna", "ben"):
            self.clinic.connect(name)
        self.subscribe("anna")
        set_environment(monkeypatch)
        self._exchange(monkeypatch)

    def _exchange(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clinic = self.clinic
        place = "calsync_core.adapters"
        monkeypatch.setattr(f"{place}.dynamodb.subscriptions.DynamoSubscriptions", lambda _: clinic.stores.connections)
        monkeypatch.setattr(f"{place}.aws.clock.SystemClock", lambda: clinic.clock)
        monkeypatch.setattr(f"{place}.aws.queue.SqsQueue", lambda *_: clinic.queue)
        monkeypatch.setattr(start_sync_function, "DynamoLeaseStore", lambda _: clinic.stores.leases)
        monkeypatch.setattr(start_sync_function, "DynamoDueStore", lambda _: clinic.stores.due)
        monkeypatch.setattr(start_sync_function, "StepFunctionsImporter", lambda *_: self.importer)
        monkeypatch.setattr(start_sync_function, "SystemClock", lambda: clinic.clock)
        for module in (sync_job_function, sweep_function):
            monkeypatch.setattr(module, "Parts", lambda *_, **__: self.parts)

    def subscribe(self, *resources: str) -> None:
        self.clinic.stores.connections.save_subscription(
            Subscription(
                hash_of(PATH), MailboxId("mbx-anna"), _primary(self.clinic), "sub-1",
                hash_of(SECRET), None, tuple(ResourceId(one) for one in resources), ACCOUNT,
            )
        )  # fmt: skip

    def call(self, function: str, case: str) -> Any:
        return handler(function)(payload(function, case), None)


def _primary(clinic: Clinic) -> Any:
    state = clinic.stores.resources.get(ACCOUNT, ResourceId("anna"))
    assert state is not None
    return state.primary


def handler(function: str) -> Callable[[dict[str, Any], object], Any]:
    """`lambda_handler` of functions/<function>/app.py."""
    from importlib import import_module

    found: Callable[[dict[str, Any], object], Any] = import_module(f"functions.{function}.app").lambda_handler
    return found


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """All that was handed to the logger, fields and tracebacks included; its stream is that of whoever made it."""
    return repr([vars(record) for record in caplog.records])
