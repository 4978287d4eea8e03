"""The booking system on moto's DynamoDB: a `System` for rules, a `Web` for its two faces."""

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
import requests
from calsync_core.hosts.reference.api import System
from calsync_core.hosts.reference.app import HostSettings, Lambda, build_app, build_system
from calsync_core.hosts.reference.documents import Booking
from calsync_core.hosts.reference.messages import NewBooking, NewResource, parse
from calsync_core.keys import host_key
from moto import mock_aws

SETTINGS = HostSettings("main", "Practice Weber", "calsync-test", "r" * 64, "https://calsync.example")
# A Saturday; the week after it is used for bookings.
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, span: timedelta) -> None:
        self.now += span


@dataclass
class Calsync:
    """The receiving end of events: what was posted, and how it answers."""

    status: int | None = 202
    posted: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        if self.status is None:
            raise requests.ConnectTimeout("nobody there")
        self.posted.append((url, body, headers))
        return self.status

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body, _ in self.posted]


class Serialised:
    """A client whose calls run one at a time: moto's transactions are not safe under threads, DynamoDB's are.

    Only single calls are serialised, so rivals still interleave between reading and writing.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.Lock()
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(**arguments: Any) -> Any:
            with self._lock:
                self.calls.append(name)
                return method(**arguments)

        return call


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        raw = boto3.client("dynamodb", region_name="eu-central-1")
        raw.create_table(
            TableName=SETTINGS.table_name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")],
            KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        )
        yield Serialised(raw)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def calsync() -> Calsync:
    return Calsync()


@pytest.fixture
def system(client: Any, clock: Clock, calsync: Calsync) -> System:
    """With one member of staff in Berlin, at work from Monday to Friday, and one room that is always open."""
    system = build_system(SETTINGS, client, post=calsync, clock=clock)
    hours = {"weekly": [{"day": day, "start": "09:00", "end": "17:00"} for day in ("mon", "tue", "wed", "thu", "fri")]}
    anna = {
        "id": "anna",
        "name": "Dr Anna Weber",
        "kind": "staff",
        "time_zone": "Europe/Berlin",
        "working_hours": hours,
    }
    room = {"id": "room4", "name": "Room 4", "kind": "room", "time_zone": "Europe/Berlin"}
    for resource in (anna, room):
        system.register.add(parse(NewResource, json.dumps(resource)))
    calsync.posted.clear()
    return system


def new_booking(start: str, end: str, **fields: Any) -> NewBooking:
    """Berlin wall times of the day 2026-11-23 (a Monday), or whole instants."""
    start, end = (f"2026-11-23T{text}:00+01:00" if len(text) == 5 else text for text in (start, end))
    return parse(NewBooking, json.dumps({"resource_ids": ["anna"], "start": start, "end": end} | fields))


def booked(system: System, start: str, end: str, **fields: Any) -> Booking:
    answer = system.desk.book(new_booking(start, end, **fields))
    return system.calendars.find(answer.body["id"]).booking


@dataclass(frozen=True)
class Person:
    account: str = "main"


class Door:
    """A sign-in that looks at one cookie, and form tokens made of it."""

    def read_session(self, event: Mapping[str, Any]) -> Person | None:
        cookie = {"session=anna": "main", "session=stranger": "other"}.get(event["headers"].get("cookie", ""))
        return Person(cookie) if cookie else None

    def form_token(self, event: Mapping[str, Any]) -> str:
        return "token of " + str(event["headers"]["cookie"])

    def is_form_token(self, event: Mapping[str, Any], token: str) -> bool:
        return token == self.form_token(event)


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Web:
    """Sends HTTP API events to the handler."""

    def __init__(self, handle: Lambda) -> None:
        self._handle = handle
        self.key = host_key(SETTINGS.root_key, SETTINGS.account)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answered:
        """An API call with the key; a str body is sent as it is."""
        raw = body if isinstance(body, str) else json.dumps(body) if body is not None else None
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(method, path, raw, {"authorization": f"Bearer {self.key}"} | headers)

    def page(self, path: str, cookie: str = "session=anna") -> Answered:
        return self.send("GET", path, None, {"cookie": cookie})

    def post(self, path: str, form: dict[str, str], cookie: str = "session=anna", token: str | None = None) -> Answered:
        """A posted form, base64 as API Gateway may send it."""
        token = f"token of {cookie}" if token is None else token
        raw = base64.b64encode(urlencode(form | {"csrf": token}).encode()).decode()
        headers = {"cookie": cookie, "content-type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, raw, headers, is_base64=True)

    def send(
        self, method: str, path: str, body: str | None, headers: dict[str, str], *, is_base64: bool = False
    ) -> Answered:
        path, _, query = path.partition("?")
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": headers,
            "requestContext": {"http": {"method": method, "path": path, "sourceIp": "127.0.0.1"}, "stage": "$default"},
            "body": body,
            "isBase64Encoded": is_base64,
        }
        answer = self._handle(event, None)
        found = {name.lower(): str(value) for name, value in (answer.get("headers") or {}).items()}
        return Answered(answer["statusCode"], found, answer.get("body") or "")


@pytest.fixture
def web(client: Any, system: System, clock: Clock, calsync: Calsync) -> Web:
    return Web(build_app(SETTINGS, client, Door(), post=calsync, clock=clock))
